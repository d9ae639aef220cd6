/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_report.c - asks the program's own server, over a pair of sockets for each noun, so that a noun that takes its
 * time (libvirt's) holds up no other.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "interconnect/line/node_impl.h"

enum { NOUNS_MAX = 8, ROUND_MS = 300, ANSWER_MS = 4000 };

struct noun {
	struct node_report *report;
	const char *name;
	struct cw_rpc_client *client;
	bool asked, broken;
	struct cw_json *body;           /* the last answer; NULL: none */
};

struct node_report {
	struct cw_loop *loop;
	struct cw_rpc_server *server;
	struct noun nouns[NOUNS_MAX];
	size_t n;
	bool open;                      /* a round is */
	struct cw_timer *timer;
	void (*done)(void *ctx, struct cw_json *bodies);
	void *ctx;
};

static const char *verb_of(const char *noun)
{
	static const char *const shown[] = { "appliance", "host" };

	for (size_t i = 0; i < CW_COUNT(shown); i++)
		if (strcmp(shown[i], noun) == 0)
			return "show";
	return "list";
}

static void round_end(void *ctx)
{
	struct node_report *r = ctx;
	struct cw_json *bodies = cw_json_object();

	if (!r->open) {
		cw_json_free(bodies);
		return;
	}
	r->open = false;
	cw_timer_stop(r->timer);
	for (size_t i = 0; i < r->n; i++)
		if (r->nouns[i].body)
			cw_json_set(bodies, r->nouns[i].name, cw_json_ref(r->nouns[i].body));
	r->done(r->ctx, bodies);
}

static void on_body(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct noun *n = ctx;

	(void)why;
	n->asked = false;
	/* A stream that failed cannot be asked again, but it is not freed from below itself. */
	n->broken = r == CW_E_TIMEOUT || r == CW_E_UNREACHABLE || r == CW_E_MALFORMED;
	cw_json_free(cw_steal(&n->body));
	if (r == 0)
		n->body = cw_json_ref(body);
	for (size_t i = 0; i < n->report->n; i++)
		if (n->report->nouns[i].asked)
			return;
	cw_timer_arm(n->report->timer, 0);
}

static int connect_noun(struct noun *n)
{
	struct node_report *r = n->report;
	int fds[2], e;

	if (n->broken)
		cw_rpc_client_free(cw_steal(&n->client));
	n->broken = false;
	if (n->client)
		return 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return -errno;
	if ((e = cw_rpc_server_accept(r->server, fds[0], NULL)) < 0) {
		cw_fd_close(&fds[1]);
		return e;
	}
	return cw_rpc_client_new(r->loop, fds[1], &n->client);
}

static void ask(struct noun *n)
{
	if (n->asked || connect_noun(n) < 0)
		return;
	n->asked = cw_rpc_client_ask(n->client, n->name, verb_of(n->name), NULL, NULL, ANSWER_MS, on_body, n) == 0;
	n->broken |= !n->asked;
}

void node_report_round(struct node_report *r)
{
	if (r->open)
		return;
	r->open = true;
	for (size_t i = 0; i < r->n; i++)
		ask(&r->nouns[i]);
	cw_timer_arm(r->timer, ROUND_MS);
}

int node_report_new(struct cw_loop *l, struct cw_rpc_server *server, const char *const *nouns,
		    void (*done)(void *ctx, struct cw_json *bodies), void *ctx, struct node_report **ret_report)
{
	struct node_report *r = calloc(1, sizeof *r);
	int e;

	if (!r)
		return -ENOMEM;
	r->loop = l;
	r->server = server;
	r->done = done;
	r->ctx = ctx;
	for (; *nouns && r->n < NOUNS_MAX; nouns++, r->n++)
		r->nouns[r->n] = (struct noun){ .report = r, .name = *nouns };
	if ((e = cw_timer_new(l, round_end, r, &r->timer)) < 0) {
		free(r);
		return e;
	}
	*ret_report = r;
	return 0;
}

void node_report_free(struct node_report *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++) {
		cw_rpc_client_free(r->nouns[i].client);
		cw_json_free(r->nouns[i].body);
	}
	cw_timer_free(r->timer);
	free(r);
}
