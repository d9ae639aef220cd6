/* SPDX-License-Identifier: Apache-2.0 */
/* ike_suite.c - suites as text, and their transform numbers. */
#include "interconnect/ike/ike_suite.h"

#include <stdio.h>
#include <string.h>

#include "interconnect/ike/ike_wire.h"

enum kind { KIND_AEAD, KIND_PRF, KIND_GROUP, KIND_N };

static const struct row {
	const char *word;
	enum kind kind;
	unsigned value;         /* enum cw_aead_alg, enum cw_hash, or group */
	uint16_t id, key_bits;
} rows[] = {
	{ "aes256gcm16", KIND_AEAD, CW_AEAD_AES256_GCM, IKE_ENCR_AES_GCM_16, 256 },
	{ "aes128gcm16", KIND_AEAD, CW_AEAD_AES128_GCM, IKE_ENCR_AES_GCM_16, 128 },
	{ "chacha20poly1305", KIND_AEAD, CW_AEAD_CHACHA20_POLY1305, IKE_ENCR_CHACHA20_POLY1305, 0 },
	{ "prfsha384", KIND_PRF, CW_HASH_SHA384, IKE_PRF_HMAC_SHA2_384, 0 },
	{ "prfsha256", KIND_PRF, CW_HASH_SHA256, IKE_PRF_HMAC_SHA2_256, 0 },
	{ "prfsha512", KIND_PRF, CW_HASH_SHA512, IKE_PRF_HMAC_SHA2_512, 0 },
	{ "ecp384", KIND_GROUP, IKE_GROUP_P384, IKE_GROUP_P384, 0 },
	{ "ecp256", KIND_GROUP, IKE_GROUP_P256, IKE_GROUP_P256, 0 },
	{ "x25519", KIND_GROUP, IKE_GROUP_X25519, IKE_GROUP_X25519, 0 },
};

static const struct row *by_word(const char *word, size_t len)
{
	for (size_t i = 0; i < CW_COUNT(rows); i++)
		if (strlen(rows[i].word) == len && memcmp(rows[i].word, word, len) == 0)
			return &rows[i];
	return NULL;
}

static const struct row *by_value(enum kind kind, unsigned value)
{
	for (size_t i = 0; i < CW_COUNT(rows); i++)
		if (rows[i].kind == kind && rows[i].value == value)
			return &rows[i];
	return NULL;
}

static const char *word_of(enum kind kind, unsigned value)
{
	const struct row *row = by_value(kind, value);

	return row ? row->word : "?";
}

static int refuse(struct cw_why *why, const char *text, bool esp)
{
	if (esp)
		return cw_why_set(why, CW_E_INVALID, "", "esp",
				  "must be one of aes256gcm16, aes128gcm16, chacha20poly1305, found '%s'", text);
	return cw_why_set(why, CW_E_INVALID, "", "ike",
			  "must be CIPHER-PRF-GROUP with a cipher aes256gcm16, aes128gcm16 or chacha20poly1305, "
			  "a PRF prfsha384, prfsha256 or prfsha512, a group ecp384, ecp256 or x25519, found '%s'",
			  text);
}

int ike_suite_parse(const char *text, bool esp, struct ike_suite *ret_suite, struct cw_why *why)
{
	size_t n_words = esp ? 1 : KIND_N, len;
	const struct row *found[KIND_N] = { NULL };
	const char *word = text;

	for (size_t i = 0; i < n_words; i++, word += len) {
		if (i > 0 && *word++ != '-')
			return refuse(why, text, esp);
		len = strcspn(word, "-");
		found[i] = by_word(word, len);
		if (!found[i] || found[i]->kind != (enum kind)i)
			return refuse(why, text, esp);
	}
	if (*word)
		return refuse(why, text, esp);
	*ret_suite = (struct ike_suite){ .aead = (enum cw_aead_alg)found[KIND_AEAD]->value };
	if (esp)
		return 0;
	ret_suite->prf = (enum cw_hash)found[KIND_PRF]->value;
	ret_suite->group = found[KIND_GROUP]->value;
	return 0;
}

char *ike_suite_text(const struct ike_suite *s, bool esp, char buf[IKE_SUITE_TEXT])
{
	if (esp)
		snprintf(buf, IKE_SUITE_TEXT, "%s", word_of(KIND_AEAD, s->aead));
	else
		snprintf(buf, IKE_SUITE_TEXT, "%s-%s-%s", word_of(KIND_AEAD, s->aead), word_of(KIND_PRF, s->prf),
			 word_of(KIND_GROUP, s->group));
	return buf;
}

uint16_t ike_suite_encr(enum cw_aead_alg aead, uint16_t *ret_key_bits)
{
	const struct row *row = by_value(KIND_AEAD, aead);

	*ret_key_bits = row ? row->key_bits : 0;
	return row ? row->id : 0;
}

uint16_t ike_suite_prf(enum cw_hash prf)
{
	const struct row *row = by_value(KIND_PRF, prf);

	return row ? row->id : 0;
}

size_t ike_suite_keymat(enum cw_aead_alg aead)
{
	return cw_aead_key_size(aead) + IKE_SK_SALT;
}
