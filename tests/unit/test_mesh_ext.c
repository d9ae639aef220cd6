/* SPDX-License-Identifier: Apache-2.0 */
/* test_mesh_ext.c - extensions: numbers, names, by whose order, and who is told. */
#include <stdio.h>

#include "mesh/mesh_ext.h"
#include "tests/lib/half_world.h"

static int prepare(const char *mesh, const char *bridge, int64_t vni, const char *token, struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = cw_json_object();

	*why = (struct cw_why){ 0 };
	cw_json_set_str(body, "mesh", mesh);
	cw_json_set_str(body, "bridge", bridge);
	cw_json_set_str(body, "remote_bridge", bridge);
	cw_json_set_str(body, "token", token);
	cw_json_set_int(body, "vni", vni);
	return mesh_ext_prepare(&m, body, why);
}

static struct cw_json *row(const char *name)
{
	struct cw_json *body = NULL;

	assert_int_equal(mesh_ext_load(&m, name, &body), 1);
	return body;
}

static void deleting(const char *name)
{
	struct cw_json *body = row(name);

	cw_json_set_str(body, "state", "deleting");
	assert_int_equal(mesh_ext_save(&m, body), 0);
	cw_json_free(body);
}

static int64_t free_vni(const char *mesh)
{
	int64_t vni = 0;

	assert_int_equal(mesh_ext_free_vni(&m, mesh, &vni), 0);
	return vni;
}

static void the_first_free_number(void **state)
{
	(void)state;
	assert_int_equal(free_vni("m1"), 101);
	half_world_run("INSERT INTO extension VALUES ('a', 'm1', 'a', 101, '{}', 1), ('b', 'm1', 'b', 103, '{}', 1),"
		       " ('c', 'm1', 'c', 5, '{}', 1), ('d', 'm2', 'd', 102, '{}', 1)");
	assert_int_equal(free_vni("m1"), 102);
	assert_int_equal(free_vni("m2"), 101);
	assert_int_equal(free_vni("m3"), 101);
	half_world_run("UPDATE extension SET vni = 102 WHERE name = 'c'");
	assert_int_equal(free_vni("m1"), 104);
	half_world_run("UPDATE extension SET vni = 100 WHERE name = 'a'");
	assert_int_equal(free_vni("m1"), 101);
}

static void the_same_order_again_is_fine(void **state)
{
	struct cw_why why;

	(void)state;
	half_world_mesh("m1");
	assert_int_equal(prepare("m1", "br-web", 101, "t", &why), 0);
	assert_int_equal(prepare("m1", "br-web", 101, "t", &why), 0);
	assert_int_equal(prepare("m1", "br-web", 101, "u", &why), CW_E_CONFLICT);
	assert_string_equal(why.field, "bridge");
	assert_int_equal(prepare("m1", "br-web", 102, "u", &why), CW_E_CONFLICT);
	assert_int_equal(prepare("m1", "br-db", 101, "u", &why), CW_E_CONFLICT);
	assert_string_equal(why.field, "vni");
	assert_int_equal(half_world_count("SELECT count(*) FROM extension"), 1);
	deleting("br-web");
	assert_int_equal(prepare("m1", "br-web", 101, "t", &why), CW_E_CONFLICT);
	assert_string_equal(why.field, "state");
}

static int said;

static void on_done(void *ctx, int r, const struct cw_why *why)
{
	(void)ctx;
	(void)why;
	said = r;
}

static int wait_said(void)
{
	assert_int_equal(said, 1);                              /* never from inside */
	while (said == 1)
		assert_int_equal(cw_loop_turn(m.loop, 20), 0);
	return said;
}

static int detach_by(const char *token)
{
	said = 1;
	mesh_ext_detach(&m, "br-web", token, on_done, NULL);
	return wait_said();
}

static void only_its_order_removes_it(void **state)
{
	struct cw_why why;
	struct cw_json *body;

	(void)state;
	assert_int_equal(detach_by("t"), 0);
	half_world_mesh("m1");
	assert_int_equal(prepare("m1", "br-web", 101, "t", &why), 0);
	assert_int_equal(detach_by("u"), 0);
	assert_int_equal(detach_by(""), 0);
	body = row("br-web");
	assert_int_equal(mesh_ext_alive(body, &why), 0);
	cw_json_free(body);
	assert_int_equal(detach_by("t"), CW_E_UNREACHABLE);     /* there is no helper here */
	body = row("br-web");
	assert_int_equal(mesh_ext_alive(body, &why), CW_E_CONFLICT);
	cw_json_free(body);
	said = 1;
	mesh_ext_attach(&m, "br-web", on_done, NULL);
	assert_int_equal(wait_said(), CW_E_CONFLICT);
}

static void what_is_refused(void **state)
{
	struct cw_why why;

	(void)state;
	assert_int_equal(prepare("m1", "br-web", 101, "t", &why), CW_E_NOT_FOUND);
	half_world_mesh("m1");
	assert_int_equal(prepare("m1", "br-mgmt", 101, "t", &why), CW_E_BLOCKED);
	assert_string_equal(why.field, "bridge");
	assert_int_equal(prepare("m1", "", 101, "t", &why), CW_E_BLOCKED);
	assert_int_equal(prepare("m1", "br-web", 0, "t", &why), CW_E_INVALID);
	assert_int_equal(prepare("m1", "br-web", -1, "t", &why), CW_E_INVALID);
	assert_int_equal(prepare("m1", "br-web", 0x1000000, "t", &why), CW_E_INVALID);
	assert_string_equal(why.field, "vni");
	assert_int_equal(half_world_count("SELECT count(*) FROM extension"), 0);
	assert_int_equal(prepare("m1", "br-web", 0xffffff, "t", &why), 0);
}

/* After a start of the manager its appliances have not reported: an order is refused, a job goes on. */
static void a_mesh_that_is_not_heard(void **state)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = prof_body("{'mesh':'m1','bridge':'br-web','vni':101}"), *mesh = NULL;
	struct mesh_node *ne;
	struct cw_why why = { 0 };

	(void)state;
	half_world_mesh("m1");
	ne = mesh_node_find(m.nodes, "m1-ne");
	cw_json_free(cw_steal(&ne->report));
	assert_int_equal(mesh_ext_check(&m, body, &why), CW_E_BLOCKED);
	assert_int_equal(prepare("m1", "br-web", 101, "t", &why), 0);
	assert_int_equal(half_need(&m, "m1", &mesh, &why), 0);
	assert_int_equal(half_retire(&m, mesh), 0);
	assert_int_equal(prepare("m1", "br-db", 102, "t", &why), CW_E_CONFLICT);
	assert_string_equal(why.field, "mesh");
}

static void devices_have_names_of_their_own(void **state)
{
	static const char *const bridges[] = { "br-web", "br-abcdefghijk1", "br-abcdefghijk2", "br-abcdefghijkl" };
	char tap[CW_COUNT(bridges)][32];
	struct cw_why why;

	(void)state;
	half_world_mesh("m1");
	for (size_t i = 0; i < CW_COUNT(bridges); i++) {
		struct cw_json *body;

		assert_int_equal(prepare("m1", bridges[i], 101 + (int64_t)i, "t", &why), 0);
		body = row(bridges[i]);
		snprintf(tap[i], sizeof tap[i], "%s", cw_json_get_str(body, "tap", ""));
		cw_json_free(body);
		assert_true(strlen(tap[i]) <= 15);
		assert_memory_equal(tap[i], "cw-", 3);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(tap[i], tap[k]);
	}
	assert_string_equal(tap[0], "cw-br-web");
}

static void who_goes_is_not_told_of(void **state)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *ne = cw_json_array(), *agent = cw_json_array(), *after = cw_json_array();
	struct cw_why why;

	(void)state;
	half_world_mesh("m1");
	assert_int_equal(prepare("m1", "br-web", 101, "t", &why), 0);
	assert_int_equal(prepare("m1", "br-db", 102, "t", &why), 0);
	assert_int_equal(mesh_ext_conf_list(&m, "m1", "cloud", ne), 0);
	assert_int_equal(mesh_ext_agent_list(&m, "m1", "cloud", agent), 0);
	assert_int_equal(cw_json_len(ne), 2);
	assert_int_equal(cw_json_len(agent), 2);
	assert_string_equal(cw_json_get_str(cw_json_at(ne, 1), "tap", ""), "cw-br-web");
	deleting("br-db");
	assert_int_equal(mesh_ext_conf_list(&m, "m1", "cloud", after), 0);
	assert_int_equal(mesh_ext_agent_list(&m, "m1", "cloud", after), 0);
	assert_int_equal(cw_json_len(after), 2);                /* one each */
	assert_string_equal(cw_json_get_str(cw_json_at(after, 0), "name", ""), "br-web");
}

static void found_by_what_both_sites_know(void **state)
{
	struct cw_json *body = NULL;
	struct cw_why why;

	(void)state;
	half_world_mesh("m1");
	assert_int_equal(prepare("m1", "br-web", 101, "t", &why), 0);
	assert_int_equal(mesh_ext_by_vni(&m, "m1", 102, &body), 0);
	assert_int_equal(mesh_ext_by_vni(&m, "m2", 101, &body), 0);
	assert_int_equal(mesh_ext_by_vni(&m, "m1", 101, &body), 1);
	assert_string_equal(cw_json_get_str(body, "name", ""), "br-web");
	cw_json_free(body);
	assert_int_equal(mesh_ext_delete(&m, "br-web"), 0);
	assert_int_equal(mesh_ext_delete(&m, "br-web"), 0);
	assert_int_equal(mesh_ext_load(&m, "br-web", &body), 0);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, half_world_setup, half_world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_first_free_number),
		TEST(the_same_order_again_is_fine),
		TEST(only_its_order_removes_it),
		TEST(what_is_refused),
		TEST(a_mesh_that_is_not_heard),
		TEST(devices_have_names_of_their_own),
		TEST(who_goes_is_not_told_of),
		TEST(found_by_what_both_sites_know),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
