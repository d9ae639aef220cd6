/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypt_stream.h - a TLS session on a descriptor, for programs without a loop.
 *
 * The descriptor is the caller's, nonblocking and connected; the handshake happens with the first read or write.
 * -EAGAIN tells with *RET_EVENTS (POLLIN or POLLOUT) what to wait for before the same call is made again.
 */
#ifndef CW_CRYPT_STREAM_H
#define CW_CRYPT_STREAM_H

#include <sys/types.h>

#include "interconnect/base/base.h"
#include "interconnect/base/crypt_tls.h"

/* Binds S, of cw_tls_connect() or cw_tls_accept(), to FD. */
CW_NODISCARD int cw_stream_tls(struct ssl_st *s, int fd, bool accepting);
/* Bytes, 0 at the end of the stream (said so by the other side), -EAGAIN, CW_E_AUTH when the other side was refused
 * or refused us, or -ECONNRESET when the stream was cut. */
CW_NODISCARD ssize_t cw_stream_tls_read(struct ssl_st *s, void *buf, size_t size, short *ret_events);
CW_NODISCARD ssize_t cw_stream_tls_write(struct ssl_st *s, const void *buf, size_t size, short *ret_events);
/* Says good-bye if that needs no waiting, and frees S (NULL is fine); FD stays. */
void cw_stream_tls_end(struct ssl_st *s);

#endif
