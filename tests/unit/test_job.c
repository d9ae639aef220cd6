/* SPDX-License-Identifier: Apache-2.0 */
/* test_job.c - jobs outlive the process, and there is one decision. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "interconnect/base/log.h"
#include "migrate/job.h"
#include "tests/lib/mig_data.h"
#include "tests/lib/tmp_dir.h"

struct place {
	struct tmp_dir dir;
	struct jobs *jobs;
};

static void quiet(enum cw_log_level level, const char *line)
{
	(void)level;
	(void)line;
}

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof *p);

	cw_log_set_sink(quiet);
	p->dir = tmp_dir_make();
	assert_int_equal(jobs_open(tmp_dir_file(&p->dir, "db"), &p->jobs), 0);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	jobs_close(p->jobs);
	tmp_dir_remove(&p->dir);
	free(p);
	cw_log_set_sink(NULL);
	return 0;
}

static void reopen(struct place *p)
{
	jobs_close(p->jobs);
	assert_int_equal(jobs_open(tmp_dir_file(&p->dir, "db"), &p->jobs), 0);
}

static struct job *new_job(struct place *p, const char *id, enum job_role role, const struct own *prepared)
{
	struct job t = { .role = role, .vm = "web1", .uuid = MIG_UUID, .from = "a", .to = "b" }, *j = NULL;

	snprintf(t.id, sizeof t.id, "%s", id);
	t.plan = cw_json_object();
	cw_json_set_str(t.plan, "name", "web1");
	assert_int_equal(job_new(p->jobs, &t, prepared, &j), 0);
	return j;
}

static void a_job_is_there_after_a_restart(void **state)
{
	struct place *p = *state;
	struct own first, prepared, last;
	struct job *j;

	assert_int_equal(own_first(MIG_UUID, "a", &first), 0);
	assert_int_equal(own_next(&first, OWN_PREPARED, "a", &prepared), 0);
	j = new_job(p, "mig-1", JOB_SOURCE, &prepared);
	assert_ptr_equal(jobs_find_active(p->jobs, MIG_UUID), j);
	job_step_begin(j, "prepare");
	job_step_end(j, "done");
	job_step_end(j, "failed");              /* it has ended: nothing happens */
	assert_int_equal(job_phase(j, "copy"), 0);
	reopen(p);
	j = jobs_find(p->jobs, "mig-1");
	assert_non_null(j);
	assert_int_equal(j->role, JOB_SOURCE);
	assert_int_equal(j->state, JOB_RUNNING);
	assert_int_equal(j->decision, JOB_UNDECIDED);
	assert_string_equal(j->phase, "copy");
	assert_string_equal(j->from, "a");
	assert_string_equal(cw_json_get_str(j->plan, "name", ""), "web1");
	assert_string_equal(cw_json_get_str(cw_json_at(cw_json_get(j->report, "steps"), 0), "state", ""), "done");
	assert_int_equal(own_load(jobs_db(p->jobs), MIG_UUID, &last), 0);
	assert_string_equal(last.hash, prepared.hash);
}

static void an_id_is_used_once(void **state)
{
	struct place *p = *state;
	struct job t = { .id = "mig-1", .vm = "web2", .uuid = MIG_UUID, .from = "a", .to = "b" }, *j = NULL;

	new_job(p, "mig-1", JOB_SOURCE, NULL);
	assert_true(job_new(p->jobs, &t, NULL, &j) < 0);
	assert_null(j);
	assert_string_equal(jobs_find(p->jobs, "mig-1")->vm, "web1");
}

/* Abort and release race: in both orders the first is the one that counts, also after a restart and on a stale copy. */
static void the_first_decision_wins(void **state)
{
	static const enum job_decision orders[][2] = { { JOB_ABORTED, JOB_RELEASED }, { JOB_RELEASED, JOB_ABORTED } };
	struct place *p = *state;
	struct own first, prepared, released, last;

	assert_int_equal(own_first(MIG_UUID, "a", &first), 0);
	assert_int_equal(own_next(&first, OWN_PREPARED, "a", &prepared), 0);
	assert_int_equal(own_next(&prepared, OWN_RELEASED, "b", &released), 0);
	for (size_t i = 0; i < CW_COUNT(orders); i++) {
		struct job *j = new_job(p, i ? "mig-2" : "mig-1", JOB_SOURCE, &prepared);

		assert_int_equal(job_decide(j, orders[i][0], orders[i][0] == JOB_RELEASED ? &released : NULL,
					    orders[i][0] == JOB_RELEASED), 0);
		assert_int_equal(job_decide(j, orders[i][0], NULL, 0), 0);      /* the same again is fine */
		assert_int_equal(job_decide(j, orders[i][1], &released, 1), CW_E_STATE);
		assert_int_equal(j->decision, orders[i][0]);
		j->decision = JOB_UNDECIDED;    /* a copy that does not know: the disk does */
		assert_int_equal(job_decide(j, orders[i][1], &released, 1), CW_E_STATE);
		assert_int_equal(j->decision, orders[i][0]);
		assert_int_equal(own_load(jobs_db(p->jobs), MIG_UUID, &last), 0);
		assert_int_equal(last.state, orders[i][0] == JOB_RELEASED ? OWN_RELEASED : OWN_PREPARED);
		reopen(p);
		assert_int_equal(jobs_find(p->jobs, i ? "mig-2" : "mig-1")->decision, orders[i][0]);
	}
}

static void an_ended_job_is_over(void **state)
{
	static const enum job_state ends[] = { JOB_SUCCEEDED, JOB_ROLLED_BACK };
	struct place *p = *state;
	struct own first, last;
	char id[16];

	assert_int_equal(own_first(MIG_UUID, "a", &first), 0);
	for (size_t i = 0; i < CW_COUNT(ends); i++) {
		struct job *j;

		snprintf(id, sizeof id, "mig-%zu", i);
		j = new_job(p, id, JOB_TARGET, NULL);
		assert_false(job_is_over(j));
		assert_int_equal(job_end(j, ends[i], "because", &first), 0);
		assert_true(job_is_over(j));
		assert_null(jobs_find_active(p->jobs, MIG_UUID));
		reopen(p);
		j = jobs_find(p->jobs, id);
		assert_int_equal(j->state, ends[i]);
		assert_string_equal(j->reason, "because");
		assert_int_not_equal(strlen(j->ended_at), 0);
		assert_int_equal(own_load(jobs_db(p->jobs), MIG_UUID, &last), 0);
	}
}

static void a_job_that_waits_is_not_over(void **state)
{
	struct place *p = *state;
	struct job *j = new_job(p, "mig-1", JOB_SOURCE, NULL);

	j->state = JOB_WAITING_OPERATOR;
	assert_int_equal(job_save(j), 0);
	reopen(p);
	assert_non_null(jobs_find_active(p->jobs, MIG_UUID));
}

static void the_body_shows_what_people_need_and_no_plan(void **state)
{
	struct place *p = *state;
	struct job *j = new_job(p, "mig-1", JOB_SOURCE, NULL);
	struct cw_json *b;

	cw_json_set_int(j->report, "downtime_ms", 42);
	b = job_body(j);
	assert_string_equal(cw_json_get_str(b, "id", ""), "mig-1");
	assert_string_equal(cw_json_get_str(b, "state", ""), "running");
	assert_string_equal(cw_json_get_str(b, "kind", ""), "live");
	assert_int_equal(cw_json_get_int(b, "downtime_ms", 0), 42);
	assert_null(cw_json_get(b, "plan"));
	assert_null(cw_json_get(b, "name"));
	cw_json_free(b);
}

static void a_file_that_is_no_database_is_refused(void **state)
{
	struct place *p = *state;
	struct jobs *s = NULL;
	FILE *f = fopen(tmp_dir_file(&p->dir, "text"), "w");

	fputs("this is not a database, and it is longer than a header of one would be: ............................", f);
	fclose(f);
	assert_true(jobs_open(tmp_dir_file(&p->dir, "text"), &s) < 0);
	assert_null(s);
	assert_true(jobs_open(tmp_dir_file(&p->dir, "no/such/folder"), &s) < 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_job_is_there_after_a_restart),
		TEST(an_id_is_used_once),
		TEST(the_first_decision_wins),
		TEST(an_ended_job_is_over),
		TEST(a_job_that_waits_is_not_over),
		TEST(the_body_shows_what_people_need_and_no_plan),
		TEST(a_file_that_is_no_database_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
