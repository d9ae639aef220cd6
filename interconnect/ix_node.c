/* SPDX-License-Identifier: Apache-2.0 */
/* ix_node.c - an appliance that has nothing at first, then tunnels and relays for good. */
#include "interconnect/ix_node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/daemon.h"
#include "interconnect/base/rpc.h"
#include "interconnect/ix.h"
#include "interconnect/ix_cmd.h"
#include "interconnect/line/node.h"

enum { PATH = 256 };

struct ix_node {
	struct cw_loop *loop;
	const char *dir;
	char control[PATH];
	struct ix_conf conf;            /* what runs */
	char *text;                     /* it, as it was given; NULL: nothing runs yet */
	struct ix ix;
	struct cw_rpc_server *server;
	struct node *node;
};

static int parse(const struct ix_node *d, const struct cw_json *config, struct ix_conf *ret_conf, struct cw_why *why)
{
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	struct cw_json *more = cw_json_object();
	int r;

	cw_json_set_str(more, "control", d->control);
	if (!cw_json_get(config, "name"))
		cw_json_set_str(more, "name", node_name(d->node));
	if ((r = node_config_text(config, more, &text)) < 0)
		return r;
	/* Nobody far away has the keys written down. */
	if (cw_json_get(config, "keylog"))
		return cw_why_set(why, CW_E_FORBIDDEN, "appliance", "keylog", "only an appliance that was started by hand has one");
	return cw_conf_parse("config.json", text, strlen(text), &ix_conf_obj, ret_conf, why);
}

static void down(struct ix_node *d)
{
	ix_fini(&d->ix);
	cw_conf_free(&ix_conf_obj, &d->conf);
	d->conf = (struct ix_conf){ 0 };
	free(cw_steal(&d->text));
}

/* Commands are answered before there is anything to say: no tunnels, no relays. */
static int idle(struct ix_node *d)
{
	if (!(d->conf.name = strdup(node_name(d->node))))
		return -ENOMEM;
	d->ix.conf = &d->conf;
	return tuns_new(d->loop, d->dir, &d->conf.uplinks, &d->conf.tunnels, &d->ix.tuns, NULL);
}

static int begin(struct ix_node *d, const struct cw_json *config, struct cw_why *why)
{
	struct ix_conf conf;
	int r;

	if ((r = parse(d, config, &conf, why)) < 0)
		return r;
	down(d);
	d->conf = conf;
	if ((r = ix_init(&d->ix, d->loop, d->dir, &d->conf, why)) == 0)
		r = cw_json_dump(config, false, &d->text);
	if (r == 0) {
		ix_start(&d->ix);
		return 0;
	}
	down(d);
	/* A program that cannot even be idle is better started anew. */
	return idle(d) < 0 ? NODE_RESTART : r;
}

/* Whether CONFIG could be begun with, as far as it can be said without beginning. */
static int anew(const struct ix_node *d, const struct cw_json *config, struct cw_why *why)
{
	struct ix_conf conf;
	int r;

	if ((r = parse(d, config, &conf, why)) < 0)
		return r;
	r = tuns_check(d->dir, &conf.uplinks, &conf.tunnels, why);
	cw_conf_free(&ix_conf_obj, &conf);
	return r < 0 ? r : NODE_RESTART;
}

static int on_apply(void *ctx, const struct cw_json *config, struct cw_why *why)
{
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	struct ix_node *d = ctx;
	int r;

	if (!d->text)
		return begin(d, config, why);
	if ((r = cw_json_dump(config, false, &text)) < 0)
		return r;
	return strcmp(text, d->text) == 0 ? 0 : anew(d, config, why);
}

/* Tunnels read their certificate when they begin. */
static int on_renewed(void *ctx)
{
	(void)ctx;
	return NODE_RESTART;
}

static int run(struct ix_node *d, struct cw_why *why)
{
	static const char *const nouns[] = { "appliance", "tunnel", "relay", NULL };
	static const struct node_ops ops = { "ix", nouns, on_apply, false, on_renewed };
	int r;

	snprintf(d->control, sizeof d->control, "%s/control.sock", d->dir);
	if ((r = cw_loop_new(&d->loop)) < 0)
		return r;
	/* First, because it is what keeps a second process from working on the same folder. */
	if ((r = cw_rpc_server_new(d->loop, d->control, ix_cmd_rows, IX_CMD_N, &d->ix, &d->server)) < 0)
		return cw_why_set(why, r, d->control, NULL, "%s", cw_strerror(r));
	if ((r = node_new(d->loop, d->dir, &ops, d, d->server, &d->node, why)) < 0 || (r = idle(d)) < 0)
		return r;
	return cw_daemon_run(d->loop, node_name(d->node));
}

int ix_node_run(const char *dir, struct cw_why *why)
{
	struct ix_node d = { .dir = dir };
	int r = run(&d, why);

	node_free(d.node);
	down(&d);
	cw_rpc_server_free(d.server);
	cw_loop_free(d.loop);
	return r;
}
