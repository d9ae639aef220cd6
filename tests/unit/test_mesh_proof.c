/* SPDX-License-Identifier: Apache-2.0 */
/* test_mesh_proof.c - the hashes of pairing against the same made by Python's hashlib and hmac from PROTOCOL.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "interconnect/base/hex.h"
#include "mesh/mesh_proof.h"

static void is(const char *want, const uint8_t *got, size_t size)
{
	char text[2 * MESH_PROOF_SIZE + 1];

	assert_string_equal(cw_hex_text(got, size, text), want);
}

static struct mesh_proof sample(void)
{
	struct mesh_proof p = { 0 };

	for (size_t i = 0; i < sizeof p.invite_id; i++)
		p.invite_id[i] = (uint8_t)i;
	memset(p.inviter.nonce, 0xa1, sizeof p.inviter.nonce);
	memset(p.acceptor.nonce, 0xb1, sizeof p.acceptor.nonce);
	memset(p.inviter.pin, 0xa2, sizeof p.inviter.pin);
	memset(p.acceptor.pin, 0xb2, sizeof p.acceptor.pin);
	p.inviter.id = "aa";
	p.inviter.name = "onprem";
	p.inviter.ca = "ca";
	p.acceptor.id = "bb";
	p.acceptor.name = "cloud";
	p.acceptor.ca = "cb";
	assert_int_equal(mesh_proof_commit(p.acceptor.nonce, p.commit), 0);
	return p;
}

static void known_values(void **state)
{
	struct mesh_proof p = sample();
	uint8_t secret[MESH_INVITE_SECRET], key[MESH_PROOF_KEY], t[MESH_PROOF_T], proof[MESH_PROOF_SIZE], words[MESH_WORDS_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof secret; i++)
		secret[i] = (uint8_t)i;
	assert_int_equal(mesh_proof_key(secret, key), 0);
	is("3b09d78966ddf262e0c5d528391f29a4105446cae87887886ef3115e02b36970", key, sizeof key);
	is("284892bb8b0c5e2b8fd6c62a780398a142071063a83eb84298dea2306b646aaf", p.commit, sizeof p.commit);
	assert_int_equal(mesh_proof_transcript(&p, t), 0);
	is("c13d8c2498a4fdaee2240d982b1b2581d85f264fcd219bc0f701ff9ef813ea20"
		"3fadd0936575d6ae14559010a8f0cbae", t, sizeof t);
	assert_int_equal(mesh_proof_make(key, MESH_PROOF_INVITER, t, proof), 0);
	is("a4b1b1b0cd6b8026ab99214572c3dcf770fa4c7ed746684465e5aef3dcab0ca4"
		"31851bbdda95a46a5535f4a6fe914e30", proof, sizeof proof);
	assert_int_equal(mesh_proof_make(key, MESH_PROOF_ACCEPTOR, t, proof), 0);
	is("3860d4feb56cfd7cda0da3fc4c2548e97a24fc5ecd3158b210c34fd2e1fe0423"
		"1ad213dee30019ed36b5c018f111753a", proof, sizeof proof);
	assert_int_equal(mesh_proof_words(t, words), 0);
	is("7ec89865", words, sizeof words);
}

/* A name cannot borrow a letter from the text beside it. */
static void parts_have_ends(void **state)
{
	struct mesh_proof p = sample();
	uint8_t one[MESH_PROOF_T], two[MESH_PROOF_T];

	(void)state;
	assert_int_equal(mesh_proof_transcript(&p, one), 0);
	p.acceptor.id = "bbc";
	p.acceptor.name = "loud";
	assert_int_equal(mesh_proof_transcript(&p, two), 0);
	assert_memory_not_equal(one, two, sizeof one);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(known_values), cmocka_unit_test(parts_have_ends) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
