/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_etag.h - the tag of a body, and the headers that ask for it (RFC 9110 s8.8.3, s13.1).
 *
 * A tag is the hash of the body as it is sent: who sees another body sees another tag.
 */
#ifndef MESH_ETAG_H
#define MESH_ETAG_H

#include "interconnect/base/base.h"

enum { MESH_ETAG = 35 };                        /* quoted, with its NUL */

CW_NODISCARD int mesh_etag_of(const char *body, char ret_etag[MESH_ETAG]);
/* True when the list HEADER has ETAG, or is "*". WEAK: "W/" in front of a tag does not matter (If-None-Match). */
bool mesh_etag_in(const char *header, const char *etag, bool weak);

#endif
