/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.h - how a stream between two agents begins (PROTOCOL.md): who sends it and what it carries.
 *
 * The dialling side sends one frame, the hello; the accepting side answers with one frame,
 * {"ok":true} or {"ok":false,"text":...}, and only then do the stream's own bytes follow.
 * Because the dialler waits for the answer before it takes the next connection, streams
 * reach the other hypervisor in the order in which they were opened.
 */
#ifndef STREAM_H
#define STREAM_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/loop.h"
#include "interconnect/base/pump.h"

enum stream_kind { STREAM_CONTROL, STREAM_LIBVIRT, STREAM_MEMORY, STREAM_DISK, STREAM_KIND_N };

enum { STREAM_ID_TEXT = 32, STREAM_TOKEN_TEXT = 65, STREAM_SITE_TEXT = 64, STREAM_FRAME_MAX = 4096,
	STREAM_TIMEOUT_MS = 10000 };

struct stream_hello {
	enum stream_kind kind;
	char site[STREAM_SITE_TEXT];
	char migration[STREAM_ID_TEXT]; /* empty for control */
	char token[STREAM_TOKEN_TEXT];  /* secret of the migration; empty for control */
};

/* Body of a hello frame, without its length. */
CW_NODISCARD int stream_hello_parse(const void *body, size_t size, struct stream_hello *ret_hello);
const char *stream_kind_name(enum stream_kind k);

/* Dials ADDR and exchanges hello and answer on the loop. CB is called once, not after stream_dial_free(): with the
 * descriptor (then its own) or with r < 0; it may free the dial. */
struct stream_dial;
CW_NODISCARD int stream_dial_new(struct cw_loop *l, const struct cw_stream_addr *addr, const struct stream_hello *hello,
				 uint64_t timeout_ms, void (*cb)(void *ctx, int r, int fd), void *ctx,
				 struct stream_dial **ret_dial);
void stream_dial_free(struct stream_dial *d);

/* Reads the hello of an accepted connection. CB as above; it owns FD, must answer by stream_answer(), and may free
 * the accept. */
struct stream_accept;
CW_NODISCARD int stream_accept_new(struct cw_loop *l, int fd,
				   void (*cb)(void *ctx, int r, int fd, const struct stream_hello *hello),
				   void *ctx, struct stream_accept **ret_accept);
void stream_accept_free(struct stream_accept *a);
/* Writes the answer to FD: R 0 or the reason. The frame is small and the first on its stream, so it is never kept
 * waiting. */
CW_NODISCARD int stream_answer(int fd, int r);

#endif
