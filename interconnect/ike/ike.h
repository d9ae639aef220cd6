/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ike.h - IKEv2 (RFC 7296) with one peer: messages in, messages out, keys to whoever asks.
 *
 * A struct ike is one configured peer, in both roles. It holds the IKE SAs with that peer
 * (usually one; two while a new one replaces an old one) and their child SA. It knows no
 * socket, no loop and no ESP: bytes and the time come in by calls, and go out by struct
 * ike_ops. Two of them can be joined in one process, which is how the tests work.
 *
 * Keys are renewed by CREATE_CHILD_SA, make before break: the child by a new one, the IKE SA by a new one that inherits
 * the children. Either side may begin, by age or because it is told to (ike_rekey_child(), ike_rekey()), and both may at
 * once. A peer that does not do it (NO_ADDITIONAL_SAS) gets a new pair of SAs by IKE_SA_INIT instead: ike_renew().
 *
 * A postquantum preshared key (PPK) is mixed into the keys if both sides have it: then nobody who only undoes the
 * Diffie-Hellman exchange, some day, can read the ESP that was recorded today. It goes with either way to
 * authenticate, is mixed in again at every renewal, and goes on in the keys of an IKE SA that is rekeyed.
 *
 * An address may change while the SAs stay: MOBIKE, ike_task_mobike.c.
 *
 * Messages are handed over and taken without the non-ESP marker.
 *
 * Implements: RFC 7296 (IKE_SA_INIT, IKE_AUTH, CREATE_CHILD_SA, INFORMATIONAL), RFC 4555, RFC 6023, RFC 7383, RFC 7427, RFC 5282, RFC 5903, RFC 8031, RFC 8784.
 * Errors: 0 or a negative code (err.h).   Threads: loop thread only.
 */
#ifndef IKE_H
#define IKE_H

#include "interconnect/base/addr.h"
#include "interconnect/base/base.h"
#include "interconnect/base/crypt.h"
#include "interconnect/base/err.h"
#include "interconnect/base/stat.h"

struct ike;
struct ike_signer;      /* ike_signer.h */
struct ike_guard;       /* ike_guard.h */

enum ike_auth { IKE_AUTH_PSK, IKE_AUTH_CERT };
enum ike_esn { IKE_ESN_NO, IKE_ESN_YES, IKE_ESN_BOTH };
/* Is IKE_AUTH to make the IKE SA alone, and CREATE_CHILD_SA the child? */
enum ike_childless { IKE_CHILDLESS_NO, IKE_CHILDLESS_PREFER, IKE_CHILDLESS_FORCE };

/* A suite of the IKE SA or of ESP. */
struct ike_suite {
	enum cw_aead_alg aead;
	enum cw_hash prf;               /* IKE only */
	unsigned group;                 /* ESP: for rekeying, 0: without one of its own */
};

enum { IKE_SUITES_MAX = 8 };

/* Suites, the one that we like best first; see ike_suite_parse(). All are offered; of what the peer offers, the first of
 * ours is taken. */
struct ike_suites {
	struct ike_suite s[IKE_SUITES_MAX];
	size_t n;
};

enum { IKE_SUITE_TEXT = 64, IKE_SUITES_TEXT = IKE_SUITES_MAX * (IKE_SUITE_TEXT + 1), IKE_ID_MAX = 256, IKE_PSK_MAX = 256, IKE_CHAIN_MAX = 3, IKE_KEYMAT_MAX = CW_AEAD_KEY_MAX,
       IKE_PPK_MIN = 32, IKE_PPK_MAX = 64, IKE_PPK_ID_MAX = 128, IKE_ALSO_MAX = 8 };

/* A postquantum preshared key, which the signer holds. ID is its name, which goes over the wire. */
struct ike_ppk {
	const char *id;                 /* NULL or empty: there is none */
	bool required;                  /* no IKE SA without it; or else a peer that has not got it is let in as well */
};

/* What is agreed with the operator about a peer. Strings, signer and certificates are borrowed and outlive the struct. */
struct ike_conf {
	const char *name;
	bool initiate;
	struct cw_endpoint local, remote;
	enum ike_auth auth;
	const struct ike_signer *signer;  /* the secrets: key of CERT, PSK, PPK */
	void *signer_ctx;
	struct cw_cert *cert, *ca;      /* IKE_AUTH_CERT */
	struct cw_cert *const *chain;   /* between the two, from CERT on: sent behind it */
	size_t n_chain;                 /* at most IKE_CHAIN_MAX */
	struct cw_crl *crl;             /* whose certificates are refused; NULL: none */
	struct ike_ppk ppk;
	const char *local_id, *remote_id;  /* FQDN, IP address, or user@fqdn */
	struct ike_suites ike, esp;
	enum ike_esn esn;
	bool encap;                     /* falsify NAT_DETECTION_SOURCE_IP, so that a kernel peer uses UDP */
	struct cw_prefix local_ts, remote_ts;
	bool mobike;                    /* addresses may change while the SAs stay, if the peer can */
	struct cw_ip also[IKE_ALSO_MAX];        /* our addresses beside local.ip, which the peer may hear of */
	size_t n_also;
	struct ike_guard *guard;        /* shared by all peers of a process, and outlives them; NULL: one of its own */
	enum ike_childless childless;   /* as initiator; as responder both are fine */
	int path;                       /* which of several struct ike with this peer it is, from 0; -1: the peer is no Causeway */
	size_t message_max;             /* bytes: what is larger goes in fragments, if the peer can; 0: never */
	uint64_t dpd_ms;                /* liveness check after so much silence; 0: never */
	uint64_t rekey_ike_ms, rekey_child_ms;  /* ages at which SAs are replaced, less some chance; 0: never by age */
};

/* A child SA pair that was agreed. Keys hold the AEAD key and then 4 bytes of salt (RFC 4106 s8.1), or the key of AES and
 * then that of HMAC (RFC 7296 s2.17). */
struct ike_child {
	uint32_t spi_in, spi_out;
	enum cw_aead_alg aead;
	bool esn;
	bool initiator;                 /* we asked for it: the peer has it installed already */
	uint8_t key_in[IKE_KEYMAT_MAX], key_out[IKE_KEYMAT_MAX];
	size_t key_size;
	struct cw_prefix local_ts, remote_ts;
	struct cw_endpoint local, remote;       /* where the IKE SA lives: ESP goes the same way */
};

/* What opens the messages of an IKE SA, or the packets of a child. Keys are in the order and shape of struct ike_child. */
struct ike_keylog {
	bool child;
	enum cw_aead_alg aead;
	uint64_t spi[2];                /* IKE SA: initiator's, responder's; child: of what comes in, of what goes out */
	uint8_t key[2][IKE_KEYMAT_MAX]; /* IKE SA: SK_ei and SK_ai, SK_er and SK_ar; child: in the order of the SPIs */
	size_t key_size;
};

enum ike_state { IKE_IDLE, IKE_CONNECTING, IKE_UP, IKE_STATE_N };
const char *ike_state_name(enum ike_state s);

struct ike_ops {
	/* Sends a message to the peer, from LOCAL. Loss is fine. */
	void (*send)(void *ctx, const struct cw_endpoint *local, const struct cw_endpoint *to, const void *msg, size_t size);
	/* A fresh inbound SPI above 255 that no other SA here uses. */
	uint32_t (*spi)(void *ctx);
	/* Installs a child; a negative code refuses it and the IKE SA ends. CHILD is wiped after the call. */
	int (*child_up)(void *ctx, const struct ike_child *child);
	/* Nothing more is to be sent on the pair whose inbound SPI this is, if there is another; the peer may still do so. */
	void (*child_idle)(void *ctx, uint32_t spi_in);
	/* The pair whose inbound SPI this is, is gone. What the peer sent on it may still be under way. */
	void (*child_down)(void *ctx, uint32_t spi_in);
	/* What is sent on the pair whose inbound SPI this is, goes from LOCAL to REMOTE from now on. */
	void (*child_moved)(void *ctx, uint32_t spi_in, const struct cw_endpoint *local, const struct cw_endpoint *remote);
	/* The state of the peer changed; WHY is a word for people ("authenticated", "peer deleted the SA", ...). */
	void (*state)(void *ctx, enum ike_state state, const char *why);
	/* Fresh keys, for whoever has to look into what was captured; NULL: they are told to nobody. K is wiped after the call. */
	void (*keylog)(void *ctx, const struct ike_keylog *k);
	/* May be NULL. The IKE process of the peer began anew and has made another pair with us; child_down() follows. The peer may not
	 * have that one installed yet, but may well have this one, so it is to be sent on until the other is proven, not for long. */
	void (*child_orphan)(void *ctx, uint32_t spi_in);
};

/* A list "aes256gcm16-prfsha384-ecp384,aes128gcm16-prfsha256-x25519" of different suites; for ESP (ESP true)
 * "aes256gcm16-ecp384,chacha20poly1305". CW_E_INVALID; WHY (may be NULL) lists all words. */
CW_NODISCARD int ike_suite_parse(const char *text, bool esp, struct ike_suites *ret_suites, struct cw_why *why);
char *ike_suite_text(const struct ike_suite *s, bool esp, char buf[IKE_SUITE_TEXT]);

/* CONF is copied (not what it points to). STAT counts and is borrowed. CW_E_INVALID when CONF makes no sense: no
 * signer, no certificate, a PPK that is required and has no name, an unknown group, an identity that is empty or the
 * same on both sides. */
CW_NODISCARD int ike_new(const struct ike_conf *conf, const struct ike_ops *ops, void *ctx, struct cw_stat *stat,
			 struct ike **ret_ike);
void ike_free(struct ike *k);           /* silent: tells nobody */

/* Begins to connect, if the peer is to be called (conf.initiate); goes on trying with back-off until ike_stop(). */
void ike_start(struct ike *k, uint64_t now_ms);
/* Begins; and calls the peer at REMOTE, in whatever role, until an SA is up or IKE_RESUME_MS are over: who was here before us had
 * SAs with it, whose ESP may live. */
void ike_resume(struct ike *k, const struct cw_endpoint *remote, uint64_t now_ms);
/* Deletes all SAs, telling the peer once, and stays idle. */
void ike_stop(struct ike *k, uint64_t now_ms);
/* Replaces the child, or the IKE SA, by CREATE_CHILD_SA, as soon as no other request is under way. Either role. */
void ike_rekey_child(struct ike *k, uint64_t now_ms);
void ike_rekey(struct ike *k, uint64_t now_ms);
/* Replaces the present SA pair by one from IKE_SA_INIT: either role may call it. */
void ike_renew(struct ike *k, uint64_t now_ms);
/* Our address is another, or the peer's: NULL is unchanged. The SAs go on there without a new handshake if the peer can
 * do that, and what is begun later begins there. */
void ike_moved(struct ike *k, const struct cw_endpoint *local, const struct cw_endpoint *remote, uint64_t now_ms);
/* Our other addresses are these now, at most IKE_ALSO_MAX: the peer is told if it knows MOBIKE. */
void ike_also(struct ike *k, const struct cw_ip *ips, size_t n, uint64_t now_ms);
/* A fresh authenticated ESP packet came from REMOTE, and ESP goes there now: so do our next requests, if the peer is behind
 * a NAT (RFC 7296 s2.23, RFC 4555 s3.8). */
void ike_peer_at(struct ike *k, const struct cw_endpoint *remote, uint64_t now_ms);
/* Asks the peer whether it is alive, now. False when another request is under way, which asks as well, or no SA is up. */
bool ike_check(struct ike *k, uint64_t now_ms);
/* An authenticated ESP packet came in: liveness. */
void ike_alive(struct ike *k, uint64_t now_ms);

/* Is this message for this peer: one of its SPIs, or an IKE_SA_INIT request from its address for our path? One that names no
 * path is for 0. Pure. */
bool ike_match(const struct ike *k, const struct cw_endpoint *from, const uint8_t *msg, size_t size);
/* Takes a message that ike_match() accepted and that came to LOCAL. Never fails: bad ones are dropped and counted in STAT. */
void ike_input(struct ike *k, const struct cw_endpoint *local, const struct cw_endpoint *from, const uint8_t *msg,
	       size_t size, uint64_t now_ms);
/* The time at which ike_tick() wants to be called, UINT64_MAX for never. Ask again after each call of the API. */
uint64_t ike_next_ms(const struct ike *k);
void ike_tick(struct ike *k, uint64_t now_ms);

enum ike_state ike_state(const struct ike *k);

/* For "tunnel show": the IKE SA in use; false when there is none. */
struct ike_info {
	uint64_t spi_i, spi_r;
	bool initiator;
	bool ppk;                       /* a PPK is mixed into its keys */
	bool mobike;                    /* both sides know it */
	bool nat_local, nat_remote;     /* who seems to be behind a NAT */
	struct cw_endpoint local, remote;       /* where it goes now */
	struct ike_suite ike, esp;
	uint64_t established_ms;        /* monotonic */
	char peer_id[IKE_ID_MAX];
	unsigned answers;               /* to requests of ours that were sent once: how many, of whatever SA, */
	uint64_t rtt_ms;                /* and how long the last one took */
};
bool ike_info(const struct ike *k, struct ike_info *ret_info);

#endif
