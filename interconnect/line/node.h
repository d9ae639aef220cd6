/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node.h - a program as a node of a site: its folder, its enrolment, its line to the manager.
 *
 * The folder, which belongs to one node:
 *   seed.json     {name, site, kind, managers:[endpoint], pin, token}: from whoever placed the node. The token works once.
 *   node.key node.crt site.crt
 *                 after enrolment: the node's key, its certificate of the site's CA (DNS name NAME.SITE), the CA
 *   config.json   what the manager wants of the node: {config, files:{name: text}}; files lie beside it
 *
 * A node enrols once: it makes its key, shows it by TLS to the manager of the seed's pin and gets a certificate for
 * the token. From then on it is known by its key, calls the manager ("node report" each second) and is called.
 * It runs on what it has when the manager is away.
 *
 * The manager's call "node configure" is answered here: the text is on the disk, then APPLY is called. A report says
 * the SHA-256 of the configuration that was applied, so the manager sees when what it wants is there. The configuration
 * in the folder is applied at the first turn of the loop, by the same APPLY; until it was, the program is one without
 * any.
 *
 * "node configure" is a row that the node adds to the program's own server; only the manager's line may call it.
 */
#ifndef NODE_H
#define NODE_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "interconnect/base/loop.h"
#include "interconnect/base/rpc.h"

enum { NODE_NAME_MAX = 63, NODE_REPORT_MS = 1000 };

struct node;

struct node_ops {
	const char *kind;                       /* "ix", "ne", "agent" */
	const char *const *report; /* nouns whose list (or, for "appliance" and "host", show) is reported; NULL ends */
	/* Makes CONFIG (as the YAML file of the program, as JSON; names of files are relative to the folder) true.
	 * NODE_RESTART: it can only be done by starting anew; the node ends the loop then, and whoever supervises
	 * starts the program again. Negative: refused, WHY. */
	int (*apply)(void *ctx, const struct cw_json *config, struct cw_why *why);
	bool rereads; /* files are read when they are needed: others than before are no reason to start anew */
	/* node.crt is a new one: 0, or NODE_RESTART. NULL: nothing is to be done. */
	int (*renewed)(void *ctx);
};

enum { NODE_RESTART = 1 };

/* Writes seed.json from TEXT, an invitation (mesh: host invite), checked: for "causeway-agent --enrol". */
CW_NODISCARD int node_seed(const char *dir, const char *text, const char *kind, struct cw_why *why);
/* The text of an invitation, one line, for SEED, the text of seed.json. *RET_TEXT is heap text. */
CW_NODISCARD int node_seed_text(const char *seed, char **ret_text);
/* What a report says when CONFIG and FILES (NULL: none) are applied. */
CW_NODISCARD int node_hash(const struct cw_json *config, const struct cw_json *files, char ret_hash[65]);
/* Whose folder it is, before there is a node. */
CW_NODISCARD int node_identity(const char *dir, char ret_name[NODE_NAME_MAX + 1], char ret_site[NODE_NAME_MAX + 1],
			       struct cw_why *why);
/* Reads the folder; SERVER is the program's own control server, whose rows answer the manager too. Dials from the next
 * turn on. */
CW_NODISCARD int node_new(struct cw_loop *l, const char *dir, const struct node_ops *ops, void *ctx,
			  struct cw_rpc_server *server, struct node **ret_node, struct cw_why *why);
void node_free(struct node *n);
const char *node_name(const struct node *n);
const char *node_site(const struct node *n);
/* The configuration in DIR. CW_E_NOT_FOUND when the manager has given none yet. */
CW_NODISCARD int node_config(const char *dir, struct cw_json **ret_config);
/* CONFIG with the members of MORE (taken over) in place of its own of these names, as text for cw_conf_parse(): JSON is
 * YAML. */
CW_NODISCARD int node_config_text(const struct cw_json *config, struct cw_json *more, char **ret_text);
/* Calls the manager; as line_ask(). */
CW_NODISCARD int node_ask(struct node *n, const char *noun, const char *verb, const char *name, struct cw_json *args,
			  uint64_t timeout_ms,
			  void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why),
			  void *ctx);
/* Reports at the next turn instead of at the next second. */
void node_report_soon(struct node *n);

#endif
