/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dial.c - the client of evhttp.
 *
 * evhttp reports from inside its connection, which must not be freed there; so its callback only
 * keeps the result, and a timer that is due at once hands it on.
 */
#include "interconnect/line/dial.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/err.h"
#include "interconnect/base/log.h"

CW_LOG_MODULE(dial);

enum { ANSWER_MAX = 64 * 1024, ANSWER_HEADERS_MAX = 8192 };

struct dial {
	struct evhttp_connection *con;
	struct cw_timer *timer;         /* the deadline, then the delivery */
	bool refused;                   /* another key */
	bool answered;
	int status;
	struct cw_json *answer;
	void (*done)(void *ctx, int r, int status, const struct cw_json *body);
	void *ctx;
};

static void on_answer(struct evhttp_request *req, void *arg)
{
	struct dial *d = arg;
	struct evbuffer *b = req ? evhttp_request_get_input_buffer(req) : NULL;
	size_t n = b ? evbuffer_get_length(b) : 0;

	d->status = req ? evhttp_request_get_response_code(req) : 0;
	d->answered = d->status > 0;
	if (n > 0 && cw_json_parse(evbuffer_pullup(b, -1), n, &d->answer) < 0)
		d->answer = NULL;
	cw_timer_arm(d->timer, 0);
}

static void on_timer(void *ctx)
{
	struct dial *d = ctx;

	if (d->refused)
		d->done(d->ctx, CW_E_AUTH, 0, NULL);
	else if (!d->answered)
		d->done(d->ctx, CW_E_UNREACHABLE, 0, NULL);
	else
		d->done(d->ctx, 0, d->status, cw_json_is_object(d->answer) ? d->answer : NULL);
}

static int request(struct dial *d, const char *host, const char *path, const struct cw_json *body)
{
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	struct evhttp_request *req = evhttp_request_new(on_answer, d);
	struct evkeyvalq *h;
	int r;

	if (!req)
		return -ENOMEM;
	h = evhttp_request_get_output_headers(req);
	if ((r = cw_json_dump(body, false, &text)) < 0 || evhttp_add_header(h, "Host", host) < 0 ||
	    evhttp_add_header(h, "Content-Type", "application/json") < 0 || evhttp_add_header(h, "Connection", "close") < 0 ||
	    evbuffer_add(evhttp_request_get_output_buffer(req), text, strlen(text)) < 0) {
		evhttp_request_free(req);
		return r < 0 ? r : -ENOMEM;
	}
	/* From here on the connection owns the request; a failure may be reported from inside. */
	return evhttp_make_request(d->con, req, EVHTTP_REQ_POST, path) < 0 ? CW_E_UNREACHABLE : 0;
}

static int connection(struct dial *d, struct cw_loop *l, struct cw_tls *tls, const struct cw_endpoint *to,
		      const uint8_t pin[CW_TLS_PIN])
{
	struct ssl_st *s = cw_tls_connect(tls, pin, &d->refused);
	struct bufferevent *bev = NULL;
	char host[CW_IP_TEXT];

	if (s)
		bev = bufferevent_openssl_socket_new(cw_loop_base(l), -1, s, BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
	if (!bev)
		return -ENOMEM;
	bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	d->con = evhttp_connection_base_bufferevent_new(cw_loop_base(l), NULL, bev, cw_ip_text(&to->ip, host), to->port);
	if (!d->con) {
		bufferevent_free(bev);
		return -ENOMEM;
	}
	evhttp_connection_set_timeout(d->con, DIAL_MS / 1000);
	evhttp_connection_set_max_body_size(d->con, ANSWER_MAX);
	evhttp_connection_set_max_headers_size(d->con, ANSWER_HEADERS_MAX);
	return 0;
}

static int start(struct dial *d, struct cw_loop *l, struct cw_tls *tls, const struct cw_endpoint *to,
		 const uint8_t pin[CW_TLS_PIN], const char *path, const struct cw_json *body)
{
	char host[CW_ENDPOINT_TEXT];
	int r;

	if ((r = cw_timer_new(l, on_timer, d, &d->timer)) < 0 || (r = connection(d, l, tls, to, pin)) < 0)
		return r;
	cw_timer_arm(d->timer, DIAL_MS);
	r = request(d, cw_endpoint_text(to, host), path, body);
	if (r == CW_E_UNREACHABLE)
		cw_timer_arm(d->timer, 0);
	return r == CW_E_UNREACHABLE ? 0 : r;
}

int dial_post(struct cw_loop *l, struct cw_tls *tls, const struct cw_endpoint *to, const uint8_t pin[CW_TLS_PIN], const char *path,
	      struct cw_json *body, void (*done)(void *ctx, int r, int status, const struct cw_json *body), void *ctx,
	      struct dial **ret_dial)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *own = body;
	struct dial *d = calloc(1, sizeof *d);
	int r;

	if (!d)
		return -ENOMEM;
	d->done = done;
	d->ctx = ctx;
	if ((r = start(d, l, tls, to, pin, path, own)) < 0) {
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
	if (d->con)
		evhttp_connection_free(d->con);
	cw_timer_free(d->timer);
	cw_json_free(d->answer);
	free(d);
}
