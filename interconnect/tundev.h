/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tundev.h - the kernel's side of a layer-3 tunnel: a TUN device that gives and takes inner IP packets.
 *
 * The device exists as long as the process that made it. Addresses and routes are its
 * owner's business, except that the kernel gives it no addresses of its own.
 *
 * Threads: loop thread only.
 */
#ifndef TUNDEV_H
#define TUNDEV_H

#include "interconnect/base/base.h"
#include "interconnect/base/loop.h"

struct tundev;

/* PKT may be changed in place, and TUN_TAIL bytes behind it; it is gone when the call returns. */
typedef void tundev_packet(void *ctx, uint8_t *pkt, size_t size);

enum { TUNDEV_NAME_MAX = 15 };

/* -EBUSY when there is a device NAME already. It is up, with MTU. */
CW_NODISCARD int tundev_new(struct cw_loop *l, const char *name, unsigned mtu, tundev_packet *packet, void *ctx,
			    struct tundev **ret_dev);
void tundev_free(struct tundev *d);
/* Hands a packet to the kernel; -errno when it does not take it. */
CW_NODISCARD int tundev_write(struct tundev *d, const uint8_t *pkt, size_t size);

#endif
