/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ike_rules.h - which payloads may stand in which message, and how often.
 *
 * A message is of one kind, by its exchange, its direction and, where one exchange has several
 * meanings, by a payload that tells them apart. Rows {kind, payload, min, max} say the rest;
 * a known payload without a row may not be there. Unknown payloads are ignored here (the
 * critical ones have been noticed by ike_pld.c).
 */
#ifndef IKE_RULES_H
#define IKE_RULES_H

#include "interconnect/ike/ike_pld.h"

/* What came in. The order is of no importance. */
#define IKE_KINDS(X) \
	X(SEALED)               /* the outside of every message but IKE_SA_INIT */ \
	X(FRAGMENT)             /* the same, when it is one of several */ \
	X(INIT_REQUEST) X(INIT_RESPONSE) X(INIT_REFUSAL) \
	X(AUTH_REQUEST) X(AUTH_CHILDLESS) /* RFC 6023 */ X(AUTH_NO_AUTH) X(AUTH_RESPONSE) X(AUTH_REFUSAL) \
	X(CHILD_REQUEST) X(REKEY_REQUEST) /* of the IKE SA */ X(CREATE_RESPONSE) X(CREATE_REFUSAL) \
	X(INFO_REQUEST) X(END_REQUEST) X(INFO_RESPONSE)

enum ike_kind {
#define IKE_KIND_ENUM(name) IKE_KIND_##name,
	IKE_KINDS(IKE_KIND_ENUM)
#undef IKE_KIND_ENUM
	IKE_KIND_N
};

const char *ike_rules_kind_name(enum ike_kind k);
/* The kind of a message by its (inner) payloads. CW_E_UNSUPPORTED for an exchange that we do not do. */
CW_NODISCARD int ike_rules_kind(const struct ike_header *h, const struct ike_in *in, enum ike_kind *ret_kind);
/* 0, or CW_E_MALFORMED when a payload is missing or one too many: RET_PLD is its type. */
CW_NODISCARD int ike_rules_check(enum ike_kind kind, const struct ike_in *in, uint8_t *ret_pld);

#endif
