/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child.h - the process that carries one migration at its source: libvirt's client, the hold on the
 * Finish reply, and the relays of memory and disks. They live and die together.
 *
 * A libvirt client that loses its connection lets the source run on; one that dies while
 * Finish is held leaves both guests paused. So the client and the hold are one process, which
 * the kernel kills with the agent (PR_SET_PDEATHSIG), and the record on the agent's disk
 * decides what becomes of the guests.
 *
 * In the folder of the migration the child listens on ctl.sock (its own libvirt client),
 * mig.sock (QEMU's memory) and nbd.sock (QEMU's disks). Each connection becomes a stream
 * to the other site; a listener takes its next connection when the last one has reached
 * the other end, because QEMU tells its channels apart by their order.
 */
#ifndef CHILD_H
#define CHILD_H

#include "interconnect/base/base.h"
#include "interconnect/base/loop.h"

#define CHILD_COMMAND "migration-child"

enum { CHILD_FD = 3 };                  /* the link, in the child */

struct child_order {
	const char *id, *site, *token;
	const char *libvirt;            /* URI of the source's daemon */
	const char *dial;               /* where streams to the target are dialled */
	const char *dir;                /* folder of the migration */
	const char *uuid, *xml;
	unsigned uid, gid;              /* of QEMU */
	unsigned max_downtime_ms;
};

struct child;

struct child_events {
	void (*on_stopped)(void *ctx, uint64_t at_us);
	void (*on_held)(void *ctx);
	/* The target cannot finish; nothing has been passed on: answer by child_fail(). */
	void (*on_lost)(void *ctx, const char *text);
	/* libvirt's call has returned, or the process has died (OK false). Last event. */
	void (*on_done)(void *ctx, bool ok, const char *text);
};

/* Starts the process; call it from the thread that lives as long as the agent. */
CW_NODISCARD int child_new(struct cw_loop *l, const struct child_order *o, const struct child_events *ev, void *ctx,
			   struct child **ret_child);
/* Lets the held reply go: the source guest ends. */
CW_NODISCARD int child_release(struct child *c);
/* Ends the migration in the source's favour. */
CW_NODISCARD int child_fail(struct child *c);
/* Kills the process if it still lives, and waits for it. */
void child_free(struct child *c);

/* main() of the child. */
int child_main(void);

#endif
