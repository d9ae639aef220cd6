/* SPDX-License-Identifier: Apache-2.0 */
/* sum.c - Internet checksum by 64-bit accumulators (RFC 1071 s2: words of any size, in the machine's order). */
#include "interconnect/sum.h"

#include <arpa/inet.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { SUM_WORD = 8, SUM_BLOCK = 32, SUM_VECTOR_MIN = 128 };

static uint64_t sum_word(uint64_t sum, const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof word);
	return sum + (uint32_t)word + (word >> 32);
}

uint64_t sum_add_plain(uint64_t sum, const void *p, size_t size)
{
	const uint8_t *b = p;
	uint8_t tail[SUM_WORD] = { 0 };
	uint64_t other = 0;

	for (; size >= 2 * SUM_WORD; size -= 2 * SUM_WORD, b += 2 * SUM_WORD) {
		sum = sum_word(sum, b);
		other = sum_word(other, b + SUM_WORD);
	}
	if (size >= SUM_WORD) {
		sum = sum_word(sum, b);
		b += SUM_WORD;
		size -= SUM_WORD;
	}
	if (size > 0) {
		memcpy(tail, b, size);
		sum = sum_word(sum, tail);
	}
	return sum + other;
}

#if defined(__x86_64__)
/* 64 bytes a turn: each 32-bit word goes to a 64-bit lane of its own, so that no carry is lost. */
__attribute__((target("avx2")))
static uint64_t sum_add_avx2(uint64_t sum, const uint8_t *b, size_t size)
{
	const __m256i low = _mm256_set1_epi64x(0xffffffff);
	__m256i even = _mm256_setzero_si256(), odd = even;
	uint64_t lanes[4];

	for (; size >= 2 * SUM_BLOCK; size -= 2 * SUM_BLOCK, b += 2 * SUM_BLOCK) {
		__m256i x = _mm256_loadu_si256((const void *)b), y = _mm256_loadu_si256((const void *)(b + SUM_BLOCK));

		even = _mm256_add_epi64(even, _mm256_add_epi64(_mm256_and_si256(x, low), _mm256_and_si256(y, low)));
		odd = _mm256_add_epi64(odd, _mm256_add_epi64(_mm256_srli_epi64(x, 32), _mm256_srli_epi64(y, 32)));
	}
	_mm256_storeu_si256((void *)lanes, _mm256_add_epi64(even, odd));
	return sum_add_plain(sum + lanes[0] + lanes[1] + lanes[2] + lanes[3], b, size);
}
#endif

uint64_t sum_add(uint64_t sum, const void *p, size_t size)
{
#if defined(__x86_64__)
	if (size >= SUM_VECTOR_MIN && __builtin_cpu_supports("avx2"))
		return sum_add_avx2(sum, p, size);
#endif
	return sum_add_plain(sum, p, size);
}

uint64_t sum_add16(uint64_t sum, size_t v)
{
	return sum + htons((uint16_t)v);
}

uint16_t sum_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ntohs((uint16_t)sum);
}

uint16_t sum_end(uint64_t sum)
{
	return (uint16_t)~sum_fold(sum);
}
