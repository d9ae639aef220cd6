/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virt.h - libvirt: the only files that know it are virt*.c.
 *
 * A struct virt is one connection, opened when it is needed and again when it broke; any
 * thread may use it. Every call blocks: on the loop thread only virt_new() and virt_free()
 * are called. VMs are named by UUID, because a name may be taken again.
 *
 * Errors: CW_E_NOT_FOUND for a VM that is not there, CW_E_UNREACHABLE when there is no
 * daemon, CW_E_LIBRARY otherwise; libvirt's text goes to the log, or to WHY's rule.
 */
#ifndef VIRT_H
#define VIRT_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"

struct virt;

enum virt_power { VIRT_NONE, VIRT_OFF, VIRT_RUNNING, VIRT_PAUSED, VIRT_POWER_N };

struct virt_state {
	enum virt_power power;          /* VIRT_NONE: no such VM */
	bool migrated_away;             /* paused, because a migration stopped it */
	bool busy;                      /* libvirt works on a migration of it */
	bool persistent;
};

struct virt_vm {
	char name[64], uuid[37];
	struct virt_state state;
	uint64_t memory_bytes;
	unsigned vcpus;
	bool autostart;
	char *xml;                      /* as a migration sees it; heap */
	char *definition;               /* as it is defined; heap */
};

struct virt_progress {
	uint64_t memory_total_bytes, memory_done_bytes, disk_total_bytes, disk_done_bytes;
};

CW_NODISCARD int virt_new(const char *uri, struct virt **ret_virt);
void virt_free(struct virt *v);
/* "paused" */
const char *virt_power_name(enum virt_power p);
/* "9.0.0"; CW_E_UNREACHABLE when the daemon does not answer. */
CW_NODISCARD int virt_version(struct virt *v, char *out, size_t size);
/* The UNIX socket of the daemon behind the URI. */
void virt_socket(const char *uri, char *out, size_t size);
/* User and group that QEMU runs as; 0 and 0 where libvirt does not say. The first call takes seconds: libvirt looks
 * at all its emulators. The answer is kept. */
void virt_qemu_owner(struct virt *v, unsigned *ret_uid, unsigned *ret_gid);

/* All VMs: name, uuid, power. */
CW_NODISCARD int virt_list(struct virt *v, struct cw_json **ret_array);
/* KEY is a name or UUID. */
CW_NODISCARD int virt_find(struct virt *v, const char *key, struct virt_vm *ret_vm);
void virt_vm_fini(struct virt_vm *vm);
CW_NODISCARD int virt_state(struct virt *v, const char *uuid, struct virt_state *ret_state);
CW_NODISCARD int virt_block(struct virt *v, const char *uuid, const char *target, uint64_t *ret_capacity,
			    uint64_t *ret_allocation);
CW_NODISCARD int virt_progress(struct virt *v, const char *uuid, struct virt_progress *ret_progress);
/* Downtime as libvirt counted it in the migration that has just ended. */
CW_NODISCARD int virt_downtime(struct virt *v, const char *uuid, uint64_t *ret_ms);

CW_NODISCARD int virt_resume(struct virt *v, const char *uuid);
/* Ends the guest at once. A VM that is off or not there is fine. */
CW_NODISCARD int virt_destroy(struct virt *v, const char *uuid);
/* The same at once: kills the emulator, without waiting for libvirt to tidy up. Falls back to virt_destroy(). */
CW_NODISCARD int virt_kill(struct virt *v, const char *uuid);
CW_NODISCARD int virt_abort_job(struct virt *v, const char *uuid);
CW_NODISCARD int virt_set_autostart(struct virt *v, const char *uuid, bool on);
CW_NODISCARD int virt_define(struct virt *v, const char *xml, struct cw_why *why);
/* Removes the definition and what libvirt keeps with it; a VM that is not there is fine. */
CW_NODISCARD int virt_undefine(struct virt *v, const char *uuid);

/* ---- the migration itself (virt_migrate.c), in a process of its own ---- */
struct virt_move {
	const char *uri;                /* of the source */
	const char *target_socket;      /* UNIX socket of the relay to the target's daemon */
	const char *uuid, *xml;         /* XML for the target */
	const char *migrate_uri, *disks_uri;
	unsigned max_downtime_ms;       /* 0: QEMU's default */
	/* Called in another thread when the source guest has stopped. */
	void (*on_stopped)(void *ctx);
	void *ctx;
};

/* Blocks until it is over; WHY's rule is libvirt's text. Once per process. */
CW_NODISCARD int virt_move(const struct virt_move *m, struct cw_why *why);

#endif
