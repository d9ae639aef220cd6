/* SPDX-License-Identifier: Apache-2.0 */
/* test_ext.c - which frames cross an extension; bridge, device and tunnel are the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interconnect/base/clock.h"
#include "netext/attach.h"
#include "netext/eth.h"
#include "netext/ext.h"
#include "netext/flood.h"
#include "netext/tap.h"
#include "tests/lib/gso_unit.h"
#include "tests/lib/hex.h"

enum { PPS = 20, MTU = 1500 };

/* What the fakes below saw and what they shall answer. */
static struct {
	int pair[2];                    /* the device: frames are records of a socket pair */
	const struct vtep_ops *ops;
	void *ctx;
	uint8_t sent[VTEP_FRAME_MAX], written[VTEP_FRAME_MAX];
	size_t sent_size, written_size, n_sent, n_written;
	int send_r, write_r, check_r, open_r, port_r, add_r, offload_r;
	struct virtio_net_hdr v, written_v;     /* of what is read; of what was written */
	size_t fits;
	enum tun_state state;
	bool tap_gone;
	void (*device)(void *ctx, int fd, unsigned mtu);
	int n_again;
} fake;

int attach_check(const char *bridge, unsigned mtu_max, const char *object, unsigned *ret_mtu, struct cw_why *why)
{
	assert_string_equal(bridge, "br-web");
	assert_string_equal(object, "extension web");
	assert_true(mtu_max > 9000);
	*ret_mtu = MTU;
	return fake.check_r < 0 ? cw_why_set(why, fake.check_r, object, "bridge", "refused") : 0;
}

int attach_port(const char *tap, const char *bridge, unsigned mtu, const char *object, struct cw_why *why)
{
	(void)bridge;
	assert_string_equal(tap, "cw-77");
	assert_int_equal(mtu, MTU);
	return fake.port_r < 0 ? cw_why_set(why, fake.port_r, object, "bridge", "refused") : 0;
}

int tap_open(const char *name, int *ret_fd)
{
	assert_string_equal(name, "cw-77");
	if (fake.open_r < 0)
		return fake.open_r;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fake.pair), 0);
	*ret_fd = fake.pair[0];
	return 0;
}

int taps_new(struct cw_loop *l, const struct taps_conf *c, const char *tap, const char *bridge,
	     void (*cb)(void *ctx, int fd, unsigned mtu), void *ctx, struct taps **ret_taps)
{
	(void)l;
	assert_string_equal(c->socket, "/run/tap.sock");
	assert_string_equal(c->name, "ne-1");
	assert_string_equal(tap, "cw-77");
	assert_string_equal(bridge, "br-web");
	fake.device = cb;
	fake.ctx = ctx;
	*ret_taps = (struct taps *)&fake;
	return 0;
}

void taps_again(struct taps *t)
{
	assert_ptr_equal(t, &fake);
	fake.n_again++;
}

void taps_free(struct taps *t)
{
	assert_true(!t || t == (struct taps *)&fake);
	fake.device = NULL;
}

int tap_offload(int fd, bool *ret_udp)
{
	(void)fd;
	*ret_udp = true;
	return fake.offload_r;
}

ssize_t tap_read(int fd, struct virtio_net_hdr *ret_v, void *buf, size_t size)
{
	ssize_t n = recv(fd, buf, size, 0);

	*ret_v = fake.v;
	if (fake.tap_gone)
		return -EBADFD;
	return n < 0 ? -errno : n;
}

int tap_write(int fd, const struct virtio_net_hdr *v, const struct iovec *iov, size_t n)
{
	(void)fd;
	fake.written_v = *v;
	fake.written_size = 0;
	for (size_t i = 0; i < n; fake.written_size += iov[i++].iov_len)
		memcpy(fake.written + fake.written_size, iov[i].iov_base, iov[i].iov_len);
	fake.n_written++;
	return fake.write_r;
}

void vtep_set_udp(struct vtep *v, bool udp)
{
	(void)v;
	assert_true(udp);
}

size_t vtep_fits(const struct vtep *v)
{
	(void)v;
	return fake.fits ? fake.fits : MTU + ETH_HEADER;
}

int vtep_add(struct vtep *v, uint32_t vni, const struct vtep_ops *ops, void *ctx)
{
	(void)v;
	assert_int_equal(vni, 77);
	fake.ops = ops;
	fake.ctx = ctx;
	return fake.add_r;
}

void vtep_del(struct vtep *v, uint32_t vni)
{
	(void)v;
	assert_int_equal(vni, 77);
	fake.ops = NULL;
}

int vtep_send(struct vtep *v, uint32_t vni, uint32_t flow, uint8_t tos, uint8_t *buf, size_t size)
{
	(void)v;
	(void)flow;
	assert_int_equal(tos, size > 54 && buf[VTEP_HEAD + 14] == 0x45 ? buf[VTEP_HEAD + 15] : 0);      /* IP is in units only */
	assert_int_equal(vni, 77);
	memcpy(fake.sent, buf + VTEP_HEAD, size);
	fake.sent_size = size;
	memset(buf, 0xaa, VTEP_HEAD);
	memset(buf + VTEP_HEAD + size, 0xbb, VTEP_TAIL);
	fake.n_sent++;
	return fake.send_r;
}

struct tun *vtep_tun(const struct vtep *v)
{
	(void)v;
	return NULL;
}

enum tun_state tun_state(const struct tun *t)
{
	(void)t;
	return fake.state;
}

struct cw_json *tun_json_counters(const struct cw_stat *s)
{
	struct cw_json *o = cw_json_object();

	for (int i = 0; i < CW_STAT_N; i++)
		cw_json_set_int(o, cw_stat_name((enum cw_stat_id)i), (int64_t)s->n[i]);
	return o;
}

static char name[] = "web", bridge[] = "br-web", tunnel[] = "b", tap[] = "";
static const struct ext_conf conf = { name, bridge, tunnel, tap, 77, PPS, 64 };

struct setup {
	struct cw_loop *loop;
	struct ext *ext;
	uint64_t now_us;
};

static int setup(void **state)
{
	struct setup *x = calloc(1, sizeof *x);
	struct cw_why why = { 0 };

	assert_non_null(x);
	memset(&fake, 0, sizeof fake);
	x->now_us = 1000 * 1000;
	cw_clock_set_us(x->now_us);
	assert_int_equal(cw_loop_new(&x->loop), 0);
	/* The VTEP is only handed back to the fakes. */
	assert_int_equal(ext_new(x->loop, NULL, &conf, (struct vtep *)x, &x->ext, &why), 0);
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct setup *x = *state;

	ext_free(x->ext);
	assert_null(fake.ops);
	assert_null(fake.device);
	cw_fd_close(&fake.pair[1]);
	cw_loop_free(x->loop);
	cw_clock_real();
	free(x);
	return 0;
}

static void pass_ms(struct setup *x, uint64_t ms)
{
	x->now_us += ms * 1000;
	cw_clock_set_us(x->now_us);
}

/* Addresses, to write frames as hexadecimal text. */
#define A "525400000001"
#define B "525400000002"
#define C "525400000003"
#define ALL "ffffffffffff"
#define GROUP "01005e000005"

static size_t frame_of(const char *hex, uint8_t *buf)
{
	return hex_bytes(hex, buf, VTEP_FRAME_MAX);
}

/* From the bridge. True if it went into the tunnel, byte for byte. */
static bool out_bytes(struct setup *x, const uint8_t *p, size_t n)
{
	size_t before = fake.n_sent;

	assert_int_equal(send(fake.pair[1], p, n, 0), n);
	assert_int_equal(cw_loop_turn(x->loop, 1000), 0);
	if (fake.n_sent == before)
		return false;
	assert_int_equal(fake.sent_size, n);
	assert_memory_equal(fake.sent, p, n);
	return true;
}

static bool out(struct setup *x, const char *hex)
{
	uint8_t buf[256];

	return out_bytes(x, buf, frame_of(hex, buf));
}

/* As the VTEP does with what has been let pass: P stands for PACKETS frames. */
static void write_joined(const uint8_t *p, size_t n, size_t packets)
{
	struct virtio_net_hdr v = { .gso_size = (uint16_t)packets };
	uint8_t copy[VTEP_FRAME_MAX];
	const struct iovec iov[2] = { { copy, n / 2 }, { copy + n / 2, n - n / 2 } };

	memcpy(copy, p, n);
	fake.ops->write(fake.ctx, &v, iov, 2, packets, n);
	assert_int_equal(fake.written_v.gso_size, packets);
}

/* From the tunnel. True if it reached the bridge. */
static bool in_bytes(const uint8_t *p, size_t n)
{
	size_t before = fake.n_written;

	if (fake.ops->frame(fake.ctx, p, n))
		write_joined(p, n, 1);
	if (fake.n_written == before)
		return false;
	assert_int_equal(fake.written_size, n);
	assert_memory_equal(fake.written, p, n);
	return true;
}

static bool in(const char *hex)
{
	uint8_t buf[256];

	return in_bytes(buf, frame_of(hex, buf));
}

static int64_t shown(struct setup *x, const char *object, const char *key)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *j = ext_json(x->ext);

	return cw_json_get_int(object ? cw_json_get(j, object) : j, key, -1);
}

static int64_t counter(struct setup *x, const char *key)
{
	return shown(x, "counters", key);
}

static void assert_state(struct setup *x, const char *want)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *j = ext_json(x->ext);

	assert_string_equal(cw_json_get_str(j, "state", ""), want);
}

static void frames_cross_both_ways(void **state)
{
	struct setup *x = *state;

	assert_true(out(x, B A "0800" "0102"));
	assert_true(in(A B "0800" "0304"));
	assert_true(out(x, ALL A "0806" "05"));
	assert_true(in(GROUP B "0800"));
	assert_int_equal(counter(x, "tx.packets"), 2);
	assert_int_equal(counter(x, "tx.bytes"), 31);
	assert_int_equal(counter(x, "rx.packets"), 2);
	assert_int_equal(shown(x, "macs", "local"), 1);
	assert_int_equal(shown(x, "macs", "remote"), 1);
}

/* ---- large units ---- */

static const struct unit_kind tcp = {
	.link = GSO_ETHER, .df = true, .options = 12, .payload = 5000, .mss = 1448, .flags = 0x18
};
static struct unit unit;

/* A unit from the bridge. Returns how many frames went into the tunnel. */
static size_t out_unit(struct setup *x, const struct unit_kind *k)
{
	size_t before = fake.n_sent;

	unit_make(&unit, k);
	fake.v = unit.v;
	assert_int_equal(send(fake.pair[1], unit.pkt, unit.size, 0), unit.size);
	assert_int_equal(cw_loop_turn(x->loop, 1000), 0);
	return fake.n_sent - before;
}

static void units_are_cut_to_what_the_path_takes(void **state)
{
	struct setup *x = *state;
	struct unit_kind k = tcp;

	assert_true(in(ALL "02000000000b" "0806"));
	assert_int_equal(out_unit(x, &k), 4);
	assert_int_equal(unit_check(fake.sent, fake.sent_size, unit.l3, unit.l4), 0);
	assert_int_equal(fake.sent_size, 14 + 52 + 5000 - 3 * 1448);
	assert_int_equal(counter(x, "tx.packets"), 4);
	assert_int_equal(counter(x, "tx.bytes"), 4 * (14 + 52) + 5000);
	fake.fits = 14 + 52 + 1000;
	assert_int_equal(out_unit(x, &k), 5);
	assert_int_equal(fake.sent_size, 14 + 52 + 1000);
	k.payload = 1448;
	assert_int_equal(out_unit(x, &k), 2);           /* no unit, only a checksum is to be made */
	k.udp = true;
	assert_int_equal(out_unit(x, &k), 1);           /* the VTEP will fragment it */
	assert_int_equal(unit_check(fake.sent, fake.sent_size, unit.l3, unit.l4), 0);
}

static void units_that_lie_are_dropped(void **state)
{
	struct setup *x = *state;

	assert_int_equal(out_unit(x, &tcp), 4);
	unit_make(&unit, &tcp);
	fake.v.hdr_len = 0xffff;
	assert_int_equal(send(fake.pair[1], unit.pkt, unit.size, 0), unit.size);
	assert_int_equal(cw_loop_turn(x->loop, 1000), 0);
	assert_int_equal(fake.n_sent, 4);
	assert_int_equal(counter(x, "drop.malformed"), 1);
}

/* Every frame of a unit counts where floods are limited; frames too large for the segment do not pass in units either.
 */
static void units_count_as_many(void **state)
{
	struct setup *x = *state;
	struct unit_kind k = tcp;
	size_t sent;

	k.payload = 200 * 200;
	k.mss = 200;
	sent = out_unit(x, &k);
	assert_true(sent > 0 && sent < 200);
	assert_int_equal(counter(x, "drop.storm"), 200 - sent);
	k.mss = 3000;
	k.df = false;
	assert_int_equal(out_unit(x, &k), 0);
	assert_int_equal(counter(x, "drop.limit"), 1);
}

static void joined_frames_are_counted_one_by_one(void **state)
{
	struct setup *x = *state;
	uint8_t buf[300] = { 0 };

	write_joined(buf, sizeof buf, 7);
	assert_int_equal(counter(x, "rx.packets"), 7);
	assert_int_equal(counter(x, "rx.bytes"), 300);
	fake.write_r = -EINVAL;
	write_joined(buf, sizeof buf, 5);
	assert_int_equal(counter(x, "drop.tx"), 5);
	assert_int_equal(counter(x, "rx.packets"), 7);
}

static void frame_from_the_tunnel_never_goes_back(void **state)
{
	struct setup *x = *state;

	assert_true(in(ALL B "0806"));
	assert_true(in(B C "0800"));            /* both over there, and yet it came: the bridge may know better */
	assert_int_equal(fake.n_sent, 0);
	(void)x;
}

static void neighbours_talk_at_home(void **state)
{
	struct setup *x = *state;

	assert_true(out(x, B A "0800"));
	assert_true(out(x, ALL B "0806"));
	assert_false(out(x, B A "0800"));
	assert_false(out(x, A B "0800"));
	assert_true(out(x, ALL A "0806"));
	assert_true(out(x, "525400000001" "525400000002" "81000007" "0800"));   /* another VLAN: not known there */
	/* What was heard too long ago is not believed: the bridge would not have flooded it. */
	pass_ms(x, EXT_HOME_MS - 1);
	assert_false(out(x, A B "0800"));
	pass_ms(x, 1);
	assert_true(out(x, A B "0800"));
}

static void moved_station_is_found_at_once(void **state)
{
	struct setup *x = *state;

	assert_true(out(x, ALL A "0806"));
	assert_true(out(x, ALL B "0806"));
	assert_false(out(x, B A "0800"));
	assert_true(in(ALL B "8035" "0001080006040003"));       /* the RARP of its hypervisor over there */
	assert_true(out(x, B A "0800"));
	assert_int_equal(shown(x, "macs", "moves"), 1);
	assert_true(out(x, ALL B "8035"));                      /* and back */
	assert_false(out(x, B A "0800"));
	assert_true(in(B C "0800"));
	assert_int_equal(shown(x, "macs", "moves"), 2);
}

static void control_frames_stay(void **state)
{
	struct setup *x = *state;

	assert_false(out(x, "0180c2000000" A "0026" "424203"));
	assert_false(in("0180c2000000" B "0026" "424203"));
	assert_false(out(x, "01000ccccccd" A "81000001" "0032"));
	assert_int_equal(counter(x, "drop.filter"), 3);
	assert_int_equal(shown(x, "macs", "local"), 0);
}

static size_t burst_out(struct setup *x, const char *hex)
{
	size_t n = 0;

	for (int i = 0; i < PPS + 10; i++)
		n += out(x, hex);
	return n;
}

static size_t burst_in(const char *hex)
{
	size_t n = 0;

	for (int i = 0; i < PPS + 10; i++)
		n += in(hex);
	return n;
}

static void storms_are_limited(void **state)
{
	struct setup *x = *state;

	assert_int_equal(burst_out(x, ALL A "0806"), PPS);
	assert_int_equal(burst_out(x, GROUP A "0800"), PPS);
	assert_int_equal(burst_out(x, C A "0800"), PPS);
	assert_int_equal(burst_in(ALL B "0806"), PPS);
	assert_int_equal(burst_in(GROUP B "0800"), PPS);
	assert_int_equal(burst_in(C B "0800"), PPS);
	assert_int_equal(counter(x, "drop.storm"), 60);
	/* What is known passes all the same. */
	assert_int_equal(burst_out(x, B A "0800"), PPS + 10);
	assert_int_equal(burst_in(A B "0800"), PPS + 10);
	assert_int_equal(counter(x, "drop.storm"), 60);
	/* What is believed to be at home and is not, is unknown. */
	pass_ms(x, EXT_HOME_MS);
	assert_int_equal(burst_out(x, A C "0800"), PPS);
}

static void sizes_are_checked(void **state)
{
	struct setup *x = *state;
	uint8_t buf[VTEP_FRAME_MAX] = { 0 };

	hex_bytes(B A "8100000188b5", buf, sizeof buf);
	for (size_t n = 1; n < 18; n++) {
		assert_false(out_bytes(x, buf, n));
		assert_false(in_bytes(buf, n));
	}
	assert_int_equal(counter(x, "drop.malformed"), 34);
	pass_ms(x, 1000);
	assert_true(out_bytes(x, buf, 18));
	assert_true(out_bytes(x, buf, MTU + 22));
	assert_false(out_bytes(x, buf, MTU + 23));
	assert_true(in_bytes(buf, MTU + 22));
	assert_false(in_bytes(buf, MTU + 23));
	assert_false(in_bytes(buf, VTEP_FRAME_MAX));
	assert_int_equal(counter(x, "drop.limit"), 3);
	assert_false(in_bytes(buf, 0));
	memset(buf + 6, 0xff, 6);
	assert_false(out_bytes(x, buf, 60));
	assert_int_equal(counter(x, "drop.malformed"), 36);
}

static void what_nobody_takes_is_counted(void **state)
{
	struct setup *x = *state;

	fake.send_r = CW_E_STATE;
	fake.write_r = -EIO;
	(void)out(x, B A "0800");
	(void)in(A B "0800");
	assert_int_equal(counter(x, "drop.tx"), 2);
	assert_int_equal(counter(x, "tx.packets"), 0);
	assert_int_equal(counter(x, "rx.packets"), 0);
}

static void state_follows_the_tunnel(void **state)
{
	static const struct {
		enum tun_state tun;
		const char *want;
	} rows[] = {
		{ TUN_CONNECTING, "creating" },
		{ TUN_DOWN, "creating" },
		{ TUN_UP, "up" },
		{ TUN_DEGRADED, "degraded" },
		{ TUN_DOWN, "degraded" },
		{ TUN_CONNECTING, "degraded" },
		{ TUN_UP, "up" },
	};
	struct setup *x = *state;

	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		fake.state = rows[i].tun;
		fake.ops->state(fake.ctx, rows[i].tun);
		assert_state(x, rows[i].want);
	}
}

static void vanished_device_degrades_and_does_not_spin(void **state)
{
	struct setup *x = *state;

	fake.state = TUN_UP;
	fake.ops->state(fake.ctx, TUN_UP);
	fake.tap_gone = true;
	assert_false(out(x, B A "0800"));
	assert_state(x, "degraded");
	assert_false(in(A B "0800"));
	assert_int_equal(counter(x, "drop.tx"), 1);
	assert_int_equal(send(fake.pair[1], "x", 1, 0), 1);
	fake.tap_gone = false;
	assert_int_equal(cw_loop_turn(x->loop, 0), 0);
	assert_int_equal(counter(x, "drop.malformed"), 0);
}

static const struct taps_conf taps = { "/run/tap.sock", "ne-1" };

static int setup_with_helper(void **state)
{
	struct setup *x = calloc(1, sizeof *x);
	struct cw_why why = { 0 };

	assert_non_null(x);
	memset(&fake, 0, sizeof fake);
	fake.pair[1] = -1;
	fake.open_r = fake.check_r = fake.port_r = -EPERM;      /* nothing of this is done here */
	assert_int_equal(cw_loop_new(&x->loop), 0);
	assert_int_equal(ext_new(x->loop, &taps, &conf, (struct vtep *)x, &x->ext, &why), 0);
	*state = x;
	return 0;
}

/* The helper has made the device. */
static void device_comes(unsigned mtu)
{
	cw_fd_close(&fake.pair[1]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fake.pair), 0);
	fake.device(fake.ctx, fake.pair[0], mtu);
}

static void device_comes_from_the_helper(void **state)
{
	struct setup *x = *state;
	uint8_t large[MTU + 100] = { 0x52, 0x54, 0, 0, 0, 9, 0x52, 0x54, 0, 0, 0, 8, 8 };

	assert_state(x, "creating");
	fake.state = TUN_UP;
	fake.ops->state(fake.ctx, TUN_UP);
	assert_state(x, "creating");            /* the tunnel alone is not enough */
	assert_false(in(A B "0800"));
	assert_int_equal(counter(x, "drop.tx"), 1);
	device_comes(MTU);
	assert_state(x, "up");
	assert_int_equal(shown(x, NULL, "mtu"), MTU);
	assert_true(out(x, B A "0800"));
	assert_true(in(A B "0800"));
	assert_false(in_bytes(large, sizeof large));
	/* It vanishes, and comes again with another MTU. */
	fake.tap_gone = true;
	assert_false(out(x, B A "0800"));
	assert_state(x, "degraded");
	assert_int_equal(fake.n_again, 1);
	assert_false(in(A B "0800"));
	fake.tap_gone = false;
	device_comes(MTU + 200);
	assert_state(x, "up");
	assert_true(in(A B "0800"));
	assert_true(in_bytes(large, sizeof large));
	assert_true(out(x, B A "0800"));
	assert_int_equal(fake.n_again, 1);
}

static void device_is_there_before_the_tunnel(void **state)
{
	struct setup *x = *state;

	device_comes(MTU);
	assert_state(x, "creating");
	fake.state = TUN_UP;
	fake.ops->state(fake.ctx, TUN_UP);
	assert_state(x, "up");
	fake.state = TUN_DOWN;
	fake.ops->state(fake.ctx, TUN_DOWN);
	assert_state(x, "degraded");
}

/* A helper that gives more than a frame of ours may be. */
static void device_with_a_large_mtu(void **state)
{
	struct setup *x = *state;

	device_comes(60000);
	assert_int_equal(shown(x, NULL, "mtu"), VTEP_FRAME_MAX - ETH_AROUND_MTU);
}

/* Each step of the creation fails in its turn; nothing may be left (leak and descriptor checks of the sanitizer build).
 */
static void failure_leaves_nothing(void **state)
{
	static const struct {
		int *r, value;
		const char *field;
		int want;
	} rows[] = {
		{ &fake.check_r, CW_E_CONFLICT, "bridge", CW_E_CONFLICT },
		{ &fake.open_r, -EBUSY, "tap", CW_E_CONFLICT },
		{ &fake.open_r, -EPERM, "tap", -EPERM },
		{ &fake.port_r, -EINVAL, "bridge", -EINVAL },
		{ &fake.add_r, CW_E_CONFLICT, "", CW_E_CONFLICT },
	};
	struct cw_loop *l = NULL;
	struct ext *e = NULL;
	int probe, again;

	(void)state;
	assert_int_equal(cw_loop_new(&l), 0);
	probe = dup(0);
	close(probe);
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct cw_why why = { 0 };

		memset(&fake, 0, sizeof fake);
		fake.pair[1] = -1;
		*rows[i].r = rows[i].value;
		assert_int_equal(ext_new(l, NULL, &conf, (struct vtep *)&why, &e, &why), rows[i].want);
		assert_string_equal(why.object, "extension web");
		assert_string_equal(why.field, rows[i].field);
		if (fake.pair[1] >= 0)
			close(fake.pair[1]);
		again = dup(0);
		assert_int_equal(again, probe);
		close(again);
	}
	assert_null(e);
	cw_loop_free(l);
}

static void device_has_a_name(void **state)
{
	static char own[] = "cw-own";
	struct ext_conf c = conf;
	char buf[TAP_NAME_MAX + 1];

	(void)state;
	c.vni = VXLAN_VNI_MAX;
	assert_string_equal(ext_tap_name(&c, buf, sizeof buf), "cw-16777215");
	c.tap = own;
	assert_string_equal(ext_tap_name(&c, buf, sizeof buf), "cw-own");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(frames_cross_both_ways, setup, teardown),
		cmocka_unit_test_setup_teardown(units_are_cut_to_what_the_path_takes, setup, teardown),
		cmocka_unit_test_setup_teardown(units_that_lie_are_dropped, setup, teardown),
		cmocka_unit_test_setup_teardown(units_count_as_many, setup, teardown),
		cmocka_unit_test_setup_teardown(joined_frames_are_counted_one_by_one, setup, teardown),
		cmocka_unit_test_setup_teardown(frame_from_the_tunnel_never_goes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(neighbours_talk_at_home, setup, teardown),
		cmocka_unit_test_setup_teardown(moved_station_is_found_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(control_frames_stay, setup, teardown),
		cmocka_unit_test_setup_teardown(storms_are_limited, setup, teardown),
		cmocka_unit_test_setup_teardown(sizes_are_checked, setup, teardown),
		cmocka_unit_test_setup_teardown(what_nobody_takes_is_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(state_follows_the_tunnel, setup, teardown),
		cmocka_unit_test_setup_teardown(vanished_device_degrades_and_does_not_spin, setup, teardown),
		cmocka_unit_test_setup_teardown(device_comes_from_the_helper, setup_with_helper, teardown),
		cmocka_unit_test_setup_teardown(device_is_there_before_the_tunnel, setup_with_helper, teardown),
		cmocka_unit_test_setup_teardown(device_with_a_large_mtu, setup_with_helper, teardown),
		cmocka_unit_test(failure_leaves_nothing),
		cmocka_unit_test(device_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
