/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_far.c - calls between the jobs of two managers. */
#include "mesh/mesh_far.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/hex.h"
#include "interconnect/base/rand.h"
#include "mesh/mesh_half.h"
#include "mesh/mesh_peer.h"

enum { CALL_MS = 20 * 1000, AGAIN_MS = 500, PATIENCE_MS = 45 * 1000 };

char *far_token(char ret_token[FAR_TOKEN])
{
	uint8_t raw[(FAR_TOKEN - 1) / 2];

	cw_rand_bytes(raw, sizeof raw);
	return cw_hex_text(raw, sizeof raw, ret_token);
}

/* ---- from a step ---- */

bool far_is_silent(int r)
{
	return r == CW_E_UNREACHABLE || r == CW_E_TIMEOUT;
}

void far_end_step(void *ctx, int r, const struct cw_why *why)
{
	struct mesh_job *j = ctx;

	if (far_is_silent(r) && (j->back || j->kind->forward || cw_clock_now_ms() - j->step_ms < PATIENCE_MS))
		mesh_job_again(j, AGAIN_MS);
	else
		mesh_job_end_step(j, r, why);
}

void far_why(const char *site, const struct cw_why *why, struct cw_why *ret_why)
{
	memset(ret_why, 0, sizeof *ret_why);
	if (!why)
		return;
	*ret_why = *why;
	snprintf(ret_why->object, sizeof ret_why->object, "site %.40s%s%.70s", site, why->object[0] ? ": " : "", why->object);
}

void far_ask(struct mesh_job *j, const char *site, const char *noun, const char *verb, const char *name,
	     struct cw_json *args, void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why))
{
	struct cw_why why = { 0 };
	int r = mesh_peer_ask(j->m->peers, site, noun, verb, name, args, CALL_MS, cb, j, &why);

	if (r < 0)
		cb(j, r, NULL, &why);
}

void far_done(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	const struct mesh_job *j = ctx;
	struct cw_why own;

	(void)body;
	far_why(cw_json_get_str(j->data, "site", "?"), why, &own);
	far_end_step(ctx, r, &own);
}

void far_gone(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	far_done(ctx, r == CW_E_NOT_FOUND ? 0 : r, body, why);
}

/* ---- being called ---- */

int far_mesh(const struct manager *m, const char *name, const char *site, struct cw_json **ret_body, struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	int r;

	if ((r = half_need(m, name, &body, why)) < 0)
		return r;
	if (strcmp(cw_json_get_str(body, "site", ""), site) != 0)
		return cw_why_set(why, CW_E_FORBIDDEN, "mesh", "name", "it is a mesh with another site");
	*ret_body = cw_steal(&body);
	return 0;
}

bool far_made(const struct cw_json *body, const struct cw_json *request)
{
	return strcmp(cw_json_get_str(body, "token", ""), cw_json_get_str(cw_json_get(request, "args"), "token", "")) == 0;
}

struct far_call {
	struct cw_rpc_call *call;
};

static void on_gone(void *ctx)
{
	struct far_call *f = ctx;

	f->call = NULL;
}

struct far_call *far_call_new(struct cw_rpc_call *call)
{
	struct far_call *f = calloc(1, sizeof *f);

	if (!f) {
		cw_rpc_fail(call, -ENOMEM, NULL);
		return NULL;
	}
	f->call = call;
	cw_rpc_on_gone(call, on_gone, f);
	return f;
}

void far_call_end(void *ctx, int r, const struct cw_why *why)
{
	struct far_call *f = ctx;

	if (f->call && r < 0)
		cw_rpc_fail(f->call, r, why);
	else if (f->call)
		cw_rpc_reply(f->call, NULL);
	free(f);
}
