/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dom.h - the XML of a VM: what it has, and how the same VM is written for the other site.
 *
 * The target never defines what the source sends. dom_build() copies the source's XML by an
 * allow-list (dom_rules.c), so that the guest sees the same machine, and puts the target's
 * own paths, bridges and emulator in. What is not on the list is refused by name: leaving
 * it out could change the machine under the guest.
 */
#ifndef DOM_H
#define DOM_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "migrate/xml.h"

enum { DOM_DISKS_MAX = 16, DOM_NICS_MAX = 16, DOM_NAME_TEXT = 64, DOM_UUID_TEXT = 37, DOM_PATH_TEXT = 512 };

struct dom_disk {
	char target[32];                /* "vda" */
	char format[16];                /* "raw" or "qcow2" */
	char file[DOM_PATH_TEXT];
};

struct dom_nic {
	char mac[18];
	char bridge[32];
};

struct dom {
	char name[DOM_NAME_TEXT];
	char uuid[DOM_UUID_TEXT];
	char kernel[DOM_PATH_TEXT];     /* empty: none */
	char initrd[DOM_PATH_TEXT];
	struct dom_disk disks[DOM_DISKS_MAX];
	size_t n_disks;
	struct dom_nic nics[DOM_NICS_MAX];
	size_t n_nics;
};

/* What the target puts in: files and bridges in the order of the source's. */
struct dom_target {
	char files[DOM_DISKS_MAX][DOM_PATH_TEXT];
	char bridges[DOM_NICS_MAX][32];
	const char *emulator;           /* empty: libvirt's default */
	const char *log_dir;            /* serial ports that write a file write it here */
};

/* Letters, digits, and . _ - + @ inside; no more than MAX - 1 of them; fit for a file name. */
bool dom_name_ok(const char *name, size_t max);
/* Lower-case UUID with dashes. */
bool dom_uuid_ok(const char *uuid);

/* Reads XML. CW_E_BLOCKED or CW_E_UNSUPPORTED with field and rule for a VM that cannot be moved: a disk that is not
 * a file, has a backing file, another format; a network card that is not on a bridge. */
CW_NODISCARD int dom_read(const char *xml, struct dom *ret_dom, struct cw_why *why);
/* Writes the VM of XML for T; heap text. */
CW_NODISCARD int dom_build(const char *xml, const struct dom_target *t, struct cw_why *why, char **ret_xml);

/* The allow-list (dom_rules.c). */
extern const struct xml_rule dom_rules[];
extern const size_t dom_n_rules;

#endif
