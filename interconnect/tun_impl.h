/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tun_impl.h - inside of a tunnel; for tun*.c and path*.c alone.
 *
 * A tunnel is one peer and the paths to it (path.h). It knows the selectors, chooses the path for each inner packet by its
 * flow, and has the state that users see, which comes from its paths alone and which only tun_update() writes:
 *
 *	DOWN         no path is up or being set up
 *	CONNECTING   no path is up, one is being set up
 *	DEGRADED     some paths are up, others not; or none for TUN_HOPE_MS at most, while ESP is there: whole sites stumble
 *	             when a machine is slow for a moment, and streams and segments should not be refused for that
 *	UP           all paths are up
 */
#ifndef TUN_IMPL_H
#define TUN_IMPL_H

#include "interconnect/base/nl_watch.h"
#include "interconnect/keys.h"
#include "interconnect/path.h"
#include "interconnect/gauge.h"
#include "interconnect/keylog.h"
#include "interconnect/tun.h"
#include "interconnect/udp.h"

enum {
	TUN_NAME_MAX = 64,
	TUN_PATHS_MAX = 16,
	TUN_HOPE_MS = 2000,
	TUN_PATH_MAX = 4096,            /* of a file */
};

/* ---- tun_auth.c: the public files behind "auth" ---- */
struct tun_auth {
	struct cw_cert *certs[1 + IKE_CHAIN_MAX];       /* ours, and those between it and its CA */
	size_t n_certs;
	struct cw_cert *ca;
};

enum { TUN_AUTH_PATH = 4352 };
/* NAME below DIR unless it is absolute. */
void tun_auth_path(const char *dir, const char *name, char path[TUN_AUTH_PATH]);
/* "tunnel TUNNEL: FIELD: PATH: RULE" to WHY; CW_E_INVALID. */
int tun_auth_refuse(const char *tunnel, struct cw_why *why, const char *field, const char *path, const char *rule);

CW_NODISCARD int tun_auth_load(const char *dir, const struct tun_conf *conf, struct tun_auth *ret_auth, struct cw_why *why);
void tun_auth_fini(struct tun_auth *a); /* all zeros is fine */

/* ---- tun_check.c ---- */
/* One way that a tunnel may take: uplinks[UPLINK] of the configuration to REMOTE, on the source port with number PORT. */
struct tun_way {
	size_t uplink;
	uint32_t port;
	struct cw_endpoint remote;
};
/* The ways of a tunnel, in the order of their numbers, which both ends work out alike. Returns how many there are: more than
 * TUN_PATHS_MAX when RET does not hold them all; 0 when no uplink will do. */
size_t tun_check_ways(const struct cw_conf_list *uplinks, const struct tun_conf *c, struct tun_way ret[TUN_PATHS_MAX]);

/* The rules across the lists: tuns_check() without the files. */
CW_NODISCARD int tun_check_all(const struct cw_conf_list *uplinks, const struct cw_conf_list *tunnels, struct cw_why *why);

/* A socket of an uplink. The first has the port of the uplink, the others, for further paths, one that the kernel chose. */
struct tun_uplink {
	struct tuns *tuns;
	size_t conf;                    /* which of the configured uplinks */
	uint32_t port;                  /* number of the socket, 0 is the first */
	const char *interface;          /* whose address it follows; NULL: none */
	struct cw_endpoint local;
	struct udp *udp;
};

struct tuns {
	struct cw_loop *loop;
	struct esp_sadb *sadb;
	struct keys *keys;              /* NULL: there are no tunnels */
	struct path **paths;            /* of all tunnels, by their number there */
	size_t n_paths;
	struct cw_stat stat;
	struct tun_uplink *uplinks;
	size_t n_uplinks;
	bool follows;                   /* some uplink follows an interface */
	struct cw_nl_watch *watch;
	struct tun **items;
	size_t n_items;
	uint64_t started_ms;
	bool was_up;                    /* some tunnel has been up */
	struct tun_test *test;          /* under way, or NULL */
	struct keylog *keylog;          /* NULL: keys are told to nobody */
};

struct tun {
	struct tuns *tuns;
	const struct tun_conf *conf;
	struct path *paths;
	size_t n_paths;
	struct cw_stat stat;
	const struct tun_ops *ops;
	void *ops_ctx;
	bool in_batch;                  /* the subscriber has got something since it heard that a batch is over */
	enum tun_state state;
	struct timespec since;          /* of the state, wall time */
	struct cw_timer *hope_timer;
	uint64_t hope_ms;               /* no path is up, but until then one may come back; 0: some are, or there is no hope */
	size_t told_mtu;                /* what the subscriber knows */
	struct gauge_echo echo;         /* answers to tests of the peer */
	bool hello_heard;               /* the peer says hello: on some path, at some time */
};

/* ---- tun.c ---- */
CW_NODISCARD int tun_new(struct tuns *ts, const struct tun_conf *conf, const struct tun_way *ways, size_t n_ways,
			 struct tun **ret_tun);
void tun_free(struct tun *t);
/* Bytes of the largest outer packet that all paths in use take. */
size_t tun_mtu(const struct tun *t);
/* A path has another state: works out that of the tunnel; tells the subscriber when it changed. WHY is a word for people. */
void tun_update(struct tun *t, const char *why);
/* The inner_mtu of a path may be another: tells the subscriber when that changes the tunnel's. */
void tun_update_mtu(struct tun *t);
/* A packet that was authenticated by SA. */
void tun_deliver(struct path_sa *sa, uint8_t next_header, uint8_t *pkt, size_t size);
/* What a socket had is handed over. */
void tun_batch_over(struct tun *t);
/* The path with the best news: up, or else being set up. */
const struct path *tun_best(const struct tun *t);

/* ---- tun_gauge.c ---- */
/* Begins a test of SECONDS, whose result answers CALL; CW_E_CONFLICT while another is under way. */
void tun_gauge_test(struct tun *t, struct cw_rpc_call *call, int64_t seconds);
/* It is being tested. */
bool tun_gauge_tests(const struct tun *t);
/* An inner packet that was checked: true when it belongs to a test, of ours or of the peer's. */
bool tun_gauge_input(struct tun *t, const uint8_t *pkt, size_t size);
/* Breaks off a test that is under way. */
void tun_gauge_stop(struct tuns *ts);

/* ---- tuns.c ---- */
/* The socket of the uplink CONF with number PORT; the first when there is no such. */
struct tun_uplink *tuns_uplink(const struct tuns *ts, size_t conf, uint32_t port);
/* Binds the socket of UP to TO, with the port that it is to have. On failure it stays as it is. */
CW_NODISCARD int tuns_bind(struct tuns *ts, struct tun_uplink *up, const struct cw_ip *to);
/* The socket that is bound to LOCAL, or NULL. */
struct tun_uplink *tuns_uplink_at(const struct tuns *ts, const struct cw_endpoint *local);

#endif
