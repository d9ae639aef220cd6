/* SPDX-License-Identifier: Apache-2.0 */
/*
 * line_world.h - both ends of a line in one process, over TLS on the loopback device, through a relay that can be cut
 * or stopped.
 *
 *    near (line.h, dials)        relay                far (mesh_line.h, is dialled)
 *       | poll  ------------------------------------------>  |
 *       | <----------------------------------- calls         |   far_ask()
 *       | answer  ---------------------------------------->  |
 *       | call  ------------------------------------------>  |   near_ask()
 *       | <---------------------------------- answer         |
 *
 * Both serve "test echo", "test slow" (ms), "test refuse", "test large" (size).
 */
#ifndef LINE_WORLD_H
#define LINE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#include "interconnect/base/clock.h"
#include "interconnect/line/dial.h"
#include "interconnect/line/line.h"
#include "interconnect/line/line_msg.h"
#include "mesh/mesh_http.h"
#include "mesh/mesh_line.h"

enum { HOLD_MS = 400, SILENT_MS = 500, WAIT_MS = 8000 };

extern struct cw_loop *loop;
extern struct cw_tls *tls_near, *tls_far, *tls_other;
extern struct cw_endpoint direct, through;      /* the dialled end, and the relay to it */
extern struct mesh_http *http;
extern struct cw_rpc_server *near_server, *far_server;
extern struct line *near;
extern struct mesh_line *far;
extern pid_t relay;
extern char near_tag, far_tag;
extern unsigned polls, runs, gone;              /* polls that came; calls that ran; calls whose asker went away */
extern void *last_tag;
extern int near_said, far_said;                 /* 1: nothing; near: R; far: 0 up, -1 down */
extern unsigned near_changes;

#define until(condition) do { \
	uint64_t until_end = cw_clock_now_ms() + WAIT_MS; \
	while (!(condition) && cw_clock_now_ms() < until_end) \
		assert_int_equal(cw_loop_turn(loop, 20), 0); \
	assert_true(condition); \
} while (0)


struct reply {
	unsigned n;
	int r;
	char text[64], object[128], rule[384];
	size_t size;
};

/* Setup and teardown: of the group, of a test. */
int line_world_open(void **state);
int line_world_close(void **state);
int line_world_setup(void **state);
int line_world_teardown(void **state);

/* The dialled end; serve() only listens, on_request() is its handler. */
void on_request(void *ctx, struct mesh_req *q);
void serve(void (*handler)(void *ctx, struct mesh_req *q));
void on_far_state(void *ctx, bool up);
void far_start(void);
void far_stop(void);
/* The relay: a process that can be stopped, or die with what it holds. */
void relay_start(void);
void relay_stop(void);
/* The dialling end. */
void on_near_state(void *ctx, bool up, int r);
struct line_conf near_conf(const struct cw_endpoint *to);
void near_start(const struct cw_endpoint *to);
/* Everything up, through the relay. */
void both_up(void);
void turn_for(unsigned ms);

/* Calls "test VERB"; an answer goes to P. */
void on_reply(void *ctx, int r, const struct cw_json *body, const struct cw_why *why);
struct cw_json *args_of(const char *key, const char *text, int64_t n);
struct reply *near_ask(struct reply *p, const char *verb, struct cw_json *args, uint64_t timeout_ms);
struct reply *far_ask(struct reply *p, const char *verb, struct cw_json *args, uint64_t timeout_ms);

#endif
