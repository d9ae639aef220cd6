/* SPDX-License-Identifier: Apache-2.0 */
/* test_esp_open.c - what comes in: answers of others, round trips, and each way to be refused with its counter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/cur.h"
#include "interconnect/base/err.h"
#include "interconnect/esp/esp_sadb.h"
#include "tests/lib/hex.h"
#include "tests/lib/sa.h"
#include "tests/vectors/esp_rows.h"

static struct cw_stat stat;

static struct esp_sadb *db_new(const struct esp_keys *keys)
{
	struct esp_sadb *db = NULL;

	memset(&stat, 0, sizeof stat);
	assert_int_equal(esp_sadb_new(&db), 0);
	if (keys)
		assert_int_equal(esp_sadb_add(db, keys, NULL), 0);
	return db;
}

static bool in_place;

/* Opens from a heap block of exactly SIZE bytes to another, or in place. */
static int open_exact(struct esp_sadb *db, const uint8_t *pkt, size_t size, uint8_t *ret_inner, uint8_t *ret_nh)
{
	uint8_t *in = malloc(size ? size : 1), *out = malloc(size ? size : 1), *inner = out;
	int r;

	assert_non_null(in);
	assert_non_null(out);
	memcpy(in, pkt, size);
	if (in_place)
		r = esp_open_in_place(db, in, size, &inner, ret_nh, &stat);
	else
		r = esp_open(db, in, size, out, ret_nh, &stat);
	if (r > 0 && ret_inner)
		memcpy(ret_inner, inner, (size_t)r);
	free(in);
	free(out);
	return r;
}

/* Refused with R, counted once as ID and as nothing else, the next header untouched. */
static void refuse(struct esp_sadb *db, const uint8_t *pkt, size_t size, int r, enum cw_stat_id id)
{
	struct cw_stat before = stat;
	uint8_t nh = 0xee;
	int got = open_exact(db, pkt, size, NULL, &nh);

	if (got != r)
		fail_msg("%s instead of %s", cw_strerror(got), cw_strerror(r));
	before.n[id]++;
	assert_memory_equal(&stat, &before, sizeof stat);
	assert_int_equal(nh, 0xee);
}

static void accept(struct esp_sadb *db, const uint8_t *pkt, size_t size, int inner)
{
	struct cw_stat before = stat;
	uint8_t nh = 0;

	assert_int_equal(open_exact(db, pkt, size, NULL, &nh), inner);
	assert_memory_equal(&stat, &before, sizeof stat);
}

static size_t seal(struct esp_out *o, size_t size, uint8_t *out)
{
	uint8_t in[2048 + ESP_TRAILER_MAX];
	int r;

	for (size_t i = 0; i < size; i++)
		in[i] = (uint8_t)(i * 7 + size);
	r = esp_seal(o, ESP_NH_IPV4, in, size, out);
	assert_true(r > 0);
	return (size_t)r;
}

/* ---- answers of others ---- */

static void answers_hold(void **state)
{
	uint8_t key[CW_AEAD_KEY_MAX], pkt[512], want[512], got[512], nh = 0;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(esp_answers); i++) {
		const struct esp_answer *v = &esp_answers[i];
		size_t size = hex_bytes(v->packet, pkt, sizeof pkt), n = hex_bytes(v->inner, want, sizeof want);
		struct cw_cur c = cw_cur_of(pkt, size);
		struct esp_keys k = { cw_cur_u32(&c), v->aead, v->esn, key, hex_bytes(v->key, key, sizeof key) };
		struct esp_sadb *db = db_new(&k);

		esp_sadb_find(db, k.spi)->replay.top = v->seq - 1;
		assert_int_equal(open_exact(db, pkt, size, got, &nh), n);
		assert_memory_equal(got, want, n);
		assert_int_equal(nh, ESP_NH_IPV4);
		assert_int_equal(esp_in_seq(db, k.spi), v->seq);
		/* The other mode has another AAD. */
		esp_sadb_del(db, k.spi);
		k.esn = !k.esn;
		assert_int_equal(esp_sadb_add(db, &k, NULL), 0);
		refuse(db, pkt, size, CW_E_AUTH, CW_STAT_DROP_ICV);
		esp_sadb_free(db);
	}
}

/* ---- recordings of strongSwan ---- */

static uint32_t le32(struct cw_cur *c)
{
	return __builtin_bswap32(cw_cur_u32(c));
}

/* The UDP payload of the Ethernet frame, if it is one on port 4500 with ESP. */
static bool esp_of_frame(struct cw_cur *c, struct cw_cur *ret_esp)
{
	struct cw_cur udp;

	cw_cur_skip(c, 14 + 9);
	if (cw_cur_u8(c) != 17)
		return false;
	cw_cur_skip(c, 10);
	if (cw_cur_u16(c) != 4500)
		return false;
	cw_cur_skip(c, 2);
	udp = cw_cur_sub(c, (size_t)cw_cur_u16(c) - 6);
	cw_cur_skip(&udp, 2);
	*ret_esp = udp;
	return cw_cur_u32(&udp) != 0;           /* zero: IKE */
}

static uint16_t inet_sum(const uint8_t *p, size_t size, uint32_t sum)
{
	for (size_t i = 0; i < size; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* A ping, whole and with right checksums: the plaintext proves itself. */
static void check_ping(const uint8_t *p, size_t size, uint8_t nh)
{
	struct cw_cur c = cw_cur_of(p, size);

	if (nh == ESP_NH_IPV4) {
		assert_int_equal(cw_cur_u8(&c), 0x45);
		cw_cur_skip(&c, 1);
		assert_int_equal(cw_cur_u16(&c), size);
		assert_int_equal(inet_sum(p, 20, 0), 0xffff);
		assert_int_equal(inet_sum(p + 20, size - 20, 0), 0xffff);
	} else {
		assert_int_equal(nh, ESP_NH_IPV6);
		assert_int_equal(cw_cur_u32(&c) >> 28, 6);
		assert_int_equal(cw_cur_u16(&c), size - 40);
		assert_int_equal(cw_cur_u8(&c), 58);
		assert_int_equal(inet_sum(p + 8, size - 8, (uint32_t)(size - 40 + 58)), 0xffff);
	}
}

static void golden_keys(const char *path, enum cw_aead_alg aead, struct esp_sadb *db)
{
	static const char format[] = "\"IPv4\",\"%*[^\"]\",\"%*[^\"]\",\"0x%x\",\"%*[^\"]\",\"0x%127[0-9a-f]\","
				     "\"%*[^\"]\",\"0x%127[0-9a-f]\"";
	char line[512], hex[128], mac[128];
	uint8_t key[CW_AEAD_KEY_MAX];
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	while (fgets(line, sizeof line, f)) {
		struct esp_keys k = { .aead = aead, .key = key };
		int n = sscanf(line, format, &k.spi, hex, mac);

		assert_int_equal(n, cw_aead_shape(aead)->salt ? 2 : 3);
		k.key_size = hex_bytes(hex, key, sizeof key);
		if (n == 3)
			k.key_size += hex_bytes(mac, key + k.key_size, sizeof key - k.key_size);
		assert_int_equal(esp_sadb_add(db, &k, NULL), 0);
	}
	fclose(f);
}

static unsigned golden_open(struct cw_cur *file, struct esp_sadb *db)
{
	uint8_t inner[2048], nh = 0;
	unsigned n = 0;

	cw_cur_skip(file, 24);
	while (cw_cur_left(file) > 0) {
		struct cw_cur frame, esp;
		uint32_t size;
		int r;

		cw_cur_skip(file, 8);           /* time */
		size = le32(file);
		cw_cur_skip(file, 4);
		frame = cw_cur_sub(file, size);
		if (!esp_of_frame(&frame, &esp))
			continue;
		r = open_exact(db, esp.p, cw_cur_left(&esp), inner, &nh);
		assert_true(r > 0);
		check_ping(inner, (size_t)r, nh);
		refuse(db, esp.p, cw_cur_left(&esp), CW_E_REPLAY, CW_STAT_DROP_REPLAY);
		n++;
	}
	assert_int_equal(cw_cur_done(file), 0);
	return n;
}

static void golden(void **state)
{
	static const struct {
		const char *name;
		enum cw_aead_alg aead;
		unsigned n_esp;
	} runs[] = {
		{ "p384-gcm256-ecp384", CW_AEAD_AES256_GCM, 6 }, { "psk-gcm256-ecp384", CW_AEAD_AES256_GCM, 10 },
		{ "p256-gcm128-ecp256", CW_AEAD_AES128_GCM, 6 },
		{ "psk-chapoly-x25519", CW_AEAD_CHACHA20_POLY1305, 6 },
		{ "psk-cbc256-sha256-modp2048", CW_AEAD_AES256_CBC_SHA256, 6 },
	};
	static uint8_t data[65536];
	char path[256];

	(void)state;
	for (size_t i = 0; i < CW_COUNT(runs); i++) {
		struct esp_sadb *db = db_new(NULL);
		struct cw_cur c;
		FILE *f;

		snprintf(path, sizeof path, "tests/vectors/golden/%s.esp_sa", runs[i].name);
		golden_keys(path, runs[i].aead, db);
		snprintf(path, sizeof path, "tests/vectors/golden/%s.pcap", runs[i].name);
		f = fopen(path, "rb");
		assert_non_null(f);
		c = cw_cur_of(data, fread(data, 1, sizeof data, f));
		fclose(f);
		assert_int_equal(golden_open(&c, db), runs[i].n_esp);
		esp_sadb_free(db);
	}
}

/* ---- round trips ---- */

static void round_trips(void **state)
{
	uint8_t pkt[SA_PACKET_MAX], inner[2048], nh;

	(void)state;
	for (int alg = 0; alg < CW_AEAD_N; alg++)
		for (int esn = 0; esn < 2; esn++) {
			struct esp_keys k = sa_keys((enum cw_aead_alg)alg, esn);
			struct esp_sadb *db = db_new(&k);
			struct esp_out *o = NULL;

			assert_int_equal(esp_out_new(&k, &o), 0);
			for (size_t size = 1; size < 1500; size += 1 + size / 16) {
				size_t n = seal(o, size, pkt);

				assert_int_equal(open_exact(db, pkt, n, inner, &nh), size);
				assert_int_equal(nh, ESP_NH_IPV4);
				for (size_t i = 0; i < size; i++)
					assert_int_equal(inner[i], (uint8_t)(i * 7 + size));
			}
			assert_int_equal(esp_in_seq(db, SA_SPI), esp_out_seq(o));
			esp_out_free(o);
			esp_sadb_free(db);
		}
}

/* ---- refusals ---- */

struct rig {
	struct esp_sadb *db;
	struct esp_out *o;
	struct esp_keys keys;
	uint8_t pkt[SA_PACKET_MAX];
	size_t size;
};

static void rig_make_alg(struct rig *g, enum cw_aead_alg aead, bool esn)
{
	g->keys = sa_keys(aead, esn);
	g->db = db_new(&g->keys);
	assert_int_equal(esp_out_new(&g->keys, &g->o), 0);
	g->size = seal(g->o, 100, g->pkt);
}

static void rig_make(struct rig *g, bool esn)
{
	rig_make_alg(g, CW_AEAD_AES256_GCM, esn);
}

static void rig_end(struct rig *g)
{
	esp_out_free(g->o);
	esp_sadb_free(g->db);
}

static void each_prefix_is_refused(void **state)
{
	struct rig g;

	(void)state;
	rig_make(&g, true);
	for (size_t n = 0; n < g.size; n++)
		if (n < ESP_PACKET_MIN)
			refuse(g.db, g.pkt, n, CW_E_TRUNC, CW_STAT_DROP_MALFORMED);
		else
			refuse(g.db, g.pkt, n, CW_E_AUTH, CW_STAT_DROP_ICV);
	refuse(g.db, g.pkt, g.size + 1, CW_E_AUTH, CW_STAT_DROP_ICV);
	accept(g.db, g.pkt, g.size, 100);
	rig_end(&g);
}

/* With CBC what is no multiple of its block is nothing at all. */
static void each_prefix_is_refused_with_cbc(void **state)
{
	struct rig g;

	(void)state;
	for (int aead = CW_AEAD_AES128_CBC_SHA256; aead < CW_AEAD_N; aead++) {
		size_t tag = cw_aead_shape((enum cw_aead_alg)aead)->tag, ct;

		rig_make_alg(&g, (enum cw_aead_alg)aead, true);
		for (size_t n = 0; n < g.size; n++) {
			ct = n < 24 + 16 + tag ? 1 : n - 24 - tag;
			if (ct % 16)
				refuse(g.db, g.pkt, n, CW_E_TRUNC, CW_STAT_DROP_MALFORMED);
			else
				refuse(g.db, g.pkt, n, CW_E_AUTH, CW_STAT_DROP_ICV);
		}
		accept(g.db, g.pkt, g.size, 100);
		rig_end(&g);
	}
}

static void each_bit_counts(void **state)
{
	struct rig g;

	(void)state;
	for (int i = 0; i < 2 * CW_AEAD_N; i++) {
		rig_make_alg(&g, (enum cw_aead_alg)(i / 2), i % 2);
		for (size_t bit = 0; bit < g.size * 8; bit++) {
			g.pkt[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (bit < 32)
				refuse(g.db, g.pkt, g.size, CW_E_NOT_FOUND, CW_STAT_DROP_NO_SA);
			else if (bit == 56)             /* number 1 becomes 0 */
				refuse(g.db, g.pkt, g.size, CW_E_REPLAY, CW_STAT_DROP_REPLAY);
			else
				refuse(g.db, g.pkt, g.size, CW_E_AUTH, CW_STAT_DROP_ICV);
			g.pkt[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		/* None of them, whatever its number said, has moved the window. */
		assert_int_equal(esp_in_seq(g.db, SA_SPI), 0);
		accept(g.db, g.pkt, g.size, 100);
		rig_end(&g);
	}
}

static void replays_are_refused(void **state)
{
	static uint8_t pkts[64][256];
	size_t size = 0;
	struct rig g;

	(void)state;
	rig_make(&g, false);
	for (size_t i = 0; i < CW_COUNT(pkts); i++)
		size = seal(g.o, 100, pkts[i]);
	for (size_t i = 0; i < CW_COUNT(pkts); i += 2)
		accept(g.db, pkts[i], size, 100);
	for (size_t i = CW_COUNT(pkts); i-- > 0;)
		if (i % 2)
			accept(g.db, pkts[i], size, 100);
		else
			refuse(g.db, pkts[i], size, CW_E_REPLAY, CW_STAT_DROP_REPLAY);
	for (size_t i = 0; i < CW_COUNT(pkts); i++)
		refuse(g.db, pkts[i], size, CW_E_REPLAY, CW_STAT_DROP_REPLAY);
	/* The oldest that nobody has seen is good until the window has gone by. */
	assert_int_equal(esp_out_skip(g.o, ESP_WINDOW), 0);
	size = seal(g.o, 100, pkts[0]);
	accept(g.db, pkts[0], size, 100);
	accept(g.db, g.pkt, g.size, 100);
	rig_end(&g);

	rig_make(&g, false);
	assert_int_equal(esp_out_skip(g.o, ESP_WINDOW + 1), 0);
	size = seal(g.o, 100, pkts[0]);
	accept(g.db, pkts[0], size, 100);
	refuse(g.db, g.pkt, g.size, CW_E_REPLAY, CW_STAT_DROP_REPLAY);
	rig_end(&g);
}

/* Number 0 and, without ESN, nothing behind 2^32 - 1. */
static void number_zero_is_refused(void **state)
{
	uint8_t plain[4] = { 1, 2, 2, ESP_NH_IPV4 }, pkt[SA_PACKET_MAX];
	size_t size;
	struct rig g;

	(void)state;
	for (int esn = 0; esn < 2; esn++) {
		rig_make(&g, esn);
		size = sa_craft(&g.keys, 0, plain, sizeof plain, pkt);
		refuse(g.db, pkt, size, CW_E_REPLAY, CW_STAT_DROP_REPLAY);
		rig_end(&g);
	}
}

static void icv_limit_closes_the_sa(void **state)
{
	struct esp_in *in;
	struct rig g;

	(void)state;
	rig_make(&g, false);
	in = esp_sadb_find(g.db, SA_SPI);
	in->icv_failed = ESP_ICV_FAIL_HARD - 1;
	g.pkt[g.size - 1] ^= 1;
	refuse(g.db, g.pkt, g.size, CW_E_AUTH, CW_STAT_DROP_ICV);
	g.pkt[g.size - 1] ^= 1;
	assert_true(in->icv_failed == ESP_ICV_FAIL_HARD);
	refuse(g.db, g.pkt, g.size, CW_E_LIMIT, CW_STAT_DROP_LIMIT);
	in->icv_failed--;
	accept(g.db, g.pkt, g.size, 100);
	rig_end(&g);
}

/* What was refused or came twice uses nothing up; what is over opens nothing, were it as new and right as can be. */
static void limits_close_the_sa(void **state)
{
	static const struct esp_limits rows[] = {
		{ 2, 3, UINT64_MAX, UINT64_MAX, UINT64_MAX },
		{ UINT64_MAX, UINT64_MAX, 104 * 2, 104 * 3, UINT64_MAX },
	};
	uint8_t pkt[SA_PACKET_MAX];
	struct rig g;
	size_t size;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		rig_make(&g, i);
		assert_false(esp_in_soft(g.db, SA_SPI));
		esp_in_limit(g.db, SA_SPI, &rows[i]);
		for (int n = 0; n < 3; n++) {
			assert_int_equal(esp_in_soft(g.db, SA_SPI), n >= 2);
			size = seal(g.o, 100, pkt);
			pkt[size - 1] ^= 1;
			refuse(g.db, pkt, size, CW_E_AUTH, CW_STAT_DROP_ICV);
			pkt[size - 1] ^= 1;
			accept(g.db, pkt, size, 100);
			if (n < 2)
				refuse(g.db, pkt, size, CW_E_REPLAY, CW_STAT_DROP_REPLAY);
		}
		size = seal(g.o, 100, pkt);
		refuse(g.db, pkt, size, CW_E_LIMIT, CW_STAT_DROP_LIMIT);
		refuse(g.db, g.pkt, g.size, CW_E_LIMIT, CW_STAT_DROP_LIMIT);
		rig_end(&g);
	}
}

static void too_old_to_open(void **state)
{
	const struct esp_limits l = { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, 5000 };
	uint8_t pkt[SA_PACKET_MAX];
	struct rig g;
	size_t size;

	(void)state;
	rig_make(&g, false);
	esp_in_limit(g.db, SA_SPI, &l);
	esp_in_limit(g.db, SA_SPI + 1, &l);
	size = seal(g.o, 100, pkt);
	cw_clock_set_us(4999999);
	accept(g.db, pkt, size, 100);
	size = seal(g.o, 100, pkt);
	cw_clock_set_us(5000000);
	refuse(g.db, pkt, size, CW_E_LIMIT, CW_STAT_DROP_LIMIT);
	assert_false(esp_in_soft(g.db, SA_SPI));
	assert_false(esp_in_soft(g.db, SA_SPI + 1));
	cw_clock_real();
	rig_end(&g);
}

/* ---- trailers, made by hand ---- */

static void trailers(void **state)
{
	static const struct {
		const char *plain;
		int r;
	} rows[] = {
		{ "aabb0004", 2 },                              /* no padding */
		{ "aa010104", 1 },
		{ "01020204", 0 },                              /* nothing but padding */
		{ "aabbcc01020303" "29", 3 },                   /* next header 41 */
		{ "aabbccdd0102030404" "04", 4 },               /* a length that is no multiple of four */
		{ "aabb000000000004", 6 },                      /* TFC: zeros that the IP header does not count */
		{ "aabb003b", 0 },                              /* dummy */
		{ "000000000000003b", 0 },
		{ "0102023b", 0 },
		{ "01010204", CW_E_MALFORMED },                 /* padding 1 1 */
		{ "02010204", CW_E_MALFORMED },
		{ "00010204", CW_E_MALFORMED },
		{ "aa000104", CW_E_MALFORMED },
		{ "aa020104", CW_E_MALFORMED },
		{ "01020304", CW_E_MALFORMED },                 /* three bytes of padding in two */
		{ "aabbff04", CW_E_MALFORMED },
		{ "aabbcc01020403" "04", CW_E_MALFORMED },
		{ "0202013b", CW_E_MALFORMED },                 /* also a dummy pads rightly */
	};
	uint8_t plain[32], pkt[SA_PACKET_MAX];
	uint64_t seq = 0;
	struct rig g;

	(void)state;
	rig_make(&g, false);
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		size_t n = sa_craft(&g.keys, ++seq, plain, hex_bytes(rows[i].plain, plain, sizeof plain), pkt);

		if (rows[i].r < 0)
			refuse(g.db, pkt, n, rows[i].r, CW_STAT_DROP_MALFORMED);
		else
			accept(g.db, pkt, n, rows[i].r);
		/* Authentic it was: it does not come twice. */
		refuse(g.db, pkt, n, CW_E_REPLAY, CW_STAT_DROP_REPLAY);
	}
	rig_end(&g);
}

static void long_padding(void **state)
{
	uint8_t plain[260], pkt[SA_PACKET_MAX];
	struct rig g;
	size_t n;

	(void)state;
	rig_make(&g, false);
	for (int wrong = 0; wrong <= 255; wrong++) {
		plain[0] = plain[1] = plain[2] = 0x45;
		for (uint8_t i = 0; i < 255; i++)
			plain[3 + i] = (uint8_t)(i + 1);
		plain[258] = 255;
		plain[259] = ESP_NH_IPV4;
		if (wrong)
			plain[2 + wrong] ^= 0x80;
		n = sa_craft(&g.keys, (uint64_t)wrong + 1, plain, sizeof plain, pkt);
		if (wrong)
			refuse(g.db, pkt, n, CW_E_MALFORMED, CW_STAT_DROP_MALFORMED);
		else
			accept(g.db, pkt, n, 3);
	}
	rig_end(&g);
}

/* ---- extended sequence numbers ---- */

/* Across 2^32: in order, out of order, and replayed. */
static void esn_rolls_over(void **state)
{
	enum { N = 40 };
	static uint8_t pkts[N][256];
	uint64_t first = ((uint64_t)1 << 32) - N / 2;
	size_t size = 0;
	struct rig g;

	(void)state;
	rig_make(&g, true);
	accept(g.db, g.pkt, g.size, 100);
	/* On the way: from nothing the last numbers below 2^32 would be taken for numbers before the first. */
	assert_int_equal(esp_out_skip(g.o, (uint64_t)1 << 31), 0);
	size = seal(g.o, 100, pkts[0]);
	accept(g.db, pkts[0], size, 100);
	for (size_t i = 0; i < N; i++) {
		if (i == 0 || i == N / 2)               /* the sender stops at its limit: over it by a jump */
			assert_int_equal(esp_out_skip(g.o, first + i), 0);
		size = seal(g.o, 100, pkts[i]);
		assert_int_equal(esp_out_seq(g.o), first + i);
	}
	for (size_t i = 1; i < N; i += 2)
		accept(g.db, pkts[i], size, 100);
	assert_int_equal(esp_in_seq(g.db, SA_SPI), first + N - 1);
	for (size_t i = 0; i < N; i++)
		if (i % 2)
			refuse(g.db, pkts[i], size, CW_E_REPLAY, CW_STAT_DROP_REPLAY);
		else
			accept(g.db, pkts[i], size, 100);
	for (size_t i = 0; i < N; i++)
		refuse(g.db, pkts[i], size, CW_E_REPLAY, CW_STAT_DROP_REPLAY);
	/* The first packet of all, 2^32 numbers ago: its low half now means another number, whose ICV it has not. */
	refuse(g.db, g.pkt, g.size, CW_E_REPLAY, CW_STAT_DROP_REPLAY);
	assert_int_equal(esp_out_skip(g.o, ((uint64_t)1 << 32) + 3 * ESP_WINDOW), 0);
	size = seal(g.o, 100, pkts[0]);
	accept(g.db, pkts[0], size, 100);
	refuse(g.db, g.pkt, g.size, CW_E_AUTH, CW_STAT_DROP_ICV);
	rig_end(&g);
}

/* A gap just under 2^32 numbers is bridged, one of 2^32 is not (RFC 4303 A3). */
static void esn_bridges_a_gap(void **state)
{
	struct rig g;
	size_t size;

	(void)state;
	rig_make(&g, true);
	assert_int_equal(esp_out_skip(g.o, ESP_WINDOW), 0);
	size = seal(g.o, 100, g.pkt);
	accept(g.db, g.pkt, size, 100);
	assert_int_equal(esp_out_skip(g.o, ((uint64_t)2 << 32) + 9 * ESP_WINDOW), 0);
	size = seal(g.o, 100, g.pkt);
	refuse(g.db, g.pkt, size, CW_E_AUTH, CW_STAT_DROP_ICV);
	rig_end(&g);

	rig_make(&g, true);
	assert_int_equal(esp_out_skip(g.o, ESP_WINDOW), 0);
	size = seal(g.o, 100, g.pkt);
	accept(g.db, g.pkt, size, 100);
	assert_int_equal(esp_out_skip(g.o, (uint64_t)1 << 32), 0);
	size = seal(g.o, 100, g.pkt);
	accept(g.db, g.pkt, size, 100);
	assert_int_equal(esp_in_seq(g.db, SA_SPI), (uint64_t)1 << 32);
	rig_end(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_hold),
		cmocka_unit_test(golden),
		cmocka_unit_test(round_trips),
		cmocka_unit_test(each_prefix_is_refused),
		cmocka_unit_test(each_prefix_is_refused_with_cbc),
		cmocka_unit_test(each_bit_counts),
		cmocka_unit_test(replays_are_refused),
		cmocka_unit_test(number_zero_is_refused),
		cmocka_unit_test(icv_limit_closes_the_sa),
		cmocka_unit_test(limits_close_the_sa),
		cmocka_unit_test(too_old_to_open),
		cmocka_unit_test(trailers),
		cmocka_unit_test(long_padding),
		cmocka_unit_test(esn_rolls_over),
		cmocka_unit_test(esn_bridges_a_gap),
	};

	int failed = cmocka_run_group_tests_name("esp_open", tests, NULL, NULL);

	in_place = true;
	return failed + cmocka_run_group_tests_name("esp_open in place", tests, NULL, NULL);
}
