/* SPDX-License-Identifier: Apache-2.0 */
/* test_vtep.c - frames between two VTEPs over a tunnel that is a queue; what must not come through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/rand.h"
#include "netext/eth.h"
#include "netext/frag.h"
#include "netext/vtep.h"
#include "tests/lib/gso_unit.h"

enum { QUEUE = 64, MTU = 1438 };

/* A tunnel that keeps what was sent until the test hands it to the other side. */
struct tun {
	struct tun_conf conf;
	struct cw_stat stat;
	size_t mtu;
	int send_r;
	const struct tun_ops *ops;
	void *ctx;
	uint8_t *queue[QUEUE];
	size_t sizes[QUEUE], n;
};

int tun_send(struct tun *t, uint32_t flow, uint8_t *pkt, size_t size)
{
	(void)flow;
	if (t->send_r < 0)
		return t->send_r;
	assert_true(size <= t->mtu && t->n < QUEUE);
	memset(pkt + size, 0xee, TUN_TAIL);     /* as the ESP trailer does */
	t->queue[t->n] = malloc(size);
	memcpy(t->queue[t->n], pkt, size);
	t->sizes[t->n++] = size;
	return 0;
}

size_t tun_inner_mtu(const struct tun *t)
{
	return t->mtu;
}

void tun_subscribe(struct tun *t, const struct tun_ops *ops, void *ctx)
{
	t->ops = ops;
	t->ctx = ctx;
}

const struct tun_conf *tun_conf(const struct tun *t)
{
	return &t->conf;
}

struct cw_stat *tun_stat(struct tun *t)
{
	return &t->stat;
}

struct setup {
	struct tun a, b;
	struct vtep *va, *vb;
	uint8_t frame[VTEP_FRAME_MAX];          /* what the last test sent */
	size_t size, n_got, n_written;
	bool refuse;
	uint8_t tos;                            /* to send with */
	uint8_t got[VTEP_FRAME_MAX];
	const void *got_ctx;
	enum tun_state got_state;
	bool equal;
};

static struct setup *now_testing;

static bool on_frame(void *ctx, const uint8_t *frame, size_t size)
{
	struct setup *x = now_testing;

	x->got_ctx = ctx;
	memcpy(x->got, frame, size);
	x->equal = size == x->size && memcmp(frame, x->frame, size) == 0;
	return !x->refuse;
}

static void on_write(void *ctx, const struct virtio_net_hdr *v, const struct iovec *iov, size_t n, size_t packets,
		     size_t bytes)
{
	struct setup *x = now_testing;

	assert_ptr_equal(ctx, x->got_ctx);
	x->n_got += packets;
	x->n_written++;
	if (packets > 1) {
		assert_int_equal(v->gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
		assert_int_equal(n, packets + 1);
		return;
	}
	x->equal &= n == 1 && bytes == x->size && iov[0].iov_len == bytes &&
		    memcmp(iov[0].iov_base, x->frame, bytes) == 0;
}

static void on_state(void *ctx, enum tun_state s)
{
	(void)ctx;
	now_testing->got_state = s;
}

static const struct vtep_ops ops = { on_frame, on_write, on_state };
static char web[] = "web", db[] = "db";

static void prefix(const char *text, struct cw_prefix *ret)
{
	assert_int_equal(cw_prefix_parse(text, ret), 0);
}

static int setup(void **state)
{
	struct setup *x = calloc(1, sizeof *x);

	assert_non_null(x);
	prefix("10.71.1.1/32", &x->a.conf.local_ts);
	prefix("10.71.2.1/32", &x->a.conf.remote_ts);
	x->b.conf.local_ts = x->a.conf.remote_ts;
	x->b.conf.remote_ts = x->a.conf.local_ts;
	x->a.mtu = x->b.mtu = MTU;
	assert_int_equal(vtep_new(&x->a, &x->va), 0);
	assert_int_equal(vtep_new(&x->b, &x->vb), 0);
	assert_int_equal(vtep_add(x->vb, 77, &ops, web), 0);
	assert_int_equal(vtep_add(x->vb, 3, &ops, db), 0);
	cw_clock_set_us(1000 * 1000);
	now_testing = x;
	*state = x;
	return 0;
}

static void forget(struct tun *t)
{
	while (t->n > 0)
		free(t->queue[--t->n]);
}

static int teardown(void **state)
{
	struct setup *x = *state;

	vtep_free(x->va);
	vtep_free(x->vb);
	forget(&x->a);
	free(x);
	cw_clock_real();
	return 0;
}

static int transmit(struct setup *x, uint32_t vni, size_t size)
{
	uint8_t *buf = malloc(VTEP_HEAD + size + VTEP_TAIL);
	int r;

	cw_rand_bytes(x->frame, size);
	x->size = size;
	memcpy(buf + VTEP_HEAD, x->frame, size);
	r = vtep_send(x->va, vni, 12345, x->tos, buf, size);
	free(buf);
	return r;
}

/* Packet I of those that A sent arrives at B. */
static void deliver(struct setup *x, size_t i)
{
	uint8_t *block = malloc(x->a.sizes[i]);

	memcpy(block, x->a.queue[i], x->a.sizes[i]);
	x->b.ops->packet(x->b.ctx, block, x->a.sizes[i]);
	x->b.ops->batch(x->b.ctx);
	free(block);
}

static uint64_t counted(const struct setup *x, enum cw_stat_id id)
{
	return x->b.stat.n[id];
}

/* Every drop of B has one counter. */
static void assert_dropped(const struct setup *x, uint64_t malformed, uint64_t policy, uint64_t reassembly)
{
	assert_int_equal(counted(x, CW_STAT_DROP_MALFORMED), malformed);
	assert_int_equal(counted(x, CW_STAT_DROP_POLICY), policy);
	assert_int_equal(counted(x, CW_STAT_DROP_REASSEMBLY), reassembly);
}

static void frames_of_every_size_come_through(void **state)
{
	struct setup *x = *state;
	size_t n = 0;

	for (size_t size = 1; size <= VTEP_FRAME_MAX; size += size < 1600 ? 1 : 97) {
		assert_int_equal(transmit(x, 77, size), 0);
		assert_int_equal(x->a.n > 1, size + VXLAN_OVERHEAD > MTU);
		/* Only what is cut carries a checksum. */
		assert_int_equal(x->a.queue[0][IP4_HEADER + 6] || x->a.queue[0][IP4_HEADER + 7], x->a.n > 1);
		for (size_t i = 0; i < x->a.n; i++)
			deliver(x, i);
		forget(&x->a);
		assert_int_equal(x->n_got, ++n);
		assert_true(x->equal);
	}
	assert_dropped(x, 0, 0, 0);
	assert_int_equal(transmit(x, 77, VTEP_FRAME_MAX), 0);
	assert_int_equal(vtep_send(x->va, 77, 0, 0, x->frame, VTEP_FRAME_MAX + 1), CW_E_LIMIT);
}

static void a_frame_that_nobody_wants_is_not_written(void **state)
{
	struct setup *x = *state;

	x->refuse = true;
	assert_int_equal(transmit(x, 77, 100), 0);
	deliver(x, 0);
	assert_ptr_equal(x->got_ctx, web);
	assert_int_equal(x->n_written, 0);
}

/* The packets of a batch, some in fragments: joined to a unit, and what is in fragments does not live long. */
static void a_batch_is_joined(void **state)
{
	struct setup *x = *state;
	const struct unit_kind kind = {
		.link = GSO_ETHER, .df = true, .payload = 8 * 1300, .mss = 1300, .flags = 0x10
	};
	static struct unit unit;
	uint8_t out[VTEP_HEAD + 1500 + VTEP_TAIL], *frame;
	struct gso_cut c;
	size_t size;

	for (size_t mtu = 1438; mtu > 1000; mtu -= 300) {
		x->n_got = x->n_written = 0;
		x->a.mtu = mtu;
		unit_make(&unit, &kind);
		assert_int_equal(gso_cut_begin(GSO_ETHER, &unit.v, unit.pkt, unit.size, GSO_UNIT_MAX, &c), 0);
		while ((frame = gso_cut_next(&c, out + VTEP_HEAD, &size)))
			assert_int_equal(vtep_send(x->va, 77, 1, 0, frame - VTEP_HEAD, size), 0);
		assert_int_equal(x->a.n, mtu == 1438 ? 8 : 16);
		for (size_t i = 0; i < x->a.n; i++)
			x->b.ops->packet(x->b.ctx, x->a.queue[i], x->a.sizes[i]);
		if (mtu == 1438)
			assert_int_equal(x->n_written, 0);
		x->b.ops->batch(x->b.ctx);
		assert_int_equal(x->n_got, 8);
		assert_int_equal(x->n_written, mtu == 1438 ? 1 : 8);
		x->equal = true;
		forget(&x->a);
	}
	assert_int_equal(vtep_fits(x->va), x->a.mtu - VXLAN_OVERHEAD);
}

static void full_frame_takes_two_packets(void **state)
{
	struct setup *x = *state;

	assert_int_equal(transmit(x, 77, 1514), 0);
	assert_int_equal(x->a.n, 2);
	assert_true(x->a.sizes[0] <= MTU);
	deliver(x, 1);
	assert_int_equal(x->n_got, 0);
	deliver(x, 0);
	assert_int_equal(x->n_got, 1);
	assert_true(x->equal);
}

static void networks_are_apart(void **state)
{
	struct setup *x = *state;

	transmit(x, 77, 100);
	deliver(x, 0);
	assert_ptr_equal(x->got_ctx, web);
	transmit(x, 3, 100);
	deliver(x, 1);
	assert_ptr_equal(x->got_ctx, db);
	transmit(x, 78, 100);
	deliver(x, 2);
	assert_int_equal(x->n_got, 2);
	assert_dropped(x, 0, 1, 0);
	vtep_del(x->vb, 3);
	vtep_del(x->vb, 3);
	deliver(x, 1);
	deliver(x, 0);
	assert_int_equal(x->n_got, 3);
	assert_dropped(x, 0, 2, 0);
	assert_int_equal(vtep_add(x->vb, 77, &ops, db), CW_E_CONFLICT);
}

static void many_networks_are_found(void **state)
{
	struct setup *x = *state;
	char ctx[500];

	vtep_del(x->vb, 77);
	vtep_del(x->vb, 3);
	for (uint32_t i = 0; i < sizeof ctx; i++)
		assert_int_equal(vtep_add(x->vb, i * 7919 % 500 * 1000 + 1, &ops, &ctx[i * 7919 % 500]), 0);
	for (uint32_t i = 0; i < sizeof ctx; i++) {
		transmit(x, i * 1000 + 1, 60);
		deliver(x, 0);
		forget(&x->a);
		assert_ptr_equal(x->got_ctx, &ctx[i]);
	}
	assert_int_equal(x->n_got, sizeof ctx);
}

/* Rewrites the header of packet I that A sent. */
static void rewrite(struct setup *x, size_t i, void (*change)(struct ip4 *h))
{
	struct cw_wr w = cw_wr_of(x->a.queue[i], IP4_HEADER);
	struct ip4 h;

	assert_int_equal(ip4_parse(x->a.queue[i], x->a.sizes[i], &h), 0);
	change(&h);
	ip4_build(&w, &h);
}

static void other_source(struct ip4 *h)
{
	h->src++;
}

static void other_destination(struct ip4 *h)
{
	h->dst++;
}

static void other_protocol(struct ip4 *h)
{
	h->proto = 1;
}

static void strangers_are_refused(void **state)
{
	static void (*const changes[])(struct ip4 *h) = { other_source, other_destination, other_protocol };
	struct setup *x = *state;

	for (size_t i = 0; i < CW_COUNT(changes); i++) {
		transmit(x, 77, 100);
		rewrite(x, i, changes[i]);
		deliver(x, i);
	}
	assert_int_equal(x->n_got, 0);
	assert_dropped(x, 0, 3, 0);
	forget(&x->a);
	transmit(x, 77, 100);
	x->a.queue[0][IP4_HEADER + 2] ^= 1;     /* another port */
	deliver(x, 0);
	assert_dropped(x, 0, 4, 0);
	transmit(x, 77, 100);
	x->a.queue[1][IP4_HEADER + 8] = 0;      /* no VNI */
	deliver(x, 1);
	assert_dropped(x, 1, 4, 0);
	transmit(x, 77, 100);
	x->a.queue[2][0] = 0x60;
	deliver(x, 2);
	assert_dropped(x, 2, 4, 0);
	assert_int_equal(x->n_got, 0);
}

static void every_prefix_is_refused(void **state)
{
	struct setup *x = *state;
	size_t n;

	transmit(x, 77, 60);
	n = x->a.sizes[0];
	for (x->a.sizes[0] = 0; x->a.sizes[0] < n; x->a.sizes[0]++)
		deliver(x, 0);
	assert_int_equal(x->n_got, 0);
	assert_dropped(x, n, 0, 0);
}

static void pieces_of_two_frames_may_mix(void **state)
{
	struct setup *x = *state;
	uint8_t first[1514];

	transmit(x, 77, sizeof first);
	memcpy(first, x->frame, sizeof first);
	transmit(x, 77, sizeof first);
	deliver(x, 0);
	deliver(x, 2);
	deliver(x, 3);
	assert_int_equal(x->n_got, 1);
	assert_true(x->equal);
	memcpy(x->frame, first, sizeof first);
	deliver(x, 1);
	assert_int_equal(x->n_got, 2);
	assert_true(x->equal);
}

/* Pieces of two packets that look alike to IPv4: the UDP checksum tells. */
static void wrong_pieces_do_not_join(void **state)
{
	struct setup *x = *state;

	transmit(x, 77, 1514);
	transmit(x, 77, 1514);
	memcpy(x->a.queue[3], x->a.queue[1], IP4_HEADER);
	deliver(x, 0);
	deliver(x, 3);
	assert_int_equal(x->n_got, 0);
	assert_dropped(x, 0, 0, 1);
}

static void pieces_without_checksum_are_refused(void **state)
{
	struct setup *x = *state;

	transmit(x, 77, 1514);
	x->a.queue[0][IP4_HEADER + 6] = x->a.queue[0][IP4_HEADER + 7] = 0;
	deliver(x, 0);
	deliver(x, 1);
	assert_int_equal(x->n_got, 0);
	assert_dropped(x, 0, 0, 1);
}

static void lost_piece_is_counted_in_time(void **state)
{
	struct setup *x = *state;

	transmit(x, 77, 1514);
	deliver(x, 0);
	cw_clock_set_us(1000 * 1000 + FRAG_TIMEOUT_MS * 1000);
	assert_dropped(x, 0, 0, 0);
	vtep_settle(x->vb);
	assert_dropped(x, 0, 0, 1);
	deliver(x, 1);
	assert_int_equal(x->n_got, 0);
}

static void failure_of_the_tunnel_is_told(void **state)
{
	struct setup *x = *state;

	x->a.send_r = CW_E_STATE;
	assert_int_equal(transmit(x, 77, 100), CW_E_STATE);
	assert_int_equal(transmit(x, 77, 1514), CW_E_STATE);
	x->a.mtu = 0;
	assert_int_equal(transmit(x, 77, 100), CW_E_LIMIT);
}

static void state_goes_to_everybody(void **state)
{
	struct setup *x = *state;

	x->b.ops->state(x->b.ctx, TUN_DEGRADED);
	assert_int_equal(x->got_state, TUN_DEGRADED);
}

static void selectors_must_be_two_hosts(void **state)
{
	static const struct {
		const char *local, *remote, *field;
	} rows[] = {
		{ "10.0.0.0/31", "10.0.1.1/32", "local_ts" },
		{ "10.0.0.1/32", "10.0.1.0/24", "remote_ts" },
		{ "fd00::1/128", "fd00::2/128", "local_ts" },
		{ "10.0.0.1/32", "10.0.0.1/32", "remote_ts" },
	};
	static char name[] = "b";
	struct tun_conf c = { .name = name };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct cw_why why = { 0 };

		prefix(rows[i].local, &c.local_ts);
		prefix(rows[i].remote, &c.remote_ts);
		assert_int_equal(vtep_check(&c, &why), CW_E_INVALID);
		assert_string_equal(why.object, "tunnel b");
		assert_string_equal(why.field, rows[i].field);
	}
	prefix("10.0.0.1", &c.local_ts);
	prefix("10.0.0.2", &c.remote_ts);
	assert_int_equal(vtep_check(&c, NULL), 0);
}

/* ---- DSCP and ECN ---- */

/* A frame with an IPv4 packet of SIZE bytes that has TOS; its checksum is not looked at. */
static void put_frame(uint8_t *frame, size_t size, uint8_t tos)
{
	static const uint8_t head[ETH_HEADER + 2] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45 };

	memset(frame, 0x11, size);
	memcpy(frame, head, sizeof head);
	frame[ETH_HEADER + 1] = tos;
}

/* Sends such a frame; on its way the packets, or only packet ONE of them, get the ECN field MARK. */
static void send_marked(struct setup *x, size_t size, uint8_t tos, uint8_t mark, size_t one)
{
	uint8_t *buf = malloc(VTEP_HEAD + size + VTEP_TAIL);

	forget(&x->a);
	put_frame(buf + VTEP_HEAD, size, tos);
	memcpy(x->frame, buf + VTEP_HEAD, size);
	x->size = size;
	assert_int_equal(vtep_send(x->va, 77, 1, tos, buf, size), 0);
	free(buf);
	for (size_t i = 0; i < x->a.n; i++) {
		struct cw_wr w = cw_wr_of(x->a.queue[i], IP4_HEADER);
		struct ip4 h;

		assert_int_equal(ip4_parse(x->a.queue[i], x->a.sizes[i], &h), 0);
		assert_int_equal(h.tos, tos);
		if (i == one || one == SIZE_MAX)
			h.tos = (uint8_t)((h.tos & ~3) | mark);
		ip4_build(&w, &h);
	}
	for (size_t i = 0; i < x->a.n; i++)
		deliver(x, i);
}

static void marks_of_the_way_reach_the_frame(void **state)
{
	enum { NOT = 0, ECT1 = 1, ECT0 = 2, CE = 3 };
	static const size_t sizes[] = { 100, 1514 };            /* whole, and in two pieces */
	struct setup *x = *state;
	size_t n = 0;

	for (size_t i = 0; i < CW_COUNT(sizes); i++) {
		send_marked(x, sizes[i], 0xb8 | ECT0, ECT0, SIZE_MAX);
		assert_int_equal(x->n_got, ++n);
		assert_true(x->equal);
		send_marked(x, sizes[i], 0xb8 | ECT0, CE, sizes[i] > MTU ? 1 : 0);
		assert_int_equal(x->n_got, ++n);
		assert_int_equal(x->got[ETH_HEADER + 1], 0xb8 | CE);
		x->got[ETH_HEADER + 1] = 0xb8 | ECT0;
		memcpy(x->got + ETH_HEADER + 10, x->frame + ETH_HEADER + 10, 2);        /* the checksum followed */
		assert_memory_equal(x->got, x->frame, sizes[i]);
		send_marked(x, sizes[i], NOT, ECT1, SIZE_MAX);
		assert_int_equal(x->n_got, ++n);
		assert_true(x->equal);
		send_marked(x, sizes[i], NOT, CE, SIZE_MAX);
		assert_int_equal(x->n_got, n);
		assert_int_equal(counted(x, CW_STAT_DROP_ECN), i + 1);
	}
	assert_dropped(x, 0, 0, 0);
}

/* There is no field in it for the mark. */
static void what_is_no_ip_is_not_marked(void **state)
{
	struct setup *x = *state;
	struct cw_wr w;
	struct ip4 h;

	transmit(x, 77, 60);
	w = cw_wr_of(x->a.queue[0], IP4_HEADER);
	assert_int_equal(ip4_parse(x->a.queue[0], x->a.sizes[0], &h), 0);
	x->a.queue[0][VXLAN_OVERHEAD + 12] = x->frame[12] = 0x08;
	x->a.queue[0][VXLAN_OVERHEAD + 13] = x->frame[13] = 0x06;
	h.tos = 3;
	ip4_build(&w, &h);
	deliver(x, 0);
	assert_int_equal(x->n_got, 1);
	assert_true(x->equal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(frames_of_every_size_come_through, setup, teardown),
		cmocka_unit_test_setup_teardown(a_frame_that_nobody_wants_is_not_written, setup, teardown),
		cmocka_unit_test_setup_teardown(a_batch_is_joined, setup, teardown),
		cmocka_unit_test_setup_teardown(full_frame_takes_two_packets, setup, teardown),
		cmocka_unit_test_setup_teardown(networks_are_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(many_networks_are_found, setup, teardown),
		cmocka_unit_test_setup_teardown(strangers_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(every_prefix_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(pieces_of_two_frames_may_mix, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_pieces_do_not_join, setup, teardown),
		cmocka_unit_test_setup_teardown(pieces_without_checksum_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(lost_piece_is_counted_in_time, setup, teardown),
		cmocka_unit_test_setup_teardown(failure_of_the_tunnel_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(state_goes_to_everybody, setup, teardown),
		cmocka_unit_test_setup_teardown(marks_of_the_way_reach_the_frame, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_ip_is_not_marked, setup, teardown),
		cmocka_unit_test(selectors_must_be_two_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
