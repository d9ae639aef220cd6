/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stat.h - named counters: why a packet was dropped, and how often.
 *
 * The names are a public contract (design section 10) and stand in one list. A struct
 * cw_stat belongs to one object (a tunnel, an extension) and is counted by one thread.
 */
#ifndef CW_STAT_H
#define CW_STAT_H

#include "interconnect/base/base.h"

#define CW_STATS(X) \
	X(RX_PACKETS, "rx.packets") X(RX_BYTES, "rx.bytes") X(TX_PACKETS, "tx.packets") X(TX_BYTES, "tx.bytes") \
	X(DROP_ICV, "drop.icv") X(DROP_REPLAY, "drop.replay") X(DROP_MALFORMED, "drop.malformed") \
	X(DROP_NO_SA, "drop.no_sa") X(DROP_POLICY, "drop.policy") X(DROP_REASSEMBLY, "drop.reassembly") \
	X(DROP_STORM, "drop.storm") X(DROP_FILTER, "drop.filter") X(DROP_NOT_OWNER, "drop.not_owner") \
	X(DROP_LOOP, "drop.loop") X(DROP_LIMIT, "drop.limit") X(DROP_TX, "drop.tx") X(DROP_ECN, "drop.ecn") \
	X(IKE_MALFORMED, "ike.malformed") X(IKE_COOKIE, "ike.cookie") X(IKE_REJECTED, "ike.rejected") \
	X(IKE_RETRANSMIT, "ike.retransmit")

enum cw_stat_id {
#define CW_STAT_ENUM(id, name) CW_STAT_##id,
	CW_STATS(CW_STAT_ENUM)
#undef CW_STAT_ENUM
	CW_STAT_N
};

struct cw_stat {
	uint64_t n[CW_STAT_N];
};

const char *cw_stat_name(enum cw_stat_id id);

static inline void cw_stat_add(struct cw_stat *s, enum cw_stat_id id, uint64_t n)
{
	s->n[id] += n;
}

static inline void cw_stat_inc(struct cw_stat *s, enum cw_stat_id id)
{
	s->n[id]++;
}

#endif
