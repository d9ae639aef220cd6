/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypt_crl.c - certificate revocation lists from a local file. Nothing is ever fetched.
 *
 * Whoever brings the lists up to date replaces the file, by a rename; the next handshake sees that.
 *
 * Implements: RFC 5280 s5 (reading).
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "interconnect/base/crypt_key.h"
#include "interconnect/base/err.h"

enum { CRLS_MAX = 16 };

struct cw_crl {
	char *path;
	struct stat seen;               /* of the file that was read */
	STACK_OF(X509_CRL) *list;
};

static void list_free(STACK_OF(X509_CRL) *list)
{
	sk_X509_CRL_pop_free(list, X509_CRL_free);
}

static void list_cleanup(STACK_OF(X509_CRL) **list)
{
	list_free(*list);
}

static void bio_cleanup(BIO **b)
{
	BIO_free(*b);
}

/* The N lists of the text B. */
static int read_lists(BIO *b, size_t n, STACK_OF(X509_CRL) *list)
{
	for (; n > 0; n--) {
		X509_CRL *crl = PEM_read_bio_X509_CRL(b, NULL, cw_pem_no_passphrase, NULL);

		if (!crl || sk_X509_CRL_push(list, crl) <= 0) {
			X509_CRL_free(crl);
			ERR_clear_error();
			return CW_E_INVALID;
		}
	}
	return 0;
}

static int parse(const struct cw_pem *pem, STACK_OF(X509_CRL) **ret_list)
{
	CW_AUTO(list_cleanup) STACK_OF(X509_CRL) *list = sk_X509_CRL_new_null();
	CW_AUTO(bio_cleanup) BIO *b = NULL;
	size_t n = cw_pem_count(pem, PEM_STRING_X509_CRL);
	int r;

	if (!list)
		return -ENOMEM;
	if (n == 0 || n > CRLS_MAX)
		return n ? CW_E_LIMIT : CW_E_INVALID;
	if (!(b = BIO_new_mem_buf(pem->text, (int)pem->size)))
		return -ENOMEM;
	if ((r = read_lists(b, n, list)) < 0)
		return r;
	*ret_list = cw_steal(&list);
	return 0;
}

static int load(const char *path, STACK_OF(X509_CRL) **ret_list)
{
	CW_AUTO(cw_pem_cleanup) struct cw_pem pem = { 0 };
	int r = cw_pem_read(path, 0, &pem);

	return r < 0 ? r : parse(&pem, ret_list);
}

int cw_crl_load(const char *path, struct cw_crl **ret_crl)
{
	struct cw_crl *c = calloc(1, sizeof *c);
	int r;

	if (!c || !(c->path = strdup(path))) {
		free(c);
		return -ENOMEM;
	}
	r = stat(path, &c->seen) < 0 ? -errno : load(path, &c->list);
	if (r < 0) {
		cw_crl_free(c);
		return r;
	}
	*ret_crl = c;
	return 0;
}

int cw_crl_set(struct cw_crl **c, void *text, size_t size)
{
	const struct cw_pem pem = { text, size };
	STACK_OF(X509_CRL) *list;
	int r;

	if ((r = parse(&pem, &list)) < 0)
		return r;
	if (!*c && !(*c = calloc(1, sizeof **c))) {
		list_free(list);
		return -ENOMEM;
	}
	list_free((*c)->list);
	(*c)->list = list;
	return 0;
}

void cw_crl_free(struct cw_crl *c)
{
	if (!c)
		return;
	list_free(c->list);
	free(c->path);
	free(c);
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

struct stack_st_X509_CRL *cw_crl_stack(struct cw_crl *c)
{
	STACK_OF(X509_CRL) *list;
	struct stat now;

	if (!c->path || stat(c->path, &now) < 0 || is_same_file(&now, &c->seen))
		return c->list;
	c->seen = now;
	if (load(c->path, &list) == 0) {
		list_free(c->list);
		c->list = list;
	}
	return c->list;
}
