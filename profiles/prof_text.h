/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prof_text.h - an object from its JSON body and back: one row per member.
 *
 * A row says name, kind, where the value stands, and its bounds. Reading refuses members without a row, wrong kinds,
 * and what is no value of its kind; rules that need two members are not its business. A name that is "" afterwards
 * was not given.
 * Kinds are constants, each two functions.
 */
#ifndef PROF_TEXT_H
#define PROF_TEXT_H

#include "profiles/prof.h"

struct prof_row;

/* Who is refused: "network-profile uplink", once the name is known. */
struct prof_at {
	char object[128];
	struct cw_why *why;
};

struct prof_kind {
	/* The member of BODY that ROW names is there. */
	int (*read)(const struct prof_row *row, const struct cw_json *body, void *obj, const struct prof_at *at);
	struct cw_json *(*print)(const struct prof_row *row, const void *obj);  /* NULL: there is nothing to print */
};

struct prof_row {
	const char *name;
	const struct prof_kind *kind;
	bool required;
	size_t offset, size;            /* of the value; of one element for lists */
	size_t n_offset, max;           /* lists: where the count stands, how many there may be */
	uint32_t lowest, highest, fallback;     /* numbers */
	const char *const *names;       /* flags and maps: the words, NULL at the end */
};

/* prof_name: an object of ours; prof_label: anything that a person reads; prof_bridge: a device. */
extern const struct prof_kind prof_name, prof_label, prof_bridge, prof_bridges, prof_number, prof_address,
	prof_addresses, prof_ranges, prof_flags, prof_map;

struct prof_object {
	const char *what;               /* "network-profile" */
	const struct prof_row *rows;
	size_t n_rows;
	size_t size;
};

/* Reads BODY into OBJ (object->size bytes, zeroed first). CW_E_INVALID with AT filled for the caller's own rules. */
CW_NODISCARD int prof_text_read(const struct prof_object *object, const struct cw_json *body, void *obj,
				struct cw_why *why, struct prof_at *ret_at);
struct cw_json *prof_text_print(const struct prof_object *object, const void *obj);
/* Refuses FIELD of the object at AT. Returns CW_E_INVALID. */
int prof_refuse(const struct prof_at *at, const char *field, const char *fmt, ...) CW_PRINTF(3, 4);

/* Letters, digits, dots and dashes, a letter or digit first. */
bool prof_name_ok(const char *name);

#endif
