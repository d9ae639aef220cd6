/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_site.h - who this site is: name, CA, the key that other sites pin, the admin token.
 *
 * Files in the state folder: ca.key ca.crt (the site's own CA, P-384), tls.key tls.crt (issued by it;
 * the key that is pinned). Made by mesh_site_init(), which may be cut short anywhere and done again:
 * the row in the store is written last, and is what makes a site.
 */
#ifndef MESH_SITE_H
#define MESH_SITE_H

#include "interconnect/base/base.h"
#include "interconnect/base/crypt_tls.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "mesh/mesh_conf.h"
#include "mesh/mesh_store.h"

struct mesh_site {
	struct mesh_site_row row;
	uint8_t pin[CW_TLS_PIN];
	char ca[2 * MESH_CA_MAX + 1];   /* DER of the CA's certificate, hex */
	struct cw_tls *tls;             /* NULL: not initialised */
};

/* Reads what there is; a site that was not initialised is no error. */
CW_NODISCARD int mesh_site_open(struct mesh_site *s, struct mesh_store *store, const struct mesh_conf *conf);
/* Makes the site. CW_E_CONFLICT when there is one. */
CW_NODISCARD int mesh_site_init(struct mesh_site *s, struct mesh_store *store, const struct mesh_conf *conf, const char *name,
				const char *location, struct cw_why *why);
void mesh_site_close(struct mesh_site *s);
/* True for the value of an Authorization header that carries the admin token. */
bool mesh_site_is_admin(const struct mesh_site *s, const char *authorization);
/* True for a name of letters, digits, dots and dashes. */
bool mesh_site_name_ok(const char *name);
struct cw_json *mesh_site_json(const struct mesh_site *s);

#endif
