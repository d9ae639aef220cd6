/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mangle_box.h - where the datagrams of an uplink wait that are to come late, and the rules of this process (mangle.h).
 *
 * In debug builds only. In a release the calls are constants, and there is no object: the uplink (udp.c) asks for each
 * datagram whether somebody took it, and nobody does.
 *
 * The rules are those of CAUSEWAY_IMPAIR, until the control socket sets others: "impair set" with args.rules, "impair
 * clear", "impair show". They are for all uplinks of the process, and count over all of them.
 *
 * Ownership: a box owns copies of what waits in it.   Threads: loop thread only.
 */
#ifndef MANGLE_BOX_H
#define MANGLE_BOX_H

#include "interconnect/base/addr.h"
#include "interconnect/base/base.h"
#include "interconnect/base/loop.h"
#include "interconnect/base/rpc.h"

enum { MANGLE_WAITING_MAX = 256, MANGLE_REORDER_MS = 200 };

struct mangle_box;

struct mangle_datagram {
	bool out;
	struct cw_endpoint peer;        /* where it goes to, or came from */
	uint8_t tos;
	uint8_t *data;
	size_t size;
};

/* What is done with a datagram whose time has come; DATA may be changed in place. */
typedef void mangle_pass(void *ctx, const struct mangle_datagram *d);

#ifdef CW_DEBUG
CW_NODISCARD int mangle_box_new(struct cw_loop *l, mangle_pass *pass, void *ctx, struct mangle_box **ret_box);
void mangle_box_free(struct mangle_box *b);     /* NULL is fine; what waits is lost */
/* True when the box took D: then it has been passed, once or twice, or will be, or is lost. */
bool mangle_box_put(struct mangle_box *b, const struct mangle_datagram *d);
/* Other rules, from TEXT; all counts begin anew. CW_E_INVALID or CW_E_LIMIT: nothing has changed. */
CW_NODISCARD int mangle_box_rules(const char *text, struct cw_why *why);
/* Adds the noun "impair" to a control socket. */
CW_NODISCARD int mangle_box_serve(struct cw_rpc_server *s);
#else
static inline int mangle_box_new(struct cw_loop *l, mangle_pass *pass, void *ctx, struct mangle_box **ret_box)
{
	(void)l;
	(void)pass;
	(void)ctx;
	*ret_box = NULL;
	return 0;
}

static inline void mangle_box_free(struct mangle_box *b)
{
	(void)b;
}

static inline bool mangle_box_put(struct mangle_box *b, const struct mangle_datagram *d)
{
	(void)b;
	(void)d;
	return false;
}

static inline int mangle_box_serve(struct cw_rpc_server *s)
{
	(void)s;
	return 0;
}
#endif

#endif
