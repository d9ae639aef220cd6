/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_pair_impl.h - what the mesh_pair*.c files share; nobody else includes it. */
#ifndef MESH_PAIR_IMPL_H
#define MESH_PAIR_IMPL_H

#include "interconnect/line/dial.h"
#include "mesh/mesh_pair.h"
#include "mesh/mesh_proof.h"

enum { PAIR_HELLOS = 16, PAIR_HELLO_MS = 30 * 1000 };

struct due_row;

/* A pairing and what is known of it only while this process lives. */
struct pair_row {
	struct mesh_pairing p;
	struct dial *dial;
	const struct due_row *asked;    /* what was dialled for */
	struct mesh_pair *owner;
	uint64_t next_ms;               /* acceptor: when to dial again */
	int64_t seen;                   /* wall time of the last word from the other site, 0: none */
	size_t endpoint;                /* which of them to dial */
};

/* Inviter: a first message that may be followed by a proof. */
struct pair_hello {
	struct mesh_proof proof;
	struct { char id[33], name[MESH_NAME_MAX + 1], ca[2 * MESH_CA_MAX + 1]; } peer;
	uint64_t born_ms;               /* 0: free */
};

/* Acceptor: an invitation that is being used, before anything is on the disk, and who waits for the outcome. */
struct pair_accept {
	struct mesh_pair *owner;
	struct mesh_invite invite;
	uint8_t nonce[MESH_PROOF_NONCE];
	struct dial *dial;
	struct cw_timer *patience;
	size_t endpoint;
	int64_t row;                    /* id of the pairing once it is on the disk, 0 before */
	void (*done)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why);
	void *ctx;
	struct pair_accept *next;
};

struct mesh_events;

struct mesh_pair {
	struct cw_loop *loop;
	struct mesh_store *store;
	struct mesh_site *site;
	const struct mesh_conf *conf;
	struct cw_timer *tick;
	struct pair_row *rows[MESH_PAIRINGS_MAX];
	size_t n;
	struct pair_hello hellos[PAIR_HELLOS];
	struct pair_accept *accepts;
	void (*watch)(void *ctx);
	void *watch_ctx;
	struct mesh_events *events;     /* may be NULL */
};

/* Derives the PPK of P, whose key and transcript are there. */
CW_NODISCARD int pair_set_ppk(struct mesh_pairing *p);
bool pair_is(const struct pair_row *row, const char *state);
/* Not revoked. */
bool pair_lives(const struct pair_row *row);
/* Writes NEXT, and then makes it the row's content. */
CW_NODISCARD int pair_change(struct pair_row *row, const struct mesh_pairing *next);
/* Ends it for the reason; keys are forgotten. The other side is told. */
CW_NODISCARD int pair_end(struct pair_row *row, const char *reason);
/* A new row. CW_E_LIMIT when there are too many that live. */
CW_NODISCARD int pair_add(struct mesh_pair *m, struct mesh_pairing *p, struct pair_row **ret_row);
void pair_remove(struct mesh_pair *m, struct pair_row *row);
struct pair_row *pair_by_id(struct mesh_pair *m, int64_t id);
struct pair_row *pair_by_invite(struct mesh_pair *m, const char *invite_id, bool inviter);
/* Whether a site that says it is ID and NAME with this PIN may be paired with: CW_E_CONFLICT otherwise. EXCEPT may be NULL. */
CW_NODISCARD int pair_check_peer(struct mesh_pair *m, const char *id, const char *name, const uint8_t pin[CW_TLS_PIN],
				 struct cw_why *why);
struct cw_json *pair_json(const struct pair_row *row);
/* Dials at the next turn of the loop. */
void pair_kick(struct mesh_pair *m, struct pair_row *row);
/* "site" of a message: who we are. */
struct cw_json *pair_self(const struct mesh_pair *m);
/* Reads "site" of BODY. Texts are borrowed from it. */
CW_NODISCARD int pair_read_site(const struct cw_json *body, struct mesh_proof_side *ret_side, struct cw_why *why);

/* mesh_pair_dial.c: the acceptor. */
void pair_dial_due(struct mesh_pair *m, struct pair_row *row);
/* Tells whoever waits for the acceptance that became ROW, if it is settled. */
void pair_accept_settled(struct mesh_pair *m, struct pair_row *row, int r, const struct cw_why *why);
void pair_accept_free_all(struct mesh_pair *m);

#endif
