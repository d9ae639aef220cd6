/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_etag.c - tags of bodies. */
#include "mesh/mesh_etag.h"

#include <stdio.h>
#include <string.h>

#include "interconnect/base/crypt.h"
#include "interconnect/base/hex.h"

enum { ETAG_BYTES = 16 };

int mesh_etag_of(const char *body, char ret_etag[MESH_ETAG])
{
	const struct cw_span in = { (const uint8_t *)body, strlen(body) };
	char hex[2 * ETAG_BYTES + 1];
	uint8_t hash[32];
	int r;

	if ((r = cw_hash(CW_HASH_SHA256, &in, 1, hash)) < 0)
		return r;
	snprintf(ret_etag, MESH_ETAG, "\"%s\"", cw_hex_text(hash, ETAG_BYTES, hex));
	return 0;
}

/* Our tags have no comma, so a quoted one of somebody else may fall apart at its own without harm. */
bool mesh_etag_in(const char *header, const char *etag, bool weak)
{
	size_t size = strlen(etag);

	while (*header) {
		const char *p = header + strspn(header, " \t");
		size_t n = strcspn(p, ",");

		header = p + n + (p[n] == ',');
		while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t'))
			n--;
		if (weak && n > 2 && strncmp(p, "W/", 2) == 0) {
			p += 2;
			n -= 2;
		}
		if ((n == 1 && *p == '*') || (n == size && strncmp(p, etag, n) == 0))
			return true;
	}
	return false;
}
