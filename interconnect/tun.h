/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tun.h - secure tunnels: the uplink sockets, the IKE peers, their ESP SAs; IP packets in and out.
 *
 * A struct tuns is all tunnels of one appliance. Each uplink is one UDP socket; datagrams
 * are told apart by the non-ESP marker (RFC 3948), ESP by its SPI, IKE by SPI or source.
 * Higher ranks (the NE's VXLAN, the IX's TUN device) see only inner IP packets, which are
 * checked against the traffic selectors in both directions (RFC 4301 s5).
 *
 * Threads: loop thread only.
 */
#ifndef TUN_H
#define TUN_H

#include "interconnect/base/addr.h"
#include "interconnect/base/base.h"
#include "interconnect/base/conf.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "interconnect/base/loop.h"
#include "interconnect/base/rpc.h"
#include "interconnect/base/stat.h"

struct tuns;
struct tun;

enum { TUN_PACKET_MAX = 9216, TUN_TAIL = 32 };

/* The configuration that IX and NE share: rows in tun_conf.c, to be embedded in theirs. */
struct tun_conf_auth {
	int method;                     /* enum ike_auth */
	char *cert, *key, *ca, *secret_file, *local_id, *remote_id, *crl;
};

struct tun_conf_ppk {
	char *id, *file;                /* both empty: there is none */
	bool required;
};

/* For peers that are appliances of ours. */
struct tun_conf_paths {
	uint32_t ports;                 /* paths for each pair of uplinks; 0: there is one path in all, as for third parties */
	struct cw_conf_list remotes;    /* struct tun_conf_endpoint: further addresses of the peer */
};

struct tun_conf_rekey {
	uint64_t ike, child;            /* ms */
	uint64_t hard;                  /* ms; 0: a third more than child */
	uint64_t bytes;                 /* 0: as many as can be */
	uint32_t packets;               /* 0: the same */
};

struct tun_conf_endpoint {
	struct cw_ip address;
	uint32_t port;
};

struct tun_conf_uplink {
	struct cw_ip address;           /* with an interface: the one that it has (uplink.h) */
	uint32_t port;
	char *interface;                /* empty: there is an address */
};

struct tun_conf {
	char *name;
	struct tun_conf_endpoint remote;
	struct tun_conf_auth auth;
	struct tun_conf_ppk ppk;
	char *ike, *esp;
	int esn;                        /* enum ike_esn */
	bool encap, initiate, mobike;
	int childless;                  /* enum ike_childless */
	uint32_t mtu;
	struct cw_prefix local_ts, remote_ts;
	struct tun_conf_rekey rekey;
	char *dscp;                     /* "copy" (or NULL), or a number */
	uint64_t dpd;                           /* ms */
	struct cw_ip uplink;            /* which uplink address; family 0: the first of the family of remote, with paths: all */
	struct tun_conf_paths paths;
};

/* What "dscp" says: ECN_DSCP_COPY, or 0 to 63; CW_E_INVALID. */
CW_NODISCARD int tun_conf_dscp(const char *text, int *ret_dscp);

extern const struct cw_conf_obj tun_conf_uplink_obj;    /* one item of "uplinks": struct tun_conf_uplink */
extern const struct cw_conf_obj tun_conf_obj;           /* one item of "tunnels": struct tun_conf */

enum tun_state { TUN_CONNECTING, TUN_UP, TUN_DEGRADED, TUN_DOWN, TUN_STATE_N };
const char *tun_state_name(enum tun_state s);
/* Is a packet that is sent now likely to arrive? */
static inline bool tun_carries(enum tun_state s)
{
	return s == TUN_UP || s == TUN_DEGRADED;
}

struct tun_ops {
	/* An inner packet arrived, authenticated and within the selectors. PKT may be changed in place, and lives until batch(). */
	void (*packet)(void *ctx, uint8_t *pkt, size_t size);
	void (*state)(void *ctx, enum tun_state s);
	/* tun_inner_mtu() is another; may be NULL. */
	void (*mtu)(void *ctx, size_t inner_mtu);
	/* What arrived at once has been handed over. May be NULL. */
	void (*batch)(void *ctx);
};

/* The rules across the lists, and the files they name: all that tuns_new() refuses without opening a socket.
 * Fills in the addresses of uplinks that follow an interface. */
CW_NODISCARD int tuns_check(const char *dir, const struct cw_conf_list *uplinks, const struct cw_conf_list *tunnels,
			    struct cw_why *why);
/* Opens the uplinks (struct tun_conf_uplink) and makes the tunnels (struct tun_conf); both lists are borrowed and outlive the
 * tunnels. File names in CONF are relative to DIR. WHY names the tunnel and the field. Nothing is sent before tuns_start(). */
CW_NODISCARD int tuns_new(struct cw_loop *l, const char *dir, const struct cw_conf_list *uplinks,
			  const struct cw_conf_list *tunnels, struct tuns **ret_tuns, struct cw_why *why);
/* Writes the keys of all SAs from now on to FILE, relative to DIR (keylog.h); an empty name: to none. Before tuns_start(). */
CW_NODISCARD int tuns_keylog(struct tuns *ts, const char *dir, const char *file, struct cw_why *why);
/* Begins to connect. */
void tuns_start(struct tuns *ts);
/* Tells the peers good-bye and stops. */
void tuns_stop(struct tuns *ts);
void tuns_free(struct tuns *ts);
struct tun *tuns_find(const struct tuns *ts, const char *name);
size_t tuns_count(const struct tuns *ts);
struct tun *tuns_at(const struct tuns *ts, size_t i);
/* What no tunnel can be blamed for: datagrams that belong to none. */
struct cw_stat *tuns_stat(struct tuns *ts);

/* Who gets the inner packets; one subscriber. OPS is borrowed; NULL: nobody. */
void tun_subscribe(struct tun *t, const struct tun_ops *ops, void *ctx);
/* Sends an inner IP packet (behind which TUN_TAIL bytes are writable). CW_E_STATE while down, CW_E_FORBIDDEN outside the selectors,
 * CW_E_LIMIT when it is larger than the path takes: counted each. Packets with the same FLOW, any hash, take the same path. */
CW_NODISCARD int tun_send(struct tun *t, uint32_t flow, uint8_t *pkt, size_t size);
/* Largest inner packet that leaves in one datagram, whichever path it takes. */
size_t tun_inner_mtu(const struct tun *t);
const char *tun_name(const struct tun *t);
enum tun_state tun_state(const struct tun *t);
const struct tun_conf *tun_conf(const struct tun *t);
struct cw_stat *tun_stat(struct tun *t);

/* The REST body of the tunnel: name state suite paths[] counters ... */
struct cw_json *tun_json(const struct tun *t);
/* {"drop.icv": 0, ...}: every counter of S. */
struct cw_json *tun_json_counters(const struct cw_stat *s);
/* The REST body of an appliance that has these tunnels: name kind state pid version rss_bytes uptime_s counters. KIND is "ix" or "ne". */
struct cw_json *tuns_json(const struct tuns *ts, const char *name, const char *kind);
/* Answer "tunnel list" and "tunnel show NAME". */
void tun_cmd_list(struct tuns *ts, struct cw_rpc_call *call, const struct cw_json *request);
void tun_cmd_show(struct tuns *ts, struct cw_rpc_call *call, const struct cw_json *request);
/* Answers "tunnel test NAME" with args.seconds: {name kind note sent answered loss rtt_min_us rtt_avg_us rtt_p99_us inner_mtu
 * throughput_bps throughput_end duration_ms}; see gauge.h and tun_gauge.c. CW_E_CONFLICT while another test is under way. */
void tun_cmd_test(struct tuns *ts, struct cw_rpc_call *call, const struct cw_json *request);
/* Answer "tunnel rekey NAME" and "tunnel rekey-ike NAME": the ESP SA, or the IKE SA, is replaced now. CW_E_STATE while down. */
void tun_cmd_rekey(struct tuns *ts, struct cw_rpc_call *call, const struct cw_json *request);
void tun_cmd_rekey_ike(struct tuns *ts, struct cw_rpc_call *call, const struct cw_json *request);

#endif
