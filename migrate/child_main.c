/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child_main.c - the child process of a migration (child.h).
 *
 * Theory of operation. The main thread runs the loop: the link to the agent, the three
 * listeners, the relays, the hold. A worker thread makes the one blocking call of libvirt,
 * whose connection to the target comes back into this process through ctl.sock. From the
 * Finish call on the hold answers it, and only on the agent's word.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/daemon.h"
#include "interconnect/base/impair.h"
#include "interconnect/base/log.h"
#include "interconnect/base/loop.h"
#include "interconnect/base/pump.h"
#include "migrate/chan.h"
#include "migrate/child.h"
#include "migrate/hold.h"
#include "migrate/link.h"
#include "migrate/stream.h"
#include "migrate/virt.h"
#include "migrate/work.h"

CW_LOG_MODULE(child);

enum { PUMPS_MAX = 64 };

/* One of the three sockets. */
struct door {
	struct run *run;
	enum stream_kind kind;
	const char *file;
	char path[108];
	int fd, taken;                  /* the listener; the connection whose stream is being opened */
	struct cw_io *io;
	struct stream_dial *dial;
};

struct run {
	struct cw_loop *loop;
	struct cw_json *order;
	struct cw_stream_addr peer;
	struct stream_hello hello;
	struct door doors[3];
	struct cw_pump *pumps[PUMPS_MAX];
	size_t n_pumps;
	struct cw_io *link_io;
	struct chan *client, *target;   /* the two halves of libvirt's connection */
	struct hold *hold;
	bool target_lost;
	struct work *work;
	struct virt_move move;
	struct cw_why why;
	int result;
	bool finished;
};

static const char *order_str(const struct run *u, const char *key)
{
	return cw_json_get_str(u->order, key, "");
}

static void tell(struct run *u, const char *event, const char *text)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *j = cw_json_object();
	int r;

	(void)u;
	cw_json_set_str(j, "event", event);
	if (text)
		cw_json_set_str(j, "text", text);
	r = link_send(CHILD_FD, j);
	if (r < 0)
		_exit(1);                       /* the agent is gone: its record decides */
}

/* ---- libvirt's connection ---- */

static int to_client(void *ctx, const void *frame, size_t size)
{
	struct run *u = ctx;

	return u->client ? chan_write(u->client, frame, size) : CW_E_UNREACHABLE;
}

static int to_target(void *ctx, const void *frame, size_t size)
{
	struct run *u = ctx;

	return u->target ? chan_write(u->target, frame, size) : CW_E_UNREACHABLE;
}

static void on_finish_reply(void *ctx, bool ok)
{
	struct run *u = ctx;

	if (cw_impair(ok ? "mig.child.held" : "mig.child.refused") < 0)
		ok = false;
	tell(u, ok ? "held" : "lost", ok ? NULL : "the target could not finish");
}

static const struct hold_ops hold_ops = { to_client, to_target, on_finish_reply };

/* The target's half is gone. Before Finish the client may know; from then on the agent has to decide first. */
static void target_end(struct run *u, const char *text)
{
	if (u->target_lost)
		return;
	u->target_lost = true;
	chan_free(cw_steal(&u->target));
	if (hold_answered(u->hold))
		return;
	cw_log(WARN, order_str(u, "id"), "connection to the target's libvirt: %s", text);
	if (hold_pending(u->hold))
		tell(u, "lost", text);
	else
		chan_free(cw_steal(&u->client));
}

static void on_target_data(void *ctx, const void *data, size_t size)
{
	struct run *u = ctx;

	if (hold_from_target(u->hold, data, size) < 0)
		target_end(u, "broke the protocol");
}

static void on_target_end(void *ctx, int r)
{
	(void)r;
	target_end(ctx, "ended");
}

static void on_client_data(void *ctx, const void *data, size_t size)
{
	struct run *u = ctx;

	if (hold_from_client(u->hold, data, size) < 0 && !u->target_lost)
		target_end(u, "cannot be written to");
}

/* Our own libvirt client has closed: it does so when its call has returned, or was never made. */
static void on_client_end(void *ctx, int r)
{
	struct run *u = ctx;

	(void)r;
	chan_free(cw_steal(&u->client));
	chan_free(cw_steal(&u->target));
	u->target_lost = true;
}

static int libvirt_connect(struct run *u, int client, int target)
{
	int r;

	if (u->client || u->target || u->target_lost) {
		cw_fd_close(&client);
		cw_fd_close(&target);
		return CW_E_STATE;
	}
	if ((r = chan_new(u->loop, client, on_client_data, on_client_end, u, &u->client)) < 0) {
		cw_fd_close(&target);
		return r;
	}
	return chan_new(u->loop, target, on_target_data, on_target_end, u, &u->target);
}

/* ---- memory and disks ---- */

static void on_pump_done(void *ctx, int r)
{
	(void)ctx;
	/* QEMU and libvirt notice by themselves; pumps are freed with the process */
	(void)r;
}

static int pump_connect(struct run *u, int near, int far)
{
	if (u->n_pumps == PUMPS_MAX) {
		cw_fd_close(&near);
		cw_fd_close(&far);
		return CW_E_LIMIT;
	}
	return cw_pump_new(u->loop, near, far, NULL, 0, on_pump_done, u, &u->pumps[u->n_pumps++]);
}

/* ---- the listeners ---- */

static void on_stream(void *ctx, int r, int fd)
{
	struct door *d = ctx;
	int near = d->taken;

	stream_dial_free(cw_steal(&d->dial));
	d->taken = -1;
	if (r < 0)
		cw_fd_close(&near);
	else
		r = d->kind == STREAM_LIBVIRT ? libvirt_connect(d->run, near, fd) : pump_connect(d->run, near, fd);
	if (r < 0)
		cw_log_r(WARN, d->run->hello.migration, r, "%s stream", stream_kind_name(d->kind));
	cw_io_set(d->io, CW_IO_READ);           /* the next one may come */
}

static void on_door(void *ctx, unsigned events)
{
	struct door *d = ctx;
	struct stream_hello hello = d->run->hello;
	int r;

	(void)events;
	d->taken = accept4(d->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (d->taken < 0)
		return;
	hello.kind = d->kind;
	cw_io_set(d->io, 0);
	r = stream_dial_new(d->run->loop, &d->run->peer, &hello, STREAM_TIMEOUT_MS, on_stream, d, &d->dial);
	if (r < 0) {
		cw_log_r(WARN, hello.migration, r, "cannot dial a %s stream", stream_kind_name(d->kind));
		cw_fd_close(&d->taken);
		cw_io_set(d->io, CW_IO_READ);
	}
}

static int door_open(struct run *u, struct door *d)
{
	struct cw_stream_addr a = { .is_unix = true };
	uid_t uid = (uid_t)cw_json_get_int(u->order, "uid", 0);
	gid_t gid = (gid_t)cw_json_get_int(u->order, "gid", 0);
	int r;

	d->run = u;
	d->fd = d->taken = -1;
	snprintf(d->path, sizeof d->path, "%s/%s", order_str(u, "dir"), d->file);
	if (snprintf(a.path, sizeof a.path, "%s", d->path) >= (int)sizeof a.path)
		return CW_E_LIMIT;
	if ((r = cw_stream_listen(&a, &d->fd)) < 0)
		return r;
	if (chown(d->path, uid, gid) < 0)       /* QEMU has to reach it */
		return -errno;
	return cw_io_new(u->loop, d->fd, CW_IO_READ, on_door, d, &d->io);
}

/* ---- the agent's word ---- */

/* Before Finish an error is what libvirt gets when the target hangs up. */
static void give_up(struct run *u)
{
	int r = hold_fail(u->hold, "given up: the source goes on");

	if (r == CW_E_STATE)
		chan_free(cw_steal(&u->client));
}

static void on_link(void *ctx, unsigned events)
{
	struct run *u = ctx;
	CW_AUTO(cw_json_cleanup) struct cw_json *j = NULL;
	int r = link_recv(CHILD_FD, &j);
	const char *what = r == 0 ? cw_json_get_str(j, "do", "") : "";

	(void)events;
	if (r < 0 && r != -EAGAIN)
		_exit(1);                       /* nothing is passed on: the record decides */
	if (strcmp(what, "release") == 0 && cw_impair("mig.child.release") == 0 && hold_release(u->hold) < 0)
		cw_log(ERROR, order_str(u, "id"), "there is no reply to release");
	if (strcmp(what, "fail") == 0)
		give_up(u);
}

/* ---- the call ---- */

static void on_stopped(void *ctx)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *j = cw_json_object();

	(void)ctx;
	cw_json_set_str(j, "event", "stopped");
	cw_json_set_int(j, "at_us", (int64_t)cw_clock_now_us());
	if (link_send(CHILD_FD, j) < 0)
		_exit(1);
}

static void move_run(void *ctx)
{
	struct run *u = ctx;

	u->result = virt_move(&u->move, &u->why);
}

static void move_done(void *ctx)
{
	struct run *u = ctx;
	CW_AUTO(cw_json_cleanup) struct cw_json *j = cw_json_object();

	cw_json_set_str(j, "event", "done");
	cw_json_set_bool(j, "ok", u->result == 0);
	cw_json_set_str(j, "text", u->result == 0 ? "" : u->why.rule);
	if (link_send(CHILD_FD, j) < 0)
		_exit(1);
	u->finished = true;
	cw_loop_stop(u->loop);
}

static int move_start(struct run *u, char migrate_uri[128], char disks_uri[128])
{
	snprintf(migrate_uri, 128, "unix://%s", u->doors[1].path);
	snprintf(disks_uri, 128, "unix://%s", u->doors[2].path);
	u->move = (struct virt_move){
		.uri = order_str(u, "libvirt"), .target_socket = u->doors[0].path, .uuid = order_str(u, "uuid"),
		.xml = order_str(u, "xml"), .migrate_uri = migrate_uri, .disks_uri = disks_uri,
		.max_downtime_ms = (unsigned)cw_json_get_int(u->order, "max_downtime_ms", 0), .on_stopped = on_stopped,
		.ctx = u,
	};
	return work_post(u->work, move_run, move_done, u);
}

static int order_take(struct run *u)
{
	int r;

	while ((r = link_recv(CHILD_FD, &u->order)) == -EAGAIN)
		usleep(1000);
	if (r < 0)
		return r;
	if (getppid() != (pid_t)cw_json_get_int(u->order, "parent", 0))
		return CW_E_STATE;              /* the agent died before we asked to die with it */
	if ((r = cw_stream_addr_parse(order_str(u, "dial"), &u->peer)) < 0)
		return r;
	if (snprintf(u->hello.site, sizeof u->hello.site, "%s", order_str(u, "site")) >= (int)sizeof u->hello.site ||
	    snprintf(u->hello.migration, sizeof u->hello.migration, "%s",
		     order_str(u, "id")) >= (int)sizeof u->hello.migration ||
	    snprintf(u->hello.token, sizeof u->hello.token, "%s", order_str(u, "token")) >= (int)sizeof u->hello.token)
		return CW_E_LIMIT;
	return 0;
}

int child_main(void)
{
	static struct run u = {
		.doors = {
			{ .kind = STREAM_LIBVIRT, .file = "ctl.sock" },
			{ .kind = STREAM_MEMORY, .file = "mig.sock" },
			{ .kind = STREAM_DISK, .file = "nbd.sock" },
		},
	};
	char migrate_uri[128], disks_uri[128];
	int r;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	cw_daemon_harden();
	if ((r = order_take(&u)) < 0 || (r = cw_loop_new(&u.loop)) < 0 || (r = hold_new(&hold_ops, &u, &u.hold)) < 0 ||
	    (r = cw_io_new(u.loop, CHILD_FD, CW_IO_READ, on_link, &u, &u.link_io)) < 0 ||
	    (r = work_new(u.loop, &u.work)) < 0)
		goto out;
	for (size_t i = 0; i < CW_COUNT(u.doors); i++)
		if ((r = door_open(&u, &u.doors[i])) < 0)
			goto out;
	if ((r = move_start(&u, migrate_uri, disks_uri)) == 0)
		r = cw_loop_run(u.loop);
out:
	if (r < 0)
		cw_log_r(ERROR, u.hello.migration, r, "the process of the migration cannot work");
	_exit(r < 0);                           /* threads may still wait in libvirt */
}
