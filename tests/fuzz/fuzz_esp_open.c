/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_esp_open.c - ESP packets. The first byte says what the rest is: 0 a packet as it comes from the
 * network; 1 the plaintext of an authentic packet, for the trailer; 2 the number and plaintext of one.
 */
#include "interconnect/base/cur.h"
#include "tests/lib/sa.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void open_packet(struct esp_sadb *db, const uint8_t *pkt, size_t size)
{
	uint8_t *out = malloc(size ? size : 1), nh;
	struct cw_stat stat = { 0 };
	uint64_t drops = 0;
	int r;

	sa_must(out != NULL);
	(void)esp_sadb_owner(db, pkt, size);
	r = esp_open(db, pkt, size, out, &nh, &stat);
	for (size_t i = 0; i < CW_STAT_N; i++)
		drops += stat.n[i];
	sa_must(drops == (r < 0));
	sa_must(r < (int)size);
	/* What was accepted is not accepted again. */
	if (r >= 0)
		sa_must(esp_open(db, pkt, size, out, &nh, &stat) < 0);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct esp_keys k = sa_keys(CW_AEAD_AES128_GCM, true);
	struct cw_cur c = cw_cur_of(data, size);
	struct esp_sadb *db = NULL;
	uint8_t pkt[SA_PACKET_MAX], kind = cw_cur_u8(&c);
	uint64_t seq = kind == 2 ? cw_cur_u32(&c) : 1;

	sa_must(esp_sadb_new(&db) == 0 && esp_sadb_add(db, &k, &k) == 0);
	if (kind == 0)
		open_packet(db, c.p, cw_cur_left(&c));
	else if (cw_cur_left(&c) <= SA_PACKET_MAX - ESP_HEADER - CW_AEAD_TAG)
		open_packet(db, pkt, sa_craft(&k, seq, c.p, cw_cur_left(&c), pkt));
	esp_sadb_free(db);
	return 0;
}
