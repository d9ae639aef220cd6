/* SPDX-License-Identifier: Apache-2.0 */
/* peer.c - control streams out, all streams in. */
#include "migrate/peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "interconnect/base/log.h"
#include "interconnect/base/rpc.h"
#include "migrate/dst.h"
#include "migrate/src.h"
#include "migrate/stream.h"

CW_LOG_MODULE(peer);

enum { ACCEPTS_MAX = 64 };

/* ---- asking ---- */

struct peer {
	struct agent *agent;
	struct cw_stream_addr addr;
	struct stream_hello hello;
	struct stream_dial *dial;
	struct cw_rpc_client *client;
	/* The open question. */
	char verb[16], id[STREAM_ID_TEXT];
	struct cw_json *args;
	uint64_t timeout_ms;
	void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why);
	void *ctx;
};

int peer_new(struct agent *a, const char *site, struct peer **ret_peer)
{
	const struct agent_conf_peer *conf = agent_conf_peer(&a->conf, site);
	struct peer *p;
	int r;

	if (!conf)
		return CW_E_NOT_FOUND;
	p = calloc(1, sizeof *p);
	if (!p)
		return -ENOMEM;
	p->agent = a;
	p->hello.kind = STREAM_CONTROL;
	snprintf(p->hello.site, sizeof p->hello.site, "%s", a->conf.site);
	if ((r = cw_stream_addr_parse(conf->dial, &p->addr)) < 0) {
		free(p);
		return r;
	}
	*ret_peer = p;
	return 0;
}

static void answer(struct peer *p, int r, const struct cw_json *body, const struct cw_why *why)
{
	void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why) = p->cb;

	p->cb = NULL;
	cb(p->ctx, r, body, why);               /* may free P */
}

static void on_reply(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct peer *p = ctx;

	if (r == CW_E_UNREACHABLE || r == CW_E_TIMEOUT)
		cw_rpc_client_free(cw_steal(&p->client));
	answer(p, r, body, why);
}

static void send_question(struct peer *p)
{
	struct cw_why why = { 0 };
	int r = cw_rpc_client_ask(p->client, "migration", p->verb, p->id, cw_steal(&p->args), p->timeout_ms, on_reply,
				  p);

	if (r < 0) {
		cw_rpc_client_free(cw_steal(&p->client));
		answer(p, r, NULL, &why);
	}
}

static void on_dialled(void *ctx, int r, int fd)
{
	struct peer *p = ctx;
	struct cw_why why = { 0 };

	stream_dial_free(cw_steal(&p->dial));
	if (r == 0)
		r = cw_rpc_client_new(p->agent->loop, fd, &p->client);
	if (r == 0) {
		send_question(p);
		return;
	}
	cw_json_free(cw_steal(&p->args));
	answer(p, CW_E_UNREACHABLE, NULL, &why);
}

int peer_ask(struct peer *p, const char *verb, const char *id, struct cw_json *args, uint64_t timeout_ms,
	     void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why), void *ctx)
{
	int r = 0;

	if (p->cb) {
		cw_json_free(args);
		return -EBUSY;
	}
	snprintf(p->verb, sizeof p->verb, "%s", verb);
	snprintf(p->id, sizeof p->id, "%s", id);
	p->timeout_ms = timeout_ms;
	p->cb = cb;
	p->ctx = ctx;
	if (p->client) {
		r = cw_rpc_client_ask(p->client, "migration", verb, id, cw_json_ref(args), timeout_ms, on_reply, p);
		if (r == CW_E_UNREACHABLE)      /* the stream ended while nobody asked: a new one may reach them */
			cw_rpc_client_free(cw_steal(&p->client));
	}
	if (p->client) {
		cw_json_free(args);
	} else {
		p->args = args;
		r = stream_dial_new(p->agent->loop, &p->addr, &p->hello,
				    CW_MIN(timeout_ms, (uint64_t)STREAM_TIMEOUT_MS), on_dialled,
				    p, &p->dial);
		if (r < 0)
			cw_json_free(cw_steal(&p->args));
	}
	if (r < 0)
		p->cb = NULL;
	return r;
}

void peer_free(struct peer *p)
{
	if (!p)
		return;
	stream_dial_free(p->dial);
	cw_rpc_client_free(p->client);
	cw_json_free(p->args);
	free(p);
}

/* ---- answering ---- */

struct incoming {
	struct incoming *next;
	struct peer_listener *listener;
	struct stream_accept *accept;
};

/* A site that has called, as the tag of its streams: they outlive a configuration. */
struct caller {
	struct caller *next;
	char site[STREAM_SITE_TEXT];
};

struct peer_listener {
	struct agent *agent;
	int fd;                         /* -1: takes no streams */
	struct caller *callers;
	struct cw_io *io;
	struct cw_rpc_server *server;
	struct incoming *incoming;
	size_t n_incoming;
};

static const struct cw_rpc_row peer_rows[] = {
	{ "migration", "validate", dst_on_validate },
	{ "migration", "prepare", dst_on_prepare },
	{ "migration", "inspect", dst_on_inspect },
	{ "migration", "prove", dst_on_prove },
	{ "migration", "commit", dst_on_commit },
	{ "migration", "abort", dst_on_abort },
	{ "migration", "status", src_on_status },
};

const char *peer_site(const struct cw_rpc_call *call)
{
	const struct caller *c = cw_rpc_call_tag(call);

	return c->site;
}

/* There are at most as many as sites were ever configured. */
static struct caller *caller_of(struct peer_listener *l, const char *site)
{
	struct caller *c = l->callers;

	while (c && strcmp(c->site, site) != 0)
		c = c->next;
	if (c || !agent_conf_peer(&l->agent->conf, site) || !(c = calloc(1, sizeof *c)))
		return c;
	snprintf(c->site, sizeof c->site, "%s", site);
	c->next = l->callers;
	l->callers = c;
	return c;
}

static int control_open(struct peer_listener *l, int fd, const struct stream_hello *h)
{
	struct caller *tag = caller_of(l, h->site);
	int r;

	if (!tag || !agent_conf_peer(&l->agent->conf, h->site))
		r = CW_E_FORBIDDEN;
	else
		r = stream_answer(fd, 0);
	if (r < 0) {
		(void)!stream_answer(fd, r);
		cw_fd_close(&fd);
		return r;
	}
	return cw_rpc_server_accept(l->server, fd, tag);
}

static void incoming_free(struct incoming *i)
{
	struct incoming **at = &i->listener->incoming;

	while (*at != i)
		at = &(*at)->next;
	*at = i->next;
	i->listener->n_incoming--;
	stream_accept_free(i->accept);
	free(i);
}

static void on_hello(void *ctx, int r, int fd, const struct stream_hello *hello)
{
	struct incoming *i = ctx;
	struct peer_listener *l = i->listener;
	struct agent_counters *n = &l->agent->counters;

	if (r == 0)
		r = hello->kind == STREAM_CONTROL ? control_open(l, fd, hello) : dst_stream(l->agent, hello, fd);
	if (r < 0) {
		n->streams_refused++;
		cw_log_rl(WARN, hello ? hello->site : "", r, "stream refused");
	} else {
		n->streams_accepted++;
	}
	incoming_free(i);
}

static void on_listener(void *ctx, unsigned events)
{
	struct peer_listener *l = ctx;
	int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct incoming *i;

	(void)events;
	if (fd < 0)
		return;
	i = l->n_incoming < ACCEPTS_MAX ? calloc(1, sizeof *i) : NULL;
	if (!i) {
		l->agent->counters.streams_refused++;
		cw_fd_close(&fd);
		return;
	}
	i->listener = l;
	i->next = l->incoming;
	l->incoming = i;
	l->n_incoming++;
	if (stream_accept_new(l->agent->loop, fd, on_hello, i, &i->accept) < 0)
		incoming_free(i);
}

int peer_relisten(struct agent *a, const char *listen)
{
	struct peer_listener *l = a->listener;
	struct cw_stream_addr addr;
	struct cw_io *io = NULL;
	int fd = -1, r = 0;

	if (listen[0] && ((r = cw_stream_addr_parse(listen, &addr)) < 0 || (r = cw_stream_listen(&addr, &fd)) < 0 ||
			  (r = cw_io_new(a->loop, fd, CW_IO_READ, on_listener, l, &io)) < 0)) {
		cw_fd_close(&fd);
		return r;
	}
	cw_io_free(l->io);
	cw_fd_close(&l->fd);
	l->fd = fd;
	l->io = io;
	return 0;
}

int peer_listen(struct agent *a)
{
	struct peer_listener *l = calloc(1, sizeof *l);
	int r;

	if (!l)
		return -ENOMEM;
	l->agent = a;
	l->fd = -1;
	a->listener = l;
	if ((r = cw_rpc_server_bare(a->loop, peer_rows, CW_COUNT(peer_rows), a, &l->server)) < 0 ||
	    (r = peer_relisten(a, a->conf.listen)) < 0)
		peer_listen_stop(a);
	return r;
}

void peer_listen_stop(struct agent *a)
{
	struct peer_listener *l = cw_steal(&a->listener);

	if (!l)
		return;
	while (l->incoming)
		incoming_free(l->incoming);
	cw_io_free(l->io);
	cw_rpc_server_free(l->server);
	cw_fd_close(&l->fd);
	while (l->callers) {
		struct caller *c = l->callers;

		l->callers = c->next;
		free(c);
	}
	free(l);
}
