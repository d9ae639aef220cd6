/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_query.h - what stands in the target of a request beside the path: "?limit=10&cursor=3", and names that are encoded.
 *
 * Decoded text is UTF-8 without control characters; whatever else it would be is refused, and so is a parameter that stands
 * twice, because two readers could take one each. '+' is a blank in a query and itself in a path.
 */
#ifndef MESH_QUERY_H
#define MESH_QUERY_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"

enum { MESH_QUERY_TEXT = 512, MESH_QUERY_MAX = 8 };

struct mesh_query {
	char text[MESH_QUERY_TEXT];             /* all names and values, each with its NUL */
	struct {
		uint16_t name, value;           /* where in TEXT */
	} rows[MESH_QUERY_MAX];
	size_t n;
};

/* Reads what follows the '?'. CW_E_LIMIT: too long or too many; CW_E_MALFORMED. */
CW_NODISCARD int mesh_query_parse(const char *raw, struct mesh_query *ret_q);
/* The value of NAME, or FALLBACK. */
const char *mesh_query_get(const struct mesh_query *q, const char *name, const char *fallback);
/* A whole number without sign: 1, 0 when NAME is not there, CW_E_INVALID with WHY. */
CW_NODISCARD int mesh_query_int(const struct mesh_query *q, const char *name, int64_t min, int64_t max, int64_t *ret_v,
				struct cw_why *why);
/* Decodes the N bytes at RAW, one name of a path, to OUT of SIZE bytes: "%2F" is a '/' in the name ("APPLIANCE/TUNNEL"), one that
 * is not encoded is malformed. A name is something to look up, never a part of the path of a file. */
CW_NODISCARD int mesh_query_name(const char *raw, size_t n, char *out, size_t size);

#endif
