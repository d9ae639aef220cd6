/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ike_task_child.c - what makes a child SA, in IKE_AUTH and in CREATE_CHILD_SA: SA, TSi, TSr.
 *
 * Implements: RFC 7296 s1.2 (errors of the child), s2.9 (narrowing), s2.17 (keys).
 */
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/log.h"
#include "interconnect/base/mem.h"
#include "interconnect/ike/ike_suite.h"
#include "interconnect/ike/ike_task.h"
#include "interconnect/ike/ike_ts.h"

CW_LOG_MODULE(ike_child);

void ike_task_child_write_ts(struct ike_out *o, bool own, const struct cw_prefix *local, const struct cw_prefix *remote)
{
	struct ike_ts ours = ike_ts_of(local), theirs = ike_ts_of(remote);

	ike_pld_ts(o, IKE_PT_TSI, own ? &ours : &theirs);
	ike_pld_ts(o, IKE_PT_TSR, own ? &theirs : &ours);
}

int ike_task_child_narrow(const struct ike_sa *sa, const struct ike_in *in, struct ike_deal *d)
{
	const struct ike_conf *conf = &sa->peer->conf;
	int r;

	if ((r = ike_ts_narrow(d->own ? &in->tsi : &in->tsr, &conf->local_ts, &d->local_ts)) < 0)
		return r;
	return ike_ts_narrow(d->own ? &in->tsr : &in->tsi, &conf->remote_ts, &d->remote_ts);
}

/* A responder may take less than we offered, not more. */
static int within_offer(const struct ike_sa *sa, const struct ike_in *in, struct ike_deal *d)
{
	const struct cw_prefix *tsi = d->own ? &d->local_ts : &d->remote_ts, *tsr = d->own ? &d->remote_ts : &d->local_ts;
	int r = ike_task_child_narrow(sa, in, d);

	if (r == 0 && (!ike_ts_is(&in->tsi.ts[0], tsi) || !ike_ts_is(&in->tsr.ts[0], tsr)))
		r = CW_E_NOT_FOUND;
	return r;
}

int ike_task_child_check(struct ike_sa *sa, const struct ike_in *in, struct ike_deal *d)
{
	int r;

	if (!ike_pld_count(in, IKE_PT_SA) || in->tsi.n != 1 || in->tsr.n != 1) {
		ike_sa_why(sa, "the peer's child SA is not what was asked for");
		return CW_E_MALFORMED;
	}
	if ((r = ike_prop_accept(&d->policy, in->sa, &d->choice)) < 0)
		ike_sa_why(sa, "the peer chose for the child SA what was not offered");
	else if ((r = within_offer(sa, in, d)) < 0)
		ike_sa_why(sa, "the peer's traffic selectors are not within ours");
	return r;
}

static void tell_keys(const struct ike *k, const struct ike_child *c)
{
	struct ike_keylog l = { .child = true, .aead = c->aead, .spi = { c->spi_in, c->spi_out }, .key_size = c->key_size };

	if (!k->ops->keylog)
		return;
	memcpy(l.key[0], c->key_in, c->key_size);
	memcpy(l.key[1], c->key_out, c->key_size);
	k->ops->keylog(k->ctx, &l);
	cw_mem_wipe(&l, sizeof l);
}

static int hand_over(struct ike_sa *sa, const struct ike_deal *d)
{
	struct ike *k = sa->peer;
	const struct ike_suite *esp = &k->conf.esp.s[d->choice.suite];
	struct ike_child c = {
		.spi_in = d->spi_in, .spi_out = (uint32_t)d->choice.spi, .aead = esp->aead, .esn = d->choice.esn,
		.initiator = d->own, .key_size = ike_suite_keymat(esp->aead), .local_ts = d->local_ts,
		.remote_ts = d->remote_ts, .local = sa->esp_way.local, .remote = sa->esp_way.remote,
	};
	int r = ike_keys_create(sa->keys, d->secret, d->ni, d->nr, c.key_size, d->own ? c.key_out : c.key_in,
				d->own ? c.key_in : c.key_out);

	if (r == 0)
		tell_keys(k, &c);
	if (r == 0)
		r = k->ops->child_up(k->ctx, &c);
	cw_mem_wipe(&c, sizeof c);
	return r;
}

int ike_task_child_install(struct ike_sa *sa, const struct ike_deal *d, uint64_t now_ms, struct ike_csa **ret_csa)
{
	uint64_t rekey_ms = ike_work_age(sa->peer, sa->peer->conf.rekey_child_ms, now_ms);
	struct ike_csa *c;
	int r;

	if ((r = ike_csa_new(d->spi_in, (uint32_t)d->choice.spi, rekey_ms, &c)) < 0)
		return r;
	if ((r = hand_over(sa, d)) < 0) {
		free(c);
		return r;
	}
	ike_csa_add(sa, c);
	sa->esp = sa->peer->conf.esp.s[d->choice.suite];
	if (sa->childless && sa->state == IKE_SA_UP) {
		sa->childless = false;
		ike_on_child(sa->peer, sa, now_ms);
	}
	*ret_csa = c;
	return 0;
}

/* ---- IKE_AUTH ---- */

/* The child of IKE_AUTH has the nonces of the IKE SA. */
static struct ike_deal first_child(const struct ike_sa *sa)
{
	return (struct ike_deal){
		.own = sa->initiator, .ni = &sa->ni, .nr = &sa->nr, .spi_in = sa->spi_wanted,
		.policy = ike_prop_esp(&sa->peer->conf.esp, sa->peer->conf.esn),
	};
}

void ike_task_child_offer(struct ike_sa *sa, struct ike_out *o)
{
	struct ike *k = sa->peer;
	struct ike_prop_policy policy = ike_prop_esp(&k->conf.esp, k->conf.esn);

	sa->spi_wanted = k->ops->spi(k->ctx);
	ike_prop_write(o, &policy, NULL, sa->spi_wanted);
	ike_task_child_write_ts(o, true, &k->conf.local_ts, &k->conf.remote_ts);
}

int ike_task_child_answer(struct ike_sa *sa, const struct ike_sa_msg *m, struct ike_out *o)
{
	struct ike *k = sa->peer;
	struct ike_deal d = first_child(sa);
	struct ike_csa *csa;
	uint16_t refusal = 0;
	int r;

	if ((r = ike_prop_choose(&d.policy, m->in->sa, &d.choice)) < 0)
		refusal = IKE_N_NO_PROPOSAL_CHOSEN;
	else if ((r = ike_task_child_narrow(sa, m->in, &d)) < 0)
		refusal = IKE_N_TS_UNACCEPTABLE;
	if (r == 0) {
		d.spi_in = k->ops->spi(k->ctx);
		if ((r = ike_task_child_install(sa, &d, m->now_ms, &csa)) < 0)
			refusal = IKE_N_NO_ADDITIONAL_SAS;
	}
	if (r < 0) {
		ike_sa_why(sa, "child SA refused: %s", ike_pld_notify_name(refusal));
		ike_pld_put_notify(o, refusal, NULL, 0);
		return r;
	}
	ike_prop_write(o, &d.policy, &d.choice, d.spi_in);
	ike_task_child_write_ts(o, false, &d.local_ts, &d.remote_ts);
	return 0;
}

int ike_task_child_accept(struct ike_sa *sa, const struct ike_sa_msg *m)
{
	const struct ike_in_notify *error = ike_pld_error(m->in);
	struct ike_deal d = first_child(sa);
	struct ike_csa *csa;
	int r;

	if (error) {
		ike_sa_why(sa, "the peer refused the child SA: %s", ike_pld_notify_name(error->type));
		return CW_E_NO_PROPOSAL;
	}
	if ((r = ike_task_child_check(sa, m->in, &d)) < 0)
		return r;
	if ((r = ike_task_child_install(sa, &d, m->now_ms, &csa)) < 0)
		ike_sa_why(sa, "the child SA could not be installed: %s", cw_strerror(r));
	return r;
}
