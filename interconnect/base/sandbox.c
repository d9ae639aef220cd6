/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox.c - user, limits, and a filter of system calls in the kernel's own language.
 *
 * The program of the filter is written from a table: for each call one comparison that lets it pass, for some with a
 * condition on one argument. It ends in "kill". libseccomp would be one more library to write some eighty instructions.
 */
#include "interconnect/base/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/crypt.h"
#include "interconnect/base/err.h"

#if defined(__SANITIZE_ADDRESS__) || defined(CW_SANDBOX_OPEN)
#define WITHOUT_FILTER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITHOUT_FILTER 1
#endif
#endif

enum { NOBODY = 65534, WARM_GROUP = 31 };

bool cw_sandbox_filters(void)
{
#ifdef WITHOUT_FILTER
	return false;
#else
	return true;
#endif
}

/* ---- the table ---- */

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#error "the filter of system calls is not written for this processor"
#endif

enum condition {
	ALWAYS,
	NO_EXEC,                /* argument 2 has no PROT_EXEC */
	OWN_PROCESS,            /* argument 0 is our process */
};

static const struct call {
	int nr;
	enum condition condition;
} calls[] = {
	/* descriptors that are there */
	{ SYS_recvfrom, ALWAYS }, { SYS_recvmsg, ALWAYS }, { SYS_sendto, ALWAYS }, { SYS_sendmsg, ALWAYS }, { SYS_read, ALWAYS },
	{ SYS_write, ALWAYS }, { SYS_writev, ALWAYS }, { SYS_close, ALWAYS }, { SYS_ppoll, ALWAYS },
#ifdef SYS_poll
	{ SYS_poll, ALWAYS },
#endif
	/* memory */
	{ SYS_mmap, NO_EXEC }, { SYS_mprotect, NO_EXEC }, { SYS_munmap, ALWAYS }, { SYS_mremap, ALWAYS }, { SYS_brk, ALWAYS },
	{ SYS_madvise, ALWAYS }, { SYS_mlock, ALWAYS }, { SYS_munlock, ALWAYS }, { SYS_futex, ALWAYS },
	/* time and chance */
	{ SYS_clock_gettime, ALWAYS }, { SYS_gettimeofday, ALWAYS }, { SYS_getrandom, ALWAYS },
	/* itself, and its end: abort() is a signal to ourselves */
	{ SYS_getpid, ALWAYS }, { SYS_gettid, ALWAYS }, { SYS_tgkill, OWN_PROCESS }, { SYS_rt_sigprocmask, ALWAYS },
	{ SYS_rt_sigaction, ALWAYS }, { SYS_rt_sigreturn, ALWAYS }, { SYS_restart_syscall, ALWAYS }, { SYS_exit, ALWAYS }, { SYS_exit_group, ALWAYS },
};

enum { HEAD = 6, PER_CALL = 5, PROGRAM_MAX = HEAD + PER_CALL * CW_COUNT(calls) + 1 };

struct program {
	struct sock_filter code[PROGRAM_MAX];
	unsigned short n;
};

static void put(struct program *p, uint16_t code, uint32_t k, uint8_t if_true, uint8_t if_false)
{
	p->code[p->n++] = (struct sock_filter){ code, if_true, if_false, k };
}

static void put_load(struct program *p, size_t at)
{
	put(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)at, 0, 0);
}

static void put_end(struct program *p, uint32_t action)
{
	put(p, BPF_RET | BPF_K, action, 0, 0);
}

/* Arguments have 64 bits; what is looked at are ints, of which the kernel takes the low half alone. */
static size_t low_half(size_t argument)
{
	return offsetof(struct seccomp_data, args) + argument * sizeof(uint64_t) +
	       (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? sizeof(uint32_t) : 0);
}

/* The number of the call is loaded, and is again behind this: each way out of a row ends the program. */
static void put_call(struct program *p, const struct call *c)
{
	static const uint8_t skip[] = { [ALWAYS] = 1, [NO_EXEC] = 4, [OWN_PROCESS] = 4 };

	put(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)c->nr, 0, skip[c->condition]);
	if (c->condition == NO_EXEC) {
		put_load(p, low_half(2));
		put(p, BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1);
		put_end(p, SECCOMP_RET_KILL_PROCESS);
	} else if (c->condition == OWN_PROCESS) {
		put_load(p, low_half(0));
		put(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)getpid(), 1, 0);
		put_end(p, SECCOMP_RET_KILL_PROCESS);
	}
	put_end(p, SECCOMP_RET_ALLOW);
}

static int load_filter(void)
{
	struct program p = { .n = 0 };
	struct sock_fprog prog;

	put_load(&p, offsetof(struct seccomp_data, arch));
	put(&p, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
	put_end(&p, SECCOMP_RET_KILL_PROCESS);
	put_load(&p, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < CW_COUNT(calls); i++)
		put_call(&p, &calls[i]);
	put_end(&p, SECCOMP_RET_KILL_PROCESS);  /* the numbers of x32 among all others */
	prog = (struct sock_fprog){ p.n, p.code };
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0 ? -errno : 0;
}

/* ---- all else ---- */

/* What opens files at its first use. */
static int warm_up(void)
{
	struct cw_span nothing = { "", 0 };
	uint8_t hash[CW_HASH_MAX], key = 0;
	struct cw_dh *dh;
	struct timespec now;
	struct tm tm;
	char text[16];
	int r;

	cw_clock_wall(&now);
	tzset();
	if (!gmtime_r(&now.tv_sec, &tm) || strftime(text, sizeof text, "%H:%M:%S", &tm) == 0)
		return CW_E_LIBRARY;
	if ((r = cw_hmac(CW_HASH_SHA256, &key, sizeof key, &nothing, 1, hash)) < 0 || (r = cw_dh_new(WARM_GROUP, &dh)) < 0)
		return r;
	cw_dh_free(dh);
	return 0;
}

static int limit(unsigned fds)
{
	const struct {
		int resource;
		rlim_t most;
	} rows[] = { { RLIMIT_CORE, 0 }, { RLIMIT_NPROC, 0 }, { RLIMIT_NOFILE, fds } };

	for (size_t i = 0; i < (cw_sandbox_filters() ? CW_COUNT(rows) : 1); i++) {
		const struct rlimit l = { rows[i].most, rows[i].most };

		if (setrlimit((__rlimit_resource_t)rows[i].resource, &l) < 0)
			return -errno;
	}
	return 0;
}

/* Nobody's files are nobody's, and so are his processes: no dump, no trace, and the filter has no call that could touch one. A
 * root who may not change its user, as a service manager may have it, stays one. */
static int become_nobody(void)
{
	if (geteuid() != 0)
		return 0;
	if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return errno == EPERM ? 0 : -errno;
	return setuid(0) == 0 ? -EPERM : 0;     /* there must be no way back */
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 || syscall(SYS_capset, &head, none) < 0)
		return -errno;
	return 0;
}

int cw_sandbox_enter(const char *name, unsigned fds)
{
	int r;

	if (prctl(PR_SET_NAME, name) < 0)
		return -errno;
	if ((r = warm_up()) < 0 || (r = become_nobody()) < 0 || (r = drop_capabilities()) < 0 || (r = limit(fds)) < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	/* A leak checker reads its own process by ptrace. */
	if (prctl(PR_SET_DUMPABLE, cw_sandbox_filters() ? 0 : 1) < 0)
		return -errno;
	return cw_sandbox_filters() ? load_filter() : 0;
}
