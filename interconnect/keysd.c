/* SPDX-License-Identifier: Apache-2.0 */
/* keysd.c - messages to calls, callbacks to messages. */
#include "interconnect/keysd.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/log.h"
#include "interconnect/base/rand.h"
#include "interconnect/base/sandbox.h"
#include "interconnect/ike/ike.h"
#include "interconnect/ike/ike_guard.h"
#include "interconnect/signer.h"

CW_LOG_MODULE(keysd);

enum { KEYSD_FDS = 5, KEYSD_SPI_MIN = 256, KEYSD_TEXTS = 8, KEYSD_WAIT_MAX_MS = 60 * 1000 };

struct keysd_tunnel {
	struct ike_conf conf;
	char *texts[KEYSD_TEXTS];       /* that CONF points to */
	size_t n_texts;
	struct cw_cert *own[1 + IKE_CHAIN_MAX], *ca;
	size_t n_own;
	struct cw_crl *crl;
	struct signer_ask ask;
	struct cw_stat stat, told;
};

struct keysd_path {
	struct keysd *d;
	uint16_t index;
	struct cw_endpoint local;       /* by its configuration */
	struct ike *ike;
	bool known;                     /* the data plane has been told INFO */
	struct ike_info info;
};

struct keysd {
	struct keys_wire data, signer;
	struct keysd_tunnel *tunnels;
	struct keysd_path *paths;
	size_t n_tunnels, n_paths, made_tunnels, made_paths;
	struct cw_stat stat, told;      /* of messages that belong to nobody */
	struct ike_guard *guard;        /* of all peers together: strangers may cost so much */
	bool keylog;
	int r;                          /* negative: the data plane cannot be told any more */
};

/* ---- callbacks of ike.h ---- */

static void keysd_tell(struct keysd *d, const struct keys_msg *m)
{
	int r = keys_wire_send(&d->data, m, false);

	if (r < 0 && d->r == 0)
		d->r = r;
}

static void keysd_send(void *ctx, const struct cw_endpoint *local, const struct cw_endpoint *to, const void *msg, size_t size)
{
	struct keysd_path *p = ctx;

	keysd_tell(p->d, &(struct keys_msg){ .type = KEYS_SEND, .path = p->index, .local = *local, .remote = *to, .bytes = { msg, size } });
}

/* The data plane says no to one that is in use, which chance makes once in a hundred million. */
static uint32_t keysd_spi(void *ctx)
{
	uint32_t spi;

	(void)ctx;
	do
		spi = cw_rand_u32();
	while (spi < KEYSD_SPI_MIN);
	return spi;
}

static int keysd_child_up(void *ctx, const struct ike_child *c)
{
	struct keysd_path *p = ctx;

	keysd_tell(p->d, &(struct keys_msg){
		.type = KEYS_CHILD_UP, .path = p->index, .spi_in = c->spi_in, .spi_out = c->spi_out, .aead = (uint8_t)c->aead,
		.esn_on = c->esn, .initiator = c->initiator, .key_in = { c->key_in, c->key_size }, .key_out = { c->key_out, c->key_size },
		.local_ts = c->local_ts, .remote_ts = c->remote_ts, .local = c->local, .remote = c->remote });
	return p->d->r;
}

static void keysd_child(struct keysd_path *p, enum keys_type type, uint32_t spi_in)
{
	keysd_tell(p->d, &(struct keys_msg){ .type = type, .path = p->index, .spi_in = spi_in });
}

static void keysd_child_idle(void *ctx, uint32_t spi_in)
{
	keysd_child(ctx, KEYS_CHILD_IDLE, spi_in);
}

static void keysd_child_down(void *ctx, uint32_t spi_in)
{
	keysd_child(ctx, KEYS_CHILD_DOWN, spi_in);
}

static void keysd_child_orphan(void *ctx, uint32_t spi_in)
{
	keysd_child(ctx, KEYS_CHILD_ORPHAN, spi_in);
}

static void keysd_child_moved(void *ctx, uint32_t spi_in, const struct cw_endpoint *local, const struct cw_endpoint *remote)
{
	struct keysd_path *p = ctx;

	keysd_tell(p->d, &(struct keys_msg){ .type = KEYS_CHILD_MOVED, .path = p->index, .spi_in = spi_in, .local = *local, .remote = *remote });
}

static void keysd_state(void *ctx, enum ike_state s, const char *why)
{
	struct keysd_path *p = ctx;

	keysd_tell(p->d, &(struct keys_msg){ .type = KEYS_STATE, .path = p->index, .state = (uint8_t)s, .text = why });
}

static void keysd_keylog(void *ctx, const struct ike_keylog *l)
{
	struct keysd_path *p = ctx;

	if (p->d->keylog)
		keysd_tell(p->d, &(struct keys_msg){
			.type = KEYS_KEYLOG, .path = p->index, .child = l->child, .aead = (uint8_t)l->aead, .spi_i = l->spi[0], .spi_r = l->spi[1],
			.key_in = { l->key[0], l->key_size }, .key_out = { l->key[1], l->key_size } });
}

static const struct ike_ops keysd_ops = {
	.send = keysd_send, .spi = keysd_spi, .child_up = keysd_child_up, .child_idle = keysd_child_idle, .child_down = keysd_child_down,
	.child_moved = keysd_child_moved, .state = keysd_state, .keylog = keysd_keylog, .child_orphan = keysd_child_orphan,
};

/* ---- what has changed since it was told ---- */

static void keysd_tell_stat(struct keysd *d, uint16_t tunnel, const struct cw_stat *now, struct cw_stat *told)
{
	for (size_t i = 0; i < CW_STAT_N; i++)
		if (now->n[i] != told->n[i])
			keysd_tell(d, &(struct keys_msg){ .type = KEYS_COUNT, .tunnel = tunnel, .stat = (uint8_t)i, .delta = now->n[i] - told->n[i] });
	*told = *now;
}

static void keysd_tell_info(struct keysd_path *p)
{
	struct ike_info i = { 0 };
	bool known = ike_info(p->ike, &i);

	if (known == p->known && (!known || (i.spi_i == p->info.spi_i && i.spi_r == p->info.spi_r && i.esp.aead == p->info.esp.aead &&
					     i.esp.group == p->info.esp.group && i.answers == p->info.answers && cw_endpoint_equal(&i.local, &p->info.local) &&
					     cw_endpoint_equal(&i.remote, &p->info.remote))))
		return;
	p->known = known;
	p->info = i;
	keysd_tell(p->d, &(struct keys_msg){
		.type = KEYS_INFO, .path = p->index, .present = known, .spi_i = i.spi_i, .spi_r = i.spi_r, .initiator = i.initiator, .ppk = i.ppk,
		.mobike = i.mobike, .nat_local = i.nat_local, .nat_remote = i.nat_remote, .local = i.local, .remote = i.remote,
		.aead = (uint8_t)i.ike.aead, .prf = (uint8_t)i.ike.prf, .group = i.ike.group, .esp_aead = (uint8_t)i.esp.aead,
		.esp_group = i.esp.group, .established_ms = i.established_ms, .answers = i.answers, .rtt_ms = i.rtt_ms, .remote_id = i.peer_id });
}

static void keysd_tell_all(struct keysd *d)
{
	for (size_t i = 0; i < d->made_tunnels; i++)
		keysd_tell_stat(d, (uint16_t)i, &d->tunnels[i].stat, &d->tunnels[i].told);
	keysd_tell_stat(d, KEYS_NONE, &d->stat, &d->told);
	for (size_t i = 0; i < d->made_paths; i++)
		keysd_tell_info(&d->paths[i]);
}

/* ---- configuration ---- */

static int keysd_on_setup(struct keysd *d, const struct keys_msg *m)
{
	if (d->tunnels || m->n_tunnels > KEYS_TUNNELS_MAX || m->n_paths > KEYS_PATHS_MAX)
		return CW_E_MALFORMED;
	cw_log_set_level((enum cw_log_level)m->level);
	d->keylog = m->keylog;
	d->n_tunnels = m->n_tunnels;
	d->n_paths = m->n_paths;
	d->tunnels = calloc(d->n_tunnels + 1, sizeof *d->tunnels);
	d->paths = calloc(d->n_paths + 1, sizeof *d->paths);
	return d->tunnels && d->paths ? ike_guard_new(&d->guard) : -ENOMEM;
}

/* A copy that lives as long as T; NULL when there is no memory. */
static const char *keysd_keep(struct keysd_tunnel *t, const char *text)
{
	return t->n_texts < KEYSD_TEXTS ? (t->texts[t->n_texts++] = strdup(text)) : NULL;
}

static int keysd_on_tunnel(struct keysd *d, const struct keys_msg *m)
{
	struct keysd_tunnel *t;
	int r;

	if (m->tunnel != d->made_tunnels || d->made_tunnels >= d->n_tunnels)
		return CW_E_MALFORMED;
	t = &d->tunnels[d->made_tunnels++];
	t->ask = (struct signer_ask){ &d->signer, m->tunnel };
	t->conf = (struct ike_conf){
		.name = keysd_keep(t, m->name), .initiate = m->initiate, .auth = (enum ike_auth)m->auth, .signer = &signer_asked,
		.signer_ctx = &t->ask, .ppk = { keysd_keep(t, m->ppk_id), m->ppk_required }, .local_id = keysd_keep(t, m->local_id),
		.remote_id = keysd_keep(t, m->remote_id), .esn = (enum ike_esn)m->esn, .encap = m->encap, .mobike = m->mobike, .childless = (enum ike_childless)m->childless,
		.local_ts = m->local_ts,
		.remote_ts = m->remote_ts, .dpd_ms = m->dpd_ms, .rekey_ike_ms = m->rekey_ike_ms, .rekey_child_ms = m->rekey_child_ms,
	};
	if (!t->conf.name || !t->conf.ppk.id || !t->conf.local_id || !t->conf.remote_id)
		return -ENOMEM;
	if ((r = ike_suite_parse(m->ike, false, &t->conf.ike, NULL)) < 0)
		return r;
	return ike_suite_parse(m->esp, true, &t->conf.esp, NULL);
}

static struct keysd_tunnel *keysd_tunnel(const struct keysd *d, const struct keys_msg *m)
{
	return m->tunnel < d->made_tunnels ? &d->tunnels[m->tunnel] : NULL;
}

static int keysd_on_cert(struct keysd *d, const struct keys_msg *m)
{
	struct keysd_tunnel *t = keysd_tunnel(d, m);
	struct cw_cert *cert;
	int r;

	if (!t || (m->kind == KEYS_CERT_CA ? t->ca != NULL : t->n_own == CW_COUNT(t->own)))
		return CW_E_MALFORMED;
	if ((r = cw_cert_parse(m->bytes.p, m->bytes.size, &cert)) < 0)
		return r;
	if (m->kind == KEYS_CERT_CA)
		t->conf.ca = t->ca = cert;
	else
		t->own[t->n_own++] = cert;
	t->conf.cert = t->own[0];
	t->conf.chain = t->own + 1;
	t->conf.n_chain = t->n_own > 0 ? t->n_own - 1 : 0;
	return 0;
}

/* Later as well: what cannot be read then is as if it had not come. */
static int keysd_on_crl(struct keysd *d, const struct keys_msg *m)
{
	struct keysd_tunnel *t = keysd_tunnel(d, m);
	char *text;
	bool first;
	int r;

	if (!t)
		return CW_E_MALFORMED;
	if (!(text = malloc(m->bytes.size + 1)))
		return -ENOMEM;
	if (m->bytes.size)
		memcpy(text, m->bytes.p, m->bytes.size);
	first = !t->crl;
	r = cw_crl_set(&t->crl, text, m->bytes.size);
	free(text);
	t->conf.crl = t->crl;
	if (r < 0 && !first)
		cw_log_r(WARN, t->conf.name, r, "the revocation lists cannot be read; those before stay");
	return first ? r : 0;
}

static int keysd_on_path(struct keysd *d, const struct keys_msg *m)
{
	struct keysd_tunnel *t = keysd_tunnel(d, m);
	struct keysd_path *p;
	struct ike_conf conf;
	int r;

	if (!t || m->path != d->made_paths || d->made_paths >= d->n_paths)
		return CW_E_MALFORMED;
	p = &d->paths[d->made_paths];
	p->d = d;
	p->index = m->path;
	p->local = m->local;
	conf = t->conf;
	conf.local = m->local;
	conf.remote = m->remote;
	conf.guard = d->guard;
	conf.message_max = m->message_max;
	conf.path = m->which;
	if ((r = ike_new(&conf, &keysd_ops, p, &t->stat, &p->ike)) == 0)
		d->made_paths++;
	return r;
}

static int keysd_on_run(struct keysd *d, const struct keys_msg *m)
{
	(void)m;
	if (d->made_paths != d->n_paths || d->made_tunnels != d->n_tunnels)
		return CW_E_MALFORMED;
	keysd_tell(d, &(struct keys_msg){ .type = KEYS_READY });
	return 0;
}

/* ---- calls ---- */

static struct ike *keysd_ike(const struct keysd *d, const struct keys_msg *m)
{
	return m->path < d->made_paths ? d->paths[m->path].ike : NULL;
}

/* A call of ike.h that has no argument but the time. */
static int keysd_call(const struct keysd *d, const struct keys_msg *m, void (*call)(struct ike *k, uint64_t now_ms))
{
	struct ike *k = keysd_ike(d, m);

	if (!k)
		return CW_E_MALFORMED;
	call(k, cw_clock_now_ms());
	return 0;
}

static int keysd_on_start(struct keysd *d, const struct keys_msg *m)
{
	return keysd_call(d, m, ike_start);
}

static int keysd_on_rekey_child(struct keysd *d, const struct keys_msg *m)
{
	return keysd_call(d, m, ike_rekey_child);
}

static int keysd_on_rekey(struct keysd *d, const struct keys_msg *m)
{
	return keysd_call(d, m, ike_rekey);
}

static int keysd_on_renew(struct keysd *d, const struct keys_msg *m)
{
	return keysd_call(d, m, ike_renew);
}

static int keysd_on_alive(struct keysd *d, const struct keys_msg *m)
{
	return keysd_call(d, m, ike_alive);
}

static int keysd_on_ping(struct keysd *d, const struct keys_msg *m)
{
	struct ike *k = keysd_ike(d, m);

	if (!k)
		return CW_E_MALFORMED;
	(void)ike_check(k, cw_clock_now_ms());  /* another request asks as well */
	return 0;
}

static int keysd_on_resume(struct keysd *d, const struct keys_msg *m)
{
	struct ike *k = keysd_ike(d, m);

	if (!k)
		return CW_E_MALFORMED;
	ike_resume(k, &m->remote, cw_clock_now_ms());
	return 0;
}

static const struct cw_endpoint *keysd_or_none(const struct cw_endpoint *ep)
{
	return ep->ip.family ? ep : NULL;
}

static int keysd_on_moved(struct keysd *d, const struct keys_msg *m)
{
	struct ike *k = keysd_ike(d, m);

	if (!k)
		return CW_E_MALFORMED;
	if (m->local.ip.family)
		d->paths[m->path].local = m->local;
	ike_moved(k, keysd_or_none(&m->local), keysd_or_none(&m->remote), cw_clock_now_ms());
	return 0;
}

static int keysd_on_peer_at(struct keysd *d, const struct keys_msg *m)
{
	struct ike *k = keysd_ike(d, m);

	if (!k)
		return CW_E_MALFORMED;
	ike_peer_at(k, &m->remote, cw_clock_now_ms());
	return 0;
}

static int keysd_on_stop(struct keysd *d, const struct keys_msg *m)
{
	(void)m;
	for (size_t i = 0; i < d->made_paths; i++)
		ike_stop(d->paths[i].ike, cw_clock_now_ms());
	keysd_tell_all(d);
	keysd_tell(d, &(struct keys_msg){ .type = KEYS_STOPPED });
	return 0;
}

/* Is a path on the uplink LOCAL, by its configuration (OWN), or on another, one that the message is for? */
static bool keysd_give(const struct keysd *d, const struct keys_msg *m, bool own)
{
	for (size_t i = 0; i < d->made_paths; i++) {
		struct ike *k = d->paths[i].ike;

		if (cw_endpoint_equal(&d->paths[i].local, &m->local) != own || !ike_match(k, &m->remote, m->bytes.p, m->bytes.size))
			continue;
		ike_input(k, &m->local, &m->remote, m->bytes.p, m->bytes.size, cw_clock_now_ms());
		return true;
	}
	return false;
}

/* A peer may call on another uplink than we would: but the paths of this one come first. */
static int keysd_on_input(struct keysd *d, const struct keys_msg *m)
{
	if (m->bytes.size == 0 || (!keysd_give(d, m, true) && !keysd_give(d, m, false)))
		cw_stat_inc(&d->stat, CW_STAT_IKE_REJECTED);
	return 0;
}

static int (*const keysd_rows[KEYS_TYPE_N])(struct keysd *d, const struct keys_msg *m) = {
	[KEYS_SETUP] = keysd_on_setup, [KEYS_TUNNEL] = keysd_on_tunnel, [KEYS_CERT] = keysd_on_cert, [KEYS_CRL] = keysd_on_crl,
	[KEYS_PATH] = keysd_on_path, [KEYS_RUN] = keysd_on_run, [KEYS_START] = keysd_on_start, [KEYS_RESUME] = keysd_on_resume,
	[KEYS_STOP] = keysd_on_stop, [KEYS_INPUT] = keysd_on_input, [KEYS_REKEY_CHILD] = keysd_on_rekey_child,
	[KEYS_REKEY] = keysd_on_rekey, [KEYS_RENEW] = keysd_on_renew, [KEYS_ALIVE] = keysd_on_alive, [KEYS_MOVED] = keysd_on_moved,
	[KEYS_PEER_AT] = keysd_on_peer_at, [KEYS_PING] = keysd_on_ping,
};

/* ---- life ---- */

static void keysd_tick(struct keysd *d)
{
	uint64_t now = cw_clock_now_ms();

	for (size_t i = 0; i < d->made_paths; i++)
		if (ike_next_ms(d->paths[i].ike) <= now)
			ike_tick(d->paths[i].ike, now);
}

static int keysd_wait_ms(const struct keysd *d)
{
	uint64_t now = cw_clock_now_ms(), next = now + KEYSD_WAIT_MAX_MS;

	for (size_t i = 0; i < d->made_paths; i++)
		next = CW_MIN(next, ike_next_ms(d->paths[i].ike));
	return next > now ? (int)(next - now) : 0;
}

static int keysd_turn(struct keysd *d)
{
	struct pollfd p[] = { { d->data.fd, POLLIN, 0 }, { d->signer.fd, POLLIN, 0 } };
	struct keys_msg m;
	int r = 0;

	if (poll(p, CW_COUNT(p), keysd_wait_ms(d)) < 0)
		return errno == EINTR ? 0 : -errno;
	if (p[1].revents)
		return CW_E_UNREACHABLE;        /* it says nothing unasked */
	if (p[0].revents && (r = keys_wire_recv(&d->data, KEYS_DATA_TO_IKE, false, &m)) == 0)
		r = keysd_rows[m.type](d, &m);
	keysd_tick(d);
	keysd_tell_all(d);
	return r < 0 ? r : d->r;
}

static void keysd_fini(struct keysd *d)
{
	for (size_t i = 0; i < d->made_paths; i++)
		ike_free(d->paths[i].ike);
	for (size_t i = 0; i < d->made_tunnels; i++) {
		struct keysd_tunnel *t = &d->tunnels[i];

		for (size_t k = 0; k < t->n_texts; k++)
			free(t->texts[k]);
		for (size_t k = 0; k < t->n_own; k++)
			cw_cert_free(t->own[k]);
		cw_cert_free(t->ca);
		cw_crl_free(t->crl);
	}
	ike_guard_free(d->guard);
	free(d->paths);
	free(d->tunnels);
	keys_wire_close(&d->data);
	keys_wire_close(&d->signer);
}

int keysd_main(int data_fd, int signer_fd)
{
	struct keysd d = { 0 };
	int r = keys_wire_open(&d.data, data_fd), r2 = keys_wire_open(&d.signer, signer_fd);

	if (r == 0 && (r = r2) == 0)
		r = cw_sandbox_enter("cw-ike", KEYSD_FDS);
	while (r == 0)
		r = keysd_turn(&d);
	if (r != CW_E_UNREACHABLE && r != -EPIPE)
		cw_log_r(ERROR, NULL, r, "the IKE process ends");
	keysd_fini(&d);
	return r == CW_E_UNREACHABLE || r == -EPIPE ? 0 : 1;
}
