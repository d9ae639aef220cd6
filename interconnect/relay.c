/* SPDX-License-Identifier: Apache-2.0 */
/* relay.c - accept, dial, pump; one stream at a time until it is connected. */
#include "interconnect/relay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "interconnect/base/log.h"
#include "interconnect/base/pump.h"

CW_LOG_MODULE(relay);

enum {
	RELAY_DIAL_MS = 10 * 1000,
	RELAY_RETRY_MS = 1000,          /* after the process ran out of something */
	RELAY_STREAMS_MAX = 4096,
};

struct relay_stream {
	struct relay *relay;
	struct cw_pump *pump;
	struct governor_stream governed;
	struct relay_stream *next, **link;      /* link: what points to us */
};

struct relay {
	struct cw_loop *loop;
	const struct relay_conf *conf;
	const struct tun *tun;
	struct governor *governor;
	struct cw_stream_addr listen, dial;
	struct cw_ip from;              /* our inner address; family 0 when the target is in the site */
	int listen_fd;
	struct cw_io *io;
	struct cw_timer *retry;
	int accepted_fd;                /* waits for its dial; -1: none */
	struct cw_dial *dialling;
	struct relay_stream *streams;
	uint32_t n_streams;
	uint64_t accepted, refused, failed, sent, received;     /* bytes: of ended streams */
};

#define ROW(member) .name = #member, .offset = offsetof(struct relay_conf, member)

static const char *const relay_classes[] = { [RATE_LIVE] = "live", [RATE_BULK] = "bulk", NULL };

static const struct cw_conf_row relay_conf_rows[] = {
	{ ROW(name), .kind = CW_CONF_STR, .required = true, .min = 1, .max = 63, .help = "name of the relay" },
	{ ROW(tunnel), .kind = CW_CONF_STR, .required = true, .min = 1, .max = 63, .help = "the tunnel it belongs to" },
	{ ROW(listen), .kind = CW_CONF_STR, .required = true, .min = 1, .max = CW_STREAM_TEXT, .help = "where streams come from" },
	{ ROW(dial), .kind = CW_CONF_STR, .required = true, .min = 1, .max = CW_STREAM_TEXT, .help = "where they are taken to" },
	{ ROW(class), .kind = CW_CONF_ENUM, .fallback = "live", .names = relay_classes, .help = "which limit its streams are under" },
	{ ROW(max_streams), .kind = CW_CONF_U32, .fallback = "128", .min = 1, .max = RELAY_STREAMS_MAX,
	  .help = "streams at once" },
};

static int relay_conf_check(const void *obj, struct cw_why *why)
{
	const struct relay_conf *c = obj;
	const struct {
		const char *field, *text;
	} rows[] = { { "listen", c->listen }, { "dial", c->dial } };
	struct cw_stream_addr a;

	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		if (cw_stream_addr_parse(rows[i].text, &a) < 0)
			return cw_why_set(why, CW_E_INVALID, NULL, rows[i].field,
					  "must be tcp:ADDRESS:PORT or unix:/PATH, found '%s'", rows[i].text);
	}
	return 0;
}

const struct cw_conf_obj relay_conf_obj = {
	"relay", sizeof(struct relay_conf), relay_conf_rows, CW_COUNT(relay_conf_rows), relay_conf_check,
};

static bool relay_within(const struct cw_stream_addr *a, const struct cw_prefix *p)
{
	return !a->is_unix && cw_prefix_contains(p, &a->ep.ip);
}

int relay_check(const struct relay_conf *conf, const struct tun_conf *tunnel, struct cw_why *why)
{
	struct cw_stream_addr listen_at, dial_to;

	if (cw_stream_addr_parse(conf->listen, &listen_at) < 0 || cw_stream_addr_parse(conf->dial, &dial_to) < 0)
		return CW_E_INVALID;
	if (relay_within(&listen_at, &tunnel->local_ts) == relay_within(&dial_to, &tunnel->remote_ts))
		return cw_why_set(why, CW_E_INVALID, NULL, "dial",
				  "either it must be in remote_ts of tunnel %s, or listen in its local_ts, not both", tunnel->name);
	return 0;
}

/* ---- streams ---- */
static void relay_stream_free(struct relay_stream *s)
{
	uint64_t sent, received;

	cw_pump_bytes(s->pump, &sent, &received);
	s->relay->sent += sent;
	s->relay->received += received;
	governor_del(&s->governed);
	cw_pump_free(s->pump);
	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
	s->relay->n_streams--;
	free(s);
}

static void relay_on_stream_done(void *ctx, int r)
{
	struct relay_stream *s = ctx;

	cw_log_r(DEBUG, s->relay->conf->name, r, "a stream ended");
	relay_stream_free(s);
}

/* Owns A and B. */
static int relay_stream_new(struct relay *k, int a, int b)
{
	struct relay_stream *s = calloc(1, sizeof *s);
	int r;

	if (!s) {
		close(a);
		close(b);
		return -ENOMEM;
	}
	s->relay = k;
	if ((r = cw_pump_new(k->loop, a, b, NULL, 0, relay_on_stream_done, s, &s->pump)) < 0) {
		free(s);
		return r;
	}
	if (k->governor)        /* A is who called us: what he says goes into the tunnel if that is where we dial */
		governor_add(k->governor, &s->governed, (enum rate_class)k->conf->class, s->pump, k->from.family != 0);
	s->link = &k->streams;
	s->next = k->streams;
	if (s->next)
		s->next->link = &s->next;
	k->streams = s;
	k->n_streams++;
	return 0;
}

/* ---- accept and dial ---- */
/* Closed so that the other end learns at once that nothing was delivered. */
static void relay_reset(int *fd)
{
	const struct linger none = { 1, 0 };

	(void)setsockopt(*fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
	cw_fd_close(fd);
}

static void relay_on_dialled(void *ctx, int r, int fd)
{
	struct relay *k = ctx;
	int accepted = k->accepted_fd;

	cw_dial_free(k->dialling);
	k->dialling = NULL;
	k->accepted_fd = -1;
	if (r == 0) {
		r = relay_stream_new(k, accepted, fd);
		k->accepted += r == 0;
	} else {
		relay_reset(&accepted);
	}
	if (r < 0) {
		k->failed++;
		cw_log_rl(WARN, k->conf->name, r, "no stream to %s", k->conf->dial);
	}
	cw_io_set(k->io, CW_IO_READ);
}

/* Out of descriptors or memory: the listener would report the waiting stream again and again. */
static void relay_pause(struct relay *k, int r)
{
	cw_log_rl(WARN, k->conf->name, r, "cannot accept streams for a while");
	cw_io_set(k->io, 0);
	cw_timer_arm(k->retry, RELAY_RETRY_MS);
}

static void relay_on_retry(void *ctx)
{
	struct relay *k = ctx;

	if (!k->dialling)
		cw_io_set(k->io, CW_IO_READ);
}

static void relay_on_listener(void *ctx, unsigned events)
{
	struct relay *k = ctx;
	int fd = accept4(k->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), r;

	(void)events;
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			relay_pause(k, -errno);
		return;
	}
	if (!tun_carries(tun_state(k->tun)) || k->n_streams >= k->conf->max_streams) {
		k->refused++;
		relay_reset(&fd);
		return;
	}
	cw_stream_tune(fd);
	if ((r = cw_dial_new(k->loop, &k->dial, k->from.family ? &k->from : NULL, RELAY_DIAL_MS, relay_on_dialled, k,
			     &k->dialling)) < 0) {
		k->failed++;
		relay_reset(&fd);
		cw_log_rl(WARN, k->conf->name, r, "no stream to %s", k->conf->dial);
		return;
	}
	k->accepted_fd = fd;
	cw_io_set(k->io, 0);            /* until this one is connected: see "Order" in relay.h */
}

/* ---- the relay ---- */
static void relay_cleanup(struct relay **k)
{
	relay_free(*k);
}

static int relay_listen(struct relay *k, const char *device)
{
	bool inner = relay_within(&k->listen, &tun_conf(k->tun)->local_ts);
	int r;

	if ((r = cw_stream_listen(&k->listen, &k->listen_fd)) < 0)
		return r;
	if (inner && device &&
	    setsockopt(k->listen_fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device)) < 0)
		return -errno;
	return cw_io_new(k->loop, k->listen_fd, CW_IO_READ, relay_on_listener, k, &k->io);
}

int relay_new(struct cw_loop *l, const struct relay_conf *conf, const struct tun *t, const char *device, struct governor *g,
	      struct relay **ret_relay)
{
	CW_AUTO(relay_cleanup) struct relay *k = calloc(1, sizeof *k);
	int r;

	if (!k)
		return -ENOMEM;
	k->loop = l;
	k->conf = conf;
	k->tun = t;
	k->governor = g;
	k->listen_fd = k->accepted_fd = -1;
	if ((r = cw_stream_addr_parse(conf->listen, &k->listen)) < 0 || (r = cw_stream_addr_parse(conf->dial, &k->dial)) < 0)
		return r;
	if (relay_within(&k->dial, &tun_conf(t)->remote_ts))
		k->from = tun_conf(t)->local_ts.ip;
	if ((r = cw_timer_new(l, relay_on_retry, k, &k->retry)) < 0 || (r = relay_listen(k, device)) < 0)
		return r;
	*ret_relay = cw_steal(&k);
	return 0;
}

void relay_free(struct relay *k)
{
	if (!k)
		return;
	while (k->streams)
		relay_stream_free(k->streams);
	cw_dial_free(k->dialling);
	cw_timer_free(k->retry);
	cw_io_free(k->io);
	cw_fd_close(&k->accepted_fd);
	cw_fd_close(&k->listen_fd);
	if (k->listen.is_unix)
		(void)unlink(k->listen.path);
	free(k);
}

struct cw_json *relay_json(const struct relay *k)
{
	struct cw_json *o = cw_json_object();
	uint64_t sent = k->sent, received = k->received, ab, ba;

	for (const struct relay_stream *s = k->streams; s; s = s->next) {
		cw_pump_bytes(s->pump, &ab, &ba);
		sent += ab;
		received += ba;
	}
	cw_json_set_str(o, "name", k->conf->name);
	cw_json_set_str(o, "tunnel", k->conf->tunnel);
	cw_json_set_str(o, "listen", k->conf->listen);
	cw_json_set_str(o, "dial", k->conf->dial);
	cw_json_set_str(o, "state", tun_carries(tun_state(k->tun)) ? "up" : "down");
	cw_json_set_str(o, "class", rate_class_name((enum rate_class)k->conf->class));
	cw_json_set_int(o, "streams", k->n_streams);
	cw_json_set_int(o, "accepted", (int64_t)k->accepted);
	cw_json_set_int(o, "refused", (int64_t)k->refused);
	cw_json_set_int(o, "failed", (int64_t)k->failed);
	cw_json_set_int(o, "sent_bytes", (int64_t)sent);
	cw_json_set_int(o, "received_bytes", (int64_t)received);
	return o;
}
