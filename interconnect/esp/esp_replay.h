/* SPDX-License-Identifier: Apache-2.0 */
/*
 * esp_replay.h - which sequence numbers of an inbound SA were seen.
 *
 * A ring of 64-bit words, one bit per number, that is never shifted (RFC 6479): when the
 * newest number moves on, the words it enters are cleared. Of the ring only the
 * ESP_WINDOW numbers up to the newest count; older ones are refused whatever their bit
 * says.
 *
 * Three steps for each packet: esp_replay_seq() gives its full number, esp_replay_test()
 * asks without changing anything, and esp_replay_mark() is called when the ICV has
 * verified, and not before: a forged number would move the window.
 *
 * Implements: RFC 4303 s3.4.3, appendix A2 (ESN).
 */
#ifndef ESP_REPLAY_H
#define ESP_REPLAY_H

#include "interconnect/esp/esp.h"

enum { ESP_REPLAY_WORDS = 256 };        /* a power of two, and more than ESP_WINDOW / 64 */

/* All zeros is an SA that has seen nothing. */
struct esp_replay {
	uint64_t top;                   /* newest number marked, 0: none */
	bool esn;
	uint64_t ring[ESP_REPLAY_WORDS];
};

/* The full number of a packet with LOW on the wire; 0, which is never valid, when there cannot be one. */
CW_NODISCARD uint64_t esp_replay_seq(const struct esp_replay *w, uint32_t low);
/* May SEQ still be accepted? */
CW_NODISCARD bool esp_replay_test(const struct esp_replay *w, uint64_t seq);
/* SEQ, for which the test said yes, was accepted. */
void esp_replay_mark(struct esp_replay *w, uint64_t seq);

#endif
