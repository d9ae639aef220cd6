/* SPDX-License-Identifier: Apache-2.0 */
/*
 * udp.h - one uplink: a UDP socket that carries IKE, ESP and keepalives side by side (RFC 3948).
 *
 * Datagrams are told apart by their first bytes: four zero octets are the non-ESP marker
 * and IKE follows; a single 0xFF is a NAT keepalive; anything else that is long enough
 * begins with an SPI and is ESP.
 *
 *	0                   1                   2                   3
 *	+-------------------------------+    +-------------------------+
 *	| 0x00000000 | IKE header ...   |    | SPI (not 0) | seq | ... |    | 0xFF |
 *	+-------------------------------+    +-------------------------+    +------+
 *
 * Both directions go in batches, and many datagrams through the kernel in one message: datagrams that follow each other
 * to one place with one size are sent with UDP_SEGMENT, and received as the kernel joined them (UDP_GRO), where it can.
 * What is to be sent is built in place in a slot of the queue, and leaves when the queue is full or on the next turn of
 * the loop. ESP is never fragmented outside: DF is set and the kernel's own path MTU is ignored (tun.h knows it); an IKE
 * message that the link does not take whole is. UDP checksums are always sent, and need not be there in what comes.
 *
 * A datagram has its own TOS byte (IPv4) or traffic class (IPv6), so that DSCP and ECN get through (ecn.h).
 *
 * Implements: RFC 3948 s2.1, s2.2, s2.3.
 * Threads: loop thread only.
 */
#ifndef UDP_H
#define UDP_H

#include "interconnect/base/addr.h"
#include "interconnect/base/base.h"
#include "interconnect/base/loop.h"
#include "interconnect/base/stat.h"

/* Datagrams that wait at most, and the size of one. */
enum { UDP_BATCH = 128, UDP_DATAGRAM_MAX = 9472, UDP_MARKER = 4 };

enum udp_kind { UDP_IKE, UDP_ESP, UDP_KEEPALIVE, UDP_BAD };

struct udp;

/* What arrived: DATA may be changed in place, and lives until the batch is over (udp_on_batch()). */
typedef void udp_input(void *ctx, const struct cw_endpoint *from, uint8_t *data, size_t size);

/* Pure. IKE and ESP may still turn out to be nonsense; UDP_BAD is what can be neither. */
enum udp_kind udp_classify(const uint8_t *data, size_t size);

/* Binds LOCAL; -EADDRNOTAVAIL when no interface has it. STAT (borrowed) counts what could not be sent or was cut off.
 */
CW_NODISCARD int udp_new(struct cw_loop *l, const struct cw_endpoint *local, udp_input *input, void *ctx,
			 struct cw_stat *stat, struct udp **ret_udp);
/* BATCH is called with the context of the input when what arrived at once has been handed over. */
void udp_on_batch(struct udp *u, void (*batch)(void *ctx));
/* TOS byte or traffic class of the datagram that is being handed to the input. */
uint8_t udp_tos(const struct udp *u);
/* Where it is bound: with the port that the kernel chose when LOCAL had none. */
struct cw_endpoint udp_local(const struct udp *u);
void udp_free(struct udp *u);           /* what is still in the queue is sent first */

/* UDP_DATAGRAM_MAX bytes to build the next datagram in; it stays the next one until udp_commit(). */
uint8_t *udp_slot(struct udp *u);
/* Queues the first SIZE bytes of the slot for TO. */
void udp_commit(struct udp *u, const struct cw_endpoint *to, size_t size);
/* The same with the TOS byte or traffic class TOS. */
void udp_commit_tos(struct udp *u, const struct cw_endpoint *to, size_t size, uint8_t tos);
/* Queues an IKE message behind the non-ESP marker, or a keepalive. */
void udp_send_ike(struct udp *u, const struct cw_endpoint *to, const void *msg, size_t size);
void udp_send_keepalive(struct udp *u, const struct cw_endpoint *to);
/* Sends the queue now. */
void udp_flush(struct udp *u);

#endif
