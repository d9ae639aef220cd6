/* SPDX-License-Identifier: Apache-2.0 */
/* agent_cmd.c - rows of the control socket: VMs, the host, migrations. */
#include "migrate/agent_cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "interconnect/base/daemon.h"
#include "migrate/dom.h"
#include "migrate/host_net.h"
#include "migrate/src.h"

/* A question to libvirt, asked in the worker. */
struct query {
	struct agent *agent;
	struct cw_rpc_call *call;       /* NULL: the asker went away */
	char name[64];
	int r;
	struct cw_why why;
	struct cw_json *body;
	/* vm show */
	struct virt_vm vm;
	struct dom dom;
	/* host show */
	char version[32];
};

static void query_end(struct query *q)
{
	if (q->call) {
		cw_rpc_on_gone(q->call, NULL, NULL);
		if (q->r < 0)
			cw_rpc_fail(q->call, q->r, &q->why);
		else
			cw_rpc_reply(q->call, cw_steal(&q->body));
	}
	cw_json_free(q->body);
	virt_vm_fini(&q->vm);
	free(q);
}

static void on_gone(void *ctx)
{
	struct query *q = ctx;

	q->call = NULL;
}

static void ask(struct agent *a, struct cw_rpc_call *call, const char *name, void (*run)(void *ctx),
		void (*done)(void *ctx))
{
	struct query *q = calloc(1, sizeof *q);

	if (!q) {
		cw_rpc_fail(call, -ENOMEM, NULL);
		return;
	}
	q->agent = a;
	q->call = call;
	cw_rpc_on_gone(call, on_gone, q);
	snprintf(q->name, sizeof q->name, "%s", name);
	q->r = work_post(a->query, run, done, q);
	if (q->r < 0)
		query_end(q);
}

static struct cw_json *items(struct cw_json *list)
{
	struct cw_json *b = cw_json_object();

	cw_json_set(b, "items", list);
	cw_json_set(b, "next", cw_json_null());
	return b;
}

/* ---- VMs ---- */

/* The record as it stands, or what it would be: a VM that never moved is ours in epoch 0. */
static struct cw_json *owner_json(struct agent *a, const char *uuid)
{
	struct cw_json *j = cw_json_object();
	struct own o;
	bool known = own_load(jobs_db(a->jobs), uuid, &o) == 0;

	cw_json_set_str(j, "site", known ? o.owner : a->conf.site);
	cw_json_set_int(j, "epoch", known ? o.epoch : 0);
	cw_json_set_str(j, "state", own_state_name(known ? o.state : OWN_OWNED));
	return j;
}

static void list_run(void *ctx)
{
	struct query *q = ctx;

	q->r = virt_list(q->agent->virt, &q->body);
	if (q->r == CW_E_UNREACHABLE)
		cw_why_set(&q->why, q->r, "host", "libvirt", "does not answer at %s", q->agent->conf.libvirt);
}

static void list_done(void *ctx)
{
	struct query *q = ctx;

	for (size_t i = 0; q->r == 0 && i < cw_json_len(q->body); i++) {
		struct cw_json *vm = cw_json_at(q->body, i);

		cw_json_set(vm, "owner", owner_json(q->agent, cw_json_get_str(vm, "uuid", "")));
	}
	if (q->r == 0)
		q->body = items(q->body);
	query_end(q);
}

static void vm_list(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	(void)request;
	ask(ctx, call, "", list_run, list_done);
}

static void show_run(void *ctx)
{
	struct query *q = ctx;
	char object[80];

	snprintf(object, sizeof object, "vm %s", q->name);
	q->r = virt_find(q->agent->virt, q->name, &q->vm);
	if (q->r == CW_E_NOT_FOUND)
		cw_why_set(&q->why, q->r, object, "name", "there is no VM of this name here");
	else if (q->r == 0 && dom_read(q->vm.xml, &q->dom, NULL) < 0)
		q->dom = (struct dom){ 0 };     /* a VM that cannot be moved is shown without disks and networks */
}

static struct cw_json *vm_json(struct query *q)
{
	struct cw_json *b = cw_json_object(), *disks = cw_json_array(), *networks = cw_json_array();

	for (size_t i = 0; i < q->dom.n_disks; i++) {
		struct cw_json *d = cw_json_object();

		cw_json_set_str(d, "target", q->dom.disks[i].target);
		cw_json_set_str(d, "format", q->dom.disks[i].format);
		cw_json_set_str(d, "file", q->dom.disks[i].file);
		cw_json_add(disks, d);
	}
	for (size_t i = 0; i < q->dom.n_nics; i++) {
		struct cw_json *n = cw_json_object();

		cw_json_set_str(n, "mac", q->dom.nics[i].mac);
		cw_json_set_str(n, "bridge", q->dom.nics[i].bridge);
		cw_json_add(networks, n);
	}
	cw_json_set_str(b, "name", q->vm.name);
	cw_json_set_str(b, "uuid", q->vm.uuid);
	cw_json_set_str(b, "power", virt_power_name(q->vm.state.power));
	cw_json_set(b, "owner", owner_json(q->agent, q->vm.uuid));
	cw_json_set_int(b, "memory_bytes", (int64_t)q->vm.memory_bytes);
	cw_json_set_int(b, "vcpus", q->vm.vcpus);
	cw_json_set_bool(b, "autostart", q->vm.autostart);
	cw_json_set(b, "disks", disks);
	cw_json_set(b, "networks", networks);
	return b;
}

static void show_done(void *ctx)
{
	struct query *q = ctx;

	if (q->r == 0)
		q->body = vm_json(q);
	query_end(q);
}

static void vm_show(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	ask(ctx, call, cw_json_get_str(request, "name", ""), show_run, show_done);
}

/* ---- the host ---- */

static void host_run(void *ctx)
{
	struct query *q = ctx;

	if (virt_version(q->agent->virt, q->version, sizeof q->version) < 0)
		q->version[0] = '\0';
}

static void host_done(void *ctx)
{
	struct query *q = ctx;
	const struct agent *a = q->agent;
	struct cw_json *b = cw_json_object(), *libvirt = cw_json_object(), *n = cw_json_object();

	cw_json_set_str(libvirt, "uri", a->conf.libvirt);
	cw_json_set_str(libvirt, "state", q->version[0] ? "up" : "down");
	cw_json_set_str(libvirt, "version", q->version);
	cw_json_set_int(n, "streams.accepted", (int64_t)a->counters.streams_accepted);
	cw_json_set_int(n, "streams.refused", (int64_t)a->counters.streams_refused);
	cw_json_set_int(n, "filter.refused", (int64_t)a->counters.filter_refused);
	cw_json_set_str(b, "name", a->conf.host);
	cw_json_set_str(b, "site", a->conf.site);
	cw_json_set_int(b, "pid", getpid());
	cw_json_set_str(b, "version", CW_VERSION);
	cw_json_set(b, "libvirt", libvirt);
	cw_json_set(b, "counters", n);
	host_net_json(b);
	q->body = b;
	query_end(q);
}

static void host_show(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	(void)request;
	ask(ctx, call, "", host_run, host_done);
}

/* ---- migrations ---- */

static void migration_create(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	src_create(ctx, call, request, false);
}

static void migration_validate(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	src_create(ctx, call, request, true);
}

static void job_list(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	const struct agent *a = ctx;
	struct cw_json *list = cw_json_array();

	(void)request;
	for (const struct job *j = jobs_first(a->jobs); j; j = j->next)
		cw_json_add(list, job_body(j));
	cw_rpc_reply(call, items(list));
}

/* The job that REQUEST names, or the refusal is sent. */
static struct job *job_of(struct agent *a, struct cw_rpc_call *call, const struct cw_json *request)
{
	const char *id = cw_json_get_str(request, "name", "");
	struct job *j = jobs_find(a->jobs, id);
	struct cw_why why = { 0 };
	char object[80];

	if (j)
		return j;
	snprintf(object, sizeof object, "migration %.40s", id);
	cw_why_set(&why, CW_E_NOT_FOUND, object, "id", "there is no migration of this id here");
	cw_rpc_fail(call, CW_E_NOT_FOUND, &why);
	return NULL;
}

static void job_show(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	const struct job *j = job_of(ctx, call, request);

	if (j)
		cw_rpc_reply(call, job_body(j));
}

static void job_watch_(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct job *j = job_of(ctx, call, request);

	if (j)
		job_watch(j, call);
}

static void migration_cancel(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct job *j = job_of(ctx, call, request);
	struct cw_why why = { 0 };
	int r;

	if (!j)
		return;
	r = src_cancel(ctx, j, &why);
	if (r < 0)
		cw_rpc_fail(call, r, &why);
	else
		cw_rpc_reply(call, job_body(j));
}

static void migration_finish(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct job *j = job_of(ctx, call, request);

	if (j)
		src_finish(ctx, j, call);
}

const struct cw_rpc_row agent_cmd_rows[] = {
	{ "vm", "list", vm_list },
	{ "vm", "show", vm_show },
	{ "host", "show", host_show },
	{ "migration", "create", migration_create },
	{ "migration", "validate", migration_validate },
	{ "migration", "list", job_list },
	{ "migration", "show", job_show },
	{ "migration", "watch", job_watch_ },
	{ "migration", "cancel", migration_cancel },
	{ "migration", "finish", migration_finish },
	{ "job", "list", job_list },
	{ "job", "show", job_show },
	{ "job", "watch", job_watch_ },
};
const size_t agent_cmd_n_rows = CW_COUNT(agent_cmd_rows);
