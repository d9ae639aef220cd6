/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cli_manager.c - the program causeway against a site manager: jobs, refusals, lists, and a manager that is slow, false or away.
 *
 * The manager is a child process that speaks HTTP/1.1 on a UNIX socket, one connection at a time. What it does with a request follows
 * from the name in it: see the rows. test_cli_site.c is the same with a real one.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "interconnect/base/json.h"
#include "tests/lib/cli_run.h"

enum { REQUEST_MAX = 8192, NAME_MAX_ = 64, AWAY_MS = 400 };

static char folder[64];
static int listener = -1;

/* ---- the manager: answers ---- */

struct request {
	char text[REQUEST_MAX];
	size_t size;
	char method[16], path[512], key[80];
	const char *body;
};

static unsigned polls;                  /* of the job that is asked for */
static char first_key[80];              /* of a POST that was not answered */

static void nap(long ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000 * 1000 }, NULL);
}

static void put(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) < 0)
		errno = 0;
}

static void answer(int fd, int status, const char *body)
{
	static char text[REQUEST_MAX];

	snprintf(text, sizeof text, "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", status,
		 strlen(body), body);
	put(fd, text);
}

static void refuse(int fd, int status, const char *code, const char *field)
{
	char body[512];

	snprintf(body, sizeof body, "{\"code\":\"%s\",\"object\":\"the object\",\"field\":\"%s\",\"rule\":\"the rule\"}", code, field);
	answer(fd, status, body);
}

static void answer_job(int fd, int status, const char *name, const char *state, const char *step, int progress, const char *more)
{
	char body[1024];

	snprintf(body, sizeof body,
		 "{\"id\":\"job-%s\",\"kind\":\"mesh.create\",\"object\":{\"type\":\"mesh\",\"name\":\"%s\"},\"state\":\"%s\",\"progress\":%d,"
		 "\"steps\":[{\"name\":\"first\",\"state\":\"done\"},{\"name\":\"%s\",\"state\":\"running\"}]%s}",
		 name, name, state, progress, step, more);
	answer(fd, status, body);
}

static int listen_again(void);

/* The manager is killed, and comes back after a while. */
static void die(int fd)
{
	close(listener);
	unlink(cli_socket);
	shutdown(fd, SHUT_RDWR);
	nap(AWAY_MS);
	listener = listen_again();
}

/* ---- jobs ---- */

static void job_ok(int fd, const char *name)
{
	static const char *const steps[] = { "draw", "place", "place" };

	if (polls < CW_COUNT(steps))
		answer_job(fd, 200, name, "running", steps[polls], 10 + (int)polls, "");
	else
		answer_job(fd, 200, name, "succeeded", "", 100, "");
}

static void job_back(int fd, const char *name)
{
	answer_job(fd, 200, name, polls ? "rolled_back" : "running", "place", 30, ",\"reason\":\"no address is free\"");
}

static void job_op(int fd, const char *name)
{
	answer_job(fd, 200, name, "waiting_operator", "place", 30, ",\"reason\":\"look at it\"");
}

static void job_slow(int fd, const char *name)
{
	answer_job(fd, 200, name, "running", "place", 30, "");
}

static void job_dies(int fd, const char *name)
{
	if (polls == 1)
		die(fd);
	else
		job_ok(fd, name);
}

static void job_cut(int fd, const char *name)
{
	if (polls == 1) {
		put(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\":\"job-cut\",\"st");
		shutdown(fd, SHUT_RDWR);
	} else {
		job_ok(fd, name);
	}
}

static void job_busy(int fd, const char *name)
{
	if (polls == 1)
		put(fd, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
	else
		job_ok(fd, name);
}

static void job_late(int fd, const char *name)
{
	nap(300);
	job_ok(fd, name);
}

static void job_drip(int fd, const char *name)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{\"state\":\"succeeded\"}";

	(void)name;
	for (const char *p = text; *p; p++)
		if (write(fd, p, 1) < 0)
			return;
}

static void job_stall(int fd, const char *name)
{
	(void)fd;
	(void)name;
}

static void job_false(int fd, const char *name)
{
	(void)name;
	put(fd, polls ? "220 mail.example ESMTP\r\n" : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
}

static void job_gone(int fd, const char *name)
{
	(void)name;
	refuse(fd, 404, "not_found", "");
}

static void job_move(int fd, const char *name)
{
	(void)name;
	answer(fd, 200, "{\"id\":\"job-web1\",\"object\":{\"type\":\"migration\",\"name\":\"mig-7\"},\"state\":\"succeeded\"}");
}

static const struct job_row {
	const char *name;
	void (*look)(int fd, const char *name);
} job_rows[] = {
	{ "ok", job_ok }, { "back", job_back }, { "op", job_op }, { "slow", job_slow }, { "dies", job_dies }, { "cut", job_cut },
	{ "busy", job_busy }, { "late", job_late }, { "drip", job_drip }, { "stall", job_stall }, { "false", job_false },
	{ "gone", job_gone }, { "lost", job_ok }, { "web1", job_move },
};

/* ---- routes ---- */

/* What follows PREFIX in the path, without a query; NULL when it does not begin so. */
static const char *after(const struct request *q, const char *prefix, char name[NAME_MAX_])
{
	size_t len = strlen(prefix);

	if (strncmp(q->path, prefix, len) != 0)
		return NULL;
	snprintf(name, NAME_MAX_, "%.*s", (int)strcspn(q->path + len, "?"), q->path + len);
	return name;
}

static void on_job(int fd, const struct request *q, const char *name)
{
	(void)q;
	if (strncmp(name, "job-", 4) != 0) {
		refuse(fd, 404, "not_found", "");
		return;
	}
	for (size_t i = 0; i < CW_COUNT(job_rows); i++)
		if (strcmp(job_rows[i].name, name + 4) == 0)
			job_rows[i].look(fd, name + 4);
	polls++;
}

static void on_mesh(int fd, const struct request *q, const char *name)
{
	char body[256];

	(void)q;
	snprintf(body, sizeof body, "{\"name\":\"%s\",\"state\":\"up\",\"tunnels\":[]}", name);
	answer(fd, 200, body);
}

/* "lost": the first request is heard and not answered; the second must be the same. */
static void on_mesh_create(int fd, const struct request *q, const char *rest)
{
	struct cw_json *j = NULL;
	char name[NAME_MAX_] = "";

	(void)rest;
	if (cw_json_parse(q->body, strlen(q->body), &j) == 0)
		snprintf(name, sizeof name, "%s", cw_json_get_str(j, "name", ""));
	cw_json_free(j);
	polls = 0;
	if (strlen(q->key) != 32) {
		refuse(fd, 400, "invalid", "no key");
	} else if (strstr(q->path, "dry_run=true")) {
		answer(fd, 200, "{}");
	} else if (strcmp(name, "there") == 0) {
		refuse(fd, 409, "conflict", "name");
	} else if (strcmp(name, "lost") == 0 && !first_key[0]) {
		snprintf(first_key, sizeof first_key, "%s", q->key);
		die(fd);
	} else if (strcmp(name, "lost") == 0 && strcmp(first_key, q->key) != 0) {
		refuse(fd, 409, "conflict", "another key");
	} else {
		answer_job(fd, 202, name, strcmp(name, "done") == 0 ? "succeeded" : "queued", "", 0, "");
	}
}

static void on_mesh_delete(int fd, const struct request *q, const char *name)
{
	(void)q;
	polls = 0;
	answer_job(fd, 202, name, "queued", "", 0, "");
}

/* The code is the name: "vm show not_found". */
static void on_vm(int fd, const struct request *q, const char *name)
{
	(void)q;
	if (strcmp(name, "huge") == 0)
		put(fd, "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n{");
	else if (strcmp(name, "none") == 0)
		shutdown(fd, SHUT_RDWR);
	else if (strcmp(name, "list") == 0)
		answer(fd, 200, "[]");
	else if (strcmp(name, "a%2Fb%20c") == 0)
		answer(fd, 200, "{\"name\":\"a/b c\"}");
	else
		refuse(fd, 422, name, "network");
}

static void on_vms(int fd, const struct request *q, const char *name)
{
	(void)q;
	(void)name;
	answer(fd, 200, "{\"items\":[{\"name\":\"web1\",\"power\":\"running\",\"host\":\"kvm\"}],\"next\":null}");
}

static void on_empty(int fd, const struct request *q, const char *name)
{
	(void)q;
	(void)name;
	answer(fd, 200, "{\"items\":[],\"next\":null}");
}

/* Three events in two pages; a fourth one happens when somebody asks what came after them, and a fifth: told with one that was told. */
static void on_events(int fd, const struct request *q, const char *name)
{
	(void)name;
	if (strstr(q->path, "?cursor=4"))
		answer(fd, 200, "{\"items\":[{\"cursor\":\"4\",\"text\":\"four\"},{\"cursor\":\"5\",\"text\":\"five\"}],\"next\":null}");
	else if (strstr(q->path, "?cursor=3"))
		answer(fd, 200, "{\"items\":[{\"cursor\":\"4\",\"text\":\"four\"}],\"next\":null}");
	else if (strstr(q->path, "?cursor=2"))
		answer(fd, 200, "{\"items\":[{\"cursor\":\"3\",\"text\":\"three\"}],\"next\":null}");
	else if (strchr(q->path, '?'))
		answer(fd, 200, "{\"items\":[],\"next\":null}");
	else
		answer(fd, 200, "{\"items\":[{\"cursor\":\"1\",\"text\":\"one\"},{\"cursor\":\"2\",\"text\":\"two\"}],\"next\":\"2\"}");
}

static void on_host_invite(int fd, const struct request *q, const char *name)
{
	(void)q;
	(void)name;
	answer(fd, 201, "{\"seed\":\"{\\\"token\\\":\\\"abc\\\"}\\n\"}");
}

static void on_accept(int fd, const struct request *q, const char *name)
{
	(void)name;
	answer(fd, 201, q->body);
}

/* Lost, and nothing says that it may be done twice. */
static void on_lost(int fd, const struct request *q, const char *name)
{
	(void)q;
	(void)name;
	shutdown(fd, SHUT_RDWR);
}

static void on_profile(int fd, const struct request *q, const char *name)
{
	(void)name;
	if (strcmp(q->method, "DELETE") == 0)
		answer(fd, 204, "");
	else if (strstr(q->body, "\"gateway\":\"9.9.9.9\""))
		refuse(fd, 400, "invalid", "gateway");
	else
		answer(fd, 201, q->body);
}

/* A move's own body says more than its job. */
static void on_move_create(int fd, const struct request *q, const char *name)
{
	(void)q;
	(void)name;
	polls = 0;
	answer(fd, 202, "{\"id\":\"job-web1\",\"object\":{\"type\":\"migration\",\"name\":\"mig-7\"},\"state\":\"queued\"}");
}

static void on_move(int fd, const struct request *q, const char *name)
{
	char body[256];

	(void)q;
	snprintf(body, sizeof body, "{\"id\":\"%s\",\"vm\":\"web1\",\"state\":\"%s\",\"downtime_ms\":12}", name,
		 polls < 2 ? "running" : "succeeded");
	polls++;
	answer(fd, 200, body);
}

static void on_cancel(int fd, const struct request *q, const char *name)
{
	(void)q;
	polls = 1;
	answer_job(fd, 202, strncmp(name, "job-back/", 9) == 0 ? "back" : "ok", "running", "", 0, "");
}

#define API "/api/v1"

static const struct route_row {
	const char *method, *prefix;
	void (*handler)(int fd, const struct request *q, const char *name);
} route_rows[] = {
	{ "POST", API "/jobs/", on_cancel }, { "GET", API "/jobs/", on_job }, { "POST", API "/meshes", on_mesh_create },
	{ "GET", API "/meshes/", on_mesh }, { "DELETE", API "/meshes/", on_mesh_delete }, { "GET", API "/vms/", on_vm },
	{ "GET", API "/vms", on_vms }, { "GET", API "/tunnels", on_empty }, { "GET", API "/events", on_events },
	{ "POST", API "/hosts", on_host_invite }, { "POST", API "/pairings/accept", on_accept }, { "POST", API "/pairings/", on_accept },
	{ "POST", API "/pairings", on_lost }, { "POST", API "/network-profiles", on_profile }, { "DELETE", API "/network-profiles/", on_profile },
	{ "POST", API "/migrations", on_move_create }, { "GET", API "/migrations/", on_move },
};

/* A key is of one command alone; "lost" is sent again. */
static bool is_used(const struct request *q)
{
	static char last_key[80];
	bool used = q->key[0] && strcmp(q->key, last_key) == 0 && strcmp(q->key, first_key) != 0;

	if (q->key[0])
		snprintf(last_key, sizeof last_key, "%s", q->key);
	return used;
}

static void serve(int fd, const struct request *q)
{
	char name[NAME_MAX_];

	if (is_used(q)) {
		refuse(fd, 409, "conflict", "a key that was used");
		return;
	}

	for (size_t i = 0; i < CW_COUNT(route_rows); i++)
		if (strcmp(q->method, route_rows[i].method) == 0 && after(q, route_rows[i].prefix, name)) {
			route_rows[i].handler(fd, q, name);
			return;
		}
	refuse(fd, 404, "not_found", "no route");
}

/* ---- the manager: requests ---- */

static const char *header(const struct request *q, const char *name, char *value, size_t size)
{
	const char *at = strcasestr(q->text, name);

	snprintf(value, size, "%.*s", at ? (int)strcspn(at + strlen(name), "\r") : 0, at ? at + strlen(name) : "");
	return value;
}

/* True when the request is whole. */
static bool is_whole(struct request *q)
{
	char *gap = strstr(q->text, "\r\n\r\n"), length[16];

	if (!gap)
		return false;
	q->body = gap + 4;
	return strlen(q->body) >= strtoul(header(q, "\r\nContent-Length: ", length, sizeof length), NULL, 10);
}

static bool read_request(int fd, struct request *q)
{
	ssize_t n;

	memset(q, 0, sizeof *q);
	while (!is_whole(q)) {
		if (q->size + 1 >= sizeof q->text || (n = read(fd, q->text + q->size, sizeof q->text - 1 - q->size)) <= 0)
			return false;
		q->size += (size_t)n;
		/* What begins like a frame of a control socket. */
		if (q->text[0] == '\0') {
			put(fd, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
			return false;
		}
	}
	header(q, "\r\nIdempotency-Key: ", q->key, sizeof q->key);
	return sscanf(q->text, "%15s %511s", q->method, q->path) == 2;
}

static int listen_again(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(un.sun_path, sizeof un.sun_path, "%.107s", cli_socket);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&un, sizeof un) < 0 || listen(fd, 8) < 0)
		_exit(1);
	return fd;
}

static _Noreturn void manager_main(int ready)
{
	static struct request q;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	listener = listen_again();
	if (write(ready, "r", 1) != 1)
		_exit(1);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		while (fd >= 0 && read_request(fd, &q))
			serve(fd, &q);
		close(fd);
	}
}

static pid_t manager_pid;

static int setup(void **state)
{
	int fds[2];
	char c;

	(void)state;
	snprintf(folder, sizeof folder, "/tmp/cwc-mgr.XXXXXX");
	if (!mkdtemp(folder) || pipe(fds) < 0)
		return -1;
	/* A name that does not say who listens. */
	snprintf(cli_socket, sizeof cli_socket, "%s/site.sock", folder);
	manager_pid = fork();
	if (manager_pid == 0)
		manager_main(fds[1]);
	close(fds[1]);
	if (manager_pid < 0 || read(fds[0], &c, 1) != 1)
		return -1;
	close(fds[0]);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	kill(manager_pid, SIGKILL);
	waitpid(manager_pid, NULL, 0);
	unlink(cli_socket);
	return rmdir(folder);
}

/* ---- tests ---- */

#define CREATE "mesh create %s --site cloud --local a --remote b"

static void create(const char *name, const char *options, int status, const char *out, const char *err)
{
	char line[256];

	snprintf(line, sizeof line, CREATE "%s", name, options);
	cli_expect(line, status, out, err);
}

static void test_jobs(void **state)
{
	(void)state;
	create("ok", "", 0, "name:    ok\nstate:   up\n", "mesh ok: draw 10 %");
	create("done", "", 0, "name:    done\n", "");
	create("ok", " -o json", 0, "\"state\": \"up\"", "mesh ok: place 11 %");
	create("back", "", 4, "state:    rolled_back", "causeway: job job-back: state: rolled_back: no address is free\n");
	create("op", "", 6, "state:    waiting_operator", "causeway: job job-op: state: waiting_operator: look at it\n");
	create("there", "", 9, "", "causeway: the object: name: the rule\n");
	create("ok", " --dry-run", 0, "", "nothing stands against it");
	create("drip", "", 0, "state:   up", "");
	create("gone", "", 10, "", "the rule");
	cli_expect("mesh delete ok --yes", 0, "state:    succeeded", "mesh ok: draw");
	cli_expect("job watch job-ok", 0, "state:    succeeded", "");
	cli_expect("job watch job-back", 4, "rolled_back", "");
	cli_expect("job cancel job-back --yes", 0, "rolled_back", "");
	cli_expect("job cancel job-ok --yes", 9, "succeeded", "it succeeded before it could be cancelled");
	cli_expect("job resume job-ok", 0, "succeeded", "");
}

/* What is printed is the move, found by its name in the job. */
static void test_moves(void **state)
{
	(void)state;
	cli_expect("migration create web1 --to cloud", 0, "id:          mig-7\n", "");
	cli_expect("migration create web1 --to cloud --detach", 0, "job-web1\n", "");
	cli_expect("migration watch mig-7", 0, "downtime_ms: 12", "");
}

/* One that is away comes back: the wait goes on, and what was asked is asked again with the same key. */
static void test_away(void **state)
{
	(void)state;
	create("dies", "", 0, "state:   up", "site.sock went away, dialling again\n");
	create("cut", "", 0, "state:   up", "went away, dialling again\n");
	create("busy", "", 0, "state:   up", "went away, dialling again\n");
	create("late", "", 0, "state:   up", "");
	create("lost", "", 0, "state:   up", "went away, dialling again\n");
	cli_expect("pair invite", 8, "", "went away in the middle of its answer; what was asked may have happened\n");
	cli_expect("vm show none", 8, "", "went away");
}

static void test_false_answers(void **state)
{
	(void)state;
	create("false", "", 1, "", "gave an answer that is none");
	cli_expect("vm show huge", 1, "", "gave an answer that is none");
	cli_expect("vm show list", 1, "", "manager: gave an answer that is none");
}

static void test_leave_early(void **state)
{
	static char text[CLI_TEXT_MAX];

	(void)state;
	create("slow", " --detach", 0, "job-slow\n", "");
	create("slow", " --detach -o json", 0, "\"id\": \"job-slow\"", "");
	create("slow", " --wait=200ms", 3, "", "goes on; watch it with: causeway --socket ");
	create("stall", " --wait=200ms", 3, "", "job watch job-stall\n");
	cli_expect("job watch job-slow --wait=100ms", 3, "", "job watch job-slow\n");
	assert_int_equal(cli_interrupt("mesh create slow --site c --local a --remote b", "mesh slow: place", text), 130);
	assert_non_null(strstr(text, "job job-slow: goes on; watch it with: causeway --socket "));
}

static void test_problem_codes(void **state)
{
	static const struct {
		const char *line;
		int status;
	} cases[] = {
		{ "vm show not_found", 10 }, { "vm show conflict", 9 }, { "vm show wrong_state", 9 }, { "vm show forbidden", 7 },
		{ "vm show blocked", 5 }, { "vm show invalid", 5 }, { "vm show error", 1 }, { "vm show timeout", 3 },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(cases); i++)
		cli_expect(cases[i].line, cases[i].status, "", "causeway: the object: network: the rule\n");
	cli_expect("np create up --function uplink --bridge b --range x --prefix 28 --gateway 9.9.9.9", 5, "", "the object: gateway: the rule");
	cli_expect("host list", 10, "", "no route");
	cli_expect("appliance show", 2, "", "causeway: a name is missing");
}

static void test_answers(void **state)
{
	static struct cli_run x;

	(void)state;
	cli_expect("vm list", 0, "NAME HOST POWER   OWNER RECORD EPOCH MEMORY VCPUS\nweb1 kvm  running", "");
	cli_expect("tunnel list", 0, "", "no tunnels");
	cli_expect("np create up --function uplink --bridge b --range x --prefix 28", 0, "functions: uplink\n", "");
	cli_expect("np delete up --yes", 0, "", "");
	cli_expect("host invite kvm", 0, "{\"token\":\"abc\"}\n", "");
	cli_expect("-o json host invite kvm", 0, "\"seed\": ", "");
	cli_expect("--socket x vm show y", 2, "", "is given twice");
	cli_run("pair accept -", "CWSECRET\n", &x);
	assert_int_equal(x.status, 0);
	assert_non_null(strstr(x.out, "invite: CWSECRET\n"));
	cli_expect("pair confirm cloud --words a-b-c-d", 0, "words: a-b-c-d", "");
	cli_expect("pair confirm cloud", 2, "", "--words: must be given where there is no terminal");
	cli_expect("relay list", 2, "", "causeway: relay: list: is asked of an appliance or agent, not of a manager");
}

static void test_terminal(void **state)
{
	static char text[CLI_TEXT_MAX];

	(void)state;
	assert_int_equal(cli_run_on_terminal("mesh delete ok", "n\n", text), 1);
	assert_non_null(strstr(text, "Go on? [y/N]"));
	assert_int_equal(cli_run_on_terminal("mesh delete ok", "y\n", text), 0);
	assert_non_null(strstr(text, "\r\033[Kmesh ok: draw 10 %"));
	assert_int_equal(cli_run_on_terminal("mesh delete ok --dry-run", "", text), 0);
	assert_null(strstr(text, "Go on?"));
	assert_int_equal(cli_run_on_terminal("pair confirm cloud", "flute barley cotton cloud\n", text), 0);
	assert_non_null(strstr(text, "Which four words"));
	assert_non_null(strstr(text, "flute barley cotton cloud"));
}

static void test_events(void **state)
{
	static char text[CLI_TEXT_MAX];

	(void)state;
	cli_expect("event list -o wide", 0, "  three      3\n", "");
	cli_expect("-o json event list", 0, "\"text\": \"three\"", "");
	assert_int_equal(cli_interrupt("-o json event list --follow", "five", text), 130);
	assert_string_equal(text, "{\"cursor\":\"1\",\"text\":\"one\"}\n{\"cursor\":\"2\",\"text\":\"two\"}\n{\"cursor\":\"3\",\"text\":\"three\"}\n"
			    "{\"cursor\":\"4\",\"text\":\"four\"}\n{\"cursor\":\"5\",\"text\":\"five\"}\n");
}

static void test_unreachable(void **state)
{
	char saved[sizeof cli_socket];

	(void)state;
	memcpy(saved, cli_socket, sizeof saved);
	snprintf(cli_socket, sizeof cli_socket, "%s/manager.sock", folder);
	cli_expect("vm list", 8, "", "manager.sock: no site manager listens here");
	cli_expect("mesh delete m --yes", 8, "", "no site manager listens here");
	memcpy(cli_socket, saved, sizeof saved);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jobs), cmocka_unit_test(test_moves), cmocka_unit_test(test_away), cmocka_unit_test(test_false_answers),
		cmocka_unit_test(test_leave_early), cmocka_unit_test(test_problem_codes), cmocka_unit_test(test_answers),
		cmocka_unit_test(test_terminal), cmocka_unit_test(test_events), cmocka_unit_test(test_unreachable),
	};

	(void)argc;
	cli_run_init(argv[0]);
	return cmocka_run_group_tests(tests, setup, teardown);
}
