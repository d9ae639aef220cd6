/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cli_site.c - the program causeway against the program causewayd: the site, an invitation, and TLS with pin and token.
 *
 * Runs in a network namespace of its own, so that its port is nobody else's; skipped where that may not be made.
 */
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/cli_run.h"
#include "tests/lib/tmp_dir.h"

enum { PIN = 64, START_TRIES = 500 };

static struct tmp_dir dir;
static char daemon_program[4096], pin[PIN + 1];
static pid_t daemon_pid = -1;

static int loopback_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r = ioctl(fd, SIOCSIFFLAGS, &ifr);

	close(fd);
	return r;
}

static int write_conf(void)
{
	FILE *f = fopen(tmp_dir_file(&dir, "c.yaml"), "w");

	if (!f)
		return -1;
	fprintf(f, "state: %s/state\nlisten: {address: 127.0.0.1, port: 9443}\nsocket: %s/manager.sock\ntoken: %s/admin.token\n", dir.path,
		dir.path, dir.path);
	return fclose(f);
}

static int daemon_start(void)
{
	const char *conf = tmp_dir_file(&dir, "c.yaml"), *log = tmp_dir_file(&dir, "log");
	struct stat st;

	daemon_pid = fork();
	if (daemon_pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(open(log, O_CREAT | O_WRONLY | O_APPEND, 0600), STDERR_FILENO);
		execl(daemon_program, daemon_program, "--config", conf, (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < START_TRIES; i++) {
		if (stat(cli_socket, &st) == 0)
			return 0;
		nanosleep(&(struct timespec){ .tv_nsec = 10 * 1000 * 1000 }, NULL);
	}
	return -1;
}

static void daemon_kill(void)
{
	kill(daemon_pid, SIGKILL);
	waitpid(daemon_pid, NULL, 0);
	unlink(cli_socket);
}

static int setup(void **state)
{
	(void)state;
	dir = tmp_dir_make();
	snprintf(cli_socket, sizeof cli_socket, "%s/manager.sock", dir.path);
	return write_conf() < 0 ? -1 : daemon_start();
}

static int teardown(void **state)
{
	(void)state;
	daemon_kill();
	tmp_dir_remove(&dir);
	return 0;
}

/* The value behind KEY of a body that is shown key by key. */
static void value_of(const char *line, const char *key, char *value, size_t size)
{
	static struct cli_run x;
	const char *at;

	cli_run(line, NULL, &x);
	at = strstr(x.out, key);
	assert_non_null(at);
	at += strlen(key);
	at += strspn(at, " ");
	snprintf(value, size, "%.*s", (int)strcspn(at, "\n"), at);
}

static void test_site(void **state)
{
	(void)state;
	cli_expect("site show", 10, "", "causeway: site: is not initialised; run: causeway site init --name NAME\n");
	cli_expect("pair list", 5, "", "is not initialised");
	cli_expect("site init --name a/b", 5, "", "causeway: site: name: must be 1 to");
	cli_expect("site init --name onprem --location cellar", 0, "name:     onprem\nlocation: cellar\n", "");
	cli_expect("site init --name onprem", 9, "", "is initialised already");
	cli_expect("-o json site show", 0, "\"name\": \"onprem\"", "");
	value_of("site show", "pin:", pin, sizeof pin);
	assert_int_equal(strlen(pin), PIN);
}

static void test_pairings(void **state)
{
	static struct cli_run x;

	(void)state;
	cli_expect("pair list", 0, "", "no pairs");
	cli_run("pair invite", NULL, &x);
	assert_int_equal(x.status, 0);
	assert_memory_equal(x.out, "CW", 2);
	assert_int_equal(strcspn(x.out, "\n") + 1, strlen(x.out));
	cli_expect("pair invite --valid 1ms", 5, "", "valid");
	cli_expect("pair list", 0, "invited", "");
	cli_expect("pair show cloud", 10, "", "causeway: ");
	cli_expect("pair accept CWnonsense", 5, "", "causeway: ");
	cli_expect("pair confirm cloud --words a-b-c-d", 10, "", "causeway: ");
	cli_run("pair accept -", x.out, &x);
	assert_int_not_equal(x.status, 0);      /* its own */
	cli_expect("vm show a/b", 10, "", "causeway: ");
}

#define NP "np create wan --function uplink --bridge br-uplink --range 10.0.0.2-10.0.0.5 --prefix 28"

static void test_profiles(void **state)
{
	(void)state;
	cli_expect("np list", 0, "", "no network-profiles");
	cli_expect(NP " --gateway 10.0.0.1 --dry-run", 0, "", "");
	cli_expect("np list", 0, "", "no network-profiles");
	cli_expect(NP " --gateway 10.0.1.1", 5, "", "causeway: network-profile wan: gateway: ");
	cli_expect(NP " --gateway 10.0.0.1 --dns 1.1.1.1 --mtu 1500", 0, "wan", "");
	cli_expect(NP, 9, "", "causeway: network-profile wan");
	cli_expect("np list", 0, "wan  uplink    br-uplink 10.0.0.2-10.0.0.5     28 10.0.0.1    0    4\n", "");
	cli_expect("cp create gold --services ix --host kvm1 --pool default --network uplink=none", 5, "",
		   "causeway: compute-profile gold: networks.management: ");
	cli_expect("np delete nothing --yes", 10, "", "causeway: network-profile nothing");
	cli_expect("np delete wan --dry-run", 0, "", "");
	cli_expect("np delete wan --yes", 0, "", "");
	cli_expect("np show wan", 10, "", "causeway: network-profile wan");
}

static void test_lists(void **state)
{
	(void)state;
	cli_expect("job list", 0, "", "no jobs");
	cli_expect("job watch job-1", 10, "", "job-1");
	cli_expect("tunnel show a/b", 10, "", "causeway: tunnel a/b");
	cli_expect("host list", 0, "", "no hosts");
	cli_expect("-o json event list", 0, "\"items\"", "");
}

/* A socket whose name does not say who listens is asked. */
static void test_other_name(void **state)
{
	char saved[sizeof cli_socket];

	(void)state;
	memcpy(saved, cli_socket, sizeof saved);
	snprintf(cli_socket, sizeof cli_socket, "%s/other.sock", dir.path);
	assert_int_equal(symlink(saved, cli_socket), 0);
	cli_expect("relay list", 2, "", "is asked of an appliance or agent, not of a manager");
	memcpy(cli_socket, saved, sizeof saved);
}

/* LINE by TLS. */
static void by_port(int port, const char *with_pin, const char *token, const char *line, int status, const char *out, const char *err)
{
	char saved[sizeof cli_socket], whole[512];

	memcpy(saved, cli_socket, sizeof saved);
	cli_socket[0] = '\0';
	snprintf(whole, sizeof whole, "--url https://127.0.0.1:%d %s %s --token-file %s %s", port, *with_pin ? "--pin" : "", with_pin,
		 token, line);
	cli_expect(whole, status, out, err);
	memcpy(cli_socket, saved, sizeof saved);
}

static void by_url(const char *with_pin, const char *token, const char *line, int status, const char *out, const char *err)
{
	by_port(9443, with_pin, token, line, status, out, err);
}

/* Something listens there that is no manager: it never hears the token. */
static void test_stranger(void **state)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(9444), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), status;
	char heard[4096];
	pid_t pid;

	(void)state;
	assert_int_equal(bind(fd, (const struct sockaddr *)&sin, sizeof sin) | listen(fd, 1), 0);
	if ((pid = fork()) == 0) {
		int c = accept(fd, NULL, NULL);
		ssize_t n = read(c, heard, sizeof heard);

		if (n < 0 || memmem(heard, (size_t)n, "Bearer", 6) || write(c, "SSH-2.0-OpenSSH_9.2\r\n", 21) != 21)
			_exit(1);
		while ((n = read(c, heard, sizeof heard)) > 0)
			if (memmem(heard, (size_t)n, "Bearer", 6))
				_exit(1);
		_exit(0);
	}
	close(fd);
	by_port(9444, pin, tmp_dir_file(&dir, "admin.token"), "site show", 8, "", "127.0.0.1: does not speak TLS as a site manager does");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_tls(void **state)
{
	char token[TMP_PATH], wrong[TMP_PATH], wrong_pin[PIN + 1];
	FILE *f;

	(void)state;
	snprintf(token, sizeof token, "%s", tmp_dir_file(&dir, "admin.token"));
	snprintf(wrong, sizeof wrong, "%s", tmp_dir_file(&dir, "wrong.token"));
	snprintf(wrong_pin, sizeof wrong_pin, "%s", pin);
	wrong_pin[PIN - 1] = wrong_pin[PIN - 1] == '0' ? '1' : '0';
	by_url(pin, token, "site show", 0, "name:     onprem\n", "");
	by_url(pin, token, "pair invite", 0, "CW", "");
	by_url("", token, "site show", 2, "", "causeway: --pin: must be given with --url");
	by_url("abc", token, "site show", 2, "", "causeway: --pin: must be 64 digits");
	by_url(wrong_pin, token, "site show", 1, "", "127.0.0.1: showed another key than that of --pin; nothing was sent");
	by_url(pin, "/nowhere", "site show", 2, "", "causeway: --token-file: cannot read /nowhere");
	assert_non_null(f = fopen(wrong, "w"));
	fputs("0000000000000000000000000000000000000000000000000000000000000000\n", f);
	fclose(f);
	by_url(pin, wrong, "site show", 7, "", "must be a file that its owner alone may read");
	assert_int_equal(chmod(wrong, 0600), 0);
	by_url(pin, wrong, "site show", 7, "", "causeway: only root on the socket, or the admin token");
	by_url(pin, token, "relay list", 2, "", "is asked of an appliance or agent");
}

static void test_environment(void **state)
{
	char saved[sizeof cli_socket];

	(void)state;
	assert_int_equal(setenv("CAUSEWAY_URL", "https://127.0.0.1", 1), 0);
	assert_int_equal(setenv("CAUSEWAY_PIN", pin, 1), 0);
	assert_int_equal(setenv("CAUSEWAY_TOKEN_FILE", tmp_dir_file(&dir, "admin.token"), 1), 0);
	memcpy(saved, cli_socket, sizeof saved);
	cli_socket[0] = '\0';
	cli_expect("site show", 0, "name:     onprem\n", "");
	memcpy(cli_socket, saved, sizeof saved);
	assert_int_equal(setenv("CAUSEWAY_PIN", "abc", 1), 0);
	cli_expect("site show", 0, "name:     onprem\n", "");        /* the socket comes first */
	unsetenv("CAUSEWAY_URL");
	unsetenv("CAUSEWAY_PIN");
	unsetenv("CAUSEWAY_TOKEN_FILE");
}

/* What it knows is on its disk. */
static void test_killed(void **state)
{
	(void)state;
	daemon_kill();
	cli_expect("site show", 8, "", "manager.sock: no site manager listens here");
	by_url(pin, tmp_dir_file(&dir, "admin.token"), "site show", 8, "", "causeway: 127.0.0.1: ");
	assert_int_equal(daemon_start(), 0);
	cli_expect("site show", 0, "name:     onprem\n", "");
	cli_expect("pair list", 0, "invited", "");
	by_url(pin, tmp_dir_file(&dir, "admin.token"), "pair list", 0, "invited", "");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_site), cmocka_unit_test(test_pairings), cmocka_unit_test(test_profiles),
		cmocka_unit_test(test_lists), cmocka_unit_test(test_other_name), cmocka_unit_test(test_tls),
		cmocka_unit_test(test_stranger), cmocka_unit_test(test_environment), cmocka_unit_test(test_killed),
	};

	(void)argc;
	cli_run_init(argv[0]);
	snprintf(daemon_program, sizeof daemon_program, "%.4000sd", cli_program);
	if (unshare(CLONE_NEWNET) < 0 || loopback_up() < 0) {
		printf("skipped: no network namespace: %s\n", strerror(errno));
		return 77;
	}
	return cmocka_run_group_tests(tests, setup, teardown);
}
