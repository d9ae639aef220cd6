/* SPDX-License-Identifier: Apache-2.0 */
/* test_offer.c - what a source says of its VM, believed by nobody: the offer on the wire and the target's checks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/stat.h>

#include "interconnect/base/nl.h"
#include "migrate/offer.h"
#include "tests/lib/mig_data.h"
#include "tests/lib/tmp_dir.h"

/* ---- a libvirt that knows two VMs, and a host with one bridge: these stand in front of the archives ---- */

static bool libvirt_down, has_uuid, has_name;

int virt_state(struct virt *v, const char *uuid, struct virt_state *ret_state)
{
	(void)v;
	(void)uuid;
	*ret_state = (struct virt_state){ .power = has_uuid ? VIRT_OFF : VIRT_NONE };
	return libvirt_down ? CW_E_UNREACHABLE : 0;
}

int virt_find(struct virt *v, const char *key, struct virt_vm *ret_vm)
{
	(void)v;
	(void)key;
	*ret_vm = (struct virt_vm){ 0 };
	return has_name ? 0 : CW_E_NOT_FOUND;
}

void virt_vm_fini(struct virt_vm *vm)
{
	(void)vm;
}

bool cw_nl_is_bridge(const char *name)
{
	return strcmp(name, "br-web") == 0;
}

/* ---- */

struct place {
	struct tmp_dir dir;
	struct agent_conf conf;
	struct offer *offer;
	char kernel[TMP_PATH];
};

static struct offer *make_offer(const char *kernel)
{
	struct offer *o = calloc(1, sizeof *o);
	char *text = mig_text("domain.xml"), *one = mig_replace(text, "/srv/guest/vmlinux", kernel);
	struct own first;

	o->xml = mig_replace(one, "/srv/guest/initrd", kernel);
	snprintf(o->from, sizeof o->from, "onprem");
	assert_int_equal(dom_read(o->xml, &o->dom, NULL), 0);
	snprintf(o->disks[0].pool, sizeof o->disks[0].pool, "default");
	o->disks[0].capacity_bytes = 1 << 20;
	o->disks[0].allocation_bytes = 4096;
	snprintf(o->bridges[0], sizeof o->bridges[0], "br-web");
	assert_int_equal(disk_file_hash(kernel, o->kernel_sha256), 0);
	assert_int_equal(disk_file_hash(kernel, o->initrd_sha256), 0);
	assert_int_equal(own_first(MIG_UUID, "onprem", &first), 0);
	assert_int_equal(own_next(&first, OWN_PREPARED, "onprem", &o->record), 0);
	free(text);
	free(one);
	return o;
}

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof *p);
	char text[1000];
	FILE *f;

	libvirt_down = has_uuid = has_name = false;
	p->dir = tmp_dir_make();
	snprintf(p->kernel, sizeof p->kernel, "%s", tmp_dir_file(&p->dir, "vmlinux"));
	f = fopen(p->kernel, "w");
	fputs("kernel", f);
	fclose(f);
	snprintf(text, sizeof text, "site: cloud\nhost: cloud-kvm\nlisten: tcp:192.0.2.2:7000\npools: [{name: default, path: %s}]\n"
		 "networks: [{bridge: br-web, extended_to: [onprem]}, {bridge: br-gone, extended_to: [onprem]}, {bridge: br-lan}]\n",
		 p->dir.path);
	assert_int_equal(agent_conf_parse("agent.yaml", text, &p->conf, NULL), 0);
	p->offer = make_offer(p->kernel);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	offer_free(p->offer);
	agent_conf_free(&p->conf);
	tmp_dir_remove(&p->dir);
	free(p);
	return 0;
}

static void json_round_trip(void **state)
{
	struct place *p = *state;
	struct cw_json *j = offer_to_json(p->offer);
	struct offer *o = NULL;
	struct cw_why why = { 0 };

	assert_int_equal(offer_from_json(j, "onprem", &o, &why), 0);
	assert_string_equal(o->xml, p->offer->xml);
	assert_memory_equal(&o->dom, &p->offer->dom, sizeof o->dom);
	assert_memory_equal(&o->disks, &p->offer->disks, sizeof o->disks);
	assert_memory_equal(&o->bridges, &p->offer->bridges, sizeof o->bridges);
	assert_memory_equal(&o->record, &p->offer->record, sizeof o->record);
	assert_string_equal(o->kernel_sha256, p->offer->kernel_sha256);
	offer_free(o);
	cw_json_free(j);
}

static void an_offer_that_contradicts_itself_is_malformed(void **state)
{
	static const struct {
		const char *list, *key, *value;
	} rows[] = {
		{ NULL, "xml", "<domain" }, { NULL, "xml", "" }, { NULL, "disks", NULL }, { NULL, "networks", NULL },
		{ NULL, "owner", NULL }, { "disks", "target", "vdb" }, { "disks", "capacity_bytes", NULL },
		{ "networks", "bridge", "../x" }, { "networks", "bridge", "a-bridge-with-a-name-that-is-far-too-long" },
	};
	struct place *p = *state;

	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct cw_json *j = offer_to_json(p->offer), *at = j;
		struct offer *o = NULL;

		if (rows[i].list)
			at = cw_json_at(cw_json_get(j, rows[i].list), 0);
		cw_json_set(at, rows[i].key, rows[i].value ? cw_json_string(rows[i].value) : cw_json_null());
		if (offer_from_json(j, "onprem", &o, NULL) >= 0)
			fail_msg("row %zu", i);
		assert_null(o);
		cw_json_free(j);
	}
	assert_true(offer_from_json(NULL, "onprem", &p->offer, NULL) < 0);
}

static void a_good_offer_is_taken(void **state)
{
	struct place *p = *state;
	struct dom_target *t = calloc(1, sizeof *t);
	struct cw_why why = { 0 };

	if (offer_check(&p->conf, NULL, p->offer, &why) != 0)
		fail_msg("%s: %s", why.field, why.rule);
	assert_int_equal(offer_place(&p->conf, p->offer, t, &why), 0);
	assert_string_equal(t->files[0], tmp_dir_file(&p->dir, "web1.qcow2"));
	assert_string_equal(t->bridges[0], "br-web");
	free(t);
}

static void set_host(struct place *p) { snprintf(p->offer->host, sizeof p->offer->host, "other"); }
static void set_uuid(struct place *p) { (void)p; has_uuid = true; }
static void set_name(struct place *p) { (void)p; has_name = true; }
static void set_down(struct place *p) { (void)p; libvirt_down = true; }
static void set_pool(struct place *p) { snprintf(p->offer->disks[0].pool, sizeof p->offer->disks[0].pool, "gold"); }
static void set_huge(struct place *p) { p->offer->disks[0].capacity_bytes = 1ULL << 60; }
static void set_lan(struct place *p) { snprintf(p->offer->bridges[0], 16, "br-lan"); }
static void set_gone(struct place *p) { snprintf(p->offer->bridges[0], 16, "br-gone"); }
static void set_unknown(struct place *p) { snprintf(p->offer->bridges[0], 16, "br-x"); }
static void set_site(struct place *p) { snprintf(p->offer->from, sizeof p->offer->from, "moon"); }
static void set_kernel(struct place *p) { p->offer->kernel_sha256[0] ^= 1; }
static void set_initrd(struct place *p) { p->offer->initrd_sha256[0] = '\0'; }
static void set_file(struct place *p) { fclose(fopen(tmp_dir_file(&p->dir, "web1.qcow2"), "w")); }
static void set_hidden(struct place *p) { snprintf(p->offer->dom.disks[0].file, 32, "/srv/.hidden"); }
static void set_device(struct place *p)
{
	char *old = p->offer->xml;

	p->offer->xml = mig_replace(old, "</devices>", "<tpm/></devices>");
	free(old);
}

static void what_cannot_come_here_is_named(void **state)
{
	static const struct {
		void (*set)(struct place *p);
		const char *field;
		int r;
	} rows[] = {
		{ set_host, "to", CW_E_BLOCKED }, { set_uuid, "uuid", CW_E_BLOCKED }, { set_name, "name", CW_E_BLOCKED },
		{ set_down, "libvirt", CW_E_UNREACHABLE }, { set_pool, "pool", CW_E_BLOCKED }, { set_huge, "pool", CW_E_BLOCKED },
		{ set_lan, "network", CW_E_BLOCKED }, { set_gone, "network", CW_E_BLOCKED }, { set_unknown, "network", CW_E_BLOCKED },
		{ set_site, "network", CW_E_BLOCKED }, { set_kernel, "kernel", CW_E_BLOCKED }, { set_initrd, "initrd", CW_E_BLOCKED },
		{ set_file, "disk", CW_E_BLOCKED }, { set_hidden, "disk vda", CW_E_BLOCKED },
		{ set_device, "domain/devices/tpm", CW_E_UNSUPPORTED },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct cw_why why = { 0 };
		void *own = NULL;
		struct place *p;
		int r;

		set_up(&own);
		p = own;
		rows[i].set(p);
		r = offer_check(&p->conf, NULL, p->offer, &why);
		if (r != rows[i].r || strcmp(why.field, rows[i].field) != 0)
			fail_msg("row %zu: %d %s: %s", i, r, why.field, why.rule);
		assert_string_equal(why.object, "vm web1");
		assert_true(strlen(why.rule) > 0);
		tear_down(&own);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(json_round_trip),
		TEST(an_offer_that_contradicts_itself_is_malformed),
		TEST(a_good_offer_is_taken),
		TEST(what_cannot_come_here_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
