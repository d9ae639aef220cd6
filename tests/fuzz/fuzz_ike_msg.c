/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_ike_msg.c - IKE messages as they come from the network. The first byte says to whom: 0 a responder, 1 an
 * initiator that waits for its first answer (it finds its own SPI in the message); with 80 added, both need a PPK.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/lib/ike_pair.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SPI = 8, WITH_PPK = 0x80 };

static const uint8_t ppk_key[IKE_PPK_MIN] = { 1, 2, 3 };
static const struct ike_ppk ppk = { "ppk-1", true };

/* Whatever the reader takes, the rules, the proposals and the selectors can live with. */
static void read_only(const uint8_t *msg, size_t size)
{
	struct ike_suites suite = { { { CW_AEAD_AES256_GCM, CW_HASH_SHA384, 20 } }, 1 };
	struct ike_prop_policy policy = ike_prop_ike(&suite);
	struct cw_cur c = cw_cur_of(msg, size);
	struct ike_prop_choice choice;
	struct ike_header h;
	struct ike_in in;
	enum ike_kind kind;
	uint8_t pld;

	if (ike_msg_header(msg, size, &h) < 0)
		return;
	cw_cur_skip(&c, IKE_HEADER);
	if (ike_pld_read(h.next, c, &in) < 0 || ike_rules_kind(&h, &in, &kind) < 0)
		return;
	if (ike_rules_check(kind, &in, &pld) < 0 && !ike_pld_name(pld))
		abort();
	if (in.sa.size && ike_prop_check(in.sa) == 0 && ike_prop_choose(&policy, in.sa, &choice) == 0 && !choice.hit[0])
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pair p;
	struct cw_cur c = cw_cur_of(data, size);
	uint8_t head = cw_cur_u8(&c), kind = (uint8_t)(head & (WITH_PPK - 1)), *block;
	size_t n = cw_cur_left(&c);

	block = calloc(1, n ? n : 1);
	if (!block)
		return 0;
	if (n)
		memcpy(block, c.p, n);
	read_only(block, n);
	pair_init(&p);
	if (ike_suite_parse("aes256gcm16-prfsha384-x25519", false, &p.side[PAIR_A].conf.ike, NULL) < 0)
		abort();
	p.side[PAIR_B].conf.ike = p.side[PAIR_A].conf.ike;
	for (int s = 0; s < PAIR_SIDES && head & WITH_PPK; s++)
		pair_set_ppk(&p, s, ppk, ppk_key, sizeof ppk_key);
	pair_start(&p);
	if (kind == 1 && n >= SPI)
		memcpy(block, p.q[0].p, SPI);
	pair_inject(&p, kind == 1 ? PAIR_A : PAIR_B, block, n);
	pair_pass(&p, 1000);
	pair_free(&p);
	free(block);
	return 0;
}
