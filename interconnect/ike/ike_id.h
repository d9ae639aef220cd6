/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ike_id.h - identities: what the configuration writes, what ID payloads carry, what certificates say.
 *
 * The form decides the type: user@fqdn is RFC822_ADDR, what parses as an address is IPV4_ADDR
 * or IPV6_ADDR, everything else is an FQDN. The peer's ID must be of the same type and have
 * the same bytes (an FQDN in any case of letters). Names in DER are refused.
 */
#ifndef IKE_ID_H
#define IKE_ID_H

#include "interconnect/ike/ike.h"
#include "interconnect/ike/ike_pld.h"

struct ike_id {
	uint8_t type;
	struct cw_ip ip;
	const char *name;       /* FQDN, RFC822_ADDR: borrowed */
};

/* CW_E_INVALID when empty or too long. */
CW_NODISCARD int ike_id_parse(const char *text, struct ike_id *ret_id);
/* The bytes behind type and reserved octets. */
struct cw_span ike_id_data(const struct ike_id *id);
bool ike_id_matches(const struct ike_id *id, const struct ike_in_id *in);
/* Is ID one that CERT speaks for, in its subjectAltName? */
bool ike_id_in_cert(const struct ike_id *id, const struct cw_cert *cert);

#endif
