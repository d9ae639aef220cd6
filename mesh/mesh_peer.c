/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_peer.c - one line for each pairing in state paired.
 *
 * Theory of operation. Nothing here is stored: which lines there are follows from the pairings, and is brought up to
 * date whenever one of them changes. The acceptor dials (line.h), the inviter is dialled (mesh_line.h).
 *
 * When an inviter ends a pairing, its end of the line goes, and the next poll is refused: so the acceptor asks about
 * the pairing at once. An acceptor that ends one tells the inviter by itself.
 */
#include "mesh/mesh_peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/hex.h"
#include "interconnect/base/log.h"
#include "interconnect/base/mem.h"
#include "interconnect/line/line.h"
#include "mesh/mesh_api.h"
#include "mesh/mesh_line.h"
#include "mesh/mesh_pair.h"
#include "mesh/mesh_proof.h"

CW_LOG_MODULE(mesh_peer);

struct peer {
	struct mesh_peers *owner;
	int64_t pairing;
	struct mesh_caller who;         /* of its calls */
	struct line *dials;             /* one of the two */
	struct mesh_line *dialled;
	bool wanted;
	struct peer *next;
};

struct mesh_peers {
	struct manager *m;
	struct cw_timer *later;
	bool stale;                     /* a pairing changed since the lines were looked at */
	struct peer *peers;
	void (*watch)(void *ctx);
	void *watch_ctx;
};

/* ---- one line ---- */

static const char *site_of(const struct peer *x)
{
	return x->who.name;
}

static void say(const struct peer *x, bool up, int r)
{
	if (up)
		cw_log(INFO, site_of(x), "calls both ways");
	else
		cw_log_r(WARN, site_of(x), r, "no calls any more");
}

static void on_dials(void *ctx, bool up, int r)
{
	struct peer *x = ctx;

	say(x, up, r);
	if (r == CW_E_FORBIDDEN)
		mesh_pair_ask_now(x->owner->m->pair, site_of(x));
}

static void on_dialled(void *ctx, bool up)
{
	say(ctx, up, CW_E_UNREACHABLE);
}

static int peer_dials(struct peer *x, const struct mesh_pairing *p)
{
	struct manager *m = x->owner->m;
	struct line_conf c = { .tls = m->site.tls, .prefix = "/peer/v1", .server = m->calls, .tag = &x->who,
			       .on_state = on_dials, .ctx = x };
	int r;

	if ((r = cw_hex_parse(p->peer_pin, c.pin, sizeof c.pin)) < 0)
		return r;
	c.n_to = mesh_pair_endpoints(p, c.to, CW_COUNT(c.to));
	return line_new(m->loop, &c, &x->dials);
}

static void peer_free(struct peer *x)
{
	struct peer **at = &x->owner->peers;

	while (*at != x)
		at = &(*at)->next;
	*at = x->next;
	line_free(x->dials);
	mesh_line_free(x->dialled);
	free(x);
}

static void peer_new(struct mesh_peers *p, const struct mesh_pairing *pairing)
{
	struct peer *x = calloc(1, sizeof *x);
	int r = -ENOMEM;

	if (x) {
		x->owner = p;
		x->pairing = pairing->id;
		x->wanted = true;
		x->next = p->peers;
		p->peers = x;
		x->who.kind = MESH_CALLER_SITE;
		snprintf(x->who.name, sizeof x->who.name, "%s", pairing->peer_name);
	}
	if (x && pairing->inviter)
		r = mesh_line_new(p->m->loop, p->m->calls, &x->who, on_dialled, x, &x->dialled);
	else if (x)
		r = peer_dials(x, pairing);
	if (r == 0)
		return;
	cw_log_r(ERROR, pairing->peer_name, r, "cannot make its line");
	if (x)
		peer_free(x);
}

/* ---- all of them ---- */

static void want(void *ctx, const struct mesh_pairing *pairing)
{
	struct mesh_peers *p = ctx;
	struct peer *x = p->peers;

	if (strcmp(pairing->state, "paired") != 0)
		return;
	while (x && x->pairing != pairing->id)
		x = x->next;
	if (x)
		x->wanted = true;
	else
		peer_new(p, pairing);
}

static void bring_up_to_date(struct mesh_peers *p)
{
	p->stale = false;
	for (struct peer *x = p->peers; x; x = x->next)
		x->wanted = false;
	mesh_pair_each(p->m->pair, want, p);
	for (struct peer *x = p->peers, *next; x; x = next) {
		next = x->next;
		if (!x->wanted)
			peer_free(x);
	}
}

static void on_later(void *ctx)
{
	struct mesh_peers *p = ctx;

	if (!p->stale)
		return;
	bring_up_to_date(p);
	if (p->watch)
		p->watch(p->watch_ctx);
}

/* Not from here: whoever changed the pairing may stand in the middle of a line's callback, or of a request. */
static void on_pairing(void *ctx)
{
	struct mesh_peers *p = ctx;

	p->stale = true;
	cw_timer_arm(p->later, 0);
}

static struct peer *find(const struct mesh_peers *p, const char *site)
{
	const struct mesh_pairing *pairing = mesh_pair_with(p->m->pair, site);

	for (struct peer *x = p->peers; x && pairing; x = x->next)
		if (x->pairing == pairing->id)
			return x;
	return NULL;
}

int mesh_peers_new(struct manager *m, struct mesh_peers **ret_peers)
{
	struct mesh_peers *p = calloc(1, sizeof *p);
	int r;

	if (!p)
		return -ENOMEM;
	p->m = m;
	if ((r = cw_timer_new(m->loop, on_later, p, &p->later)) < 0) {
		free(p);
		return r;
	}
	mesh_pair_watch(m->pair, on_pairing, p);
	bring_up_to_date(p);
	*ret_peers = p;
	return 0;
}

void mesh_peers_watch(struct mesh_peers *p, void (*fn)(void *ctx), void *ctx)
{
	p->watch = fn;
	p->watch_ctx = ctx;
}

void mesh_peers_free(struct mesh_peers *p)
{
	if (!p)
		return;
	mesh_pair_watch(p->m->pair, NULL, NULL);
	while (p->peers)
		peer_free(p->peers);
	cw_timer_free(p->later);
	free(p);
}

/* ---- calls ---- */

static const struct request_row {
	const char *what;
	void (*serve)(struct mesh_line *x, struct mesh_req *q);
} request_rows[] = { { "poll", mesh_line_poll }, { "answer", mesh_line_answer }, { "call", mesh_line_call } };

void mesh_peers_request(struct mesh_peers *p, const char *site, const char *what, struct mesh_req *q)
{
	struct peer *x = find(p, site);
	struct cw_why why = { 0 };

	for (size_t i = 0; x && x->dialled && i < CW_COUNT(request_rows); i++)
		if (strcmp(request_rows[i].what, what) == 0) {
			request_rows[i].serve(x->dialled, q);
			return;
		}
	api_fail(q, cw_why_set(&why, CW_E_FORBIDDEN, "pairing", NULL, "is not one in which you dial"), &why);
}

int mesh_peer_ask(struct mesh_peers *p, const char *site, const char *noun, const char *verb, const char *name,
		  struct cw_json *args, uint64_t timeout_ms,
		  void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why), void *ctx,
		  struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *own = args;
	struct peer *x = find(p, site);
	char object[128];
	int r;

	snprintf(object, sizeof object, "site %s", site);
	if (!x)
		return cw_why_set(why, CW_E_NOT_FOUND, object, NULL, "there is no pairing with it");
	r = x->dials ? line_ask(x->dials, noun, verb, name, cw_steal(&own), timeout_ms, cb, ctx) :
		       mesh_line_ask(x->dialled, noun, verb, name, cw_steal(&own), timeout_ms, cb, ctx);
	return r < 0 ? cw_why_set(why, r, object, NULL, "cannot be asked: %s", cw_strerror(r)) : 0;
}

bool mesh_peer_is_up(const struct mesh_peers *p, const char *site)
{
	const struct peer *x = find(p, site);

	return x && (x->dials ? line_is_up(x->dials) : mesh_line_is_up(x->dialled));
}

/* ---- what the pairing says ---- */

int mesh_peer_is_inviter(const struct mesh_peers *p, const char *site, bool *ret_inviter)
{
	const struct mesh_pairing *pairing = mesh_pair_with(p->m->pair, site);

	if (!pairing)
		return CW_E_NOT_FOUND;
	*ret_inviter = pairing->inviter;
	return 0;
}

const char *mesh_peer_ca(const struct mesh_peers *p, const char *site)
{
	const struct mesh_pairing *pairing = mesh_pair_with(p->m->pair, site);

	return pairing ? pairing->peer_ca : NULL;
}

int mesh_peer_ppk(const struct mesh_peers *p, const char *site, const char *label, uint8_t ret_ppk[MESH_PPK])
{
	const struct mesh_pairing *pairing = mesh_pair_with(p->m->pair, site);
	uint8_t ppk[MESH_PROOF_PPK];
	int r;

	_Static_assert((int)MESH_PPK == (int)MESH_PROOF_PPK, "one size");
	if (!pairing)
		return CW_E_NOT_FOUND;
	/* A pairing of an older manager has none. */
	if ((r = cw_hex_parse(pairing->ppk, ppk, sizeof ppk)) == 0)
		r = mesh_proof_ppk_for(ppk, label, ret_ppk);
	cw_mem_wipe(ppk, sizeof ppk);
	return r;
}
