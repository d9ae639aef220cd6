/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ike_prop.h - the SA payload: what is offered, what is chosen.
 *
 * We offer one proposal for each suite of the configuration, in its order. As responder we
 * take the first of our suites for which the peer has a proposal with everything that the
 * suite needs and nothing that we do not understand (RFC 7296 s2.7, s3.3.6); a transform
 * with an attribute that we do not know is as if it were not there. Where an offer names "none" for integrity (RFC 5282 s8) or,
 * for ESP, for Diffie-Hellman, the answer repeats it.
 *
 * In CREATE_CHILD_SA an IKE proposal brings an SPI, and an ESP proposal may have a group. We offer the one of the
 * suite, and want it of the peer; with none in the suite the peer may bring any that we know.
 *
 * Implements: RFC 7296 s3.3, RFC 5282 s7 and s8, RFC 7634 s2, RFC 4304 (ESN).
 */
#ifndef IKE_PROP_H
#define IKE_PROP_H

#include "interconnect/ike/ike.h"
#include "interconnect/ike/ike_pld.h"

enum { IKE_PROP_WANTS = 6 };

/* One transform that we would take, in order of preference within its type. */
struct ike_prop_want {
	uint8_t type;
	uint16_t id, key_bits;
	bool optional;          /* never offered, repeated when the peer offers it */
};

struct ike_prop_wants {
	struct ike_prop_want want[IKE_PROP_WANTS];
	size_t n;
};

struct ike_prop_policy {
	uint8_t protocol, spi_size;
	struct ike_prop_wants suite[IKE_SUITES_MAX];
	size_t n;
};

/* What was chosen: the suite by its index, transforms by index into what it wants. */
struct ike_prop_choice {
	uint8_t number;
	size_t suite;
	uint64_t spi;           /* of the peer; 0: the proposal has none */
	unsigned group;         /* 0: none */
	bool hit[IKE_PROP_WANTS];
	bool esn;
};

struct ike_prop_policy ike_prop_ike(const struct ike_suites *suites);
struct ike_prop_policy ike_prop_esp(const struct ike_suites *suites, enum ike_esn esn);
/* The same for CREATE_CHILD_SA. PEER_GROUP is that of the peer's KE payload: 0 when there is none, or when we ask. */
struct ike_prop_policy ike_prop_ike_rekey(const struct ike_suites *suites);
struct ike_prop_policy ike_prop_esp_rekey(const struct ike_suites *suites, enum ike_esn esn, unsigned peer_group);

/* Is it an SA payload: 0, CW_E_TRUNC, CW_E_EXTRA, CW_E_MALFORMED (numbers, last/more, counts), CW_E_LIMIT. */
CW_NODISCARD int ike_prop_check(struct cw_span sa);
/* Chooses from a checked SA payload of a request. CW_E_NO_PROPOSAL. */
CW_NODISCARD int ike_prop_choose(const struct ike_prop_policy *p, struct cw_span sa,
				 struct ike_prop_choice *ret_choice);
/* Accepts the SA payload of a response: exactly one of what we offered. CW_E_NO_PROPOSAL. */
CW_NODISCARD int ike_prop_accept(const struct ike_prop_policy *p, struct cw_span sa,
				 struct ike_prop_choice *ret_choice);
/* Writes the SA payload of a request (CHOICE NULL) or of a response. SPI is ours, if the policy has any. */
void ike_prop_write(struct ike_out *o, const struct ike_prop_policy *p, const struct ike_prop_choice *choice,
		    uint64_t spi);

#endif
