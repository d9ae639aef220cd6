/* SPDX-License-Identifier: Apache-2.0 */
/* prof_check.h - rules across objects: what a profile must not do to the others, and what holds it in place. */
#ifndef PROF_CHECK_H
#define PROF_CHECK_H

#include "profiles/prof.h"

enum { PROF_N_MAX = 512 };              /* profiles of a kind */

/* CW_E_CONFLICT: the name is taken, or addresses are those of another profile. CW_E_LIMIT. */
CW_NODISCARD int prof_check_net(struct cw_db *db, const struct prof_net *n, struct cw_why *why);
/* CW_E_CONFLICT: the name is taken. CW_E_NOT_FOUND, CW_E_INVALID: a network that is not there, or not for this
 * function. CW_E_LIMIT. */
CW_NODISCARD int prof_check_compute(struct cw_db *db, const struct prof_compute *c, struct cw_why *why);
/* CW_E_CONFLICT: somebody holds an address of it, or a compute profile names it. */
CW_NODISCARD int prof_check_net_unused(struct cw_db *db, const char *name, struct cw_why *why);

#endif
