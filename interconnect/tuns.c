/* SPDX-License-Identifier: Apache-2.0 */
/* tuns.c - all tunnels of an appliance: the uplinks, and which tunnel a datagram is for. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "interconnect/tun_impl.h"
#include "interconnect/uplink.h"

static void tuns_on_ike(struct tun_uplink *up, const struct cw_endpoint *from, const uint8_t *msg, size_t size)
{
	if (up->tuns->keys)
		keys_input(up->tuns->keys, &up->local, from, msg, size);
	else
		cw_stat_inc(&up->tuns->stat, CW_STAT_IKE_REJECTED);
}

static void tuns_on_esp(struct tun_uplink *up, const struct cw_endpoint *from, uint8_t *pkt, size_t size)
{
	struct path_sa *sa = esp_sadb_owner(up->tuns->sadb, pkt, size);

	if (sa)
		path_input_esp(sa, up, from, pkt, size);
	else
		cw_stat_inc(&up->tuns->stat, CW_STAT_DROP_NO_SA);
}

static void tuns_on_datagram(void *ctx, const struct cw_endpoint *from, uint8_t *data, size_t size)
{
	struct tun_uplink *up = ctx;

	switch (udp_classify(data, size)) {
	case UDP_ESP:
		tuns_on_esp(up, from, data, size);
		break;
	case UDP_IKE:
		tuns_on_ike(up, from, data + UDP_MARKER, size - UDP_MARKER);
		break;
	case UDP_KEEPALIVE:
		break;
	case UDP_BAD:
		cw_stat_inc(&up->tuns->stat, CW_STAT_DROP_MALFORMED);
		break;
	}
}

static void tuns_on_batch(void *ctx)
{
	const struct tun_uplink *up = ctx;

	for (size_t i = 0; i < up->tuns->n_items; i++)
		tun_batch_over(up->tuns->items[i]);
}

static void tuns_cleanup(struct tuns **ts)
{
	tuns_free(*ts);
}

/* How many sockets an uplink needs: who calls has one for each path of a pair of uplinks. */
static uint32_t tuns_ports(const struct cw_conf_list *tunnels)
{
	const struct tun_conf *confs = tunnels->items;
	uint32_t ports = 1;

	for (size_t i = 0; i < tunnels->n; i++)
		if (confs[i].initiate)
			ports = CW_MAX(ports, confs[i].paths.ports);
	return ports;
}

int tuns_bind(struct tuns *ts, struct tun_uplink *up, const struct cw_ip *to)
{
	const struct cw_endpoint local = { *to, up->port == 0 ? up->local.port : 0 };
	struct udp *udp;
	int r;

	if ((r = udp_new(ts->loop, &local, tuns_on_datagram, up, &ts->stat, &udp)) < 0)
		return r;
	udp_on_batch(udp, tuns_on_batch);
	udp_free(up->udp);
	up->udp = udp;
	up->local = udp_local(udp);
	return 0;
}

static int tuns_open_uplink(struct tuns *ts, size_t conf, const struct tun_conf_uplink *ep, uint32_t port, struct cw_why *why)
{
	struct tun_uplink *up = &ts->uplinks[ts->n_uplinks];
	char text[CW_ENDPOINT_TEXT];
	int r;

	*up = (struct tun_uplink){ .tuns = ts, .conf = conf, .port = port, .local = { ep->address, (uint16_t)ep->port } };
	if (ep->interface && *ep->interface)
		up->interface = ep->interface;
	if ((r = tuns_bind(ts, up, &ep->address)) < 0)
		return cw_why_set(why, r, "uplink", "uplinks", "%s: %s", cw_endpoint_text(&up->local, text), cw_strerror(r));
	ts->n_uplinks++;
	ts->follows |= up->interface != NULL;
	return 0;
}

static int tuns_open_uplinks(struct tuns *ts, const struct cw_conf_list *uplinks, uint32_t ports, struct cw_why *why)
{
	const struct tun_conf_uplink *eps = uplinks->items;
	int r = 0;

	if (!(ts->uplinks = calloc(uplinks->n * ports + 1, sizeof *ts->uplinks)))
		return -ENOMEM;
	for (size_t i = 0; i < uplinks->n && r == 0; i++)
		for (uint32_t port = 0; port < ports && r == 0; port++)
			r = tuns_open_uplink(ts, i, &eps[i], port, why);
	return r;
}

struct tun_uplink *tuns_uplink(const struct tuns *ts, size_t conf, uint32_t port)
{
	struct tun_uplink *first = NULL;

	for (size_t i = 0; i < ts->n_uplinks; i++) {
		struct tun_uplink *up = &ts->uplinks[i];

		if (up->conf == conf && up->port == port)
			return up;
		if (up->conf == conf && up->port == 0)
			first = up;
	}
	return first;
}

struct tun_uplink *tuns_uplink_at(const struct tuns *ts, const struct cw_endpoint *local)
{
	for (size_t i = 0; i < ts->n_uplinks; i++) {
		if (cw_endpoint_equal(&ts->uplinks[i].local, local))
			return &ts->uplinks[i];
	}
	return NULL;
}

static void tuns_on_address(void *ctx)
{
	uplink_follow(ctx);
}

static int tuns_open_tunnels(struct tuns *ts, const struct cw_conf_list *uplinks, const struct cw_conf_list *tunnels)
{
	const struct tun_conf *confs = tunnels->items;
	int r;

	if (!(ts->items = calloc(tunnels->n + 1, sizeof *ts->items)))
		return -ENOMEM;
	for (size_t i = 0; i < tunnels->n; i++) {
		struct tun_way ways[TUN_PATHS_MAX];
		size_t n = tun_check_ways(uplinks, &confs[i], ways);

		if ((r = tun_new(ts, &confs[i], ways, n, &ts->items[i])) < 0)
			return r;
		ts->n_items++;
	}
	return 0;
}

/* Numbers the paths, and has IKE done for them. */
static int tuns_open_keys(struct tuns *ts, const char *dir, const struct cw_conf_list *tunnels, struct cw_why *why)
{
	struct keys_conf conf = { dir, tunnels->items, tunnels->n, NULL, 0 };
	CW_AUTO(cw_free_cleanup) struct keys_path *paths = calloc(tunnels->n * TUN_PATHS_MAX + 1, sizeof *paths);

	if (!paths || !(ts->paths = calloc(tunnels->n * TUN_PATHS_MAX + 1, sizeof(struct path *))))
		return -ENOMEM;
	for (size_t i = 0; i < ts->n_items; i++)
		for (size_t k = 0; k < ts->items[i]->n_paths; k++) {
			struct path *p = &ts->items[i]->paths[k];

			p->number = ts->n_paths;
			paths[ts->n_paths] = path_keys(p, i);
			ts->paths[ts->n_paths++] = p;
		}
	conf.paths = paths;
	conf.n_paths = ts->n_paths;
	return keys_new(ts->loop, &conf, &path_keys_ops, ts, &ts->keys, why);
}

static int tuns_open(struct tuns *ts, const char *dir, const struct cw_conf_list *uplinks, const struct cw_conf_list *tunnels,
		     struct cw_why *why)
{
	int r;

	if ((r = tuns_open_uplinks(ts, uplinks, tuns_ports(tunnels), why)) < 0 || (r = tuns_open_tunnels(ts, uplinks, tunnels)) < 0)
		return r;
	if (ts->follows && (r = cw_nl_watch_new(ts->loop, tuns_on_address, ts, &ts->watch)) < 0)
		return r;
	return tunnels->n > 0 ? tuns_open_keys(ts, dir, tunnels, why) : 0;
}

int tuns_new(struct cw_loop *l, const char *dir, const struct cw_conf_list *uplinks, const struct cw_conf_list *tunnels,
	     struct tuns **ret_tuns, struct cw_why *why)
{
	CW_AUTO(tuns_cleanup) struct tuns *ts = NULL;
	int r;

	if ((r = tun_check_all(uplinks, tunnels, why)) < 0)
		return r;
	if (!(ts = calloc(1, sizeof *ts)))
		return -ENOMEM;
	ts->loop = l;
	ts->started_ms = cw_clock_now_ms();
	if ((r = esp_sadb_new(&ts->sadb)) < 0 || (r = tuns_open(ts, dir, uplinks, tunnels, why)) < 0)
		return r;
	*ret_tuns = cw_steal(&ts);
	return 0;
}

int tuns_keylog(struct tuns *ts, const char *dir, const char *file, struct cw_why *why)
{
	char path[TUN_PATH_MAX];

	if (!*file)
		return 0;
	if (snprintf(path, sizeof path, "%s%s%s", *file == '/' ? "" : dir, *file == '/' ? "" : "/", file) >= (int)sizeof path)
		return cw_why_set(why, -ENAMETOOLONG, "keylog", NULL, "%s", cw_strerror(-ENAMETOOLONG));
	return keylog_new(ts->loop, path, &ts->keylog, why);
}

void tuns_start(struct tuns *ts)
{
	if (ts->keys)
		keys_start(ts->keys, ts->keylog != NULL);
}

void tuns_stop(struct tuns *ts)
{
	if (ts->keys)
		keys_stop(ts->keys);
	for (size_t i = 0; i < ts->n_uplinks; i++)
		udp_flush(ts->uplinks[i].udp);
}

void tuns_free(struct tuns *ts)
{
	if (!ts)
		return;
	cw_nl_watch_free(ts->watch);
	tun_gauge_stop(ts);
	keys_free(ts->keys);
	for (size_t i = 0; i < ts->n_items; i++)
		tun_free(ts->items[i]);
	for (size_t i = 0; i < ts->n_uplinks; i++)
		udp_free(ts->uplinks[i].udp);
	esp_sadb_free(ts->sadb);
	keylog_free(ts->keylog);
	free(ts->paths);
	free(ts->items);
	free(ts->uplinks);
	free(ts);
}

struct tun *tuns_find(const struct tuns *ts, const char *name)
{
	for (size_t i = 0; i < ts->n_items; i++) {
		if (strcmp(ts->items[i]->conf->name, name) == 0)
			return ts->items[i];
	}
	return NULL;
}

size_t tuns_count(const struct tuns *ts)
{
	return ts->n_items;
}

struct tun *tuns_at(const struct tuns *ts, size_t i)
{
	return i < ts->n_items ? ts->items[i] : NULL;
}

struct cw_stat *tuns_stat(struct tuns *ts)
{
	return &ts->stat;
}
