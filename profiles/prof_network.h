/* SPDX-License-Identifier: Apache-2.0 */
/* prof_network.h - a network profile by itself: its members, and the rules between them. */
#ifndef PROF_NETWORK_H
#define PROF_NETWORK_H

#include "profiles/prof.h"

/* NULL at the end. */
extern const char *const prof_function_names[PROF_FUNCTION_N + 1];

/* CW_E_INVALID with WHY when BODY breaks a rule. */
CW_NODISCARD int prof_net_read(const struct cw_json *body, struct prof_net *ret_net, struct cw_why *why);
/* As it is stored: prof_net_read() takes it again. */
struct cw_json *prof_net_print(const struct prof_net *n);
/* How many addresses its ranges have, at most INT64_MAX. */
int64_t prof_net_size(const struct prof_net *n);
/* The index of the range that holds IP, or n_ranges. */
size_t prof_net_range_of(const struct prof_net *n, const struct cw_ip *ip);

#endif
