/* SPDX-License-Identifier: Apache-2.0 */
/* ike_csa.c - the children of an IKE SA, and to whom they go when it ends. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "interconnect/base/log.h"
#include "interconnect/ike/ike_sa.h"

CW_LOG_MODULE(ike_csa);

int ike_csa_new(uint32_t spi_in, uint32_t spi_out, uint64_t rekey_ms, struct ike_csa **ret_csa)
{
	struct ike_csa *c = calloc(1, sizeof *c);

	if (!c)
		return -ENOMEM;
	*c = (struct ike_csa){ .spi_in = spi_in, .spi_out = spi_out, .rekey_ms = rekey_ms, .expire_ms = UINT64_MAX };
	*ret_csa = c;
	return 0;
}

void ike_csa_add(struct ike_sa *sa, struct ike_csa *c)
{
	c->next = sa->children;
	sa->children = c;
	sa->want_child = false;
	sa->expire_ms = UINT64_MAX;
}

struct ike_csa *ike_csa_find(const struct ike_sa *sa, uint32_t spi_in)
{
	struct ike_csa *c = sa->children;

	while (c && c->spi_in != spi_in)
		c = c->next;
	return c;
}

struct ike_csa *ike_csa_find_out(const struct ike_sa *sa, uint32_t spi_out, struct ike_sa **ret_home)
{
	for (struct ike_sa *home = sa->peer->sas; home; home = home->next)
		for (struct ike_csa *c = home->family == sa->family ? home->children : NULL; c; c = c->next)
			if (c->spi_out == spi_out) {
				*ret_home = home;
				return c;
			}
	return NULL;
}

struct ike_csa *ike_csa_up(const struct ike_sa *sa)
{
	struct ike_csa *c = sa->children;

	while (c && c->state != IKE_CSA_UP)
		c = c->next;
	return c;
}

size_t ike_csa_count(const struct ike_sa *sa)
{
	size_t n = 0;

	for (const struct ike_csa *c = sa->children; c; c = c->next)
		n++;
	return n;
}

void ike_csa_replaced(struct ike_csa *c, uint64_t now_ms)
{
	c->state = IKE_CSA_REPLACED;
	c->expire_ms = now_ms + IKE_REPLACED_MS;
}

void ike_csa_condemn(struct ike_sa *sa, struct ike_csa *c)
{
	c->state = IKE_CSA_CONDEMNED;
	sa->peer->ops->child_idle(sa->peer->ctx, c->spi_in);
}

void ike_csa_drop(struct ike_sa *sa, struct ike_csa *c)
{
	struct ike_csa **p = &sa->children;

	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	cw_log(DEBUG, sa->peer->conf.name, "child %08" PRIx32 "_in %08" PRIx32 "_out ended", c->spi_in, c->spi_out);
	sa->peer->ops->child_down(sa->peer->ctx, c->spi_in);
	free(c);
}

void ike_csa_drop_all(struct ike_sa *sa)
{
	while (sa->children)
		ike_csa_drop(sa, sa->children);
}

void ike_csa_free_all(struct ike_sa *sa)
{
	struct ike_csa *c;

	while ((c = sa->children) != NULL) {
		sa->children = c->next;
		free(c);
	}
}

/* One that the peer replaced is still good: its successor may have been lost in a collision that is not over. */
void ike_csa_gone(struct ike_sa *sa, uint64_t now_ms, const char *why)
{
	for (const struct ike_csa *c = sa->children; c; c = c->next)
		if (c->state == IKE_CSA_UP || c->state == IKE_CSA_REPLACED)
			return;
	if (sa->state != IKE_SA_UP || sa->work.kind == IKE_WORK_CHILD || sa->want_child)
		return;
	ike_sa_why(sa, "%s", why);
	sa->expire_ms = now_ms + IKE_CHILDLESS_MS;
	if (sa->peer->conf.initiate)
		sa->quit = true;                /* and begin anew */
}

void ike_csa_inherit(struct ike_sa *to, struct ike_sa *from, uint64_t now_ms)
{
	struct ike_csa **p = &to->children;

	while (*p)
		p = &(*p)->next;
	*p = from->children;
	from->children = NULL;
	to->expire_ms = to->children ? UINT64_MAX : now_ms + IKE_CHILDLESS_MS;
}

struct ike_sa *ike_csa_heir(const struct ike_sa *sa)
{
	struct ike_sa *heir = NULL;

	for (struct ike_sa *h = sa->peer->sas; h; h = h->next)
		if (h != sa && h->family == sa->family && h->state == IKE_SA_UP && !h->quit &&
		    (!heir || h->up_serial > heir->up_serial))
			heir = h;
	return heir;
}

bool ike_csa_family_busy(const struct ike_sa *sa)
{
	for (const struct ike_sa *s = sa->peer->sas; s; s = s->next)
		if (s != sa && s->family == sa->family && s->work.kind == IKE_WORK_REKEY)
			return true;
	return false;
}
