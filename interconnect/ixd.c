/* SPDX-License-Identifier: Apache-2.0 */
/* ixd.c - causeway-ix, the interconnect appliance: tunnels to other sites, and streams relayed over them. */
#include <libgen.h>
#include <stdio.h>
#include <string.h>

#include "interconnect/base/daemon.h"
#include "interconnect/base/err.h"
#include "interconnect/base/log.h"
#include "interconnect/base/loop.h"
#include "interconnect/base/rpc.h"
#include "interconnect/ix.h"
#include "interconnect/ix_cmd.h"
#include "interconnect/ix_node.h"
#include "interconnect/keys.h"
#include "interconnect/mangle_box.h"

CW_LOG_MODULE(ixd);

enum { IXD_TEXT = 768, IXD_DIR = 4096 };

static int ixd_serve(struct cw_loop *l, struct ix *ix, const char *dir, const struct ix_conf *conf, struct cw_why *why)
{
	struct cw_rpc_server *control = NULL;
	int r;

	/* First, because a second process with the same file must not touch a route of the one that runs. */
	if ((r = cw_rpc_server_new(l, conf->control, ix_cmd_rows, IX_CMD_N, ix, &control)) < 0)
		return cw_why_set(why, r, conf->control, "control", "%s", cw_strerror(r));
	if ((r = mangle_box_serve(control)) == 0 && (r = ix_init(ix, l, dir, conf, why)) == 0) {
		ix_start(ix);
		r = cw_daemon_run(l, conf->name);
	}
	cw_rpc_server_free(control);
	return r;
}

static int ixd_run(const char *dir, const struct ix_conf *conf, struct cw_why *why)
{
	struct cw_loop *l = NULL;
	struct ix ix = { 0 };
	int r;

	if ((r = cw_loop_new(&l)) < 0)
		return r;
	r = ixd_serve(l, &ix, dir, conf, why);
	ix_fini(&ix);
	cw_loop_free(l);
	return r;
}

static int ixd_main(const struct cw_daemon_args *args)
{
	struct cw_why why = { 0 };
	struct ix_conf conf;
	char path[IXD_DIR], text[IXD_TEXT];
	const char *dir;
	int r, status = 2;

	snprintf(path, sizeof path, "%s", args->config);
	dir = dirname(path);
	if ((r = cw_conf_load(args->config, &ix_conf_obj, &conf, &why)) == 0 &&
	    (r = tuns_check(dir, &conf.uplinks, &conf.tunnels, &why)) == 0) {
		status = 1;
		if (args->check)
			printf("%s: ok\n", args->config);
		else
			r = ixd_run(dir, &conf, &why);
	}
	if (r < 0)
		cw_log(ERROR, NULL, "%s", cw_why_text(&why, r, text, sizeof text));
	cw_conf_free(&ix_conf_obj, &conf);
	return r < 0 ? status : r;
}

static int ixd_node(const char *dir)
{
	struct cw_why why = { 0 };
	char text[IXD_TEXT];
	int r = ix_node_run(dir, &why);

	if (r < 0)
		cw_log(ERROR, NULL, "%s", cw_why_text(&why, r, text, sizeof text));
	return r < 0 ? 1 : r;
}

int main(int argc, char **argv)
{
	struct cw_daemon_args args;
	int status;

	cw_daemon_harden();
	if (keys_part(argc, argv, &status))
		return status;
	if (!cw_daemon_args_with(argc, argv, "interconnect appliance", CW_DAEMON_NODE | CW_DAEMON_CRYPTO, &args, &status))
		return status;
	return args.node ? ixd_node(args.node) : ixd_main(&args);
}
