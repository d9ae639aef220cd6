/* SPDX-License-Identifier: Apache-2.0 */
/* mobike_pair.h - a pair of peers, p, that move: shared by the tests of MOBIKE. M is the message that a test looks at. */
#ifndef TEST_MOBIKE_PAIR_H
#define TEST_MOBIKE_PAIR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "interconnect/base/rand.h"
#include "tests/lib/ike_pair.h"

static struct pair p;
static struct pair_message m;

static inline struct cw_endpoint ep(const char *text)
{
	struct cw_endpoint e;

	assert_int_equal(cw_endpoint_parse(text, &e), 0);
	return e;
}

static inline void init(void)
{
	pair_init_fast(&p);
	p.moving = true;
	p.side[PAIR_A].conf.mobike = p.side[PAIR_B].conf.mobike = true;
}

static inline void join(void)
{
	pair_start(&p);
	pair_run(&p);
	assert_true(pair_is_joined(&p));
}

/* SIDE is at ADDRESS from now on, and knows it. */
static inline void moves(int side, const char *address)
{
	struct pair_side *s = &p.side[side];

	s->at = s->seen_as = ep(address);
	ike_moved(s->k, &s->at, NULL, p.now_ms);
}

static inline const struct ike_sa *sa_of(int side)
{
	const struct ike_sa *sa = p.side[side].k->sas;

	while (sa && (sa->state != IKE_SA_UP || sa->quit))
		sa = sa->next;
	if (!sa)
		abort();
	return sa;
}

static inline bool goes(const struct ike_child *c, const struct pair_side *from, const struct pair_side *to)
{
	return cw_endpoint_equal(&c->local, &from->at) && cw_endpoint_equal(&c->remote, &to->seen_as);
}

/* IKE and ESP of both sides go to where the other one is. */
static inline bool found(void)
{
	for (int i = 0; i < PAIR_SIDES; i++) {
		const struct pair_side *s = &p.side[i], *o = &p.side[1 - i];
		const struct ike_sa *sa = sa_of(i);

		if (!cw_endpoint_equal(&sa->way.local, &s->at) || !cw_endpoint_equal(&sa->way.remote, &o->seen_as))
			return false;
		if (!pair_child(&p, i) || !goes(pair_child(&p, i), s, o))
			return false;
	}
	return true;
}

/* No handshake but the first, and the first child. */
static inline void assert_same_sas(void)
{
	assert_true(pair_is_joined(&p));
	for (int i = 0; i < PAIR_SIDES; i++) {
		assert_int_equal(p.side[i].n_children, 1);
		assert_int_equal(pair_n_live(&p, i), 1);
	}
}

static inline size_t count_notify(uint16_t type)
{
	size_t n = 0;

	for (size_t i = 0; i < m.n; i++)
		n += m.pld[i].type == IKE_PT_N && (m.pld[i].body[2] << 8 | m.pld[i].body[3]) == type;
	return n;
}

static inline struct pair_payload *notify(uint16_t type)
{
	for (size_t i = 0; i < m.n; i++)
		if (m.pld[i].type == IKE_PT_N && (m.pld[i].body[2] << 8 | m.pld[i].body[3]) == type)
			return &m.pld[i];
	abort();
}

static inline void put_notify(uint16_t type, const void *data, size_t size)
{
	uint8_t body[256] = { 0, 0, (uint8_t)(type >> 8), (uint8_t)type };

	if (size)
		memcpy(body + 4, data, size);
	pair_add(&m, IKE_PT_N, body, 4 + size);
}

#endif
