/* SPDX-License-Identifier: Apache-2.0 */
/* conf_rows.h - a configuration with every kind of row, for the unit test and the fuzz target. */
#ifndef TEST_CONF_ROWS_H
#define TEST_CONF_ROWS_H

#include <string.h>

#include "interconnect/base/conf.h"

struct conf_uplink {
	struct cw_ip address, gateway;
	uint32_t port;
};

struct conf_rekey {
	uint64_t ike, child, bytes;
};

struct conf_auth {
	char *secret;
};

struct conf_all {
	char *name, *note;
	bool encap;
	uint32_t mtu;
	struct cw_ip ip;
	struct cw_prefix prefix;
	struct cw_mac mac;
	int esn;
	struct conf_rekey rekey;
	struct conf_auth auth;
	struct cw_conf_list uplinks, dns;
};

static const char *const conf_esn_names[] = { "no", "yes", "both", NULL };

static const struct cw_conf_row conf_uplink_rows[] = {
	{ .name = "address", .kind = CW_CONF_IP, .required = true, .offset = offsetof(struct conf_uplink, address) },
	{ .name = "gateway", .kind = CW_CONF_IP, .offset = offsetof(struct conf_uplink, gateway) },
	{ .name = "port", .kind = CW_CONF_U32, .fallback = "4500", .offset = offsetof(struct conf_uplink, port),
	.min = 1,
	  .max = 65535 },
};

static const struct cw_conf_obj conf_uplink_obj = { "uplink", sizeof(struct conf_uplink), conf_uplink_rows,
	CW_COUNT(conf_uplink_rows), NULL };

static const struct cw_conf_row conf_auth_rows[] = {
	{ .name = "secret", .kind = CW_CONF_STR, .required = true, .offset = offsetof(struct conf_auth, secret) },
};

static const struct cw_conf_obj conf_auth_obj = { "auth", sizeof(struct conf_auth), conf_auth_rows,
	CW_COUNT(conf_auth_rows), NULL };

static int conf_rekey_check(const void *obj, struct cw_why *why)
{
	const struct conf_rekey *k = obj;

	if (k->child > k->ike)
		return cw_why_set(why, CW_E_INVALID, NULL, "child", "must not be longer than ike");
	return 0;
}

static const struct cw_conf_row conf_rekey_rows[] = {
	{ .name = "ike", .kind = CW_CONF_MS, .fallback = "4h", .offset = offsetof(struct conf_rekey, ike), .min = 60000,
	  .max = 86400000 },
	{ .name = "child", .kind = CW_CONF_MS, .fallback = "1h", .offset = offsetof(struct conf_rekey, child) },
	{ .name = "bytes", .kind = CW_CONF_BYTES, .fallback = "1GiB", .offset = offsetof(struct conf_rekey, bytes), .min = 1536,
	  .max = (int64_t)1 << 41 },
};

static const struct cw_conf_obj conf_rekey_obj = { "rekey", sizeof(struct conf_rekey), conf_rekey_rows,
	CW_COUNT(conf_rekey_rows), conf_rekey_check };

static int conf_all_check(const void *obj, struct cw_why *why)
{
	const struct conf_all *a = obj;

	if (strcmp(a->name, "root") == 0)
		return cw_why_set(why, CW_E_INVALID, NULL, NULL, "must not be root");
	if (a->uplinks.n == 3)
		return cw_why_set(why, CW_E_CONFLICT, NULL, "uplinks[2].port", "must not be the third");
	return 0;
}

static const struct cw_conf_row conf_all_rows[] = {
	{ .name = "name", .kind = CW_CONF_STR, .required = true, .offset = offsetof(struct conf_all, name), .min = 1,
	.max = 15 },
	{ .name = "note", .kind = CW_CONF_STR, .offset = offsetof(struct conf_all, note) },
	{ .name = "encap", .kind = CW_CONF_BOOL, .fallback = "yes", .offset = offsetof(struct conf_all, encap) },
	{ .name = "mtu", .kind = CW_CONF_U32, .offset = offsetof(struct conf_all, mtu) },
	{ .name = "ip", .kind = CW_CONF_IP, .offset = offsetof(struct conf_all, ip) },
	{ .name = "prefix", .kind = CW_CONF_PREFIX, .offset = offsetof(struct conf_all, prefix) },
	{ .name = "mac", .kind = CW_CONF_MAC, .offset = offsetof(struct conf_all, mac) },
	{ .name = "esn", .kind = CW_CONF_ENUM, .fallback = "both", .offset = offsetof(struct conf_all, esn),
	.names = conf_esn_names },
	{ .name = "rekey", .kind = CW_CONF_OBJ, .offset = offsetof(struct conf_all, rekey), .obj = &conf_rekey_obj },
	{ .name = "auth", .kind = CW_CONF_OBJ, .offset = offsetof(struct conf_all, auth), .obj = &conf_auth_obj },
	{ .name = "uplinks", .kind = CW_CONF_LIST, .required = true, .offset = offsetof(struct conf_all, uplinks),
	.min = 1, .max = 4,
	  .obj = &conf_uplink_obj },
	{ .name = "dns", .kind = CW_CONF_STRS, .offset = offsetof(struct conf_all, dns), .min = 1, .max = 3 },
};

static const struct cw_conf_obj conf_all_obj = { "appliance", sizeof(struct conf_all), conf_all_rows,
	CW_COUNT(conf_all_rows),
	conf_all_check };

#endif
