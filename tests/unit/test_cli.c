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

enum { TEXT_MAX = 16384, PATH_SIZE = 100 };

static char program[4096], folder[64], path[PATH_SIZE];

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
	snprintf(path, sizeof path, "%s/agent.sock", folder);
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

/* ---- the program ---- */

struct run {
	int status;
	char out[TEXT_MAX], err[TEXT_MAX];
};

enum { ARGV_MAX = 24 };

/* IN -1: nothing to read. */
static pid_t spawn(const char *line, int in, int out, int err)
{
	static char copy[1024];
	char *argv[ARGV_MAX] = { program }, *save = NULL;
	size_t n = 1;
	pid_t pid;

	snprintf(copy, sizeof copy, "%s", line);
	for (char *w = strtok_r(copy, " ", &save); w && n + 1 < ARGV_MAX; w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	pid = fork();
	if (pid == 0) {
		dup2(in < 0 ? open("/dev/null", O_RDONLY) : in, STDIN_FILENO);
		dup2(out, STDOUT_FILENO);
		dup2(err, STDERR_FILENO);
		execv(program, argv);
		_exit(127);
	}
	assert_true(pid > 0);
	return pid;
}

static void read_all(int fd, char *buf)
{
	size_t len = 0;
	ssize_t n;

	while (len + 1 < TEXT_MAX && (n = read(fd, buf + len, TEXT_MAX - 1 - len)) > 0)
		len += (size_t)n;
	buf[len] = '\0';
	close(fd);
}

static int status_of(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Runs causeway with the socket and the words of LINE; outputs are small enough for their pipes. */
static void run(const char *line, struct run *ret_run)
{
	char whole[512];
	int out[2], err[2];
	pid_t pid;

	snprintf(whole, sizeof whole, "--socket %s %s", path, line);
	assert_int_equal(pipe2(out, O_CLOEXEC) | pipe2(err, O_CLOEXEC), 0);
	pid = spawn(whole, -1, out[1], err[1]);
	close(out[1]);
	close(err[1]);
	read_all(out[0], ret_run->out);
	read_all(err[0], ret_run->err);
	ret_run->status = status_of(pid);
}

static void expect(const char *line, int status, const char *out, const char *err)
{
	struct run x;

	run(line, &x);
	if (x.status != status || !strstr(x.out, out) || !strstr(x.err, err))
		fail_msg("'%s': status %d, want %d\nout: %s\nerr: %s", line, x.status, status, x.out, x.err);
}

static void test_plain(void **state)
{
	(void)state;
	expect("--version", 0, "causeway ", "");
	expect("help", 0, "usage: causeway", "");
	expect("tunnel list", 0, "", "no tunnels");
	expect("-o json tunnel list", 0, "\"items\": []", "");
	expect("tunnel lst", 2, "", "causeway: tunnel: lst: ");
	expect("extension list", 2, "", "causeway: ");        /* this daemon has none */
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
		expect(cases[i].line, cases[i].status, "", "causeway: vm web1: network: has no extension\n");
}

static void test_job_ends(void **state)
{
	(void)state;
	expect("migration create done --to cloud", 0, "state:    succeeded", "");
	expect("migration create succeeded --to cloud", 0, "state:    succeeded", "web1: copy 10 %");
	expect("migration create rolled_back --to cloud", 4, "rolled_back", "causeway: migration rolled_back: state: rolled_back\n");
	expect("migration create waiting_operator --to cloud", 6, "waiting_operator", "causeway: migration waiting_operator: state: ");
	expect("migration create full --to cloud", 5, "", "causeway: vm full: disks[0]: needs 2 GiB at the target, 1 GiB is free\n");
	expect("migration create queued --to cloud", 1, "queued", "state: queued");
	expect("migration watch succeeded", 0, "succeeded", "web1: switch 99 %");
	expect("-o json migration watch rolled_back", 4, "\"state\": \"rolled_back\"", "");
	expect("migration validate web1 --to cloud", 0, "possible: true", "");
	expect("migration create web1 --to cloud --dry-run", 0, "possible: true", "");
	expect("migration cancel rolled_back", 0, "rolled_back", "");
	expect("migration cancel succeeded", 9, "succeeded", "it succeeded before it could be cancelled");
}

/* Without a terminal: one line per phase and tenth part, none twice. */
static void test_progress_lines(void **state)
{
	struct run x;
	size_t lines = 0;

	(void)state;
	run("migration watch succeeded", &x);
	for (const char *p = x.err; (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	assert_int_equal(lines, 2);
	assert_null(strchr(x.err, '\r'));
}

static void test_leave_early(void **state)
{
	(void)state;
	expect("migration create slow --to cloud --detach", 0, "slow\n", "");
	expect("-o json migration create slow --to cloud --detach", 0, "\"id\": \"slow\"", "");
	expect("migration watch slow --wait=50ms", 3, "", "migration watch slow\n");
	expect("migration create slow --to cloud --wait=50ms", 3, "", "causeway: migration slow: goes on; watch it with: causeway --socket ");
}

static void test_interrupt(void **state)
{
	char line[256], text[TEXT_MAX] = "";
	size_t len = 0;
	ssize_t n;
	int err[2];
	pid_t pid;

	(void)state;
	snprintf(line, sizeof line, "--socket %s migration create slow --to cloud", path);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	pid = spawn(line, -1, err[1], err[1]);
	close(err[1]);
	while (!strstr(text, "switch 99") && (n = read(err[0], text + len, sizeof text - 1 - len)) > 0)
		len += (size_t)n;
	kill(pid, SIGINT);
	read_all(err[0], text);
	assert_int_equal(status_of(pid), 130);
	assert_non_null(strstr(text, "goes on; watch it with: causeway --socket "));
}

/* Runs LINE with a terminal as input and error, on which somebody types TYPED; TEXT is what the terminal showed. */
static int run_on_terminal(const char *line, const char *typed, char *text)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave, status;
	char whole[512];
	pid_t pid;

	assert_true(master >= 0);
	assert_int_equal(grantpt(master) | unlockpt(master), 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(slave >= 0);
	assert_int_equal(write(master, typed, strlen(typed)), (ssize_t)strlen(typed));
	snprintf(whole, sizeof whole, "--socket %s %s", path, line);
	pid = spawn(whole, slave, slave, slave);
	status = status_of(pid);
	close(slave);
	read_all(master, text);
	return status;
}

static void test_terminal(void **state)
{
	char text[TEXT_MAX];

	(void)state;
	assert_int_equal(run_on_terminal("migration watch succeeded", "", text), 0);
	assert_non_null(strstr(text, "\r\033[Kweb1: copy 10 %"));
	assert_non_null(strstr(text, "\r\033[Kweb1: copy 11 %"));
	assert_int_equal(run_on_terminal("migration cancel rolled_back", "n\n", text), 1);
	assert_non_null(strstr(text, "Go on? [y/N]"));
	assert_int_equal(run_on_terminal("migration cancel rolled_back", "y\n", text), 0);
	assert_int_equal(run_on_terminal("migration cancel rolled_back --yes", "", text), 0);
	assert_null(strstr(text, "Go on?"));
}

/* The daemon dies while it is watched and comes back: so does the watch. */
static void test_daemon_dies(void **state)
{
	(void)state;
	expect("migration watch dies", 0, "succeeded", "went away, dialling again");
}

static void test_unreachable(void **state)
{
	char saved[PATH_SIZE];

	(void)state;
	memcpy(saved, path, sizeof saved);
	snprintf(path, sizeof path, "%s/nobody.sock", folder);
	expect("vm list", 8, "", "nobody.sock: no daemon listens here");
	memset(path, 'x', sizeof path - 1);
	expect("vm list", 8, "", "no daemon listens here");
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
		cmocka_unit_test(test_progress_lines), cmocka_unit_test(test_leave_early), cmocka_unit_test(test_interrupt), cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_daemon_dies), cmocka_unit_test(test_unreachable), cmocka_unit_test(test_find),
	};
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;

	snprintf(program, sizeof program, "%.*s../bin/causeway", slash ? (int)(slash - argv[0] + 1) : 0, argv[0]);
	return cmocka_run_group_tests(tests, setup, teardown);
}
