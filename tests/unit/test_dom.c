/* SPDX-License-Identifier: Apache-2.0 */
/* test_dom.c - what a VM's XML says, and how it is written for the other site. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "migrate/dom.h"
#include "tests/lib/mig_data.h"

static const struct dom_target target = {
	.files = { "/srv/pool/web1.qcow2" }, .bridges = { "br-cloud" }, .emulator = "/usr/bin/kvm", .log_dir = "/var/log/libvirt/qemu",
};

static void a_recorded_domain_is_read(void **state)
{
	char *xml = mig_text("domain.xml");
	struct cw_why why = { 0 };
	struct dom d;

	(void)state;
	assert_int_equal(dom_read(xml, &d, &why), 0);
	assert_string_equal(d.name, "web1");
	assert_string_equal(d.uuid, MIG_UUID);
	assert_string_equal(d.kernel, "/srv/guest/vmlinux");
	assert_string_equal(d.initrd, "/srv/guest/initrd");
	assert_int_equal(d.n_disks, 1);
	assert_string_equal(d.disks[0].target, "vda");
	assert_string_equal(d.disks[0].format, "qcow2");
	assert_string_equal(d.disks[0].file, "/var/lib/libvirt/images/web1.qcow2");
	assert_int_equal(d.n_nics, 1);
	assert_string_equal(d.nics[0].mac, "52:54:00:10:01:50");
	assert_string_equal(d.nics[0].bridge, "br-web");
	free(xml);
}

static void it_is_written_with_our_paths_and_stays_the_same_machine(void **state)
{
	static const char *const there[] = {
		"<emulator>/usr/bin/kvm</emulator>", "<source file=\"/srv/pool/web1.qcow2\"/>", "<source bridge=\"br-cloud\"/>",
		"<source path=\"/var/log/libvirt/qemu/web1-console.log\"/>", "<mac address=\"52:54:00:10:01:50\"/>",
		"<address type=\"pci\" domain=\"0x0000\" bus=\"0x02\" slot=\"0x00\" function=\"0x0\"/>", MIG_UUID,
		"<type arch=\"x86_64\" machine=\"pc-q35-7.2\">hvm</type>", "<controller type=\"usb\" index=\"0\" model=\"none\"/>",
	};
	char *xml = mig_text("domain.xml"), *named = mig_replace(xml, "/var/log/libvirt/web1-console", "/tmp/evil/web1-console");
	char *once = NULL, *twice = NULL;
	struct cw_why why = { 0 };

	(void)state;
	assert_int_equal(dom_build(named, &target, &why, &once), 0);
	for (size_t i = 0; i < CW_COUNT(there); i++)
		if (!strstr(once, there[i]))
			fail_msg("not there: %s in %s", there[i], once);
	assert_null(strstr(once, "backingStore"));
	assert_null(strstr(once, "evil"));
	assert_int_equal(dom_build(once, &target, &why, &twice), 0);
	assert_string_equal(once, twice);
	free(xml);
	free(named);
	free(once);
	free(twice);
}

static void small_differences(void **state)
{
	static const struct {
		const char *from, *to, *there, *gone;
	} rows[] = {
		{ "web1-console.log'/>\n      <target type='isa", "other.log'/>\n      <target type='isa", "web1-serial0.log", "other.log" },
		{ "<serial type='file'>\n      <source path='/var/log/libvirt/web1-console.log'/>", "<serial type='pty'>\n      <source path='/dev/pts/4'/>", "<serial type=\"pty\">", "/dev/pts" },
		{ "</devices>", "<channel type='unix'><source mode='bind' path='/x/y'/><target type='virtio' name='org.qemu.guest_agent.0'/></channel></devices>", NULL, NULL },
		{ "</devices>", "<channel type='unix'><source path='/x/y'/><target type='virtio' name='org.qemu.guest_agent.0'/></channel></devices>", "guest_agent", "/x/y" },
		{ "</devices>", "<graphics type='vnc' port='5900' autoport='yes' listen='0.0.0.0' passwd='s'><listen type='address' address='0.0.0.0'/></graphics></devices>", "<graphics type=\"vnc\" autoport=\"yes\"/>", "0.0.0.0" },
		{ "</devices>", "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/><readonly/></disk></devices>", "cdrom", NULL },
		{ "</devices>", "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng></devices>", "/dev/urandom", NULL },
		{ "<features>", "<metadata><x:y xmlns:x='u'>secret</x:y></metadata><features>", "features", "secret" },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		char *xml = mig_text("domain.xml"), *changed = mig_replace(xml, rows[i].from, rows[i].to), *out = NULL;
		struct cw_why why = { 0 };
		int r = dom_build(changed, &target, &why, &out);

		if (!rows[i].there)
			assert_true(r < 0);
		else if (r < 0 || !strstr(out, rows[i].there) || (rows[i].gone && strstr(out, rows[i].gone)))
			fail_msg("row %zu: %d %s %s", i, r, why.field, out ? out : "");
		free(xml);
		free(changed);
		free(out);
	}
}

static void no_emulator_leaves_it_to_libvirt(void **state)
{
	struct dom_target t = target;
	char *xml = mig_text("domain.xml"), *out = NULL;
	struct cw_why why = { 0 };

	(void)state;
	t.emulator = "";
	assert_int_equal(dom_build(xml, &t, &why, &out), 0);
	assert_null(strstr(out, "emulator"));
	free(xml);
	free(out);
}

static void what_cannot_be_moved_is_named(void **state)
{
	static const struct {
		const char *from, *to, *field;
		bool at_read;
	} rows[] = {
		{ "<disk type='file' device='disk'>", "<disk type='block' device='disk'>", "disk vda", true },
		{ "<disk type='file' device='disk'>", "<disk type='network' device='disk'>", "disk vda", true },
		{ "type='qcow2'", "type='vmdk'", "disk vda", true },
		{ "<backingStore/>", "<backingStore type='file'><format type='raw'/><source file='/base'/></backingStore>", "disk vda", true },
		{ "device='disk'", "device='cdrom'", "disk vda", true },
		{ "file='/var/lib", "file='var/lib", "disk vda", true },
		{ "<interface type='bridge'>", "<interface type='direct'>", "network 52:54:00:10:01:50", true },
		{ "<interface type='bridge'>", "<interface type='user'>", "network 52:54:00:10:01:50", true },
		{ "<source bridge='br-web'/>", "", "network 52:54:00:10:01:50", true },
		{ "<name>web1</name>", "<name>../web1</name>", "name", true },
		{ "<name>web1</name>", "<name>.web1</name>", "name", true },
		{ "<name>web1</name>", "<name/>", "name", true },
		{ MIG_UUID, "659A7FB2-af47-4fae-888d-711213d91dc1", "uuid", true },
		{ MIG_UUID, "659a7fb2", "uuid", true },
		{ "</devices>", "<hostdev mode='subsystem' type='pci'/></devices>", "domain/devices/hostdev", false },
		{ "</devices>", "<filesystem type='mount'/></devices>", "domain/devices/filesystem", false },
		{ "</devices>", "<tpm model='tpm-tis'/></devices>", "domain/devices/tpm", false },
		{ "</devices>", "<shmem name='x'/></devices>", "domain/devices/shmem", false },
		{ "</os>", "<loader>/x</loader></os>", "domain/os/loader", false },
		{ "</os>", "<nvram>/x</nvram></os>", "domain/os/nvram", false },
		{ "</os>", "<dtb>/etc/shadow</dtb></os>", "domain/os/dtb", false },
		{ "</os>", "<kernel>/etc/shadow</kernel></os>", "domain/os/kernel", false },
		{ "</domain>", "<commandline xmlns='http://libvirt.org/schemas/domain/qemu/1.0'><arg value='-x'/></commandline></domain>", "domain/commandline", false },
		{ "<source file=", "<source file='/x'/><source file=", "domain/devices/disk/source", false },
		{ "<source bridge=", "<source bridge='br0'/><source bridge=", "domain/devices/interface/source", false },
		{ "<source file='", "<source startupPolicy='optional' file='", "domain/devices/disk/source/@startupPolicy", false },
		{ "</devices>", "<emulator>/bin/sh</emulator></devices>", "domain/devices/emulator", false },
		{ "</devices>", "<rng model='virtio'><backend model='random'>/etc/shadow</backend></rng></devices>", "rng", false },
		{ "</devices>", "<rng model='virtio'><backend model='egd' type='tcp'/></rng></devices>", "domain/devices/rng/backend/@type", false },
		{ "<serial type='file'>", "<serial type='tcp'>", "serial", false },
		{ "<serial type='file'>", "<serial type='dev'>", "serial", false },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		char *xml = mig_text("domain.xml"), *bad = mig_replace(xml, rows[i].from, rows[i].to), *out = NULL;
		struct cw_why why = { 0 };
		struct dom d;

		if ((dom_read(bad, &d, NULL) < 0) != rows[i].at_read)
			fail_msg("reading: %s", rows[i].to);
		if (dom_build(bad, &target, &why, &out) >= 0)
			fail_msg("accepted: %s", rows[i].to);
		assert_string_equal(why.field, rows[i].field);
		assert_true(strlen(why.rule) > 0);
		assert_null(out);
		free(xml);
		free(bad);
	}
}

static void every_prefix_fails(void **state)
{
	char *xml = mig_text("domain.xml");
	size_t size = strlen(xml);

	(void)state;
	for (size_t n = 0; n + 2 < size; n += 3) {
		char *cut = strndup(xml, n), *out = NULL;

		assert_true(dom_build(cut, &target, NULL, &out) < 0);
		free(cut);
	}
	free(xml);
}

static void names(void **state)
{
	static const struct {
		const char *name;
		bool ok;
	} rows[] = {
		{ "a", true }, { "web-1.qcow2", true }, { "a@3", true }, { "", false }, { ".", false }, { "..", false }, { ".a", false },
		{ "-a", false }, { "a/b", false }, { "a b", false }, { "a\nb", false }, { "a,b", false }, { "\xc3\xa4", false },
		{ "1234567", true }, { "12345678", false },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++)
		if (dom_name_ok(rows[i].name, rows[i].name[0] == 'w' ? 64 : 8) != rows[i].ok)
			fail_msg("'%s'", rows[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_recorded_domain_is_read),
		cmocka_unit_test(it_is_written_with_our_paths_and_stays_the_same_machine),
		cmocka_unit_test(small_differences),
		cmocka_unit_test(no_emulator_leaves_it_to_libvirt),
		cmocka_unit_test(what_cannot_be_moved_is_named),
		cmocka_unit_test(every_prefix_fails),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
