/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ike_task_info.c - INFORMATIONAL: Delete, liveness; and the answers to what makes no sense or comes too late.
 *
 * Implements: RFC 7296 s1.4, s1.4.1, s2.4, s2.5, s2.21.3, s2.25.
 */
#include "interconnect/ike/ike_task.h"

#include "interconnect/base/log.h"

CW_LOG_MODULE(ike_info);

/* s1.4.1: what the peer deletes is gone in both directions, and it hears the SPI of ours; but not of one that we delete
 * as well, of that each side hears from the other. */
static size_t take_down(struct ike_sa *sa, uint32_t spi_out, uint64_t now_ms, uint32_t *spis, size_t n)
{
	struct ike_sa *home;
	struct ike_csa *c = ike_csa_find_out(sa, spi_out, &home);

	if (!c)
		return n;
	if (c->state != IKE_CSA_DELETING)
		spis[n++] = c->spi_in;
	ike_csa_drop(home, c);
	ike_csa_gone(home, now_ms, "the peer deleted the child SA");
	return n;
}

static size_t take_all_down(struct ike_sa *sa, const struct ike_sa_msg *m, uint32_t *spis, size_t max)
{
	const struct ike_in *in = m->in;
	size_t n = 0;

	for (size_t i = 0; i < in->n_deletes; i++) {
		struct cw_cur c = in->del[i].spis;

		while (in->del[i].protocol == IKE_PROTO_ESP && cw_cur_left(&c) > 0 && n < max)
			n = take_down(sa, cw_cur_u32(&c), m->now_ms, spis, n);
	}
	return n;
}

int ike_task_info_request(struct ike_sa *sa, const struct ike_sa_msg *m)
{
	struct ike_out o = ike_sa_inner(sa);
	uint32_t spis[2 * IKE_CSA_MAX];
	size_t n = take_all_down(sa, m, spis, CW_COUNT(spis));

	int r;

	if (n > 0)
		ike_pld_delete_esp(&o, spis, n);
	if ((r = ike_task_mobike_request(sa, m, &o)) < 0)
		return r;
	return ike_sa_answer(sa, m, &o);
}

/* Whatever the peer says of the children that we deleted, they are gone. */
int ike_task_info_response(struct ike_sa *sa, const struct ike_sa_msg *m)
{
	struct ike_csa *c, *next;

	if (sa->work.kind == IKE_WORK_MOBIKE)
		return ike_task_mobike_response(sa, m);
	if (sa->work.kind != IKE_WORK_DELETE) {
		ike_task_mobike_pong(sa, m);
		return 0;
	}
	ike_work_clear(sa);
	for (c = sa->children; c; c = next) {
		next = c->next;
		if (c->state == IKE_CSA_DELETING)
			ike_csa_drop(sa, c);
	}
	ike_csa_gone(sa, m->now_ms, "no child is left");
	return 0;
}

int ike_task_info_delete_children(struct ike_sa *sa, uint64_t now_ms)
{
	struct ike_out o = ike_sa_inner(sa);
	uint32_t spis[IKE_CSA_MAX];
	size_t n = 0;

	for (struct ike_csa *c = sa->children; c && n < CW_COUNT(spis); c = c->next)
		if (c->state == IKE_CSA_CONDEMNED) {
			c->state = IKE_CSA_DELETING;
			spis[n++] = c->spi_in;
		}
	ike_pld_delete_esp(&o, spis, n);
	sa->work.kind = IKE_WORK_DELETE;
	return ike_sa_request(sa, IKE_INFORMATIONAL, &o, now_ms);
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

int ike_task_info_busy(struct ike_sa *sa, const struct ike_sa_msg *m)
{
	return ike_sa_answer_notify(sa, m, IKE_N_TEMPORARY_FAILURE, NULL, 0);
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
	int r = ike_task_mobike_ping(sa, &o);

	return r < 0 ? r : ike_sa_request(sa, IKE_INFORMATIONAL, &o, now_ms);
}
