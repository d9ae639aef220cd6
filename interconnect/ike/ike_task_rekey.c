/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ike_task_rekey.c - CREATE_CHILD_SA for the IKE SA itself.
 *
 *   HDR, SK { SA(SPIi), Ni, KEi }  -->
 *                                   <--  HDR, SK { SA(SPIr), Nr, KEr }
 *                                   <--  HDR, SK { N(why not) }
 *   HDR, SK { D(the old one) }  -->
 *                                   <--  HDR, SK { }
 *
 * The new SA counts its messages from 0 and inherits the children. Who asked deletes the old SA.
 *
 * If both asked at once, there are two new SAs, and the children stay where they are until our answer comes. If our
 * exchange had the lowest of the four nonces, we delete the SA that it made, and the peer's is the heir; otherwise ours
 * is, and we delete the old one. A peer that had its answer before it saw our request does not know of the collision: it
 * refuses ours, or deletes the old SA; then the SA that it made is the heir.
 *
 * Implements: RFC 7296 s1.3.2, s2.8, s2.8.2, s2.18, s2.25.2.
 */
#include "interconnect/base/log.h"
#include "interconnect/base/mem.h"
#include "interconnect/ike/ike_task.h"

CW_LOG_MODULE(ike_rekey);

/* ---- we ask ---- */

int ike_task_rekey_begin(struct ike_sa *sa, unsigned group, uint64_t now_ms)
{
	struct ike *k = sa->peer;
	struct ike_prop_policy policy = ike_prop_ike_rekey(&k->conf.ike);
	struct ike_out o = ike_sa_inner(sa);
	int r;

	sa->work = (struct ike_work){
		.kind = IKE_WORK_REKEY, .spi = ike_sa_fresh_spi(k), .group = group ? group : sa->suite.group,
		.other_group = group != 0,
	};
	ike_task_create_own_nonce(&sa->work.ni);
	if ((r = cw_dh_new(sa->work.group, &sa->work.dh)) < 0)
		return r;
	ike_prop_write(&o, &policy, NULL, sa->work.spi);
	ike_pld_bytes(&o, IKE_PT_NONCE, sa->work.ni.b, sa->work.ni.size);
	if ((r = ike_task_create_write_ke(&o, sa->work.group, sa->work.dh)) < 0)
		return r;
	return ike_sa_request(sa, IKE_CREATE_CHILD_SA, &o, now_ms);
}

/* The SA that the peer made of the same, if it is still there. */
static struct ike_sa *find_rival(const struct ike_sa *sa)
{
	struct ike_sa *s = sa->peer->sas;

	while (s && !(sa->work.rival && s->begin_serial == sa->work.rival_id && s->family == sa->family))
		s = s->next;
	return s && s->state == IKE_SA_UP && !s->quit ? s : NULL;
}

static int take(struct ike_sa *sa, const struct ike_sa_msg *m, struct ike_sa **ret_new)
{
	struct ike *k = sa->peer;
	struct ike_prop_policy policy = ike_prop_ike_rekey(&k->conf.ike);
	struct ike_sa parts = { .initiator = true, .spi_i = sa->work.spi, .ni = sa->work.ni };
	struct ike_prop_choice choice;
	uint8_t secret[CW_DH_SECRET_MAX];
	size_t size = 0;
	int r = ike_prop_accept(&policy, m->in->sa, &choice);

	if (r == 0) {
		parts.suite = k->conf.ike.s[choice.suite];
		r = ike_task_create_nonce(parts.suite.prf, m->in->nonce, &parts.nr);
	}
	if (r == 0 && (!ike_pld_count(m->in, IKE_PT_KE) || m->in->ke.group != sa->work.group ||
		       parts.suite.group != sa->work.group))
		r = CW_E_MALFORMED;
	if (r == 0)
		r = cw_dh_shared(sa->work.dh, m->in->ke.data.p, m->in->ke.data.size, secret, &size);
	if (r == 0) {
		parts.spi_r = choice.spi;
		r = ike_sa_new_rekeyed(sa, &parts, (struct cw_span){ secret, size }, m->now_ms, ret_new);
	}
	cw_mem_wipe(secret, sizeof secret);
	return r;
}

/* HEIR takes the place of SA, which the peer deletes. */
static void succeeded_by(struct ike_sa *sa, struct ike_sa *heir, const struct ike_sa_msg *m)
{
	ike_csa_inherit(heir, sa, m->now_ms);
	ike_sa_event(sa, IKE_EV_SUCCEEDED, m);
}

/* The new SA is there. Who deletes what? */
static void decide(struct ike_sa *sa, struct ike_sa *new, const struct ike_sa_msg *m)
{
	struct ike_sa *rival = find_rival(sa);

	if (rival)
		cw_log(INFO, sa->peer->conf.name, "IKE SA rekeyed by both at once: the peer's %s",
		       ike_work_lost(&sa->work, &new->nr) ? "stays" : "goes");
	if (rival && ike_work_lost(&sa->work, &new->nr)) {
		ike_sa_quit(new, m->now_ms, "one too many");
		succeeded_by(sa, rival, m);
		return;
	}
	ike_csa_inherit(new, sa, m->now_ms);
	if (rival)
		ike_sa_event(rival, IKE_EV_SUCCEEDED, m);
	ike_sa_quit(sa, m->now_ms, "rekeyed");
}

static void begin_anew(struct ike_sa *sa, const char *why)
{
	cw_log_rl(WARN, sa->peer->conf.name, 0, "IKE SA not rekeyed, but it will be renewed: %s", why);
	ike_want_renewal(sa->peer);
}

void ike_task_rekey_response(struct ike_sa *sa, const struct ike_sa_msg *m)
{
	struct ike_sa *new;
	int r = take(sa, m, &new);

	if (r == 0)
		decide(sa, new, m);
	else
		begin_anew(sa, cw_strerror(r));
	ike_work_clear(sa);
}

void ike_task_rekey_refusal(struct ike_sa *sa, const struct ike_sa_msg *m, unsigned type)
{
	unsigned group = ike_task_create_other_group(&sa->work, &sa->peer->conf.ike, m->in);
	struct ike_sa *rival = find_rival(sa);

	ike_work_clear(sa);
	if (!rival && group && ike_task_rekey_begin(sa, group, m->now_ms) == 0)
		return;
	ike_work_clear(sa);
	if (rival)
		succeeded_by(sa, rival, m);
	else if (type == IKE_N_TEMPORARY_FAILURE)
		sa->rekey_ms = ike_work_again(sa->peer, &sa->failures, m->now_ms);
	else
		begin_anew(sa, ike_pld_notify_name((uint16_t)type));
}

/* ---- the peer asks ---- */

static size_t count_rekeyed(const struct ike_sa *sa)
{
	size_t n = 0;

	for (const struct ike_sa *s = sa->peer->sas; s; s = s->next)
		n += s->family == sa->family && s->state == IKE_SA_REKEYED;
	return n;
}

/* The type of the refusal, or 0. */
static uint16_t check(const struct ike_sa *sa, const struct ike_sa_msg *m, struct ike_prop_choice *ret_choice,
		      struct ike_sa *parts)
{
	const struct ike_conf *conf = &sa->peer->conf;
	struct ike_prop_policy policy = ike_prop_ike_rekey(&conf->ike);
	enum ike_work_kind kind = sa->work.kind;

	if (sa->quit || kind == IKE_WORK_CHILD || kind == IKE_WORK_DELETE || sa->work.rival || ike_csa_family_busy(sa) ||
	    count_rekeyed(sa) >= IKE_REKEYED_MAX)
		return IKE_N_TEMPORARY_FAILURE;
	if (ike_prop_choose(&policy, m->in->sa, ret_choice) < 0)
		return IKE_N_NO_PROPOSAL_CHOSEN;
	parts->suite = conf->ike.s[ret_choice->suite];
	if (m->in->ke.group != parts->suite.group)
		return IKE_N_INVALID_KE_PAYLOAD;
	if (ike_task_create_nonce(parts->suite.prf, m->in->nonce, &parts->ni) < 0)
		return IKE_N_INVALID_SYNTAX;
	return 0;
}

static int refuse(struct ike_sa *sa, const struct ike_sa_msg *m, uint16_t type, unsigned group)
{
	int r;

	cw_log(DEBUG, sa->peer->conf.name, "CREATE_CHILD_SA refused: %s", ike_pld_notify_name(type));
	if (type == IKE_N_INVALID_KE_PAYLOAD)
		r = ike_task_create_wrong_group(sa, m, group);
	else
		r = ike_sa_answer_notify(sa, m, type, NULL, 0);
	return r < 0 ? r : IKE_SA_STAY;
}

/* The new SA, from our fresh DH and the peer's value. */
static int make(struct ike_sa *sa, const struct ike_sa_msg *m, const struct ike_sa *parts, struct cw_dh *dh,
		struct ike_sa **ret_new)
{
	uint8_t secret[CW_DH_SECRET_MAX];
	size_t size;
	int r = cw_dh_shared(dh, m->in->ke.data.p, m->in->ke.data.size, secret, &size);

	if (r == 0)
		r = ike_sa_new_rekeyed(sa, parts, (struct cw_span){ secret, size }, m->now_ms, ret_new);
	cw_mem_wipe(secret, sizeof secret);
	return r;
}

static int write_answer(struct ike_sa *sa, const struct ike_sa_msg *m, const struct ike_sa *new,
			const struct ike_prop_choice *choice, const struct cw_dh *dh)
{
	struct ike_prop_policy policy = ike_prop_ike_rekey(&sa->peer->conf.ike);
	struct ike_out o = ike_sa_inner(sa);
	int r;

	ike_prop_write(&o, &policy, choice, new->spi_r);
	ike_pld_bytes(&o, IKE_PT_NONCE, new->nr.b, new->nr.size);
	if ((r = ike_task_create_write_ke(&o, new->suite.group, dh)) < 0)
		return r;
	return ike_sa_answer(sa, m, &o);
}

/* If we asked for the same, it is decided when our answer comes. */
static int answered(struct ike_sa *sa, struct ike_sa *new, const struct ike_sa_msg *m)
{
	new->way = sa->way;
	if (sa->work.kind == IKE_WORK_REKEY) {
		sa->work.rival = true;
		sa->work.rival_id = new->begin_serial;
		sa->work.rival_low = *ike_work_lower(&new->ni, &new->nr);
		return IKE_SA_STAY;
	}
	ike_csa_inherit(new, sa, m->now_ms);
	return 0;
}

int ike_task_rekey_request(struct ike_sa *sa, const struct ike_sa_msg *m)
{
	struct ike_sa parts = { .initiator = false }, *new = NULL;
	struct ike_prop_choice choice;
	struct cw_dh *dh = NULL;
	uint16_t type = check(sa, m, &choice, &parts);
	int r;

	if (type)
		return refuse(sa, m, type, parts.suite.group);
	parts.spi_i = choice.spi;
	parts.spi_r = ike_sa_fresh_spi(sa->peer);
	ike_task_create_own_nonce(&parts.nr);
	if ((r = cw_dh_new(parts.suite.group, &dh)) < 0)
		return r;
	if (make(sa, m, &parts, dh, &new) < 0)
		r = refuse(sa, m, IKE_N_INVALID_SYNTAX, 0);
	else if ((r = write_answer(sa, m, new, &choice, dh)) < 0)
		ike_sa_drop(new, m->now_ms, "it could not be answered for");
	else
		r = answered(sa, new, m);
	cw_dh_free(dh);
	return r;
}
