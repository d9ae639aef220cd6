/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offer.h - what a source tells a target about the VM that it wants to send, and what the target
 * says to it.
 *
 * The source makes an offer from its libvirt; it travels as JSON in "migration validate" and
 * "migration prepare". The target treats all of it as hostile.
 */
#ifndef OFFER_H
#define OFFER_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "migrate/agent_conf.h"
#include "migrate/disk.h"
#include "migrate/dom.h"
#include "migrate/own_sig.h"
#include "migrate/virt.h"

struct offer_disk {
	char pool[64];                          /* at the target */
	uint64_t capacity_bytes, allocation_bytes;
};

struct offer {
	char from[64], host[64];                /* host: at the target, empty: any */
	char *xml;                              /* as libvirt would send it */
	struct dom dom;                         /* what stands in it */
	struct offer_disk disks[DOM_DISKS_MAX];
	char bridges[DOM_NICS_MAX][32];         /* at the target */
	char kernel_sha256[DISK_HASH_TEXT], initrd_sha256[DISK_HASH_TEXT];
	struct own record;                      /* PREPARED */
	char signer[OWN_SITE_TEXT], signature[OWN_SIG_TEXT];    /* of it; empty: the source has no manager */
};

struct cw_json *offer_to_json(const struct offer *o);
/* FROM is the site of the connection that it came over. Free the result with offer_free(). */
CW_NODISCARD int offer_from_json(const struct cw_json *j, const char *from, struct offer **ret_offer,
				 struct cw_why *why);
void offer_free(struct offer *o);

/* Where the target puts things. */
CW_NODISCARD int offer_place(const struct agent_conf *c, const struct offer *o, struct dom_target *ret_target,
			     struct cw_why *why);
/* May this VM come here? Blocking. Ownership is not looked at. */
CW_NODISCARD int offer_check(const struct agent_conf *c, struct virt *v, const struct offer *o, struct cw_why *why);

#endif
