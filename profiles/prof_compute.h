/* SPDX-License-Identifier: Apache-2.0 */
/* prof_compute.h - a compute profile by itself: its members, and the rules between them. */
#ifndef PROF_COMPUTE_H
#define PROF_COMPUTE_H

#include "profiles/prof.h"

/* CW_E_INVALID with WHY when BODY breaks a rule. Whether its network profiles are there is not looked at. */
CW_NODISCARD int prof_compute_read(const struct cw_json *body, struct prof_compute *ret_compute, struct cw_why *why);
/* As it is stored: prof_compute_read() takes it again. */
struct cw_json *prof_compute_print(const struct prof_compute *c);

#endif
