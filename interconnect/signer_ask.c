/* SPDX-License-Identifier: Apache-2.0 */
/* signer_ask.c - questions to the signer. */
#include "interconnect/signer.h"

#include <stdlib.h>
#include <string.h>

#include "interconnect/base/log.h"

CW_LOG_MODULE(signer);

enum { SIGNER_ANSWER_MS = 10 * 1000 };  /* a signature takes one */

/* The answer lies in the wire's buffer. */
static int signer_question(const struct signer_ask *s, struct keys_msg *m, struct keys_msg *ret_answer)
{
	int r;

	m->tunnel = s->tunnel;
	if ((r = keys_wire_send(s->wire, m, false)) == 0) {
		if (keys_wire_wait(s->wire, SIGNER_ANSWER_MS) == 1)
			r = keys_wire_recv(s->wire, KEYS_SIGNER_TO_IKE, false, ret_answer);
		else
			r = CW_E_TIMEOUT;
	}
	if (r < 0) {
		cw_log_r(ERROR, "signer", r, "no answer");
		exit(1);                /* both are begun anew */
	}
	return ret_answer->r < 0 ? ret_answer->r : 0;
}

static int signer_ask_auth(void *ctx, enum keys_type type, const struct ike_auth_octets *o, uint8_t *out, size_t *ret_size)
{
	struct keys_msg a, m = {
		.type = type, .prf = (uint8_t)o->prf, .bytes = o->message, .nonce = { o->nonce->b, o->nonce->size }, .id = o->id,
		.sk_p = { o->sk_p, cw_hash_size(o->prf) },
	};
	int r = signer_question(ctx, &m, &a);

	if (r < 0)
		return r;
	memcpy(out, a.bytes.p, a.bytes.size);   /* the row has the most: IKE_AUTH_DATA_MAX */
	*ret_size = a.bytes.size;
	return a.bytes.size > 0 ? 0 : CW_E_MALFORMED;
}

static int signer_ask_sign(void *ctx, const struct ike_auth_octets *o, uint8_t *out, size_t *ret_size)
{
	return signer_ask_auth(ctx, KEYS_SIGN, o, out, ret_size);
}

static int signer_ask_psk(void *ctx, const struct ike_auth_octets *o, uint8_t *out, size_t *ret_size)
{
	return signer_ask_auth(ctx, KEYS_PSK_AUTH, o, out, ret_size);
}

static int signer_ask_ppk(void *ctx, const struct ike_keys *k, struct ike_keys *ret_mixed)
{
	size_t size = cw_hash_size(k->prf);
	struct keys_msg a, m = {
		.type = KEYS_PPK, .prf = (uint8_t)k->prf, .d = { k->d, size }, .pi = { k->pi, size }, .pr = { k->pr, size },
	};
	int r = signer_question(ctx, &m, &a);

	if (r < 0)
		return r;
	if (a.d.size != size || a.pi.size != size || a.pr.size != size)
		return CW_E_MALFORMED;
	*ret_mixed = *k;
	memcpy(ret_mixed->d, a.d.p, size);
	memcpy(ret_mixed->pi, a.pi.p, size);
	memcpy(ret_mixed->pr, a.pr.p, size);
	return 0;
}

const struct ike_signer signer_asked = { signer_ask_sign, signer_ask_psk, signer_ask_ppk };
