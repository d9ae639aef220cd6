/* SPDX-License-Identifier: Apache-2.0 */
/* daemon.c - command line, hardening, run until told to stop. */
#include "interconnect/base/daemon.h"

#include <errno.h>
#include <fcntl.h>
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

#include "interconnect/base/crypt.h"
#include "interconnect/base/err.h"
#include "interconnect/base/log.h"

CW_LOG_MODULE(daemon);

/* LeakSanitizer reads its own process by ptrace, which a process that is not dumpable forbids. */
#if defined(__SANITIZE_ADDRESS__)
#define WITH_LEAK_CHECK 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_LEAK_CHECK 1
#endif
#endif

/* ---- command line ---- */

enum { GO_ON = -1 };

struct parse {
	const char *program, *summary;
	unsigned with;
	struct cw_daemon_args args;
};

static int usage(const struct parse *p)
{
	fprintf(stderr, "usage: %s %s--config FILE%s%s%s [--log error|warn|info|debug] [--check] [--version] [--help]\n",
		p->program, p->with & CW_DAEMON_BARE ? "[" : "", p->with & CW_DAEMON_BARE ? "]" : "",
		p->with & CW_DAEMON_NODE ? " | --node DIR" : "", p->with & CW_DAEMON_ENROL ? " | --enrol [--state DIR]" : "");
	return 2;
}

static int on_config(struct parse *p, const char *value)
{
	p->args.config = value;
	return GO_ON;
}

static int on_node(struct parse *p, const char *value)
{
	p->args.node = value;
	return GO_ON;
}

static int on_enrol(struct parse *p, const char *value)
{
	(void)value;
	p->args.enrol = true;
	return GO_ON;
}

static int on_state(struct parse *p, const char *value)
{
	p->args.state = value;
	return GO_ON;
}

static int on_log(struct parse *p, const char *value)
{
	enum cw_log_level level;

	if (cw_log_level_parse(value, &level) < 0) {
		fprintf(stderr, "%s: --log: must be error, warn, info or debug, found '%s'\n", p->program, value);
		return 2;
	}
	cw_log_set_level(level);
	return GO_ON;
}

static int on_crypto(struct parse *p, const char *value)
{
	enum cw_crypt_engine e = CW_CRYPT_AUTO;

	while (e < CW_CRYPT_ENGINE_N && strcmp(value, cw_crypt_engine_name(e)) != 0)
		e++;
	if (e == CW_CRYPT_ENGINE_N) {
		fprintf(stderr, "%s: --crypto: must be auto, openssl or ipsec-mb, found '%s'\n", p->program, value);
		return 2;
	}
	if (cw_crypt_use(e) == 0)
		return GO_ON;
	fprintf(stderr, "%s: --crypto: %s is not in this build, or is not good on this processor\n", p->program, value);
	return 2;
}

static int on_check(struct parse *p, const char *value)
{
	(void)value;
	p->args.check = true;
	return GO_ON;
}

static int on_version(struct parse *p, const char *value)
{
	(void)value;
	printf("%s " CW_VERSION "\n", p->program);
	return 0;
}

static int on_help(struct parse *p, const char *value);

/* Each returns GO_ON or the exit status. */
static const struct option_row {
	unsigned with;                  /* of which programs; 0: of all */
	const char *name, *value, *help;
	int (*take)(struct parse *p, const char *value);
} option_rows[] = {
	{ 0, "config", "FILE", "the configuration, YAML", on_config },
	{ CW_DAEMON_NODE, "node", "DIR", "instead: the folder of this node; the site's manager configures it", on_node },
	{ CW_DAEMON_ENROL, "enrol", NULL, "read an invitation from standard input, write it down, and leave", on_enrol },
	{ CW_DAEMON_ENROL, "state", "DIR", "with --enrol: the folder of this node", on_state },
	{ CW_DAEMON_CRYPTO, "crypto", "ENGINE", "openssl, ipsec-mb, or auto (default): the faster one that is there", on_crypto },
	{ 0, "log", "LEVEL", "error, warn, info (default) or debug", on_log },
	{ 0, "check", NULL, "read the configuration, say whether it is good, and leave", on_check },
	{ 0, "version", NULL, "print the version", on_version },
	{ 0, "help", NULL, "print this", on_help },
};

static bool has_option(const struct parse *p, const struct option_row *o)
{
	return (p->with & o->with) == o->with;
}

static int on_help(struct parse *p, const char *value)
{
	char left[32];

	(void)value;
	printf("%s - %s\n\n", p->program, p->summary);
	for (size_t i = 0; i < CW_COUNT(option_rows); i++) {
		const struct option_row *o = &option_rows[i];

		if (!has_option(p, o))
			continue;
		snprintf(left, sizeof left, "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
		printf("  %-16s %s\n", left, o->help);
	}
	return 0;
}

static int options_take(struct parse *p, int argc, char **argv, const struct option *options)
{
	int status = GO_ON;

	optind = 0;                     /* glibc: forget what was parsed before */
	while (status == GO_ON) {
		int c = getopt_long(argc, argv, "", options, NULL);

		if (c == -1)
			break;
		status = c == '?' ? usage(p) : option_rows[c].take(p, optarg);
	}
	return status == GO_ON && optind < argc ? usage(p) : status;
}

/* What is to be done is said once; a folder has nothing to check without starting. */
static bool is_one_thing(const struct parse *p)
{
	const struct cw_daemon_args *a = &p->args;
	bool bare = p->with & CW_DAEMON_BARE;
	int n = !!a->config + !!a->node + a->enrol;

	return (n == 1 || (n == 0 && bare)) && (!a->check || a->config || bare) && (!a->state || a->enrol);
}

static int parse_options(struct parse *p, int argc, char **argv)
{
	struct option options[CW_COUNT(option_rows) + 1] = { 0 };
	size_t n = 0;
	int status;

	for (size_t k = 0; k < CW_COUNT(option_rows); k++)
		if (has_option(p, &option_rows[k]))
			options[n++] = (struct option){ .name = option_rows[k].name, .val = (int)k,
							.has_arg = option_rows[k].value ? required_argument : no_argument };
	status = options_take(p, argc, argv, options);
	return status == GO_ON && !is_one_thing(p) ? usage(p) : status;
}

bool cw_daemon_args_with(int argc, char **argv, const char *summary, unsigned with, struct cw_daemon_args *ret_args, int *ret_status)
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	struct parse p = { .program = slash ? slash + 1 : argc > 0 ? argv[0] : "causeway", .summary = summary, .with = with };
	int status = parse_options(&p, argc, argv);

	if (status != GO_ON) {
		*ret_status = status;
		return false;
	}
	*ret_args = p.args;
	return true;
}

bool cw_daemon_args(int argc, char **argv, const char *summary, struct cw_daemon_args *ret_args, int *ret_status)
{
	return cw_daemon_args_with(argc, argv, summary, 0, ret_args, ret_status);
}

/* ---- hardening ---- */

/* A descriptor 0, 1 or 2 that is closed would be given to the next socket, and then be written to as standard error. */
static void keep_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= 2);
	if (fd >= 0)
		close(fd);
}

void cw_daemon_harden(void)
{
	const struct rlimit none = { 0, 0 };
	int r = 0;

	keep_standard();
	(void)close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || setrlimit(RLIMIT_CORE, &none) < 0)
		r = -errno;
#ifndef WITH_LEAK_CHECK
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		r = -errno;
#endif
	if (r < 0)
		cw_log_r(WARN, "", r, "cannot harden the process");
}

void cw_daemon_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return;
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		cw_log_r(WARN, NULL, -errno, "cannot raise the limit of open files");
}

/* ---- running ---- */

static void notify(const char *state)
{
	CW_AUTO(cw_fd_cleanup) int fd = -1;
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t n = path ? strlen(path) : 0;

	if (n < 2 || n >= sizeof un.sun_path || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(un.sun_path, path, n);
	if (path[0] == '@')
		un.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&un,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
		cw_log_r(WARN, "", -errno, "cannot notify the service manager");
}

static void on_stop(void *ctx)
{
	cw_loop_stop(ctx);
}

int cw_daemon_run(struct cw_loop *l, const char *name)
{
	static const int signals[] = { SIGTERM, SIGINT };
	struct cw_signal *s[CW_COUNT(signals)] = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < CW_COUNT(signals); i++)
		r = cw_signal_new(l, signals[i], on_stop, l, &s[i]);
	if (r == 0) {
		cw_log(INFO, name, "ready");
		notify("READY=1");
		r = cw_loop_run(l);
		notify("STOPPING=1");
	}
	if (r < 0)
		cw_log_r(ERROR, name, r, "the event loop failed");
	else
		cw_log(INFO, name, "stopping");
	for (size_t i = 0; i < CW_COUNT(signals); i++)
		cw_signal_free(s[i]);
	return r < 0 ? 1 : 0;
}
