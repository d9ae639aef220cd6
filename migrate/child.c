/* SPDX-License-Identifier: Apache-2.0 */
/* child.c - the agent's side of the child process: starting it, its messages, its end. */
#include "migrate/child.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "interconnect/base/err.h"
#include "interconnect/base/log.h"
#include "migrate/link.h"

CW_LOG_MODULE(child);

extern char **environ;

struct child {
	pid_t pid;
	int fd;
	struct cw_io *io;
	const struct child_events *ev;
	void *ctx;
};

static int spawn(int fd, pid_t *ret_pid)
{
	char name[] = "causeway-agent", command[] = CHILD_COMMAND;
	char *const argv[] = { name, command, NULL };
	posix_spawn_file_actions_t fa;
	int r;

	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, fd, CHILD_FD);
	r = -posix_spawn(ret_pid, "/proc/self/exe", &fa, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	return r;
}

static struct cw_json *order_json(const struct child_order *o)
{
	struct cw_json *j = cw_json_object();
	const struct {
		const char *name, *value;
	} rows[] = {
		{ "id", o->id }, { "site", o->site }, { "token", o->token }, { "libvirt", o->libvirt },
		{ "dial", o->dial },
		{ "dir", o->dir }, { "uuid", o->uuid }, { "xml", o->xml },
	};

	for (size_t i = 0; i < CW_COUNT(rows); i++)
		cw_json_set_str(j, rows[i].name, rows[i].value);
	cw_json_set_int(j, "uid", o->uid);
	cw_json_set_int(j, "gid", o->gid);
	cw_json_set_int(j, "max_downtime_ms", o->max_downtime_ms);
	cw_json_set_int(j, "parent", getpid());
	return j;
}

static void gone(struct child *c, bool ok, const char *text)
{
	cw_io_free(cw_steal(&c->io));
	c->ev->on_done(c->ctx, ok, text);
}

static void on_message(struct child *c, const struct cw_json *j)
{
	const char *event = cw_json_get_str(j, "event", ""), *text = cw_json_get_str(j, "text", "");

	if (strcmp(event, "stopped") == 0)
		c->ev->on_stopped(c->ctx, (uint64_t)cw_json_get_int(j, "at_us", 0));
	else if (strcmp(event, "held") == 0)
		c->ev->on_held(c->ctx);
	else if (strcmp(event, "lost") == 0)
		c->ev->on_lost(c->ctx, text);
	else if (strcmp(event, "done") == 0)
		gone(c, cw_json_get_bool(j, "ok", false), text);
}

static void on_link(void *ctx, unsigned events)
{
	struct child *c = ctx;
	CW_AUTO(cw_json_cleanup) struct cw_json *j = NULL;
	int r = link_recv(c->fd, &j);

	(void)events;
	if (r == 0)
		on_message(c, j);
	else if (r != -EAGAIN)
		gone(c, false, "the process of the migration died");
}

int child_new(struct cw_loop *l, const struct child_order *o, const struct child_events *ev, void *ctx,
	      struct child **ret_child)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *order = order_json(o);
	struct child *c = calloc(1, sizeof *c);
	int fds[2] = { -1, -1 }, r = -ENOMEM;

	if (c && (r = link_pair(fds)) == 0)
		r = spawn(fds[1], &c->pid);
	cw_fd_close(&fds[1]);
	if (r < 0) {
		cw_fd_close(&fds[0]);
		free(c);
		return r;
	}
	c->fd = fds[0];
	c->ev = ev;
	c->ctx = ctx;
	if ((r = cw_io_new(l, c->fd, CW_IO_READ, on_link, c, &c->io)) < 0 || (r = link_send(c->fd, order)) < 0) {
		child_free(c);
		return r;
	}
	cw_log(DEBUG, o->id, "migration runs in process %d", (int)c->pid);
	*ret_child = c;
	return 0;
}

static int tell(struct child *c, const char *what)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *j = cw_json_object();

	cw_json_set_str(j, "do", what);
	return link_send(c->fd, j);
}

int child_release(struct child *c)
{
	return tell(c, "release");
}

int child_fail(struct child *c)
{
	return tell(c, "fail");
}

void child_free(struct child *c)
{
	if (!c)
		return;
	cw_io_free(c->io);
	cw_fd_close(&c->fd);
	if (c->pid > 0) {
		kill(c->pid, SIGKILL);
		while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	free(c);
}
