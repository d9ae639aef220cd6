/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypt_cbc.c - AES-CBC, and HMAC over what comes out of it.
 *
 * The HMAC is compared in constant time before anything is decrypted, so neither answer nor time tells about padding,
 * which is not looked at here at all.
 *
 * Implements: RFC 3602, RFC 4868 s2; the order of RFC 4303 s3.3.2 and RFC 7296 s3.14.
 */
#include "interconnect/base/crypt_cbc.h"

#include <openssl/evp.h>
#include <string.h>

#include "interconnect/base/err.h"
#include "interconnect/base/mem.h"

/* The tag of AAD, IV, the SIZE bytes of ciphertext CT, and END. */
static int tag_of(struct cw_cbc *c, const uint8_t *iv, struct cw_span aad, const uint8_t *ct, size_t size,
		  struct cw_span end, uint8_t tag[CW_AEAD_TAG_MAX])
{
	const struct cw_span parts[] = { aad, { iv, c->shape->iv }, { ct, size }, end };
	uint8_t md[CW_HASH_MAX];
	size_t n = 0;

	/* Without a key: begins anew with the one it has. */
	if (EVP_MAC_init(c->mac, NULL, 0, NULL) != 1)
		return CW_E_CRYPTO;
	for (size_t i = 0; i < CW_COUNT(parts); i++)
		if (parts[i].size > 0 && EVP_MAC_update(c->mac, parts[i].p, parts[i].size) != 1)
			return CW_E_CRYPTO;
	if (EVP_MAC_final(c->mac, md, &n, sizeof md) != 1 || n < c->shape->tag)
		return CW_E_CRYPTO;
	memcpy(tag, md, c->shape->tag);
	cw_mem_wipe(md, sizeof md);
	return 0;
}

int cw_cbc_seal(struct cw_cbc *c, EVP_CIPHER_CTX *enc, const uint8_t *iv, struct cw_span aad, const uint8_t *in,
		size_t size, struct cw_span end, uint8_t *out)
{
	int n = 0, rest = 0;

	if (size % c->shape->block)
		return CW_E_INVALID;
	if (EVP_EncryptInit_ex2(enc, NULL, NULL, iv, NULL) != 1 ||
	    (size && (EVP_EncryptUpdate(enc, out, &n, in, (int)size) != 1 || (size_t)n != size)) ||
	    EVP_EncryptFinal_ex(enc, out + size, &rest) != 1 || rest != 0)
		return CW_E_CRYPTO;
	return tag_of(c, iv, aad, out, size, end, out + size);
}

int cw_cbc_open(struct cw_cbc *c, EVP_CIPHER_CTX *dec, const uint8_t *iv, struct cw_span aad, const uint8_t *in,
		size_t size, struct cw_span end, uint8_t *out)
{
	uint8_t tag[CW_AEAD_TAG_MAX], none[EVP_MAX_BLOCK_LENGTH];
	int n = 0, rest = 0, r;

	if (size % c->shape->block)
		return CW_E_TRUNC;
	if ((r = tag_of(c, iv, aad, in, size, end, tag)) < 0)
		return r;
	if (!cw_mem_equal(tag, in + size, c->shape->tag))
		return CW_E_AUTH;
	if (EVP_DecryptInit_ex2(dec, NULL, NULL, iv, NULL) != 1 ||
	    (size && (EVP_DecryptUpdate(dec, out, &n, in, (int)size) != 1 || (size_t)n != size)) ||
	    EVP_DecryptFinal_ex(dec, none, &rest) != 1 || rest != 0)
		return CW_E_CRYPTO;
	return 0;
}
