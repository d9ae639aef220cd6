/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ike_task_init.c - IKE_SA_INIT, both roles.
 *
 *   HDR, [N(COOKIE)], SA, KE, Ni, N(NATD) x 2, [N(SIGNATURE_HASH_ALGORITHMS)], [N(FRAGMENTATION_SUPPORTED)],
 *        [N(USE_PPK)], [N(CAUSEWAY_PATH)]  -->
 *                                   <--  HDR, N(COOKIE) | N(INVALID_KE_PAYLOAD) | N(other error)
 *                                   <--  HDR, SA, KE, Nr, N(NATD) x 2, [N(SIGNATURE_HASH_ALGORITHMS)], [N(USE_PPK)],
 *                                        [N(CAUSEWAY_PATH)], N(CHILDLESS_IKEV2_SUPPORTED), [CERTREQ]
 *
 * Implements: RFC 7296 s1.2, s1.3 (INVALID_KE_PAYLOAD), s2.6, s2.7, s2.10, s2.23; RFC 6023 s3; RFC 7427 s4.
 */
#include "interconnect/ike/ike_task.h"

#include <string.h>

#include "interconnect/base/log.h"
#include "interconnect/base/mem.h"
#include "interconnect/ike/ike_auth.h"

CW_LOG_MODULE(ike_init);

/* ---- what both roles write ---- */

static struct cw_cur body_of(struct cw_span raw)
{
	struct cw_cur body = cw_cur_of(raw.p, raw.size);

	cw_cur_skip(&body, IKE_HEADER);
	return body;
}

static void write_hashes(const struct ike *k, struct ike_out *o)
{
	struct cw_span hashes = ike_auth_hashes();

	if (k->conf.auth == IKE_AUTH_CERT)
		ike_pld_put_notify(o, IKE_N_SIGNATURE_HASH_ALGORITHMS, hashes.p, hashes.size);
}

/* RFC 7383 s2.3: the responder says so only if the initiator did. */
static void write_fragments(const struct ike_sa *sa, struct ike_out *o)
{
	if (sa->peer->conf.message_max && (sa->initiator || sa->fragments))
		ike_pld_put_notify(o, IKE_N_FRAGMENTATION_SUPPORTED, NULL, 0);
}

static void read_fragments(struct ike_sa *sa, const struct ike_in *in)
{
	sa->fragments = sa->peer->conf.message_max && ike_pld_notify(in, IKE_N_FRAGMENTATION_SUPPORTED);
}

/* ---- which of several struct ike with one peer: PROTOCOL.md ---- */

static void write_path(const struct ike *k, struct ike_out *o)
{
	uint8_t index[2] = { (uint8_t)(k->conf.path >> 8), (uint8_t)k->conf.path };

	if (k->conf.path >= 0)
		ike_pld_put_notify(o, IKE_N_CAUSEWAY_PATH, index, sizeof index);
}

static bool knows_path(const struct ike *k, struct cw_span raw, const struct ike_header *h)
{
	return k->conf.path >= 0 && ike_task_init_path(raw, h) == k->conf.path;
}

int ike_task_init_path(struct cw_span raw, const struct ike_header *h)
{
	struct ike_chain ch = { body_of(raw), h->next };
	struct ike_payload pld;

	for (unsigned n = 0; n < IKE_PLD_MAX && ike_msg_next(&ch, &pld) > 0; n++) {
		if (pld.type != IKE_PT_N || cw_cur_left(&pld.body) != 4 + 2)
			continue;
		cw_cur_skip(&pld.body, 2);
		if (cw_cur_u16(&pld.body) == IKE_N_CAUSEWAY_PATH)
			return cw_cur_u16(&pld.body);
	}
	return -1;
}

static int write_ke(struct ike_out *o, unsigned group, const struct cw_dh *dh)
{
	uint8_t pub[CW_DH_PUBLIC_MAX];
	int r;

	if ((r = cw_dh_public(dh, pub)) < 0)
		return r;
	ike_pld_ke(o, group, pub, cw_dh_public_size(group));
	return 0;
}

/* ---- what both roles read ---- */

static void read_hashes(struct ike_sa *sa, const struct ike_in *in)
{
	const struct ike_in_notify *n = ike_pld_notify(in, IKE_N_SIGNATURE_HASH_ALGORITHMS);

	for (unsigned hash = 1; n && hash < 64; hash++)
		if (ike_auth_knows_hash(n->data, hash))
			sa->peer_hashes |= UINT64_C(1) << hash;
}

/* s2.10: at least half the key of the PRF. */
static bool nonce_ok(const struct ike_suite *suite, struct cw_span nonce)
{
	return nonce.size >= IKE_NONCE_MIN && nonce.size * 2 >= cw_hash_size(suite->prf);
}

static void set_nonce(struct ike_nonce *n, struct cw_span nonce)
{
	memcpy(n->b, nonce.p, nonce.size);      /* ike_pld.c has seen to it that it fits */
	n->size = nonce.size;
}

/* Keys from the peer's public value; our half is used up. */
static int agree(struct ike_sa *sa, struct cw_span pub)
{
	uint8_t secret[CW_DH_SECRET_MAX];
	size_t size;
	int r = cw_dh_shared(sa->dh, pub.p, pub.size, secret, &size);

	if (r == 0)
		r = ike_sa_set_keys(sa, (struct cw_span){ secret, size });
	cw_mem_wipe(secret, sizeof secret);
	cw_dh_free(sa->dh);
	sa->dh = NULL;
	return r;
}

/* ---- initiator ---- */

int ike_task_init_send(struct ike_sa *sa, uint64_t now_ms)
{
	struct ike *k = sa->peer;
	struct ike_header h = { .spi_i = sa->spi_i, .exchange = IKE_SA_INIT, .flags = IKE_FLAG_I };
	struct ike_prop_policy policy = ike_prop_ike(&k->conf.ike);
	struct ike_out o = ike_msg_begin(k->outer, sizeof k->outer, &h);
	int size, r;

	if (!sa->group)
		sa->group = k->conf.ike.s[0].group;
	if (!sa->dh && (r = cw_dh_new(sa->group, &sa->dh)) < 0)
		return r;
	if (sa->cookie_size)
		ike_pld_put_notify(&o, IKE_N_COOKIE, sa->cookie, sa->cookie_size);
	ike_prop_write(&o, &policy, NULL, 0);
	if ((r = write_ke(&o, sa->group, sa->dh)) < 0)
		return r;
	ike_pld_bytes(&o, IKE_PT_NONCE, sa->ni.b, sa->ni.size);
	if ((r = ike_task_natd_write(k, &o, sa->spi_i, 0, &sa->way)) < 0)
		return r;
	write_hashes(k, &o);
	write_fragments(sa, &o);
	ike_task_ppk_offer(sa, &o);
	write_path(k, &o);
	if ((size = ike_msg_end(&o)) < 0)
		return size;
	ike_exch_withdraw(&sa->x);
	if ((r = ike_sa_keep(&sa->own_init, k->outer, (size_t)size)) < 0 ||
	    (r = ike_exch_requested(&sa->x, k->outer, (size_t)size, now_ms)) < 0)
		return r;
	cw_log(DEBUG, k->conf.name, "IKE_SA_INIT request 0 to the peer: %d bytes", size);
	ike_sa_send(sa, &sa->way, k->outer, (size_t)size);
	return 0;
}

static int refused(struct ike_sa *sa, int r, const char *why)
{
	ike_sa_why(sa, "IKE_SA_INIT: %s", why);
	return r;
}

static int agree_childless(struct ike_sa *sa, const struct ike_in *in)
{
	enum ike_childless c = sa->peer->conf.childless;

	sa->childless = c != IKE_CHILDLESS_NO && ike_pld_notify(in, IKE_N_CHILDLESS_IKEV2_SUPPORTED);
	if (c == IKE_CHILDLESS_FORCE && !sa->childless)
		return refused(sa, CW_E_UNSUPPORTED, "the peer does not make an IKE SA without child");
	return 0;
}

int ike_task_init_response(struct ike_sa *sa, const struct ike_sa_msg *m)
{
	struct ike *k = sa->peer;
	struct ike_prop_policy policy = ike_prop_ike(&k->conf.ike);
	struct ike_prop_choice choice;
	const struct ike_in *in = m->in;
	int r;

	if (m->h->spi_r == 0)
		return refused(sa, CW_E_MALFORMED, "the responder has no SPI");
	if ((r = ike_prop_accept(&policy, in->sa, &choice)) < 0)
		return refused(sa, r, "the peer chose what was not offered");
	sa->suite = k->conf.ike.s[choice.suite];
	/* Any but the group that we sent would be a choice that nobody made. */
	if (in->ke.group != sa->group || sa->suite.group != sa->group || !nonce_ok(&sa->suite, in->nonce))
		return refused(sa, CW_E_MALFORMED, "group or nonce of the peer do not fit");
	if ((r = ike_task_ppk_agree(sa, in)) < 0)
		return r;
	if ((r = agree_childless(sa, in)) < 0)
		return r;
	sa->path_known = knows_path(k, m->raw, m->h);
	sa->spi_r = m->h->spi_r;
	set_nonce(&sa->nr, in->nonce);
	(void)ike_task_natd_read(sa, in, sa->spi_i, sa->spi_r, m->way);
	read_hashes(sa, in);
	read_fragments(sa, in);
	if ((r = ike_sa_keep(&sa->peer_init, m->raw.p, m->raw.size)) < 0 || (r = agree(sa, in->ke.data)) < 0)
		return refused(sa, r, cw_strerror(r));
	ike_exch_over(&sa->x);
	if ((r = ike_task_auth_send(sa, m->now_ms)) < 0)
		return refused(sa, r, cw_strerror(r));
	return 0;
}

static bool offers_group(const struct ike *k, unsigned group)
{
	for (size_t i = 0; i < k->conf.ike.n; i++)
		if (k->conf.ike.s[i].group == group)
			return true;
	return false;
}

/* Another group of ours, for the same offer, nonce and cookie (s1.2, s2.6.1): AUTH covers that it was asked for. */
static int take_group(struct ike_sa *sa, const struct ike_in_notify *n)
{
	struct cw_cur c = cw_cur_of(n->data.p, n->data.size);
	unsigned group = cw_cur_u16(&c);

	if (cw_cur_done(&c) < 0 || group == sa->group || !offers_group(sa->peer, group))
		return CW_E_NO_PROPOSAL;
	cw_dh_free(sa->dh);
	sa->dh = NULL;
	sa->group = group;
	return 0;
}

static bool take_cookie(struct ike_sa *sa, const struct ike_in *in)
{
	const struct ike_in_notify *cookie = ike_pld_notify(in, IKE_N_COOKIE);

	if (!cookie || cookie->data.size == 0 || cookie->data.size > IKE_COOKIE_MAX)
		return false;
	memcpy(sa->cookie, cookie->data.p, cookie->data.size);
	sa->cookie_size = cookie->data.size;
	return true;
}

/* Cookie, or another group: the same again with it. All other answers end the attempt. */
int ike_task_init_refusal(struct ike_sa *sa, const struct ike_sa_msg *m)
{
	const struct ike_in_notify *error = ike_pld_error(m->in);
	int r;

	if (error && error->type == IKE_N_INVALID_KE_PAYLOAD) {
		if ((r = take_group(sa, error)) < 0)
			return refused(sa, r, "the peer wants a group that was not offered, or the same again");
	} else if (error) {
		ike_sa_why(sa, "the peer refused IKE_SA_INIT: %s", ike_pld_notify_name(error->type));
		return CW_E_NO_PROPOSAL;
	} else if (!take_cookie(sa, m->in)) {
		return IKE_SA_STAY;
	}
	if (++sa->rounds > IKE_INIT_ROUNDS_MAX)
		return refused(sa, CW_E_LIMIT, "the peer wants one cookie or group after the other");
	if ((r = ike_task_init_send(sa, m->now_ms)) < 0)
		return refused(sa, r, cw_strerror(r));
	return IKE_SA_STAY;
}

/* ---- responder ---- */

static void answer_notify(struct ike *k, const struct ike_way *way, const struct ike_header *h, uint16_t type,
			  const void *data, size_t size)
{
	uint8_t buf[IKE_HEADER + 8 + IKE_COOKIE_MAX];
	struct ike_header answer = { .spi_i = h->spi_i, .exchange = h->exchange, .id = h->id };
	struct ike_out o;
	int n;

	/* The initiator of the SA that is not there is the other side, whatever the message says. */
	answer.flags = IKE_FLAG_R;
	o = ike_msg_begin(buf, sizeof buf, &answer);
	ike_pld_put_notify(&o, type, data, size);
	n = ike_msg_end(&o);
	/* Whoever lends a stranger's address to his messages gets no more bytes to it than he spends himself. */
	if (n > 0 && (uint32_t)n <= h->length)
		k->ops->send(k->ctx, &way->local, &way->remote, buf, (size_t)n);
}

void ike_task_init_notify(struct ike *k, const struct ike_way *way, const struct ike_header *h, uint16_t type,
			  const void *data, size_t size, uint64_t now_ms)
{
	if (ike_guard_refusal(k->guard, &way->remote.ip, false, now_ms))
		answer_notify(k, way, h, type, data, size);
}

/* An IKE_SA_INIT request on its way through the checks. */
struct request {
	struct ike *k;
	const struct ike_way *way;
	const struct ike_header *h;
	struct cw_span raw;
	uint64_t now_ms;
	bool proven;                    /* its cookie is good */
	struct ike_in in;
	struct ike_prop_policy policy;
	struct ike_prop_choice choice;
	const struct ike_suite *suite;  /* of the choice */
};

static void say(struct request *q, uint16_t type, const void *data, size_t size)
{
	if (ike_guard_refusal(q->k->guard, &q->way->remote.ip, q->proven, q->now_ms))
		answer_notify(q->k, q->way, q->h, type, data, size);
}

static void refuse(struct request *q, uint16_t type, const void *data, size_t size)
{
	cw_stat_inc(q->k->stat, CW_STAT_IKE_REJECTED);
	cw_log_rl(WARN, q->k->conf.name, 0, "IKE_SA_INIT refused: %s", ike_pld_notify_name(type));
	say(q, type, data, size);
}

static bool check_payloads(struct request *q)
{
	uint8_t pld;
	int r = ike_pld_read(q->h->next, body_of(q->raw), &q->in);

	if (r == 0 && q->in.critical) {
		refuse(q, IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD, &q->in.critical, 1);
		return false;
	}
	if (r == 0)
		r = ike_rules_check(IKE_KIND_INIT_REQUEST, &q->in, &pld);
	if (r < 0) {
		cw_stat_inc(q->k->stat, CW_STAT_IKE_MALFORMED);
		ike_task_init_notify(q->k, q->way, q->h, IKE_N_INVALID_SYNTAX, NULL, 0, q->now_ms);
		return false;
	}
	cw_log(DEBUG, q->k->conf.name, "IKE_SA_INIT request 0 from the peer: %zu payloads", q->in.n_payloads);
	return true;
}

/* The same request again gets the same answer as long as there is one; a replay of an old one gets nothing. */
static bool is_repeated(struct request *q)
{
	struct ike_sa *sa;

	for (sa = q->k->sas; sa; sa = sa->next)
		if (!sa->initiator && sa->spi_i == q->h->spi_i && sa->ni.size == q->in.nonce.size &&
		    memcmp(sa->ni.b, q->in.nonce.p, sa->ni.size) == 0)
			break;
	if (!sa)
		return false;
	if (sa->state == IKE_SA_HALF_OPEN && sa->peer_init.size == q->raw.size &&
	    memcmp(sa->peer_init.p, q->raw.p, q->raw.size) == 0 && sa->x.in_id == 1) {
		cw_stat_inc(q->k->stat, CW_STAT_IKE_RETRANSMIT);
		ike_sa_send(sa, q->way, sa->x.answer, sa->x.answer_size);
	} else {
		cw_stat_inc(q->k->stat, CW_STAT_IKE_REJECTED);
	}
	return true;
}

/* Under load only who receives at his address goes on. */
static bool check_stranger(struct request *q)
{
	const struct ike_in_notify *n = ike_pld_notify(&q->in, IKE_N_COOKIE);
	const struct cw_ip *ip = &q->way->remote.ip;
	struct ike *k = q->k;
	struct ike_cookie *jar = ike_guard_cookies(k->guard);
	uint8_t cookie[IKE_COOKIE_SIZE];
	enum ike_guard_verdict v;

	q->proven = n && ike_cookie_is_good(jar, ip, q->h->spi_i, q->in.nonce, q->now_ms, n->data);
	v = ike_guard_ask(k->guard, ip, q->proven, q->now_ms);
	if (v == IKE_GUARD_PASS)
		return true;
	cw_stat_inc(k->stat, v == IKE_GUARD_COOKIE ? CW_STAT_IKE_COOKIE : CW_STAT_IKE_REJECTED);
	if (v == IKE_GUARD_COOKIE && ike_cookie_make(jar, ip, q->h->spi_i, q->in.nonce, q->now_ms, cookie) == 0)
		answer_notify(k, q->way, q->h, IKE_N_COOKIE, cookie, sizeof cookie);
	return false;
}

static bool check_proposal(struct request *q)
{
	uint8_t wanted[2];
	unsigned group;

	q->policy = ike_prop_ike(&q->k->conf.ike);
	if (ike_prop_choose(&q->policy, q->in.sa, &q->choice) < 0) {
		refuse(q, IKE_N_NO_PROPOSAL_CHOSEN, NULL, 0);
		return false;
	}
	q->suite = &q->k->conf.ike.s[q->choice.suite];
	group = q->suite->group;
	if (q->in.ke.group != group) {
		/* Nothing is wrong: the initiator had to guess. */
		cw_log(DEBUG, q->k->conf.name, "IKE_SA_INIT: another group is wanted");
		wanted[0] = (uint8_t)(group >> 8);
		wanted[1] = (uint8_t)group;
		say(q, IKE_N_INVALID_KE_PAYLOAD, wanted, sizeof wanted);
		return false;
	}
	if (q->in.ke.data.size != cw_dh_public_size(group) || !nonce_ok(q->suite, q->in.nonce)) {
		refuse(q, IKE_N_INVALID_SYNTAX, NULL, 0);
		return false;
	}
	return true;
}

int ike_task_init_certreq(const struct ike *k, struct ike_out *o)
{
	uint8_t sha1[20];
	int r;

	if (k->conf.auth != IKE_AUTH_CERT)
		return 0;
	if ((r = cw_cert_spki_sha1(k->conf.ca, sha1)) < 0)
		return r;
	ike_pld_cert(o, IKE_PT_CERTREQ, sha1, sizeof sha1);
	return 0;
}

/* The size of our response in K's outer buffer. */
static int write_response(struct request *q, struct ike_sa *sa)
{
	struct ike *k = q->k;
	struct ike_header h = { .spi_i = sa->spi_i, .spi_r = sa->spi_r, .exchange = IKE_SA_INIT, .flags = IKE_FLAG_R };
	struct ike_out o = ike_msg_begin(k->outer, sizeof k->outer, &h);
	int r;

	ike_prop_write(&o, &q->policy, &q->choice, 0);
	if ((r = write_ke(&o, sa->group, sa->dh)) < 0)
		return r;
	ike_pld_bytes(&o, IKE_PT_NONCE, sa->nr.b, sa->nr.size);
	if ((r = ike_task_natd_write(k, &o, sa->spi_i, sa->spi_r, q->way)) < 0)
		return r;
	write_hashes(k, &o);
	write_fragments(sa, &o);
	ike_task_ppk_offer(sa, &o);
	if (sa->path_known)
		write_path(k, &o);
	ike_pld_put_notify(&o, IKE_N_CHILDLESS_IKEV2_SUPPORTED, NULL, 0);
	if ((r = ike_task_init_certreq(k, &o)) < 0)
		return r;
	return ike_msg_end(&o);
}

static int respond(struct request *q, struct ike_sa *sa)
{
	int size, r;

	sa->spi_i = q->h->spi_i;
	sa->suite = *q->suite;
	sa->group = q->suite->group;
	set_nonce(&sa->ni, q->in.nonce);
	(void)ike_task_natd_read(sa, &q->in, sa->spi_i, 0, q->way);
	sa->path_known = knows_path(q->k, q->raw, q->h);
	read_hashes(sa, &q->in);
	read_fragments(sa, &q->in);
	if ((r = ike_task_ppk_agree(sa, &q->in)) < 0 ||
	    (r = ike_sa_keep(&sa->peer_init, q->raw.p, q->raw.size)) < 0 ||
	    (r = cw_dh_new(sa->group, &sa->dh)) < 0)
		return r;
	if ((size = write_response(q, sa)) < 0)
		return size;
	if ((r = ike_sa_keep(&sa->own_init, q->k->outer, (size_t)size)) < 0 || (r = agree(sa, q->in.ke.data)) < 0 ||
	    (r = ike_exch_answered(&sa->x, sa->own_init.p, sa->own_init.size)) < 0)
		return r;
	ike_sa_send(sa, q->way, sa->own_init.p, sa->own_init.size);
	return 0;
}

void ike_task_init_request(struct ike *k, const struct ike_way *way, const struct ike_header *h,
			   struct cw_span raw, uint64_t now_ms)
{
	struct request q = { .k = k, .way = way, .h = h, .raw = raw, .now_ms = now_ms };
	struct ike_sa *sa;
	int r;

	if (!k->active || h->exchange != IKE_SA_INIT || h->spi_i == 0 || h->id != 0 || !(h->flags & IKE_FLAG_I) ||
	    ike_msg_is_response(h)) {
		cw_stat_inc(k->stat, CW_STAT_IKE_REJECTED);
		return;
	}
	if (!check_payloads(&q) || is_repeated(&q) || !check_stranger(&q) || !check_proposal(&q))
		return;
	if ((r = ike_sa_new(k, false, &way->local, &way->remote, now_ms, &sa)) < 0) {
		cw_stat_inc(k->stat, CW_STAT_IKE_REJECTED);
		cw_log_rl(WARN, k->conf.name, r, "IKE_SA_INIT dropped");
		return;
	}
	if ((r = respond(&q, sa)) < 0) {
		/* Above all a public value that is no point. */
		cw_stat_inc(k->stat, CW_STAT_IKE_REJECTED);
		ike_sa_drop(sa, now_ms, "IKE_SA_INIT of the peer could not be answered");
		ike_task_init_notify(k, way, h, IKE_N_INVALID_SYNTAX, NULL, 0, now_ms);
	}
}
