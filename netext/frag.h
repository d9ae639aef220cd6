/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frag.h - IPv4 fragments of the packets between two VTEPs: cutting and joining.
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
 * Implements: RFC 791 s3.2.   Threads: one.
 */
#ifndef FRAG_H
#define FRAG_H

#include "interconnect/base/base.h"
#include "interconnect/base/stat.h"
#include "netext/ip4.h"

enum { FRAG_OPEN = 64, FRAG_PACKET_MAX = 9216, FRAG_TIMEOUT_MS = 100, FRAG_SPAN = 16384, FRAG_GAPS = 16 };
/* The smallest packet that a path must be able to carry. */
enum { FRAG_MTU_MIN = 68 };

/* Cuts the packet PKT of SIZE bytes, whose header is H. */
struct frag_cut {
	struct ip4 h;
	size_t mtu, at;
};

/* CW_E_LIMIT when MTU is below FRAG_MTU_MIN. The packet is borrowed until the last piece. */
CW_NODISCARD int frag_cut_begin(const uint8_t *pkt, size_t size, size_t mtu, struct frag_cut *ret_cut);
/* Writes the next fragment to OUT (of MTU bytes) and returns its size; 0 after the last one. */
CW_NODISCARD int frag_cut_next(struct frag_cut *c, uint8_t *out);

struct frag;

CW_NODISCARD int frag_new(struct cw_stat *stat, struct frag **ret_frag);   /* STAT is borrowed */
void frag_free(struct frag *f);
/* Takes the fragment H. 1: its datagram is whole, in *RET_WHOLE, whose data live until the next call; 0: it waits for others;
 * CW_E_MALFORMED or CW_E_LIMIT: it was refused. */
CW_NODISCARD int frag_join(struct frag *f, const struct ip4 *h, uint64_t now_ms, struct ip4 *ret_whole);
/* Gives up what has waited too long; frag_join() does it, too. Returns how many are still open. */
size_t frag_expire(struct frag *f, uint64_t now_ms);

#endif
