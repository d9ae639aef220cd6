/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_dst.c - the target's side against a libvirt and a source that do what the test says: what may be asked in which
 * state, every state of the journal after a restart.
 *
 * The fakes stand in front of the archives and watch the promise: a guest is resumed only when "owned" is on the disk.
 */
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
#include "interconnect/base/crypt_issue.h"
#include "interconnect/base/log.h"
#include "interconnect/base/nl.h"
#include "migrate/dst_obj.h"
#include "migrate/warrant.h"
#include "tests/lib/boss_sim.h"
#include "tests/lib/mig_data.h"
#include "tests/lib/tmp_dir.h"

static struct sim {
	struct tmp_dir dir;
	struct agent a;
	struct virt_state state;
	bool libvirt_down, resumed, defined;
	/* the source, when it is asked */
	const char *decision;
	int r_status, asked;
	void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why);
	void *cb_ctx;
	const char *site;               /* whom the questions come from */
	const char *broken;
} s;

static struct job *job(void)
{
	return jobs_first(s.a.jobs);
}

/* ---- libvirt ---- */

static char sim_virt;

static int answer(int r)
{
	return s.libvirt_down ? CW_E_UNREACHABLE : r;
}

int virt_new(const char *uri, struct virt **ret_virt) { (void)uri; *ret_virt = (struct virt *)&sim_virt; return 0; }
void virt_free(struct virt *v) { (void)v; }
void virt_socket(const char *uri, char *out, size_t size) { (void)uri; snprintf(out, size, "%s", tmp_dir_file(&s.dir, "libvirt")); }
const char *virt_power_name(enum virt_power p) { return p == VIRT_RUNNING ? "running" : p == VIRT_PAUSED ? "paused" : "off"; }
void virt_qemu_owner(struct virt *v, unsigned *u, unsigned *g) { (void)v; *u = 0; *g = 0; }
int virt_find(struct virt *v, const char *key, struct virt_vm *vm) { (void)v; (void)key; (void)vm; return answer(CW_E_NOT_FOUND); }
void virt_vm_fini(struct virt_vm *vm) { (void)vm; }
int virt_downtime(struct virt *v, const char *uuid, uint64_t *ms) { (void)v; (void)uuid; *ms = 12; return answer(0); }

int virt_state(struct virt *v, const char *uuid, struct virt_state *ret_state)
{
	(void)v;
	(void)uuid;
	*ret_state = s.state;
	return answer(0);
}

int virt_resume(struct virt *v, const char *uuid)
{
	(void)v;
	(void)uuid;
	if (job()->decision != JOB_OWNED)
		s.broken = "the guest was resumed without 'owned' on the disk";
	s.resumed = true;
	s.state.power = VIRT_RUNNING;
	return answer(0);
}

int virt_define(struct virt *v, const char *xml, struct cw_why *why)
{
	(void)v;
	(void)why;
	if (job()->decision != JOB_OWNED)
		s.broken = "the guest was defined without 'owned' on the disk";
	assert_non_null(strstr(xml, "br-web"));
	s.defined = true;
	s.state.persistent = true;
	if (s.state.power == VIRT_NONE)
		s.state.power = VIRT_OFF;
	return answer(0);
}

int virt_destroy(struct virt *v, const char *uuid)
{
	(void)v;
	(void)uuid;
	if (s.libvirt_down)
		return CW_E_UNREACHABLE;
	if (job()->decision != JOB_ABORTED)
		s.broken = "the guest was ended without 'aborted' on the disk";
	s.state = (struct virt_state){ .power = VIRT_NONE };
	return 0;
}

int virt_undefine(struct virt *v, const char *uuid) { (void)v; (void)uuid; return answer(0); }

bool cw_nl_is_bridge(const char *name) { return strcmp(name, "br-web") == 0; }

int disk_hash(const char *path, const char *format, char out[DISK_HASH_TEXT], uint64_t *ret_capacity)
{
	(void)path;
	(void)format;
	snprintf(out, DISK_HASH_TEXT, "%064d", 7);
	*ret_capacity = 4096;
	return 0;
}

uint64_t disk_hash_estimate_ms(uint64_t bytes) { return bytes; }

/* ---- the source ---- */

static char sim_peer;

int peer_new(struct agent *a, const char *site, struct peer **p) { (void)a; (void)site; *p = (struct peer *)&sim_peer; return 0; }
void peer_free(struct peer *p) { (void)p; s.cb = NULL; }
const char *peer_site(const struct cw_rpc_call *call) { (void)call; return s.site; }
int peer_listen(struct agent *a) { (void)a; return 0; }
void peer_listen_stop(struct agent *a) { (void)a; }

int peer_ask(struct peer *p, const char *verb, const char *id, struct cw_json *args, uint64_t timeout_ms,
	     void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why), void *ctx)
{
	(void)p;
	(void)id;
	(void)timeout_ms;
	assert_string_equal(verb, "status");
	cw_json_free(args);
	s.asked++;
	s.cb = cb;
	s.cb_ctx = ctx;
	return 0;
}

/* RELEASED as the source computes it. */
static struct own released(void)
{
	struct own first, prepared, o;

	assert_int_equal(own_first(MIG_UUID, "onprem", &first), 0);
	assert_int_equal(own_next(&first, OWN_PREPARED, "onprem", &prepared), 0);
	assert_int_equal(own_next(&prepared, OWN_RELEASED, "cloud", &o), 0);
	return o;
}

static void deliver(void)
{
	void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why) = s.cb;
	struct cw_json *b;
	struct own o = released();

	if (!cb)
		return;
	s.cb = NULL;
	b = cw_json_object();
	cw_json_set_str(b, "decision", s.decision);
	cw_json_set_int(b, "epoch", o.epoch);
	cw_json_set_str(b, "hash", o.hash);
	cb(s.cb_ctx, s.r_status, s.r_status == 0 ? b : NULL, NULL);
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
	char text[500];

	(void)state;
	cw_log_set_sink(quiet);
	s = (struct sim){ .state = { .power = VIRT_NONE }, .decision = "none", .site = "onprem" };
	s.dir = tmp_dir_make();
	mkdir(tmp_dir_file(&s.dir, "run"), 0700);
	mkdir(tmp_dir_file(&s.dir, "pool"), 0700);
	snprintf(text, sizeof text, "site: cloud\nhost: h\nlisten: tcp:192.0.2.2:7000\npools: [{name: default, path: %s/pool}]\n"
		 "run: %s/run\npeers: [{site: onprem, dial: \"tcp:192.0.2.1:7000\"}]\n"
		 "networks: [{bridge: br-web, extended_to: [onprem]}]\n", s.dir.path, s.dir.path);
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
	dst_stop(&s.a);
	warrant_stop(&s.a);
	boss_reset();
	work_free(s.a.query);
	jobs_close(s.a.jobs);
	cw_loop_free(s.a.loop);
	agent_conf_free(&s.a.conf);
	tmp_dir_remove(&s.dir);
	cw_log_set_sink(NULL);
	return 0;
}

static void turn(void)
{
	assert_int_equal(cw_loop_turn(s.a.loop, 10), 0);
	deliver();
	if (s.broken)
		fail_msg("%s", s.broken);
}

static const struct cw_rpc_row rows[] = {
	{ "migration", "validate", dst_on_validate }, { "migration", "prepare", dst_on_prepare },
	{ "migration", "inspect", dst_on_inspect }, { "migration", "prove", dst_on_prove },
	{ "migration", "commit", dst_on_commit }, { "migration", "abort", dst_on_abort },
};

struct asker {
	int n, r;
	struct cw_why why;
	struct cw_json *body;
};

static void on_reply(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct asker *k = ctx;
	char *text = NULL;

	k->n++;
	k->r = r;
	if (why)
		k->why = *why;
	if (body && cw_json_dump(body, false, &text) == 0)
		assert_int_equal(cw_json_parse(text, strlen(text), &k->body), 0);
	free(text);
}

/* Asks and waits; the code of the answer. BODY (may be NULL) is the caller's. */
static int ask(const char *verb, struct cw_json *args, struct cw_json **ret_body)
{
	struct cw_rpc_server *server;
	struct cw_rpc_client *client;
	struct asker k = { 0 };
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	assert_int_equal(cw_rpc_server_bare(s.a.loop, rows, CW_COUNT(rows), &s.a, &server), 0);
	assert_int_equal(cw_rpc_server_accept(server, fd[0], NULL), 0);
	assert_int_equal(cw_rpc_client_new(s.a.loop, fd[1], &client), 0);
	assert_int_equal(cw_rpc_client_ask(client, "migration", verb, "mig-1", args, 10000, on_reply, &k), 0);
	while (k.n == 0)
		turn();
	cw_rpc_client_free(client);
	cw_rpc_server_free(server);
	if (ret_body)
		*ret_body = k.body;
	else
		cw_json_free(k.body);
	return k.r;
}

static struct cw_json *offer(void)
{
	struct offer *o = calloc(1, sizeof *o);
	char *text = mig_text("domain.xml"), *one = mig_replace(text, "<kernel>/srv/guest/vmlinux</kernel>", "");
	struct own first;
	struct cw_json *j;

	o->xml = mig_replace(one, "<initrd>/srv/guest/initrd</initrd>", "");
	assert_int_equal(dom_read(o->xml, &o->dom, NULL), 0);
	snprintf(o->disks[0].pool, sizeof o->disks[0].pool, "default");
	o->disks[0].capacity_bytes = 1 << 20;
	snprintf(o->bridges[0], sizeof o->bridges[0], "br-web");
	assert_int_equal(own_first(MIG_UUID, "onprem", &first), 0);
	assert_int_equal(own_next(&first, OWN_PREPARED, "onprem", &o->record), 0);
	j = offer_to_json(o);
	offer_free(o);
	free(text);
	free(one);
	return j;
}

static struct cw_json *commit_args(void)
{
	struct cw_json *args = cw_json_object();
	struct own o = released();

	cw_json_set_int(args, "epoch", o.epoch);
	cw_json_set_str(args, "hash", o.hash);
	return args;
}

static bool disk_is_there(void)
{
	return access(tmp_dir_file(&s.dir, "pool/web1.qcow2"), F_OK) == 0;
}

static void prepared(void)
{
	struct cw_json *body = NULL;

	assert_int_equal(ask("prepare", offer(), &body), 0);
	assert_int_equal(strlen(cw_json_get_str(body, "token", "")), 64);
	assert_non_null(strstr(cw_json_get_str(body, "xml", ""), "br-web"));
	assert_true(disk_is_there());
	assert_int_equal(access(tmp_dir_file(&s.dir, "run/mig-1"), F_OK), 0);
	s.state = (struct virt_state){ .power = VIRT_PAUSED };
	cw_json_free(body);
}

static void gone(void)
{
	while (s.a.dsts)
		turn();
	assert_int_not_equal(access(tmp_dir_file(&s.dir, "run/mig-1"), F_OK), 0);
}

static void last_record(enum own_state state, int64_t epoch, const char *owner)
{
	struct own o;

	assert_int_equal(own_load(jobs_db(s.a.jobs), MIG_UUID, &o), 0);
	assert_int_equal(o.state, state);
	assert_int_equal(o.epoch, epoch);
	assert_string_equal(o.owner, owner);
}

/* ---- what is asked ---- */

static void it_goes_well(void **state)
{
	struct cw_json *body = NULL;

	(void)state;
	assert_int_equal(ask("validate", offer(), NULL), 0);
	assert_false(disk_is_there());
	assert_null(job());
	prepared();
	last_record(OWN_PREPARED, 1, "onprem");
	assert_int_equal(ask("inspect", NULL, NULL), 0);
	assert_int_equal(ask("prove", NULL, &body), 0);
	assert_int_equal(cw_json_len(cw_json_get(body, "disks")), 1);
	cw_json_free(body);
	assert_false(s.resumed);
	assert_int_equal(ask("commit", commit_args(), &body), 0);
	assert_string_equal(cw_json_get_str(body, "power", ""), "running");
	assert_int_equal(cw_json_get_int(body, "downtime_ms", 0), 12);
	assert_true(cw_json_get_int(body, "since_resume_us", 0) > 0);
	cw_json_free(body);
	assert_true(s.resumed && s.defined && disk_is_there());
	last_record(OWN_OWNED, 2, "cloud");
	assert_int_equal(job()->state, JOB_SUCCEEDED);
	gone();
	s.resumed = false;
	assert_int_equal(ask("commit", commit_args(), NULL), 0);        /* again: it is done already */
	assert_false(s.resumed);
	assert_int_equal(ask("abort", NULL, NULL), CW_E_NOT_FOUND);     /* too late, and nothing happens */
	assert_true(disk_is_there());
	assert_int_equal(ask("prepare", offer(), NULL), CW_E_CONFLICT);
}

static void an_abort_leaves_nothing(void **state)
{
	(void)state;
	prepared();
	assert_int_equal(ask("abort", NULL, NULL), 0);
	assert_false(disk_is_there());
	assert_int_equal(s.state.power, VIRT_NONE);
	assert_int_equal(job()->state, JOB_ROLLED_BACK);
	last_record(OWN_OWNED, 1, "onprem");
	gone();
	assert_int_equal(ask("abort", NULL, NULL), 0);                  /* again */
	assert_int_equal(ask("commit", commit_args(), NULL), CW_E_NOT_FOUND);
	assert_false(s.resumed);
}

static void an_abort_of_what_never_came_is_fine(void **state)
{
	(void)state;
	assert_int_equal(ask("abort", NULL, NULL), 0);
	assert_null(job());
}

static void a_commit_needs_the_right_record(void **state)
{
	struct cw_json *args = commit_args();

	(void)state;
	prepared();
	cw_json_set_str(args, "hash", "0000");
	assert_int_equal(ask("commit", args, NULL), CW_E_AUTH);
	args = commit_args();
	cw_json_set_int(args, "epoch", 3);
	assert_int_equal(ask("commit", args, NULL), CW_E_AUTH);
	assert_int_equal(ask("commit", NULL, NULL), CW_E_AUTH);
	assert_false(s.resumed);
	assert_int_equal(job()->decision, JOB_UNDECIDED);
}

static void another_site_has_no_say(void **state)
{
	(void)state;
	prepared();
	s.site = "moon";
	assert_int_equal(ask("commit", commit_args(), NULL), CW_E_NOT_FOUND);
	assert_int_equal(ask("abort", NULL, NULL), CW_E_NOT_FOUND);
	assert_int_equal(ask("prove", NULL, NULL), CW_E_NOT_FOUND);
	assert_false(s.resumed);
	assert_true(disk_is_there());
	s.site = "onprem";
	assert_int_equal(ask("commit", commit_args(), NULL), 0);
}

static void a_guest_that_does_not_stand_still_is_no_proof(void **state)
{
	static const struct virt_state states[] = {
		{ .power = VIRT_RUNNING }, { .power = VIRT_OFF }, { .power = VIRT_NONE }, { .power = VIRT_PAUSED, .busy = true },
	};

	(void)state;
	prepared();
	for (size_t i = 0; i < CW_COUNT(states); i++) {
		s.state = states[i];
		assert_int_equal(ask("prove", NULL, NULL), CW_E_STATE);
		assert_int_equal(ask("inspect", NULL, NULL), CW_E_STATE);
	}
}

static void a_second_offer_of_the_same_vm_is_a_conflict(void **state)
{
	(void)state;
	prepared();
	assert_int_equal(ask("validate", offer(), NULL), CW_E_CONFLICT);
	assert_int_equal(ask("prepare", offer(), NULL), CW_E_CONFLICT);
}

static void a_disk_that_cannot_be_made_takes_everything_back(void **state)
{
	struct cw_json *o = offer();

	(void)state;
	cw_json_set_int(cw_json_at(cw_json_get(o, "disks"), 0), "capacity_bytes", 1);   /* QEMU rounds up; so make the file ours */
	mkdir(tmp_dir_file(&s.dir, "pool/web1.qcow2"), 0700);
	assert_int_equal(ask("prepare", o, NULL), CW_E_BLOCKED);
	assert_null(job());
	rmdir(tmp_dir_file(&s.dir, "pool/web1.qcow2"));
	chmod(tmp_dir_file(&s.dir, "run"), 0);
	rmdir(tmp_dir_file(&s.dir, "run"));     /* the folder of sockets cannot be made: after the disk was */
	assert_true(ask("prepare", offer(), NULL) < 0);
	while (!job_is_over(job()))
		turn();
	assert_int_equal(job()->state, JOB_ROLLED_BACK);
	assert_false(disk_is_there());
	last_record(OWN_OWNED, 1, "onprem");
}

/* ---- after a restart ---- */

static void restart(const char *phase, enum job_decision d)
{
	struct own o = released(), owned[2] = { o }, last, back;

	prepared();
	assert_int_equal(own_next(&o, OWN_OWNED, "cloud", &owned[1]), 0);
	assert_int_equal(own_load(jobs_db(s.a.jobs), MIG_UUID, &last), 0);
	assert_int_equal(own_next(&last, OWN_OWNED, "onprem", &back), 0);
	if (d == JOB_OWNED)
		assert_int_equal(job_decide(job(), d, owned, 2), 0);
	if (d == JOB_ABORTED)
		assert_int_equal(job_decide(job(), d, &back, 1), 0);
	assert_int_equal(job_phase(job(), phase), 0);
	dst_stop(&s.a);
	jobs_close(s.a.jobs);
	assert_int_equal(jobs_open(tmp_dir_file(&s.dir, "db"), &s.a.jobs), 0);
}

static void every_state_of_the_journal(void **state)
{
	static const struct {
		const char *phase;
		enum job_decision d;
		const char *source;
		enum job_state end;
	} cases[] = {
		{ "", JOB_UNDECIDED, "none", JOB_ROLLED_BACK },
		{ "prepared", JOB_UNDECIDED, "released", JOB_SUCCEEDED },
		{ "prepared", JOB_UNDECIDED, "aborted", JOB_ROLLED_BACK },
		{ "", JOB_ABORTED, "aborted", JOB_ROLLED_BACK },
		{ "prepared", JOB_ABORTED, "aborted", JOB_ROLLED_BACK },
		{ "prepared", JOB_OWNED, "released", JOB_SUCCEEDED },
	};
	static const struct virt_state guests[] = {
		{ .power = VIRT_PAUSED }, { .power = VIRT_NONE }, { .power = VIRT_RUNNING, .persistent = true },
		{ .power = VIRT_OFF, .persistent = true },
	};
	void *unused = NULL;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(cases); i++)
		for (size_t g = 0; g < CW_COUNT(guests); g++) {
			set_up(&unused);
			restart(cases[i].phase, cases[i].d);
			s.state = guests[g];
			s.decision = cases[i].source;
			assert_int_equal(dst_recover(&s.a), 0);
			gone();
			assert_int_equal(job()->state, cases[i].end);
			if (cases[i].end == JOB_SUCCEEDED) {
				assert_int_equal(s.resumed, guests[g].power == VIRT_PAUSED);
				assert_true(s.state.persistent && disk_is_there());
				assert_int_equal(strlen(job()->reason) > 0, guests[g].power == VIRT_NONE ||
						 guests[g].power == VIRT_OFF);
				last_record(OWN_OWNED, 2, "cloud");
			} else {
				assert_false(s.resumed || disk_is_there());
				assert_int_equal(s.state.power, VIRT_NONE);
				last_record(OWN_OWNED, 1, "onprem");
			}
			tear_down(&unused);
		}
}

static void an_undecided_source_is_waited_for(void **state)
{
	(void)state;
	restart("prepared", JOB_UNDECIDED);
	assert_int_equal(dst_recover(&s.a), 0);
	while (s.asked < 2)
		turn();
	assert_int_equal(job()->decision, JOB_UNDECIDED);
	assert_int_equal(job()->state, JOB_RUNNING);
	assert_int_equal(s.state.power, VIRT_PAUSED);
	s.r_status = CW_E_UNREACHABLE;
	while (s.asked < 3)
		turn();
	assert_int_equal(job()->decision, JOB_UNDECIDED);
	s.r_status = CW_E_NOT_FOUND;            /* a source that lost its journal: people have to look */
	while (s.asked < 4)
		turn();
	assert_int_equal(job()->state, JOB_WAITING_OPERATOR);
	assert_int_equal(s.state.power, VIRT_PAUSED);
	assert_true(disk_is_there());
}

static void libvirt_that_is_down_is_waited_for(void **state)
{
	(void)state;
	restart("prepared", JOB_OWNED);
	s.libvirt_down = true;
	assert_int_equal(dst_recover(&s.a), 0);
	while (job()->state != JOB_WAITING_OPERATOR)
		turn();
	assert_true(strlen(job()->reason) > 0);
	s.libvirt_down = false;
	gone();
	assert_int_equal(job()->state, JOB_SUCCEEDED);
	assert_true(s.resumed);
}

/* ---- streams ---- */

static void streams_need_the_token(void **state)
{
	struct stream_hello h = { .kind = STREAM_MEMORY, .site = "onprem", .migration = "mig-1" };
	int fd[2];

	(void)state;
	prepared();
	for (int i = 0; i < 5; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
		snprintf(h.token, sizeof h.token, "%s", i == 0 ? "" : i == 1 ? "0" : s.a.dsts->token);
		if (i == 2)
			h.token[63] ^= 1;
		snprintf(h.site, sizeof h.site, "%s", i == 3 ? "moon" : "onprem");
		snprintf(h.migration, sizeof h.migration, "%s", i == 4 ? "mig-2" : "mig-1");
		assert_int_equal(dst_stream(&s.a, &h, fd[0]), CW_E_FORBIDDEN);
		close(fd[1]);
	}
	snprintf(h.migration, sizeof h.migration, "mig-1");
	snprintf(h.token, sizeof h.token, "%s", s.a.dsts->token);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	assert_int_equal(dst_stream(&s.a, &h, fd[0]), 0);
	close(fd[1]);
	h.kind = STREAM_LIBVIRT;
	for (int i = 0; i < 2; i++) {           /* libvirt's connection: one */
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
		assert_int_equal(dst_stream(&s.a, &h, fd[0]), i == 0 ? 0 : CW_E_STATE);
		close(fd[1]);
	}
	assert_int_equal(ask("abort", NULL, NULL), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	assert_int_equal(dst_stream(&s.a, &h, fd[0]), CW_E_FORBIDDEN);  /* nothing comes after the abort */
	close(fd[1]);
}

/* ---- with managers ---- */

static char sim_node;

/* A CA for site onprem, and a manager of our own. */
static int signed_up(void **state)
{
	struct agent_conf_peer *peer;
	char key[TMP_PATH], cert[TMP_PATH];

	set_up(state);
	snprintf(key, sizeof key, "%s/onprem.key", s.dir.path);
	snprintf(cert, sizeof cert, "%s/onprem.crt", s.dir.path);
	assert_int_equal(cw_issue_key(key), 0);
	assert_int_equal(cw_issue_cert(&(struct cw_issue){ key, "onprem", NULL, NULL, 1700000000, 1000000000 }, cert), 0);
	assert_int_equal(cw_key_load(key, &boss.key), 0);
	peer = s.a.conf.peers.items;
	free(peer->ca);
	peer->ca = strdup("onprem.crt");
	s.a.dir = s.dir.path;
	s.a.node = (struct node *)&sim_node;
	return warrant_start(&s.a);
}

static int signed_down(void **state)
{
	tear_down(state);
	cw_key_free(cw_steal(&boss.key));
	return 0;
}

static struct cw_json *signed_offer(void)
{
	struct own o = boss_record("prepared");
	struct cw_json *j = offer();

	cw_json_set(j, "owner", boss_sign(&o));
	return j;
}

static struct cw_json *signed_commit(void)
{
	struct cw_json *args = commit_args();

	cw_json_set(args, "records", boss_records("released"));
	return args;
}

static void signed_prepared(void)
{
	assert_int_equal(ask("validate", offer(), NULL), 0);            /* nothing is made, so nothing need be signed */
	assert_int_equal(ask("prepare", signed_offer(), NULL), 0);
	s.state = (struct virt_state){ .power = VIRT_PAUSED };
}

static bool is_told(void)
{
	return cw_json_get_bool(cw_json_get(job()->plan, "warrant"), "told", false);
}

static void what_is_signed_is_taken_and_reported(void **state)
{
	(void)state;
	signed_prepared();
	boss.away = true;
	assert_int_equal(ask("commit", signed_commit(), NULL), 0);
	assert_true(s.resumed);                                         /* it does not wait for our own manager */
	last_record(OWN_OWNED, 2, "cloud");
	for (int i = 0; i < 20; i++) {
		turn();
		boss_turn();
	}
	assert_false(is_told());
	gone();
	warrant_stop(&s.a);                                             /* a restart forgets nothing */
	jobs_close(s.a.jobs);
	assert_int_equal(jobs_open(tmp_dir_file(&s.dir, "db"), &s.a.jobs), 0);
	assert_int_equal(warrant_start(&s.a), 0);
	boss.away = false;
	boss.lose = 1;
	while (!is_told()) {
		turn();
		boss_turn();
	}
	assert_int_equal(boss.asked[3], 2);
	assert_string_equal(boss.outcome, "owned");
}

static void what_is_not_signed_is_not_taken(void **state)
{
	struct cw_json *args, *offers[3];
	struct own o = boss_record("prepared");
	struct cw_key *key = boss.key;

	(void)state;
	offers[0] = offer();                                            /* not signed */
	boss.key = NULL;
	offers[1] = offer();                                            /* signed by nobody */
	cw_json_set(offers[1], "owner", boss_sign(&o));
	boss.key = key;
	offers[2] = signed_offer();
	cw_json_set_str(cw_json_get(offers[2], "owner"), "signer", "cloud");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ask("prepare", offers[i], NULL), CW_E_AUTH);
		assert_null(job());
		assert_false(disk_is_there());
	}
	signed_prepared();
	assert_int_equal(ask("commit", commit_args(), NULL), CW_E_AUTH);        /* no records */
	args = commit_args();
	cw_json_set(args, "records", boss_records("prepared"));                 /* one that does not release */
	assert_int_equal(ask("commit", args, NULL), CW_E_AUTH);
	args = commit_args();
	cw_json_set(args, "records", boss_lie());                               /* of another VM */
	assert_int_equal(ask("commit", args, NULL), CW_E_AUTH);
	boss.key = NULL;
	args = signed_commit();
	boss.key = key;
	assert_int_equal(ask("commit", args, NULL), CW_E_AUTH);
	assert_false(s.resumed);
	assert_int_equal(job()->decision, JOB_UNDECIDED);
	s.decision = "released";                                                /* nor when we ask for it ourselves */
	for (int i = 0; i < 10; i++)
		turn();
	assert_false(s.resumed);
	assert_int_equal(ask("commit", signed_commit(), NULL), 0);
	assert_true(s.resumed);
}

static void a_ca_that_is_not_there_opens_nothing(void **state)
{
	(void)state;
	unlink(tmp_dir_file(&s.dir, "onprem.crt"));
	assert_true(ask("prepare", signed_offer(), NULL) < 0);
	assert_null(job());
}

#define SIGNED(f) cmocka_unit_test_setup_teardown(f, signed_up, signed_down)
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_goes_well),
		TEST(an_abort_leaves_nothing),
		TEST(an_abort_of_what_never_came_is_fine),
		TEST(a_commit_needs_the_right_record),
		TEST(another_site_has_no_say),
		TEST(a_guest_that_does_not_stand_still_is_no_proof),
		TEST(a_second_offer_of_the_same_vm_is_a_conflict),
		TEST(a_disk_that_cannot_be_made_takes_everything_back),
		cmocka_unit_test(every_state_of_the_journal),
		TEST(an_undecided_source_is_waited_for),
		TEST(libvirt_that_is_down_is_waited_for),
		TEST(streams_need_the_token),
		SIGNED(what_is_signed_is_taken_and_reported),
		SIGNED(what_is_not_signed_is_not_taken),
		SIGNED(a_ca_that_is_not_there_opens_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
