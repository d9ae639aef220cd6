/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_vm.c - looking through the reports of agents. */
#include "mesh/mesh_vm.h"

#include <stdio.h>
#include <string.h>

#include "mesh/mesh_node.h"
#include "mesh/mesh_owner.h"

struct walk {
	const struct manager *m;
	const char *key;
	size_t n;                               /* found */
	struct mesh_vm vm;                      /* the first */
	char other[MESH_NAME_MAX + 1];          /* host of the second */
	struct cw_json *items;
};

static const struct cw_json *vms_of(const struct manager *m, const char *host)
{
	return cw_json_get(mesh_node_report(m->nodes, host, "vm"), "items");
}

/* ---- one ---- */

static void take(struct walk *w, const char *host, const struct cw_json *report)
{
	if (++w->n > 1) {
		snprintf(w->other, sizeof w->other, "%s", host);
		return;
	}
	w->vm.report = report;
	snprintf(w->vm.name, sizeof w->vm.name, "%s", cw_json_get_str(report, "name", ""));
	snprintf(w->vm.uuid, sizeof w->vm.uuid, "%s", cw_json_get_str(report, "uuid", ""));
	snprintf(w->vm.host, sizeof w->vm.host, "%s", host);
}

static void look(void *ctx, const char *host)
{
	struct walk *w = ctx;
	const struct cw_json *items = vms_of(w->m, host);

	for (size_t i = 0; i < cw_json_len(items); i++) {
		const struct cw_json *vm = cw_json_at(items, i);

		if (strcmp(cw_json_get_str(vm, "name", ""), w->key) == 0 || strcmp(cw_json_get_str(vm, "uuid", ""), w->key) == 0)
			take(w, host, vm);
	}
}

int mesh_vm_find(const struct manager *m, const char *key, struct mesh_vm *ret_vm, struct cw_why *why)
{
	struct walk w = { .m = m, .key = key };
	char object[128];

	mesh_nodes_each(m->nodes, "agent", look, &w);
	snprintf(object, sizeof object, "vm %.63s", key);
	if (w.n == 0)
		return cw_why_set(why, CW_E_NOT_FOUND, object, "name", "no host of this site has a VM of this name");
	if (w.n > 1)
		return cw_why_set(why, CW_E_CONFLICT, object, "host", "more than one host has it: %s and %s", w.vm.host, w.other);
	*ret_vm = w.vm;
	return 0;
}

/* ---- all ---- */

struct cw_json *mesh_vm_json(const struct manager *m, const char *host, const struct cw_json *report)
{
	struct cw_json *b = cw_json_object(), *owner = mesh_owner_json(m, cw_json_get_str(report, "uuid", "")), *v;
	const char *key;
	void *iter = NULL;

	while ((v = cw_json_next(report, &iter, &key)))
		cw_json_set(b, key, cw_json_ref(v));
	if (!owner) {
		owner = cw_json_object();
		cw_json_set_str(owner, "site", m->site.row.name);
		cw_json_set_int(owner, "epoch", 0);
		cw_json_set_str(owner, "state", "owned");
	}
	cw_json_set_str(b, "host", host);
	cw_json_set(b, "owner", owner);
	return b;
}

struct cw_json *mesh_vm_away(const struct manager *m, const char *uuid)
{
	struct cw_json *owner = mesh_owner_json(m, uuid), *b;

	if (!owner)
		return NULL;
	b = cw_json_object();
	cw_json_set_str(b, "uuid", uuid);
	cw_json_set_str(b, "power", "none");
	cw_json_set(b, "owner", owner);
	return b;
}

static void add_host(void *ctx, const char *host)
{
	struct walk *w = ctx;
	const struct cw_json *items = vms_of(w->m, host);

	for (size_t i = 0; i < cw_json_len(items); i++)
		cw_json_add(w->items, mesh_vm_json(w->m, host, cw_json_at(items, i)));
}

struct cw_json *mesh_vm_list(const struct manager *m)
{
	struct walk w = { .m = m, .items = cw_json_array() };

	mesh_nodes_each(m->nodes, "agent", add_host, &w);
	return w.items;
}
