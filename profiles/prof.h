/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prof.h - network profiles, compute profiles, and the address book: the objects, their rules, their rows in the store.
 *
 * A network profile is a network on which appliances get addresses; its ranges are the only addresses ever drawn. The address book says who
 * holds which. A compute profile is what the site offers to a mesh: one network profile per function.
 *
 * Bodies are JSON in the shape of the REST API; every refusal names the object ("network-profile uplink"), the field and the rule.
 */
#ifndef PROF_H
#define PROF_H

#include "interconnect/base/addr.h"
#include "interconnect/base/base.h"
#include "interconnect/base/db.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"

enum { PROF_NAME_MAX = 63, PROF_RANGES_MAX = 16, PROF_DNS_MAX = 4, PROF_LIST_MAX = 16, PROF_BRIDGE_MAX = 15, PROF_HOLDER_MAX = 127 };

enum prof_function { PROF_MANAGEMENT, PROF_VMOTION, PROF_REPLICATION, PROF_UPLINK, PROF_FUNCTION_N };
const char *prof_function_name(enum prof_function f);

struct prof_range {
	struct cw_ip from, to;                  /* both in it */
};

/* {name, functions:[..], bridge, prefix: 27, gateway?, dns:[..], mtu, ranges:["A-B", ..]}; the network is that of the ranges and the
 * prefix length. */
struct prof_net {
	char name[PROF_NAME_MAX + 1];
	bool functions[PROF_FUNCTION_N];
	char bridge[PROF_BRIDGE_MAX + 1];
	uint32_t prefix, mtu;
	struct cw_ip gateway;                   /* family 0: none */
	struct cw_ip dns[PROF_DNS_MAX];
	size_t n_dns;
	struct prof_range ranges[PROF_RANGES_MAX];
	size_t n_ranges;
};

/* {name, services:["ix","ne"], host, pool, networks:{management: NP, ...}, extendable:[bridge, ..]} */
struct prof_compute {
	char name[PROF_NAME_MAX + 1];
	bool ix, ne;
	char host[PROF_NAME_MAX + 1];           /* the agent that VMs of a mesh come to */
	char pool[PROF_NAME_MAX + 1];
	char networks[PROF_FUNCTION_N][PROF_NAME_MAX + 1];      /* "": none */
	char extendable[PROF_LIST_MAX][PROF_BRIDGE_MAX + 1];
	size_t n_extendable;
};

#define PROF_SCHEMA \
	"CREATE TABLE network_profile (name TEXT PRIMARY KEY, body TEXT NOT NULL, version INTEGER NOT NULL) STRICT;" \
	"CREATE TABLE compute_profile (name TEXT PRIMARY KEY, body TEXT NOT NULL, version INTEGER NOT NULL) STRICT;" \
	"CREATE TABLE address (profile TEXT NOT NULL, address TEXT NOT NULL, holder TEXT NOT NULL, since INTEGER NOT NULL," \
	" PRIMARY KEY (profile, address), UNIQUE (profile, holder)) STRICT;"

/* Checks a body by itself, then against the store (overlapping ranges, names that are not there, limits), and writes it unless
 * DRY_RUN. CW_E_INVALID what breaks a rule of its own, CW_E_CONFLICT what is there already or overlaps, CW_E_NOT_FOUND. */
CW_NODISCARD int prof_net_create(struct cw_db *db, const struct cw_json *body, bool dry_run, struct cw_why *why);
CW_NODISCARD int prof_compute_create(struct cw_db *db, const struct cw_json *body, bool dry_run, struct cw_why *why);
/* CW_E_CONFLICT when an address of it is held, or a compute profile names it; CW_E_NOT_FOUND. */
CW_NODISCARD int prof_net_delete(struct cw_db *db, const char *name, bool dry_run, struct cw_why *why);
/* Whether a mesh uses it is the caller's to check. */
CW_NODISCARD int prof_compute_delete(struct cw_db *db, const char *name, bool dry_run, struct cw_why *why);
CW_NODISCARD int prof_net_load(struct cw_db *db, const char *name, struct prof_net *ret_net, struct cw_why *why);
CW_NODISCARD int prof_compute_load(struct cw_db *db, const char *name, struct prof_compute *ret_compute, struct cw_why *why);
/* Bodies as shown; a network profile has "addresses": [{address, holder, since}] and "free": how many. */
CW_NODISCARD int prof_net_json(struct cw_db *db, const char *name, struct cw_json **ret_body, struct cw_why *why);
CW_NODISCARD int prof_compute_json(struct cw_db *db, const char *name, struct cw_json **ret_body, struct cw_why *why);
CW_NODISCARD int prof_net_list(struct cw_db *db, struct cw_json **ret_items);
CW_NODISCARD int prof_compute_list(struct cw_db *db, struct cw_json **ret_items);

/* ---- the address book ---- */

/* The first free address of PROFILE for HOLDER ("mesh m1 ix"), or the one that it holds already. CW_E_BLOCKED when the ranges are
 * exhausted: object "network-profile NAME", field "ranges". */
CW_NODISCARD int prof_draw(struct cw_db *db, const char *profile, const char *holder, struct cw_ip *ret_ip, struct cw_why *why);
/* The address that prof_draw() would give, without writing. */
CW_NODISCARD int prof_peek(struct cw_db *db, const char *profile, const char *holder, struct cw_ip *ret_ip, struct cw_why *why);
/* Gives back all that holders whose name is PREFIX or begins with "PREFIX " hold. */
CW_NODISCARD int prof_release(struct cw_db *db, const char *prefix);

#endif
