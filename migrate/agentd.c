/* SPDX-License-Identifier: Apache-2.0 */
/* agentd.c - causeway-agent: puts the parts together. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "interconnect/base/daemon.h"
#include "interconnect/base/log.h"
#include "migrate/agent.h"
#include "migrate/agent_cmd.h"
#include "migrate/agent_node.h"
#include "migrate/child.h"
#include "migrate/dst.h"
#include "migrate/peer.h"
#include "migrate/src.h"
#include "migrate/warrant.h"

CW_LOG_MODULE(agent);

/* The folder of a file, or a folder, is made when only its last part is missing. */
static int make_dir(const char *path, bool of_file)
{
	char dir[256];
	char *slash;

	snprintf(dir, sizeof dir, "%s", path);
	slash = strrchr(dir, '/');
	if (of_file && slash)
		*slash = '\0';
	return !dir[0] || mkdir(dir, 0711) == 0 || errno == EEXIST ? 0 : -errno;
}

/* Asked early, because libvirt takes its time for the first answer, and nobody should wait for it in a migration. */
static void warm_run(void *ctx)
{
	const struct agent *a = ctx;
	unsigned uid, gid;

	virt_qemu_owner(a->virt, &uid, &gid);
}

static void warm_done(void *ctx)
{
	(void)ctx;
}

static int start(struct agent *a)
{
	const struct agent_conf *c = &a->conf;
	int r;

	if ((r = make_dir(c->run, false)) < 0 || (r = make_dir(c->state, true)) < 0 ||
	    (r = make_dir(c->control, true)) < 0 ||
	    (r = cw_loop_new(&a->loop)) < 0 || (r = virt_new(c->libvirt, &a->virt)) < 0 ||
	    (r = jobs_open(c->state, &a->jobs)) < 0 ||
	    (r = work_new(a->loop, &a->query)) < 0 || (r = work_post(a->query, warm_run, warm_done, a)) < 0)
		return r;
	/* The control socket comes first: it is what keeps a second agent from working on the same journal. */
	if ((r = cw_rpc_server_new(a->loop, c->control, agent_cmd_rows, agent_cmd_n_rows, a, &a->control)) < 0 ||
	    (r = peer_listen(a)) < 0 || (r = src_recover(a)) < 0)
		return r;
	return (r = dst_recover(a)) < 0 ? r : warrant_start(a);
}

static void stop(struct agent *a, struct agent_node *node)
{
	agent_node_stop(node);
	cw_rpc_server_free(a->control);
	peer_listen_stop(a);
	src_stop(a);
	dst_stop(a);
	warrant_stop(a);
	work_free(a->query);
	jobs_close(a->jobs);
	virt_free(a->virt);
	agent_node_free(node);
	cw_loop_free(a->loop);
	agent_conf_free(&a->conf);
}

static int refuse(int r, const struct cw_why *why, int status)
{
	char text[sizeof *why];

	cw_log(ERROR, "", "%s", cw_why_text(why, r, text, sizeof text));
	return status;
}

static int enrol(const struct cw_daemon_args *args)
{
	struct cw_why why = { 0 };
	const char *dir = args->state ? args->state : AGENT_NODE_DIR;
	int r = agent_node_enrol(dir, &why);

	if (r < 0)
		return refuse(r, &why, 1);
	printf("%s/seed.json: ok; now: causeway-agent --node %s\n", dir, dir);
	return 0;
}

static int run(struct agent *a)
{
	struct agent_node *node = NULL;
	struct cw_why why = { 0 };
	int status, r;

	cw_daemon_harden();
	if ((r = start(a)) < 0)
		cw_log_r(ERROR, a->conf.host, r, "cannot start");
	else if (a->dir && (r = agent_node_new(a, &node, &why)) < 0)
		(void)refuse(r, &why, 1);
	status = r < 0 ? 1 : cw_daemon_run(a->loop, "causeway-agent");
	stop(a, node);
	return status;
}

int main(int argc, char **argv)
{
	struct agent a = { 0 };
	struct cw_daemon_args args;
	struct cw_why why = { 0 };
	int status = 0, r;

	if (argc == 2 && strcmp(argv[1], CHILD_COMMAND) == 0)
		return child_main();
	if (!cw_daemon_args_with(argc, argv, "migrates the VMs of a libvirt host to other sites",
				 CW_DAEMON_NODE | CW_DAEMON_ENROL, &args, &status))
		return status;
	if (args.enrol)
		return enrol(&args);
	r = args.node ? agent_node_conf(&a, args.node, &why) : agent_conf_load(args.config, &a.conf, &why);
	if (r < 0)
		return refuse(r, &why, 2);
	if (args.check) {
		agent_conf_free(&a.conf);
		puts("ok");
		return 0;
	}
	return run(&a);
}
