/* SPDX-License-Identifier: Apache-2.0 */
/* tun_conf.c - the rows of "uplinks" and "tunnels", and the rules across their fields. */
#include <stdio.h>
#include <string.h>

#include "interconnect/ecn.h"
#include "interconnect/base/nl.h"
#include "interconnect/ike/ike.h"
#include "interconnect/tun_impl.h"

enum { TUN_CONF_REKEY_PACKETS_MIN = 1000, TUN_CONF_REKEY_BYTES_MIN = 1 << 20 };
enum { TUN_CONF_MTU_MIN = 576, TUN_CONF_MTU_MAX = 9000, TUN_CONF_PATH_MAX = 4096 };

#define ROW(type, member) .name = #member, .offset = offsetof(type, member)

static const struct cw_conf_row tun_conf_endpoint_rows[] = {
	{ ROW(struct tun_conf_endpoint, address), .kind = CW_CONF_IP, .required = true, .help = "IP address" },
	{ ROW(struct tun_conf_endpoint, port), .kind = CW_CONF_U32, .fallback = "4500", .min = 1, .max = 65535,
	  .help = "UDP port" },
};

static const struct cw_conf_obj tun_conf_endpoint_obj = {
	"endpoint", sizeof(struct tun_conf_endpoint), tun_conf_endpoint_rows, CW_COUNT(tun_conf_endpoint_rows), NULL,
};

static const struct cw_conf_row tun_conf_uplink_rows[] = {
	{ ROW(struct tun_conf_uplink, address), .kind = CW_CONF_IP, .help = "IP address" },
	{ ROW(struct tun_conf_uplink, port), .kind = CW_CONF_U32, .fallback = "4500", .min = 1, .max = 65535, .help = "UDP port" },
	{ ROW(struct tun_conf_uplink, interface), .kind = CW_CONF_STR, .max = CW_NL_NAME - 1,
	  .help = "instead of an address: the one that this interface has, also when it changes" },
};

static int tun_conf_uplink_check(const void *obj, struct cw_why *why)
{
	const struct tun_conf_uplink *u = obj;

	if ((u->address.family != 0) == (*u->interface != '\0'))
		return cw_why_set(why, CW_E_INVALID, NULL, "address", "either it or interface must be given, not both");
	return 0;
}

const struct cw_conf_obj tun_conf_uplink_obj = {
	"uplink", sizeof(struct tun_conf_uplink), tun_conf_uplink_rows, CW_COUNT(tun_conf_uplink_rows), tun_conf_uplink_check,
};

/* ---- auth ---- */
static const char *const tun_conf_methods[] = { [IKE_AUTH_PSK] = "psk", [IKE_AUTH_CERT] = "cert", NULL };

static const struct cw_conf_row tun_conf_auth_rows[] = {
	{ ROW(struct tun_conf_auth, method), .kind = CW_CONF_ENUM, .required = true, .names = tun_conf_methods,
	  .help = "how both sides prove who they are" },
	{ ROW(struct tun_conf_auth, cert), .kind = CW_CONF_STR, .max = TUN_CONF_PATH_MAX, .help = "our certificate (PEM)" },
	{ ROW(struct tun_conf_auth, key), .kind = CW_CONF_STR, .max = TUN_CONF_PATH_MAX, .help = "its private key (PEM)" },
	{ ROW(struct tun_conf_auth, ca), .kind = CW_CONF_STR, .max = TUN_CONF_PATH_MAX,
	  .help = "the CA that signed the peer's certificate (PEM)" },
	{ ROW(struct tun_conf_auth, crl), .kind = CW_CONF_STR, .max = TUN_CONF_PATH_MAX,
	  .help = "file with revocation lists (PEM)" },
	{ ROW(struct tun_conf_auth, secret_file), .kind = CW_CONF_STR, .max = TUN_CONF_PATH_MAX,
	  .help = "file with the shared secret" },
	{ ROW(struct tun_conf_auth, local_id), .kind = CW_CONF_STR, .required = true, .min = 1, .max = IKE_ID_MAX - 1,
	  .help = "who we say we are" },
	{ ROW(struct tun_conf_auth, remote_id), .kind = CW_CONF_STR, .required = true, .min = 1, .max = IKE_ID_MAX - 1,
	  .help = "who the peer must prove to be" },
};

/* Which file belongs to which method: needed with it, refused with the other. */
static int tun_conf_auth_check(const void *obj, struct cw_why *why)
{
	const struct tun_conf_auth *a = obj;
	const struct {
		const char *field, *value;
		int method;
		bool optional;
	} rows[] = {
		{ "secret_file", a->secret_file, IKE_AUTH_PSK, false }, { "cert", a->cert, IKE_AUTH_CERT, false },
		{ "key", a->key, IKE_AUTH_CERT, false }, { "ca", a->ca, IKE_AUTH_CERT, false },
		{ "crl", a->crl, IKE_AUTH_CERT, true },
	};

	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		if (rows[i].method == a->method && !*rows[i].value && !rows[i].optional)
			return cw_why_set(why, CW_E_INVALID, NULL, rows[i].field, "must be given with method %s",
					  tun_conf_methods[a->method]);
		if (rows[i].method != a->method && *rows[i].value)
			return cw_why_set(why, CW_E_INVALID, NULL, rows[i].field, "has no meaning with method %s",
					  tun_conf_methods[a->method]);
	}
	return 0;
}

static const struct cw_conf_obj tun_conf_auth_obj = {
	"auth", sizeof(struct tun_conf_auth), tun_conf_auth_rows, CW_COUNT(tun_conf_auth_rows), tun_conf_auth_check,
};

/* ---- ppk ---- */
static const struct cw_conf_row tun_conf_ppk_rows[] = {
	{ ROW(struct tun_conf_ppk, id), .kind = CW_CONF_STR, .required = true, .min = 1, .max = IKE_PPK_ID_MAX,
	  .help = "name of the key, the same on both sides" },
	{ ROW(struct tun_conf_ppk, file), .kind = CW_CONF_STR, .required = true, .min = 1, .max = TUN_CONF_PATH_MAX,
	  .help = "file with the key in hexadecimal digits" },
	{ ROW(struct tun_conf_ppk, required), .kind = CW_CONF_BOOL, .fallback = "yes",
	  .help = "refuse a peer that does not have it" },
};

static const struct cw_conf_obj tun_conf_ppk_obj = {
	"ppk", sizeof(struct tun_conf_ppk), tun_conf_ppk_rows, CW_COUNT(tun_conf_ppk_rows), NULL,
};

/* ---- paths ---- */
static const struct cw_conf_row tun_conf_paths_rows[] = {
	{ ROW(struct tun_conf_paths, ports), .kind = CW_CONF_U32, .required = true, .min = 1, .max = TUN_PATHS_MAX,
	  .help = "paths for each pair of uplinks, each from a port of its own" },
	{ ROW(struct tun_conf_paths, remotes), .kind = CW_CONF_LIST, .obj = &tun_conf_endpoint_obj,
	  .help = "further addresses of the peer" },
};

static const struct cw_conf_obj tun_conf_paths_obj = {
	"paths", sizeof(struct tun_conf_paths), tun_conf_paths_rows, CW_COUNT(tun_conf_paths_rows), NULL,
};

/* ---- rekey ---- */
#define REKEY_AGE .kind = CW_CONF_MS, .min = 10 * 1000, .max = 7 * 24LL * 3600 * 1000

static const struct cw_conf_row tun_conf_rekey_rows[] = {
	{ ROW(struct tun_conf_rekey, ike), REKEY_AGE, .fallback = "4h", .help = "age at which an IKE SA is replaced" },
	{ ROW(struct tun_conf_rekey, child), REKEY_AGE, .fallback = "1h", .help = "age at which an ESP SA is replaced" },
	{ ROW(struct tun_conf_rekey, hard), REKEY_AGE, .help = "age at which an ESP SA that was not replaced ends; a third more than child if absent" },
	{ ROW(struct tun_conf_rekey, packets), .kind = CW_CONF_U32, .min = TUN_CONF_REKEY_PACKETS_MIN, .max = (int64_t)ESP_SEQ_SOFT,
	  .fallback = "3221225472", .help = "packets after which an ESP SA is replaced" },
	{ ROW(struct tun_conf_rekey, bytes), .kind = CW_CONF_BYTES, .min = TUN_CONF_REKEY_BYTES_MIN, .max = (int64_t)ESP_BYTES_SOFT,
	  .fallback = "768GiB", .help = "bytes after which an ESP SA is replaced" },
};

static int tun_conf_rekey_check(const void *obj, struct cw_why *why)
{
	const struct tun_conf_rekey *c = obj;

	if (c->hard != 0 && c->hard <= c->child)
		return cw_why_set(why, CW_E_INVALID, NULL, "hard", "must be more than child: by then there is to be a successor");
	return 0;
}

static const struct cw_conf_obj tun_conf_rekey_obj = {
	"rekey", sizeof(struct tun_conf_rekey), tun_conf_rekey_rows, CW_COUNT(tun_conf_rekey_rows),
	tun_conf_rekey_check,
};

/* ---- tunnel ---- */
static const char *const tun_conf_esn_names[] = { [IKE_ESN_NO] = "no", [IKE_ESN_YES] = "yes", [IKE_ESN_BOTH] = "both", NULL };

static const char *const tun_conf_childless_names[] = {
	[IKE_CHILDLESS_NO] = "no", [IKE_CHILDLESS_PREFER] = "prefer", [IKE_CHILDLESS_FORCE] = "force", NULL,
};

static const struct cw_conf_row tun_conf_rows[] = {
	{ ROW(struct tun_conf, name), .kind = CW_CONF_STR, .required = true, .min = 1, .max = 63, .help = "name of the tunnel" },
	{ ROW(struct tun_conf, remote), .kind = CW_CONF_OBJ, .required = true, .obj = &tun_conf_endpoint_obj,
	  .help = "where the peer is" },
	{ ROW(struct tun_conf, auth), .kind = CW_CONF_OBJ, .required = true, .obj = &tun_conf_auth_obj,
	  .help = "how both sides prove who they are" },
	{ ROW(struct tun_conf, ppk), .kind = CW_CONF_OBJ, .obj = &tun_conf_ppk_obj,
	  .help = "postquantum preshared key, mixed into all keys" },
	{ ROW(struct tun_conf, ike), .kind = CW_CONF_STR, .fallback = "aes256gcm16-prfsha384-ecp384", .max = IKE_SUITES_TEXT - 1,
	  .help = "suites of the IKE SA, the best first" },
	{ ROW(struct tun_conf, esp), .kind = CW_CONF_STR, .fallback = "aes256gcm16", .max = IKE_SUITES_TEXT - 1,
	  .help = "suites of ESP, the best first" },
	{ ROW(struct tun_conf, esn), .kind = CW_CONF_ENUM, .fallback = "both", .names = tun_conf_esn_names,
	  .help = "extended sequence numbers" },
	{ ROW(struct tun_conf, encap), .kind = CW_CONF_BOOL, .fallback = "yes", .help = "make kernel peers use UDP without a NAT" },
	{ ROW(struct tun_conf, mobike), .kind = CW_CONF_BOOL, .fallback = "yes", .help = "keep the SAs when an address changes" },
	{ ROW(struct tun_conf, childless), .kind = CW_CONF_ENUM, .fallback = "no", .names = tun_conf_childless_names,
	  .help = "make the IKE SA first and its child behind it" },
	{ ROW(struct tun_conf, initiate), .kind = CW_CONF_BOOL, .fallback = "yes", .help = "call the peer; no: wait for it" },
	{ ROW(struct tun_conf, mtu), .kind = CW_CONF_U32, .fallback = "1500", .min = TUN_CONF_MTU_MIN, .max = TUN_CONF_MTU_MAX,
	  .help = "bytes of the largest outer packet that reaches the peer" },
	{ ROW(struct tun_conf, local_ts), .kind = CW_CONF_PREFIX, .required = true, .help = "inner addresses of our side" },
	{ ROW(struct tun_conf, remote_ts), .kind = CW_CONF_PREFIX, .required = true, .help = "inner addresses of the peer's side" },
	{ ROW(struct tun_conf, rekey), .kind = CW_CONF_OBJ, .obj = &tun_conf_rekey_obj, .help = "when keys are replaced" },
	{ ROW(struct tun_conf, dscp), .kind = CW_CONF_STR, .fallback = "copy", .min = 1, .max = 4,
	  .help = "DSCP of ESP packets: that of the packet inside (copy), or 0 to 63" },
	{ ROW(struct tun_conf, dpd), .kind = CW_CONF_MS, .fallback = "10s", .min = 1000, .max = 3600 * 1000,
	  .help = "silence after which the peer is asked whether it lives" },
	{ ROW(struct tun_conf, uplink), .kind = CW_CONF_IP, .help = "address of the uplink; the first of the family of remote if absent, with paths all of them" },
	{ ROW(struct tun_conf, paths), .kind = CW_CONF_OBJ, .obj = &tun_conf_paths_obj,
	  .help = "several paths to a peer that is an appliance too" },
};

int tun_conf_dscp(const char *text, int *ret_dscp)
{
	unsigned v = 0;
	size_t n = 0;

	if (!text || strcmp(text, "copy") == 0) {
		*ret_dscp = ECN_DSCP_COPY;
		return 0;
	}
	for (; n < 2 && text[n] >= '0' && text[n] <= '9'; n++)
		v = v * 10 + (unsigned)(text[n] - '0');
	if (n == 0 || text[n] || (n == 2 && text[0] == '0') || v > ECN_DSCP_MAX)
		return CW_E_INVALID;
	*ret_dscp = (int)v;
	return 0;
}

/* A suite is refused with the field's name and what is known. */
static int tun_conf_check_suite(const char *field, const char *text, bool esp, struct cw_why *why)
{
	struct cw_why inner = { 0 };
	struct ike_suites s;
	int r = ike_suite_parse(text, esp, &s, &inner);

	return r < 0 ? cw_why_set(why, CW_E_INVALID, NULL, field, "%s", *inner.rule ? inner.rule : "is not a suite we know") : 0;
}

static int tun_conf_check(const void *obj, struct cw_why *why)
{
	const struct tun_conf *c = obj;
	int r, dscp;

	if (tun_conf_dscp(c->dscp, &dscp) < 0)
		return cw_why_set(why, CW_E_INVALID, NULL, "dscp", "must be copy or a number from 0 to 63, found '%s'", c->dscp);
	if ((r = tun_conf_check_suite("ike", c->ike, false, why)) < 0 ||
	    (r = tun_conf_check_suite("esp", c->esp, true, why)) < 0)
		return r;
	if (c->local_ts.ip.family != c->remote_ts.ip.family)
		return cw_why_set(why, CW_E_INVALID, NULL, "remote_ts", "must be of the same family as local_ts");
	if (c->local_ts.len == c->remote_ts.len && cw_prefix_contains(&c->local_ts, &c->remote_ts.ip))
		return cw_why_set(why, CW_E_INVALID, NULL, "remote_ts", "must differ from local_ts");
	if (c->uplink.family != 0 && c->uplink.family != c->remote.address.family)
		return cw_why_set(why, CW_E_INVALID, NULL, "uplink", "must be of the same family as remote.address");
	return 0;
}

const struct cw_conf_obj tun_conf_obj = {
	"tunnel", sizeof(struct tun_conf), tun_conf_rows, CW_COUNT(tun_conf_rows), tun_conf_check,
};
