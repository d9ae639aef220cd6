/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_event.c - the route of events: a list, or a stream of server-sent events.
 *
 * A stream is fed from the store, so much at a time as its client takes: what waits in memory is bounded by QUEUE_MAX, however
 * far behind a client is. One that was up to date once and falls LAG_MAX events behind while its queue is full does not read: it is cut,
 * and may come again with the id of the last event that it saw (Last-Event-ID).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/log.h"
#include "mesh/mesh_api.h"
#include "mesh/mesh_event.h"

CW_LOG_MODULE(api_event);

enum { LIMIT_DEFAULT = 100, BATCH = 32, QUEUE_MAX = 64 * 1024, LAG_MAX = 256, BEAT_MS = 15 * 1000 };

struct reader {
	struct mesh_events *events;
	struct mesh_stream *stream;
	struct cw_timer *beat;
	int64_t after;                  /* the last cursor that was sent */
	bool caught_up;                 /* once */
};

/* ---- the stream ---- */

static void reader_free(struct reader *x)
{
	mesh_events_unwatch(x->events, x);
	cw_timer_free(x->beat);
	free(x);
}

static void reader_cut(struct reader *x, const char *why)
{
	cw_log(INFO, "", "a reader of events is cut after %lld: %s", (long long)x->after, why);
	mesh_stream_free(x->stream, true);
	reader_free(x);
}

static int send_one(struct reader *x, const struct cw_json *event)
{
	CW_AUTO(cw_free_cleanup) char *json = NULL, *text = NULL;
	const char *cursor = cw_json_get_str(event, "cursor", "0");
	int n, r;

	if ((r = cw_json_dump(event, false, &json)) < 0)
		return r;
	if ((n = asprintf(&text, "id: %s\ndata: %s\n\n", cursor, json)) < 0) {
		text = NULL;
		return -ENOMEM;
	}
	x->after = strtoll(cursor, NULL, 10);
	return mesh_stream_send(x->stream, text, (size_t)n);
}

/* 1: there is more, 0: that was all. */
static int send_batch(struct reader *x)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *items = NULL;
	int r;

	if ((r = mesh_events_list(x->events, x->after, BATCH, &items)) < 0)
		return r;
	for (size_t i = 0; i < cw_json_len(items); i++)
		if ((r = send_one(x, cw_json_at(items, i))) < 0)
			return r;
	return cw_json_len(items) == BATCH;
}

static void feed(void *ctx)
{
	struct reader *x = ctx;
	int more = 1;

	while (more > 0 && mesh_stream_queued(x->stream) < QUEUE_MAX)
		more = send_batch(x);
	if (more == 0)
		x->caught_up = true;
	if (more < 0)
		reader_cut(x, "no memory, or no store");
	else if (more > 0 && x->caught_up && mesh_events_last(x->events) - x->after > LAG_MAX)
		reader_cut(x, "it does not read");
}

static void on_closed(void *ctx)
{
	reader_free(ctx);
}

/* So that the network between does not forget the connection, and we see when the client is gone. */
static void on_beat(void *ctx)
{
	static const char beat[] = ":\n\n";
	struct reader *x = ctx;

	cw_timer_arm(x->beat, BEAT_MS);
	if (mesh_stream_queued(x->stream) == 0 && mesh_stream_send(x->stream, beat, sizeof beat - 1) < 0)
		reader_cut(x, "no memory");
}

/* The client asked for events that are not kept any more: it is told what it missed. */
static int send_gap(struct reader *x)
{
	int64_t first = mesh_events_first(x->events);
	char text[96];

	if (x->after + 1 >= first)
		return mesh_stream_send(x->stream, ":\n\n", 3);
	snprintf(text, sizeof text, "event: gap\ndata: {\"after\":\"%lld\",\"first\":\"%lld\"}\n\n", (long long)x->after, (long long)first);
	return mesh_stream_send(x->stream, text, strlen(text));
}

static int stream(struct api_call *c, int64_t after)
{
	struct reader *x = calloc(1, sizeof *x);
	int r;

	if (!x)
		return -ENOMEM;
	x->events = c->m->events;
	x->after = after < 0 ? mesh_events_last(x->events) : after;
	if ((r = mesh_events_watch(x->events, feed, x)) < 0) {
		free(x);
		return cw_why_set(&c->why, r, "events", NULL, "at most %d read them at a time", MESH_EVENTS_WATCHERS);
	}
	if ((r = cw_timer_new(c->m->loop, on_beat, x, &x->beat)) < 0 ||
	    (r = mesh_http_stream(c->req, "text/event-stream", feed, on_closed, x, &x->stream)) < 0) {
		reader_free(x);
		return r;
	}
	c->pending = true;
	cw_timer_arm(x->beat, BEAT_MS);
	if (send_gap(x) < 0)
		reader_cut(x, "no memory");
	else
		feed(x);
	return 0;
}

/* ---- the list ---- */

static int list(struct api_call *c, int64_t after)
{
	struct cw_json *items = NULL;
	const struct cw_json *last;
	int64_t limit = LIMIT_DEFAULT;
	const char *cursor;
	int r;

	if ((r = mesh_query_int(&c->req->query, "limit", 1, API_LIMIT_MAX, &limit, &c->why)) < 0 ||
	    (r = mesh_events_list(c->m->events, after, (size_t)limit, &items)) < 0)
		return r;
	last = cw_json_len(items) > 0 ? cw_json_at(items, cw_json_len(items) - 1) : NULL;
	cursor = cw_json_get_str(last, "cursor", NULL);
	c->body = api_list(items);
	if (cursor && strtoll(cursor, NULL, 10) < mesh_events_last(c->m->events))
		cw_json_set_str(c->body, "next", cursor);
	return 0;
}

/* ?after and ?cursor are the same; a client that comes again says Last-Event-ID. */
static int event_list(struct api_call *c)
{
	const char *accept = mesh_req_header(c->req, "Accept"), *seen = mesh_req_header(c->req, "Last-Event-ID");
	struct mesh_query again = { .n = 0 };
	int64_t after = -1;
	int r;

	if ((r = mesh_query_int(&c->req->query, "cursor", 0, INT64_MAX, &after, &c->why)) < 0 ||
	    (r = mesh_query_int(&c->req->query, "after", 0, INT64_MAX, &after, &c->why)) < 0)
		return r;
	if (!accept || !strstr(accept, "text/event-stream"))
		return list(c, after);
	if (seen && (mesh_query_name(seen, strlen(seen), again.text, 24) < 0 || strspn(again.text, "0123456789") != strlen(again.text)))
		return cw_why_set(&c->why, CW_E_INVALID, NULL, "Last-Event-ID", "must be the cursor of an event");
	return stream(c, seen ? strtoll(again.text, NULL, 10) : after);
}

static const struct api_route routes[] = {
	{ "GET", "/api/v1/events", NULL, api_is_admin, event_list, 200, API_OWN_PAGES,
	  "Events, oldest first, those after a cursor: after, limit; as text/event-stream for ever" },
};

const struct api_table api_event_table = { routes, CW_COUNT(routes) };
