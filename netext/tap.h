/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tap.h - the TAP device through which an extension is a port of its bridge.
 *
 * The device is not persistent: it goes with the descriptor, so a killed process leaves
 * none behind. It emits nothing of its own (IPv6 is off on it), and its address begins with
 * fe, so that a bridge, which takes the lowest address of its ports, never takes this one.
 *
 * Each frame has a virtio header in front; after tap_offload() it may be a large unit (gso.h).
 */
#ifndef TAP_H
#define TAP_H

#include <linux/virtio_net.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "interconnect/base/base.h"

enum { TAP_NAME_MAX = 15 };

/* Makes the device NAME, nonblocking. -EBUSY when a device of this name exists. */
CW_NODISCARD int tap_open(const char *name, int *ret_fd);
/* From now on the device gives large units of TCP, and of UDP if the kernel knows them: then it takes them as well.
 * CW_E_UNSUPPORTED when there are no virtio headers on it. */
CW_NODISCARD int tap_offload(int fd, bool *ret_udp);
/* Reads one frame or unit of at most SIZE bytes; its size, or -EAGAIN when there is none. */
CW_NODISCARD ssize_t tap_read(int fd, struct virtio_net_hdr *ret_v, void *buf, size_t size);
/* Writes one frame or unit, in N pieces; N is less than TAP_PIECES_MAX. */
CW_NODISCARD int tap_write(int fd, const struct virtio_net_hdr *v, const struct iovec *iov, size_t n);

enum { TAP_PIECES_MAX = 80 };

#endif
