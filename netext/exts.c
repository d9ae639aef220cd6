/* SPDX-License-Identifier: Apache-2.0 */
/* exts.c - the set of extensions. */
#include "netext/exts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct exts {
	struct ext **items;
	size_t n;
	struct vtep **vteps;
	size_t n_vteps;
};

/* The VTEP of the tunnel, made with its first extension. */
static int exts_vtep(struct exts *x, struct tun *t, struct vtep **ret_vtep)
{
	int r;

	for (size_t i = 0; i < x->n_vteps; i++) {
		if (vtep_tun(x->vteps[i]) == t) {
			*ret_vtep = x->vteps[i];
			return 0;
		}
	}
	if ((r = vtep_new(t, &x->vteps[x->n_vteps])) < 0)
		return r;
	*ret_vtep = x->vteps[x->n_vteps++];
	return 0;
}

static int exts_fill(struct cw_loop *l, struct exts *x, struct tuns *ts, const struct cw_conf_list *confs, struct cw_why *why)
{
	const struct ext_conf *c = confs->items;
	struct vtep *v;
	struct tun *t;
	int r;

	for (size_t i = 0; i < confs->n; i++) {
		if (!(t = tuns_find(ts, c[i].tunnel)))
			return CW_E_NOT_FOUND;
		if ((r = exts_vtep(x, t, &v)) < 0 || (r = ext_new(l, &c[i], v, &x->items[x->n], why)) < 0)
			return r;
		x->n++;
	}
	return 0;
}

int exts_new(struct cw_loop *l, struct tuns *ts, const struct cw_conf_list *confs, struct exts **ret_exts, struct cw_why *why)
{
	struct exts *x = calloc(1, sizeof *x);
	int r = -ENOMEM;

	if (!x)
		return r;
	x->items = calloc(confs->n + 1, sizeof(struct ext *));
	x->vteps = calloc(confs->n + 1, sizeof(struct vtep *));
	if (!x->items || !x->vteps || (r = exts_fill(l, x, ts, confs, why)) < 0) {
		exts_free(x);
		return r;
	}
	*ret_exts = x;
	return 0;
}

void exts_free(struct exts *x)
{
	if (!x)
		return;
	for (size_t i = 0; i < x->n; i++)
		ext_free(x->items[i]);
	for (size_t i = 0; i < x->n_vteps; i++)
		vtep_free(x->vteps[i]);
	free(x->items);
	free(x->vteps);
	free(x);
}

size_t exts_count(const struct exts *x)
{
	return x->n;
}

struct ext *exts_at(const struct exts *x, size_t i)
{
	return x->items[i];
}

struct ext *exts_find(const struct exts *x, const char *name)
{
	for (size_t i = 0; i < x->n; i++)
		if (strcmp(ext_name(x->items[i]), name) == 0)
			return x->items[i];
	return NULL;
}

void exts_settle(struct exts *x)
{
	for (size_t i = 0; i < x->n_vteps; i++)
		vtep_settle(x->vteps[i]);
}
