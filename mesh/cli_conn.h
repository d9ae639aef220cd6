/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_conn.h - a stream to the site manager: a UNIX socket, or TLS 1.3 to the pinned key.
 *
 * Everything ends by a deadline, and by what cli_stop.h says.
 */
#ifndef CLI_CONN_H
#define CLI_CONN_H

#include <sys/types.h>

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "mesh/cli_url.h"

struct cli_conn {
	int fd;                         /* -1: not connected */
	struct cw_tls *tls;             /* NULL: a UNIX socket */
	struct ssl_st *session;
	bool refused;                   /* it showed another key */
	uint64_t end_ms;                /* of the monotonic clock: when waiting is over */
};

/* Both set up C; nothing is sent. CW_E_UNREACHABLE or CW_E_FORBIDDEN with WHY. */
CW_NODISCARD int cli_conn_unix(struct cli_conn *c, const char *path, uint64_t ms, struct cw_why *why);
CW_NODISCARD int cli_conn_url(struct cli_conn *c, const struct cli_url *u, uint64_t ms, struct cw_why *why);
void cli_conn_deadline(struct cli_conn *c, uint64_t ms);
/* 0, CW_E_TIMEOUT, CW_E_AUTH, or -ECONNRESET. */
CW_NODISCARD int cli_conn_send(struct cli_conn *c, const void *p, size_t size);
/* Bytes, 0 at the end of the stream, or as for sending. */
CW_NODISCARD ssize_t cli_conn_recv(struct cli_conn *c, void *p, size_t size);
void cli_conn_close(struct cli_conn *c);

#endif
