/* SPDX-License-Identifier: Apache-2.0 */
/* ecn.c - the TOS byte between the layers of a tunnel. */
#include "interconnect/ecn.h"

enum { ECN_IPV4_MIN = 20, ECN_IPV6_MIN = 40, ECN_SUM_AT = 10 };

/* 4, 6, or 0 for what is too short or of another version. */
static unsigned ecn_version(const uint8_t *pkt, size_t size)
{
	unsigned version = size > 0 ? pkt[0] >> 4 : 0u;

	if (version == 4 && size >= ECN_IPV4_MIN)
		return 4;
	return version == 6 && size >= ECN_IPV6_MIN ? 6 : 0;
}

uint8_t ecn_tos(const uint8_t *pkt, size_t size)
{
	unsigned version = ecn_version(pkt, size);

	if (version == 4)
		return pkt[1];
	return version == 6 ? (uint8_t)((pkt[0] & 0x0f) << 4 | pkt[1] >> 4) : 0;
}

uint8_t ecn_outer(uint8_t inner, int dscp)
{
	return dscp < 0 ? inner : (uint8_t)((unsigned)dscp << 2 | (inner & ECN_MASK));
}

/* RFC 1624 s3: HC' = ~(~HC + ~m + m'). Right stays right and wrong stays wrong. */
static void ecn_fix_sum(uint8_t *pkt, unsigned old, unsigned new)
{
	unsigned sum = (unsigned)pkt[ECN_SUM_AT] << 8 | pkt[ECN_SUM_AT + 1];

	sum = (~sum & 0xffff) + (~old & 0xffff) + new;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16)) & 0xffff;
	pkt[ECN_SUM_AT] = (uint8_t)(sum >> 8);
	pkt[ECN_SUM_AT + 1] = (uint8_t)sum;
}

static void ecn_set(uint8_t *pkt, size_t size, uint8_t ecn)
{
	unsigned old = (unsigned)pkt[0] << 8 | pkt[1];

	if (ecn_version(pkt, size) == 6) {
		pkt[1] = (uint8_t)((pkt[1] & ~(ECN_MASK << 4)) | ecn << 4);
		return;
	}
	pkt[1] = (uint8_t)((pkt[1] & ~ECN_MASK) | ecn);
	ecn_fix_sum(pkt, old, (unsigned)pkt[0] << 8 | pkt[1]);
}

int ecn_combine(uint8_t *pkt, size_t size, uint8_t outer)
{
	enum { DROP = 4 };
	static const uint8_t rows[4][4] = {             /* [inner][outer]: RFC 6040 s4.2, figure 4 */
		[ECN_NOT_ECT] = { ECN_NOT_ECT, ECN_NOT_ECT, ECN_NOT_ECT, DROP },
		[ECN_ECT1] = { ECN_ECT1, ECN_ECT1, ECN_ECT1, ECN_CE },
		[ECN_ECT0] = { ECN_ECT0, ECN_ECT1, ECN_ECT0, ECN_CE },
		[ECN_CE] = { ECN_CE, ECN_CE, ECN_CE, ECN_CE },
	};
	uint8_t inner, ecn;

	outer &= ECN_MASK;
	if (outer == ECN_NOT_ECT || ecn_version(pkt, size) == 0)
		return 0;
	inner = ecn_tos(pkt, size) & ECN_MASK;
	ecn = rows[inner][outer];
	if (ecn == DROP)
		return CW_E_FORBIDDEN;
	if (ecn != inner)
		ecn_set(pkt, size, ecn);
	return 0;
}

uint8_t ecn_join(uint8_t a, uint8_t b)
{
	return (b & ECN_MASK) == ECN_CE ? a | ECN_CE : a;
}
