/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virt_migrate.c - libvirt's client-managed migration, in the child process.
 *
 * The flags are those that the target's filter expects (filter.h): the guest stays paused
 * at the target, the source stays defined, disks are copied, nothing is made persistent. A
 * guest that writes its memory faster than the path carries it is slowed down until it fits.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "migrate/filter.h"
#include "migrate/virt.h"
#include "migrate/virt_conn.h"

enum { MOVE_FLAGS = VIR_MIGRATE_LIVE | VIR_MIGRATE_PAUSED | VIR_MIGRATE_NON_SHARED_DISK | VIR_MIGRATE_AUTO_CONVERGE };
/* libvirt keeps the last one from the target. */
_Static_assert(((int)MOVE_FLAGS & ~VIR_MIGRATE_AUTO_CONVERGE) == (int)FILTER_FLAGS,
	       "the target's filter passes these flags");

struct move {
	const struct virt_move *m;
	virConnectPtr source, target;
	virDomainPtr domain;
	virTypedParameterPtr params;
	int n_params, max_params;
};

static void *events(void *ctx)
{
	(void)ctx;
	for (;;)
		if (virEventRunDefaultImpl() < 0)
			return NULL;
}

static int on_lifecycle(virConnectPtr c, virDomainPtr d, int event, int detail, void *ctx)
{
	const struct virt_move *m = ctx;

	(void)c;
	(void)d;
	if (event == VIR_DOMAIN_EVENT_SUSPENDED && detail == VIR_DOMAIN_EVENT_SUSPENDED_MIGRATED)
		m->on_stopped(m->ctx);
	return 0;
}

static int events_start(void)
{
	pthread_t t;

	if (virEventRegisterDefaultImpl() < 0)
		return CW_E_LIBRARY;
	if (pthread_create(&t, NULL, events, NULL) != 0)
		return -ENOMEM;
	pthread_detach(t);
	return 0;
}

static int open_both(struct move *v, struct cw_why *why)
{
	char uri[256];

	snprintf(uri, sizeof uri, "qemu+unix:///system?socket=%s", v->m->target_socket);
	v->source = virConnectOpen(v->m->uri);
	v->target = v->source ? virConnectOpen(uri) : NULL;
	v->domain = v->target ? virDomainLookupByUUIDString(v->source, v->m->uuid) : NULL;
	return v->domain ? 0 : virt_error(why);
}

/* libvirt hands the context over without const; it is only read. */
static void *unconst(const struct virt_move *m)
{
	union {
		const struct virt_move *in;
		void *out;
	} u = { .in = m };

	return u.out;
}

static int watch(struct move *v, struct cw_why *why)
{
	int id = virConnectDomainEventRegisterAny(v->source, v->domain, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
						  VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle), unconst(v->m), NULL);

	if (id < 0)
		return virt_error(why);
	if (v->m->max_downtime_ms)              /* a wish: refused before the job begins by some versions */
		(void)virDomainMigrateSetMaxDowntime(v->domain, v->m->max_downtime_ms, 0);
	return 0;
}

static int params_fill(struct move *v, struct cw_why *why)
{
	const struct {
		const char *name, *value;
	} rows[] = {
		{ VIR_MIGRATE_PARAM_URI, v->m->migrate_uri },
		{ VIR_MIGRATE_PARAM_DISKS_URI, v->m->disks_uri },
		{ VIR_MIGRATE_PARAM_DEST_XML, v->m->xml },
	};

	for (size_t i = 0; i < CW_COUNT(rows); i++)
		if (virTypedParamsAddString(&v->params, &v->n_params, &v->max_params, rows[i].name, rows[i].value) < 0)
			return virt_error(why);
	return 0;
}

/* Nothing is closed: the process ends right after this, and closing the target's connection could wait for it. */
int virt_move(const struct virt_move *m, struct cw_why *why)
{
	struct move v = { .m = m };
	virDomainPtr d;
	int r;

	virt_quiet();
	if ((r = events_start()) < 0 || (r = open_both(&v, why)) < 0 || (r = watch(&v, why)) < 0 ||
	    (r = params_fill(&v, why)) < 0)
		return r;
	d = virDomainMigrate3(v.domain, v.target, v.params, (unsigned)v.n_params, MOVE_FLAGS);
	virTypedParamsFree(v.params, v.n_params);
	return d ? 0 : virt_error(why);
}
