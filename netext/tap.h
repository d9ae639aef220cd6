/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tap.h - the TAP device through which an extension is a port of its bridge.
 *
 * The device is not persistent: it goes with the descriptor, so a killed process leaves
 * none behind. It emits nothing of its own (IPv6 is off on it), and its address begins with
 * fe, so that a bridge, which takes the lowest address of its ports, never takes this one.
 */
#ifndef TAP_H
#define TAP_H

#include <sys/types.h>

#include "interconnect/base/base.h"

enum { TAP_NAME_MAX = 15 };

/* Makes the device NAME, nonblocking. -EBUSY when a device of this name exists. */
CW_NODISCARD int tap_open(const char *name, int *ret_fd);
/* Reads one frame; its size, or -EAGAIN when there is none. */
CW_NODISCARD ssize_t tap_read(int fd, void *buf, size_t size);
/* Writes one frame. */
CW_NODISCARD int tap_write(int fd, const void *frame, size_t size);

#endif
