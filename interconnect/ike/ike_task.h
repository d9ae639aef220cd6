/* SPDX-License-Identifier: Apache-2.0 */
/* ike_task.h - the work of each exchange. Actions of ike_sa.c's rows unless said otherwise. */
#ifndef IKE_TASK_H
#define IKE_TASK_H

#include "interconnect/ike/ike_sa.h"

/* ---- ike_task_init.c ---- */
/* Sends our IKE_SA_INIT, with the cookie if there is one. */
CW_NODISCARD int ike_task_init_send(struct ike_sa *sa, uint64_t now_ms);
/* A fresh IKE_SA_INIT request: answers it, statelessly or by a new SA. */
void ike_task_init_request(struct ike *k, const struct ike_way *way, const struct ike_header *h,
			   struct cw_span raw, uint64_t now_ms);
/* The path that an IKE_SA_INIT names, or -1. */
int ike_task_init_path(struct cw_span raw, const struct ike_header *h);
/* Writes the CERTREQ that names our CA, if certificates are what we use. */
CW_NODISCARD int ike_task_init_certreq(const struct ike *k, struct ike_out *o);
/* Answers H with one notification, without an SA; limited. */
void ike_task_init_notify(struct ike *k, const struct ike_way *way, const struct ike_header *h, uint16_t type,
			  const void *data, size_t size, uint64_t now_ms);
int ike_task_init_response(struct ike_sa *sa, const struct ike_sa_msg *m);
int ike_task_init_refusal(struct ike_sa *sa, const struct ike_sa_msg *m);

/* ---- ike_task_natd.c: NAT_DETECTION_SOURCE_IP and _DESTINATION_IP ---- */
/* Both, for a message that takes WAY. */
CW_NODISCARD int ike_task_natd_write(const struct ike *k, struct ike_out *o, uint64_t spi_i, uint64_t spi_r,
				     const struct ike_way *way);
/* What the peer says in a message that took WAY, which had these SPIs: who is behind a NAT. Returns whether the peer takes our
 * address for another than it did before. */
bool ike_task_natd_read(struct ike_sa *sa, const struct ike_in *in, uint64_t spi_i, uint64_t spi_r,
			const struct ike_way *way);

/* ---- ike_task_mobike.c: addresses that change, RFC 4555 ---- */
/* Writes MOBIKE_SUPPORTED and our addresses, in IKE_AUTH. */
void ike_task_mobike_offer(const struct ike_sa *sa, struct ike_out *o);
/* Reads the peer's IKE_AUTH. CW_E_FORBIDDEN when it allows no NAT and there is one. */
CW_NODISCARD int ike_task_mobike_agree(struct ike_sa *sa, const struct ike_sa_msg *m);
/* Asks what mob.todo says. */
CW_NODISCARD int ike_task_mobike_begin(struct ike_sa *sa, uint64_t now_ms);
/* The answer to that. CW_E_AUTH when the peer cannot have seen what we asked: the SA ends. */
CW_NODISCARD int ike_task_mobike_response(struct ike_sa *sa, const struct ike_sa_msg *m);
/* What a liveness check says, and what its answer may tell. */
CW_NODISCARD int ike_task_mobike_ping(const struct ike_sa *sa, struct ike_out *o);
void ike_task_mobike_pong(struct ike_sa *sa, const struct ike_sa_msg *m);
/* What an INFORMATIONAL request of the peer says of addresses; the answer to that is written. */
CW_NODISCARD int ike_task_mobike_request(struct ike_sa *sa, const struct ike_sa_msg *m, struct ike_out *o);
/* A fresh authenticated message came: without MOBIKE the peer may be where it came from. */
void ike_task_mobike_follow(struct ike_sa *sa, const struct ike_sa_msg *m);
/* A fresh ESP packet came from REMOTE. */
void ike_task_mobike_peer_at(struct ike_sa *sa, const struct cw_endpoint *remote);
/* The SA goes this way from now on; SAs that are up tell the peer. */
void ike_task_mobike_moved(struct ike_sa *sa, const struct ike_way *way, uint64_t now_ms);
/* The request under way was repeated: to another address of the peer as well. */
void ike_task_mobike_resend(struct ike_sa *sa);

/* ---- ike_task_auth.c ---- */
CW_NODISCARD int ike_task_auth_send(struct ike_sa *sa, uint64_t now_ms);
int ike_task_auth_request(struct ike_sa *sa, const struct ike_sa_msg *m);
int ike_task_auth_no_auth(struct ike_sa *sa, const struct ike_sa_msg *m);
int ike_task_auth_response(struct ike_sa *sa, const struct ike_sa_msg *m);
int ike_task_auth_refusal(struct ike_sa *sa, const struct ike_sa_msg *m);

/* ---- ike_task_ppk.c: the postquantum preshared key, in IKE_SA_INIT and IKE_AUTH ---- */
/* Writes USE_PPK: as initiator if we have a PPK, as responder if the peer has one, too. */
void ike_task_ppk_offer(const struct ike_sa *sa, struct ike_out *o);
/* Reads the peer's IKE_SA_INIT. As initiator, CW_E_AUTH when the peer has no PPK and one is required. */
CW_NODISCARD int ike_task_ppk_agree(struct ike_sa *sa, const struct ike_in *in);
/* Initiator, before IKE_AUTH: makes the mixed keys if a PPK was agreed on. */
CW_NODISCARD int ike_task_ppk_mix(struct ike_sa *sa);
/* Writes PPK_IDENTITY if the PPK is used: with our name of it as initiator, empty as responder. */
void ike_task_ppk_name(const struct ike_sa *sa, struct ike_out *o);
/* Initiator: which keys the responder uses becomes ours. CW_E_AUTH when it does without a PPK that is required. */
CW_NODISCARD int ike_task_ppk_chosen(struct ike_sa *sa, const struct ike_in *in);
/* Responder: the same by what the initiator has. RET_AUTH is its proof, which fits the keys that were chosen. */
CW_NODISCARD int ike_task_ppk_choose(struct ike_sa *sa, const struct ike_in *in, struct ike_in_auth *ret_auth);

/* ---- ike_task_child.c: what makes a child: SA, TSi, TSr ---- */
/* A child on its way. */
struct ike_deal {
	bool own;                       /* we asked for it */
	const struct ike_nonce *ni, *nr;
	struct cw_span secret;          /* of its own Diffie-Hellman exchange; empty: none */
	uint32_t spi_in;
	struct ike_prop_policy policy;
	struct ike_prop_choice choice;
	struct cw_prefix local_ts, remote_ts;
};

/* TSi and TSr of a message of the exchange that we, or the peer, began. */
void ike_task_child_write_ts(struct ike_out *o, bool own, const struct cw_prefix *local,
			     const struct cw_prefix *remote);
/* Responder: the traffic selectors that both sides want. CW_E_NOT_FOUND. */
CW_NODISCARD int ike_task_child_narrow(const struct ike_sa *sa, const struct ike_in *in, struct ike_deal *d);
/* Initiator: checks what the responder chose. What is wrong is said to ike_sa_why(). */
CW_NODISCARD int ike_task_child_check(struct ike_sa *sa, const struct ike_in *in, struct ike_deal *d);
/* Derives the keys and hands them over; no copy stays. */
CW_NODISCARD int ike_task_child_install(struct ike_sa *sa, const struct ike_deal *d, uint64_t now_ms,
					struct ike_csa **ret_csa);

/* In IKE_AUTH, called by ike_task_auth.c: */
/* Writes our SA, TSi, TSr. */
void ike_task_child_offer(struct ike_sa *sa, struct ike_out *o);
/* Chooses, installs and writes SA, TSi, TSr, or the notification that refuses. 0 or the reason of the refusal. */
CW_NODISCARD int ike_task_child_answer(struct ike_sa *sa, const struct ike_sa_msg *m, struct ike_out *o);
/* Checks and installs what the responder chose. */
CW_NODISCARD int ike_task_child_accept(struct ike_sa *sa, const struct ike_sa_msg *m);

/* ---- ike_task_create.c: CREATE_CHILD_SA for a child ---- */
/* Asks for a child in place of the one with SPI_IN (0: of none). GROUP is that of KE, 0 for the best. */
CW_NODISCARD int ike_task_create_begin(struct ike_sa *sa, uint32_t spi_in, unsigned group, uint64_t now_ms);
int ike_task_create_request(struct ike_sa *sa, const struct ike_sa_msg *m);
/* Both for a child and, by ike_task_rekey.c, for the IKE SA. */
int ike_task_create_response(struct ike_sa *sa, const struct ike_sa_msg *m);
int ike_task_create_refusal(struct ike_sa *sa, const struct ike_sa_msg *m);
/* Our public value, and what the nonces of both CREATE_CHILD_SA have to be. */
CW_NODISCARD int ike_task_create_write_ke(struct ike_out *o, unsigned group, const struct cw_dh *dh);
CW_NODISCARD int ike_task_create_nonce(enum cw_hash prf, struct cw_span nonce, struct ike_nonce *ret_nonce);
void ike_task_create_own_nonce(struct ike_nonce *ret_nonce);
/* The group among L that an INVALID_KE_PAYLOAD asks us for, if it is not the one that we sent; else 0. */
unsigned ike_task_create_other_group(const struct ike_work *w, const struct ike_suites *l, const struct ike_in *in);
/* Answers that the KE payload is not of the group we want. */
int ike_task_create_wrong_group(struct ike_sa *sa, const struct ike_sa_msg *m, unsigned group);

/* ---- ike_task_rekey.c: CREATE_CHILD_SA for the IKE SA ---- */
CW_NODISCARD int ike_task_rekey_begin(struct ike_sa *sa, unsigned group, uint64_t now_ms);
int ike_task_rekey_request(struct ike_sa *sa, const struct ike_sa_msg *m);
void ike_task_rekey_response(struct ike_sa *sa, const struct ike_sa_msg *m);
void ike_task_rekey_refusal(struct ike_sa *sa, const struct ike_sa_msg *m, unsigned type);

/* ---- ike_task_info.c: INFORMATIONAL, and what is refused ---- */
int ike_task_info_request(struct ike_sa *sa, const struct ike_sa_msg *m);
int ike_task_info_response(struct ike_sa *sa, const struct ike_sa_msg *m);
/* Deletes the children that are condemned. */
CW_NODISCARD int ike_task_info_delete_children(struct ike_sa *sa, uint64_t now_ms);
int ike_task_info_end(struct ike_sa *sa, const struct ike_sa_msg *m);
int ike_task_info_bad(struct ike_sa *sa, const struct ike_sa_msg *m);
int ike_task_info_critical(struct ike_sa *sa, const struct ike_sa_msg *m);
/* TEMPORARY_FAILURE: the SA is on its way out. */
int ike_task_info_busy(struct ike_sa *sa, const struct ike_sa_msg *m);
/* Sends a Delete, or with AUTH refused what refuses it. */
int ike_task_info_delete(struct ike_sa *sa, const struct ike_sa_msg *m);
/* Sends an empty request: are you there? */
CW_NODISCARD int ike_task_info_ping(struct ike_sa *sa, uint64_t now_ms);

#endif
