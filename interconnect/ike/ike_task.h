/* SPDX-License-Identifier: Apache-2.0 */
/* ike_task.h - the work of each exchange. Actions of ike_sa.c's rows unless said otherwise. */
#ifndef IKE_TASK_H
#define IKE_TASK_H

#include "interconnect/ike/ike_sa.h"

/* ---- ike_task_init.c ---- */
/* Sends our IKE_SA_INIT, with the cookie if there is one. */
CW_NODISCARD int ike_task_init_send(struct ike_sa *sa, uint64_t now_ms);
/* A fresh IKE_SA_INIT request: answers it, statelessly or by a new SA. */
void ike_task_init_request(struct ike *k, const struct cw_endpoint *from, const struct ike_header *h,
			   struct cw_span raw, uint64_t now_ms);
/* Writes the CERTREQ that names our CA, if certificates are what we use. */
CW_NODISCARD int ike_task_init_certreq(const struct ike *k, struct ike_out *o);
/* Answers H with one notification, without an SA; limited. */
void ike_task_init_notify(struct ike *k, const struct cw_endpoint *to, const struct ike_header *h, uint16_t type,
			  const void *data, size_t size, uint64_t now_ms);
int ike_task_init_response(struct ike_sa *sa, const struct ike_sa_msg *m);
int ike_task_init_refusal(struct ike_sa *sa, const struct ike_sa_msg *m);

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

/* ---- ike_task_child.c: the child in IKE_AUTH; called by ike_task_auth.c ---- */
/* Writes our SA, TSi, TSr. */
void ike_task_child_offer(struct ike_sa *sa, struct ike_out *o);
/* Chooses, installs and writes SA, TSi, TSr, or the notification that refuses. 0 or the reason of the refusal. */
CW_NODISCARD int ike_task_child_answer(struct ike_sa *sa, const struct ike_in *in, struct ike_out *o);
/* Checks and installs what the responder chose. */
CW_NODISCARD int ike_task_child_accept(struct ike_sa *sa, const struct ike_in *in);

/* ---- ike_task_info.c: INFORMATIONAL, and what is refused ---- */
int ike_task_info_request(struct ike_sa *sa, const struct ike_sa_msg *m);
int ike_task_info_end(struct ike_sa *sa, const struct ike_sa_msg *m);
int ike_task_info_bad(struct ike_sa *sa, const struct ike_sa_msg *m);
int ike_task_info_critical(struct ike_sa *sa, const struct ike_sa_msg *m);
int ike_task_info_no_child(struct ike_sa *sa, const struct ike_sa_msg *m);
/* Sends a Delete, or with AUTH refused what refuses it. */
int ike_task_info_delete(struct ike_sa *sa, const struct ike_sa_msg *m);
/* Sends an empty request: are you there? */
CW_NODISCARD int ike_task_info_ping(struct ike_sa *sa, uint64_t now_ms);

#endif
