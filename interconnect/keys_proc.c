/* SPDX-License-Identifier: Apache-2.0 */
/* keys_proc.c - this program once more, and the queue to it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "interconnect/base/log.h"
#include "interconnect/keys_impl.h"
#include "interconnect/keysd.h"
#include "interconnect/signer.h"

CW_LOG_MODULE(keys);

/* In the child: to the data plane, and to the other child. Above: numbers that cannot meet them. */
enum { KEYS_FD_DATA = 3, KEYS_FD_OTHER = 4, KEYS_FD_OUT_OF_THE_WAY = 10, KEYS_LATE_MAX = 16 << 20,
       KEYS_BURY_TRIES = 50, KEYS_BURY_MS = 10 };

static const struct {
	const char *name, *arg;
	int (*main)(int data_fd, int other_fd);
} keys_parts[KEYS_PARTS] = {
	[KEYS_PART_IKE] = { "ike", "--part=ike", keysd_main }, [KEYS_PART_SIGNER] = { "signer", "--part=signer", signer_main },
};

static bool keys_is_socket(int fd)
{
	int type;
	socklen_t size = sizeof type;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

static bool keys_asked;         /* main() lets the parts that this program begins become what they are */

bool keys_part(int argc, char **argv, int *ret_status)
{
	size_t i = 0;

	keys_asked = true;
	while (i < KEYS_PARTS && (argc != 2 || strcmp(argv[1], keys_parts[i].arg) != 0))
		i++;
	if (i == KEYS_PARTS)
		return false;
	*ret_status = 2;
	if (!keys_is_socket(KEYS_FD_DATA) || !keys_is_socket(KEYS_FD_OTHER))
		return true;
	/* Who stops the program tells all its processes: the good-byes are still to be sent, and the end comes with the data plane's. */
	if (signal(SIGTERM, SIG_IGN) == SIG_ERR || signal(SIGINT, SIG_IGN) == SIG_ERR || signal(SIGHUP, SIG_IGN) == SIG_ERR)
		return true;
	*ret_status = keys_parts[i].main(KEYS_FD_DATA, KEYS_FD_OTHER);
	return true;
}

/* ---- begin and end ---- */

static int keys_pair(int ret[2])
{
	int low[2], r = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, low) < 0)
		return -errno;
	for (int i = 0; i < 2; i++)
		if ((ret[i] = fcntl(low[i], F_DUPFD_CLOEXEC, KEYS_FD_OUT_OF_THE_WAY)) < 0)
			r = -errno;
	cw_fd_close(&low[0]);
	cw_fd_close(&low[1]);
	for (int i = 0; i < 2 && r < 0; i++)
		cw_fd_close(&ret[i]);
	return r;
}

/* Variables that the run-time libraries of sanitizers and of coverage read; of all others the child has none. */
static char **keys_environment(char *env[8])
{
	static const char *const names[] = { "ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS", "GCOV_PREFIX", "GCOV_PREFIX_STRIP" };
	size_t n = 0;

	for (char **e = environ; e && *e; e++)
		for (size_t i = 0; i < CW_COUNT(names); i++) {
			size_t len = strlen(names[i]);

			if (strncmp(*e, names[i], len) == 0 && (*e)[len] == '=' && n < CW_COUNT(names))
				env[n++] = *e;
		}
	env[n] = NULL;
	return env;
}

/* Begins part I with these descriptors, which stay ours. */
static int keys_spawn(size_t i, int data_fd, int other_fd, pid_t *ret_pid)
{
	char self[] = "causeway", arg[32], *argv[] = { self, arg, NULL }, *env[8];
	posix_spawn_file_actions_t fa;
	int r;

	strncpy(arg, keys_parts[i].arg, sizeof arg - 1);
	arg[sizeof arg - 1] = '\0';
	if ((r = posix_spawn_file_actions_init(&fa)) != 0)
		return -r;
	if ((r = posix_spawn_file_actions_adddup2(&fa, data_fd, KEYS_FD_DATA)) == 0 &&
	    (r = posix_spawn_file_actions_adddup2(&fa, other_fd, KEYS_FD_OTHER)) == 0)
		r = posix_spawn(ret_pid, "/proc/self/exe", &fa, NULL, argv, keys_environment(env));
	posix_spawn_file_actions_destroy(&fa);
	return -r;
}

/* Begins part I, whose other socket is OTHER. */
static int keys_proc_begin_one(struct keys_proc *p, size_t i, int other)
{
	int data[2], r;

	*p = (struct keys_proc){ .name = keys_parts[i].name, .wire = { .fd = -1 }, .last = &p->first };
	if ((r = keys_pair(data)) < 0)
		return r;
	if ((r = keys_wire_open(&p->wire, data[0])) == 0)
		r = keys_spawn(i, data[1], other, &p->pid);
	cw_fd_close(&data[1]);
	return r;
}

int keys_proc_begin(struct keys_proc procs[KEYS_PARTS])
{
	int pair[2], r;

	for (size_t i = 0; i < KEYS_PARTS; i++)
		procs[i] = (struct keys_proc){ .wire = { .fd = -1 } };
	if (!keys_asked)                /* each would run this very program again, and so would its own, without end */
		return CW_E_STATE;
	if ((r = keys_pair(pair)) < 0)
		return r;
	for (size_t i = 0; i < KEYS_PARTS && r == 0; i++)
		r = keys_proc_begin_one(&procs[i], i, pair[i]);
	cw_fd_close(&pair[0]);
	cw_fd_close(&pair[1]);
	for (size_t i = 0; i < KEYS_PARTS && r < 0; i++)
		keys_proc_end(&procs[i]);
	return r;
}

/* The process is another user's: without CAP_KILL we cannot end it, and it ends by itself because its socket is closed. One that
 * does not is left behind, to be buried by whoever has a time for it. */
static void keys_bury(pid_t pid)
{
	bool dead = kill(pid, SIGKILL) == 0;

	for (int i = 0; i < KEYS_BURY_TRIES; i++) {
		pid_t got = waitpid(pid, NULL, dead ? 0 : WNOHANG);

		if (got == pid || (got < 0 && errno != EINTR))
			return;
		if (!dead)
			(void)poll(NULL, 0, KEYS_BURY_MS);
	}
	cw_log(WARN, NULL, "process %d does not end, and may not be killed (CAP_KILL)", (int)pid);
}

void keys_proc_end(struct keys_proc *p)
{
	struct keys_late *l;

	cw_io_free(p->io);
	if (p->name)
		keys_wire_close(&p->wire);
	if (p->pid > 0)
		keys_bury(p->pid);
	while ((l = p->first)) {
		p->first = l->next;
		free(l);
	}
	*p = (struct keys_proc){ .wire = { .fd = -1 } };
}

/* ---- saying ---- */

static int keys_proc_keep(struct keys_proc *p, const struct keys_msg *m)
{
	int n = keys_wire_build(m, p->wire.out, KEYS_WIRE_MAX);
	struct keys_late *l;

	if (n < 0 || p->late_bytes + (size_t)n > KEYS_LATE_MAX)
		return CW_E_LIMIT;
	if (!(l = malloc(sizeof *l + (size_t)n)))
		return -ENOMEM;
	l->next = NULL;
	l->size = (size_t)n;
	memcpy(l->bytes, p->wire.out, l->size);
	*p->last = l;
	p->last = &l->next;
	p->late_bytes += l->size;
	if (p->io)
		cw_io_set(p->io, CW_IO_READ | CW_IO_WRITE);
	return 0;
}

int keys_proc_say(struct keys_proc *p, const struct keys_msg *m)
{
	int r;

	if (p->pid == 0)
		return 0;               /* the next one is told everything */
	if (p->first)
		return keys_proc_keep(p, m);
	r = keys_wire_send(&p->wire, m, true);
	return r == -EAGAIN ? keys_proc_keep(p, m) : r;
}

int keys_proc_flush(struct keys_proc *p)
{
	struct keys_late *l;

	while ((l = p->first)) {
		if (send(p->wire.fd, l->bytes, l->size, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
			if (errno == EAGAIN || errno == EINTR)
				return 0;
			return -errno;
		}
		if (!(p->first = l->next))
			p->last = &p->first;
		p->late_bytes -= l->size;
		free(l);
	}
	if (p->io)
		cw_io_set(p->io, CW_IO_READ);
	return 0;
}
