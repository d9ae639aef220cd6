/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_order.h - a request for something that takes two sites, while they look at it and before there is a job.
 *
 * The handler makes one, reads the order into DATA, which becomes the data of the job, and answers when all have looked.
 */
#ifndef API_ORDER_H
#define API_ORDER_H

#include "mesh/mesh_api.h"
#include "mesh/mesh_job.h"

struct api_order {
	struct manager *m;
	struct mesh_req *req;
	struct cw_json *data;           /* of the job */
	char key[API_KEY_MAX];
	bool dry_run;
};

/* For C, with DATA empty; NULL without memory. */
struct api_order *api_order_new(const struct api_call *c);
void api_order_free(struct api_order *x);
/* Both answer, and free X. Refused: unless the same request has come again meanwhile and begun the job, which is then
 * what is in the way, and the answer. Begun: a job of KIND about TYPE NAME, or {} of a dry run. */
void api_order_refuse(struct api_order *x, int r, const struct cw_why *why);
void api_order_begin(struct api_order *x, const struct mesh_job_kind *kind, const char *type, const char *name);

#endif
