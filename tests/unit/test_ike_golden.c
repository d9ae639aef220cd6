/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_ike_golden.c - recorded runs of two strongSwan (tests/vectors/golden): every IKE message is read, decrypted and
 * checked by our code, our keys are theirs, their AUTH is right for us, and our proposal is the one they agreed on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "interconnect/esp/esp.h"
#include "interconnect/ike/ike_auth.h"
#include "interconnect/ike/ike_frag.h"
#include "interconnect/ike/ike_keys.h"
#include "interconnect/ike/ike_prop.h"
#include "interconnect/ike/ike_rules.h"
#include "interconnect/ike/ike_sk.h"
#include "interconnect/ike/ike_suite.h"
#include "interconnect/ike/ike_ts.h"
#include "tests/lib/hex.h"

enum { FILE_MAX = 1 << 20, SECRET_MAX = 512, SAS_MAX = 2, ETH = 14, UDP = 8 };

/* One IKE SA of a run. */
struct sa {
	uint64_t spi_i, spi_r;
	struct ike_keys given;          /* as the recording says */
	struct ike_keys ours;           /* as we derive them; the first SA only */
	uint8_t secret[SECRET_MAX];
	size_t secret_size;
	struct ike_sk sk[2];            /* of the initiator, of the responder */
	struct cw_span init[2];
	struct ike_nonce nonce[2];
};

static struct run {
	json_t *json;
	uint8_t file[FILE_MAX];
	struct sa sa[SAS_MAX];
	struct ike_suites ike, esp;
	size_t n_sas;
	bool foreign_group;             /* not one of ours: only the secret is taken */
	bool foreign_esp;               /* the same for the suite of ESP */
	struct ike_frag frag;
	struct esp_sadb *db;            /* of all ESP SAs, both ways */
	struct cw_stat stat;
	unsigned n_esp, n_messages, n_sealed, n_auth, n_fragments;
	uint32_t spi[2];                /* of the first child */
} run;

static size_t key(size_t sa, const char *name, uint8_t *out, size_t max)
{
	json_t *o = json_array_get(json_object_get(run.json, "ike"), sa);
	const char *text = json_string_value(json_object_get(o, name));

	assert_non_null(text);
	return hex_bytes(text, out, max);
}

/* A key of the cipher, and behind it that of the integrity algorithm, if there is one. */
static void sealing_key(size_t sa, const char *name, const char *integ_name, uint8_t *out)
{
	size_t n = key(sa, name, out, IKE_KEYMAT_MAX);

	if (ike_suite_integ(run.ike.s[0].aead))
		n += key(sa, integ_name, out + n, IKE_KEYMAT_MAX - n);
	assert_int_equal(n, ike_suite_keymat(run.ike.s[0].aead));
}

/* Each ESP SA with its keys, the salt at the end. */
static void load_esp(void)
{
	uint8_t bytes[IKE_KEYMAT_MAX];
	json_t *e;
	size_t i;

	assert_int_equal(esp_sadb_new(&run.db), 0);
	json_array_foreach(json_object_get(run.json, "esp"), i, e) {
		struct esp_keys keys = { .aead = run.esp.s[0].aead, .key = bytes };

		keys.spi = (uint32_t)strtoul(json_string_value(json_object_get(e, "spi")), NULL, 16);
		keys.key_size = hex_bytes(json_string_value(json_object_get(e, "enckey")), bytes, sizeof bytes);
		keys.key_size += hex_bytes(json_string_value(json_object_get(e, "intkey")), bytes + keys.key_size,
					   sizeof bytes - keys.key_size);
		assert_int_equal(esp_sadb_add(run.db, &keys, &run), 0);
	}
}

static void load(const char *name, const char *ike, const char *esp)
{
	char path[256];
	json_error_t error;
	FILE *f;
	size_t n;

	memset(&run, 0, sizeof run);
	run.foreign_group = strstr(ike, "modp3072") != NULL;
	run.foreign_esp = !esp;
	assert_int_equal(ike_suite_parse(run.foreign_group ? "aes256gcm16-prfsha384-ecp384" : ike, false, &run.ike, NULL), 0);
	assert_int_equal(ike_suite_parse(esp ? esp : "aes256gcm16", true, &run.esp, NULL), 0);
	snprintf(path, sizeof path, "tests/vectors/golden/%s.keys.json", name);
	run.json = json_load_file(path, 0, &error);
	assert_non_null(run.json);
	for (size_t i = 0; i < json_array_size(json_object_get(run.json, "ike")); i++) {
		struct sa *sa = &run.sa[i];
		struct ike_keys *k = &sa->given;

		k->prf = run.ike.s[0].prf;
		assert_int_equal(key(i, "Sk_d", k->d, sizeof k->d), cw_hash_size(k->prf));
		assert_int_equal(key(i, "Sk_pi", k->pi, sizeof k->pi), cw_hash_size(k->prf));
		assert_int_equal(key(i, "Sk_pr", k->pr, sizeof k->pr), cw_hash_size(k->prf));
		sealing_key(i, "Sk_ei", "Sk_ai", k->ei);
		sealing_key(i, "Sk_er", "Sk_ar", k->er);
		assert_int_equal(ike_sk_init(&sa->sk[0], run.ike.s[0].aead, k->ei), 0);
		assert_int_equal(ike_sk_init(&sa->sk[1], run.ike.s[0].aead, k->er), 0);
		sa->secret_size = key(i, "shared Diffie Hellman", sa->secret, sizeof sa->secret);
	}
	if (!run.foreign_esp)
		load_esp();
	snprintf(path, sizeof path, "tests/vectors/golden/%s.pcap", name);
	f = fopen(path, "rb");
	assert_non_null(f);
	n = fread(run.file, 1, FILE_MAX, f);
	fclose(f);
	assert_true(n > 24 && n < FILE_MAX);
}

static void unload(void)
{
	for (size_t i = 0; i < SAS_MAX; i++)
		for (size_t d = 0; d < 2; d++)
			ike_sk_fini(&run.sa[i].sk[d]);
	ike_frag_drop(&run.frag);
	esp_sadb_free(run.db);
	json_decref(run.json);
}

/* SAs in the order in which they appear. */
static struct sa *sa_of(const struct ike_header *h)
{
	struct sa *sa = run.sa;

	while (sa->spi_i && sa->spi_i != h->spi_i)
		sa++;
	assert_true(sa < run.sa + SAS_MAX);
	sa->spi_i = h->spi_i;
	if (h->spi_r)
		sa->spi_r = h->spi_r;
	return sa;
}

static void init(struct sa *sa, unsigned from, struct cw_span raw, const struct ike_in *in)
{
	struct ike_prop_policy policy = ike_prop_ike(&run.ike);
	size_t prf = cw_hash_size(run.ike.s[0].prf), sealing = ike_suite_keymat(run.ike.s[0].aead);
	struct ike_prop_choice choice;

	sa->init[from] = raw;
	memcpy(sa->nonce[from].b, in->nonce.p, in->nonce.size);
	sa->nonce[from].size = in->nonce.size;
	if (run.foreign_group) {
		assert_int_equal(ike_prop_choose(&policy, in->sa, &choice), CW_E_NO_PROPOSAL);
	} else {
		assert_int_equal(ike_prop_choose(&policy, in->sa, &choice), 0);
		assert_int_equal(in->ke.group, run.ike.s[0].group);
		assert_int_equal(in->ke.data.size, cw_dh_public_size(run.ike.s[0].group));
	}
	assert_non_null(ike_pld_notify(in, IKE_N_NAT_DETECTION_SOURCE_IP));
	assert_true(ike_auth_knows_hash(ike_pld_notify(in, IKE_N_SIGNATURE_HASH_ALGORITHMS)->data, 3));
	if (from == 0)
		return;
	if (!run.foreign_group)
		assert_int_equal(ike_prop_accept(&policy, in->sa, &choice), 0);
	assert_int_equal(ike_keys_derive(&run.ike.s[0], &sa->nonce[0], &sa->nonce[1], sa->spi_i, sa->spi_r,
					 (struct cw_span){ sa->secret, sa->secret_size }, &sa->ours), 0);
	assert_memory_equal(sa->ours.d, sa->given.d, prf);
	assert_memory_equal(sa->ours.ei, sa->given.ei, sealing);
	assert_memory_equal(sa->ours.er, sa->given.er, sealing);
	assert_memory_equal(sa->ours.pi, sa->given.pi, prf);
	assert_memory_equal(sa->ours.pr, sa->given.pr, prf);
}

/* Their AUTH verifies, and stops to when one bit of what it covers is another. */
/* As who knows PSK checks it. */
static int check_psk(const struct ike_auth_octets *o, struct cw_span psk, const struct ike_in_auth *auth)
{
	uint8_t want[IKE_AUTH_DATA_MAX];
	size_t size;
	int r = ike_auth_psk(o, psk, want, &size);

	return r < 0 ? r : ike_auth_check_psk((struct cw_span){ want, size }, auth);
}

static void check_auth(struct sa *sa, unsigned from, const struct ike_in *in)
{
	static const char psk[] = "kit-shared-secret-0123456789";
	const struct ike_in_id *id = from == 0 ? &in->idi : &in->idr;
	const uint8_t *sk_p = from == 0 ? sa->ours.pi : sa->ours.pr;
	struct ike_auth_octets o = { sa->init[from], &sa->nonce[1 - from], id->body, sk_p, run.ike.s[0].prf };
	struct ike_id want;
	struct cw_cert *cert;
	uint8_t *flip = run.file + ((const uint8_t *)sa->init[from].p - run.file) + 40;

	assert_int_equal(ike_id_parse(from == 0 ? "a.kit.test" : "b.kit.test", &want), 0);
	assert_true(ike_id_matches(&want, id));
	if (in->n_certs == 0) {
		assert_int_equal(check_psk(&o, (struct cw_span){ psk, sizeof psk - 1 }, &in->auth), 0);
		*flip ^= 1;
		assert_int_equal(check_psk(&o, (struct cw_span){ psk, sizeof psk - 1 }, &in->auth), CW_E_AUTH);
	} else {
		assert_int_equal(cw_cert_parse(in->cert[0].p, in->cert[0].size, &cert), 0);
		assert_true(ike_id_in_cert(&want, cert));
		assert_int_equal(ike_auth_check_sig(&o, cert, &in->auth), 0);
		*flip ^= 1;
		assert_int_equal(ike_auth_check_sig(&o, cert, &in->auth), CW_E_AUTH);
		cw_cert_free(cert);
	}
	*flip ^= 1;
	run.n_auth++;
}

/* The child: their choice is ours, and so are the keys. The recording is of the initiator, so "outbound" is i to r. */
static void check_child(struct sa *sa, unsigned from, const struct ike_in *in)
{
	struct ike_prop_policy policy = ike_prop_esp(&run.esp, IKE_ESN_NO);
	size_t size = ike_suite_keymat(run.esp.s[0].aead);
	struct ike_prop_choice choice;
	struct cw_prefix ts, got;
	uint8_t key_of[2][IKE_KEYMAT_MAX], want[IKE_KEYMAT_MAX];
	json_t *e;
	size_t i, n, n_found = 0;
	const char *dir;

	if (run.foreign_esp) {
		assert_int_equal(ike_prop_choose(&policy, in->sa, &choice), CW_E_NO_PROPOSAL);
		return;
	}
	assert_int_equal(ike_prop_choose(&policy, in->sa, &choice), 0);
	assert_false(choice.esn);
	run.spi[from] = (uint32_t)choice.spi;
	assert_int_equal(cw_prefix_parse("10.71.1.0/24", &ts), 0);
	assert_int_equal(ike_ts_narrow(&in->tsi, &ts, &got), 0);
	assert_int_equal(cw_prefix_parse("10.71.2.0/24", &ts), 0);
	assert_int_equal(ike_ts_narrow(&in->tsr, &ts, &got), 0);
	if (from == 0)
		return;
	assert_int_equal(ike_keys_child(&sa->ours, &sa->nonce[0], &sa->nonce[1], size, key_of[0], key_of[1]), 0);
	json_array_foreach(json_object_get(run.json, "esp"), i, e) {
		dir = json_string_value(json_object_get(e, "dir"));
		if (i >= 2)
			break;
		n = hex_bytes(json_string_value(json_object_get(e, "enckey")), want, sizeof want);
		n += hex_bytes(json_string_value(json_object_get(e, "intkey")), want + n, sizeof want - n);
		assert_int_equal(n, size);
		assert_memory_equal(key_of[strcmp(dir, "outbound") == 0 ? 0 : 1], want, size);
		assert_int_equal(strtoul(json_string_value(json_object_get(e, "spi")), NULL, 16),
				 run.spi[strcmp(dir, "outbound") == 0 ? 1 : 0]);
		n_found++;
	}
	assert_int_equal(n_found, 2);
}

/* A fragment of SIZE bytes in PLAIN; true when the message is whole there. */
static bool joined(const struct ike_header *h, const struct ike_in *outer, uint8_t *plain, size_t *size, uint8_t *next)
{
	struct ike_frag_in in = {
		.id = h->id, .no = outer->frag_no, .total = outer->frag_total, .next = outer->sk_next, .p = plain, .size = *size,
	};
	int r = ike_frag_add(&run.frag, &in, 0);

	assert_true(r >= 0);
	run.n_fragments++;
	if (r == 0)
		return false;
	*next = run.frag.next;
	*size = ike_frag_join(&run.frag, plain);
	return true;
}

static void sealed(struct sa *sa, unsigned from, const struct ike_header *h, struct cw_span raw,
		   const struct ike_in *outer)
{
	static uint8_t plain[FILE_MAX];
	struct ike_in in;
	enum ike_kind kind;
	uint8_t pld = 0, next = outer->sk_next;
	size_t size;

	assert_int_equal(ike_rules_check(outer->frag_total ? IKE_KIND_FRAGMENT : IKE_KIND_SEALED, outer, &pld), 0);
	assert_int_equal(ike_sk_open(&sa->sk[from], raw.p, outer->sk, plain, &size), 0);
	if (outer->frag_total && !joined(h, outer, plain, &size, &next))
		return;
	assert_int_equal(ike_pld_read(next, cw_cur_of(plain, size), &in), 0);
	run.n_sealed++;
	assert_int_equal(ike_rules_kind(h, &in, &kind), 0);
	assert_int_equal(ike_rules_check(kind, &in, &pld), 0);
	if (kind == IKE_KIND_AUTH_REQUEST || kind == IKE_KIND_AUTH_RESPONSE) {
		check_auth(sa, from, &in);
		if (ike_pld_count(&in, IKE_PT_SA))
			check_child(sa, from, &in);
	}
}

static void message(struct cw_span raw)
{
	struct ike_header h;
	struct ike_in in;
	struct cw_cur body = cw_cur_of(raw.p, raw.size);
	enum ike_kind kind;
	struct sa *sa;
	unsigned from;
	uint8_t pld;

	assert_int_equal(ike_msg_header(raw.p, raw.size, &h), 0);
	assert_int_equal(h.version, IKE_VERSION);
	cw_cur_skip(&body, IKE_HEADER);
	assert_int_equal(ike_pld_read(h.next, body, &in), 0);
	sa = sa_of(&h);
	from = h.flags & IKE_FLAG_I ? 0 : 1;
	run.n_messages++;
	if (h.exchange != IKE_SA_INIT) {
		sealed(sa, from, &h, raw, &in);
		return;
	}
	assert_int_equal(ike_rules_kind(&h, &in, &kind), 0);
	assert_int_equal(ike_rules_check(kind, &in, &pld), 0);
	init(sa, from, raw, &in);
}

/* An inner packet of IPv4 or IPv6, whole. */
static void esp_packet(struct cw_span raw)
{
	uint8_t out[2048], next;
	int n;

	if (run.foreign_esp)
		return;
	assert_true(raw.size <= sizeof out);
	n = esp_open(run.db, raw.p, raw.size, out, &next, &run.stat);
	assert_true(n > 20);
	assert_int_equal(next, out[0] >> 4 == 4 ? ESP_NH_IPV4 : ESP_NH_IPV6);
	run.n_esp++;
}

/* A frame of the recording: Ethernet, IPv4 without options, UDP 500 or 4500. */
static void frame(struct cw_cur c)
{
	uint16_t ports[2], size;

	cw_cur_skip(&c, ETH - 2);
	if (cw_cur_u16(&c) != 0x0800 || cw_cur_u8(&c) != 0x45)
		return;
	cw_cur_skip(&c, 8);
	if (cw_cur_u8(&c) != 17)
		return;
	cw_cur_skip(&c, 10);
	ports[0] = cw_cur_u16(&c);
	ports[1] = cw_cur_u16(&c);
	size = cw_cur_u16(&c);
	cw_cur_skip(&c, 2);
	c = cw_cur_sub(&c, size - UDP);
	if (ports[0] == 4500 || ports[1] == 4500) {
		struct cw_cur whole = c;

		if (cw_cur_u32(&c) != 0) {
			esp_packet((struct cw_span){ whole.p, cw_cur_left(&whole) });
			return;
		}
	}
	if (!c.bad && cw_cur_left(&c) > 1)
		message((struct cw_span){ c.p, cw_cur_left(&c) });
}

static uint32_t le32(struct cw_cur *c)
{
	return __builtin_bswap32(cw_cur_u32(c));
}

static void play(const char *name, const char *ike, const char *esp)
{
	struct cw_cur c;
	uint32_t size;

	load(name, ike, esp);
	c = cw_cur_of(run.file, sizeof run.file);
	cw_cur_skip(&c, 24);
	for (;;) {
		cw_cur_skip(&c, 8);
		size = le32(&c);
		if (size == 0)
			break;
		cw_cur_skip(&c, 4);
		frame(cw_cur_sub(&c, size));
	}
	assert_false(c.bad);
}

static void psk(void **state)
{
	(void)state;
	play("psk-gcm256-ecp384", "aes256gcm16-prfsha384-ecp384", "aes256gcm16");
	assert_int_equal(run.n_messages, 14);
	assert_int_equal(run.n_sealed, 12);
	assert_int_equal(run.n_auth, 2);
	unload();
}

static void p384(void **state)
{
	(void)state;
	play("p384-gcm256-ecp384", "aes256gcm16-prfsha384-ecp384", "aes256gcm16");
	assert_int_equal(run.n_messages, 6);
	assert_int_equal(run.n_sealed, 4);
	assert_int_equal(run.n_auth, 2);
	unload();
}

static void other_suites(void **state)
{
	static const struct {
		const char *name, *ike, *esp;
	} runs[] = {
		{ "p256-gcm128-ecp256", "aes128gcm16-prfsha256-ecp256", "aes128gcm16" },
		{ "psk-chapoly-x25519", "chacha20poly1305-prfsha256-x25519", "chacha20poly1305" },
		{ "psk-cbc256-sha256-modp2048", "aes256-sha256-modp2048", "aes256-sha256" },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(runs); i++) {
		play(runs[i].name, runs[i].ike, runs[i].esp);
		assert_int_equal(run.n_messages, 6);
		assert_int_equal(run.n_sealed, 4);
		assert_int_equal(run.n_auth, 2);
		assert_true(run.n_esp >= 6);
		unload();
	}
}

/* Signatures by keys of the other kinds, with their rekeying; certificates in fragments. */
static void other_keys(void **state)
{
	static const struct {
		const char *name, *ike, *esp;
		unsigned messages, sealed, fragments, packets;
	} runs[] = {
		{ "ed25519-gcm256-x25519", "aes256gcm16-prfsha384-x25519", "aes256gcm16", 6, 4, 0, 6 },
		{ "p384-gcm256-ecp384-rekey", "aes256gcm16-prfsha384-ecp384", "aes256gcm16", 14, 12, 0, 10 },
		{ "rsa-gcm256-modp3072", "aes256gcm16-prfsha384-modp3072", "aes256gcm16", 8, 4, 4, 6 },
		{ "psk-null-sha256", "aes256gcm16-prfsha384-ecp384", NULL, 6, 4, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(runs); i++) {
		play(runs[i].name, runs[i].ike, runs[i].esp);
		assert_int_equal(run.n_messages, runs[i].messages);
		assert_int_equal(run.n_sealed, runs[i].sealed);
		assert_int_equal(run.n_fragments, runs[i].fragments);
		assert_int_equal(run.n_esp, runs[i].packets);
		assert_int_equal(run.n_auth, 2);
		unload();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(psk),
		cmocka_unit_test(p384),
		cmocka_unit_test(other_suites),
		cmocka_unit_test(other_keys),
	};

	return cmocka_run_group_tests_name("ike_golden", tests, NULL, NULL);
}
