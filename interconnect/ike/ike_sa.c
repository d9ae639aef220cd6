/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ike_sa.c - the object, its rows, and the way of a message from bytes to event.
 *
 * Implements: RFC 7296 s2.1, s2.2, s2.4, s2.5, s2.11, s2.21.
 */
#include "interconnect/ike/ike_sa.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/log.h"
#include "interconnect/base/mem.h"
#include "interconnect/base/rand.h"
#include "interconnect/ike/ike_suite.h"
#include "interconnect/ike/ike_task.h"

CW_LOG_MODULE(ike_sa);

/* ---- life ---- */

/* The oldest of those that only linger makes room. */
static bool make_room(struct ike *k)
{
	struct ike_sa **p, **lingering = NULL, *sa;
	size_t n = 0;

	for (p = &k->sas; *p; p = &(*p)->next, n++)
		if ((*p)->state == IKE_SA_LINGER)
			lingering = p;          /* new ones stand in front */
	if (n < IKE_SA_MAX)
		return true;
	if (!lingering)
		return false;
	sa = *lingering;
	*lingering = sa->next;
	ike_sa_free(sa);
	return true;
}

uint64_t ike_sa_fresh_spi(const struct ike *k)
{
	const struct ike_sa *sa;
	uint64_t spi;

	do {
		spi = cw_rand_u64();
		for (sa = k->sas; sa && sa->spi_i != spi && sa->spi_r != spi; sa = sa->next)
			;
	} while (spi == 0 || sa);
	return spi;
}

int ike_sa_new(struct ike *k, bool initiator, const struct cw_endpoint *local, const struct cw_endpoint *remote,
	       uint64_t now_ms, struct ike_sa **ret_sa)
{
	struct ike_sa *sa;
	struct ike_nonce *own;
	int r;

	/* Strangers fill up their room, not ours: of our own attempts there is one at a time. */
	if (!initiator && !make_room(k))
		return CW_E_LIMIT;
	sa = calloc(1, sizeof *sa);
	if (!sa)
		return -ENOMEM;
	if (!initiator && (r = ike_guard_opened(k->guard, &remote->ip, now_ms)) < 0) {
		free(sa);
		return r;
	}
	if (!initiator)
		sa->guarded = remote->ip;
	sa->peer = k;
	sa->initiator = initiator;
	sa->way = sa->esp_way = (struct ike_way){ *local, *remote };
	sa->first = initiator;
	sa->state = initiator ? IKE_SA_INIT_SENT : IKE_SA_HALF_OPEN;
	sa->expire_ms = initiator ? UINT64_MAX : now_ms + IKE_HALF_OPEN_MS;
	sa->heard_ms = now_ms;
	sa->begin_serial = sa->family = ++k->serial;
	sa->rekey_ms = UINT64_MAX;
	*(initiator ? &sa->spi_i : &sa->spi_r) = ike_sa_fresh_spi(k);
	own = initiator ? &sa->ni : &sa->nr;
	own->size = IKE_NONCE_SIZE;
	cw_rand_bytes(own->b, own->size);
	sa->next = k->sas;
	k->sas = sa;
	*ret_sa = sa;
	return 0;
}

/* From SECRET, or, rekeyed, from it and the keys OLD. */
static int derive(struct ike_sa *sa, const struct ike_keys *old, struct cw_span secret)
{
	const struct ike_suite *suite = &sa->suite;

	return old ? ike_keys_rekey(old, suite, &sa->ni, &sa->nr, sa->spi_i, sa->spi_r, secret, sa->keys)
		   : ike_keys_derive(suite, &sa->ni, &sa->nr, sa->spi_i, sa->spi_r, secret, sa->keys);
}

static void tell_keys(const struct ike_sa *sa)
{
	const struct ike *k = sa->peer;
	struct ike_keylog l = {
		.aead = sa->keys->aead, .spi = { sa->spi_i, sa->spi_r }, .key_size = ike_suite_keymat(sa->keys->aead),
	};

	if (!k->ops->keylog)
		return;
	memcpy(l.key[0], sa->keys->ei, l.key_size);
	memcpy(l.key[1], sa->keys->er, l.key_size);
	k->ops->keylog(k->ctx, &l);
	cw_mem_wipe(&l, sizeof l);
}

static int set_keys(struct ike_sa *sa, const struct ike_keys *old, struct cw_span secret)
{
	const struct ike_suite *suite = &sa->suite;
	int r;

	sa->keys = cw_mem_secret(sizeof *sa->keys);
	if (!sa->keys)
		return -ENOMEM;
	if ((r = derive(sa, old, secret)) < 0 ||
	    (r = ike_sk_init(&sa->in, suite->aead, sa->initiator ? sa->keys->er : sa->keys->ei)) < 0 ||
	    (r = ike_sk_init(&sa->out, suite->aead, sa->initiator ? sa->keys->ei : sa->keys->er)) < 0)
		return r;
	tell_keys(sa);
	return 0;
}

int ike_sa_set_keys(struct ike_sa *sa, struct cw_span secret)
{
	return set_keys(sa, NULL, secret);
}

/* It is authenticated through the keys of the old one, and what that one had of the PPK is in them. */
int ike_sa_new_rekeyed(const struct ike_sa *old, const struct ike_sa *parts, struct cw_span secret, uint64_t now_ms,
		       struct ike_sa **ret_sa)
{
	struct ike *k = old->peer;
	struct ike_sa *sa = calloc(1, sizeof *sa);
	int r;

	if (!sa)
		return -ENOMEM;
	/* The peer is who he is, and gets his SA; but what it replaced does not pile up. */
	(void)make_room(k);
	*sa = (struct ike_sa){
		.peer = k, .state = IKE_SA_UP, .initiator = parts->initiator,
		.spi_i = parts->spi_i, .spi_r = parts->spi_r,
		.ni = parts->ni, .nr = parts->nr, .suite = parts->suite, .esp = old->esp,
		.way = old->way, .esp_way = old->esp_way, .mobike = old->mobike, .first = old->first, .nat_us = old->nat_us,
		.nat_peer = old->nat_peer, .n_peer_also = old->n_peer_also, .ppk = old->ppk, .fragments = old->fragments, .family = old->family,
		.up_ms = now_ms, .heard_ms = now_ms, .expire_ms = UINT64_MAX,
		.rekey_ms = ike_work_age(k, k->conf.rekey_ike_ms, now_ms),
	};
	sa->mob.todo = old->mob.todo | old->mob.asked;
	memcpy(sa->peer_also, old->peer_also, sizeof sa->peer_also);
	if ((r = set_keys(sa, old->keys, secret)) < 0) {
		ike_sa_free(sa);
		return r;
	}
	sa->begin_serial = ++k->serial;
	sa->up_serial = ++k->serial;
	sa->next = k->sas;
	k->sas = sa;
	*ret_sa = sa;
	cw_log(INFO, k->conf.name,
	       "IKE SA %016" PRIx64 "_i %016" PRIx64 "_r rekeyed: %016" PRIx64 "_i %016" PRIx64 "_r", old->spi_i, old->spi_r, sa->spi_i, sa->spi_r);
	return 0;
}

/* It is not half open any more. */
static void unguard(struct ike_sa *sa)
{
	if (sa->guarded.family)
		ike_guard_closed(sa->peer->guard, &sa->guarded);
	sa->guarded.family = 0;
}

void ike_sa_free(struct ike_sa *sa)
{
	if (!sa)
		return;
	unguard(sa);
	ike_csa_free_all(sa);
	ike_work_clear(sa);
	ike_exch_fini(&sa->x);
	ike_frag_drop(&sa->frag[0]);
	ike_frag_drop(&sa->frag[1]);
	ike_sk_fini(&sa->in);
	ike_sk_fini(&sa->out);
	cw_dh_free(sa->dh);
	cw_mem_free_secret(sa->keys, sizeof *sa->keys);
	cw_mem_free_secret(sa->mixed, sizeof *sa->mixed);
	free(sa->own_init.p);
	free(sa->peer_init.p);
	free(sa);
}

const char *ike_sa_state_name(enum ike_sa_state s)
{
	static const char *const names[] = {
#define STATE_NAME(name) #name,
		IKE_SA_STATES(STATE_NAME)
#undef STATE_NAME
	};

	return s < IKE_SA_STATE_N ? names[s] : "?";
}

static const char *event_name(enum ike_sa_event ev)
{
	static const char *const names[] = {
#define EVENT_NAME(name) #name,
		IKE_SA_EVENTS(EVENT_NAME)
#undef EVENT_NAME
	};

	return ev < IKE_EV_N ? names[ev] : "?";
}

bool ike_sa_is_up(const struct ike_sa *sa)
{
	return sa->state == IKE_SA_UP && sa->children && !sa->quit;
}

void ike_sa_why(struct ike_sa *sa, const char *fmt, ...)
{
	va_list args;

	if (sa->why[0])
		return;
	va_start(args, fmt);
	vsnprintf(sa->why, sizeof sa->why, fmt, args);
	va_end(args);
}

int ike_sa_keep(struct ike_blob *b, const void *p, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		return -ENOMEM;
	if (size)
		memcpy(copy, p, size);
	free(b->p);
	*b = (struct ike_blob){ copy, size };
	return 0;
}

/* ---- messages out ---- */

struct ike_out ike_sa_inner(struct ike_sa *sa)
{
	return ike_msg_begin(sa->peer->inner, sizeof sa->peer->inner, NULL);
}

void ike_sa_send(struct ike_sa *sa, const struct ike_way *way, const void *msg, size_t size)
{
	struct cw_span rest = { msg, size };
	struct ike_header h;

	/* Each says how long it is; we made them. */
	while (rest.size > 0) {
		(void)!ike_msg_header(rest.p, rest.size, &h);
		if (h.length < IKE_HEADER || h.length > rest.size)
			return;
		sa->peer->ops->send(sa->peer->ctx, &way->local, &way->remote, rest.p, h.length);
		rest = (struct cw_span){ (const uint8_t *)rest.p + h.length, rest.size - h.length };
	}
}

static struct ike_header header(const struct ike_sa *sa, uint8_t exchange, uint32_t id, bool response)
{
	uint8_t flags = (uint8_t)((sa->initiator ? IKE_FLAG_I : 0) | (response ? IKE_FLAG_R : 0));

	return (struct ike_header){ .spi_i = sa->spi_i, .spi_r = sa->spi_r, .exchange = exchange, .flags = flags,
				    .id = id };
}

/* Seals to K's outer buffer: the size, or an error. */
static int seal(struct ike_sa *sa, const struct ike_header *h, const struct ike_out *inner)
{
	struct ike *k = sa->peer;
	size_t max = sa->fragments ? k->conf.message_max : SIZE_MAX;
	int size = ike_sk_seal_parts(&sa->out, h, inner, max, k->outer, sizeof k->outer);

	cw_log(DEBUG, k->conf.name, "%s %s %u to the peer: %d bytes", ike_msg_exchange_name(h->exchange),
	       ike_msg_is_response(h) ? "response" : "request", h->id, size);
	return size;
}

int ike_sa_request(struct ike_sa *sa, uint8_t exchange, const struct ike_out *inner, uint64_t now_ms)
{
	struct ike_header h = header(sa, exchange, sa->x.out_id, false);
	int size, r;

	if (sa->x.request)
		return CW_E_STATE;
	if ((size = seal(sa, &h, inner)) < 0)
		return size;
	if ((r = ike_exch_requested(&sa->x, sa->peer->outer, (size_t)size, now_ms)) < 0)
		return r;
	sa->asked = exchange;
	ike_sa_send(sa, &sa->way, sa->peer->outer, (size_t)size);
	return 0;
}

int ike_sa_answer(struct ike_sa *sa, const struct ike_sa_msg *m, const struct ike_out *inner)
{
	struct ike_header h = header(sa, m->h->exchange, m->h->id, true);
	int size, r;

	if ((size = seal(sa, &h, inner)) < 0)
		return size;
	if ((r = ike_exch_answered(&sa->x, sa->peer->outer, (size_t)size)) < 0)
		return r;
	ike_sa_send(sa, m->way, sa->peer->outer, (size_t)size);
	return 0;
}

int ike_sa_answer_notify(struct ike_sa *sa, const struct ike_sa_msg *m, uint16_t type, const void *data, size_t size)
{
	struct ike_out o = ike_sa_inner(sa);

	ike_pld_put_notify(&o, type, data, size);
	return ike_sa_answer(sa, m, &o);
}

/* ---- events ---- */

static const struct row {
	enum ike_sa_state state;
	enum ike_sa_event event;
	int (*act)(struct ike_sa *sa, const struct ike_sa_msg *m);
	enum ike_sa_state good, bad;
} rows[] = {
	{ IKE_SA_INIT_SENT, IKE_EV_INIT_RESPONSE, ike_task_init_response, IKE_SA_AUTH_SENT, IKE_SA_DEAD },
	{ IKE_SA_INIT_SENT, IKE_EV_INIT_REFUSAL, ike_task_init_refusal, IKE_SA_INIT_SENT, IKE_SA_DEAD },
	{ IKE_SA_INIT_SENT, IKE_EV_GIVE_UP, NULL, IKE_SA_DEAD, IKE_SA_DEAD },

	{ IKE_SA_AUTH_SENT, IKE_EV_AUTH_RESPONSE, ike_task_auth_response, IKE_SA_UP, IKE_SA_DELETING },
	{ IKE_SA_AUTH_SENT, IKE_EV_AUTH_REFUSAL, ike_task_auth_refusal, IKE_SA_DEAD, IKE_SA_DEAD },
	{ IKE_SA_AUTH_SENT, IKE_EV_BAD_RESPONSE, NULL, IKE_SA_DELETING, IKE_SA_DELETING },
	{ IKE_SA_AUTH_SENT, IKE_EV_GIVE_UP, NULL, IKE_SA_DEAD, IKE_SA_DEAD },

	{ IKE_SA_HALF_OPEN, IKE_EV_AUTH_REQUEST, ike_task_auth_request, IKE_SA_UP, IKE_SA_LINGER },
	{ IKE_SA_HALF_OPEN, IKE_EV_AUTH_CHILDLESS, ike_task_auth_request, IKE_SA_UP, IKE_SA_LINGER },
	{ IKE_SA_HALF_OPEN, IKE_EV_AUTH_NO_AUTH, ike_task_auth_no_auth, IKE_SA_LINGER, IKE_SA_LINGER },
	{ IKE_SA_HALF_OPEN, IKE_EV_BAD_REQUEST, ike_task_info_bad, IKE_SA_LINGER, IKE_SA_LINGER },
	{ IKE_SA_HALF_OPEN, IKE_EV_CRITICAL_REQUEST, ike_task_info_critical, IKE_SA_LINGER, IKE_SA_LINGER },
	{ IKE_SA_HALF_OPEN, IKE_EV_EXPIRED, NULL, IKE_SA_DEAD, IKE_SA_DEAD },

	{ IKE_SA_UP, IKE_EV_INFO_REQUEST, ike_task_info_request, IKE_SA_UP, IKE_SA_UP },
	{ IKE_SA_UP, IKE_EV_INFO_RESPONSE, ike_task_info_response, IKE_SA_UP, IKE_SA_DELETING },
	{ IKE_SA_UP, IKE_EV_END_REQUEST, ike_task_info_end, IKE_SA_LINGER, IKE_SA_LINGER },
	{ IKE_SA_UP, IKE_EV_CHILD_REQUEST, ike_task_create_request, IKE_SA_UP, IKE_SA_UP },
	{ IKE_SA_UP, IKE_EV_REKEY_REQUEST, ike_task_rekey_request, IKE_SA_REKEYED, IKE_SA_UP },
	{ IKE_SA_UP, IKE_EV_CREATE_RESPONSE, ike_task_create_response, IKE_SA_UP, IKE_SA_UP },
	{ IKE_SA_UP, IKE_EV_CREATE_REFUSAL, ike_task_create_refusal, IKE_SA_UP, IKE_SA_UP },
	{ IKE_SA_UP, IKE_EV_SUCCEEDED, NULL, IKE_SA_REKEYED, IKE_SA_REKEYED },
	{ IKE_SA_UP, IKE_EV_BAD_REQUEST, ike_task_info_bad, IKE_SA_LINGER, IKE_SA_LINGER },
	{ IKE_SA_UP, IKE_EV_CRITICAL_REQUEST, ike_task_info_critical, IKE_SA_UP, IKE_SA_UP },
	{ IKE_SA_UP, IKE_EV_BAD_RESPONSE, NULL, IKE_SA_DELETING, IKE_SA_DELETING },
	{ IKE_SA_UP, IKE_EV_QUIT, NULL, IKE_SA_DELETING, IKE_SA_DELETING },
	{ IKE_SA_UP, IKE_EV_EXPIRED, NULL, IKE_SA_DELETING, IKE_SA_DELETING },
	{ IKE_SA_UP, IKE_EV_GIVE_UP, NULL, IKE_SA_DEAD, IKE_SA_DEAD },

	{ IKE_SA_REKEYED, IKE_EV_INFO_REQUEST, ike_task_info_request, IKE_SA_REKEYED, IKE_SA_REKEYED },
	{ IKE_SA_REKEYED, IKE_EV_INFO_RESPONSE, NULL, IKE_SA_REKEYED, IKE_SA_REKEYED },
	{ IKE_SA_REKEYED, IKE_EV_END_REQUEST, ike_task_info_end, IKE_SA_LINGER, IKE_SA_LINGER },
	{ IKE_SA_REKEYED, IKE_EV_CHILD_REQUEST, ike_task_info_busy, IKE_SA_REKEYED, IKE_SA_REKEYED },
	{ IKE_SA_REKEYED, IKE_EV_REKEY_REQUEST, ike_task_info_busy, IKE_SA_REKEYED, IKE_SA_REKEYED },
	{ IKE_SA_REKEYED, IKE_EV_BAD_REQUEST, ike_task_info_bad, IKE_SA_LINGER, IKE_SA_LINGER },
	{ IKE_SA_REKEYED, IKE_EV_CRITICAL_REQUEST, ike_task_info_critical, IKE_SA_REKEYED, IKE_SA_REKEYED },
	{ IKE_SA_REKEYED, IKE_EV_BAD_RESPONSE, NULL, IKE_SA_DELETING, IKE_SA_DELETING },
	{ IKE_SA_REKEYED, IKE_EV_EXPIRED, NULL, IKE_SA_DELETING, IKE_SA_DELETING },
	{ IKE_SA_REKEYED, IKE_EV_GIVE_UP, NULL, IKE_SA_DEAD, IKE_SA_DEAD },

	{ IKE_SA_DELETING, IKE_EV_INFO_REQUEST, ike_task_info_request, IKE_SA_DELETING, IKE_SA_DELETING },
	{ IKE_SA_DELETING, IKE_EV_END_REQUEST, ike_task_info_end, IKE_SA_LINGER, IKE_SA_LINGER },
	{ IKE_SA_DELETING, IKE_EV_CHILD_REQUEST, ike_task_info_busy, IKE_SA_DELETING, IKE_SA_DELETING },
	{ IKE_SA_DELETING, IKE_EV_REKEY_REQUEST, ike_task_info_busy, IKE_SA_DELETING, IKE_SA_DELETING },
	{ IKE_SA_DELETING, IKE_EV_BAD_REQUEST, ike_task_info_bad, IKE_SA_LINGER, IKE_SA_LINGER },
	{ IKE_SA_DELETING, IKE_EV_CRITICAL_REQUEST, ike_task_info_critical, IKE_SA_DELETING, IKE_SA_DELETING },
	{ IKE_SA_DELETING, IKE_EV_INFO_RESPONSE, NULL, IKE_SA_DEAD, IKE_SA_DEAD },
	{ IKE_SA_DELETING, IKE_EV_BAD_RESPONSE, NULL, IKE_SA_DEAD, IKE_SA_DEAD },
	{ IKE_SA_DELETING, IKE_EV_GIVE_UP, NULL, IKE_SA_DEAD, IKE_SA_DEAD },

	{ IKE_SA_LINGER, IKE_EV_EXPIRED, NULL, IKE_SA_DEAD, IKE_SA_DEAD },
};

static const struct row *find_row(enum ike_sa_state state, enum ike_sa_event ev)
{
	for (size_t i = 0; i < CW_COUNT(rows); i++)
		if (rows[i].state == state && rows[i].event == ev)
			return &rows[i];
	return NULL;
}

/* Nothing of the SA is left but its answer. */
static void end(struct ike_sa *sa, uint64_t now_ms)
{
	struct ike_sa *heir = ike_csa_heir(sa);
	struct ike *k = sa->peer;

	ike_exch_withdraw(&sa->x);
	ike_work_clear(sa);
	ike_sa_why(sa, "it took too long");
	if (heir)
		ike_csa_inherit(heir, sa, now_ms);
	ike_csa_drop_all(sa);
	if (sa->up_serial)
		cw_log(INFO, k->conf.name, "IKE SA %016" PRIx64 "_i %016" PRIx64 "_r ended: %s", sa->spi_i, sa->spi_r,
		       sa->why);
	else
		cw_log_rl(WARN, k->conf.name, 0, "no IKE SA: %s", sa->why);
	memcpy(k->why, sa->why, sizeof k->why);
}

static void set_state(struct ike_sa *sa, enum ike_sa_state next, uint64_t now_ms)
{
	enum ike_sa_state old = sa->state;

	if (next == old)
		return;
	unguard(sa);
	sa->state = next;
	sa->expire_ms = UINT64_MAX;
	if (next == IKE_SA_UP) {
		if (!sa->children)
			sa->expire_ms = now_ms + (sa->childless ? IKE_CHILD_WAIT_MS : IKE_CHILDLESS_MS);
		sa->up_ms = now_ms;
		sa->rekey_ms = ike_work_age(sa->peer, sa->peer->conf.rekey_ike_ms, now_ms);
		sa->up_serial = ++sa->peer->serial;
		ike_on_up(sa->peer, sa, now_ms);
	} else if (next == IKE_SA_REKEYED) {
		ike_sa_why(sa, "rekeyed");
		ike_work_clear(sa);
		sa->expire_ms = now_ms + IKE_REPLACED_MS;
	} else if (next == IKE_SA_DELETING) {
		struct ike_sa_msg m = { .now_ms = now_ms };

		if (ike_task_info_delete(sa, &m) < 0)
			set_state(sa, IKE_SA_DEAD, now_ms);
	} else if (next == IKE_SA_LINGER) {
		sa->expire_ms = now_ms + IKE_LINGER_MS;
		end(sa, now_ms);
	} else if (next == IKE_SA_DEAD && old != IKE_SA_LINGER) {
		end(sa, now_ms);
	}
}

void ike_sa_event(struct ike_sa *sa, enum ike_sa_event ev, const struct ike_sa_msg *m)
{
	const struct row *row = find_row(sa->state, ev);
	enum ike_sa_state old = sa->state;
	int r;

	if (!row) {
		cw_stat_inc(sa->peer->stat, CW_STAT_IKE_REJECTED);
		cw_log(DEBUG, sa->peer->conf.name, "%s in state %s: dropped", event_name(ev), ike_sa_state_name(old));
		return;
	}
	r = row->act ? row->act(sa, m) : 0;
	if (r != IKE_SA_STAY)
		set_state(sa, r < 0 ? row->bad : row->good, m->now_ms);
	cw_log(DEBUG, sa->peer->conf.name, "%s --%s--> %s", ike_sa_state_name(old), event_name(ev),
	       ike_sa_state_name(sa->state));
}

/* ---- messages in ---- */

static void malformed(struct ike_sa *sa, const struct ike_header *h, int r)
{
	cw_stat_inc(sa->peer->stat, CW_STAT_IKE_MALFORMED);
	cw_log_r(DEBUG, sa->peer->conf.name, r, "%s dropped", ike_msg_exchange_name(h->exchange));
}

static void rejected(struct ike_sa *sa)
{
	cw_stat_inc(sa->peer->stat, CW_STAT_IKE_REJECTED);
}

static struct cw_cur body_of(struct cw_span raw)
{
	struct cw_cur c = cw_cur_of(raw.p, raw.size);

	cw_cur_skip(&c, IKE_HEADER);
	return c;
}

static void log_message(const struct ike_sa *sa, const struct ike_header *h, const struct ike_in *in, int r)
{
	cw_log_r(DEBUG, sa->peer->conf.name, r, "%s %s %u from the peer: %zu payloads",
		 ike_msg_exchange_name(h->exchange), ike_msg_is_response(h) ? "response" : "request", h->id,
		 in->n_payloads);
}

/* The answer to our IKE_SA_INIT: not authenticated, so what is wrong is as if it had not come. */
static void input_clear(struct ike_sa *sa, const struct ike_sa_msg *m, struct ike_in *in)
{
	enum ike_kind kind;
	uint8_t pld;
	int r;

	if (!ike_msg_is_response(m->h) || (m->h->flags & IKE_FLAG_I) || !sa->initiator ||
	    sa->state != IKE_SA_INIT_SENT || !ike_exch_expects(&sa->x, m->h->id)) {
		rejected(sa);
		return;
	}
	if ((r = ike_pld_read(m->h->next, body_of(m->raw), in)) < 0 || (r = ike_rules_kind(m->h, in, &kind)) < 0 ||
	    (r = ike_rules_check(kind, in, &pld)) < 0 || (r = in->critical ? CW_E_UNSUPPORTED : 0) < 0) {
		malformed(sa, m->h, r);
		return;
	}
	log_message(sa, m->h, in, 0);
	ike_sa_event(sa, (enum ike_sa_event)kind, m);
}

static struct ike_frag *frag_of(struct ike_sa *sa, const struct ike_sa_msg *m)
{
	return &sa->frag[ike_msg_is_response(m->h)];
}

static bool is_repeated(const struct ike_sa *sa, const struct ike_sa_msg *m)
{
	return !ike_msg_is_response(m->h) && ike_exch_kind(&sa->x, m->h->id) == IKE_EXCH_REPEATED;
}

/* Looks from outside: may this message be for us now, and what is it? */
static int check_outside(struct ike_sa *sa, const struct ike_sa_msg *m, struct ike_in *ret_outer)
{
	bool response = ike_msg_is_response(m->h);
	const struct ike_in *outer = ret_outer;
	uint8_t pld;
	int r;

	if (!sa->in.aead || !(m->h->flags & IKE_FLAG_I) != sa->initiator || m->h->exchange < IKE_AUTH ||
	    m->h->exchange > IKE_INFORMATIONAL)
		return CW_E_STATE;
	if (response ? !ike_exch_expects(&sa->x, m->h->id) || sa->asked != m->h->exchange
		     : ike_exch_kind(&sa->x, m->h->id) == IKE_EXCH_OUTSIDE)
		return CW_E_REPLAY;
	if ((r = ike_pld_read(m->h->next, body_of(m->raw), ret_outer)) < 0 ||
	    (r = ike_rules_check(outer->frag_total ? IKE_KIND_FRAGMENT : IKE_KIND_SEALED, outer, &pld)) < 0)
		return r;
	if (outer->frag_total == 0)
		return 0;
	if (!sa->fragments)
		return CW_E_STATE;
	/* RFC 7383 s2.6.1: of a request that was answered only the first fragment brings the answer again. */
	if (is_repeated(sa, m))
		return outer->frag_no == 1 ? 0 : CW_E_REPLAY;
	return ike_frag_wants(frag_of(sa, m), m->h->id, outer->frag_no, outer->frag_total) ? 0 : CW_E_REPLAY;
}

/* The SIZE decrypted bytes in K's buffer are what OUTER says of the message. 1: it is whole, in the same place. */
static int collect(struct ike_sa *sa, const struct ike_sa_msg *m, struct ike_in *outer, size_t *size)
{
	struct ike_frag *f = frag_of(sa, m);
	struct ike_frag_in in = {
		.id = m->h->id, .no = outer->frag_no, .total = outer->frag_total, .next = outer->sk_next,
		.critical = outer->critical, .p = sa->peer->plain, .size = *size,
	};
	int r;

	if (outer->frag_total == 0) {
		ike_frag_drop(f);               /* the peer's other try, in one piece */
		return 1;
	}
	if ((r = ike_frag_add(f, &in, m->now_ms)) <= 0)
		return r;
	outer->sk_next = f->next;
	outer->critical = f->critical;
	*size = ike_frag_join(f, sa->peer->plain);
	return 1;
}

/* What the payloads inside amount to. */
static enum ike_sa_event classify(struct ike_sa *sa, const struct ike_sa_msg *m, struct ike_in *in, uint8_t next,
				  size_t size, uint8_t critical)
{
	bool response = ike_msg_is_response(m->h);
	enum ike_kind kind = IKE_KIND_N;
	uint8_t pld = 0;
	int r;

	r = ike_pld_read(next, cw_cur_of(sa->peer->plain, size), in);
	if (critical)
		in->critical = critical;
	if (r == 0 && in->critical && !response)
		return IKE_EV_CRITICAL_REQUEST;
	if (r == 0 && in->critical)
		r = CW_E_UNSUPPORTED;
	if (r == 0 && (r = ike_rules_kind(m->h, in, &kind)) == 0)
		r = ike_rules_check(kind, in, &pld);
	log_message(sa, m->h, in, r);
	if (r == 0)
		return (enum ike_sa_event)kind;
	cw_stat_inc(sa->peer->stat, CW_STAT_IKE_MALFORMED);
	if (pld)
		cw_log_rl(WARN, sa->peer->conf.name, r, "%s of the peer: payload %s missing or one too many",
			  ike_rules_kind_name(kind), ike_pld_name(pld));
	return response ? IKE_EV_BAD_RESPONSE : IKE_EV_BAD_REQUEST;
}

/* Of what was sent more than once, nobody knows which was answered. */
static void note_rtt(const struct ike_sa *sa, uint64_t now_ms)
{
	struct ike *k = sa->peer;

	if (sa->x.tries != 1)
		return;
	k->rtt_ms = now_ms - (sa->x.due_ms - IKE_RESEND_FIRST_MS);
	k->answers++;
}

static void input_sealed(struct ike_sa *sa, const struct ike_sa_msg *m, struct ike_in *in)
{
	enum ike_sa_event ev;
	size_t size;
	int r = check_outside(sa, m, in);

	if (r == CW_E_STATE || r == CW_E_REPLAY) {
		rejected(sa);
		return;
	}
	if (r < 0 || (r = ike_sk_open(&sa->in, m->raw.p, in->sk, sa->peer->plain, &size)) < 0) {
		malformed(sa, m->h, r);
		return;
	}
	if (is_repeated(sa, m)) {
		cw_stat_inc(sa->peer->stat, CW_STAT_IKE_RETRANSMIT);
		ike_sa_send(sa, m->way, sa->x.answer, sa->x.answer_size);
		return;
	}
	sa->heard_ms = m->now_ms;       /* a repeated message proves no life: anybody can repeat it */
	if ((r = collect(sa, m, in, &size)) <= 0) {
		if (r < 0)
			malformed(sa, m->h, r);
		return;
	}
	ike_task_mobike_follow(sa, m);
	ev = classify(sa, m, in, in->sk_next, size, in->critical);
	if (find_row(sa->state, ev)) {
		if (ike_msg_is_response(m->h)) {
			note_rtt(sa, m->now_ms);
			ike_exch_over(&sa->x);
		}
		if (ev == IKE_EV_BAD_REQUEST || ev == IKE_EV_BAD_RESPONSE)
			ike_sa_why(sa, "the peer's %s made no sense", ike_msg_exchange_name(m->h->exchange));
	}
	ike_sa_event(sa, ev, m);
}

void ike_sa_input(struct ike_sa *sa, const struct ike_way *way, const struct ike_header *h, struct cw_span raw,
		  uint64_t now_ms)
{
	struct ike_in in;
	struct ike_sa_msg m = { .h = h, .raw = raw, .way = way, .in = &in, .now_ms = now_ms };

	if (h->exchange == IKE_SA_INIT)
		input_clear(sa, &m, &in);
	else
		input_sealed(sa, &m, &in);
}

/* ---- time ---- */

static uint64_t dpd_due_ms(const struct ike_sa *sa)
{
	const struct ike *k = sa->peer;

	if (k->conf.dpd_ms == 0 || sa->state != IKE_SA_UP || sa->x.request || sa->quit)
		return UINT64_MAX;
	return CW_MAX(sa->heard_ms, k->alive_ms) + k->conf.dpd_ms;
}

uint64_t ike_sa_next_ms(const struct ike_sa *sa)
{
	uint64_t next = CW_MIN(sa->expire_ms, ike_exch_next_ms(&sa->x));

	next = CW_MIN(next, ike_work_next_ms(sa));
	for (size_t i = 0; i < CW_COUNT(sa->frag); i++)
		next = CW_MIN(next, ike_frag_next_ms(&sa->frag[i]));
	return CW_MIN(next, dpd_due_ms(sa));
}

void ike_sa_tick(struct ike_sa *sa, uint64_t now_ms)
{
	struct ike_sa_msg m = { .now_ms = now_ms };

	switch (ike_exch_due(&sa->x, now_ms)) {
	case IKE_EXCH_QUIET:
		break;
	case IKE_EXCH_RESEND:
		cw_stat_inc(sa->peer->stat, CW_STAT_IKE_RETRANSMIT);
		ike_sa_send(sa, &sa->way, sa->x.request, sa->x.request_size);
		ike_task_mobike_resend(sa);
		break;
	case IKE_EXCH_GIVE_UP:
		ike_sa_why(sa, "the peer does not answer");
		ike_sa_event(sa, IKE_EV_GIVE_UP, &m);
		break;
	}
	for (size_t i = 0; i < CW_COUNT(sa->frag); i++)
		ike_frag_tick(&sa->frag[i], now_ms);
	if (now_ms >= sa->expire_ms)
		ike_sa_event(sa, IKE_EV_EXPIRED, &m);
	if (now_ms >= dpd_due_ms(sa) && ike_task_info_ping(sa, now_ms) < 0)
		ike_sa_drop(sa, now_ms, "no liveness check could be sent");
}

void ike_sa_quit(struct ike_sa *sa, uint64_t now_ms, const char *why)
{
	struct ike_sa_msg m = { .now_ms = now_ms };

	ike_sa_why(sa, "%s", why);
	sa->quit = true;
	if (sa->state == IKE_SA_UP && !sa->x.request)
		ike_sa_event(sa, IKE_EV_QUIT, &m);
}

void ike_sa_drop(struct ike_sa *sa, uint64_t now_ms, const char *why)
{
	ike_sa_why(sa, "%s", why);
	set_state(sa, IKE_SA_DEAD, now_ms);
}

void ike_sa_leave(struct ike_sa *sa, const char *why)
{
	struct ike_sa_msg m = { 0 };

	ike_sa_why(sa, "%s", why);
	if (sa->state == IKE_SA_UP || sa->state == IKE_SA_REKEYED) {
		if (sa->x.request)
			ike_exch_over(&sa->x);          /* no time to wait: the next id, once */
		if (ike_task_info_delete(sa, &m) < 0)
			cw_log(DEBUG, sa->peer->conf.name, "no Delete could be sent");
	}
	set_state(sa, IKE_SA_DEAD, 0);
}
