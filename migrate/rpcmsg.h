/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpcmsg.h - the frames of libvirt's remote protocol, and the XDR inside the few calls that a
 * migration makes on its target.
 *
 *    0                4                8               12
 *   +----------------+----------------+----------------+----------------+
 *   | length (whole) | program        | version        | procedure      |
 *   +----------------+----------------+----------------+----------------+
 *   | type           | serial         | status         | body ...       |
 *   +----------------+----------------+----------------+----------------+
 *
 * Everything is big-endian and padded with zeros to four bytes. Parsing is pure: spans
 * borrow the frame.
 */
#ifndef RPCMSG_H
#define RPCMSG_H

#include "interconnect/base/base.h"
#include "interconnect/base/cur.h"
#include "interconnect/base/wr.h"

enum {
	RPCMSG_PROGRAM = 0x20008086, RPCMSG_KEEPALIVE = 0x6b656570, RPCMSG_VERSION = 1, RPCMSG_HEADER = 28,
	RPCMSG_FRAME_MAX = 1 << 20, RPCMSG_PARAMS_MAX = 16
};

enum rpcmsg_proc {
	RPCMSG_CONNECT_OPEN = 1, RPCMSG_CONNECT_CLOSE = 2, RPCMSG_SUPPORTS_FEATURE = 60, RPCMSG_AUTH_LIST = 66,
	RPCMSG_PREPARE3_PARAMS = 303, RPCMSG_FINISH3_PARAMS = 306
};

enum rpcmsg_type { RPCMSG_CALL, RPCMSG_REPLY, RPCMSG_EVENT, RPCMSG_STREAM };
enum rpcmsg_status { RPCMSG_OK, RPCMSG_ERROR, RPCMSG_CONTINUE };

struct rpcmsg_head {
	uint32_t program, version, proc, type, serial, status;
};

struct rpcmsg_span {
	const uint8_t *p;
	size_t size;
};

/* A typed parameter. Value is what stands between type and the next parameter; for strings without length and
 * padding. */
struct rpcmsg_param {
	struct rpcmsg_span name;
	uint32_t type;
	struct rpcmsg_span value;
};

enum { RPCMSG_STRING = 7 };             /* virTypedParameterType */

/* Arguments of the calls 303 and 306. */
struct rpcmsg_migrate {
	struct rpcmsg_param params[RPCMSG_PARAMS_MAX];
	size_t n_params;
	struct rpcmsg_span cookie;
	uint32_t flags;
	uint32_t cancelled;             /* 306 only */
};

/* Head and body of the whole frame FRAME. CW_E_MALFORMED when its length field does not say SIZE. */
CW_NODISCARD int rpcmsg_parse(const void *frame, size_t size, struct rpcmsg_head *ret_head, struct cw_cur *ret_body);
/* Begins a frame in W, which must be empty; rpcmsg_end() writes its length: number of bytes, or CW_E_LIMIT. */
void rpcmsg_begin(struct cw_wr *w, const struct rpcmsg_head *h);
CW_NODISCARD int rpcmsg_end(struct cw_wr *w);

/* A counted byte string with its padding, which must be zeros. */
struct rpcmsg_span rpcmsg_bytes(struct cw_cur *c);
void rpcmsg_put_bytes(struct cw_wr *w, const void *p, size_t size);
bool rpcmsg_is(struct rpcmsg_span s, const char *text);

/* The whole body of 303 or 306 (FINISH). */
CW_NODISCARD int rpcmsg_parse_migrate(struct cw_cur body, bool finish, struct rpcmsg_migrate *ret_args);
void rpcmsg_put_migrate(struct cw_wr *w, const struct rpcmsg_migrate *a, bool finish);
/* Body of an error reply that libvirt's client shows as TEXT. */
void rpcmsg_put_error(struct cw_wr *w, const char *text);

/* Cuts a byte stream into whole frames. */
struct rpcmsg_in {
	uint8_t *buf;                   /* of size bytes, have of them filled */
	size_t size, have;
};

/* Takes N more bytes and calls ON_FRAME for each frame that is whole; its code ends the feeding. CW_E_MALFORMED for
 * a length below the header's or above RPCMSG_FRAME_MAX. */
CW_NODISCARD int rpcmsg_feed(struct rpcmsg_in *in, const void *data, size_t n,
			     int (*on_frame)(void *ctx, const uint8_t *frame, size_t size), void *ctx);
void rpcmsg_in_fini(struct rpcmsg_in *in);

#endif
