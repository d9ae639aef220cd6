/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tun_sa.c - the child SAs of a tunnel: make before break.
 *
 * While a pair is being replaced both live. Which one to send on: the newest that the peer
 * surely has. It has what we asked it for, when its answer is here; what it asked us for it
 * has when our answer got through, and the first packet on it proves that. When the older one is
 * deleted only the newest is left, so a tunnel with traffic in one direction moves over as well.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
	if ((r = esp_out_new(&out, &sa->out)) < 0 || (r = esp_sadb_add(t->tuns->sadb, &in, sa)) < 0)
		return r;
	if (t->n_sas == TUN_SA_MAX)
		tun_sa_remove(t, TUN_SA_MAX - 1);
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

struct tun_sa *tun_sa_out(const struct tun *t)
{
	struct tun_sa *fallback = NULL;

	for (size_t i = 0; i < t->n_sas; i++) {
		if (t->sas[i]->spent)
			continue;
		if (t->sas[i]->proven)
			return t->sas[i];
		if (!fallback)
			fallback = t->sas[i];
	}
	return fallback;
}
