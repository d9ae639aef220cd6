/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_help.c - the queue of calls to causeway-helper.
 *
 * The first of the queue is the one that was sent. A connection that was used before may have been lost without anybody
 * noticing (the helper was started anew), so what was sent over such a one is sent once more over a new one; every verb
 * may be repeated.
 */
#include "mesh/mesh_help.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/rpc.h"

enum { QUEUE_MAX = 256 };

struct ask {
	struct ask *next;
	char *noun, *verb, *name;       /* name may be NULL */
	struct cw_json *args;           /* may be NULL */
	uint64_t end_ms;
	bool again;                     /* it was sent once more */
	void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why);
	void *ctx;
};

struct mesh_help {
	struct cw_loop *loop;
	char *socket;
	struct cw_rpc_client *client;   /* NULL: not connected */
	bool used;                      /* the connection carried an answer */
	bool sent;                      /* the first of the queue is under way */
	bool closing;
	struct cw_timer *timer;
	struct ask *asks;
	size_t n;
};

static void ask_free(struct ask *a)
{
	if (!a)
		return;
	free(a->noun);
	free(a->verb);
	free(a->name);
	cw_json_free(a->args);
	free(a);
}

static int ask_new(const char *noun, const char *verb, const char *name, struct cw_json *args, struct ask **ret_ask)
{
	struct ask *a = calloc(1, sizeof *a);

	if (!a) {
		cw_json_free(args);
		return -ENOMEM;
	}
	a->args = args;
	a->noun = strdup(noun);
	a->verb = strdup(verb);
	a->name = name ? strdup(name) : NULL;
	if (!a->noun || !a->verb || (name && !a->name)) {
		ask_free(a);
		return -ENOMEM;
	}
	*ret_ask = a;
	return 0;
}

/* The end of the first one, and then the next one's turn, when the stack is small again. */
static void first_end(struct mesh_help *h, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct ask *a = h->asks;

	h->asks = a->next;
	h->n--;
	h->sent = false;
	if (h->asks)
		cw_timer_arm(h->timer, 0);
	a->cb(a->ctx, r, body, why);
	ask_free(a);
}

static void first_fail(struct mesh_help *h, int r)
{
	struct cw_why why = { 0 };

	cw_why_set(&why, r, "helper", NULL, r == CW_E_UNREACHABLE ? "causeway-helper cannot be reached at %s" : "%s",
		   r == CW_E_UNREACHABLE ? h->socket : cw_strerror(r));
	first_end(h, r, NULL, &why);
}

static void hang_up(struct mesh_help *h)
{
	cw_rpc_client_free(cw_steal(&h->client));
	h->used = false;
}

/* True if the first one is worth another connection: the loss may be older than the call. */
static bool may_again(struct mesh_help *h, int r)
{
	if (r != CW_E_UNREACHABLE || !h->used || h->asks->again)
		return false;
	h->asks->again = true;
	return true;
}

static void on_reply(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct mesh_help *h = ctx;

	if (r == CW_E_UNREACHABLE) {
		bool again = may_again(h, r);

		hang_up(h);
		h->sent = false;
		if (again)
			cw_timer_arm(h->timer, 0);
		else
			first_fail(h, r);
		return;
	}
	h->used = true;
	if (r == CW_E_TIMEOUT) /* the client is of no use any more: a late answer would be taken for the next one */
		hang_up(h);
	first_end(h, r, body, why);
}

static int dial(struct mesh_help *h)
{
	int fd, r;

	if (h->client)
		return 0;
	h->used = false;
	if ((r = cw_rpc_dial(h->socket, &fd)) < 0)
		return r == -ENOMEM || r == -EMFILE ? r : CW_E_UNREACHABLE;
	return cw_rpc_client_new(h->loop, fd, &h->client);
}

/* Sends the first one. CW_E_TIMEOUT when it has waited too long for that. */
static int send_first(struct mesh_help *h)
{
	struct ask *a = h->asks;
	uint64_t now = cw_clock_now_ms();
	int r;

	if (now >= a->end_ms)
		return CW_E_TIMEOUT;
	if ((r = dial(h)) < 0)
		return r;
	return cw_rpc_client_ask(h->client, a->noun, a->verb, a->name, a->args ? cw_json_ref(a->args) : NULL,
				 a->end_ms - now, on_reply, h);
}

static void on_timer(void *ctx)
{
	struct mesh_help *h = ctx;
	bool again;
	int r;

	if (h->sent || !h->asks)
		return;
	if ((r = send_first(h)) == 0) {
		h->sent = true;
		return;
	}
	again = may_again(h, r);
	if (r == CW_E_UNREACHABLE)
		hang_up(h);
	if (again)
		cw_timer_arm(h->timer, 0);
	else
		first_fail(h, r);
}

int mesh_help_ask(struct mesh_help *h, const char *noun, const char *verb, const char *name, struct cw_json *args,
		  uint64_t timeout_ms,
		  void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why), void *ctx)
{
	struct ask *a = NULL, **at = &h->asks;
	int r = h->closing ? CW_E_CANCELLED : h->n < QUEUE_MAX ? 0 : CW_E_LIMIT;

	if (r < 0) {
		cw_json_free(args);
		return r;
	}
	if ((r = ask_new(noun, verb, name, args, &a)) < 0)
		return r;
	a->end_ms = cw_clock_now_ms() + timeout_ms;
	a->cb = cb;
	a->ctx = ctx;
	while (*at)
		at = &(*at)->next;
	*at = a;
	if (h->n++ == 0)
		cw_timer_arm(h->timer, 0);
	return 0;
}

int mesh_help_new(struct cw_loop *l, const char *socket, struct mesh_help **ret_help)
{
	struct mesh_help *h = calloc(1, sizeof *h);
	int r;

	if (!h)
		return -ENOMEM;
	h->loop = l;
	h->socket = strdup(socket);
	r = h->socket ? cw_timer_new(l, on_timer, h, &h->timer) : -ENOMEM;
	if (r < 0) {
		mesh_help_free(h);
		return r;
	}
	*ret_help = h;
	return 0;
}

void mesh_help_free(struct mesh_help *h)
{
	if (!h)
		return;
	cw_rpc_client_free(cw_steal(&h->client));
	h->closing = true;
	while (h->asks)
		first_fail(h, CW_E_CANCELLED);
	cw_timer_free(h->timer);
	free(h->socket);
	free(h);
}
