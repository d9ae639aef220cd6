/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cli.c - the program causeway against a daemon: exit status, progress, Ctrl-C, a daemon that dies.
 *
 * The daemon is a child process with a real control socket. What it does with a migration follows
 * from its name or id; the program under test is the one that was built beside this test.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "interconnect/base/json.h"
#include "interconnect/base/loop.h"
#include "interconnect/base/rpc.h"
#include "mesh/cli_rpc.h"
#include "tests/lib/cli_run.h"

enum { PATH_SIZE = 100 };

static char folder[64], *const path = cli_socket;

/* ---- the daemon ---- */

static struct cw_loop *loop;
static struct cw_rpc_server *server;
static struct cw_timer *reborn;
static bool died;

static const char *name_of(const struct cw_json *request)
{
	return cw_json_get_str(request, "name", "");
}

static struct cw_json *job(const char *id, const char *state, const char *phase, int64_t progress)
{
	struct cw_json *o = cw_json_object();

	cw_json_set_str(o, "id", id);
	cw_json_set_str(o, "vm", "web1");
	cw_json_set_str(o, "state", state);
	cw_json_set_str(o, "phase", phase);
	cw_json_set_int(o, "progress", progress);
	return o;
}

static void on_list(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct cw_json *body = cw_json_object();

	(void)ctx;
	(void)request;
	cw_json_set(body, "items", cw_json_array());
	cw_json_set(body, "next", cw_json_null());
	cw_rpc_reply(call, body);
}

/* "vm show CODE" is refused with that problem code. */
static void on_vm_show(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct cw_why why = { 0 };
	int r = cw_problem_code(name_of(request));

	(void)ctx;
	cw_why_set(&why, r, "vm web1", "network", "has no extension");
	cw_rpc_fail(call, r, &why);
}

/* The id of the job is the name of the machine; "done" has ended already. */
static void on_create(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	const char *name = name_of(request);
	struct cw_why why = { 0 };

	(void)ctx;
	if (cw_json_get_bool(cw_json_get(request, "args"), "dry_run", false)) {
		struct cw_json *body = cw_json_object();

		cw_json_set_bool(body, "possible", true);
		cw_rpc_reply(call, body);
	} else if (strcmp(name, "full") == 0) {
		cw_why_set(&why, CW_E_BLOCKED, "vm full", "disks[0]", "needs 2 GiB at the target, 1 GiB is free");
		cw_rpc_fail(call, CW_E_BLOCKED, &why);
	} else {
		cw_rpc_reply(call, job(name, strcmp(name, "done") == 0 ? "succeeded" : "running", "prepare", 0));
	}
}

static void on_show(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	(void)ctx;
	cw_rpc_reply(call, job(name_of(request), "running", "copy", 10));
}

static void on_reborn(void *ctx);

/* The job ends in the state that its id names; "slow" never ends; "dies" takes the daemon with it once. */
static void on_watch(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	const char *id = name_of(request);

	(void)ctx;
	cw_rpc_event(call, job(id, "running", "copy", 10));
	cw_rpc_event(call, job(id, "running", "copy", 11));
	cw_rpc_event(call, job(id, "running", "switch", 99));
	if (strcmp(id, "slow") == 0)
		return;
	if (strcmp(id, "dies") == 0 && !died) {
		died = true;
		cw_timer_arm(reborn, 0);
		return;
	}
	cw_rpc_reply(call, job(id, strcmp(id, "dies") == 0 ? "succeeded" : id, "end", 100));
}

static void on_cancel(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	(void)ctx;
	cw_rpc_reply(call, job(name_of(request), "running", "undo", 0));
}

static const struct cw_rpc_row rows[] = {
	{ "tunnel", "list", on_list }, { "vm", "show", on_vm_show }, { "migration", "create", on_create },
	{ "migration", "show", on_show }, { "migration", "watch", on_watch }, { "migration", "cancel", on_cancel },
};

static void on_reborn(void *ctx)
{
	(void)ctx;
	cw_rpc_server_free(server);
	if (cw_rpc_server_new(loop, path, rows, CW_COUNT(rows), NULL, &server) < 0)
		_exit(1);
}

static _Noreturn void daemon_main(int ready)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (cw_loop_new(&loop) < 0 || cw_timer_new(loop, on_reborn, NULL, &reborn) < 0 ||
	    cw_rpc_server_new(loop, path, rows, CW_COUNT(rows), NULL, &server) < 0 || write(ready, "r", 1) != 1)
		_exit(1);
	_exit(cw_loop_run(loop) < 0);
}

static pid_t daemon_pid;

static int setup(void **state)
{
	int fds[2];
	char c;

	(void)state;
	snprintf(folder, sizeof folder, "/tmp/cwc-cli.XXXXXX");
	if (!mkdtemp(folder) || pipe(fds) < 0)
		return -1;
	snprintf(path, PATH_SIZE, "%s/agent.sock", folder);
	daemon_pid = fork();
	if (daemon_pid == 0)
		daemon_main(fds[1]);
	close(fds[1]);
	if (daemon_pid < 0 || read(fds[0], &c, 1) != 1)
		return -1;
	close(fds[0]);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	kill(daemon_pid, SIGKILL);
	waitpid(daemon_pid, NULL, 0);
	unlink(path);
	return rmdir(folder);
}

static void test_plain(void **state)
{
	(void)state;
	cli_expect("--version", 0, "causeway ", "");
	cli_expect("help", 0, "usage: causeway", "");
	cli_expect("tunnel list", 0, "", "no tunnels");
	cli_expect("-o json tunnel list", 0, "\"items\": []", "");
	cli_expect("tunnel lst", 2, "", "causeway: tunnel: lst: ");
	cli_expect("extension list", 2, "", "causeway: ");        /* this daemon has none */
}

static void test_problem_codes(void **state)
{
	static const struct {
		const char *line;
		int status;
	} cases[] = {
		{ "vm show not_found", 10 }, { "vm show conflict", 9 }, { "vm show forbidden", 7 }, { "vm show blocked", 5 },
		{ "vm show unreachable", 8 }, { "vm show invalid", 5 }, { "vm show usage", 2 }, { "vm show timeout", 3 },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(cases); i++)
		cli_expect(cases[i].line, cases[i].status, "", "causeway: vm web1: network: has no extension\n");
}

static void test_job_ends(void **state)
{
	(void)state;
	cli_expect("migration create done --to cloud", 0, "state:    succeeded", "");
	cli_expect("migration create succeeded --to cloud", 0, "state:    succeeded", "web1: copy 10 %");
	cli_expect("migration create rolled_back --to cloud", 4, "rolled_back", "causeway: migration rolled_back: state: rolled_back\n");
	cli_expect("migration create waiting_operator --to cloud", 6, "waiting_operator", "causeway: migration waiting_operator: state: ");
	cli_expect("migration create full --to cloud", 5, "", "causeway: vm full: disks[0]: needs 2 GiB at the target, 1 GiB is free\n");
	cli_expect("migration create queued --to cloud", 1, "queued", "state: queued");
	cli_expect("migration watch succeeded", 0, "succeeded", "web1: switch 99 %");
	cli_expect("-o json migration watch rolled_back", 4, "\"state\": \"rolled_back\"", "");
	cli_expect("migration validate web1 --to cloud", 0, "possible: true", "");
	cli_expect("migration create web1 --to cloud --dry-run", 0, "possible: true", "");
	cli_expect("migration cancel rolled_back", 0, "rolled_back", "");
	cli_expect("migration cancel succeeded", 9, "succeeded", "it succeeded before it could be cancelled");
}

/* Without a terminal: one line per phase and tenth part, none twice. */
static void test_progress_lines(void **state)
{
	struct cli_run x;
	size_t lines = 0;

	(void)state;
	cli_run("migration watch succeeded", NULL, &x);
	for (const char *p = x.err; (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	assert_int_equal(lines, 2);
	assert_null(strchr(x.err, '\r'));
}

static void test_leave_early(void **state)
{
	(void)state;
	cli_expect("migration create slow --to cloud --detach", 0, "slow\n", "");
	cli_expect("-o json migration create slow --to cloud --detach", 0, "\"id\": \"slow\"", "");
	cli_expect("migration watch slow --wait=50ms", 3, "", "migration watch slow\n");
	cli_expect("migration create slow --to cloud --wait=50ms", 3, "", "causeway: migration slow: goes on; watch it with: causeway --socket ");
}

static void test_interrupt(void **state)
{
	static char text[CLI_TEXT_MAX];

	(void)state;
	assert_int_equal(cli_interrupt("migration create slow --to cloud", "switch 99", text), 130);
	assert_non_null(strstr(text, "goes on; watch it with: causeway --socket "));
}

static void test_terminal(void **state)
{
	char text[CLI_TEXT_MAX];

	(void)state;
	assert_int_equal(cli_run_on_terminal("migration watch succeeded", "", text), 0);
	assert_non_null(strstr(text, "\r\033[Kweb1: copy 10 %"));
	assert_non_null(strstr(text, "\r\033[Kweb1: copy 11 %"));
	assert_int_equal(cli_run_on_terminal("migration cancel rolled_back", "n\n", text), 1);
	assert_non_null(strstr(text, "Go on? [y/N]"));
	assert_int_equal(cli_run_on_terminal("migration cancel rolled_back", "y\n", text), 0);
	assert_int_equal(cli_run_on_terminal("migration cancel rolled_back --yes", "", text), 0);
	assert_null(strstr(text, "Go on?"));
}

/* The daemon dies while it is watched and comes back: so does the watch. */
static void test_daemon_dies(void **state)
{
	(void)state;
	cli_expect("migration watch dies", 0, "succeeded", "went away, dialling again");
}

static void test_unreachable(void **state)
{
	char saved[PATH_SIZE];

	(void)state;
	memcpy(saved, path, sizeof saved);
	snprintf(path, PATH_SIZE, "%s/nobody.sock", folder);
	cli_expect("vm list", 8, "", "nobody.sock: no daemon listens here");
	memset(path, 'x', PATH_SIZE - 1);
	cli_expect("vm list", 8, "", "no daemon listens here");
	memcpy(path, saved, sizeof saved);
}

/* ---- which socket ---- */

static void find(int want_r, const char *want)
{
	char got[CLI_PATH_MAX] = "";
	struct cw_why why = { 0 };
	int r = cli_rpc_find(folder, got, &why);

	assert_int_equal(r, want_r);
	if (r == 0)
		assert_string_equal(got + strlen(folder) + 1, want);
	else
		assert_non_null(strstr(why.rule, want));
}

static void test_find(void **state)
{
	struct cw_rpc_server *ne = NULL, *manager = NULL;
	struct cw_loop *l = NULL;
	char other[PATH_SIZE];

	(void)state;
	find(0, "agent.sock");
	snprintf(other, sizeof other, "%s/plain.sock", folder);
	close(open(other, O_CREAT | O_WRONLY, 0600));
	find(0, "agent.sock");          /* a plain file is no daemon */
	unlink(other);
	assert_int_equal(cw_loop_new(&l), 0);
	snprintf(other, sizeof other, "%s/ne-a.sock", folder);
	assert_int_equal(cw_rpc_server_new(l, other, rows, CW_COUNT(rows), NULL, &ne), 0);
	find(CW_E_USAGE, "/ne-a.sock");
	find(CW_E_USAGE, "/agent.sock");
	snprintf(other, sizeof other, "%s/manager.sock", folder);
	assert_int_equal(cw_rpc_server_new(l, other, rows, CW_COUNT(rows), NULL, &manager), 0);
	cw_rpc_server_free(ne);
	find(0, "agent.sock");          /* the manager's is not a control socket */
	cw_rpc_server_free(manager);
	cw_loop_free(l);
	find(0, "agent.sock");
	snprintf(other, sizeof other, "%s", folder);
	snprintf(folder, sizeof folder, "/nowhere");
	find(CW_E_UNREACHABLE, "no daemon has its control socket here");
	snprintf(folder, sizeof folder, "%.60s", other);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain), cmocka_unit_test(test_problem_codes), cmocka_unit_test(test_job_ends),
		cmocka_unit_test(test_progress_lines), cmocka_unit_test(test_leave_early), cmocka_unit_test(test_interrupt),
		cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_daemon_dies), cmocka_unit_test(test_unreachable), cmocka_unit_test(test_find),
	};

	(void)argc;
	cli_run_init(argv[0]);
	return cmocka_run_group_tests(tests, setup, teardown);
}
