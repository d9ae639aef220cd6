/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_proof.c - labels, hashes and MACs of pairing. */
#include "mesh/mesh_proof.h"

#include <string.h>

#include "interconnect/base/crypt.h"

/* Text of every use has an end of its own, so that no two uses can mean the same bytes. */
static struct cw_span label(const char *text)
{
	return (struct cw_span){ text, strlen(text) + 1 };
}

int mesh_proof_key(const uint8_t secret[MESH_INVITE_SECRET], uint8_t ret_key[MESH_PROOF_KEY])
{
	const struct cw_span in = label("causeway pairing 1 key");

	return cw_hmac(CW_HASH_SHA256, secret, MESH_INVITE_SECRET, &in, 1, ret_key);
}

int mesh_proof_commit(const uint8_t nonce[MESH_PROOF_NONCE], uint8_t ret_commit[MESH_PROOF_COMMIT])
{
	const struct cw_span in[] = { label("causeway pairing 1 commit"), { nonce, MESH_PROOF_NONCE } };

	return cw_hash(CW_HASH_SHA256, in, CW_COUNT(in), ret_commit);
}

/* Every part has a fixed size or ends with a NUL, which is in no text: no two sets of parts are the same bytes. */
int mesh_proof_transcript(const struct mesh_proof *p, uint8_t ret_t[MESH_PROOF_T])
{
	const struct mesh_proof_side *a = &p->inviter, *b = &p->acceptor;
	const struct cw_span in[] = {
		label("causeway pairing 1 transcript"), { p->invite_id, sizeof p->invite_id },
		{ a->pin, sizeof a->pin }, { b->pin, sizeof b->pin }, { p->commit, sizeof p->commit },
		{ a->nonce, sizeof a->nonce }, { b->nonce, sizeof b->nonce },
		label(a->id), label(a->name), label(a->ca), label(b->id), label(b->name), label(b->ca),
	};

	return cw_hash(CW_HASH_SHA384, in, CW_COUNT(in), ret_t);
}

int mesh_proof_make(const uint8_t key[MESH_PROOF_KEY], enum mesh_proof_role role, const uint8_t t[MESH_PROOF_T],
		    uint8_t ret_proof[MESH_PROOF_SIZE])
{
	static const char *const roles[] = {
		[MESH_PROOF_INVITER] = "causeway pairing 1 inviter", [MESH_PROOF_ACCEPTOR] = "causeway pairing 1 acceptor"
	};
	const struct cw_span in[] = { label(roles[role]), { t, MESH_PROOF_T } };

	return cw_hmac(CW_HASH_SHA384, key, MESH_PROOF_KEY, in, CW_COUNT(in), ret_proof);
}

int mesh_proof_ppk(const uint8_t key[MESH_PROOF_KEY], const uint8_t t[MESH_PROOF_T], uint8_t ret_ppk[MESH_PROOF_PPK])
{
	const struct cw_span in[] = { label("causeway pairing 1 ppk"), { t, MESH_PROOF_T } };

	return cw_hmac(CW_HASH_SHA256, key, MESH_PROOF_KEY, in, CW_COUNT(in), ret_ppk);
}

int mesh_proof_ppk_for(const uint8_t ppk[MESH_PROOF_PPK], const char *name, uint8_t ret_ppk[MESH_PROOF_PPK])
{
	const struct cw_span in[] = { label("causeway pairing 1 ppk for"), label(name) };

	return cw_hmac(CW_HASH_SHA256, ppk, MESH_PROOF_PPK, in, CW_COUNT(in), ret_ppk);
}

int mesh_proof_words(const uint8_t t[MESH_PROOF_T], uint8_t ret_words[MESH_WORDS_BYTES])
{
	const struct cw_span in[] = { label("causeway pairing 1 words"), { t, MESH_PROOF_T } };
	uint8_t hash[CW_HASH_MAX];
	int r;

	if ((r = cw_hash(CW_HASH_SHA384, in, CW_COUNT(in), hash)) < 0)
		return r;
	memcpy(ret_words, hash, MESH_WORDS_BYTES);
	return 0;
}
