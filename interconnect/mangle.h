/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mangle.h - bad weather on purpose: which datagrams are to be lost, doubled, delayed, overtaken or damaged.
 *
 * In debug builds only (make DEBUG=1): a release has no object of this file. Rules stand between commas, as in
 * CAUSEWAY_IMPAIR (base/impair.h), whose other points mean nothing here:
 *
 *	udp.DIRECTION.KIND=ACTION[@WHEN]
 *
 *	DIRECTION   in, out
 *	KIND        any, esp, keepalive, ike; init, auth, create, info: an IKE exchange, or one side of it:
 *	            auth-request, auth-response
 *	ACTION      drop      it does not arrive
 *	            dup       it arrives twice
 *	            corrupt   one bit of it is another (not in the first four octets: it stays of its kind)
 *	            reorder   what comes after it in its direction goes first
 *	            delay:MS  it arrives so many milliseconds later
 *	WHEN        N         only the N-th of them (from 1)
 *	            /N        each N-th
 *	            P%        P of a hundred, by chance; P%S with the seed S, so that it is the same chance each time
 *	            (none)    all
 *
 * "udp.out.auth-request=drop@1,udp.in.esp=reorder@10%7". The first rule that strikes decides; a rule counts what is of
 * its kind whether or not another strikes.
 *
 * This file judges and is pure: no socket, no time. What is done about it, and when, is in mangle_box.h.
 */
#ifndef MANGLE_H
#define MANGLE_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"

enum { MANGLE_RULES_MAX = 16, MANGLE_DELAY_MAX = 60 * 1000 };

enum mangle_action {
	MANGLE_PASS, MANGLE_DROP, MANGLE_DUP, MANGLE_CORRUPT, MANGLE_REORDER, MANGLE_DELAY, MANGLE_ACTION_N
};
enum mangle_when { MANGLE_ALWAYS, MANGLE_NTH, MANGLE_EACH, MANGLE_CHANCE };

struct mangle_rule {
	bool out;
	unsigned kind;                  /* of its row */
	enum mangle_action action;
	unsigned ms;                    /* of a delay */
	enum mangle_when when;
	unsigned n;                     /* of WHEN */
	uint64_t random;                /* state of the generator */
	uint64_t seen, struck;
};

struct mangle {
	struct mangle_rule rules[MANGLE_RULES_MAX];
	size_t n;
};

struct mangle_verdict {
	enum mangle_action action;
	unsigned ms;
	size_t at;                      /* corrupt: bit BIT of octet AT */
	unsigned bit;
};

/* Reads the rules of TEXT; what is not "udp." is skipped. CW_E_INVALID or CW_E_LIMIT, with WHY; RET is then empty. */
CW_NODISCARD int mangle_parse(const char *text, struct mangle *ret, struct cw_why *why);
/* What is to happen to the datagram, which is as it is on the wire. */
struct mangle_verdict mangle_judge(struct mangle *m, bool out, const uint8_t *data, size_t size);
/* {"items":[{direction kind action delay_ms when seen struck}]} */
struct cw_json *mangle_json(const struct mangle *m);

#endif
