/* SPDX-License-Identifier: Apache-2.0 */
/* daemon.c - command line, hardening and end of a daemon. */
#include "interconnect/base/daemon.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "interconnect/base/err.h"
#include "interconnect/base/log.h"

CW_LOG_MODULE(daemon);

#if defined(__SANITIZE_ADDRESS__)
#define DAEMON_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DAEMON_SANITIZED 1
#endif
#endif

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "log", required_argument, NULL, 'l' },
	{ "check", no_argument, NULL, 'k' },
	{ "version", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static void print_help(const char *program, const char *summary)
{
	printf("%s - %s\n\n"
	       "usage: %s --config FILE [--log error|warn|info|debug] [--check]\n\n"
	       "  --config FILE   the configuration, in YAML\n"
	       "  --log LEVEL     how much to say on standard error (info)\n"
	       "  --check         read the configuration, say whether it is good, and leave\n"
	       "  --version       print the version\n"
	       "  --help          print this\n",
	       program, summary, program);
}

static bool leave(int status, int *ret_status)
{
	*ret_status = status;
	return false;
}

static bool usage(const char *program, const char *text, int *ret_status)
{
	fprintf(stderr, "%s: %s; see %s --help\n", program, text, program);
	return leave(2, ret_status);
}

/* One option; false leaves main(). */
static bool option_take(int opt, const char *program, const char *summary, struct cw_daemon_args *args, int *ret_status)
{
	enum cw_log_level level;

	switch (opt) {
	case 'c':
		args->config = optarg;
		return true;
	case 'k':
		args->check = true;
		return true;
	case 'l':
		if (cw_log_level_parse(optarg, &level) < 0)
			return usage(program, "--log takes error, warn, info or debug", ret_status);
		cw_log_set_level(level);
		return true;
	case 'v':
		printf("%s %s\n", program, CW_VERSION);
		return leave(0, ret_status);
	case 'h':
		print_help(program, summary);
		return leave(0, ret_status);
	default:
		return usage(program, "wrong option", ret_status);
	}
}

bool cw_daemon_args(int argc, char **argv, const char *summary, struct cw_daemon_args *ret_args, int *ret_status)
{
	const char *slash = strrchr(argv[0], '/'), *program = slash ? slash + 1 : argv[0];
	struct cw_daemon_args args = { 0 };
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!option_take(opt, program, summary, &args, ret_status))
			return false;
	if (optind < argc)
		return usage(program, "takes no arguments", ret_status);
	if (!args.config)
		return usage(program, "--config FILE is missing", ret_status);
	*ret_args = args;
	return true;
}

void cw_daemon_harden(void)
{
	struct rlimit none = { 0, 0 };

	signal(SIGPIPE, SIG_IGN);
	(void)setrlimit(RLIMIT_CORE, &none);
#ifndef DAEMON_SANITIZED                /* the leak sanitizer attaches to its own process */
	(void)prctl(PR_SET_DUMPABLE, 0);
#endif
}

/* "READY=1" to the service manager, if one waits for it (sd_notify(3)). */
static void notify_ready(void)
{
	static const char text[] = "READY=1";
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	size_t n;
	int fd;

	if (!path || (path[0] != '/' && path[0] != '@') || (n = strlen(path)) >= sizeof sa.sun_path)
		return;
	memcpy(sa.sun_path, path, n);
	if (path[0] == '@')
		sa.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, text, sizeof text - 1, MSG_NOSIGNAL, (const struct sockaddr *)&sa,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
		cw_log_r(WARN, NULL, -errno, "the service manager was not told");
	close(fd);
}

static void on_signal(void *ctx)
{
	cw_loop_stop(ctx);
}

int cw_daemon_run(struct cw_loop *l, const char *name)
{
	struct cw_signal *term = NULL, *intr = NULL;
	int r;

	if ((r = cw_signal_new(l, SIGTERM, on_signal, l, &term)) == 0 &&
	    (r = cw_signal_new(l, SIGINT, on_signal, l, &intr)) == 0) {
		cw_log(INFO, name, "ready");
		notify_ready();
		r = cw_loop_run(l);
	}
	cw_signal_free(intr);
	cw_signal_free(term);
	if (r < 0)
		cw_log_r(ERROR, name, r, "the event loop failed");
	else
		cw_log(INFO, name, "stopped");
	return r < 0 ? 1 : 0;
}
