/* SPDX-License-Identifier: Apache-2.0 */
/* ne_node.c - an appliance that has nothing at first, then tunnels for good, and extensions that come and go. */
#include "netext/ne_node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/daemon.h"
#include "interconnect/line/node.h"
#include "netext/exts.h"
#include "netext/ne_cmd.h"
#include "netext/ne_conf.h"

enum { PATH = 256 };

struct ne_node {
	struct cw_loop *loop;
	const char *dir;
	char control[PATH];
	struct ne_conf conf;            /* what runs; the tunnels live on its lists */
	char *rest;                     /* all of it but the extensions, as text; NULL: nothing runs yet */
	struct tuns *tuns;
	struct exts *exts;
	struct ne_cmd cmd;
	struct cw_rpc_server *server;
	struct node *node;
};

/* ---- configuration ---- */

static int parse(const struct ne_node *d, const struct cw_json *config, struct ne_conf *ret_conf, struct cw_why *why)
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
	return ne_conf_parse("config.json", text, strlen(text), ret_conf, why);
}

static int rest_of(const struct cw_json *config, char **ret_text)
{
	struct cw_json *more = cw_json_object();

	cw_json_set(more, "extensions", cw_json_null());
	return node_config_text(config, more, ret_text);
}

/* ---- what runs ---- */

static void down(struct ne_node *d)
{
	/* Good-byes first: extensions hear of the end of their tunnels. */
	if (d->tuns)
		tuns_stop(d->tuns);
	exts_free(cw_steal(&d->exts));
	tuns_free(cw_steal(&d->tuns));
	ne_conf_free(&d->conf);
	d->conf = (struct ne_conf){ 0 };
	free(cw_steal(&d->rest));
}

/* Makes what CONF says, which it takes over; after a failure nothing runs. */
static int up(struct ne_node *d, const struct ne_conf *conf, struct cw_why *why)
{
	struct taps_conf taps;
	int r;

	d->conf = *conf;
	taps = (struct taps_conf){ d->conf.helper, node_name(d->node) };
	if ((r = tuns_new(d->loop, d->dir, &d->conf.uplinks, &d->conf.tunnels, &d->tuns, why)) == 0)
		r = exts_new(d->loop, &taps, d->tuns, &d->conf.extensions, &d->exts, why);
	d->cmd = (struct ne_cmd){ d->conf.name ? d->conf.name : node_name(d->node), d->tuns, d->exts };
	return r;
}

static int idle(struct ne_node *d)
{
	static const struct ne_conf nothing;

	return up(d, &nothing, NULL);
}

static int begin(struct ne_node *d, const struct cw_json *config, struct cw_why *why)
{
	struct ne_conf conf;
	int r;

	if ((r = parse(d, config, &conf, why)) < 0)
		return r;
	down(d);
	if ((r = up(d, &conf, why)) == 0)
		r = rest_of(config, &d->rest);
	if (r == 0) {
		tuns_start(d->tuns);
		return 0;
	}
	down(d);
	/* A program that cannot even be idle is better started anew. */
	return idle(d) < 0 ? NODE_RESTART : r;
}

/* Whether CONFIG could be begun with, as far as it can be said without beginning. */
static int anew(const struct ne_node *d, const struct cw_json *config, struct cw_why *why)
{
	struct ne_conf conf;
	int r;

	if ((r = parse(d, config, &conf, why)) < 0)
		return r;
	r = tuns_check(d->dir, &conf.uplinks, &conf.tunnels, why);
	ne_conf_free(&conf);
	return r < 0 ? r : NODE_RESTART;
}

static int change(struct ne_node *d, const struct cw_json *config, struct cw_why *why)
{
	struct cw_conf_list was = d->conf.extensions;
	struct ne_conf conf;
	int r;

	if ((r = parse(d, config, &conf, why)) < 0)
		return r;
	if ((r = exts_apply(d->exts, &conf.extensions, why)) == 0) {
		d->conf.extensions = conf.extensions;
		conf.extensions = was;
	}
	ne_conf_free(&conf);
	return r;
}

static int on_apply(void *ctx, const struct cw_json *config, struct cw_why *why)
{
	CW_AUTO(cw_free_cleanup) char *rest = NULL;
	struct ne_node *d = ctx;
	int r;

	if (!d->rest)
		return begin(d, config, why);
	if ((r = rest_of(config, &rest)) < 0)
		return r;
	return strcmp(rest, d->rest) == 0 ? change(d, config, why) : anew(d, config, why);
}

/* Tunnels read their certificate when they begin. */
static int on_renewed(void *ctx)
{
	(void)ctx;
	return NODE_RESTART;
}

/* ---- life ---- */

static int run(struct ne_node *d, struct cw_why *why)
{
	static const char *const nouns[] = { "appliance", "tunnel", "extension", NULL };
	static const struct node_ops ops = { "ne", nouns, on_apply, false, on_renewed };
	int r;

	snprintf(d->control, sizeof d->control, "%s/control.sock", d->dir);
	if ((r = cw_loop_new(&d->loop)) < 0)
		return r;
	/* First, because it is what keeps a second process from working on the same folder. */
	if ((r = ne_cmd_serve(d->loop, d->control, &d->cmd, &d->server)) < 0)
		return cw_why_set(why, r, d->control, NULL, "%s", cw_strerror(r));
	if ((r = node_new(d->loop, d->dir, &ops, d, d->server, &d->node, why)) < 0 || (r = idle(d)) < 0)
		return r;
	return cw_daemon_run(d->loop, node_name(d->node));
}

int ne_node_run(const char *dir, struct cw_why *why)
{
	struct ne_node d = { .dir = dir };
	int r = run(&d, why);

	node_free(d.node);
	down(&d);
	cw_rpc_server_free(d.server);
	cw_loop_free(d.loop);
	return r;
}
