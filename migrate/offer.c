/* SPDX-License-Identifier: Apache-2.0 */
/* offer.c - the offer on the wire, and the target's checks. */
#include "migrate/offer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interconnect/base/nl.h"

static const char log_dir[] = "/var/log/libvirt/qemu";

static struct cw_json *owner_json(const struct offer *o)
{
	struct cw_json *j = own_to_json(&o->record);

	if (o->signature[0]) {
		cw_json_set_str(j, "signer", o->signer);
		cw_json_set_str(j, "signature", o->signature);
	}
	return j;
}

struct cw_json *offer_to_json(const struct offer *o)
{
	struct cw_json *j = cw_json_object(), *disks = cw_json_array(), *networks = cw_json_array();

	for (size_t i = 0; i < o->dom.n_disks; i++) {
		struct cw_json *d = cw_json_object();

		cw_json_set_str(d, "target", o->dom.disks[i].target);
		cw_json_set_str(d, "pool", o->disks[i].pool);
		cw_json_set_int(d, "capacity_bytes", (int64_t)o->disks[i].capacity_bytes);
		cw_json_set_int(d, "allocation_bytes", (int64_t)o->disks[i].allocation_bytes);
		cw_json_add(disks, d);
	}
	for (size_t i = 0; i < o->dom.n_nics; i++) {
		struct cw_json *n = cw_json_object();

		cw_json_set_str(n, "mac", o->dom.nics[i].mac);
		cw_json_set_str(n, "bridge", o->bridges[i]);
		cw_json_add(networks, n);
	}
	cw_json_set_str(j, "host", o->host);
	cw_json_set_str(j, "xml", o->xml);
	cw_json_set(j, "disks", disks);
	cw_json_set(j, "networks", networks);
	cw_json_set_str(j, "kernel_sha256", o->kernel_sha256);
	cw_json_set_str(j, "initrd_sha256", o->initrd_sha256);
	cw_json_set(j, "owner", owner_json(o));
	return j;
}

static bool put(char *out, size_t size, const char *text)
{
	return snprintf(out, size, "%s", text) < (int)size;
}

static int disks_parse(const struct cw_json *list, struct offer *o)
{
	if (cw_json_len(list) != o->dom.n_disks)
		return CW_E_MALFORMED;
	for (size_t i = 0; i < o->dom.n_disks; i++) {
		const struct cw_json *d = cw_json_at(list, i);
		int64_t capacity = cw_json_get_int(d, "capacity_bytes", 0),
			allocation = cw_json_get_int(d, "allocation_bytes", -1);

		if (strcmp(cw_json_get_str(d, "target", ""), o->dom.disks[i].target) != 0 || capacity <= 0 ||
		    allocation < 0 ||
		    !put(o->disks[i].pool, sizeof o->disks[i].pool, cw_json_get_str(d, "pool", "")))
			return CW_E_MALFORMED;
		o->disks[i].capacity_bytes = (uint64_t)capacity;
		o->disks[i].allocation_bytes = (uint64_t)allocation;
	}
	return 0;
}

static int networks_parse(const struct cw_json *list, struct offer *o)
{
	if (cw_json_len(list) != o->dom.n_nics)
		return CW_E_MALFORMED;
	for (size_t i = 0; i < o->dom.n_nics; i++) {
		const char *bridge = cw_json_get_str(cw_json_at(list, i), "bridge", "");

		if (!dom_name_ok(bridge, sizeof o->bridges[i]) || !put(o->bridges[i], sizeof o->bridges[i], bridge))
			return CW_E_MALFORMED;
	}
	return 0;
}

static int parse(const struct cw_json *j, const char *from, struct offer *o, struct cw_why *why)
{
	const struct cw_json *owner = cw_json_get(j, "owner");
	int r;

	if (!put(o->from, sizeof o->from, from) || !put(o->host, sizeof o->host, cw_json_get_str(j, "host", "")) ||
	    !put(o->kernel_sha256, sizeof o->kernel_sha256, cw_json_get_str(j, "kernel_sha256", "")) ||
	    !put(o->initrd_sha256, sizeof o->initrd_sha256, cw_json_get_str(j, "initrd_sha256", "")) ||
	    !put(o->signer, sizeof o->signer, cw_json_get_str(owner, "signer", "")) ||
	    !put(o->signature, sizeof o->signature, cw_json_get_str(owner, "signature", "")))
		return CW_E_MALFORMED;
	o->xml = strdup(cw_json_get_str(j, "xml", ""));
	if (!o->xml)
		return -ENOMEM;
	if ((r = dom_read(o->xml, &o->dom, why)) < 0)
		return r;
	if ((r = disks_parse(cw_json_get(j, "disks"), o)) < 0 ||
	    (r = networks_parse(cw_json_get(j, "networks"), o)) < 0 ||
	    (r = own_from_json(owner, o->dom.uuid, &o->record)) < 0)
		return cw_why_set(why, r, NULL, "offer", "does not fit the XML that it carries");
	return 0;
}

int offer_from_json(const struct cw_json *j, const char *from, struct offer **ret_offer, struct cw_why *why)
{
	struct offer *o = calloc(1, sizeof *o);
	int r = o ? parse(j, from, o, why) : -ENOMEM;

	if (r < 0) {
		offer_free(o);
		return r;
	}
	*ret_offer = o;
	return 0;
}

void offer_free(struct offer *o)
{
	if (!o)
		return;
	free(o->xml);
	free(o);
}

static int place_disk(const struct agent_conf *c, const struct offer *o, size_t i, char out[DOM_PATH_TEXT],
		      struct cw_why *why)
{
	const struct agent_conf_pool *pool = agent_conf_pool(c, o->disks[i].pool);
	const char *base = strrchr(o->dom.disks[i].file, '/') + 1;
	char field[48];

	snprintf(field, sizeof field, "disk %.32s", o->dom.disks[i].target);
	if (!pool)
		return cw_why_set(why, CW_E_BLOCKED, NULL, "pool", "site %s has no pool '%.63s'", c->site,
				  o->disks[i].pool);
	if (!dom_name_ok(base, 200))
		return cw_why_set(why, CW_E_BLOCKED, NULL, field, "the name of its file is too long or odd");
	if (snprintf(out, DOM_PATH_TEXT, "%s/%s", pool->path, base) >= DOM_PATH_TEXT)
		return cw_why_set(why, CW_E_BLOCKED, NULL, field, "its path at the target would be too long");
	return 0;
}

int offer_place(const struct agent_conf *c, const struct offer *o, struct dom_target *ret_target, struct cw_why *why)
{
	struct dom_target *t = ret_target;
	int r;

	*t = (struct dom_target){ .emulator = c->emulator, .log_dir = log_dir };
	for (size_t i = 0; i < o->dom.n_disks; i++) {
		if ((r = place_disk(c, o, i, t->files[i], why)) < 0)
			return r;
		for (size_t k = 0; k < i; k++)
			if (strcmp(t->files[k], t->files[i]) == 0)
				return cw_why_set(why, CW_E_BLOCKED, NULL, "disk",
						  "two disks would be the same file %.200s",
						  t->files[i]);
	}
	for (size_t i = 0; i < o->dom.n_nics; i++)
		if (!put(t->bridges[i], sizeof t->bridges[i], o->bridges[i]))
			return CW_E_LIMIT;
	return 0;
}

static int check_host(const struct agent_conf *c, struct virt *v, const struct offer *o, struct cw_why *why)
{
	(void)v;
	if (!o->host[0] || strcmp(o->host, c->host) == 0)
		return 0;
	return cw_why_set(why, CW_E_BLOCKED, NULL, "to", "site %s has no host '%.63s'", c->site, o->host);
}

static int check_vm(const struct agent_conf *c, struct virt *v, const struct offer *o, struct cw_why *why)
{
	struct virt_state s;
	struct virt_vm vm;
	int r;

	if ((r = virt_state(v, o->dom.uuid, &s)) < 0)
		return cw_why_set(why, r, NULL, "libvirt", "of site %s does not answer", c->site);
	if (s.power != VIRT_NONE)
		return cw_why_set(why, CW_E_BLOCKED, NULL, "uuid", "site %s has a VM of this UUID already", c->site);
	r = virt_find(v, o->dom.name, &vm);
	if (r == CW_E_NOT_FOUND)
		return 0;
	if (r == 0) {
		virt_vm_fini(&vm);
		r = cw_why_set(why, CW_E_BLOCKED, NULL, "name", "site %s has another VM of this name already", c->site);
	}
	return r;
}

static int check_networks(const struct agent_conf *c, struct virt *v, const struct offer *o, struct cw_why *why)
{
	(void)v;
	for (size_t i = 0; i < o->dom.n_nics; i++) {
		const struct agent_conf_network *n = agent_conf_network(c, o->bridges[i]);

		if (!n || !agent_conf_extended(n, o->from))
			return cw_why_set(why, CW_E_BLOCKED, NULL, "network",
					  "bridge %s of site %s is not extended to site %s",
					  o->bridges[i], c->site, o->from);
		if (!cw_nl_is_bridge(o->bridges[i]))
			return cw_why_set(why, CW_E_BLOCKED, NULL, "network", "host %s has no bridge %s", c->host,
					  o->bridges[i]);
	}
	return 0;
}

static int check_space(const struct agent_conf *c, const struct offer *o, const struct agent_conf_pool *pool,
		       struct cw_why *why)
{
	uint64_t need = 0, have;
	int r;

	for (size_t i = 0; i < o->dom.n_disks; i++)
		if (strcmp(o->disks[i].pool, pool->name) == 0 &&
		    __builtin_add_overflow(need, o->disks[i].capacity_bytes, &need))
			need = UINT64_MAX;
	if ((r = disk_space(pool->path, &have)) < 0)
		return cw_why_set(why, CW_E_BLOCKED, NULL, "pool", "pool '%s' of site %s cannot be used", pool->name,
				  c->site);
	if (need <= have)
		return 0;
	return cw_why_set(why, CW_E_BLOCKED, NULL, "pool",
			  "pool '%s' of site %s has %llu bytes free, the disks need %llu",
			  pool->name, c->site, (unsigned long long)have, (unsigned long long)need);
}

static int check_disks(const struct agent_conf *c, struct virt *v, const struct offer *o, struct cw_why *why)
{
	const struct agent_conf_pool *pools = c->pools.items;
	CW_AUTO(cw_free_cleanup) struct dom_target *t = malloc(sizeof *t);
	int r;

	(void)v;
	if (!t)
		return -ENOMEM;
	if ((r = offer_place(c, o, t, why)) < 0)
		return r;
	for (size_t i = 0; i < o->dom.n_disks; i++)
		if (access(t->files[i], F_OK) == 0)
			return cw_why_set(why, CW_E_BLOCKED, NULL, "disk", "site %s has a file %.200s already", c->site,
					  t->files[i]);
	for (size_t i = 0; i < c->pools.n; i++)
		if ((r = check_space(c, o, &pools[i], why)) < 0)
			return r;
	return 0;
}

/* A kernel is a file of the host that the guest gets to see: it must be one that the source knows already. */
static int check_boot(const struct agent_conf *c, struct virt *v, const struct offer *o, struct cw_why *why)
{
	const struct {
		const char *field, *path, *hash;
	} rows[] = {
		{ "kernel", o->dom.kernel, o->kernel_sha256 }, { "initrd", o->dom.initrd, o->initrd_sha256 },
	};
	char hash[DISK_HASH_TEXT];

	(void)v;
	for (size_t i = 0; i < CW_COUNT(rows); i++)
		if (rows[i].path[0] && (disk_file_hash(rows[i].path, hash) < 0 || strcmp(hash, rows[i].hash) != 0))
			return cw_why_set(why, CW_E_BLOCKED, NULL, rows[i].field,
					  "host %s of site %s has not the same file %.200s",
					  c->host, c->site, rows[i].path);
	return 0;
}

static int check_machine(const struct agent_conf *c, struct virt *v, const struct offer *o, struct cw_why *why)
{
	CW_AUTO(cw_free_cleanup) struct dom_target *t = malloc(sizeof *t);
	CW_AUTO(cw_free_cleanup) char *xml = NULL;
	int r;

	(void)v;
	if (!t)
		return -ENOMEM;
	if ((r = offer_place(c, o, t, why)) < 0)
		return r;
	return dom_build(o->xml, t, why, &xml);
}

int offer_check(const struct agent_conf *c, struct virt *v, const struct offer *o, struct cw_why *why)
{
	static int (*const checks[])(const struct agent_conf *c, struct virt *v, const struct offer *o,
				     struct cw_why *why) = {
		check_host, check_vm, check_networks, check_disks, check_boot, check_machine,
	};
	char object[128];
	int r;

	snprintf(object, sizeof object, "vm %s", o->dom.name);
	for (size_t i = 0; i < CW_COUNT(checks); i++)
		if ((r = checks[i](c, v, o, why)) < 0) {
			if (why && !why->object[0])
				put(why->object, sizeof why->object, object);
			return r;
		}
	return 0;
}
