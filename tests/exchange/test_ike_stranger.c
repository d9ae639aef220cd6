/* SPDX-License-Identifier: Apache-2.0 */
/* test_ike_stranger.c - messages from whoever can send to us: nothing but a few bytes of answer comes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "interconnect/base/rand.h"
#include "tests/lib/ike_pair.h"

static struct pair p;
static struct pair_message m, m2;

/* The message of STEP (0 IKE_SA_INIT request ... 3 IKE_AUTH response) is the only one in the queue. */
static void to_step(int step)
{
	pair_init_fast(&p);
	pair_start(&p);
	for (int i = 0; i < step; i++)
		pair_step(&p);
	assert_int_equal(p.n, 1);
}

static void joined(void)
{
	pair_init_fast(&p);
	pair_start(&p);
	pair_run(&p);
	assert_true(pair_is_joined(&p));
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
	assert_int_equal(pair_n_sas(&p, PAIR_B), 0);
}

/* ---- strangers ---- */

/* Every prefix of every message of a join, to both sides before, while and after they join. */
static void every_prefix_changes_nothing(void **state)
{
	(void)state;
	for (int step = 0; step < 4; step++) {
		to_step(step);
		for (size_t n = 0; n < p.q[0].size; n++) {
			size_t sas = pair_n_sas(&p, p.q[0].to);
			uint64_t before = pair_dropped(&p, p.q[0].to);

			if (pair_inject(&p, p.q[0].to, p.q[0].p, n))
				assert_int_equal(pair_dropped(&p, p.q[0].to), before + 1);
			else
				assert_true(n < IKE_HEADER);
			assert_int_equal(pair_n_sas(&p, p.q[0].to), sas);
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
		before = pair_dropped(&p, to);
		if (pair_inject(&p, to, buf, size))
			assert_int_equal(pair_dropped(&p, to), before + 1);
		while (p.n > 0)
			pair_drop(&p);
	}
	assert_true(pair_dropped(&p, PAIR_A) + pair_dropped(&p, PAIR_B) > 9000);
	assert_int_equal(pair_n_sas(&p, PAIR_A), 1);
	assert_int_equal(pair_n_sas(&p, PAIR_B), 1);
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
			assert_int_equal(pair_n_sas(&p, PAIR_B), 1);        /* any minor version */
		} else if (v >> 4 > 2) {
			assert_stateless(IKE_N_INVALID_MAJOR_VERSION);
		} else {
			assert_int_equal(p.n, 0);
			assert_int_equal(pair_n_sas(&p, PAIR_B), 0);
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
	} cases[] = { { 19, 0 }, { 19, IKE_FLAG_I | IKE_FLAG_R }, { 19, IKE_FLAG_R }, { 23, 1 }, { 20, 1 }, { 8, 1 },
		      { 15, 1 }, { 18, IKE_AUTH }, { 18, IKE_INFORMATIONAL }, { 18, 33 }, { 18, 38 } };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(cases); i++) {
		to_step(0);
		p.q[0].p[cases[i].at] = cases[i].value;
		pair_step(&p);
		assert_int_equal(p.n, 0);
		assert_int_equal(pair_n_sas(&p, PAIR_B), 0);
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
		if ((type >= IKE_PT_SA && type <= IKE_PT_EAP) || type == IKE_PT_SKF)
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
	/* not critical: as if it were not there; critical and known: as if it were not */
	to_step(0);
	pair_open(&p, 0, &m);
	pair_add(&m, 250, "unknown", 7);
	m.pld[0].critical = true;
	pair_close(&p, 0, &m);
	pair_step(&p);
	assert_int_equal(pair_n_sas(&p, PAIR_B), 1);
	pair_free(&p);
}

/* Public values: sizes, points that are none, groups. */
static void key_exchange_payloads(void **state)
{
	static const char *const suites[] = { "aes256gcm16-prfsha384-ecp256", "aes256gcm16-prfsha384-ecp384",
					      "aes256gcm16-prfsha384-x25519", "aes256-sha256-modp2048" };

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
				else if (s == 3)        /* 1: a secret that all know */
					memset(ke->body + 4, 0, ke->size - 4), ke->body[ke->size - 1] = 1;
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
	assert_true(pair_logged("a group that was not offered, or the same again"));
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
			assert_int_equal(pair_n_sas(&p, PAIR_B), 1);
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
	assert_int_equal(pair_n_sas(&p, PAIR_B), IKE_HALF_OPEN_FREE + 1);
	p.q[0].p[0] = spi;
	pair_keep_first(&p);                    /* not the answers to nobody */
	pair_step(&p);
	assert_int_equal(pair_n_sas(&p, PAIR_B), IKE_HALF_OPEN_FREE + 1);
	assert_int_equal(p.side[PAIR_B].stat.n[CW_STAT_IKE_COOKIE], 1);
	assert_int_equal(p.n, 1);
	assert_true(p.q[0].size < 100);         /* less than was sent */
	pair_step(&p);
	pair_open(&p, 0, &m);
	assert_true(m.pld[0].type == IKE_PT_N && pair_has_notify(&m, IKE_N_COOKIE));
	/* The same from another address is not good. */
	{
		struct cw_endpoint other;

		assert_int_equal(cw_endpoint_parse("192.0.2.77:4500", &other), 0);
		for (int i = 0; i <= IKE_HALF_OPEN_FREE; i++)
			assert_int_equal(ike_guard_opened(p.side[PAIR_B].k->guard, &other.ip, p.now_ms), 0);
		ike_input(p.side[PAIR_B].k, &p.side[PAIR_B].at, &other, p.q[0].p, p.q[0].size, p.now_ms);
		assert_int_equal(pair_n_sas(&p, PAIR_B), IKE_HALF_OPEN_FREE + 1);
		assert_int_equal(p.side[PAIR_B].stat.n[CW_STAT_IKE_COOKIE], 2);
		assert_int_equal(p.n, 2);
		pair_keep_first(&p);
	}
	pair_run(&p);
	assert_true(pair_is_joined(&p));
	/* The half-open ones go, and no cookie is asked for any more. */
	pair_pass(&p, IKE_HALF_OPEN_MS);
	assert_int_equal(pair_n_sas(&p, PAIR_B), 1);
	pair_free(&p);
}

/* Thousands bear A's own address: they leave no limit used up that A needs, and A is in with its second message. */
static void honest_among_strangers(void **state)
{
	static uint8_t other[4096];
	size_t size;

	(void)state;
	to_step(0);
	size = p.q[0].size;
	assert_true(size <= sizeof other);
	memcpy(other, p.q[0].p, size);
	for (unsigned i = 0; i < 5000; i++) {
		cw_rand_bytes(other, 8);
		pair_inject(&p, PAIR_B, other, size);
		assert_true(pair_n_sas(&p, PAIR_B) <= IKE_HALF_OPEN_FREE + 1);
		pair_keep_first(&p);
	}
	pair_run(&p);
	assert_true(pair_is_joined(&p));
	pair_free(&p);
}

/* The guard counts for all peers of a process: who is honest brings a cookie and gets in. */
static void many_at_other_peers(void **state)
{
	struct ike_guard *g;

	(void)state;
	assert_int_equal(ike_guard_new(&g), 0);
	pair_init_fast(&p);
	p.side[PAIR_B].conf.guard = g;
	for (uint8_t i = 0; i < IKE_HALF_OPEN_ALL; i++) {
		const uint8_t ip[] = { 198, 51, 100, i };
		const struct cw_ip other = cw_ip_of(ip, sizeof ip);

		assert_int_equal(ike_guard_opened(g, &other, p.now_ms), 0);
	}
	pair_start(&p);
	pair_run(&p);
	assert_true(pair_is_joined(&p));
	assert_int_equal(p.side[PAIR_B].stat.n[CW_STAT_IKE_COOKIE], 1);
	assert_int_equal(ike_guard_half_open(g), IKE_HALF_OPEN_ALL);
	pair_restart(&p, PAIR_A);
	ike_start(p.side[PAIR_A].k, p.now_ms);
	pair_step(&p);
	pair_step(&p);
	pair_step(&p);
	assert_int_equal(ike_guard_half_open(g), IKE_HALF_OPEN_ALL + 1);
	pair_free(&p);
	assert_int_equal(ike_guard_half_open(g), IKE_HALF_OPEN_ALL);
	ike_guard_free(g);
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
		assert_true(pair_n_sas(&p, PAIR_B) <= IKE_HALF_OPEN_FREE + 1);
		pair_keep_first(&p);
	}
	pair_pass_lost(&p, IKE_HALF_OPEN_MS);
	assert_int_equal(pair_n_sas(&p, PAIR_B), 0);
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
		assert_true(pair_n_sas(&p, PAIR_B) <= IKE_SA_MAX);
		pair_keep_first(&p);
		p.now_ms += 100;
	}
	assert_int_equal(pair_n_sas(&p, PAIR_B), IKE_HALF_OPEN_BLOCK);
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
	p.q[1].p[p.q[1].size - 11] ^= 1;        /* of a NAT_DETECTION: behind it is CAUSEWAY_PATH, for another peer then */
	pair_step(&p);
	assert_int_equal(p.n, 3);
	pair_step(&p);
	assert_int_equal(p.n, 2);
	assert_int_equal(pair_dropped(&p, PAIR_B), 1);
	pair_step(&p);
	assert_int_equal(p.n, 2);
	assert_int_equal(pair_n_sas(&p, PAIR_B), 1);
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

			pair_init_fast(&p);
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
	assert_true(pair_logged("one cookie or group after the other"));
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
		assert_int_equal(pair_n_sas(&p, PAIR_A), 0);
		pair_pass(&p, 5000);
		assert_true(pair_is_joined(&p));
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
		cmocka_unit_test(honest_among_strangers),
		cmocka_unit_test(many_at_other_peers),
		cmocka_unit_test(bounded),
		cmocka_unit_test(bounded_with_cookies),
		cmocka_unit_test(init_request_again_but_different),
		cmocka_unit_test(nat_detection),
		cmocka_unit_test(cookies_without_end),
		cmocka_unit_test(init_responses),
		cmocka_unit_test(reflection),
	};

	return cmocka_run_group_tests_name("ike_stranger", tests, NULL, NULL);
}
