/* SPDX-License-Identifier: Apache-2.0 */
/* test_mesh_half.c - meshes: all or nothing, by whose order, and what the other site cannot make us believe. */
#include <stdio.h>

#include "mesh/mesh_peer.h"
#include "mesh/mesh_svc.h"
#include "tests/lib/half_world.h"

#define HELD "SELECT count(*) FROM address"
#define MESHES "SELECT count(*) FROM mesh"

enum { PER_MESH = 6 };          /* addresses: four of the IX, two of the NE */

static int prepare(const char *name, const char *token, struct cw_why *why)
{
	struct half_order o = half_world_order(name, token);

	*why = (struct cw_why){ 0 };
	return half_prepare(&m, &o, why);
}

static struct cw_json *row(const char *name)
{
	struct cw_json *body = NULL;

	assert_int_equal(half_load(&m, name, &body), 1);
	return body;
}

static void retire(const char *name)
{
	struct cw_json *body = row(name);

	assert_int_equal(half_retire(&m, body), 0);
	cw_json_free(body);
}

/* ---- all or nothing ---- */

static void draws_what_both_appliances_need(void **state)
{
	struct cw_why why;
	struct cw_json *body;

	(void)state;
	assert_int_equal(prepare("m1", "t", &why), 0);
	assert_int_equal(half_world_count(HELD), PER_MESH);
	body = row("m1");
	assert_string_equal(cw_json_get_str(body, "agent", ""), "192.168.3.70");
	assert_string_equal(cw_json_get_str(half_find(body, "appliances", "ix"), "inner", ""), "169.254.71.1");
	assert_string_equal(cw_json_get_str(half_find(body, "appliances", "ne"), "uplink", ""), "192.168.1.11");
	assert_false(cw_json_get_bool(body, "dials", true));            /* we invited */
	cw_json_free(body);
}

/* Whichever network is the one with too few: the first that is drawn from, or the last. */
static void exhausted_is_nothing(void **state)
{
	static const char *const profiles[] = { "uplink", "management" };
	struct cw_why why;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(profiles); i++) {
		char sql[200];

		snprintf(sql, sizeof sql, "INSERT INTO address VALUES ('%s', '192.168.%zu.10', 'a', 1),"
			 " ('%s', '192.168.%zu.11', 'b', 1), ('%s', '192.168.%zu.12', 'c', 1)", profiles[i], i + 1, profiles[i], i + 1,
			 profiles[i], i + 1);
		half_world_run(sql);
		assert_int_equal(prepare("m1", "t", &why), CW_E_BLOCKED);
		assert_non_null(strstr(why.object, profiles[i]));
		assert_string_equal(why.field, "ranges");
		assert_int_equal(half_world_count(HELD), 3);
		assert_int_equal(half_world_count(MESHES), 0);
		half_world_run("DELETE FROM address");
	}
	assert_int_equal(prepare("m1", "t", &why), 0);                  /* no transaction was left open */
}

static void a_silent_agent_is_waited_for(void **state)
{
	struct mesh_node *x = mesh_node_find(m.nodes, "kvm1");
	struct cw_why why;

	(void)state;
	cw_json_free(cw_steal(&x->report));
	assert_int_equal(prepare("m1", "t", &why), CW_E_UNREACHABLE);
	assert_string_equal(why.object, "host kvm1");
	assert_int_equal(half_world_count(HELD), 0);
	assert_int_equal(half_world_count(MESHES), 0);
	half_world_report("kvm1", NULL, "{'host':{'addresses':['10.0.0.1/8',7,'x']}}");
	assert_int_equal(prepare("m1", "t", &why), CW_E_BLOCKED);
	assert_string_equal(why.field, "addresses");
}

static void names_are_judged(void **state)
{
	static const char *const bad[] = {
		"", "-a", "A", "a b", "a.b", "a/b", "abcdefghijabcdefghijabcdefghijabc",
	};
	struct cw_why why;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(bad); i++) {
		assert_int_equal(prepare(bad[i], "t", &why), CW_E_INVALID);
		assert_string_equal(why.field, "name");
	}
	assert_int_equal(half_world_count(MESHES), 0);
}

/* ---- tokens ---- */

static void the_same_order_again_is_fine(void **state)
{
	struct cw_why why;

	(void)state;
	assert_int_equal(prepare("m1", "t", &why), 0);
	assert_int_equal(prepare("m1", "t", &why), 0);
	assert_int_equal(half_world_count(HELD), PER_MESH);
	assert_int_equal(prepare("m1", "u", &why), CW_E_CONFLICT);
	assert_string_equal(why.field, "name");
	assert_int_equal(prepare("m1", "", &why), CW_E_CONFLICT);
	assert_int_equal(half_world_count(HELD), PER_MESH);
}

static int said;

static void on_done(void *ctx, int r, const struct cw_why *why)
{
	(void)ctx;
	(void)why;
	said = r;
}

static int remove_by(const char *name, const char *token)
{
	said = 1;
	half_remove(&m, name, token, on_done, NULL);
	assert_int_equal(said, 1);                              /* never from inside */
	while (said == 1)
		assert_int_equal(cw_loop_turn(m.loop, 20), 0);
	return said;
}

static void only_its_order_removes_it(void **state)
{
	struct cw_why why;
	struct cw_json *body;

	(void)state;
	assert_int_equal(prepare("m1", "t", &why), 0);
	assert_int_equal(remove_by("m1", "u"), 0);
	assert_int_equal(remove_by("m1", ""), 0);
	assert_int_equal(remove_by("m2", "t"), 0);
	body = row("m1");
	assert_false(half_is_deleting(body));
	cw_json_free(body);
	/* The right one cannot reach the helper, but what is to be is on the disk. */
	assert_int_equal(remove_by("m1", "t"), CW_E_UNREACHABLE);
	body = row("m1");
	assert_true(half_is_deleting(body));
	cw_json_free(body);
	assert_int_equal(half_world_count(HELD), PER_MESH);
}

static void nothing_comes_to_what_goes(void **state)
{
	struct cw_json *offer = half_world_offer();
	struct cw_why why;

	(void)state;
	assert_int_equal(prepare("m1", "t", &why), 0);
	retire("m1");
	retire("m1");
	assert_int_equal(prepare("m1", "t", &why), CW_E_CONFLICT);
	assert_string_equal(why.field, "state");
	assert_int_equal(half_take(&m, "m1", offer, &why), CW_E_CONFLICT);
	said = 1;
	half_place(&m, "m1", on_done, NULL);
	while (said == 1)
		assert_int_equal(cw_loop_turn(m.loop, 20), 0);
	assert_int_equal(said, CW_E_CONFLICT);
	assert_false(mesh_node_exists(m.nodes, "m1-ix"));
	cw_json_free(offer);
}

static void the_agent_hears_before_the_row_goes(void **state)
{
	(void)state;
	half_world_mesh("m1");
	assert_non_null(strstr(half_world_wanted("kvm1"), "\"site\":\"cloud\""));
	retire("m1");
	assert_null(strstr(half_world_wanted("kvm1"), "\"site\":\"cloud\""));
	assert_int_equal(half_world_count(MESHES), 1);
}

static void forgets_its_own_and_no_more(void **state)
{
	struct cw_why why;

	(void)state;
	assert_int_equal(prepare("m1", "t", &why), 0);
	assert_int_equal(prepare("m1-b", "t", &why), 0);
	half_world_run("INSERT INTO extension VALUES ('e1', 'm1', 'b1', 101, '{}', 1), ('e2', 'm1-b', 'b2', 101, '{}', 1)");
	assert_int_equal(half_forget(&m, "m1"), 0);
	assert_int_equal(half_world_count(HELD), PER_MESH);
	assert_int_equal(half_world_count("SELECT count(*) FROM address WHERE holder GLOB 'mesh m1-b *'"), PER_MESH);
	assert_int_equal(half_world_count(MESHES), 1);
	assert_int_equal(half_world_count("SELECT count(*) FROM extension"), 1);
	assert_int_equal(half_forget(&m, "m1"), 0);
	assert_int_equal(half_forget(&m, "nothing"), 0);
	assert_int_equal(half_world_count(HELD), PER_MESH);
	assert_int_equal(prepare("m1", "u", &why), 0);
}

/* ---- what the other site offers ---- */

static void a_good_offer_is_kept(void **state)
{
	struct cw_json *offer = half_world_offer(), *body;
	struct cw_why why;

	(void)state;
	assert_int_equal(half_take(&m, "m1", offer, &why), CW_E_NOT_FOUND);
	assert_int_equal(prepare("m1", "t", &why), 0);
	assert_int_equal(half_take(&m, "m1", offer, &why), 0);
	assert_int_equal(half_take(&m, "m1", offer, &why), 0);
	body = row("m1");
	assert_string_equal(cw_json_get_str(half_find(body, "far", "ne"), "uplink", ""), "10.9.0.2");
	cw_json_free(body);
	cw_json_free(offer);
}

#define LONG "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcd"

/* The first appliance of an offer gets MEMBER of VALUE; FIELD is named. */
static void hostile_members(void **state)
{
	static const struct {
		const char *member, *value, *field;
	} rows[] = {
		{ "kind", "'xx'", "kind" }, { "kind", "''", "kind" }, { "kind", "7", "kind" }, { "kind", "null", "kind" },
		{ "kind", "['ix']", "kind" },
		{ "uplink", "''", "uplink" }, { "uplink", "'10.9.0.1/24'", "uplink" }, { "uplink", "'10.9.0'", "uplink" },
		{ "uplink", "5", "uplink" }, { "uplink", "null", "uplink" }, { "uplink", "'10.9.0.1 '", "uplink" },
		{ "uplink", "'0.0.0.0'", "uplink" }, { "uplink", "'127.0.0.1'", "uplink" }, { "uplink", "'224.0.0.5'", "uplink" },
		{ "uplink", "'255.255.255.255'", "uplink" }, { "uplink", "'::'", "uplink" }, { "uplink", "'::1'", "uplink" },
		{ "uplink", "'ff02::1'", "uplink" }, { "uplink", "'192.168.1.10'", "uplink" },
		{ "inner", "''", "inner" }, { "inner", "'169.254.71.1'", "inner" }, { "inner", "'169.254.72.2'", "inner" },
		{ "inner", "'10.0.0.1'", "inner" }, { "inner", "'0.0.0.0'", "inner" }, { "inner", "{}", "inner" },
		{ "id", "''", "id" }, { "id", "'a b'", "id" }, { "id", "'*.cloud'", "id" }, { "id", "'" LONG "'", "id" },
		{ "id", "3", "id" }, { "id", "'a/../b'", "id" },
	};
	struct cw_why why;

	(void)state;
	assert_int_equal(prepare("m1", "t", &why), 0);
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct cw_json *offer = half_world_offer(), *body;
		char text[128];

		snprintf(text, sizeof text, "[%s]", rows[i].value);
		body = prof_body(text);
		cw_json_set(cw_json_at(offer, 0), rows[i].member, cw_json_ref(cw_json_at(body, 0)));
		cw_json_free(body);
		why = (struct cw_why){ 0 };
		assert_int_equal(half_take(&m, "m1", offer, &why), CW_E_INVALID);
		assert_string_equal(why.field, rows[i].field);
		body = row("m1");
		assert_int_equal(cw_json_len(cw_json_get(body, "far")), 0);
		cw_json_free(body);
		cw_json_free(offer);
	}
}

static void hostile_shapes(void **state)
{
	static const char *const shapes[] = {
		"[]", "[{}]", "[{},{}]", "[1,2]", "[null,null]", "[[],[]]", "{'a':1,'b':2}", "[{},{},{}]",
		"[{'kind':'ix','id':'a','inner':'169.254.71.2','uplink':'10.9.0.1'}]",
	};
	struct cw_why why;

	(void)state;
	assert_int_equal(prepare("m1", "t", &why), 0);
	for (size_t i = 0; i < CW_COUNT(shapes); i++) {
		struct cw_json *offer = prof_body(shapes[i]);

		assert_int_equal(half_take(&m, "m1", offer, &why), CW_E_INVALID);
		cw_json_free(offer);
	}
	assert_int_equal(half_take(&m, "m1", NULL, &why), CW_E_INVALID);
}

static void one_kind_twice(void **state)
{
	struct cw_json *offer = prof_body("[{'kind':'ne','id':'a','inner':'169.254.72.2','uplink':'10.9.0.1'},"
					  "{'kind':'ne','id':'b','inner':'169.254.72.2','uplink':'10.9.0.2'}]");
	struct cw_why why = { 0 };

	(void)state;
	assert_int_equal(prepare("m1", "t", &why), 0);
	assert_int_equal(half_take(&m, "m1", offer, &why), CW_E_INVALID);
	assert_string_equal(why.field, "kind");
	cw_json_free(offer);
}

/* ---- how it is ---- */

static void a_refusal_is_told(void **state)
{
	struct cw_json *body;
	struct cw_why why = { 0 };

	(void)state;
	half_world_mesh("m1");
	body = row("m1");
	assert_int_equal(half_refused(&m, body, &why), 0);
	half_world_report("m1-ne", "another", "{}");
	assert_int_equal(half_refused(&m, body, &why), 0);
	snprintf(mesh_node_find(m.nodes, "m1-ne")->refusal, MESH_NODE_REFUSAL, "no such bridge");
	assert_int_equal(half_refused(&m, body, &why), CW_E_BLOCKED);
	assert_string_equal(why.object, "appliance m1-ne");
	assert_non_null(strstr(why.rule, "no such bridge"));
	half_world_report("m1-ne", NULL, "{}");                         /* it has taken it after all */
	assert_int_equal(half_refused(&m, body, &why), 0);
	cw_json_free(body);
}

static void migrates(const char *state, const char *from, const char *to)
{
	char sql[400];

	snprintf(sql, sizeof sql, "INSERT OR REPLACE INTO migration VALUES ('mig-1', 'job-1', 'web1', '{\"id\":\"mig-1\","
		 "\"vm\":\"web1\",\"from\":\"%s\",\"to\":\"%s\",\"report\":{\"id\":\"mig-1\",\"state\":\"%s\"}}')", from, to, state);
	half_world_run(sql);
}

static void a_mesh_that_carries_a_migration_stays(void **state)
{
	struct cw_json *body;
	struct cw_why why = { 0 };

	(void)state;
	half_world_mesh("m1");
	body = row("m1");
	assert_int_equal(mesh_svc_idle(&m, body, &why), 0);
	migrates("running", "onprem", "cloud");
	assert_int_equal(mesh_svc_idle(&m, body, &why), CW_E_CONFLICT);
	assert_non_null(strstr(why.rule, "mig-1"));
	migrates("waiting_operator", "cloud", "onprem");
	assert_int_equal(mesh_svc_idle(&m, body, &why), CW_E_CONFLICT);
	migrates("running", "onprem", "far");
	assert_int_equal(mesh_svc_idle(&m, body, &why), 0);
	migrates("succeeded", "onprem", "cloud");
	assert_int_equal(mesh_svc_idle(&m, body, &why), 0);
	migrates("rolled_back", "onprem", "cloud");
	assert_int_equal(mesh_svc_idle(&m, body, &why), 0);
	cw_json_free(body);
}

static void a_mesh_that_is_being_made_stays(void **state)
{
	struct cw_json *body, *data = cw_json_object();
	struct mesh_job *j = NULL;
	struct cw_why why = { 0 };

	(void)state;
	half_world_mesh("m1");
	body = row("m1");
	cw_json_set_str(data, "mesh", "m1");
	assert_int_equal(mesh_job_new(m.jobs, &mesh_svc_create_kind, "mesh", "m2", NULL, "", &j), 0);
	assert_int_equal(mesh_svc_idle(&m, body, &why), 0);
	assert_int_equal(mesh_job_new(m.jobs, &mesh_svc_delete_kind, "mesh", "m1", NULL, "", &j), 0);
	assert_int_equal(mesh_svc_idle(&m, body, &why), 0);
	assert_string_equal(half_state(&m, body), "deleting");
	assert_int_equal(mesh_job_new(m.jobs, &mesh_svc_create_kind, "mesh", "m1", data, "", &j), 0);
	assert_int_equal(mesh_svc_idle(&m, body, &why), CW_E_CONFLICT);
	assert_non_null(strstr(why.rule, j->id));
	cw_json_free(body);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, half_world_setup, half_world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(draws_what_both_appliances_need),
		TEST(exhausted_is_nothing),
		TEST(a_silent_agent_is_waited_for),
		TEST(names_are_judged),
		TEST(the_same_order_again_is_fine),
		TEST(only_its_order_removes_it),
		TEST(nothing_comes_to_what_goes),
		TEST(the_agent_hears_before_the_row_goes),
		TEST(forgets_its_own_and_no_more),
		TEST(a_good_offer_is_kept),
		TEST(hostile_members),
		TEST(hostile_shapes),
		TEST(one_kind_twice),
		TEST(a_refusal_is_told),
		TEST(a_mesh_that_carries_a_migration_stays),
		TEST(a_mesh_that_is_being_made_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
