/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xml.h - XML that came from somewhere else: bounded parsing, allow-lists, a few edits.
 * libxml2 stands only in xml.c.
 *
 * A parse takes no document type, no entity of its own, no network, and is bounded in size
 * and depth. xml_allow() copies a tree by rows: what no row names is refused with its
 * path, so nothing reaches libvirt that nobody thought of.
 *
 * A node belongs to its document and lives as long.
 */
#ifndef XML_H
#define XML_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"

struct xml;
struct xml_node;

enum { XML_SIZE_MAX = 512 * 1024, XML_DEPTH_MAX = 16 };

/* One element that may stand in a document. Attributes that are neither kept nor dropped are refused, and so is text
 * where XML_TEXT is not set. */
struct xml_rule {
	const char *path;       /* "domain/devices/disk" */
	const char *keep;       /* names of attributes, with a blank between them; NULL: none */
	const char *drop;       /* the same: left out silently */
	unsigned flags;
};

/* XML_DROP: the element and all below it is left out silently. XML_ONE: not twice in its parent, so that whoever
 * reads it next cannot find another one than we did. */
enum { XML_TEXT = 1, XML_DROP = 2, XML_ONE = 4 };

CW_NODISCARD int xml_parse(const void *text, size_t size, struct xml **ret_doc);
void xml_free(struct xml *d);
void xml_cleanup(struct xml **d);
/* A copy of D by RULES. CW_E_UNSUPPORTED with WHY's field set to the path that no rule allows
 * ("domain/devices/hostdev"). */
CW_NODISCARD int xml_allow(const struct xml *d, const struct xml_rule *rules, size_t n, struct cw_why *why,
			   struct xml **ret_copy);
/* Heap text without an XML declaration; free() it. */
CW_NODISCARD int xml_dump(const struct xml *d, char **ret_text);

struct xml_node *xml_root(const struct xml *d);
/* Child element NAME of N: the first, and the next after it. NULL name: any. NULL when there is none; N may be NULL. */
struct xml_node *xml_first(const struct xml_node *n, const char *name);
struct xml_node *xml_next(const struct xml_node *n, const char *name);
const char *xml_name(const struct xml_node *n);
/* Value of an attribute, or text of an element, borrowed until it is changed; FALLBACK when there is none, or N is
 * NULL. */
const char *xml_attr(const struct xml_node *n, const char *name, const char *fallback);
const char *xml_text(const struct xml_node *n, const char *fallback);
/* -ENOMEM only. */
CW_NODISCARD int xml_set_attr(struct xml_node *n, const char *name, const char *value);
CW_NODISCARD int xml_set_text(struct xml_node *n, const char *text);
void xml_del(struct xml_node *n);
void xml_del_attr(struct xml_node *n, const char *name);

#endif
