/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path.h - one way to the peer: an uplink, where the peer is, an IKE SA and its child SAs; for tun*.c and path*.c alone.
 *
 * A path is a peer in the sense of IKE (a struct ike in the IKE process, keys.h) and the child SAs that were agreed with it, newest
 * first. Inbound all of them count; outbound one is used: see path_sa.c. State comes from three facts alone, whether there is an SA, whether
 * the peer is being called, and between appliances of ours what the hellos say (path_probe.h); only path_update() writes it:
 *
 *	DOWN         no SA, nobody is being called (we wait for the peer, or were stopped); or an SA and no way for it
 *	PROBING      no SA, a handshake is under way; or an SA that is not proven in both directions yet
 *	UP           at least one SA, and both directions are proven where they can be
 *
 * What IKE wants comes by path_keys_ops. When the IKE process dies, the child SAs stay: they are orphans (path_sa.c).
 *
 * Threads: loop thread only.
 */
#ifndef PATH_H
#define PATH_H

#include <time.h>

#include "interconnect/base/addr.h"
#include "interconnect/base/base.h"
#include "interconnect/base/loop.h"
#include "interconnect/esp/esp.h"
#include "interconnect/ike/ike.h"
#include "interconnect/keys.h"
#include "interconnect/path_probe.h"
#include "interconnect/tun_inner.h"

struct tun;
struct tun_uplink;

enum {
	PATH_SA_MAX = 16,               /* child SAs of a path; a peer that makes more loses the oldest */
	PATH_GRACE_MS = 3000,           /* an SA that is over still receives: what was under way, or sent before the end was known */
	PATH_ORPHAN_MS = 1000, PATH_LOST_MS = 60 * 1000,
	PATH_KEEPALIVE_MS = 20 * 1000,  /* RFC 3948 s4: behind a NAT, after so much silence */
};

enum path_state { PATH_DOWN, PATH_PROBING, PATH_UP, PATH_STATE_N };
const char *path_state_name(enum path_state s);

/* ---- path_sa.c: child SAs ---- */
struct path_sa {
	struct path *path;
	uint32_t spi_in;
	struct esp_out *out;
	bool esn;
	bool proven;                    /* the peer has it installed */
	bool said;                      /* and path_sa_prove() was called */
	bool spent;                     /* sealed its last packet */
	bool idle;                      /* on its way out: nothing is sent on it as long as there is another */
	uint64_t orphan_ms;             /* no IKE SA knows it any more: over at the latest then; 0: one does */
	bool lost;                      /* an orphan of ours: that time is put off as long as the peer is heard */
	uint64_t closed_ms;             /* over, and receives until then; 0: live */
	uint64_t end_ms;                /* too old for anything from then on */
	uint64_t up_ms;
	struct cw_prefix local_ts, remote_ts;
	struct tun_uplink *uplink;      /* where its packets leave from */
	struct cw_endpoint remote;      /* and go to */
};

struct path {
	struct tun *tun;
	unsigned index;                 /* the same number at both ends, between appliances of ours */
	struct tun_uplink *uplink;      /* as configured */
	struct cw_endpoint remote;      /* as configured */
	size_t number;                  /* for keys.h */
	uint64_t heard_ms;              /* last authenticated packet; 0: none */
	enum ike_state ike_state;
	enum path_state state;
	struct timespec since;          /* of the state, wall time */
	struct path_sa *sas[PATH_SA_MAX];       /* newest first */
	size_t n_sas;
	struct path_probe *probe;       /* NULL: towards third parties */
	struct ike_suites esp;          /* that an SA may have */
	size_t mtu;                     /* bytes of the largest outer packet */
	size_t inner_mtu;               /* the largest inner packet that leaves in one datagram */
	int dscp;                       /* of what is sent: ECN_DSCP_COPY, or 0 to 63 */
	struct cw_timer *renew_timer, *keepalive_timer, *end_timer;
	bool renewing;                  /* a limit is near: a successor was asked for and is not there yet */
	bool sent;                      /* something, since the keepalive timer was last armed */
};

CW_NODISCARD int path_sa_add(struct path *p, const struct ike_child *child);
void path_sa_del(struct path *p, uint32_t spi_in);
void path_sa_del_all(struct path *p);
/* Nothing more is sent on it if there is another. */
void path_sa_idle(struct path *p, uint32_t spi_in);
/* What is sent on it leaves from UP and goes to REMOTE from now on. */
void path_sa_move(struct path *p, uint32_t spi_in, struct tun_uplink *up, const struct cw_endpoint *remote);
/* It is over: nothing is sent on it any more, and what comes counts until PATH_GRACE_MS from now; then path_sa_sweep() deletes it. */
void path_sa_close(struct path *p, uint32_t spi_in, uint64_t now_ms);
/* The peer's IKE has forgotten it and has made another: it is sent on until that is proven, PATH_ORPHAN_MS at most. */
void path_sa_orphan(struct path *p, uint32_t spi_in, uint64_t now_ms);
/* Our IKE has forgotten all: they go on until another is proven, or nothing came for PATH_LOST_MS. */
void path_sa_lost(struct path *p, uint64_t now_ms);
/* The peer has SA installed: orphans are closed. */
void path_sa_prove(struct path_sa *sa, uint64_t now_ms);
/* Deletes what is closed for long enough, or too old. Returns when the next one will be, or UINT64_MAX. */
uint64_t path_sa_sweep(struct path *p, uint64_t now_ms);
/* How many are live. */
size_t path_sa_count(const struct path *p);
/* The SA to seal with, or NULL. */
struct path_sa *path_sa_out(const struct path *p);

/* ---- path_timer.c: by the name of what happened ---- */
CW_NODISCARD int path_timer_new(struct path *p);
void path_timer_free(struct path *p);
void path_timer_on_sa(struct path *p);          /* a fresh SA */
void path_timer_on_close(struct path *p);       /* an SA is over, others live on */
void path_timer_on_last_sa(struct path *p);     /* there is none any more */
void path_timer_on_soft_limit(struct path *p);  /* an SA nears its end */

/* ---- path.c ---- */
/* Makes the path with number INDEX of T; it leaves from UP to REMOTE. RET_PATH is filled in place. */
CW_NODISCARD int path_init(struct path *p, struct tun *t, unsigned index, struct tun_uplink *up, const struct cw_endpoint *remote);
void path_fini(struct path *p); /* all zeros is fine */
/* Its uplink has another address now. */
void path_moved(struct path *p);
/* Asks the peer by IKE whether it is alive, now. False when that cannot be: no SA is up. */
bool path_check(struct path *p);
/* What IKE is to do for P, which is one of the tunnel with this number. */
struct keys_path path_keys(const struct path *p, size_t tunnel);
/* What IKE wants; CTX is the struct tuns. */
extern const struct keys_ops path_keys_ops;
/* Works out the state, and then that of the tunnel. WHY is a word for people. */
void path_update(struct path *p, const char *why);
/* An ESP packet that names SA arrived on UP. */
void path_input_esp(struct path_sa *sa, struct tun_uplink *up, const struct cw_endpoint *from, uint8_t *pkt, size_t size);
/* Seals PKT (as tun_send()), whose header is IN, and queues it. Counts nothing. */
CW_NODISCARD int path_send(struct path *p, const struct tun_inner *in, uint8_t *pkt);
/* The largest inner packet that leaves in an outer one of OUTER bytes, whichever of its suites an SA has. */
size_t path_inner_max(const struct path *p, size_t outer);
/* The probe found another MTU. */
void path_mtu_changed(struct path *p);
/* Bytes of the IP and UDP headers outside. */
size_t path_outer(const struct path *p);

#endif
