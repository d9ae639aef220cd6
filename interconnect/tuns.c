/* SPDX-License-Identifier: Apache-2.0 */
/* tuns.c - all tunnels of an appliance: the uplinks, and which tunnel a datagram is for. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "interconnect/tun_impl.h"

static void tuns_on_ike(struct tun_uplink *up, const struct cw_endpoint *from, const uint8_t *msg, size_t size)
{
	struct tuns *ts = up->tuns;

	for (size_t i = 0; i < ts->n_items; i++) {
		if (ts->items[i]->uplink == up && tun_input_ike(ts->items[i], from, msg, size))
			return;
	}
	cw_stat_inc(&ts->stat, CW_STAT_IKE_REJECTED);
}

static void tuns_on_esp(struct tuns *ts, const struct cw_endpoint *from, const uint8_t *pkt, size_t size)
{
	struct tun_sa *sa = esp_sadb_owner(ts->sadb, pkt, size);

	if (sa)
		tun_input_esp(sa, from, pkt, size);
	else
		cw_stat_inc(&ts->stat, CW_STAT_DROP_NO_SA);
}

static void tuns_on_datagram(void *ctx, const struct cw_endpoint *from, uint8_t *data, size_t size)
{
	struct tun_uplink *up = ctx;

	switch (udp_classify(data, size)) {
	case UDP_ESP:
		tuns_on_esp(up->tuns, from, data, size);
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
static void tuns_cleanup(struct tuns **ts)
{
	tuns_free(*ts);
}

static int tuns_open_uplink(struct tuns *ts, const struct tun_conf_endpoint *ep, struct cw_why *why)
{
	struct tun_uplink *up = &ts->uplinks[ts->n_uplinks];
	char text[CW_ENDPOINT_TEXT];
	int r;

	*up = (struct tun_uplink){ ts, { ep->address, (uint16_t)ep->port }, NULL };
	if ((r = udp_new(ts->loop, &up->local, tuns_on_datagram, up, &ts->stat, &up->udp)) < 0)
		return cw_why_set(why, r, "uplink", "uplinks", "%s: %s", cw_endpoint_text(&up->local, text), cw_strerror(r));
	ts->n_uplinks++;
	return 0;
}

static int tuns_open(struct tuns *ts, const char *dir, const struct cw_conf_list *uplinks, const struct cw_conf_list *tunnels,
		     struct cw_why *why)
{
	const struct tun_conf_endpoint *eps = uplinks->items;
	const struct tun_conf *confs = tunnels->items;
	int r;

	if (!(ts->uplinks = calloc(uplinks->n + 1, sizeof *ts->uplinks)) || !(ts->items = calloc(tunnels->n + 1, sizeof *ts->items)))
		return -ENOMEM;
	for (size_t i = 0; i < uplinks->n; i++) {
		if ((r = tuns_open_uplink(ts, &eps[i], why)) < 0)
			return r;
	}
	for (size_t i = 0; i < tunnels->n; i++) {
		size_t up = tun_check_uplink(uplinks, &confs[i]);

		if ((r = tun_new(ts, dir, &confs[i], &ts->uplinks[up], &ts->items[i], why)) < 0)
			return r;
		ts->n_items++;
	}
	return 0;
}

int tuns_new(struct cw_loop *l, const char *dir, const struct cw_conf_list *uplinks, const struct cw_conf_list *tunnels,
	     struct tuns **ret_tuns, struct cw_why *why)
{
	CW_AUTO(tuns_cleanup) struct tuns *ts = NULL;
	int r;

	if ((r = tuns_check(dir, uplinks, tunnels, why)) < 0)
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

void tuns_start(struct tuns *ts)
{
	for (size_t i = 0; i < ts->n_items; i++) {
		ike_start(ts->items[i]->ike, cw_clock_now_ms());
		tun_timer_on_ike(ts->items[i]);
	}
}

void tuns_stop(struct tuns *ts)
{
	for (size_t i = 0; i < ts->n_items; i++) {
		ike_stop(ts->items[i]->ike, cw_clock_now_ms());
		tun_timer_on_ike(ts->items[i]);
	}
	for (size_t i = 0; i < ts->n_uplinks; i++)
		udp_flush(ts->uplinks[i].udp);
}

void tuns_free(struct tuns *ts)
{
	if (!ts)
		return;
	for (size_t i = 0; i < ts->n_items; i++)
		tun_free(ts->items[i]);
	for (size_t i = 0; i < ts->n_uplinks; i++)
		udp_free(ts->uplinks[i].udp);
	esp_sadb_free(ts->sadb);
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
