/* SPDX-License-Identifier: Apache-2.0 */
/*
 * park.h - what stays of a VM at the site that it left: its definition and its disks, as VM@EPOCH.
 *
 * In each pool that held a disk there is a folder parked/VM@EPOCH; the first one also
 * holds domain.xml. The VM can come back under its own name, and until "migration finish"
 * the state in which it left is still there. Every call looks what is done already, so
 * it may be called again after a crash. Blocking.
 */
#ifndef PARK_H
#define PARK_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"

/* PLAN of the job: name, epoch, definition, disks[{target, format, path}]. */
CW_NODISCARD int park_vm(const struct cw_json *plan);
/* Removes what was parked. */
CW_NODISCARD int park_remove(const struct cw_json *plan);

#endif
