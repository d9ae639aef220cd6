/* SPDX-License-Identifier: Apache-2.0 */
/*
 * esp_open.c - inbound: SA, replay test, AEAD, replay mark, trailer.
 *
 * The order is the security of it. Before the ICV has verified nothing is changed but
 * counters; the padding is looked at only afterwards, so that no answer tells about it.
 */
#include "interconnect/base/cur.h"
#include "interconnect/esp/esp_limit.h"
#include "interconnect/esp/esp_sadb.h"

struct packet {
	uint32_t spi, low;
	struct cw_cur rest;             /* IV, ciphertext and ICV */
};

static int parse(const uint8_t *pkt, size_t size, struct packet *ret_packet)
{
	struct cw_cur c = cw_cur_of(pkt, size);
	struct packet p = { 0 };

	p.spi = cw_cur_u32(&c);
	p.low = cw_cur_u32(&c);
	if (c.bad || size < ESP_PACKET_MIN)
		return CW_E_TRUNC;
	p.rest = c;
	*ret_packet = p;
	return 0;
}

/* Decrypts and marks. Returns the size of the plaintext. */
static int decrypt(struct esp_in *in, const struct packet *p, uint8_t *out)
{
	uint64_t seq = esp_replay_seq(&in->replay, p->low);
	const struct cw_aead_shape *shape = in->shape;
	struct cw_cur c = p->rest;
	const uint8_t *iv = cw_cur_take(&c, shape->iv);
	uint8_t nonce[CW_AEAD_NONCE_MAX];
	struct esp_aad aad;
	size_t n;
	int r;

	if (!iv || cw_cur_left(&c) < esp_align(shape) + shape->tag)
		return CW_E_TRUNC;
	n = cw_cur_left(&c) - shape->tag;
	if (n % shape->block)
		return CW_E_TRUNC;
	if (in->icv_failed >= ESP_ICV_FAIL_HARD || esp_limit_over(&in->limits, in->packets, in->bytes, n))
		return CW_E_LIMIT;
	if (!esp_replay_test(&in->replay, seq))
		return CW_E_REPLAY;
	esp_nonce(shape, in->salt, iv, nonce);
	esp_aad(shape, p->spi, seq, in->replay.esn, &aad);
	if ((r = cw_aead_open_end(in->aead, nonce, aad.bytes, aad.head, c.p, n, aad.end, out)) < 0) {
		in->icv_failed += r == CW_E_AUTH;
		return CW_E_AUTH;
	}
	esp_replay_mark(&in->replay, seq);
	in->packets++;
	in->bytes += n;
	return (int)n;
}

/* What lies before padding of 1, 2, 3 ... (RFC 4303 s2.4), which may end in TFC padding: the IP header knows. */
static int trailer(const uint8_t *plain, size_t size, uint8_t *ret_next_header)
{
	struct cw_cur c = cw_cur_of(plain, size), end, pad;
	const uint8_t *p = cw_cur_take_back(&c, 2);
	uint8_t pad_size;

	end = cw_cur_of(p, p ? 2 : 0);
	pad_size = cw_cur_u8(&end);
	p = cw_cur_take_back(&c, pad_size);
	if (c.bad)
		return CW_E_MALFORMED;
	pad = cw_cur_of(p, pad_size);
	for (uint8_t i = 1; cw_cur_left(&pad) > 0; i++)
		if (cw_cur_u8(&pad) != i)
			return CW_E_MALFORMED;
	*ret_next_header = cw_cur_u8(&end);
	return *ret_next_header == ESP_NH_NONE ? 0 : (int)cw_cur_left(&c);
}

static int open_one(struct esp_sadb *db, const uint8_t *pkt, size_t size, uint8_t *out, uint8_t *ret_next_header)
{
	struct packet p;
	struct esp_in *in;
	int r;

	if ((r = parse(pkt, size, &p)) < 0)
		return r;
	if (!(in = esp_sadb_find(db, p.spi)))
		return CW_E_NOT_FOUND;
	if ((r = decrypt(in, &p, out)) < 0)
		return r;
	return trailer(out, (size_t)r, ret_next_header);
}

bool esp_in_soft(const struct esp_sadb *db, uint32_t spi)
{
	const struct esp_in *in = esp_sadb_find(db, spi);

	return in && esp_limit_soft(&in->limits, in->packets, in->bytes);
}

void esp_in_limit(struct esp_sadb *db, uint32_t spi, const struct esp_limits *limits)
{
	struct esp_in *in = esp_sadb_find(db, spi);

	if (in)
		in->limits = *limits;
}

static const struct drop_row {
	int r;
	enum cw_stat_id stat;
} drop_rows[] = {
	{ CW_E_TRUNC, CW_STAT_DROP_MALFORMED },
	{ CW_E_MALFORMED, CW_STAT_DROP_MALFORMED },
	{ CW_E_NOT_FOUND, CW_STAT_DROP_NO_SA },
	{ CW_E_REPLAY, CW_STAT_DROP_REPLAY },
	{ CW_E_AUTH, CW_STAT_DROP_ICV },
	{ CW_E_LIMIT, CW_STAT_DROP_LIMIT },
};

int esp_open(struct esp_sadb *db, const uint8_t *pkt, size_t size, uint8_t *out, uint8_t *ret_next_header,
	     struct cw_stat *stat)
{
	int r = open_one(db, pkt, size, out, ret_next_header);

	for (size_t i = 0; r < 0 && i < CW_COUNT(drop_rows); i++)
		if (drop_rows[i].r == r)
			cw_stat_inc(stat, drop_rows[i].stat);
	return r;
}

int esp_open_in_place(struct esp_sadb *db, uint8_t *pkt, size_t size, uint8_t **ret_inner, uint8_t *ret_next_header,
		      struct cw_stat *stat)
{
	const struct esp_in *in = NULL;
	struct packet p;

	if (parse(pkt, size, &p) == 0)
		in = esp_sadb_find(db, p.spi);
	*ret_inner = pkt + (in ? (size_t)ESP_NUMBERS + in->shape->iv : 0);
	return esp_open(db, pkt, size, *ret_inner, ret_next_header, stat);
}
