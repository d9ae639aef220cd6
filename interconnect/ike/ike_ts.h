/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ike_ts.h - traffic selectors and prefixes (RFC 7296 s2.9).
 *
 * We speak of one prefix per side, any protocol, any port. Of what the peer names we take
 * our whole prefix if it is inside, else a prefix within ours, else nothing.
 */
#ifndef IKE_TS_H
#define IKE_TS_H

#include "interconnect/ike/ike_pld.h"

struct ike_ts ike_ts_of(const struct cw_prefix *p);
/* The part of OURS that the peer's list names. CW_E_NOT_FOUND: none (TS_UNACCEPTABLE). */
CW_NODISCARD int ike_ts_narrow(const struct ike_in_ts *list, const struct cw_prefix *ours,
			       struct cw_prefix *ret_prefix);
/* Is it this prefix, any protocol, any port, neither more nor less? */
bool ike_ts_is(const struct ike_ts *ts, const struct cw_prefix *p);

#endif
