/* SPDX-License-Identifier: Apache-2.0 */
/* node_world.c - see node_world.h. */
#include "tests/lib/node_world.h"

#include <ftw.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "interconnect/base/file.h"
#include "interconnect/base/log.h"
#include "mesh/mesh_api.h"

struct manager m;
char site_dir[64], node_dir[64];
struct node *node;
struct cw_rpc_server *program;
char *applied;
unsigned n_applied, n_restarts, n_watched;

/* ---- manager ---- */

static void quiet(enum cw_log_level level, const char *line)
{
	if (getenv("LOUD"))
		fprintf(stderr, "%d %s\n", (int)level, line);
}

static void on_request(void *ctx, struct mesh_req *q)
{
	static const char prefix[] = "/node/v1/";
	struct cw_json *body = NULL;
	struct cw_why why = { 0 };
	int r;

	(void)ctx;
	assert_int_equal(strncmp(q->path, prefix, strlen(prefix)), 0);
	if (strcmp(q->path + strlen(prefix), "enrol") != 0)
		mesh_nodes_request(m.nodes, q->path + strlen(prefix), q);
	else if ((r = mesh_node_enrol(m.nodes, q->pin, q->body, &body, &why)) < 0)
		api_fail(q, r, &why);
	else
		api_reply(q, 200, body);
}

/* What managerd.c does when a site is initialised by a request; here it is initialised before there are any. */
int manager_serve(struct manager *x)
{
	return x->tls ? 0 : CW_E_STATE;
}

static void on_watch(void *ctx, const char *name)
{
	(void)ctx;
	n_watched += strcmp(name, "ne-1") == 0;
}

void manager_start(void)
{
	struct cw_endpoint ep = { m.conf.listen.address, (uint16_t)m.conf.listen.port };
	struct cw_why why = { 0 };
	char db[80];

	snprintf(db, sizeof db, "%s/db", site_dir);
	assert_int_equal(mesh_store_open(db, &m.store), 0);
	assert_int_equal(mesh_site_open(&m.site, m.store, &m.conf), 0);
	if (!m.site.tls)
		assert_int_equal(mesh_site_init(&m.site, m.store, &m.conf, "onprem", "here", &why), 0);
	assert_int_equal(cw_rpc_server_bare(m.loop, NULL, 0, &m, &m.calls), 0);
	assert_int_equal(mesh_nodes_new(&m, &m.nodes), 0);
	assert_int_equal(mesh_nodes_watch(m.nodes, on_watch, NULL), 0);
	assert_int_equal(mesh_http_tls(m.loop, &ep, m.site.tls, on_request, NULL, &m.tls), 0);
}

void manager_stop(void)
{
	mesh_nodes_free(cw_steal(&m.nodes));
	mesh_http_free(cw_steal(&m.tls));
	cw_rpc_server_free(cw_steal(&m.calls));
	mesh_site_close(&m.site);
	mesh_store_close(cw_steal(&m.store));
	memset(&m.site, 0, sizeof m.site);
}

/* ---- program ---- */

static void on_show(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct cw_json *o = cw_json_object();

	(void)ctx, (void)request;
	cw_json_set_str(o, "state", "up");
	cw_json_set_int(o, "pid", getpid());
	cw_rpc_reply(call, o);
}

static void on_list(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct cw_json *o = cw_json_object(), *items = cw_json_array(), *t = cw_json_object();

	(void)ctx, (void)request;
	cw_json_set_str(t, "name", "b");
	cw_json_add(items, t);
	cw_json_set(o, "items", items);
	cw_rpc_reply(call, o);
}

/* A noun whose answer never comes: it must hold up none of the others. */
static void on_never(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	(void)ctx, (void)call, (void)request;
}

static const struct cw_rpc_row rows[] = {
	{ "appliance", "show", on_show }, { "tunnel", "list", on_list }, { "extension", "list", on_never },
};

static int on_apply(void *ctx, const struct cw_json *config, struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *old = NULL;
	char *text = NULL;

	(void)ctx;
	if (cw_json_get(config, "bad"))
		return cw_why_set(why, CW_E_INVALID, "program", "bad", "must not be there");
	if (applied) {
		assert_int_equal(cw_json_parse(applied, strlen(applied), &old), 0);
		if (cw_json_get_int(old, "anew", 0) != cw_json_get_int(config, "anew", 0)) {
			n_restarts++;
			return NODE_RESTART;
		}
	}
	assert_int_equal(cw_json_dump(config, false, &text), 0);
	free(applied);
	applied = text;
	n_applied++;
	return 0;
}

void node_start(void)
{
	static const char *const nouns[] = { "appliance", "tunnel", "extension", NULL };
	static const struct node_ops ops = { "ne", nouns, on_apply, false, NULL };
	struct cw_why why = { 0 };

	assert_int_equal(cw_rpc_server_bare(m.loop, rows, CW_COUNT(rows), NULL, &program), 0);
	assert_int_equal(node_new(m.loop, node_dir, &ops, NULL, program, &node, &why), 0);
}

void node_stop(void)
{
	node_free(cw_steal(&node));
	cw_rpc_server_free(cw_steal(&program));
	free(cw_steal(&applied));
}

/* ---- what tests do ---- */

void turn_for(unsigned ms)
{
	uint64_t end = cw_clock_now_ms() + ms;

	while (cw_clock_now_ms() < end)
		assert_int_equal(cw_loop_turn(m.loop, 20), 0);
}

void invite(void)
{
	struct cw_why why = { 0 };
	char path[100], *seed = NULL;

	assert_int_equal(mesh_node_invite(m.nodes, "ne-1", "ne", &seed, &why), 0);
	snprintf(path, sizeof path, "%s/seed.json", node_dir);
	assert_int_equal(cw_file_replace(path, 0600, seed, strlen(seed)), 0);
	free(seed);
}

void joined(void)
{
	invite();
	node_start();
	until(mesh_node_is_up(m.nodes, "ne-1") && mesh_node_report(m.nodes, "ne-1", "appliance"));
}

struct cw_json *parse(const char *text)
{
	struct cw_json *j = NULL;

	assert_int_equal(cw_json_parse(text, strlen(text), &j), 0);
	return j;
}

int want(const char *config, const char *files)
{
	return mesh_node_want(m.nodes, "ne-1", parse(config), files ? parse(files) : NULL);
}

bool settled(void)
{
	return mesh_node_is_settled(m.nodes, "ne-1", NULL);
}

const char *file(const char *name, char buf[8192])
{
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	char path[200];
	size_t size = 0;

	snprintf(path, sizeof path, "%s/%s", node_dir, name);
	buf[0] = '\0';
	if (cw_file_read(path, 8000, &text, &size) == 0)
		snprintf(buf, 8192, "%s", text);
	return buf;
}

/* ---- setup ---- */

static uint16_t free_port(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof sa;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
	close(fd);
	return ntohs(sa.sin_port);
}

int node_world_setup(void **state)
{
	char yaml[300];
	struct cw_why why = { 0 };

	(void)state;
	snprintf(site_dir, sizeof site_dir, "/tmp/causeway-site.XXXXXX");
	snprintf(node_dir, sizeof node_dir, "/tmp/causeway-node.XXXXXX");
	if (!mkdtemp(site_dir) || !mkdtemp(node_dir))
		return -1;
	memset(&m, 0, sizeof m);
	snprintf(yaml, sizeof yaml,
		 "state: %s\nlisten: {address: 127.0.0.1, port: %u}\nsocket: %s/s\ntoken: %s/token\n", site_dir,
		 free_port(), site_dir, site_dir);
	if (mesh_conf_parse("yaml", yaml, &m.conf, &why) < 0 || cw_loop_new(&m.loop) < 0)
		return -1;
	cw_log_set_sink(quiet);
	n_applied = n_restarts = n_watched = 0;
	manager_start();
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

int node_world_teardown(void **state)
{
	(void)state;
	node_stop();
	if (m.store)
		manager_stop();
	cw_loop_free(m.loop);
	mesh_conf_free(&m.conf);
	return nftw(site_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS) |
	       nftw(node_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
