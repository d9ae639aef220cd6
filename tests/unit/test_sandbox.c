/* SPDX-License-Identifier: Apache-2.0 */
/* test_sandbox.c - what a process can still do behind cw_sandbox_enter(), and what it dies of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/crypt.h"
#include "interconnect/base/log.h"
#include "interconnect/base/mem.h"
#include "interconnect/base/sandbox.h"

CW_LOG_MODULE(test);

enum { PAIR = 3, FDS = 5, WRONG = 77 };

/* Runs WORK in a sandboxed child, whose descriptors 3 and 4 are a pair. What waitpid() says. */
static int run(void (*work)(void))
{
	int pair[2], status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0 || dup2(pair[0], PAIR) < 0 || dup2(pair[1], PAIR + 1) < 0)
			_exit(WRONG);
		close_range(FDS, ~0u, 0);
		if (cw_sandbox_enter("cw-test", FDS) < 0)
			_exit(WRONG);
		work();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

#define NEED(cond) do { if (!(cond)) _exit(WRONG); } while (0)

/* ---- what is left ---- */

static void talk(void)
{
	struct pollfd p = { PAIR + 1, POLLIN, 0 };
	char text[8];

	NEED(send(PAIR, "hello", 5, 0) == 5);
	NEED(poll(&p, 1, 1000) == 1);
	NEED(recv(PAIR + 1, text, sizeof text, MSG_DONTWAIT) == 5);
	cw_log(INFO, "sandbox", "a line from inside");
}

static void work_with_memory(void)
{
	void *p = malloc(8 << 20), *s = cw_mem_secret(4096);

	NEED(p && s);
	memset(p, 1, 8 << 20);
	p = realloc(p, 32 << 20);
	NEED(p);
	free(p);
	cw_mem_free_secret(s, 4096);
	NEED(cw_clock_now_ms() > 0);
}

static void agree_on_a_secret(void)
{
	static const unsigned groups[] = { 14, 19, 20, 31 };
	uint8_t a[CW_DH_PUBLIC_MAX], x[CW_DH_SECRET_MAX];
	struct cw_dh *d, *e;
	size_t n;

	for (size_t i = 0; i < CW_COUNT(groups); i++) {
		NEED(cw_dh_new(groups[i], &d) == 0 && cw_dh_new(groups[i], &e) == 0);
		NEED(cw_dh_public(d, a) == 0 && cw_dh_shared(e, a, cw_dh_public_size(groups[i]), x, &n) == 0);
		cw_dh_free(d);
		cw_dh_free(e);
	}
}

static void encrypt(void)
{
	uint8_t key[CW_AEAD_KEY_MAX] = { 1 }, nonce[CW_AEAD_NONCE_MAX] = { 2 }, text[64 + CW_AEAD_TAG_MAX] = { 3 };
	struct cw_aead *a;

	for (int alg = 0; alg < CW_AEAD_N; alg++) {
		NEED(cw_aead_new((enum cw_aead_alg)alg, key, &a) == 0);
		NEED(cw_aead_seal(a, nonce, "", 0, text, 64, text) == 0 && cw_aead_open(a, nonce, "", 0, text, 64, text) == 0);
		cw_aead_free(a);
	}
}

static void what_is_left(void **state)
{
	(void)state;
	assert_int_equal(run(talk), 0);
	assert_int_equal(run(work_with_memory), 0);
	assert_int_equal(run(agree_on_a_secret), 0);
	assert_int_equal(run(encrypt), 0);
}

static void its_end_is_its_own(void **state)
{
	int status = run(abort);

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

/* ---- what kills ---- */

static void open_a_file(void) { (void)!open("/dev/null", O_RDONLY); }
static void make_a_socket(void) { (void)socket(AF_INET, SOCK_DGRAM, 0); }
static void connect_one(void) { (void)connect(PAIR, NULL, 0); }
static void make_a_process(void) { if (fork() == 0) _exit(0); }
static void run_a_program(void) { execl("/bin/true", "true", (char *)NULL); }
static void run_by_fd(void) { (void)syscall(SYS_execveat, PAIR, "", NULL, NULL, 0x1000); }
static void trace(void) { (void)ptrace(PTRACE_TRACEME, 0, NULL, NULL); }
static void read_others(void) { (void)syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0); }
static void kill_another(void) { (void)kill(getpid() + 1, 0); }
static void kill_by_thread(void) { (void)syscall(SYS_tgkill, 1, 1, 0); }
static void remove_a_file(void) { (void)unlink("/nonexistent"); }
static void copy_a_descriptor(void) { (void)!dup(PAIR); }
static void wait_on_many(void) { (void)syscall(SYS_epoll_create1, 0); }
static void make_code(void) { (void)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }
static void change_to_code(void) { (void)mprotect((void *)((uintptr_t)&make_code & ~(uintptr_t)4095), 4096, PROT_READ | PROT_EXEC); }
static void get_rights(void) { (void)!setuid(0); }
static void loosen(void) { (void)prctl(PR_SET_DUMPABLE, 1); }
static void kernel_rings(void) { (void)syscall(425 /* io_uring_setup */, 1, NULL); }
#if defined(__x86_64__)
static void x32(void) { (void)syscall(0x40000000 + SYS_getpid); }
static void other_abi(void) { __asm__ volatile("int $0x80" : : "a"(20) : "memory"); }
#endif

static void what_kills(void **state)
{
	static void (*const works[])(void) = {
		open_a_file, make_a_socket, connect_one, make_a_process, run_a_program, run_by_fd, trace, read_others, kill_another,
		kill_by_thread, remove_a_file, copy_a_descriptor, wait_on_many, make_code, change_to_code, get_rights, loosen, kernel_rings,
#if defined(__x86_64__)
		x32, other_abi,
#endif
	};

	(void)state;
	if (!cw_sandbox_filters())
		skip();
	for (size_t i = 0; i < CW_COUNT(works); i++) {
		int status = run(works[i]);

		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("work %zu ended with %#x", i, (unsigned)status);
	}
}

/* The line of /proc/PID/status that begins with NAME. */
static void status_line(pid_t pid, const char *name, char *line, size_t size)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, (int)size, f) && strncmp(line, name, strlen(name)) != 0)
		line[0] = '\0';
	fclose(f);
}

/* As seen from outside, because the process itself cannot look any more. */
static void nobody(void **state)
{
	static const struct {
		const char *name, *want;
	} rows[] = {
		{ "Uid:", "Uid:\t65534\t65534\t65534\t65534\n" }, { "Gid:", "Gid:\t65534\t65534\t65534\t65534\n" },
		{ "CapEff:", "CapEff:\t0000000000000000\n" }, { "CapPrm:", "CapPrm:\t0000000000000000\n" },
		{ "NoNewPrivs:", "NoNewPrivs:\t1\n" }, { "Name:", "Name:\tcw-test\n" }, { "Groups:", "Groups:\t \n" },
	};
	char line[256], byte;
	int pair[2], status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	pid = fork();
	if (pid == 0) {
		NEED(cw_sandbox_enter("cw-test", (unsigned)CW_MAX(pair[0], pair[1]) + 1) == 0);
		NEED(send(pair[1], "", 1, 0) == 1 && recv(pair[1], &byte, 1, 0) == 1);
		_exit(0);
	}
	assert_int_equal(recv(pair[0], &byte, 1, 0), 1);
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		status_line(pid, rows[i].name, line, sizeof line);
		assert_string_equal(line, rows[i].want);
	}
	assert_int_equal(send(pair[0], "", 1, 0), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_left), cmocka_unit_test(its_end_is_its_own), cmocka_unit_test(what_kills),
		cmocka_unit_test(nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
