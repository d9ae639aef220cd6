/* SPDX-License-Identifier: Apache-2.0 */
/* cli_rpc.c - finding, dialling and asking a control socket. */
#include "mesh/cli_rpc.h"

#include <errno.h>
#include <glob.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interconnect/base/rpc.h"
#include "mesh/cli_stop.h"

enum { PROBE_MS = 2000 };

bool cli_rpc_is_socket(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* The manager speaks HTTP there, and knows nothing of tunnels and machines itself. */
bool cli_rpc_is_manager(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strcmp(slash ? slash + 1 : path, CLI_MANAGER_SOCKET) == 0;
}

/* Moves the control sockets among N paths to the front; how many they are. */
static size_t sockets_first(char **paths, size_t n)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		if (cli_rpc_is_socket(paths[i]) && !cli_rpc_is_manager(paths[i])) {
			char *path = paths[i];

			paths[i] = paths[found];
			paths[found++] = path;
		}
	return found;
}

static int several(char **paths, size_t n, const char *dir, struct cw_why *why)
{
	char list[256] = "";

	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(list);

		snprintf(list + len, sizeof list - len, "%s%s", len ? ", " : "", paths[i]);
	}
	return cw_why_set(why, CW_E_USAGE, NULL, "--socket", "must name one of the sockets in %s: %s", dir, list);
}

int cli_rpc_find(const char *dir, char ret_path[CLI_PATH_MAX], struct cw_why *why)
{
	char pattern[CLI_PATH_MAX + 16];
	glob_t g = { 0 };
	size_t n;
	int r;

	snprintf(pattern, sizeof pattern, "%s/*.sock", dir);
	n = glob(pattern, 0, NULL, &g) == 0 ? sockets_first(g.gl_pathv, g.gl_pathc) : 0;
	if (n == 1) {
		snprintf(ret_path, CLI_PATH_MAX, "%s", g.gl_pathv[0]);
		r = 0;
	} else if (n == 0) {
		r = cw_why_set(why, CW_E_UNREACHABLE, dir, NULL,
			       "no daemon has its control socket here; --socket PATH names one elsewhere");
	} else {
		r = several(g.gl_pathv, n, dir, why);
	}
	globfree(&g);
	return r;
}

int cli_rpc_again(struct cli_rpc *c, struct cw_why *why)
{
	int fd = -1, r;

	cli_rpc_close(c);
	if ((r = cw_rpc_dial(c->path, &fd)) < 0)
		return cw_why_set(why, r == -EACCES || r == -EPERM ? CW_E_FORBIDDEN : CW_E_UNREACHABLE, c->path, NULL, "%s",
				  r == CW_E_UNREACHABLE ? "no daemon listens here" : cw_strerror(r));
	c->fd = fd;
	cli_stop_guard(fd);
	return 0;
}

int cli_rpc_open(struct cli_rpc *c, const char *path, struct cw_why *why)
{
	c->fd = -1;
	if (strlen(path) >= sizeof c->path)
		return cw_why_set(why, CW_E_USAGE, NULL, "--socket", "must be shorter than %d bytes", CLI_PATH_MAX);
	snprintf(c->path, sizeof c->path, "%s", path);
	return cli_rpc_again(c, why);
}

void cli_rpc_close(struct cli_rpc *c)
{
	cli_stop_guard(-1);
	cw_fd_close(&c->fd);
}

int cli_rpc_ask(struct cli_rpc *c, const char *noun, const char *verb, const char *name, struct cw_json *args,
		void (*on_event)(void *ctx, const struct cw_json *event), void *ctx, struct cw_json **ret_body,
		struct cw_why *why)
{
	struct cw_why own = { 0 };
	int r = cw_rpc_ask(c->fd, noun, verb, name, args, on_event, ctx, ret_body, &own), stopped = cli_stopped();
	bool refused = own.object[0] || own.field[0];   /* by the daemon, not by the connection */

	if (r < 0 && stopped && !refused)
		return stopped;
	if (r == CW_E_UNREACHABLE && !refused)
		return cw_why_set(why, r, c->path, NULL, "went away without an answer");
	if (r < 0 && !why->rule[0])
		*why = own;
	return r;
}

/* A request without noun and verb is refused by a daemon without a word in its log; the empty lines in it end the head
 * of a request that a manager cannot make sense of. */
bool cli_rpc_is_http(const char *path)
{
	static const char ask[] = "\0\0\0\x1c" "{\"noun\":\"\",\"verb\":\"\"}\r\n\r\n\r\n\r";
	CW_AUTO(cw_fd_cleanup) int fd = -1;
	char head[5] = "";
	struct pollfd p;

	if (cw_rpc_dial(path, &fd) < 0 || write(fd, ask, sizeof ask - 1) != sizeof ask - 1)
		return false;
	p = (struct pollfd){ .fd = fd, .events = POLLIN };
	return poll(&p, 1, PROBE_MS) == 1 && read(fd, head, sizeof head) == sizeof head &&
	       memcmp(head, "HTTP/", sizeof head) == 0;
}
