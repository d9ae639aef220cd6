/* SPDX-License-Identifier: Apache-2.0 */
/* ned.c - causeway-ne: stretches layer-2 segments through tunnels. The composition root. */
#include <libgen.h>
#include <stdio.h>

#include "interconnect/base/daemon.h"
#include "interconnect/base/log.h"
#include "interconnect/mangle_box.h"
#include "interconnect/keys.h"
#include "interconnect/tun.h"
#include "netext/exts.h"
#include "netext/ne_cmd.h"
#include "netext/ne_conf.h"
#include "netext/ne_node.h"

CW_LOG_MODULE(ned);

enum { NED_FAILED = 1, NED_WRONG_FILE = 2, NED_DIR = 4096, NED_TEXT = 768 };

struct ned {
	struct ne_conf conf;
	struct cw_loop *loop;
	struct tuns *tuns;
	struct exts *exts;
	struct ne_cmd cmd;
	struct cw_rpc_server *server;
};

static void ned_cleanup(struct ned *d)
{
	cw_rpc_server_free(d->server);
	exts_free(d->exts);
	tuns_free(d->tuns);
	cw_loop_free(d->loop);
	ne_conf_free(&d->conf);
}

static int ned_load(struct ned *d, const char *path, const char *dir, struct cw_why *why)
{
	int r = ne_conf_load(path, &d->conf, why);

	return r < 0 ? r : tuns_check(dir, &d->conf.uplinks, &d->conf.tunnels, why);
}

static int ned_open(struct ned *d, const char *dir, struct cw_why *why)
{
	const struct taps_conf taps = { d->conf.helper, d->conf.name };
	int r;

	if ((r = cw_loop_new(&d->loop)) < 0 ||
	    (r = tuns_new(d->loop, dir, &d->conf.uplinks, &d->conf.tunnels, &d->tuns, why)) < 0 ||
	    (r = tuns_keylog(d->tuns, dir, d->conf.keylog, why)) < 0 ||
	    (r = exts_new(d->loop, &taps, d->tuns, &d->conf.extensions, &d->exts, why)) < 0)
		return r;
	d->cmd = (struct ne_cmd){ d->conf.name, d->tuns, d->exts };
	if ((r = ne_cmd_serve(d->loop, d->conf.control, &d->cmd, &d->server)) < 0)
		return cw_why_set(why, r, "control", d->conf.control, "%s", cw_strerror(r));
	return mangle_box_serve(d->server);
}

static int ned_refuse(int r, const struct cw_why *why, int status)
{
	char text[NED_TEXT];

	cw_log(ERROR, NULL, "%s", cw_why_text(why, r, text, sizeof text));
	return status;
}

int main(int argc, char **argv)
{
	CW_AUTO(ned_cleanup) struct ned d = { 0 };
	struct cw_daemon_args args;
	struct cw_why why = { 0 };
	char path[NED_DIR];
	const char *dir;            /* of the file: the names of keys and certificates in it are relative to this folder */
	int r, status;

	cw_daemon_harden();
	if (keys_part(argc, argv, &status))
		return status;
	cw_daemon_files();
	if (!cw_daemon_args_with(argc, argv, "network extension appliance", CW_DAEMON_NODE | CW_DAEMON_CRYPTO, &args, &status))
		return status;
	if (args.node) {
		r = ne_node_run(args.node, &why);
		return r < 0 ? ned_refuse(r, &why, NED_FAILED) : r;
	}
	snprintf(path, sizeof path, "%s", args.config);
	dir = dirname(path);
	if ((r = ned_load(&d, args.config, dir, &why)) < 0)
		return ned_refuse(r, &why, NED_WRONG_FILE);
	if (args.check) {
		printf("%s: ok\n", args.config);
		return 0;
	}
	if ((r = ned_open(&d, dir, &why)) < 0)
		return ned_refuse(r, &why, NED_FAILED);
	tuns_start(d.tuns);
	status = cw_daemon_run(d.loop, d.conf.name);
	tuns_stop(d.tuns);
	return status;
}
