/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_ike_hostile.c - messages that nobody honest sends, from strangers and from an authenticated peer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "interconnect/base/rand.h"
#include "tests/lib/ike_pair.h"

static struct pair p;
static struct pair_message m, m2;

static void fast(void)
{
	pair_init(&p);
	for (int s = 0; s < PAIR_SIDES; s++)
		assert_int_equal(ike_suite_parse("aes256gcm16-prfsha384-x25519", false, &p.side[s].conf.ike, NULL), 0);
}

/* The message of STEP (0 IKE_SA_INIT request ... 3 IKE_AUTH response) is the only one in the queue. */
static void to_step(int step)
{
	fast();
	pair_start(&p);
	for (int i = 0; i < step; i++)
		pair_step(&p);
	assert_int_equal(p.n, 1);
}

static void joined(void)
{
	fast();
	pair_start(&p);
	pair_run(&p);
	assert_true(pair_is_joined(&p));
}

static uint64_t dropped(int side)
{
	return p.side[side].stat.n[CW_STAT_IKE_MALFORMED] + p.side[side].stat.n[CW_STAT_IKE_REJECTED];
}

static size_t count_sas(int side)
{
	size_t n = 0;

	for (const struct ike_sa *sa = p.side[side].k->sas; sa; sa = sa->next)
		n++;
	return n;
}

/* What stands first in the queue is an answer without SA, with this notification. */
static void assert_stateless(uint16_t type)
{
	assert_int_equal(p.n, 1);
	pair_open(&p, 0, &m2);
	assert_int_equal(m2.n, 1);
	assert_true(pair_has_notify(&m2, type));
	assert_int_equal(p.q[0].p[8] | p.q[0].p[15], 0);
	assert_int_equal(p.q[0].p[19], IKE_FLAG_R);
	assert_int_equal(count_sas(PAIR_B), 0);
}

/* ---- strangers ---- */

/* Every prefix of every message of a join, to both sides before, while and after they join. */
static void every_prefix_changes_nothing(void **state)
{
	(void)state;
	for (int step = 0; step < 4; step++) {
		to_step(step);
		for (size_t n = 0; n < p.q[0].size; n++) {
			size_t sas = count_sas(p.q[0].to);
			uint64_t before = dropped(p.q[0].to);

			if (pair_inject(&p, p.q[0].to, p.q[0].p, n))
				assert_int_equal(dropped(p.q[0].to), before + 1);
			else
				assert_true(n < IKE_HEADER);
			assert_int_equal(count_sas(p.q[0].to), sas);
			assert_int_equal(p.n, 1);
		}
		pair_run(&p);
		assert_true(pair_is_joined(&p));
		pair_free(&p);
	}
}

/* Random bytes, and random bytes behind a right header: nothing changes, all is counted, memory does not grow. */
static void garbage(void **state)
{
	uint8_t buf[600];
	struct ike_header h = { .exchange = IKE_INFORMATIONAL };
	uint64_t before;

	(void)state;
	joined();
	h.spi_i = p.side[PAIR_B].k->sas->spi_i;
	h.spi_r = p.side[PAIR_B].k->sas->spi_r;
	for (int i = 0; i < 20000; i++) {
		size_t size = cw_rand_u32() % sizeof buf;
		int to = (int)(cw_rand_u32() & 1);
		struct ike_out o;

		cw_rand_bytes(buf, size);
		if (i % 2 && size >= IKE_HEADER) {
			h.exchange = (uint8_t)(IKE_SA_INIT + cw_rand_u32() % 5);
			h.flags = (uint8_t)(cw_rand_u32() & 0x28);
			h.id = cw_rand_u32() % 4;
			o = ike_msg_begin(buf, size, &h);
			o.w.len = size;
			assert_int_equal(ike_msg_end(&o), size);
			cw_wr_put16(&o.w, IKE_NEXT_AT, (size_t)(cw_rand_u32() % 60) << 8 | IKE_VERSION);
		}
		before = dropped(to);
		if (pair_inject(&p, to, buf, size))
			assert_int_equal(dropped(to), before + 1);
		while (p.n > 0)
			pair_drop(&p);
	}
	assert_true(dropped(PAIR_A) + dropped(PAIR_B) > 9000);
	assert_int_equal(count_sas(PAIR_A), 1);
	assert_int_equal(count_sas(PAIR_B), 1);
	assert_true(pair_is_joined(&p));
	pair_free(&p);
}

/* TEST RFC 7296 s2.5: a higher major version is told so, a lower one nothing; never more than the limit. */
static void versions(void **state)
{
	size_t n = 0;

	(void)state;
	for (unsigned v = 0; v < 256; v++) {
		to_step(0);
		p.q[0].p[17] = (uint8_t)v;
		pair_step(&p);
		if (v >> 4 == 2) {
			assert_int_equal(count_sas(PAIR_B), 1);        /* any minor version */
		} else if (v >> 4 > 2) {
			assert_stateless(IKE_N_INVALID_MAJOR_VERSION);
		} else {
			assert_int_equal(p.n, 0);
			assert_int_equal(count_sas(PAIR_B), 0);
		}
		pair_free(&p);
	}
	to_step(0);
	p.q[0].p[17] = 0x30;
	for (int i = 0; i < 200; i++)
		pair_inject(&p, PAIR_B, p.q[0].p, p.q[0].size);
	n = p.n - 1;
	assert_in_range(n, 5, IKE_STRANGER_BURST);
	pair_free(&p);
}

static void strange_init_headers(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} cases[] = { { 19, 0 }, { 19, IKE_FLAG_I | IKE_FLAG_R }, { 19, IKE_FLAG_R }, { 23, 1 }, { 20, 1 }, { 8, 1 }, { 15, 1 },
		      { 18, IKE_AUTH }, { 18, IKE_INFORMATIONAL }, { 18, 33 }, { 18, 38 } };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(cases); i++) {
		to_step(0);
		p.q[0].p[cases[i].at] = cases[i].value;
		pair_step(&p);
		assert_int_equal(p.n, 0);
		assert_int_equal(count_sas(PAIR_B), 0);
		pair_free(&p);
	}
	to_step(0);
	memset(p.q[0].p, 0, 8);                 /* no SPI */
	pair_step(&p);
	assert_int_equal(p.n, 0);
	pair_free(&p);
	/* From elsewhere it is not even for us. */
	to_step(0);
	assert_int_equal(cw_endpoint_parse("203.0.113.9:4500", &p.q[0].from), 0);
	assert_false(ike_match(p.side[PAIR_B].k, &p.q[0].from, p.q[0].p, p.q[0].size));
	/* From another port it is: there may be a NAT. */
	assert_int_equal(cw_endpoint_parse("192.0.2.1:61000", &p.q[0].from), 0);
	assert_true(ike_match(p.side[PAIR_B].k, &p.q[0].from, p.q[0].p, p.q[0].size));
	pair_step(&p);
	assert_int_equal(p.q[0].dst.port, 61000);
	pair_free(&p);
}

/* A mandatory payload missing, or twice; an unknown critical one: TEST RFC 7296 s2.5, s3.10.1. */
static void init_request_payloads(void **state)
{
	static const uint8_t types[] = { IKE_PT_SA, IKE_PT_KE, IKE_PT_NONCE };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(types); i++) {
		to_step(0);
		pair_open(&p, 0, &m);
		m.pld[pair_find(&m, types[i])] = m.pld[m.n - 1];
		m.n--;
		pair_close(&p, 0, &m);
		pair_step(&p);
		assert_stateless(IKE_N_INVALID_SYNTAX);
		pair_free(&p);

		to_step(0);
		pair_open(&p, 0, &m);
		m.pld[m.n++] = m.pld[pair_find(&m, types[i])];
		pair_close(&p, 0, &m);
		pair_step(&p);
		assert_stateless(IKE_N_INVALID_SYNTAX);
		pair_free(&p);
	}
	for (unsigned type = 1; type < 256; type++) {
		if (type >= IKE_PT_SA && type <= IKE_PT_EAP)
			continue;
		to_step(0);
		pair_open(&p, 0, &m);
		pair_add(&m, (uint8_t)type, "unknown", 7);
		m.pld[m.n - 1].critical = true;
		pair_close(&p, 0, &m);
		pair_step(&p);
		assert_stateless(IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD);
		assert_int_equal(m2.pld[0].body[4], type);
		pair_free(&p);
	}
	to_step(0);                             /* not critical: as if it were not there; critical and known: as if it were not */
	pair_open(&p, 0, &m);
	pair_add(&m, 250, "unknown", 7);
	m.pld[0].critical = true;
	pair_close(&p, 0, &m);
	pair_step(&p);
	assert_int_equal(count_sas(PAIR_B), 1);
	pair_free(&p);
}

/* Public values: sizes, points that are none, groups. */
static void key_exchange_payloads(void **state)
{
	static const char *const suites[] = { "aes256gcm16-prfsha384-ecp256", "aes256gcm16-prfsha384-ecp384",
					      "aes256gcm16-prfsha384-x25519" };

	(void)state;
	for (size_t s = 0; s < CW_COUNT(suites); s++)
		for (int i = 0; i < 7; i++) {
			struct pair_payload *ke;

			pair_init(&p);
			for (int side = 0; side < PAIR_SIDES; side++)
				assert_int_equal(ike_suite_parse(suites[s], false, &p.side[side].conf.ike, NULL), 0);
			pair_start(&p);
			pair_open(&p, 0, &m);
			ke = &m.pld[pair_find(&m, IKE_PT_KE)];
			switch (i) {
			case 0:
				ke->size = 4;
				break;
			case 1:
				ke->size--;
				break;
			case 2:
				ke->size++;
				break;
			case 3:
				ke->size = sizeof ke->body;
				break;
			case 4:
				memset(ke->body + 4, 0, ke->size - 4);
				break;
			case 5:
				if (s == 2)             /* of small order */
					memset(ke->body + 4, 0, ke->size - 4), ke->body[4] = 1;
				else
					memset(ke->body + 4, 0xff, ke->size - 4);
				break;
			case 6:
				if (s == 2)
					memset(ke->body + 4, 0, ke->size - 4);
				else
					ke->body[ke->size - 1] ^= 1;    /* off the curve */
				break;
			}
			pair_close(&p, 0, &m);
			pair_step(&p);
			assert_stateless(IKE_N_INVALID_SYNTAX);
			pair_free(&p);
		}
	to_step(0);
	pair_open(&p, 0, &m);
	m.pld[pair_find(&m, IKE_PT_KE)].body[1] = 14;
	pair_close(&p, 0, &m);
	pair_step(&p);
	assert_stateless(IKE_N_INVALID_KE_PAYLOAD);
	assert_int_equal(m2.pld[0].body[4] << 8 | m2.pld[0].body[5], 31);
	/* A is told to use the group that it used: it gives up this attempt. */
	pair_step(&p);
	assert_int_equal(p.n, 0);
	assert_true(pair_logged("the peer refused IKE_SA_INIT: INVALID_KE_PAYLOAD"));
	pair_free(&p);
}

static void short_nonces(void **state)
{
	static const struct {
		size_t size;
		bool good;
	} cases[] = { { 15, false }, { 16, false }, { 23, false }, { 24, true }, { 256, true }, { 257, false } };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(cases); i++) {
		to_step(0);
		pair_open(&p, 0, &m);
		m.pld[pair_find(&m, IKE_PT_NONCE)].size = cases[i].size;
		pair_close(&p, 0, &m);
		pair_step(&p);
		if (cases[i].good)
			assert_int_equal(count_sas(PAIR_B), 1);
		else
			assert_stateless(IKE_N_INVALID_SYNTAX);
		pair_free(&p);
	}
}

/* ---- the way down: somebody in the middle changes IKE_SA_INIT, and AUTH notices ---- */

static void downgrades_are_noticed(void **state)
{
	(void)state;
	for (int step = 0; step < 2; step++)
		for (size_t i = 0; i < 8; i++) {
			pair_init_certs(&p, "a-p384", "b-p256");
			pair_start(&p);
			for (int k = 0; k < step; k++)
				pair_step(&p);
			pair_open(&p, 0, &m);
			if (i < m.n) {          /* without payload i */
				memmove(&m.pld[i], &m.pld[i + 1], (m.n - i - 1) * sizeof m.pld[0]);
				m.n--;
			} else {                /* with one more */
				pair_add(&m, IKE_PT_V, "vendor", 6);
			}
			pair_close(&p, 0, &m);
			for (int k = 0; k < 6 && p.n > 0; k++)
				pair_step(&p);
			assert_int_equal(p.side[PAIR_A].n_children, 0);
			/* When the response was changed B cannot know, until A tells it. */
			assert_int_equal(step == 0 ? p.side[PAIR_B].n_children : pair_n_up(&p, PAIR_B), 0);
			/* Undisturbed, the next attempt succeeds. */
			pair_pass(&p, 20000);
			assert_true(pair_is_joined(&p));
			pair_free(&p);
		}
}

/* ---- cookies: TEST RFC 7296 s2.6 ---- */

/*
 *   A                                B (has five half-open SAs)
 *   IKE_SA_INIT                -->
 *                              <--   IKE_SA_INIT { N(COOKIE) }
 *   IKE_SA_INIT { N(COOKIE) .. } -->
 *                              <--   IKE_SA_INIT
 */
static void cookie_is_asked_and_brought(void **state)
{
	uint8_t spi;

	(void)state;
	to_step(0);
	spi = p.q[0].p[0];
	for (size_t i = 0; i < IKE_HALF_OPEN_FREE + 1; i++) {
		p.q[0].p[0] = (uint8_t)(spi + 1 + i);
		pair_inject(&p, PAIR_B, p.q[0].p, p.q[0].size);
	}
	assert_int_equal(count_sas(PAIR_B), IKE_HALF_OPEN_FREE + 1);
	p.q[0].p[0] = spi;
	while (p.n > 1) {                       /* the answers to nobody */
		struct pair_packet keep = p.q[0];

		p.q[0] = p.q[1];
		p.q[1] = keep;
		pair_drop(&p);
	}
	pair_step(&p);
	assert_int_equal(count_sas(PAIR_B), IKE_HALF_OPEN_FREE + 1);
	assert_int_equal(p.side[PAIR_B].stat.n[CW_STAT_IKE_COOKIE], 1);
	assert_int_equal(p.n, 1);
	assert_true(p.q[0].size < 100);         /* less than was sent */
	pair_step(&p);
	pair_open(&p, 0, &m);
	assert_true(m.pld[0].type == IKE_PT_N && pair_has_notify(&m, IKE_N_COOKIE));
	/* The same from another address is not good. */
	{
		struct pair_packet keep = p.q[0];
		struct cw_endpoint other;

		assert_int_equal(cw_endpoint_parse("192.0.2.77:4500", &other), 0);
		ike_input(p.side[PAIR_B].k, &other, keep.p, keep.size, p.now_ms);
		assert_int_equal(count_sas(PAIR_B), IKE_HALF_OPEN_FREE + 1);
		assert_int_equal(p.side[PAIR_B].stat.n[CW_STAT_IKE_COOKIE], 2);
		assert_int_equal(p.n, 2);
		keep = p.q[0];
		p.q[0] = p.q[1];
		p.q[1] = keep;
		pair_drop(&p);
	}
	pair_run(&p);
	assert_true(pair_is_joined(&p));
	/* The half-open ones go, and no cookie is asked for any more. */
	pair_pass(&p, IKE_HALF_OPEN_MS);
	assert_int_equal(count_sas(PAIR_B), 1);
	pair_free(&p);
}

/* Never more SAs than there may be, whatever comes; cookies that somebody brought count as well. */
static void bounded(void **state)
{
	(void)state;
	to_step(0);
	for (unsigned i = 0; i < 200; i++) {
		pair_open(&p, 0, &m);
		p.q[0].p[0] = (uint8_t)i;
		pair_inject(&p, PAIR_B, p.q[0].p, p.q[0].size);
		assert_true(count_sas(PAIR_B) <= IKE_HALF_OPEN_FREE + 1);
		while (p.n > 1) {
			struct pair_packet keep = p.q[0];

			p.q[0] = p.q[1];
			p.q[1] = keep;
			pair_drop(&p);
		}
	}
	pair_pass_lost(&p, IKE_HALF_OPEN_MS);
	assert_int_equal(count_sas(PAIR_B), 0);
	pair_free(&p);
}

/* A peer that answers every cookie with another is left alone after a few. */
static void bounded_with_cookies(void **state)
{
	(void)state;
	to_step(0);
	for (unsigned i = 0; i < 100; i++) {
		pair_open(&p, 0, &m);
		p.q[0].p[0] = (uint8_t)i;
		pair_inject(&p, PAIR_B, p.q[0].p, p.q[0].size);
		if (p.q[p.n - 1].size < 100) {          /* a cookie: bring it */
			pair_open(&p, p.n - 1, &m2);
			pair_copy(&p, 0);
			memmove(&m.pld[1], &m.pld[0], m.n++ * sizeof m.pld[0]);
			m.pld[0] = m2.pld[0];
			pair_close(&p, p.n - 1, &m);
			pair_inject(&p, PAIR_B, p.q[p.n - 1].p, p.q[p.n - 1].size);
		}
		assert_true(count_sas(PAIR_B) <= IKE_SA_MAX);
		while (p.n > 1) {
			struct pair_packet keep = p.q[0];

			p.q[0] = p.q[1];
			p.q[1] = keep;
			pair_drop(&p);
		}
		p.now_ms += 100;
	}
	assert_int_equal(count_sas(PAIR_B), IKE_SA_MAX);
	/* B can call all the same. */
	p.side[PAIR_B].k->conf.initiate = true;
	pair_drop(&p);
	ike_start(p.side[PAIR_B].k, p.now_ms);
	pair_run(&p);
	assert_true(pair_is_joined(&p));
	pair_free(&p);
}

/* The same SPI and nonce, but not the same request: no answer, no SA. */
static void init_request_again_but_different(void **state)
{
	(void)state;
	to_step(0);
	pair_copy(&p, 0);
	pair_copy(&p, 0);
	p.q[1].p[p.q[1].size - 1] ^= 1;
	pair_step(&p);
	assert_int_equal(p.n, 3);
	pair_step(&p);
	assert_int_equal(p.n, 2);
	assert_int_equal(dropped(PAIR_B), 1);
	pair_step(&p);
	assert_int_equal(p.n, 2);
	assert_int_equal(count_sas(PAIR_B), 1);
	pair_free(&p);
}

/* TEST RFC 7296 s2.23 */
static void nat_detection(void **state)
{
	(void)state;
	for (int encap = 0; encap < 2; encap++)
		for (int step = 0; step < 2; step++) {
			uint8_t spis[16], ip[] = { 192, 0, 2, 0 }, port[] = { 4500 >> 8, 4500 & 255 }, want[2][20];
			struct cw_span in[] = { { spis, 16 }, { ip, 4 }, { port, 2 } };
			size_t n = 0;

			fast();
			p.side[PAIR_A].conf.encap = p.side[PAIR_B].conf.encap = encap;
			pair_start(&p);
			for (int i = 0; i < step; i++)
				pair_step(&p);
			memcpy(spis, p.q[0].p, sizeof spis);
			for (uint8_t i = 0; i < 2; i++) {
				ip[3] = (uint8_t)(1 + (i ^ step));      /* source, destination */
				assert_int_equal(cw_hash(CW_HASH_SHA1, in, 3, want[i]), 0);
			}
			pair_open(&p, 0, &m);
			for (size_t i = 0; i < m.n; i++) {
				const uint8_t *b = m.pld[i].body;
				unsigned type = m.pld[i].type == IKE_PT_N ? (unsigned)(b[2] << 8 | b[3]) : 0;

				if (type == IKE_N_NAT_DETECTION_SOURCE_IP)
					assert_int_equal(memcmp(b + 4, want[0], 20) != 0, encap);
				else if (type == IKE_N_NAT_DETECTION_DESTINATION_IP)
					assert_memory_equal(b + 4, want[1], 20);
				else
					continue;
				assert_int_equal(m.pld[i].size, 24);
				n++;
			}
			assert_int_equal(n, 2);
			pair_free(&p);
		}
}

static void cookies_without_end(void **state)
{
	struct ike_header h = { .exchange = IKE_SA_INIT, .flags = IKE_FLAG_R };
	uint8_t buf[200], cookie[70];
	struct ike_out o;

	(void)state;
	for (size_t size = 0; size <= 65; size += 65) {         /* neither empty nor too long */
		to_step(0);
		h.spi_i = p.side[PAIR_A].k->sas->spi_i;
		o = ike_msg_begin(buf, sizeof buf, &h);
		ike_pld_put_notify(&o, IKE_N_COOKIE, cookie, size);
		pair_inject(&p, PAIR_A, buf, (size_t)ike_msg_end(&o));
		assert_int_equal(p.n, 1);
		pair_run(&p);
		assert_true(pair_is_joined(&p));
		pair_free(&p);
	}
	to_step(0);
	h.spi_i = p.side[PAIR_A].k->sas->spi_i;
	for (int i = 0; i < 20; i++) {
		cookie[0] = (uint8_t)i;
		o = ike_msg_begin(buf, sizeof buf, &h);
		ike_pld_put_notify(&o, IKE_N_COOKIE, cookie, 64);
		pair_inject(&p, PAIR_A, buf, (size_t)ike_msg_end(&o));
	}
	assert_int_equal(p.n, 1 + IKE_INIT_ROUNDS_MAX);
	assert_true(pair_logged("one cookie after the other"));
	pair_free(&p);
}

/* ---- IKE_SA_INIT responses ---- */

static void init_responses(void **state)
{
	static const uint8_t types[] = { IKE_PT_SA, IKE_PT_KE, IKE_PT_NONCE };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(types); i++)
		for (int twice = 0; twice < 2; twice++) {
			to_step(1);
			pair_open(&p, 0, &m);
			m2.pld[0] = m.pld[pair_find(&m, types[i])];
			if (twice) {
				m.pld[m.n++] = m2.pld[0];
			} else {
				m.pld[pair_find(&m, types[i])] = m.pld[m.n - 1];
				m.n--;
			}
			pair_close(&p, 0, &m);
			pair_step(&p);
			assert_int_equal(p.n, 0);               /* as if it had not come; the request is sent again */
			pair_pass(&p, 5000);
			assert_true(pair_is_joined(&p));
			pair_free(&p);
		}
	/* What was not offered, another group, an SPI of zero, a bad point: this attempt is over. */
	for (int i = 0; i < 5; i++) {
		to_step(1);
		pair_open(&p, 0, &m);
		if (i == 0)
			m.pld[pair_find(&m, IKE_PT_SA)].body[19] = 128;
		else if (i == 1)
			m.pld[pair_find(&m, IKE_PT_KE)].body[1] = 20;
		else if (i == 2)
			memset(p.q[0].p + 8, 0, 8);
		else if (i == 3)
			memset(m.pld[pair_find(&m, IKE_PT_KE)].body + 4, 0, 32);
		else
			m.pld[pair_find(&m, IKE_PT_NONCE)].size = 16;
		if (i != 2)
			pair_close(&p, 0, &m);
		pair_step(&p);
		assert_int_equal(p.n, 0);
		assert_int_equal(count_sas(PAIR_A), 0);
		pair_pass(&p, 5000);
		assert_true(pair_is_joined(&p));
		pair_free(&p);
	}
}

/* ---- IKE_AUTH by somebody who did the key exchange ---- */

static void assert_refused(uint16_t type)
{
	assert_int_equal(p.n, 1);
	pair_open(&p, 0, &m2);
	assert_int_equal(m2.n, 1);
	assert_true(pair_has_notify(&m2, type));
	assert_int_equal(p.side[PAIR_B].n_children, 0);
	assert_int_equal(ike_state(p.side[PAIR_B].k), IKE_IDLE);
	assert_int_equal(p.side[PAIR_B].k->sas->state, IKE_SA_LINGER);
}

static void auth_request_payloads(void **state)
{
	static const struct {
		uint8_t type;
		uint16_t missing, twice;
	} cases[] = {
		{ IKE_PT_IDI, IKE_N_INVALID_SYNTAX, IKE_N_INVALID_SYNTAX },
		{ IKE_PT_AUTH, IKE_N_AUTHENTICATION_FAILED, IKE_N_INVALID_SYNTAX },    /* EAP */
		{ IKE_PT_SA, IKE_N_INVALID_SYNTAX, IKE_N_INVALID_SYNTAX },             /* TEST RFC 6023 s3: not childless */
		{ IKE_PT_TSI, IKE_N_INVALID_SYNTAX, IKE_N_INVALID_SYNTAX },
		{ IKE_PT_TSR, IKE_N_INVALID_SYNTAX, IKE_N_INVALID_SYNTAX },
		{ IKE_PT_IDR, 0, IKE_N_INVALID_SYNTAX },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(cases); i++) {
		to_step(2);
		pair_open(&p, 0, &m);
		m.pld[pair_find(&m, cases[i].type)] = m.pld[m.n - 1];
		m.n--;
		pair_close(&p, 0, &m);
		pair_step(&p);
		if (cases[i].missing)
			assert_refused(cases[i].missing);
		else
			assert_int_equal(p.side[PAIR_B].n_children, 1);
		pair_pass(&p, 30000);
		assert_true(pair_is_joined(&p));
		pair_free(&p);

		to_step(2);
		pair_open(&p, 0, &m);
		m.pld[m.n++] = m.pld[pair_find(&m, cases[i].type)];
		pair_close(&p, 0, &m);
		pair_step(&p);
		assert_refused(cases[i].twice);
		pair_free(&p);
	}
	to_step(2);
	pair_open(&p, 0, &m);
	pair_add(&m, 77, "unknown", 7);
	m.pld[m.n - 1].critical = true;
	pair_close(&p, 0, &m);
	pair_step(&p);
	assert_refused(IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD);
	pair_free(&p);
	to_step(2);
	pair_open(&p, 0, &m);
	pair_add(&m, IKE_PT_EAP, "EAPs", 4);
	pair_close(&p, 0, &m);
	pair_step(&p);
	assert_refused(IKE_N_INVALID_SYNTAX);
	pair_free(&p);
	/* CP is ignored. */
	to_step(2);
	pair_open(&p, 0, &m);
	pair_add(&m, IKE_PT_CP, "\1\0\0\0", 4);
	pair_close(&p, 0, &m);
	pair_run(&p);
	assert_true(pair_is_joined(&p));
	pair_free(&p);
}

/* Oversized identities: TEST what broke others (CVE-2025-9242). */
static void big_identities(void **state)
{
	(void)state;
	for (size_t size = 0; size <= 4096; size = size ? size * 2 : 1) {
		to_step(2);
		pair_open(&p, 0, &m);
		m.pld[pair_find(&m, IKE_PT_IDI)].size = CW_MAX(size, 4u);
		m.pld[pair_find(&m, IKE_PT_IDI)].body[0] = (uint8_t)(size % 14);
		pair_close(&p, 0, &m);
		pair_step(&p);
		assert_refused(IKE_N_AUTHENTICATION_FAILED);
		pair_free(&p);
	}
}

/* The response: whatever is wrong with it, A installs nothing, and says so. */
static void auth_response_payloads(void **state)
{
	static const uint8_t types[] = { IKE_PT_IDR, IKE_PT_AUTH, IKE_PT_SA, IKE_PT_TSI, IKE_PT_TSR };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(types); i++)
		for (int twice = 0; twice < 2; twice++) {
			to_step(3);
			pair_open(&p, 0, &m);
			if (twice) {
				m.pld[m.n++] = m.pld[pair_find(&m, types[i])];
			} else {
				m.pld[pair_find(&m, types[i])] = m.pld[m.n - 1];
				m.n--;
			}
			pair_close(&p, 0, &m);
			pair_step(&p);
			assert_int_equal(p.side[PAIR_A].n_children, 0);
			assert_int_equal(p.n, 1);
			pair_open(&p, 0, &m);
			assert_true(m.n == 1 && (pair_has_notify(&m, IKE_N_AUTHENTICATION_FAILED) || m.pld[0].type == IKE_PT_D));
			pair_run(&p);
			assert_int_equal(pair_n_up(&p, PAIR_B), 0);
			pair_pass(&p, 30000);
			assert_true(pair_is_joined(&p));
			pair_free(&p);
		}
	to_step(3);
	pair_open(&p, 0, &m);
	m.pld[pair_find(&m, IKE_PT_AUTH)].body[10] ^= 1;
	pair_close(&p, 0, &m);
	pair_step(&p);
	assert_int_equal(p.side[PAIR_A].n_children, 0);
	pair_run(&p);
	assert_int_equal(pair_n_up(&p, PAIR_B), 0);
	pair_free(&p);
}

/* Lies in two bytes anywhere inside an IKE_AUTH that decrypts: B survives, installs nothing wrong, and never leaks. */
static void lying_inside(void **state)
{
	static const uint16_t lies[] = { 0, 3, 9, 0x7fff, 0xffff };
	size_t n_refused = 0;

	(void)state;
	for (int step = 2; step < 4; step++)
		for (size_t at = 0;; at++) {
			struct pair_packet *q;
			struct ike_header h;
			struct ike_sa *sa;
			static uint8_t plain[4096], out[4096];
			struct ike_out inner;
			size_t size;
			int n;

			to_step(step);
			q = &p.q[0];
			sa = p.side[1 - q->to].k->sas;
			assert_int_equal(ike_msg_header(q->p, q->size, &h), 0);
			assert_int_equal(ike_sk_open(&sa->out, q->p, (struct cw_span){ q->p + 32, q->size - 32 }, plain, &size), 0);
			if (at + 2 > size) {
				pair_free(&p);
				break;
			}
			inner = ike_msg_begin(plain, sizeof plain, NULL);
			inner.first = q->p[28];
			inner.w.len = size;
			cw_wr_put16(&inner.w, at, lies[at % CW_COUNT(lies)]);
			n = ike_sk_seal(&sa->out, &h, &inner, out, sizeof out);
			assert_true(n > 0);
			pair_inject(&p, q->to, out, (size_t)n);
			n_refused += p.side[q->to].n_children == 0;
			pair_pass(&p, 40000);
			assert_int_equal(pair_n_up(&p, PAIR_A), pair_n_up(&p, PAIR_B));
			pair_free(&p);
		}
	assert_true(n_refused > 150);
}

/* ---- the wrong moment ---- */

/* TEST RFC 7296 s1.2: nothing but IKE_AUTH before IKE_AUTH, in both roles (CVE-2014-2338, CVE-2019-12312). */
static void before_authentication(void **state)
{
	static const uint8_t exchanges[] = { IKE_CREATE_CHILD_SA, IKE_INFORMATIONAL, 43, IKE_SA_INIT };
	static const uint8_t del[] = { IKE_PROTO_IKE, 0, 0, 0 };
	static const uint8_t sa[] = { 0, 0, 0, 40, 1, 3, 4, 3, 1, 2, 3, 4, 3, 0, 0, 12, 1, 0, 0, 20, 0x80, 14, 1, 0,
				      3, 0, 0, 8, 2, 0, 0, 6, 0, 0, 0, 8, 5, 0, 0, 0 };
	static const uint8_t nonce[32];

	(void)state;
	for (size_t i = 0; i < CW_COUNT(exchanges); i++)
		for (int from = 0; from < PAIR_SIDES; from++) {
			to_step(2);             /* A has sent IKE_AUTH, B waits for it; both have keys */
			m.n = 0;
			if (exchanges[i] == IKE_CREATE_CHILD_SA) {
				pair_add(&m, IKE_PT_SA, sa, sizeof sa);
				pair_add(&m, IKE_PT_NONCE, nonce, sizeof nonce);
			} else {
				pair_add(&m, IKE_PT_D, del, sizeof del);
			}
			/* Under the id of IKE_AUTH, which B expects. */
			pair_request(&p, from, exchanges[i], &m);
			p.side[from].k->sas->x.out_id--;
			if (from == PAIR_A && exchanges[i] != IKE_SA_INIT)
				assert_true(dropped(PAIR_B) == 0);
			pair_inject(&p, 1 - from, p.q[1].p, p.q[1].size);
			assert_int_equal(dropped(1 - from), 1);
			assert_int_equal(p.n, 2);
			assert_int_equal(p.side[1 - from].n_children, 0);
			pair_run(&p);
			pair_pass(&p, 30000);
			assert_true(pair_is_joined(&p));
			pair_free(&p);
		}
}

/* Messages of a join once more when all is done, sealed afresh with the next id: IKE_AUTH in state UP. */
static void auth_again(void **state)
{
	(void)state;
	to_step(2);
	pair_open(&p, 0, &m);
	pair_run(&p);
	assert_true(pair_is_joined(&p));
	pair_request(&p, PAIR_A, IKE_AUTH, &m);
	pair_run(&p);
	assert_int_equal(dropped(PAIR_B), 1);
	assert_true(pair_is_joined(&p));
	assert_int_equal(p.side[PAIR_B].n_children, 1);
	pair_free(&p);
}

/* Ids out of the window, from somebody who has the keys. */
static void ids_outside(void **state)
{
	static const uint32_t ids[] = { 0, 3, 4, 100, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(ids); i++) {
		joined();
		p.side[PAIR_A].k->sas->x.out_id = ids[i];
		m.n = 0;
		pair_request(&p, PAIR_A, IKE_INFORMATIONAL, &m);
		pair_step(&p);
		assert_int_equal(p.n, 0);
		assert_int_equal(dropped(PAIR_B), 1);
		pair_free(&p);
	}
}

/* A's own messages, sent back to A. */
static void reflection(void **state)
{
	(void)state;
	for (int step = 0; step < 4; step++) {
		to_step(step);
		pair_inject(&p, 1 - p.q[0].to, p.q[0].p, p.q[0].size);
		pair_run(&p);
		assert_true(pair_is_joined(&p));
		pair_pass(&p, 40000);
		assert_true(pair_is_joined(&p));
		pair_free(&p);
	}
}

/* ---- an authenticated peer ---- */

static void answer_is_empty(void)
{
	assert_int_equal(p.n, 1);
	pair_open(&p, 0, &m2);
	assert_int_equal(m2.n, 0);
}

static void deletes(void **state)
{
	static const struct {
		uint8_t body[16];
		size_t size;
	} harmless[] = {
		{ { IKE_PROTO_ESP, 4, 0, 1, 1, 2, 3, 4 }, 8 }, { { IKE_PROTO_ESP, 4, 0, 0 }, 4 }, { { IKE_PROTO_AH, 4, 0, 1, 1, 2, 3, 4 }, 8 },
		{ { 0, 4, 0, 0 }, 4 }, { { 255, 4, 0, 1, 0, 0, 0, 0 }, 8 }, { { IKE_PROTO_ESP, 4, 0, 2, 0, 0, 0, 0, 255, 255, 255, 255 }, 12 },
	};
	uint8_t del[12];
	struct cw_wr w = cw_wr_of(del, sizeof del);

	(void)state;
	joined();
	for (size_t i = 0; i < CW_COUNT(harmless); i++) {
		m.n = 0;
		pair_add(&m, IKE_PT_D, harmless[i].body, harmless[i].size);
		pair_request(&p, PAIR_A, IKE_INFORMATIONAL, &m);
		pair_step(&p);
		answer_is_empty();
		pair_drop(&p);
		assert_int_equal(pair_n_up(&p, PAIR_B), 1);
	}
	/* Our child, twice in one payload, and once more in another, and the IKE SA with it. */
	cw_wr_u32(&w, 0x03040002);
	cw_wr_u32(&w, pair_child(&p, PAIR_A)->spi_in);
	cw_wr_u32(&w, pair_child(&p, PAIR_A)->spi_in);
	m.n = 0;
	pair_add(&m, IKE_PT_D, del, sizeof del);
	pair_add(&m, IKE_PT_D, del, sizeof del);
	pair_add(&m, IKE_PT_D, "\1\0\0\0", 4);
	pair_request(&p, PAIR_A, IKE_INFORMATIONAL, &m);
	pair_step(&p);
	answer_is_empty();
	assert_int_equal(pair_n_up(&p, PAIR_B), 0);
	assert_int_equal(ike_state(p.side[PAIR_B].k), IKE_IDLE);
	pair_free(&p);
	/* The child alone, twice. */
	joined();
	m.n = 0;
	w = cw_wr_of(del, sizeof del);
	cw_wr_u32(&w, 0x03040002);
	cw_wr_u32(&w, pair_child(&p, PAIR_A)->spi_in);
	cw_wr_u32(&w, pair_child(&p, PAIR_A)->spi_in);
	pair_add(&m, IKE_PT_D, del, sizeof del);
	pair_add(&m, IKE_PT_D, del, sizeof del);
	pair_request(&p, PAIR_A, IKE_INFORMATIONAL, &m);
	pair_step(&p);
	assert_int_equal(p.n, 1);
	pair_open(&p, 0, &m2);
	assert_int_equal(m2.n, 1);
	assert_int_equal(pair_n_up(&p, PAIR_B), 0);
	pair_free(&p);
}

static void bad_requests_when_up(void **state)
{
	static const struct {
		uint8_t type;
		uint8_t body[8];
		size_t size;
		bool critical;
		uint16_t answer;
		bool ends;
	} cases[] = {
		{ 99, { 1 }, 1, true, IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD, false },
		{ 99, { 1 }, 1, false, 0, false },
		{ IKE_PT_N, { 0, 0, 0x60, 0, 1 }, 5, false, 0, false },
		{ IKE_PT_N, { 0, 0, 0, 24 }, 4, false, 0, true },               /* AUTHENTICATION_FAILED */
		{ IKE_PT_N, { 0, 0, 0, 7 }, 4, false, 0, true },                /* INVALID_SYNTAX */
		{ IKE_PT_N, { 0, 0, 0, 11, 1, 2, 3, 4 }, 8, false, 0, false },  /* INVALID_SPI */
		{ IKE_PT_N, { 0 }, 1, false, IKE_N_INVALID_SYNTAX, true },
		{ IKE_PT_AUTH, { 2, 0, 0, 0, 1 }, 5, false, IKE_N_INVALID_SYNTAX, true },
		{ IKE_PT_D, { 3, 5, 0, 1, 1, 1, 1, 1 }, 8, false, IKE_N_INVALID_SYNTAX, true },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(cases); i++)
		for (int from = 0; from < PAIR_SIDES; from++) {
			joined();
			m.n = 0;
			pair_add(&m, cases[i].type, cases[i].body, cases[i].size);
			m.pld[0].critical = cases[i].critical;
			pair_request(&p, from, IKE_INFORMATIONAL, &m);
			pair_step(&p);
			assert_int_equal(p.n, 1);
			pair_open(&p, 0, &m2);
			assert_int_equal(m2.n, cases[i].answer ? 1 : 0);
			if (cases[i].answer)
				assert_true(pair_has_notify(&m2, cases[i].answer));
			assert_int_equal(pair_n_up(&p, 1 - from), cases[i].ends ? 0 : 1);
			pair_free(&p);
		}
}

/* Sealed rightly, but around it: the flag of the wrong role, another critical payload before SK. */
static void outside_of_the_seal(void **state)
{
	static uint8_t buf[400];
	uint8_t nonce[CW_AEAD_NONCE], plain[1] = { 0 };

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct ike_header h = { .exchange = IKE_INFORMATIONAL, .flags = IKE_FLAG_I, .id = 2 };
		struct ike_sa *sa;
		struct ike_out o;
		uint8_t *p_sk;
		size_t at, aad;
		int size;

		joined();
		sa = p.side[PAIR_A].k->sas;
		h.spi_i = sa->spi_i;
		h.spi_r = sa->spi_r;
		if (i == 1)
			h.flags = 0;
		o = ike_msg_begin(buf, sizeof buf, &h);
		if (i >= 2)
			ike_pld_bytes(&o, i == 2 ? (enum ike_pt)200 : IKE_PT_N, "\0\0\x60\1", 4);
		if (i == 2)
			buf[IKE_HEADER + 1] = IKE_CRITICAL;
		at = ike_msg_open(&o, IKE_PT_SK);
		if (i == 2)
			buf[IKE_HEADER + 1] = IKE_CRITICAL;
		aad = o.w.len;
		p_sk = cw_wr_take(&o.w, IKE_SK_IV + 1 + CW_AEAD_TAG);
		assert_non_null(p_sk);
		memset(p_sk, 0xee, IKE_SK_IV);
		ike_msg_close(&o, at);
		size = ike_msg_end(&o);
		memcpy(nonce, sa->out.salt, 4);
		memset(nonce + 4, 0xee, 8);
		assert_int_equal(cw_aead_seal(sa->out.aead, nonce, buf, aad, plain, 1, p_sk + IKE_SK_IV), 0);
		assert_true(pair_inject(&p, PAIR_B, buf, (size_t)size));
		if (i == 1 || i == 3) {
			assert_int_equal(p.n, 0);
			assert_int_equal(dropped(PAIR_B), 1);
		} else {
			assert_int_equal(p.n, 1);
			sa->x.in_id = 0;
			pair_open(&p, 0, &m2);
			assert_int_equal(m2.n, i == 0 ? 0 : 1);
			if (i == 2)
				assert_true(pair_has_notify(&m2, IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD));
		}
		assert_true(pair_is_joined(&p));
		pair_free(&p);
	}
}

/* The right id, the wrong exchange: the question stays open. */
static void answer_of_another_exchange(void **state)
{
	(void)state;
	fast();
	p.side[PAIR_A].conf.dpd_ms = 1000;
	pair_start(&p);
	pair_step(&p);
	pair_step(&p);
	pair_step(&p);
	pair_open(&p, 0, &m);                   /* the IKE_AUTH response */
	pair_run(&p);
	pair_pass_lost(&p, 999);
	p.now_ms++;
	ike_tick(p.side[PAIR_A].k, p.now_ms);
	pair_step(&p);
	p.q[0].p[18] = IKE_AUTH;
	pair_close(&p, 0, &m);
	pair_step(&p);
	assert_int_equal(dropped(PAIR_A), 1);
	assert_non_null(p.side[PAIR_A].k->sas->x.request);
	pair_pass(&p, 600);                     /* asked again, and answered */
	assert_null(p.side[PAIR_A].k->sas->x.request);
	assert_true(pair_is_joined(&p));
	pair_free(&p);
}

/* An answer that makes no sense ends the SA in order. */
static void bad_response_when_up(void **state)
{
	(void)state;
	joined();
	pair_free(&p);
	fast();
	p.side[PAIR_A].conf.dpd_ms = 1000;
	pair_start(&p);
	pair_run(&p);
	pair_pass_lost(&p, 999);
	p.now_ms++;
	ike_tick(p.side[PAIR_A].k, p.now_ms);
	pair_step(&p);
	pair_open(&p, 0, &m);
	pair_add(&m, IKE_PT_AUTH, "\2\0\0\0\1", 5);
	pair_close(&p, 0, &m);
	pair_step(&p);
	assert_int_equal(p.n, 1);
	pair_open(&p, 0, &m);
	assert_int_equal(m.pld[0].type, IKE_PT_D);
	pair_run(&p);
	assert_int_equal(pair_n_up(&p, PAIR_A), 0);
	assert_int_equal(pair_n_up(&p, PAIR_B), 0);
	pair_pass(&p, 5000);
	assert_true(pair_is_joined(&p));
	pair_free(&p);
}

/* ---- what the log must not say ---- */

static void no_secret_in_the_log(void **state)
{
	char hex[9];

	(void)state;
	joined();
	for (int s = 0; s < PAIR_SIDES; s++) {
		const uint8_t *keys[] = { pair_child(&p, s)->key_in, pair_child(&p, s)->key_out, p.side[s].k->sas->keys->d,
					  p.side[s].k->sas->keys->ei, p.side[s].k->sas->keys->pi };

		for (size_t i = 0; i < CW_COUNT(keys); i++) {
			snprintf(hex, sizeof hex, "%02x%02x%02x%02x", keys[i][0], keys[i][1], keys[i][2], keys[i][3]);
			assert_false(pair_logged(hex));
		}
	}
	assert_false(pair_logged("a shared secret"));
	assert_true(pair_logged("IKE_AUTH request 1"));
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_prefix_changes_nothing),
		cmocka_unit_test(garbage),
		cmocka_unit_test(versions),
		cmocka_unit_test(strange_init_headers),
		cmocka_unit_test(init_request_payloads),
		cmocka_unit_test(key_exchange_payloads),
		cmocka_unit_test(short_nonces),
		cmocka_unit_test(downgrades_are_noticed),
		cmocka_unit_test(cookie_is_asked_and_brought),
		cmocka_unit_test(bounded),
		cmocka_unit_test(bounded_with_cookies),
		cmocka_unit_test(init_request_again_but_different),
		cmocka_unit_test(nat_detection),
		cmocka_unit_test(cookies_without_end),
		cmocka_unit_test(init_responses),
		cmocka_unit_test(auth_request_payloads),
		cmocka_unit_test(big_identities),
		cmocka_unit_test(auth_response_payloads),
		cmocka_unit_test(lying_inside),
		cmocka_unit_test(before_authentication),
		cmocka_unit_test(auth_again),
		cmocka_unit_test(ids_outside),
		cmocka_unit_test(reflection),
		cmocka_unit_test(deletes),
		cmocka_unit_test(bad_requests_when_up),
		cmocka_unit_test(outside_of_the_seal),
		cmocka_unit_test(answer_of_another_exchange),
		cmocka_unit_test(bad_response_when_up),
		cmocka_unit_test(no_secret_in_the_log),
	};

	return cmocka_run_group_tests_name("ike_hostile", tests, NULL, NULL);
}
