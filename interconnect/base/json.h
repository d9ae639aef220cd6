/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.h - JSON values: build, read, parse, print. jansson stands only in json.c.
 *
 * A struct cw_json is reference counted; cw_json_free() drops one reference. Setters and
 * cw_json_add() take over the reference of the child they are given (also when they
 * fail: then the parent is marked, and cw_json_dump() reports -ENOMEM), so trees are built
 * without a check per line. Getters borrow.
 */
#ifndef CW_JSON_H
#define CW_JSON_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"

struct cw_json;                         /* is a json_t */

enum { CW_JSON_DEPTH_MAX = 32, CW_JSON_TEXT_MAX = 4 << 20 };

struct cw_json *cw_json_object(void);
struct cw_json *cw_json_array(void);
struct cw_json *cw_json_string(const char *s);          /* NULL gives null; bytes that are not UTF-8 are replaced by '?' */
struct cw_json *cw_json_int(int64_t v);
struct cw_json *cw_json_double(double v);
struct cw_json *cw_json_bool(bool v);
struct cw_json *cw_json_null(void);
struct cw_json *cw_json_ref(const struct cw_json *j);   /* one more owner; what was borrowed is still not to be changed */
void cw_json_free(struct cw_json *j);
void cw_json_cleanup(struct cw_json **j);

void cw_json_set(struct cw_json *o, const char *key, struct cw_json *child);
void cw_json_set_str(struct cw_json *o, const char *key, const char *s);
void cw_json_set_int(struct cw_json *o, const char *key, int64_t v);
void cw_json_set_bool(struct cw_json *o, const char *key, bool v);
void cw_json_add(struct cw_json *a, struct cw_json *child);

/* Borrowed child, or NULL. */
struct cw_json *cw_json_get(const struct cw_json *o, const char *key);
/* Text of a string child, or FALLBACK when there is none or it is no string. */
const char *cw_json_get_str(const struct cw_json *o, const char *key, const char *fallback);
int64_t cw_json_get_int(const struct cw_json *o, const char *key, int64_t fallback);
bool cw_json_get_bool(const struct cw_json *o, const char *key, bool fallback);
/* A field that must be there: 0, or CW_E_INVALID with WHY naming OBJECT and the field. RET_S is borrowed. */
CW_NODISCARD int cw_json_need_str(const struct cw_json *o, const char *key, const char *object, const char **ret_s,
				  struct cw_why *why);
CW_NODISCARD int cw_json_need_int(const struct cw_json *o, const char *key, int64_t min, int64_t max, const char *object,
				  int64_t *ret_v, struct cw_why *why);

bool cw_json_is_object(const struct cw_json *j);
bool cw_json_is_array(const struct cw_json *j);
const char *cw_json_str(const struct cw_json *j);       /* NULL when J is no string */
size_t cw_json_len(const struct cw_json *a);            /* elements of an array, 0 for anything else */
struct cw_json *cw_json_at(const struct cw_json *a, size_t i);  /* borrowed, or NULL */
/* Walks the members of an object in their order: first with *ITER NULL; NULL at the end. Borrowed. */
struct cw_json *cw_json_next(const struct cw_json *o, void **iter, const char **ret_key);

/* Parses SIZE bytes that are one value and nothing else. Depth, size and duplicate keys are bounded; CW_E_MALFORMED. */
CW_NODISCARD int cw_json_parse(const void *text, size_t size, struct cw_json **ret_j);
/* Prints to heap text, one line or indented; free() it. */
CW_NODISCARD int cw_json_dump(const struct cw_json *j, bool indent, char **ret_text);

#endif
