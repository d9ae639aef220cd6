/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_ike_prefix.c - every message of every exchange, cut.
 *
 * A message is cut outside, as anybody can, and inside, as only the peer can: what was decrypted is cut and sealed again.
 * Outside nothing may come of it: no state, at most one answer, which is not larger than the question, and the message
 * itself is as good as before. Inside the receiver ends the SA in order, and both come up again.
 *
 * Each cut inside is tried in a child process: all begin with the same peers in the same state.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/ike_pair.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
enum { FORK_COST = 7 };         /* the shadow of memory is copied, too: fewer children */
#else
enum { FORK_COST = 1 };
#endif

enum { SMALL = 400, SPARSE = 9 };

static struct pair p;
static struct pair_message m;
static pid_t mother;

/* Secret memory is empty in a child process; here it has to be there. */
void *__wrap_cw_mem_secret(size_t size);
void __wrap_cw_mem_free_secret(void *secret, size_t size);

void *__wrap_cw_mem_secret(size_t size)
{
	return calloc(1, size);
}

void __wrap_cw_mem_free_secret(void *secret, size_t size)
{
	(void)size;
	free(secret);
}

/* ---- the scenes: the messages that are cut stand in the queue, one after the other ---- */

static void psk(void)
{
	pair_init_fast(&p);
	pair_start(&p);
}

static void certs(void)
{
	pair_init_certs(&p, "ed25519", "b-p256");
	for (int s = 0; s < PAIR_SIDES; s++)
		assert_int_equal(ike_suite_parse("aes128gcm16-prfsha256-x25519", false, &p.side[s].conf.ike, NULL), 0);
	pair_start(&p);
}

static void cbc(void)
{
	pair_init(&p);
	for (int s = 0; s < PAIR_SIDES; s++) {
		assert_int_equal(ike_suite_parse("aes256-sha256-x25519", false, &p.side[s].conf.ike, NULL), 0);
		assert_int_equal(ike_suite_parse("aes256-sha256", true, &p.side[s].conf.esp, NULL), 0);
	}
	pair_start(&p);
}

static void ppk(void)
{
	static const uint8_t key[32] = { 1, 2, 3 };

	pair_init_fast(&p);
	for (int s = 0; s < PAIR_SIDES; s++)
		pair_set_ppk(&p, s, (struct ike_ppk){ "ppk-1", false }, key, sizeof key);
	pair_start(&p);
}

static void fragments(void)
{
	pair_init_certs(&p, "ed25519", "b-p256");
	for (int s = 0; s < PAIR_SIDES; s++) {
		assert_int_equal(ike_suite_parse("aes128gcm16-prfsha256-x25519", false, &p.side[s].conf.ike, NULL), 0);
		p.side[s].conf.message_max = SMALL;
	}
	pair_start(&p);
}

/* Other initiators, until B wants cookies. */
static void cookies(void)
{
	uint8_t other[4096];

	pair_init_fast(&p);
	pair_start(&p);
	for (uint8_t i = 0; i <= IKE_HALF_OPEN_FREE; i++) {
		assert_true(p.q[0].size <= sizeof other);
		memcpy(other, p.q[0].p, p.q[0].size);
		other[0] ^= (uint8_t)(i + 1);
		assert_true(pair_inject(&p, PAIR_B, other, p.q[0].size));
		pair_keep_first(&p);
	}
}

static void another_group(void)
{
	pair_init_fast(&p);
	assert_int_equal(ike_suite_parse("aes256gcm16-prfsha384-ecp256,aes256gcm16-prfsha384-x25519", false,
					 &p.side[PAIR_A].conf.ike, NULL), 0);
	pair_start(&p);
}

static void joined(const char *esp)
{
	pair_init_fast(&p);
	for (int s = 0; s < PAIR_SIDES; s++)
		assert_int_equal(ike_suite_parse(esp, true, &p.side[s].conf.esp, NULL), 0);
	p.side[PAIR_A].conf.dpd_ms = p.side[PAIR_B].conf.dpd_ms = 60000;
	pair_start(&p);
	pair_run(&p);
	assert_true(pair_is_joined(&p));
}

static void child_rekey(void)
{
	joined("aes256gcm16");
	ike_rekey_child(p.side[PAIR_A].k, p.now_ms);
}

static void child_rekey_by_b(void)
{
	joined("aes256gcm16-x25519");
	ike_rekey_child(p.side[PAIR_B].k, p.now_ms);
}

static void ike_rekey_by_a(void)
{
	joined("aes256gcm16");
	ike_rekey(p.side[PAIR_A].k, p.now_ms);
}

static void ike_rekey_by_b(void)
{
	joined("aes256gcm16");
	ike_rekey(p.side[PAIR_B].k, p.now_ms);
}

static void renewal(void)
{
	joined("aes256gcm16");
	ike_renew(p.side[PAIR_B].k, p.now_ms);
}

static void liveness(void)
{
	joined("aes256gcm16");
	p.now_ms += 60000;
	ike_tick(p.side[PAIR_A].k, p.now_ms);
}

static const struct scene {
	const char *name;
	void (*begin)(void);
	int messages;           /* that there are at least */
	size_t stride;          /* of the cuts inside */
} scenes[] = {
	{ "PSK", psk, 4, 1 },
	{ "certificates", certs, 4, SPARSE },
	{ "CBC", cbc, 4, 2 },
	{ "PPK", ppk, 4, 2 },
	{ "fragments", fragments, 6, SPARSE },
	{ "cookies", cookies, 6, 3 },
	{ "another group", another_group, 6, 3 },
	{ "child rekeyed", child_rekey, 4, 1 },
	{ "child rekeyed by B, with a group", child_rekey_by_b, 4, 2 },
	{ "IKE SA rekeyed", ike_rekey_by_a, 4, 1 },
	{ "IKE SA rekeyed by B", ike_rekey_by_b, 4, 2 },
	{ "renewed", renewal, 6, 3 },
	{ "liveness", liveness, 2, 1 },
};

/* Message NO of the scene stands first in the queue; false when there are not so many. */
static bool to_message(const struct scene *s, int no)
{
	s->begin();
	for (int i = 0; i < no && p.n > 0; i++)
		pair_step(&p);
	if (p.n > 0)
		return true;
	assert_true(no >= s->messages);
	pair_free(&p);
	return false;
}

static void all_is_well(void)
{
	pair_pass(&p, 90000);
	assert_true(pair_is_joined(&p));
	pair_esp(&p);
}

/* The peer lied to itself, in words that make sense: then its keys or SPIs may be wrong, but no side is left alone. */
static void nobody_is_alone(void)
{
	pair_pass(&p, 200000);
	assert_int_equal(ike_state(p.side[PAIR_A].k), IKE_UP);
	assert_int_equal(ike_state(p.side[PAIR_B].k), IKE_UP);
	assert_int_equal(pair_n_up(&p, PAIR_A), 1);
	assert_int_equal(pair_n_up(&p, PAIR_B), 1);
	assert_int_equal(pair_n_live(&p, PAIR_A), 1);
	assert_int_equal(pair_n_live(&p, PAIR_B), 1);
}

/* ---- outside ---- */

/* What a side knows and has, in words; not what it counts. */
static void fingerprint(int side, char *text, size_t size)
{
	const struct pair_side *s = &p.side[side];
	int n = snprintf(text, size, "%d %zu %zu %" PRIu64, s->state, s->n_states, s->n_children, ike_next_ms(s->k));

	for (size_t i = 0; i < s->n_children; i++)
		n += snprintf(text + n, size - (size_t)n, " c%d%d", s->child[i].up, s->child[i].idle);
	for (const struct ike_sa *sa = s->k->sas; sa; sa = sa->next)
		n += snprintf(text + n, size - (size_t)n, " %s %" PRIx64 " %u %u %d %d %d %zu %" PRIu64 " %" PRIu64 " %s",
			      ike_sa_state_name(sa->state), sa->spi_r, sa->x.in_id, sa->x.out_id, sa->x.request != NULL,
			      sa->work.kind, sa->frag[0].n + sa->frag[1].n, sa->cookie_size, sa->heard_ms, sa->expire_ms,
			      sa->why);
	assert_true((size_t)n < size);
}

/* The SIZE bytes of MSG change nothing but one count; what is answered is less. */
static void nothing_comes_of(int to, const uint8_t *msg, size_t size)
{
	static char before[8192], after[8192];
	uint64_t dropped = pair_dropped(&p, to);
	size_t n = p.n;
	bool taken;

	fingerprint(to, before, sizeof before);
	taken = pair_inject(&p, to, msg, size);
	fingerprint(to, after, sizeof after);
	assert_string_equal(before, after);
	assert_int_equal(pair_dropped(&p, to), dropped + taken);
	assert_true(taken || size < IKE_HEADER);
	assert_true(p.n <= n + 1);
	if (p.n == n)
		return;
	assert_true(p.q[n].size <= size);
	free(p.q[--p.n].p);
}

static void set_length(uint8_t *msg, size_t size)
{
	struct cw_wr w = cw_wr_of(msg, IKE_HEADER);

	w.len = IKE_HEADER;
	cw_wr_put16(&w, 24, 0);
	cw_wr_put16(&w, 26, size);
}

static void cut_outside(const struct scene *s, int no)
{
	static uint8_t msg[PAIR_PACKET + 1], cut[PAIR_PACKET + 1];
	size_t size;
	int to;

	assert_true(to_message(s, no));
	size = p.q[0].size;
	to = p.q[0].to;
	memcpy(msg, p.q[0].p, size);
	msg[size] = 0;
	for (size_t n = 0; n <= size + 1; n++) {
		if (n == size)
			continue;
		nothing_comes_of(to, msg, n);
		if (n < IKE_HEADER)
			continue;
		memcpy(cut, msg, n);
		set_length(cut, n);
		nothing_comes_of(to, cut, n);
	}
	all_is_well();
	pair_free(&p);
}

static void outside(void **state)
{
	(void)state;
	for (size_t i = 0; i < CW_COUNT(scenes); i++)
		for (int no = 0; to_message(&scenes[i], no); no++) {
			pair_free(&p);
			cut_outside(&scenes[i], no);
		}
}

/* ---- inside ---- */

/* Whoever failed in a child process ends there. */
static int end_of_child(void **state)
{
	(void)state;
	if (getpid() != mother)
		_exit(1);
	return 0;
}

/* What stands in the queue for one side, whole or in fragments. */
static struct {
	int to;
	size_t n;               /* messages */
	struct ike_header h;
	struct ike_sa *sa;      /* the sender's */
	uint8_t first;
	uint8_t plain[PAIR_PACKET];
	size_t size;
} sealed;

static void unseal(void)
{
	size_t skip, size;

	memset(&sealed, 0, sizeof sealed);
	sealed.to = p.q[0].to;
	for (size_t i = 0; i < p.n && p.q[i].to == sealed.to; i++) {
		const struct pair_packet *q = &p.q[i];

		assert_int_equal(ike_msg_header(q->p, q->size, &sealed.h), 0);
		skip = IKE_HEADER + IKE_PLD_HEADER + (sealed.h.next == IKE_PT_SKF ? IKE_SKF_NUMBERS : 0);
		if (i == 0)
			sealed.first = q->p[IKE_HEADER];
		sealed.sa = p.side[1 - sealed.to].k->sas;
		while (sealed.sa && (sealed.sa->spi_i != sealed.h.spi_i || sealed.sa->spi_r != sealed.h.spi_r))
			sealed.sa = sealed.sa->next;
		if (!sealed.sa)
			fail();
		assert_int_equal(ike_sk_open(&sealed.sa->out, q->p, (struct cw_span){ q->p + skip, q->size - skip },
					     sealed.plain + sealed.size, &size), 0);
		sealed.size += size;
		sealed.n++;
	}
}

/* Takes what was unsealed out of the queue and delivers SIZE bytes of PLAIN in its place. */
static void deliver_inside(const uint8_t *plain, size_t size)
{
	static uint8_t copy[PAIR_PACKET], out[2 * PAIR_PACKET];
	struct ike_out inner = ike_msg_begin(copy, sizeof copy, NULL);
	struct ike_header h;
	size_t max = p.side[PAIR_A].conf.message_max;
	int n;

	inner.first = sealed.first;
	cw_wr_bytes(&inner.w, plain, size);
	n = ike_sk_seal_parts(&sealed.sa->out, &sealed.h, &inner, max ? max : PAIR_PACKET, out, sizeof out);
	assert_true(n > 0);
	while (sealed.n-- > 0)
		pair_drop(&p);
	for (int at = 0; at < n; at += (int)h.length) {
		assert_int_not_equal(ike_msg_header(out + at, (size_t)(n - at), &h), CW_E_TRUNC);
		assert_true(pair_inject(&p, sealed.to, out + at, h.length));
	}
}

/* In a child process, so that everything is afterwards as it was. */
static void try(const struct scene *s, int no, const char *what, size_t at, void (*act)(size_t at))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		act(at);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status != 0)
		fail_msg("%s, message %d, %s %zu: status %#x", s->name, no, what, at, (unsigned)status);
}

/* Payloads whose end is missing: INVALID_SYNTAX, nothing installed, and both come up again. */
static void cut_inside(size_t at)
{
	struct pair_side *s = &p.side[sealed.to];
	uint64_t malformed = s->stat.n[CW_STAT_IKE_MALFORMED];
	size_t children = s->n_children, sent = s->n_sent;
	uint64_t rejected = s->stat.n[CW_STAT_IKE_REJECTED];
	bool response = ike_msg_is_response(&sealed.h);

	deliver_inside(sealed.plain, at);
	assert_int_equal(s->stat.n[CW_STAT_IKE_MALFORMED], malformed + 1);
	assert_int_equal(s->stat.n[CW_STAT_IKE_REJECTED], rejected);
	assert_int_equal(s->n_children, children);
	assert_true(s->n_sent <= sent + 1 + (s->k->conf.initiate && s->k->sas && s->k->sas->state == IKE_SA_INIT_SENT));
	if (!response) {
		pair_open(&p, p.n - 1, &m);
		assert_true(m.n == 1 && pair_has_notify(&m, IKE_N_INVALID_SYNTAX));
	}
	if (at % 8 == 0)
		all_is_well();
}

static const struct pair_message *whole;
static size_t which;

/* Payload WHICH with its first AT bytes, or one more: accepted or refused, but both sides agree in the end. */
static void trim_inside(size_t at)
{
	m = *whole;
	m.pld[which].size = at;
	pair_close(&p, 0, &m);
	pair_step(&p);
	assert_true(p.n <= 8);
	if (at % 4 == 0)
		nobody_is_alone();
}

static void flip_inside(size_t at)
{
	sealed.plain[at / 8] ^= (uint8_t)(1 << at % 8);
	deliver_inside(sealed.plain, sealed.size);
	nobody_is_alone();
}

static void inside_of(const struct scene *s, int no)
{
	static struct pair_message now;
	size_t stride = s->stride * FORK_COST;

	unseal();
	for (size_t at = 0; at < sealed.size; at += stride)
		try(s, no, "cut inside at", at, cut_inside);
	for (size_t at = 0; at < sealed.size * 8; at += 29 * stride)
		try(s, no, "bit inside", at, flip_inside);
	if (sealed.n > 1)
		return;                 /* pair_open() knows no fragments */
	pair_open(&p, 0, &now);
	whole = &now;
	for (which = 0; which < now.n; which++)
		for (size_t at = 0; at <= now.pld[which].size + 1; at += at < 24 / FORK_COST ? 1 : stride)
			try(s, no, "payload of", at, trim_inside);
}

static void inside(void **state)
{
	(void)state;
	for (size_t i = 0; i < CW_COUNT(scenes); i++)
		for (int no = 0; to_message(&scenes[i], no); no++) {
			if (p.q[0].p[18] != IKE_SA_INIT)
				inside_of(&scenes[i], no);
			pair_free(&p);
		}
}

/* ---- messages in clear: payloads cut, bits changed ---- */

static void trim_clear(size_t at)
{
	trim_inside(at);
	pair_pass(&p, 90000);
	assert_true(pair_is_joined(&p));
}

static void flip_clear(size_t at)
{
	p.q[0].p[at / 8] ^= (uint8_t)(1 << at % 8);
	pair_step(&p);
	all_is_well();
}

static void clear_of(const struct scene *s, int no)
{
	static struct pair_message now;
	size_t stride = s->stride * FORK_COST;

	for (size_t at = 0; at < p.q[0].size * 8; at += 7 * stride)
		try(s, no, "bit", at, flip_clear);
	pair_open(&p, 0, &now);
	whole = &now;
	for (which = 0; which < now.n; which++)
		for (size_t at = 0; at <= now.pld[which].size + 1; at += stride)
			try(s, no, "payload of", at, trim_clear);
}

static void clear(void **state)
{
	(void)state;
	for (size_t i = 0; i < CW_COUNT(scenes); i++)
		for (int no = 0; to_message(&scenes[i], no); no++) {
			if (p.q[0].p[18] == IKE_SA_INIT)
				clear_of(&scenes[i], no);
			pair_free(&p);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outside),
		cmocka_unit_test_teardown(inside, end_of_child),
		cmocka_unit_test_teardown(clear, end_of_child),
	};

	mother = getpid();
	return cmocka_run_group_tests_name("ike_prefix", tests, NULL, NULL);
}
