/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_half_impl.h - what the mesh_half*.c files share; nobody else includes it. */
#ifndef MESH_HALF_IMPL_H
#define MESH_HALF_IMPL_H

#include "interconnect/base/db.h"
#include "mesh/mesh_half.h"

enum { HALF_OBJECT = 128 };

/* The body of a new half; its addresses are drawn in the open transaction. */
CW_NODISCARD int half_build(struct manager *m, const struct half_order *o, struct cw_json **ret_body,
			    struct cw_why *why);
/* The same in a transaction of its own. KEEP: it stays, row and all; otherwise nothing is left. */
CW_NODISCARD int half_draw(struct manager *m, const struct half_order *o, bool keep, struct cw_json **ret_body,
			   struct cw_why *why);
/* Ends the open transaction: COMMIT when R is 0. What cannot be kept is rolled back. */
CW_NODISCARD int half_commit(struct cw_db *db, int r);
/* Forgets addresses and row. */
CW_NODISCARD int half_forget(struct manager *m, const char *name);

#endif
