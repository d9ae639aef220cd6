/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpc.h - requests and answers in JSON over a stream socket.
 *
 * A frame is a 32-bit length in network order and that many bytes of one JSON object
 * (at most CW_RPC_FRAME_MAX). A request is {"noun","verb","name"?,"args"?}; it is answered
 * by any number of {"event":{...}} and then by {"ok":true,"body":{...}} or
 * {"ok":false,"problem":{"code","object","field","rule","text"}}. One request at a time on a
 * connection; it may be used again. Used on the control socket (UNIX, root only, mode
 * 0600) and between agents (see migrate/PROTOCOL.md).
 *
 * Server: rows {noun, verb, handler}. A handler either answers at once or keeps the
 * struct cw_rpc_call and answers later; on_gone tells it that the caller went away (then the
 * call must not be touched any more). Everything runs on the loop.
 */
#ifndef CW_RPC_H
#define CW_RPC_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "interconnect/base/loop.h"

enum { CW_RPC_FRAME_MAX = 4 << 20, CW_RPC_CLIENTS_MAX = 64, CW_RPC_TABLES_MAX = 8 };

struct cw_rpc_server;
struct cw_rpc_call;
struct cw_rpc_client;

struct cw_rpc_row {
	const char *noun, *verb;
	/* REQUEST is borrowed until the handler returns; name and args are members of it. */
	void (*handler)(void *ctx, struct cw_rpc_call *call, const struct cw_json *request);
};

/* Listens on the UNIX socket PATH (a stale one is removed, a live one is -EADDRINUSE), mode 0600.
 * ROWS is borrowed, n_rows of them. Unknown noun or verb is answered with CW_E_USAGE. */
CW_NODISCARD int cw_rpc_server_new(struct cw_loop *l, const char *path, const struct cw_rpc_row *rows, size_t n_rows,
				   void *ctx, struct cw_rpc_server **ret_server);
/* A server without a listener: connections come by cw_rpc_server_accept(). */
CW_NODISCARD int cw_rpc_server_bare(struct cw_loop *l, const struct cw_rpc_row *rows, size_t n_rows, void *ctx,
				    struct cw_rpc_server **ret_server);
/* Serves the connected stream FD, which the server then owns (also on failure). TAG is cw_rpc_call_tag() of its calls. */
CW_NODISCARD int cw_rpc_server_accept(struct cw_rpc_server *s, int fd, void *tag);
/* More rows, with a context of their own, for calls that no row before knows: a part of a program brings what it answers. ROWS is
 * borrowed until it is dropped. CW_E_LIMIT beyond CW_RPC_TABLES_MAX. */
CW_NODISCARD int cw_rpc_server_add(struct cw_rpc_server *s, const struct cw_rpc_row *rows, size_t n_rows, void *ctx);
/* Takes what was added with CTX out again; calls that are open stay open. */
void cw_rpc_server_drop(struct cw_rpc_server *s, const void *ctx);
/* Calls that have TAG have none from now on: whoever it stands for is going. NULL is fine. */
void cw_rpc_server_untag(struct cw_rpc_server *s, const void *tag);
void cw_rpc_server_free(struct cw_rpc_server *s);

void *cw_rpc_call_tag(const struct cw_rpc_call *c);
/* An event before the answer. Takes over BODY. */
void cw_rpc_event(struct cw_rpc_call *c, struct cw_json *body);
/* The answer; ends the call. Takes over BODY (NULL: {}). */
void cw_rpc_reply(struct cw_rpc_call *c, struct cw_json *body);
/* The refusal; ends the call. WHY may be NULL. */
void cw_rpc_fail(struct cw_rpc_call *c, int r, const struct cw_why *why);
/* Calls GONE(ctx) if the caller disappears before the answer. */
void cw_rpc_on_gone(struct cw_rpc_call *c, void (*gone)(void *ctx), void *ctx);

/* An answer as an object, for other ways to carry it: {ok, body} or {ok, problem}. Takes over BODY. */
struct cw_json *cw_rpc_answer(int r, struct cw_json *body, const struct cw_why *why);
/* Reads one: 0 with *RET_BODY (borrowed), or the code of the problem with WHY filled. */
CW_NODISCARD int cw_rpc_answer_read(const struct cw_json *answer, struct cw_json **ret_body, struct cw_why *why);

/* Blocking client, for the CLI and the child process: connects to a UNIX socket path. CW_E_UNREACHABLE when nobody is there. */
CW_NODISCARD int cw_rpc_dial(const char *path, int *ret_fd);
/* Sends a request built of NOUN, VERB, NAME (may be NULL), ARGS (taken over, may be NULL) and waits for the answer; ON_EVENT
 * (may be NULL) gets each event, borrowed. Returns 0 with *RET_BODY (free it), or the code of the problem with WHY filled. */
CW_NODISCARD int cw_rpc_ask(int fd, const char *noun, const char *verb, const char *name, struct cw_json *args,
			    void (*on_event)(void *ctx, const struct cw_json *event), void *ctx, struct cw_json **ret_body,
			    struct cw_why *why);

/* Client on the loop over the connected stream FD (owned). One request at a time: -EBUSY otherwise. ON_REPLY is called
 * exactly once per request, R as for cw_rpc_ask(), CW_E_UNREACHABLE when the stream ended; BODY and WHY are borrowed, BODY is
 * NULL unless R is 0. It may free the client. */
CW_NODISCARD int cw_rpc_client_new(struct cw_loop *l, int fd, struct cw_rpc_client **ret_client);
CW_NODISCARD int cw_rpc_client_ask(struct cw_rpc_client *c, const char *noun, const char *verb, const char *name,
				   struct cw_json *args, uint64_t timeout_ms,
				   void (*on_reply)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why),
				   void *ctx);
void cw_rpc_client_free(struct cw_rpc_client *c);

/* Frames by hand, blocking, for tests and the child process. cw_rpc_frame_read: CW_E_UNREACHABLE at end of stream. */
CW_NODISCARD int cw_rpc_frame_write(int fd, const struct cw_json *j);
CW_NODISCARD int cw_rpc_frame_read(int fd, struct cw_json **ret_j);

#endif
