/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_ike_inner.c - payloads inside of SK, from a peer that has the keys. The first byte is the situation (below) and, with
 * 80 added, that both sides have a PPK; the second is the type of the first payload, the rest the plaintext.
 */
#include <stdlib.h>
#include <string.h>

#include "interconnect/ike/ike_ts.h"
#include "tests/lib/ike_pair.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WITH_PPK = 0x80 };

/* After how many messages, who sends what. An id is the next one of the sender, or of the request that waits for an
 * answer. */
static const struct {
	int steps, from;
	uint8_t exchange;
	bool response;
	uint32_t id;
	void (*begin)(struct ike *k, uint64_t now_ms);  /* A does it before, and its request is lost */
	unsigned group;                                 /* of ESP */
} situations[] = {
	{ 2, PAIR_A, IKE_AUTH, false, 1, NULL, 0 }, { 3, PAIR_B, IKE_AUTH, true, 1, NULL, 0 },
	{ 4, PAIR_A, IKE_INFORMATIONAL, false, 2, NULL, 0 }, { 4, PAIR_B, IKE_INFORMATIONAL, false, 0, NULL, 0 },
	{ 4, PAIR_A, IKE_CREATE_CHILD_SA, false, 2, NULL, 0 }, { 2, PAIR_A, IKE_INFORMATIONAL, false, 1, NULL, 0 },
	{ 5, PAIR_B, IKE_INFORMATIONAL, true, 2, NULL, 0 },
	{ 4, PAIR_B, IKE_CREATE_CHILD_SA, true, 2, ike_rekey_child, 0 },
	{ 4, PAIR_B, IKE_CREATE_CHILD_SA, true, 2, ike_rekey_child, IKE_GROUP_X25519 },
	{ 4, PAIR_B, IKE_CREATE_CHILD_SA, true, 2, ike_rekey, 0 },
	{ 4, PAIR_B, IKE_CREATE_CHILD_SA, false, 0, ike_rekey_child, 0 },
	{ 4, PAIR_B, IKE_CREATE_CHILD_SA, false, 0, ike_rekey, 0 },
	{ 4, PAIR_A, IKE_CREATE_CHILD_SA, false, 2, NULL, IKE_GROUP_X25519 },
	{ 4, PAIR_B, IKE_INFORMATIONAL, false, 0, ike_rekey_child, 0 },
};

static const uint8_t ppk_key[IKE_PPK_MIN] = { 1, 2, 3 };
static const struct ike_ppk ppk = { "ppk-1", false };

static void read_only(uint8_t first, struct cw_cur c)
{
	struct ike_suites suite = { { { .aead = CW_AEAD_AES256_GCM } }, 1 };
	struct ike_prop_policy policy = ike_prop_esp(&suite, IKE_ESN_BOTH);
	struct ike_prop_choice choice;
	struct cw_prefix any = { .ip.family = AF_INET }, got;
	struct ike_in in;

	if (ike_pld_read(first, c, &in) < 0)
		return;
	if (in.sa.size && ike_prop_choose(&policy, in.sa, &choice) == 0 && choice.spi < 256)
		abort();
	if (in.tsi.n && ike_ts_narrow(&in.tsi, &any, &got) == 0 && got.len > 32)
		abort();
}

static void send_sealed(struct pair *p, size_t i, uint8_t first, struct cw_cur c)
{
	static uint8_t inner[4096], out[8192];
	struct ike_sa *sa = p->side[situations[i].from].k->sas;
	struct ike_out o = ike_msg_begin(inner, sizeof inner, NULL);
	struct ike_header h = { .exchange = situations[i].exchange, .id = situations[i].id };
	int n;

	if (!sa)
		abort();
	h.spi_i = sa->spi_i;
	h.spi_r = sa->spi_r;
	h.flags = (uint8_t)((sa->initiator ? IKE_FLAG_I : 0) | (situations[i].response ? IKE_FLAG_R : 0));
	cw_wr_bytes(&o.w, c.p, cw_cur_left(&c));
	o.first = first;
	n = ike_sk_seal(&sa->out, &h, &o, out, sizeof out);
	if (n > 0)
		pair_inject(p, 1 - situations[i].from, out, (size_t)n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pair p;
	struct cw_cur c = cw_cur_of(data, size);
	uint8_t head = cw_cur_u8(&c), first = cw_cur_u8(&c);
	size_t i = (head & (WITH_PPK - 1u)) % CW_COUNT(situations);

	if (c.bad || cw_cur_left(&c) > 4000)
		return 0;
	read_only(first, c);
	pair_init(&p);
	p.side[PAIR_A].conf.mobike = p.side[PAIR_B].conf.mobike = true;
	if (ike_suite_parse("aes256gcm16-prfsha384-x25519", false, &p.side[PAIR_A].conf.ike, NULL) < 0)
		abort();
	p.side[PAIR_B].conf.ike = p.side[PAIR_A].conf.ike;
	p.side[PAIR_A].conf.dpd_ms = 500;
	p.side[PAIR_A].conf.esp.s[0].group = p.side[PAIR_B].conf.esp.s[0].group = situations[i].group;
	if (head & WITH_PPK)
		for (int s = 0; s < PAIR_SIDES; s++)
			pair_set_ppk(&p, s, ppk, ppk_key, sizeof ppk_key);
	pair_start(&p);
	for (int s = 0; s < CW_MIN(situations[i].steps, 4); s++)
		pair_step(&p);
	if (situations[i].steps > 4)
		pair_pass_lost(&p, 500);        /* A asks whether B is there */
	if (situations[i].begin) {
		situations[i].begin(p.side[PAIR_A].k, p.now_ms);
		pair_drop(&p);
	}
	send_sealed(&p, i, first, c);
	pair_pass(&p, 1000);
	pair_free(&p);
	return 0;
}
