/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dial.c - the client of evhttp.
 *
 * evhttp reports from inside its connection, which must not be freed there; so its callbacks only keep what happened,
 * and a timer that is due at once hands it on. A connection that evhttp has closed is stale: the next request
 * makes another, with a TLS session of its own, instead of letting evhttp use the old one again.
 */
#include "interconnect/line/dial.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/err.h"

enum { ANSWER_HEADERS_MAX = 8192, EVHTTP_S = 600 };

struct dial_link {
	struct cw_loop *loop;
	struct cw_tls *tls;
	struct cw_endpoint to;
	uint8_t pin[CW_TLS_PIN];

	struct evhttp_connection *con;  /* NULL: none yet, or the last one broke */
	bool stale, warm;               /* closed by evhttp; has had an answer */
	bool refused;                   /* saw another key */
	uint64_t used_ms;

	struct cw_timer *timer;         /* the deadline, then the delivery */
	bool busy, warming, answered;
	uint64_t deadline_ms;
	int status;
	struct cw_json *answer;
	char path[DIAL_PATH_MAX + 1];
	char *text;                     /* of the request that waits behind an empty one */
	dial_done *done;
	void *ctx;
};

/* ---- the connection ---- */

static void on_close(struct evhttp_connection *con, void *arg)
{
	struct dial_link *d = arg;

	(void)con;
	d->stale = true;
}

static void disconnect(struct dial_link *d)
{
	if (d->con) {
		evhttp_connection_set_closecb(d->con, NULL, NULL);
		evhttp_connection_free(d->con);
	}
	d->con = NULL;
	d->stale = d->warm = d->refused = false;
}

static int connection(struct dial_link *d)
{
	struct ssl_st *s = cw_tls_connect(d->tls, d->pin, &d->refused);
	struct bufferevent *bev = NULL;
	struct event_base *base = cw_loop_base(d->loop);
	char host[CW_IP_TEXT];

	if (s)
		bev = bufferevent_openssl_socket_new(base, -1, s, BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
	if (!bev)
		return -ENOMEM;
	bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	d->con = evhttp_connection_base_bufferevent_new(base, NULL, bev, cw_ip_text(&d->to.ip, host), d->to.port);
	if (!d->con) {
		bufferevent_free(bev);
		return -ENOMEM;
	}
	evhttp_connection_set_timeout(d->con, EVHTTP_S);        /* never the first to end: the deadline is ours */
	evhttp_connection_set_max_body_size(d->con, DIAL_ANSWER_MAX);
	evhttp_connection_set_max_headers_size(d->con, ANSWER_HEADERS_MAX);
	evhttp_connection_set_closecb(d->con, on_close, d);
	return 0;
}

static int connect_again(struct dial_link *d)
{
	bool old = cw_clock_now_ms() - d->used_ms > DIAL_IDLE_MS;

	if (d->con && (d->stale || old))
		disconnect(d);
	return d->con ? 0 : connection(d);
}

/* The head and the body are written one after the other: the second must not wait for the first's acknowledgement. */
static void no_delay(struct dial_link *d)
{
	int fd = bufferevent_getfd(evhttp_connection_get_bufferevent(d->con));
	const int one = 1;

	if (fd >= 0)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

/* ---- a request ---- */

static void on_answer(struct evhttp_request *req, void *arg)
{
	struct dial_link *d = arg;
	struct evbuffer *b = req ? evhttp_request_get_input_buffer(req) : NULL;
	size_t n = b ? evbuffer_get_length(b) : 0;

	d->status = req ? evhttp_request_get_response_code(req) : 0;
	d->answered = d->status > 0;
	if (n > 0 && cw_json_parse(evbuffer_pullup(b, -1), n, &d->answer) < 0)
		d->answer = NULL;
	cw_timer_arm(d->timer, 0);
}

static int request(struct dial_link *d, const char *text)
{
	struct evhttp_request *req = evhttp_request_new(on_answer, d);
	char host[CW_ENDPOINT_TEXT];
	struct evkeyvalq *h;
	int r;

	if (!req)
		return -ENOMEM;
	h = evhttp_request_get_output_headers(req);
	if (evhttp_add_header(h, "Host", cw_endpoint_text(&d->to, host)) < 0 ||
	    evhttp_add_header(h, "Content-Type", "application/json") < 0 ||
	    evbuffer_add(evhttp_request_get_output_buffer(req), text, strlen(text)) < 0) {
		evhttp_request_free(req);
		return -ENOMEM;
	}
	/* From here on the connection owns the request; a failure may be reported from inside. */
	r = evhttp_make_request(d->con, req, EVHTTP_REQ_POST, d->path) < 0 ? CW_E_UNREACHABLE : 0;
	if (r == 0)
		no_delay(d);
	return r;
}

/* Sends TEXT; what cannot be sent is an answer that does not come. */
static void send_now(struct dial_link *d, const char *text)
{
	uint64_t now = cw_clock_now_ms();

	d->answered = false;
	cw_timer_arm(d->timer, now < d->deadline_ms ? d->deadline_ms - now : 0);
	if (request(d, text) < 0)
		cw_timer_arm(d->timer, 0);
}

/* The last thing that touches D: whoever is told may free it. */
static void deliver(struct dial_link *d)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *answer = cw_steal(&d->answer);
	int r = d->refused ? CW_E_AUTH : d->answered ? 0 : CW_E_UNREACHABLE;

	free(cw_steal(&d->text));
	d->busy = d->warming = false;
	d->used_ms = cw_clock_now_ms();
	if (r < 0)
		disconnect(d);
	else
		d->warm = true;
	d->done(d->ctx, r, r == 0 ? d->status : 0, cw_json_is_object(answer) ? answer : NULL);
}

static void on_timer(void *ctx)
{
	struct dial_link *d = ctx;

	if (d->warming && d->answered && !d->refused && !d->stale) {
		cw_json_free(cw_steal(&d->answer));
		d->warming = false;
		send_now(d, d->text);
		return;
	}
	if (d->warming)
		d->answered = false;
	deliver(d);
}

int dial_link_post(struct dial_link *d, const char *path, const struct cw_json *body, uint64_t timeout_ms,
		   dial_done *done, void *ctx)
{
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	int r;

	if (d->busy)
		return -EBUSY;
	if (strlen(path) > DIAL_PATH_MAX)
		return -ENAMETOOLONG;
	if ((r = cw_json_dump(body, false, &text)) < 0 || (r = connect_again(d)) < 0)
		return r;
	snprintf(d->path, sizeof d->path, "%s", path);
	d->busy = true;
	d->done = done;
	d->ctx = ctx;
	d->deadline_ms = cw_clock_now_ms() + timeout_ms;
	d->warming = !d->warm && strlen(text) > DIAL_FIRST_MAX;
	send_now(d, d->warming ? "{}" : text);
	if (d->warming)
		d->text = cw_steal(&text);
	return 0;
}

int dial_link_new(struct cw_loop *l, struct cw_tls *tls, const struct cw_endpoint *to, const uint8_t pin[CW_TLS_PIN],
		  struct dial_link **ret_link)
{
	struct dial_link *d = calloc(1, sizeof *d);
	int r;

	if (!d)
		return -ENOMEM;
	d->loop = l;
	d->tls = tls;
	d->to = *to;
	memcpy(d->pin, pin, sizeof d->pin);
	if ((r = cw_timer_new(l, on_timer, d, &d->timer)) < 0) {
		free(d);
		return r;
	}
	*ret_link = d;
	return 0;
}

void dial_link_free(struct dial_link *d)
{
	if (!d)
		return;
	disconnect(d);
	cw_timer_free(d->timer);
	cw_json_free(d->answer);
	free(d->text);
	free(d);
}

/* ---- one request ---- */

struct dial {
	struct dial_link *link;
};

int dial_post(struct cw_loop *l, struct cw_tls *tls, const struct cw_endpoint *to, const uint8_t pin[CW_TLS_PIN],
	      const char *path, struct cw_json *body, dial_done *done, void *ctx, struct dial **ret_dial)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *own = body;
	struct dial *d = calloc(1, sizeof *d);
	int r;

	if (!d)
		return -ENOMEM;
	if ((r = dial_link_new(l, tls, to, pin, &d->link)) < 0 ||
	    (r = dial_link_post(d->link, path, own, DIAL_MS, done, ctx)) < 0) {
		dial_free(d);
		return r;
	}
	*ret_dial = d;
	return 0;
}

void dial_free(struct dial *d)
{
	if (!d)
		return;
	dial_link_free(d->link);
	free(d);
}
