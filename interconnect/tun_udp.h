/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tun_udp.h - what the appliances themselves say inside of a tunnel: UDP between the two inner addresses, from and to one port.
 *
 * IPv4 without options, with DF, or IPv6 without extension headers; the checksum of UDP is always there.
 *
 * Implements: RFC 791 s3.1, RFC 8200 s3, RFC 768.   Threads: any.
 */
#ifndef TUN_UDP_H
#define TUN_UDP_H

#include "interconnect/base/addr.h"
#include "interconnect/base/cur.h"
#include "interconnect/base/err.h"
#include "interconnect/base/wr.h"

/* Bytes in front of the body. */
size_t tun_udp_headers(uint16_t family);
/* Writes the headers of a packet of SIZE bytes in all; both addresses are of one family. The body follows, then tun_udp_end(). */
void tun_udp_begin(struct cw_wr *w, const struct cw_ip *src, const struct cw_ip *dst, uint16_t port, size_t size);
/* Fills in the checksum of UDP. */
void tun_udp_end(struct cw_wr *w, uint16_t family);
/* Leaves C, a packet of any kind, at the body and ends it at the end of the packet. CW_E_NOT_FOUND: not from and to PORT;
 * CW_E_TRUNC: its length is not that of the packet; CW_E_MALFORMED: the checksum is wrong, or there is none. */
CW_NODISCARD int tun_udp_parse(struct cw_cur *c, uint16_t port);

#endif
