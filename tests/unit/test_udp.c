/* SPDX-License-Identifier: Apache-2.0 */
/* test_udp.c - telling datagrams apart, and batches through the loop on loopback addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "interconnect/udp.h"

/* ---- classify ---- */

static void datagrams_are_told_apart(void **state)
{
	static const struct {
		uint8_t data[12];
		size_t size;
		enum udp_kind want;
	} rows[] = {
		{ { 0 }, 0, UDP_BAD },
		{ { 0xff }, 1, UDP_KEEPALIVE },
		{ { 0xfe }, 1, UDP_BAD },
		{ { 0 }, 1, UDP_BAD },
		{ { 0xff, 0xff }, 2, UDP_BAD },
		{ { 0, 0, 0, 0 }, 4, UDP_BAD },
		{ { 0, 0, 1, 0, 0, 0, 1 }, 7, UDP_BAD },
		{ { 0, 0, 1, 0, 0, 0, 0, 1 }, 8, UDP_ESP },
		{ { 0xff, 0, 0, 0, 0, 0, 0, 1 }, 8, UDP_ESP },
		{ { 0, 0, 0, 0, 1, 2, 3, 4 }, 8, UDP_IKE },
		{ { 0, 0, 0, 1, 1, 2, 3, 4 }, 8, UDP_ESP },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		uint8_t *exact = malloc(rows[i].size ? rows[i].size : 1);

		assert_non_null(exact);
		memcpy(exact, rows[i].data, rows[i].size);
		assert_int_equal(udp_classify(exact, rows[i].size), rows[i].want);
		free(exact);
	}
}

/* ---- sockets ---- */

enum { KINDS = UDP_BAD + 1 };

struct side {
	struct cw_endpoint at;
	struct udp *udp;
	struct cw_stat stat;
	size_t n[KINDS], bytes;
	uint8_t last[64];
	uint8_t tos[256];               /* of the datagrams in their order */
	struct cw_endpoint from;
};

struct pair {
	struct cw_loop *loop;
	struct side a, b;
};

/* An address of our own below 127/8, so that tests run side by side. */
static struct cw_endpoint own(uint8_t net)
{
	struct cw_endpoint ep = { { AF_INET, { 127, net, (uint8_t)(getpid() >> 8), (uint8_t)getpid() } }, 4500 };

	return ep;
}

static size_t total(const struct side *s)
{
	size_t n = 0;

	for (size_t i = 0; i < KINDS; i++)
		n += s->n[i];
	return n;
}

static void on_input(void *ctx, const struct cw_endpoint *from, uint8_t *data, size_t size)
{
	struct side *s = ctx;

	s->tos[total(s) % sizeof s->tos] = udp_tos(s->udp);
	s->n[udp_classify(data, size)]++;
	s->bytes += size;
	s->from = *from;
	memcpy(s->last, data, CW_MIN(size, sizeof s->last));
}

static int setup_at(void **state, const struct cw_endpoint *a, const struct cw_endpoint *b)
{
	struct pair *p = calloc(1, sizeof *p);

	assert_non_null(p);
	p->a.at = *a;
	p->b.at = *b;
	assert_int_equal(cw_loop_new(&p->loop), 0);
	assert_int_equal(udp_new(p->loop, &p->a.at, on_input, &p->a, &p->a.stat, &p->a.udp), 0);
	assert_int_equal(udp_new(p->loop, &p->b.at, on_input, &p->b, &p->b.stat, &p->b.udp), 0);
	*state = p;
	return 0;
}

static int setup(void **state)
{
	const struct cw_endpoint a = own(71), b = own(72);

	return setup_at(state, &a, &b);
}

/* IPv6 has one loopback address: the ports differ, and are below those that the kernel gives out. */
static int setup_v6(void **state)
{
	struct cw_endpoint a = { { AF_INET6, { [15] = 1 } }, (uint16_t)(10000 + getpid() % 10000) }, b = a;

	b.port = (uint16_t)(b.port + 10000);
	return setup_at(state, &a, &b);
}

static int teardown(void **state)
{
	struct pair *p = *state;

	udp_free(p->a.udp);
	udp_free(p->b.udp);
	cw_loop_free(p->loop);
	free(p);
	return 0;
}

static void turn_until(struct pair *p, const struct side *s, size_t want)
{
	for (int i = 0; i < 200 && total(s) < want; i++)
		assert_int_equal(cw_loop_turn(p->loop, 50), 0);
	assert_int_equal(total(s), want);
}

static void put_esp(struct side *s, const struct cw_endpoint *to, uint8_t seq, size_t size)
{
	uint8_t *slot = udp_slot(s->udp);

	memset(slot, 0, size);
	slot[0] = 0xc0;
	slot[7] = seq;
	udp_commit(s->udp, to, size);
}

static void a_queue_leaves_by_itself(void **state)
{
	struct pair *p = *state;

	put_esp(&p->a, &p->b.at, 1, 100);
	turn_until(p, &p->b, 1);
	assert_int_equal(p->b.n[UDP_ESP], 1);
	assert_int_equal(p->b.bytes, 100);
	assert_true(cw_endpoint_equal(&p->b.from, &p->a.at));
}

static void more_than_a_batch_arrives_whole_and_in_order(void **state)
{
	struct pair *p = *state;
	enum { N = UDP_BATCH * 2 + 6 };

	for (size_t i = 0; i < N; i++)
		put_esp(&p->a, &p->b.at, (uint8_t)i, 1400);
	turn_until(p, &p->b, N);
	assert_int_equal(p->b.n[UDP_ESP], N);
	assert_int_equal(p->b.bytes, N * 1400);
	assert_int_equal(p->b.last[7], (N - 1) % 256);
}

static void ike_gets_its_marker_and_keepalives_are_one_byte(void **state)
{
	struct pair *p = *state;
	static const uint8_t msg[28] = { 0xaa, 0xbb }, marked[6] = { 0, 0, 0, 0, 0xaa, 0xbb };

	udp_send_ike(p->a.udp, &p->b.at, msg, sizeof msg);
	turn_until(p, &p->b, 1);
	assert_int_equal(p->b.n[UDP_IKE], 1);
	assert_int_equal(p->b.bytes, UDP_MARKER + sizeof msg);
	assert_memory_equal(p->b.last, marked, sizeof marked);
	udp_send_keepalive(p->a.udp, &p->b.at);
	turn_until(p, &p->b, 2);
	assert_int_equal(p->b.n[UDP_KEEPALIVE], 1);
}

static void what_does_not_fit_is_counted_and_not_sent(void **state)
{
	struct pair *p = *state;
	static uint8_t msg[UDP_DATAGRAM_MAX];

	udp_send_ike(p->a.udp, &p->b.at, msg, sizeof msg);
	assert_int_equal(p->a.stat.n[CW_STAT_DROP_TX], 1);
	put_esp(&p->a, &p->b.at, 9, 64);
	turn_until(p, &p->b, 1);
	assert_int_equal(p->b.last[7], 9);
}

static void one_that_cannot_be_sent_does_not_hold_up_the_others(void **state)
{
	struct pair *p = *state;
	const struct cw_endpoint nowhere = { { AF_INET, { 127, 0, 0, 1 } }, 0 };       /* port 0 is refused */

	put_esp(&p->a, &p->b.at, 1, 64);
	put_esp(&p->a, &nowhere, 2, 64);
	put_esp(&p->a, &p->b.at, 3, 64);
	udp_flush(p->a.udp);
	turn_until(p, &p->b, 2);
	assert_int_equal(p->b.last[7], 3);
	assert_int_equal(p->a.stat.n[CW_STAT_DROP_TX], 1);
}

static void a_datagram_that_was_cut_off_is_dropped(void **state)
{
	struct pair *p = *state;
	static uint8_t big[UDP_DATAGRAM_MAX + 1];
	struct sockaddr_storage sa;
	socklen_t len;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	memset(big, 0xc0, sizeof big);
	assert_true(fd >= 0);
	cw_endpoint_to_sockaddr(&p->b.at, &sa, &len);
	assert_int_equal(sendto(fd, big, sizeof big, 0, (struct sockaddr *)&sa, len), sizeof big);
	assert_int_equal(sendto(fd, big, UDP_DATAGRAM_MAX, 0, (struct sockaddr *)&sa, len), UDP_DATAGRAM_MAX);
	close(fd);
	turn_until(p, &p->b, 1);
	assert_int_equal(p->b.bytes, UDP_DATAGRAM_MAX);
	assert_int_equal(p->b.stat.n[CW_STAT_DROP_MALFORMED], 1);
}

/* ---- many datagrams in one message ---- */

enum { MANY = 1000 };

/* Datagram I of a series, recognised by its bytes. */
static size_t put_many(struct side *s, const struct cw_endpoint *to, size_t i)
{
	static const size_t sizes[] = { 1400, 1400, 1400, 1400, 1400, 700,  1400, 64,
					64,   1,    8,	  9000, 1400, 1400, 1401, 1400 };
	size_t size = CW_MAX(sizes[i % CW_COUNT(sizes)], (size_t)8);
	uint8_t *slot = udp_slot(s->udp);

	for (size_t k = 0; k < size; k++)
		slot[k] = (uint8_t)(0xc0 + i + k);
	udp_commit_tos(s->udp, to, size, i / 100 % 2 ? 0x2e << 2 : 0);
	return size;
}

struct check {
	struct side *side;
	size_t n, n_batches;
	const uint8_t *kept[MANY];      /* of the batch that is under way */
	size_t first;
};

static struct check check;

static void on_many(void *ctx, const struct cw_endpoint *from, uint8_t *data, size_t size)
{
	(void)ctx;
	(void)from;
	for (size_t k = 0; k < size; k++)
		if (data[k] != (uint8_t)(0xc0 + check.n + k))
			fail_msg("datagram %zu: byte %zu of %zu", check.n, k, size);
	assert_int_equal(udp_tos(check.side->udp), check.n / 100 % 2 ? 0x2e << 2 : 0);
	assert_true(check.n < MANY);
	check.kept[check.n++] = data;
}

/* What came in the batch is still there. */
static void on_many_batch(void *ctx)
{
	(void)ctx;
	for (; check.first < check.n; check.first++)
		assert_int_equal(check.kept[check.first][0], (uint8_t)(0xc0 + check.first));
	check.n_batches++;
}

static void every_size_arrives_in_order_and_lives_until_the_batch_is_over(void **state)
{
	struct pair *p = *state;
	struct cw_loop *loop = p->loop;

	udp_free(p->b.udp);
	check = (struct check){ .side = &p->b };
	assert_int_equal(udp_new(loop, &p->b.at, on_many, &check, &p->b.stat, &p->b.udp), 0);
	udp_on_batch(p->b.udp, on_many_batch);
	for (size_t i = 0; i < MANY; i++) {
		(void)put_many(&p->a, &p->b.at, i);
		if (i % 64 == 63)
			assert_int_equal(cw_loop_turn(loop, 0), 0);
	}
	for (int i = 0; i < 200 && check.n < MANY; i++)
		assert_int_equal(cw_loop_turn(loop, 50), 0);
	assert_int_equal(check.n, MANY);
	assert_int_equal(check.first, MANY);
	assert_true(check.n_batches > 0);
	assert_int_equal(p->a.stat.n[CW_STAT_DROP_TX], 0);
	assert_int_equal(p->b.stat.n[CW_STAT_DROP_MALFORMED], 0);
}

/* Two places in turn: nothing is mixed up. */
static void places_in_turn(void **state)
{
	struct pair *p = *state;

	for (size_t i = 0; i < 100; i++) {
		put_esp(&p->a, &p->b.at, (uint8_t)i, 200);
		put_esp(&p->a, &p->a.at, (uint8_t)i, 300);
	}
	turn_until(p, &p->a, 100);
	turn_until(p, &p->b, 100);
	assert_int_equal(p->a.bytes, 100 * 300);
	assert_int_equal(p->b.bytes, 100 * 200);
}

/* How many messages the kernel gets: as it hands them to a socket that takes many datagrams at once. */
static void a_run_is_one_message(void **state)
{
	struct pair *p = *state;
	static uint8_t buf[65536];
	struct cw_endpoint at = own(73);
	struct sockaddr_storage sa;
	socklen_t len;
	const int one = 1;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	ssize_t n;
	size_t messages = 0, bytes = 0;

	cw_endpoint_to_sockaddr(&at, &sa, &len);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	if (setsockopt(fd, SOL_UDP, UDP_GRO, &one, sizeof one) < 0)
		skip();
	for (size_t i = 0; i < 40; i++)
		put_esp(&p->a, &at, (uint8_t)i, i == 39 ? 100 : 1400);
	udp_flush(p->a.udp);
	while ((n = recv(fd, buf, sizeof buf, MSG_DONTWAIT)) > 0) {
		messages++;
		bytes += (size_t)n;
	}
	close(fd);
	assert_int_equal(bytes, 39 * 1400 + 100);
	assert_int_equal(messages, 1);
}

/* A run that does not fit the link is counted whole, and what comes behind it leaves; IKE is fragmented. */
static void runs_that_do_not_fit_the_link(void **state)
{
	struct ifreq req = { .ifr_name = "lo", .ifr_mtu = 1280 };
	static const uint8_t msg[3000] = { 0xaa };
	int fd;

	if (unshare(CLONE_NEWNET) < 0)
		skip();
	assert_true((fd = socket(AF_INET, SOCK_DGRAM, 0)) >= 0);
	assert_int_equal(ioctl(fd, SIOCSIFMTU, &req), 0);
	req.ifr_flags = IFF_UP;
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &req), 0);
	close(fd);
	assert_int_equal(setup(state), 0);
	struct pair *p = *state;

	for (size_t i = 0; i < 8; i++)
		put_esp(&p->a, &p->b.at, (uint8_t)i, 1400);
	for (size_t i = 0; i < 8; i++)
		put_esp(&p->a, &p->b.at, (uint8_t)i, 1200);
	udp_send_ike(p->a.udp, &p->b.at, msg, sizeof msg);
	turn_until(p, &p->b, 9);
	assert_int_equal(p->b.n[UDP_ESP], 8);
	assert_int_equal(p->b.n[UDP_IKE], 1);
	assert_int_equal(p->b.bytes, 8 * 1200 + UDP_MARKER + sizeof msg);
	assert_int_equal(p->a.stat.n[CW_STAT_DROP_TX], 8);
	teardown(state);
}

static void put_tos(struct side *s, const struct cw_endpoint *to, uint8_t tos)
{
	uint8_t *slot = udp_slot(s->udp);

	memset(slot, 0xc0, 64);
	if (tos)
		udp_commit_tos(s->udp, to, 64, tos);
	else
		udp_commit(s->udp, to, 64);
}

/* Each in its place: a slot that had one does not keep it. */
static void every_tos_gets_through(void **state)
{
	struct pair *p = *state;

	for (size_t i = 0; i < 256; i++)
		put_tos(&p->a, &p->b.at, (uint8_t)i);
	turn_until(p, &p->b, 256);
	for (size_t i = 0; i < 256; i++)
		assert_int_equal(p->b.tos[i], i);
	for (size_t i = 0; i < 256; i++)
		put_tos(&p->a, &p->b.at, i % 3 ? 0 : 0xb8);
	turn_until(p, &p->b, 512);
	for (size_t i = 0; i < 256; i++)
		assert_int_equal(p->b.tos[i], i % 3 ? 0 : 0xb8);
}

/* TEST RFC 3948 s2.1: whether there is a checksum depends on the sender. */
static void without_a_checksum_it_is_taken(void **state)
{
	struct pair *p = *state;
	bool v6 = p->b.at.ip.family == AF_INET6;
	int fd = socket(p->b.at.ip.family, SOCK_DGRAM, 0), one = 1;
	struct sockaddr_storage sa;
	socklen_t len;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, v6 ? IPPROTO_UDP : SOL_SOCKET, v6 ? UDP_NO_CHECK6_TX : SO_NO_CHECK, &one, sizeof one), 0);
	cw_endpoint_to_sockaddr(&p->b.at, &sa, &len);
	assert_int_equal(sendto(fd, "\xc0-------", 8, 0, (struct sockaddr *)&sa, len), 8);
	close(fd);
	turn_until(p, &p->b, 1);
	assert_int_equal(p->b.n[UDP_ESP], 1);
}

static void an_address_that_is_not_ours_is_refused(void **state)
{
	struct pair *p = *state;
	const struct cw_endpoint foreign = { { AF_INET, { 192, 0, 2, 1 } }, 4500 };
	struct udp *u = NULL;

	assert_int_equal(udp_new(p->loop, &foreign, on_input, &p->a, &p->a.stat, &u), -EADDRNOTAVAIL);
	assert_null(u);
	assert_int_equal(udp_new(p->loop, &p->a.at, on_input, &p->a, &p->a.stat, &u), -EADDRINUSE);
	assert_null(u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(datagrams_are_told_apart),
		cmocka_unit_test_setup_teardown(a_queue_leaves_by_itself, setup, teardown),
		cmocka_unit_test_setup_teardown(more_than_a_batch_arrives_whole_and_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(ike_gets_its_marker_and_keepalives_are_one_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(what_does_not_fit_is_counted_and_not_sent, setup, teardown),
		cmocka_unit_test_setup_teardown(one_that_cannot_be_sent_does_not_hold_up_the_others, setup, teardown),
		cmocka_unit_test_setup_teardown(a_datagram_that_was_cut_off_is_dropped, setup, teardown),
		cmocka_unit_test_setup_teardown(every_tos_gets_through, setup, teardown),
		cmocka_unit_test_setup_teardown(every_tos_gets_through, setup_v6, teardown),
		cmocka_unit_test_setup_teardown(without_a_checksum_it_is_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(without_a_checksum_it_is_taken, setup_v6, teardown),
		cmocka_unit_test_setup_teardown(an_address_that_is_not_ours_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(every_size_arrives_in_order_and_lives_until_the_batch_is_over, setup,
						teardown),
		cmocka_unit_test_setup_teardown(places_in_turn, setup, teardown),
		cmocka_unit_test_setup_teardown(a_run_is_one_message, setup, teardown),
		cmocka_unit_test(runs_that_do_not_fit_the_link), /* the last: it leaves the network */
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
