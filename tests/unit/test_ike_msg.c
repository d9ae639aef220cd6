/* SPDX-License-Identifier: Apache-2.0 */
/* test_ike_msg.c - header, chain, payloads, rules, SK: what is built is read, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "interconnect/base/rand.h"
#include "interconnect/ike/ike_prop.h"
#include "interconnect/ike/ike_rules.h"
#include "interconnect/ike/ike_sk.h"
#include "interconnect/ike/ike_ts.h"

enum { BUF = 8192 };

static const uint8_t some[300] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
static const struct ike_suites suites = { { { CW_AEAD_AES256_GCM, CW_HASH_SHA384, 20 } }, 1 };
static const struct ike_header init = { .spi_i = 0x1122334455667788, .exchange = IKE_SA_INIT, .flags = IKE_FLAG_I,
					.id = 7 };

static struct cw_prefix prefix(const char *text)
{
	struct cw_prefix p;

	assert_int_equal(cw_prefix_parse(text, &p), 0);
	return p;
}

/* All payloads that we write, one after the other. */
static void write_all(struct ike_out *o)
{
	struct ike_prop_policy ike = ike_prop_ike(&suites);
	struct cw_prefix v4 = prefix("10.71.1.0/24"), v6 = prefix("fd71:1::/64");
	struct ike_ts tsi = ike_ts_of(&v4), tsr = ike_ts_of(&v6);

	ike_prop_write(o, &ike, NULL, 0);
	ike_pld_ke(o, 20, some, 96);
	ike_pld_bytes(o, IKE_PT_NONCE, some, 32);
	ike_pld_id(o, IKE_PT_IDI, IKE_ID_FQDN, "a.kit.test", 10);
	ike_pld_id(o, IKE_PT_IDR, IKE_ID_RFC822, "b@kit.test", 10);
	ike_pld_cert(o, IKE_PT_CERT, some, 200);
	ike_pld_cert(o, IKE_PT_CERTREQ, some, 20);
	ike_pld_auth(o, IKE_METHOD_PSK, some, 48);
	ike_pld_put_notify(o, IKE_N_COOKIE, some, 33);
	ike_pld_delete_ike(o);
	ike_pld_delete_esp(o, &(const uint32_t){ 0xc0ffee01 }, 1);
	ike_pld_ts(o, IKE_PT_TSI, &tsi);
	ike_pld_ts(o, IKE_PT_TSR, &tsr);
}

/* Reads a whole message that stands in a block of its exact size. */
static int read_exact(const uint8_t *msg, size_t size, struct ike_header *h, struct ike_in *in)
{
	uint8_t *block = malloc(size ? size : 1);
	struct cw_cur c;
	int r;

	assert_non_null(block);
	if (size)
		memcpy(block, msg, size);
	r = ike_msg_header(block, size, h);
	if (r == 0) {
		c = cw_cur_of(block, size);
		cw_cur_skip(&c, IKE_HEADER);
		r = ike_pld_read(h->next, c, in);
	}
	free(block);
	return r;
}

static size_t build(uint8_t *buf)
{
	struct ike_out o = ike_msg_begin(buf, BUF, &init);
	int size;

	write_all(&o);
	size = ike_msg_end(&o);
	assert_true(size > 0);
	return (size_t)size;
}

static void what_is_built_is_read(void **state)
{
	static uint8_t buf[BUF];
	size_t size = build(buf);
	struct ike_header h;
	struct ike_in in;

	(void)state;
	assert_int_equal(read_exact(buf, size, &h, &in), 0);
	assert_int_equal(ike_msg_header(buf, size, &h), 0);
	assert_true(h.spi_i == init.spi_i && h.spi_r == 0 && h.exchange == IKE_SA_INIT && h.flags == IKE_FLAG_I &&
		    h.id == 7);
	assert_int_equal(h.length, size);
	assert_int_equal(ike_pld_read(h.next, cw_cur_of(buf + IKE_HEADER, size - IKE_HEADER), &in), 0);
	assert_int_equal(in.n_payloads, 13);
	assert_int_equal(in.critical, 0);
	assert_int_equal(in.ke.group, 20);
	assert_int_equal(in.ke.data.size, 96);
	assert_memory_equal(in.ke.data.p, some, 96);
	assert_int_equal(in.nonce.size, 32);
	assert_true(in.idi.type == IKE_ID_FQDN && in.idi.data.size == 10 && in.idi.body.size == 14);
	assert_memory_equal(in.idr.data.p, "b@kit.test", 10);
	assert_true(in.n_certs == 1 && in.cert[0].size == 200);
	assert_true(in.auth.method == IKE_METHOD_PSK && in.auth.data.size == 48);
	assert_int_equal(ike_pld_notify(&in, IKE_N_COOKIE)->data.size, 33);
	assert_null(ike_pld_notify(&in, IKE_N_REKEY_SA));
	assert_null(ike_pld_error(&in));
	assert_true(in.n_deletes == 2 && in.del[0].protocol == IKE_PROTO_IKE && in.del[1].n == 1);
	assert_int_equal(cw_cur_u32(&in.del[1].spis), 0xc0ffee01);
	assert_true(in.tsi.n == 1 && in.tsi.ts[0].first.b[2] == 1 && in.tsi.ts[0].last.b[3] == 255);
	assert_true(in.tsr.n == 1 && in.tsr.ts[0].last.b[15] == 255 && in.tsr.ts[0].last.b[7] == 0);
	assert_string_equal(ike_pld_name(IKE_PT_KE), "KE");
	assert_string_equal(ike_pld_name(200), "?");
	assert_string_equal(ike_pld_notify_name(14), "NO_PROPOSAL_CHOSEN");
	assert_string_equal(ike_pld_notify_name(9999), "unknown notification");
}

/* TEST RFC 7296 s3.1: the length is that of the datagram. */
static void every_prefix_fails(void **state)
{
	static uint8_t buf[BUF];
	size_t size = build(buf);
	struct ike_header h;
	struct ike_in in;

	(void)state;
	for (size_t n = 0; n < size; n++) {
		assert_true(read_exact(buf, n, &h, &in) < 0);
		if (n < IKE_HEADER)
			continue;
		/* The same with a header that agrees: the chain breaks off. */
		uint8_t cut[BUF];
		struct cw_wr w = cw_wr_of(cut, n);

		cw_wr_bytes(&w, buf, n);
		cw_wr_put16(&w, 26, n);
		assert_true(read_exact(cut, n, &h, &in) < 0);
	}
	buf[size] = 0;
	assert_int_equal(read_exact(buf, size + 1, &h, &in), CW_E_MALFORMED);
}

/* Every two bytes replaced by lengths that lie: nothing is read outside, and what is read stays within bounds. */
static void lying_lengths(void **state)
{
	static const uint16_t lies[] = { 0, 1, 3, 4, 5, 7, 8, 9, 0x7fff, 0x8000, 0xfffe, 0xffff };
	static uint8_t buf[BUF], bad[BUF];
	size_t size = build(buf), n_refused = 0;
	struct ike_header h;
	struct ike_in in;

	(void)state;
	for (size_t at = IKE_HEADER; at + 2 <= size; at++)
		for (size_t i = 0; i < CW_COUNT(lies); i++) {
			struct cw_wr w = cw_wr_of(bad, BUF);

			cw_wr_bytes(&w, buf, size);
			cw_wr_put16(&w, at, lies[i]);
			n_refused += read_exact(bad, size, &h, &in) < 0;
		}
	assert_true(n_refused > 500);
}

/* Every single byte of the lengths of the generic headers matters. */
static void payload_lengths(void **state)
{
	static uint8_t buf[BUF], bad[BUF];
	size_t size = build(buf), at = IKE_HEADER, n = 0;
	struct ike_header h;
	struct ike_in in;

	(void)state;
	for (; at < size; n++) {
		uint16_t length = (uint16_t)(buf[at + 2] << 8 | buf[at + 3]);

		for (int delta = -2; delta <= 2; delta++) {
			struct cw_wr w = cw_wr_of(bad, BUF);

			cw_wr_bytes(&w, buf, size);
			cw_wr_put16(&w, at + 2, (size_t)(length + delta));
			assert_true((read_exact(bad, size, &h, &in) == 0) == (delta == 0));
		}
		at += length;
	}
	assert_int_equal(n, 13);
}

static int read_one(uint8_t type, const void *body, size_t size, struct ike_in *ret_in)
{
	uint8_t buf[BUF], *block;
	struct ike_out o = ike_msg_begin(buf, BUF, NULL);
	int r;

	ike_pld_bytes(&o, (enum ike_pt)type, body, size);
	block = malloc(o.w.len);
	assert_non_null(block);
	memcpy(block, buf, o.w.len);
	r = ike_pld_read(type, cw_cur_of(block, o.w.len), ret_in);
	free(block);
	return r;
}

static void single_payloads(void **state)
{
	static const struct {
		uint8_t type;
		uint8_t body[40];
		size_t size;
		int r;
	} cases[] = {
		{ IKE_PT_NONCE, { 0 }, 15, CW_E_TRUNC },
		{ IKE_PT_NONCE, { 0 }, 16, 0 },
		{ IKE_PT_KE, { 0, 20, 0 }, 3, CW_E_TRUNC },
		{ IKE_PT_KE, { 0, 20, 0, 0 }, 4, 0 },                   /* empty: refused by its size later */
		{ IKE_PT_IDI, { 2, 0, 0 }, 3, CW_E_TRUNC },
		{ IKE_PT_IDI, { 2, 0, 0, 0 }, 4, 0 },
		{ IKE_PT_CERT, { 0 }, 0, CW_E_TRUNC },
		{ IKE_PT_CERT, { 7, 1 }, 2, 0 },                        /* PKCS #7 is not looked at */
		{ IKE_PT_AUTH, { 2, 0, 0 }, 3, CW_E_TRUNC },
		{ IKE_PT_N, { 0, 0, 64 }, 3, CW_E_TRUNC },
		{ IKE_PT_N, { 0, 1, 64, 0 }, 4, CW_E_TRUNC },           /* an SPI that is not there */
		{ IKE_PT_N, { 3, 4, 64, 9, 1, 2, 3, 4 }, 8, 0 },
		{ IKE_PT_D, { 1, 0, 0 }, 3, CW_E_TRUNC },
		{ IKE_PT_D, { 1, 0, 0, 0 }, 4, 0 },
		{ IKE_PT_D, { 1, 0, 0, 9 }, 4, 0 },                     /* no SPIs of no size */
		{ IKE_PT_D, { 1, 8, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8 }, 12, CW_E_MALFORMED },
		{ IKE_PT_D, { 3, 0, 0, 1 }, 4, CW_E_MALFORMED },
		{ IKE_PT_D, { 3, 3, 0, 1, 1, 2, 3 }, 7, CW_E_MALFORMED },
		{ IKE_PT_D, { 3, 4, 0, 2, 1, 2, 3, 4 }, 8, CW_E_TRUNC },
		{ IKE_PT_D, { 3, 4, 0, 1, 1, 2, 3, 4, 5 }, 9, CW_E_EXTRA },
		{ IKE_PT_D, { 3, 255, 255, 255, 1 }, 5, CW_E_TRUNC },
		{ IKE_PT_TSI, { 0, 0, 0, 0, 7, 0, 0, 16, 0, 0, 255, 255, 1, 1, 1, 1, 2, 2, 2, 2 }, 20, CW_E_MALFORMED },
		{ IKE_PT_TSI, { 1, 0, 0, 0, 7, 0, 0, 16, 0, 0, 255, 255, 1, 1, 1, 1, 2, 2, 2, 2 }, 20, 0 },
		{ IKE_PT_TSI, { 2, 0, 0, 0, 7, 0, 0, 16, 0, 0, 255, 255, 1, 1, 1, 1, 2, 2, 2, 2 }, 20, CW_E_TRUNC },
		{ IKE_PT_TSI, { 1, 0, 0, 0, 7, 0, 0, 16, 0, 0, 255, 255, 2, 1, 1, 1, 1, 2, 2, 2 }, 20, CW_E_MALFORMED },
		{ IKE_PT_TSI, { 1, 0, 0, 0, 7, 0, 0, 0, 0, 0, 255, 255, 1, 1, 1, 1, 2, 2, 2, 2 }, 20, CW_E_TRUNC },
		{ IKE_PT_TSI, { 1, 0, 0, 0, 7, 0, 0, 7, 0, 0, 255, 255, 1, 1, 1, 1, 2, 2, 2, 2 }, 20, CW_E_MALFORMED },
		{ IKE_PT_TSI, { 1, 0, 0, 0, 7, 0, 0, 15, 0, 0, 255, 255, 1, 1, 1, 1, 2, 2, 2, 2 }, 20, CW_E_MALFORMED },
		{ IKE_PT_TSI, { 1, 0, 0, 0, 7, 0, 0, 17, 0, 0, 255, 255, 1, 1, 1, 1, 2, 2, 2, 2, 0 }, 21,
		  CW_E_MALFORMED },
		{ IKE_PT_TSI, { 1, 0, 0, 0, 7, 0, 255, 255, 0, 0, 255, 255, 1, 1, 1, 1, 2, 2, 2, 2 }, 20, CW_E_TRUNC },
		{ IKE_PT_TSI, { 1, 0, 0, 0, 8, 0, 0, 16, 0, 0, 255, 255, 1, 1, 1, 1, 2, 2, 2, 2 }, 20, CW_E_MALFORMED },
		/* ignored */
		{ IKE_PT_TSI, { 1, 0, 0, 0, 9, 0, 0, 16, 0, 0, 255, 255, 1, 1, 1, 1, 2, 2, 2, 2 }, 20, 0 },
		{ IKE_PT_TSI, { 1, 0, 0, 0, 241, 0, 0, 3, 0, 0, 0, 0 }, 12, CW_E_TRUNC },
		{ IKE_PT_SK, { 0 }, 24, CW_E_TRUNC },
		{ IKE_PT_SK, { 0 }, 25, 0 },
	};
	struct ike_in in;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(cases); i++)
		if (read_one(cases[i].type, cases[i].body, cases[i].size, &in) != cases[i].r)
			fail_msg("case %zu", i);
	assert_int_equal(read_one(IKE_PT_NONCE, some, 256, &in), 0);
	assert_int_equal(read_one(IKE_PT_NONCE, some, 257, &in), CW_E_MALFORMED);
}

/* TEST RFC 7296 s2.5: unknown types, those of IKEv1 among them, are skipped, and noticed when critical. */
static void unknown_payloads(void **state)
{
	uint8_t buf[64];
	struct ike_in in;

	(void)state;
	for (unsigned type = 1; type < 256; type++) {
		struct ike_out o = ike_msg_begin(buf, sizeof buf, NULL);
		bool known = type >= IKE_PT_SA && type <= IKE_PT_EAP;

		if (known || type == IKE_PT_SKF)
			continue;
		ike_pld_bytes(&o, (enum ike_pt)type, some, 8);
		assert_int_equal(ike_pld_read((uint8_t)type, cw_cur_of(buf, o.w.len), &in), 0);
		assert_int_equal(in.critical, 0);
		buf[1] = IKE_CRITICAL;
		assert_int_equal(ike_pld_read((uint8_t)type, cw_cur_of(buf, o.w.len), &in), 0);
		assert_int_equal(in.critical, type);
		buf[1] = 0x7f;
		assert_int_equal(ike_pld_read((uint8_t)type, cw_cur_of(buf, o.w.len), &in), 0);
		assert_int_equal(in.critical, 0);
	}
}

/* RFC 7383 s2.5: number and total, and as much behind them as an SK has. */
static void fragments(void **state)
{
	static const struct {
		uint8_t numbers[4];
		uint8_t next;
		int r;
	} cases[] = {
		{ { 0, 1, 0, 1 }, 35, 0 }, { { 0, 2, 0, 2 }, 0, 0 }, { { 1, 0, 1, 0 }, 0, 0 }, { { 0, 1, 255, 255 }, 0, 0 },
		{ { 0, 0, 0, 0 }, 0, CW_E_MALFORMED }, { { 0, 0, 0, 1 }, 0, CW_E_MALFORMED },
		{ { 0, 2, 0, 1 }, 0, CW_E_MALFORMED }, { { 0, 2, 0, 2 }, 35, CW_E_MALFORMED },
	};
	uint8_t buf[64], body[64] = { 0 };
	struct ike_in in;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(cases); i++)
		for (size_t size = 0; size < 40; size++) {
			struct ike_out o = ike_msg_begin(buf, sizeof buf, NULL);
			bool whole = size >= IKE_SKF_NUMBERS + IKE_SK_IV + 1 + CW_AEAD_TAG;

			memcpy(body, cases[i].numbers, 4);
			ike_pld_bytes(&o, IKE_PT_SKF, body, size);
			buf[0] = cases[i].next;
			assert_int_equal(ike_pld_read(IKE_PT_SKF, cw_cur_of(buf, o.w.len), &in),
					 whole ? cases[i].r : CW_E_TRUNC);
			if (!whole || cases[i].r < 0)
				continue;
			assert_int_equal(in.sk.size, size - 4);
			assert_int_equal(in.sk_next, cases[i].next);
			assert_int_equal(in.frag_total, body[2] << 8 | body[3]);
		}
}

static void too_many(void **state)
{
	static uint8_t buf[BUF];
	static const struct {
		uint8_t type;
		size_t max;
	} cases[] = { { IKE_PT_V, IKE_PLD_MAX }, { IKE_PT_N, IKE_NOTIFY_MAX }, { IKE_PT_CERT, IKE_CERTS_MAX },
		      { IKE_PT_D, IKE_DELETES_MAX }, { 250, IKE_PLD_MAX } };
	static const uint8_t bodies[][4] = { { 0 }, { 0, 0, 64, 1 }, { 4, 1, 1, 1 }, { 1, 0, 0, 0 }, { 0 } };
	struct ike_in in;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(cases); i++)
		for (size_t n = cases[i].max; n <= cases[i].max + 1; n++) {
			struct ike_out o = ike_msg_begin(buf, sizeof buf, NULL);

			for (size_t j = 0; j < n; j++)
				ike_pld_bytes(&o, (enum ike_pt)cases[i].type, bodies[i], 4);
			assert_int_equal(ike_pld_read(cases[i].type, cw_cur_of(buf, o.w.len), &in),
					 n > cases[i].max ? CW_E_LIMIT : 0);
		}
}

/* ---- rules ---- */

static void rules_bound_every_payload(void **state)
{
	uint8_t pld;

	(void)state;
	for (enum ike_kind kind = 0; kind < IKE_KIND_N; kind++) {
		struct ike_in in = { .frag_total = kind == IKE_KIND_FRAGMENT };
		uint8_t min[IKE_PT_N_KNOWN];

		in.frag_total ^= 1;
		assert_int_equal(ike_rules_check(kind, &in, &pld), CW_E_MALFORMED);
		assert_int_equal(pld, IKE_PT_SKF);
		in.frag_total ^= 1;

		/* The least that is allowed: add what is missing until it is. */
		for (int i = 0; ike_rules_check(kind, &in, &pld) < 0; i++) {
			assert_true(i < 10);
			in.count[pld - IKE_PT_FIRST]++;
		}
		memcpy(min, in.count, sizeof min);
		for (unsigned t = 0; t < IKE_PT_N_KNOWN; t++) {
			if (min[t] > 0) {
				in.count[t]--;
				assert_int_equal(ike_rules_check(kind, &in, &pld), CW_E_MALFORMED);
				assert_int_equal(pld, t + IKE_PT_FIRST);
				in.count[t]++;
			}
			in.count[t] = IKE_PLD_MAX + 1;
			assert_int_equal(ike_rules_check(kind, &in, &pld), CW_E_MALFORMED);
			assert_int_equal(pld, t + IKE_PT_FIRST);
			in.count[t] = min[t];
		}
		assert_int_equal(ike_rules_check(kind, &in, &pld), 0);
		assert_string_not_equal(ike_rules_kind_name(kind), "?");
	}
}

static void once_is_once(void **state)
{
	static const struct {
		enum ike_kind kind;
		uint8_t once[6];
	} cases[] = {
		{ IKE_KIND_SEALED, { IKE_PT_SK } },
		{ IKE_KIND_INIT_REQUEST, { IKE_PT_SA, IKE_PT_KE, IKE_PT_NONCE } },
		{ IKE_KIND_INIT_RESPONSE, { IKE_PT_SA, IKE_PT_KE, IKE_PT_NONCE } },
		{ IKE_KIND_AUTH_REQUEST, { IKE_PT_IDI, IKE_PT_AUTH, IKE_PT_SA, IKE_PT_TSI, IKE_PT_TSR } },
		{ IKE_KIND_AUTH_RESPONSE, { IKE_PT_IDR, IKE_PT_AUTH } },
	};
	uint8_t pld;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(cases); i++) {
		struct ike_in in = { 0 };

		for (size_t j = 0; j < 6 && cases[i].once[j]; j++)
			in.count[cases[i].once[j] - IKE_PT_FIRST] = 1;
		assert_int_equal(ike_rules_check(cases[i].kind, &in, &pld), 0);
		for (size_t j = 0; j < 6 && cases[i].once[j]; j++) {
			in.count[cases[i].once[j] - IKE_PT_FIRST] = 2;
			assert_int_equal(ike_rules_check(cases[i].kind, &in, &pld), CW_E_MALFORMED);
			in.count[cases[i].once[j] - IKE_PT_FIRST] = 0;
			assert_int_equal(ike_rules_check(cases[i].kind, &in, &pld), CW_E_MALFORMED);
			in.count[cases[i].once[j] - IKE_PT_FIRST] = 1;
		}
		/* No EAP anywhere. */
		in.count[IKE_PT_EAP - IKE_PT_FIRST] = 1;
		assert_int_equal(ike_rules_check(cases[i].kind, &in, &pld), CW_E_MALFORMED);
	}
}

static void kinds(void **state)
{
	struct ike_header h = { 0 };
	struct ike_in in = { 0 };
	enum ike_kind kind;

	(void)state;
	for (unsigned exchange = 0; exchange < 256; exchange++)
		for (unsigned flags = 0; flags < 256; flags += IKE_FLAG_R) {
			bool known = exchange >= IKE_SA_INIT && exchange <= IKE_INFORMATIONAL;

			h.exchange = (uint8_t)exchange;
			h.flags = (uint8_t)flags;
			assert_int_equal(ike_rules_kind(&h, &in, &kind), known ? 0 : CW_E_UNSUPPORTED);
		}
}

/* ---- SK ---- */

static const uint8_t keymat[IKE_KEYMAT_MAX] = { 42 };

static int seal(struct ike_sk *sk, uint8_t *out, bool empty)
{
	static uint8_t inner[BUF];
	struct ike_out o = ike_msg_begin(inner, sizeof inner, NULL);
	struct ike_header h = { .spi_i = 1, .spi_r = 2, .exchange = IKE_INFORMATIONAL, .id = 3 };

	if (!empty)
		write_all(&o);
	return ike_sk_seal(sk, &h, &o, out, BUF);
}

/* Opens a message that stands in a block of its exact size; then the payloads inside are read. */
static int open_exact(struct ike_sk *sk, const uint8_t *msg, size_t size, struct ike_in *in)
{
	static uint8_t plain[BUF];
	uint8_t *block = malloc(size ? size : 1), pld;
	struct ike_header h;
	struct ike_in outer;
	struct cw_cur c;
	size_t plain_size = 0;
	int r;

	assert_non_null(block);
	if (size)
		memcpy(block, msg, size);
	r = ike_msg_header(block, size, &h);
	c = cw_cur_of(block, size);
	cw_cur_skip(&c, IKE_HEADER);
	if (r == 0)
		r = ike_pld_read(h.next, c, &outer);
	if (r == 0)
		r = ike_rules_check(IKE_KIND_SEALED, &outer, &pld);
	if (r == 0)
		r = ike_sk_open(sk, block, outer.sk, plain, &plain_size);
	if (r == 0)
		r = ike_pld_read(outer.sk_next, cw_cur_of(plain, plain_size), in);
	free(block);
	return r;
}

static void sealed_opens(void **state)
{
	static const enum cw_aead_alg algs[] = { CW_AEAD_AES128_GCM, CW_AEAD_AES256_GCM, CW_AEAD_CHACHA20_POLY1305 };
	static uint8_t buf[BUF];
	struct ike_in in;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(algs); i++) {
		struct ike_sk sk = { 0 };
		int size;

		assert_int_equal(ike_sk_init(&sk, algs[i], keymat), 0);
		size = seal(&sk, buf, false);
		assert_true(size > 0);
		assert_int_equal(open_exact(&sk, buf, (size_t)size, &in), 0);
		assert_int_equal(in.n_payloads, 13);
		size = seal(&sk, buf, true);
		assert_int_equal(size, IKE_HEADER + IKE_PLD_HEADER + IKE_SK_IV + 1 + CW_AEAD_TAG);
		assert_int_equal(open_exact(&sk, buf, (size_t)size, &in), 0);
		assert_int_equal(in.n_payloads, 0);
		ike_sk_fini(&sk);
	}
}

/* Every bit of the message is covered: header, IV, ciphertext, ICV. */
static void every_bit_counts(void **state)
{
	static uint8_t buf[BUF];
	struct ike_sk sk = { 0 };
	struct ike_in in;
	int size;

	(void)state;
	assert_int_equal(ike_sk_init(&sk, CW_AEAD_AES256_GCM, keymat), 0);
	size = seal(&sk, buf, false);
	for (int bit = 0; bit < size * 8; bit++) {
		buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_true(open_exact(&sk, buf, (size_t)size, &in) < 0);
		buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (int n = 0; n < size; n++)
		assert_true(open_exact(&sk, buf, (size_t)n, &in) < 0);
	ike_sk_fini(&sk);
}

/* The counter is in every IV; after the last one nothing is sealed. */
static void no_iv_twice(void **state)
{
	static uint8_t buf[BUF];
	struct ike_sk sk = { 0 };
	uint8_t iv[2][IKE_SK_IV];

	(void)state;
	cw_rand_seed(5);
	assert_int_equal(ike_sk_init(&sk, CW_AEAD_AES256_GCM, keymat), 0);
	for (unsigned i = 0; i < 300; i++) {
		cw_rand_seed(5);                /* the same random bits each time, as in a restored copy */
		assert_true(seal(&sk, buf, true) > 0);
		memcpy(iv[i % 2], buf + IKE_HEADER + IKE_PLD_HEADER, IKE_SK_IV);
		assert_memory_equal(iv[i % 2], iv[0], 4);
		assert_int_equal(iv[i % 2][6] << 8 | iv[i % 2][7], i);
	}
	sk.sealed = UINT32_MAX - 1;
	assert_true(seal(&sk, buf, true) > 0);
	assert_int_equal(seal(&sk, buf, true), CW_E_LIMIT);
	assert_int_equal(seal(&sk, buf, true), CW_E_LIMIT);
	ike_sk_fini(&sk);
	cw_rand_seed(0);
}

/* TEST RFC 7296 s3.14: any padding is taken, one longer than the message is not. */
static void padding(void **state)
{
	struct ike_header h = { .spi_i = 1, .spi_r = 2, .exchange = IKE_INFORMATIONAL };
	static uint8_t buf[BUF], inner[BUF];
	struct ike_sk sk = { 0 };
	struct ike_in in;

	(void)state;
	assert_int_equal(ike_sk_init(&sk, CW_AEAD_AES256_GCM, keymat), 0);
	for (unsigned pad = 0; pad < 256; pad++)
		for (unsigned have = 0; have < 256; have += 51) {
			/* HAVE octets, the last of which says PAD; ike_sk_seal() adds a pad length of its own, so open
			 * by hand. */
			struct ike_out o = ike_msg_begin(inner, sizeof inner, NULL);
			uint8_t nonce[CW_AEAD_NONCE] = { 42 }, *p, plain[512] = { 0 };
			size_t at;
			int size, r;

			memset(nonce, 0, sizeof nonce);
			o = ike_msg_begin(buf, sizeof buf, &h);
			at = ike_msg_open(&o, IKE_PT_SK);
			p = cw_wr_take(&o.w, IKE_SK_IV + have + 1 + CW_AEAD_TAG);
			assert_non_null(p);
			memset(p, 0, IKE_SK_IV);
			ike_msg_close(&o, at);
			size = ike_msg_end(&o);
			plain[have] = (uint8_t)pad;
			assert_int_equal(cw_aead_seal(sk.aead, nonce, buf, IKE_HEADER + IKE_PLD_HEADER, plain, have + 1,
						      p + IKE_SK_IV), 0);
			r = open_exact(&sk, buf, (size_t)size, &in);
			if (pad > have)
				assert_int_equal(r, CW_E_MALFORMED);
			else
				assert_int_equal(r, pad == have ? 0 : CW_E_EXTRA);
		}
	ike_sk_fini(&sk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_built_is_read),
		cmocka_unit_test(every_prefix_fails),
		cmocka_unit_test(lying_lengths),
		cmocka_unit_test(payload_lengths),
		cmocka_unit_test(single_payloads),
		cmocka_unit_test(unknown_payloads),
		cmocka_unit_test(fragments),
		cmocka_unit_test(too_many),
		cmocka_unit_test(rules_bound_every_payload),
		cmocka_unit_test(once_is_once),
		cmocka_unit_test(kinds),
		cmocka_unit_test(sealed_opens),
		cmocka_unit_test(every_bit_counts),
		cmocka_unit_test(no_iv_twice),
		cmocka_unit_test(padding),
	};

	return cmocka_run_group_tests_name("ike_msg", tests, NULL, NULL);
}
