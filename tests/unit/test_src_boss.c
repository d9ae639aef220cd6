/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_src_boss.c - the source's steps where the site's manager decides: it is away, its answers are lost, it was asked by another,
 * the agent died while it was asked.
 */
#include "tests/lib/src_sim.h"

static char sim_node;

static int boss_up(void **state)
{
	set_up(state);
	s.a.node = (struct node *)&sim_node;
	s.a.conf.downtime_ms = 400;
	return warrant_start(&s.a);
}

/* A turn of everything; libvirt resumes the source by itself when its call fails. */
static void turn(void)
{
	assert_int_equal(cw_loop_turn(s.a.loop, 10), 0);
	deliver();
	boss_turn();
	if (s.child_failed && s.child_lives) {
		if (strcmp(boss.outcome, "released") == 0)
			s.broken = "libvirt was told to resume the source although the manager has released the VM";
		s.state = (struct virt_state){ .power = VIRT_RUNNING, .persistent = true };
		s.child_lives = false;
		s.ev->on_done(s.ev_ctx, false, "given up");
	}
	if (s.child_released && s.child_lives) {
		s.child_lives = false;
		s.ev->on_done(s.ev_ctx, true, "");
	}
	if (s.broken)
		fail_msg("%s", s.broken);
}

static void create_named(const char *id, int r)
{
	struct cw_json *args = args_of("cloud");
	struct asker k;

	cw_json_set_str(args, "id", id);
	cw_json_set_bool(args, "detach", true);
	ask(&k, "create", "web1", args);
	answered(&k);
	if (k.r != r)
		fail_msg("%d: %s: %s", k.r, k.why.field, k.why.rule);
}

/* Up to the point where both guests stand still and complete; the release has not been asked for. */
static void held(void)
{
	create_named("mig-1", 0);
	while (!s.child_lives)
		turn();
	s.state = (struct virt_state){ .power = VIRT_PAUSED, .migrated_away = true, .persistent = true };
	s.ev->on_stopped(s.ev_ctx, cw_clock_now_us());
	s.ev->on_held(s.ev_ctx);
}

static bool is_asking(void)
{
	return warrant_is_asked(job());
}

static void to_the_end(void)
{
	uint64_t end = cw_clock_now_ms() + 20000;

	while (s.a.srcs) {
		turn();
		assert_true(cw_clock_now_ms() < end);
	}
}

/* What is owed is told. */
static void settle(void)
{
	uint64_t end = cw_clock_now_ms() + 5000;

	while (job()->decision == JOB_ABORTED && !cw_json_get_bool(cw_json_get(job()->plan, "warrant"), "told", false)) {
		turn();
		assert_true(cw_clock_now_ms() < end);
	}
}

static void moved(void)
{
	to_the_end();
	assert_int_equal(job()->state, JOB_SUCCEEDED);
	assert_int_equal(job()->decision, JOB_RELEASED);
	assert_string_equal(boss.outcome, "released");
	assert_int_equal(s.state.power, VIRT_NONE);
	last_record(OWN_OWNED, 2, "cloud");
}

static void stayed(void)
{
	to_the_end();
	assert_int_equal(job()->state, JOB_ROLLED_BACK);
	assert_int_equal(job()->decision, JOB_ABORTED);
	assert_int_equal(s.state.power, VIRT_RUNNING);
	assert_null(strstr(s.asked, "commit"));
	settle();
	assert_string_equal(boss.outcome, "aborted");
}

/* ---- with a manager that is there ---- */

static void it_goes_well(void **state)
{
	(void)state;
	held();
	moved();
	assert_string_equal(s.asked, "validate prepare prove commit");
	assert_int_equal(boss.asked[0], 1);
	assert_int_equal(boss.asked[1], 1);
	assert_int_equal(boss.asked[2], 0);
}

static void what_fails_before_is_told(void **state)
{
	(void)state;
	create_named("mig-1", 0);
	while (!s.child_lives)
		turn();
	s.ev->on_lost(s.ev_ctx, "lost");
	stayed();
	assert_int_equal(boss.asked[1], 0);
	last_record(OWN_OWNED, 1, "onprem");
}

static void the_operator_was_first(void **state)
{
	(void)state;
	held();
	while (!strstr(s.asked, "prove"))
		turn();
	boss.outcome = "aborted";
	stayed();
	last_record(OWN_OWNED, 1, "onprem");
}

/* ---- with one that is not ---- */

static void away_at_the_beginning(void **state)
{
	(void)state;
	boss.away = true;
	create_named("mig-1", CW_E_UNREACHABLE);
	assert_null(job());
	assert_string_equal(s.asked, "");
}

/* It is asked again and again while PREPARED has no answer; then its patience ends. */
static void ask_in_vain(void)
{
	create_named("mig-1", 0);
	for (int i = 0; i < 20; i++)
		turn();
	assert_string_equal(job()->phase, "prepare");
	cw_clock_set_us(cw_clock_now_us() + 20 * 1000 * 1000);
	to_the_end();
	cw_clock_real();
}

static void away_when_it_begins(void **state)
{
	(void)state;
	boss.lose = 1000;
	ask_in_vain();
	assert_true(boss.asked[0] > 1);
	assert_string_equal(s.asked, "validate abort");         /* the target gets no offer */
	assert_non_null(strstr(job()->reason, "manager cannot be asked"));
	boss.lose = 0;
	stayed();                                               /* PREPARED does not stay behind */
}

static void cancelled_while_it_waits_to_begin(void **state)
{
	(void)state;
	create_named("mig-1", 0);
	boss.away = true;
	for (int i = 0; i < 20; i++)
		turn();
	assert_string_equal(job()->phase, "prepare");
	assert_int_equal(src_cancel(&s.a, job(), NULL), 0);
	to_the_end();
	assert_string_equal(s.asked, "validate abort");
	boss.away = false;
	stayed();
}

static void away_for_a_moment_when_it_begins(void **state)
{
	(void)state;
	create_named("mig-1", 0);
	boss.away = true;
	for (int i = 0; i < 20; i++)
		turn();
	boss.away = false;
	held();
	moved();
	assert_string_equal(s.asked, "validate prepare prove commit");
}

static void the_answer_to_prepare_is_lost(void **state)
{
	(void)state;
	create_named("mig-1", 0);
	boss.lose = 2;
	held();
	moved();
	assert_int_equal(boss.asked[0], 3);
}

static void away_for_a_moment(void **state)
{
	(void)state;
	held();
	boss.away = true;
	while (!is_asking())
		turn();
	for (int i = 0; i < 5; i++)
		turn();
	boss.away = false;
	moved();
}

/* The guests wait longer than they should, but nobody decides alone. */
static void away_for_longer_than_the_guest_can_wait(void **state)
{
	uint64_t end = cw_clock_now_ms() + 1500;

	(void)state;
	held();
	while (!strstr(s.asked, "prove"))
		turn();
	boss.away = true;
	while (cw_clock_now_ms() < end) {
		turn();
		assert_int_equal(job()->decision, JOB_UNDECIDED);
		assert_int_equal(s.state.power, VIRT_PAUSED);
	}
	assert_string_equal(job()->phase, "abort");
	boss.away = false;
	stayed();
	assert_int_equal(boss.asked[1], 0);
}

static void the_answer_to_release_is_lost(void **state)
{
	(void)state;
	held();
	boss.lose = 3;
	moved();
}

/* Released, nobody here knows it, and the guest has waited too long: asked to abort, the manager says what is so. */
static void a_lost_release_is_found_by_the_abort(void **state)
{
	(void)state;
	held();
	while (!is_asking())
		turn();
	while (strcmp(boss.outcome, "released") != 0) {
		boss.lose = 1;
		turn();
	}
	boss.away = true;
	while (strcmp(job()->phase, "abort") != 0)
		turn();
	boss.away = false;
	moved();
}

static void cancelled_while_it_is_asked(void **state)
{
	(void)state;
	held();
	boss.away = true;
	while (!is_asking())
		turn();
	assert_int_equal(src_cancel(&s.a, job(), NULL), 0);
	while (strcmp(job()->phase, "abort") != 0)
		turn();
	assert_int_equal(job()->decision, JOB_UNDECIDED);
	boss.away = false;
	stayed();
}

static void a_release_of_something_else_is_none(void **state)
{
	(void)state;
	held();
	boss.lies = "release";
	while (strcmp(job()->phase, "abort") != 0) {
		assert_int_equal(job()->decision, JOB_UNDECIDED);
		turn();
	}
	moved();                                                /* it did release: that is what counts */
	assert_int_equal(boss.asked[2], 1);
}

/* ---- after a restart ---- */

static void journal_asked(const char *phase, enum job_decision d, bool prepared, bool asking)
{
	struct job t = { .id = "mig-1", .role = JOB_SOURCE, .vm = "web1", .uuid = MIG_UUID, .from = "onprem", .to = "cloud" }, *j;
	struct own rec = boss_record("prepared");
	struct cw_json *records = boss_records("released");

	t.plan = cw_json_object();
	cw_json_set_str(t.plan, "name", "web1");
	cw_json_set_int(t.plan, "epoch", 1);
	cw_json_set_str(t.plan, "definition", "<domain/>");
	cw_json_set(t.plan, "disks", cw_json_array());
	warrant_begin(&t);
	assert_int_equal(job_new(s.a.jobs, &t, NULL, &j), 0);
	if (prepared)
		assert_int_equal(job_record(j, &rec), 0);
	if (asking)
		assert_int_equal(warrant_mark_asked(j), 0);
	rec = boss_record(d == JOB_RELEASED ? "released" : "aborted");
	if (d == JOB_RELEASED)
		warrant_keep(j, records);
	if (d != JOB_UNDECIDED)
		assert_int_equal(job_decide(j, d, prepared ? &rec : NULL, prepared), 0);
	assert_int_equal(job_phase(j, phase), 0);
	cw_json_free(records);
	jobs_close(s.a.jobs);
	assert_int_equal(jobs_open(tmp_dir_file(&s.dir, "db"), &s.a.jobs), 0);
}

static void every_state_of_both_journals(void **state)
{
	static const struct {
		const char *phase;
		enum job_decision d;
		bool prepared, asking;
		const char *boss;
	} rows_[] = {
		{ "", JOB_UNDECIDED, false, false, "" }, { "prepare", JOB_UNDECIDED, false, false, "" },
		{ "prepare", JOB_UNDECIDED, false, false, "prepared" }, { "prepare", JOB_UNDECIDED, true, false, "prepared" },
		{ "copy", JOB_UNDECIDED, true, false, "prepared" }, { "copy", JOB_UNDECIDED, true, false, "aborted" },
		{ "prove", JOB_UNDECIDED, true, false, "prepared" }, { "release", JOB_UNDECIDED, true, false, "prepared" },
		{ "release", JOB_UNDECIDED, true, true, "prepared" }, { "release", JOB_UNDECIDED, true, true, "released" },
		{ "release", JOB_UNDECIDED, true, true, "aborted" }, { "abort", JOB_UNDECIDED, true, true, "prepared" },
		{ "abort", JOB_UNDECIDED, true, true, "released" }, { "abort", JOB_UNDECIDED, true, true, "aborted" },
		{ "abort", JOB_ABORTED, true, false, "prepared" }, { "abort", JOB_ABORTED, false, false, "prepared" },
		{ "abort", JOB_ABORTED, false, false, "" }, { "resume", JOB_ABORTED, true, true, "aborted" },
		{ "clean", JOB_ABORTED, true, true, "aborted" }, { "release", JOB_RELEASED, true, true, "released" },
		{ "fence", JOB_RELEASED, true, true, "released" }, { "commit", JOB_RELEASED, true, true, "released" },
		{ "park", JOB_RELEASED, true, true, "released" }, { "finish", JOB_RELEASED, true, true, "released" },
	};
	void *unused = NULL;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows_); i++)
		for (int away = 0; away < (rows_[i].asking ? 2 : 1); away++) {
			boss_up(&unused);
			s.state = (struct virt_state){ .power = VIRT_PAUSED, .migrated_away = true, .persistent = true };
			boss.outcome = rows_[i].boss;
			boss.away = away;
			journal_asked(rows_[i].phase, rows_[i].d, rows_[i].prepared, rows_[i].asking);
			assert_int_equal(src_recover(&s.a), 0);
			for (int k = 0; k < 30 && away; k++)
				turn();
			boss.away = false;
			if (strcmp(rows_[i].boss, "released") == 0)
				moved();
			else
				stayed();
			tear_down(&unused);
		}
}

/* ---- asked by a name ---- */

static void the_same_name_is_the_same_migration(void **state)
{
	struct cw_json *args = args_of("moon");
	struct asker k;

	(void)state;
	create_named("mig-1", 0);
	create_named("mig-1", 0);
	assert_null(job()->next);
	cw_json_set_str(args, "id", "mig-1");
	ask(&k, "create", "web1", args);
	answered(&k);
	assert_int_equal(k.r, CW_E_CONFLICT);
	held();                                                 /* asks once more while it runs */
	moved();
	create_named("mig-1", 0);                               /* and when it is over */
	assert_null(job()->next);
	to_the_end();
}

static void asked_twice_at_once_it_is_one(void **state)
{
	struct asker one, two;
	struct cw_json *args[2] = { args_of("cloud"), args_of("cloud") };

	(void)state;
	for (int i = 0; i < 2; i++)
		cw_json_set_str(args[i], "id", "mig-1");
	ask(&one, "create", "web1", args[0]);
	ask(&two, "create", "web1", args[1]);
	while (one.n == 0) {
		assert_int_equal(cw_loop_turn(s.a.loop, 10), 0);
	}
	assert_int_equal(one.r, CW_E_CANCELLED);
	cw_rpc_client_free(one.client);
	answered(&two);
	assert_int_equal(two.r, 0);
	assert_non_null(job());
	assert_null(job()->next);
}

static void odd_names_are_refused(void **state)
{
	static const char *const odd[] = { "", "-a", "../x", "A", "a b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(odd); i++)
		create_named(odd[i], CW_E_INVALID);
	assert_null(job());
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, boss_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_goes_well),
		TEST(what_fails_before_is_told),
		TEST(the_operator_was_first),
		TEST(away_at_the_beginning),
		TEST(away_when_it_begins),
		TEST(cancelled_while_it_waits_to_begin),
		TEST(away_for_a_moment_when_it_begins),
		TEST(the_answer_to_prepare_is_lost),
		TEST(away_for_a_moment),
		TEST(away_for_longer_than_the_guest_can_wait),
		TEST(the_answer_to_release_is_lost),
		TEST(a_lost_release_is_found_by_the_abort),
		TEST(cancelled_while_it_is_asked),
		TEST(a_release_of_something_else_is_none),
		cmocka_unit_test(every_state_of_both_journals),
		TEST(the_same_name_is_the_same_migration),
		TEST(asked_twice_at_once_it_is_one),
		TEST(odd_names_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
