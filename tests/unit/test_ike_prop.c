/* SPDX-License-Identifier: Apache-2.0 */
/* test_ike_prop.c - suites as text; proposals: structure, choice, what a response may say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "interconnect/ike/ike_prop.h"

enum { BUF = 16384 };

static const struct ike_suites gcm = { { { CW_AEAD_AES256_GCM, CW_HASH_SHA384, 20 } }, 1 };
static const struct ike_suites chacha = { { { CW_AEAD_CHACHA20_POLY1305, CW_HASH_SHA256, 31 } }, 1 };

/* ---- SA payloads by hand: type, id, key length (0: no attribute), more attributes ---- */

struct tr {
	uint8_t type;
	uint16_t id, bits;
	uint16_t attr;                  /* another attribute, TV; 0: none */
};

static struct cw_wr sa;
static uint8_t sa_buf[BUF];

static void begin(void)
{
	sa = cw_wr_of(sa_buf, sizeof sa_buf);
}

static void proposal(bool last, uint8_t number, uint8_t protocol, const void *spi, uint8_t spi_size, const struct tr *t,
		     size_t n)
{
	size_t start = sa.len, length, at, tlen;

	cw_wr_u16(&sa, last ? 0 : 0x0200);
	length = cw_wr_len16_begin(&sa);
	cw_wr_u8(&sa, number);
	cw_wr_u8(&sa, protocol);
	cw_wr_u8(&sa, spi_size);
	cw_wr_u8(&sa, (uint8_t)n);
	cw_wr_bytes(&sa, spi, spi_size);
	for (size_t i = 0; i < n; i++) {
		at = sa.len;
		cw_wr_u16(&sa, i + 1 == n ? 0 : 0x0300);
		tlen = cw_wr_len16_begin(&sa);
		cw_wr_u8(&sa, t[i].type);
		cw_wr_u8(&sa, 0);
		cw_wr_u16(&sa, t[i].id);
		if (t[i].bits) {
			cw_wr_u16(&sa, 0x800e);
			cw_wr_u16(&sa, t[i].bits);
		}
		if (t[i].attr) {
			cw_wr_u16(&sa, t[i].attr);
			cw_wr_u16(&sa, 0);
		}
		cw_wr_len16_end(&sa, tlen, at);
	}
	cw_wr_len16_end(&sa, length, start);
}

/* Check in a block of the exact size. */
static int check(const uint8_t *p, size_t size)
{
	uint8_t *block = malloc(size ? size : 1);
	int r;

	assert_non_null(block);
	if (size)
		memcpy(block, p, size);
	r = ike_prop_check((struct cw_span){ block, size });
	free(block);
	return r;
}

static struct cw_span built(void)
{
	assert_false(sa.bad);
	return (struct cw_span){ sa.buf, sa.len };
}

#define IKE_OK { 1, 20, 256, 0 }, { 2, 6, 0, 0 }, { 4, 20, 0, 0 }

/* ---- suites ---- */

static void suite_text(void **state)
{
	static const char *const bad[] = {
		"", "-", "aes256gcm16", "aes256gcm16-prfsha384", "aes256gcm16-prfsha384-ecp384-",
		"aes256gcm16-prfsha384-ecp384-x", "prfsha384-aes256gcm16-ecp384", "aes256gcm16-ecp384-prfsha384",
		"AES256GCM16-prfsha384-ecp384", "aes256gcm16--ecp384", " aes256gcm16-prfsha384-ecp384",
		"aes256gcm16-prfsha384-ecp384 ", "aes256-modp2048", "aes256gcm16-prfsha384-ecp38",
		"aes256gcm16-prfsha1-ecp384", "aes256gcm16-prfsha384-modp1024", "aes256-sha1-modp2048",
		"aes256-sha256-sha256-modp2048", "aes256gcm16-sha256-prfsha256-ecp256", "aes256-sha256",
		",aes256gcm16-prfsha384-ecp384", "aes256gcm16-prfsha384-ecp384,",
		"aes256gcm16-prfsha384-ecp384, aes128gcm16-prfsha256-ecp256",
		"aes256gcm16-prfsha384-ecp384,aes256gcm16-prfsha384-ecp384",
		"aes256-sha256-prfsha256-ecp384,aes256-sha256-ecp384",
		"aes256gcm16-prfsha384-ecp384,aes256gcm16-prfsha384-ecp256,aes256gcm16-prfsha384-x25519,"
		"aes256gcm16-prfsha384-modp2048,aes256gcm16-prfsha256-ecp384,aes256gcm16-prfsha256-ecp256,"
		"aes256gcm16-prfsha256-x25519,aes256gcm16-prfsha256-modp2048,aes128gcm16-prfsha256-ecp256",
	};
	static const char *const bad_esp[] = {
		"", "aes256gcm16-", "aes256gcm16-ecp38", "null", "aes256gcm1", "aes256gcm166", "aes256", "aes256-",
		"aes256-sha1", "aes256gcm16,aes256gcm16", "aes256gcm16,", "aes256gcm16-ecp384-ecp384",
		"aes256gcm16-prfsha256",
	};
	static const char *const good[] = {
		"aes128gcm16-prfsha512-x25519", "aes256-sha256-modp2048", "aes128-sha512-prfsha256-ecp256",
		"chacha20poly1305-prfsha256-x25519", "aes256-sha384-ecp384",
	};
	static const char *const good_esp[] = { "chacha20poly1305", "aes256-sha256", "aes128-sha384-modp2048", "aes128gcm16-x25519" };
	struct ike_suites s = { .n = 99 };
	struct cw_why why;
	char text[IKE_SUITE_TEXT];

	(void)state;
	for (size_t i = 0; i < CW_COUNT(bad); i++) {
		memset(&why, 0, sizeof why);
		assert_int_equal(ike_suite_parse(bad[i], false, &s, &why), CW_E_INVALID);
		assert_string_equal(why.field, "ike");
		assert_non_null(strstr(why.rule, "prfsha384"));
		assert_int_equal(s.n, 99);
	}
	for (size_t i = 0; i < CW_COUNT(bad_esp); i++)
		assert_int_equal(ike_suite_parse(bad_esp[i], true, &s, NULL), CW_E_INVALID);
	for (size_t i = 0; i < CW_COUNT(good); i++) {
		assert_int_equal(ike_suite_parse(good[i], false, &s, NULL), 0);
		assert_int_equal(s.n, 1);
		assert_string_equal(ike_suite_text(&s.s[0], false, text), good[i]);
	}
	for (size_t i = 0; i < CW_COUNT(good_esp); i++) {
		assert_int_equal(ike_suite_parse(good_esp[i], true, &s, NULL), 0);
		assert_string_equal(ike_suite_text(&s.s[0], true, text), good_esp[i]);
	}
	assert_int_equal(ike_suite_parse("aes256-sha256-prfsha256-modp2048,aes128gcm16-prfsha512-x25519", false, &s, NULL), 0);
	assert_int_equal(s.n, 2);
	assert_string_equal(ike_suite_text(&s.s[0], false, text), "aes256-sha256-modp2048");
	assert_true(s.s[0].aead == CW_AEAD_AES256_CBC_SHA256 && s.s[0].prf == CW_HASH_SHA256 && s.s[0].group == 14);
	assert_true(s.s[1].aead == CW_AEAD_AES128_GCM && s.s[1].prf == CW_HASH_SHA512 && s.s[1].group == 31);
}

/* ---- structure ---- */

static void every_prefix_fails(void **state)
{
	static const struct tr t[] = { IKE_OK };

	(void)state;
	begin();
	proposal(false, 1, 1, NULL, 0, t, 3);
	proposal(true, 2, 1, "12345678", 8, t, 3);
	assert_int_equal(check(sa.buf, sa.len), 0);
	for (size_t n = 0; n < sa.len; n++)
		assert_true(check(sa.buf, n) < 0);
	cw_wr_u8(&sa, 0);
	assert_int_equal(check(sa.buf, sa.len), CW_E_EXTRA);
}

static void every_byte_may_lie(void **state)
{
	static const struct tr t[] = { IKE_OK };
	struct ike_prop_policy policy = ike_prop_ike(&gcm);
	struct ike_prop_choice c;
	uint8_t bad[256];

	(void)state;
	begin();
	proposal(false, 1, 1, NULL, 0, t, 3);
	proposal(true, 2, 1, NULL, 0, t, 3);
	assert_true(sa.len < sizeof bad);
	for (size_t at = 0; at < sa.len; at++)
		for (unsigned v = 0; v < 256; v++) {
			struct cw_span span = { bad, sa.len };

			memcpy(bad, sa.buf, sa.len);
			bad[at] = (uint8_t)v;
			if (check(bad, sa.len) == 0 && ike_prop_choose(&policy, span, &c) == 0)
				assert_true(c.hit[0] && c.hit[2] && c.hit[3]);
		}
}

static void numbers_and_counts(void **state)
{
	static const struct tr t[] = { IKE_OK };
	static const uint8_t last_in_the_middle[] = {
		0, 0, 0, 24, 1, 1, 0, 2, 0, 0, 0, 8, 2, 0, 0, 6, 0, 0, 0, 8, 2, 0, 0, 6 };
	static const uint8_t more_at_the_end[] = { 0, 0, 0, 16, 1, 1, 0, 1, 3, 0, 0, 8, 2, 0, 0, 6 };
	static const uint8_t promised_more[] = { 0, 0, 0, 16, 1, 1, 0, 2, 3, 0, 0, 8, 2, 0, 0, 6 };
	static const uint8_t promised_less[] = {
		0, 0, 0, 24, 1, 1, 0, 1, 0, 0, 0, 8, 2, 0, 0, 6, 0, 0, 0, 8, 2, 0, 0, 6 };
	static const uint8_t odd_more[] = { 1, 0, 0, 16, 1, 1, 0, 1, 0, 0, 0, 8, 2, 0, 0, 6 };

	(void)state;
	begin();
	proposal(false, 1, 1, NULL, 0, t, 3);
	proposal(true, 3, 1, NULL, 0, t, 3);
	assert_int_equal(check(sa.buf, sa.len), CW_E_MALFORMED);
	begin();
	proposal(true, 0, 1, NULL, 0, t, 3);
	assert_int_equal(check(sa.buf, sa.len), CW_E_MALFORMED);
	begin();
	proposal(true, 1, 1, NULL, 0, t, 3);
	proposal(true, 2, 1, NULL, 0, t, 3);
	assert_int_equal(check(sa.buf, sa.len), CW_E_EXTRA);
	begin();
	for (unsigned i = 1; i <= IKE_PROPOSALS_MAX; i++)
		proposal(i == IKE_PROPOSALS_MAX, (uint8_t)i, 1, NULL, 0, t, 3);
	assert_int_equal(check(sa.buf, sa.len), 0);
	begin();
	for (unsigned i = 1; i <= IKE_PROPOSALS_MAX + 1; i++)
		proposal(i == IKE_PROPOSALS_MAX + 1, (uint8_t)i, 1, NULL, 0, t, 3);
	assert_int_equal(check(sa.buf, sa.len), CW_E_LIMIT);
	assert_int_equal(check(last_in_the_middle, sizeof last_in_the_middle), CW_E_MALFORMED);
	assert_int_equal(check(more_at_the_end, sizeof more_at_the_end), CW_E_MALFORMED);
	assert_true(check(promised_more, sizeof promised_more) < 0);
	assert_int_equal(check(promised_less, sizeof promised_less), CW_E_EXTRA);
	assert_int_equal(check(odd_more, sizeof odd_more), CW_E_MALFORMED);
}

/* ---- choice ---- */

static void choices(void **state)
{
	static const struct {
		const char *what;
		struct tr t[8];
		size_t n;
		int r;
	} cases[] = {
		{ "ours", { IKE_OK }, 3, 0 },
		{ "among others",
		  { { 1, 20, 128, 0 }, { 1, 12, 256, 0 }, { 2, 5, 0, 0 }, { 4, 19, 0, 0 }, IKE_OK }, 7, 0 },
		{ "integrity none", { IKE_OK, { 3, 0, 0, 0 } }, 4, 0 },
		{ "integrity none or sha256", { IKE_OK, { 3, 12, 0, 0 }, { 3, 0, 0, 0 } }, 5, 0 },
		{ "integrity with an AEAD", { IKE_OK, { 3, 12, 0, 0 } }, 4, CW_E_NO_PROPOSAL },
		{ "no encryption", { { 2, 6, 0, 0 }, { 4, 20, 0, 0 } }, 2, CW_E_NO_PROPOSAL },
		{ "no PRF", { { 1, 20, 256, 0 }, { 4, 20, 0, 0 } }, 2, CW_E_NO_PROPOSAL },
		{ "no group", { { 1, 20, 256, 0 }, { 2, 6, 0, 0 } }, 2, CW_E_NO_PROPOSAL },
		{ "group none", { { 1, 20, 256, 0 }, { 2, 6, 0, 0 }, { 4, 0, 0, 0 } }, 3, CW_E_NO_PROPOSAL },
		{ "nothing", { { 0, 0, 0, 0 } }, 0, CW_E_NO_PROPOSAL },
		{ "no key length", { { 1, 20, 0, 0 }, { 2, 6, 0, 0 }, { 4, 20, 0, 0 } }, 3, CW_E_NO_PROPOSAL },
		{ "a key length for the PRF", { { 1, 20, 256, 0 }, { 2, 6, 256, 0 }, { 4, 20, 0, 0 } }, 3,
		  CW_E_NO_PROPOSAL },
		{ "192 bits", { { 1, 20, 192, 0 }, { 2, 6, 0, 0 }, { 4, 20, 0, 0 } }, 3, CW_E_NO_PROPOSAL },
		{ "unknown attribute", { { 1, 20, 256, 0x8001 }, { 2, 6, 0, 0 }, { 4, 20, 0, 0 } }, 3,
		  CW_E_NO_PROPOSAL },
		{ "long attribute", { { 1, 20, 256, 14 }, { 2, 6, 0, 0 }, { 4, 20, 0, 0 } }, 3, CW_E_NO_PROPOSAL },
		{ "two key lengths", { { 1, 20, 256, 0x800e }, { 2, 6, 0, 0 }, { 4, 20, 0, 0 } }, 3, CW_E_NO_PROPOSAL },
		{ "unusable, and again", { { 1, 20, 256, 0x8001 }, IKE_OK }, 4, 0 },
		{ "additional key exchange", { IKE_OK, { 6, 36, 0, 0 } }, 4, CW_E_NO_PROPOSAL },
		{ "type 255", { IKE_OK, { 255, 1, 0, 0 } }, 4, CW_E_NO_PROPOSAL },
		{ "ESN for IKE", { IKE_OK, { 5, 0, 0, 0 } }, 4, CW_E_NO_PROPOSAL },
		{ "chacha", { { 1, 28, 0, 0 }, { 2, 5, 0, 0 }, { 4, 31, 0, 0 } }, 3, CW_E_NO_PROPOSAL },
	};
	struct ike_prop_policy policy = ike_prop_ike(&gcm);
	struct ike_prop_choice c;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(cases); i++) {
		begin();
		proposal(true, 1, IKE_PROTO_IKE, NULL, 0, cases[i].t, cases[i].n);
		if (ike_prop_check(built()) != 0 || ike_prop_choose(&policy, built(), &c) != cases[i].r)
			fail_msg("%s", cases[i].what);
	}
}

/* TEST RFC 7296 s3.4: every group number, and no other than ours is taken. */
static void all_groups(void **state)
{
	struct ike_prop_policy policy = ike_prop_ike(&chacha);
	struct ike_prop_choice c;

	(void)state;
	for (unsigned group = 0; group < 65536; group++) {
		struct tr t[] = { { 1, 28, 0, 0 }, { 2, 5, 0, 0 }, { 4, (uint16_t)group, 0, 0 } };

		begin();
		proposal(true, 1, IKE_PROTO_IKE, NULL, 0, t, 3);
		assert_int_equal(ike_prop_choose(&policy, built(), &c), group == 31 ? 0 : CW_E_NO_PROPOSAL);
	}
}

static void second_proposal(void **state)
{
	static const struct tr cbc[] = { { 1, 12, 256, 0 }, { 2, 6, 0, 0 }, { 3, 12, 0, 0 }, { 4, 20, 0, 0 } };
	static const struct tr ok[] = { IKE_OK };
	struct ike_prop_policy policy = ike_prop_ike(&gcm);
	struct ike_prop_choice c;
	struct ike_out o;
	uint8_t buf[256];

	(void)state;
	begin();
	proposal(false, 1, IKE_PROTO_IKE, NULL, 0, cbc, 4);
	proposal(false, 2, IKE_PROTO_ESP, "\1\2\3\4", 4, ok, 3);
	proposal(false, 3, IKE_PROTO_IKE, "12345678", 8, ok, 3);       /* an SPI is for rekeying */
	proposal(true, 4, IKE_PROTO_IKE, NULL, 0, ok, 3);
	assert_int_equal(ike_prop_check(built()), 0);
	assert_int_equal(ike_prop_choose(&policy, built(), &c), 0);
	assert_int_equal(c.number, 4);
	o = ike_msg_begin(buf, sizeof buf, NULL);
	ike_prop_write(&o, &policy, &c, 0);
	assert_int_equal(buf[8], 4);
	begin();
	proposal(true, 2, IKE_PROTO_IKE, NULL, 0, ok, 3);               /* an offer begins with number 1 */
	assert_int_equal(ike_prop_choose(&policy, built(), &c), CW_E_NO_PROPOSAL);
}

/* ---- ESP ---- */

static void esp_choices(void **state)
{
	static const struct tr none[] = { { 1, 20, 256, 0 }, { 5, 0, 0, 0 } };
	static const struct tr esn[] = { { 1, 20, 256, 0 }, { 5, 1, 0, 0 } };
	static const struct tr both[] = { { 1, 20, 256, 0 }, { 5, 0, 0, 0 }, { 5, 1, 0, 0 } };
	static const struct tr neither[] = { { 1, 20, 256, 0 } };
	static const struct tr dh[] = { { 1, 20, 256, 0 }, { 4, 20, 0, 0 }, { 5, 0, 0, 0 } };
	static const struct tr dh_none[] = { { 1, 20, 256, 0 }, { 4, 20, 0, 0 }, { 4, 0, 0, 0 }, { 5, 0, 0, 0 } };
	static const struct {
		const struct tr *t;
		size_t n;
		int esn[3];             /* with our no, yes, both: -1 refused, 0 without, 1 with */
	} cases[] = {
		{ none, 2, { 0, -1, 0 } }, { esn, 2, { -1, 1, 1 } }, { both, 3, { 0, 1, 1 } },
		{ neither, 1, { -1, -1, -1 } },
		{ dh, 3, { -1, -1, -1 } }, { dh_none, 4, { 0, -1, 0 } },
	};
	struct ike_prop_choice c;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(cases); i++)
		for (enum ike_esn e = IKE_ESN_NO; e <= IKE_ESN_BOTH; e++) {
			struct ike_prop_policy policy = ike_prop_esp(&gcm, e);

			begin();
			proposal(true, 1, IKE_PROTO_ESP, "\0\0\1\0", 4, cases[i].t, cases[i].n);
			assert_int_equal(ike_prop_choose(&policy, built(), &c),
					 cases[i].esn[e] < 0 ? CW_E_NO_PROPOSAL : 0);
			if (cases[i].esn[e] < 0)
				continue;
			assert_int_equal(c.esn, cases[i].esn[e]);
			assert_int_equal(c.spi, 256);
		}
}

/* TEST RFC 4303 s2.1: SPIs 0 to 255 are not for SAs. */
static void esp_spis(void **state)
{
	static const struct tr none[] = { { 1, 20, 256, 0 }, { 5, 0, 0, 0 } };
	static const struct {
		const char *spi;
		uint8_t size;
		int r;
	} cases[] = {
		{ "\0\0\0\0", 4, CW_E_NO_PROPOSAL }, { "\0\0\0\377", 4, CW_E_NO_PROPOSAL }, { "\0\0\1\0", 4, 0 },
		{ "\0\0\1", 3, CW_E_NO_PROPOSAL }, { "", 0, CW_E_NO_PROPOSAL }, { "\0\0\1\0\0", 5, CW_E_NO_PROPOSAL },
	};
	struct ike_prop_policy policy = ike_prop_esp(&gcm, IKE_ESN_NO);
	struct ike_prop_choice c;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(cases); i++) {
		begin();
		proposal(true, 1, IKE_PROTO_ESP, cases[i].spi, cases[i].size, none, 2);
		assert_int_equal(ike_prop_choose(&policy, built(), &c), cases[i].r);
	}
}

/* ---- responses ---- */

/* Whatever we offer and choose is accepted by the one who offered. */
static void offer_choose_accept(void **state)
{
	static const struct ike_suites *const suites[] = { &gcm, &chacha };

	(void)state;
	for (size_t s = 0; s < 2; s++)
		for (int e = -1; e <= IKE_ESN_BOTH; e++) {
			struct ike_prop_policy p = ike_prop_ike(suites[s]);
			struct ike_prop_choice c, c2;
			uint8_t offer[256], answer[256];
			struct ike_out o = ike_msg_begin(offer, sizeof offer, NULL);
			struct ike_out a = ike_msg_begin(answer, sizeof answer, NULL);
			struct cw_span so, sp;

			if (e >= 0)
				p = ike_prop_esp(suites[s], (enum ike_esn)e);
			ike_prop_write(&o, &p, NULL, 0x1000);
			so = (struct cw_span){ offer + IKE_PLD_HEADER, o.w.len - IKE_PLD_HEADER };
			assert_int_equal(ike_prop_check(so), 0);
			assert_int_equal(ike_prop_choose(&p, so, &c), 0);
			assert_int_equal(c.esn, e >= IKE_ESN_YES);
			ike_prop_write(&a, &p, &c, 0x2000);
			sp = (struct cw_span){ answer + IKE_PLD_HEADER, a.w.len - IKE_PLD_HEADER };
			assert_int_equal(ike_prop_check(sp), 0);
			assert_int_equal(ike_prop_accept(&p, sp, &c2), 0);
			assert_int_equal(c2.esn, c.esn);
			if (e == IKE_ESN_BOTH)          /* an offer of two is no answer */
				assert_int_equal(ike_prop_accept(&p, so, &c2), CW_E_NO_PROPOSAL);
		}
}

static void bad_responses(void **state)
{
	static const struct tr ok[] = { IKE_OK };
	static const struct tr twice[] = { IKE_OK, { 2, 6, 0, 0 } };
	static const struct tr none[] = { IKE_OK, { 3, 0, 0, 0 } };
	static const struct tr more[] = { IKE_OK, { 2, 5, 0, 0 } };
	static const struct tr weaker[] = { { 1, 20, 128, 0 }, { 2, 6, 0, 0 }, { 4, 20, 0, 0 } };
	static const struct {
		const struct tr *t;
		size_t n;
		uint8_t number;
		bool last;
		int r;
	} cases[] = {
		{ ok, 3, 1, true, 0 }, { ok, 3, 2, true, CW_E_NO_PROPOSAL }, { ok, 3, 1, false, CW_E_NO_PROPOSAL },
		{ ok, 2, 1, true, CW_E_NO_PROPOSAL }, { twice, 4, 1, true, CW_E_NO_PROPOSAL },
		{ none, 4, 1, true, CW_E_NO_PROPOSAL }, { more, 4, 1, true, CW_E_NO_PROPOSAL },
		{ weaker, 3, 1, true, CW_E_NO_PROPOSAL },
	};
	struct ike_prop_policy policy = ike_prop_ike(&gcm);
	struct ike_prop_choice c;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(cases); i++) {
		begin();
		proposal(cases[i].last, cases[i].number, IKE_PROTO_IKE, NULL, 0, cases[i].t, cases[i].n);
		assert_int_equal(ike_prop_accept(&policy, built(), &c), cases[i].r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(suite_text),
		cmocka_unit_test(every_prefix_fails),
		cmocka_unit_test(every_byte_may_lie),
		cmocka_unit_test(numbers_and_counts),
		cmocka_unit_test(choices),
		cmocka_unit_test(all_groups),
		cmocka_unit_test(second_proposal),
		cmocka_unit_test(esp_choices),
		cmocka_unit_test(esp_spis),
		cmocka_unit_test(offer_choose_accept),
		cmocka_unit_test(bad_responses),
	};

	return cmocka_run_group_tests_name("ike_prop", tests, NULL, NULL);
}
