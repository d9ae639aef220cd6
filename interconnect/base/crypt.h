/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypt.h - AEAD, PRF, hashes, Diffie-Hellman, signatures and certificates. OpenSSL
 * stands only in crypt*.c.
 *
 * Every OpenSSL return code is compared with 1: minus one is a failure, too. Outputs are
 * untouched on failure unless said otherwise. Secrets that pass through are wiped.
 */
#ifndef CW_CRYPT_H
#define CW_CRYPT_H

#include "interconnect/base/base.h"

enum { CW_HASH_MAX = 64, CW_DH_PUBLIC_MAX = 256, CW_DH_SECRET_MAX = 256, CW_SIG_MAX = 1024, CW_CERT_MAX = 8192,
       CW_AEAD_TAG = 16, CW_AEAD_NONCE = 12, CW_AEAD_TAG_MAX = 32, CW_AEAD_NONCE_MAX = 16, CW_AEAD_KEY_MAX = 96 };

/* ---- hashes and PRF ---- */
enum cw_hash { CW_HASH_SHA1, CW_HASH_SHA256, CW_HASH_SHA384, CW_HASH_SHA512, CW_HASH_N };

struct cw_span {
	const void *p;
	size_t size;
};

size_t cw_hash_size(enum cw_hash h);
/* Hash, or HMAC under KEY, of the N spans one after the other. Writes cw_hash_size(h) bytes to OUT. */
CW_NODISCARD int cw_hash(enum cw_hash h, const struct cw_span *in, size_t n, uint8_t *out);
CW_NODISCARD int cw_hmac(enum cw_hash h, const void *key, size_t key_size, const struct cw_span *in, size_t n,
			 uint8_t *out);

/* Incremental hash (disk images). */
struct cw_hasher;
CW_NODISCARD int cw_hasher_new(enum cw_hash h, struct cw_hasher **ret_hasher);
CW_NODISCARD int cw_hasher_add(struct cw_hasher *x, const void *p, size_t size);
CW_NODISCARD int cw_hasher_end(struct cw_hasher *x, uint8_t *out);      /* may be used again afterwards */
void cw_hasher_free(struct cw_hasher *x);

/* ---- authenticated encryption ----
 * AEADs; and AES-CBC with HMAC-SHA2, for peers that have none, through the same calls (crypt_cbc.c): its nonce is the IV,
 * which must be random, its key the key of AES and then that of HMAC, its tag half the HMAC, which covers AAD, IV and
 * ciphertext. */
enum cw_aead_alg {
	CW_AEAD_AES128_GCM, CW_AEAD_AES256_GCM, CW_AEAD_CHACHA20_POLY1305,
	CW_AEAD_AES128_CBC_SHA256, CW_AEAD_AES128_CBC_SHA384, CW_AEAD_AES128_CBC_SHA512,
	CW_AEAD_AES256_CBC_SHA256, CW_AEAD_AES256_CBC_SHA384, CW_AEAD_AES256_CBC_SHA512, CW_AEAD_N
};

/* Octets of everything. In IKE and ESP the nonce is a salt, from the keying material, and the IV of the packet. */
struct cw_aead_shape {
	uint8_t key, salt, iv, tag;
	uint8_t block;                  /* the plaintext is a multiple of it */
};

/* Who computes them: intel-ipsec-mb where it is fast and gives the right answers (crypt_mb.h), OpenSSL elsewhere; or what one was
 * told to use. */
enum cw_crypt_engine { CW_CRYPT_AUTO, CW_CRYPT_OPENSSL, CW_CRYPT_IPSEC_MB, CW_CRYPT_ENGINE_N };
const char *cw_crypt_engine_name(enum cw_crypt_engine e);
/* For keys made from now on; call before there are threads. CW_E_UNSUPPORTED: not in this build, or not on this processor. */
CW_NODISCARD int cw_crypt_use(enum cw_crypt_engine e);
/* Which of the two the keys of ALG use. */
enum cw_crypt_engine cw_crypt_engine_of(enum cw_aead_alg alg);

struct cw_aead;
const struct cw_aead_shape *cw_aead_shape(enum cw_aead_alg alg);
static inline size_t cw_aead_key_size(enum cw_aead_alg alg)
{
	return cw_aead_shape(alg)->key;
}
CW_NODISCARD int cw_aead_new(enum cw_aead_alg alg, const void *key, struct cw_aead **ret_aead);
void cw_aead_free(struct cw_aead *a);
/* Encrypts SIZE bytes from IN to OUT (may be the same) and writes the tag behind them: OUT holds size and tag. NONCE is
 * salt and IV. END is authenticated behind the ciphertext; only CBC has such, CW_E_INVALID for AEADs. */
CW_NODISCARD int cw_aead_seal_end(struct cw_aead *a, const uint8_t *nonce, const void *aad, size_t aad_size,
				  const uint8_t *in, size_t size, struct cw_span end, uint8_t *out);
/* Decrypts SIZE bytes followed by their tag; CW_E_AUTH when the tag is wrong: then OUT is wiped. */
CW_NODISCARD int cw_aead_open_end(struct cw_aead *a, const uint8_t *nonce, const void *aad, size_t aad_size,
				  const uint8_t *in, size_t size, struct cw_span end, uint8_t *out);
/* The same with nothing behind. */
CW_NODISCARD static inline int cw_aead_seal(struct cw_aead *a, const uint8_t *nonce, const void *aad, size_t aad_size,
					    const uint8_t *in, size_t size, uint8_t *out)
{
	return cw_aead_seal_end(a, nonce, aad, aad_size, in, size, (struct cw_span){ NULL, 0 }, out);
}
CW_NODISCARD static inline int cw_aead_open(struct cw_aead *a, const uint8_t *nonce, const void *aad, size_t aad_size,
					    const uint8_t *in, size_t size, uint8_t *out)
{
	return cw_aead_open_end(a, nonce, aad, aad_size, in, size, (struct cw_span){ NULL, 0 }, out);
}

/* ---- Diffie-Hellman (crypt_dh.c), by IKEv2 group number: 14 MODP of 2048 bits, 19 P-256, 20 P-384, 31 X25519 ---- */
struct cw_dh;
/* Octets of a public value of the group, 0 when we do not do it. EC points are x || y without the leading 04. */
size_t cw_dh_public_size(unsigned group);
CW_NODISCARD int cw_dh_new(unsigned group, struct cw_dh **ret_dh);
/* Tests only: the key pair of a known private value, as long as the shared secret. CW_E_INVALID when it is none. */
CW_NODISCARD int cw_dh_import(unsigned group, const uint8_t *private, size_t size, struct cw_dh **ret_dh);
CW_NODISCARD int cw_dh_public(const struct cw_dh *d, uint8_t *out);
/* The shared secret with PEER (exactly cw_dh_public_size bytes): x of the point, with its leading zeros. Refuses what
 * is not in the group and a zero secret with CW_E_INVALID. RET_SIZE is how many of CW_DH_SECRET_MAX bytes were written. */
CW_NODISCARD int cw_dh_shared(struct cw_dh *d, const uint8_t *peer, size_t peer_size, uint8_t *out, size_t *ret_size);
void cw_dh_free(struct cw_dh *d);

/* ---- signatures (crypt_key.c) and certificates (crypt_cert.c) ---- */
struct cw_key;                  /* a private or public key */
struct cw_cert;
struct cw_crl;

/* Private key from a PEM file that only its owner may read (-EPERM otherwise). */
CW_NODISCARD int cw_key_load(const char *path, struct cw_key **ret_key);
/* Public key from the DER of a SubjectPublicKeyInfo. */
CW_NODISCARD int cw_key_parse(const void *spki, size_t size, struct cw_key **ret_key);
void cw_key_free(struct cw_key *k);
/* Signs TBS with the hash that fits the key: P-256 SHA-256, P-384 SHA-384, Ed25519 none, RSA PSS SHA-256. *RET_SIZE of
 * CW_SIG_MAX bytes to OUT: the signature alone, ECDSA as DER. */
CW_NODISCARD int cw_key_sign(struct cw_key *k, const void *tbs, size_t tbs_size, uint8_t *out, size_t *ret_size);
/* DER of the AlgorithmIdentifier of what cw_key_sign() makes (RFC 7427 appendix A). Static. */
CW_NODISCARD int cw_key_alg_id(const struct cw_key *k, const uint8_t **ret_der, size_t *ret_size);
/* IKEv2 hash number (RFC 7427 s7: 2 SHA2-256, 3 SHA2-384, 4 SHA2-512, 5 identity) that cw_key_sign() needs the peer to
 * know. */
unsigned cw_key_hash_number(const struct cw_key *k);
/* cw_cert_verify_sig() by a key alone. */
CW_NODISCARD int cw_key_verify(const struct cw_key *k, const void *alg_id, size_t alg_id_size, const void *tbs,
			       size_t tbs_size, const void *sig, size_t sig_size);

/* Certificate from PEM file, or from DER. */
CW_NODISCARD int cw_cert_load(const char *path, struct cw_cert **ret_cert);
CW_NODISCARD int cw_cert_parse(const void *der, size_t size, struct cw_cert **ret_cert);
void cw_cert_free(struct cw_cert *c);
/* All certificates of a PEM file, in its order: RET_N of at most MAX. CW_E_LIMIT when there are more. */
CW_NODISCARD int cw_cert_load_chain(const char *path, struct cw_cert **certs, size_t max, size_t *ret_n);
/* The PEM text of a certificate's DER; free() it. */
CW_NODISCARD int cw_cert_pem(const void *der, size_t size, char **ret_pem);
/* DER of the certificate; borrowed from it. */
void cw_cert_der(const struct cw_cert *c, const uint8_t **ret_der, size_t *ret_size);
/* SHA-1 of the SubjectPublicKeyInfo: what CERTREQ carries (RFC 7296 s3.7). */
CW_NODISCARD int cw_cert_spki_sha1(const struct cw_cert *c, uint8_t out[20]);
/* From when until when it is valid: wall time, seconds. */
CW_NODISCARD int cw_cert_valid(const struct cw_cert *c, int64_t *ret_from, int64_t *ret_until);
/* DER of the subject; borrowed. */
void cw_cert_subject(const struct cw_cert *c, const uint8_t **ret_der, size_t *ret_size);
/* True if the certificate speaks for the DNS name (exact, no wildcard, case-insensitive), or the IP (size 4 or 16), in
 * its subjectAltName. A NUL inside a name never matches. */
bool cw_cert_has_dns(const struct cw_cert *c, const char *name);
bool cw_cert_has_email(const struct cw_cert *c, const char *email);     /* exact, case counts */
bool cw_cert_has_ip(const struct cw_cert *c, const void *ip, size_t size);
/* CW_E_AUTH unless CERT is signed by CA (a CA certificate) and both are in time, at wall time NOW; CHAIN (n, may be 0)
 * are untrusted intermediates. WHY_TEXT (may be NULL) gets the reason of a refusal, static. Nothing is ever fetched. */
CW_NODISCARD int cw_cert_verify(const struct cw_cert *cert, struct cw_cert *const *chain, size_t n,
				const struct cw_cert *ca, int64_t now, const char **why_text);
/* The same; and, with CRL not NULL, unless there is a list in time from the issuer of each certificate below CA, and
 * none is on it. */
CW_NODISCARD int cw_cert_verify_crl(const struct cw_cert *cert, struct cw_cert *const *chain, size_t n,
				    const struct cw_cert *ca, struct cw_crl *crl, int64_t now, const char **why_text);
/* Certificate revocation lists (crypt_crl.c) from a PEM file with one or more; the file is read again when it has
 * changed. What cannot be read then is as if it had not changed: lists end by themselves. */
CW_NODISCARD int cw_crl_load(const char *path, struct cw_crl **ret_crl);
/* The lists of the PEM text TEXT in place of those of *C, which is made if it is NULL; on failure all stays as it was. */
CW_NODISCARD int cw_crl_set(struct cw_crl **c, void *text, size_t size);
void cw_crl_free(struct cw_crl *c);
/* True for what may sign other certificates and has a key on P-384, as the CA of a site. */
bool cw_cert_is_ca_p384(const struct cw_cert *c);
/* cw_key_hash_number() of the key that CERT is of; 0 when we do not sign with its kind. */
unsigned cw_cert_hash_number(const struct cw_cert *c);
/* Does KEY belong to CERT? */
bool cw_cert_fits_key(const struct cw_cert *cert, const struct cw_key *k);
/* Verifies SIG by the certificate's key with the algorithm of ALG_ID (DER AlgorithmIdentifier): ECDSA with
 * SHA-256/384/512, Ed25519, RSASSA-PSS with matching parameters, RSA PKCS#1 v1.5 with SHA-2. CW_E_UNSUPPORTED for
 * others (SHA-1 above all), CW_E_AUTH when it does not verify. */
CW_NODISCARD int cw_cert_verify_sig(const struct cw_cert *cert, const void *alg_id, size_t alg_id_size, const void *tbs,
				    size_t tbs_size, const void *sig, size_t sig_size);

#endif
