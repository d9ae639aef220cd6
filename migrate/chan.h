/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chan.h - one stream socket on the loop, with an output queue: for streams whose bytes we look at.
 * (Streams that are only carried go through cw_pump.)
 */
#ifndef CHAN_H
#define CHAN_H

#include "interconnect/base/base.h"
#include "interconnect/base/loop.h"

struct chan;

enum { CHAN_OUT_MAX = 8 << 20 };

/* Owns FD, also on failure. ON_DATA gets bytes as they come; ON_END is called once at end of file or failure (R 0 or
 * negative), and nothing after it. Both may free the channel. */
CW_NODISCARD int chan_new(struct cw_loop *l, int fd, void (*on_data)(void *ctx, const void *data, size_t size),
			  void (*on_end)(void *ctx, int r), void *ctx, struct chan **ret_chan);
/* Queues SIZE bytes. CW_E_LIMIT when the peer does not take them, CW_E_UNREACHABLE after the end. */
CW_NODISCARD int chan_write(struct chan *c, const void *data, size_t size);
void chan_free(struct chan *c);         /* closes; NULL is fine */

#endif
