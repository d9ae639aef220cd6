/* SPDX-License-Identifier: Apache-2.0 */
/* ike_rules.c - the messages of RFC 7296 s1.2, s1.3, s1.4 and s2.6 as rows. */
#include "interconnect/ike/ike_rules.h"

enum { MANY = IKE_PLD_MAX };

/* V and N may stand in all messages. */
#define ANYWHERE(k) { k, IKE_PT_N, 0, MANY }, { k, IKE_PT_V, 0, MANY }

static const struct rule {
	enum ike_kind kind;
	uint8_t payload, min, max;
} rules[] = {
	{ IKE_KIND_SEALED, IKE_PT_SK, 1, 1 },

	{ IKE_KIND_INIT_REQUEST, IKE_PT_SA, 1, 1 },
	{ IKE_KIND_INIT_REQUEST, IKE_PT_KE, 1, 1 },
	{ IKE_KIND_INIT_REQUEST, IKE_PT_NONCE, 1, 1 },
	ANYWHERE(IKE_KIND_INIT_REQUEST),

	{ IKE_KIND_INIT_RESPONSE, IKE_PT_SA, 1, 1 },
	{ IKE_KIND_INIT_RESPONSE, IKE_PT_KE, 1, 1 },
	{ IKE_KIND_INIT_RESPONSE, IKE_PT_NONCE, 1, 1 },
	{ IKE_KIND_INIT_RESPONSE, IKE_PT_CERTREQ, 0, MANY },
	ANYWHERE(IKE_KIND_INIT_RESPONSE),

	{ IKE_KIND_INIT_REFUSAL, IKE_PT_N, 1, MANY },
	{ IKE_KIND_INIT_REFUSAL, IKE_PT_V, 0, MANY },

	{ IKE_KIND_AUTH_REQUEST, IKE_PT_IDI, 1, 1 },
	{ IKE_KIND_AUTH_REQUEST, IKE_PT_CERT, 0, IKE_CERTS_MAX },
	{ IKE_KIND_AUTH_REQUEST, IKE_PT_CERTREQ, 0, MANY },
	{ IKE_KIND_AUTH_REQUEST, IKE_PT_IDR, 0, 1 },
	{ IKE_KIND_AUTH_REQUEST, IKE_PT_AUTH, 1, 1 },
	{ IKE_KIND_AUTH_REQUEST, IKE_PT_CP, 0, 1 },
	{ IKE_KIND_AUTH_REQUEST, IKE_PT_SA, 1, 1 },
	{ IKE_KIND_AUTH_REQUEST, IKE_PT_TSI, 1, 1 },
	{ IKE_KIND_AUTH_REQUEST, IKE_PT_TSR, 1, 1 },
	ANYWHERE(IKE_KIND_AUTH_REQUEST),

	{ IKE_KIND_AUTH_CHILDLESS, IKE_PT_IDI, 1, 1 },
	{ IKE_KIND_AUTH_CHILDLESS, IKE_PT_CERT, 0, IKE_CERTS_MAX },
	{ IKE_KIND_AUTH_CHILDLESS, IKE_PT_CERTREQ, 0, MANY },
	{ IKE_KIND_AUTH_CHILDLESS, IKE_PT_IDR, 0, 1 },
	{ IKE_KIND_AUTH_CHILDLESS, IKE_PT_AUTH, 1, 1 },
	{ IKE_KIND_AUTH_CHILDLESS, IKE_PT_CP, 0, 1 },
	ANYWHERE(IKE_KIND_AUTH_CHILDLESS),

	/* Wants EAP: refused whatever else it says. */
	{ IKE_KIND_AUTH_NO_AUTH, IKE_PT_IDI, 1, 1 },
	{ IKE_KIND_AUTH_NO_AUTH, IKE_PT_CERT, 0, IKE_CERTS_MAX },
	{ IKE_KIND_AUTH_NO_AUTH, IKE_PT_CERTREQ, 0, MANY },
	{ IKE_KIND_AUTH_NO_AUTH, IKE_PT_IDR, 0, 1 },
	{ IKE_KIND_AUTH_NO_AUTH, IKE_PT_CP, 0, 1 },
	{ IKE_KIND_AUTH_NO_AUTH, IKE_PT_SA, 0, 1 },
	{ IKE_KIND_AUTH_NO_AUTH, IKE_PT_TSI, 0, 1 },
	{ IKE_KIND_AUTH_NO_AUTH, IKE_PT_TSR, 0, 1 },
	{ IKE_KIND_AUTH_NO_AUTH, IKE_PT_EAP, 0, 1 },
	ANYWHERE(IKE_KIND_AUTH_NO_AUTH),

	/* Without SA and TS when the peer let us in and refused the child. */
	{ IKE_KIND_AUTH_RESPONSE, IKE_PT_IDR, 1, 1 },
	{ IKE_KIND_AUTH_RESPONSE, IKE_PT_CERT, 0, IKE_CERTS_MAX },
	{ IKE_KIND_AUTH_RESPONSE, IKE_PT_AUTH, 1, 1 },
	{ IKE_KIND_AUTH_RESPONSE, IKE_PT_CP, 0, 1 },
	{ IKE_KIND_AUTH_RESPONSE, IKE_PT_SA, 0, 1 },
	{ IKE_KIND_AUTH_RESPONSE, IKE_PT_TSI, 0, 1 },
	{ IKE_KIND_AUTH_RESPONSE, IKE_PT_TSR, 0, 1 },
	ANYWHERE(IKE_KIND_AUTH_RESPONSE),

	{ IKE_KIND_AUTH_REFUSAL, IKE_PT_N, 1, MANY },
	{ IKE_KIND_AUTH_REFUSAL, IKE_PT_V, 0, MANY },

	{ IKE_KIND_CHILD_REQUEST, IKE_PT_SA, 1, 1 },
	{ IKE_KIND_CHILD_REQUEST, IKE_PT_NONCE, 1, 1 },
	{ IKE_KIND_CHILD_REQUEST, IKE_PT_KE, 0, 1 },
	{ IKE_KIND_CHILD_REQUEST, IKE_PT_CP, 0, 1 },
	{ IKE_KIND_CHILD_REQUEST, IKE_PT_TSI, 1, 1 },
	{ IKE_KIND_CHILD_REQUEST, IKE_PT_TSR, 1, 1 },
	ANYWHERE(IKE_KIND_CHILD_REQUEST),

	{ IKE_KIND_REKEY_REQUEST, IKE_PT_SA, 1, 1 },
	{ IKE_KIND_REKEY_REQUEST, IKE_PT_NONCE, 1, 1 },
	{ IKE_KIND_REKEY_REQUEST, IKE_PT_KE, 1, 1 },
	ANYWHERE(IKE_KIND_REKEY_REQUEST),

	/* What was asked for tells which of these must be there. */
	{ IKE_KIND_CREATE_RESPONSE, IKE_PT_SA, 1, 1 },
	{ IKE_KIND_CREATE_RESPONSE, IKE_PT_NONCE, 1, 1 },
	{ IKE_KIND_CREATE_RESPONSE, IKE_PT_KE, 0, 1 },
	{ IKE_KIND_CREATE_RESPONSE, IKE_PT_CP, 0, 1 },
	{ IKE_KIND_CREATE_RESPONSE, IKE_PT_TSI, 0, 1 },
	{ IKE_KIND_CREATE_RESPONSE, IKE_PT_TSR, 0, 1 },
	ANYWHERE(IKE_KIND_CREATE_RESPONSE),

	{ IKE_KIND_CREATE_REFUSAL, IKE_PT_N, 1, MANY },
	{ IKE_KIND_CREATE_REFUSAL, IKE_PT_V, 0, MANY },

	{ IKE_KIND_INFO_REQUEST, IKE_PT_D, 0, IKE_DELETES_MAX },
	{ IKE_KIND_INFO_REQUEST, IKE_PT_CP, 0, 1 },
	ANYWHERE(IKE_KIND_INFO_REQUEST),

	{ IKE_KIND_END_REQUEST, IKE_PT_D, 0, IKE_DELETES_MAX },
	{ IKE_KIND_END_REQUEST, IKE_PT_CP, 0, 1 },
	ANYWHERE(IKE_KIND_END_REQUEST),

	{ IKE_KIND_INFO_RESPONSE, IKE_PT_D, 0, IKE_DELETES_MAX },
	{ IKE_KIND_INFO_RESPONSE, IKE_PT_CP, 0, 1 },
	ANYWHERE(IKE_KIND_INFO_RESPONSE),
};

const char *ike_rules_kind_name(enum ike_kind k)
{
	static const char *const names[] = {
#define KIND_NAME(name) #name,
		IKE_KINDS(KIND_NAME)
#undef KIND_NAME
	};

	return k < IKE_KIND_N ? names[k] : "?";
}

static bool no_sa(const struct ike_in *in)
{
	return ike_pld_count(in, IKE_PT_SA) == 0 && ike_pld_count(in, IKE_PT_N) > 0;
}

static bool no_ts(const struct ike_in *in)
{
	return ike_pld_count(in, IKE_PT_TSI) == 0 && ike_pld_count(in, IKE_PT_TSR) == 0;
}

static bool no_auth(const struct ike_in *in)
{
	return ike_pld_count(in, IKE_PT_AUTH) == 0;
}

static bool no_child(const struct ike_in *in)
{
	return ike_pld_count(in, IKE_PT_SA) == 0 && no_ts(in);
}

static bool refuses(const struct ike_in *in)
{
	return no_auth(in) && ike_pld_error(in);
}

/* The peer is done with this SA: it deletes it, or tells us that it never was (s2.21.2, s2.21.3). */
static bool ends(const struct ike_in *in)
{
	for (size_t i = 0; i < in->n_deletes; i++)
		if (in->del[i].protocol == IKE_PROTO_IKE)
			return true;
	return ike_pld_notify(in, IKE_N_AUTHENTICATION_FAILED) || ike_pld_notify(in, IKE_N_INVALID_SYNTAX);
}

/* The first row that fits counts. */
static const struct {
	uint8_t exchange;
	bool response;
	bool (*when)(const struct ike_in *in);
	enum ike_kind kind;
} kinds[] = {
	{ IKE_SA_INIT, false, NULL, IKE_KIND_INIT_REQUEST },
	{ IKE_SA_INIT, true, no_sa, IKE_KIND_INIT_REFUSAL },
	{ IKE_SA_INIT, true, NULL, IKE_KIND_INIT_RESPONSE },
	{ IKE_AUTH, false, no_auth, IKE_KIND_AUTH_NO_AUTH },
	{ IKE_AUTH, false, no_child, IKE_KIND_AUTH_CHILDLESS },
	{ IKE_AUTH, false, NULL, IKE_KIND_AUTH_REQUEST },
	{ IKE_AUTH, true, refuses, IKE_KIND_AUTH_REFUSAL },
	{ IKE_AUTH, true, NULL, IKE_KIND_AUTH_RESPONSE },
	{ IKE_CREATE_CHILD_SA, false, no_ts, IKE_KIND_REKEY_REQUEST },
	{ IKE_CREATE_CHILD_SA, false, NULL, IKE_KIND_CHILD_REQUEST },
	{ IKE_CREATE_CHILD_SA, true, no_sa, IKE_KIND_CREATE_REFUSAL },
	{ IKE_CREATE_CHILD_SA, true, NULL, IKE_KIND_CREATE_RESPONSE },
	{ IKE_INFORMATIONAL, false, ends, IKE_KIND_END_REQUEST },
	{ IKE_INFORMATIONAL, false, NULL, IKE_KIND_INFO_REQUEST },
	{ IKE_INFORMATIONAL, true, NULL, IKE_KIND_INFO_RESPONSE },
};

int ike_rules_kind(const struct ike_header *h, const struct ike_in *in, enum ike_kind *ret_kind)
{
	for (size_t i = 0; i < CW_COUNT(kinds); i++)
		if (kinds[i].exchange == h->exchange && kinds[i].response == ike_msg_is_response(h) &&
		    (!kinds[i].when || kinds[i].when(in))) {
			*ret_kind = kinds[i].kind;
			return 0;
		}
	return CW_E_UNSUPPORTED;
}

static const struct rule *find_rule(enum ike_kind kind, uint8_t payload)
{
	for (size_t i = 0; i < CW_COUNT(rules); i++)
		if (rules[i].kind == kind && rules[i].payload == payload)
			return &rules[i];
	return NULL;
}

int ike_rules_check(enum ike_kind kind, const struct ike_in *in, uint8_t *ret_pld)
{
	/* A fragment stands outside, alone, and nowhere else. */
	if ((in->frag_total > 0) != (kind == IKE_KIND_FRAGMENT)) {
		*ret_pld = IKE_PT_SKF;
		return CW_E_MALFORMED;
	}
	for (uint8_t pt = IKE_PT_FIRST; pt < IKE_PT_FIRST + IKE_PT_N_KNOWN; pt++) {
		const struct rule *rule = find_rule(kind, pt);
		unsigned n = in->count[pt - IKE_PT_FIRST];

		if (n < (rule ? rule->min : 0u) || n > (rule ? rule->max : 0u)) {
			*ret_pld = pt;
			return CW_E_MALFORMED;
		}
	}
	return 0;
}
