/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cookie.h - what the two libvirt daemons of a migration tell each other beside its parameters.
 *
 * The cookie is XML from the other site. cookie_pass() writes it anew from an allow-list;
 * an element, attribute or text that is not on it, another VM's name or UUID, or a disk
 * that is not one of this migration's ends the migration.
 */
#ifndef COOKIE_H
#define COOKIE_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"

/* What a cookie must agree with. */
struct cookie_policy {
	const char *name, *uuid;
	const char *const *disks;       /* target names ("vda"), n_disks of them */
	size_t n_disks;
};

/* SIZE bytes of TEXT (with or without their final NUL) to fresh heap text; free() it. */
CW_NODISCARD int cookie_pass(const struct cookie_policy *p, const void *text, size_t size, struct cw_why *why,
			     char **ret_text);

#endif
