/* SPDX-License-Identifier: Apache-2.0 */
/* api_look.c - the manager as others see it: metrics, and the description of the API. */
#include <errno.h>
#include <stdlib.h>

#include "mesh/look_metrics.h"
#include "mesh/look_openapi.h"
#include "mesh/mesh_api.h"

static int metrics(struct api_call *c)
{
	CW_AUTO(cw_free_cleanup) char *text = look_metrics(c->m);

	if (!text)
		return -ENOMEM;
	mesh_http_reply_text(c->req, "text/plain; version=0.0.4; charset=utf-8", text);
	c->pending = true;
	return 0;
}

static int openapi(struct api_call *c)
{
	c->body = look_openapi();
	return 0;
}

static const struct api_route routes[] = {
	{ "GET", "/api/v1/metrics", NULL, api_is_admin, metrics, 200, API_WITHOUT_SITE, "Counters and states as text, for Prometheus" },
	{ "GET", "/api/v1/openapi.json", NULL, api_is_admin, openapi, 200, API_WITHOUT_SITE, "This description" },
	/* Where tools look first. */
	{ "GET", "/metrics", NULL, api_is_admin, metrics, 200, API_WITHOUT_SITE, NULL },
	{ "GET", "/openapi.json", NULL, api_is_admin, openapi, 200, API_WITHOUT_SITE, NULL },
};

const struct api_table api_look_table = { routes, CW_COUNT(routes) };
