/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_store.h - what the site manager must not forget: who it is, and its pairings.
 *
 * A row is on the disk when a call that writes it returns 0. Callers keep pairings in memory too:
 * they write the changed copy first, and change what they keep when that has succeeded.
 */
#ifndef MESH_STORE_H
#define MESH_STORE_H

#include "interconnect/base/base.h"

enum { MESH_NAME_MAX = 63, MESH_LOCATION_MAX = 127, MESH_CA_MAX = 1024, MESH_PAIRINGS_MAX = 64 };

struct cw_db;
struct mesh_store;

struct mesh_site_row {
	char id[33];                            /* hex */
	char name[MESH_NAME_MAX + 1];
	char location[MESH_LOCATION_MAX + 1];
	char token_hash[65];                    /* SHA-256 of the admin token, hex */
	int64_t created;                        /* wall time, seconds, as all times here */
};

/* Binary values are hex text. */
struct mesh_pairing {
	int64_t id;                             /* 0: not stored yet */
	char state[16];                         /* invited, confirming, paired, revoked */
	int64_t inviter;                        /* 1: we made the invitation and are dialled; 0: we accepted it and dial */
	char invite_id[17];
	int64_t expires;                        /* of the invitation; later: of the confirmation */
	int64_t tries;                          /* wrong proofs */
	char endpoints[256];                    /* acceptor: where to dial, comma between them */
	char key[65];                           /* of the proofs; "" when it is not needed any more */
	char nonce[65];                         /* acceptor's */
	char transcript[97];
	char words[9];
	char peer_id[33], peer_name[MESH_NAME_MAX + 1], peer_pin[65];
	char peer_ca[2 * MESH_CA_MAX + 1];
	int64_t local_ok, remote_ok;            /* words confirmed here, there */
	int64_t told;                           /* acceptor: the other site knows that it is revoked */
	char reason[160];                       /* of revoked */
	int64_t created, changed;
	char ppk[65];                           /* of the tunnels between the two; "" before there is one, and after the end */
};

CW_NODISCARD int mesh_store_open(const char *path, struct mesh_store **ret_store);
void mesh_store_close(struct mesh_store *s);
/* For the parts that have tables of their own; their schemas are macros in their headers. */
struct cw_db *mesh_store_db(struct mesh_store *s);
/* 1 when the site was initialised, 0 when not. */
CW_NODISCARD int mesh_store_site(struct mesh_store *s, struct mesh_site_row *ret_site);
/* CW_E_CONFLICT when there is one. */
CW_NODISCARD int mesh_store_site_put(struct mesh_store *s, const struct mesh_site_row *site);
/* Writes P whole; gives it its id when it has none. */
CW_NODISCARD int mesh_store_put(struct mesh_store *s, struct mesh_pairing *p);
CW_NODISCARD int mesh_store_delete(struct mesh_store *s, int64_t id);
/* Reads the first MAX pairings, oldest first. */
CW_NODISCARD int mesh_store_load(struct mesh_store *s, struct mesh_pairing *ret_p, size_t max, size_t *ret_n);

#endif
