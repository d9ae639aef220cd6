/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ike_task_child.c - the child SA that IKE_AUTH makes: SA, TSi, TSr.
 *
 * Implements: RFC 7296 s1.2 (errors of the child), s2.9 (narrowing), s2.17 (keys).
 */
#include "interconnect/ike/ike_task.h"

#include "interconnect/base/log.h"
#include "interconnect/base/mem.h"
#include "interconnect/ike/ike_suite.h"
#include "interconnect/ike/ike_ts.h"

CW_LOG_MODULE(ike_child);

/* What both sides agreed on. */
struct deal {
	struct ike_prop_choice choice;
	struct cw_prefix local_ts, remote_ts;
};

static void write_ts(const struct ike_sa *sa, struct ike_out *o, const struct cw_prefix *local,
		     const struct cw_prefix *remote)
{
	struct ike_ts own = ike_ts_of(local), other = ike_ts_of(remote);

	ike_pld_ts(o, IKE_PT_TSI, sa->initiator ? &own : &other);
	ike_pld_ts(o, IKE_PT_TSR, sa->initiator ? &other : &own);
}

static int narrow(const struct ike_sa *sa, const struct ike_in *in, struct deal *d)
{
	const struct ike_conf *conf = &sa->peer->conf;
	int r;

	if ((r = ike_ts_narrow(sa->initiator ? &in->tsi : &in->tsr, &conf->local_ts, &d->local_ts)) < 0)
		return r;
	return ike_ts_narrow(sa->initiator ? &in->tsr : &in->tsi, &conf->remote_ts, &d->remote_ts);
}

/* A responder may take less than we offered, not more. */
static int within_offer(const struct ike_sa *sa, const struct ike_in *in, struct deal *d)
{
	int r = narrow(sa, in, d);

	if (r == 0 && (!ike_ts_is(&in->tsi.ts[0], &d->local_ts) || !ike_ts_is(&in->tsr.ts[0], &d->remote_ts)))
		r = CW_E_NOT_FOUND;
	return r;
}

/* Derives the keys and hands them over; no copy stays. */
static int install(struct ike_sa *sa, const struct deal *d)
{
	struct ike *k = sa->peer;
	const struct ike_suite *esp = &k->conf.esp.s[d->choice.suite];
	struct ike_child c = {
		.spi_in = sa->spi_wanted, .spi_out = (uint32_t)d->choice.spi, .aead = esp->aead, .esn = d->choice.esn,
		.initiator = sa->initiator, .key_size = ike_suite_keymat(esp->aead), .local_ts = d->local_ts,
		.remote_ts = d->remote_ts,
		.local = k->conf.local, .remote = sa->remote,
	};
	int r = ike_keys_child(sa->keys, &sa->ni, &sa->nr, c.key_size, sa->initiator ? c.key_out : c.key_in,
			       sa->initiator ? c.key_in : c.key_out);

	if (r == 0)
		r = k->ops->child_up(k->ctx, &c);
	cw_mem_wipe(&c, sizeof c);
	if (r < 0)
		return r;
	sa->child_in = sa->spi_wanted;
	sa->child_out = (uint32_t)d->choice.spi;
	sa->esp = *esp;
	return 0;
}

void ike_task_child_offer(struct ike_sa *sa, struct ike_out *o)
{
	struct ike *k = sa->peer;
	struct ike_prop_policy policy = ike_prop_esp(&k->conf.esp, k->conf.esn);

	sa->spi_wanted = k->ops->spi(k->ctx);
	ike_prop_write(o, &policy, NULL, sa->spi_wanted);
	write_ts(sa, o, &k->conf.local_ts, &k->conf.remote_ts);
}

int ike_task_child_answer(struct ike_sa *sa, const struct ike_in *in, struct ike_out *o)
{
	struct ike *k = sa->peer;
	struct ike_prop_policy policy = ike_prop_esp(&k->conf.esp, k->conf.esn);
	uint16_t refusal = 0;
	struct deal d;
	int r;

	if ((r = ike_prop_choose(&policy, in->sa, &d.choice)) < 0)
		refusal = IKE_N_NO_PROPOSAL_CHOSEN;
	else if ((r = narrow(sa, in, &d)) < 0)
		refusal = IKE_N_TS_UNACCEPTABLE;
	if (r == 0) {
		sa->spi_wanted = k->ops->spi(k->ctx);
		if ((r = install(sa, &d)) < 0)
			refusal = IKE_N_NO_ADDITIONAL_SAS;
	}
	if (r < 0) {
		ike_sa_why(sa, "child SA refused: %s", ike_pld_notify_name(refusal));
		ike_pld_put_notify(o, refusal, NULL, 0);
		return r;
	}
	ike_prop_write(o, &policy, &d.choice, sa->spi_wanted);
	write_ts(sa, o, &d.local_ts, &d.remote_ts);
	return 0;
}

int ike_task_child_accept(struct ike_sa *sa, const struct ike_in *in)
{
	struct ike *k = sa->peer;
	struct ike_prop_policy policy = ike_prop_esp(&k->conf.esp, k->conf.esn);
	const struct ike_in_notify *error = ike_pld_error(in);
	struct deal d;
	int r;

	if (error) {
		ike_sa_why(sa, "the peer refused the child SA: %s", ike_pld_notify_name(error->type));
		return CW_E_NO_PROPOSAL;
	}
	if (!ike_pld_count(in, IKE_PT_SA) || in->tsi.n != 1 || in->tsr.n != 1) {
		ike_sa_why(sa, "the peer's child SA is not what was asked for");
		return CW_E_MALFORMED;
	}
	if ((r = ike_prop_accept(&policy, in->sa, &d.choice)) < 0)
		ike_sa_why(sa, "the peer chose for the child SA what was not offered");
	else if ((r = within_offer(sa, in, &d)) < 0)
		ike_sa_why(sa, "the peer's traffic selectors are not within ours");
	else if ((r = install(sa, &d)) < 0)
		ike_sa_why(sa, "the child SA could not be installed: %s", cw_strerror(r));
	return r;
}
