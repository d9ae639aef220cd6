/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tun_impl.h - inside of a tunnel; for tun*.c alone.
 *
 * A tunnel is a peer (struct ike) and the child SAs that were agreed with it, newest first. Inbound all of
 * them count; outbound one is used: see tun_sa.c. State comes from two facts alone, whether there is an SA and whether
 * the peer is being called, and only tun_update() writes it:
 *
 *	DOWN         no SA, nobody is being called (we wait for the peer, or were stopped)
 *	CONNECTING   no SA, a handshake is under way
 *	UP           at least one SA
 *
 * Calls go down to ike and esp from timers, sockets and users; ike calls back through struct
 * ike_ops in the middle of that. So a callback of ike never calls ike: what it wants from it goes
 * through a timer (tun_timer.c).
 */
#ifndef TUN_IMPL_H
#define TUN_IMPL_H

#include <time.h>

#include "interconnect/esp/esp.h"
#include "interconnect/ike/ike.h"
#include "interconnect/tun.h"
#include "interconnect/udp.h"

enum {
	TUN_SA_MAX = 16,                /* child SAs of a tunnel; a peer that makes more loses the oldest */
	TUN_GRACE_MS = 3000,            /* an SA that is over still receives: what was under way, or sent before the end was known */
	TUN_NAME_MAX = 64,
	TUN_KEEPALIVE_MS = 20 * 1000,   /* RFC 3948 s4 */
};

/* ---- tun_auth.c: the files behind "auth" and "ppk" ---- */
struct tun_auth {
	uint8_t *psk;                   /* from cw_mem_secret(IKE_PSK_MAX) */
	size_t psk_size;
	uint8_t *ppk;                   /* from cw_mem_secret(IKE_PPK_MAX), if there is one */
	size_t ppk_size;
	struct cw_cert *certs[1 + IKE_CHAIN_MAX];       /* ours, and those between it and its CA */
	size_t n_certs;
	struct cw_cert *ca;
	struct cw_crl *crl;             /* if there is one */
	struct cw_key *key;
};

CW_NODISCARD int tun_auth_load(const char *dir, const struct tun_conf *conf, struct tun_auth *ret_auth, struct cw_why *why);
void tun_auth_fini(struct tun_auth *a); /* all zeros is fine */

/* ---- tun_check.c ---- */
/* Which of the uplinks the tunnel leaves from; uplinks->n when none will do. */
size_t tun_check_uplink(const struct cw_conf_list *uplinks, const struct tun_conf *c);

/* ---- tun_sa.c: child SAs ---- */
struct tun_sa {
	struct tun *tun;
	uint32_t spi_in;
	struct esp_out *out;
	bool esn;
	bool proven;                    /* the peer has it installed */
	bool spent;                     /* sealed its last packet */
	bool idle;                      /* on its way out: nothing is sent on it as long as there is another */
	uint64_t closed_ms;             /* over, and receives until then; 0: live */
	uint64_t up_ms;
	struct cw_prefix local_ts, remote_ts;
	struct cw_endpoint remote;      /* where its packets go */
};

struct tun_uplink {
	struct tuns *tuns;
	struct cw_endpoint local;
	struct udp *udp;
};

struct tuns {
	struct cw_loop *loop;
	struct esp_sadb *sadb;
	struct cw_stat stat;
	struct tun_uplink *uplinks;
	size_t n_uplinks;
	struct tun **items;
	size_t n_items;
	uint64_t started_ms;
	bool was_up;                    /* some tunnel has been up */
	uint8_t inner[UDP_DATAGRAM_MAX];
};

struct tun {
	struct tuns *tuns;
	const struct tun_conf *conf;
	struct tun_uplink *uplink;
	struct tun_auth auth;
	struct ike *ike;
	enum ike_state ike_state;
	size_t inner_mtu;
	struct cw_stat stat;
	const struct tun_ops *ops;
	void *ops_ctx;
	enum tun_state state;
	struct timespec since;          /* of the state, wall time */
	struct tun_sa *sas[TUN_SA_MAX]; /* newest first */
	size_t n_sas;
	struct cw_timer *ike_timer, *renew_timer, *keepalive_timer, *grace_timer;
	bool renewing;                  /* a limit is near: a successor was asked for and is not there yet */
	bool sent;                      /* something, since the keepalive timer was last armed */
};

CW_NODISCARD int tun_sa_add(struct tun *t, const struct ike_child *child);
void tun_sa_del(struct tun *t, uint32_t spi_in);
void tun_sa_del_all(struct tun *t);
/* Nothing more is sent on it if there is another. */
void tun_sa_idle(struct tun *t, uint32_t spi_in);
/* What is sent on it goes to REMOTE from now on. */
void tun_sa_move(struct tun *t, uint32_t spi_in, const struct cw_endpoint *remote);
/* It is over: nothing is sent on it any more, and what comes counts until TUN_GRACE_MS from now; then tun_sa_sweep() deletes it. */
void tun_sa_close(struct tun *t, uint32_t spi_in, uint64_t now_ms);
/* Deletes what is closed for long enough. Returns when the next one will be, or UINT64_MAX. */
uint64_t tun_sa_sweep(struct tun *t, uint64_t now_ms);
/* How many are live. */
size_t tun_sa_count(const struct tun *t);
/* The SA to seal with, or NULL. */
struct tun_sa *tun_sa_out(const struct tun *t);

/* ---- tun_timer.c: by the name of what happened ---- */
CW_NODISCARD int tun_timer_new(struct tun *t);
void tun_timer_free(struct tun *t);
void tun_timer_on_ike(struct tun *t);           /* ike was called: it may want to be called at another time */
void tun_timer_on_sa(struct tun *t);            /* a fresh SA */
void tun_timer_on_close(struct tun *t);         /* an SA is over, others live on */
void tun_timer_on_last_sa(struct tun *t);       /* there is none any more */
void tun_timer_on_soft_limit(struct tun *t);    /* an SA nears its end */

/* ---- tun.c ---- */
/* Works out the state; tells the subscriber when it changed. WHY is a word for people. */
void tun_update(struct tun *t, const char *why);
CW_NODISCARD int tun_new(struct tuns *ts, const char *dir, const struct tun_conf *conf, struct tun_uplink *up,
			 struct tun **ret_tun, struct cw_why *why);
void tun_free(struct tun *t);
/* An ESP packet that names SA. */
void tun_input_esp(struct tun_sa *sa, const struct cw_endpoint *from, const uint8_t *pkt, size_t size);
/* An IKE message; false when it is not for this tunnel. */
bool tun_input_ike(struct tun *t, const struct cw_endpoint *from, const uint8_t *msg, size_t size);

#endif
