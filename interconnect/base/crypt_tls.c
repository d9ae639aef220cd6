/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypt_tls.c - TLS by OpenSSL: one context per side, pins in the verify callback.
 *
 * Implements: RFC 8446; RFC 7469 s2.4 (what a pin is).
 */
#include "interconnect/base/crypt_tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "interconnect/base/crypt.h"
#include "interconnect/base/crypt_key.h"
#include "interconnect/base/err.h"
#include "interconnect/base/mem.h"

struct cw_tls {
	SSL_CTX *server, *client;
	uint8_t pin[CW_TLS_PIN];
};

/* What hangs on a session: of a client what it expects, of a server whom to tell its end. */
struct note {
	uint8_t pin[CW_TLS_PIN];
	bool *refused;
	void (*on_free)(void *ctx);
	void *ctx;
};

static int note_index = -1;

static int refused(int r)
{
	ERR_clear_error();
	return r;
}

static void note_free(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
	struct note *n = ptr;

	(void)parent, (void)ad, (void)idx, (void)argl, (void)argp;
	if (n && n->on_free)
		n->on_free(n->ctx);
	free(n);
}

static int pin_of(X509 *x, uint8_t ret_pin[CW_TLS_PIN])
{
	unsigned char *der = NULL;
	int n = x ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der) : -1;
	int r;

	if (n <= 0)
		return refused(CW_E_AUTH);
	r = cw_hash(CW_HASH_SHA256, &(struct cw_span){ der, (size_t)n }, 1, ret_pin);
	OPENSSL_free(der);
	return r;
}

/* The server's certificate, as the client sees it. */
static int on_server_cert(X509_STORE_CTX *c, void *arg)
{
	SSL *s = X509_STORE_CTX_get_ex_data(c, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct note *n = s ? SSL_get_ex_data(s, note_index) : NULL;
	uint8_t pin[CW_TLS_PIN];

	(void)arg;
	if (n && pin_of(X509_STORE_CTX_get0_cert(c), pin) == 0 && cw_mem_equal(pin, n->pin, sizeof pin))
		return 1;
	if (n && n->refused)
		*n->refused = true;
	X509_STORE_CTX_set_error(c, X509_V_ERR_CERT_UNTRUSTED);
	return 0;
}

static int on_client_cert(X509_STORE_CTX *c, void *arg)
{
	(void)c, (void)arg;
	return 1;
}

static int no_passphrase(char *buf, int size, int writing, void *ctx)
{
	return cw_pem_no_passphrase(buf, size, writing, ctx);
}

static int context(const SSL_METHOD *method, const char *cert, const char *key, SSL_CTX **ret_ctx)
{
	SSL_CTX *c = SSL_CTX_new(method);

	if (!c)
		return refused(-ENOMEM);
	SSL_CTX_set_default_passwd_cb(c, no_passphrase);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	if (SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION) != 1 || SSL_CTX_set_num_tickets(c, 0) != 1 ||
	    SSL_CTX_set1_groups_list(c, "P-384:X25519:P-256") != 1 ||
	    (cert && (SSL_CTX_use_certificate_file(c, cert, SSL_FILETYPE_PEM) != 1 ||
		      SSL_CTX_use_PrivateKey_file(c, key, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(c) != 1))) {
		SSL_CTX_free(c);
		return refused(CW_E_INVALID);
	}
	*ret_ctx = c;
	return 0;
}

static int client_context(struct cw_tls *t, const char *cert, const char *key)
{
	int r;

	if (note_index < 0)
		note_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, note_free);
	if (note_index < 0)
		return refused(-ENOMEM);
	if ((r = context(TLS_client_method(), cert, key, &t->client)) < 0)
		return r;
	SSL_CTX_set_verify(t->client, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(t->client, on_server_cert, NULL);
	return 0;
}

static int contexts(struct cw_tls *t, const char *cert, const char *key)
{
	int r;

	if ((r = client_context(t, cert, key)) < 0 || (r = context(TLS_server_method(), cert, key, &t->server)) < 0)
		return r;
	SSL_CTX_set_verify(t->server, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(t->server, on_client_cert, NULL);
	return pin_of(SSL_CTX_get0_certificate(t->server), t->pin);
}

int cw_tls_new(const char *cert, const char *key, struct cw_tls **ret_tls)
{
	CW_AUTO(cw_pem_cleanup) struct cw_pem pem = { 0 };
	struct cw_tls *t;
	int r;

	/* Only for its rule that nobody else may read a key. */
	if ((r = cw_pem_read(key, S_IRWXG | S_IRWXO, &pem)) < 0)
		return r;
	if (!(t = calloc(1, sizeof *t)))
		return -ENOMEM;
	if ((r = contexts(t, cert, key)) < 0) {
		cw_tls_free(t);
		return r;
	}
	*ret_tls = t;
	return 0;
}

int cw_tls_client(struct cw_tls **ret_tls)
{
	struct cw_tls *t = calloc(1, sizeof *t);
	int r;

	if (!t)
		return -ENOMEM;
	if ((r = client_context(t, NULL, NULL)) < 0) {
		cw_tls_free(t);
		return r;
	}
	*ret_tls = t;
	return 0;
}

void cw_tls_free(struct cw_tls *t)
{
	if (!t)
		return;
	SSL_CTX_free(t->server);
	SSL_CTX_free(t->client);
	free(t);
}

void cw_tls_pin(const struct cw_tls *t, uint8_t ret_pin[CW_TLS_PIN])
{
	memcpy(ret_pin, t->pin, CW_TLS_PIN);
}

/* A session that owns NOTE. */
static SSL *session(SSL_CTX *c, const struct note *note)
{
	SSL *s = SSL_new(c);
	struct note *n = malloc(sizeof *n);

	if (s && n) {
		*n = *note;
		if (SSL_set_ex_data(s, note_index, n) == 1)
			return s;
	}
	free(n);
	SSL_free(s);
	return NULL;
}

SSL *cw_tls_accept(struct cw_tls *t, void (*on_free)(void *ctx), void *ctx)
{
	return session(t->server, &(struct note){ .on_free = on_free, .ctx = ctx });
}

SSL *cw_tls_connect(struct cw_tls *t, const uint8_t pin[CW_TLS_PIN], bool *ret_refused)
{
	struct note n = { .refused = ret_refused };

	memcpy(n.pin, pin, sizeof n.pin);
	return session(t->client, &n);
}

int cw_tls_peer(const SSL *s, uint8_t ret_pin[CW_TLS_PIN])
{
	return pin_of(SSL_get0_peer_certificate(s), ret_pin);
}
