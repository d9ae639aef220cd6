/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dst.h - the target's side of a migration.
 *
 *   prepare   checks the offer, writes the job and the record PREPARED, makes the disks,
 *             builds the domain, answers with it and with a token for the streams
 *   streams   libvirt's calls through the filter (filter.h), memory and disks to QEMU
 *   prove     hashes of the disks, while the guest stands still
 *   commit    writes OWNED, lets the guest run, defines it
 *   abort     ends the guest, removes what prepare made
 *
 * The guest never runs here before OWNED is on the disk, and OWNED is written only when
 * the source says RELEASED. A target that has prepared and hears nothing asks the source,
 * again and again; it never decides by itself.
 */
#ifndef DST_H
#define DST_H

#include "interconnect/base/base.h"
#include "interconnect/base/json.h"
#include "interconnect/base/rpc.h"
#include "migrate/agent.h"
#include "migrate/stream.h"

struct dst;

/* Rows of the control streams; CTX is the agent. */
void dst_on_validate(void *ctx, struct cw_rpc_call *call, const struct cw_json *request);
void dst_on_prepare(void *ctx, struct cw_rpc_call *call, const struct cw_json *request);
void dst_on_inspect(void *ctx, struct cw_rpc_call *call, const struct cw_json *request);
void dst_on_prove(void *ctx, struct cw_rpc_call *call, const struct cw_json *request);
void dst_on_commit(void *ctx, struct cw_rpc_call *call, const struct cw_json *request);
void dst_on_abort(void *ctx, struct cw_rpc_call *call, const struct cw_json *request);

/* Takes a libvirt, memory or disk stream; owns FD, also on failure, and answers its hello. */
CW_NODISCARD int dst_stream(struct agent *a, const struct stream_hello *h, int fd);

/* Goes on with what the journal says, at start. */
CW_NODISCARD int dst_recover(struct agent *a);
/* Frees all, at the end; what is on the disk stays. */
void dst_stop(struct agent *a);

#endif
