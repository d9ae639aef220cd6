/* SPDX-License-Identifier: Apache-2.0 */
/* agent_node.c - configurations that come from the manager while the agent works. */
#include "migrate/agent_node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interconnect/base/log.h"
#include "interconnect/base/mem.h"
#include "interconnect/line/node.h"
#include "migrate/peer.h"

CW_LOG_MODULE(agent);

enum { INVITATION_MAX = 8192, PATH = 256 };

/* A configuration that was: a task that was queued before may still read its texts. */
struct past {
	struct past *next;
	struct agent_conf conf;
	bool drained;                   /* questions of its time are answered */
};

struct agent_node {
	struct agent *agent;
	char *text;                     /* of what is in force */
	struct past *past;
};

/* ---- enrolment ---- */

static size_t read_all(char *buf, size_t size)
{
	size_t n = 0;
	ssize_t got = 1;

	while (n < size - 1 && got > 0) {
		got = read(STDIN_FILENO, buf + n, size - 1 - n);
		if (got > 0)
			n += (size_t)got;
	}
	buf[n] = '\0';
	return n;
}

int agent_node_enrol(const char *dir, struct cw_why *why)
{
	char text[INVITATION_MAX];
	int r;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return cw_why_set(why, -errno, dir, NULL, "cannot be made: %s", cw_strerror(-errno));
	if (read_all(text, sizeof text) == 0)
		return cw_why_set(why, CW_E_USAGE, "invitation", NULL, "is read from standard input, and nothing came");
	r = node_seed(dir, text, "agent", why);
	cw_mem_wipe(text, sizeof text);
	return r;
}

/* ---- configuration ---- */

static struct cw_json *pools(void)
{
	struct cw_json *list = cw_json_array(), *p = cw_json_object();

	cw_json_set_str(p, "name", "default");
	cw_json_set_str(p, "path", "/var/lib/libvirt/images");
	cw_json_add(list, p);
	return list;
}

/* CONFIG (NULL: none) with what the node says itself, and what it says when CONFIG does not. */
static int text_of(const char *dir, const struct cw_json *config, char **ret_text, struct cw_why *why)
{
	struct cw_json *more = cw_json_object();
	char path[PATH], name[NODE_NAME_MAX + 1], site[NODE_NAME_MAX + 1];
	int r;

	if ((r = node_identity(dir, name, site, why)) < 0) {
		cw_json_free(more);
		return r;
	}
	cw_json_set_str(more, "site", site);
	cw_json_set_str(more, "host", name);
	snprintf(path, sizeof path, "%s/agent.db", dir);
	cw_json_set_str(more, "state", path);
	snprintf(path, sizeof path, "%s/control.sock", dir);
	cw_json_set_str(more, "control", path);
	if (!cw_json_get(config, "listen"))
		cw_json_set_str(more, "listen", "");
	if (!cw_json_get(config, "pools"))
		cw_json_set(more, "pools", pools());
	return node_config_text(config, more, ret_text);
}

static int load(struct agent *a, const char *dir, const struct cw_json *config, struct cw_why *why)
{
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	int r;

	if ((r = text_of(dir, config, &text, why)) < 0)
		return r;
	return agent_conf_parse("config.json", text, &a->conf, why);
}

int agent_node_conf(struct agent *a, const char *dir, struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *config = NULL;
	struct cw_why mine = { 0 };
	char text[sizeof mine];
	int r = node_config(dir, &config);

	a->dir = dir;
	if (r == 0 && (r = load(a, dir, config, &mine)) == 0)
		return 0;
	if (r != CW_E_NOT_FOUND)
		cw_log_r(ERROR, dir, r, "goes on without a configuration: %s",
			 cw_why_text(&mine, r, text, sizeof text));
	return load(a, dir, NULL, why);
}

/* ---- changes ---- */

static void past_run(void *ctx)
{
	(void)ctx;
}

static void past_done(void *ctx)
{
	((struct past *)ctx)->drained = true;
}

static void past_free(struct past *p)
{
	agent_conf_free(&p->conf);
	free(p);
}

static void sweep(struct agent_node *n)
{
	struct past **at = &n->past;

	while (*at) {
		struct past *p = *at;

		if (!p->drained || n->agent->srcs || n->agent->dsts) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		past_free(p);
	}
}

/* Puts CONF in force, which it takes over. */
static int replace(struct agent_node *n, struct agent_conf *conf)
{
	struct agent *a = n->agent;
	struct past *p = calloc(1, sizeof *p);

	if (!p)
		return -ENOMEM;
	if (work_post(a->query, past_run, past_done, p) < 0) {
		free(p);
		return -ENOMEM;
	}
	/* Workers of migrations read these three. They say the same in both, so those that are in force stay. */
	p->conf = a->conf;
	p->conf.state = conf->state;
	p->conf.run = conf->run;
	p->conf.libvirt = conf->libvirt;
	conf->state = a->conf.state;
	conf->run = a->conf.run;
	conf->libvirt = a->conf.libvirt;
	a->conf = *conf;
	p->next = n->past;
	n->past = p;
	return 0;
}

static bool is_same_place(const struct agent_conf *x, const struct agent_conf *y)
{
	return strcmp(x->libvirt, y->libvirt) == 0 && strcmp(x->run, y->run) == 0;
}

static int elsewhere(const struct agent *a, struct cw_why *why)
{
	if (a->srcs || a->dsts)
		return cw_why_set(why, CW_E_STATE, "host", "libvirt",
				  "and run cannot change while migrations are under way");
	return NODE_RESTART;
}

static int change(struct agent_node *n, struct agent_conf *conf, struct cw_why *why)
{
	struct agent *a = n->agent;
	int r;

	if (strcmp(conf->listen, a->conf.listen) != 0 && (r = peer_relisten(a, conf->listen)) < 0)
		return cw_why_set(why, r, "host", "listen", "%s: %s", conf->listen, cw_strerror(r));
	return replace(n, conf);
}

static int on_apply(void *ctx, const struct cw_json *config, struct cw_why *why)
{
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	struct agent_node *n = ctx;
	struct agent_conf conf;
	int r;

	sweep(n);
	if ((r = text_of(n->agent->dir, config, &text, why)) < 0)
		return r;
	if (n->text && strcmp(text, n->text) == 0)
		return 0;
	if ((r = agent_conf_parse("config.json", text, &conf, why)) < 0)
		return r;
	r = is_same_place(&conf, &n->agent->conf) ? change(n, &conf, why) : elsewhere(n->agent, why);
	if (r != 0) {
		agent_conf_free(&conf);
		return r;
	}
	free(n->text);
	n->text = cw_steal(&text);
	return 0;
}

/* ---- life ---- */

int agent_node_new(struct agent *a, struct agent_node **ret_node, struct cw_why *why)
{
	static const char *const nouns[] = { "host", "vm", "job", NULL };
	static const struct node_ops ops = { "agent", nouns, on_apply, true, NULL };
	struct agent_node *n = calloc(1, sizeof *n);
	int r;

	if (!n)
		return -ENOMEM;
	n->agent = a;
	if ((r = node_new(a->loop, a->dir, &ops, n, a->control, &a->node, why)) < 0) {
		free(n);
		return r;
	}
	*ret_node = n;
	return 0;
}

void agent_node_stop(struct agent_node *n)
{
	if (n)
		node_free(cw_steal(&n->agent->node));
}

void agent_node_free(struct agent_node *n)
{
	if (!n)
		return;
	while (n->past) {
		struct past *p = n->past;

		n->past = p->next;
		past_free(p);
	}
	free(n->text);
	free(n);
}
