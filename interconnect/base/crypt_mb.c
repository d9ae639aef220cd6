/* SPDX-License-Identifier: Apache-2.0 */
/* crypt_mb.c - a row of functions for each AEAD that intel-ipsec-mb has, and the answers that it must give before it is used. */
#include "interconnect/base/crypt_mb.h"

#include <errno.h>
#include <intel-ipsec-mb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/err.h"
#include "interconnect/base/hex.h"
#include "interconnect/base/mem.h"

enum { MB_ALIGN = 64, MB_KAT_MAX = 128 };

struct packet {
	const uint8_t *nonce;
	struct cw_span aad;
	const uint8_t *in;
	size_t size;
	uint8_t *out;
};

struct cw_mb {
	union {
		struct gcm_key_data gcm;        /* must stand at MB_ALIGN */
		uint8_t chacha[32];
	} key;
	const struct mb_row *row;
};

static IMB_MGR *mgr;

/* ---- rows ---- */
static void gcm128_key(struct cw_mb *m, const void *key)
{
	IMB_AES128_GCM_PRE(mgr, key, &m->key.gcm);
}

static void gcm128_seal(const struct cw_mb *m, const struct packet *p, uint8_t *tag)
{
	struct gcm_context_data ctx;

	IMB_AES128_GCM_ENC(mgr, &m->key.gcm, &ctx, p->out, p->in, p->size, p->nonce, p->aad.p, p->aad.size, tag, CW_AEAD_TAG);
}

static void gcm128_open(const struct cw_mb *m, const struct packet *p, uint8_t *tag)
{
	struct gcm_context_data ctx;

	IMB_AES128_GCM_DEC(mgr, &m->key.gcm, &ctx, p->out, p->in, p->size, p->nonce, p->aad.p, p->aad.size, tag, CW_AEAD_TAG);
}

static void gcm256_key(struct cw_mb *m, const void *key)
{
	IMB_AES256_GCM_PRE(mgr, key, &m->key.gcm);
}

static void gcm256_seal(const struct cw_mb *m, const struct packet *p, uint8_t *tag)
{
	struct gcm_context_data ctx;

	IMB_AES256_GCM_ENC(mgr, &m->key.gcm, &ctx, p->out, p->in, p->size, p->nonce, p->aad.p, p->aad.size, tag, CW_AEAD_TAG);
}

static void gcm256_open(const struct cw_mb *m, const struct packet *p, uint8_t *tag)
{
	struct gcm_context_data ctx;

	IMB_AES256_GCM_DEC(mgr, &m->key.gcm, &ctx, p->out, p->in, p->size, p->nonce, p->aad.p, p->aad.size, tag, CW_AEAD_TAG);
}

static void chacha_key(struct cw_mb *m, const void *key)
{
	memcpy(m->key.chacha, key, sizeof m->key.chacha);
}

/* The context holds key stream and the key of Poly1305. */
static void chacha_seal(const struct cw_mb *m, const struct packet *p, uint8_t *tag)
{
	struct chacha20_poly1305_context_data ctx;

	IMB_CHACHA20_POLY1305_INIT(mgr, m->key.chacha, &ctx, p->nonce, p->aad.p, p->aad.size);
	IMB_CHACHA20_POLY1305_ENC_UPDATE(mgr, m->key.chacha, &ctx, p->out, p->in, p->size);
	IMB_CHACHA20_POLY1305_ENC_FINALIZE(mgr, &ctx, tag, CW_AEAD_TAG);
	cw_mem_wipe(&ctx, sizeof ctx);
}

static void chacha_open(const struct cw_mb *m, const struct packet *p, uint8_t *tag)
{
	struct chacha20_poly1305_context_data ctx;

	IMB_CHACHA20_POLY1305_INIT(mgr, m->key.chacha, &ctx, p->nonce, p->aad.p, p->aad.size);
	IMB_CHACHA20_POLY1305_DEC_UPDATE(mgr, m->key.chacha, &ctx, p->out, p->in, p->size);
	IMB_CHACHA20_POLY1305_DEC_FINALIZE(mgr, &ctx, tag, CW_AEAD_TAG);
	cw_mem_wipe(&ctx, sizeof ctx);
}

/* Answers: test cases 4 and 16 of the specification of GCM, RFC 8439 s2.8.2. */
#define GCM_KEY "feffe9928665731c6d6a8f9467308308"
#define GCM_NONCE "cafebabefacedbaddecaf888"
#define GCM_AAD "feedfacedeadbeeffeedfacedeadbeefabaddad2"
#define GCM_PLAIN "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525" \
	"b16aedf5aa0de657ba637b39"

static const struct mb_row {
	void (*key)(struct cw_mb *m, const void *key);
	void (*seal)(const struct cw_mb *m, const struct packet *p, uint8_t *tag);      /* both only write the tag */
	void (*open)(const struct cw_mb *m, const struct packet *p, uint8_t *tag);
	const char *kat_key, *nonce, *aad, *plain, *tag;        /* hexadecimal digits */
} rows[CW_AEAD_N] = {
	[CW_AEAD_AES128_GCM] = { gcm128_key, gcm128_seal, gcm128_open, GCM_KEY, GCM_NONCE, GCM_AAD, GCM_PLAIN,
				 "5bc94fbc3221a5db94fae95ae7121a47" },
	[CW_AEAD_AES256_GCM] = { gcm256_key, gcm256_seal, gcm256_open, GCM_KEY GCM_KEY, GCM_NONCE, GCM_AAD, GCM_PLAIN,
				 "76fc6ece0f4e1768cddf8853bb2d551b" },
	[CW_AEAD_CHACHA20_POLY1305] = { chacha_key, chacha_seal, chacha_open,
		"808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f", "070000004041424344454647",
		"50515253c0c1c2c3c4c5c6c7",
		"4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a204966204920636f756c64206f"
		"6666657220796f75206f6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73637265656e20776f756c6420"
		"62652069742e", "1ae10b594f09e26a7e902ecbd0600691" },
};

/* ---- is it good here? ---- */
static bool usable[CW_AEAD_N];

static bool answers(const struct mb_row *row)
{
	uint8_t key[32], nonce[CW_AEAD_NONCE], aad[MB_KAT_MAX], plain[MB_KAT_MAX], out[MB_KAT_MAX], want[CW_AEAD_TAG], tag[CW_AEAD_TAG];
	size_t aad_size = strlen(row->aad) / 2, size = strlen(row->plain) / 2;
	struct packet p = { nonce, { aad, aad_size }, plain, size, out };
	struct cw_mb *m;
	bool good;

	if (!(m = aligned_alloc(MB_ALIGN, (sizeof *m + MB_ALIGN - 1) / MB_ALIGN * MB_ALIGN)) ||
	    cw_hex_parse(row->kat_key, key, strlen(row->kat_key) / 2) < 0 || cw_hex_parse(row->nonce, nonce, sizeof nonce) < 0 ||
	    cw_hex_parse(row->aad, aad, aad_size) < 0 || cw_hex_parse(row->plain, plain, size) < 0 ||
	    cw_hex_parse(row->tag, want, sizeof want) < 0) {
		free(m);
		return false;
	}
	row->key(m, key);
	row->seal(m, &p, tag);
	good = memcmp(tag, want, sizeof want) == 0 && memcmp(out, plain, size) != 0;
	p.in = p.out;
	row->open(m, &p, tag);
	good = good && memcmp(tag, want, sizeof want) == 0 && memcmp(out, plain, size) == 0;
	free(m);
	return good;
}

static void begin(void)
{
	static const uint64_t fast = IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ | IMB_FEATURE_AVX2;

	if (!(mgr = alloc_mb_mgr(0)))
		return;
	init_mb_mgr_auto(mgr, NULL);
	if (imb_get_errno(mgr) != 0 || (mgr->features & fast) != fast)
		return;
	for (size_t i = 0; i < CW_AEAD_N; i++)
		usable[i] = rows[i].key && answers(&rows[i]);
}

bool cw_mb_has(enum cw_aead_alg alg)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, begin);
	return usable[alg];
}

/* ---- a key ---- */
int cw_mb_new(enum cw_aead_alg alg, const void *key, struct cw_mb **ret_mb)
{
	struct cw_mb *m = aligned_alloc(MB_ALIGN, (sizeof *m + MB_ALIGN - 1) / MB_ALIGN * MB_ALIGN);

	if (!m)
		return -ENOMEM;
	m->row = &rows[alg];
	m->row->key(m, key);
	*ret_mb = m;
	return 0;
}

void cw_mb_free(struct cw_mb *m)
{
	if (!m)
		return;
	cw_mem_wipe(m, sizeof *m);
	free(m);
}

void cw_mb_seal(struct cw_mb *m, const uint8_t *nonce, const void *aad, size_t aad_size, const uint8_t *in, size_t size, uint8_t *out)
{
	const struct packet p = { nonce, { aad, aad_size }, in, size, out };

	m->row->seal(m, &p, out + size);
}

int cw_mb_open(struct cw_mb *m, const uint8_t *nonce, const void *aad, size_t aad_size, const uint8_t *in, size_t size, uint8_t *out)
{
	const struct packet p = { nonce, { aad, aad_size }, in, size, out };
	uint8_t tag[CW_AEAD_TAG], want[CW_AEAD_TAG];

	memcpy(want, in + size, sizeof want);   /* OUT may be IN */
	m->row->open(m, &p, tag);
	return cw_mem_equal(tag, want, sizeof want) ? 0 : CW_E_AUTH;
}
