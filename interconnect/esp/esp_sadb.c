/* SPDX-License-Identifier: Apache-2.0 */
/* esp_sadb.c - the table of inbound SAs. SPIs are our own random numbers, so their low bits spread by themselves. */
#include "interconnect/esp/esp_sadb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/cur.h"
#include "interconnect/base/mem.h"
#include "interconnect/base/rand.h"
#include "interconnect/esp/esp_limit.h"

enum { BUCKETS = 256 };

struct esp_sadb {
	struct esp_in *buckets[BUCKETS];
};

int esp_sadb_new(struct esp_sadb **ret_db)
{
	struct esp_sadb *db = calloc(1, sizeof *db);

	if (!db)
		return -ENOMEM;
	*ret_db = db;
	return 0;
}

static void in_free(struct esp_in *in)
{
	cw_aead_free(in->aead);
	cw_mem_wipe(in, sizeof *in);
	free(in);
}

void esp_sadb_free(struct esp_sadb *db)
{
	if (!db)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while (db->buckets[i]) {
			struct esp_in *in = db->buckets[i];

			db->buckets[i] = in->next;
			in_free(in);
		}
	free(db);
}

/* Where the pointer to the SA of SPI stands, or would stand. */
static struct esp_in **slot(struct esp_sadb *db, uint32_t spi)
{
	struct esp_in **p = &db->buckets[spi % BUCKETS];

	while (*p && (*p)->spi != spi)
		p = &(*p)->next;
	return p;
}

struct esp_in *esp_sadb_find(const struct esp_sadb *db, uint32_t spi)
{
	struct esp_in *in = db->buckets[spi % BUCKETS];

	while (in && in->spi != spi)
		in = in->next;
	return in;
}

int esp_sadb_add(struct esp_sadb *db, const struct esp_keys *keys, void *owner)
{
	struct esp_in **p = slot(db, keys->spi), *in;
	int r;

	if (!esp_keys_ok(keys))
		return CW_E_INVALID;
	if (*p)
		return CW_E_CONFLICT;
	if (!(in = calloc(1, sizeof *in)))
		return -ENOMEM;
	if ((r = cw_aead_new(keys->aead, keys->key, &in->aead)) < 0) {
		in_free(in);
		return r;
	}
	in->shape = cw_aead_shape(keys->aead);
	memcpy(in->salt, keys->key + in->shape->key, in->shape->salt);
	in->spi = keys->spi;
	in->owner = owner;
	in->replay.esn = keys->esn;
	in->limits = ESP_LIMIT_IN;
	*p = in;
	return 0;
}

void esp_sadb_del(struct esp_sadb *db, uint32_t spi)
{
	struct esp_in **p = slot(db, spi), *in = *p;

	if (!in)
		return;
	*p = in->next;
	in_free(in);
}

uint32_t esp_sadb_spi(const struct esp_sadb *db)
{
	uint32_t spi;

	do
		spi = cw_rand_u32();
	while (spi < ESP_SPI_MIN || esp_sadb_find(db, spi));
	return spi;
}

void *esp_sadb_owner(const struct esp_sadb *db, const uint8_t *pkt, size_t size)
{
	struct cw_cur c = cw_cur_of(pkt, size);
	struct esp_in *in = esp_sadb_find(db, cw_cur_u32(&c));          /* short: 0, which no SA has */

	return in ? in->owner : NULL;
}

uint64_t esp_in_seq(const struct esp_sadb *db, uint32_t spi)
{
	struct esp_in *in = esp_sadb_find(db, spi);

	return in ? in->replay.top : 0;
}
