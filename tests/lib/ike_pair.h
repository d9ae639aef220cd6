/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ike_pair.h - two IKE peers in one process, with the network between them in the hands of the test.
 *
 * Side A has 192.0.2.1 and initiates, side B has 192.0.2.2 and waits. What they send stands in
 * a queue until the test delivers, drops, copies or changes it; the clock is the test's, too.
 * Whatever a test forgets to look at is looked at here: a child is only taken down if it was up,
 * no inbound SPI is used twice, and no timer lies in the past after its tick.
 */
#ifndef TEST_IKE_PAIR_H
#define TEST_IKE_PAIR_H

#include "interconnect/ike/ike_sa.h"
#include "interconnect/ike/ike_signer.h"

enum { PAIR_A, PAIR_B, PAIR_SIDES };
enum { PAIR_QUEUE = 256, PAIR_PACKET = 20000, PAIR_CHILDREN = 256, PAIR_KEYLOG = 8,
       PAIR_GRACE_MS = 3000 };

struct pair_child {
	struct ike_child c;
	bool up;
	bool idle;                      /* the side was told to send no more on it */
	bool orphan;                    /* the peer has forgotten it */
	bool proven;                    /* something came on it */
	uint64_t down_ms;
};

struct pair_packet {
	int to;                         /* side */
	struct cw_endpoint from, dst;
	uint8_t *p;                     /* a block of exactly this size */
	size_t size;
};

struct pair;

struct pair_side {
	struct pair *pair;
	int index;
	struct ike *k;
	struct ike_conf conf;
	struct ike_secret secret;       /* its identities are those of CONF at pair_start() */
	struct cw_stat stat;
	struct cw_endpoint at;          /* its own address */
	struct cw_endpoint seen_as;     /* where its packets seem to come from: a NAT may change it */
	struct pair_child child[PAIR_CHILDREN];
	size_t n_children;
	int refuse_child;               /* what child_up returns */
	enum ike_state state;
	char why[128];
	size_t n_states;                /* calls of state() */
	size_t n_sent;
	size_t n_unsent;                /* messages from an address that it has not got */
	size_t n_moved;                 /* calls of child_moved() */
	uint32_t next_spi;
	struct ike_keylog keylog[PAIR_KEYLOG];  /* the first ones */
	size_t n_keylog;
};

struct pair {
	struct pair_side side[PAIR_SIDES];
	struct pair_packet q[PAIR_QUEUE];
	size_t n;
	uint64_t now_ms;
	bool moving;                    /* packets to where a side is not seen are lost */
};

/* Both configurations as they usually are: PSK, aes256gcm16-prfsha384-ecp384, no ESN, no DPD. */
void pair_init(struct pair *p);
/* The same with X25519, which is fast. */
void pair_init_fast(struct pair *p);
/* The same with certificates of tests/vectors/certs by these names. */
void pair_init_certs(struct pair *p, const char *a, const char *b);
/* SIDE has a PPK, with this name and policy; KEY is borrowed. */
void pair_set_ppk(struct pair *p, int side, struct ike_ppk ppk, const uint8_t *key, size_t size);
/* Makes the peers from the configurations as they are now, and starts them; A's first message is in the queue. */
void pair_start(struct pair *p);
void pair_free(struct pair *p);
/* Ends one side as a crash would, and makes it again; it has not started yet. */
void pair_restart(struct pair *p, int side);

/* Delivers the first packet of the queue. */
void pair_step(struct pair *p);
/* Delivers until the queue is empty. */
void pair_run(struct pair *p);
void pair_drop(struct pair *p);
/* Delivers, or drops, the first packet that goes to this side. */
void pair_step_to(struct pair *p, int side);
void pair_drop_to(struct pair *p, int side);
size_t pair_n_to(const struct pair *p, int side);
/* Sends an ESP packet each way, on the child that a data plane takes: the newest that the peer surely has, else the newest.
 * Fails the test when the peer cannot open it: no child with this SPI and this key, or one that is gone for PAIR_GRACE_MS. */
void pair_esp(struct pair *p);
/* Drops all but the first. */
void pair_keep_first(struct pair *p);
/* Puts a copy of packet I at the end. */
void pair_copy(struct pair *p, size_t i);
/* Hands bytes to a side as if they came from the other, if it says that they are for it. */
bool pair_inject(struct pair *p, int to, const void *msg, size_t size);
/* Lets MS pass: all timers, all packets delivered at once. */
void pair_pass(struct pair *p, uint64_t ms);
/* The same, but all packets are lost. */
void pair_pass_lost(struct pair *p, uint64_t ms);

/* The payloads of packet I of the queue, decrypted with its sender's keys; and the packet made again from them. */
struct pair_payload {
	uint8_t type;
	bool critical;
	uint8_t body[4096];
	size_t size;
};

struct pair_message {
	struct pair_payload pld[80];
	size_t n;
};

void pair_open(struct pair *p, size_t i, struct pair_message *ret_m);
void pair_close(struct pair *p, size_t i, const struct pair_message *m);
/* Index of the first payload of this type, or of the notification; fails the test when there is none. */
size_t pair_find(const struct pair_message *m, uint8_t type);
bool pair_has_notify(const struct pair_message *m, uint16_t type);
/* A request by SIDE on its newest SA, of payloads that the test chose; in the queue. */
void pair_request(struct pair *p, int side, uint8_t exchange, const struct pair_message *m);
/* The first packet of the queue, a request, is answered by these payloads, and not by whom it goes to. */
void pair_answer(struct pair *p, const struct pair_message *m);
/* Adds a payload to a message. */
void pair_add(struct pair_message *m, uint8_t type, const void *body, size_t size);

/* Messages that a side dropped, malformed or rejected; its SAs, in whatever state. */
uint64_t pair_dropped(const struct pair *p, int side);
size_t pair_n_sas(const struct pair *p, int side);
size_t pair_n_up(const struct pair *p, int side);
/* Its SAs that do not only linger. */
size_t pair_n_live(const struct pair *p, int side);
/* Each side has exactly one child, and they fit: SPIs, keys, selectors. */
bool pair_is_joined(const struct pair *p);
/* The only child of a side. */
const struct ike_child *pair_child(const struct pair *p, int side);

/* Lines of the log since pair_init(): did any contain TEXT? */
bool pair_logged(const char *text);
/* How many did? */
size_t pair_log_count(const char *text);

#endif
