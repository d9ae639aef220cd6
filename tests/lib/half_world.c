/* SPDX-License-Identifier: Apache-2.0 */
/* half_world.c - see half_world.h. */
#include "tests/lib/half_world.h"

#include <stdio.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/log.h"
#include "mesh/mesh_calls.h"
#include "mesh/mesh_event.h"
#include "mesh/mesh_ext.h"
#include "mesh/mesh_help.h"
#include "mesh/mesh_move.h"
#include "mesh/mesh_pair.h"
#include "mesh/mesh_peer.h"
#include "mesh/mesh_svc.h"

struct manager m;
static struct tmp_dir dir;

static const struct mesh_job_kind *const kinds[] = {
	&mesh_svc_create_kind, &mesh_svc_delete_kind, &mesh_ext_create_kind, &mesh_ext_delete_kind, &mesh_move_kind
};

static void quiet(enum cw_log_level level, const char *line)
{
	(void)level;
	(void)line;
}

/* What a request would do once the site is initialised; there is no listener here. */
int manager_serve(struct manager *x)
{
	(void)x;
	return 0;
}

static void pairing(int64_t id, const char *site)
{
	struct mesh_pairing p = { .state = "paired", .inviter = 1, .local_ok = 1, .remote_ok = 1 };

	snprintf(p.invite_id, sizeof p.invite_id, "%016lld", (long long)id);
	snprintf(p.peer_name, sizeof p.peer_name, "%s", site);
	snprintf(p.peer_id, sizeof p.peer_id, "%032lld", (long long)id);
	snprintf(p.peer_pin, sizeof p.peer_pin, "%064lld", (long long)id);
	snprintf(p.ppk, sizeof p.ppk, "%064lld", (long long)id);
	snprintf(p.peer_ca, sizeof p.peer_ca, "%s", m.site.ca);
	assert_int_equal(mesh_store_put(m.store, &p), 0);
}

static void profiles(void)
{
	static const char *const functions[] = { "uplink", "management", "vmotion", "replication" };
	struct cw_db *db = mesh_store_db(m.store);
	struct cw_json *cp;
	char function[32], range[64];

	for (size_t i = 0; i < CW_COUNT(functions); i++) {
		snprintf(function, sizeof function, "'%s'", functions[i]);
		snprintf(range, sizeof range, "'192.168.%zu.10-192.168.%zu.13'", i + 1, i + 1);
		assert_int_equal(prof_body_net(db, functions[i], function, 24, range, NULL), 0);
	}
	cp = prof_body("{'name':'cp','services':['ix','ne'],'host':'kvm1','pool':'default','networks':{'uplink':'uplink',"
		       "'management':'management','vmotion':'vmotion','replication':'replication'},"
		       "'extendable':['br-web','br-db','br-abcdefghijk1','br-abcdefghijk2','br-abcdefghijkl']}");
	assert_int_equal(prof_compute_create(db, cp, false, NULL), 0);
	cw_json_free(cp);
}

static void node(const char *name, const char *kind)
{
	CW_AUTO(cw_free_cleanup) char *seed = NULL;
	struct cw_why why = { 0 };

	assert_int_equal(mesh_node_invite(m.nodes, name, kind, &seed, &why), 0);
}

int half_world_setup(void **state)
{
	char yaml[512];
	struct cw_why why = { 0 };

	(void)state;
	cw_log_set_sink(quiet);
	memset(&m, 0, sizeof m);
	dir = tmp_dir_make();
	snprintf(yaml, sizeof yaml, "state: %s\nlisten: {address: 127.0.0.1, port: 9}\nsocket: %s/s\ntoken: %s/token\n",
		 dir.path, dir.path, dir.path);
	assert_int_equal(mesh_conf_parse("yaml", yaml, &m.conf, &why), 0);
	assert_int_equal(cw_loop_new(&m.loop), 0);
	assert_int_equal(mesh_store_open(tmp_dir_file(&dir, "db"), &m.store), 0);
	assert_int_equal(mesh_site_open(&m.site, m.store, &m.conf), 0);
	assert_int_equal(mesh_site_init(&m.site, m.store, &m.conf, "onprem", "", &why), 0);
	pairing(1, "cloud");
	pairing(2, "far");
	assert_int_equal(mesh_help_new(m.loop, tmp_dir_file(&dir, "none"), &m.help), 0);
	assert_int_equal(mesh_events_new(m.loop, m.store, &m.events), 0);
	assert_int_equal(mesh_calls_new(&m), 0);
	assert_int_equal(mesh_nodes_new(&m, &m.nodes), 0);
	assert_int_equal(mesh_jobs_new(&m, kinds, CW_COUNT(kinds), &m.jobs), 0);
	assert_int_equal(mesh_pair_new(m.loop, m.store, &m.site, &m.conf, &m.pair), 0);
	assert_int_equal(mesh_peers_new(&m, &m.peers), 0);
	profiles();
	node("kvm1", "agent");
	half_world_report("kvm1", NULL, "{'host':{'addresses':['10.0.0.1/8','192.168.3.70/24']}}");
	return 0;
}

int half_world_teardown(void **state)
{
	(void)state;
	mesh_nodes_free(m.nodes);
	mesh_peers_free(m.peers);
	cw_rpc_server_free(m.calls);
	mesh_pair_free(m.pair);
	mesh_help_free(m.help);
	mesh_jobs_free(m.jobs);
	mesh_events_free(m.events);
	mesh_site_close(&m.site);
	mesh_store_close(m.store);
	cw_loop_free(m.loop);
	mesh_conf_free(&m.conf);
	tmp_dir_remove(&dir);
	cw_log_set_sink(NULL);
	return 0;
}

void half_world_report(const char *name, const char *hash, const char *nouns)
{
	struct mesh_node *x = mesh_node_find(m.nodes, name);
	struct cw_json *o = cw_json_object();

	assert_non_null(x);
	cw_json_set_str(o, "hash", hash ? hash : x->row.wanted_hash);
	cw_json_set(o, "nouns", prof_body(nouns));
	cw_json_free(x->report);
	x->report = o;
	x->reported_ms = cw_clock_now_ms();
}

const char *half_world_wanted(const char *name)
{
	const struct mesh_node *x = mesh_node_find(m.nodes, name);

	return x && x->row.wanted ? x->row.wanted : "";
}

int64_t half_world_count(const char *sql)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;

	assert_int_equal(cw_db_prepare(mesh_store_db(m.store), sql, &st), 0);
	assert_int_equal(cw_stmt_step(st), 1);
	return cw_stmt_int(st, 0);
}

void half_world_run(const char *sql)
{
	assert_int_equal(cw_db_run(mesh_store_db(m.store), sql), 0);
}

struct half_order half_world_order(const char *name, const char *token)
{
	return (struct half_order){
		.name = name, .site = "cloud", .local = "cp", .remote = "cp2", .token = token, .maker = true
	};
}

struct cw_json *half_world_offer(void)
{
	return prof_body("[{'kind':'ix','name':'m1-ix','id':'m1-ix.cloud','inner':'169.254.71.2','uplink':'10.9.0.1'},"
			 "{'kind':'ne','name':'m1-ne','id':'m1-ne.cloud','inner':'169.254.72.2','uplink':'10.9.0.2'}]");
}

void half_world_mesh(const char *name)
{
	static const char *const kinds_of[] = { "ix", "ne" };
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL, *offer = half_world_offer();
	struct half_order o = half_world_order(name, "t");
	struct cw_why why = { 0 };
	char node_name[64];

	assert_int_equal(half_prepare(&m, &o, &why), 0);
	assert_int_equal(half_take(&m, name, offer, &why), 0);
	assert_int_equal(half_need(&m, name, &body, &why), 0);
	cw_json_set_str(body, "state", "up");
	assert_int_equal(half_save(&m, body), 0);
	for (size_t i = 0; i < CW_COUNT(kinds_of); i++) {
		snprintf(node_name, sizeof node_name, "%s-%s", name, kinds_of[i]);
		node(node_name, kinds_of[i]);
	}
	assert_int_equal(half_want(&m, body), 0);
	for (size_t i = 0; i < CW_COUNT(kinds_of); i++) {
		snprintf(node_name, sizeof node_name, "%s-%s", name, kinds_of[i]);
		half_world_report(node_name, NULL, "{'tunnel':{'items':[{'name':'cloud','state':'up'}]}}");
	}
}
