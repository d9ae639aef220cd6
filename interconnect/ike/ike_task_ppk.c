/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ike_task_ppk.c - the postquantum preshared key, both roles.
 *
 *   IKE_SA_INIT { ..., N(USE_PPK) }  -->
 *                                   <--  IKE_SA_INIT { ..., N(USE_PPK) }
 *   IKE_AUTH { SK { ..., AUTH, ..., N(PPK_IDENTITY, name), [N(NO_PPK_AUTH, AUTH without PPK)] } }  -->
 *                                   <--  IKE_AUTH { SK { ..., AUTH, N(PPK_IDENTITY), ... } }
 *
 * The key itself never goes over the wire, nor anything it could be guessed from without the Diffie-Hellman secret. The
 * initiator names it; a responder that has it proves itself with it and says so, one that has another may go on without
 * if both sides can do without. USE_PPK goes in clear, but AUTH covers it: who strips it from a message
 * breaks the SA, and never gets one without PPK between two who have it.
 *
 * Implements: RFC 8784 s3, s5.1 (PPK_ID_FIXED).
 */
#include "interconnect/ike/ike_task.h"

#include <errno.h>
#include <string.h>

#include "interconnect/base/mem.h"
#include "interconnect/ike/ike_signer.h"

static bool has_ppk(const struct ike_sa *sa)
{
	const char *id = sa->peer->conf.ppk.id;

	return id && *id;
}

static struct ike_keys *mixed_keys(const struct ike_sa *sa, int *ret_r)
{
	const struct ike_conf *c = &sa->peer->conf;
	struct ike_keys *mixed = cw_mem_secret(sizeof *mixed);

	*ret_r = mixed ? c->signer->ppk(c->signer_ctx, sa->keys, mixed) : -ENOMEM;
	if (*ret_r == 0)
		return mixed;
	cw_mem_free_secret(mixed, sizeof *mixed);
	return NULL;
}

/* The keys of the SA are those with the PPK from now on. */
static void take_mixed(struct ike_sa *sa, struct ike_keys *mixed)
{
	cw_mem_free_secret(sa->keys, sizeof *sa->keys);
	sa->keys = mixed;
	sa->ppk = true;
}

static int refuse(struct ike_sa *sa, const char *why)
{
	ike_sa_why(sa, "%s", why);
	return CW_E_AUTH;
}

/* ---- IKE_SA_INIT ---- */

void ike_task_ppk_offer(const struct ike_sa *sa, struct ike_out *o)
{
	if (sa->initiator ? has_ppk(sa) : sa->ppk_agreed)
		ike_pld_put_notify(o, IKE_N_USE_PPK, NULL, 0);
}

/* A responder with a PPK that is required says so when it knows who asks: in IKE_AUTH. */
int ike_task_ppk_agree(struct ike_sa *sa, const struct ike_in *in)
{
	sa->ppk_agreed = has_ppk(sa) && ike_pld_notify(in, IKE_N_USE_PPK);
	if (!sa->initiator || sa->ppk_agreed || !sa->peer->conf.ppk.required)
		return 0;
	cw_stat_inc(sa->peer->stat, CW_STAT_IKE_REJECTED);
	return refuse(sa, "the peer uses no PPK");
}

/* ---- IKE_AUTH, initiator ---- */

int ike_task_ppk_mix(struct ike_sa *sa)
{
	int r = 0;

	if (sa->ppk_agreed)
		sa->mixed = mixed_keys(sa, &r);
	return r;
}

void ike_task_ppk_name(const struct ike_sa *sa, struct ike_out *o)
{
	uint8_t id[1 + IKE_PPK_ID_MAX];
	struct cw_wr w = cw_wr_of(id, sizeof id);

	if (sa->mixed) {
		cw_wr_u8(&w, IKE_PPK_ID_FIXED);
		cw_wr_bytes(&w, sa->peer->conf.ppk.id, strlen(sa->peer->conf.ppk.id));
		ike_pld_put_notify(o, IKE_N_PPK_IDENTITY, id, w.len);
	} else if (sa->ppk) {
		ike_pld_put_notify(o, IKE_N_PPK_IDENTITY, NULL, 0);
	}
}

int ike_task_ppk_chosen(struct ike_sa *sa, const struct ike_in *in)
{
	struct ike_keys *mixed = sa->mixed;

	sa->mixed = NULL;
	if (mixed && ike_pld_notify(in, IKE_N_PPK_IDENTITY)) {
		take_mixed(sa, mixed);
		return 0;
	}
	cw_mem_free_secret(mixed, sizeof *mixed);
	return sa->peer->conf.ppk.required ? refuse(sa, "the peer does not use the PPK") : 0;
}

/* ---- IKE_AUTH, responder ---- */

static bool is_ours(const struct ike_sa *sa, struct cw_span id)
{
	const char *own = sa->peer->conf.ppk.id;
	struct cw_cur c = cw_cur_of(id.p, id.size);

	if (cw_cur_u8(&c) != IKE_PPK_ID_FIXED || c.bad)
		return false;
	return cw_cur_left(&c) == strlen(own) && memcmp(c.p, own, strlen(own)) == 0;
}

int ike_task_ppk_choose(struct ike_sa *sa, const struct ike_in *in, struct ike_in_auth *ret_auth)
{
	const struct ike_in_notify *name = ike_pld_notify(in, IKE_N_PPK_IDENTITY);
	const struct ike_in_notify *without = ike_pld_notify(in, IKE_N_NO_PPK_AUTH);
	bool required = sa->peer->conf.ppk.required;
	struct ike_keys *mixed;
	int r;

	*ret_auth = in->auth;
	if (!sa->ppk_agreed)
		return required ? refuse(sa, "the peer uses no PPK") : 0;
	if (!name)
		return refuse(sa, "the peer does not name its PPK");
	if (is_ours(sa, name->data)) {
		if ((mixed = mixed_keys(sa, &r)))
			take_mixed(sa, mixed);
		return r;
	}
	if (required || !without)
		return refuse(sa, "the peer names another PPK");
	ret_auth->data = without->data;         /* made by the method that AUTH tells */
	return 0;
}
