/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_mesh_chain.c - two managers' stores with real keys: every way of a migration, every lie about one, and death between
 * any two writes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "interconnect/base/crypt_issue.h"
#include "interconnect/base/hex.h"
#include "interconnect/base/log.h"
#include "mesh/mesh_chain.h"
#include "tests/lib/mig_data.h"
#include "tests/lib/tmp_dir.h"

enum { A, B, C, SITES, CA_HEX = 4096 };

static const char *const names[SITES] = { "onprem", "cloud", "moon" };
static const char *const schema[] = { MESH_RECORD_SCHEMA };

static struct tmp_dir dir;

static struct place {
	struct mesh_chain c[SITES];
	char key[SITES][TMP_PATH], ca[SITES][CA_HEX], db[SITES][TMP_PATH];
	bool unpaired;                          /* nobody knows moon */
} p;

/* ---- the place ---- */

static const char *ca_of(const void *ctx, const char *site)
{
	(void)ctx;
	for (int i = 0; i < SITES; i++)
		if (strcmp(names[i], site) == 0)
			return i == C && p.unpaired ? NULL : p.ca[i];
	return NULL;
}

static void open_db(int i)
{
	struct cw_db *db = NULL;

	assert_int_equal(cw_db_open(p.db[i], schema, 1, &db), 0);
	p.c[i] = (struct mesh_chain){ db, names[i], p.key[i], ca_of, NULL };
}

static void make_site(int i)
{
	char cert[TMP_PATH];
	struct cw_cert *c = NULL;
	const uint8_t *der;
	size_t size;

	snprintf(p.key[i], TMP_PATH, "%s/%s.key", dir.path, names[i]);
	snprintf(p.db[i], TMP_PATH, "%s/%s.db", dir.path, names[i]);
	snprintf(cert, sizeof cert, "%s/%s.crt", dir.path, names[i]);
	assert_int_equal(cw_issue_key(p.key[i]), 0);
	assert_int_equal(cw_issue_cert(&(struct cw_issue){ p.key[i], names[i], NULL, NULL, 1700000000, 1000000000 }, cert), 0);
	assert_int_equal(cw_cert_load(cert, &c), 0);
	cw_cert_der(c, &der, &size);
	cw_hex_text(der, size, p.ca[i]);
	cw_cert_free(c);
}

static void quiet(enum cw_log_level level, const char *line)
{
	(void)level;
	(void)line;
}

static int group_up(void **state)
{
	(void)state;
	cw_log_set_sink(quiet);
	dir = tmp_dir_make();
	for (int i = 0; i < SITES; i++)
		make_site(i);
	return 0;
}

static int group_down(void **state)
{
	(void)state;
	tmp_dir_remove(&dir);
	cw_log_set_sink(NULL);
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	p.unpaired = false;
	for (int i = 0; i < SITES; i++)
		open_db(i);
	return 0;
}

static int tear_down(void **state)
{
	char path[TMP_PATH + 8];

	(void)state;
	for (int i = 0; i < SITES; i++) {
		cw_db_close(p.c[i].db);
		for (int k = 0; k < 3; k++) {
			snprintf(path, sizeof path, "%s%s", p.db[i], (const char *[]){ "", "-wal", "-shm" }[k]);
			unlink(path);
		}
	}
	return 0;
}

/* ---- doing ---- */

typedef int (*question)(const struct mesh_chain *c, const struct mesh_chain_ask *ask, struct cw_json **ret_body, struct cw_why *why);

/* Asks; *RET_BODY (may be NULL) must be freed. */
static int ask_body(int site, question q, const char *migration, const char *to, struct cw_json **ret_body)
{
	struct mesh_chain_ask a = { .uuid = MIG_UUID, .migration = migration, .to = to };
	struct cw_json *body = NULL;
	struct cw_why why = { 0 };
	int r = q(&p.c[site], &a, &body, &why);

	if (ret_body)
		*ret_body = body;
	else
		cw_json_free(body);
	return r;
}

static int ask(int site, question q, const char *migration, const char *to)
{
	return ask_body(site, q, migration, to, NULL);
}

static void outcome(int site, question q, const char *migration, const char *to, const char *expected)
{
	struct cw_json *b = NULL;

	assert_int_equal(ask_body(site, q, migration, to, &b), 0);
	assert_string_equal(cw_json_get_str(b, "outcome", ""), expected);
	cw_json_free(b);
}

static struct cw_json *chain_json(int site)
{
	struct cw_json *records = NULL;
	int64_t last;

	assert_int_equal(mesh_chain_after(&p.c[site], MIG_UUID, 0, 64, &records, &last), 0);
	return records;
}

static int put(int site, int from, const struct cw_json *records)
{
	struct cw_why why = { 0 };

	return mesh_chain_put(&p.c[site], names[from], MIG_UUID, records, false, &why);
}

static int arrived(int site, const struct cw_json *records)
{
	struct cw_json *body = NULL;
	struct cw_why why = { 0 };
	int r = mesh_chain_arrived(&p.c[site], MIG_UUID, records, &body, &why);

	if (r == 0)
		assert_string_equal(cw_json_get_str(body, "outcome", ""), "owned");
	cw_json_free(body);
	return r;
}

/* What the last record of SITE says, as "released 2 cloud". */
static void last_is(int site, const char *expected)
{
	struct mesh_record m;
	char text[128];
	int r = mesh_record_last(p.c[site].db, MIG_UUID, &m);

	assert_true(r >= 0);
	if (r == 0)
		snprintf(text, sizeof text, "none");
	else
		snprintf(text, sizeof text, "%s %lld %s", own_state_name(m.s.o.state), (long long)m.s.o.epoch, m.s.o.owner);
	assert_string_equal(text, expected);
}

/* The chain of SITE stands on its own: links, writers, signatures. */
static void chain_holds(int site)
{
	struct cw_json *records = NULL;
	struct mesh_chain fresh = p.c[site];
	char path[TMP_PATH];
	int64_t last = 0;
	struct cw_why why = { 0 };

	if (mesh_chain_after(&p.c[site], MIG_UUID, 0, 64, &records, &last) == CW_E_NOT_FOUND)
		return;
	snprintf(path, sizeof path, "%s/fresh.db", dir.path);
	assert_int_equal(cw_db_open(path, schema, 1, &fresh.db), 0);
	if (mesh_chain_put(&fresh, "x", MIG_UUID, records, false, &why) != 0)
		fail_msg("%s: %s %s", names[site], why.field, why.rule);
	cw_json_free(records);
	cw_db_close(fresh.db);
	for (int k = 0; k < 3; k++) {
		snprintf(path, sizeof path, "%s/fresh.db%s", dir.path, (const char *[]){ "", "-wal", "-shm" }[k]);
		unlink(path);
	}
}

static void same_chain(int one, int two)
{
	CW_AUTO(cw_free_cleanup) char *a = NULL;
	CW_AUTO(cw_free_cleanup) char *b = NULL;
	struct cw_json *ja = chain_json(one), *jb = chain_json(two);

	assert_int_equal(cw_json_dump(ja, false, &a), 0);
	assert_int_equal(cw_json_dump(jb, false, &b), 0);
	assert_string_equal(a, b);
	cw_json_free(ja);
	cw_json_free(jb);
}

/* What FROM's outbox would bring to TO, until it has all. */
static void tell(int from, int to)
{
	char uuid[37];
	int64_t heard, last;
	int r;

	while ((r = mesh_record_untold(p.c[from].db, names[to], uuid, &heard)) > 0) {
		struct cw_json *records = NULL;

		assert_int_equal(mesh_chain_after(&p.c[from], uuid, heard, 2, &records, &last), 0);
		assert_int_equal(put(to, from, records), 0);
		cw_json_free(records);
		assert_int_equal(mesh_record_told(p.c[from].db, uuid, names[to], last), 0);
	}
	assert_int_equal(r, 0);
}

/* A whole migration. The target's agent brings what the source's agent was given. */
static void migrate(int from, int to, const char *id)
{
	struct cw_json *b = NULL;

	outcome(from, mesh_chain_prepare, id, names[to], "prepared");
	assert_int_equal(ask_body(from, mesh_chain_release, id, "", &b), 0);
	assert_string_equal(cw_json_get_str(b, "outcome", ""), "released");
	assert_int_equal(arrived(to, cw_json_get(b, "records")), 0);
	cw_json_free(b);
}

/* ---- the ways that are there ---- */

static void a_vm_moves_to_and_fro(void **state)
{
	(void)state;
	migrate(A, B, "mig-1");
	last_is(A, "released 2 cloud");
	last_is(B, "owned 2 cloud");
	tell(B, A);
	last_is(A, "owned 2 cloud");
	tell(A, B);
	same_chain(A, B);
	migrate(B, A, "mig-2");
	tell(A, B);
	tell(B, A);
	last_is(B, "owned 3 onprem");
	same_chain(A, B);
	chain_holds(A);
}

static void a_vm_moves_on_to_a_third_site(void **state)
{
	(void)state;
	migrate(A, B, "mig-1");
	tell(B, A);
	migrate(B, C, "mig-2");
	last_is(C, "owned 3 moon");
	tell(B, A);                             /* the first site hears that it moved on, too */
	last_is(A, "released 3 moon");
	tell(C, B);
	same_chain(B, C);
	chain_holds(C);
}

static void what_is_given_up_stays_here(void **state)
{
	(void)state;
	outcome(A, mesh_chain_prepare, "mig-1", "cloud", "prepared");
	last_is(A, "prepared 1 onprem");
	outcome(A, mesh_chain_abort, "mig-1", "", "aborted");
	last_is(A, "owned 1 onprem");
	migrate(A, B, "mig-2");
	last_is(B, "owned 2 cloud");
	chain_holds(B);
}

static void every_question_may_be_repeated(void **state)
{
	static const struct {
		question q;
		const char *outcome;
	} rows[] = {
		{ mesh_chain_prepare, "prepared" }, { mesh_chain_release, "released" },
	};
	CW_AUTO(cw_free_cleanup) char *one = NULL;
	CW_AUTO(cw_free_cleanup) char *two = NULL;
	struct cw_json *b = NULL;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++)
		for (int k = 0; k < 3; k++) {
			assert_int_equal(ask_body(A, rows[i].q, "mig-1", "cloud", &b), 0);
			assert_string_equal(cw_json_get_str(b, "outcome", ""), rows[i].outcome);
			free(cw_steal(&one));
			assert_int_equal(cw_json_dump(b, false, &one), 0);
			cw_json_free(b);
		}
	for (int k = 0; k < 3; k++) {
		assert_int_equal(ask_body(A, mesh_chain_release, "mig-1", "", &b), 0);
		assert_int_equal(arrived(B, cw_json_get(b, "records")), 0);
		free(cw_steal(&two));
		assert_int_equal(cw_json_dump(b, false, &two), 0);
		assert_string_equal(one, two);
		cw_json_free(b);
	}
	/* Also when the VM has moved on: the answer is that of then. */
	assert_int_equal(ask_body(A, mesh_chain_release, "mig-1", "", &b), 0);
	tell(B, A);
	migrate(B, A, "mig-2");
	assert_int_equal(arrived(B, cw_json_get(b, "records")), 0);
	last_is(B, "released 3 onprem");
	outcome(A, mesh_chain_release, "mig-1", "", "released");
	outcome(A, mesh_chain_abort, "mig-1", "", "released");
	last_is(A, "owned 3 onprem");
	cw_json_free(b);
}

static void the_first_of_release_and_abort_wins(void **state)
{
	(void)state;
	outcome(A, mesh_chain_prepare, "mig-1", "cloud", "prepared");
	outcome(A, mesh_chain_release, "mig-1", "", "released");
	outcome(A, mesh_chain_abort, "mig-1", "", "released");
	last_is(A, "released 2 cloud");
	outcome(A, mesh_chain_prepare, "mig-1", "cloud", "released");
}

static void the_first_of_abort_and_release_wins(void **state)
{
	(void)state;
	outcome(A, mesh_chain_prepare, "mig-1", "cloud", "prepared");
	outcome(A, mesh_chain_abort, "mig-1", "", "aborted");
	outcome(A, mesh_chain_release, "mig-1", "", "aborted");
	outcome(A, mesh_chain_prepare, "mig-1", "cloud", "aborted");
	last_is(A, "owned 1 onprem");
}

static void a_prepare_that_comes_after_its_abort_finds_it(void **state)
{
	(void)state;
	outcome(A, mesh_chain_abort, "mig-1", "", "aborted");
	outcome(A, mesh_chain_abort, "mig-1", "", "aborted");
	outcome(A, mesh_chain_prepare, "mig-1", "cloud", "aborted");
	outcome(A, mesh_chain_release, "mig-1", "", "aborted");
	last_is(A, "none");
}

static void two_migrations_exclude_each_other(void **state)
{
	(void)state;
	outcome(A, mesh_chain_prepare, "mig-1", "cloud", "prepared");
	assert_int_equal(ask(A, mesh_chain_prepare, "mig-2", "cloud"), CW_E_CONFLICT);
	assert_int_equal(ask(A, mesh_chain_release, "mig-2", ""), CW_E_NOT_FOUND);
	assert_int_equal(ask(A, mesh_chain_prepare, "mig-1", "moon"), CW_E_CONFLICT);
	outcome(A, mesh_chain_abort, "mig-2", "", "aborted");          /* its own, which is nothing */
	outcome(A, mesh_chain_release, "mig-1", "", "released");
	assert_int_equal(ask(A, mesh_chain_prepare, "mig-3", "cloud"), CW_E_CONFLICT);
}

static void only_the_owner_may_prepare(void **state)
{
	struct cw_json *b = NULL;

	(void)state;
	outcome(A, mesh_chain_prepare, "mig-1", "cloud", "prepared");
	tell(A, B);
	assert_int_equal(ask(B, mesh_chain_prepare, "mig-2", "onprem"), CW_E_CONFLICT);
	assert_int_equal(ask_body(A, mesh_chain_release, "mig-1", "", &b), 0);
	tell(A, B);
	assert_int_equal(ask(B, mesh_chain_prepare, "mig-3", "onprem"), CW_E_CONFLICT);        /* its arrival is not known */
	assert_int_equal(arrived(B, cw_json_get(b, "records")), 0);
	outcome(B, mesh_chain_prepare, "mig-4", "onprem", "prepared");
	cw_json_free(b);
}

static void a_look_changes_nothing(void **state)
{
	struct mesh_chain_ask a = { MIG_UUID, "mig-1", "cloud", true };
	struct cw_json *b = NULL;
	struct own o, first, prepared;

	(void)state;
	assert_int_equal(mesh_chain_prepare(&p.c[A], &a, &b, NULL), 0);
	assert_int_equal(own_from_json(cw_json_at(cw_json_get(b, "records"), 0), MIG_UUID, &o), 0);
	assert_int_equal(own_first(MIG_UUID, "onprem", &first), 0);
	assert_int_equal(own_next(&first, OWN_PREPARED, "onprem", &prepared), 0);
	assert_true(own_equal(&o, &prepared));
	assert_null(cw_json_get(cw_json_at(cw_json_get(b, "records"), 0), "signature"));
	cw_json_free(b);
	last_is(A, "none");
	outcome(A, mesh_chain_prepare, "mig-2", "cloud", "prepared");
}

static void requests_that_make_no_sense(void **state)
{
	static const struct {
		const char *uuid, *migration, *to;
		int r;
	} rows[] = {
		{ "", "mig-1", "cloud", CW_E_INVALID }, { "659A7FB2-af47-4fae-888d-711213d91dc1", "mig-1", "cloud", CW_E_INVALID },
		{ MIG_UUID, "", "cloud", CW_E_INVALID }, { MIG_UUID, "mig 1", "cloud", CW_E_INVALID },
		{ MIG_UUID, "mig-00000000000000000000000000001", "cloud", CW_E_INVALID },
		{ MIG_UUID, "mig-1", "", CW_E_NOT_FOUND }, { MIG_UUID, "mig-1", "mars", CW_E_NOT_FOUND },
		{ MIG_UUID, "mig-1", "onprem", CW_E_INVALID },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct mesh_chain_ask a = { rows[i].uuid, rows[i].migration, rows[i].to, false };
		struct cw_json *b = NULL;

		if (mesh_chain_prepare(&p.c[A], &a, &b, NULL) != rows[i].r)
			fail_msg("row %zu", i);
	}
	last_is(A, "none");
	outcome(A, mesh_chain_prepare, "mig-1", "cloud", "prepared");
	assert_int_equal(mesh_chain_release(&p.c[A], &(struct mesh_chain_ask){ "759a7fb2-af47-4fae-888d-711213d91dc1", "mig-1", "", false },
					    &(struct cw_json *){ NULL }, NULL), CW_E_CONFLICT);
	last_is(A, "prepared 1 onprem");
}

/* ---- lies ---- */

/* OWNED(1,A) PREPARED(1,A) RELEASED(2,B), of real keys. Free it. */
static struct cw_json *true_chain(void)
{
	outcome(A, mesh_chain_prepare, "mig-1", "cloud", "prepared");
	outcome(A, mesh_chain_release, "mig-1", "", "released");
	return chain_json(A);
}

static void sign_as(const struct own *o, int signer, const char *name, struct cw_json **ret_j)
{
	struct cw_key *key = NULL;
	struct own_sig s;

	assert_int_equal(cw_key_load(p.key[signer], &key), 0);
	assert_int_equal(own_sig_make(o, name, key, &s), 0);
	cw_key_free(key);
	*ret_j = own_sig_to_json(&s);
}

/* The list with its Ith record replaced by J, which is taken over; free it. */
static struct cw_json *with(const struct cw_json *list, size_t i, struct cw_json *j)
{
	struct cw_json *out = cw_json_array();

	for (size_t k = 0; k < cw_json_len(list); k++)
		cw_json_add(out, k == i ? j : cw_json_ref(cw_json_at(list, k)));
	return out;
}

static struct cw_json *copy(const struct cw_json *j)
{
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	struct cw_json *out = NULL;

	assert_int_equal(cw_json_dump(j, false, &text), 0);
	assert_int_equal(cw_json_parse(text, strlen(text), &out), 0);
	return out;
}

/* Neither way takes LIST (which is freed), and B does not know the VM afterwards. */
static void nobody_takes(struct cw_json *list, int r, const char *what)
{
	int got = put(B, A, list);

	if (got != r)
		fail_msg("%s: put gives %d", what, got);
	if (arrived(B, list) >= 0)
		fail_msg("%s: arrived", what);
	last_is(B, "none");
	cw_json_free(list);
}

static void changed_members_are_found(void **state)
{
	static const struct {
		const char *key, *value;
		int r;
	} rows[] = {
		{ "owner", "moon", CW_E_AUTH }, { "state", "owned", CW_E_STATE }, { "hash", NULL, CW_E_AUTH },
		{ "prev_hash", NULL, CW_E_STATE }, { "signer", "cloud", CW_E_FORBIDDEN }, { "signer", "mars", CW_E_FORBIDDEN },
		{ "signature", "00", CW_E_AUTH }, { "signature", "", CW_E_MALFORMED }, { "signer", "", CW_E_MALFORMED },
		{ "state", "stolen", CW_E_MALFORMED }, { "owner", "", CW_E_MALFORMED }, { "hash", "", CW_E_MALFORMED },
	};
	struct cw_json *list = true_chain();

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct cw_json *j = copy(cw_json_at(list, 2));

		cw_json_set_str(j, rows[i].key, rows[i].value ? rows[i].value :
				"00000000000000000000000000000000000000000000000000000000000000ff");
		nobody_takes(with(list, 2, j), rows[i].r, rows[i].key);
	}
	for (int64_t epoch = -1; epoch < 5; epoch++) {
		struct cw_json *j = copy(cw_json_at(list, 2));

		cw_json_set_int(j, "epoch", epoch);
		if (epoch != 2)
			nobody_takes(with(list, 2, j), epoch < 1 ? CW_E_MALFORMED : CW_E_AUTH, "epoch");
		else
			cw_json_free(j);
	}
	assert_int_equal(put(B, A, list), 0);           /* and the true one is taken */
	cw_json_free(list);
}

static void records_signed_by_others_are_refused(void **state)
{
	struct cw_json *list = true_chain(), *j;
	struct own_sig s;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		for (int k = 0; k < SITES; k++) {
			assert_int_equal(own_sig_from_json(cw_json_at(list, i), MIG_UUID, &s), 0);
			if (k == A)
				continue;
			sign_as(&s.o, k, names[A], &j);         /* another's key, the right name */
			nobody_takes(with(list, i, j), CW_E_AUTH, "key");
			sign_as(&s.o, k, names[k], &j);         /* another's key and name */
			nobody_takes(with(list, i, j), CW_E_FORBIDDEN, "signer");
		}
	cw_json_free(list);
}

static void reordered_cut_and_doubled_lists_are_refused(void **state)
{
	static const struct {
		int n, at[4], r;
	} rows[] = {
		{ 2, { 0, 2 }, CW_E_STATE }, { 1, { 1 }, CW_E_STATE }, { 1, { 2 }, CW_E_STATE }, { 2, { 1, 2 }, CW_E_STATE },
		{ 3, { 1, 0, 2 }, CW_E_STATE }, { 3, { 0, 2, 1 }, CW_E_STATE }, { 3, { 2, 1, 0 }, CW_E_STATE },
		{ 0, { 0 }, CW_E_INVALID },
	};
	struct cw_json *list = true_chain();

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct cw_json *l = cw_json_array();

		for (int k = 0; k < rows[i].n; k++)
			cw_json_add(l, cw_json_ref(cw_json_at(list, (size_t)rows[i].at[k])));
		nobody_takes(l, rows[i].r, "order");
	}
	cw_json_free(list);
}

/* What is known may be brought again, in any size of piece, and changes nothing. */
static void known_records_change_nothing(void **state)
{
	struct cw_json *list = true_chain(), *one;

	(void)state;
	assert_int_equal(put(B, A, list), 0);
	for (size_t i = 0; i < 3; i++) {
		one = cw_json_array();
		cw_json_add(one, cw_json_ref(cw_json_at(list, i)));
		assert_int_equal(put(B, A, one), 0);
		cw_json_free(one);
		last_is(B, "released 2 cloud");
	}
	assert_int_equal(arrived(B, list), 0);
	assert_int_equal(put(B, A, list), 0);           /* a replay after the arrival takes nothing back */
	last_is(B, "owned 2 cloud");
	cw_json_free(list);
}

/* A signs two records for the same place: whichever came first stays. */
static void a_site_cannot_say_two_things(void **state)
{
	struct cw_json *list = true_chain(), *fork, *j, *j2;
	struct own_sig prepared;
	struct own back, again, other;

	(void)state;
	assert_int_equal(own_sig_from_json(cw_json_at(list, 1), MIG_UUID, &prepared), 0);
	assert_int_equal(own_next(&prepared.o, OWN_OWNED, "onprem", &back), 0);
	assert_int_equal(own_next(&back, OWN_PREPARED, "onprem", &again), 0);
	assert_int_equal(own_next(&prepared.o, OWN_RELEASED, "moon", &other), 0);
	assert_int_equal(put(B, A, list), 0);
	fork = cw_json_array();
	sign_as(&back, A, "onprem", &j);
	sign_as(&again, A, "onprem", &j2);
	cw_json_add(fork, j);
	cw_json_add(fork, j2);
	assert_int_equal(put(B, A, fork), CW_E_CONFLICT);
	cw_json_free(fork);
	fork = cw_json_array();
	sign_as(&other, A, "onprem", &j);
	cw_json_add(fork, j);
	assert_int_equal(put(B, A, fork), CW_E_CONFLICT);
	last_is(B, "released 2 cloud");
	cw_json_free(fork);
	cw_json_free(list);
}

/* After the release the old owner writes nothing any more, whatever it signs. */
static void the_old_owner_is_silent(void **state)
{
	struct cw_json *list = true_chain(), *j, *l;
	struct own_sig released;
	struct own owned, prepared, back;
	int r;

	(void)state;
	assert_int_equal(arrived(B, list), 0);
	assert_int_equal(own_sig_from_json(cw_json_at(list, 2), MIG_UUID, &released), 0);
	assert_int_equal(own_next(&released.o, OWN_OWNED, "cloud", &owned), 0);
	assert_int_equal(own_next(&owned, OWN_PREPARED, "cloud", &prepared), 0);
	assert_int_equal(own_next(&prepared, OWN_RELEASED, "onprem", &back), 0);
	l = cw_json_array();
	sign_as(&prepared, A, "onprem", &j);
	cw_json_add(l, j);
	sign_as(&back, A, "onprem", &j);
	cw_json_add(l, j);
	r = put(B, A, l);
	assert_int_equal(r, CW_E_FORBIDDEN);
	last_is(B, "owned 2 cloud");
	cw_json_free(l);
	cw_json_free(list);
}

static void a_release_to_another_site_is_no_arrival(void **state)
{
	struct cw_json *list;

	(void)state;
	outcome(A, mesh_chain_prepare, "mig-1", "moon", "prepared");
	list = chain_json(A);
	assert_int_equal(arrived(B, list), CW_E_CONFLICT);      /* prepared is no release */
	cw_json_free(list);
	outcome(A, mesh_chain_release, "mig-1", "", "released");
	list = chain_json(A);
	assert_int_equal(arrived(B, list), CW_E_CONFLICT);
	last_is(B, "none");
	assert_int_equal(arrived(C, list), 0);
	cw_json_free(list);
}

static void a_site_without_a_pairing_is_not_believed(void **state)
{
	struct cw_json *list;

	(void)state;
	outcome(C, mesh_chain_prepare, "mig-1", "cloud", "prepared");
	list = chain_json(C);
	p.unpaired = true;
	assert_int_equal(put(B, C, list), CW_E_AUTH);
	assert_int_equal(ask(A, mesh_chain_prepare, "mig-2", "moon"), CW_E_NOT_FOUND);
	last_is(B, "none");
	cw_json_free(list);
}

static void a_vm_that_runs_here_cannot_be_claimed(void **state)
{
	struct cw_json *list;

	(void)state;
	outcome(A, mesh_chain_prepare, "mig-1", "cloud", "prepared");
	list = chain_json(A);
	assert_int_equal(mesh_chain_put(&p.c[B], "onprem", MIG_UUID, list, true, NULL), CW_E_CONFLICT);
	last_is(B, "none");
	cw_json_free(list);
	outcome(A, mesh_chain_release, "mig-1", "", "released");
	list = chain_json(A);
	assert_int_equal(mesh_chain_put(&p.c[B], "onprem", MIG_UUID, list, true, NULL), 0);    /* it has just arrived */
	cw_json_free(list);
}

static void another_vm_s_records_are_refused(void **state)
{
	struct cw_json *list = true_chain();
	struct cw_why why = { 0 };

	(void)state;
	assert_int_equal(mesh_chain_put(&p.c[B], "onprem", "759a7fb2-af47-4fae-888d-711213d91dc1", list, false, &why), CW_E_AUTH);
	assert_int_equal(mesh_chain_put(&p.c[B], "onprem", "x", list, false, &why), CW_E_INVALID);
	cw_json_free(list);
}

static void too_many_records_at_once_are_refused(void **state)
{
	struct cw_json *list = true_chain(), *many = cw_json_array();

	(void)state;
	for (int i = 0; i < MESH_CHAIN_RECORDS_MAX + 1; i++)
		cw_json_add(many, cw_json_ref(cw_json_at(list, 0)));
	nobody_takes(many, CW_E_INVALID, "many");
	cw_json_free(list);
}

/* Many that were given up: the target gets what it may not know, and not all of it. */
static void a_long_history_arrives(void **state)
{
	struct cw_json *b = NULL;
	char id[16];

	(void)state;
	for (int i = 0; i < 40; i++) {
		snprintf(id, sizeof id, "try-%d", i);
		outcome(A, mesh_chain_prepare, id, "cloud", "prepared");
		outcome(A, mesh_chain_abort, id, "", "aborted");
	}
	outcome(A, mesh_chain_prepare, "mig-1", "cloud", "prepared");
	assert_int_equal(ask_body(A, mesh_chain_release, "mig-1", "", &b), 0);
	assert_int_equal(cw_json_len(cw_json_get(b, "records")), MESH_CHAIN_RECORDS_MAX);
	assert_int_equal(arrived(B, cw_json_get(b, "records")), CW_E_STATE);   /* the managers have not talked yet */
	tell(A, B);
	assert_int_equal(arrived(B, cw_json_get(b, "records")), 0);
	cw_json_free(b);
	tell(B, A);
	same_chain(A, B);
}

/* ---- death between any two writes ---- */

/* One step of a story; each may be done again from its beginning. */
static void story(int step)
{
	struct cw_json *b = NULL;

	switch (step) {
	case 0: outcome(A, mesh_chain_prepare, "mig-1", "cloud", "prepared"); break;
	case 1: outcome(A, mesh_chain_abort, "mig-1", "", "aborted"); break;
	case 2: outcome(A, mesh_chain_prepare, "mig-2", "cloud", "prepared"); break;
	case 3: outcome(A, mesh_chain_release, "mig-2", "", "released"); break;
	case 4:
		assert_int_equal(ask_body(A, mesh_chain_release, "mig-2", "", &b), 0);
		assert_int_equal(arrived(B, cw_json_get(b, "records")), 0);
		cw_json_free(b);
		break;
	case 5: tell(A, B); break;
	default: tell(B, A); break;
	}
}

enum { STORY = 7 };

/* In a child: the first N steps, with POINT impaired, then death. */
static void die_after(int n, const char *impair)
{
	pid_t pid;
	int status;

	for (int i = 0; i < SITES; i++)
		cw_db_close(p.c[i].db);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (impair)
			setenv("CAUSEWAY_IMPAIR", impair, 1);
		for (int i = 0; i < SITES; i++)
			open_db(i);
		for (int i = 0; i < n; i++)
			story(i);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	for (int i = 0; i < SITES; i++)
		open_db(i);
}

/* The migration that was given up is not asked for again by an agent that knows it: its steps say what is so. */
static void finish_story(int from)
{
	for (int i = from; i < STORY; i++)
		story(i);
	last_is(A, "owned 2 cloud");
	same_chain(A, B);
	chain_holds(A);
}

static void death_between_steps(void **state)
{
	(void)state;
	for (int n = 0; n <= STORY; n++) {
		die_after(n, NULL);
		chain_holds(A);
		chain_holds(B);
		finish_story(n > 0 ? n - 1 : 0);        /* the last one is asked again: its answer may not have come */
		tear_down(NULL);
		set_up(NULL);
	}
}

#ifdef CW_DEBUG
static void death_at_every_point(void **state)
{
	static const struct {
		const char *what;
		int step;
	} rows[] = {
		{ "prepare", 0 }, { "abort", 1 }, { "release", 3 }, { "arrived", 4 }, { "put", 6 },
	};
	static const char *const where[] = { "before", "middle", "after" };
	char impair[64];

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++)
		for (size_t k = 0; k < CW_COUNT(where); k++) {
			snprintf(impair, sizeof impair, "owner.%s.%s=kill", rows[i].what, where[k]);
			die_after(STORY, impair);
			chain_holds(A);
			chain_holds(B);
			finish_story(rows[i].step);
			tear_down(NULL);
			set_up(NULL);
		}
}
#endif

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_vm_moves_to_and_fro),
		TEST(a_vm_moves_on_to_a_third_site),
		TEST(what_is_given_up_stays_here),
		TEST(every_question_may_be_repeated),
		TEST(the_first_of_release_and_abort_wins),
		TEST(the_first_of_abort_and_release_wins),
		TEST(a_prepare_that_comes_after_its_abort_finds_it),
		TEST(two_migrations_exclude_each_other),
		TEST(only_the_owner_may_prepare),
		TEST(a_look_changes_nothing),
		TEST(requests_that_make_no_sense),
		TEST(changed_members_are_found),
		TEST(records_signed_by_others_are_refused),
		TEST(reordered_cut_and_doubled_lists_are_refused),
		TEST(known_records_change_nothing),
		TEST(a_site_cannot_say_two_things),
		TEST(the_old_owner_is_silent),
		TEST(a_release_to_another_site_is_no_arrival),
		TEST(a_site_without_a_pairing_is_not_believed),
		TEST(a_vm_that_runs_here_cannot_be_claimed),
		TEST(another_vm_s_records_are_refused),
		TEST(too_many_records_at_once_are_refused),
		TEST(a_long_history_arrives),
		TEST(death_between_steps),
#ifdef CW_DEBUG
		TEST(death_at_every_point),
#endif
	};

	return cmocka_run_group_tests(tests, group_up, group_down);
}
