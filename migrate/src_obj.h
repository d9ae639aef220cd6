/* SPDX-License-Identifier: Apache-2.0 */
/* src_obj.h - a migration that leaves, as the src files share it. */
#ifndef SRC_OBJ_H
#define SRC_OBJ_H

#include "interconnect/base/rpc.h"
#include "migrate/child.h"
#include "migrate/offer.h"
#include "migrate/peer.h"
#include "migrate/src.h"
#include "migrate/warrant.h"

struct src;

struct src_step {
	const char *name;               /* phase of the job, and kill point mig.source.NAME */
	void (*run)(struct src *s);
};

struct src_steps {
	const struct src_step *rows;
	size_t n;
};

struct src {
	struct src *next;
	struct agent *agent;
	struct job *job;                /* NULL until both sites have said yes */
	struct work *work;
	struct peer *peer;
	struct cw_timer *timer;         /* of the present step */
	const struct src_steps *steps;
	size_t at;
	uint64_t step_ms;               /* when it began */
	bool cancelled, stopping;
	struct warrant *warrant;        /* what the manager is being asked */

	/* Until the job is there. */
	struct offer *offer;
	struct cw_rpc_call *call;
	char id[JOB_ID_TEXT];           /* as asked for; empty: any */
	char key[64], to[64];           /* VM and site as asked for */
	char map_network[DOM_NICS_MAX][2][32], map_pool[DOM_DISKS_MAX][2][64];
	size_t n_map_network, n_map_pool;
	bool dry_run, no_proof, autostart;
	char *definition;
	enum virt_power power;

	/* While it runs. */
	char *xml;                      /* of the domain at the target */
	char token[65];
	struct child *child;
	bool child_over, held, working;
	bool finishing;                 /* libvirt has asked the target for Finish: there is no copy to stop */
	bool fenced;                    /* after the release: the source guest is gone */
	char child_text[256];
	unsigned uid, gid;              /* of QEMU */
	uint64_t stopped_us;
	struct virt_progress progress;  /* the last that was shown */
	struct virt_progress fresh;     /* what the worker has just read */
	char hashes[DOM_DISKS_MAX][DISK_HASH_TEXT];
	struct cw_json *proof;          /* the target's answer */
	int waiting;                    /* parts of a step that are not there yet */

	/* What the last work came to. */
	int r;
	struct cw_why why;
	struct virt_state state;
};

extern const struct src_steps src_forward, src_after, src_back;

/* src.c: the walk. */
CW_NODISCARD int src_new(struct agent *a, struct src **ret_src);
void src_walk(struct src *s, const struct src_steps *steps);
/* The present step is done. */
void src_step_done(struct src *s);
/* The present step cannot be done: forward it turns back, on the other two rows it is tried again. */
void src_step_failed(struct src *s, int r, const struct cw_why *why);
/* The manager, or our own chain, says RELEASED: on the disk when it returns 0. CW_E_AUTH when the record is another. */
CW_NODISCARD int src_released(struct src *s, const struct warrant_answer *a);
/* The migration is over, or was never one: frees S on the next turn of the loop. */
void src_end(struct src *s);
/* Queues RUN; DONE on the loop. A failure to queue fails the step. */
void src_work(struct src *s, void (*run)(void *ctx), void (*done)(void *ctx));
/* A DONE for work that is the whole of a step: s->r and s->why say how it went. */
void src_work_done(void *ctx);
/* Disks of the plan. */
size_t src_n_disks(const struct src *s);
const char *src_disk(const struct src *s, size_t i, const char *key);
void src_child_kill(struct src *s);

#endif
