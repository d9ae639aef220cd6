/* SPDX-License-Identifier: Apache-2.0 */
/* help_proc.c - supervision of one process. */
#include "mesh/help_proc.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/err.h"
#include "interconnect/base/impair.h"
#include "interconnect/base/log.h"
#include "mesh/help_folder.h"
#include "mesh/help_netns.h"

CW_LOG_MODULE(proc);

enum { DELAY_FIRST_MS = 50, LASTED_MS = 10 * 1000, LOOK_MS = 50 };
enum { STAT_TEXT = 1024, RECORD_TEXT = 64, EXEC_FAILED = 127 };

struct help_proc {
	struct cw_loop *loop;
	char name[HELP_NAME_MAX + 1], program[HELP_PATH], dir[HELP_PATH], netns[HELP_NETNS_TEXT];
	bool wanted, stopping;
	bool ending;                    /* it was told to end; SIGKILL follows */
	pid_t pid;                      /* 0: none known */
	int pidfd;
	struct cw_io *io;
	struct cw_timer *timer;         /* wanted: start it; stopping: SIGKILL, or look again */
	uint64_t started_ms;
	unsigned delay_ms;
	void (*gone)(void *ctx);
	void *ctx;
};

/* ---- who runs ---- */

/* When the process began, in the kernel's own unit: field 22 of its stat, behind the name, which may hold anything. */
static int start_of(const char *path, unsigned long long *ret_start)
{
	CW_AUTO(cw_fd_cleanup) int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[STAT_TEXT], *p;
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	if (n <= 0)
		return -ESRCH;
	text[n] = '\0';
	p = strrchr(text, ')');
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	return p && sscanf(p, " %llu", ret_start) == 1 ? 0 : -ESRCH;
}

/* Reads the record of the locked file FD: a process that lives. */
static int record_read(int fd, pid_t *ret_pid)
{
	unsigned long long start = 0, now = 0;
	char text[RECORD_TEXT], path[RECORD_TEXT];
	ssize_t n = pread(fd, text, sizeof text - 1, 0);
	int pid = 0, r;

	if (n <= 0)
		return -ESRCH;
	text[n] = '\0';
	if (sscanf(text, "%d %llu", &pid, &start) != 2 || pid <= 0)
		return -ESRCH;
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	if ((r = start_of(path, &now)) < 0 || now != start)
		return -ESRCH;
	*ret_pid = pid;
	return 0;
}

static int record_open(const struct help_proc *p, int *ret_fd)
{
	char path[HELP_PATH + 16];
	int fd;

	snprintf(path, sizeof path, "%s/process", p->dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

/* ---- the child ---- */

static void child_fail(const char *what)
{
	dprintf(STDERR_FILENO, "causeway-helper: %s: %s\n", what, strerror(errno));
	_exit(EXEC_FAILED);
}

/* Only async-signal-safe calls are needed here, but there is one thread, so none is forbidden. */
static void child_run(const struct help_proc *p, int record, int netns, int log)
{
	unsigned long long start = 0;
	char text[RECORD_TEXT];
	sigset_t none;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC), n;

	sigemptyset(&none);
	if (dup2(log, STDERR_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0 || dup2(null, STDIN_FILENO) < 0)
		_exit(EXEC_FAILED);
	if (setsid() < 0 || sigprocmask(SIG_SETMASK, &none, NULL) < 0 || signal(SIGPIPE, SIG_DFL) == SIG_ERR)
		child_fail("cannot begin a session");
	if (setns(netns, CLONE_NEWNET) < 0)
		child_fail("cannot enter the network namespace");
	if (start_of("/proc/self/stat", &start) < 0)
		child_fail("cannot read /proc/self/stat");
	n = snprintf(text, sizeof text, "%d %llu\n", getpid(), start);
	if (ftruncate(record, 0) < 0 || pwrite(record, text, (size_t)n, 0) != n)
		child_fail("cannot write the file 'process'");
	if (close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) < 0 || fcntl(record, F_SETFD, 0) < 0)
		child_fail("cannot close what is the helper's");
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	execl(p->program, p->program, "--node", p->dir, (char *)NULL);
	child_fail(p->program);
}

static int log_open(const struct help_proc *p, int *ret_fd)
{
	char path[HELP_PATH + 16];
	struct stat st;
	int fd;

	snprintf(path, sizeof path, "%s/log", p->dir);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && st.st_size > HELP_PROC_LOG_MAX && ftruncate(fd, 0) < 0)
		cw_log_r(WARN, p->name, -errno, "cannot shorten the log");
	*ret_fd = fd;
	return 0;
}

/* ---- watching ---- */

static void unwatch(struct help_proc *p)
{
	cw_io_free(cw_steal(&p->io));
	cw_fd_close(&p->pidfd);
	cw_timer_stop(p->timer);
	p->pid = 0;
	p->ending = false;
}

static void look(struct help_proc *p);

static void say_end(const struct help_proc *p, const siginfo_t *info)
{
	if (p->stopping || info->si_pid == 0)
		cw_log(INFO, p->name, "process %d has ended", p->pid);
	else
		cw_log(WARN, p->name, "process %d has ended: %s %d", p->pid,
		       info->si_code == CLD_EXITED ? "status" : "signal", info->si_status);
}

static void on_end(void *ctx, unsigned events)
{
	struct help_proc *p = ctx;
	siginfo_t info = { 0 };

	(void)events;
	/* Its own processes go with it; a zombie keeps the number of their group. One that was taken over is somebody
	 * else's child. */
	if (waitid(P_PIDFD, (id_t)p->pidfd, &info, WEXITED | WNOHANG | WNOWAIT) == 0) {
		(void)kill(-p->pid, SIGKILL);
		(void)waitid(P_PIDFD, (id_t)p->pidfd, &info, WEXITED | WNOHANG);
	}
	say_end(p, &info);
	unwatch(p);
	if (p->stopping) {
		look(p);
		return;
	}
	if (cw_clock_now_ms() - p->started_ms >= LASTED_MS)
		p->delay_ms = 0;
	cw_timer_arm(p->timer, p->delay_ms);
	p->delay_ms = CW_MIN(CW_MAX(2 * p->delay_ms, (unsigned)DELAY_FIRST_MS), (unsigned)HELP_PROC_DELAY_MS);
}

static int watch(struct help_proc *p, pid_t pid)
{
	int r;

	if ((p->pidfd = pidfd_open(pid, 0)) < 0)
		return -errno;
	p->pid = pid;
	if ((r = cw_io_new(p->loop, p->pidfd, CW_IO_READ, on_end, p, &p->io)) < 0)
		unwatch(p);
	return r;
}

/* Watches the process that has the lock of RECORD. The number may have gone to another one between reading and
 * opening, so it is read again. */
static int adopt(struct help_proc *p, int record)
{
	pid_t pid = 0, again = 0;
	int r;

	if ((r = record_read(record, &pid)) < 0 || (r = watch(p, pid)) < 0)
		return r;
	if ((r = record_read(record, &again)) < 0 || again != pid) {
		unwatch(p);
		return r < 0 ? r : -ESRCH;
	}
	cw_log(INFO, p->name, "process %d runs", pid);
	return 0;
}

static int run(struct help_proc *p, int record)
{
	CW_AUTO(cw_fd_cleanup) int netns = -1;
	CW_AUTO(cw_fd_cleanup) int log = -1;
	pid_t pid;
	int r;

	if ((r = help_netns_open(p->netns, &netns)) < 0 || (r = log_open(p, &log)) < 0)
		return r;
	if ((pid = fork()) < 0)
		return -errno;
	if (pid == 0)
		child_run(p, record, netns, log);
	p->started_ms = cw_clock_now_ms();
	if ((r = watch(p, pid)) < 0 || (r = cw_impair("help.place.process")) < 0)
		return r;
	cw_log(INFO, p->name, "process %d started", pid);
	return 0;
}

/* 1: there is one, or there may be; 0: none, and RECORD is locked. */
static int lock(struct help_proc *p, int *ret_record)
{
	int r = record_open(p, ret_record);

	if (r < 0)
		return r;
	if (flock(*ret_record, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return -errno;
	(void)adopt(p, *ret_record);
	return 1;
}

static void terminate(struct help_proc *p)
{
	if (pidfd_send_signal(p->pidfd, SIGTERM, NULL, 0) < 0 && errno != ESRCH)
		cw_log_r(ERROR, p->name, -errno, "cannot end process %d", p->pid);
	p->ending = true;
	cw_timer_arm(p->timer, HELP_PROC_TERM_MS);
}

/* Does the process live in the namespace that has the name now? */
static bool is_at_home(const struct help_proc *p)
{
	CW_AUTO(cw_fd_cleanup) int netns = -1;
	char path[RECORD_TEXT];
	struct stat own, named;

	snprintf(path, sizeof path, "/proc/%d/ns/net", p->pid);
	return help_netns_open(p->netns, &netns) == 0 && fstat(netns, &named) == 0 && stat(path, &own) == 0 &&
	       own.st_dev == named.st_dev && own.st_ino == named.st_ino;
}

static void start(struct help_proc *p)
{
	CW_AUTO(cw_fd_cleanup) int record = -1;
	int r = lock(p, &record);

	if (r == 1 && p->pid && !is_at_home(p)) {
		cw_log(WARN, p->name, "process %d lives in a namespace that was taken away", p->pid);
		terminate(p);           /* and is started anew where it belongs */
		return;
	}
	if (r == 0)
		r = run(p, record);
	if (r < 0)
		cw_log_rl(ERROR, p->name, r, "cannot start %s", p->program);
	if (!p->pid)                    /* it has not written yet who it is, or it could not be started */
		cw_timer_arm(p->timer, r < 0 ? HELP_PROC_DELAY_MS : LOOK_MS);
}

/* ---- ending ---- */

/* Is there still one? */
static void look(struct help_proc *p)
{
	CW_AUTO(cw_fd_cleanup) int record = -1;
	int r = lock(p, &record);

	if (r < 0 && r != -ENOENT)
		cw_log_rl(ERROR, p->name, r, "cannot tell whether a process runs");
	if (p->pid) {
		terminate(p);
	} else if (r == 0 || r == -ENOENT) {
		p->stopping = false;
		if (p->gone)
			p->gone(p->ctx);
	} else {
		cw_timer_arm(p->timer, LOOK_MS);
	}
}

static void on_timer(void *ctx)
{
	struct help_proc *p = ctx;

	if (p->wanted && !p->pid)
		start(p);
	else if (p->stopping && !p->pid)
		look(p);
	else if (p->ending && pidfd_send_signal(p->pidfd, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
		cw_log_r(ERROR, p->name, -errno, "cannot kill process %d", p->pid);
}

/* ---- outside ---- */

int help_proc_new(struct cw_loop *l, const char *name, const char *program, const char *dir, const char *netns,
		  struct help_proc **ret_proc)
{
	struct help_proc *p = calloc(1, sizeof *p);
	int r;

	if (!p)
		return -ENOMEM;
	p->loop = l;
	p->pidfd = -1;
	snprintf(p->name, sizeof p->name, "%s", name);
	snprintf(p->program, sizeof p->program, "%s", program);
	snprintf(p->dir, sizeof p->dir, "%s", dir);
	snprintf(p->netns, sizeof p->netns, "%s", netns);
	if ((r = cw_timer_new(l, on_timer, p, &p->timer)) < 0) {
		help_proc_free(p);
		return r;
	}
	*ret_proc = p;
	return 0;
}

void help_proc_free(struct help_proc *p)
{
	if (!p)
		return;
	unwatch(p);
	cw_timer_free(p->timer);
	free(p);
}

void help_proc_start(struct help_proc *p)
{
	p->stopping = false;
	if (p->wanted)
		return;
	p->wanted = true;
	p->delay_ms = 0;
	if (!p->pid)                    /* else it is ending, and then started anew */
		start(p);
}

void help_proc_stop(struct help_proc *p, void (*gone)(void *ctx), void *ctx)
{
	p->wanted = false;
	p->stopping = true;
	p->gone = gone;
	p->ctx = ctx;
	if (!p->pid)
		cw_timer_arm(p->timer, 0);
	else if (!p->ending)
		terminate(p);
}

pid_t help_proc_pid(const struct help_proc *p)
{
	return p->pid;
}
