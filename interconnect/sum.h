/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sum.h - the Internet checksum, fast: with AVX2 where the processor has it.
 *
 * A sum under way is 64 bits in the machine's byte order and not folded. Parts are added in any order, but all except
 * the last must have even sizes. Carries cannot be lost below 4 GiB.
 *
 * Implements: RFC 1071 s1, s2.   Threads: any.
 */
#ifndef SUM_H
#define SUM_H

#include "interconnect/base/base.h"

/* Adds SIZE bytes, or one 16-bit number as it stands on the wire. */
uint64_t sum_add(uint64_t sum, const void *p, size_t size);
uint64_t sum_add16(uint64_t sum, size_t v);
/* The same without vector instructions: for what they are measured and tested against. */
uint64_t sum_add_plain(uint64_t sum, const void *p, size_t size);
/* What 16 bits of it are left, as a number: of a pseudo header, that is what partial checksums hold. */
uint16_t sum_fold(uint64_t sum);
/* The checksum: 0 over data that hold a right one. */
uint16_t sum_end(uint64_t sum);

#endif
