/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dst_stream.c - streams of a migration that arrives: memory and disks are carried to the sockets
 * of QEMU; libvirt's connection goes through the filter.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/log.h"
#include "interconnect/base/mem.h"
#include "interconnect/base/pump.h"
#include "migrate/chan.h"
#include "migrate/dst_obj.h"

CW_LOG_MODULE(dst);

enum { STREAMS_MAX = 64, CONNECT_TIMEOUT_MS = 5000 };

struct dst_stream {
	struct dst_stream *next;
	struct dst *dst;
	enum stream_kind kind;
	int fd;                         /* until it is handed on */
	struct cw_dial *dial;
	struct cw_pump *pump;
	struct chan *far, *near;        /* libvirt: the other site, our daemon */
	struct filter *filter;
	struct filter_policy policy;
	const char *disks[DOM_DISKS_MAX];
	char migrate_uri[128], disks_uri[128];
};

static void stream_free(struct dst_stream *s)
{
	struct dst_stream **at = &s->dst->streams;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	cw_dial_free(s->dial);
	cw_pump_free(s->pump);
	chan_free(s->far);
	chan_free(s->near);
	filter_free(s->filter);
	cw_fd_close(&s->fd);
	free(s);
}

void dst_streams_close(struct dst *d)
{
	while (d->streams)
		stream_free(d->streams);
}

/* ---- libvirt ---- */

static int to_near(void *ctx, const void *frame, size_t size)
{
	struct dst_stream *s = ctx;

	return chan_write(s->near, frame, size);
}

static void on_far_data(void *ctx, const void *data, size_t size)
{
	struct dst_stream *s = ctx;
	struct cw_why why = { 0 };
	char text[512];
	int r = filter_feed(s->filter, data, size, to_near, s, &why);

	if (r == 0)
		return;
	s->dst->agent->counters.filter_refused++;
	cw_log(ERROR, s->dst->id, "libvirt stream refused: %s", cw_why_text(&why, r, text, sizeof text));
	stream_free(s);
}

static void on_near_data(void *ctx, const void *data, size_t size)
{
	struct dst_stream *s = ctx;

	if (chan_write(s->far, data, size) < 0)
		stream_free(s);
}

static void on_chan_end(void *ctx, int r)
{
	(void)r;
	stream_free(ctx);
}

static int libvirt_start(struct dst_stream *s, int fd)
{
	struct dst *d = s->dst;
	int r;

	for (size_t i = 0; i < d->n_files; i++)
		s->disks[i] = d->files[i].target;
	snprintf(s->migrate_uri, sizeof s->migrate_uri, "unix://%s/%s/mig.sock", d->agent->conf.run, d->id);
	snprintf(s->disks_uri, sizeof s->disks_uri, "unix://%s/%s/nbd.sock", d->agent->conf.run, d->id);
	s->policy = (struct filter_policy){
		{ d->vm, d->uuid, s->disks, d->n_files }, d->xml, s->migrate_uri, s->disks_uri
	};
	if ((r = filter_new(&s->policy, &s->filter)) < 0 ||
	    (r = chan_new(d->agent->loop, fd, on_near_data, on_chan_end, s, &s->near)) < 0) {
		cw_fd_close(&fd);
		return r;
	}
	if ((r = stream_answer(s->fd, 0)) < 0)
		return r;
	fd = s->fd;
	s->fd = -1;
	return chan_new(d->agent->loop, fd, on_far_data, on_chan_end, s, &s->far);
}

/* ---- memory and disks ---- */

static void on_pump_done(void *ctx, int r)
{
	(void)r;
	stream_free(ctx);
}

static int pump_start(struct dst_stream *s, int fd)
{
	int far = s->fd, r;

	if ((r = stream_answer(far, 0)) < 0) {
		cw_fd_close(&fd);
		return r;
	}
	s->fd = -1;
	return cw_pump_new(s->dst->agent->loop, far, fd, NULL, 0, on_pump_done, s, &s->pump);
}

/* ---- both ---- */

static void on_connected(void *ctx, int r, int fd)
{
	struct dst_stream *s = ctx;

	cw_dial_free(cw_steal(&s->dial));
	if (r == 0)
		r = s->kind == STREAM_LIBVIRT ? libvirt_start(s, fd) : pump_start(s, fd);
	if (r == 0)
		return;
	cw_log_r(WARN, s->dst->id, r, "cannot carry a %s stream", stream_kind_name(s->kind));
	if (s->fd >= 0)
		(void)!stream_answer(s->fd, r);
	stream_free(s);
}

static int stream_target(const struct dst *d, enum stream_kind kind, struct cw_stream_addr *ret_addr)
{
	struct cw_stream_addr a = { .is_unix = true };

	if (kind == STREAM_LIBVIRT)
		virt_socket(d->agent->conf.libvirt, a.path, sizeof a.path);
	else
		agent_dir_path(&d->agent->conf, d->id, kind == STREAM_MEMORY ? "mig.sock" : "nbd.sock", a.path,
			       sizeof a.path);
	*ret_addr = a;
	return 0;
}

static int admit(struct dst *d, const struct stream_hello *h)
{
	size_t n = 0;

	if (!d || !d->job || !d->token[0] || strcmp(d->job->from, h->site) != 0 ||
	    strlen(h->token) != strlen(d->token) || !cw_mem_equal(h->token, d->token, strlen(d->token)))
		return CW_E_FORBIDDEN;
	if (d->job->decision != JOB_UNDECIDED || (h->kind == STREAM_LIBVIRT && d->libvirt_taken))
		return CW_E_STATE;
	for (const struct dst_stream *s = d->streams; s; s = s->next)
		n++;
	return n < STREAMS_MAX ? 0 : CW_E_LIMIT;
}

int dst_stream(struct agent *a, const struct stream_hello *h, int fd)
{
	struct dst *d = dst_find(a, h->migration);
	struct cw_stream_addr addr;
	struct dst_stream *s = NULL;
	int r = admit(d, h);

	if (r == 0 && !(s = calloc(1, sizeof *s)))
		r = -ENOMEM;
	if (r < 0) {
		(void)!stream_answer(fd, r);
		cw_fd_close(&fd);
		return r;
	}
	*s = (struct dst_stream){ .next = d->streams, .dst = d, .kind = h->kind, .fd = fd };
	d->streams = s;
	if ((r = stream_target(d, h->kind, &addr)) < 0 ||
	    (r = cw_dial_new(a->loop, &addr, NULL, CONNECT_TIMEOUT_MS, on_connected, s, &s->dial)) < 0) {
		(void)!stream_answer(fd, r);
		stream_free(s);
		return r;
	}
	if (h->kind == STREAM_LIBVIRT)
		d->libvirt_taken = true;
	return 0;
}
