/* SPDX-License-Identifier: Apache-2.0 */
/* help_seg.c - which appliance may have a port at which bridge, and the device that is the port. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/impair.h"
#include "interconnect/base/log.h"
#include "interconnect/base/nl.h"
#include "mesh/help_place_impl.h"
#include "netext/attach.h"
#include "netext/tap.h"

CW_LOG_MODULE(seg);

enum { OBJECT_TEXT = HELP_LINK_MAX + 16 };

static char *object_of(const char *bridge, char buf[OBJECT_TEXT])
{
	snprintf(buf, OBJECT_TEXT, "segment %.*s", HELP_LINK_MAX, bridge);
	return buf;
}

/* The device of SEG as a port of its bridge: 0, or CW_E_NOT_FOUND; what else has the name is not ours. */
static int find_port(const struct help_seg *seg)
{
	struct cw_nl_link tap, bridge;
	int r;

	if ((r = cw_nl_link(seg->tap, &tap)) < 0 || (r = cw_nl_link(seg->bridge, &bridge)) < 0)
		return r == -ENODEV ? CW_E_NOT_FOUND : r;
	return tap.master == bridge.index ? 0 : CW_E_NOT_FOUND;
}

void help_seg_drop(const struct help_app *app, const struct help_seg *seg)
{
	int r = find_port(seg);

	if (r == 0)
		r = cw_nl_link_del(seg->tap);
	if (r < 0 && r != CW_E_NOT_FOUND && r != -ENODEV)
		cw_log_r(ERROR, app->spec.name, r, "cannot delete the device %s", seg->tap);
}

/* Nobody else has the bridge or the name of the device. */
static int check_others(const struct help_places *x, const char *name, const struct help_seg *seg, struct cw_why *why)
{
	char object[OBJECT_TEXT];

	object_of(seg->bridge, object);
	for (const struct help_app *a = x->apps; a; a = a->next)
		for (size_t i = 0; i < a->spec.n_segs; i++) {
			const struct help_seg *s = &a->spec.segs[i];
			bool own = strcmp(a->spec.name, name) == 0, same = strcmp(s->bridge, seg->bridge) == 0;

			if (same && (!own || strcmp(s->tap, seg->tap) != 0))
				return cw_why_set(why, CW_E_CONFLICT, object, "bridge",
						  "'%s' is extended already, by '%s' of appliance %s", seg->bridge,
						  s->tap, a->spec.name);
			if (!same && strcmp(s->tap, seg->tap) == 0)
				return cw_why_set(why, CW_E_CONFLICT, object, "tap",
						  "'%s' is taken, for '%s' by appliance %s", seg->tap, s->bridge,
						  a->spec.name);
		}
	return 0;
}

/* May the bridge be extended by SEG? A port that is SEG's own is no obstacle. */
static int check_bridge(const struct help_seg *seg, unsigned *ret_mtu, struct cw_why *why)
{
	char object[OBJECT_TEXT];

	if (find_port(seg) == 0)
		return cw_nl_link_mtu(seg->bridge, ret_mtu);
	return attach_check(seg->bridge, seg->mtu_max, object_of(seg->bridge, object), ret_mtu, why);
}

/* SPEC with SEG instead of what it had for this bridge, in lists of its own. */
static int spec_with(const struct help_spec *spec, const struct help_seg *seg, struct help_spec *ret)
{
	struct help_spec s = *spec;
	int r = 0;

	s.segs = NULL;
	s.n_segs = 0;
	for (size_t i = 0; r == 0 && i < spec->n_segs; i++)
		if (strcmp(spec->segs[i].bridge, seg->bridge) != 0)
			r = help_seg_add(&s, &spec->segs[i]);
	if (r == 0 && seg->tap[0])
		r = help_seg_add(&s, seg);
	if (r < 0) {
		help_spec_free(&s);
		return r;
	}
	*ret = s;
	return 0;
}

/* Writes it down. */
static int change(struct help_app *a, const struct help_seg *seg, struct cw_why *why)
{
	CW_AUTO(cw_free_cleanup) struct help_seg *old = NULL;
	struct help_spec changed;
	int r = spec_with(&a->spec, seg, &changed);

	if (r < 0)
		return r;
	old = a->spec.segs;
	if ((r = help_app_write(a, &changed, why)) < 0)
		old = changed.segs;
	return r < 0 ? r : cw_impair("help.segment.record");
}

int help_seg_allow(struct help_places *x, const char *name, const struct help_seg *seg, unsigned *ret_mtu,
		   struct cw_why *why)
{
	struct help_app *a = NULL;
	const struct help_seg *have;
	char object[OBJECT_TEXT];
	int r;

	object_of(seg->bridge, object);
	if ((r = help_app_need(x, name, &a, why)) < 0)
		return r;
	if (a->spec.kind != HELP_NE)
		return cw_why_set(why, CW_E_INVALID, object, "name", "'%s' is no network-extension appliance", name);
	if ((r = check_others(x, name, seg, why)) < 0 || (r = check_bridge(seg, ret_mtu, why)) < 0)
		return r;
	have = help_seg_find(&a->spec, seg->bridge);
	return have && have->mtu_max == seg->mtu_max ? 0 : change(a, seg, why);
}

int help_seg_deny(struct help_places *x, const char *name, const char *bridge, struct cw_why *why)
{
	struct help_app *a = help_app_find(x, name);
	const struct help_seg *have = a ? help_seg_find(&a->spec, bridge) : NULL;
	struct help_seg seg = { 0 }, old;
	int r;

	if (!have)
		return 0;
	old = *have;
	memcpy(seg.bridge, old.bridge, sizeof seg.bridge);
	/* The device goes first: once it is not written down any more, nobody would look for it. */
	help_seg_drop(a, &old);
	if ((r = cw_impair("help.segment.dropped")) < 0)
		return r;
	return change(a, &seg, why);
}

/* ---- the device ---- */

static int open_tap(const struct help_app *a, const struct help_seg *seg, int *ret_fd, unsigned *ret_mtu,
		    struct cw_why *why)
{
	CW_AUTO(cw_fd_cleanup) int fd = -1;
	char object[OBJECT_TEXT];
	int r;

	object_of(seg->bridge, object);
	help_seg_drop(a, seg); /* of an answer that got lost, or whose reader forgot it: there is one at a time */
	if ((r = attach_check(seg->bridge, seg->mtu_max, object, ret_mtu, why)) < 0)
		return r;
	if ((r = tap_open(seg->tap, &fd)) < 0)
		return cw_why_set(why, r == -EBUSY ? CW_E_CONFLICT : r, object, "tap",
				  "cannot make the device '%s': %s", seg->tap, cw_strerror(r));
	if ((r = cw_impair("help.segment.tap")) < 0 || (r = attach_port(seg->tap, seg->bridge, *ret_mtu, object, why)) < 0 ||
	    (r = cw_impair("help.segment.port")) < 0)
		return r;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

int help_seg_tap(struct help_places *x, pid_t pid, const char *name, const char *tap, const char *bridge, int *ret_fd,
		 unsigned *ret_mtu, struct cw_why *why)
{
	const struct help_app *a = help_app_find(x, name);
	const struct help_seg *seg = a ? help_seg_find(&a->spec, bridge) : NULL;
	char object[OBJECT_TEXT];

	object_of(bridge, object);
	/* One text for both: a stranger learns nothing of what is placed here. */
	if (!a || pid <= 0 || help_proc_pid(a->proc) != pid)
		return cw_why_set(why, CW_E_FORBIDDEN, object, "name", "process %d is not appliance '%.63s'", pid,
				  name);
	if (!seg || strcmp(seg->tap, tap) != 0)
		return cw_why_set(why, CW_E_FORBIDDEN, object, "tap", "appliance %s may not have '%.15s' here",
				  a->spec.name, tap);
	return open_tap(a, seg, ret_fd, ret_mtu, why);
}
