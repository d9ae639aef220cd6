/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frag.h - IPv4 fragments of the packets between two VTEPs, joined again.
 *
 * Joining is bounded and strict. At most FRAG_OPEN datagrams of FRAG_PACKET_MAX bytes are
 * open at a time (the oldest gives way), for FRAG_TIMEOUT_MS and FRAG_SPAN arriving
 * fragments, so that a 16-bit identification that wrapped cannot bring strangers together. A
 * fragment that overlaps another, two different ends, bytes beyond the end, or more than
 * FRAG_GAPS pieces spoil the whole datagram, and what still comes of it is refused too,
 * as RFC 5722 demands for IPv6. Duplicates count as overlap: ESP lets none through.
 *
 * Each datagram given up counts once in drop.reassembly.
 *
 * A mark of congestion on one fragment is one on the whole (RFC 3168 s5.3).
 *
 * Implements: RFC 791 s3.2.   Threads: one.
 */
#ifndef FRAG_H
#define FRAG_H

#include "interconnect/base/base.h"
#include "interconnect/base/stat.h"
#include "netext/ip4.h"

enum { FRAG_OPEN = 64, FRAG_PACKET_MAX = 9216, FRAG_TIMEOUT_MS = 100, FRAG_SPAN = 16384, FRAG_GAPS = 16 };
struct frag;

CW_NODISCARD int frag_new(struct cw_stat *stat, struct frag **ret_frag);   /* STAT is borrowed */
void frag_free(struct frag *f);
/* Takes the fragment H. 1: its datagram is whole, in *RET_WHOLE, whose data live until the next call; 0: it waits for others;
 * CW_E_MALFORMED or CW_E_LIMIT: it was refused. */
CW_NODISCARD int frag_join(struct frag *f, const struct ip4 *h, uint64_t now_ms, struct ip4 *ret_whole);
/* Gives up what has waited too long; frag_join() does it, too. Returns how many are still open. */
size_t frag_expire(struct frag *f, uint64_t now_ms);

#endif
