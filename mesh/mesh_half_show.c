/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_half_show.c - how a half is, from the last reports of its appliances. */
#include <stdio.h>
#include <string.h>

#include "mesh/mesh_half_impl.h"
#include "mesh/mesh_node.h"
#include "mesh/mesh_svc.h"

/* The tunnels of an appliance that are up, of how many it has; -1 when it has not reported. */
static int tunnels_up(const struct manager *m, const char *name, int *ret_n)
{
	const struct cw_json *items = cw_json_get(mesh_node_report(m->nodes, name, "tunnel"), "items"), *t;
	int up = 0;

	*ret_n = 0;
	if (!items)
		return -1;
	for (size_t i = 0; (t = cw_json_at(items, i)); i++) {
		++*ret_n;
		up += strcmp(cw_json_get_str(t, "state", ""), "up") == 0;
	}
	return up;
}

/* What is missing at an appliance, or NULL. */
static const char *missing(const struct manager *m, const char *name)
{
	const char *refused = NULL;
	int n, up = tunnels_up(m, name, &n);

	if (!mesh_node_is_up(m->nodes, name) || up < 0)
		return "does not answer";
	if (!mesh_node_is_settled(m->nodes, name, &refused))
		return refused && refused[0] ? refused : "is not configured yet";
	return n > 0 && up == n ? NULL : "has no tunnel up";
}

bool half_is_up(const struct manager *m, const struct cw_json *body, char *text, size_t size)
{
	const struct cw_json *list = cw_json_get(body, "appliances"), *a;

	snprintf(text, size, "%s", "");
	for (size_t i = 0; (a = cw_json_at(list, i)); i++) {
		const char *name = cw_json_get_str(a, "name", ""), *what = missing(m, name);

		if (what) {
			snprintf(text, size, "appliance %s %s", name, what);
			return false;
		}
	}
	return cw_json_len(list) > 0;
}

int half_refused(const struct manager *m, const struct cw_json *body, struct cw_why *why)
{
	const struct cw_json *list = cw_json_get(body, "appliances"), *a;

	for (size_t i = 0; (a = cw_json_at(list, i)); i++) {
		const char *name = cw_json_get_str(a, "name", ""), *refused = NULL;
		char object[HALF_OBJECT];

		if (mesh_node_is_settled(m->nodes, name, &refused) || !refused || !refused[0])
			continue;
		snprintf(object, sizeof object, "appliance %s", name);
		return cw_why_set(why, CW_E_BLOCKED, object, "config", "refuses its configuration: %.300s", refused);
	}
	return 0;
}

static bool any_up(const struct manager *m, const struct cw_json *body)
{
	const struct cw_json *list = cw_json_get(body, "appliances"), *a;
	int n;

	for (size_t i = 0; (a = cw_json_at(list, i)); i++)
		if (tunnels_up(m, cw_json_get_str(a, "name", ""), &n) > 0)
			return true;
	return false;
}

const char *half_state(const struct manager *m, const struct cw_json *body)
{
	const struct mesh_job *j = mesh_job_active(m->jobs, "mesh", cw_json_get_str(body, "name", ""));
	const char *state = cw_json_get_str(body, "state", "");
	char text[256];

	if (j && j->kind == &mesh_svc_delete_kind)
		return "deleting";
	if (strcmp(state, "up") != 0)
		return state;
	if (half_is_up(m, body, text, sizeof text))
		return "up";
	return any_up(m, body) ? "degraded" : "down";
}

static struct cw_json *appliances_json(const struct manager *m, const struct cw_json *body)
{
	struct cw_json *out = cw_json_array();
	const struct cw_json *list = cw_json_get(body, "appliances"), *a;

	for (size_t i = 0; (a = cw_json_at(list, i)); i++) {
		struct cw_json *o = cw_json_object();
		const char *name = cw_json_get_str(a, "name", ""), *what = missing(m, name);
		const struct cw_json *far = half_find(body, "far", cw_json_get_str(a, "kind", ""));

		cw_json_set_str(o, "name", name);
		cw_json_set_str(o, "kind", cw_json_get_str(a, "kind", ""));
		cw_json_set_str(o, "uplink", cw_json_get_str(a, "uplink", ""));
		cw_json_set_str(o, "remote_uplink", cw_json_get_str(far, "uplink", ""));
		cw_json_set(o, "networks", cw_json_ref(cw_json_get(a, "networks")));
		cw_json_set_str(o, "tunnel", what ? "down" : "up");
		cw_json_set_str(o, "text", what ? what : "");
		cw_json_add(out, o);
	}
	return out;
}

struct cw_json *half_json(const struct manager *m, const struct cw_json *body)
{
	static const char *const members[] = { "name", "site", "local", "remote", "host", "reason" };
	struct cw_json *o = cw_json_object();

	for (size_t i = 0; i < CW_COUNT(members); i++)
		cw_json_set_str(o, members[i], cw_json_get_str(body, members[i], ""));
	cw_json_set_str(o, "state", half_state(m, body));
	cw_json_set(o, "appliances", appliances_json(m, body));
	cw_json_set(o, "create_ms", cw_json_get(body, "create_ms") ? cw_json_ref(cw_json_get(body, "create_ms")) :
								     cw_json_null());
	return o;
}
