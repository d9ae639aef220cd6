/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ike_task_auth.c - IKE_AUTH, both roles.
 *
 *   HDR, SK { IDi, [CERT], [N(INITIAL_CONTACT)], [CERTREQ], IDr, AUTH, [SA, TSi, TSr],
 *             [N(MOBIKE_SUPPORTED), addresses], [N(PPK_IDENTITY)], [N(NO_PPK_AUTH)] }  -->
 *                                   <--  HDR, SK { IDr, [CERT], AUTH, [N(PPK_IDENTITY)], [SA, TSi, TSr],
 *                                             [N(MOBIKE_SUPPORTED), addresses] }
 *                                   <--  HDR, SK { IDr, [CERT], AUTH, N(why there is no child) }
 *                                   <--  HDR, SK { N(AUTHENTICATION_FAILED) }
 *
 * Without SA, TSi and TSr it makes the IKE SA alone, if the responder has said that it does that: RFC 6023.
 *
 * The peer's identity, certificate and AUTH are checked before anything is chosen, installed
 * or said about ourselves as responder.
 *
 * Implements: RFC 7296 s1.2, s2.4 (INITIAL_CONTACT), s2.15, s2.21.2; RFC 6023; RFC 7427 s3; RFC 8784 s3.
 */
#include "interconnect/ike/ike_task.h"

#include <inttypes.h>
#include <stdlib.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/log.h"
#include "interconnect/base/mem.h"
#include "interconnect/ike/ike_signer.h"

CW_LOG_MODULE(ike_auth);

/* What the AUTH of one side covers: ours (OWN) or the peer's, with this ID, under these keys. */
static struct ike_auth_octets octets(const struct ike_sa *sa, bool own, struct cw_span id, const struct ike_keys *keys)
{
	bool by_initiator = own == sa->initiator;
	const struct ike_blob *init = own ? &sa->own_init : &sa->peer_init;

	return (struct ike_auth_octets){
		.message = { init->p, init->size },
		.nonce = by_initiator ? &sa->nr : &sa->ni,
		.id = id,
		.sk_p = by_initiator ? keys->pi : keys->pr,
		.prf = keys->prf,
	};
}

/* ---- we prove ourselves ---- */

static void write_id(const struct ike_sa *sa, struct ike_out *o)
{
	struct cw_span id = ike_id_data(&sa->peer->local_id), der;
	const uint8_t *p;

	ike_pld_id(o, sa->initiator ? IKE_PT_IDI : IKE_PT_IDR, sa->peer->local_id.type, id.p, id.size);
	if (sa->peer->conf.auth != IKE_AUTH_CERT)
		return;
	cw_cert_der(sa->peer->conf.cert, &p, &der.size);
	ike_pld_cert(o, IKE_PT_CERT, p, der.size);
	for (size_t i = 0; i < sa->peer->conf.n_chain; i++) {
		cw_cert_der(sa->peer->conf.chain[i], &p, &der.size);
		ike_pld_cert(o, IKE_PT_CERT, p, der.size);
	}
}

static int sign(const struct ike_sa *sa, const struct ike_auth_octets *o, uint8_t *out, size_t *ret_size)
{
	const struct ike_conf *c = &sa->peer->conf;

	if (!(sa->peer_hashes >> cw_cert_hash_number(c->cert) & 1)) {
		cw_log_rl(WARN, c->name, 0, "the peer does not know the hash that our key signs with");
		return CW_E_UNSUPPORTED;
	}
	return c->signer->sign(c->signer_ctx, o, out, ret_size);
}

/* Our proof under KEYS: RET_SIZE of IKE_AUTH_DATA_MAX bytes to DATA. */
static int prove(const struct ike_sa *sa, const struct ike_keys *keys, uint8_t *data, size_t *ret_size)
{
	struct cw_span id = ike_id_data(&sa->peer->local_id);
	uint8_t body[4 + IKE_ID_MAX];
	struct cw_wr w = cw_wr_of(body, sizeof body);
	struct ike_auth_octets tbs;

	cw_wr_u8(&w, sa->peer->local_id.type);
	cw_wr_u24(&w, 0);
	cw_wr_bytes(&w, id.p, id.size);
	tbs = octets(sa, true, (struct cw_span){ body, w.len }, keys);
	if (sa->peer->conf.auth == IKE_AUTH_PSK)
		return sa->peer->conf.signer->psk_auth(sa->peer->conf.signer_ctx, &tbs, data, ret_size);
	return sign(sa, &tbs, data, ret_size);
}

static int write_auth(const struct ike_sa *sa, struct ike_out *o)
{
	bool psk = sa->peer->conf.auth == IKE_AUTH_PSK;
	uint8_t data[IKE_AUTH_DATA_MAX];
	size_t size;
	int r;

	if ((r = prove(sa, sa->mixed ? sa->mixed : sa->keys, data, &size)) < 0)
		return r;
	ike_pld_auth(o, psk ? IKE_METHOD_PSK : IKE_METHOD_SIGNATURE, data, size);
	return 0;
}

/* A second proof for a responder that has not got the PPK, if we can do without. */
static int write_no_ppk_auth(const struct ike_sa *sa, struct ike_out *o)
{
	uint8_t data[IKE_AUTH_DATA_MAX];
	size_t size;
	int r;

	if (!sa->mixed || sa->peer->conf.ppk.required)
		return 0;
	if ((r = prove(sa, sa->keys, data, &size)) < 0)
		return r;
	ike_pld_put_notify(o, IKE_N_NO_PPK_AUTH, data, size);
	return 0;
}

/* ---- the peer proves itself ---- */

static int check_cert(struct ike_sa *sa, const struct ike_in *in, const struct ike_in_auth *auth,
		      const struct ike_auth_octets *o)
{
	const struct ike *k = sa->peer;
	struct cw_cert *cert;
	struct timespec now;
	const char *why;
	int r;

	cw_clock_wall(&now);
	if ((r = ike_auth_cert(in, k->conf.ca, k->conf.crl, &k->remote_id, now.tv_sec, &cert, &why)) < 0) {
		ike_sa_why(sa, "certificate of the peer: %s", why);
		return r;
	}
	r = ike_auth_check_sig(o, cert, auth);
	cw_cert_free(cert);
	return r;
}

static int check_psk(const struct ike *k, const struct ike_in_auth *auth, const struct ike_auth_octets *o)
{
	uint8_t want[IKE_AUTH_DATA_MAX];
	size_t size;
	int r = k->conf.signer->psk_auth(k->conf.signer_ctx, o, want, &size);

	if (r == 0)
		r = ike_auth_check_psk((struct cw_span){ want, size }, auth);
	cw_mem_wipe(want, sizeof want);
	return r;
}

/* Is the peer who it must be, and does AUTH prove it under the keys of the SA? */
static int check_peer(struct ike_sa *sa, const struct ike_in *in, const struct ike_in_id *id,
		      const struct ike_in_auth *auth)
{
	const struct ike *k = sa->peer;
	struct ike_auth_octets o = octets(sa, false, id->body, sa->keys);
	int r;

	if (!ike_id_matches(&k->remote_id, id)) {
		ike_sa_why(sa, "the peer has another identity than %s", k->conf.remote_id);
		return CW_E_AUTH;
	}
	r = k->conf.auth == IKE_AUTH_PSK ? check_psk(k, auth, &o) : check_cert(sa, in, auth, &o);
	if (r < 0)
		ike_sa_why(sa, "AUTH of the peer%s: %s", sa->ppk ? " (with PPK)" : "", cw_strerror(r));
	return r;
}

/* What only AUTH needed. */
static void forget_init(struct ike_sa *sa)
{
	free(sa->own_init.p);
	free(sa->peer_init.p);
	sa->own_init = sa->peer_init = (struct ike_blob){ 0 };
}

/* ---- initiator ---- */

/* A peer that does not know paths would end those before this one: to it only the first says that there is no other. */
static bool is_only_contact(const struct ike_sa *sa)
{
	const struct ike *k = sa->peer;

	return !sa->renewal && !ike_has_other_up(k, sa) && (k->conf.path <= 0 || sa->path_known);
}

int ike_task_auth_send(struct ike_sa *sa, uint64_t now_ms)
{
	struct ike *k = sa->peer;
	struct cw_span remote = ike_id_data(&k->remote_id);
	struct ike_out o = ike_sa_inner(sa);
	int r;

	if ((r = ike_task_ppk_mix(sa)) < 0)
		return r;
	write_id(sa, &o);
	if (is_only_contact(sa))
		ike_pld_put_notify(&o, IKE_N_INITIAL_CONTACT, NULL, 0);
	if ((r = ike_task_init_certreq(k, &o)) < 0)
		return r;
	ike_pld_id(&o, IKE_PT_IDR, k->remote_id.type, remote.p, remote.size);
	if ((r = write_auth(sa, &o)) < 0)
		return r;
	if (!sa->childless)
		ike_task_child_offer(sa, &o);
	ike_task_mobike_offer(sa, &o);
	ike_task_ppk_name(sa, &o);
	if ((r = write_no_ppk_auth(sa, &o)) < 0)
		return r;
	return ike_sa_request(sa, IKE_AUTH, &o, now_ms);
}

static int take_child(struct ike_sa *sa, const struct ike_sa_msg *m)
{
	if (!sa->childless)
		return ike_task_child_accept(sa, m);
	if (ike_pld_count(m->in, IKE_PT_SA)) {
		ike_sa_why(sa, "the peer made a child that was not asked for");
		return CW_E_MALFORMED;
	}
	sa->want_child = true;
	return 0;
}

int ike_task_auth_response(struct ike_sa *sa, const struct ike_sa_msg *m)
{
	int r = ike_task_ppk_chosen(sa, m->in);

	if (r == 0)
		r = check_peer(sa, m->in, &m->in->idr, &m->in->auth);
	forget_init(sa);
	if (r < 0) {
		cw_stat_inc(sa->peer->stat, CW_STAT_IKE_REJECTED);
		return r;
	}
	sa->esp_way = sa->way;
	if ((r = ike_task_mobike_agree(sa, m)) < 0 || (r = take_child(sa, m)) < 0)
		sa->quit = true;        /* an IKE SA without child is of no use */
	return 0;
}

int ike_task_auth_refusal(struct ike_sa *sa, const struct ike_sa_msg *m)
{
	const struct ike_in_notify *n = ike_pld_error(m->in);

	ike_sa_why(sa, "the peer refused IKE_AUTH: %s", n ? ike_pld_notify_name(n->type) : "no reason");
	return CW_E_AUTH;
}

/* ---- responder ---- */

static int refuse_by(struct ike_sa *sa, const struct ike_sa_msg *m, uint16_t type, int r)
{
	int r2 = ike_sa_answer_notify(sa, m, type, NULL, 0);

	cw_stat_inc(sa->peer->stat, CW_STAT_IKE_REJECTED);
	if (r2 < 0)
		cw_log_r(DEBUG, sa->peer->conf.name, r2, "no refusal could be sent");
	return r;
}

static int refuse(struct ike_sa *sa, const struct ike_sa_msg *m, int r)
{
	return refuse_by(sa, m, IKE_N_AUTHENTICATION_FAILED, r);
}

int ike_task_auth_no_auth(struct ike_sa *sa, const struct ike_sa_msg *m)
{
	ike_sa_why(sa, "the peer wants EAP");
	return refuse(sa, m, CW_E_AUTH);
}

int ike_task_auth_request(struct ike_sa *sa, const struct ike_sa_msg *m)
{
	const struct ike_in *in = m->in;
	struct ike_in_auth auth;
	struct ike_out o;
	int r = ike_task_ppk_choose(sa, in, &auth);

	if (r == 0)
		r = check_peer(sa, in, &in->idi, &auth);
	if (r == 0 && ike_pld_count(in, IKE_PT_IDR) && !ike_id_matches(&sa->peer->local_id, &in->idr)) {
		ike_sa_why(sa, "the peer asks for another identity than %s", sa->peer->conf.local_id);
		r = CW_E_AUTH;
	}
	if (r < 0)
		return refuse(sa, m, r);
	if ((r = ike_task_mobike_agree(sa, m)) < 0)
		return refuse_by(sa, m, IKE_N_UNEXPECTED_NAT_DETECTED, r);
	sa->way = sa->esp_way = *m->way;
	o = ike_sa_inner(sa);
	write_id(sa, &o);
	if ((r = write_auth(sa, &o)) < 0) {
		ike_sa_why(sa, "our AUTH: %s", cw_strerror(r));
		return refuse(sa, m, r);
	}
	ike_task_ppk_name(sa, &o);
	forget_init(sa);
	sa->initial_contact = ike_pld_notify(in, IKE_N_INITIAL_CONTACT) != NULL;
	sa->childless = !ike_pld_count(in, IKE_PT_SA);
	if (!sa->childless && (r = ike_task_child_answer(sa, m, &o)) < 0)
		cw_log_rl(WARN, sa->peer->conf.name, r, "the peer is authenticated, but its child SA was refused");
	ike_task_mobike_offer(sa, &o);
	return ike_sa_answer(sa, m, &o);
}
