/* SPDX-License-Identifier: Apache-2.0 */
/* xml.c - libxml2, wrapped: a struct xml is an xmlDoc, a struct xml_node an xmlNode. */
#include "migrate/xml.h"

#include <errno.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No entities are replaced (a document type is refused anyway), nothing is fetched, errors are not printed. */
enum { PARSE_OPTIONS = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOBLANKS | XML_PARSE_NOCDATA };

/* One struct is the other; libxml2 wants them writable where it only reads. */
static xmlNode *node_of(const struct xml_node *n)
{
	union {
		const struct xml_node *in;
		xmlNode *out;
	} u = { .in = n };

	return u.out;
}

static xmlDoc *doc_of(const struct xml *d)
{
	union {
		const struct xml *in;
		xmlDoc *out;
	} u = { .in = d };

	return u.out;
}

static struct xml_node *of_node(xmlNode *n)
{
	return (struct xml_node *)n;
}

static const xmlChar *x(const char *s)
{
	return (const xmlChar *)s;
}

static const char *s(const xmlChar *c)
{
	return (const char *)c;
}

/* N or the next sibling after it that is an element NAME. */
static struct xml_node *seek(xmlNode *n, const char *name)
{
	while (n && (n->type != XML_ELEMENT_NODE || (name && strcmp(s(n->name), name) != 0)))
		n = n->next;
	return of_node(n);
}

static bool too_deep(const xmlNode *n, unsigned depth)
{
	if (depth > XML_DEPTH_MAX)
		return true;
	for (const xmlNode *c = n->children; c; c = c->next)
		if (c->type == XML_ELEMENT_NODE && too_deep(c, depth + 1))
			return true;
	return false;
}

int xml_parse(const void *text, size_t size, struct xml **ret_doc)
{
	xmlDoc *d;

	if (size == 0 || size > XML_SIZE_MAX || memchr(text, 0, size))
		return CW_E_MALFORMED;
	d = xmlReadMemory(text, (int)size, "input.xml", NULL, PARSE_OPTIONS);
	if (!d)
		return CW_E_MALFORMED;
	if (d->intSubset || !xmlDocGetRootElement(d) || too_deep(xmlDocGetRootElement(d), 1)) {
		xmlFreeDoc(d);
		return CW_E_MALFORMED;
	}
	*ret_doc = (struct xml *)d;
	return 0;
}

void xml_free(struct xml *d)
{
	if (d)
		xmlFreeDoc(doc_of(d));
}

void xml_cleanup(struct xml **d)
{
	xml_free(*d);
}

/* Is NAME one of the words of LIST? */
static bool listed(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = list; p && *p; p += strcspn(p, " "), p += *p == ' ')
		if (strncmp(p, name, n) == 0 && (p[n] == ' ' || p[n] == '\0'))
			return true;
	return false;
}

static const struct xml_rule *rule_find(const struct xml_rule *rules, size_t n, const char *path)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rules[i].path, path) == 0)
			return &rules[i];
	return NULL;
}

struct allow {
	const struct xml_rule *rules;
	size_t n;
	struct cw_why *why;
};

static int refuse(struct allow *a, const char *path, const char *what)
{
	return cw_why_set(a->why, CW_E_UNSUPPORTED, NULL, path, "%s is not on the list of what may be moved", what);
}

static int allow_attrs(struct allow *a, const struct xml_rule *rule, const char *path, const xmlNode *from, xmlNode *to)
{
	char where[256];

	for (const xmlAttr *t = from->properties; t; t = t->next) {
		const xmlNode *v = t->children;
		bool plain = !t->ns && (!v || (v->type == XML_TEXT_NODE && !v->next));

		if (plain && listed(rule->drop, s(t->name)))
			continue;
		if (!plain || !listed(rule->keep, s(t->name))) {
			snprintf(where, sizeof where, "%s/@%s", path, s(t->name));
			return refuse(a, where, "this attribute");
		}
		if (!xmlNewProp(to, t->name, v ? v->content : x("")))
			return -ENOMEM;
	}
	return 0;
}

static bool is_blank(const xmlChar *c)
{
	return c[strspn(s(c), " \t\r\n")] == '\0';
}

static int allow_node(struct allow *a, const char *parent, const xmlNode *from, xmlNode *to_parent, xmlDoc *to_doc);

/* Children and text of FROM to TO. */
static int allow_inside(struct allow *a, const struct xml_rule *rule, const char *path, const xmlNode *from,
			xmlNode *to)
{
	int r = 0;

	for (const xmlNode *c = from->children; c && r == 0; c = c->next) {
		if (c->type == XML_ELEMENT_NODE)
			r = allow_node(a, path, c, to, to->doc);
		else if (c->type == XML_COMMENT_NODE || (c->type == XML_TEXT_NODE && is_blank(c->content)))
			continue;
		else if (c->type != XML_TEXT_NODE || !(rule->flags & XML_TEXT))
			r = refuse(a, path, "this content");
		else if (!xmlAddChild(to, xmlNewText(c->content)))
			r = -ENOMEM;
	}
	return r;
}

static int allow_node(struct allow *a, const char *parent, const xmlNode *from, xmlNode *to_parent, xmlDoc *to_doc)
{
	const struct xml_rule *rule;
	char path[192];
	xmlNode *to;
	int r;

	if (snprintf(path, sizeof path, "%s%s%s", parent, parent[0] ? "/" : "", s(from->name)) >= (int)sizeof path)
		return CW_E_MALFORMED;
	rule = from->ns || from->nsDef ? NULL : rule_find(a->rules, a->n, path);
	if (!rule)
		return refuse(a, path, "this element");
	if (rule->flags & XML_DROP)
		return 0;
	if ((rule->flags & XML_ONE) && to_parent && seek(to_parent->children, s(from->name)))
		return refuse(a, path, "a second element of this name");
	to = xmlNewDocNode(to_doc, NULL, from->name, NULL);
	if (!to)
		return -ENOMEM;
	if (to_parent)
		xmlAddChild(to_parent, to);
	else
		xmlDocSetRootElement(to_doc, to);
	if ((r = allow_attrs(a, rule, path, from, to)) < 0)
		return r;
	return allow_inside(a, rule, path, from, to);
}

int xml_allow(const struct xml *d, const struct xml_rule *rules, size_t n, struct cw_why *why, struct xml **ret_copy)
{
	struct allow a = { rules, n, why };
	xmlDoc *copy = xmlNewDoc(x("1.0"));
	int r;

	if (!copy)
		return -ENOMEM;
	r = allow_node(&a, "", xmlDocGetRootElement(doc_of(d)), NULL, copy);
	if (r == 0 && !xmlDocGetRootElement(copy))
		r = CW_E_MALFORMED;
	if (r < 0) {
		xmlFreeDoc(copy);
		return r;
	}
	*ret_copy = (struct xml *)copy;
	return 0;
}

int xml_dump(const struct xml *d, char **ret_text)
{
	xmlBuffer *b = xmlBufferCreate();
	char *text = NULL;

	if (b && xmlNodeDump(b, doc_of(d), xmlDocGetRootElement(doc_of(d)), 0, 1) >= 0)
		text = strdup(s(xmlBufferContent(b)));
	if (b)
		xmlBufferFree(b);
	if (!text)
		return -ENOMEM;
	*ret_text = text;
	return 0;
}

struct xml_node *xml_root(const struct xml *d)
{
	return of_node(xmlDocGetRootElement(doc_of(d)));
}

struct xml_node *xml_first(const struct xml_node *n, const char *name)
{
	return n ? seek(node_of(n)->children, name) : NULL;
}

struct xml_node *xml_next(const struct xml_node *n, const char *name)
{
	return seek(node_of(n)->next, name);
}

const char *xml_name(const struct xml_node *n)
{
	return s(node_of(n)->name);
}

const char *xml_attr(const struct xml_node *n, const char *name, const char *fallback)
{
	const xmlAttr *t = n ? xmlHasProp(node_of(n), x(name)) : NULL;

	if (!t || !t->children)
		return t ? "" : fallback;
	return t->children->type == XML_TEXT_NODE && !t->children->next ? s(t->children->content) : fallback;
}

const char *xml_text(const struct xml_node *n, const char *fallback)
{
	const xmlNode *c = n ? node_of(n)->children : NULL;

	return c && c->type == XML_TEXT_NODE && !c->next ? s(c->content) : fallback;
}

int xml_set_attr(struct xml_node *n, const char *name, const char *value)
{
	return xmlSetProp(node_of(n), x(name), x(value)) ? 0 : -ENOMEM;
}

int xml_set_text(struct xml_node *n, const char *text)
{
	xmlNode *t = xmlNewText(x(text)), *c, *next;

	if (!t)
		return -ENOMEM;
	for (c = node_of(n)->children; c; c = next) {
		next = c->next;
		xmlUnlinkNode(c);
		xmlFreeNode(c);
	}
	xmlAddChild(node_of(n), t);
	return 0;
}

void xml_del(struct xml_node *n)
{
	xmlUnlinkNode(node_of(n));
	xmlFreeNode(node_of(n));
}

void xml_del_attr(struct xml_node *n, const char *name)
{
	xmlUnsetProp(node_of(n), x(name));
}
