/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_tundev.c - TCP and UDP through a TUN device that is a mirror: what is read goes back with its addresses
 * exchanged, so that the kernel talks to itself in packets of the MTU, which it gives and takes in large units. In a
 * network namespace of the test's own; skipped where none can be made.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "interconnect/base/addr.h"
#include "interconnect/base/loop.h"
#include "interconnect/base/nl.h"
#include "interconnect/tun.h"
#include "interconnect/tundev.h"
#include "tests/lib/gso_unit.h"

enum { MTU = 1400, NARROW = 1000, KEPT = 4096, STREAM = 8 << 20, TURNS = 20000 };

static uint16_t port = 5000;            /* another one for each test: the last may still linger */

static struct {
	struct cw_loop *loop;
	struct tundev *dev;
	struct cw_stat stat;
	uint8_t kept[KEPT][MTU];
	size_t n_kept, n, largest;
	bool corrupt;                   /* one packet, once */
} x;

static void on_packet(void *ctx, uint8_t *pkt, size_t size)
{
	uint8_t *copy = x.kept[x.n_kept++ % KEPT];

	assert_ptr_equal(ctx, &x);
	assert_true(size <= MTU && x.n_kept < KEPT);
	assert_int_equal(unit_check(pkt, size, 0, 20), 0);
	memcpy(copy, pkt, size);
	memcpy(copy + 12, pkt + 16, 4);
	memcpy(copy + 16, pkt + 12, 4);
	if (x.corrupt && size > 500) {
		copy[300] ^= 1;
		x.corrupt = false;
	}
	tundev_put(x.dev, copy, size);
	x.largest = CW_MAX(x.largest, size);
	x.n++;
}

static void turn(void)
{
	assert_int_equal(cw_loop_turn(x.loop, 1), 0);
	tundev_flush(x.dev);
	x.n_kept = 0;
}

static int setup(void **state)
{
	struct cw_prefix p;

	(void)state;
	if (access("/dev/net/tun", R_OK | W_OK) < 0 || unshare(CLONE_NEWNET) < 0)
		return 0;
	assert_int_equal(cw_loop_new(&x.loop), 0);
	assert_int_equal(tundev_new(x.loop, "mirror", MTU, on_packet, &x, &x.stat, &x.dev), 0);
	assert_int_equal(cw_prefix_parse("10.9.0.1/24", &p), 0);
	assert_int_equal(cw_nl_addr_add("mirror", &p), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tundev_free(x.dev);
	cw_loop_free(x.loop);
	return 0;
}

/* Packets, as the kernel counts them, that the device was given (FIELD 1) or gave (FIELD 9). */
static unsigned long device(int field)
{
	char line[256];
	FILE *f = fopen("/proc/net/dev", "r");
	unsigned long n = 0;

	assert_non_null(f);
	while (fgets(line, sizeof line, f)) {
		char *p = strstr(line, "mirror:");

		for (int i = 0; p && i <= field; i++)
			p = i == 0 ? p + 7 : strpbrk(p + strspn(p, " "), " ");
		if (p)
			n = strtoul(p, NULL, 10);
	}
	fclose(f);
	return n;
}

static struct sockaddr_in at(const char *address)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port) };

	assert_int_equal(inet_pton(AF_INET, address, &sa.sin_addr), 1);
	return sa;
}

static int listen_at(int type)
{
	const struct sockaddr_in here = at("10.9.0.1");
	int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&here, sizeof here), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* STREAM bytes through the mirror; each must come as it went. */
static void stream(void)
{
	const struct sockaddr_in there = (port++, at("10.9.0.2"));
	int server = listen_at(SOCK_STREAM), out = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), in = -1;
	uint8_t *sent = malloc(STREAM), *buf = malloc(STREAM);
	size_t n_sent = 0, n_got = 0;

	assert_true(sent && buf);
	for (size_t i = 0; i < STREAM; i++)
		sent[i] = (uint8_t)unit_rand();
	assert_int_equal(connect(out, (const struct sockaddr *)&there, sizeof there), -1);
	assert_int_equal(errno, EINPROGRESS);
	for (int i = 0; i < TURNS && n_got < STREAM; i++) {
		ssize_t n;

		turn();
		if (in < 0)
			in = accept4(server, NULL, NULL, SOCK_NONBLOCK);
		if (in < 0)
			continue;
		if ((n = write(out, sent + n_sent, STREAM - n_sent)) > 0)
			n_sent += (size_t)n;
		if ((n = read(in, buf + n_got, STREAM - n_got)) > 0)
			n_got += (size_t)n;
	}
	assert_int_equal(n_got, STREAM);
	assert_memory_equal(buf, sent, STREAM);
	free(sent);
	free(buf);
	close(in);
	close(out);
	close(server);
}

static void tcp_in_large_units(void **state)
{
	unsigned long given = device(1), taken = device(9);

	(void)state;
	if (!x.dev)
		skip();
	x.n = x.largest = 0;
	stream();
	assert_int_equal(x.largest, MTU);
	assert_true(x.n > STREAM / MTU);
	assert_true((device(1) - given) * 3 < x.n);
	assert_true((device(9) - taken) * 3 < x.n);
	assert_int_equal(x.stat.n[CW_STAT_DROP_TX], 0);
	assert_int_equal(x.stat.n[CW_STAT_DROP_MALFORMED], 0);
}

/* The kernel finds out by itself and sends once more. */
static void a_corrupt_packet_is_not_mended(void **state)
{
	(void)state;
	if (!x.dev)
		skip();
	x.corrupt = true;
	stream();
	assert_false(x.corrupt);
}

/* Narrower than the device: units are cut to that. */
static void a_narrower_path(void **state)
{
	(void)state;
	if (!x.dev)
		skip();
	tundev_set_mtu(x.dev, NARROW);
	x.n = x.largest = 0;
	stream();
	assert_int_equal(x.largest, NARROW);
	tundev_set_mtu(x.dev, MTU);
}

static void datagrams_keep_their_borders(void **state)
{
	const struct sockaddr_in there = (port++, at("10.9.0.2"));
	uint8_t buf[2000];
	int in, out;

	(void)state;
	if (!x.dev)
		skip();
	in = listen_at(SOCK_DGRAM);
	out = socket(AF_INET, SOCK_DGRAM, 0);
	for (int round = 0; round < 20; round++) {
		int n = 0;

		for (int i = 0; i < 20; i++) {
			size_t size = i == 12 ? 700 : 1000;

			memset(buf, i, size);
			assert_int_equal(sendto(out, buf, size, 0, (const struct sockaddr *)&there, sizeof there),
					 size);
		}
		for (int i = 0; i < TURNS && n < 20; i++) {
			turn();
			for (ssize_t size; (size = recv(in, buf, sizeof buf, 0)) >= 0; n++) {
				assert_int_equal(size, n == 12 ? 700 : 1000);
				assert_int_equal(buf[0], n);
				assert_int_equal(buf[size - 1], n);
			}
		}
		assert_int_equal(n, 20);
	}
	close(in);
	close(out);
	assert_int_equal(x.stat.n[CW_STAT_DROP_TX], 0);
}

static void what_is_no_packet_is_not_taken(void **state)
{
	static const uint8_t junk[40] = { 0x00 };

	(void)state;
	if (!x.dev)
		skip();
	assert_int_equal(tundev_write(x.dev, junk, sizeof junk), -EINVAL);
	tundev_put(x.dev, junk, sizeof junk);
	tundev_flush(x.dev);
	assert_int_equal(x.stat.n[CW_STAT_DROP_TX], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_in_large_units), cmocka_unit_test(a_corrupt_packet_is_not_mended),
		cmocka_unit_test(a_narrower_path), cmocka_unit_test(datagrams_keep_their_borders),
		cmocka_unit_test(what_is_no_packet_is_not_taken),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
