/* SPDX-License-Identifier: Apache-2.0 */
/* dom.c - reading a VM's XML and writing it for the other site. */
#include "migrate/dom.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

bool dom_name_ok(const char *name, size_t max)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+@");

	return n > 0 && n < max && name[n] == '\0' && name[0] != '.' && name[0] != '-';
}

bool dom_uuid_ok(const char *uuid)
{
	static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	for (size_t i = 0; i < sizeof shape; i++) {
		bool hex = (uuid[i] >= '0' && uuid[i] <= '9') || (uuid[i] >= 'a' && uuid[i] <= 'f');

		if (shape[i] == 'x' ? !hex : uuid[i] != shape[i])
			return false;
	}
	return true;
}

/* Copies TEXT to OUT of SIZE bytes; false when it does not fit. */
static bool put(char *out, size_t size, const char *text)
{
	return snprintf(out, size, "%s", text) < (int)size;
}

static int read_disk(const struct xml_node *n, struct dom *d, struct cw_why *why)
{
	const struct xml_node *source = xml_first(n, "source"), *backing = xml_first(n, "backingStore");
	const char *target = xml_attr(xml_first(n, "target"), "dev", "");
	const char *device = xml_attr(n, "device", "disk"), *file = xml_attr(source, "file", "");
	struct dom_disk *k = &d->disks[d->n_disks];
	char field[48];

	snprintf(field, sizeof field, "disk %.32s", target);
	if (strcmp(device, "disk") != 0 && !source)
		return 0;                       /* an empty drive */
	if (strcmp(device, "disk") != 0)
		return cw_why_set(why, CW_E_BLOCKED, NULL, field, "has a medium in it: eject it first");
	if (strcmp(xml_attr(n, "type", ""), "file") != 0 || file[0] != '/')
		return cw_why_set(why, CW_E_BLOCKED, NULL, field, "is not a file: only file-backed disks can be moved");
	if (xml_first(backing, "source"))
		return cw_why_set(why, CW_E_BLOCKED, NULL, field, "has a backing file: flatten it first");
	if (d->n_disks == DOM_DISKS_MAX)
		return cw_why_set(why, CW_E_BLOCKED, NULL, field, "is one of more than %d disks", DOM_DISKS_MAX);
	if (!put(k->format, sizeof k->format, xml_attr(xml_first(n, "driver"), "type", "raw")) ||
	    (strcmp(k->format, "raw") != 0 && strcmp(k->format, "qcow2") != 0))
		return cw_why_set(why, CW_E_BLOCKED, NULL, field, "is neither raw nor qcow2");
	if (!dom_name_ok(target, sizeof k->target) || !put(k->target, sizeof k->target, target) ||
	    !put(k->file, sizeof k->file, file))
		return cw_why_set(why, CW_E_BLOCKED, NULL, field, "has a name that is too long or odd");
	d->n_disks++;
	return 0;
}

static int read_nic(const struct xml_node *n, struct dom *d, struct cw_why *why)
{
	const char *mac = xml_attr(xml_first(n, "mac"), "address", ""), *bridge;
	struct dom_nic *k = &d->nics[d->n_nics];
	char field[48];

	snprintf(field, sizeof field, "network %.17s", mac);
	bridge = xml_attr(xml_first(n, "source"), "bridge", "");
	if (strcmp(xml_attr(n, "type", ""), "bridge") != 0 || !bridge[0])
		return cw_why_set(why, CW_E_BLOCKED, NULL, field,
				  "is not on a bridge: only bridged cards keep their network");
	if (d->n_nics == DOM_NICS_MAX)
		return cw_why_set(why, CW_E_BLOCKED, NULL, field, "is one of more than %d cards", DOM_NICS_MAX);
	if (!put(k->mac, sizeof k->mac, mac) || !dom_name_ok(bridge, sizeof k->bridge) ||
	    !put(k->bridge, sizeof k->bridge, bridge))
		return cw_why_set(why, CW_E_BLOCKED, NULL, field, "has an odd address or bridge");
	d->n_nics++;
	return 0;
}

static int read_devices(const struct xml_node *root, struct dom *d, struct cw_why *why)
{
	static const struct {
		const char *name;
		int (*read)(const struct xml_node *n, struct dom *d, struct cw_why *why);
	} rows[] = { { "disk", read_disk }, { "interface", read_nic } };
	const struct xml_node *devices = xml_first(root, "devices"), *n;
	int r = 0;

	for (size_t i = 0; i < CW_COUNT(rows); i++)
		for (n = xml_first(devices, rows[i].name); n && r == 0; n = xml_next(n, rows[i].name))
			r = rows[i].read(n, d, why);
	return r;
}

int dom_read(const char *xml, struct dom *ret_dom, struct cw_why *why)
{
	CW_AUTO(xml_cleanup) struct xml *doc = NULL;
	struct dom d = { 0 };
	const struct xml_node *root, *os;
	int r;

	if ((r = xml_parse(xml, strlen(xml), &doc)) < 0)
		return cw_why_set(why, r, NULL, "xml", "is not well-formed XML of a sane size");
	root = xml_root(doc);
	os = xml_first(root, "os");
	if (strcmp(xml_name(root), "domain") != 0 || !dom_name_ok(xml_text(xml_first(root, "name"), ""), sizeof d.name))
		return cw_why_set(why, CW_E_BLOCKED, NULL, "name", "must be at most 63 letters, digits and . _ - + @");
	if (!dom_uuid_ok(xml_text(xml_first(root, "uuid"), "")))
		return cw_why_set(why, CW_E_BLOCKED, NULL, "uuid", "is not a UUID");
	if (!put(d.name, sizeof d.name, xml_text(xml_first(root, "name"), "")) ||
	    !put(d.uuid, sizeof d.uuid, xml_text(xml_first(root, "uuid"), "")) ||
	    !put(d.kernel, sizeof d.kernel, xml_text(xml_first(os, "kernel"), "")) ||
	    !put(d.initrd, sizeof d.initrd, xml_text(xml_first(os, "initrd"), "")))
		return cw_why_set(why, CW_E_BLOCKED, NULL, "os", "has a path that is too long");
	if ((r = read_devices(root, &d, why)) < 0)
		return r;
	*ret_dom = d;
	return 0;
}

static int build_disks(struct xml_node *devices, const struct dom_target *t)
{
	size_t i = 0;
	int r = 0;

	for (struct xml_node *n = xml_first(devices, "disk"); n && r == 0; n = xml_next(n, "disk"))
		if (xml_first(n, "source"))
			r = xml_set_attr(xml_first(n, "source"), "file", t->files[i++]);
	return r;
}

static int build_nics(struct xml_node *devices, const struct dom_target *t)
{
	size_t i = 0;
	int r = 0;

	for (struct xml_node *n = xml_first(devices, "interface"); n && r == 0; n = xml_next(n, "interface"))
		r = xml_set_attr(xml_first(n, "source"), "bridge", t->bridges[i++]);
	return r;
}

/* Where a serial port writes: a file of the same name when that begins with the VM's own name, so that no other VM's
 * log is named. */
static int log_path(char path[DOM_PATH_TEXT], const struct xml_node *n, const char *name, const struct dom_target *t)
{
	const char *from = xml_attr(xml_first(n, "source"), "path", "");
	const char *port = xml_attr(xml_first(n, "target"), "port", "0");
	const char *base = strrchr(from, '/') ? strrchr(from, '/') + 1 : from;
	size_t len = strlen(name);
	int size;

	if (strncmp(base, name, len) == 0 && base[len] == '-' && dom_name_ok(base, 128))
		size = snprintf(path, DOM_PATH_TEXT, "%s/%s", t->log_dir, base);
	else if (port[strspn(port, "0123456789")] == '\0')
		size = snprintf(path, DOM_PATH_TEXT, "%s/%s-serial%s.log", t->log_dir, name, port);
	else
		return CW_E_INVALID;
	return size < DOM_PATH_TEXT ? 0 : CW_E_INVALID;
}

static int build_chardev(struct xml_node *n, const char *name, const struct dom_target *t, struct cw_why *why)
{
	static const char *const types[] = { "pty", "file", "unix", "null", "spicevmc" };
	struct xml_node *source = xml_first(n, "source");
	const char *type = xml_attr(n, "type", "");
	char path[DOM_PATH_TEXT];
	bool known = false;

	for (size_t i = 0; i < CW_COUNT(types); i++)
		known = known || strcmp(type, types[i]) == 0;
	if (!known)
		return cw_why_set(why, CW_E_UNSUPPORTED, NULL, xml_name(n), "of type '%s' cannot be moved", type);
	if (strcmp(type, "file") != 0) {
		if (source)
			xml_del(source);
		return 0;
	}
	if (!source || log_path(path, n, name, t) < 0)
		return cw_why_set(why, CW_E_UNSUPPORTED, NULL, xml_name(n), "has an odd port or no file");
	return xml_set_attr(source, "path", path);
}

static int build_chardevs(struct xml_node *devices, const char *name, const struct dom_target *t, struct cw_why *why)
{
	static const char *const kinds[] = { "serial", "console", "parallel", "channel" };
	int r = 0;

	for (size_t i = 0; i < CW_COUNT(kinds); i++)
		for (struct xml_node *n = xml_first(devices, kinds[i]); n && r == 0; n = xml_next(n, kinds[i]))
			r = build_chardev(n, name, t, why);
	return r;
}

/* The back end of a random number generator is a path on the host: only the kernel's own may be named. */
static int build_rng(const struct xml_node *devices, struct cw_why *why)
{
	for (const struct xml_node *n = xml_first(devices, "rng"); n; n = xml_next(n, "rng")) {
		const struct xml_node *b = xml_first(n, "backend");
		const char *model = xml_attr(b, "model", ""), *path = xml_text(b, "");

		if (strcmp(model, "builtin") != 0 && (strcmp(model, "random") != 0 ||
		    (strcmp(path, "/dev/urandom") != 0 && strcmp(path, "/dev/random") != 0)))
			return cw_why_set(why, CW_E_UNSUPPORTED, NULL, "rng", "must read /dev/urandom or /dev/random");
	}
	return 0;
}

static int build_emulator(struct xml_node *devices, const char *emulator)
{
	struct xml_node *n = xml_first(devices, "emulator");

	if (!n)
		return 0;
	if (emulator[0])
		return xml_set_text(n, emulator);
	xml_del(n);
	return 0;
}

int dom_build(const char *xml, const struct dom_target *t, struct cw_why *why, char **ret_xml)
{
	CW_AUTO(xml_cleanup) struct xml *in = NULL;
	CW_AUTO(xml_cleanup) struct xml *out = NULL;
	struct xml_node *devices;
	struct dom d;
	int r;

	if ((r = dom_read(xml, &d, why)) < 0 || (r = xml_parse(xml, strlen(xml), &in)) < 0 ||
	    (r = xml_allow(in, dom_rules, dom_n_rules, why, &out)) < 0)
		return r;
	devices = xml_first(xml_root(out), "devices");
	if (!devices)
		return cw_why_set(why, CW_E_BLOCKED, NULL, "devices", "are missing");
	if ((r = build_emulator(devices, t->emulator)) < 0 || (r = build_disks(devices, t)) < 0 ||
	    (r = build_nics(devices, t)) < 0 || (r = build_chardevs(devices, d.name, t, why)) < 0 ||
	    (r = build_rng(devices, why)) < 0)
		return r;
	return xml_dump(out, ret_xml);
}
