/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ike_work.c - which request an SA makes next, and when: where we are and Delete of children first, then the
 * IKE SA, then the children.
 *
 * While a new pair of SAs is wanted (ike_renew()), nothing of the old is rekeyed.
 *
 * Implements: RFC 7296 s2.8 (when), s2.8.1 (lowest nonce), s2.25 (TEMPORARY_FAILURE is obeyed).
 */
#include <string.h>

#include "interconnect/base/log.h"
#include "interconnect/base/mem.h"
#include "interconnect/base/rand.h"
#include "interconnect/ike/ike_task.h"

CW_LOG_MODULE(ike_work);

uint64_t ike_work_age(const struct ike *k, uint64_t age_ms, uint64_t now_ms)
{
	uint64_t part = age_ms / IKE_JITTER_PARTS;

	if (age_ms == 0)
		return UINT64_MAX;
	return now_ms + age_ms - (k->conf.initiate ? part : 0) - (part ? cw_rand_u32() % part : 0);
}

void ike_work_clear(struct ike_sa *sa)
{
	cw_dh_free(sa->work.dh);
	cw_mem_wipe(&sa->work, sizeof sa->work);
}

int ike_work_nonce_cmp(const struct ike_nonce *a, const struct ike_nonce *b)
{
	int r = memcmp(a->b, b->b, CW_MIN(a->size, b->size));

	return r ? r : (a->size > b->size) - (a->size < b->size);
}

const struct ike_nonce *ike_work_lower(const struct ike_nonce *a, const struct ike_nonce *b)
{
	return ike_work_nonce_cmp(a, b) < 0 ? a : b;
}

bool ike_work_lost(const struct ike_work *w, const struct ike_nonce *nr)
{
	return w->rival && ike_work_nonce_cmp(ike_work_lower(&w->ni, nr), &w->rival_low) < 0;
}

uint64_t ike_work_again(struct ike *k, unsigned *failures, uint64_t now_ms)
{
	if (++*failures < IKE_AGAIN_MAX)
		return now_ms + IKE_AGAIN_MS + cw_rand_u32() % IKE_AGAIN_MS;
	ike_want_renewal(k);
	return UINT64_MAX;
}

/* ---- what is next ---- */

struct job {
	enum ike_work_kind kind;
	struct ike_csa *child;
	uint64_t due_ms;
};

static void consider(struct job *j, enum ike_work_kind kind, struct ike_csa *c, uint64_t due_ms)
{
	if (due_ms < j->due_ms)
		*j = (struct job){ kind, c, due_ms };
}

/* Of what is due at NOW_MS the first in this order; of what is not, the earliest. */
static struct job next(const struct ike_sa *sa, uint64_t now_ms)
{
	struct job j = { .due_ms = UINT64_MAX };

	if (sa->state != IKE_SA_UP || sa->x.request || sa->quit || ike_csa_family_busy(sa))
		return j;
	if (sa->mobike && sa->mob.todo)
		return (struct job){ IKE_WORK_MOBIKE, NULL, 0 };
	for (struct ike_csa *c = sa->children; c; c = c->next) {
		if (c->state == IKE_CSA_CONDEMNED)
			return (struct job){ IKE_WORK_DELETE, NULL, 0 };
		if (c->state == IKE_CSA_REPLACED)
			consider(&j, IKE_WORK_DELETE, c, c->expire_ms);
	}
	if (sa->want_child && sa->childless)    /* it may be what is wanted */
		return (struct job){ IKE_WORK_CHILD, NULL, 0 };
	if (j.due_ms <= now_ms || sa->peer->renew_serial)
		return j;
	if (sa->children)
		consider(&j, IKE_WORK_REKEY, NULL, sa->rekey_ms);
	if (j.due_ms <= now_ms)
		return j;
	if (sa->want_child)
		return (struct job){ IKE_WORK_CHILD, NULL, 0 };
	for (struct ike_csa *c = sa->children; c; c = c->next)
		if (c->state == IKE_CSA_UP)
			consider(&j, IKE_WORK_CHILD, c, c->rekey_ms);
	return j;
}

uint64_t ike_work_next_ms(const struct ike_sa *sa)
{
	return next(sa, 0).due_ms;
}

static int begin(struct ike_sa *sa, const struct job *j, uint64_t now_ms)
{
	switch (j->kind) {
	case IKE_WORK_DELETE:
		if (j->child)
			ike_csa_condemn(sa, j->child);
		return ike_task_info_delete_children(sa, now_ms);
	case IKE_WORK_REKEY:
		return ike_task_rekey_begin(sa, 0, now_ms);
	case IKE_WORK_CHILD:
		sa->want_child = false;
		return ike_task_create_begin(sa, j->child ? j->child->spi_in : 0, 0, now_ms);
	case IKE_WORK_MOBIKE:
		return ike_task_mobike_begin(sa, now_ms);
	case IKE_WORK_NONE:
		break;
	}
	return 0;
}

/* What cannot even begin must not begin again at once. */
static void postpone(struct ike_sa *sa, const struct job *j, uint64_t now_ms)
{
	if (j->kind == IKE_WORK_REKEY)
		sa->rekey_ms = now_ms + IKE_REKEY_BROKEN_MS;
	else if (j->child)
		j->child->rekey_ms = now_ms + IKE_REKEY_BROKEN_MS;
	ike_want_renewal(sa->peer);
}

void ike_work_run(struct ike_sa *sa, uint64_t now_ms)
{
	struct job j = next(sa, now_ms);
	int r;

	if (now_ms < j.due_ms)
		return;
	if ((r = begin(sa, &j, now_ms)) == 0)
		return;
	if (j.kind == IKE_WORK_MOBIKE) {
		ike_sa_drop(sa, now_ms, "our new address could not be told");
		return;
	}
	cw_log_r(WARN, sa->peer->conf.name, r, "%s cannot be rekeyed", j.kind == IKE_WORK_REKEY ? "the IKE SA" : "a child");
	ike_work_clear(sa);
	if (j.kind == IKE_WORK_DELETE)
		ike_sa_drop(sa, now_ms, "no Delete could be sent");
	else
		postpone(sa, &j, now_ms);
}
