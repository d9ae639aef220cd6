/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_restart.c - the steps of a restart: causeway-helper does it, and the appliance's own report says that it is back. */
#include "mesh/mesh_restart.h"

#include <stdio.h>

#include "interconnect/base/clock.h"
#include "mesh/mesh_help.h"
#include "mesh/mesh_node.h"

enum { HELP_MS = 15 * 1000, LOOK_MS = 100, BACK_MS = 30 * 1000 };

static void on_restarted(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	(void)body;
	mesh_job_end_step(ctx, r, why);
}

static void run_restart(struct mesh_job *j)
{
	int r = mesh_help_ask(j->m->help, "appliance", "restart", j->object, NULL, HELP_MS, on_restarted, j);

	if (r < 0)
		mesh_job_end_step(j, r, NULL);
}

static void run_await(struct mesh_job *j)
{
	const struct cw_json *report = mesh_node_report(j->m->nodes, j->object, "appliance");
	int64_t pid = cw_json_get_int(report, "pid", 0);
	struct cw_why why = { 0 };
	char object[sizeof j->object + 16];

	if (pid > 0 && pid != cw_json_get_int(j->data, "pid", 0)) {
		mesh_job_end_step(j, 0, NULL);
		return;
	}
	if (cw_clock_now_ms() - j->step_ms < BACK_MS) {
		mesh_job_again(j, LOOK_MS);
		return;
	}
	snprintf(object, sizeof object, "appliance %s", j->object);
	mesh_job_end_step(j, cw_why_set(&why, CW_E_TIMEOUT, object, "state", "has not reported within %d s", BACK_MS / 1000), &why);
}

static const struct mesh_job_step steps[] = {
	{ "restart", run_restart, NULL, NULL },
	{ "await", run_await, NULL, NULL },
};

const struct mesh_job_kind mesh_restart_kind = { "appliance.restart", steps, CW_COUNT(steps), false, NULL };
