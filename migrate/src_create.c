/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src_create.c - from a request to a job: what is asked for, whether it can be done here, and whether the
 * target agrees. Until then nothing is written and nothing changes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/rand.h"
#include "migrate/src_obj.h"

enum { VALIDATE_TIMEOUT_MS = 30000 };

static void refuse(struct src *s, int r, struct cw_why *why)
{
	if (!why->object[0])
		snprintf(why->object, sizeof why->object, "vm %s", s->key);
	if (s->call) {
		cw_rpc_on_gone(s->call, NULL, NULL);
		cw_rpc_fail(cw_steal(&s->call), r, why);
	}
	src_end(s);
}

/* ---- the request ---- */

static bool put(char *out, size_t size, const char *text, size_t len)
{
	if (len == 0 || len >= size)
		return false;
	snprintf(out, size, "%.*s", (int)len, text);
	return true;
}

/* "A:B" to the two halves. */
static bool pair_parse(const char *text, char *a, char *b, size_t size)
{
	const char *colon = strchr(text, ':');

	return colon && put(a, size, text, (size_t)(colon - text)) && put(b, size, colon + 1, strlen(colon + 1));
}

static int map_add(struct src *s, const char *key, const char *text)
{
	if (strcmp(key, "map_network") == 0)
		return s->n_map_network < CW_COUNT(s->map_network) &&
		       pair_parse(text, s->map_network[s->n_map_network][0], s->map_network[s->n_map_network][1],
				  sizeof s->map_network[0][0]) ? (int)++s->n_map_network : CW_E_INVALID;
	return s->n_map_pool < CW_COUNT(s->map_pool) &&
	       pair_parse(text, s->map_pool[s->n_map_pool][0], s->map_pool[s->n_map_pool][1],
			  sizeof s->map_pool[0][0]) ?
	       (int)++s->n_map_pool : CW_E_INVALID;
}

/* One "A:B" or a list of them. */
static int take_map(struct src *s, const char *key, const struct cw_json *v, struct cw_why *why)
{
	size_t n = cw_json_is_array(v) ? cw_json_len(v) : 1;

	for (size_t i = 0; i < n; i++) {
		const char *text = cw_json_str(cw_json_is_array(v) ? cw_json_at(v, i) : v);

		if (!text || map_add(s, key, text) < 0)
			return cw_why_set(why, CW_E_INVALID, NULL, key, "must be HERE:THERE, found '%.64s'",
					  text ? text : "?");
	}
	return 0;
}

/* "SITE" or "SITE/HOST". */
static int take_to(struct src *s, const char *key, const struct cw_json *v, struct cw_why *why)
{
	const char *text = cw_json_str(v), *slash = text ? strchr(text, '/') : NULL;

	if (!text || !put(s->to, sizeof s->to, text, slash ? (size_t)(slash - text) : strlen(text)) ||
	    (slash && !put(s->offer->host, sizeof s->offer->host, slash + 1, strlen(slash + 1))))
		return cw_why_set(why, CW_E_INVALID, NULL, key, "must be SITE or SITE/HOST, found '%.64s'",
				  text ? text : "?");
	return 0;
}

static int take_kind(struct src *s, const char *key, const struct cw_json *v, struct cw_why *why)
{
	static const char *const later[] = { "bulk", "cold", "bulk-live", "storage" };
	const char *text = cw_json_str(v);

	(void)s;
	if (text && strcmp(text, "live") == 0)
		return 0;
	for (size_t i = 0; text && i < CW_COUNT(later); i++)
		if (strcmp(text, later[i]) == 0)
			return cw_why_set(why, CW_E_UNSUPPORTED, NULL, key,
					  "only live migration is there so far, not %s", text);
	return cw_why_set(why, CW_E_INVALID, NULL, key, "must be live, found '%.32s'", text ? text : "?");
}

static int take_proof(struct src *s, const char *key, const struct cw_json *v, struct cw_why *why)
{
	const char *text = cw_json_str(v);

	if (!text || (strcmp(text, "full") != 0 && strcmp(text, "none") != 0))
		return cw_why_set(why, CW_E_INVALID, NULL, key, "must be full or none, found '%.32s'",
				  text ? text : "?");
	s->no_proof = strcmp(text, "none") == 0;
	return 0;
}

static int take_dry_run(struct src *s, const char *key, const struct cw_json *v, struct cw_why *why)
{
	(void)key;
	(void)v;
	(void)why;
	s->dry_run = true;                      /* its value is looked at by take_args() */
	return 0;
}

/* Whoever asks gives the migration its name, and may ask again. */
static int take_id(struct src *s, const char *key, const struct cw_json *v, struct cw_why *why)
{
	const char *text = cw_json_str(v);

	if (!text || !put(s->id, sizeof s->id, text, strlen(text)) ||
	    strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(text) || text[0] == '-')
		return cw_why_set(why, CW_E_INVALID, NULL, key, "must be 1 to %d of a-z, 0-9 and dashes", JOB_ID_TEXT - 1);
	return 0;
}

/* Every creation answers with the job as soon as there is one. */
static int take_detach(struct src *s, const char *key, const struct cw_json *v, struct cw_why *why)
{
	(void)s;
	(void)key;
	(void)v;
	(void)why;
	return 0;
}

static const struct arg {
	const char *key;
	int (*take)(struct src *s, const char *key, const struct cw_json *v, struct cw_why *why);
} args_rows[] = {
	{ "to", take_to }, { "kind", take_kind }, { "map_network", take_map }, { "map_pool", take_map },
	{ "proof", take_proof }, { "dry_run", take_dry_run }, { "id", take_id }, { "detach", take_detach },
};

static int take_arg(struct src *s, const char *key, const struct cw_json *v, struct cw_why *why)
{
	for (size_t i = 0; i < CW_COUNT(args_rows); i++)
		if (strcmp(args_rows[i].key, key) == 0)
			return args_rows[i].take(s, key, v, why);
	return cw_why_set(why, CW_E_USAGE, NULL, key, "is no option of a migration");
}

static int take_args(struct src *s, const struct cw_json *request, struct cw_why *why)
{
	struct cw_json *args = cw_json_get(request, "args"), *v;
	const char *key, *name = cw_json_get_str(request, "name", "");
	void *iter = NULL;
	int r;

	if (!put(s->key, sizeof s->key, name, strlen(name)))
		return cw_why_set(why, CW_E_USAGE, "migration", "name", "must name a VM");
	while (cw_json_is_object(args) && (v = cw_json_next(args, &iter, &key)))
		if ((strcmp(key, "dry_run") != 0 || cw_json_get_bool(args, key, cw_json_str(v) != NULL)) &&
		    (r = take_arg(s, key, v, why)) < 0)
			return r;
	if (!s->to[0])
		return cw_why_set(why, CW_E_USAGE, NULL, "to", "must name the site to go to");
	return 0;
}

/* ---- looking at the VM, in the worker ---- */

static int look_disks(struct src *s)
{
	struct offer *o = s->offer;
	int r = 0;

	for (size_t i = 0; i < o->dom.n_disks && r == 0; i++)
		r = virt_block(s->agent->virt, o->dom.uuid, o->dom.disks[i].target, &o->disks[i].capacity_bytes,
			       &o->disks[i].allocation_bytes);
	return r;
}

static int look_boot(struct src *s)
{
	struct offer *o = s->offer;
	int r = 0;

	if (o->dom.kernel[0])
		r = disk_file_hash(o->dom.kernel, o->kernel_sha256);
	if (r == 0 && o->dom.initrd[0])
		r = disk_file_hash(o->dom.initrd, o->initrd_sha256);
	return r < 0 ? cw_why_set(&s->why, r, NULL, "kernel", "cannot be read: %s", cw_strerror(r)) : 0;
}

static void look_run(void *ctx)
{
	struct src *s = ctx;
	struct virt_vm vm;

	if ((s->r = virt_find(s->agent->virt, s->key, &vm)) < 0) {
		cw_why_set(&s->why, s->r, NULL, "name", "%s",
			   s->r == CW_E_NOT_FOUND ? "there is no VM of this name here" :
			   "libvirt does not answer");
		return;
	}
	s->offer->xml = cw_steal(&vm.xml);
	s->definition = cw_steal(&vm.definition);
	s->power = vm.state.power;
	s->autostart = vm.autostart;
	if (vm.state.power != VIRT_RUNNING)
		s->r = cw_why_set(&s->why, CW_E_BLOCKED, NULL, "power", "is %s: only a running VM can be moved live",
				  virt_power_name(vm.state.power));
	else if (vm.state.busy)
		s->r = cw_why_set(&s->why, CW_E_CONFLICT, NULL, "power", "libvirt is busy with it already");
	else if ((s->r = dom_read(s->offer->xml, &s->offer->dom, &s->why)) == 0 && (s->r = look_disks(s)) == 0)
		s->r = look_boot(s);
}

/* ---- the rules of this site ---- */

static int rule_alone(struct src *s, struct cw_why *why)
{
	const struct agent *a = s->agent;

	for (const struct src *o = a->srcs; o; o = o->next)
		if (o != s && o->offer && !o->stopping && strcmp(o->offer->dom.uuid, s->offer->dom.uuid) == 0)
			return cw_why_set(why, CW_E_CONFLICT, NULL, "migration",
					  "of this VM has been asked for already");
	if (jobs_find_active(a->jobs, s->offer->dom.uuid))
		return cw_why_set(why, CW_E_CONFLICT, NULL, "migration", "of this VM is under way already");
	return 0;
}

/* By our own chain. A manager was asked before. */
static int rule_owner(struct src *s, struct cw_why *why)
{
	const struct agent *a = s->agent;
	struct own mine;
	int r;

	if (warrant_has_manager(a))
		return 0;
	r = own_load(jobs_db(a->jobs), s->offer->dom.uuid, &mine);
	if (r == CW_E_NOT_FOUND)
		r = own_first(s->offer->dom.uuid, a->conf.site, &mine);
	if (r < 0)
		return r;
	if (strcmp(mine.owner, a->conf.site) != 0 || mine.state != OWN_OWNED)
		return cw_why_set(why, CW_E_CONFLICT, NULL, "owner",
				  "this site does not own it: %s, epoch %lld, owner %s",
				  own_state_name(mine.state), (long long)mine.epoch, mine.owner);
	return own_next(&mine, OWN_PREPARED, a->conf.site, &s->offer->record);
}

static int rule_site(struct src *s, struct cw_why *why)
{
	if (agent_conf_peer(&s->agent->conf, s->to))
		return 0;
	return cw_why_set(why, CW_E_NOT_FOUND, NULL, "to", "there is no site '%s' among the peers of site %s", s->to,
			  s->agent->conf.site);
}

static int rule_networks(struct src *s, struct cw_why *why)
{
	struct offer *o = s->offer;

	for (size_t i = 0; i < o->dom.n_nics; i++) {
		const char *bridge = o->dom.nics[i].bridge, *there = bridge;
		const struct agent_conf_network *n = agent_conf_network(&s->agent->conf, bridge);

		if (!n || !agent_conf_extended(n, s->to))
			return cw_why_set(why, CW_E_BLOCKED, NULL, "network", "bridge %s has no extension to site %s",
					  bridge,
					  s->to);
		for (size_t k = 0; k < s->n_map_network; k++)
			if (strcmp(s->map_network[k][0], bridge) == 0)
				there = s->map_network[k][1];
		snprintf(o->bridges[i], sizeof o->bridges[i], "%s", there);
	}
	return 0;
}

static int rule_disks(struct src *s, struct cw_why *why)
{
	struct offer *o = s->offer;
	char field[48];

	for (size_t i = 0; i < o->dom.n_disks; i++) {
		const struct agent_conf_pool *pool = agent_conf_pool_of(&s->agent->conf, o->dom.disks[i].file);
		const char *there;

		snprintf(field, sizeof field, "disk %.32s", o->dom.disks[i].target);
		if (!pool)
			return cw_why_set(why, CW_E_BLOCKED, NULL, field, "%.200s is in none of this site's pools",
					  o->dom.disks[i].file);
		there = pool->name;
		for (size_t k = 0; k < s->n_map_pool; k++)
			if (strcmp(s->map_pool[k][0], pool->name) == 0)
				there = s->map_pool[k][1];
		snprintf(o->disks[i].pool, sizeof o->disks[i].pool, "%s", there);
	}
	return 0;
}

/* The guest stands still while its disks are hashed. */
static int rule_downtime(struct src *s, struct cw_why *why)
{
	const struct offer *o = s->offer;
	uint64_t bytes = 0, ms;

	for (size_t i = 0; i < o->dom.n_disks; i++)
		bytes += o->disks[i].allocation_bytes;
	ms = disk_hash_estimate_ms(bytes);
	if (s->no_proof || ms <= s->agent->conf.downtime_ms)
		return 0;
	return cw_why_set(why, CW_E_BLOCKED, NULL, "proof",
			  "a full proof of %llu bytes takes about %llu ms while the guest stands"
			  " still, the budget is %u ms: raise downtime_ms",
			  (unsigned long long)bytes,
			  (unsigned long long)ms, s->agent->conf.downtime_ms);
}

static int rules(struct src *s, struct cw_why *why)
{
	static int (*const all[])(struct src *s, struct cw_why *why) = {
		rule_site, rule_alone, rule_owner, rule_networks, rule_disks, rule_downtime,
	};
	int r = 0;

	for (size_t i = 0; i < CW_COUNT(all) && r == 0; i++)
		r = all[i](s, why);
	return r;
}

/* ---- the job ---- */

static struct cw_json *plan_of(const struct src *s)
{
	struct cw_json *plan = cw_json_object(), *disks = cw_json_array();
	const struct dom *d = &s->offer->dom;

	for (size_t i = 0; i < d->n_disks; i++) {
		struct cw_json *j = cw_json_object();

		cw_json_set_str(j, "target", d->disks[i].target);
		cw_json_set_str(j, "format", d->disks[i].format);
		cw_json_set_str(j, "path", d->disks[i].file);
		cw_json_add(disks, j);
	}
	cw_json_set_str(plan, "name", d->name);
	cw_json_set_int(plan, "epoch", s->offer->record.epoch);
	cw_json_set_str(plan, "definition", s->definition);
	cw_json_set_bool(plan, "autostart", s->autostart);
	cw_json_set_bool(plan, "proof", !s->no_proof);
	cw_json_set(plan, "disks", disks);
	return plan;
}

/* The first migration of a VM also writes that it is ours. */
static int write_first(struct src *s)
{
	struct cw_db *db = jobs_db(s->agent->jobs);
	struct own first;
	int r = own_load(db, s->offer->dom.uuid, &first);

	if (r != CW_E_NOT_FOUND)
		return r;
	if ((r = own_first(s->offer->dom.uuid, s->agent->conf.site, &first)) < 0)
		return r;
	return own_add(db, &first);
}

static int job_make(struct src *s)
{
	struct job template = { .role = JOB_SOURCE };
	bool ours = !warrant_has_manager(s->agent);
	int r;

	if (ours && (r = write_first(s)) < 0)
		return r;
	if (s->id[0])
		snprintf(template.id, sizeof template.id, "%s", s->id);
	else
		snprintf(template.id, sizeof template.id, "mig-%08x", cw_rand_u32());
	snprintf(template.vm, sizeof template.vm, "%s", s->offer->dom.name);
	snprintf(template.uuid, sizeof template.uuid, "%s", s->offer->dom.uuid);
	snprintf(template.from, sizeof template.from, "%s", s->agent->conf.site);
	snprintf(template.to, sizeof template.to, "%s", s->to);
	template.plan = plan_of(s);
	if (!ours)
		warrant_begin(&template);
	return job_new(s->agent->jobs, &template, ours ? &s->offer->record : NULL, &s->job);
}

static struct cw_json *valid_body(const struct src *s)
{
	struct cw_json *b = cw_json_object();

	cw_json_set_bool(b, "valid", true);
	cw_json_set_str(b, "vm", s->offer->dom.name);
	cw_json_set_str(b, "uuid", s->offer->dom.uuid);
	cw_json_set_str(b, "from", s->agent->conf.site);
	cw_json_set_str(b, "to", s->to);
	cw_json_set_str(b, "kind", "live");
	return b;
}

static void on_validated(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct src *s = ctx;
	struct cw_why w = why ? *why : (struct cw_why){ 0 };

	(void)body;
	if (r == CW_E_UNREACHABLE)
		cw_why_set(&w, r, NULL, "to", "the agent of site %s cannot be reached", s->to);
	if (r == 0 && (r = rule_alone(s, &w)) == 0)
		r = rule_owner(s, &w);          /* again: something may have begun meanwhile */
	if (r == 0 && !s->dry_run)
		r = job_make(s);
	if (r < 0) {
		refuse(s, r, &w);
		return;
	}
	if (s->call) {
		cw_rpc_on_gone(s->call, NULL, NULL);
		cw_rpc_reply(cw_steal(&s->call), s->dry_run ? valid_body(s) : job_body(s->job));
	}
	if (s->dry_run)
		src_end(s);
	else
		src_walk(s, &src_forward);
}

static void ask_target(struct src *s)
{
	int r;

	if ((r = peer_new(s->agent, s->to, &s->peer)) < 0 ||
	    (r = peer_ask(s->peer, "validate", s->key, offer_to_json(s->offer), VALIDATE_TIMEOUT_MS, on_validated, s)) < 0)
		refuse(s, r, &s->why);
}

/* The record that the manager would write. */
static void on_looked(void *ctx, int r, const struct warrant_answer *a, const struct cw_why *why)
{
	struct src *s = ctx;
	struct cw_why w = why ? *why : (struct cw_why){ 0 };

	if (r == 0)
		s->offer->record = a->record.o;
	warrant_free(cw_steal(&s->warrant));
	if (r == CW_E_UNREACHABLE || r == CW_E_TIMEOUT)
		cw_why_set(&w, r, NULL, "owner", "the site's manager cannot be asked who owns it");
	if (r < 0)
		refuse(s, r, &w);
	else
		ask_target(s);
}

static void look_done(void *ctx)
{
	struct src *s = ctx;
	int r = s->r;

	if (r == 0 && (r = rules(s, &s->why)) == 0 && warrant_has_manager(s->agent))
		r = warrant_look(s->agent, s->offer->dom.uuid, s->to, on_looked, s, &s->warrant);
	else if (r == 0)
		ask_target(s);
	if (r < 0)
		refuse(s, r, &s->why);
}

static void on_gone(void *ctx)
{
	struct src *s = ctx;

	s->call = NULL;                         /* who asked for it and left gets it all the same */
}

/* The same request once more, while the first is looked at: who asks now gets the answer. */
static int join(struct src *s, struct src *first, struct cw_why *why)
{
	if (strcmp(first->key, s->key) != 0 || strcmp(first->to, s->to) != 0)
		return cw_why_set(why, CW_E_CONFLICT, s->id, "id", "is that of another migration");
	if (first->call) {
		cw_rpc_on_gone(first->call, NULL, NULL);
		cw_rpc_fail(first->call, CW_E_CANCELLED, NULL);
	}
	first->call = cw_steal(&s->call);
	cw_rpc_on_gone(first->call, on_gone, first);
	src_end(s);
	return 0;
}

/* 1: the migration that S asks for is there already, and S is over. */
static int asked_before(struct src *s, struct cw_why *why)
{
	const struct job *j = s->id[0] ? jobs_find(s->agent->jobs, s->id) : NULL;
	struct src *o = s->agent->srcs;
	int r;

	if (j && (j->role != JOB_SOURCE || strcmp(j->to, s->to) != 0 || (strcmp(j->vm, s->key) != 0 && strcmp(j->uuid, s->key) != 0)))
		return cw_why_set(why, CW_E_CONFLICT, s->id, "id", "is that of another migration");
	if (j) {
		cw_rpc_on_gone(s->call, NULL, NULL);
		cw_rpc_reply(cw_steal(&s->call), job_body(j));
		src_end(s);
		return 1;
	}
	while (o && (o == s || o->job || o->stopping || !s->id[0] || strcmp(o->id, s->id) != 0))
		o = o->next;
	return !o ? 0 : (r = join(s, o, why)) < 0 ? r : 1;
}

void src_create(struct agent *a, struct cw_rpc_call *call, const struct cw_json *request, bool dry_run)
{
	struct cw_why why = { 0 };
	struct src *s = NULL;
	int r = src_new(a, &s);

	if (r < 0) {
		cw_rpc_fail(call, r, NULL);
		return;
	}
	s->call = call;
	cw_rpc_on_gone(call, on_gone, s);
	s->offer = calloc(1, sizeof *s->offer);
	r = s->offer ? take_args(s, request, &why) : -ENOMEM;
	s->dry_run = s->dry_run || dry_run;
	if (r == 0 && !s->dry_run && (r = asked_before(s, &why)) > 0)
		return;
	if (r == 0)
		r = work_post(s->work, look_run, look_done, s);
	if (r < 0)
		refuse(s, r, &why);
}
