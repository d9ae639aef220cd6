/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ike_guard.h - what strangers may cost: one guard for all peers of a process.
 *
 * Whoever sends an IKE_SA_INIT request is a stranger, and may have borrowed his address. Each request that is let in costs a
 * Diffie-Hellman exchange and a half-open SA. Few of these are free, for each address and in all; beyond, a stranger must bring
 * a cookie, which shows that he receives at his address (RFC 7296 s2.6), and then has so many half-open SAs and so many
 * requests a second, and no more. Nobody who only borrows an address can use up what its owner may do with a cookie.
 *
 * To ask for a cookie takes no memory. What is counted for each address (an IPv6 stranger has a /64) stands in a table of
 * fixed size, its places chosen by a hash under a secret key.
 *
 * Errors: 0 or a negative code (err.h).   Threads: loop thread only.
 */
#ifndef IKE_GUARD_H
#define IKE_GUARD_H

#include "interconnect/base/err.h"
#include "interconnect/ike/ike_cookie.h"
#include "interconnect/ike/ike_limits.h"

struct ike_guard;

enum ike_guard_verdict { IKE_GUARD_PASS, IKE_GUARD_COOKIE, IKE_GUARD_DROP };

CW_NODISCARD int ike_guard_new(struct ike_guard **ret_guard);
void ike_guard_free(struct ike_guard *g);
/* The secrets of its cookies. */
struct ike_cookie *ike_guard_cookies(struct ike_guard *g);

/* May a fresh IKE_SA_INIT request from IP go on? PROVEN: it brings a good cookie. */
enum ike_guard_verdict ike_guard_ask(struct ike_guard *g, const struct cw_ip *ip, bool proven, uint64_t now_ms);
/* May a refusal go to IP? They share a limit, but for those who have proven their address: each of these has its own. */
bool ike_guard_refusal(struct ike_guard *g, const struct cw_ip *ip, bool proven, uint64_t now_ms);
/* An SA with IP is half open now, or is not any more: called in pairs. CW_E_LIMIT when it cannot be counted. */
CW_NODISCARD int ike_guard_opened(struct ike_guard *g, const struct cw_ip *ip, uint64_t now_ms);
void ike_guard_closed(struct ike_guard *g, const struct cw_ip *ip);
/* How many are half open in all. */
size_t ike_guard_half_open(const struct ike_guard *g);

#endif
