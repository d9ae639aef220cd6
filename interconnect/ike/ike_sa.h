/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ike_sa.h - one IKE SA, and the peer that holds it. Inside of ike/ only.
 *
 * Every message, once it is authenticated and has passed the rules, and every timer is an
 * event; rows {state, event, action, next state} say what is done with it. A pair without a
 * row is dropped and counted, and nothing changes: no message id is used up, no answer sent.
 *
 *   initiator:  INIT_SENT -> AUTH_SENT -> UP            responder:  HALF_OPEN -> UP
 *
 *   INIT_SENT  our IKE_SA_INIT is out. Nothing is authenticated; whatever comes in clear may end the attempt, no more.
 *   AUTH_SENT  keys are there, the peer is still anybody.
 *   HALF_OPEN  we answered an IKE_SA_INIT; the peer may be anybody and gets IKE_HALF_OPEN_MS.
 *   UP         both AUTH payloads were right. With a child, or, when the child failed, without for IKE_CHILDLESS_MS.
 *   DELETING   our Delete is under way. The child still receives: the peer sends on it until it has read the Delete.
 *   LINGER     over; only repeats its last answer.
 *   DEAD       to be freed at the end of the call.
 */
#ifndef IKE_SA_H
#define IKE_SA_H

#include "interconnect/ike/ike.h"
#include "interconnect/ike/ike_cookie.h"
#include "interconnect/ike/ike_exch.h"
#include "interconnect/ike/ike_id.h"
#include "interconnect/ike/ike_keys.h"
#include "interconnect/ike/ike_prop.h"
#include "interconnect/ike/ike_rules.h"
#include "interconnect/ike/ike_sk.h"

#define IKE_SA_STATES(X) X(INIT_SENT) X(AUTH_SENT) X(HALF_OPEN) X(UP) X(DELETING) X(LINGER) X(DEAD)

enum ike_sa_state {
#define IKE_SA_STATE_ENUM(name) IKE_SA_##name,
	IKE_SA_STATES(IKE_SA_STATE_ENUM)
#undef IKE_SA_STATE_ENUM
	IKE_SA_STATE_N
};

/* The kinds of messages, and: a request or response that makes no sense, a request with an unknown critical payload,
 * no answer, time over, the wish to end. */
#define IKE_SA_EVENTS(X) IKE_KINDS(X) X(BAD_REQUEST) X(CRITICAL_REQUEST) X(BAD_RESPONSE) X(GIVE_UP) X(EXPIRED) X(QUIT)

enum ike_sa_event {
#define IKE_SA_EVENT_ENUM(name) IKE_EV_##name,
	IKE_SA_EVENTS(IKE_SA_EVENT_ENUM)
#undef IKE_SA_EVENT_ENUM
	IKE_EV_N
};

/* An action returns 0 or a negative code: where to go then is in the row; or IKE_SA_STAY. */
enum { IKE_SA_STAY = 1, IKE_WHY = 128 };

struct ike_blob {
	uint8_t *p;
	size_t size;
};

struct ike_sa {
	struct ike *peer;
	struct ike_sa *next;
	enum ike_sa_state state;
	bool initiator;
	bool renewal;                   /* ours: replaces what was up when it began */
	bool initial_contact;           /* the peer said so */
	bool quit;                      /* delete as soon as no request is under way */
	uint64_t spi_i, spi_r;
	struct cw_endpoint remote;
	struct ike_nonce ni, nr;
	struct ike_blob own_init, peer_init;    /* until AUTH is done */
	struct cw_dh *dh;                       /* until the response is here */
	unsigned group;                         /* of it */
	struct ike_suite suite, esp;            /* agreed on: of the IKE SA; of its child, if there is one */
	uint8_t cookie[IKE_COOKIE_MAX];
	size_t cookie_size;
	unsigned rounds;                /* answers to our IKE_SA_INIT that want it another way */
	uint64_t peer_hashes;           /* bit per hash number of SIGNATURE_HASH_ALGORITHMS */
	struct ike_keys *keys;          /* secret memory */
	bool ppk_agreed;                /* both sides said USE_PPK */
	struct ike_keys *mixed;         /* ours: the keys with the PPK, until the responder has said whether it has it */
	bool ppk;                       /* the keys are those with the PPK */
	struct ike_sk in, out;
	struct ike_exch x;
	uint32_t spi_wanted;            /* our inbound SPI on offer */
	uint32_t child_in, child_out;   /* of the child that is installed; 0: none */
	uint64_t begin_serial, up_serial;       /* order of what happened at this peer; 0: not yet */
	uint64_t up_ms, heard_ms;
	uint64_t expire_ms;             /* UINT64_MAX: never */
	char why[IKE_WHY];              /* it ended */
};

struct ike {
	struct ike_conf conf;
	const struct ike_ops *ops;
	void *ctx;
	struct cw_stat *stat;
	struct ike_id local_id, remote_id;
	struct ike_sa *sas;
	bool active;                    /* between start and stop */
	uint64_t renew_serial;          /* a renewal is wanted since then; 0: none */
	enum ike_state state;
	uint64_t serial;
	uint64_t retry_ms, backoff_ms;  /* next attempt; UINT64_MAX: none planned */
	uint64_t alive_ms;
	struct ike_cookie cookie;
	uint64_t stranger_ms;           /* token bucket of answers without SA */
	char why[IKE_WHY];              /* the last SA ended */
	uint8_t plain[IKE_IN_MAX], inner[IKE_OUT_MAX], outer[IKE_OUT_MAX + 256];
};

/* A message that was accepted, or for timers only the time. */
struct ike_sa_msg {
	const struct ike_header *h;
	struct cw_span raw;
	const struct cw_endpoint *from;
	const struct ike_in *in;
	uint64_t now_ms;
};

/* ---- ike_sa.c ---- */
/* A new SA of K, in its list, in state INIT_SENT or HALF_OPEN. CW_E_LIMIT when there are too many. */
CW_NODISCARD int ike_sa_new(struct ike *k, bool initiator, const struct cw_endpoint *remote, uint64_t now_ms,
			    struct ike_sa **ret_sa);
void ike_sa_free(struct ike_sa *sa);
const char *ike_sa_state_name(enum ike_sa_state s);
bool ike_sa_is_up(const struct ike_sa *sa);
/* Keeps why it ended; the first reason stays. */
void ike_sa_why(struct ike_sa *sa, const char *fmt, ...) CW_PRINTF(2, 3);
/* Derives all keys from the secret. */
CW_NODISCARD int ike_sa_set_keys(struct ike_sa *sa, struct cw_span secret);
CW_NODISCARD int ike_sa_keep(struct ike_blob *b, const void *p, size_t size);

/* Begins the payloads of a message: in K's buffer, one at a time. */
struct ike_out ike_sa_inner(struct ike_sa *sa);
/* Seals and sends a request of ours; it is repeated until answered. */
CW_NODISCARD int ike_sa_request(struct ike_sa *sa, uint8_t exchange, const struct ike_out *inner, uint64_t now_ms);
/* Seals and sends the answer to request M and keeps it. */
CW_NODISCARD int ike_sa_answer(struct ike_sa *sa, const struct ike_sa_msg *m, const struct ike_out *inner);
/* The same with one notification. */
CW_NODISCARD int ike_sa_answer_notify(struct ike_sa *sa, const struct ike_sa_msg *m, uint16_t type, const void *data,
				      size_t size);
void ike_sa_send(struct ike_sa *sa, const struct cw_endpoint *to, const void *msg, size_t size);

void ike_sa_event(struct ike_sa *sa, enum ike_sa_event ev, const struct ike_sa_msg *m);
/* A message with the SPIs of this SA. */
void ike_sa_input(struct ike_sa *sa, const struct cw_endpoint *from, const struct ike_header *h, struct cw_span raw,
		  uint64_t now_ms);
void ike_sa_tick(struct ike_sa *sa, uint64_t now_ms);
uint64_t ike_sa_next_ms(const struct ike_sa *sa);
/* Deletes the SA, as soon as its request under way is answered. */
void ike_sa_quit(struct ike_sa *sa, uint64_t now_ms, const char *why);
/* Tells the peer once, ends at once. */
void ike_sa_leave(struct ike_sa *sa, const char *why);
/* Ends without a word. */
void ike_sa_drop(struct ike_sa *sa, uint64_t now_ms, const char *why);

/* ---- ike.c: what an SA tells its peer ---- */
void ike_on_up(struct ike *k, struct ike_sa *sa, uint64_t now_ms);
/* Wants a new pair of SAs in place of what is up. */
void ike_want_renewal(struct ike *k);
/* Is another SA than this up? */
bool ike_has_other_up(const struct ike *k, const struct ike_sa *sa);
/* May another answer go to a stranger? */
bool ike_stranger_allowed(struct ike *k, uint64_t now_ms);

#endif
