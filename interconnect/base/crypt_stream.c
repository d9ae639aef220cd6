/* SPDX-License-Identifier: Apache-2.0 */
/* crypt_stream.c - OpenSSL's answers to one read or one write. */
#include "interconnect/base/crypt_stream.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>

#include "interconnect/base/err.h"

int cw_stream_tls(SSL *s, int fd, bool accepting)
{
	if (SSL_set_fd(s, fd) != 1) {
		ERR_clear_error();
		return -ENOMEM;
	}
	SSL_set_mode(s, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	if (accepting)
		SSL_set_accept_state(s);
	else
		SSL_set_connect_state(s);
	return 0;
}

static const struct end_row {
	int error;
	short events;
	ssize_t r;
} end_rows[] = {
	{ SSL_ERROR_WANT_READ, POLLIN, -EAGAIN }, { SSL_ERROR_WANT_WRITE, POLLOUT, -EAGAIN },
	{ SSL_ERROR_ZERO_RETURN, 0, 0 }, { SSL_ERROR_SYSCALL, 0, -ECONNRESET },
};

/* An end of the stream without good-bye is an error of the library since OpenSSL 3. */
static bool is_cut(void)
{
	return ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

static ssize_t ended(const SSL *s, int n, short *ret_events)
{
	int error = SSL_get_error(s, n);
	bool cut = is_cut();

	ERR_clear_error();
	for (size_t i = 0; i < CW_COUNT(end_rows); i++)
		if (end_rows[i].error == error) {
			*ret_events = end_rows[i].events;
			return end_rows[i].r;
		}
	return cut ? -ECONNRESET : CW_E_AUTH;
}

ssize_t cw_stream_tls_read(SSL *s, void *buf, size_t size, short *ret_events)
{
	int n;

	ERR_clear_error();
	n = SSL_read(s, buf, (int)CW_MIN(size, (size_t)INT_MAX));
	return n > 0 ? n : ended(s, n, ret_events);
}

ssize_t cw_stream_tls_write(SSL *s, const void *buf, size_t size, short *ret_events)
{
	int n;

	ERR_clear_error();
	n = SSL_write(s, buf, (int)CW_MIN(size, (size_t)INT_MAX));
	return n > 0 ? n : ended(s, n, ret_events);
}

void cw_stream_tls_end(SSL *s)
{
	if (!s)
		return;
	if (SSL_is_init_finished(s))
		(void)SSL_shutdown(s);
	ERR_clear_error();
	SSL_free(s);
}
