/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_http.c - evhttp and its guards.
 *
 * A connection is known here from the moment its TLS session is made (evhttp asks for it) until
 * the session is freed, whatever happens in between; so that is where connections are counted and
 * where the deadline hangs.
 */
#include "mesh/mesh_http.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "interconnect/base/err.h"
#include "interconnect/base/log.h"
#include "mesh/mesh_etag.h"

CW_LOG_MODULE(mesh_http);

/* Methods that no route has are let in too, so that their refusal is one of ours. */
enum {
	BACKLOG = 64, CONNS_FREE = 8, STREAM_INPUT_MAX = 4096,
	METHODS = EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_DELETE | EVHTTP_REQ_PUT | EVHTTP_REQ_PATCH,
};

struct mesh_http {
	struct cw_loop *loop;
	struct cw_tls *tls;             /* NULL: UNIX socket */
	struct evhttp *ev;
	struct evconnlistener *listener;        /* owned by ev once bound */
	struct conn *conns;
	size_t n_conns;
	uint64_t count;
	char path[sizeof((struct sockaddr_un *)0)->sun_path];
	void (*on_request)(void *ctx, struct mesh_req *q);
	void *ctx;
};

/* A TLS connection. Its address is known one turn of the loop after it was accepted. */
struct conn {
	struct mesh_http *http;         /* NULL: that is gone, and this one will be */
	struct bufferevent *bev;
	struct cw_timer *deadline;
	struct cw_endpoint from;
	bool placed;                    /* FROM is known */
	bool heard;                     /* has brought a request */
	bool known;                     /* by somebody that we know */
	bool doomed;                    /* shut down already */
	struct conn *next;              /* an older one */
};

/* A request that is being answered. ev becomes NULL when the client is gone. */
struct mesh_call {
	struct mesh_req req;
	struct mesh_http *http;
	struct evhttp_request *ev;
	struct evhttp_connection *con;
	struct event *closed;           /* evhttp does not look at a connection while a request waits */
	void (*gone)(void *ctx);
	void *ctx;
};

struct mesh_stream {
	struct evhttp_request *ev;
	struct evhttp_connection *con;
	void (*on_room)(void *ctx);
	void (*on_closed)(void *ctx);           /* NULL once it was cut: then it only waits for its end */
	void *ctx;
};

/* ---- connections ---- */

/* Not freed here: evhttp sees the end of the stream and frees what it has. */
static void doom(struct conn *c)
{
	evutil_socket_t fd = bufferevent_getfd(c->bev);

	if (fd >= 0)
		shutdown(fd, SHUT_RDWR);
	c->doomed = true;
}

/* The oldest that nobody vouches for: a silent one before one that has asked something. FROM may be NULL; EXCEPT is
 * not taken. */
static struct conn *stranger(struct mesh_http *h, const struct cw_ip *from, const struct conn *except, size_t *ret_n)
{
	struct conn *silent = NULL, *any = NULL;

	*ret_n = 0;
	for (struct conn *c = h->conns; c; c = c->next) {
		if (c->known || c->doomed || !c->placed || (from && !cw_ip_equal(&c->from.ip, from)))
			continue;
		++*ret_n;
		if (c == except)
			continue;
		any = c;
		if (!c->heard)
			silent = c;
	}
	return silent ? silent : any;
}

/* Makes room for C and for the next one. */
static void conn_place(struct conn *c)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t size = sizeof ss;
	struct conn *oldest;
	size_t n;

	c->placed = true;
	if (getpeername(bufferevent_getfd(c->bev), (struct sockaddr *)&ss, &size) == 0 &&
	    cw_endpoint_from_sockaddr((const struct sockaddr *)&ss, &c->from) == 0) {
		oldest = stranger(c->http, &c->from.ip, c, &n);
		if (oldest && n > MESH_HTTP_STRANGERS)
			doom(oldest);
	}
	oldest = stranger(c->http, NULL, c, &n);
	if (oldest && c->http->n_conns > MESH_HTTP_CONNS - CONNS_FREE)
		doom(oldest);
}

static void on_deadline(void *ctx)
{
	struct conn *c = ctx;

	if (c->placed) {
		doom(c);
		return;
	}
	cw_timer_arm(c->deadline, MESH_HTTP_FIRST_MS);
	conn_place(c);
}

static void conn_gone(void *ctx)
{
	struct conn *c = ctx, **at;

	if (!c->http) {                 /* orphaned */
		free(c);
		return;
	}
	for (at = &c->http->conns; *at && *at != c; at = &(*at)->next)
		;
	if (*at)
		*at = c->next;
	if (c->http->n_conns-- == MESH_HTTP_CONNS && c->http->listener)
		evconnlistener_enable(c->http->listener);
	cw_timer_free(c->deadline);
	free(c);
}

/* evhttp would serve plain HTTP if it got NULL, so without memory the process ends. */
static struct bufferevent *on_accept(struct event_base *base, void *arg)
{
	struct mesh_http *h = arg;
	struct conn *c = calloc(1, sizeof *c);
	struct ssl_st *s = NULL;

	if (c && cw_timer_new(h->loop, on_deadline, c, &c->deadline) == 0)
		s = cw_tls_accept(h->tls, conn_gone, c);
	if (s)
		c->bev = bufferevent_openssl_socket_new(base, -1, s, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	if (!c || !c->bev) {
		cw_log(ERROR, "", "no memory for a connection");
		abort();
	}
	bufferevent_openssl_set_allow_dirty_shutdown(c->bev, 1);
	c->http = h;
	c->next = h->conns;
	h->conns = c;
	if (++h->n_conns == MESH_HTTP_CONNS)
		evconnlistener_disable(h->listener);
	cw_timer_arm(c->deadline, 0);   /* evhttp gives it its socket only now */
	return c->bev;
}

static struct conn *conn_of(struct mesh_http *h, const struct bufferevent *bev)
{
	struct conn *c = h->conns;

	while (c && c->bev != bev)
		c = c->next;
	return c;
}

/* ---- the gate ---- */

static bool is_token(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (*s <= ' ' || *s >= 0x7f || strchr("()<>@,;:\\\"/[]?={}", *s))
			return false;
	return true;
}

static bool is_number(const char *s)
{
	size_t n = strspn(s, "0123456789");

	return n > 0 && n < 10 && !s[n];
}

/* RFC 9112 s3.2, s6.3: what two readers could understand differently is not read at all. */
static bool is_clear(struct evhttp_request *ev)
{
	struct evkeyvalq *headers = evhttp_request_get_input_headers(ev);
	unsigned lengths = 0, codings = 0, hosts = 0;

	for (const struct evkeyval *h = headers->tqh_first; h; h = h->next.tqe_next) {
		if (!is_token(h->key))
			return false;
		if (strcasecmp(h->key, "Content-Length") == 0 && (++lengths > 1 || !is_number(h->value)))
			return false;
		if (strcasecmp(h->key, "Transfer-Encoding") == 0 && (++codings > 1 || strcasecmp(h->value, "chunked") != 0))
			return false;
		hosts += strcasecmp(h->key, "Host") == 0;
	}
	return hosts == 1 && lengths + codings <= 1;
}

/* ---- requests ---- */

static const struct method_row {
	enum evhttp_cmd_type type;
	const char *name;
} method_rows[] = {
	{ EVHTTP_REQ_GET, "GET" }, { EVHTTP_REQ_POST, "POST" }, { EVHTTP_REQ_DELETE, "DELETE" }, { EVHTTP_REQ_PUT, "PUT" },
	{ EVHTTP_REQ_PATCH, "PATCH" },
};

static const char *method_name(enum evhttp_cmd_type type)
{
	for (size_t i = 0; i < CW_COUNT(method_rows); i++)
		if (method_rows[i].type == type)
			return method_rows[i].name;
	return "";
}

static void read_body(struct mesh_req *q, struct evhttp_request *ev)
{
	struct evbuffer *b = evhttp_request_get_input_buffer(ev);
	size_t n = evbuffer_get_length(b);
	const unsigned char *text = n ? evbuffer_pullup(b, -1) : NULL;

	if (n == 0)
		return;
	if (!text || cw_json_parse(text, n, &q->body) < 0 || !cw_json_is_object(q->body))
		q->malformed = true;
	evbuffer_drain(b, n);
}

static bool is_local(struct bufferevent *bev)
{
	struct ucred u;
	socklen_t n = sizeof u;

	return getsockopt(bufferevent_getfd(bev), SOL_SOCKET, SO_PEERCRED, &u, &n) == 0 && (u.uid == 0 || u.uid == geteuid());
}

static void read_caller(struct mesh_http *h, struct mesh_req *q, struct bufferevent *bev)
{
	struct conn *c;

	if (!h->tls) {
		q->local = is_local(bev);
		return;
	}
	q->has_pin = cw_tls_peer(bufferevent_openssl_get_ssl(bev), q->pin) == 0;
	if ((c = conn_of(h, bev))) {
		c->placed = c->heard = true;
		cw_timer_arm(c->deadline, MESH_HTTP_NEXT_MS);
	}
}

static void unwatch(struct mesh_call *c)
{
	if (c->closed)
		event_free(cw_steal(&c->closed));
}

/* Whoever is told may answer, and C is gone then. */
static void call_gone(struct mesh_call *c)
{
	void (*gone)(void *ctx) = c->gone;

	unwatch(c);
	c->gone = NULL;
	if (gone)
		gone(c->ctx);
}

/* The connection of EV goes. evhttp frees the request with it, unless it has let go of it: then it is ours. */
static void forsake(struct evhttp_request *ev)
{
	if (ev && !evhttp_request_get_connection(ev))
		evhttp_request_free(ev);
}

static void on_closed(struct evhttp_connection *con, void *arg)
{
	struct mesh_call *c = arg;

	(void)con;
	forsake(c->ev);
	c->ev = NULL;
	call_gone(c);
}

static void on_hung_up(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	call_gone(arg);
}

void mesh_http_on_gone(struct mesh_req *q, void (*gone)(void *ctx), void *ctx)
{
	struct mesh_call *c = q->call;
	struct bufferevent *bev = c->ev ? evhttp_connection_get_bufferevent(c->con) : NULL;

	unwatch(c);
	c->gone = gone;
	c->ctx = ctx;
	if (bev)
		c->closed = event_new(cw_loop_base(c->http->loop), bufferevent_getfd(bev), EV_CLOSED, on_hung_up, c);
	if (c->closed && event_add(c->closed, NULL) < 0)
		unwatch(c);
}

void mesh_http_known(struct mesh_req *q)
{
	struct mesh_call *c = q->call;
	struct conn *conn = c->ev ? conn_of(c->http, evhttp_connection_get_bufferevent(c->con)) : NULL;

	if (!conn)
		return;
	conn->known = true;
	evhttp_connection_set_max_body_size(c->con, MESH_HTTP_KNOWN_MAX);
}

static void refuse(struct evhttp_request *ev, int status)
{
	evhttp_add_header(evhttp_request_get_output_headers(ev), "Connection", "close");
	evhttp_send_reply(ev, status, NULL, NULL);
}

/* 0, or the status that refuses EV before anybody looks at it. */
static int judge(struct evhttp_request *ev, const char *path)
{
	static const char people[] = "/api/v1/";
	size_t size = evbuffer_get_length(evhttp_request_get_input_buffer(ev));

	if (!is_clear(ev) || !path || strlen(path) >= MESH_HTTP_PATH_MAX)
		return 400;
	return size > MESH_HTTP_BODY_MAX && strncmp(path, people, strlen(people)) == 0 ? 413 : 0;
}

static void read_target(struct mesh_req *q, const struct evhttp_uri *uri)
{
	const char *query = evhttp_uri_get_query(uri);

	snprintf(q->path, sizeof q->path, "%s", evhttp_uri_get_path(uri));
	q->bad_query = query && mesh_query_parse(query, &q->query) < 0;
}

static void on_http(struct evhttp_request *ev, void *arg)
{
	struct mesh_http *h = arg;
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(ev);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
	int status = judge(ev, path);
	struct mesh_call *c;

	h->count++;
	if (status) {
		refuse(ev, status);
		return;
	}
	if (!(c = calloc(1, sizeof *c))) {
		refuse(ev, 503);
		return;
	}
	c->http = h;
	c->ev = ev;
	c->con = evhttp_request_get_connection(ev);
	c->req.call = c;
	c->req.method = method_name(evhttp_request_get_command(ev));
	read_target(&c->req, uri);
	c->req.authorization = evhttp_find_header(evhttp_request_get_input_headers(ev), "Authorization");
	read_body(&c->req, ev);
	read_caller(h, &c->req, evhttp_connection_get_bufferevent(c->con));
	evhttp_connection_set_closecb(c->con, on_closed, c);
	h->on_request(h->ctx, &c->req);
}

const char *mesh_req_header(const struct mesh_req *q, const char *name)
{
	return q->call->ev ? evhttp_find_header(evhttp_request_get_input_headers(q->call->ev), name) : NULL;
}

void mesh_req_set_header(struct mesh_req *q, const char *name, const char *value)
{
	if (q->call->ev)
		evhttp_add_header(evhttp_request_get_output_headers(q->call->ev), name, value);
}

struct mesh_req *mesh_req_probe(const struct mesh_req *q, const char *path)
{
	struct mesh_call *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->req = *q;
	c->req.method = "GET";
	snprintf(c->req.path, sizeof c->req.path, "%s", path);
	c->req.query = (struct mesh_query){ .n = 0 };
	c->req.body = NULL;
	c->req.call = c;
	return &c->req;
}

/* ---- answers ---- */

/* The tag of TEXT; true when the client has it already. Without a tag the answer is good all the same. */
static bool has_it(struct mesh_call *c, const char *text)
{
	const char *known = mesh_req_header(&c->req, "If-None-Match");
	char etag[MESH_ETAG];

	if (mesh_etag_of(text, etag) < 0)
		return false;
	mesh_req_set_header(&c->req, "ETag", etag);
	return known && mesh_etag_in(known, etag, true);
}

static int send_json(struct mesh_call *c, int status, bool problem, const struct cw_json *body)
{
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	struct evkeyvalq *out = evhttp_request_get_output_headers(c->ev);
	struct evbuffer *b = evhttp_request_get_output_buffer(c->ev);
	bool tagged = status == 200 && strcmp(c->req.method, "GET") == 0;
	int r;

	if ((r = cw_json_dump(body, false, &text)) < 0)
		return r;
	if (evhttp_add_header(out, "Cache-Control", tagged ? "no-cache" : "no-store") < 0)
		return -ENOMEM;
	if (tagged && has_it(c, text)) {
		evhttp_send_reply(c->ev, 304, NULL, NULL);
		return 0;
	}
	if (evbuffer_add(b, text, strlen(text)) < 0 || evbuffer_add(b, "\n", 1) < 0 ||
	    evhttp_add_header(out, "Content-Type", problem ? "application/problem+json" : "application/json") < 0)
		return -ENOMEM;
	evhttp_send_reply(c->ev, status, NULL, NULL);
	return 0;
}

static void call_free(struct mesh_call *c)
{
	cw_json_free(c->req.body);
	free(c);
}

void mesh_http_reply(struct mesh_req *q, int status, bool problem, struct cw_json *body)
{
	struct mesh_call *c = q->call;
	struct cw_json *out = body ? body : cw_json_object();

	unwatch(c);
	if (c->ev) {
		evhttp_connection_set_closecb(c->con, NULL, NULL);
		if (send_json(c, status, problem, out) < 0)
			refuse(c->ev, 500);
	}
	cw_json_free(out);
	call_free(c);
}

void mesh_http_reply_text(struct mesh_req *q, const char *type, const char *text)
{
	struct mesh_call *c = q->call;

	unwatch(c);
	mesh_req_set_header(q, "Content-Type", type);
	mesh_req_set_header(q, "Cache-Control", "no-store");
	if (c->ev) {
		evhttp_connection_set_closecb(c->con, NULL, NULL);
		if (evbuffer_add(evhttp_request_get_output_buffer(c->ev), text, strlen(text)) < 0)
			refuse(c->ev, 500);
		else
			evhttp_send_reply(c->ev, 200, NULL, NULL);
	}
	call_free(c);
}

/* ---- streams ---- */

static void on_stream_closed(struct evhttp_connection *con, void *arg)
{
	struct mesh_stream *s = arg;

	(void)con;
	forsake(s->ev);
	if (s->on_closed)
		s->on_closed(s->ctx);
	free(s);
}

static void on_written(struct evhttp_connection *con, void *arg)
{
	struct mesh_stream *s = arg;

	(void)con;
	if (s->on_closed)
		s->on_room(s->ctx);
}

/* A stream may be silent for hours, and its client always is: only what cannot be written is a reason to end it. */
static void let_live(struct mesh_call *c)
{
	const struct timeval limit = { .tv_sec = MESH_HTTP_IDLE_S };
	struct bufferevent *bev = evhttp_connection_get_bufferevent(c->con);
	struct conn *conn = c->http->tls ? conn_of(c->http, bev) : NULL;

	bufferevent_set_timeouts(bev, NULL, &limit);
	bufferevent_setwatermark(bev, EV_READ, 0, STREAM_INPUT_MAX);
	if (conn)
		cw_timer_stop(conn->deadline);
}

int mesh_http_stream(struct mesh_req *q, const char *type, void (*on_room)(void *ctx), void (*closed)(void *ctx), void *ctx,
		     struct mesh_stream **ret_stream)
{
	struct mesh_call *c = q->call;
	struct mesh_stream *s;

	if (!c->ev)
		return CW_E_CANCELLED;
	if (!(s = calloc(1, sizeof *s)))
		return -ENOMEM;
	*s = (struct mesh_stream){ c->ev, c->con, on_room, closed, ctx };
	unwatch(c);
	mesh_req_set_header(q, "Content-Type", type);
	mesh_req_set_header(q, "Cache-Control", "no-store");
	mesh_req_set_header(q, "Connection", "close");
	let_live(c);
	evhttp_connection_set_closecb(c->con, on_stream_closed, s);
	evhttp_send_reply_start(c->ev, 200, NULL);
	call_free(c);
	*ret_stream = s;
	return 0;
}

int mesh_stream_send(struct mesh_stream *s, const void *p, size_t size)
{
	struct evbuffer *b = evbuffer_new();
	int r = b && evbuffer_add(b, p, size) == 0 ? 0 : -ENOMEM;

	if (r == 0)
		evhttp_send_reply_chunk_with_cb(s->ev, b, on_written, s);
	if (b)
		evbuffer_free(b);
	return r;
}

size_t mesh_stream_queued(const struct mesh_stream *s)
{
	return evbuffer_get_length(bufferevent_get_output(evhttp_connection_get_bufferevent(s->con)));
}

/* One that is cut is freed when evhttp has seen the end of the connection. */
void mesh_stream_free(struct mesh_stream *s, bool cut)
{
	struct bufferevent *bev = evhttp_connection_get_bufferevent(s->con);

	s->on_closed = NULL;
	if (cut) {
		shutdown(bufferevent_getfd(bev), SHUT_RDWR);
		return;
	}
	evhttp_connection_set_closecb(s->con, NULL, NULL);
	evhttp_send_reply_end(s->ev);
	free(s);
}

/* ---- listening ---- */

static int failure(void)
{
	return errno > 0 ? -errno : -EIO;
}

static int http_new(struct cw_loop *l, struct mesh_http **ret_http)
{
	struct mesh_http *h = calloc(1, sizeof *h);

	if (h)
		h->ev = evhttp_new(cw_loop_base(l));
	if (!h || !h->ev) {
		free(h);
		return -ENOMEM;
	}
	h->loop = l;
	evhttp_set_timeout(h->ev, MESH_HTTP_IDLE_S);
	evhttp_set_max_headers_size(h->ev, MESH_HTTP_HEADERS_MAX);
	evhttp_set_max_body_size(h->ev, MESH_HTTP_BODY_MAX);
	evhttp_set_allowed_methods(h->ev, METHODS);
	evhttp_set_default_content_type(h->ev, NULL);
	evhttp_set_gencb(h->ev, on_http, h);
	*ret_http = h;
	return 0;
}

static int http_bind(struct mesh_http *h, const struct sockaddr *sa, socklen_t size)
{
	const int one = 1;
	unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE;

	errno = 0;
	h->listener = evconnlistener_new_bind(cw_loop_base(h->loop), NULL, NULL, flags, BACKLOG, sa, (int)size);
	if (!h->listener)
		return failure();
	/* Accepted sockets inherit it. */
	if (h->tls && setsockopt(evconnlistener_get_fd(h->listener), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0)
		return failure();
	if (!evhttp_bind_listener(h->ev, h->listener)) {
		evconnlistener_free(h->listener);
		h->listener = NULL;
		return -ENOMEM;
	}
	return 0;
}

int mesh_http_tls(struct cw_loop *l, const struct cw_endpoint *ep, struct cw_tls *tls,
		  void (*on_request)(void *ctx, struct mesh_req *q), void *ctx, struct mesh_http **ret_http)
{
	struct sockaddr_storage ss;
	socklen_t size;
	struct mesh_http *h = NULL;
	int r;

	if ((r = http_new(l, &h)) < 0)
		return r;
	h->tls = tls;
	h->on_request = on_request;
	h->ctx = ctx;
	evhttp_set_bevcb(h->ev, on_accept, h);
	cw_endpoint_to_sockaddr(ep, &ss, &size);
	if ((r = http_bind(h, (const struct sockaddr *)&ss, size)) < 0) {
		mesh_http_free(h);
		return r;
	}
	*ret_http = h;
	return 0;
}

/* Somebody listens there: -EADDRINUSE; nobody does: the name is free afterwards. */
static int unix_clear(const struct sockaddr_un *un)
{
	CW_AUTO(cw_fd_cleanup) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)un, sizeof *un) == 0 || errno == EAGAIN)
		return -EADDRINUSE;
	if (errno == ECONNREFUSED && lstat(un->sun_path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(un->sun_path);
	return 0;
}

int mesh_http_unix(struct cw_loop *l, const char *path, void (*on_request)(void *ctx, struct mesh_req *q), void *ctx,
		   struct mesh_http **ret_http)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct mesh_http *h = NULL;
	mode_t old;
	int r;

	if (strlen(path) >= sizeof un.sun_path)
		return -ENAMETOOLONG;
	snprintf(un.sun_path, sizeof un.sun_path, "%s", path);
	if ((r = unix_clear(&un)) < 0 || (r = http_new(l, &h)) < 0)
		return r;
	h->on_request = on_request;
	h->ctx = ctx;
	old = umask(0177);
	r = http_bind(h, (const struct sockaddr *)&un, sizeof un);
	umask(old);
	if (r < 0) {
		mesh_http_free(h);
		return r;
	}
	snprintf(h->path, sizeof h->path, "%s", path);
	*ret_http = h;
	return 0;
}

uint64_t mesh_http_count(const struct mesh_http *h)
{
	return h ? h->count : 0;
}

void mesh_http_free(struct mesh_http *h)
{
	if (!h)
		return;
	/* Connections are freed with it, and must not wake the listener then. */
	h->listener = NULL;
	evhttp_free(h->ev);
	/* libevent keeps a connection, and its session with it, until the loop turns. */
	for (struct conn *c = h->conns; c; c = c->next) {
		cw_timer_free(cw_steal(&c->deadline));
		c->http = NULL;
	}
	if (h->path[0])
		unlink(h->path);
	free(h);
}
