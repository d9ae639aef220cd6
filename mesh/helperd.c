/* SPDX-License-Identifier: Apache-2.0 */
/* helperd.c - causeway-helper: the fixed verbs that need root. The composition root. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interconnect/base/daemon.h"
#include "interconnect/base/log.h"
#include "mesh/help_conf.h"
#include "mesh/help_folder.h"
#include "mesh/help_sock.h"
#include "mesh/help_tap.h"
#include "mesh/help_verb.h"

CW_LOG_MODULE(helper);

enum { FAILED = 1, WRONG_FILE = 2, PATH = 256, TEXT = 768 };

struct helper {
	struct help_conf conf;
	struct cw_loop *loop;
	int alone;                      /* the folder of the state, locked: one helper has it */
	struct help help;
	struct cw_rpc_server *server;
	struct help_sock *sock;
	struct help_tap *tap;
};

static void helper_cleanup(struct helper *h)
{
	help_tap_free(h->tap);
	help_sock_free(h->sock);
	cw_rpc_server_free(h->server);
	help_places_free(h->help.places);
	cw_loop_free(h->loop);
	cw_fd_close(&h->alone);
	help_conf_free(&h->conf);
}

/* The folder of a socket is made when only its last part is missing. */
static int make_folder_of(const char *path)
{
	char dir[PATH];
	char *slash;

	snprintf(dir, sizeof dir, "%s", path);
	slash = strrchr(dir, '/');
	if (!slash || slash == dir)
		return 0;
	*slash = '\0';
	return mkdir(dir, 0711) == 0 || errno == EEXIST ? 0 : -errno;
}

/* Where the programs of the appliances are. */
static int find_bin(const struct help_conf *c, char ret[PATH])
{
	char *slash;
	ssize_t n;

	if (c->bin[0])
		return (size_t)snprintf(ret, PATH, "%s", c->bin) < PATH ? 0 : -ENAMETOOLONG;
	if ((n = readlink("/proc/self/exe", ret, PATH - 1)) < 0)
		return -errno;
	ret[n] = '\0';
	slash = strrchr(ret, '/');
	if (!slash)
		return -ENOENT;
	*slash = '\0';
	return 0;
}

static int find_user(const char *name, uid_t *ret_uid, struct cw_why *why)
{
	const struct passwd *pw = getpwnam(name);

	if (!pw)
		return cw_why_set(why, CW_E_INVALID, NULL, "peer_user", "there is no user '%s' here", name);
	*ret_uid = pw->pw_uid;
	return 0;
}

static void on_manager(void *ctx, int fd, pid_t pid)
{
	struct helper *h = ctx;
	int r = cw_rpc_server_accept(h->server, fd, NULL);

	if (r < 0)
		cw_log_rl(WARN, "", r, "process %d is not served", pid);
}

/* Two helpers would place everything twice. */
static int be_alone(struct helper *h, struct cw_why *why)
{
	int r;

	if ((r = help_folder_make_state(h->conf.state)) < 0)
		return cw_why_set(why, r, "state", h->conf.state, "%s", cw_strerror(r));
	h->alone = open(h->conf.state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (h->alone >= 0 && flock(h->alone, LOCK_EX | LOCK_NB) == 0)
		return 0;
	r = -errno;
	return cw_why_set(why, r, "state", h->conf.state, "%s",
			  r == -EWOULDBLOCK ? "another helper has it" : cw_strerror(r));
}

static int helper_open(struct helper *h, struct cw_why *why)
{
	const struct help_conf *c = &h->conf;
	char bin[PATH];
	uid_t user = 0;
	int r;

	if ((r = find_user(c->peer_user, &user, why)) < 0 || (r = be_alone(h, why)) < 0 || (r = find_bin(c, bin)) < 0 ||
	    (r = make_folder_of(c->socket)) < 0 || (r = make_folder_of(c->tap_socket)) < 0 ||
	    (r = cw_loop_new(&h->loop)) < 0)
		return r;
	h->help.loop = h->loop;
	if ((r = cw_rpc_server_bare(h->loop, help_verb_rows, help_verb_n_rows, &h->help, &h->server)) < 0 ||
	    (r = help_places_new(h->loop, c->state, bin, &h->help.places)) < 0)
		return r;
	if ((r = help_sock_new(h->loop, c->socket, SOCK_STREAM, user, on_manager, h, &h->sock)) < 0)
		return cw_why_set(why, r, "socket", c->socket, "%s", cw_strerror(r));
	if ((r = help_tap_new(h->loop, c->tap_socket, h->help.places, &h->tap)) < 0)
		return cw_why_set(why, r, "tap_socket", c->tap_socket, "%s", cw_strerror(r));
	return 0;
}

static int refuse(int r, const struct cw_why *why, int status)
{
	char text[TEXT];

	cw_log(ERROR, NULL, "%s", cw_why_text(why, r, text, sizeof text));
	return status;
}

int main(int argc, char **argv)
{
	CW_AUTO(helper_cleanup) struct helper h = { .alone = -1 };
	struct cw_daemon_args args;
	struct cw_why why = { 0 };
	int r, status;

	cw_daemon_harden();
	umask(0077);
	if (!cw_daemon_args_with(argc, argv, "does for a site manager what needs root", CW_DAEMON_BARE, &args, &status))
		return status;
	r = args.config ? help_conf_load(args.config, &h.conf, &why) : help_conf_parse("defaults", "{}", &h.conf, &why);
	if (r < 0)
		return refuse(r, &why, WRONG_FILE);
	if (args.check) {
		printf("%s: ok\n", args.config ? args.config : "defaults");
		return 0;
	}
	if ((r = helper_open(&h, &why)) < 0)
		return refuse(r, &why, FAILED);
	return cw_daemon_run(h.loop, "causeway-helper");
}
