/* SPDX-License-Identifier: Apache-2.0 */
/* api_site.c - routes of the site itself. */
#include "mesh/mesh_api.h"

static int site_show(struct api_call *c)
{
	if (!c->m->site.tls)
		return cw_why_set(&c->why, CW_E_NOT_FOUND, "site", NULL, "is not initialised; run: causeway site init --name NAME");
	c->body = mesh_site_json(&c->m->site);
	return 0;
}

static int site_init(struct api_call *c)
{
	const char *name = NULL;
	int r;

	if ((r = cw_json_need_str(c->req->body, "name", "site", &name, &c->why)) < 0 ||
	    (r = mesh_site_init(&c->m->site, c->m->store, &c->m->conf, name, cw_json_get_str(c->req->body, "location", ""),
				&c->why)) < 0)
		return r;
	if ((r = manager_serve(c->m)) < 0)
		return cw_why_set(&c->why, r, "site", "listen", "is initialised, but cannot listen: %s", cw_strerror(r));
	return site_show(c);
}

static const struct api_route routes[] = {
	{ "GET", "/api/v1/site", NULL, api_is_admin, site_show, 200, API_WITHOUT_SITE, "The site: its name, id and pin" },
	{ "POST", "/api/v1/site", NULL, api_is_admin, site_init, 201, API_WITHOUT_SITE, "Initialises the site: name, location" },
};

const struct api_table api_site_table = { routes, CW_COUNT(routes) };
