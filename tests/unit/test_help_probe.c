/* SPDX-License-Identifier: Apache-2.0 */
/* test_help_probe.c - ARP packets, and probes on a real bridge in a namespace of the test's own (root). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/nl.h"
#include "mesh/help_probe.h"
#include "netext/tap.h"

static struct {
	bool root;
	int tap, n;
	bool answered;
	struct cw_mac mac;
	struct cw_loop *loop;
} x;

/* A bridge "br0" with 10.9.0.1 and the port "t0", at whose other end the test is. */
static int setup(void **state)
{
	struct cw_prefix p;
	int s;

	(void)state;
	x.root = geteuid() == 0;
	if (!x.root)
		return 0;
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(ioctl(s, SIOCBRADDBR, "br0"), 0);
	assert_int_equal(ioctl(s, SIOCBRADDBR, "br1"), 0);
	close(s);
	assert_int_equal(tap_open("t0", &x.tap), 0);
	assert_int_equal(cw_nl_link_master("t0", "br0"), 0);
	assert_int_equal(cw_nl_link_up("t0", 0), 0);
	assert_int_equal(cw_nl_link_up("br0", 0), 0);
	assert_int_equal(cw_prefix_parse("10.9.0.1/24", &p), 0);
	assert_int_equal(cw_nl_addr_add("br0", &p), 0);
	return cw_loop_new(&x.loop);
}

static int teardown(void **state)
{
	(void)state;
	if (x.root)
		cw_fd_close(&x.tap);
	cw_loop_free(x.loop);
	return 0;
}

static void on_probed(void *ctx, bool answered, const struct cw_mac *mac)
{
	(void)ctx;
	x.n++;
	x.answered = answered;
	assert_true(answered == (mac != NULL));
	if (mac)
		x.mac = *mac;
}

static struct cw_ip ip(const char *text)
{
	struct cw_ip i;

	assert_int_equal(cw_ip_parse(text, &i), 0);
	return i;
}

static int probe(const char *bridge, const char *text, struct help_probe **ret_probe)
{
	struct cw_ip address = ip(text);
	struct cw_why why = { 0 };

	x.n = 0;
	return help_probe_new(x.loop, bridge, &address, on_probed, NULL, ret_probe, &why);
}

/* The next ARP request of the probe at the other end: what it asks. 0 when there is none. */
static int next_arp(struct help_arp *a)
{
	struct virtio_net_hdr v;
	uint8_t frame[2048];
	ssize_t n;

	while ((n = tap_read(x.tap, &v, frame, sizeof frame)) > 0)
		if (n >= 14 + HELP_ARP_SIZE && frame[12] == 8 && frame[13] == 6 &&
		    memcmp(frame, "\xff\xff\xff\xff\xff\xff", 6) == 0 &&
		    help_arp_parse(frame + 14, (size_t)n - 14, a) == 0)
			return 1;
	return 0;
}

static void say(const struct help_arp *a)
{
	static const struct virtio_net_hdr none;
	uint8_t frame[14 + HELP_ARP_SIZE] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 7, 8, 6 };

	help_arp_build(a, frame + 14);
	assert_int_equal(tap_write(x.tap, &none, &(struct iovec){ frame, sizeof frame }, 1), 0);
}

static void run(unsigned ms)
{
	uint64_t end = cw_clock_now_ms() + ms;

	while (x.n == 0 && cw_clock_now_ms() < end)
		assert_int_equal(cw_loop_turn(x.loop, 10), 0);
}

static void three_probes_and_no_answer(void **state)
{
	struct help_probe *p = NULL;
	struct help_arp a;
	uint64_t start = cw_clock_now_ms();
	int n = 0;

	(void)state;
	if (!x.root)
		skip();
	assert_int_equal(probe("br0", "10.9.0.9", &p), 0);
	assert_int_equal(x.n, 0);
	run(1500);
	assert_int_equal(x.n, 1);
	assert_false(x.answered);
	assert_in_range(cw_clock_now_ms() - start, 850, 2500);
	while (next_arp(&a)) {
		n++;
		assert_int_equal(a.op, 1);
		assert_int_equal(a.sender_ip.b[0] | a.sender_ip.b[1] | a.sender_ip.b[2] | a.sender_ip.b[3], 0);
		assert_int_equal(a.target_ip.b[3], 9);
		assert_int_equal(a.sender.b[0] & 1, 0);
	}
	assert_int_equal(n, HELP_PROBE_N);
	help_probe_free(p);
}

static void an_answer_ends_it(void **state)
{
	const struct help_arp no = {
		.op = 2, .sender = { { 2, 0, 0, 0, 0, 8 } }, .sender_ip = ip("10.9.0.8"), .target_ip = ip("10.9.0.9")
	};
	const struct help_arp yes = {
		.op = 2, .sender = { { 2, 0, 0, 0, 0, 7 } }, .sender_ip = ip("10.9.0.9"), .target_ip = ip("0.0.0.0")
	};
	struct help_probe *p = NULL;
	uint64_t start = cw_clock_now_ms();

	(void)state;
	if (!x.root)
		skip();
	assert_int_equal(probe("br0", "10.9.0.9", &p), 0);
	run(50);
	say(&no);                               /* somebody else */
	run(50);
	assert_int_equal(x.n, 0);
	say(&yes);
	run(500);
	assert_int_equal(x.n, 1);
	assert_true(x.answered);
	assert_int_equal(x.mac.b[5], 7);
	assert_true(cw_clock_now_ms() - start < 800);
	say(&yes);
	for (int i = 0; i < 10; i++)
		assert_int_equal(cw_loop_turn(x.loop, 5), 0);
	assert_int_equal(x.n, 1);               /* once */
	help_probe_free(p);
}

static void our_own_address(void **state)
{
	struct help_probe *p = NULL;
	struct help_arp a;

	(void)state;
	if (!x.root)
		skip();
	while (next_arp(&a))
		;
	assert_int_equal(probe("br0", "10.9.0.1", &p), 0);
	run(200);
	assert_true(x.n == 1 && x.answered);
	assert_int_equal(next_arp(&a), 0);
	help_probe_free(p);
}

static void what_cannot_be_probed(void **state)
{
	struct help_probe *p = NULL;

	(void)state;
	if (!x.root)
		skip();
	assert_int_equal(probe("br9", "10.9.0.9", &p), CW_E_NOT_FOUND);
	assert_int_equal(probe("t0", "10.9.0.9", &p), CW_E_INVALID);
	assert_int_equal(probe("br1", "10.9.0.9", &p), CW_E_INVALID);   /* down */
	assert_int_equal(probe("br0", "2001:db8::1", &p), CW_E_UNSUPPORTED);
	assert_null(p);
}

static void packets(void **state)
{
	const struct help_arp a = {
		.op = 1, .sender = { { 2, 0, 0, 0, 0, 7 } }, .sender_ip = ip("10.9.0.9"), .target_ip = ip("10.9.0.1")
	};
	uint8_t buf[HELP_ARP_SIZE + 18] = { 0 };
	struct help_arp b;

	(void)state;
	help_arp_build(&a, buf);
	assert_int_equal(help_arp_parse(buf, HELP_ARP_SIZE, &b), 0);
	assert_int_equal(help_arp_parse(buf, sizeof buf, &b), 0);       /* padding */
	assert_int_equal(b.op, 1);
	assert_memory_equal(b.sender.b, a.sender.b, 6);
	assert_true(cw_ip_equal(&b.sender_ip, &a.sender_ip) && cw_ip_equal(&b.target_ip, &a.target_ip));
	for (size_t n = 0; n < HELP_ARP_SIZE; n++) {
		uint8_t *exact = malloc(n ? n : 1);

		assert_non_null(exact);
		memcpy(exact, buf, n);
		assert_int_equal(help_arp_parse(exact, n, &b), CW_E_TRUNC);
		free(exact);
	}
	/* Hardware, protocol, both lengths, operation. */
	for (size_t i = 0; i < 8; i++) {
		uint8_t was = buf[i];

		buf[i] ^= 0x40;
		assert_int_equal(help_arp_parse(buf, HELP_ARP_SIZE, &b), CW_E_UNSUPPORTED);
		buf[i] = was;
	}
	buf[7] = 3;
	assert_int_equal(help_arp_parse(buf, HELP_ARP_SIZE, &b), CW_E_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets),
		cmocka_unit_test(three_probes_and_no_answer),
		cmocka_unit_test(an_answer_ends_it),
		cmocka_unit_test(our_own_address),
		cmocka_unit_test(what_cannot_be_probed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
