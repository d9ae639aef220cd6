/* SPDX-License-Identifier: Apache-2.0 */
/* cookie.c - the allow-list of libvirt's migration cookie. */
#include "migrate/cookie.h"

#include <stdlib.h>
#include <string.h>

#include "migrate/xml.h"

#define Q "qemu-migration"

/* Not here on purpose: domain (a persistent definition: the target agent makes its own), network, blockDirtyBitmaps. */
static const struct xml_rule cookie_rules[] = {
	{ Q, NULL, NULL, 0 },
	{ Q "/name", NULL, NULL, XML_TEXT | XML_ONE },
	{ Q "/uuid", NULL, NULL, XML_TEXT | XML_ONE },
	{ Q "/hostname", NULL, NULL, XML_TEXT },
	{ Q "/hostuuid", NULL, NULL, XML_TEXT },
	{ Q "/feature", "name", NULL, 0 },
	{ Q "/allowReboot", "value", NULL, 0 },
	{ Q "/lockstate", "driver", NULL, 0 },
	{ Q "/graphics", NULL, NULL, XML_DROP },
	{ Q "/nbd", NULL, "port", XML_ONE },
	{ Q "/nbd/disk", "target capacity", NULL, 0 },
	{ Q "/capabilities", NULL, NULL, 0 },
	{ Q "/capabilities/cap", "name auto", NULL, 0 },
	{ Q "/cpu", "mode match check migratable", NULL, 0 },
	{ Q "/cpu/model", "fallback vendor_id", NULL, XML_TEXT },
	{ Q "/cpu/vendor", NULL, NULL, XML_TEXT },
	{ Q "/cpu/topology", "sockets dies cores threads", NULL, 0 },
	{ Q "/cpu/cache", "level mode", NULL, 0 },
	{ Q "/cpu/maxphysaddr", "mode bits", NULL, 0 },
	{ Q "/cpu/feature", "policy name", NULL, 0 },
	{ Q "/cpu/numa", NULL, NULL, 0 },
	{ Q "/cpu/numa/cell", "id cpus memory unit", NULL, 0 },
	{ Q "/statistics", NULL, NULL, 0 },
	{ Q "/statistics/started", NULL, NULL, XML_TEXT },
	{ Q "/statistics/stopped", NULL, NULL, XML_TEXT },
	{ Q "/statistics/sent", NULL, NULL, XML_TEXT },
	{ Q "/statistics/delta", NULL, NULL, XML_TEXT },
	{ Q "/statistics/time_elapsed", NULL, NULL, XML_TEXT },
	{ Q "/statistics/time_remaining", NULL, NULL, XML_TEXT },
	{ Q "/statistics/downtime", NULL, NULL, XML_TEXT },
	{ Q "/statistics/setup_time", NULL, NULL, XML_TEXT },
	{ Q "/statistics/memory_total", NULL, NULL, XML_TEXT },
	{ Q "/statistics/memory_processed", NULL, NULL, XML_TEXT },
	{ Q "/statistics/memory_remaining", NULL, NULL, XML_TEXT },
	{ Q "/statistics/memory_bps", NULL, NULL, XML_TEXT },
	{ Q "/statistics/memory_constant", NULL, NULL, XML_TEXT },
	{ Q "/statistics/memory_normal", NULL, NULL, XML_TEXT },
	{ Q "/statistics/memory_normal_bytes", NULL, NULL, XML_TEXT },
	{ Q "/statistics/memory_dirty_rate", NULL, NULL, XML_TEXT },
	{ Q "/statistics/memory_iteration", NULL, NULL, XML_TEXT },
	{ Q "/statistics/memory_postcopy_requests", NULL, NULL, XML_TEXT },
	{ Q "/statistics/memory_page_size", NULL, NULL, XML_TEXT },
	{ Q "/statistics/disk_total", NULL, NULL, XML_TEXT },
	{ Q "/statistics/disk_processed", NULL, NULL, XML_TEXT },
	{ Q "/statistics/disk_remaining", NULL, NULL, XML_TEXT },
	{ Q "/statistics/disk_bps", NULL, NULL, XML_TEXT },
	{ Q "/statistics/auto_converge_throttle", NULL, NULL, XML_TEXT },
};

static bool is_ours(const struct cookie_policy *p, const char *disk)
{
	for (size_t i = 0; i < p->n_disks; i++)
		if (strcmp(p->disks[i], disk) == 0)
			return true;
	return false;
}

static int check(const struct cookie_policy *p, const struct xml *d, struct cw_why *why)
{
	const struct xml_node *root = xml_root(d), *nbd = xml_first(root, "nbd");

	if (strcmp(xml_text(xml_first(root, "name"), ""), p->name) != 0)
		return cw_why_set(why, CW_E_FORBIDDEN, NULL, "cookie/name", "is not that of this migration's VM");
	if (strcmp(xml_text(xml_first(root, "uuid"), ""), p->uuid) != 0)
		return cw_why_set(why, CW_E_FORBIDDEN, NULL, "cookie/uuid", "is not that of this migration's VM");
	for (const struct xml_node *n = xml_first(nbd, "disk"); n; n = xml_next(n, "disk"))
		if (!is_ours(p, xml_attr(n, "target", "")))
			return cw_why_set(why, CW_E_FORBIDDEN, NULL, "cookie/nbd/disk",
					  "is not a disk of this migration");
	return 0;
}

int cookie_pass(const struct cookie_policy *p, const void *text, size_t size, struct cw_why *why, char **ret_text)
{
	CW_AUTO(xml_cleanup) struct xml *in = NULL;
	CW_AUTO(xml_cleanup) struct xml *out = NULL;
	const uint8_t *b = text;
	int r;

	if (size > 0 && b[size - 1] == 0)
		size--;
	if ((r = xml_parse(text, size, &in)) < 0)
		return cw_why_set(why, r, NULL, "cookie", "is not the XML of a cookie");
	if ((r = xml_allow(in, cookie_rules, CW_COUNT(cookie_rules), why, &out)) < 0 || (r = check(p, out, why)) < 0)
		return r;
	return xml_dump(out, ret_text);
}
