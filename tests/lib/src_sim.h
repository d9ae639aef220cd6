/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src_sim.h - a libvirt, a child process, a target and a site's manager that do what a test of the source's steps says.
 *
 * The fakes stand in front of the archives. They watch the promises: the source guest is resumed only when "aborted" is on the
 * disk here and "released" is not on the manager's, and the target hears of a release only when the source guest is gone.
 */
#ifndef SRC_SIM_H
#define SRC_SIM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/log.h"
#include "migrate/src_obj.h"
#include "tests/lib/boss_sim.h"
#include "tests/lib/mig_data.h"
#include "tests/lib/tmp_dir.h"

#define HASH "00000000000000000000000000000000000000000000000000000000000000aa"
#define TOKEN "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct sim {
	struct tmp_dir dir;
	struct agent a;
	/* libvirt */
	struct virt_state state;
	bool libvirt_down, autostart;
	/* the child */
	const struct child_events *ev;
	void *ev_ctx;
	bool child_lives, child_failed, child_released;
	/* the target */
	void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why);
	void *cb_ctx;
	char verb[16], asked[200];      /* the open question; all that were asked */
	const char *deaf_to;            /* a verb that is not answered well */
	const char *their_hash, *their_power;
	int deaf_times;
	/* what the promises say was broken */
	const char *broken;
} s;

static struct job *job(void)
{
	return jobs_first(s.a.jobs);
}

static void add(char *list, const char *word)
{
	snprintf(list + strlen(list), sizeof s.asked - strlen(list), "%s%s", list[0] ? " " : "", word);
}

/* ---- libvirt ---- */

static char sim_virt;

int virt_new(const char *uri, struct virt **ret_virt) { (void)uri; *ret_virt = (struct virt *)&sim_virt; return 0; }
void virt_free(struct virt *v) { (void)v; }
const char *virt_power_name(enum virt_power p) { return p == VIRT_RUNNING ? "running" : p == VIRT_PAUSED ? "paused" : "off"; }
void virt_qemu_owner(struct virt *v, unsigned *u, unsigned *g) { (void)v; *u = 0; *g = 0; }
int virt_progress(struct virt *v, const char *u, struct virt_progress *p) { (void)v; (void)u; (void)p; return CW_E_LIBRARY; }
void virt_vm_fini(struct virt_vm *vm) { free(cw_steal(&vm->xml)); free(cw_steal(&vm->definition)); }

static int answer(int r)
{
	return s.libvirt_down ? CW_E_UNREACHABLE : r;
}

int virt_state(struct virt *v, const char *uuid, struct virt_state *ret_state)
{
	(void)v;
	(void)uuid;
	*ret_state = s.state;
	return answer(0);
}

int virt_find(struct virt *v, const char *key, struct virt_vm *ret_vm)
{
	char *text = mig_text("domain.xml"), *one = mig_replace(text, "<kernel>/srv/guest/vmlinux</kernel>", "");
	char *two = mig_replace(one, "<initrd>/srv/guest/initrd</initrd>", "");
	char *xml = mig_replace(two, "/var/lib/libvirt/images", s.dir.path);

	(void)v;
	free(text);
	free(one);
	free(two);
	if (strcmp(key, "web1") != 0) {
		free(xml);
		return answer(CW_E_NOT_FOUND);
	}
	*ret_vm = (struct virt_vm){ .name = "web1", .uuid = MIG_UUID, .state = s.state, .autostart = s.autostart, .xml = xml,
				    .definition = strdup("<domain/>") };
	return answer(0);
}

int virt_block(struct virt *v, const char *uuid, const char *target, uint64_t *ret_capacity, uint64_t *ret_allocation)
{
	(void)v;
	(void)uuid;
	(void)target;
	*ret_capacity = *ret_allocation = 4096;
	return answer(0);
}

int virt_resume(struct virt *v, const char *uuid)
{
	(void)v;
	(void)uuid;
	if (job()->decision != JOB_ABORTED)
		s.broken = "the source was resumed without 'aborted' on the disk";
	if (strcmp(boss.outcome, "released") == 0)
		s.broken = "the source was resumed although the manager has released the VM";
	s.state = (struct virt_state){ .power = VIRT_RUNNING, .persistent = true };
	return answer(0);
}

int virt_destroy(struct virt *v, const char *uuid)
{
	(void)v;
	(void)uuid;
	if (s.libvirt_down)
		return CW_E_UNREACHABLE;
	if (job()->decision != JOB_RELEASED)
		s.broken = "the source guest was ended without a release";
	if (s.state.power != VIRT_NONE)
		s.state = (struct virt_state){ .power = VIRT_OFF, .persistent = true };
	return 0;
}

int virt_kill(struct virt *v, const char *uuid) { return virt_destroy(v, uuid); }

int virt_undefine(struct virt *v, const char *uuid)
{
	(void)v;
	(void)uuid;
	if (s.state.power != VIRT_OFF && s.state.power != VIRT_NONE)
		s.broken = "a guest that is there was undefined";
	s.state = (struct virt_state){ .power = VIRT_NONE };
	return answer(0);
}

int virt_abort_job(struct virt *v, const char *uuid)
{
	(void)v;
	(void)uuid;
	s.state.busy = false;
	return answer(0);
}

int virt_set_autostart(struct virt *v, const char *uuid, bool on)
{
	(void)v;
	(void)uuid;
	s.autostart = on;
	return answer(0);
}

/* ---- disks ---- */

int disk_hash(const char *path, const char *format, char out[DISK_HASH_TEXT], uint64_t *ret_capacity)
{
	(void)path;
	(void)format;
	snprintf(out, DISK_HASH_TEXT, "%s", HASH);
	*ret_capacity = 4096;
	return 0;
}

uint64_t disk_hash_estimate_ms(uint64_t bytes)
{
	return bytes / 1000;
}

/* ---- the child ---- */

static char sim_child;

int child_new(struct cw_loop *l, const struct child_order *o, const struct child_events *ev, void *ctx, struct child **ret_child)
{
	(void)l;
	assert_string_equal(o->token, TOKEN);
	assert_string_equal(o->xml, "<target/>");
	s.ev = ev;
	s.ev_ctx = ctx;
	s.child_lives = true;
	*ret_child = (struct child *)&sim_child;
	return 0;
}

int child_release(struct child *c) { (void)c; s.child_released = true; return s.child_lives ? 0 : -EPIPE; }
int child_fail(struct child *c) { (void)c; s.child_failed = true; return s.child_lives ? 0 : -EPIPE; }
void child_free(struct child *c) { if (c) s.child_lives = false; }
int child_main(void) { return 1; }

/* ---- the target ---- */

static char sim_peer;

int peer_new(struct agent *a, const char *site, struct peer **ret_peer)
{
	(void)a;
	*ret_peer = (struct peer *)&sim_peer;
	return strcmp(site, "cloud") == 0 ? 0 : CW_E_NOT_FOUND;
}

int peer_ask(struct peer *p, const char *verb, const char *id, struct cw_json *args, uint64_t timeout_ms,
	     void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why), void *ctx)
{
	(void)p;
	(void)id;
	(void)timeout_ms;
	if (strcmp(verb, "commit") == 0 && (job()->decision != JOB_RELEASED || s.state.power == VIRT_RUNNING ||
					    s.state.power == VIRT_PAUSED))
		s.broken = "the target was told to run the VM while the source guest was there";
	if (strcmp(verb, "commit") == 0)
		assert_int_equal(cw_json_get_int(args, "epoch", 0), 2);
	if (s.a.node && strcmp(verb, "commit") == 0 &&
	    (strcmp(boss.outcome, "released") != 0 || cw_json_len(cw_json_get(args, "records")) != 2))
		s.broken = "the target was told to run the VM without what the manager signed";
	if (s.a.node && strcmp(verb, "prepare") == 0 &&
	    (strcmp(boss.outcome, "prepared") != 0 || !cw_json_get(cw_json_get(args, "owner"), "signature")))
		s.broken = "an offer went out without what the manager signed";
	cw_json_free(args);
	add(s.asked, verb);
	snprintf(s.verb, sizeof s.verb, "%s", verb);
	s.cb = cb;
	s.cb_ctx = ctx;
	return 0;
}

void peer_free(struct peer *p) { if (p) s.cb = NULL; }
const char *peer_site(const struct cw_rpc_call *call) { (void)call; return "cloud"; }
int peer_listen(struct agent *a) { (void)a; return 0; }
void peer_listen_stop(struct agent *a) { (void)a; }

static struct cw_json *good_body(void)
{
	struct cw_json *b = cw_json_object(), *disks = cw_json_array(), *d = cw_json_object();

	cw_json_set_str(b, "xml", "<target/>");
	cw_json_set_str(b, "token", TOKEN);
	cw_json_set_str(b, "power", s.their_power);
	cw_json_set_int(b, "downtime_ms", 12);
	cw_json_set_int(b, "since_resume_us", 1);
	cw_json_set_str(d, "hash", s.their_hash);
	cw_json_add(disks, d);
	cw_json_set(b, "disks", disks);
	return b;
}

/* Answers the open question. */
static void deliver(void)
{
	void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why) = s.cb;
	bool deaf = s.deaf_to && strcmp(s.deaf_to, s.verb) == 0 && s.deaf_times > 0;
	struct cw_why why = { .rule = "cannot be reached" };
	struct cw_json *b;

	if (!cb)
		return;
	s.cb = NULL;
	if (deaf) {
		s.deaf_times--;
		cb(s.cb_ctx, CW_E_UNREACHABLE, NULL, &why);
		return;
	}
	b = good_body();
	cb(s.cb_ctx, 0, b, NULL);
	cw_json_free(b);
}

/* ---- the play ---- */

static void quiet(enum cw_log_level level, const char *line)
{
	(void)level;
	(void)line;
}

static int set_up(void **state)
{
	char text[600];

	(void)state;
	cw_log_set_sink(quiet);
	s = (struct sim){ .state = { .power = VIRT_RUNNING, .persistent = true }, .their_hash = HASH, .their_power = "running" };
	s.dir = tmp_dir_make();
	mkdir(tmp_dir_file(&s.dir, "run"), 0700);
	fclose(fopen(tmp_dir_file(&s.dir, "web1.qcow2"), "w"));
	snprintf(text, sizeof text, "site: onprem\nhost: h\nlisten: tcp:192.0.2.1:7000\npools: [{name: p, path: %s}]\nrun: %s/run\n"
		 "peers: [{site: cloud, dial: \"tcp:192.0.2.2:7000\"}]\nnetworks: [{bridge: br-web, extended_to: [cloud]}]\n",
		 s.dir.path, s.dir.path);
	assert_int_equal(agent_conf_parse("a", text, &s.a.conf, NULL), 0);
	assert_int_equal(cw_loop_new(&s.a.loop), 0);
	assert_int_equal(virt_new("", &s.a.virt), 0);
	assert_int_equal(jobs_open(tmp_dir_file(&s.dir, "db"), &s.a.jobs), 0);
	assert_int_equal(work_new(s.a.loop, &s.a.query), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	src_stop(&s.a);
	warrant_stop(&s.a);
	boss_reset();
	work_free(s.a.query);
	jobs_close(s.a.jobs);
	cw_loop_free(s.a.loop);
	agent_conf_free(&s.a.conf);
	tmp_dir_remove(&s.dir);
	cw_clock_real();
	cw_log_set_sink(NULL);
	return 0;
}

/* A job as the journal of a process that is gone left it. */
static CW_UNUSED void journal(const char *phase, enum job_decision d)
{
	struct job t = { .id = "mig-1", .role = JOB_SOURCE, .vm = "web1", .uuid = MIG_UUID, .from = "onprem", .to = "cloud" }, *j;
	struct own first, prepared, released, back;
	struct cw_json *disks = cw_json_array(), *disk = cw_json_object();

	t.plan = cw_json_object();
	cw_json_set_str(disk, "target", "vda");
	cw_json_set_str(disk, "format", "qcow2");
	cw_json_set_str(disk, "path", tmp_dir_file(&s.dir, "web1.qcow2"));
	cw_json_add(disks, disk);
	cw_json_set_str(t.plan, "name", "web1");
	cw_json_set_int(t.plan, "epoch", 1);
	cw_json_set_str(t.plan, "definition", "<domain/>");
	cw_json_set_bool(t.plan, "autostart", true);
	cw_json_set(t.plan, "disks", disks);
	assert_int_equal(own_first(MIG_UUID, "onprem", &first), 0);
	assert_int_equal(own_next(&first, OWN_PREPARED, "onprem", &prepared), 0);
	assert_int_equal(own_next(&prepared, OWN_RELEASED, "cloud", &released), 0);
	assert_int_equal(own_next(&prepared, OWN_OWNED, "onprem", &back), 0);
	assert_int_equal(own_add(jobs_db(s.a.jobs), &first), 0);
	assert_int_equal(job_new(s.a.jobs, &t, &prepared, &j), 0);
	if (d != JOB_UNDECIDED)
		assert_int_equal(job_decide(j, d, d == JOB_RELEASED ? &released : &back, 1), 0);
	assert_int_equal(job_phase(j, phase), 0);
	jobs_close(s.a.jobs);
	assert_int_equal(jobs_open(tmp_dir_file(&s.dir, "db"), &s.a.jobs), 0);
}

/* Turns the loop and answers until the job has ended. */
static CW_UNUSED void play(void)
{
	uint64_t end = cw_clock_now_ms() + 20000;

	while (!s.a.jobs || !job() || s.a.srcs) {
		assert_int_equal(cw_loop_turn(s.a.loop, 10), 0);
		deliver();
		boss_turn();
		if (s.broken)
			fail_msg("%s", s.broken);
		assert_true(cw_clock_now_ms() < end);
	}
}

static void last_record(enum own_state state, int64_t epoch, const char *owner)
{
	struct own o;

	assert_int_equal(own_load(jobs_db(s.a.jobs), MIG_UUID, &o), 0);
	assert_int_equal(o.state, state);
	assert_int_equal(o.epoch, epoch);
	assert_string_equal(o.owner, owner);
}

/* ---- questions ---- */

struct asker {
	struct cw_rpc_client *client;
	int n, r;
	struct cw_why why;
	char decision[16];
	int64_t epoch;
};

static void on_reply(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct asker *k = ctx;

	k->n++;
	k->r = r;
	snprintf(k->decision, sizeof k->decision, "%s", cw_json_get_str(body, "decision", ""));
	k->epoch = cw_json_get_int(body, "epoch", 0);
	if (why)
		k->why = *why;
}

static void on_create(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	src_create(ctx, call, request, false);
}

static const struct cw_rpc_row rows[] = { { "migration", "create", on_create }, { "migration", "status", src_on_status } };

static struct cw_rpc_server *server;

static void ask(struct asker *k, const char *verb, const char *name, struct cw_json *args)
{
	int fd[2];

	*k = (struct asker){ 0 };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	if (!server)
		assert_int_equal(cw_rpc_server_bare(s.a.loop, rows, CW_COUNT(rows), &s.a, &server), 0);
	assert_int_equal(cw_rpc_server_accept(server, fd[0], NULL), 0);
	assert_int_equal(cw_rpc_client_new(s.a.loop, fd[1], &k->client), 0);
	assert_int_equal(cw_rpc_client_ask(k->client, "migration", verb, name, args, 10000, on_reply, k), 0);
}

static void answered(struct asker *k)
{
	while (k->n == 0) {
		assert_int_equal(cw_loop_turn(s.a.loop, 10), 0);
		if (k->n == 0 && s.cb && strcmp(s.verb, "validate") == 0)
			deliver();
		if (k->n == 0)
			boss_turn();
	}
	cw_rpc_client_free(cw_steal(&k->client));
	cw_rpc_server_free(cw_steal(&server));
}

static struct cw_json *args_of(const char *to)
{
	struct cw_json *args = cw_json_object();

	if (to)
		cw_json_set_str(args, "to", to);
	return args;
}

/* What a target is told that asks now. */
static CW_UNUSED void status(struct asker *k)
{
	ask(k, "status", "mig-1", NULL);
	answered(k);
	assert_int_equal(k->r, 0);
}

#endif
