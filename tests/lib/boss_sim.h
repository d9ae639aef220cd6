/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boss_sim.h - a site's manager that decides about one VM: node_ask() in front of the archives.
 *
 * It keeps the rules of mesh_chain.h in a few lines: one outcome, the first of release and abort, every question repeatable.
 */
#ifndef BOSS_SIM_H
#define BOSS_SIM_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "interconnect/base/json.h"
#include "interconnect/line/node.h"
#include "migrate/own_sig.h"
#include "tests/lib/mig_data.h"

enum { BOSS_QUESTIONS = 4 };

static struct boss {
	bool away;                      /* cannot be reached */
	int lose;                       /* so many answers are lost, after what they say is on the disk */
	const char *lies;               /* verb that is answered with a record of another past */
	const char *outcome;            /* "", "prepared", "released", "aborted", "owned" */
	int asked[4];                   /* prepare, release, abort, arrived */
	struct cw_key *key;             /* of the site's CA; NULL: signatures that hold nothing */
	struct question {
		char verb[16];
		struct cw_json *args;
		void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why);
		void *ctx;
	} q[BOSS_QUESTIONS];
} boss = { .outcome = "" };

static const char *const boss_verbs[] = { "prepare", "release", "abort", "arrived" };

static inline int boss_verb(const char *verb)
{
	for (int i = 0; i < 4; i++)
		if (strcmp(boss_verbs[i], verb) == 0)
			return i;
	abort();
}

/* The record that goes with OUTCOME, of a VM of site onprem that goes to site cloud. */
static inline struct own boss_record(const char *outcome)
{
	struct own first, prepared, o;

	if (own_first(MIG_UUID, "onprem", &first) < 0 || own_next(&first, OWN_PREPARED, "onprem", &prepared) < 0)
		abort();
	o = prepared;
	if ((strcmp(outcome, "released") == 0 && own_next(&prepared, OWN_RELEASED, "cloud", &o) < 0) ||
	    (strcmp(outcome, "aborted") == 0 && own_next(&prepared, OWN_OWNED, "onprem", &o) < 0))
		abort();
	return o;
}

static inline struct cw_json *boss_sign(const struct own *o)
{
	struct own_sig s = { .o = *o, .signer = "onprem", .signature = "ab" };

	if (boss.key && own_sig_make(o, "onprem", boss.key, &s) < 0)
		abort();
	return own_sig_to_json(&s);
}

/* PREPARED and what became of it. */
static inline struct cw_json *boss_records(const char *outcome)
{
	struct cw_json *list = cw_json_array();
	struct own o = boss_record("prepared");

	cw_json_add(list, boss_sign(&o));
	o = boss_record(outcome);
	if (strcmp(outcome, "prepared") != 0)
		cw_json_add(list, boss_sign(&o));
	return list;
}

static inline struct cw_json *boss_lie(void)
{
	struct cw_json *list = cw_json_array();
	struct own first, prepared, o;

	if (own_first("759a7fb2-af47-4fae-888d-711213d91dc1", "onprem", &first) < 0 ||
	    own_next(&first, OWN_PREPARED, "onprem", &prepared) < 0 || own_next(&prepared, OWN_RELEASED, "cloud", &o) < 0)
		abort();
	cw_json_add(list, boss_sign(&o));
	return list;
}

static inline struct cw_json *boss_answer(const char *verb, bool dry_run)
{
	static const char *const wishes[] = { "prepared", "released", "aborted", "owned" };
	struct cw_json *b = cw_json_object();
	bool open = !boss.outcome[0] || (strcmp(boss.outcome, "prepared") == 0 && strcmp(verb, "prepare") != 0);

	if (!dry_run && open)
		boss.outcome = wishes[boss_verb(verb)];
	cw_json_set_str(b, "outcome", dry_run ? "prepared" : boss.outcome);
	cw_json_set(b, "records", boss.lies && strcmp(boss.lies, verb) == 0 ? boss_lie() :
		    boss_records(dry_run ? "prepared" : boss.outcome));
	return b;
}

int node_ask(struct node *n, const char *noun, const char *verb, const char *name, struct cw_json *args, uint64_t timeout_ms,
	     void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why), void *ctx)
{
	(void)n;
	(void)name;
	(void)timeout_ms;
	assert_string_equal(noun, "ownership");
	for (int i = 0; i < BOSS_QUESTIONS; i++)
		if (!boss.q[i].cb) {
			boss.q[i] = (struct question){ .args = args, .cb = cb, .ctx = ctx };
			snprintf(boss.q[i].verb, sizeof boss.q[i].verb, "%s", verb);
			return 0;
		}
	abort();
}

void node_report_soon(struct node *n) { (void)n; }

/* Answers what was asked. */
static inline void boss_turn(void)
{
	for (int i = 0; i < BOSS_QUESTIONS; i++) {
		struct question q = boss.q[i];
		struct cw_why why = { .rule = "is away" };
		struct cw_json *b = NULL;
		bool dry_run = cw_json_get_bool(q.args, "dry_run", false);

		if (!q.cb)
			continue;
		boss.q[i] = (struct question){ 0 };
		if (!boss.away && !dry_run)
			boss.asked[boss_verb(q.verb)]++;
		if (!boss.away)
			b = boss_answer(q.verb, dry_run);
		if (b && !dry_run && boss.lose > 0) {
			boss.lose--;
			cw_json_free(cw_steal(&b));
		}
		q.cb(q.ctx, b ? 0 : boss.away ? CW_E_UNREACHABLE : CW_E_TIMEOUT, b, b ? NULL : &why);
		cw_json_free(b);
		cw_json_free(q.args);
	}
}

/* Also forgets what was asked, as a node does that ends. */
static inline void boss_reset(void)
{
	struct cw_key *key = boss.key;

	for (int i = 0; i < BOSS_QUESTIONS; i++)
		cw_json_free(boss.q[i].args);
	boss = (struct boss){ .outcome = "", .key = key };
}

#endif
