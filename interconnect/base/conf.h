/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf.h - a YAML file to a struct, by rows: one row per field.
 *
 * A row says name, kind, whether it must be there, default, bounds and help. The reader
 * refuses unknown keys, duplicate keys, wrong kinds and values out of bounds, and says
 * file and line, the field with its path ("tunnels[0].remote.port") and the rule. A failed
 * load leaves nothing behind.
 *
 * Kinds and what stands at the offset:
 *   STR      char *            bounds: length; heap, never NULL (absent: "")
 *   BOOL     bool              yes no true false on off
 *   U32      uint32_t          bounds: value
 *   IP       struct cw_ip      absent: family 0
 *   PREFIX   struct cw_prefix
 *   MAC      struct cw_mac
 *   MS       uint64_t          a duration in milliseconds: "150ms" "10s" "5m" "4h" "1d"; bounds in ms
 *   BYTES    uint64_t          a size in bytes: "4096" "512KiB" "100MiB" "64GiB" "1TiB"; bounds in bytes
 *   ENUM     int               index into names (NULL-terminated)
 *   OBJ      the struct        rows of obj
 *   LIST     struct cw_conf_list   elements of obj (each a struct), bounds: how many
 *   STRS     struct cw_conf_list   elements are char *, bounds: how many
 */
#ifndef CW_CONF_H
#define CW_CONF_H

#include "interconnect/base/addr.h"
#include "interconnect/base/base.h"
#include "interconnect/base/err.h"

enum cw_conf_kind {
	CW_CONF_STR, CW_CONF_BOOL, CW_CONF_U32, CW_CONF_IP, CW_CONF_PREFIX, CW_CONF_MAC, CW_CONF_MS, CW_CONF_BYTES, CW_CONF_ENUM,
	CW_CONF_OBJ, CW_CONF_LIST, CW_CONF_STRS, CW_CONF_KIND_N
};

struct cw_conf_list {
	void *items;            /* n elements, each of the element's size */
	size_t n;
};

struct cw_conf_obj;

struct cw_conf_row {
	const char *name;
	enum cw_conf_kind kind;
	bool required;
	const char *fallback;           /* default as text, NULL: zero value */
	size_t offset;
	int64_t min, max;               /* both 0: no bounds */
	const char *const *names;       /* ENUM */
	const struct cw_conf_obj *obj;  /* OBJ, LIST */
	const char *help;
};

struct cw_conf_obj {
	const char *what;               /* "tunnel": for messages */
	size_t size;
	const struct cw_conf_row *rows;
	size_t n_rows;
	/* Rules across fields of this object; fills WHY's field and rule by cw_why_set(why, CW_E_INVALID, NULL, field, ...).
	 * May be NULL. The reader puts file, line and the path of the object in front. */
	int (*check)(const void *obj, struct cw_why *why);
};

/* Reads PATH into RET (obj->size bytes, zeroed first). CW_E_INVALID with WHY, or the errno of the file. */
CW_NODISCARD int cw_conf_load(const char *path, const struct cw_conf_obj *obj, void *ret, struct cw_why *why);
/* The same from SIZE bytes of text; NAME stands for the file in messages. */
CW_NODISCARD int cw_conf_parse(const char *name, const void *text, size_t size, const struct cw_conf_obj *obj, void *ret,
			       struct cw_why *why);
/* Frees what a load put into P, not P itself. P may be all zeros. */
void cw_conf_free(const struct cw_conf_obj *obj, void *p);

#endif
