/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage.c - what each stage of the way of a packet costs: nanoseconds for one packet, median of several batches.
 *
 * usage: stage [BATCHES [MS_EACH]]     Prints one JSON object: {"stages": [{stage, engine, size, ns, ns_min, ns_max, per_batch}]}
 *
 * A stage is a row: what it needs, and a function that does one packet, or as many as it says. Batches of one stage follow each
 * other, so a figure is about warm caches; compare figures of one machine only.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "interconnect/base/base.h"
#include "interconnect/base/crypt.h"
#include "interconnect/base/err.h"
#include "interconnect/base/loop.h"
#include "interconnect/base/rand.h"
#include "interconnect/base/stat.h"
#include "interconnect/esp/esp.h"
#include "interconnect/gso.h"
#include "interconnect/sum.h"
#include "interconnect/udp.h"
#include "netext/fdb.h"
#include "tests/lib/gso_unit.h"

enum { BATCHES = 15, BATCHES_MAX = 1000, MS_EACH = 20, PACKET_MAX = 2048, STATIONS = 25, STATIONS_MANY = 100 * 1000, SEGMENT = 1460,
       UNIT_PAYLOAD = 44 * SEGMENT, PACKETS_AT_ONCE = 64 };

/* Everything that a stage may need; each row makes its part. */
struct bench {
	size_t size;                    /* of the packet */
	enum cw_aead_alg alg;
	struct cw_aead *aead;
	struct esp_out *out;
	struct esp_sadb *db;
	uint8_t *sealed;                /* PACKETS_AT_ONCE packets of PACKET_MAX */
	struct unit *unit;
	uint8_t *cut;                   /* the packets of the unit */
	size_t cut_size[PACKETS_AT_ONCE], n_cut;
	struct gso_join *join;
	struct fdb *fdb;
	uint32_t n_stations, next;
	struct cw_loop *loop;
	struct udp *udp[2];
	size_t n_received;
	struct cw_stat stat;
	uint8_t in[PACKET_MAX], opened[PACKET_MAX];
};

struct stage {
	const char *name;
	enum cw_crypt_engine engine;
	enum cw_aead_alg alg;
	size_t size;                    /* for the FDB: stations */
	int (*begin)(struct bench *b);
	size_t (*run)(struct bench *b, uint64_t *ret_ns);       /* packets done, in how many ns; 0 when it failed */
};

static volatile uint64_t sink;          /* what is computed is used */

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* ---- AEAD ---- */

static int begin_aead(struct bench *b)
{
	uint8_t key[CW_AEAD_KEY_MAX] = { 7 }, nonce[CW_AEAD_NONCE_MAX] = { 1 };
	int r = cw_aead_new(b->alg, key, &b->aead);

	return r < 0 ? r : cw_aead_seal(b->aead, nonce, "12345678", 8, b->in, b->size, b->sealed);
}

static size_t run_aead_seal(struct bench *b, uint64_t *ret_ns)
{
	const uint8_t nonce[CW_AEAD_NONCE_MAX] = { 1 };
	uint64_t start = now_ns();

	for (size_t i = 0; i < PACKETS_AT_ONCE; i++)
		if (cw_aead_seal(b->aead, nonce, "12345678", 8, b->in, b->size, b->opened) < 0)
			return 0;
	*ret_ns = now_ns() - start;
	return PACKETS_AT_ONCE;
}

static size_t run_aead_open(struct bench *b, uint64_t *ret_ns)
{
	const uint8_t nonce[CW_AEAD_NONCE_MAX] = { 1 };
	uint64_t start = now_ns();

	for (size_t i = 0; i < PACKETS_AT_ONCE; i++)
		if (cw_aead_open(b->aead, nonce, "12345678", 8, b->sealed, b->size, b->opened) < 0)
			return 0;
	*ret_ns = now_ns() - start;
	return PACKETS_AT_ONCE;
}

/* ---- ESP ---- */

static int begin_esp(struct bench *b)
{
	const uint8_t key[CW_AEAD_KEY_MAX] = { 7 };
	const struct esp_keys keys = { .spi = 4711, .aead = b->alg, .esn = true, .key = key, .key_size = cw_aead_key_size(b->alg) + 4 };
	int r;

	if ((r = esp_out_new(&keys, &b->out)) < 0 || (r = esp_sadb_new(&b->db)) < 0)
		return r;
	return esp_sadb_add(b->db, &keys, b);
}

static size_t run_esp_seal(struct bench *b, uint64_t *ret_ns)
{
	uint64_t start = now_ns();

	for (size_t i = 0; i < PACKETS_AT_ONCE; i++)
		if (esp_seal(b->out, ESP_NH_IPV4, b->in, b->size, &b->sealed[i * PACKET_MAX]) < 0)
			return 0;
	*ret_ns = now_ns() - start;
	return PACKETS_AT_ONCE;
}

/* Each packet opens once, so they are sealed before the clock starts. */
static size_t run_esp_open(struct bench *b, uint64_t *ret_ns)
{
	uint64_t start;
	uint8_t next_header, *inner;
	int n = 0;

	for (size_t i = 0; i < PACKETS_AT_ONCE; i++)
		if ((n = esp_seal(b->out, ESP_NH_IPV4, b->in, b->size, &b->sealed[i * PACKET_MAX])) < 0)
			return 0;
	start = now_ns();
	for (size_t i = 0; i < PACKETS_AT_ONCE; i++)
		if (esp_open_in_place(b->db, &b->sealed[i * PACKET_MAX], (size_t)n, &inner, &next_header, &b->stat) < 0)
			return 0;
	*ret_ns = now_ns() - start;
	return PACKETS_AT_ONCE;
}

/* ---- large units ---- */

static void on_unit(void *ctx, void *to, const struct virtio_net_hdr *v, const struct iovec *iov, size_t n, size_t packets, size_t bytes)
{
	struct bench *b = ctx;

	(void)to, (void)v, (void)iov, (void)n, (void)bytes;
	b->n_received += packets;
}

/* All packets of the unit; their sizes go to SIZES. How many. */
static size_t cut_unit(struct bench *b)
{
	struct gso_cut c;
	size_t n = 0;
	uint8_t *p;

	if (gso_cut_begin(GSO_ETHER, &b->unit->v, b->unit->pkt, b->unit->size, PACKET_MAX, &c) < 0)
		return 0;
	while (n < PACKETS_AT_ONCE && (p = gso_cut_next(&c, &b->cut[n * PACKET_MAX], &b->cut_size[n])))
		n++;
	return n;
}

static int begin_gso(struct bench *b)
{
	const struct unit_kind k = { .link = GSO_ETHER, .df = true, .options = 12, .payload = UNIT_PAYLOAD, .mss = SEGMENT, .flags = 0x10 };

	unit_make(b->unit, &k);
	b->n_cut = cut_unit(b);
	return b->n_cut < 2 ? CW_E_MALFORMED : gso_join_new(GSO_ETHER, true, on_unit, b, &b->join);
}

static size_t run_cut(struct bench *b, uint64_t *ret_ns)
{
	uint64_t start = now_ns();
	size_t n = cut_unit(b);

	*ret_ns = now_ns() - start;
	return n;
}

static size_t run_join(struct bench *b, uint64_t *ret_ns)
{
	uint64_t start = now_ns();

	b->n_received = 0;
	for (size_t i = 0; i < b->n_cut; i++)
		gso_join_put(b->join, b, &b->cut[i * PACKET_MAX], b->cut_size[i]);
	gso_join_flush(b->join);
	*ret_ns = now_ns() - start;
	return b->n_received == b->n_cut ? b->n_cut : 0;
}

static size_t run_sum(struct bench *b, uint64_t *ret_ns)
{
	uint64_t start = now_ns();

	for (size_t i = 0; i < PACKETS_AT_ONCE; i++)
		sink += sum_end(sum_add(i, b->in, b->size));
	*ret_ns = now_ns() - start;
	return PACKETS_AT_ONCE;
}

/* ---- stations ---- */

static struct cw_mac station(uint32_t i)
{
	return (struct cw_mac){ { 2, 0, (uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i } };
}

static int begin_fdb(struct bench *b)
{
	int r = fdb_new(FDB_MAX_MAX, &b->fdb);

	b->n_stations = (uint32_t)b->size;
	for (uint32_t i = 0; r == 0 && i < b->n_stations; i++) {
		struct cw_mac m = station(i);

		(void)fdb_learn(b->fdb, &m, 0, FDB_LOCAL, 0);
	}
	return r;
}

/* Stations far from each other, so that neighbours in memory do not help. */
static struct cw_mac next_station(struct bench *b)
{
	b->next = (uint32_t)((b->next + (uint64_t)61813) % b->n_stations);
	return station(b->next);
}

static size_t run_learn(struct bench *b, uint64_t *ret_ns)
{
	uint64_t start = now_ns();

	for (size_t i = 0; i < PACKETS_AT_ONCE; i++) {
		struct cw_mac m = next_station(b);

		sink += fdb_learn(b->fdb, &m, 0, FDB_LOCAL, 0);
	}
	*ret_ns = now_ns() - start;
	return PACKETS_AT_ONCE;
}

static size_t run_find(struct bench *b, uint64_t *ret_ns)
{
	uint64_t silent_ms, start = now_ns();

	for (size_t i = 0; i < PACKETS_AT_ONCE; i++) {
		struct cw_mac m = next_station(b);

		if (fdb_find(b->fdb, &m, 0, 0, &silent_ms) != FDB_LOCAL)
			return 0;
	}
	*ret_ns = now_ns() - start;
	return PACKETS_AT_ONCE;
}

/* ---- socket ---- */

static void on_datagram(void *ctx, const struct cw_endpoint *from, uint8_t *data, size_t size)
{
	struct bench *b = ctx;

	(void)from, (void)data, (void)size;
	if (++b->n_received == PACKETS_AT_ONCE)
		cw_loop_stop(b->loop);
}

static int begin_udp(struct bench *b)
{
	const uint8_t home[4] = { 127, 0, 0, 1 };
	const struct cw_endpoint local = { .ip = cw_ip_of(home, sizeof home) };
	int r = cw_loop_new(&b->loop);

	for (size_t i = 0; r == 0 && i < CW_COUNT(b->udp); i++)
		r = udp_new(b->loop, &local, on_datagram, b, &b->stat, &b->udp[i]);
	return r;
}

/* WHAT: 0 counts the time of sending, 1 that of receiving. */
static size_t run_udp(struct bench *b, int what, uint64_t *ret_ns)
{
	struct cw_endpoint to = udp_local(b->udp[1]);
	uint64_t start = now_ns(), sent;

	b->n_received = 0;
	for (size_t i = 0; i < PACKETS_AT_ONCE; i++) {
		memcpy(udp_slot(b->udp[0]), b->in, b->size);
		udp_commit(b->udp[0], &to, b->size);
	}
	udp_flush(b->udp[0]);
	sent = now_ns();
	if (cw_loop_run(b->loop) < 0)
		return 0;
	*ret_ns = what ? now_ns() - sent : sent - start;
	return PACKETS_AT_ONCE;
}

static size_t run_send(struct bench *b, uint64_t *ret_ns)
{
	return run_udp(b, 0, ret_ns);
}

static size_t run_receive(struct bench *b, uint64_t *ret_ns)
{
	return run_udp(b, 1, ret_ns);
}

/* ---- all ---- */

#define CRYPTED(engine, alg, size) \
	{ "aead seal", engine, alg, size, begin_aead, run_aead_seal }, { "aead open", engine, alg, size, begin_aead, run_aead_open }, \
	{ "esp seal", engine, alg, size, begin_esp, run_esp_seal }, { "esp open", engine, alg, size, begin_esp, run_esp_open }
#define CRYPTED_BY(engine) \
	CRYPTED(engine, CW_AEAD_AES256_GCM, 1400), CRYPTED(engine, CW_AEAD_AES256_GCM, 96), \
	CRYPTED(engine, CW_AEAD_CHACHA20_POLY1305, 1400), CRYPTED(engine, CW_AEAD_CHACHA20_POLY1305, 96)

static const struct stage stages[] = {
	CRYPTED_BY(CW_CRYPT_OPENSSL),
	CRYPTED_BY(CW_CRYPT_IPSEC_MB),
	{ "gso cut", CW_CRYPT_AUTO, 0, SEGMENT, begin_gso, run_cut },
	{ "gso join", CW_CRYPT_AUTO, 0, SEGMENT, begin_gso, run_join },
	{ "checksum", CW_CRYPT_AUTO, 0, 1400, NULL, run_sum },
	{ "fdb learn", CW_CRYPT_AUTO, 0, STATIONS, begin_fdb, run_learn },
	{ "fdb learn", CW_CRYPT_AUTO, 0, STATIONS_MANY, begin_fdb, run_learn },
	{ "fdb find", CW_CRYPT_AUTO, 0, STATIONS, begin_fdb, run_find },
	{ "fdb find", CW_CRYPT_AUTO, 0, STATIONS_MANY, begin_fdb, run_find },
	{ "udp send", CW_CRYPT_AUTO, 0, 1400, begin_udp, run_send },
	{ "udp receive", CW_CRYPT_AUTO, 0, 1400, begin_udp, run_receive },
	{ "udp send", CW_CRYPT_AUTO, 0, 96, begin_udp, run_send },
	{ "udp receive", CW_CRYPT_AUTO, 0, 96, begin_udp, run_receive },
};

static void bench_end(struct bench *b)
{
	cw_aead_free(b->aead);
	esp_out_free(b->out);
	esp_sadb_free(b->db);
	gso_join_free(b->join);
	fdb_free(b->fdb);
	for (size_t i = 0; i < CW_COUNT(b->udp); i++)
		udp_free(b->udp[i]);
	cw_loop_free(b->loop);
	free(b->sealed);
	free(b->cut);
	free(b->unit);
}

static int bench_begin(struct bench *b, const struct stage *s)
{
	*b = (struct bench){ .size = s->size, .alg = s->alg };
	cw_rand_bytes(b->in, sizeof b->in);
	b->sealed = calloc(PACKETS_AT_ONCE, PACKET_MAX);
	b->cut = calloc(PACKETS_AT_ONCE, PACKET_MAX);
	b->unit = calloc(1, sizeof *b->unit);
	if (!b->sealed || !b->cut || !b->unit)
		return -ENOMEM;
	return s->begin ? s->begin(b) : 0;
}

/* One batch of at least MS: ns for one packet; negative when something failed. */
static double batch(const struct stage *s, struct bench *b, uint64_t ms, size_t *ret_n)
{
	uint64_t sum = 0, ns = 0;
	size_t n, all = 0;

	for (; sum < ms * 1000000; sum += ns, all += n)
		if ((n = s->run(b, &ns)) == 0)
			return -1;
	*ret_n = all;
	return (double)sum / (double)all;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Measures one row and prints it, unless the engine is not there. */
static int measure(const struct stage *s, size_t n, uint64_t ms, const char **comma)
{
	double ns[BATCHES_MAX];
	struct bench b;
	size_t packets = 0;
	int r;

	if (cw_crypt_use(s->engine) == CW_E_UNSUPPORTED)
		return 0;
	r = bench_begin(&b, s);
	for (size_t i = 0; r == 0 && i < n; i++)
		if ((ns[i] = batch(s, &b, ms, &packets)) < 0)
			r = CW_E_STATE;
	bench_end(&b);
	if (r < 0) {
		fprintf(stderr, "stage: %s, %zu: %s\n", s->name, s->size, cw_strerror(r));
		return r;
	}
	qsort(ns, n, sizeof *ns, by_value);
	printf("%s\n{\"stage\": \"%s\", \"engine\": \"%s\", \"aead\": %u, \"size\": %zu, \"ns\": %.1f, \"ns_min\": %.1f, \"ns_max\": %.1f, \"per_batch\": %zu}",
	       *comma, s->name, cw_crypt_engine_name(s->engine), (unsigned)s->alg, s->size, ns[n / 2], ns[0], ns[n - 1], packets);
	*comma = ",";
	return 0;
}

int main(int argc, char **argv)
{
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : BATCHES;
	uint64_t ms = argc > 2 ? strtoul(argv[2], NULL, 10) : MS_EACH;
	const char *comma = "";
	int r = 0;

	if (argc > 3 || n < 1 || n > BATCHES_MAX || ms < 1) {
		fprintf(stderr, "usage: stage [BATCHES [MS_EACH]]\n");
		return 2;
	}
	printf("{\"stages\": [");
	for (size_t i = 0; r == 0 && i < CW_COUNT(stages); i++)
		r = measure(&stages[i], n, ms, &comma);
	printf("\n]}\n");
	return r < 0;
}
