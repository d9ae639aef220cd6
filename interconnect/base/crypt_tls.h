/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypt_tls.h - TLS 1.3 between managers, trusted by pins alone.
 *
 * A pin is the SHA-256 of the SubjectPublicKeyInfo of the other side's certificate; chains and
 * names count for nothing. A client knows the pin beforehand and leaves the handshake at any other
 * certificate, before it has sent its own or anything else. A server asks for a certificate, takes
 * any or none, and looks at the pin afterwards: TLS has proved that the client holds the key.
 *
 * A session is OpenSSL's own object, because libevent wants it; nobody else looks into it.
 */
#ifndef CW_CRYPT_TLS_H
#define CW_CRYPT_TLS_H

#include "interconnect/base/base.h"

enum { CW_TLS_PIN = 32 };

struct cw_tls;
struct ssl_st;

/* Our certificate and its private key, from PEM files; the key's may be read by its owner only. */
CW_NODISCARD int cw_tls_new(const char *cert, const char *key, struct cw_tls **ret_tls);
/* A client without a certificate of its own: cw_tls_connect() alone. */
CW_NODISCARD int cw_tls_client(struct cw_tls **ret_tls);
void cw_tls_free(struct cw_tls *t);                     /* sessions go on */
void cw_tls_pin(const struct cw_tls *t, uint8_t ret_pin[CW_TLS_PIN]);
/* A session of a server; NULL when there is no memory. ON_FREE(ctx) is called when it is freed. */
struct ssl_st *cw_tls_accept(struct cw_tls *t, void (*on_free)(void *ctx), void *ctx);
/* A session of a client that accepts PIN (copied) only; *RET_REFUSED, which must outlive it, becomes true when it saw another. */
struct ssl_st *cw_tls_connect(struct cw_tls *t, const uint8_t pin[CW_TLS_PIN], bool *ret_refused);
/* The pin of the other side: 0, CW_E_AUTH when it showed no certificate. */
CW_NODISCARD int cw_tls_peer(const struct ssl_st *s, uint8_t ret_pin[CW_TLS_PIN]);

#endif
