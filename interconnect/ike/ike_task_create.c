/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ike_task_create.c - CREATE_CHILD_SA for a child: in place of another, or, when there is none, of nothing.
 *
 *   HDR, SK { [N(REKEY_SA)], SA, Ni, [KEi], TSi, TSr }  -->
 *                                   <--  HDR, SK { SA, Nr, [KEr], TSi, TSr }
 *                                   <--  HDR, SK { N(why not) }
 *   HDR, SK { D(the old one) }  -->
 *                                   <--  HDR, SK { D }
 *
 * Who asked deletes the old child. If both asked at once, there are two new ones: each side sees it when its own answer
 * comes, and deletes what it asked for if that exchange had the lowest of the four nonces; otherwise it deletes the old
 * one. It is no collision if the peer has deleted its own new child by then, or the old one before it saw our
 * request: then it refuses ours, and the child that it made stays.
 *
 * Implements: RFC 7296 s1.3.1, s1.3.3, s2.8, s2.8.1, s2.17, s2.25.1.
 */
#include <inttypes.h>
#include <string.h>

#include "interconnect/base/log.h"
#include "interconnect/base/mem.h"
#include "interconnect/base/rand.h"
#include "interconnect/ike/ike_task.h"

CW_LOG_MODULE(ike_create);

/* ---- what both CREATE_CHILD_SA share ---- */

int ike_task_create_write_ke(struct ike_out *o, unsigned group, const struct cw_dh *dh)
{
	uint8_t pub[CW_DH_PUBLIC_MAX];
	int r;

	if ((r = cw_dh_public(dh, pub)) < 0)
		return r;
	ike_pld_ke(o, group, pub, cw_dh_public_size(group));
	return 0;
}

/* s2.10: at least half the key of the PRF. */
int ike_task_create_nonce(enum cw_hash prf, struct cw_span nonce, struct ike_nonce *ret_nonce)
{
	if (nonce.size < IKE_NONCE_MIN || nonce.size * 2 < cw_hash_size(prf))
		return CW_E_MALFORMED;
	memcpy(ret_nonce->b, nonce.p, nonce.size);      /* ike_pld.c has seen to it that it fits */
	ret_nonce->size = nonce.size;
	return 0;
}

void ike_task_create_own_nonce(struct ike_nonce *ret_nonce)
{
	ret_nonce->size = IKE_NONCE_SIZE;
	cw_rand_bytes(ret_nonce->b, ret_nonce->size);
}

unsigned ike_task_create_other_group(const struct ike_work *w, const struct ike_suites *l, const struct ike_in *in)
{
	const struct ike_in_notify *n = ike_pld_notify(in, IKE_N_INVALID_KE_PAYLOAD);
	struct cw_cur c = cw_cur_of(n ? n->data.p : NULL, n ? n->data.size : 0);
	unsigned group = cw_cur_u16(&c);

	if (cw_cur_done(&c) < 0 || group == w->group || w->other_group)
		return 0;
	for (size_t i = 0; i < l->n; i++)
		if (l->s[i].group == group)
			return group;
	return 0;
}

int ike_task_create_wrong_group(struct ike_sa *sa, const struct ike_sa_msg *m, unsigned group)
{
	uint8_t wanted[2] = { (uint8_t)(group >> 8), (uint8_t)group };

	return ike_sa_answer_notify(sa, m, IKE_N_INVALID_KE_PAYLOAD, wanted, sizeof wanted);
}

/* ---- we ask ---- */

static int write_request(struct ike_sa *sa, struct ike_out *o)
{
	const struct ike_conf *conf = &sa->peer->conf;
	struct ike_prop_policy policy = ike_prop_esp_rekey(&conf->esp, conf->esn, 0);
	const struct ike_work *w = &sa->work;
	uint8_t spi[4];
	struct cw_wr wr = cw_wr_of(spi, sizeof spi);
	int r;

	cw_wr_u32(&wr, w->old_in);
	if (w->old_in)
		ike_pld_put_notify_sa(o, IKE_N_REKEY_SA, IKE_PROTO_ESP, (struct cw_span){ spi, sizeof spi });
	ike_prop_write(o, &policy, NULL, w->spi_in);
	ike_pld_bytes(o, IKE_PT_NONCE, w->ni.b, w->ni.size);
	if (w->dh && (r = ike_task_create_write_ke(o, w->group, w->dh)) < 0)
		return r;
	ike_task_child_write_ts(o, true, &conf->local_ts, &conf->remote_ts);
	return 0;
}

/* That of the suite in use, or, if IKE_AUTH found the cipher in a suite without one, of the first that has one. */
static unsigned best_group(const struct ike_sa *sa)
{
	const struct ike_suites *l = &sa->peer->conf.esp;
	unsigned group = sa->esp.group;

	for (size_t i = 0; i < l->n && group == 0; i++)
		group = l->s[i].group;
	return group;
}

int ike_task_create_begin(struct ike_sa *sa, uint32_t spi_in, unsigned group, uint64_t now_ms)
{
	struct ike *k = sa->peer;
	struct ike_out o = ike_sa_inner(sa);
	int r;

	sa->work = (struct ike_work){ .kind = IKE_WORK_CHILD, .old_in = spi_in, .spi_in = k->ops->spi(k->ctx) };
	sa->work.group = group ? group : best_group(sa);
	sa->work.other_group = group != 0;
	ike_task_create_own_nonce(&sa->work.ni);
	if (sa->work.group && (r = cw_dh_new(sa->work.group, &sa->work.dh)) < 0)
		return r;
	if ((r = write_request(sa, &o)) < 0)
		return r;
	return ike_sa_request(sa, IKE_CREATE_CHILD_SA, &o, now_ms);
}

/* The secret of the exchange that we began, to SECRET; empty if the peer chose no Diffie-Hellman. */
static int own_secret(struct ike_sa *sa, const struct ike_in *in, unsigned group, uint8_t *secret, size_t *ret_size)
{
	*ret_size = 0;
	if (group == 0)
		return 0;
	if (!ike_pld_count(in, IKE_PT_KE) || in->ke.group != group || sa->work.group != group)
		return CW_E_MALFORMED;
	return cw_dh_shared(sa->work.dh, in->ke.data.p, in->ke.data.size, secret, ret_size);
}

static int take(struct ike_sa *sa, const struct ike_sa_msg *m, struct ike_nonce *nr, struct ike_csa **ret_csa)
{
	const struct ike_conf *conf = &sa->peer->conf;
	struct ike_deal d = {
		.own = true, .ni = &sa->work.ni, .nr = nr, .spi_in = sa->work.spi_in,
		.policy = ike_prop_esp_rekey(&conf->esp, conf->esn, 0),
	};
	uint8_t secret[CW_DH_SECRET_MAX];
	int r = ike_task_create_nonce(sa->suite.prf, m->in->nonce, nr);

	d.secret.p = secret;
	if (r == 0)
		r = ike_task_child_check(sa, m->in, &d);
	if (r == 0)
		r = own_secret(sa, m->in, d.choice.group, secret, &d.secret.size);
	if (r == 0)
		r = ike_task_child_install(sa, &d, m->now_ms, ret_csa);
	cw_mem_wipe(secret, sizeof secret);
	return r;
}

static void log_rekeyed(const struct ike_sa *sa, const struct ike_csa *old, const struct ike_csa *new)
{
	if (!old) {
		cw_log(INFO, sa->peer->conf.name, "child %08" PRIx32 "_in %08" PRIx32 "_out", new->spi_in, new->spi_out);
		return;
	}
	cw_log(INFO, sa->peer->conf.name, "child %08" PRIx32 "_in %08" PRIx32 "_out rekeyed: %08" PRIx32 "_in %08" PRIx32
	       "_out", old->spi_in, old->spi_out, new->spi_in, new->spi_out);
}

/* The new child is there. Who deletes what? */
static void decide(struct ike_sa *sa, struct ike_csa *csa, const struct ike_nonce *nr, uint64_t now_ms)
{
	struct ike_csa *old = sa->work.old_in ? ike_csa_find(sa, sa->work.old_in) : NULL;
	struct ike_csa *rival = sa->work.rival ? ike_csa_find(sa, (uint32_t)sa->work.rival_id) : NULL;

	log_rekeyed(sa, old, csa);
	if (rival)
		cw_log(INFO, sa->peer->conf.name, "child rekeyed by both at once: the peer's %s",
		       ike_work_lost(&sa->work, nr) ? "stays" : "goes");
	if (rival && ike_work_lost(&sa->work, nr)) {
		ike_csa_condemn(sa, csa);
		return;
	}
	if (rival)
		ike_csa_replaced(rival, now_ms);
	if (old)
		ike_csa_condemn(sa, old);
}

/* Without a child that can be agreed on: a new pair of SAs, as it was at the beginning. */
static void begin_anew(struct ike_sa *sa, const char *why, uint64_t now_ms)
{
	cw_log_rl(WARN, sa->peer->conf.name, 0, "child not rekeyed, IKE SA will be renewed: %s", why);
	ike_want_renewal(sa->peer);
	sa->why[0] = '\0';
	ike_csa_gone(sa, now_ms, "there is no child");
}

static void child_response(struct ike_sa *sa, const struct ike_sa_msg *m)
{
	struct ike_csa *csa;
	struct ike_nonce nr;
	int r = take(sa, m, &nr, &csa);

	if (r == 0)
		decide(sa, csa, &nr, m->now_ms);
	ike_work_clear(sa);
	if (r < 0)
		begin_anew(sa, sa->why[0] ? sa->why : cw_strerror(r), m->now_ms);
}

int ike_task_create_response(struct ike_sa *sa, const struct ike_sa_msg *m)
{
	if (sa->work.kind == IKE_WORK_REKEY)
		ike_task_rekey_response(sa, m);
	else
		child_response(sa, m);
	return IKE_SA_STAY;
}

/* The peer does not know the child that we have: it is gone, and there must be another. */
static void not_found(struct ike_sa *sa, struct ike_csa *old)
{
	if (old)
		ike_csa_drop(sa, old);
	sa->want_child = !ike_csa_up(sa);
}

static void child_refusal(struct ike_sa *sa, const struct ike_sa_msg *m, unsigned type)
{
	unsigned group = ike_task_create_other_group(&sa->work, &sa->peer->conf.esp, m->in);
	bool anew = sa->work.old_in == 0;
	struct ike_csa *old = anew ? NULL : ike_csa_find(sa, sa->work.old_in);

	ike_work_clear(sa);
	if (group && (anew || (old && old->state == IKE_CSA_UP)) &&
	    ike_task_create_begin(sa, old ? old->spi_in : 0, group, m->now_ms) == 0)
		return;
	ike_work_clear(sa);
	if (type == IKE_N_CHILD_SA_NOT_FOUND && !anew)
		not_found(sa, old);
	else if (type == IKE_N_TEMPORARY_FAILURE && old && old->state == IKE_CSA_UP)
		old->rekey_ms = ike_work_again(sa->peer, &old->failures, m->now_ms);
	else if (type != IKE_N_TEMPORARY_FAILURE && (anew || old))
		begin_anew(sa, ike_pld_notify_name((uint16_t)type), m->now_ms);
	ike_csa_gone(sa, m->now_ms, "the peer does not give us a child");
}

int ike_task_create_refusal(struct ike_sa *sa, const struct ike_sa_msg *m)
{
	const struct ike_in_notify *error = ike_pld_error(m->in);
	unsigned type = error ? error->type : IKE_N_NO_ADDITIONAL_SAS;

	cw_log(DEBUG, sa->peer->conf.name, "the peer refused CREATE_CHILD_SA: %s", ike_pld_notify_name((uint16_t)type));
	if (sa->work.kind == IKE_WORK_REKEY)
		ike_task_rekey_refusal(sa, m, type);
	else
		child_refusal(sa, m, type);
	return IKE_SA_STAY;
}

/* ---- the peer asks ---- */

/* A request on its way through the checks. */
struct request {
	struct ike_sa *sa;
	const struct ike_sa_msg *m;
	const struct ike_in_notify *rekey;
	struct ike_csa *old;            /* NULL: none is to be replaced */
	struct ike_nonce ni, nr;
	struct cw_dh *dh;
	uint8_t secret[CW_DH_SECRET_MAX];
	struct ike_deal d;
};

static struct ike_csa *find_old(struct request *q)
{
	struct cw_cur c = cw_cur_of(q->rekey->spi.p, q->rekey->spi.size);
	uint32_t spi = cw_cur_u32(&c);
	struct ike_sa *home;

	return cw_cur_done(&c) == 0 && q->rekey->protocol == IKE_PROTO_ESP ? ike_csa_find_out(q->sa, spi, &home) : NULL;
}

/* May there be another child now? The type of the refusal, or 0. */
static uint16_t check_state(const struct request *q)
{
	const struct ike_sa *sa = q->sa;

	if (q->rekey && !q->old)
		return IKE_N_CHILD_SA_NOT_FOUND;
	if (sa->quit || sa->work.kind == IKE_WORK_REKEY || ike_csa_family_busy(sa))
		return IKE_N_TEMPORARY_FAILURE;
	if (q->old && q->old->state != IKE_CSA_UP)
		return IKE_N_TEMPORARY_FAILURE;
	if ((!q->rekey && ike_csa_up(sa)) || ike_csa_count(sa) >= IKE_CSA_MAX)
		return IKE_N_NO_ADDITIONAL_SAS;
	return 0;
}

static uint16_t check_deal(struct request *q)
{
	const struct ike_conf *conf = &q->sa->peer->conf;
	const struct ike_in *in = q->m->in;

	q->d = (struct ike_deal){
		.ni = &q->ni, .nr = &q->nr, .secret.p = q->secret,
		.policy = ike_prop_esp_rekey(&conf->esp, conf->esn, ike_pld_count(in, IKE_PT_KE) ? in->ke.group : 0),
	};
	if (ike_task_create_nonce(q->sa->suite.prf, in->nonce, &q->ni) < 0)
		return IKE_N_INVALID_SYNTAX;
	if (ike_prop_choose(&q->d.policy, in->sa, &q->d.choice) < 0)
		return IKE_N_NO_PROPOSAL_CHOSEN;
	if (ike_task_child_narrow(q->sa, in, &q->d) < 0)
		return IKE_N_TS_UNACCEPTABLE;
	if (q->d.choice.group && (!ike_pld_count(in, IKE_PT_KE) || in->ke.group != q->d.choice.group))
		return IKE_N_INVALID_KE_PAYLOAD;
	return 0;
}

static int agree(struct request *q)
{
	const struct ike_in_ke *ke = &q->m->in->ke;
	int r;

	ike_task_create_own_nonce(&q->nr);
	if (q->d.choice.group == 0)
		return 0;
	if ((r = cw_dh_new(q->d.choice.group, &q->dh)) < 0)
		return r;
	return cw_dh_shared(q->dh, ke->data.p, ke->data.size, q->secret, &q->d.secret.size);
}

static int refuse(struct request *q, uint16_t type)
{
	struct ike_sa *sa = q->sa;
	struct ike_out o = ike_sa_inner(sa);

	cw_log(DEBUG, sa->peer->conf.name, "CREATE_CHILD_SA refused: %s", ike_pld_notify_name(type));
	if (type == IKE_N_INVALID_KE_PAYLOAD)
		return ike_task_create_wrong_group(sa, q->m, q->d.choice.group);
	if (type == IKE_N_CHILD_SA_NOT_FOUND) {
		ike_pld_put_notify_sa(&o, type, q->rekey->protocol, q->rekey->spi);
		return ike_sa_answer(sa, q->m, &o);
	}
	return ike_sa_answer_notify(sa, q->m, type, NULL, 0);
}

static int write_answer(struct request *q, struct ike_out *o)
{
	int r;

	ike_prop_write(o, &q->d.policy, &q->d.choice, q->d.spi_in);
	ike_pld_bytes(o, IKE_PT_NONCE, q->nr.b, q->nr.size);
	if (q->dh && (r = ike_task_create_write_ke(o, q->d.choice.group, q->dh)) < 0)
		return r;
	ike_task_child_write_ts(o, false, &q->d.local_ts, &q->d.remote_ts);
	return 0;
}

/* Is it what we are asking for ourselves? */
static void note_rival(struct request *q, const struct ike_csa *csa)
{
	struct ike_work *w = &q->sa->work;

	if (w->kind != IKE_WORK_CHILD || w->old_in != (q->old ? q->old->spi_in : 0))
		return;
	w->rival = true;
	w->rival_id = csa->spi_in;
	w->rival_low = *ike_work_lower(&q->ni, &q->nr);
}

static int answer(struct request *q)
{
	struct ike_sa *sa = q->sa;
	struct ike_out o;
	struct ike_csa *csa;
	int r;

	q->d.spi_in = sa->peer->ops->spi(sa->peer->ctx);
	if (ike_task_child_install(sa, &q->d, q->m->now_ms, &csa) < 0)
		return refuse(q, IKE_N_NO_ADDITIONAL_SAS);
	o = ike_sa_inner(sa);
	if ((r = write_answer(q, &o)) < 0 || (r = ike_sa_answer(sa, q->m, &o)) < 0) {
		ike_csa_drop(sa, csa);
		return r;
	}
	log_rekeyed(sa, q->old, csa);
	note_rival(q, csa);
	if (q->old)
		ike_csa_replaced(q->old, q->m->now_ms);
	return 0;
}

int ike_task_create_request(struct ike_sa *sa, const struct ike_sa_msg *m)
{
	struct request q = { .sa = sa, .m = m, .rekey = ike_pld_notify(m->in, IKE_N_REKEY_SA) };
	uint16_t type;
	int r;

	if (q.rekey)
		q.old = find_old(&q);
	type = check_state(&q);
	if (type == 0)
		type = check_deal(&q);
	if (type == 0 && agree(&q) < 0)
		type = IKE_N_INVALID_SYNTAX;    /* above all a public value that is no point */
	r = type ? refuse(&q, type) : answer(&q);
	cw_dh_free(q.dh);
	cw_mem_wipe(q.secret, sizeof q.secret);
	return r;
}
