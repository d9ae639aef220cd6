/* SPDX-License-Identifier: Apache-2.0 */
/* test_ike_childless.c - an IKE SA first, its child by CREATE_CHILD_SA: RFC 6023; and which of several paths it is for. */
#include "tests/lib/mobike_pair.h"

#include "interconnect/ike/ike_limits.h"

static void start(enum ike_childless c)
{
	pair_init_fast(&p);
	p.side[PAIR_A].conf.childless = c;
	pair_start(&p);
}

/* Takes notification TYPE out of message 0. */
static void strip(uint16_t type)
{
	pair_open(&p, 0, &m);
	*notify(type) = m.pld[m.n - 1];
	m.n--;
	pair_close(&p, 0, &m);
}

static struct pair_payload *payload(uint8_t type)
{
	return &m.pld[pair_find(&m, type)];
}

static bool has(uint8_t type)
{
	for (size_t i = 0; i < m.n; i++)
		if (m.pld[i].type == type)
			return true;
	return false;
}

/* ---- we begin ---- */

static void initiator(void **state)
{
	(void)state;
	for (int c = IKE_CHILDLESS_NO; c <= (int)IKE_CHILDLESS_FORCE; c++) {
		bool with_child = c == IKE_CHILDLESS_NO;

		start((enum ike_childless)c);
		pair_step(&p);
		pair_open(&p, 0, &m);
		assert_true(pair_has_notify(&m, IKE_N_CHILDLESS_IKEV2_SUPPORTED));
		pair_step(&p);
		pair_open(&p, 0, &m);
		assert_int_equal(has(IKE_PT_SA), with_child);
		assert_int_equal(has(IKE_PT_TSI), with_child);
		assert_int_equal(has(IKE_PT_TSR), with_child);
		pair_step(&p);
		pair_open(&p, 0, &m);
		assert_int_equal(has(IKE_PT_SA), with_child);
		pair_step(&p);
		if (!with_child) {
			struct ike_header h;

			/* Nobody is told of a peer that is up before there is a child. */
			assert_int_equal(p.side[PAIR_A].state, IKE_CONNECTING);
			assert_int_equal(p.n, 1);
			assert_int_equal(ike_msg_header(p.q[0].p, p.q[0].size, &h), 0);
			assert_int_equal(h.exchange, IKE_CREATE_CHILD_SA);
			pair_open(&p, 0, &m);
			assert_false(pair_has_notify(&m, IKE_N_REKEY_SA));
		}
		pair_run(&p);
		assert_true(pair_is_joined(&p));
		pair_pass(&p, 60000);
		assert_same_sas();
		pair_free(&p);
	}
}

/* Each message lost once: one IKE SA in the end, one child. */
static void each_message_lost(void **state)
{
	(void)state;
	for (unsigned lost = 0; lost < 6; lost++) {
		unsigned n = 0;

		start(IKE_CHILDLESS_FORCE);
		for (int t = 0; t < 100; t++) {
			while (p.n > 0) {
				if (n++ == lost)
					pair_drop(&p);
				else
					pair_step(&p);
			}
			p.now_ms += 100;
			for (int s = 0; s < PAIR_SIDES; s++)
				ike_tick(p.side[s].k, p.now_ms);
		}
		assert_same_sas();
		pair_free(&p);
	}
}

/* Not offered by the responder (the AUTH of a changed IKE_SA_INIT is wrong: what is sent is what counts here). */
static void not_offered(void **state)
{
	(void)state;
	start(IKE_CHILDLESS_PREFER);
	pair_step(&p);
	strip(IKE_N_CHILDLESS_IKEV2_SUPPORTED);
	pair_step(&p);
	pair_open(&p, 0, &m);
	assert_true(has(IKE_PT_SA) && has(IKE_PT_TSI) && has(IKE_PT_TSR));
	pair_free(&p);
	start(IKE_CHILDLESS_FORCE);
	pair_step(&p);
	strip(IKE_N_CHILDLESS_IKEV2_SUPPORTED);
	pair_step(&p);
	assert_int_equal(p.n, 0);
	assert_true(pair_logged("IKE SA without child"));
	pair_free(&p);
}

/* A responder that does not give the child is called again, not sooner than the back-off says. */
static void child_refused(void **state)
{
	size_t sent;

	(void)state;
	pair_init_fast(&p);
	p.side[PAIR_A].conf.childless = IKE_CHILDLESS_FORCE;
	p.side[PAIR_B].refuse_child = CW_E_LIMIT;
	pair_start(&p);
	pair_pass(&p, 60000);
	assert_int_equal(pair_n_up(&p, PAIR_A), 0);
	sent = p.side[PAIR_A].n_sent;
	assert_in_range(sent, 8, 60);
	p.side[PAIR_B].refuse_child = 0;
	pair_pass(&p, 60000);
	assert_true(pair_is_joined(&p));
	pair_free(&p);
}

/* A renewal that is childless takes the place of the old pair when its child is there. */
static void renewal(void **state)
{
	(void)state;
	start(IKE_CHILDLESS_FORCE);
	pair_run(&p);
	ike_renew(p.side[PAIR_A].k, p.now_ms);
	for (int i = 0; i < 4; i++) {
		pair_step(&p);
		assert_int_equal(pair_n_up(&p, PAIR_A), 1);
		assert_int_equal(p.side[PAIR_A].n_children, 1);
	}
	pair_run(&p);
	assert_true(pair_is_joined(&p));
	assert_int_equal(p.side[PAIR_A].n_children, 2);
	pair_pass(&p, 30000);
	assert_int_equal(pair_n_live(&p, PAIR_A), 1);
	assert_int_equal(pair_n_live(&p, PAIR_B), 1);
	assert_int_equal(p.side[PAIR_A].n_states, 2);   /* connecting, up, and never else */
	pair_free(&p);
}

/* ---- the peer begins ---- */

/* It makes no child: after a while nothing is left. */
static void without_child_for_too_long(void **state)
{
	(void)state;
	start(IKE_CHILDLESS_FORCE);
	pair_step(&p);
	pair_step(&p);
	pair_step(&p);
	pair_drop(&p);
	ike_free(p.side[PAIR_A].k);
	p.side[PAIR_A].k = NULL;
	assert_int_equal(p.side[PAIR_B].k->sas->state, IKE_SA_UP);
	assert_int_equal(p.side[PAIR_B].state, IKE_IDLE);
	pair_pass_lost(&p, IKE_CHILD_WAIT_MS - 1);
	assert_int_equal(p.side[PAIR_B].k->sas->state, IKE_SA_UP);
	pair_pass_lost(&p, 1);
	assert_int_equal(p.side[PAIR_B].k->sas->state, IKE_SA_DELETING);
	pair_pass_lost(&p, 60000);
	assert_int_equal(pair_n_sas(&p, PAIR_B), 0);
	pair_free(&p);
}

/* Half a child is none, and no IKE SA. */
static void half_a_child(void **state)
{
	static const uint8_t types[] = { IKE_PT_SA, IKE_PT_TSI, IKE_PT_TSR };

	(void)state;
	for (unsigned bits = 1; bits < 7; bits++) {
		start(IKE_CHILDLESS_NO);
		pair_step(&p);
		pair_step(&p);
		pair_open(&p, 0, &m);
		for (size_t i = 0; i < CW_COUNT(types); i++)
			if (!(bits >> i & 1)) {
				*payload(types[i]) = m.pld[m.n - 1];
				m.n--;
			}
		pair_close(&p, 0, &m);
		pair_step(&p);
		pair_open(&p, 0, &m);
		assert_true(pair_has_notify(&m, IKE_N_INVALID_SYNTAX));
		assert_int_equal(pair_n_live(&p, PAIR_B), 0);
		pair_free(&p);
	}
}

/* A childless IKE_AUTH proves as much as another. */
static void wrong_secret(void **state)
{
	(void)state;
	pair_init_fast(&p);
	p.side[PAIR_A].conf.childless = IKE_CHILDLESS_FORCE;
	p.side[PAIR_A].conf.local_id = "c.kit.test";
	pair_start(&p);
	pair_pass(&p, 5000);
	assert_int_equal(p.side[PAIR_B].n_states, 0);
	assert_int_equal(pair_n_up(&p, PAIR_A) + pair_n_up(&p, PAIR_B), 0);
	assert_true(p.side[PAIR_B].stat.n[CW_STAT_IKE_REJECTED] > 0);
	pair_free(&p);
}

/* A child in the answer to a request that asked for none is a lie. */
static void child_unasked(void **state)
{
	static const uint8_t types[] = { IKE_PT_SA, IKE_PT_TSI, IKE_PT_TSR };
	static struct pair_message with;

	(void)state;
	start(IKE_CHILDLESS_NO);
	for (int i = 0; i < 3; i++)
		pair_step(&p);
	pair_open(&p, 0, &with);
	pair_free(&p);
	start(IKE_CHILDLESS_FORCE);
	for (int i = 0; i < 3; i++)
		pair_step(&p);
	pair_open(&p, 0, &m);
	for (size_t i = 0; i < CW_COUNT(types); i++)
		m.pld[m.n++] = with.pld[pair_find(&with, types[i])];
	pair_close(&p, 0, &m);
	pair_step(&p);
	assert_int_equal(p.side[PAIR_A].n_children, 0);
	assert_int_equal(p.side[PAIR_A].k->sas->state, IKE_SA_DELETING);
	pair_free(&p);
}

/* ---- paths ---- */

/* Which index is for whom: what names none is for 0 and for those who have none. */
static void paths(void **state)
{
	static const int index[] = { -1, 0, 1, 2, 300 };

	(void)state;
	for (size_t a = 0; a < CW_COUNT(index); a++)
		for (size_t b = 0; b < CW_COUNT(index); b++) {
			bool fits = index[a] == index[b] || (index[a] <= 0 && index[b] <= 0);

			pair_init_fast(&p);
			p.side[PAIR_A].conf.path = index[a];
			p.side[PAIR_B].conf.path = index[b];
			pair_start(&p);
			pair_open(&p, 0, &m);
			assert_int_equal(pair_has_notify(&m, IKE_N_CAUSEWAY_PATH), index[a] >= 0);
			pair_pass(&p, 1000);
			assert_int_equal(pair_is_joined(&p), fits);
			if (fits)
				assert_int_equal(sa_of(PAIR_A)->path_known, index[a] >= 0 && index[b] >= 0);
			pair_free(&p);
		}
}

/* INITIAL_CONTACT ends what the peer has with us: on a further path only if the peer knows paths. */
static void initial_contact(void **state)
{
	(void)state;
	for (int bits = 0; bits < 4; bits++) {
		int path = bits & 1;
		bool known = bits & 2;

		pair_init_fast(&p);
		p.side[PAIR_A].conf.path = p.side[PAIR_B].conf.path = path;
		pair_start(&p);
		pair_step(&p);
		if (!known)
			strip(IKE_N_CAUSEWAY_PATH);
		pair_step(&p);
		pair_open(&p, 0, &m);
		assert_int_equal(pair_has_notify(&m, IKE_N_INITIAL_CONTACT), known || path == 0);
		pair_free(&p);
	}
}

/* Not two octets, or cut off: it names none. */
static void strange_indices(void **state)
{
	static const struct {
		uint8_t body[8];
		size_t size;
		bool fits;
	} cases[] = {
		{ { 0, 0, 0xa0, 1, 0, 1 }, 6, true }, { { 0, 0, 0xa0, 1, 1, 0 }, 6, false }, { { 0, 0, 0xa0, 1, 1 }, 5, false },
		{ { 0, 0, 0xa0, 1, 0, 1, 0 }, 7, false }, { { 0, 0, 0xa0, 1 }, 4, false }, { { 0, 0, 0xa0, 2, 0, 1 }, 6, false },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(cases); i++) {
		pair_init_fast(&p);
		p.side[PAIR_A].conf.path = -1;
		p.side[PAIR_B].conf.path = 1;
		pair_start(&p);
		pair_open(&p, 0, &m);
		pair_add(&m, IKE_PT_N, cases[i].body, cases[i].size);
		pair_close(&p, 0, &m);
		assert_int_equal(ike_match(p.side[PAIR_B].k, &p.q[0].from, p.q[0].p, p.q[0].size), cases[i].fits);
		for (size_t size = 0; size < p.q[0].size; size++) {
			uint8_t *cut = malloc(size ? size : 1);

			assert_non_null(cut);
			memcpy(cut, p.q[0].p, size);
			assert_false(ike_match(p.side[PAIR_B].k, &p.q[0].from, cut, size));
			free(cut);
		}
		pair_free(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(initiator), cmocka_unit_test(each_message_lost), cmocka_unit_test(not_offered),
		cmocka_unit_test(child_refused), cmocka_unit_test(renewal), cmocka_unit_test(without_child_for_too_long),
		cmocka_unit_test(half_a_child), cmocka_unit_test(wrong_secret), cmocka_unit_test(child_unasked),
		cmocka_unit_test(paths), cmocka_unit_test(initial_contact), cmocka_unit_test(strange_indices),
	};

	return cmocka_run_group_tests_name("ike_childless", tests, NULL, NULL);
}
