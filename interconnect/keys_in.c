/* SPDX-License-Identifier: Apache-2.0 */
/* keys_in.c - what the IKE process says, none of which is believed because it says so. */
#include <stdio.h>
#include <string.h>

#include "interconnect/base/mem.h"
#include "interconnect/keys_impl.h"

enum { KEYS_SPI_MIN = 256 };

static int keys_in_nothing(struct keys *k, const struct keys_msg *m)
{
	(void)k, (void)m;
	return 0;
}

static bool keys_is_way(const struct keys_msg *m)
{
	return m->local.ip.family != 0 && m->local.ip.family == m->remote.ip.family && m->remote.port != 0;
}

static int keys_in_send(struct keys *k, const struct keys_msg *m)
{
	if (!keys_is_way(m) || m->bytes.size == 0)
		return CW_E_MALFORMED;
	k->ops->send(k->ctx, m->path, &m->local, &m->remote, m->bytes.p, m->bytes.size);
	return 0;
}

/* ---- children ---- */

/* Are all addresses of INNER addresses of OUTER? */
static bool keys_within(const struct cw_prefix *outer, const struct cw_prefix *inner)
{
	return inner->len >= outer->len && cw_prefix_contains(outer, &inner->ip);
}

static bool keys_has_suite(const struct ike_suites *l, uint8_t aead)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->s[i].aead == (enum cw_aead_alg)aead)
			return true;
	return false;
}

/* Is it a child that the configuration of its tunnel lets be? */
static bool keys_may_be(const struct keys *k, const struct keys_msg *m)
{
	size_t tunnel = k->paths[m->path].conf.tunnel;
	const struct tun_conf *c = &k->tunnels[tunnel];
	const struct cw_aead_shape *shape = cw_aead_shape((enum cw_aead_alg)m->aead);
	size_t size = (size_t)shape->key + shape->salt;

	return keys_has_suite(&k->tunnels_now[tunnel].esp, m->aead) && m->key_in.size == size && m->key_out.size == size &&
	       keys_within(&c->local_ts, &m->local_ts) && keys_within(&c->remote_ts, &m->remote_ts) && m->spi_in >= KEYS_SPI_MIN &&
	       m->spi_out >= KEYS_SPI_MIN && keys_is_way(m) && (c->esn == IKE_ESN_BOTH || (c->esn == IKE_ESN_YES) == m->esn_on);
}

static int keys_in_child_up(struct keys *k, const struct keys_msg *m)
{
	struct ike_child c = {
		.spi_in = m->spi_in, .spi_out = m->spi_out, .aead = (enum cw_aead_alg)m->aead, .esn = m->esn_on, .initiator = m->initiator,
		.key_size = m->key_in.size, .local_ts = m->local_ts, .remote_ts = m->remote_ts, .local = m->local, .remote = m->remote,
	};
	int r;

	if (!keys_may_be(k, m))
		return CW_E_MALFORMED;
	memcpy(c.key_in, m->key_in.p, c.key_size);
	memcpy(c.key_out, m->key_out.p, c.key_size);
	r = k->ops->child_up(k->ctx, m->path, &c);
	cw_mem_wipe(&c, sizeof c);
	/* No memory, or the SPI is in use: IKE is to make another. */
	return r < 0 ? keys_proc_say(&k->procs[KEYS_PART_IKE], &(struct keys_msg){ .type = KEYS_RENEW, .path = m->path }) : 0;
}

static int keys_in_child_idle(struct keys *k, const struct keys_msg *m)
{
	k->ops->child_idle(k->ctx, m->path, m->spi_in);
	return 0;
}

static int keys_in_child_down(struct keys *k, const struct keys_msg *m)
{
	k->ops->child_down(k->ctx, m->path, m->spi_in);
	return 0;
}

static int keys_in_child_orphan(struct keys *k, const struct keys_msg *m)
{
	k->ops->child_orphan(k->ctx, m->path, m->spi_in);
	return 0;
}

static int keys_in_child_moved(struct keys *k, const struct keys_msg *m)
{
	if (!keys_is_way(m))
		return CW_E_MALFORMED;
	k->ops->child_moved(k->ctx, m->path, m->spi_in, &m->local, &m->remote);
	return 0;
}

/* ---- news ---- */

static int keys_in_state(struct keys *k, const struct keys_msg *m)
{
	if (m->state == IKE_UP)
		k->paths[m->path].resume = false;
	k->ops->state(k->ctx, m->path, (enum ike_state)m->state, m->text);
	return 0;
}

static int keys_in_info(struct keys *k, const struct keys_msg *m)
{
	struct keys_path_now *p = &k->paths[m->path];

	p->known = m->present;
	p->info = (struct ike_info){
		.spi_i = m->spi_i, .spi_r = m->spi_r, .initiator = m->initiator, .ppk = m->ppk, .mobike = m->mobike,
		.nat_local = m->nat_local, .nat_remote = m->nat_remote, .local = m->local, .remote = m->remote,
		.ike = { (enum cw_aead_alg)m->aead, (enum cw_hash)m->prf, m->group }, .esp = { .aead = (enum cw_aead_alg)m->esp_aead, .group = m->esp_group },
		.established_ms = m->established_ms, .answers = m->answers, .rtt_ms = m->rtt_ms,
	};
	snprintf(p->info.peer_id, sizeof p->info.peer_id, "%s", m->remote_id);
	return 0;
}

/* Only what IKE counts. */
static int keys_in_count(struct keys *k, const struct keys_msg *m)
{
	enum cw_stat_id id = (enum cw_stat_id)m->stat;

	if (strncmp(cw_stat_name(id), "ike.", 4) != 0 || (m->tunnel != KEYS_NONE && m->tunnel >= k->n_tunnels))
		return CW_E_MALFORMED;
	cw_stat_add(k->ops->stat(k->ctx, m->tunnel), id, m->delta);
	return 0;
}

static int keys_in_keylog(struct keys *k, const struct keys_msg *m)
{
	struct ike_keylog l = { .child = m->child, .aead = (enum cw_aead_alg)m->aead, .spi = { m->spi_i, m->spi_r }, .key_size = m->key_in.size };

	if (!k->keylog || m->key_in.size != m->key_out.size)
		return CW_E_MALFORMED;
	memcpy(l.key[0], m->key_in.p, l.key_size);
	memcpy(l.key[1], m->key_out.p, l.key_size);
	k->ops->keylog(k->ctx, m->path, &l);
	cw_mem_wipe(&l, sizeof l);
	return 0;
}

static int keys_in_stopped(struct keys *k, const struct keys_msg *m)
{
	(void)m;
	k->stopped = true;
	return 0;
}

/* What is without a path has none in its row, and 0 here. */
static const struct {
	int (*in)(struct keys *k, const struct keys_msg *m);
	bool path;
} keys_in_rows[KEYS_TYPE_N] = {
	[KEYS_READY] = { keys_in_nothing, false }, [KEYS_SEND] = { keys_in_send, true }, [KEYS_CHILD_UP] = { keys_in_child_up, true },
	[KEYS_CHILD_IDLE] = { keys_in_child_idle, true }, [KEYS_CHILD_DOWN] = { keys_in_child_down, true },
	[KEYS_CHILD_ORPHAN] = { keys_in_child_orphan, true }, [KEYS_CHILD_MOVED] = { keys_in_child_moved, true },
	[KEYS_STATE] = { keys_in_state, true }, [KEYS_INFO] = { keys_in_info, true }, [KEYS_COUNT] = { keys_in_count, false },
	[KEYS_KEYLOG] = { keys_in_keylog, true }, [KEYS_STOPPED] = { keys_in_stopped, false },
};

int keys_in(struct keys *k, const struct keys_msg *m)
{
	if (!keys_in_rows[m->type].in || (keys_in_rows[m->type].path && m->path >= k->n_paths))
		return CW_E_MALFORMED;
	return keys_in_rows[m->type].in(k, m);
}
