/* SPDX-License-Identifier: Apache-2.0 */
/*
 * esp.h - ESP (RFC 4303) in tunnel mode with AEAD (RFC 4106, RFC 7634), or AES-CBC and HMAC-SHA2: seal, open, limits.
 *
 * Outbound: esp_seal() takes an inner IP packet and makes an ESP packet (SPI first, no UDP
 * header). Inbound: esp_open() finds the SA by SPI, tests the replay window, decrypts,
 * marks the window, checks padding, and hands out the inner packet.
 *
 * Nonces. The explicit IV is 32 fresh bits (cw_rand_fresh32, drawn after the plaintext is
 * there) and the low 32 bits of the sequence number. An SA ends for good at ESP_SEQ_HARD
 * packets, before these low bits can repeat, so no IV repeats under a key; and at
 * ESP_BYTES_HARD bytes, or sooner (struct esp_limits). Keys come from IKE, which makes them
 * anew for each SA, and are never stored. A process that is copied or restored
 * from a snapshot with its sequence number draws other fresh bits; the processor's
 * generator is outside of what a snapshot holds. With AES-CBC the whole IV is random.
 *
 * Implements: RFC 4303 s2, s3.3, s3.4, appendix A (ESN); RFC 3602; RFC 4106; RFC 4868; RFC 7634; RFC 3948 s2.1 (the ESP part).
 * Threads: one.
 */
#ifndef ESP_H
#define ESP_H

#include "interconnect/base/base.h"
#include "interconnect/base/crypt.h"
#include "interconnect/base/stat.h"

enum {
	ESP_HEADER = 16,                /* SPI, sequence, IV of an AEAD */
	ESP_HEADER_MAX = 24,            /* with the IV of CBC */
	ESP_TRAILER_MAX = 17,           /* pad (AEAD 0-3, CBC 0-15), pad length, next header */
	ESP_OVERHEAD_MAX = ESP_HEADER_MAX + ESP_TRAILER_MAX + CW_AEAD_TAG_MAX,
	ESP_WINDOW = 8192,              /* packets behind the newest that are still accepted once */
	ESP_SPI_MIN = 256,
};

/* Packets after which an SA wants a successor, and after which it seals no more, with or without ESN: the most that can be allowed. */
#define ESP_SEQ_SOFT ((uint64_t)3 << 30)
#define ESP_SEQ_HARD (((uint64_t)1 << 32) - 1)
/* The same in bytes of what is encrypted: 768 GiB and 1 TiB. */
#define ESP_BYTES_SOFT ((uint64_t)3 << 38)
#define ESP_BYTES_HARD ((uint64_t)1 << 40)
/*
 * Lifetime (RFC 4301 s4.4.2.1). Past a soft limit an SA wants a successor; past a hard one it is of no use any more, in either
 * direction, whether there is a successor or not. Bytes are those that are encrypted. Time is cw_clock_now_ms().
 */
struct esp_limits {
	uint64_t packets_soft, packets_hard;
	uint64_t bytes_soft, bytes_hard;
	uint64_t end_ms;                /* over from then on; UINT64_MAX: never */
};

/* Failed ICVs after which an inbound SA opens no more (forgery limit). */
#define ESP_ICV_FAIL_HARD ((uint64_t)1 << 36)

enum { ESP_NH_IPV4 = 4, ESP_NH_IPV6 = 41, ESP_NH_NONE = 59 };

struct esp_keys {
	uint32_t spi;
	enum cw_aead_alg aead;
	bool esn;
	const uint8_t *key;             /* AEAD key, then 4 bytes of salt; or key of AES, then that of HMAC */
	size_t key_size;
};

struct esp_out;
struct esp_in;
struct esp_sadb;

/* The largest inner packet whose ESP packet has at most SIZE bytes; 0 when none fits. */
size_t esp_inner_max(size_t size, enum cw_aead_alg aead);

CW_NODISCARD int esp_out_new(const struct esp_keys *keys, struct esp_out **ret_out);
void esp_out_free(struct esp_out *o);
/* Seals SIZE bytes of IN, behind which ESP_TRAILER_MAX bytes must be writable, to OUT, which holds SIZE +
 * ESP_OVERHEAD_MAX. Returns the size of the ESP packet; CW_E_LIMIT when the SA is used up. */
CW_NODISCARD int esp_seal(struct esp_out *o, uint8_t next_header, uint8_t *in, size_t size, uint8_t *out);
uint64_t esp_out_seq(const struct esp_out *o);          /* last number used; 0: none */
bool esp_out_soft(const struct esp_out *o);             /* past a soft limit */
/* Without limits of its own an SA has ESP_SEQ_* and ESP_BYTES_*, and no end in time. What is beyond ESP_*_HARD counts as that. */
void esp_out_limit(struct esp_out *o, const struct esp_limits *limits);
/* What is left until each limit, 0 when it is reached; end_ms is as it was set. */
void esp_out_left(const struct esp_out *o, struct esp_limits *ret_left);
uint32_t esp_out_spi(const struct esp_out *o);
/* Tests only: the next packet has number SEQ. Refuses to go back. */
CW_NODISCARD int esp_out_skip(struct esp_out *o, uint64_t seq);
/* Tests only: as if BYTES more had been sealed. */
void esp_out_skip_bytes(struct esp_out *o, uint64_t bytes);

/* Inbound SAs by SPI. OWNER is handed back by esp_open(). */
CW_NODISCARD int esp_sadb_new(struct esp_sadb **ret_db);
void esp_sadb_free(struct esp_sadb *db);
/* CW_E_CONFLICT: the SPI is in use; CW_E_INVALID: it is reserved, or the key has the wrong size. */
CW_NODISCARD int esp_sadb_add(struct esp_sadb *db, const struct esp_keys *keys, void *owner);
void esp_sadb_del(struct esp_sadb *db, uint32_t spi);
/* A random SPI that is not in use. */
uint32_t esp_sadb_spi(const struct esp_sadb *db);

/* The owner of the SA that PKT names, or NULL: whose counters to use. */
void *esp_sadb_owner(const struct esp_sadb *db, const uint8_t *pkt, size_t size);
/* Opens an ESP packet of SIZE bytes to OUT (SIZE bytes long). Returns the size of the inner packet, with
 * *RET_NEXT_HEADER; 0 for a dummy packet (RFC 4303 s2.6). The caller judges the next header and, for TFC padding, the
 * length in the IP header. Failures, each with its drop counter in STAT: CW_E_TRUNC, CW_E_NOT_FOUND (no SA),
 * CW_E_REPLAY, CW_E_AUTH, CW_E_MALFORMED (padding), CW_E_LIMIT (too many wrong ICVs, or over a hard limit). */
CW_NODISCARD int esp_open(struct esp_sadb *db, const uint8_t *pkt, size_t size, uint8_t *out, uint8_t *ret_next_header,
			  struct cw_stat *stat);
/* What an inbound SA may receive at most; without that there is no limit, because its peer has one. No effect on an SPI that is not
 * there. */
void esp_in_limit(struct esp_sadb *db, uint32_t spi, const struct esp_limits *limits);
bool esp_in_soft(const struct esp_sadb *db, uint32_t spi);      /* past a soft limit; false when unknown */
/* The same in place: the inner packet is then part of PKT, at *RET_INNER. What was encrypted is gone, also on failure. */
CW_NODISCARD int esp_open_in_place(struct esp_sadb *db, uint8_t *pkt, size_t size, uint8_t **ret_inner,
				   uint8_t *ret_next_header, struct cw_stat *stat);
/* Highest number accepted on the inbound SA, 0 when unknown. */
uint64_t esp_in_seq(const struct esp_sadb *db, uint32_t spi);

#endif
