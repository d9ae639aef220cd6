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
 *   UP         both AUTH payloads were right, or the SA took the place of one where they were. With a child, or, when
 *              the child failed, without for IKE_CHILDLESS_MS; or, childless (RFC 6023), until CREATE_CHILD_SA made one.
 *   REKEYED    another took its place, or it is one too many after both rekeyed at once. The peer deletes it.
 *   DELETING   our Delete is under way. The child still receives: the peer sends on it until it has read the Delete.
 *   LINGER     over; only repeats its last answer.
 *   DEAD       to be freed at the end of the call.
 *
 * An SA and those that were rekeyed from it are one family. Children live on one of its SAs and move to the next; when
 * an SA ends, they go to the heir, the newest of the family that is up, and end with it if there is none. What the
 * peer says of a child by its SPI is good on any SA of the family.
 *
 * Of our requests one is under way at a time (ike_exch.h); what has to be done next, and when, is in ike_work.c.
 */
#ifndef IKE_SA_H
#define IKE_SA_H

#include "interconnect/ike/ike.h"
#include "interconnect/ike/ike_exch.h"
#include "interconnect/ike/ike_frag.h"
#include "interconnect/ike/ike_guard.h"
#include "interconnect/ike/ike_id.h"
#include "interconnect/ike/ike_keys.h"
#include "interconnect/ike/ike_prop.h"
#include "interconnect/ike/ike_rules.h"
#include "interconnect/ike/ike_sk.h"

#define IKE_SA_STATES(X) X(INIT_SENT) X(AUTH_SENT) X(HALF_OPEN) X(UP) X(REKEYED) X(DELETING) X(LINGER) X(DEAD)

enum ike_sa_state {
#define IKE_SA_STATE_ENUM(name) IKE_SA_##name,
	IKE_SA_STATES(IKE_SA_STATE_ENUM)
#undef IKE_SA_STATE_ENUM
	IKE_SA_STATE_N
};

/* The kinds of messages, and: a request or response that makes no sense, a request with an unknown critical payload,
 * no answer, time over, the wish to end, another SA in its place. */
#define IKE_SA_EVENTS(X) IKE_KINDS(X) X(BAD_REQUEST) X(CRITICAL_REQUEST) X(BAD_RESPONSE) X(GIVE_UP) X(EXPIRED) X(QUIT) \
	X(SUCCEEDED)

enum ike_sa_event {
#define IKE_SA_EVENT_ENUM(name) IKE_EV_##name,
	IKE_SA_EVENTS(IKE_SA_EVENT_ENUM)
#undef IKE_SA_EVENT_ENUM
	IKE_EV_N
};

/* An action returns 0 or a negative code: where to go then is in the row; or IKE_SA_STAY. */
enum { IKE_SA_STAY = 1, IKE_WHY = 128 };

/* Both ends of a way that messages or ESP take. */
struct ike_way {
	struct cw_endpoint local, remote;
};

struct ike_blob {
	uint8_t *p;
	size_t size;
};

/*
 * A child SA, as IKE sees it:
 *
 *   UP          in use
 *   REPLACED    the peer has put another in its place (or won when both did), so the peer deletes it
 *   CONDEMNED   we have put another in its place (or lost), so we shall delete it
 *   DELETING    our Delete is under way
 */
enum ike_csa_state { IKE_CSA_UP, IKE_CSA_REPLACED, IKE_CSA_CONDEMNED, IKE_CSA_DELETING };

struct ike_csa {
	struct ike_csa *next;
	uint32_t spi_in, spi_out;
	enum ike_csa_state state;
	uint64_t rekey_ms;              /* UP: wants another in its place then; UINT64_MAX: never */
	uint64_t expire_ms;             /* REPLACED: not deleted by the peer until then, so we do it */
	unsigned failures;              /* TEMPORARY_FAILURE in a row */
};

enum ike_work_kind { IKE_WORK_NONE, IKE_WORK_DELETE, IKE_WORK_CHILD, IKE_WORK_REKEY, IKE_WORK_MOBIKE };

/* What the peer has to hear (ike_task_mobike.c): where we are, our addresses, are you there. */
enum { IKE_MOBIKE_UPDATE = 1, IKE_MOBIKE_LIST = 2, IKE_MOBIKE_PROBE = 4, IKE_COOKIE2_SIZE = 32 };

struct ike_mobike {
	uint8_t todo;
	uint8_t asked;                  /* in the request under way */
	unsigned rounds;                /* updates that ended somewhere else */
	struct ike_way way;             /* of the request under way, when it began */
	uint8_t cookie[IKE_COOKIE2_SIZE];
};

/* Our request under way, if its answer must find something: Delete of children, or CREATE_CHILD_SA. */
struct ike_work {
	enum ike_work_kind kind;
	uint32_t old_in;                /* CHILD: what is replaced; 0: nothing, there is no child */
	uint32_t spi_in;                /* CHILD: on offer */
	uint64_t spi;                   /* REKEY: on offer */
	struct ike_nonce ni;
	unsigned group;                 /* of our KE payload; 0: there is none */
	struct cw_dh *dh;
	bool other_group;               /* the peer has asked for it: it may do that once */
	bool rival;                     /* meanwhile the peer has put another in place of the same: */
	struct ike_nonce rival_low;     /* the lower nonce of its exchange */
	uint64_t rival_id;              /* spi_in of its child, or begin_serial of its IKE SA */
};

struct ike_sa {
	struct ike *peer;
	struct ike_sa *next;
	enum ike_sa_state state;
	bool initiator;
	bool renewal;                   /* ours: replaces what was up when it began */
	bool initial_contact;           /* the peer said so */
	bool path_known;                /* the peer knows paths: it has said ours back */
	bool childless;                 /* IKE_AUTH made no child, as agreed; until there is one */
	bool quit;                      /* delete as soon as no request is under way */
	uint64_t spi_i, spi_r;
	struct cw_ip guarded;           /* of a half-open one: whom the guard counts it for; family 0: nobody */
	struct ike_way way;             /* of our requests */
	struct ike_way esp_way;         /* of the children: where the peer has shown itself */
	bool mobike;                    /* both sides said MOBIKE_SUPPORTED */
	bool first;                     /* the first SA of the family was ours: so is the choice of addresses */
	bool nat_us, nat_peer;          /* who is behind a NAT, or says so */
	bool seen;
	uint8_t seen_as[IKE_NATD_SIZE]; /* what the peer last took our address for */
	struct cw_ip peer_also[IKE_ALSO_MAX];
	size_t n_peer_also;
	struct ike_mobike mob;
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
	bool fragments;                 /* both sides take them */
	struct ike_frag frag[2];        /* of the request of the peer, of the answer */
	uint32_t spi_wanted;            /* our inbound SPI on offer in IKE_AUTH */
	struct ike_csa *children;       /* newest first */
	bool want_child;                /* has lost its child to a misunderstanding: ask for one */
	struct ike_work work;
	uint8_t asked;                  /* exchange of our request under way */
	uint64_t family;                /* the same in all SAs rekeyed from one */
	uint64_t rekey_ms;              /* UINT64_MAX: never */
	unsigned failures;              /* TEMPORARY_FAILURE in a row to rekeying it */
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
	struct cw_endpoint resume;      /* where the peer was seen by a process before us */
	uint64_t resume_ms;             /* until then it is called there; 0: not */
	uint64_t renew_serial;          /* a renewal is wanted since then; 0: none */
	enum ike_state state;
	uint64_t serial;
	unsigned answers;               /* to requests that were sent once, and how long the last took */
	uint64_t rtt_ms;
	uint64_t retry_ms, backoff_ms;  /* next attempt; UINT64_MAX: none planned */
	uint64_t alive_ms;
	struct ike_guard *guard;
	bool own_guard;
	char why[IKE_WHY];              /* the last SA ended */
	uint8_t plain[IKE_IN_MAX], inner[IKE_OUT_MAX], outer[2 * IKE_OUT_MAX];
};

/* A message that was accepted, or for timers only the time. */
struct ike_sa_msg {
	const struct ike_header *h;
	struct cw_span raw;
	const struct ike_way *way;      /* it took; our answer goes back on it */
	const struct ike_in *in;
	uint64_t now_ms;
};

/* ---- ike_sa.c ---- */
/* A new SA of K, in its list, in state INIT_SENT or HALF_OPEN. CW_E_LIMIT when there are too many. */
CW_NODISCARD int ike_sa_new(struct ike *k, bool initiator, const struct cw_endpoint *local,
			    const struct cw_endpoint *remote, uint64_t now_ms, struct ike_sa **ret_sa);
/* The SA that takes the place of OLD, in state UP. SA, nonces, SPIs and the secret are those of the exchange. */
CW_NODISCARD int ike_sa_new_rekeyed(const struct ike_sa *old, const struct ike_sa *parts, struct cw_span secret,
				    uint64_t now_ms, struct ike_sa **ret_sa);
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
/* Sends a message, or the fragments of one, each with its header. */
void ike_sa_send(struct ike_sa *sa, const struct ike_way *way, const void *msg, size_t size);

void ike_sa_event(struct ike_sa *sa, enum ike_sa_event ev, const struct ike_sa_msg *m);
/* A message with the SPIs of this SA. */
void ike_sa_input(struct ike_sa *sa, const struct ike_way *way, const struct ike_header *h, struct cw_span raw,
		  uint64_t now_ms);
void ike_sa_tick(struct ike_sa *sa, uint64_t now_ms);
uint64_t ike_sa_next_ms(const struct ike_sa *sa);
/* Deletes the SA, as soon as its request under way is answered. */
void ike_sa_quit(struct ike_sa *sa, uint64_t now_ms, const char *why);
/* Tells the peer once, ends at once. */
void ike_sa_leave(struct ike_sa *sa, const char *why);
/* Ends without a word. */
void ike_sa_drop(struct ike_sa *sa, uint64_t now_ms, const char *why);

/* An SPI that no SA of K has. */
uint64_t ike_sa_fresh_spi(const struct ike *k);

/* ---- ike_csa.c: children ---- */
CW_NODISCARD int ike_csa_new(uint32_t spi_in, uint32_t spi_out, uint64_t rekey_ms, struct ike_csa **ret_csa);
void ike_csa_add(struct ike_sa *sa, struct ike_csa *c);
struct ike_csa *ike_csa_find(const struct ike_sa *sa, uint32_t spi_in);
/* By the SPI that the peer gave, on any SA of the family; RET_HOME is the SA it lives on. */
struct ike_csa *ike_csa_find_out(const struct ike_sa *sa, uint32_t spi_out, struct ike_sa **ret_home);
/* The newest that is in use. */
struct ike_csa *ike_csa_up(const struct ike_sa *sa);
size_t ike_csa_count(const struct ike_sa *sa);
void ike_csa_replaced(struct ike_csa *c, uint64_t now_ms);
void ike_csa_condemn(struct ike_sa *sa, struct ike_csa *c);
/* Takes it down and frees it. */
void ike_csa_drop(struct ike_sa *sa, struct ike_csa *c);
void ike_csa_drop_all(struct ike_sa *sa);
void ike_csa_free_all(struct ike_sa *sa);       /* silent */
/* A child has gone, or did not come: if there is none and none is on its way, the SA is of no use. */
void ike_csa_gone(struct ike_sa *sa, uint64_t now_ms, const char *why);
/* All children of FROM move to TO. */
void ike_csa_inherit(struct ike_sa *to, struct ike_sa *from, uint64_t now_ms);
/* The newest SA of the family of SA that is up, other than SA, or NULL. */
struct ike_sa *ike_csa_heir(const struct ike_sa *sa);
/* Another SA of the family waits to hear whether it was rekeyed. */
bool ike_csa_family_busy(const struct ike_sa *sa);

/* ---- ike_work.c: what an SA does of itself ---- */
/* When to replace what begins now and may become AGE_MS old. */
uint64_t ike_work_age(const struct ike *k, uint64_t age_ms, uint64_t now_ms);
/* When the next work of SA begins, UINT64_MAX for not as things are. */
uint64_t ike_work_next_ms(const struct ike_sa *sa);
void ike_work_run(struct ike_sa *sa, uint64_t now_ms);
/* Forgets our request. */
void ike_work_clear(struct ike_sa *sa);
/* Was the lower nonce of ours the lowest of the four (s2.8.1)? */
bool ike_work_lost(const struct ike_work *w, const struct ike_nonce *nr);
const struct ike_nonce *ike_work_lower(const struct ike_nonce *a, const struct ike_nonce *b);
int ike_work_nonce_cmp(const struct ike_nonce *a, const struct ike_nonce *b);
/* After TEMPORARY_FAILURE: when to try again; UINT64_MAX when it was too often, and a new pair of SAs is wanted. */
uint64_t ike_work_again(struct ike *k, unsigned *failures, uint64_t now_ms);

/* ---- ike.c: what an SA tells its peer ---- */
void ike_on_up(struct ike *k, struct ike_sa *sa, uint64_t now_ms);
/* The same once it has a child. */
void ike_on_child(struct ike *k, struct ike_sa *sa, uint64_t now_ms);
/* Wants a new pair of SAs in place of what is up. */
void ike_want_renewal(struct ike *k);
/* Is another SA than this up? */
bool ike_has_other_up(const struct ike *k, const struct ike_sa *sa);

#endif
