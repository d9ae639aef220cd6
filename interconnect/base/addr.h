/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addr.h - MAC and IP addresses, prefixes, endpoints: parse, print, compare.
 *
 * Text is strict: no leading zeros that mean octal, no port without colon, nothing left
 * over. Parsers return CW_E_INVALID and leave the output untouched.
 */
#ifndef CW_ADDR_H
#define CW_ADDR_H

#include <sys/socket.h>

#include "interconnect/base/base.h"

struct cw_mac {
	uint8_t b[6];
};

/* An IP address. family is AF_INET (first 4 bytes count), AF_INET6, or 0 for none. */
struct cw_ip {
	uint16_t family;
	uint8_t b[16];
};

struct cw_prefix {
	struct cw_ip ip;
	uint8_t len;
};

struct cw_endpoint {
	struct cw_ip ip;
	uint16_t port;
};

enum { CW_MAC_TEXT = 18, CW_IP_TEXT = 46, CW_ENDPOINT_TEXT = 56 };

CW_NODISCARD int cw_mac_parse(const char *text, struct cw_mac *ret_mac);
CW_NODISCARD int cw_ip_parse(const char *text, struct cw_ip *ret_ip);
/* "10.71.1.0/24"; without "/" the whole address counts. */
CW_NODISCARD int cw_prefix_parse(const char *text, struct cw_prefix *ret_prefix);
/* "192.0.2.1:4500", "[2001:db8::1]:4500". */
CW_NODISCARD int cw_endpoint_parse(const char *text, struct cw_endpoint *ret_ep);
/* All return BUF. */
char *cw_mac_text(const struct cw_mac *m, char buf[CW_MAC_TEXT]);
char *cw_ip_text(const struct cw_ip *ip, char buf[CW_IP_TEXT]);
char *cw_prefix_text(const struct cw_prefix *p, char buf[CW_ENDPOINT_TEXT]);
char *cw_endpoint_text(const struct cw_endpoint *ep, char buf[CW_ENDPOINT_TEXT]);
/* Bytes of an address of this family: 4, 16 or 0. */
size_t cw_ip_size(const struct cw_ip *ip);
bool cw_ip_equal(const struct cw_ip *a, const struct cw_ip *b);
bool cw_endpoint_equal(const struct cw_endpoint *a, const struct cw_endpoint *b);
bool cw_prefix_contains(const struct cw_prefix *p, const struct cw_ip *ip);
/* An address from SIZE (4 or 16) raw bytes; family 0 for another size. */
struct cw_ip cw_ip_of(const uint8_t *b, size_t size);
/* To and from what the socket calls take. ret_len may be NULL. */
void cw_endpoint_to_sockaddr(const struct cw_endpoint *ep, struct sockaddr_storage *ret_sa, socklen_t *ret_len);
CW_NODISCARD int cw_endpoint_from_sockaddr(const struct sockaddr *sa, struct cw_endpoint *ret_ep);

#endif
