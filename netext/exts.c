/* SPDX-License-Identifier: Apache-2.0 */
/* exts.c - the set of extensions. */
#include "netext/exts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/log.h"

CW_LOG_MODULE(exts);

struct exts {
	struct cw_loop *loop;
	struct taps_conf taps;
	struct tuns *tuns;
	struct ext **items;             /* n of alloc */
	size_t n, alloc;
	struct vtep **vteps;            /* one for each tunnel at most */
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

static int exts_room(struct exts *x)
{
	size_t alloc = x->alloc ? x->alloc * 2 : 8;
	struct ext **items;

	if (x->n < x->alloc)
		return 0;
	if (!(items = realloc(x->items, alloc * sizeof *items)))
		return -ENOMEM;
	x->items = items;
	x->alloc = alloc;
	return 0;
}

/* NULL: they make their own. */
static const struct taps_conf *exts_taps(const struct exts *x)
{
	return x->taps.socket && x->taps.socket[0] ? &x->taps : NULL;
}

static int exts_add(struct exts *x, const struct ext_conf *c, struct cw_why *why)
{
	struct tun *t = tuns_find(x->tuns, c->tunnel);
	struct vtep *v;
	int r;

	if (!t)
		return CW_E_NOT_FOUND;
	if ((r = exts_room(x)) < 0 || (r = exts_vtep(x, t, &v)) < 0 ||
	    (r = ext_new(x->loop, exts_taps(x), c, v, &x->items[x->n], why)) < 0)
		return r;
	x->n++;
	return 0;
}

/* The last ones go, until N are left. */
static void exts_cut(struct exts *x, size_t n)
{
	while (x->n > n)
		ext_free(x->items[--x->n]);
}

int exts_new(struct cw_loop *l, const struct taps_conf *taps, struct tuns *ts, const struct cw_conf_list *confs,
	     struct exts **ret_exts, struct cw_why *why)
{
	struct exts *x = calloc(1, sizeof *x);
	const struct ext_conf *c = confs->items;
	int r = 0;

	if (!x)
		return -ENOMEM;
	x->loop = l;
	x->taps = *taps;
	x->tuns = ts;
	if (!(x->vteps = calloc(tuns_count(ts) + 1, sizeof(struct vtep *))))
		r = -ENOMEM;
	for (size_t i = 0; r == 0 && i < confs->n; i++)
		r = exts_add(x, &c[i], why);
	if (r < 0) {
		exts_free(x);
		return r;
	}
	*ret_exts = x;
	return 0;
}

/* ---- changes ---- */

static bool is_wanted(const struct ext *e, const struct cw_conf_list *confs)
{
	const struct ext_conf *c = confs->items;

	for (size_t i = 0; i < confs->n; i++)
		if (ext_is(e, &c[i]))
			return true;
	return false;
}

static bool is_there(const struct exts *x, const struct ext_conf *c)
{
	for (size_t i = 0; i < x->n; i++)
		if (ext_is(x->items[i], c))
			return true;
	return false;
}

/* What was, to come back if need be. */
struct gone {
	struct ext_conf **confs;
	size_t n;
};

static void gone_free(struct gone *g)
{
	for (size_t i = 0; i < g->n; i++)
		ext_conf_free(g->confs[i]);
	free(g->confs);
}

/* Frees those that are not in CONFS; RET_GONE is complete before the first goes. */
static int exts_sweep(struct exts *x, const struct cw_conf_list *confs, struct gone *ret_gone)
{
	size_t n = 0;

	if (!(ret_gone->confs = calloc(x->n + 1, sizeof(struct ext_conf *))))
		return -ENOMEM;
	for (size_t i = 0; i < x->n; i++) {
		if (is_wanted(x->items[i], confs))
			continue;
		if (!(ret_gone->confs[ret_gone->n] = ext_conf_copy(ext_conf_of(x->items[i]))))
			return -ENOMEM;
		ret_gone->n++;
	}
	for (size_t i = 0; i < x->n; i++) {
		if (is_wanted(x->items[i], confs))
			x->items[n++] = x->items[i];
		else
			ext_free(x->items[i]);
	}
	x->n = n;
	return 0;
}

static void exts_restore(struct exts *x, size_t n, const struct gone *g)
{
	int r;

	exts_cut(x, n);
	for (size_t i = 0; i < g->n; i++)
		if ((r = exts_add(x, g->confs[i], NULL)) < 0)
			cw_log_r(ERROR, g->confs[i]->name, r, "cannot bring the extension back");
}

int exts_apply(struct exts *x, const struct cw_conf_list *confs, struct cw_why *why)
{
	CW_AUTO(gone_free) struct gone g = { 0 };
	const struct ext_conf *c = confs->items;
	size_t kept;
	int r;

	if ((r = exts_sweep(x, confs, &g)) < 0)
		return r;
	kept = x->n;
	for (size_t i = 0; r == 0 && i < confs->n; i++)
		if (!is_there(x, &c[i]))
			r = exts_add(x, &c[i], why);
	if (r < 0)
		exts_restore(x, kept, &g);
	return r;
}

void exts_free(struct exts *x)
{
	if (!x)
		return;
	exts_cut(x, 0);
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
