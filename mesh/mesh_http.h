/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_http.h - requests over HTTP/1.1: TLS 1.3 on a TCP port, plain on a UNIX socket.
 *
 * libevent's evhttp reads and writes; what it leaves open is closed here: a connection must bring
 * its first request within MESH_HTTP_FIRST_MS and each further one within MESH_HTTP_NEXT_MS, however
 * slowly bytes drip; there are at most MESH_HTTP_CONNS of them, and from one address at most MESH_HTTP_STRANGERS that have
 * not shown a key or token that we know (mesh_http_known); the next one takes the place of the oldest of those, so that silence
 * keeps nobody out; headers and bodies are bounded, the bodies of strangers closely; two
 * lengths, a length beside chunks, or other than one Host end the connection before the request is
 * looked at; TCP_NODELAY is set; a session that cannot be made never becomes plain HTTP.
 *
 * A request is answered at once or later, exactly once. When the client is gone in between, the
 * answer goes nowhere; the struct mesh_req lives until it is answered.
 *
 * The answer 200 to a GET has an ETag; a client that has this body already (If-None-Match) gets 304 instead.
 *
 * An answer may also go on for as long as both want: a stream. What its client does not take is queued, and what is queued
 * is the writer's to bound; a client that takes nothing for MESH_HTTP_IDLE_S is gone.
 */
#ifndef MESH_HTTP_H
#define MESH_HTTP_H

#include "interconnect/base/addr.h"
#include "interconnect/base/base.h"
#include "interconnect/base/crypt_tls.h"
#include "interconnect/base/json.h"
#include "interconnect/base/loop.h"
#include "mesh/mesh_query.h"

enum {
	MESH_HTTP_CONNS = 256, MESH_HTTP_STRANGERS = 32, MESH_HTTP_FIRST_MS = 10 * 1000, MESH_HTTP_NEXT_MS = 120 * 1000,
	MESH_HTTP_IDLE_S = 30,
	MESH_HTTP_HEADERS_MAX = 8192, MESH_HTTP_BODY_MAX = 64 * 1024, MESH_HTTP_PATH_MAX = 256,
	MESH_HTTP_KNOWN_MAX = 1152 * 1024,      /* a body from one that we know, after its first request on the connection */
};

struct mesh_http;
struct mesh_stream;

struct mesh_req {
	const char *method;                     /* "GET" */
	char path[MESH_HTTP_PATH_MAX];          /* without query, not decoded */
	struct mesh_query query;
	bool bad_query;                         /* there is one, and it cannot be read */
	struct cw_json *body;                   /* NULL: none */
	bool malformed;                         /* there is a body, and it is no JSON */
	const char *authorization;              /* NULL: none; only until the handler returns */
	bool local;                             /* by the UNIX socket, as root or the user of this process */
	bool has_pin;
	uint8_t pin[CW_TLS_PIN];                /* of the certificate that the client proved to own */
	struct mesh_call *call;                 /* private */
};

/* Listens for TLS on EP. ON_REQUEST must end in mesh_http_reply() sooner or later. */
CW_NODISCARD int mesh_http_tls(struct cw_loop *l, const struct cw_endpoint *ep, struct cw_tls *tls,
			       void (*on_request)(void *ctx, struct mesh_req *q), void *ctx, struct mesh_http **ret_http);
/* Listens on the UNIX socket PATH, mode 0600; a stale one is removed, a live one is -EADDRINUSE. */
CW_NODISCARD int mesh_http_unix(struct cw_loop *l, const char *path, void (*on_request)(void *ctx, struct mesh_req *q), void *ctx,
				struct mesh_http **ret_http);
/* All requests have been answered, or are never answered any more. */
void mesh_http_free(struct mesh_http *h);

/* Whoever sent Q is known: its connection does not count as a stranger's any more. */
void mesh_http_known(struct mesh_req *q);
/* Calls GONE(ctx) once if the client goes away before the answer; Q must be answered all the same, from there or later. */
void mesh_http_on_gone(struct mesh_req *q, void (*gone)(void *ctx), void *ctx);

/* How many requests there were, good and bad. */
uint64_t mesh_http_count(const struct mesh_http *h);

/* The header NAME of a request, or NULL; borrowed, until the handler returns. */
const char *mesh_req_header(const struct mesh_req *q, const char *name);
/* A header of the answer to come; one that cannot be stored is left out. */
void mesh_req_set_header(struct mesh_req *q, const char *name, const char *value);
/* GET of PATH by the caller of Q: a request whose answer goes nowhere, to be answered all the same. NULL without memory. */
struct mesh_req *mesh_req_probe(const struct mesh_req *q, const char *path);
/* Answers, and frees Q. Takes over BODY (NULL: {}). PROBLEM: the type is application/problem+json. */
void mesh_http_reply(struct mesh_req *q, int status, bool problem, struct cw_json *body);
/* Answers 200 with what is no JSON, and frees Q. */
void mesh_http_reply_text(struct mesh_req *q, const char *type, const char *text);

/* Begins the answer 200 of TYPE, and frees Q unless it fails. ON_ROOM is called when all that was sent is written; ON_CLOSED, once,
 * when the client is gone: the stream is freed then. */
CW_NODISCARD int mesh_http_stream(struct mesh_req *q, const char *type, void (*on_room)(void *ctx), void (*on_closed)(void *ctx),
				  void *ctx, struct mesh_stream **ret_stream);
CW_NODISCARD int mesh_stream_send(struct mesh_stream *s, const void *p, size_t size);
/* Bytes that were sent and are not written yet. */
size_t mesh_stream_queued(const struct mesh_stream *s);
/* Ends it: in good order, or by closing the connection at once (CUT). Nothing is called any more. */
void mesh_stream_free(struct mesh_stream *s, bool cut);

#endif
