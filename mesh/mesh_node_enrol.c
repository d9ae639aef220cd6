/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_node_enrol.c - who becomes a node: tokens, keys, certificates.
 *
 * A token is 32 random bytes; its SHA-256 is kept. It binds the first key that shows it, in one write; the same key may
 * show it again and gets a certificate again, because the first answer may have been lost. Another key is refused, and
 * counted.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/crypt.h"
#include "interconnect/base/crypt_issue.h"
#include "interconnect/base/file.h"
#include "interconnect/base/hex.h"
#include "interconnect/base/log.h"
#include "interconnect/base/mem.h"
#include "interconnect/base/rand.h"
#include "mesh/mesh_node_impl.h"

CW_LOG_MODULE(enrol);

enum { TOKEN = 32, CA_MAX = 16 * 1024, ENDPOINTS_MAX = 4 };

static int sha256_hex(const void *p, size_t size, char ret_hex[65])
{
	uint8_t hash[32];
	int r;

	if ((r = cw_hash(CW_HASH_SHA256, &(struct cw_span){ p, size }, 1, hash)) == 0)
		cw_hex_text(hash, sizeof hash, ret_hex);
	return r;
}

/* ---- invitation ---- */

static int token_make(char ret_token[2 * TOKEN + 1], char ret_hash[65])
{
	uint8_t raw[TOKEN];
	int r;

	cw_rand_bytes(raw, sizeof raw);
	cw_hex_text(raw, sizeof raw, ret_token);
	r = sha256_hex(raw, sizeof raw, ret_hash);
	cw_mem_wipe(raw, sizeof raw);
	return r;
}

static int seed_make(const struct manager *m, const struct mesh_node_row *row, const char *token, char **ret_seed,
		     struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *o = cw_json_object();
	struct cw_json *managers = cw_json_array();
	struct cw_endpoint ep[ENDPOINTS_MAX];
	char text[CW_ENDPOINT_TEXT], pin[2 * CW_TLS_PIN + 1];
	size_t n = mesh_conf_endpoints(&m->conf, ep, CW_COUNT(ep));

	for (size_t i = 0; i < n; i++)
		cw_json_add(managers, cw_json_string(cw_endpoint_text(&ep[i], text)));
	cw_json_set_str(o, "name", row->name);
	cw_json_set_str(o, "site", m->site.row.name);
	cw_json_set_str(o, "kind", row->kind);
	cw_json_set(o, "managers", managers);
	cw_json_set_str(o, "pin", cw_hex_text(m->site.pin, sizeof m->site.pin, pin));
	cw_json_set_str(o, "token", token);
	if (n == 0)
		return cw_why_set(why, CW_E_BLOCKED, "site", "advertise",
				  "a node must be told where this manager is: set 'advertise',"
				  " or an address for 'listen', in the manager's file");
	return cw_json_dump(o, false, ret_seed);
}

static int check_invite(struct mesh_nodes *n, const char *name, const char *kind, struct cw_why *why)
{
	static const char *const kinds[] = { "ix", "ne", "agent" };
	const struct mesh_node *x = mesh_node_find(n, name);
	char object[MESH_NAME_MAX + 8];
	bool known = false;

	for (size_t i = 0; i < CW_COUNT(kinds); i++)
		known |= strcmp(kinds[i], kind) == 0;
	snprintf(object, sizeof object, "node %.*s", MESH_NAME_MAX, name);
	if (!n->m->site.tls)
		return cw_why_set(why, CW_E_BLOCKED, "site", NULL,
				  "is not initialised; run: causeway site init --name NAME");
	if (!mesh_site_name_ok(name))
		return cw_why_set(why, CW_E_INVALID, "node", "name", "must be 1 to %d letters, digits, dots and dashes",
				  MESH_NAME_MAX);
	if (!known)
		return cw_why_set(why, CW_E_INVALID, object, "kind", "must be ix, ne or agent");
	if (x && strcmp(x->row.kind, kind) != 0)
		return cw_why_set(why, CW_E_CONFLICT, object, "name", "is taken, by a node of kind '%s'", x->row.kind);
	if (x && x->row.pin[0])
		return cw_why_set(why, CW_E_CONFLICT, object, "name", "has enrolled already");
	return 0;
}

int mesh_node_check(struct mesh_nodes *n, const char *name, const char *kind, struct cw_why *why)
{
	return check_invite(n, name, kind, why);
}

int mesh_node_invite(struct mesh_nodes *n, const char *name, const char *kind, char **ret_seed, struct cw_why *why)
{
	CW_AUTO(mesh_node_row_cleanup) struct mesh_node_row row = { 0 };
	CW_AUTO(cw_free_cleanup) char *seed = NULL;
	const struct mesh_node *x = mesh_node_find(n, name);
	char token[2 * TOKEN + 1];
	int r;

	if ((r = check_invite(n, name, kind, why)) < 0)
		return r;
	if (x && (r = mesh_node_copy(x, &row)) < 0)
		return r;
	snprintf(row.name, sizeof row.name, "%s", name);
	snprintf(row.kind, sizeof row.kind, "%s", kind);
	row.expires = cw_clock_wall_s() + MESH_NODE_TOKEN_S;
	row.created = x ? row.created : cw_clock_wall_s();
	if (!row.wanted && !(row.wanted = strdup("")))
		return -ENOMEM;
	if ((r = token_make(token, row.token_hash)) == 0 && (r = seed_make(n->m, &row, token, &seed, why)) == 0)
		r = mesh_node_make(n, &row);
	cw_mem_wipe(token, sizeof token);
	if (r == 0)
		*ret_seed = cw_steal(&seed);
	else if (seed)
		cw_mem_wipe(seed, strlen(seed));
	return r;
}

/* ---- certificates ---- */

static int ca_text(const struct manager *m, char **ret_pem)
{
	char path[PATH_MAX];
	size_t size = 0;

	snprintf(path, sizeof path, "%s/ca.crt", m->conf.state);
	return cw_file_read(path, CA_MAX, ret_pem, &size);
}

/* {cert, ca, site} for the key SPKI of node NAME. */
static int certify(const struct manager *m, const char *name, const uint8_t *spki, size_t size,
		   struct cw_json **ret_body, struct cw_why *why)
{
	CW_AUTO(cw_free_cleanup) char *cert = NULL;
	CW_AUTO(cw_free_cleanup) char *ca = NULL;
	char dns[2 * MESH_NAME_MAX + 2], ca_cert[PATH_MAX], ca_key[PATH_MAX];
	struct cw_issue i = { NULL, dns, ca_cert, ca_key, cw_clock_wall_s(), MESH_NODE_VALID_S };
	struct cw_json *o;
	int r;

	snprintf(dns, sizeof dns, "%s.%s", name, m->site.row.name);
	snprintf(ca_cert, sizeof ca_cert, "%s/ca.crt", m->conf.state);
	snprintf(ca_key, sizeof ca_key, "%s/ca.key", m->conf.state);
	r = cw_issue_cert_for(&i, spki, size, &cert);
	if (r == CW_E_MALFORMED || r == CW_E_UNSUPPORTED)
		return cw_why_set(why, CW_E_INVALID, "node", "key", "must be a P-384, P-256 or Ed25519 key");
	if (r < 0 || (r = ca_text(m, &ca)) < 0)
		return cw_why_set(why, r, "site", NULL, "cannot issue a certificate: %s", cw_strerror(r));
	o = cw_json_object();
	cw_json_set_str(o, "cert", cert);
	cw_json_set_str(o, "ca", ca);
	cw_json_set_str(o, "site", m->site.row.name);
	*ret_body = o;
	return 0;
}

/* The key that BODY carries: that of PIN, because TLS has proved that the other side holds it. */
static int key_of(const struct cw_json *body, const char *pin, uint8_t ret_spki[CW_ISSUE_SPKI_MAX], size_t *ret_size,
		  struct cw_why *why)
{
	const char *hex = cw_json_get_str(body, "key", "");
	size_t size = strlen(hex) / 2;
	char hash[65] = "";

	if (size == 0 || size > CW_ISSUE_SPKI_MAX || cw_hex_parse(hex, ret_spki, size) < 0)
		return cw_why_set(why, CW_E_INVALID, "node", "key",
				  "must be a public key, its DER in hexadecimal digits");
	if (sha256_hex(ret_spki, size, hash) < 0 || strcmp(hash, pin) != 0)
		return cw_why_set(why, CW_E_INVALID, "node", "key",
				  "must be the key of the certificate of this connection");
	*ret_size = size;
	return 0;
}

/* ---- enrolment ---- */

/* Why is not said to strangers in more detail than this; people find it in the log. */
static int refuse(struct mesh_nodes *n, const struct mesh_node *x, const char *reason, struct cw_why *why)
{
	n->n_refused++;
	cw_log_rl(WARN, x ? x->row.name : "", CW_E_FORBIDDEN, "enrolment refused: %s", reason);
	return cw_why_set(why, CW_E_FORBIDDEN, "node", "token", "is wrong, was used, or is too old");
}

static bool token_is(const struct mesh_node *x, const char *token)
{
	uint8_t raw[TOKEN];
	char hash[65] = "";
	bool same = cw_hex_parse(token, raw, sizeof raw) == 0 && sha256_hex(raw, sizeof raw, hash) == 0 &&
		    cw_mem_equal(hash, x->row.token_hash, sizeof hash);

	cw_mem_wipe(raw, sizeof raw);
	return same;
}

/* May the holder of PIN be node X? */
static int judge(struct mesh_nodes *n, const struct mesh_node *x, const char *token, const char *pin,
		 struct cw_why *why)
{
	const struct mesh_node *other = mesh_node_of_pin(n, pin);

	if (!x)
		return refuse(n, x, "there is no such node", why);
	if (!token_is(x, token))
		return refuse(n, x, "wrong token", why);
	if (x->row.pin[0])
		return strcmp(x->row.pin, pin) == 0 ? 0 : refuse(n, x, "the token was used by another key", why);
	if (cw_clock_wall_s() >= x->row.expires)
		return refuse(n, x, "the token has expired", why);
	if (other)
		return refuse(n, x, "the key belongs to another node", why);
	return 0;
}

static int bind_key(struct mesh_node *x, const char *pin)
{
	CW_AUTO(mesh_node_row_cleanup) struct mesh_node_row row = { 0 };
	int r;

	if ((r = mesh_node_copy(x, &row)) < 0)
		return r;
	snprintf(row.pin, sizeof row.pin, "%s", pin);
	row.enrolled = cw_clock_wall_s();
	if ((r = mesh_node_put(x, &row)) < 0)
		return r;
	cw_log(INFO, x->row.name, "enrolled");
	if (x->all->m->events)
		mesh_event(x->all->m->events, "info", "node.enrolled", "node", x->row.name,
			   "has a certificate of this site");
	return 0;
}

int mesh_node_enrol(struct mesh_nodes *n, const uint8_t pin[CW_TLS_PIN], const struct cw_json *body,
		    struct cw_json **ret_body, struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *answer = NULL;
	struct mesh_node *x = mesh_node_find(n, cw_json_get_str(body, "name", ""));
	uint8_t spki[CW_ISSUE_SPKI_MAX];
	char text[2 * CW_TLS_PIN + 1];
	size_t size = 0;
	int r;

	cw_hex_text(pin, CW_TLS_PIN, text);
	if ((r = key_of(body, text, spki, &size, why)) < 0 ||
	    (r = judge(n, x, cw_json_get_str(body, "token", ""), text, why)) < 0 ||
	    (r = certify(n->m, x->row.name, spki, size, &answer, why)) < 0 ||
	    (!x->row.pin[0] && (r = bind_key(x, text)) < 0) || (r = mesh_node_open(x)) < 0)
		return r;
	*ret_body = cw_steal(&answer);
	return 0;
}

uint64_t mesh_nodes_refused(const struct mesh_nodes *n)
{
	return n->n_refused;
}

void mesh_node_on_renew(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct mesh_nodes *n = ctx;
	const struct mesh_node *x;
	const char *name = NULL;
	struct cw_json *body = NULL;
	struct cw_why why = { 0 };
	uint8_t spki[CW_ISSUE_SPKI_MAX];
	size_t size = 0;
	int r;

	if ((r = mesh_caller_is(call, MESH_CALLER_NODE, &name, &why)) == 0) {
		x = mesh_node_find(n, name);
		if (!x)
			r = CW_E_FORBIDDEN;
		else if ((r = key_of(cw_json_get(request, "args"), x->row.pin, spki, &size, &why)) == 0)
			r = certify(n->m, name, spki, size, &body, &why);
	}
	if (r < 0)
		cw_rpc_fail(call, r, &why);
	else
		cw_rpc_reply(call, body);
}
