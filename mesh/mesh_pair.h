/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_pair.h - trust between two sites: made once, confirmed by people on both sides, revoked.
 *
 * invited     inviter: the string was printed, nobody has used it yet.
 *             acceptor: the intent to use it is on the disk, whether the inviter took it is not known yet.
 * confirming  both know each other's keys; people compare the words. Nothing else is allowed.
 * paired      the right words were typed at both sites. Reached at the inviter first, at the acceptor when
 *             it hears of it.
 * revoked     over, for the reason that is given: by hand at either site, wrong words, too late, refused.
 *
 * The acceptor dials, always, and asks until both sides agree; the inviter answers. Each step is on
 * the disk before the other side can know of it, and may be repeated: so a manager may die anywhere.
 *
 * Loop thread only.
 */
#ifndef MESH_PAIR_H
#define MESH_PAIR_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "interconnect/base/loop.h"
#include "mesh/mesh_conf.h"
#include "mesh/mesh_site.h"
#include "mesh/mesh_store.h"

enum {
	MESH_PAIR_TRIES = 5, MESH_PAIR_VALID_MIN_MS = 1000, MESH_PAIR_VALID_MS = 10 * 60 * 1000,
	MESH_PAIR_VALID_MAX_MS = 24 * 3600 * 1000, MESH_PAIR_CONFIRM_S = 3600,
};

struct mesh_pair;

/* Everything is borrowed. Goes on with what the store holds once the site is there. */
CW_NODISCARD int mesh_pair_new(struct cw_loop *l, struct mesh_store *store, struct mesh_site *site, const struct mesh_conf *conf,
			       struct mesh_pair **ret_pair);
void mesh_pair_free(struct mesh_pair *m);
/* The site is initialised: dials may begin. */
void mesh_pair_start(struct mesh_pair *m);

/* ---- people ---- */
CW_NODISCARD int mesh_pair_invite(struct mesh_pair *m, int64_t valid_ms, struct cw_json **ret_body, struct cw_why *why);
/* DONE is called once, with R and BODY (borrowed) or WHY, unless this fails; from mesh_pair_free() too. */
CW_NODISCARD int mesh_pair_accept(struct mesh_pair *m, const char *text,
				  void (*done)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why), void *ctx,
				  struct cw_why *why);
/* NAME is the name of a site or the id of a pairing. */
CW_NODISCARD int mesh_pair_confirm(struct mesh_pair *m, const char *name, const char *words, struct cw_json **ret_body,
				   struct cw_why *why);
CW_NODISCARD int mesh_pair_revoke(struct mesh_pair *m, const char *name, struct cw_json **ret_body, struct cw_why *why);
CW_NODISCARD int mesh_pair_show(struct mesh_pair *m, const char *name, struct cw_json **ret_body, struct cw_why *why);
struct cw_json *mesh_pair_list(struct mesh_pair *m);

/* ---- the other site; PIN is what TLS has proved ---- */
CW_NODISCARD int mesh_pair_hello(struct mesh_pair *m, const uint8_t pin[CW_TLS_PIN], const struct cw_json *body,
				 struct cw_json **ret_body, struct cw_why *why);
CW_NODISCARD int mesh_pair_prove(struct mesh_pair *m, const uint8_t pin[CW_TLS_PIN], const struct cw_json *body,
				 struct cw_json **ret_body, struct cw_why *why);
CW_NODISCARD int mesh_pair_sync(struct mesh_pair *m, const uint8_t pin[CW_TLS_PIN], const struct cw_json *body,
				struct cw_json **ret_body, struct cw_why *why);
/* True when PIN belongs to a pairing, in whatever state. */
bool mesh_pair_knows(const struct mesh_pair *m, const uint8_t pin[CW_TLS_PIN]);

/* ---- the other parts of the manager; pairings are borrowed until the loop turns ---- */
/* The pairing in state paired with SITE, or with the owner of PIN; NULL when there is none. */
const struct mesh_pairing *mesh_pair_with(const struct mesh_pair *m, const char *site);
const struct mesh_pairing *mesh_pair_of(const struct mesh_pair *m, const uint8_t pin[CW_TLS_PIN]);
void mesh_pair_each(const struct mesh_pair *m, void (*fn)(void *ctx, const struct mesh_pairing *p), void *ctx);
/* The endpoints that an acceptor dials. How many of MAX were written. */
size_t mesh_pair_endpoints(const struct mesh_pairing *p, struct cw_endpoint *ret_ep, size_t max);
/* From now on what becomes of pairings is told as EVENTS (borrowed). */
struct mesh_events;
void mesh_pair_tell(struct mesh_pair *m, struct mesh_events *events);
/* FN is called whenever a pairing changed its state or went; it must not change any. One watcher. */
void mesh_pair_watch(struct mesh_pair *m, void (*fn)(void *ctx), void *ctx);
/* Something points to an end of the pairing with SITE: its acceptor asks now instead of at its next turn. */
void mesh_pair_ask_now(struct mesh_pair *m, const char *site);

#endif
