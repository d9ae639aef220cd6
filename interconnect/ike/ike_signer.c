/* SPDX-License-Identifier: Apache-2.0 */
/* ike_signer.c - the secrets at work, and what they are not used for. */
#include "interconnect/ike/ike_signer.h"

#include "interconnect/ike/ike_id.h"
#include "interconnect/ike/ike_limits.h"
#include "interconnect/ike/ike_msg.h"

int ike_secret_check(const struct ike_secret *s)
{
	struct ike_id id;

	if (!s->local_id || !s->remote_id || ike_id_parse(s->local_id, &id) < 0 || ike_id_parse(s->remote_id, &id) < 0)
		return CW_E_INVALID;
	if (s->psk_size > IKE_PSK_MAX || (s->psk_size > 0 && !s->psk))
		return CW_E_INVALID;
	if (s->ppk_size > 0 && (!s->ppk || s->ppk_size < IKE_PPK_MIN || s->ppk_size > IKE_PPK_MAX))
		return CW_E_INVALID;
	return 0;
}

static bool is_prf(enum cw_hash prf)
{
	return prf == CW_HASH_SHA256 || prf == CW_HASH_SHA384 || prf == CW_HASH_SHA512;
}

/* The body of an ID payload with the name NAME. */
static bool is_id(struct cw_span body, const char *name)
{
	struct cw_cur c = cw_cur_of(body.p, body.size);
	struct ike_in_id in = { .type = cw_cur_u8(&c), .body = body };
	struct ike_id id;

	cw_cur_skip(&c, 3);
	in.data = (struct cw_span){ c.p, cw_cur_left(&c) };
	return !c.bad && ike_id_parse(name, &id) == 0 && ike_id_matches(&id, &in);
}

/* What AUTH covers begins like this: an IKE_SA_INIT, first of its SA, and the nonce that came back. */
static bool is_auth(const struct ike_auth_octets *o)
{
	struct ike_header h;

	if (o->message.size > IKE_IN_MAX || ike_msg_header(o->message.p, o->message.size, &h) < 0 || !is_prf(o->prf))
		return false;
	return h.version >> 4 == 2 && h.exchange == IKE_SA_INIT && h.id == 0 && h.spi_i != 0 &&
	       o->nonce->size >= IKE_NONCE_MIN && o->nonce->size <= IKE_NONCE_MAX;
}

static int local_sign(void *ctx, const struct ike_auth_octets *o, uint8_t *out, size_t *ret_size)
{
	const struct ike_secret *s = ctx;

	if (!s->key)
		return CW_E_STATE;
	if (!is_auth(o) || !is_id(o->id, s->local_id))
		return CW_E_FORBIDDEN;
	return ike_auth_sign(o, s->key, out, ret_size);
}

static int local_psk_auth(void *ctx, const struct ike_auth_octets *o, uint8_t *out, size_t *ret_size)
{
	const struct ike_secret *s = ctx;

	if (s->psk_size == 0)
		return CW_E_STATE;
	if (!is_auth(o) || (!is_id(o->id, s->local_id) && !is_id(o->id, s->remote_id)))
		return CW_E_FORBIDDEN;
	return ike_auth_psk(o, (struct cw_span){ s->psk, s->psk_size }, out, ret_size);
}

static int local_ppk(void *ctx, const struct ike_keys *k, struct ike_keys *ret_mixed)
{
	const struct ike_secret *s = ctx;

	if (s->ppk_size == 0)
		return CW_E_STATE;
	if (!is_prf(k->prf))
		return CW_E_FORBIDDEN;
	return ike_keys_mix(k, (struct cw_span){ s->ppk, s->ppk_size }, ret_mixed);
}

const struct ike_signer ike_signer_local = { local_sign, local_psk_auth, local_ppk };
