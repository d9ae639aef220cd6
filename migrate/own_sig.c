/* SPDX-License-Identifier: Apache-2.0 */
/* own_sig.c - signing and checking of records. */
#include "migrate/own_sig.h"

#include <stdio.h>
#include <string.h>

#include "interconnect/base/hex.h"

/* ecdsa-with-SHA384 (RFC 5758): the only one that is made or taken. */
static const uint8_t alg_id[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03 };

enum { TBS_MAX = 128 };

static size_t tbs_of(const struct own *o, char out[TBS_MAX])
{
	return (size_t)snprintf(out, TBS_MAX, "causeway owner record 1\n%.64s\n", o->hash);
}

static bool is_ours(struct cw_key *key)
{
	const uint8_t *der;
	size_t size;

	return cw_key_alg_id(key, &der, &size) == 0 && size == sizeof alg_id && memcmp(der, alg_id, size) == 0;
}

int own_sig_make(const struct own *o, const char *signer, struct cw_key *key, struct own_sig *ret_s)
{
	struct own_sig s = { .o = *o };
	uint8_t sig[CW_SIG_MAX];
	char tbs[TBS_MAX];
	size_t size = 0;
	int r;

	if (snprintf(s.signer, sizeof s.signer, "%s", signer) >= (int)sizeof s.signer)
		return CW_E_LIMIT;
	if (!is_ours(key))
		return CW_E_UNSUPPORTED;
	if ((r = cw_key_sign(key, tbs, tbs_of(o, tbs), sig, &size)) < 0)
		return r;
	if (size > OWN_SIG_SIZE)
		return CW_E_LIMIT;
	cw_hex_text(sig, size, s.signature);
	*ret_s = s;
	return 0;
}

int own_sig_check(const struct own_sig *s, const struct cw_cert *ca)
{
	uint8_t sig[OWN_SIG_SIZE];
	size_t size = strlen(s->signature) / 2;
	char tbs[TBS_MAX];

	if (size == 0 || size > sizeof sig || strlen(s->signature) != 2 * size || cw_hex_parse(s->signature, sig, size) < 0)
		return CW_E_AUTH;
	return cw_cert_verify_sig(ca, alg_id, sizeof alg_id, tbs, tbs_of(&s->o, tbs), sig, size) < 0 ? CW_E_AUTH : 0;
}

struct cw_json *own_sig_to_json(const struct own_sig *s)
{
	struct cw_json *j = own_to_json(&s->o);

	cw_json_set_str(j, "signer", s->signer);
	cw_json_set_str(j, "signature", s->signature);
	return j;
}

static int copy(char *out, size_t size, const char *text)
{
	int n = snprintf(out, size, "%s", text);

	return n > 0 && n < (int)size ? 0 : CW_E_MALFORMED;
}

int own_sig_from_json(const struct cw_json *j, const char *uuid, struct own_sig *ret_s)
{
	struct own_sig s = { 0 };
	int r;

	if ((r = own_from_json(j, uuid, &s.o)) < 0 ||
	    (r = copy(s.signer, sizeof s.signer, cw_json_get_str(j, "signer", ""))) < 0 ||
	    (r = copy(s.signature, sizeof s.signature, cw_json_get_str(j, "signature", ""))) < 0)
		return r;
	*ret_s = s;
	return 0;
}
