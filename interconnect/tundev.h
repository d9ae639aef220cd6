/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tundev.h - the kernel's side of a layer-3 tunnel: a TUN device that gives and takes inner IP packets.
 *
 * The device exists as long as the process that made it. Addresses and routes are its
 * owner's business, except that the kernel gives it no addresses of its own.
 *
 * The kernel gives and takes large units of TCP and UDP (gso.h): they are cut to packets of the MTU before they are
 * handed on, and packets that are put between two flushes are joined.
 *
 * Threads: loop thread only.
 */
#ifndef TUNDEV_H
#define TUNDEV_H

#include "interconnect/base/base.h"
#include "interconnect/base/loop.h"
#include "interconnect/base/stat.h"

struct tundev;

/* PKT may be changed in place, and TUN_TAIL bytes behind it; it is gone when the call returns. */
typedef void tundev_packet(void *ctx, uint8_t *pkt, size_t size);

enum { TUNDEV_NAME_MAX = 15 };

/* -EBUSY when there is a device NAME already. It is up, with MTU. STAT (borrowed) counts what is malformed, and what
 * the kernel did not take of what was put. */
CW_NODISCARD int tundev_new(struct cw_loop *l, const char *name, unsigned mtu, tundev_packet *packet, void *ctx,
			    struct cw_stat *stat, struct tundev **ret_dev);
void tundev_free(struct tundev *d);
/* Packets of TCP are cut to MTU from now on; that of the device itself is its owner's business. */
void tundev_set_mtu(struct tundev *d, unsigned mtu);
/* Hands a packet to the kernel with the next tundev_flush(), and until then it must live. */
void tundev_put(struct tundev *d, const uint8_t *pkt, size_t size);
void tundev_flush(struct tundev *d);
/* Hands a packet to the kernel at once; -errno when it does not take it. */
CW_NODISCARD int tundev_write(struct tundev *d, const uint8_t *pkt, size_t size);

#endif
