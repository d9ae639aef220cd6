/* SPDX-License-Identifier: Apache-2.0 */
/* virt_conn.h - what the virt files share: errors. Nobody else includes this. */
#ifndef VIRT_CONN_H
#define VIRT_CONN_H

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"

/* Code of the error that libvirt just reported in this thread; WHY's rule (may be NULL) gets its text. */
int virt_error(struct cw_why *why);
/* Makes libvirt keep its errors to itself. */
void virt_quiet(void);

#endif
