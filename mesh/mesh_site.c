/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_site.c - making and reading the identity of a site. */
#include "mesh/mesh_site.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/crypt.h"
#include "interconnect/base/crypt_issue.h"
#include "interconnect/base/file.h"
#include "interconnect/base/hex.h"
#include "interconnect/base/mem.h"
#include "interconnect/base/rand.h"

enum { TOKEN_SIZE = 32, CA_YEARS = 20, TLS_YEARS = 5, DAY_S = 86400, YEAR_S = 365 * DAY_S };

struct paths {
	char ca_key[PATH_MAX], ca_cert[PATH_MAX], tls_key[PATH_MAX], tls_cert[PATH_MAX];
};

static void paths_of(const struct mesh_conf *c, struct paths *ret)
{
	snprintf(ret->ca_key, PATH_MAX, "%s/ca.key", c->state);
	snprintf(ret->ca_cert, PATH_MAX, "%s/ca.crt", c->state);
	snprintf(ret->tls_key, PATH_MAX, "%s/tls.key", c->state);
	snprintf(ret->tls_cert, PATH_MAX, "%s/tls.crt", c->state);
}

/* ---- reading ---- */

static int ca_read(const char *path, char ret_hex[2 * MESH_CA_MAX + 1])
{
	struct cw_cert *c = NULL;
	const uint8_t *der;
	size_t size;
	int r;

	if ((r = cw_cert_load(path, &c)) < 0)
		return r;
	cw_cert_der(c, &der, &size);
	if (size <= MESH_CA_MAX)
		cw_hex_text(der, size, ret_hex);
	else
		r = CW_E_LIMIT;
	cw_cert_free(c);
	return r;
}

static int identity_read(struct mesh_site *s, const struct mesh_conf *conf)
{
	struct paths p;
	int r;

	paths_of(conf, &p);
	if ((r = ca_read(p.ca_cert, s->ca)) < 0 || (r = cw_tls_new(p.tls_cert, p.tls_key, &s->tls)) < 0)
		return r;
	cw_tls_pin(s->tls, s->pin);
	return 0;
}

int mesh_site_open(struct mesh_site *s, struct mesh_store *store, const struct mesh_conf *conf)
{
	int r = mesh_store_site(store, &s->row);

	return r > 0 ? identity_read(s, conf) : r;
}

void mesh_site_close(struct mesh_site *s)
{
	cw_tls_free(cw_steal(&s->tls));
}

/* ---- making ---- */

bool mesh_site_name_ok(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-");

	return n > 0 && n <= MESH_NAME_MAX && !name[n] && name[0] != '-' && name[0] != '.';
}

static int identity_make(const struct mesh_conf *conf, const char *name, int64_t now)
{
	struct paths p;
	int r;

	paths_of(conf, &p);
	if ((r = cw_issue_key(p.ca_key)) < 0 || (r = cw_issue_key(p.tls_key)) < 0)
		return r;
	r = cw_issue_cert(&(struct cw_issue){ p.ca_key, name, NULL, NULL, now, (int64_t)CA_YEARS * YEAR_S }, p.ca_cert);
	if (r < 0)
		return r;
	return cw_issue_cert(&(struct cw_issue){ p.tls_key, name, p.ca_cert, p.ca_key, now, (int64_t)TLS_YEARS * YEAR_S }, p.tls_cert);
}

static int token_hash(const char *token, char ret_hex[65])
{
	uint8_t hash[32];
	int r = cw_hash(CW_HASH_SHA256, &(struct cw_span){ token, strlen(token) }, 1, hash);

	if (r == 0)
		cw_hex_text(hash, sizeof hash, ret_hex);
	return r;
}

static int token_make(const char *path, char ret_hash[65])
{
	uint8_t token[TOKEN_SIZE];
	char text[2 * TOKEN_SIZE + 2];
	int r;

	cw_rand_bytes(token, sizeof token);
	cw_hex_text(token, sizeof token, text);
	if ((r = token_hash(text, ret_hash)) == 0) {
		text[2 * TOKEN_SIZE] = '\n';
		r = cw_file_replace(path, 0600, text, 2 * TOKEN_SIZE + 1);
	}
	cw_mem_wipe(token, sizeof token);
	cw_mem_wipe(text, sizeof text);
	return r;
}

static void row_make(struct mesh_site_row *row, const char *name, const char *location, int64_t now)
{
	uint8_t id[16];

	cw_rand_bytes(id, sizeof id);
	cw_hex_text(id, sizeof id, row->id);
	snprintf(row->name, sizeof row->name, "%s", name);
	snprintf(row->location, sizeof row->location, "%s", location);
	row->created = now;
}

int mesh_site_init(struct mesh_site *s, struct mesh_store *store, const struct mesh_conf *conf, const char *name,
		   const char *location, struct cw_why *why)
{
	struct mesh_site_row row = { 0 };
	int64_t now = cw_clock_wall_s();
	int r;

	if (s->tls)
		return cw_why_set(why, CW_E_CONFLICT, "site", NULL, "is initialised already, as '%s'", s->row.name);
	if (!mesh_site_name_ok(name))
		return cw_why_set(why, CW_E_INVALID, "site", "name", "must be 1 to %d letters, digits, dots and dashes", MESH_NAME_MAX);
	if (strlen(location) > MESH_LOCATION_MAX)
		return cw_why_set(why, CW_E_INVALID, "site", "location", "must be at most %d bytes", MESH_LOCATION_MAX);
	row_make(&row, name, location, now);
	if ((r = identity_make(conf, name, now)) < 0)
		return cw_why_set(why, r, "site", NULL, "cannot make its keys in %s: %s", conf->state, cw_strerror(r));
	if ((r = token_make(conf->token, row.token_hash)) < 0)
		return cw_why_set(why, r, "site", NULL, "cannot write %s: %s", conf->token, cw_strerror(r));
	if ((r = mesh_store_site_put(store, &row)) < 0)
		return r;
	s->row = row;
	return identity_read(s, conf);
}

/* ---- use ---- */

bool mesh_site_is_admin(const struct mesh_site *s, const char *authorization)
{
	static const char scheme[] = "Bearer ";
	char hash[65];

	if (!s->tls || !authorization || strncmp(authorization, scheme, strlen(scheme)) != 0)
		return false;
	return token_hash(authorization + strlen(scheme), hash) == 0 && cw_mem_equal(hash, s->row.token_hash, sizeof hash);
}

struct cw_json *mesh_site_json(const struct mesh_site *s)
{
	struct cw_json *o = cw_json_object();
	char pin[2 * CW_TLS_PIN + 1], text[32];

	cw_json_set_str(o, "id", s->row.id);
	cw_json_set_str(o, "name", s->row.name);
	cw_json_set_str(o, "location", s->row.location);
	cw_json_set_str(o, "created", cw_clock_rfc3339(&(struct timespec){ .tv_sec = (time_t)s->row.created }, text));
	cw_json_set_str(o, "pin", cw_hex_text(s->pin, sizeof s->pin, pin));
	cw_json_set_int(o, "pid", getpid());
	return o;
}
