/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prof_range.h - addresses in order: ranges, the networks that they lie in, how many there are.
 *
 * Addresses of one family are ordered as numbers. Those of two families are never equal and never in one range.
 */
#ifndef PROF_RANGE_H
#define PROF_RANGE_H

#include "profiles/prof.h"

enum { PROF_RANGE_TEXT = 2 * CW_IP_TEXT };

/* "A-B"; "A" alone is the range of one. CW_E_INVALID when that is not two addresses of one family. Their order is not
 * looked at. */
CW_NODISCARD int prof_range_parse(const char *text, struct prof_range *ret_range);
char *prof_range_text(const struct prof_range *g, char buf[PROF_RANGE_TEXT]);
bool prof_range_holds(const struct prof_range *g, const struct cw_ip *ip);
bool prof_range_overlaps(const struct prof_range *a, const struct prof_range *b);
/* How many addresses; at most INT64_MAX. */
int64_t prof_range_size(const struct prof_range *g);
/* As memcmp(), by number; the families must be the same. */
int prof_ip_compare(const struct cw_ip *a, const struct cw_ip *b);
/* The address after IP; after the last comes the first. */
struct cw_ip prof_ip_next(const struct cw_ip *ip);
/* The lowest and the highest address of the network of IP. LEN is not longer than an address. */
struct cw_ip prof_ip_lowest(const struct cw_ip *ip, uint32_t len);
struct cw_ip prof_ip_highest(const struct cw_ip *ip, uint32_t len);
/* An address that one machine can have: not the unspecified one, no loopback, no group, no broadcast. */
bool prof_ip_is_host(const struct cw_ip *ip);

#endif
