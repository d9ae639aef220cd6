/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_mesh_move.c - a migration's job with the real job engine and the real chain of ownership, against an agent and another
 * manager that do what the test says.
 *
 * The fakes stand in front of the archives. They watch the promise: a job that ends rolled back leaves a chain in which the
 * migration can never be released.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/crypt_issue.h"
#include "interconnect/base/log.h"
#include "mesh/mesh_chain.h"
#include "mesh/mesh_event.h"
#include "mesh/mesh_half.h"
#include "mesh/mesh_move.h"
#include "mesh/mesh_node.h"
#include "mesh/mesh_owner.h"
#include "mesh/mesh_peer.h"
#include "mesh/mesh_vm.h"
#include "tests/lib/mig_data.h"
#include "tests/lib/tmp_dir.h"

typedef void answer_fn(void *ctx, int r, const struct cw_json *body, const struct cw_why *why);

enum { QUESTIONS = 8 };

static struct sim {
	struct tmp_dir dir;
	struct manager m;
	/* the agent */
	bool agent_away, has_job, too_late;
	int lose;                       /* so many answers of the agent are lost, after it did what was asked */
	int refuses;                    /* code of its answer to create */
	const char *state, *decision;
	int created, cancelled;
	/* the other manager */
	bool site_away;
	int site_refuses;
	const char *mesh_state;
	struct question {
		bool of_site;
		char verb[16];
		answer_fn *cb;
		void *ctx;
	} q[QUESTIONS];
	struct cw_json *vms, *jobs;     /* what the agent has reported; jobs may be NULL */
} s;

/* ---- what stands around ---- */

int half_each(const struct manager *m, int (*fn)(void *ctx, const struct cw_json *body), void *ctx)
{
	struct cw_json *b = cw_json_object();
	int r;

	(void)m;
	cw_json_set_str(b, "site", "cloud");
	cw_json_set_str(b, "host", "kvm1");
	cw_json_set_str(b, "state", s.mesh_state);
	r = fn(ctx, b);
	cw_json_free(b);
	return r;
}

int half_need(const struct manager *m, const char *name, struct cw_json **ret_body, struct cw_why *why)
{
	(void)m;
	(void)name;
	(void)ret_body;
	(void)why;
	return CW_E_NOT_FOUND;
}

void mesh_nodes_each(const struct mesh_nodes *n, const char *kind, void (*fn)(void *ctx, const char *name), void *ctx)
{
	(void)n;
	assert_string_equal(kind, "agent");
	fn(ctx, "kvm1");
}

const struct cw_json *mesh_node_report(const struct mesh_nodes *n, const char *name, const char *noun)
{
	(void)n;
	(void)name;
	return strcmp(noun, "vm") == 0 ? s.vms : NULL;
}

const struct cw_json *mesh_node_last(const struct mesh_nodes *n, const char *name, const char *noun)
{
	return strcmp(noun, "job") == 0 ? s.jobs : mesh_node_report(n, name, noun);
}

bool mesh_node_is_up(const struct mesh_nodes *n, const char *name) { (void)n; (void)name; return true; }
int mesh_nodes_watch(struct mesh_nodes *n, void (*fn)(void *c, const char *name), void *c) { (void)n; (void)fn; (void)c; return 0; }
const char *mesh_peer_ca(const struct mesh_peers *p, const char *site) { (void)p; return strcmp(site, "cloud") == 0 ? s.m.site.ca : NULL; }
bool mesh_peer_is_up(const struct mesh_peers *p, const char *site) { (void)p; (void)site; return false; }

/* Nobody calls here. */
int mesh_caller_is(const struct cw_rpc_call *call, int kind, const char **ret_name, struct cw_why *why)
{
	(void)call;
	(void)kind;
	(void)ret_name;
	return cw_why_set(why, CW_E_FORBIDDEN, NULL, NULL, "nobody");
}

static int asked(bool of_site, const char *verb, struct cw_json *args, answer_fn *cb, void *ctx)
{
	cw_json_free(args);
	for (int i = 0; i < QUESTIONS; i++)
		if (!s.q[i].cb) {
			s.q[i] = (struct question){ .of_site = of_site, .cb = cb, .ctx = ctx };
			snprintf(s.q[i].verb, sizeof s.q[i].verb, "%s", verb);
			return 0;
		}
	abort();
}

int mesh_node_ask(struct mesh_nodes *n, const char *name, const char *noun, const char *verb, const char *object, struct cw_json *args,
		  uint64_t timeout_ms, answer_fn *cb, void *ctx)
{
	(void)n;
	(void)timeout_ms;
	(void)object;
	assert_string_equal(name, "kvm1");
	assert_string_equal(noun, "migration");
	if (strcmp(verb, "create") == 0)
		assert_string_equal(cw_json_get_str(args, "id", ""), "mig-1");
	return asked(false, verb, args, cb, ctx);
}

int mesh_peer_ask(struct mesh_peers *p, const char *site, const char *noun, const char *verb, const char *name, struct cw_json *args,
		  uint64_t timeout_ms, answer_fn *cb, void *ctx, struct cw_why *why)
{
	(void)p;
	(void)noun;
	(void)name;
	(void)timeout_ms;
	(void)why;
	assert_string_equal(site, "cloud");
	return asked(true, verb, args, cb, ctx);
}

/* ---- the agent ---- */

static const char *chain_outcome(void)
{
	struct mesh_record_move mv;

	return mesh_record_move_get(mesh_store_db(s.m.store), "mig-1", &mv) > 0 ? mesh_outcome_name(mv.outcome) : "";
}

static int agent_create(void)
{
	s.created++;
	if (s.refuses < 0)
		return s.refuses;
	if (!s.has_job)
		s.state = "running";
	s.has_job = true;
	return 0;
}

static int agent_cancel(void)
{
	s.cancelled++;
	if (!s.has_job || s.too_late)
		return s.has_job ? CW_E_STATE : CW_E_NOT_FOUND;
	s.state = "rolled_back";
	s.decision = "aborted";
	return 0;
}

static int agent_show(void) { return s.has_job ? 0 : CW_E_NOT_FOUND; }

static int agent_does(const char *verb)
{
	static const struct {
		const char *verb;
		int (*does)(void);
	} rows[] = { { "create", agent_create }, { "cancel", agent_cancel }, { "show", agent_show } };

	for (size_t i = 0; i < CW_COUNT(rows); i++)
		if (strcmp(rows[i].verb, verb) == 0)
			return rows[i].does();
	return CW_E_USAGE;
}

static struct cw_json *agent_job(void)
{
	struct cw_json *b = cw_json_object();

	cw_json_set_str(b, "id", "mig-1");
	cw_json_set_str(b, "state", s.state);
	cw_json_set_str(b, "decision", s.decision);
	cw_json_set_str(b, "phase", "copy");
	cw_json_set_str(b, "reason", strcmp(s.state, "rolled_back") == 0 ? "it did not go" : "");
	if (strcmp(s.state, "running") != 0)
		cw_json_set_str(b, "ended_at", "2026-11-21T00:00:01.000Z");
	cw_json_set_int(b, "downtime_ms", 77);
	return b;
}

static void answer_one(const struct question *q)
{
	struct cw_why why = { .rule = "says no" };
	struct cw_json *b = NULL;
	int r;

	if (q->of_site)
		r = s.site_away ? CW_E_UNREACHABLE : s.site_refuses;
	else
		r = s.agent_away ? CW_E_UNREACHABLE : agent_does(q->verb);
	if (!q->of_site && !s.agent_away && s.lose > 0) {
		s.lose--;
		r = CW_E_TIMEOUT;
	}
	if (r == 0)
		b = q->of_site ? cw_json_object() : agent_job();
	q->cb(q->ctx, r, b, r < 0 ? &why : NULL);
	cw_json_free(b);
}

static void turn(void)
{
	assert_int_equal(cw_loop_turn(s.m.loop, 5), 0);
	for (int i = 0; i < QUESTIONS; i++) {
		struct question q = s.q[i];

		s.q[i] = (struct question){ 0 };
		if (q.cb)
			answer_one(&q);
	}
}

/* ---- the manager ---- */

static const struct mesh_job_kind *const kinds[] = { &mesh_move_kind };

static void quiet(enum cw_log_level level, const char *line)
{
	(void)level;
	(void)line;
}

static void manager_up(void)
{
	assert_int_equal(cw_loop_new(&s.m.loop), 0);
	assert_int_equal(mesh_store_open(tmp_dir_file(&s.dir, "db"), &s.m.store), 0);
	assert_int_equal(mesh_events_new(s.m.loop, s.m.store, &s.m.events), 0);
	assert_int_equal(mesh_jobs_new(&s.m, kinds, 1, &s.m.jobs), 0);
	mesh_jobs_start(s.m.jobs);
}

static void manager_down(void)
{
	memset(s.q, 0, sizeof s.q);
	mesh_jobs_free(s.m.jobs);
	mesh_events_free(s.m.events);
	mesh_store_close(s.m.store);
	cw_loop_free(s.m.loop);
}

static int set_up(void **state)
{
	static const char vm[] = "{\"items\":[{\"name\":\"web1\",\"uuid\":\"" MIG_UUID "\",\"power\":\"running\"}]}";

	(void)state;
	cw_log_set_sink(quiet);
	s = (struct sim){ .state = "", .decision = "none", .mesh_state = "up" };
	s.dir = tmp_dir_make();
	s.m.conf.state = s.dir.path;
	snprintf(s.m.site.row.name, sizeof s.m.site.row.name, "onprem");
	snprintf(s.m.site.ca, sizeof s.m.site.ca, "00");
	assert_int_equal(cw_issue_key(tmp_dir_file(&s.dir, "ca.key")), 0);
	assert_int_equal(cw_json_parse(vm, strlen(vm), &s.vms), 0);
	manager_up();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	manager_down();
	cw_json_free(s.vms);
	tmp_dir_remove(&s.dir);
	cw_clock_real();
	cw_log_set_sink(NULL);
	return 0;
}

static struct mesh_job *job(void)
{
	return mesh_job_next(s.m.jobs, NULL);
}

static void begin(void)
{
	static const char *const members[][2] = {
		{ "id", "mig-1" }, { "vm", "web1" }, { "uuid", MIG_UUID }, { "host", "kvm1" }, { "from", "onprem" }, { "to", "cloud" },
		{ "site", "cloud" }, { "to_host", "" }, { "kind", "live" },
	};
	struct cw_json *data = cw_json_object();
	struct mesh_job *j = NULL;

	for (size_t i = 0; i < CW_COUNT(members); i++)
		cw_json_set_str(data, members[i][0], members[i][1]);
	assert_int_equal(mesh_job_new(s.m.jobs, &mesh_move_kind, "migration", "mig-1", data, "", &j), 0);
}

static struct mesh_chain chain(void)
{
	static char key[TMP_PATH];

	snprintf(key, sizeof key, "%s/ca.key", s.dir.path);
	return (struct mesh_chain){ mesh_store_db(s.m.store), "onprem", key, NULL, NULL };
}

static const char *ca_any(const void *ctx, const char *site)
{
	(void)ctx;
	(void)site;
	return "00";
}

static void agent_asks(int (*ask)(const struct mesh_chain *c, const struct mesh_chain_ask *a, struct cw_json **b, struct cw_why *w))
{
	struct mesh_chain_ask a = { MIG_UUID, "mig-1", "cloud", false };
	struct mesh_chain c = chain();
	struct cw_json *b = NULL;

	c.ca = ca_any;
	assert_int_equal(ask(&c, &a, &b, NULL), 0);
	cw_json_free(b);
}

/* The agent has released, the target has it, and both managers know. */
static void moved(bool settled)
{
	struct mesh_record last;

	agent_asks(mesh_chain_prepare);
	agent_asks(mesh_chain_release);
	s.state = "succeeded";
	s.decision = "released";
	if (!settled)
		return;
	assert_int_equal(mesh_record_last(mesh_store_db(s.m.store), MIG_UUID, &last), 1);
	assert_int_equal(own_next(&last.s.o, OWN_OWNED, "cloud", &last.s.o), 0);
	last.seq++;
	assert_int_equal(mesh_record_add(mesh_store_db(s.m.store), &last), 0);
	assert_int_equal(mesh_record_told(mesh_store_db(s.m.store), MIG_UUID, "cloud", last.seq), 0);
}

static void until_step(const char *name)
{
	uint64_t end = cw_clock_now_ms() + 10000;

	while (!job() || strcmp(mesh_move_kind.steps[job()->step].name, name) != 0) {
		turn();
		assert_true(cw_clock_now_ms() < end);
	}
}

static void ends(enum mesh_job_state state)
{
	uint64_t end = cw_clock_now_ms() + 60000;
	struct cw_json *b;

	while (!mesh_job_is_over(job()) && job()->state != MESH_JOB_WAITING) {
		turn();
		assert_true(cw_clock_now_ms() < end);
	}
	if (job()->state != state)
		fail_msg("%s: %s", mesh_job_state_name(job()->state), job()->reason);
	if (state == MESH_JOB_ROLLED_BACK && strcmp(chain_outcome(), "released") == 0)
		fail_msg("it is rolled back, and released");
	b = mesh_move_json(&s.m, "mig-1");
	assert_string_equal(cw_json_get_str(b, "state", ""), mesh_job_state_name(state));
	cw_json_free(b);
}

/* ---- tests ---- */

static void it_goes_well(void **state)
{
	struct cw_json *b;

	(void)state;
	begin();
	until_step("follow");
	moved(true);
	ends(MESH_JOB_SUCCEEDED);
	assert_int_equal(s.created, 1);
	b = mesh_move_json(&s.m, "mig-1");
	assert_int_equal(cw_json_get_int(b, "downtime_ms", 0), 77);
	assert_string_equal(cw_json_get_str(b, "role", ""), "source");
	assert_string_equal(cw_json_get_str(b, "vm", ""), "web1");
	cw_json_free(b);
	b = mesh_move_list(&s.m);
	assert_int_equal(cw_json_len(b), 1);
	cw_json_free(b);
}

/* What the agent reports once a second is older than what the job has seen, until it has ended, too. */
static void shown_is_what_was_heard_last(void **state)
{
	struct cw_json *b, *old = cw_json_object(), *items = cw_json_array();

	(void)state;
	cw_json_set_str(old, "id", "mig-1");
	cw_json_set_str(old, "phase", "begin");
	cw_json_add(items, old);
	s.jobs = cw_json_object();
	cw_json_set(s.jobs, "items", items);
	begin();
	until_step("follow");
	for (int i = 0; i < 5; i++)
		turn();
	b = mesh_move_json(&s.m, "mig-1");
	assert_string_equal(cw_json_get_str(b, "phase", ""), "copy");
	cw_json_free(b);
	moved(true);
	ends(MESH_JOB_SUCCEEDED);
	b = mesh_move_json(&s.m, "mig-1");
	assert_string_equal(cw_json_get_str(b, "phase", ""), "copy");
	assert_string_equal(cw_json_get_str(b, "decision", ""), "released");
	cw_json_free(b);
	cw_json_set_str(old, "ended_at", "2026-11-21T00:00:00.000Z");
	b = mesh_move_json(&s.m, "mig-1");
	assert_string_equal(cw_json_get_str(b, "phase", ""), "begin");
	cw_json_free(b);
	cw_json_free(cw_steal(&s.jobs));
}

static void one_that_went_away_is_known_by_its_chain(void **state)
{
	struct cw_json *b = mesh_vm_away(&s.m, MIG_UUID);

	(void)state;
	assert_null(b);
	agent_asks(mesh_chain_prepare);
	b = mesh_vm_away(&s.m, MIG_UUID);
	assert_string_equal(cw_json_get_str(b, "power", ""), "none");
	assert_string_equal(cw_json_get_str(cw_json_get(b, "owner"), "state", ""), "prepared");
	assert_int_equal(strlen(cw_json_get_str(cw_json_get(b, "owner"), "hash", "")), 64);
	cw_json_free(b);
}

static void what_the_agent_takes_back_is_rolled_back(void **state)
{
	(void)state;
	begin();
	until_step("follow");
	s.state = "rolled_back";
	ends(MESH_JOB_ROLLED_BACK);
	assert_non_null(strstr(job()->reason, "it did not go"));
	assert_string_equal(chain_outcome(), "aborted");
}

static void the_other_site_may_refuse(void **state)
{
	(void)state;
	s.site_refuses = CW_E_BLOCKED;
	begin();
	ends(MESH_JOB_ROLLED_BACK);
	assert_int_equal(s.created, 0);
}

static void the_agent_may_refuse(void **state)
{
	(void)state;
	s.refuses = CW_E_BLOCKED;
	begin();
	ends(MESH_JOB_ROLLED_BACK);
	assert_string_equal(chain_outcome(), "aborted");                /* nor may it begin later */
}

static void lost_answers_make_no_second_migration(void **state)
{
	(void)state;
	s.lose = 3;
	begin();
	until_step("follow");
	moved(true);
	ends(MESH_JOB_SUCCEEDED);
}

/* The agent never got its yes through, and has done it all meanwhile: that cannot be taken back. */
static void what_was_released_unheard_goes_on(void **state)
{
	(void)state;
	s.lose = 1000;
	begin();
	until_step("start");
	while (s.created == 0)
		turn();
	moved(true);
	cw_clock_set_us(cw_clock_now_us() + 60 * 1000000);
	while (strcmp(mesh_move_kind.steps[job()->step].name, "start") == 0 && !job()->back)
		turn();
	assert_false(job()->back);
	cw_clock_real();
	s.lose = 0;
	ends(MESH_JOB_SUCCEEDED);
}

static void a_cancellation_is_the_agent_s_to_judge(void **state)
{
	(void)state;
	begin();
	until_step("follow");
	turn();
	assert_int_equal(mesh_job_cancel(job(), NULL), 0);
	ends(MESH_JOB_ROLLED_BACK);
	assert_true(s.cancelled > 0);
}

static void a_cancellation_may_be_too_late(void **state)
{
	(void)state;
	begin();
	until_step("follow");
	turn();
	s.too_late = true;
	assert_int_equal(mesh_job_cancel(job(), NULL), 0);
	while (s.cancelled == 0)
		turn();
	moved(true);
	ends(MESH_JOB_SUCCEEDED);
}

static void what_waits_for_the_operator_says_so(void **state)
{
	(void)state;
	begin();
	until_step("follow");
	s.state = "waiting_operator";
	ends(MESH_JOB_WAITING);
	moved(true);
	assert_int_equal(mesh_job_resume(job(), NULL), 0);
	ends(MESH_JOB_SUCCEEDED);
}

static void an_agent_that_forgot_is_for_the_operator(void **state)
{
	(void)state;
	begin();
	until_step("follow");
	s.has_job = false;
	ends(MESH_JOB_WAITING);
}

static void it_ends_when_both_chains_agree(void **state)
{
	(void)state;
	begin();
	until_step("follow");
	moved(false);
	until_step("settle");
	for (int i = 0; i < 100; i++)
		turn();
	assert_false(mesh_job_is_over(job()));
	assert_int_equal(mesh_job_cancel(job(), NULL), CW_E_STATE);     /* it only goes forward */
}

/* The manager dies in each step, and goes on. */
static void a_restart_goes_on(void **state)
{
	static const char *const names[] = { "check", "start", "follow", "settle" };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(names); i++) {
		begin();
		if (i == 3) {
			until_step("follow");
			moved(false);
		}
		until_step(names[i]);
		manager_down();
		manager_up();
		if (i < 3) {
			until_step("follow");
			moved(true);
		} else {
			until_step("settle");
			assert_string_equal(chain_outcome(), "released");
			tear_down(NULL);
			return;
		}
		ends(MESH_JOB_SUCCEEDED);
		tear_down(NULL);
		set_up(NULL);
	}
}

static void the_rules_of_this_site(void **state)
{
	struct cw_why why = { 0 };
	struct mesh_vm vm;

	(void)state;
	assert_int_equal(mesh_move_check(&s.m, MIG_UUID, "kvm1", "cloud", &why), 0);
	assert_int_equal(mesh_move_check(&s.m, MIG_UUID, "kvm1", "moon", NULL), CW_E_NOT_FOUND);
	assert_int_equal(mesh_move_check(&s.m, MIG_UUID, "kvm2", "cloud", NULL), CW_E_BLOCKED);
	s.mesh_state = "deleting";
	assert_int_equal(mesh_move_check(&s.m, MIG_UUID, "kvm1", "cloud", NULL), CW_E_BLOCKED);
	s.mesh_state = "up";
	begin();
	assert_int_equal(mesh_move_check(&s.m, MIG_UUID, "kvm1", "cloud", &why), CW_E_CONFLICT);
	assert_int_equal(mesh_vm_find(&s.m, "web1", &vm, NULL), 0);
	assert_string_equal(vm.uuid, MIG_UUID);
	assert_int_equal(mesh_vm_find(&s.m, MIG_UUID, &vm, NULL), 0);
	assert_int_equal(mesh_vm_find(&s.m, "web9", &vm, NULL), CW_E_NOT_FOUND);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_goes_well),
		TEST(shown_is_what_was_heard_last),
		TEST(one_that_went_away_is_known_by_its_chain),
		TEST(what_the_agent_takes_back_is_rolled_back),
		TEST(the_other_site_may_refuse),
		TEST(the_agent_may_refuse),
		TEST(lost_answers_make_no_second_migration),
		TEST(what_was_released_unheard_goes_on),
		TEST(a_cancellation_is_the_agent_s_to_judge),
		TEST(a_cancellation_may_be_too_late),
		TEST(what_waits_for_the_operator_says_so),
		TEST(an_agent_that_forgot_is_for_the_operator),
		TEST(it_ends_when_both_chains_agree),
		cmocka_unit_test_setup(a_restart_goes_on, set_up),
		TEST(the_rules_of_this_site),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
