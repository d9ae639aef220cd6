/* SPDX-License-Identifier: Apache-2.0 */
/* crypt_key.h - what crypt_key.c and crypt_cert.c share; nobody else includes it. */
#ifndef CW_CRYPT_KEY_H
#define CW_CRYPT_KEY_H

#include <sys/types.h>

#include "interconnect/base/crypt.h"

struct evp_pkey_st;
struct stack_st_X509_CRL;

enum { CW_PEM_MAX = 64 * 1024 };

/* The text of a PEM file in secret memory. */
struct cw_pem {
	uint8_t *text;
	size_t size;
};

/* Reads the regular file PATH; -EPERM when its mode has a bit of FORBIDDEN. */
CW_NODISCARD int cw_pem_read(const char *path, mode_t forbidden, struct cw_pem *ret_pem);
/* How often a thing of this NAME begins in it. */
size_t cw_pem_count(const struct cw_pem *p, const char *name);
void cw_pem_cleanup(struct cw_pem *p);
/* Instead of OpenSSL's own, which would ask at the terminal: nobody is there, so what is encrypted is refused. */
int cw_pem_no_passphrase(char *buf, int size, int writing, void *ctx);

/* Takes over PKEY, also on failure. CW_E_UNSUPPORTED when it is of a kind we do not do. */
CW_NODISCARD int cw_key_wrap(struct evp_pkey_st *pkey, struct cw_key **ret_key);
/* The lists, after a look at the file; borrowed until the next call. */
struct stack_st_X509_CRL *cw_crl_stack(struct cw_crl *c);
bool cw_key_is_p384(const struct cw_key *k);
bool cw_key_same(const struct cw_key *a, const struct cw_key *b);

#endif
