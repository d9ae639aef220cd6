/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path_sa.c - the child SAs of a path: make before break.
 *
 * While a pair is being replaced both live. Which one to send on: the newest that the peer
 * surely has. It has what we asked it for, when its answer is here; what it asked us for it
 * has when our answer got through, and the first packet on it proves that. When the older one is
 * deleted only the newest is left, so a path with traffic in one direction moves over as well.
 *
 * The end of an SA is known to both sides at different times, and packets overtake messages: so from the moment that we
 * ask the peer to delete it we do not send on it (idle), and after its end it still receives for PATH_GRACE_MS (closed).
 *
 * An orphan is an SA that no IKE SA knows any more, because an IKE process died: ours (lost), or that of the peer, which has made
 * another pair in its place. Nobody will delete it, and its ESP is as good as before. So it is sent on as long as there is none
 * that the peer surely has; then it is closed. If there never is one it ends by time: soon if it is the peer's, because a peer that
 * was started anew as a whole does not have it any more; if ours, when nothing has come from the peer for long.
 *
 * Its soft age is the business of ike, which replaces it then; at its hard age, a third later, it is deleted, replaced or
 * not: keys that should be gone open and seal nothing, even if that leaves the path down. The limits in packets and bytes
 * are those of esp.h; inbound the soft ones are reached a little later, so that not both sides ask for the same successor.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "interconnect/tun_impl.h"

static uint64_t path_sa_orphan_end(const struct path_sa *sa)
{
	uint64_t heard_ms = sa->lost && sa->path->heard_ms ? sa->path->heard_ms + PATH_LOST_MS : 0;

	return CW_MAX(sa->orphan_ms, heard_ms);
}

static void path_sa_free(struct path_sa *sa)
{
	if (!sa)
		return;
	esp_out_free(sa->out);
	free(sa);
}

static void path_sa_cleanup(struct path_sa **sa)
{
	path_sa_free(*sa);
}

static void path_sa_remove(struct path *p, size_t i)
{
	struct path_sa *sa = p->sas[i];

	esp_sadb_del(p->tun->tuns->sadb, sa->spi_in);
	p->n_sas--;
	memmove(&p->sas[i], &p->sas[i + 1], (p->n_sas - i) * sizeof *p->sas);
	path_sa_free(sa);
}

static struct path_sa *path_sa_find(const struct path *p, uint32_t spi_in)
{
	for (size_t i = 0; i < p->n_sas; i++) {
		if (p->sas[i]->spi_in == spi_in)
			return p->sas[i];
	}
	return NULL;
}

/* The oldest that is closed, or else the oldest. */
static void path_sa_make_room(struct path *p)
{
	size_t i = PATH_SA_MAX;

	while (i > 0 && p->sas[i - 1]->closed_ms == 0)
		i--;
	path_sa_remove(p, (i > 0 ? i : PATH_SA_MAX) - 1);
}

static uint64_t path_sa_third_more(uint64_t n)
{
	return n + n / 3;
}

/* No successor is asked for on account of age: ike does that. */
static struct esp_limits path_sa_limits(const struct tun_conf *c, uint64_t now_ms)
{
	uint64_t packets = c->rekey.packets ? c->rekey.packets : ESP_SEQ_SOFT;
	uint64_t bytes = c->rekey.bytes ? c->rekey.bytes : ESP_BYTES_SOFT;
	uint64_t hard_ms = c->rekey.hard ? c->rekey.hard : path_sa_third_more(c->rekey.child);

	return (struct esp_limits){ packets, path_sa_third_more(packets), bytes, path_sa_third_more(bytes), now_ms + hard_ms };
}

static void path_sa_limit(struct path_sa *sa)
{
	struct esp_limits l = path_sa_limits(sa->path->tun->conf, sa->up_ms);

	sa->end_ms = l.end_ms;
	esp_out_limit(sa->out, &l);
	l.packets_soft += (l.packets_hard - l.packets_soft) / 4;
	l.bytes_soft += (l.bytes_hard - l.bytes_soft) / 4;
	esp_in_limit(sa->path->tun->tuns->sadb, sa->spi_in, &l);
}

int path_sa_add(struct path *p, const struct ike_child *child)
{
	CW_AUTO(path_sa_cleanup) struct path_sa *sa = calloc(1, sizeof *sa);
	struct tun_uplink *up = tuns_uplink_at(p->tun->tuns, &child->local);
	const struct esp_keys in = { child->spi_in, child->aead, child->esn, child->key_in, child->key_size };
	const struct esp_keys out = { child->spi_out, child->aead, child->esn, child->key_out, child->key_size };
	int r;

	if (!sa)
		return -ENOMEM;
	sa->path = p;
	sa->spi_in = child->spi_in;
	sa->esn = child->esn;
	sa->proven = child->initiator;
	sa->local_ts = child->local_ts;
	sa->remote_ts = child->remote_ts;
	sa->uplink = up ? up : p->uplink;
	sa->remote = child->remote;
	sa->up_ms = cw_clock_now_ms();
	if ((r = esp_out_new(&out, &sa->out)) < 0 || (r = esp_sadb_add(p->tun->tuns->sadb, &in, sa)) < 0)
		return r;
	path_sa_limit(sa);
	if (p->n_sas == PATH_SA_MAX)
		path_sa_make_room(p);
	memmove(&p->sas[1], &p->sas[0], p->n_sas * sizeof *p->sas);
	p->sas[0] = cw_steal(&sa);
	p->n_sas++;
	return 0;
}

void path_sa_del(struct path *p, uint32_t spi_in)
{
	for (size_t i = 0; i < p->n_sas; i++) {
		if (p->sas[i]->spi_in == spi_in) {
			path_sa_remove(p, i);
			return;
		}
	}
}

void path_sa_del_all(struct path *p)
{
	while (p->n_sas > 0)
		path_sa_remove(p, p->n_sas - 1);
}

void path_sa_idle(struct path *p, uint32_t spi_in)
{
	struct path_sa *sa = path_sa_find(p, spi_in);

	if (sa)
		sa->idle = true;
}

void path_sa_move(struct path *p, uint32_t spi_in, struct tun_uplink *up, const struct cw_endpoint *remote)
{
	struct path_sa *sa = path_sa_find(p, spi_in);

	if (!sa)
		return;
	sa->uplink = up;
	sa->remote = *remote;
}

void path_sa_close(struct path *p, uint32_t spi_in, uint64_t now_ms)
{
	struct path_sa *sa = path_sa_find(p, spi_in);

	if (sa && sa->orphan_ms == 0 && sa->closed_ms == 0)
		sa->closed_ms = now_ms + PATH_GRACE_MS;
}

static void path_sa_make_orphan(struct path_sa *sa, uint64_t end_ms, bool lost)
{
	if (sa->closed_ms != 0 || sa->orphan_ms != 0)
		return;
	sa->orphan_ms = end_ms;
	sa->lost = lost;
}

void path_sa_orphan(struct path *p, uint32_t spi_in, uint64_t now_ms)
{
	struct path_sa *sa = path_sa_find(p, spi_in);

	if (sa)
		path_sa_make_orphan(sa, now_ms + PATH_ORPHAN_MS, false);
}

void path_sa_lost(struct path *p, uint64_t now_ms)
{
	for (size_t i = 0; i < p->n_sas; i++)
		path_sa_make_orphan(p->sas[i], now_ms + PATH_LOST_MS, true);
}

void path_sa_prove(struct path_sa *sa, uint64_t now_ms)
{
	struct path *p = sa->path;
	bool was = sa->said;

	sa->proven = sa->said = true;
	if (was || sa->orphan_ms != 0 || sa->closed_ms != 0)
		return;
	for (size_t i = 0; i < p->n_sas; i++)
		if (p->sas[i]->orphan_ms != 0 && p->sas[i]->closed_ms == 0)
			p->sas[i]->closed_ms = now_ms + PATH_GRACE_MS;
	path_timer_on_close(p);
}

uint64_t path_sa_sweep(struct path *p, uint64_t now_ms)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = p->n_sas; i-- > 0;) {
		const struct path_sa *sa = p->sas[i];
		uint64_t end_ms = sa->end_ms;

		if (sa->closed_ms != 0)
			end_ms = CW_MIN(end_ms, sa->closed_ms);
		else if (sa->orphan_ms != 0)
			end_ms = CW_MIN(end_ms, path_sa_orphan_end(sa));
		if (end_ms <= now_ms)
			path_sa_remove(p, i);
		else
			next = CW_MIN(next, end_ms);
	}
	return next;
}

size_t path_sa_count(const struct path *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_sas; i++)
		n += p->sas[i]->closed_ms == 0;
	return n;
}

/* Smaller is better: proven, not proven, on its way out. The newest of those that are equal, so that an orphan, which is older, is
 * used only as long as none is proven. */
static int path_sa_rank(const struct path_sa *sa)
{
	return sa->idle ? 2 : !sa->proven;
}

struct path_sa *path_sa_out(const struct path *p)
{
	struct path_sa *best = NULL;

	for (size_t i = 0; i < p->n_sas; i++) {
		struct path_sa *sa = p->sas[i];

		if (!sa->spent && sa->closed_ms == 0 && (!best || path_sa_rank(sa) < path_sa_rank(best)))
			best = sa;
	}
	return best;
}
