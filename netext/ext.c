/* SPDX-License-Identifier: Apache-2.0 */
/* ext.c - frames between the bridge of a segment and its VNI. */
#include "netext/ext.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/log.h"
#include "interconnect/base/stat.h"
#include "interconnect/mss.h"
#include "netext/attach.h"
#include "netext/eth.h"
#include "netext/fdb.h"
#include "netext/flood.h"
#include "netext/tap.h"

CW_LOG_MODULE(ext);

/* Frames and bytes read in one wake-up, so that one busy segment does not hold up the others. */
enum { EXT_BATCH = 64, EXT_BATCH_BYTES = 256 * 1024 };

struct ext {
	struct cw_loop *loop;
	struct ext_conf *conf;          /* a copy of ours */
	struct vtep *vtep;
	bool joined;                    /* the frames of the VNI come here */
	char tap[TAP_NAME_MAX + 1];
	int fd;
	struct cw_io *io;               /* NULL: there is no device, not yet or not any more */
	struct taps *taps;              /* where it comes from; NULL: it was made here */
	unsigned mtu;
	bool lost;                      /* the device is gone */
	bool was_up;
	struct fdb *fdb;
	struct flood flood[FDB_SIDE_N]; /* by the side that the frame came from */
	uint64_t n_moves;
	struct cw_stat stat;
};

static const char *const ext_state_names[EXT_STATE_N] = {
	[EXT_CREATING] = "creating", [EXT_UP] = "up", [EXT_DEGRADED] = "degraded",
};

const char *ext_state_name(enum ext_state s)
{
	return ext_state_names[s];
}

char *ext_tap_name(const struct ext_conf *c, char *buf, size_t size)
{
	if (c->tap[0])
		snprintf(buf, size, "%s", c->tap);
	else
		snprintf(buf, size, EXT_TAP_DEFAULT "%u", c->vni);
	return buf;
}

/* ---- configuration ---- */

struct ext_conf *ext_conf_copy(const struct ext_conf *c)
{
	struct ext_conf *o = malloc(sizeof *o);

	if (!o)
		return NULL;
	*o = *c;
	o->name = strdup(c->name);
	o->bridge = strdup(c->bridge);
	o->tunnel = strdup(c->tunnel);
	o->tap = strdup(c->tap);
	if (o->name && o->bridge && o->tunnel && o->tap)
		return o;
	ext_conf_free(o);
	return NULL;
}

void ext_conf_free(struct ext_conf *c)
{
	if (!c)
		return;
	free(c->name);
	free(c->bridge);
	free(c->tunnel);
	free(c->tap);
	free(c);
}

/* ---- frames ---- */

/* May the frame pass as far as its form goes? LARGEST is its size, or of a unit that of what it is cut to. Counts why
 * not. */
static bool ext_accept(struct ext *e, const uint8_t *frame, size_t size, size_t largest, struct eth *ret_eth)
{
	if (eth_parse(frame, size, ret_eth) < 0)
		cw_stat_inc(&e->stat, CW_STAT_DROP_MALFORMED);
	else if (largest > e->mtu + ETH_AROUND_MTU)
		cw_stat_inc(&e->stat, CW_STAT_DROP_LIMIT);
	else if (flood_is_control(ret_eth))
		cw_stat_inc(&e->stat, CW_STAT_DROP_FILTER);
	else
		return true;
	return false;
}

/* May one more such frame pass? */
static bool ext_allow(struct ext *e, enum fdb_side from, enum flood_kind kind)
{
	if (flood_allow(&e->flood[from], kind, cw_clock_now_us()))
		return true;
	cw_stat_inc(&e->stat, CW_STAT_DROP_STORM);
	return false;
}

/* Where the frame's destination is, if it is one station; else how it is flooded. */
static enum fdb_side ext_lookup(struct ext *e, const struct eth *h, uint64_t now_ms, uint64_t *ret_silent_ms,
				enum flood_kind *ret_kind)
{
	*ret_kind = FLOOD_UNKNOWN;
	if (!eth_is_group(&h->dst))
		return fdb_find(e->fdb, &h->dst, h->vlan, now_ms, ret_silent_ms);
	*ret_kind = eth_is_broadcast(&h->dst) ? FLOOD_BROADCAST : FLOOD_MULTICAST;
	return FDB_SIDE_N;
}

/* The frame of SIZE bytes behind VTEP_HEAD bytes of BUF, which is H, or cut from it. */
static void ext_send(struct ext *e, const struct eth *h, uint8_t *buf, size_t size)
{
	if (vtep_send(e->vtep, e->conf->vni, eth_flow(h), eth_tos(h), buf, size) < 0) {
		cw_stat_inc(&e->stat, CW_STAT_DROP_TX);
		return;
	}
	cw_stat_inc(&e->stat, CW_STAT_TX_PACKETS);
	cw_stat_add(&e->stat, CW_STAT_TX_BYTES, size);
}

/* The unit V, of SIZE bytes behind VTEP_HEAD bytes of BUF, came from the bridge. */
static void ext_from_bridge(struct ext *e, const struct virtio_net_hdr *v, uint8_t *buf, size_t size, uint64_t now_ms)
{
	uint8_t out[VTEP_HEAD + VTEP_FRAME_MAX + VTEP_TAIL], *frame;
	struct gso_cut cut;
	struct eth h;
	enum flood_kind kind;
	enum fdb_side to;
	uint64_t silent_ms = 0;

	(void)mss_clamp(GSO_ETHER, v->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM, buf + VTEP_HEAD, size, vtep_fits(e->vtep));
	if (gso_cut_begin(GSO_ETHER, v, buf + VTEP_HEAD, size, vtep_fits(e->vtep), &cut) < 0) {
		cw_stat_inc(&e->stat, CW_STAT_DROP_MALFORMED);
		return;
	}
	if (!ext_accept(e, buf + VTEP_HEAD, size, gso_cut_room(&cut), &h))
		return;
	e->n_moves += fdb_learn(e->fdb, &h.src, h.vlan, FDB_LOCAL, now_ms);
	to = ext_lookup(e, &h, now_ms, &silent_ms, &kind);
	if (to == FDB_LOCAL && silent_ms < EXT_HOME_MS)
		return;
	while ((frame = gso_cut_next(&cut, out + VTEP_HEAD, &size)))
		if (to == FDB_REMOTE || ext_allow(e, FDB_LOCAL, kind))
			ext_send(e, &h, frame - VTEP_HEAD, size);
}

static bool ext_on_frame(void *ctx, const uint8_t *frame, size_t size)
{
	struct ext *e = ctx;
	struct eth h;
	enum flood_kind kind;
	uint64_t now_ms = cw_clock_now_ms(), silent_ms = 0;

	if (!e->io) {
		cw_stat_inc(&e->stat, CW_STAT_DROP_TX);
		return false;
	}
	if (!ext_accept(e, frame, size, size, &h))
		return false;
	e->n_moves += fdb_learn(e->fdb, &h.src, h.vlan, FDB_REMOTE, now_ms);
	return ext_lookup(e, &h, now_ms, &silent_ms, &kind) == FDB_LOCAL || ext_allow(e, FDB_REMOTE, kind);
}

static void ext_on_unit(void *ctx, const struct virtio_net_hdr *v, const struct iovec *iov, size_t n, size_t packets,
			size_t bytes)
{
	struct ext *e = ctx;

	if (tap_write(e->fd, v, iov, n) < 0) {
		cw_stat_add(&e->stat, CW_STAT_DROP_TX, packets);
		return;
	}
	cw_stat_add(&e->stat, CW_STAT_RX_PACKETS, packets);
	cw_stat_add(&e->stat, CW_STAT_RX_BYTES, bytes);
}

/* The device is gone: somebody deleted it. */
static void ext_lose(struct ext *e, int r)
{
	cw_log_r(ERROR, e->conf->name, r, "the device %s is gone", e->tap);
	cw_io_free(cw_steal(&e->io));
	e->lost = true;
	if (!e->taps)
		return;
	cw_fd_close(&e->fd);
	taps_again(e->taps);
}

static void ext_on_tap(void *ctx, unsigned events)
{
	struct ext *e = ctx;
	uint8_t buf[VTEP_HEAD + GSO_UNIT_MAX + VTEP_TAIL];
	struct virtio_net_hdr v;
	uint64_t now_ms = cw_clock_now_ms();
	size_t bytes = 0;
	ssize_t n = 0;

	(void)events;
	for (int i = 0; i < EXT_BATCH && bytes < EXT_BATCH_BYTES; i++) {
		if ((n = tap_read(e->fd, &v, buf + VTEP_HEAD, GSO_UNIT_MAX)) < 0)
			break;
		ext_from_bridge(e, &v, buf, (size_t)n, now_ms);
		bytes += (size_t)n;
	}
	if (n < 0 && n != -EAGAIN)
		ext_lose(e, (int)n);
}

static void ext_on_state(void *ctx, enum tun_state s)
{
	struct ext *e = ctx;
	bool up = s == TUN_UP && e->io;

	if (up && !e->was_up)
		cw_log(INFO, e->conf->name, "up: %s joined to VNI %u of tunnel %s", e->conf->bridge, e->conf->vni,
		       e->conf->tunnel);
	e->was_up |= up;
}

/* Begins with the device. */
static int ext_watch(struct ext *e)
{
	bool udp;
	int r;

	if ((r = tap_offload(e->fd, &udp)) < 0)
		return r;
	vtep_set_udp(e->vtep, udp);
	return cw_io_new(e->loop, e->fd, CW_IO_READ, ext_on_tap, e, &e->io);
}

/* The helper has made the device. */
static void ext_on_device(void *ctx, int fd, unsigned mtu)
{
	struct ext *e = ctx;
	int r;

	cw_io_free(cw_steal(&e->io));
	cw_fd_close(&e->fd);
	e->fd = fd;
	e->mtu = CW_MIN(mtu, (unsigned)(VTEP_FRAME_MAX - ETH_AROUND_MTU));
	if ((r = ext_watch(e)) < 0) {
		ext_lose(e, r);
		return;
	}
	e->lost = false;
	ext_on_state(e, tun_state(vtep_tun(e->vtep)));
}

static int ext_open(struct ext *e, const struct taps_conf *taps, const char *object, struct cw_why *why)
{
	int r;

	if (taps)
		return taps_new(e->loop, taps, e->tap, e->conf->bridge, ext_on_device, e, &e->taps);
	if ((r = attach_check(e->conf->bridge, VTEP_FRAME_MAX - ETH_AROUND_MTU, object, &e->mtu, why)) < 0)
		return r;
	if ((r = tap_open(e->tap, &e->fd)) == -EBUSY)
		return cw_why_set(why, CW_E_CONFLICT, object, "tap", "a device '%s' exists already", e->tap);
	if (r < 0)
		return cw_why_set(why, r, object, "tap", "cannot make the device '%s': %s", e->tap, cw_strerror(r));
	if ((r = attach_port(e->tap, e->conf->bridge, e->mtu, object, why)) < 0)
		return r;
	if ((r = ext_watch(e)) < 0)
		return cw_why_set(why, r, object, "tap", "cannot use the device '%s': %s", e->tap, cw_strerror(r));
	return 0;
}

int ext_new(struct cw_loop *l, const struct taps_conf *taps, const struct ext_conf *c, struct vtep *v,
	    struct ext **ret_ext, struct cw_why *why)
{
	static const struct vtep_ops ops = { .frame = ext_on_frame, .write = ext_on_unit, .state = ext_on_state };
	char object[EXT_NAME_MAX + 16];
	struct ext *e = calloc(1, sizeof *e);
	int r;

	if (!e)
		return -ENOMEM;
	snprintf(object, sizeof object, "extension %s", c->name);
	e->loop = l;
	e->vtep = v;
	e->fd = -1;
	if (!(e->conf = ext_conf_copy(c))) {
		ext_free(e);
		return -ENOMEM;
	}
	ext_tap_name(c, e->tap, sizeof e->tap);
	for (size_t i = 0; i < FDB_SIDE_N; i++)
		flood_init(&e->flood[i], c->bum_pps, cw_clock_now_us());
	if ((r = fdb_new(c->mac_max, &e->fdb)) < 0 || (r = ext_open(e, taps, object, why)) < 0 ||
	    (r = vtep_add(v, c->vni, &ops, e)) < 0) {
		ext_free(e);
		return cw_why_set(why, r, object, NULL, "%s", cw_strerror(r));
	}
	e->joined = true;
	ext_on_state(e, tun_state(vtep_tun(v)));        /* the tunnel may have been up for long */
	*ret_ext = e;
	return 0;
}

void ext_free(struct ext *e)
{
	if (!e)
		return;
	if (e->joined)
		vtep_del(e->vtep, e->conf->vni);
	taps_free(e->taps);
	cw_io_free(e->io);
	cw_fd_close(&e->fd);
	fdb_free(e->fdb);
	ext_conf_free(e->conf);
	free(e);
}

bool ext_is(const struct ext *e, const struct ext_conf *c)
{
	const struct ext_conf *o = e->conf;

	return strcmp(o->name, c->name) == 0 && strcmp(o->bridge, c->bridge) == 0 &&
	       strcmp(o->tunnel, c->tunnel) == 0 && strcmp(o->tap, c->tap) == 0 && o->vni == c->vni &&
	       o->bum_pps == c->bum_pps && o->mac_max == c->mac_max;
}

const struct ext_conf *ext_conf_of(const struct ext *e)
{
	return e->conf;
}

const char *ext_name(const struct ext *e)
{
	return e->conf->name;
}

enum ext_state ext_state(const struct ext *e)
{
	if (e->io && tun_state(vtep_tun(e->vtep)) == TUN_UP)
		return EXT_UP;
	return e->was_up || e->lost ? EXT_DEGRADED : EXT_CREATING;
}

struct cw_json *ext_json(struct ext *e)
{
	struct cw_json *j = cw_json_object(), *macs = cw_json_object();
	uint64_t now_ms = cw_clock_now_ms();

	cw_json_set_str(j, "name", e->conf->name);
	cw_json_set_int(j, "vni", e->conf->vni);
	cw_json_set_str(j, "bridge", e->conf->bridge);
	cw_json_set_str(j, "tap", e->tap);
	cw_json_set_str(j, "tunnel", e->conf->tunnel);
	cw_json_set_str(j, "state", ext_state_name(ext_state(e)));
	cw_json_set_int(j, "mtu", e->mtu);
	cw_json_set_int(macs, "local", (int64_t)fdb_count(e->fdb, FDB_LOCAL, now_ms));
	cw_json_set_int(macs, "remote", (int64_t)fdb_count(e->fdb, FDB_REMOTE, now_ms));
	cw_json_set_int(macs, "moves", (int64_t)e->n_moves);
	cw_json_set(j, "macs", macs);
	cw_json_set(j, "counters", tun_json_counters(&e->stat));
	return j;
}
