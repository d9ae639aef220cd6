/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_impl.h - what the node's files share; nobody else includes it.
 *
 *   node.c         the node: its line, what the manager asks of it
 *   node_seed.c    seed.json, and invitations for people
 *   node_enrol.c   the first contact with the manager
 *   node_want.c    config.json and the files beside it
 *   node_report.c  what the program says of itself, gathered
 */
#ifndef NODE_IMPL_H
#define NODE_IMPL_H

#include "interconnect/line/line.h"
#include "interconnect/line/node.h"

enum { NODE_PATH = 256, NODE_TOKEN_TEXT = 65, NODE_SEED_MAX = 4096, NODE_PEM_MAX = 8192 };

/* ---- node_seed.c ---- */

struct node_seed {
	char name[NODE_NAME_MAX + 1], site[NODE_NAME_MAX + 1], kind[8];
	struct cw_endpoint to[LINE_ENDPOINTS_MAX];
	size_t n_to;
	uint8_t pin[CW_TLS_PIN];
	char token[NODE_TOKEN_TEXT];            /* "": it was used */
};

/* DIR/FILE to BUF. Returns BUF. */
char *node_path(const char *dir, const char *file, char buf[NODE_PATH]);
CW_NODISCARD int node_seed_parse(const void *text, size_t size, struct node_seed *ret_seed, struct cw_why *why);
/* seed.json, or the text of an invitation, to the JSON of a seed; *RET_JSON is heap text. */
CW_NODISCARD int node_seed_decode(const char *text, char **ret_json, struct cw_why *why);
CW_NODISCARD int node_seed_load(const char *dir, struct node_seed *ret_seed, struct cw_why *why);
CW_NODISCARD int node_seed_save(const char *dir, const struct node_seed *seed);

/* ---- node_enrol.c ---- */

struct node_enrol;

/* Asks until the manager has said yes; the seed is read anew each time. DONE is called once, when all is on the disk.
 */
CW_NODISCARD int node_enrol_new(struct cw_loop *l, const char *dir, void (*done)(void *ctx), void *ctx,
				struct node_enrol **ret_enrol);
void node_enrol_free(struct node_enrol *e);
/* Makes node.key unless there is one, and shows it by a certificate of its own when it has no other. */
CW_NODISCARD int node_enrol_key(const char *dir, const struct node_seed *seed);
/* Writes the certificate and the CA out of an answer. */
CW_NODISCARD int node_enrol_take(const char *dir, const struct cw_json *answer);
/* Hex of the node's public key to BUF. */
CW_NODISCARD int node_enrol_spki(const char *dir, char *buf, size_t size);

/* ---- node_want.c ---- */

/* ARGS of "node configure" as what config.json holds: {config, files}. */
CW_NODISCARD int node_want_of(const struct cw_json *args, struct cw_json **ret_want, struct cw_why *why);
/* Makes the folder what WANT says, the files first; OLD (may be NULL) is what it was, and files that only it has go. */
CW_NODISCARD int node_want_write(const char *dir, const struct cw_json *want, const struct cw_json *old);
/* Takes WANT out of the folder. */
void node_want_remove(const char *dir, const struct cw_json *want);
/* Reads config.json, and makes the files beside it anew where they differ. CW_E_NOT_FOUND. */
CW_NODISCARD int node_want_load(const char *dir, struct cw_json **ret_want);
bool node_want_same_files(const struct cw_json *a, const struct cw_json *b);

/* ---- node_report.c ---- */

struct node_report;

/* SERVER is asked for NOUNS. DONE gets {noun: body, ...}, taken over, once for each round; what does not answer in time
 * is left out. */
CW_NODISCARD int node_report_new(struct cw_loop *l, struct cw_rpc_server *server, const char *const *nouns,
				 void (*done)(void *ctx, struct cw_json *bodies), void *ctx,
				 struct node_report **ret_report);
/* Begins a round, unless there is one. */
void node_report_round(struct node_report *r);
void node_report_free(struct node_report *r);

#endif
