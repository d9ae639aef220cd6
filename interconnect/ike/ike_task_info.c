/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ike_task_info.c - INFORMATIONAL: Delete, liveness; and the answers to what we do not do.
 *
 * Implements: RFC 7296 s1.3 (NO_ADDITIONAL_SAS), s1.4, s1.4.1, s2.4, s2.5, s2.21.3.
 */
#include "interconnect/ike/ike_task.h"

#include "interconnect/base/log.h"

CW_LOG_MODULE(ike_info);

/* Does the Delete name our child? The peer's inbound SPI is our outbound one. */
static bool names_child(const struct ike_sa *sa, const struct ike_in *in)
{
	for (size_t i = 0; i < in->n_deletes; i++) {
		struct cw_cur spis = in->del[i].spis;

		while (in->del[i].protocol == IKE_PROTO_ESP && cw_cur_left(&spis) > 0)
			if (cw_cur_u32(&spis) == sa->child_out && sa->child_in)
				return true;
	}
	return false;
}

int ike_task_info_request(struct ike_sa *sa, const struct ike_sa_msg *m)
{
	struct ike *k = sa->peer;
	struct ike_out o = ike_sa_inner(sa);
	uint32_t spi = sa->child_in;

	if (names_child(sa, m->in)) {
		ike_pld_delete_esp(&o, spi);
		ike_sa_why(sa, "the peer deleted the child SA");
		sa->child_in = 0;
		if (sa->state == IKE_SA_UP)
			sa->expire_ms = m->now_ms + IKE_CHILDLESS_MS;
		if (k->conf.initiate)
			sa->quit = true;        /* and begin anew */
		k->ops->child_down(k->ctx, spi);
	}
	return ike_sa_answer(sa, m, &o);
}

int ike_task_info_end(struct ike_sa *sa, const struct ike_sa_msg *m)
{
	const struct ike_in_notify *n = ike_pld_error(m->in);
	struct ike_out o = ike_sa_inner(sa);

	if (n)
		ike_sa_why(sa, "the peer ended the SA: %s", ike_pld_notify_name(n->type));
	else
		ike_sa_why(sa, "the peer deleted the SA");
	return ike_sa_answer(sa, m, &o);
}

int ike_task_info_bad(struct ike_sa *sa, const struct ike_sa_msg *m)
{
	return ike_sa_answer_notify(sa, m, IKE_N_INVALID_SYNTAX, NULL, 0);
}

int ike_task_info_critical(struct ike_sa *sa, const struct ike_sa_msg *m)
{
	cw_stat_inc(sa->peer->stat, CW_STAT_IKE_REJECTED);
	return ike_sa_answer_notify(sa, m, IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD, &m->in->critical, 1);
}

/* We do not rekey in place. A peer that wants to gets a new pair of SAs from us instead. */
int ike_task_info_no_child(struct ike_sa *sa, const struct ike_sa_msg *m)
{
	bool rekey = ike_pld_notify(m->in, IKE_N_REKEY_SA) || ike_pld_count(m->in, IKE_PT_TSI) == 0;

	if (rekey && ike_sa_is_up(sa) && m->now_ms - sa->up_ms >= IKE_RENEW_MIN_MS)
		ike_want_renewal(sa->peer);
	return ike_sa_answer_notify(sa, m, IKE_N_NO_ADDITIONAL_SAS, NULL, 0);
}

int ike_task_info_delete(struct ike_sa *sa, const struct ike_sa_msg *m)
{
	struct ike_out o = ike_sa_inner(sa);

	if (sa->up_serial)
		ike_pld_delete_ike(&o);
	else
		ike_pld_put_notify(&o, IKE_N_AUTHENTICATION_FAILED, NULL, 0);
	return ike_sa_request(sa, IKE_INFORMATIONAL, &o, m->now_ms);
}

int ike_task_info_ping(struct ike_sa *sa, uint64_t now_ms)
{
	struct ike_out o = ike_sa_inner(sa);

	return ike_sa_request(sa, IKE_INFORMATIONAL, &o, now_ms);
}
