/* SPDX-License-Identifier: Apache-2.0 */
/*
 * help_netns.h - named network namespaces, as ip-netns(8) knows them: /run/netns/NAME is a mount of the namespace.
 *
 * All may be done twice, and end what was begun and not ended. Blocking calls; NAME has been checked.
 */
#ifndef HELP_NETNS_H
#define HELP_NETNS_H

#include "interconnect/base/base.h"

#define HELP_NETNS_DIR "/run/netns"

/* True if something has this name. */
bool help_netns_exists(const char *name);
/* Makes the namespace, with lo up and nothing forwarded, unless it is there. */
CW_NODISCARD int help_netns_make(const char *name);
/* -ENOENT when there is none. */
CW_NODISCARD int help_netns_open(const char *name, int *ret_fd);
CW_NODISCARD int help_netns_remove(const char *name);
/* Runs FN in the namespace of FD and comes back; what FN says. */
CW_NODISCARD int help_netns_run(int fd, int (*fn)(void *ctx), void *ctx);

#endif
