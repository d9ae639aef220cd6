/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter.h - what the other site may say to our libvirt: the calls of one migration, nothing else.
 *
 * The source's libvirt client drives both daemons; what it sends to ours comes through a
 * filter. One filter serves one connection. It lets pass, in this order:
 *
 *   66 AUTH_LIST, 60 SUPPORTS_FEATURE   harmless questions, any time
 *    1 CONNECT_OPEN                     once, qemu:///system, no flags
 *  303 MIGRATE_PREPARE3_PARAMS          once, after it
 *  306 MIGRATE_FINISH3_PARAMS           once, after that
 *    2 CONNECT_CLOSE                    after which nothing follows
 *
 * and frames of the keepalive program. 303 and 306 are not passed on but written anew: the
 * domain's XML and the addresses of memory and disks are ours, the flags must be those of
 * a live migration that leaves the guest paused and undefined, the cookie goes through its
 * own allow-list (cookie.h). Everything else is refused, and the connection with it.
 *
 * No input or output of its own: bytes in, bytes out.
 */
#ifndef FILTER_H
#define FILTER_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "migrate/cookie.h"

/* VIR_MIGRATE_LIVE | VIR_MIGRATE_PAUSED | VIR_MIGRATE_NON_SHARED_DISK */
enum { FILTER_FLAGS = 0x1 | 0x20 | 0x40 };

/* Borrowed by the filter. */
struct filter_policy {
	struct cookie_policy cookie;
	const char *xml;                /* the domain as the target agent built it */
	const char *migrate_uri, *disks_uri;
};

struct filter;

CW_NODISCARD int filter_new(const struct filter_policy *p, struct filter **ret_filter);
void filter_free(struct filter *f);
/* Takes SIZE bytes from the other site; WRITE gets each frame that may pass. Negative: the connection must be
 * closed; WHY's field names what was refused. */
CW_NODISCARD int filter_feed(struct filter *f, const void *data, size_t size,
			     int (*write)(void *ctx, const void *frame, size_t size), void *ctx, struct cw_why *why);
/* Has a Prepare gone through? */
bool filter_prepared(const struct filter *f);

#endif
