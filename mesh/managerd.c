/* SPDX-License-Identifier: Apache-2.0 */
/* managerd.c - causewayd: puts the parts together. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "interconnect/base/daemon.h"
#include "interconnect/base/log.h"
#include "mesh/manager.h"
#include "mesh/mesh_api.h"
#include "mesh/mesh_calls.h"
#include "mesh/mesh_event.h"
#include "mesh/mesh_ext.h"
#include "mesh/mesh_help.h"
#include "mesh/mesh_job.h"
#include "mesh/mesh_move.h"
#include "mesh/mesh_node.h"
#include "mesh/mesh_owner.h"
#include "mesh/mesh_pair.h"
#include "mesh/mesh_peer.h"
#include "mesh/mesh_restart.h"
#include "mesh/mesh_svc.h"
#include "mesh/mesh_svc_end.h"

CW_LOG_MODULE(manager);

/* All kinds of jobs there are. */
static const struct mesh_job_kind *const kinds[] = {
	&mesh_svc_create_kind,
	&mesh_svc_delete_kind,
	&mesh_move_kind,
	&mesh_ext_create_kind,
	&mesh_ext_delete_kind,
	&mesh_restart_kind,
};

/* The folder of a file, or a folder, is made when only its last part is missing. */
static int make_dir(const char *path, bool of_file, mode_t mode)
{
	char dir[256];
	char *slash;

	snprintf(dir, sizeof dir, "%s", path);
	slash = strrchr(dir, '/');
	if (of_file && slash)
		*slash = '\0';
	return !dir[0] || mkdir(dir, mode) == 0 || errno == EEXIST ? 0 : -errno;
}

/* Other sites are served once there is a key to be known by. */
int manager_serve(struct manager *m)
{
	struct cw_endpoint ep = { m->conf.listen.address, (uint16_t)m->conf.listen.port };
	char text[CW_ENDPOINT_TEXT];
	int r;

	if ((r = mesh_http_tls(m->loop, &ep, m->site.tls, mesh_api_request, m, &m->tls)) < 0) {
		cw_log_r(ERROR, m->site.row.name, r, "cannot listen on %s", cw_endpoint_text(&ep, text));
		return r;
	}
	mesh_pair_start(m->pair);
	mesh_jobs_start(m->jobs);
	mesh_peers_watch(m->peers, mesh_svc_end_orphans, m);
	mesh_svc_end_orphans(m);
	return 0;
}

static int start(struct manager *m)
{
	const struct mesh_conf *c = &m->conf;
	char db[256];
	int r;

	snprintf(db, sizeof db, "%s/manager.db", c->state);
	if ((r = make_dir(c->state, false, 0700)) < 0 || (r = make_dir(c->socket, true, 0711)) < 0 ||
	    (r = make_dir(c->token, true, 0755)) < 0 || (r = cw_loop_new(&m->loop)) < 0)
		return r;
	/* The socket comes first: it is what keeps a second manager from working on the same rows. */
	if ((r = mesh_http_unix(m->loop, c->socket, mesh_api_request, m, &m->local)) < 0 ||
	    (r = mesh_store_open(db, &m->store)) < 0 || (r = mesh_site_open(&m->site, m->store, c)) < 0 ||
	    (r = mesh_help_new(m->loop, c->helper, &m->help)) < 0 ||
	    (r = mesh_events_new(m->loop, m->store, &m->events)) < 0 ||
	    (r = mesh_calls_new(m)) < 0 || (r = mesh_nodes_new(m, &m->nodes)) < 0 ||
	    (r = mesh_jobs_new(m, kinds, CW_COUNT(kinds), &m->jobs)) < 0 ||
	    (r = mesh_pair_new(m->loop, m->store, &m->site, c, &m->pair)) < 0 ||
	    (r = mesh_peers_new(m, &m->peers)) < 0 || (r = mesh_owner_start(m)) < 0 ||
	    (r = mesh_move_start(m)) < 0)
		return r;
	mesh_pair_tell(m->pair, m->events);
	return m->site.tls ? manager_serve(m) : 0;
}

static void stop(struct manager *m)
{
	mesh_nodes_free(m->nodes);
	mesh_peers_free(m->peers);
	cw_rpc_server_free(m->calls);
	mesh_owner_stop(m);
	mesh_pair_free(m->pair);
	mesh_help_free(m->help);
	mesh_http_free(m->tls);
	mesh_http_free(m->local);
	mesh_jobs_free(m->jobs);        /* after what its steps wait for: they hear of the end, and it is not written any more */
	mesh_events_free(m->events);
	mesh_site_close(&m->site);
	mesh_store_close(m->store);
	cw_loop_free(m->loop);
	mesh_conf_free(&m->conf);
}

int main(int argc, char **argv)
{
	struct manager m = { 0 };
	struct cw_daemon_args args;
	struct cw_why why = { 0 };
	char text[sizeof why];
	int status = 0, r;

	if (!cw_daemon_args(argc, argv, "manages a site: its identity and its pairings with other sites", &args, &status))
		return status;
	if ((r = mesh_conf_load(args.config, &m.conf, &why)) < 0) {
		cw_log(ERROR, "", "%s", cw_why_text(&why, r, text, sizeof text));
		return 2;
	}
	if (args.check) {
		mesh_conf_free(&m.conf);
		puts("ok");
		return 0;
	}
	cw_daemon_harden();
	r = start(&m);
	if (r < 0)
		cw_log_r(ERROR, m.conf.state, r, "cannot start");
	status = r < 0 ? 1 : cw_daemon_run(m.loop, "causewayd");
	stop(&m);
	return status;
}
