/* SPDX-License-Identifier: Apache-2.0 */
/* test_mesh_node.c - a node and its manager: enrolment, configuration, reports, and each of them away. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interconnect/base/crypt.h"
#include "interconnect/base/crypt_issue.h"
#include "interconnect/base/file.h"
#include "interconnect/base/hex.h"
#include "tests/lib/node_world.h"

/* ---- the whole way ---- */

static void certificate_is_right(void)
{
	struct cw_cert *ca = NULL, *cert = NULL;
	struct cw_key *key = NULL;
	char path[NODE_PATH];
	struct timespec now;
	int64_t from = 0, until_s = 0;

	cw_clock_wall(&now);
	assert_int_equal(cw_cert_load(node_path(node_dir, "site.crt", path), &ca), 0);
	assert_int_equal(cw_cert_load(node_path(node_dir, "node.crt", path), &cert), 0);
	assert_int_equal(cw_key_load(node_path(node_dir, "node.key", path), &key), 0);
	assert_int_equal(cw_cert_verify(cert, NULL, 0, ca, now.tv_sec, NULL), 0);
	assert_true(cw_cert_has_dns(cert, "ne-1.onprem"));
	assert_true(cw_cert_fits_key(cert, key));
	assert_int_equal(cw_cert_valid(cert, &from, &until_s), 0);
	assert_true(until_s - now.tv_sec > 364 * 86400 && until_s - now.tv_sec <= 365 * 86400);
	cw_key_free(key);
	cw_cert_free(cert);
	cw_cert_free(ca);
}

static void enrols_and_reports(void **state)
{
	char text[8192], path[NODE_PATH];
	struct stat st;

	(void)state;
	joined();
	certificate_is_right();
	assert_null(strstr(file("seed.json", text), "token"));
	assert_non_null(strstr(text, "\"pin\""));
	assert_int_equal(stat(node_path(node_dir, "node.key", path), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_string_equal(cw_json_get_str(mesh_node_report(m.nodes, "ne-1", "appliance"), "state", ""), "up");
	assert_int_equal(cw_json_len(cw_json_get(mesh_node_report(m.nodes, "ne-1", "tunnel"), "items")), 1);
	assert_null(mesh_node_report(m.nodes, "ne-1", "extension"));    /* it never answers */
	assert_null(mesh_node_report(m.nodes, "ne-2", "tunnel"));
	assert_true(settled());                                         /* nothing is wanted */
	assert_true(n_watched >= 2);
}

static void is_configured(void **state)
{
	char text[8192], path[NODE_PATH];
	struct stat st;

	(void)state;
	joined();
	assert_int_equal(want("{\"x\":1}", "{\"far-ca.crt\":\"CA\",\"ppk.txt\":\"PPK\"}"), 0);
	until(settled());
	assert_string_equal(applied, "{\"x\":1}");
	assert_string_equal(file("far-ca.crt", text), "CA");
	assert_int_equal(stat(node_path(node_dir, "ppk.txt", path), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* The same again is no change; another is, and files that are not named any more go. */
	assert_int_equal(want("{\"x\":1}", "{\"far-ca.crt\":\"CA\",\"ppk.txt\":\"PPK\"}"), 0);
	assert_int_equal(want("{\"x\":2}", "{\"far-ca.crt\":\"CA\",\"ppk.txt\":\"PPK\"}"), 0);
	assert_false(settled());
	until(settled());
	assert_int_equal(n_applied, 2);
	assert_int_equal(n_restarts, 0);
}

static void wanted_before_it_is_there(void **state)
{
	(void)state;
	invite();
	assert_int_equal(want("{\"x\":1}", NULL), 0);
	node_start();
	until(settled());
	assert_string_equal(applied, "{\"x\":1}");
	assert_int_equal(n_applied, 1);
}

static void the_last_one_counts(void **state)
{
	char text[40];

	(void)state;
	joined();
	for (int i = 0; i < 20; i++) {
		snprintf(text, sizeof text, "{\"x\":%d}", i);
		assert_int_equal(want(text, NULL), 0);
		assert_int_equal(cw_loop_turn(m.loop, 5), 0);
	}
	until(settled());
	assert_string_equal(applied, "{\"x\":19}");
}

/* ---- refusals ---- */

static bool is_refused(void)
{
	const char *why = NULL;

	return !mesh_node_is_settled(m.nodes, "ne-1", &why) && why && strstr(why, "must not be there");
}

static void refuses_and_goes_on(void **state)
{
	char before[8192], after[8192];
	const char *why = "";

	(void)state;
	joined();
	assert_int_equal(want("{\"x\":1}", "{\"f\":\"one\"}"), 0);
	until(settled());
	file("config.json", before);
	assert_int_equal(want("{\"bad\":1}", "{\"f\":\"two\",\"g\":\"new\"}"), 0);
	until(is_refused());
	assert_string_equal(applied, "{\"x\":1}");
	assert_string_equal(file("config.json", after), before);
	assert_string_equal(file("f", after), "one");
	assert_string_equal(file("g", after), "");
	assert_int_equal(want("{\"x\":1}", "{\"f\":\"one\"}"), 0);
	until(settled());
	assert_true(mesh_node_is_settled(m.nodes, "ne-1", &why));
	assert_null(why);
}

static void the_first_is_refused(void **state)
{
	char text[8192];

	(void)state;
	joined();
	assert_int_equal(want("{\"bad\":1}", "{\"f\":\"one\"}"), 0);
	until(is_refused());
	assert_string_equal(file("config.json", text), "");
	assert_string_equal(file("f", text), "");
	node_stop();
	node_start();
	until(mesh_node_is_up(m.nodes, "ne-1"));
	assert_null(applied);
}

/* What the node misses may come: it is tried again, later and later, without anybody asking. */
static void is_tried_again(void **state)
{
	(void)state;
	joined();
	assert_int_equal(want("{\"bad\":1}", NULL), 0);
	until(is_refused());
	assert_true(mesh_node_find(m.nodes, "ne-1")->waiting);
	turn_for(1300);
	assert_int_equal(mesh_node_find(m.nodes, "ne-1")->wait_ms, 2000);
}

static struct reply {
	unsigned n;
	int r;
	struct cw_why why;
	char text[4096];
} reply;

static void on_reply(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct reply *p = ctx;

	p->n++;
	p->r = r;
	if (why)
		p->why = *why;
	snprintf(p->text, sizeof p->text, "%s", cw_json_get_str(body, "cert", ""));
}

static void names_of_files(void **state)
{
	static const char *const bad[] = {
		"{\"files\":{}}",
		"{\"config\":[],\"files\":{}}",
		"{\"config\":{},\"files\":[]}",
		"{\"config\":{},\"files\":{\"../x\":\"\"}}",
		"{\"config\":{},\"files\":{\"a/b\":\"\"}}",
		"{\"config\":{},\"files\":{\"\":\"\"}}",
		"{\"config\":{},\"files\":{\".x\":\"\"}}",
		"{\"config\":{},\"files\":{\"node.key\":\"\"}}",
		"{\"config\":{},\"files\":{\"seed.json\":\"\"}}",
		"{\"config\":{},\"files\":{\"config.json\":\"\"}}",
		"{\"config\":{},\"files\":{\"place.json\":\"\"}}",
		"{\"config\":{},\"files\":{\"agent.db-wal\":\"\"}}",
		"{\"config\":{},\"files\":{\"x.new\":\"\"}}",
		"{\"config\":{},\"files\":{\"x\":1}}",
		"{\"config\":{},\"files\":{\"x y\":\"\"}}",
		"{\"config\":{},\"files\":{\"x\\n\":\"\"}}",
		("{\"config\":{},\"files\":{\"1\":\"\",\"2\":\"\",\"3\":\"\",\"4\":\"\",\"5\":\"\","
		 "\"6\":\"\",\"7\":\"\",\"8\":\"\",\"9\":\"\"}}"),
	};

	(void)state;
	joined();
	for (size_t i = 0; i < CW_COUNT(bad); i++) {
		reply = (struct reply){ 0 };
		assert_int_equal(mesh_node_ask(m.nodes, "ne-1", "node", "configure", NULL, parse(bad[i]), 5000,
					       on_reply, &reply),
				 0);
		until(reply.n == 1);
		if (reply.r != CW_E_INVALID && reply.r != CW_E_LIMIT)
			fail_msg("%s: %d", bad[i], reply.r);
		assert_string_equal(reply.why.object, "node");
		assert_true(reply.why.field[0]);
	}
	assert_null(applied);
}

/* Only the manager's line may say what the node is. */
static void others_do_not_configure(void **state)
{
	struct cw_rpc_client *c = NULL;
	int fds[2];

	(void)state;
	joined();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(cw_rpc_server_accept(program, fds[0], NULL), 0);
	assert_int_equal(cw_rpc_client_new(m.loop, fds[1], &c), 0);
	reply = (struct reply){ 0 };
	assert_int_equal(
		cw_rpc_client_ask(c, "node", "configure", NULL, parse("{\"config\":{}}"), 5000, on_reply, &reply), 0);
	until(reply.n == 1);
	assert_int_equal(reply.r, CW_E_FORBIDDEN);
	assert_null(applied);
	cw_rpc_client_free(c);
}

/* ---- starting anew ---- */

static void starts_anew(void **state)
{
	(void)state;
	joined();
	assert_int_equal(want("{\"anew\":1}", NULL), 0);
	until(settled());
	assert_int_equal(want("{\"anew\":2}", NULL), 0);
	until(n_restarts > 0);
	turn_for(300);
	assert_false(settled());                /* it is not true before the program runs with it */
	assert_string_equal(applied, "{\"anew\":1}");
	node_stop();
	node_start();
	until(settled());
	assert_string_equal(applied, "{\"anew\":2}");
}

static void another_file_starts_anew(void **state)
{
	char text[8192];

	(void)state;
	joined();
	assert_int_equal(want("{\"x\":1}", "{\"ca\":\"one\"}"), 0);
	until(settled());
	assert_int_equal(want("{\"x\":1}", "{\"ca\":\"two\"}"), 0);
	until(strcmp(file("ca", text), "two") == 0);
	turn_for(1200);
	assert_false(settled());
	node_stop();
	node_start();
	until(settled());
}

static void the_manager_is_away(void **state)
{
	char path[NODE_PATH], text[8192];

	(void)state;
	joined();
	assert_int_equal(want("{\"x\":1}", "{\"ca\":\"one\"}"), 0);
	until(settled());
	node_stop();
	manager_stop();
	/* What a crash between the files and config.json leaves is mended. */
	assert_int_equal(cw_file_replace(node_path(node_dir, "ca", path), 0600, "half", 4), 0);
	node_start();
	until(applied);
	assert_string_equal(applied, "{\"x\":1}");
	assert_string_equal(file("ca", text), "one");
	turn_for(300);
	manager_start();
	until(settled());
	assert_int_equal(n_applied, 2);
}

static void the_manager_starts_anew(void **state)
{
	(void)state;
	joined();
	manager_stop();
	manager_start();
	assert_int_equal(want("{\"x\":1}", NULL), 0);
	manager_stop();
	manager_start();
	until(settled());
	assert_string_equal(applied, "{\"x\":1}");
}

static void a_folder_that_cannot_be_read(void **state)
{
	char path[NODE_PATH];

	(void)state;
	joined();
	assert_int_equal(want("{\"x\":1}", NULL), 0);
	until(settled());
	node_stop();
	assert_int_equal(cw_file_replace(node_path(node_dir, "config.json", path), 0600, "{\"con", 5), 0);
	node_start();
	until(applied && settled());
	assert_string_equal(applied, "{\"x\":1}");
}

static void a_silent_node_is_stale(void **state)
{
	(void)state;
	joined();
	assert_non_null(mesh_node_report(m.nodes, "ne-1", "appliance"));
	mesh_node_find(m.nodes, "ne-1")->reported_ms -= MESH_NODE_STALE_MS + 1;
	node_stop();
	assert_null(mesh_node_report(m.nodes, "ne-1", "appliance"));
	assert_non_null(mesh_node_last(m.nodes, "ne-1", "appliance"));
	assert_false(settled());
}

/* ---- tokens ---- */

struct stranger {
	char key[100];
	uint8_t pin[32], spki[CW_ISSUE_SPKI_MAX];
	size_t size;
};

static struct stranger stranger(const char *name)
{
	struct stranger s;

	snprintf(s.key, sizeof s.key, "%s/%s", node_dir, name);
	assert_int_equal(cw_issue_key(s.key), 0);
	assert_int_equal(cw_issue_spki(s.key, s.spki, &s.size), 0);
	assert_int_equal(cw_hash(CW_HASH_SHA256, &(struct cw_span){ s.spki, s.size }, 1, s.pin), 0);
	return s;
}

/* Enrols NAME as S, whose connection shows the key of PIN. */
static int enrol_as(const struct stranger *s, const uint8_t pin[32], const char *name, const char *token)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = cw_json_object();
	CW_AUTO(cw_json_cleanup) struct cw_json *answer = NULL;
	char spki[2 * CW_ISSUE_SPKI_MAX + 1];
	struct cw_why why = { 0 };
	int r;

	cw_json_set_str(body, "name", name);
	cw_json_set_str(body, "token", token);
	cw_json_set_str(body, "key", cw_hex_text(s->spki, s->size, spki));
	r = mesh_node_enrol(m.nodes, pin, body, &answer, &why);
	assert_int_equal(r == 0, answer != NULL);
	assert_true(r == 0 || why.field[0]);
	if (r == 0)
		assert_non_null(strstr(cw_json_get_str(answer, "ca", ""), "BEGIN CERTIFICATE"));
	return r;
}

static void token_of(char ret[65])
{
	CW_AUTO(cw_json_cleanup) struct cw_json *seed = NULL;
	struct cw_why why = { 0 };
	char *text = NULL;

	assert_int_equal(mesh_node_invite(m.nodes, "ne-1", "ne", &text, &why), 0);
	seed = parse(text);
	snprintf(ret, 65, "%s", cw_json_get_str(seed, "token", ""));
	assert_int_equal(strlen(ret), 64);
	free(text);
}

static void tokens(void **state)
{
	struct stranger a = stranger("a"), b = stranger("b");
	char token[65], bad[65], old[65];

	(void)state;
	token_of(old);
	token_of(token);
	snprintf(bad, sizeof bad, "%s", token);
	bad[63] = bad[63] == '0' ? '1' : '0';
	assert_int_equal(enrol_as(&a, a.pin, "ne-1", bad), CW_E_FORBIDDEN);
	assert_int_equal(enrol_as(&a, a.pin, "ne-1", ""), CW_E_FORBIDDEN);
	assert_int_equal(enrol_as(&a, a.pin, "ne-1", old), CW_E_FORBIDDEN);     /* void since the second invitation */
	assert_int_equal(enrol_as(&a, a.pin, "ne-2", token), CW_E_FORBIDDEN);
	assert_int_equal(mesh_nodes_refused(m.nodes), 4);
	assert_int_equal(enrol_as(&a, b.pin, "ne-1", token), CW_E_INVALID);     /* the key of another connection */
	assert_int_equal(enrol_as(&a, a.pin, "ne-1", token), 0);
	assert_int_equal(enrol_as(&b, b.pin, "ne-1", token), CW_E_FORBIDDEN);   /* raced: one wins */
	assert_int_equal(enrol_as(&a, a.pin, "ne-1", token), 0);                /* its answer was lost */
	manager_stop();
	manager_start();
	assert_int_equal(enrol_as(&b, b.pin, "ne-1", token), CW_E_FORBIDDEN);
	assert_int_equal(enrol_as(&a, a.pin, "ne-1", token), 0);
	assert_int_equal(enrol_as(&a, a.pin, "ne-1", bad), CW_E_FORBIDDEN);     /* the key alone is nothing */
	assert_int_equal(mesh_nodes_refused(m.nodes), 2);
}

static void an_old_token(void **state)
{
	struct stranger a = stranger("a");
	char token[65];

	(void)state;
	token_of(token);
	mesh_node_find(m.nodes, "ne-1")->row.expires -= MESH_NODE_TOKEN_S;
	assert_int_equal(enrol_as(&a, a.pin, "ne-1", token), CW_E_FORBIDDEN);
	token_of(token);
	assert_int_equal(enrol_as(&a, a.pin, "ne-1", token), 0);
	mesh_node_find(m.nodes, "ne-1")->row.expires -= MESH_NODE_TOKEN_S;
	assert_int_equal(enrol_as(&a, a.pin, "ne-1", token), 0); /* the answer may have been lost for long */
}

static void one_key_is_one_node(void **state)
{
	struct stranger a = stranger("a");
	struct cw_why why = { 0 };
	char token[65], *seed = NULL;
	CW_AUTO(cw_json_cleanup) struct cw_json *j = NULL;

	(void)state;
	token_of(token);
	assert_int_equal(enrol_as(&a, a.pin, "ne-1", token), 0);
	assert_int_equal(mesh_node_invite(m.nodes, "host", "agent", &seed, &why), 0);
	j = parse(seed);
	assert_int_equal(enrol_as(&a, a.pin, "host", cw_json_get_str(j, "token", "")), CW_E_FORBIDDEN);
	free(seed);
}

static void who_is_invited(void **state)
{
	static const struct {
		const char *name, *kind;
		int r;
	} rows[] = {
		{ "ne-1", "ix", CW_E_CONFLICT }, { "ne-1", "ne", CW_E_CONFLICT }, { "", "ne", CW_E_INVALID },
		{ "a/b", "ne", CW_E_INVALID },	 { "a", "router", CW_E_INVALID }, { "a,DNS:b", "ne", CW_E_INVALID },
	};
	struct stranger a = stranger("a");
	char token[65], *seed = NULL;

	(void)state;
	token_of(token);
	assert_int_equal(enrol_as(&a, a.pin, "ne-1", token), 0);
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct cw_why why = { 0 };

		assert_int_equal(mesh_node_invite(m.nodes, rows[i].name, rows[i].kind, &seed, &why), rows[i].r);
		assert_true(why.object[0] && why.field[0] && why.rule[0]);
	}
}

/* ---- removal ---- */

static void is_forgotten(void **state)
{
	(void)state;
	joined();
	reply = (struct reply){ 0 };
	assert_int_equal(mesh_node_ask(m.nodes, "ne-1", "extension", "list", NULL, NULL, 5000, on_reply, &reply), 0);
	assert_int_equal(mesh_node_remove(m.nodes, "ne-1"), 0);
	assert_int_equal(reply.n, 0);
	until(reply.n == 1);                    /* who asked it is told */
	assert_int_equal(reply.r, CW_E_NOT_FOUND);
	assert_false(mesh_node_exists(m.nodes, "ne-1"));
	assert_int_equal(mesh_node_remove(m.nodes, "ne-1"), 0);
	assert_int_equal(mesh_node_ask(m.nodes, "ne-1", "tunnel", "list", NULL, NULL, 5000, on_reply, &reply),
			 CW_E_NOT_FOUND);
	turn_for(1500);
	reply = (struct reply){ 0 };
	assert_int_equal(node_ask(node, "node", "report", NULL, parse("{\"nouns\":{}}"), 2000, on_reply, &reply), 0);
	until(reply.n == 1);
	assert_true(reply.r < 0);
	manager_stop();
	manager_start();
	assert_false(mesh_node_exists(m.nodes, "ne-1"));
	/* And invited again: with the same folder and the same key. */
	node_stop();
	invite();
	node_start();
	until(mesh_node_is_up(m.nodes, "ne-1"));
}

/* ---- calls and renewal ---- */

static void is_asked(void **state)
{
	(void)state;
	invite();
	assert_int_equal(mesh_node_ask(m.nodes, "ne-1", "tunnel", "list", NULL, NULL, 5000, on_reply, &reply),
			 CW_E_UNREACHABLE);
	node_start();
	until(mesh_node_is_up(m.nodes, "ne-1"));
	reply = (struct reply){ 0 };
	assert_int_equal(mesh_node_ask(m.nodes, "ne-1", "appliance", "show", NULL, NULL, 5000, on_reply, &reply), 0);
	until(reply.n == 1);
	assert_int_equal(reply.r, 0);
}

static void certificates_are_renewed(void **state)
{
	char spki[2 * CW_ISSUE_SPKI_MAX + 1];
	struct stranger a = stranger("a");
	struct cw_json *args = cw_json_object();

	(void)state;
	joined();
	assert_int_equal(node_enrol_spki(node_dir, spki, sizeof spki), 0);
	cw_json_set_str(args, "key", spki);
	reply = (struct reply){ 0 };
	assert_int_equal(node_ask(node, "node", "renew", NULL, args, 5000, on_reply, &reply), 0);
	until(reply.n == 1);
	assert_int_equal(reply.r, 0);
	assert_non_null(strstr(reply.text, "BEGIN CERTIFICATE"));
	args = cw_json_object();
	cw_json_set_str(args, "key", cw_hex_text(a.spki, a.size, spki));        /* no certificate for another key */
	reply = (struct reply){ 0 };
	assert_int_equal(node_ask(node, "node", "renew", NULL, args, 5000, on_reply, &reply), 0);
	until(reply.n == 1);
	assert_int_equal(reply.r, CW_E_INVALID);
}

/* A certificate of which little is left is renewed by itself. */
static void an_old_certificate(void **state)
{
	char cert[NODE_PATH], key[NODE_PATH], ca[100], ca_key[100], before[8192], after[8192];
	struct timespec now;

	(void)state;
	joined();
	node_stop();
	cw_clock_wall(&now);
	snprintf(ca, sizeof ca, "%s/ca.crt", site_dir);
	snprintf(ca_key, sizeof ca_key, "%s/ca.key", site_dir);
	assert_int_equal(cw_issue_cert(&(struct cw_issue){ node_path(node_dir, "node.key", key), "ne-1.onprem", ca,
							   ca_key, now.tv_sec - 100 * 86400, 101 * 86400 },
				       node_path(node_dir, "node.crt", cert)),
			 0);
	file("node.crt", before);
	node_start();
	until(strcmp(file("node.crt", after), before) != 0 && after[0]);
	certificate_is_right();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, node_world_setup, node_world_teardown)
		T(enrols_and_reports),
		T(is_configured),
		T(wanted_before_it_is_there),
		T(the_last_one_counts),
		T(refuses_and_goes_on),
		T(the_first_is_refused),
		T(is_tried_again),
		T(names_of_files),
		T(others_do_not_configure),
		T(starts_anew),
		T(another_file_starts_anew),
		T(the_manager_is_away),
		T(the_manager_starts_anew),
		T(a_folder_that_cannot_be_read),
		T(a_silent_node_is_stale),
		T(tokens),
		T(an_old_token),
		T(one_key_is_one_node),
		T(who_is_invited),
		T(is_forgotten),
		T(is_asked),
		T(certificates_are_renewed),
		T(an_old_certificate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
