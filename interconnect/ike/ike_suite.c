/* SPDX-License-Identifier: Apache-2.0 */
/* ike_suite.c - suites as text, and their transform numbers. */
#include "interconnect/ike/ike_suite.h"

#include <stdio.h>
#include <string.h>

#include "interconnect/ike/ike_wire.h"

enum kind { KIND_AEAD, KIND_PRF, KIND_GROUP, KIND_N };

#define CBC_ROW(word, aead, bits, integ, hash) { word, KIND_AEAD, aead, IKE_ENCR_AES_CBC, bits, integ, hash }

static const struct row {
	const char *word;
	enum kind kind;
	unsigned value;         /* enum cw_aead_alg, enum cw_hash, or group */
	uint16_t id, key_bits;
	uint16_t integ;         /* beside a cipher that has none */
	enum cw_hash hash;      /* of that */
} rows[] = {
	{ "aes256gcm16", KIND_AEAD, CW_AEAD_AES256_GCM, IKE_ENCR_AES_GCM_16, 256, 0, 0 },
	{ "aes128gcm16", KIND_AEAD, CW_AEAD_AES128_GCM, IKE_ENCR_AES_GCM_16, 128, 0, 0 },
	{ "chacha20poly1305", KIND_AEAD, CW_AEAD_CHACHA20_POLY1305, IKE_ENCR_CHACHA20_POLY1305, 0, 0, 0 },
	CBC_ROW("aes128-sha256", CW_AEAD_AES128_CBC_SHA256, 128, IKE_INTEG_HMAC_SHA2_256_128, CW_HASH_SHA256),
	CBC_ROW("aes128-sha384", CW_AEAD_AES128_CBC_SHA384, 128, IKE_INTEG_HMAC_SHA2_384_192, CW_HASH_SHA384),
	CBC_ROW("aes128-sha512", CW_AEAD_AES128_CBC_SHA512, 128, IKE_INTEG_HMAC_SHA2_512_256, CW_HASH_SHA512),
	CBC_ROW("aes256-sha256", CW_AEAD_AES256_CBC_SHA256, 256, IKE_INTEG_HMAC_SHA2_256_128, CW_HASH_SHA256),
	CBC_ROW("aes256-sha384", CW_AEAD_AES256_CBC_SHA384, 256, IKE_INTEG_HMAC_SHA2_384_192, CW_HASH_SHA384),
	CBC_ROW("aes256-sha512", CW_AEAD_AES256_CBC_SHA512, 256, IKE_INTEG_HMAC_SHA2_512_256, CW_HASH_SHA512),
	{ "prfsha384", KIND_PRF, CW_HASH_SHA384, IKE_PRF_HMAC_SHA2_384, 0, 0, 0 },
	{ "prfsha256", KIND_PRF, CW_HASH_SHA256, IKE_PRF_HMAC_SHA2_256, 0, 0, 0 },
	{ "prfsha512", KIND_PRF, CW_HASH_SHA512, IKE_PRF_HMAC_SHA2_512, 0, 0, 0 },
	{ "ecp384", KIND_GROUP, IKE_GROUP_P384, IKE_GROUP_P384, 0, 0, 0 },
	{ "ecp256", KIND_GROUP, IKE_GROUP_P256, IKE_GROUP_P256, 0, 0, 0 },
	{ "modp2048", KIND_GROUP, IKE_GROUP_MODP2048, IKE_GROUP_MODP2048, 0, 0, 0 },
	{ "x25519", KIND_GROUP, IKE_GROUP_X25519, IKE_GROUP_X25519, 0, 0, 0 },
};

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

uint16_t ike_suite_integ(enum cw_aead_alg aead)
{
	const struct row *row = by_value(KIND_AEAD, aead);

	return row ? row->integ : 0;
}

static enum cw_hash hash_of(enum cw_aead_alg aead)
{
	const struct row *row = by_value(KIND_AEAD, aead);

	return row ? row->hash : CW_HASH_N;
}

/* The row whose word TEXT begins with, up to a '-' or the end of an item. */
static const struct row *read_word(const char *text, enum kind kind, size_t *ret_size)
{
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		size_t n = strlen(rows[i].word);

		if (rows[i].kind == kind && strncmp(text, rows[i].word, n) == 0 && (text[n] == '\0' || strchr("-,", text[n]))) {
			*ret_size = n;
			return &rows[i];
		}
	}
	return NULL;
}

#define CIPHERS "aes256gcm16, aes128gcm16, chacha20poly1305, or aes256 or aes128 with -sha256, -sha384 or -sha512"
#define GROUPS "ecp384, ecp256, x25519 or modp2048"

static int refuse(struct cw_why *why, const char *text, bool esp)
{
	if (esp)
		return cw_why_set(why, CW_E_INVALID, "", "esp",
				  "must be up to 8 different suites CIPHER or CIPHER-GROUP, parted by commas, with a "
				  "cipher " CIPHERS ", a group " GROUPS " for rekeying, found '%s'", text);
	return cw_why_set(why, CW_E_INVALID, "", "ike",
			  "must be up to 8 different suites CIPHER-PRF-GROUP, parted by commas, with a cipher " CIPHERS ", "
			  "a PRF prfsha384, prfsha256 or prfsha512 (which may be absent beside a sha), "
			  "a group " GROUPS ", found '%s'", text);
}

/* Reads one suite; the size of its text, 0 when it is none. */
static size_t parse_one(const char *text, bool esp, struct ike_suite *ret_suite)
{
	const char *at = text;
	const struct row *row;
	size_t n;

	for (enum kind kind = KIND_AEAD; kind < KIND_N; kind++) {
		if (esp && (kind == KIND_PRF || (kind == KIND_GROUP && *at != '-')))
			continue;               /* a group, for rekeying, may be there or not */
		if (kind != KIND_AEAD && *at++ != '-')
			return 0;
		row = read_word(at, kind, &n);
		if (!row && kind == KIND_PRF && ike_suite_integ(ret_suite->aead) != 0) {
			ret_suite->prf = hash_of(ret_suite->aead);
			at--;
			continue;
		}
		if (!row)
			return 0;
		if (kind == KIND_AEAD)
			*ret_suite = (struct ike_suite){ .aead = (enum cw_aead_alg)row->value };
		else if (kind == KIND_PRF)
			ret_suite->prf = (enum cw_hash)row->value;
		else
			ret_suite->group = row->value;
		at += n;
	}
	return (size_t)(at - text);
}

static bool has_suite(const struct ike_suites *l, const struct ike_suite *s)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->s[i].aead == s->aead && l->s[i].prf == s->prf && l->s[i].group == s->group)
			return true;
	return false;
}

int ike_suite_parse(const char *text, bool esp, struct ike_suites *ret_suites, struct cw_why *why)
{
	struct ike_suites l = { .n = 0 };
	const char *at = text;

	for (;; at++) {
		struct ike_suite s;
		size_t n = l.n < IKE_SUITES_MAX ? parse_one(at, esp, &s) : 0;

		if (n == 0 || has_suite(&l, &s))
			return refuse(why, text, esp);
		l.s[l.n++] = s;
		at += n;
		if (*at == '\0')
			break;
		if (*at != ',')
			return refuse(why, text, esp);
	}
	*ret_suites = l;
	return 0;
}

char *ike_suite_text(const struct ike_suite *s, bool esp, char buf[IKE_SUITE_TEXT])
{
	const char *aead = word_of(KIND_AEAD, s->aead), *group = word_of(KIND_GROUP, s->group);

	if (esp)
		snprintf(buf, IKE_SUITE_TEXT, "%s%s%s", aead, s->group ? "-" : "", s->group ? group : "");
	else if (ike_suite_integ(s->aead) != 0 && s->prf == hash_of(s->aead))
		snprintf(buf, IKE_SUITE_TEXT, "%s-%s", aead, group);
	else
		snprintf(buf, IKE_SUITE_TEXT, "%s-%s-%s", aead, word_of(KIND_PRF, s->prf), group);
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
	const struct cw_aead_shape *shape = cw_aead_shape(aead);

	return (size_t)shape->key + shape->salt;
}

size_t ike_suite_integ_key(enum cw_aead_alg aead)
{
	return ike_suite_integ(aead) ? cw_hash_size(hash_of(aead)) : 0;
}
