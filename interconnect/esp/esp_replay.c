/* SPDX-License-Identifier: Apache-2.0 */
/* esp_replay.c - the replay window and the high half of extended sequence numbers. */
#include "interconnect/esp/esp_replay.h"

_Static_assert((ESP_REPLAY_WORDS & (ESP_REPLAY_WORDS - 1)) == 0, "the ring is indexed by a mask");
/* One word more than the window: the oldest number of the window may stand anywhere in its word. */
_Static_assert(ESP_REPLAY_WORDS * 64 >= ESP_WINDOW + 64, "the ring holds the window");

static uint64_t *word_of(struct esp_replay *w, uint64_t seq)
{
	return &w->ring[seq / 64 % ESP_REPLAY_WORDS];
}

static uint64_t bit_of(uint64_t seq)
{
	return (uint64_t)1 << seq % 64;
}

/*
 * RFC 4303 A2.2. The window ends at top; its lowest number may lie in the subspace below.
 * A low half from the window's lower end upwards belongs to the subspace of that end,
 * one below it to the next.
 */
uint64_t esp_replay_seq(const struct esp_replay *w, uint32_t low)
{
	uint32_t top_low = (uint32_t)w->top, bottom_low = top_low - (ESP_WINDOW - 1);
	uint64_t high = w->top >> 32;

	if (!w->esn)
		return low;
	if (top_low >= ESP_WINDOW - 1) {
		if (low < bottom_low)
			high++;
	} else if (low >= bottom_low) {
		high--;
	}
	/* Behind the last subspace, or, wrapped, before the first. */
	return high > UINT32_MAX ? 0 : high << 32 | low;
}

bool esp_replay_test(const struct esp_replay *w, uint64_t seq)
{
	if (seq == 0)
		return false;
	if (seq > w->top)
		return true;
	if (w->top - seq >= ESP_WINDOW)
		return false;
	return !(w->ring[seq / 64 % ESP_REPLAY_WORDS] & bit_of(seq));
}

void esp_replay_mark(struct esp_replay *w, uint64_t seq)
{
	uint64_t from = w->top / 64, to = seq / 64;

	if (seq > w->top) {
		for (uint64_t n = 1; n <= to - from && n <= ESP_REPLAY_WORDS; n++)
			w->ring[(from + n) % ESP_REPLAY_WORDS] = 0;
		w->top = seq;
	}
	*word_of(w, seq) |= bit_of(seq);
}
