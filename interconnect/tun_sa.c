/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tun_sa.c - the child SAs of a tunnel: make before break.
 *
 * While a pair is being replaced both live. Which one to send on: the newest that the peer
 * surely has. It has what we asked it for, when its answer is here; what it asked us for it
 * has when our answer got through, and the first packet on it proves that. When the older one is
 * deleted only the newest is left, so a tunnel with traffic in one direction moves over as well.
 *
 * The end of an SA is known to both sides at different times, and packets overtake messages: so from the moment that we
 * ask the peer to delete it we do not send on it (idle), and after its end it still receives for TUN_GRACE_MS (closed).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "interconnect/tun_impl.h"

static void tun_sa_free(struct tun_sa *sa)
{
	if (!sa)
		return;
	esp_out_free(sa->out);
	free(sa);
}

static void tun_sa_cleanup(struct tun_sa **sa)
{
	tun_sa_free(*sa);
}

static void tun_sa_remove(struct tun *t, size_t i)
{
	struct tun_sa *sa = t->sas[i];

	esp_sadb_del(t->tuns->sadb, sa->spi_in);
	t->n_sas--;
	memmove(&t->sas[i], &t->sas[i + 1], (t->n_sas - i) * sizeof *t->sas);
	tun_sa_free(sa);
}

static struct tun_sa *tun_sa_find(const struct tun *t, uint32_t spi_in)
{
	for (size_t i = 0; i < t->n_sas; i++) {
		if (t->sas[i]->spi_in == spi_in)
			return t->sas[i];
	}
	return NULL;
}

/* The oldest that is closed, or else the oldest. */
static void tun_sa_make_room(struct tun *t)
{
	size_t i = TUN_SA_MAX;

	while (i > 0 && t->sas[i - 1]->closed_ms == 0)
		i--;
	tun_sa_remove(t, (i > 0 ? i : TUN_SA_MAX) - 1);
}

int tun_sa_add(struct tun *t, const struct ike_child *child)
{
	CW_AUTO(tun_sa_cleanup) struct tun_sa *sa = calloc(1, sizeof *sa);
	const struct esp_keys in = { child->spi_in, child->aead, child->esn, child->key_in, child->key_size };
	const struct esp_keys out = { child->spi_out, child->aead, child->esn, child->key_out, child->key_size };
	int r;

	if (!sa)
		return -ENOMEM;
	sa->tun = t;
	sa->spi_in = child->spi_in;
	sa->esn = child->esn;
	sa->proven = child->initiator;
	sa->local_ts = child->local_ts;
	sa->remote_ts = child->remote_ts;
	sa->remote = child->remote;
	sa->up_ms = cw_clock_now_ms();
	if ((r = esp_out_new(&out, &sa->out)) < 0 || (r = esp_sadb_add(t->tuns->sadb, &in, sa)) < 0)
		return r;
	if (t->n_sas == TUN_SA_MAX)
		tun_sa_make_room(t);
	memmove(&t->sas[1], &t->sas[0], t->n_sas * sizeof *t->sas);
	t->sas[0] = cw_steal(&sa);
	t->n_sas++;
	return 0;
}

void tun_sa_del(struct tun *t, uint32_t spi_in)
{
	for (size_t i = 0; i < t->n_sas; i++) {
		if (t->sas[i]->spi_in == spi_in) {
			tun_sa_remove(t, i);
			return;
		}
	}
}

void tun_sa_del_all(struct tun *t)
{
	while (t->n_sas > 0)
		tun_sa_remove(t, t->n_sas - 1);
}

void tun_sa_idle(struct tun *t, uint32_t spi_in)
{
	struct tun_sa *sa = tun_sa_find(t, spi_in);

	if (sa)
		sa->idle = true;
}

void tun_sa_move(struct tun *t, uint32_t spi_in, const struct cw_endpoint *remote)
{
	struct tun_sa *sa = tun_sa_find(t, spi_in);

	if (sa)
		sa->remote = *remote;
}

void tun_sa_close(struct tun *t, uint32_t spi_in, uint64_t now_ms)
{
	struct tun_sa *sa = tun_sa_find(t, spi_in);

	if (sa)
		sa->closed_ms = now_ms + TUN_GRACE_MS;
}

uint64_t tun_sa_sweep(struct tun *t, uint64_t now_ms)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = t->n_sas; i-- > 0;) {
		uint64_t closed_ms = t->sas[i]->closed_ms;

		if (closed_ms != 0 && closed_ms <= now_ms)
			tun_sa_remove(t, i);
		else if (closed_ms != 0)
			next = CW_MIN(next, closed_ms);
	}
	return next;
}

size_t tun_sa_count(const struct tun *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n_sas; i++)
		n += t->sas[i]->closed_ms == 0;
	return n;
}

/* Smaller is better: proven, not proven, on its way out. The newest of those that are equal. */
static int tun_sa_rank(const struct tun_sa *sa)
{
	return sa->idle ? 2 : !sa->proven;
}

struct tun_sa *tun_sa_out(const struct tun *t)
{
	struct tun_sa *best = NULL;

	for (size_t i = 0; i < t->n_sas; i++) {
		struct tun_sa *sa = t->sas[i];

		if (!sa->spent && sa->closed_ms == 0 && (!best || tun_sa_rank(sa) < tun_sa_rank(best)))
			best = sa;
	}
	return best;
}
