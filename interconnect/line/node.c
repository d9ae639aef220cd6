/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node.c - the node itself.
 *
 * Theory of operation. A node without a certificate of its site has an enrolment (node_enrol.c), one with has a line;
 * never both. The configuration in the folder is applied at the first turn and again each second until it has been; a
 * report says the hash of what is applied, or none. "node configure" writes first and applies then: when the program
 * refuses, the folder is made again what it was.
 */
#include "interconnect/line/node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/crypt.h"
#include "interconnect/base/crypt_issue.h"
#include "interconnect/base/daemon.h"
#include "interconnect/base/impair.h"
#include "interconnect/base/log.h"
#include "interconnect/base/mem.h"
#include "interconnect/line/node_impl.h"

CW_LOG_MODULE(node);

enum { ANSWER_MS = 10 * 1000, LEAVE_MS = 200, RENEW_MS = 3600 * 1000, RENEW_SOON_MS = 1000 };

struct node {
	struct cw_loop *loop;
	char dir[NODE_PATH];
	const struct node_ops *ops;
	void *ctx;
	struct cw_rpc_server *server;
	struct node_seed seed;
	struct cw_tls *tls;
	struct line *line;
	struct node_enrol *enrol;
	struct node_report *report;
	struct cw_timer *begin, *tick, *leave, *renew;
	struct cw_json *want;           /* what the folder says; NULL: nothing yet */
	char hash[65];                  /* of what is applied, or "" */
	bool leaving, telling;
};

/* ---- configuration ---- */

/* What the folder says is true now, or R says why not. */
static int apply(struct node *n, const struct cw_json *want, struct cw_why *why)
{
	const struct cw_json *config = cw_json_get(want, "config");
	bool again = !n->ops->rereads && n->hash[0] && n->want && !node_want_same_files(n->want, want);
	char hash[65];
	int r;

	if ((r = node_hash(config, cw_json_get(want, "files"), hash)) < 0 ||
	    (r = n->ops->apply(n->ctx, config, why)) < 0)
		return cw_why_set(why, r, "node", "config", "%s", cw_strerror(r));
	/* Most programs read files when they start. */
	if (r == 0 && again)
		r = NODE_RESTART;
	if (r == 0)
		memcpy(n->hash, hash, sizeof hash);
	return r;
}

static void leave(struct node *n)
{
	if (n->leaving)
		return;
	cw_log(INFO, n->seed.name, "starting anew with another configuration");
	n->leaving = true;
	cw_timer_arm(n->leave, LEAVE_MS);       /* the answer goes first */
}

static void on_leave(void *ctx)
{
	struct node *n = ctx;

	cw_loop_stop(n->loop);
}

/* The program has refused WANT, and goes on with what it had. */
static void put_back(struct node *n, const struct cw_json *want)
{
	int r = 0;

	if (n->want)
		r = node_want_write(n->dir, n->want, want);
	else
		node_want_remove(n->dir, want);
	if (r < 0)
		cw_log_r(ERROR, n->dir, r, "cannot write the configuration that goes on");
}

static int configure(struct node *n, const struct cw_json *args, struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *want = NULL;
	char hash[65];
	int r;

	if ((r = node_want_of(args, &want, why)) < 0 ||
	    (r = node_hash(cw_json_get(want, "config"), cw_json_get(want, "files"), hash)) < 0)
		return r;
	if (strcmp(hash, n->hash) == 0 && !n->leaving)
		return 0;
	if ((r = cw_impair("node.config.before")) < 0 || (r = node_want_write(n->dir, want, n->want)) < 0 ||
	    (r = cw_impair("node.config.after")) < 0 || (r = apply(n, want, why)) < 0) {
		put_back(n, want);
		return cw_why_set(why, r, "node", "config", "%s", cw_strerror(r));
	}
	cw_json_free(n->want);
	n->want = cw_steal(&want);
	return r;
}

static void on_configure(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct node *n = ctx;
	struct cw_json *body;
	struct cw_why why = { 0 };
	char hash[65] = "";
	int r;

	if (cw_rpc_call_tag(call) != n) {
		cw_rpc_fail(call, cw_why_set(&why, CW_E_FORBIDDEN, "node", NULL, "is configured by its manager alone"),
			    &why);
		return;
	}
	if ((r = configure(n, cw_json_get(request, "args"), &why)) < 0) {
		cw_log_rl(ERROR, n->seed.name, r, "the manager's configuration is refused: %s", why.rule);
		cw_rpc_fail(call, r, &why);
		return;
	}
	if (r == NODE_RESTART)
		leave(n);
	body = cw_json_object();
	if (node_hash(cw_json_get(n->want, "config"), cw_json_get(n->want, "files"), hash) == 0)
		cw_json_set_str(body, "hash", hash);
	cw_rpc_reply(call, body);
	node_report_soon(n);
}

static const struct cw_rpc_row node_rows[] = {
	{ "node", "configure", on_configure },
};

static void apply_again(struct node *n)
{
	struct cw_why why = { 0 };
	char text[sizeof why];
	int r;

	if (!n->want || n->hash[0] || n->leaving)
		return;
	r = apply(n, n->want, &why);
	if (r == NODE_RESTART)
		leave(n);
	if (r < 0)
		cw_log_rl(ERROR, n->seed.name, r, "cannot do what the configuration says: %s",
			  cw_why_text(&why, r, text, sizeof text));
}

/* ---- reports ---- */

static void on_told(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct node *n = ctx;

	(void)body, (void)why;
	n->telling = false;
	if (r < 0 && r != CW_E_UNREACHABLE && r != CW_E_TIMEOUT)
		cw_log_rl(WARN, n->seed.name, r, "the manager does not take the report");
}

static void on_bodies(void *ctx, struct cw_json *bodies)
{
	struct node *n = ctx;
	struct cw_json *o = cw_json_object();

	cw_json_set(o, "nouns", bodies);
	cw_json_set_str(o, "hash", n->hash);
	cw_json_set_int(o, "pid", getpid());
	cw_json_set_str(o, "version", CW_VERSION);
	if (n->line && !n->telling)
		n->telling = line_ask(n->line, "node", "report", NULL, o, ANSWER_MS, on_told, n) == 0;
	else
		cw_json_free(o);
}

void node_report_soon(struct node *n)
{
	if (n->line && line_is_up(n->line) && !n->telling)
		node_report_round(n->report);
}

static void on_tick(void *ctx)
{
	struct node *n = ctx;

	cw_timer_arm(n->tick, NODE_REPORT_MS);
	apply_again(n);
	node_report_soon(n);
}

/* ---- renewal ---- */

/* Milliseconds until a third of the certificate's time is left; 0 when it is past. */
static uint64_t renew_in(const struct node *n)
{
	struct cw_cert *c = NULL;
	int64_t from = 0, until = 0, at = 0, now = cw_clock_wall_s();
	char path[NODE_PATH];

	if (cw_cert_load(node_path(n->dir, "node.crt", path), &c) == 0 && cw_cert_valid(c, &from, &until) == 0)
		at = until - (until - from) / 3;
	cw_cert_free(c);
	return at > now ? (uint64_t)(at - now) * 1000 : 0;
}

static void on_renewed(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct node *n = ctx;

	(void)why;
	if (r == 0)
		r = node_enrol_take(n->dir, body);
	if (r < 0) {
		cw_log_rl(WARN, n->seed.name, r, "the certificate is not renewed");
		return;
	}
	cw_log(INFO, n->seed.name, "the certificate is renewed");
	if (n->ops->renewed && n->ops->renewed(n->ctx) == NODE_RESTART)
		leave(n);
}

static void on_renew(void *ctx)
{
	struct node *n = ctx;
	char spki[2 * CW_ISSUE_SPKI_MAX + 1];
	struct cw_json *args;

	/* Not longer than a timer can be, nor than a clock may be set in the meantime. */
	cw_timer_arm(n->renew, RENEW_MS);
	if (!n->line || renew_in(n) > 0 || node_enrol_spki(n->dir, spki, sizeof spki) < 0)
		return;
	args = cw_json_object();
	cw_json_set_str(args, "key", spki);
	(void)!line_ask(n->line, "node", "renew", NULL, args, ANSWER_MS, on_renewed, n);
}

/* ---- the line ---- */

static void on_state(void *ctx, bool up, int r)
{
	struct node *n = ctx;

	if (up) {
		cw_log(INFO, n->seed.name, "the manager answers");
		node_report_soon(n);
		cw_timer_arm(n->renew, RENEW_SOON_MS);
	} else if (r == CW_E_FORBIDDEN) {
		cw_log_rl(ERROR, n->seed.name, r, "the manager of site %s does not know this node any more",
			  n->seed.site);
	} else {
		cw_log_rl(WARN, n->seed.name, r, "the manager does not answer");
	}
}

static int start_line(struct node *n)
{
	struct line_conf c = { .prefix = "/node/v1", .server = n->server, .tag = n, .on_state = on_state, .ctx = n };
	char cert[NODE_PATH], key[NODE_PATH];
	int r;

	if ((r = cw_tls_new(node_path(n->dir, "node.crt", cert), node_path(n->dir, "node.key", key), &n->tls)) < 0)
		return r;
	c.tls = n->tls;
	memcpy(c.to, n->seed.to, sizeof c.to);
	c.n_to = n->seed.n_to;
	memcpy(c.pin, n->seed.pin, sizeof c.pin);
	return line_new(n->loop, &c, &n->line);
}

static void on_enrolled(void *ctx)
{
	struct node *n = ctx;

	/* The enrolment cannot be freed from within itself. */
	cw_timer_arm(n->begin, 0);
}

static int begin(struct node *n)
{
	int r;

	node_enrol_free(cw_steal(&n->enrol));
	if ((r = node_seed_load(n->dir, &n->seed, NULL)) < 0)
		return r;
	if (n->seed.token[0])
		return node_enrol_new(n->loop, n->dir, on_enrolled, n, &n->enrol);
	return start_line(n);
}

static void on_begin(void *ctx)
{
	struct node *n = ctx;
	int r = begin(n);

	if (r == 0)
		return;
	cw_log_rl(ERROR, n->dir, r, "cannot begin to call the manager");
	cw_timer_arm(n->begin, NODE_REPORT_MS);
}

/* ---- life ---- */

static int open_node(struct node *n, struct cw_why *why)
{
	int r;

	if ((r = node_seed_load(n->dir, &n->seed, why)) < 0)
		return r;
	if (strcmp(n->seed.kind, n->ops->kind) != 0)
		return cw_why_set(why, CW_E_INVALID, n->dir, "kind", "is the folder of '%s', and this is '%s'",
				  n->seed.kind, n->ops->kind);
	if ((r = node_want_load(n->dir, &n->want)) < 0 && r != CW_E_NOT_FOUND)
		cw_log_r(ERROR, n->dir, r, "the configuration here cannot be read; waiting for the manager");
	if ((r = cw_timer_new(n->loop, on_begin, n, &n->begin)) < 0 ||
	    (r = cw_timer_new(n->loop, on_tick, n, &n->tick)) < 0 ||
	    (r = cw_timer_new(n->loop, on_leave, n, &n->leave)) < 0 ||
	    (r = cw_timer_new(n->loop, on_renew, n, &n->renew)) < 0 ||
	    (r = node_report_new(n->loop, n->server, n->ops->report, on_bodies, n, &n->report)) < 0 ||
	    (r = cw_rpc_server_add(n->server, node_rows, CW_COUNT(node_rows), n)) < 0)
		return cw_why_set(why, r, n->dir, NULL, "%s", cw_strerror(r));
	cw_timer_arm(n->tick, 0);
	cw_timer_arm(n->begin, 0);
	return 0;
}

int node_new(struct cw_loop *l, const char *dir, const struct node_ops *ops, void *ctx, struct cw_rpc_server *server,
	     struct node **ret_node, struct cw_why *why)
{
	struct node *n = calloc(1, sizeof *n);
	int r;

	if (!n)
		return -ENOMEM;
	*n = (struct node){ .loop = l, .ops = ops, .ctx = ctx, .server = server };
	if ((size_t)snprintf(n->dir, sizeof n->dir, "%s", dir) >= sizeof n->dir - NODE_NAME_MAX) {
		free(n);
		return cw_why_set(why, -ENAMETOOLONG, "node", "folder", "the path is too long");
	}
	if ((r = open_node(n, why)) < 0) {
		node_free(n);
		return r;
	}
	*ret_node = n;
	return 0;
}

void node_free(struct node *n)
{
	if (!n)
		return;
	line_free(n->line);
	node_enrol_free(n->enrol);
	cw_rpc_server_drop(n->server, n);
	node_report_free(n->report);
	cw_timer_free(n->begin);
	cw_timer_free(n->tick);
	cw_timer_free(n->leave);
	cw_timer_free(n->renew);
	cw_tls_free(n->tls);
	cw_json_free(n->want);
	cw_mem_wipe(&n->seed, sizeof n->seed);
	free(n);
}

const char *node_name(const struct node *n)
{
	return n->seed.name;
}

const char *node_site(const struct node *n)
{
	return n->seed.site;
}

int node_ask(struct node *n, const char *noun, const char *verb, const char *name, struct cw_json *args,
	     uint64_t timeout_ms, void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why),
	     void *ctx)
{
	if (n->line)
		return line_ask(n->line, noun, verb, name, args, timeout_ms, cb, ctx);
	cw_json_free(args);
	return CW_E_UNREACHABLE;
}
