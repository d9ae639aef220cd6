/* SPDX-License-Identifier: Apache-2.0 */
/* rand.c - kernel and processor randomness; a settable sequence for tests. */
#include "interconnect/base/rand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

static uint64_t rand_seed;

/* splitmix64: a full-period sequence, for tests only. */
static uint64_t seeded_next(void)
{
	uint64_t z = rand_seed += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

void cw_rand_bytes(void *buf, size_t size)
{
	uint8_t *p = buf;
	ssize_t n;

	while (rand_seed && size > 0) {
		uint64_t v = seeded_next();
		size_t k = CW_MIN(size, sizeof v);

		memcpy(p, &v, k);
		p += k;
		size -= k;
	}
	while (size > 0) {
		n = getrandom(p, size, 0);
		if (n < 0 && errno != EINTR)
			abort();
		if (n > 0) {
			p += n;
			size -= (size_t)n;
		}
	}
}

uint32_t cw_rand_u32(void)
{
	uint32_t v;

	cw_rand_bytes(&v, sizeof v);
	return v;
}

uint64_t cw_rand_u64(void)
{
	uint64_t v;

	cw_rand_bytes(&v, sizeof v);
	return v;
}

#if defined(__x86_64__)
static bool has_rdrand(void)
{
	static int known = -1;
	unsigned a, b, c, d;

	if (known < 0)
		known = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_RDRND);
	return known == 1;
}

__attribute__((target("rdrnd"))) static bool rdrand32(uint32_t *ret)
{
	unsigned v;

	for (int i = 0; i < 10; i++)
		if (_rdrand32_step(&v)) {
			*ret = v;
			return true;
		}
	return false;
}
#else
static bool has_rdrand(void)
{
	return false;
}

static bool rdrand32(uint32_t *ret)
{
	(void)ret;
	return false;
}
#endif

uint32_t cw_rand_fresh32(void)
{
	uint32_t v;

	if (!rand_seed && has_rdrand() && rdrand32(&v))
		return v;
	return cw_rand_u32();
}

void cw_rand_seed(uint64_t seed)
{
	rand_seed = seed;
}
