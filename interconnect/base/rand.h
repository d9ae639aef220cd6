/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rand.h - the only source of randomness.
 *
 * cw_rand_bytes() is the kernel's generator. cw_rand_fresh32() is drawn from the
 * processor where it can: a machine that was copied or restored with the state of its
 * kernel still gets a value of its own (esp_seal uses it, see there).
 */
#ifndef CW_RAND_H
#define CW_RAND_H

#include "interconnect/base/base.h"

/* Fills BUF with SIZE random bytes; ends the process when the kernel has none, because nothing is safe then. */
void cw_rand_bytes(void *buf, size_t size);
uint32_t cw_rand_u32(void);
uint64_t cw_rand_u64(void);
uint32_t cw_rand_fresh32(void);
/* Tests only: bytes come from a counter seeded by SEED; 0 restores the kernel. */
void cw_rand_seed(uint64_t seed);

#endif
