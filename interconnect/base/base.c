/* SPDX-License-Identifier: Apache-2.0 */
/* base.c - scope cleanups. */
#include "interconnect/base/base.h"

#include <stdlib.h>
#include <unistd.h>

void cw_free_cleanup(void *pp)
{
	free(cw_steal_(pp));
}

void cw_fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void cw_fd_cleanup(int *fd)
{
	cw_fd_close(fd);
}
