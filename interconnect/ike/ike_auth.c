/* SPDX-License-Identifier: Apache-2.0 */
/* ike_auth.c - signed octets, PSK, signatures, the peer's certificate. */
#include "interconnect/ike/ike_auth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/mem.h"

static const uint8_t hash_numbers[] = { 0, IKE_HASH_SHA2_256, 0, IKE_HASH_SHA2_384, 0, IKE_HASH_SHA2_512, 0,
					IKE_HASH_IDENTITY };
static const char key_pad[] = "Key Pad for IKEv2";

struct cw_span ike_auth_hashes(void)
{
	return (struct cw_span){ hash_numbers, sizeof hash_numbers };
}

bool ike_auth_knows_hash(struct cw_span list, unsigned hash)
{
	struct cw_cur c = cw_cur_of(list.p, list.size);
	bool found = false;

	while (cw_cur_left(&c) > 0)
		if (cw_cur_u16(&c) == hash && !c.bad)
			found = true;
	return found;
}

static int maced_id(const struct ike_auth_octets *o, uint8_t *out)
{
	return cw_hmac(o->prf, o->sk_p, cw_hash_size(o->prf), &o->id, 1, out);
}

int ike_auth_psk(const struct ike_auth_octets *o, struct cw_span psk, uint8_t *out, size_t *ret_size)
{
	struct cw_span pad = { key_pad, sizeof key_pad - 1 };
	uint8_t key[CW_HASH_MAX], id[CW_HASH_MAX];
	struct cw_span in[] = { o->message, { o->nonce->b, o->nonce->size }, { id, cw_hash_size(o->prf) } };
	int r;

	if ((r = maced_id(o, id)) == 0 && (r = cw_hmac(o->prf, psk.p, psk.size, &pad, 1, key)) == 0 &&
	    (r = cw_hmac(o->prf, key, cw_hash_size(o->prf), in, CW_COUNT(in), out)) == 0)
		*ret_size = cw_hash_size(o->prf);
	cw_mem_wipe(key, sizeof key);
	return r;
}

/* The octets in one piece, as signatures want them. */
static int gather(const struct ike_auth_octets *o, uint8_t **ret_tbs, size_t *ret_size)
{
	size_t size = o->message.size + o->nonce->size + cw_hash_size(o->prf);
	CW_AUTO(cw_free_cleanup) uint8_t *tbs = malloc(size);
	uint8_t id[CW_HASH_MAX];
	struct cw_wr w = cw_wr_of(tbs, size);
	int r;

	if (!tbs)
		return -ENOMEM;
	if ((r = maced_id(o, id)) < 0)
		return r;
	cw_wr_bytes(&w, o->message.p, o->message.size);
	cw_wr_bytes(&w, o->nonce->b, o->nonce->size);
	cw_wr_bytes(&w, id, cw_hash_size(o->prf));
	if ((r = cw_wr_done(&w)) < 0)
		return r;
	*ret_size = size;
	*ret_tbs = cw_steal(&tbs);
	return 0;
}

/* AUTH data: length of the AlgorithmIdentifier, itself, the signature (RFC 7427 s3). */
int ike_auth_sign(const struct ike_auth_octets *o, struct cw_key *key, uint8_t *out, size_t *ret_size)
{
	CW_AUTO(cw_free_cleanup) uint8_t *tbs = NULL;
	struct cw_wr w = cw_wr_of(out, IKE_AUTH_DATA_MAX);
	uint8_t sig[CW_SIG_MAX];
	size_t tbs_size, alg_size, sig_size;
	const uint8_t *alg;
	int r;

	if ((r = gather(o, &tbs, &tbs_size)) < 0 || (r = cw_key_alg_id(key, &alg, &alg_size)) < 0 ||
	    (r = cw_key_sign(key, tbs, tbs_size, sig, &sig_size)) < 0)
		return r;
	if (alg_size > UINT8_MAX)
		return CW_E_LIMIT;
	cw_wr_u8(&w, (uint8_t)alg_size);
	cw_wr_bytes(&w, alg, alg_size);
	cw_wr_bytes(&w, sig, sig_size);
	if ((r = cw_wr_done(&w)) < 0)
		return r;
	*ret_size = w.len;
	return 0;
}

int ike_auth_check_psk(struct cw_span want, const struct ike_in_auth *auth)
{
	bool right = auth->method == IKE_METHOD_PSK && want.size > 0 && auth->data.size == want.size &&
		     cw_mem_equal(auth->data.p, want.p, want.size);

	return right ? 0 : CW_E_AUTH;
}

int ike_auth_check_sig(const struct ike_auth_octets *o, const struct cw_cert *cert, const struct ike_in_auth *auth)
{
	CW_AUTO(cw_free_cleanup) uint8_t *tbs = NULL;
	struct cw_cur c = cw_cur_of(auth->data.p, auth->data.size);
	size_t tbs_size, alg_size = cw_cur_u8(&c);
	const uint8_t *alg = cw_cur_take(&c, alg_size);
	int r;

	if (auth->method != IKE_METHOD_SIGNATURE || c.bad || alg_size == 0 || cw_cur_left(&c) == 0)
		return CW_E_AUTH;
	if ((r = gather(o, &tbs, &tbs_size)) < 0)
		return r;
	return cw_cert_verify_sig(cert, alg, alg_size, tbs, tbs_size, c.p, cw_cur_left(&c));
}

static void free_certs(struct cw_cert **certs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		cw_cert_free(certs[i]);
}

int ike_auth_cert(const struct ike_in *in, const struct cw_cert *ca, struct cw_crl *crl, const struct ike_id *id,
		  int64_t now, struct cw_cert **ret_cert, const char **ret_why)
{
	struct cw_cert *certs[IKE_CERTS_MAX];
	size_t n = 0;
	int r;

	*ret_why = "no certificate";
	/* What comes after the first may be anything; what cannot be read helps nobody and is left out. */
	for (size_t i = 0; i < in->n_certs; i++)
		if ((r = cw_cert_parse(in->cert[i].p, in->cert[i].size, &certs[n])) == 0)
			n++;
		else if (i == 0)
			break;
	if (n == 0)
		return CW_E_AUTH;
	r = cw_cert_verify_crl(certs[0], certs + 1, n - 1, ca, crl, now, ret_why);
	if (r == 0 && !ike_id_in_cert(id, certs[0])) {
		*ret_why = "the certificate does not speak for this identity";
		r = CW_E_AUTH;
	}
	if (r == 0) {
		*ret_cert = certs[0];
		free_certs(certs + 1, n - 1);
	} else {
		free_certs(certs, n);
	}
	return r;
}
