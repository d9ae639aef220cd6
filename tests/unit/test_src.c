/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_src.c - the source's steps against a libvirt, a child process and a target that do what the test says:
 * every end of a migration, every state of the journal after a restart.
 */
#include "tests/lib/src_sim.h"

/* ---- after a restart ---- */

static void every_state_of_the_journal(void **state)
{
	static const char *const phases[] = { "", "prepare", "copy", "prove", "release", "abort", "resume", "clean", "fence",
					      "commit", "confirm", "park", "finish" };
	static const struct virt_state guests[] = {
		{ .power = VIRT_RUNNING, .persistent = true },
		{ .power = VIRT_RUNNING, .busy = true, .persistent = true },
		{ .power = VIRT_PAUSED, .migrated_away = true, .persistent = true },
		{ .power = VIRT_PAUSED, .migrated_away = true, .busy = true, .persistent = true },
		{ .power = VIRT_OFF, .persistent = true },
		{ .power = VIRT_NONE },
	};
	void *unused = NULL;

	(void)state;
	for (size_t p = 0; p < CW_COUNT(phases); p++)
		for (size_t g = 0; g < CW_COUNT(guests); g++)
			for (enum job_decision d = JOB_UNDECIDED; d <= JOB_RELEASED; d++) {
				bool was_there = guests[g].power == VIRT_RUNNING || guests[g].power == VIRT_PAUSED;

				set_up(&unused);
				s.state = guests[g];
				journal(phases[p], d);
				assert_int_equal(src_recover(&s.a), 0);
				play();
				if (d == JOB_RELEASED) {
					assert_int_equal(job()->state, JOB_SUCCEEDED);
					assert_int_equal(s.state.power, VIRT_NONE);
					assert_non_null(strstr(s.asked, "commit"));
					assert_null(strstr(s.asked, "abort"));
					assert_int_equal(access(tmp_dir_file(&s.dir, "parked/web1@1/web1.qcow2"), F_OK), 0);
					last_record(OWN_OWNED, 2, "cloud");
				} else {
					assert_int_equal(job()->state, JOB_ROLLED_BACK);
					assert_int_equal(s.state.power, was_there ? VIRT_RUNNING : guests[g].power);
					assert_string_equal(s.asked, "abort");
					assert_int_equal(access(tmp_dir_file(&s.dir, "web1.qcow2"), F_OK), 0);
					last_record(OWN_OWNED, 1, "onprem");
					assert_int_equal(s.autostart, guests[g].power != VIRT_NONE);
				}
				tear_down(&unused);
			}
}

static void a_target_that_cannot_be_told_does_not_keep_the_source_down(void **state)
{
	(void)state;
	s.state = (struct virt_state){ .power = VIRT_PAUSED, .migrated_away = true };
	s.deaf_to = "abort";
	s.deaf_times = 1;
	journal("prove", JOB_UNDECIDED);
	assert_int_equal(src_recover(&s.a), 0);
	play();
	assert_int_equal(job()->state, JOB_ROLLED_BACK);
	assert_int_equal(s.state.power, VIRT_RUNNING);
}

static void a_release_is_told_until_it_is_heard(void **state)
{
	(void)state;
	s.state = (struct virt_state){ .power = VIRT_PAUSED, .migrated_away = true };
	s.deaf_to = "commit";
	s.deaf_times = 2;
	journal("release", JOB_RELEASED);
	assert_int_equal(src_recover(&s.a), 0);
	play();
	assert_string_equal(s.asked, "commit commit commit");
	assert_int_equal(job()->state, JOB_SUCCEEDED);
}

/* A target that asks too early would let the VM run while the source guest is still there. */
static void a_target_hears_of_a_release_only_behind_the_fence(void **state)
{
	struct asker k;

	(void)state;
	s.state = (struct virt_state){ .power = VIRT_RUNNING };
	s.libvirt_down = true;
	journal("release", JOB_RELEASED);
	assert_int_equal(src_recover(&s.a), 0);
	status(&k);
	assert_string_equal(k.decision, "none");
	s.libvirt_down = false;
	play();
	status(&k);
	assert_string_equal(k.decision, "released");
	assert_int_equal(k.epoch, 2);
}

static void ended_jobs_are_left_alone(void **state)
{
	(void)state;
	journal("finish", JOB_RELEASED);
	assert_int_equal(job_end(job(), JOB_SUCCEEDED, "", NULL), 0);
	assert_int_equal(src_recover(&s.a), 0);
	assert_null(s.a.srcs);
	assert_int_equal(s.state.power, VIRT_RUNNING);
}


/* ---- a whole migration ---- */

static void create(void)
{
	struct asker k;

	ask(&k, "create", "web1", args_of("cloud"));
	answered(&k);
	if (k.r < 0)
		fail_msg("%s: %s", k.why.field, k.why.rule);
	assert_non_null(job());
}

/* Up to the point where the child says that the reply is held. */
static void until_held(void)
{
	create();
	while (!s.child_lives) {
		assert_int_equal(cw_loop_turn(s.a.loop, 10), 0);
		deliver();
	}
	s.state = (struct virt_state){ .power = VIRT_PAUSED, .migrated_away = true, .persistent = true };
	s.ev->on_stopped(s.ev_ctx, cw_clock_now_us());
}

static void it_goes_well(void **state)
{
	(void)state;
	s.autostart = true;
	until_held();
	assert_false(s.autostart);              /* off before anything can be decided */
	s.ev->on_held(s.ev_ctx);
	while (!s.child_released) {
		assert_int_equal(cw_loop_turn(s.a.loop, 10), 0);
		deliver();
	}
	s.ev->on_done(s.ev_ctx, true, "");
	play();
	assert_string_equal(s.asked, "validate prepare prove commit");
	assert_int_equal(job()->state, JOB_SUCCEEDED);
	assert_int_equal(cw_json_get_int(job()->report, "downtime_ms", 0), 12);
	assert_true(cw_json_get_bool(cw_json_get(job()->report, "disk_proof"), "equal", false));
	last_record(OWN_OWNED, 2, "cloud");
	assert_int_equal(s.state.power, VIRT_NONE);
}

static void end_lost(void) { s.ev->on_lost(s.ev_ctx, "lost"); }
static void end_done(void) { s.child_lives = false; s.ev->on_done(s.ev_ctx, false, "libvirt says no"); }
static void end_hash(void) { s.their_hash = "other"; s.ev->on_held(s.ev_ctx); }
static void end_deaf(void) { s.deaf_to = "prove"; s.deaf_times = 1; s.ev->on_held(s.ev_ctx); }
static void end_runs(void) { s.state.power = VIRT_RUNNING; s.ev->on_held(s.ev_ctx); }
static void end_late(void) { cw_clock_set_us(cw_clock_now_us() + 6000000); s.ev->on_held(s.ev_ctx); }
static void end_lost_in_proof(void) { s.ev->on_held(s.ev_ctx); s.ev->on_lost(s.ev_ctx, "lost"); }
static void end_dies_in_proof(void) { s.ev->on_held(s.ev_ctx); s.child_lives = false; s.ev->on_done(s.ev_ctx, false, "died"); }
static void end_cancel(void) { assert_int_equal(src_cancel(&s.a, job(), NULL), 0); }
static void end_cancel_held(void) { s.ev->on_held(s.ev_ctx); assert_int_equal(src_cancel(&s.a, job(), NULL), 0); }

static void everything_that_fails_before_the_release_goes_back(void **state)
{
	static void (*const ends[])(void) = { end_lost, end_done, end_hash, end_deaf, end_runs, end_late, end_lost_in_proof,
					      end_dies_in_proof, end_cancel, end_cancel_held };
	void *unused = NULL;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(ends); i++) {
		bool told = false;

		set_up(&unused);
		until_held();
		ends[i]();
		while (s.a.srcs) {
			assert_int_equal(cw_loop_turn(s.a.loop, 10), 0);
			deliver();
			if (s.child_failed && s.child_lives && !told) {  /* libvirt resumes the source by itself */
				told = true;
				s.state = (struct virt_state){ .power = VIRT_RUNNING, .persistent = true };
				s.child_lives = false;
				s.ev->on_done(s.ev_ctx, false, "given up");
			}
			if (s.broken)
				fail_msg("end %zu: %s", i, s.broken);
		}
		assert_int_equal(job()->state, JOB_ROLLED_BACK);
		assert_int_equal(job()->decision, JOB_ABORTED);
		assert_int_equal(s.state.power, VIRT_RUNNING);
		assert_null(strstr(s.asked, "commit"));
		assert_non_null(strstr(s.asked, "abort"));
		assert_true(strlen(job()->reason) > 0);
		last_record(OWN_OWNED, 1, "onprem");
		tear_down(&unused);
	}
	set_up(&unused);
}

static void it_is_too_late_to_cancel_after_the_release(void **state)
{
	struct cw_why why = { 0 };

	(void)state;
	journal("commit", JOB_RELEASED);
	assert_int_equal(src_recover(&s.a), 0);
	assert_int_equal(src_cancel(&s.a, job(), &why), CW_E_STATE);
	assert_true(strlen(why.rule) > 0);
	play();
	assert_int_equal(job()->state, JOB_SUCCEEDED);
}

static void a_guest_that_went_down_there_is_told(void **state)
{
	(void)state;
	s.their_power = "off";
	journal("commit", JOB_RELEASED);
	s.state = (struct virt_state){ .power = VIRT_PAUSED, .migrated_away = true };
	assert_int_equal(src_recover(&s.a), 0);
	play();
	assert_int_equal(job()->state, JOB_WAITING_OPERATOR);
	last_record(OWN_OWNED, 2, "cloud");
}

/* ---- refusals ---- */

static void requests_that_are_refused_change_nothing(void **state)
{
	static const struct {
		const char *vm, *key, *value, *field;
		int r;
	} cases[] = {
		{ "web9", NULL, NULL, "name", CW_E_NOT_FOUND },
		{ "", NULL, NULL, "name", CW_E_USAGE },
		{ "web1", "to", "moon", "to", CW_E_NOT_FOUND },
		{ "web1", "to", "", "to", CW_E_INVALID },
		{ "web1", "to", "cloud/", "to", CW_E_INVALID },
		{ "web1", "kind", "bulk", "kind", CW_E_UNSUPPORTED },
		{ "web1", "kind", "alive", "kind", CW_E_INVALID },
		{ "web1", "proof", "some", "proof", CW_E_INVALID },
		{ "web1", "map_network", "br-web", "map_network", CW_E_INVALID },
		{ "web1", "map_pool", ":x", "map_pool", CW_E_INVALID },
		{ "web1", "colour", "red", "colour", CW_E_USAGE },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(cases); i++) {
		struct cw_json *args = args_of("cloud");
		struct asker k;

		if (cases[i].key)
			cw_json_set_str(args, cases[i].key, cases[i].value);
		ask(&k, "create", cases[i].vm, args);
		answered(&k);
		if (k.r != cases[i].r || strcmp(k.why.field, cases[i].field) != 0)
			fail_msg("case %zu: %d %s: %s", i, k.r, k.why.field, k.why.rule);
		assert_null(job());
		assert_string_equal(s.asked, "");
	}
}

static void a_vm_that_cannot_move_is_refused(void **state)
{
	struct own first, prepared, released;
	struct asker k;

	(void)state;
	s.state.power = VIRT_OFF;
	ask(&k, "create", "web1", args_of("cloud"));
	answered(&k);
	assert_int_equal(k.r, CW_E_BLOCKED);
	assert_string_equal(k.why.field, "power");
	assert_string_equal(k.why.object, "vm web1");
	s.state.power = VIRT_RUNNING;
	assert_int_equal(own_first(MIG_UUID, "onprem", &first), 0);
	assert_int_equal(own_next(&first, OWN_PREPARED, "onprem", &prepared), 0);
	assert_int_equal(own_next(&prepared, OWN_RELEASED, "cloud", &released), 0);
	assert_int_equal(own_add(jobs_db(s.a.jobs), &released), 0);
	ask(&k, "create", "web1", args_of("cloud"));
	answered(&k);
	assert_int_equal(k.r, CW_E_CONFLICT);           /* it runs here, but the record says that it is not ours */
	assert_string_equal(k.why.field, "owner");
	assert_null(job());
}

static void two_at_once_are_one_too_many(void **state)
{
	struct asker k;

	(void)state;
	create();
	ask(&k, "create", "web1", args_of("cloud"));
	answered(&k);
	assert_int_equal(k.r, CW_E_CONFLICT);
	assert_string_equal(k.why.field, "migration");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_state_of_the_journal),
		TEST(a_target_that_cannot_be_told_does_not_keep_the_source_down),
		TEST(a_release_is_told_until_it_is_heard),
		TEST(a_target_hears_of_a_release_only_behind_the_fence),
		TEST(ended_jobs_are_left_alone),
		TEST(it_goes_well),
		cmocka_unit_test_teardown(everything_that_fails_before_the_release_goes_back, tear_down),
		TEST(it_is_too_late_to_cancel_after_the_release),
		TEST(a_guest_that_went_down_there_is_told),
		TEST(requests_that_are_refused_change_nothing),
		TEST(a_vm_that_cannot_move_is_refused),
		TEST(two_at_once_are_one_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
