/* SPDX-License-Identifier: Apache-2.0 */
/* keys.c - begin, supervise, begin anew; calls to messages. */
#include "interconnect/keys.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/json.h"
#include "interconnect/base/log.h"
#include "interconnect/keys_impl.h"

CW_LOG_MODULE(keys);

enum {
	KEYS_VERDICT_MS = 20 * 1000,    /* the signer reads files: on a busy machine that takes a while */
	KEYS_STOP_MS = 500,
	KEYS_READ_MAX = 64,             /* messages at a time: packets are to have their turn */
	KEYS_UNREAD_MAX = 64 * 1024,    /* bytes of messages of strangers that wait */
	KEYS_ALIVE_MS = 500,
	KEYS_LONG_MS = 2000,            /* who lived so long is begun anew at once */
	KEYS_DELAY_MS = 100, KEYS_DELAY_MAX_MS = 10 * 1000,
};

/* ---- the verdict of the signer ---- */

static int keys_take_verdict(const struct keys_msg *m, struct cw_why *why)
{
	if (m->r >= 0)
		return 0;
	if (why && !*why->object && *m->object)
		cw_why_set(why, m->r, m->object, m->field, "%s", m->text);
	return m->r;
}

/* Waits for it, while the rest of what the signer has to hear is said. */
static int keys_wait_verdict(struct keys_proc *p, struct cw_why *why)
{
	uint64_t now = cw_clock_now_ms(), end = now + KEYS_VERDICT_MS;
	struct keys_msg m;
	int r;

	for (; now < end; now = cw_clock_now_ms()) {
		struct pollfd fd = { p->wire.fd, (short)(p->first ? POLLIN | POLLOUT : POLLIN), 0 };

		if (poll(&fd, 1, (int)(end - now)) < 0 && errno != EINTR)
			return -errno;
		if (fd.revents & POLLOUT && (r = keys_proc_flush(p)) < 0)
			return r;
		if (!(fd.revents & ~POLLOUT))
			continue;
		r = keys_wire_recv(&p->wire, KEYS_SIGNER_TO_DATA, true, &m);
		if (r != -EAGAIN)
			return r < 0 ? r : keys_take_verdict(&m, why);
	}
	return CW_E_TIMEOUT;
}

int keys_check(const char *dir, const struct tun_conf *tunnels, size_t n_tunnels, struct cw_why *why)
{
	struct keys_proc procs[KEYS_PARTS];
	struct tun_auth a;
	int r;

	for (size_t i = 0; i < n_tunnels; i++) {
		if ((r = tun_auth_load(dir, &tunnels[i], &a, why)) < 0)
			return r;
		tun_auth_fini(&a);
	}
	if (n_tunnels == 0)
		return 0;
	if ((r = keys_proc_begin(procs)) < 0)
		return r;
	if ((r = keys_conf_secrets(&procs[KEYS_PART_SIGNER], dir, tunnels, n_tunnels)) == 0)
		r = keys_wait_verdict(&procs[KEYS_PART_SIGNER], why);
	for (size_t i = 0; i < KEYS_PARTS; i++)
		keys_proc_end(&procs[i]);
	return r;
}

/* ---- death ---- */

/* One of the two is gone, or is to go: so is the other, and both are begun anew. */
static void keys_lost(struct keys *k, const char *name, int r)
{
	uint64_t lived = cw_clock_now_ms() - k->born_ms;

	cw_log_rl(WARN, name, r, "the process is gone; its IKE SAs are made anew");
	for (size_t i = 0; i < KEYS_PARTS; i++)
		keys_proc_end(&k->procs[i]);
	for (size_t i = 0; i < k->n_paths && k->started; i++) {
		struct keys_path_now *p = &k->paths[i];

		p->known = false;
		p->resume = k->ops->lost(k->ctx, i, &p->remote);
	}
	k->delay_ms = lived >= KEYS_LONG_MS ? 0 : CW_MIN(CW_MAX(k->delay_ms * 2, (uint64_t)KEYS_DELAY_MS), (uint64_t)KEYS_DELAY_MAX_MS);
	cw_timer_arm(k->restart, k->delay_ms);
}

/* Of paths it speaks with a process that knows them: another is told everything when it begins. */
static void keys_say(struct keys *k, const struct keys_msg *m)
{
	int r = k->told ? keys_proc_say(&k->procs[KEYS_PART_IKE], m) : 0;

	if (r < 0)
		keys_lost(k, "ike", r);
}

/* ---- what comes ---- */

static void keys_on_ike(void *ctx, unsigned events)
{
	struct keys *k = ctx;
	struct keys_proc *p = &k->procs[KEYS_PART_IKE];
	struct keys_msg m;
	int r = events & CW_IO_WRITE ? keys_proc_flush(p) : 0;

	for (int i = 0; i < KEYS_READ_MAX && r == 0; i++)
		if ((r = keys_wire_recv(&p->wire, KEYS_IKE_TO_DATA, true, &m)) == 0)
			r = keys_in(k, &m);
	if (r < 0 && r != -EAGAIN)
		keys_lost(k, "ike", r == CW_E_UNREACHABLE ? 0 : r);
}

/* After its verdict the signer says nothing: whatever comes is its end. */
static void keys_on_signer(void *ctx, unsigned events)
{
	struct keys *k = ctx;
	struct keys_proc *p = &k->procs[KEYS_PART_SIGNER];
	char text[768];
	struct cw_why why = { 0 };
	struct keys_msg m;
	int r = events & CW_IO_WRITE ? keys_proc_flush(p) : 0;

	if (r == 0)
		r = keys_wire_recv(&p->wire, KEYS_SIGNER_TO_DATA, true, &m);
	if (r == -EAGAIN)
		return;
	if (r == 0 && !k->verdict) {
		k->verdict = true;
		if ((r = keys_take_verdict(&m, &why)) == 0)
			return;
		cw_log_rl(ERROR, NULL, 0, "%s", cw_why_text(&why, r, text, sizeof text));
	}
	keys_lost(k, "signer", r == CW_E_UNREACHABLE ? 0 : r);
}

static int keys_listen(struct keys *k)
{
	static void (*const on[KEYS_PARTS])(void *ctx, unsigned events) = {
		[KEYS_PART_IKE] = keys_on_ike, [KEYS_PART_SIGNER] = keys_on_signer,
	};
	int r = 0;

	for (size_t i = 0; i < KEYS_PARTS && r == 0; i++)
		r = cw_io_new(k->loop, k->procs[i].wire.fd, CW_IO_READ, on[i], k, &k->procs[i].io);
	return r;
}

/* ---- begin ---- */

static int keys_begin(struct keys *k)
{
	int r;

	k->born_ms = cw_clock_now_ms();
	k->verdict = k->stopped = k->told = false;
	if ((r = keys_proc_begin(k->procs)) < 0 || (r = keys_listen(k)) < 0)
		return r;
	return keys_conf_secrets(&k->procs[KEYS_PART_SIGNER], k->dir, k->tunnels, k->n_tunnels);
}

/* Questions to the signer wait in its socket until it has the secrets, so that nobody here waits for it. */
static void keys_begin_again(void *ctx)
{
	struct keys *k = ctx;
	int r = keys_begin(k);

	if (r == 0 && k->started)
		r = keys_conf_send(k);
	if (r < 0)
		keys_lost(k, "ike", r);
	else
		cw_log_rl(INFO, NULL, 0, "IKE process and signer are there again");
}

static int keys_load(struct keys *k, const struct keys_conf *conf, struct cw_why *why)
{
	int r;

	if (!(k->dir = strdup(conf->dir)) || !(k->tunnels_now = calloc(conf->n_tunnels, sizeof *k->tunnels_now)) ||
	    !(k->paths = calloc(conf->n_paths, sizeof *k->paths)))
		return -ENOMEM;
	k->tunnels = conf->tunnels;
	for (size_t i = 0; i < conf->n_tunnels; i++) {
		struct keys_tunnel_now *t = &k->tunnels_now[i];

		if ((r = tun_auth_load(conf->dir, &conf->tunnels[i], &t->auth, why)) < 0)
			return r;
		k->n_tunnels++;
		if ((r = ike_suite_parse(conf->tunnels[i].esp, true, &t->esp, NULL)) < 0)
			return r;
	}
	for (; k->n_paths < conf->n_paths; k->n_paths++)
		k->paths[k->n_paths].conf = conf->paths[k->n_paths];
	return 0;
}

static void keys_cleanup(struct keys **k)
{
	keys_free(*k);
}

int keys_new(struct cw_loop *l, const struct keys_conf *conf, const struct keys_ops *ops, void *ctx, struct keys **ret_keys,
	     struct cw_why *why)
{
	CW_AUTO(keys_cleanup) struct keys *k = NULL;
	int r;

	if (conf->n_tunnels > KEYS_TUNNELS_MAX || conf->n_paths > KEYS_PATHS_MAX)
		return cw_why_set(why, CW_E_LIMIT, "tunnels", NULL, "at most %d, and %d paths", KEYS_TUNNELS_MAX, KEYS_PATHS_MAX);
	if (!(k = calloc(1, sizeof *k)))
		return -ENOMEM;
	k->loop = l;
	k->ops = ops;
	k->ctx = ctx;
	for (size_t i = 0; i < KEYS_PARTS; i++)
		k->procs[i].wire.fd = -1;
	if ((r = cw_timer_new(l, keys_begin_again, k, &k->restart)) < 0 || (r = keys_load(k, conf, why)) < 0 || (r = keys_begin(k)) < 0 ||
	    (r = keys_wait_verdict(&k->procs[KEYS_PART_SIGNER], why)) < 0)
		return r;
	k->verdict = true;
	*ret_keys = cw_steal(&k);
	return 0;
}

void keys_free(struct keys *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < KEYS_PARTS; i++)
		keys_proc_end(&k->procs[i]);
	cw_timer_free(k->restart);
	for (size_t i = 0; i < k->n_tunnels; i++)
		tun_auth_fini(&k->tunnels_now[i].auth);
	free(k->tunnels_now);
	free(k->paths);
	free(k->dir);
	free(k);
}

/* ---- calls ---- */

void keys_start(struct keys *k, bool keylog)
{
	int r;

	k->started = true;
	k->keylog = keylog;
	if ((r = keys_conf_send(k)) < 0)
		keys_lost(k, "ike", r);
}

void keys_stop(struct keys *k)
{
	struct keys_proc *p = &k->procs[KEYS_PART_IKE];
	uint64_t end = cw_clock_now_ms() + KEYS_STOP_MS;

	k->started = false;
	cw_timer_stop(k->restart);
	if (p->pid == 0 || !k->told)
		return;
	keys_say(k, &(struct keys_msg){ .type = KEYS_STOP });
	while (p->pid != 0 && !k->stopped && cw_clock_now_ms() < end)
		if (keys_wire_wait(&p->wire, 10) != 0)
			keys_on_ike(k, CW_IO_READ | CW_IO_WRITE);
	cw_timer_stop(k->restart);
}

void keys_input(struct keys *k, const struct cw_endpoint *local, const struct cw_endpoint *from, const uint8_t *msg, size_t size)
{
	struct keys_proc *p = &k->procs[KEYS_PART_IKE];
	int r;

	if (p->pid == 0 || !k->told || p->first || keys_wire_unread(&p->wire) > KEYS_UNREAD_MAX) {
		cw_stat_inc(k->ops->stat(k->ctx, KEYS_NONE), CW_STAT_IKE_REJECTED);
		return;
	}
	if ((r = keys_conf_crls(k, cw_clock_now_ms())) < 0) {
		keys_lost(k, "ike", r);
		return;
	}
	keys_say(k, &(struct keys_msg){ .type = KEYS_INPUT, .local = *local, .remote = *from, .bytes = { msg, size } });
}

void keys_rekey_child(struct keys *k, size_t path)
{
	keys_say(k, &(struct keys_msg){ .type = KEYS_REKEY_CHILD, .path = (uint16_t)path });
}

void keys_rekey(struct keys *k, size_t path)
{
	keys_say(k, &(struct keys_msg){ .type = KEYS_REKEY, .path = (uint16_t)path });
}

void keys_moved(struct keys *k, size_t path, const struct cw_endpoint *local, const struct cw_endpoint *remote)
{
	struct keys_path *c = &k->paths[path].conf;
	const struct cw_endpoint none = { 0 };

	c->local = local ? *local : c->local;   /* for the next process, too */
	c->remote = remote ? *remote : c->remote;
	keys_say(k, &(struct keys_msg){ .type = KEYS_MOVED, .path = (uint16_t)path, .local = local ? *local : none, .remote = remote ? *remote : none });
}

void keys_peer_at(struct keys *k, size_t path, const struct cw_endpoint *remote)
{
	keys_say(k, &(struct keys_msg){ .type = KEYS_PEER_AT, .path = (uint16_t)path, .remote = *remote });
}

bool keys_ping(struct keys *k, size_t path)
{
	if (k->paths[path].known)
		keys_say(k, &(struct keys_msg){ .type = KEYS_PING, .path = (uint16_t)path });
	return k->paths[path].known;
}

void keys_alive(struct keys *k, size_t path, uint64_t now_ms)
{
	struct keys_path_now *p = &k->paths[path];

	if (now_ms < p->alive_ms + KEYS_ALIVE_MS || k->procs[KEYS_PART_IKE].first)
		return;
	p->alive_ms = now_ms;
	keys_say(k, &(struct keys_msg){ .type = KEYS_ALIVE, .path = (uint16_t)path });
}

bool keys_info(const struct keys *k, size_t path, struct ike_info *ret_info)
{
	const struct keys_path_now *p = &k->paths[path];

	if (p->known)
		*ret_info = p->info;
	return p->known;
}

static void keys_json_add(struct cw_json *a, const char *name, pid_t pid)
{
	struct cw_json *o = cw_json_object();

	cw_json_set_str(o, "name", name);
	cw_json_set_int(o, "pid", pid);
	cw_json_add(a, o);
}

struct cw_json *keys_json(const struct keys *k)
{
	struct cw_json *a = cw_json_array();

	keys_json_add(a, "data", getpid());
	for (size_t i = 0; k && i < KEYS_PARTS; i++)
		if (k->procs[i].pid > 0)
			keys_json_add(a, k->procs[i].name, k->procs[i].pid);
	return a;
}
