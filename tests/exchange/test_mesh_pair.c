/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_mesh_pair.c - the inviting site against acceptors that are right, wrong, late, or two.
 *
 *    test (B)                          mesh_pair (A)
 *       | hello: id, site, commit  ---->  |  hello()
 *       | <---- site, nonce               |
 *       | prove: nonce, proof  -------->  |  prove()
 *       | <---- proof                     |
 *       | sync: confirmed?  ----------->  |  sync()
 *
 * A has a real store and real keys; "restart" closes all of it and opens it again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/crypt.h"
#include "interconnect/base/crypt_issue.h"
#include "interconnect/base/hex.h"
#include "interconnect/base/log.h"
#include "mesh/mesh_invite.h"
#include "mesh/mesh_pair.h"
#include "mesh/mesh_proof.h"

#define ID_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static char dir[64];
static char token_path[80];
static struct mesh_conf conf;
static struct cw_loop *loop;
static struct mesh_store *store;
static struct mesh_site site;
static struct mesh_pair *pair;
static char ca_b[2 * MESH_CA_MAX + 1];          /* B's CA */
static char leaf[2 * MESH_CA_MAX + 1];          /* a certificate that is none */

/* ---- A ---- */

static void quiet(enum cw_log_level level, const char *line)
{
	(void)level;
	(void)line;
}

static void start(void)
{
	char db[80];

	snprintf(db, sizeof db, "%s/db", dir);
	assert_int_equal(cw_loop_new(&loop), 0);
	assert_int_equal(mesh_store_open(db, &store), 0);
	memset(&site, 0, sizeof site);
	assert_int_equal(mesh_site_open(&site, store, &conf), 0);
	assert_int_equal(mesh_pair_new(loop, store, &site, &conf, &pair), 0);
}

static void stop(void)
{
	mesh_pair_free(pair);
	mesh_site_close(&site);
	mesh_store_close(store);
	cw_loop_free(loop);
}

static void hex_of(const char *name, char ret_hex[2 * MESH_CA_MAX + 1])
{
	struct cw_cert *c = NULL;
	const uint8_t *der;
	char path[100];
	size_t size;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	assert_int_equal(cw_cert_load(path, &c), 0);
	cw_cert_der(c, &der, &size);
	assert_true(size <= MESH_CA_MAX);
	cw_hex_text(der, size, ret_hex);
	cw_cert_free(c);
}

static void certificates(void)
{
	char key[100], cert[100];
	struct timespec now;

	cw_clock_wall(&now);
	snprintf(key, sizeof key, "%s/b.key", dir);
	snprintf(cert, sizeof cert, "%s/b.crt", dir);
	assert_int_equal(cw_issue_key(key), 0);
	assert_int_equal(cw_issue_cert(&(struct cw_issue){ key, "cloud", NULL, NULL, now.tv_sec, 86400 }, cert), 0);
	hex_of("b.crt", ca_b);
	hex_of("tls.crt", leaf);
}

static void restart(void)
{
	stop();
	start();
}

static int setup(void **state)
{
	char yaml[300];
	struct cw_why why = { 0 };

	(void)state;
	snprintf(dir, sizeof dir, "/tmp/test_mesh_pair.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(token_path, sizeof token_path, "%s/token", dir);
	snprintf(yaml, sizeof yaml, "state: %s\nlisten: {address: 192.0.2.1}\nsocket: %s/s\ntoken: %s\n", dir, dir, token_path);
	if (mesh_conf_parse("yaml", yaml, &conf, &why) < 0)
		return -1;
	cw_log_set_sink(quiet);
	start();
	assert_int_equal(mesh_site_init(&site, store, &conf, "onprem", "here", &why), 0);
	certificates();
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { "db", "db-wal", "db-shm", "token", "ca.key", "ca.crt", "tls.key", "tls.crt", "b.key", "b.crt" };
	char path[100];

	(void)state;
	stop();
	mesh_conf_free(&conf);
	for (size_t i = 0; i < CW_COUNT(names); i++) {
		snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		unlink(path);
	}
	return rmdir(dir);
}

static struct mesh_invite invite(void)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	struct cw_why why = { 0 };
	struct mesh_invite i;

	assert_int_equal(mesh_pair_invite(pair, 60 * 1000, &body, &why), 0);
	assert_string_equal(cw_json_get_str(body, "state", ""), "invited");
	assert_int_equal(mesh_invite_parse(cw_json_get_str(body, "invite", ""), &i), 0);
	assert_memory_equal(i.pin, site.pin, sizeof i.pin);
	return i;
}

/* State of the only pairing with NAME, words too if wanted. */
static void state_is(const char *name, const char *want, char *ret_words)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	struct cw_why why = { 0 };

	assert_int_equal(mesh_pair_show(pair, name, &body, &why), 0);
	assert_string_equal(cw_json_get_str(body, "state", ""), want);
	if (ret_words)
		snprintf(ret_words, MESH_WORDS_TEXT, "%s", cw_json_get_str(body, "words", ""));
}

static int confirm(const char *words)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	struct cw_why why = { 0 };

	return mesh_pair_confirm(pair, "cloud", words, &body, &why);
}

/* ---- B ---- */

struct b {
	struct mesh_invite invite;
	struct mesh_proof p;
	uint8_t key[MESH_PROOF_KEY], t[MESH_PROOF_T];
	char peer_id[33], peer_ca[2 * MESH_CA_MAX + 1];
};

static struct b b_new(const struct mesh_invite *i, uint8_t pin)
{
	struct b b = { .invite = *i };

	memcpy(b.p.invite_id, i->id, sizeof b.p.invite_id);
	memcpy(b.p.inviter.pin, i->pin, sizeof b.p.inviter.pin);
	memset(b.p.acceptor.pin, pin, sizeof b.p.acceptor.pin);
	memset(b.p.acceptor.nonce, pin ^ 0x55, sizeof b.p.acceptor.nonce);
	b.p.acceptor.id = ID_B;
	b.p.acceptor.name = "cloud";
	b.p.acceptor.ca = ca_b;
	assert_int_equal(mesh_proof_key(i->secret, b.key), 0);
	return b;
}

static struct cw_json *hello_body(struct b *b)
{
	struct cw_json *o = cw_json_object(), *s = cw_json_object();
	char text[2 * MESH_PROOF_COMMIT + 1];

	assert_int_equal(mesh_proof_commit(b->p.acceptor.nonce, b->p.commit), 0);
	cw_json_set_str(s, "id", b->p.acceptor.id);
	cw_json_set_str(s, "name", b->p.acceptor.name);
	cw_json_set_str(s, "ca", b->p.acceptor.ca);
	cw_json_set(o, "site", s);
	cw_json_set_str(o, "invite_id", cw_hex_text(b->p.invite_id, sizeof b->p.invite_id, text));
	cw_json_set_str(o, "commit", cw_hex_text(b->p.commit, sizeof b->p.commit, text));
	return o;
}

static int hello(struct b *b)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *ask = hello_body(b);
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	const struct cw_json *s;
	struct cw_why why = { 0 };
	int r;

	if ((r = mesh_pair_hello(pair, b->p.acceptor.pin, ask, &body, &why)) < 0)
		return r;
	s = cw_json_get(body, "site");
	snprintf(b->peer_id, sizeof b->peer_id, "%s", cw_json_get_str(s, "id", ""));
	snprintf(b->peer_ca, sizeof b->peer_ca, "%s", cw_json_get_str(s, "ca", ""));
	b->p.inviter.id = b->peer_id;
	b->p.inviter.name = "onprem";
	b->p.inviter.ca = b->peer_ca;
	assert_string_equal(cw_json_get_str(s, "name", ""), "onprem");
	assert_int_equal(cw_hex_parse(cw_json_get_str(body, "nonce", ""), b->p.inviter.nonce, sizeof b->p.inviter.nonce), 0);
	return mesh_proof_transcript(&b->p, b->t);
}

static int prove(struct b *b)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *ask = cw_json_object();
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	uint8_t proof[MESH_PROOF_SIZE];
	char text[2 * MESH_PROOF_SIZE + 1];
	struct cw_why why = { 0 };
	int r;

	assert_int_equal(mesh_proof_make(b->key, MESH_PROOF_ACCEPTOR, b->t, proof), 0);
	cw_json_set_str(ask, "invite_id", cw_hex_text(b->p.invite_id, sizeof b->p.invite_id, text));
	cw_json_set_str(ask, "nonce", cw_hex_text(b->p.acceptor.nonce, sizeof b->p.acceptor.nonce, text));
	cw_json_set_str(ask, "proof", cw_hex_text(proof, sizeof proof, text));
	if ((r = mesh_pair_prove(pair, b->p.acceptor.pin, ask, &body, &why)) < 0)
		return r;
	assert_int_equal(mesh_proof_make(b->key, MESH_PROOF_INVITER, b->t, proof), 0);
	assert_string_equal(cw_json_get_str(body, "proof", ""), cw_hex_text(proof, sizeof proof, text));
	return 0;
}

static int sync_as(struct b *b, bool confirmed, bool revoked, const char *want)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *ask = cw_json_object();
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	char text[2 * MESH_INVITE_ID + 1];
	struct cw_why why = { 0 };
	int r;

	cw_json_set_str(ask, "invite_id", cw_hex_text(b->p.invite_id, sizeof b->p.invite_id, text));
	cw_json_set_bool(ask, "confirmed", confirmed);
	cw_json_set_bool(ask, "revoked", revoked);
	if ((r = mesh_pair_sync(pair, b->p.acceptor.pin, ask, &body, &why)) < 0)
		return r;
	assert_string_equal(cw_json_get_str(body, "state", ""), want);
	return 0;
}

/* ---- tests ---- */

static void the_whole_way(void **state)
{
	struct mesh_invite i = invite();
	struct b b = b_new(&i, 0xb0);
	uint8_t w[MESH_WORDS_BYTES];
	char words[MESH_WORDS_TEXT], mine[MESH_WORDS_TEXT];

	(void)state;
	assert_false(mesh_pair_knows(pair, b.p.acceptor.pin));
	assert_int_equal(hello(&b), 0);
	assert_int_equal(prove(&b), 0);
	assert_true(mesh_pair_knows(pair, b.p.acceptor.pin));
	state_is("cloud", "confirming", words);
	assert_int_equal(mesh_proof_words(b.t, w), 0);
	assert_string_equal(words, mesh_words_text(w, mine));
	assert_int_equal(sync_as(&b, true, false, "confirming"), 0);
	restart();
	assert_int_equal(confirm(words), 0);
	state_is("cloud", "paired", NULL);
	restart();
	assert_int_equal(sync_as(&b, true, false, "paired"), 0);
	assert_int_equal(confirm(words), CW_E_CONFLICT);
	assert_int_equal(sync_as(&b, false, true, "revoked"), 0);
	assert_int_equal(sync_as(&b, true, false, "revoked"), 0);       /* no way back */
}

/* Each answer may be lost, and A may die after each. */
static void everything_twice(void **state)
{
	struct mesh_invite i = invite();
	struct b b = b_new(&i, 0xb0), bad;
	char words[MESH_WORDS_TEXT];

	(void)state;
	assert_int_equal(hello(&b), 0);
	restart();
	assert_int_equal(prove(&b), CW_E_FORBIDDEN);    /* the first message is forgotten, nothing was taken */
	assert_int_equal(hello(&b), 0);
	assert_int_equal(hello(&b), 0);
	assert_int_equal(prove(&b), 0);
	assert_int_equal(prove(&b), 0);
	restart();
	assert_int_equal(prove(&b), 0);
	bad = b;
	bad.key[3] ^= 4;
	assert_int_equal(prove(&bad), CW_E_AUTH);       /* a repetition is proved, too */
	state_is("cloud", "confirming", words);
	assert_int_equal(confirm(words), 0);
	restart();
	assert_int_equal(confirm(words), 0);
	state_is("cloud", "confirming", NULL);
	assert_int_equal(sync_as(&b, true, false, "paired"), 0);
	assert_int_equal(sync_as(&b, true, false, "paired"), 0);
}

static void wrong_secret(void **state)
{
	struct mesh_invite i = invite();
	struct b good = b_new(&i, 0xb0), bad = good;

	(void)state;
	bad.key[0] ^= 1;
	for (int n = 0; n < MESH_PAIR_TRIES; n++) {
		assert_int_equal(hello(&bad), 0);
		assert_int_equal(prove(&bad), CW_E_FORBIDDEN);
		assert_int_equal(prove(&bad), CW_E_FORBIDDEN);          /* not counted: one proof for each first message */
		restart();
	}
	assert_int_equal(hello(&good), CW_E_FORBIDDEN);
	state_is("1", "revoked", NULL);
}

static void four_wrong_ones_are_forgiven(void **state)
{
	struct mesh_invite i = invite();
	struct b good = b_new(&i, 0xb0), bad = good;

	(void)state;
	bad.key[MESH_PROOF_KEY - 1] ^= 0x80;
	for (int n = 1; n < MESH_PAIR_TRIES; n++) {
		assert_int_equal(hello(&bad), 0);
		assert_int_equal(prove(&bad), CW_E_FORBIDDEN);
	}
	assert_int_equal(hello(&good), 0);
	assert_int_equal(prove(&good), 0);
}

/* Whoever chooses the nonce after having seen A's could choose the words. */
static void nonce_is_bound_before(void **state)
{
	struct mesh_invite i = invite();
	struct b b = b_new(&i, 0xb0);

	(void)state;
	assert_int_equal(hello(&b), 0);
	b.p.acceptor.nonce[5] ^= 1;
	assert_int_equal(mesh_proof_transcript(&b.p, b.t), 0);
	assert_int_equal(prove(&b), CW_E_FORBIDDEN);
}

/* Every part of what both sides say is in the proof. */
static void every_part_is_proved(void **state)
{
	(void)state;
	for (int part = 0; part < 6; part++) {
		struct mesh_invite i = invite();
		struct b b = b_new(&i, 0xb0);
		struct mesh_proof p;

		assert_int_equal(hello(&b), 0);
		p = b.p;
		p.inviter.pin[0] ^= part == 0;
		p.acceptor.pin[0] ^= part == 1;
		p.inviter.nonce[0] ^= part == 2;
		if (part == 3)
			p.acceptor.ca = "c0ffef";
		if (part == 4)
			p.acceptor.name = "cloud2";
		if (part == 5)
			p.inviter.ca = p.acceptor.ca;
		assert_int_equal(mesh_proof_transcript(&p, b.t), 0);
		assert_int_equal(prove(&b), CW_E_FORBIDDEN);
	}
}

static void two_with_one_string(void **state)
{
	struct mesh_invite i = invite();
	struct b x = b_new(&i, 0xb0), y = b_new(&i, 0xb1);

	(void)state;
	y.p.acceptor.id = "cccccccccccccccccccccccccccccccc";
	y.p.acceptor.name = "rival";
	assert_int_equal(hello(&x), 0);
	assert_int_equal(hello(&y), 0);
	assert_int_equal(prove(&y), 0);
	assert_int_equal(prove(&x), CW_E_FORBIDDEN);
	assert_int_equal(hello(&x), CW_E_FORBIDDEN);
	assert_int_equal(sync_as(&x, true, false, ""), CW_E_NOT_FOUND);
	assert_false(mesh_pair_knows(pair, x.p.acceptor.pin));
	state_is("rival", "confirming", NULL);
}

/* The proof of one caller is worth nothing in another's connection. */
static void stolen_proof(void **state)
{
	struct mesh_invite i = invite();
	struct b x = b_new(&i, 0xb0), y = x;

	(void)state;
	assert_int_equal(hello(&x), 0);
	memset(y.p.acceptor.pin, 0xee, sizeof y.p.acceptor.pin);
	memcpy(y.t, x.t, sizeof y.t);
	assert_int_equal(prove(&y), CW_E_FORBIDDEN);
	assert_int_equal(prove(&x), 0);
	assert_int_equal(prove(&y), CW_E_FORBIDDEN);
}

static void wrong_words(void **state)
{
	struct mesh_invite i = invite();
	struct b b = b_new(&i, 0xb0);
	char words[MESH_WORDS_TEXT];

	(void)state;
	assert_int_equal(hello(&b), 0);
	assert_int_equal(prove(&b), 0);
	state_is("cloud", "confirming", words);
	assert_int_equal(sync_as(&b, true, false, "confirming"), 0);
	assert_int_equal(confirm("acid acid acid acid"), CW_E_FORBIDDEN);
	state_is("cloud", "revoked", NULL);
	restart();
	assert_int_equal(confirm(words), CW_E_CONFLICT);
	assert_int_equal(sync_as(&b, true, false, "revoked"), 0);
	assert_int_equal(prove(&b), CW_E_FORBIDDEN);
}

static void who_may_not_be_paired(void **state)
{
	struct mesh_invite i = invite(), second = invite();
	struct b b = b_new(&i, 0xb0), x;

	(void)state;
	x = b;
	x.p.acceptor.name = "onprem";
	assert_int_equal(hello(&x), CW_E_CONFLICT);
	x = b;
	x.p.acceptor.id = site.row.id;
	assert_int_equal(hello(&x), CW_E_CONFLICT);
	x = b;
	memcpy(x.p.acceptor.pin, site.pin, sizeof site.pin);
	assert_int_equal(hello(&x), CW_E_CONFLICT);
	assert_int_equal(hello(&b), 0);
	x = b_new(&second, 0xb0);
	assert_int_equal(hello(&x), 0);                 /* nobody is paired yet */
	assert_int_equal(prove(&b), 0);
	assert_int_equal(prove(&x), CW_E_CONFLICT);     /* now there is one */
	assert_int_equal(hello(&x), CW_E_CONFLICT);
}

/* A CA on P-256. */
#define SMALL_CA \
	"308201783082011da00302010202143eda54c759bc8937ad1396a9f0f177ac17435169300a06082a8648ce3d0403023010310e300c0603" \
	"5504030c05736d616c6c3020170d3236313132313136313733355a180f32313236313032383136313733355a3010310e300c0603550403" \
	"0c05736d616c6c3059301306072a8648ce3d020106082a8648ce3d0301070342000413aff9dbf82ea8ce8ec034f7c58fbe3b5579175d4e" \
	"e04c0d09d7fb20b3439c64b968d87ce5837fc7358a1bca42fbd49abf0bc8344dd7f00213b8d43eabf778c5a3533051301d0603551d0e04" \
	"1604141f296eb803ebda5b25702f979d95c0c305c9d566301f0603551d230418301680141f296eb803ebda5b25702f979d95c0c305c9d5" \
	"66300f0603551d130101ff040530030101ff300a06082a8648ce3d0403020349003046022100dbaf16aa3cf4217c01a02b0789bfc144c1" \
	"3a86c00b860fe8b14d4f93433438f8022100a3ec406caafdf20629dbab20b34f1a00bcf37f9fa4a64b2a9e0e027e16426408"

/* What the appliances of both sites are to trust must be one CA, and a strong one. */
static void a_ca_that_is_none(void **state)
{
	char longer[2 * MESH_CA_MAX + 3], shorter[2 * MESH_CA_MAX + 1], twice[4 * MESH_CA_MAX + 1];
	const char *const bad[] = { "c0ffee", leaf, SMALL_CA, longer, shorter, twice };
	struct mesh_invite i = invite();
	struct b b = b_new(&i, 0xb0);

	(void)state;
	snprintf(longer, sizeof longer, "%s00", ca_b);
	snprintf(shorter, sizeof shorter, "%.*s", (int)strlen(ca_b) - 2, ca_b);
	snprintf(twice, sizeof twice, "%s%s", ca_b, ca_b);
	for (size_t n = 0; n < CW_COUNT(bad); n++) {
		CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
		CW_AUTO(cw_json_cleanup) struct cw_json *ask = NULL;
		struct cw_why why = { 0 };

		b.p.acceptor.ca = bad[n];
		ask = hello_body(&b);
		assert_int_equal(mesh_pair_hello(pair, b.p.acceptor.pin, ask, &body, &why), CW_E_INVALID);
		assert_string_equal(why.field, "site.ca");
	}
	b.p.acceptor.ca = ca_b;
	assert_int_equal(hello(&b), 0);
}

static void malformed_messages(void **state)
{
	static const struct {
		const char *key, *value;
	} rows[] = {
		{ "invite_id", "00" }, { "invite_id", "" }, { "commit", "zz" }, { "commit", "00" },
	};
	static const struct {
		const char *key, *value;
	} site_rows[] = {
		{ "id", "b" }, { "id", "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB" }, { "name", "" }, { "name", "a/b" }, { "name", "a b" },
		{ "name", "\033[2J" }, { "ca", "" }, { "ca", "c0f" }, { "ca", "xx" },
	};
	struct mesh_invite i = invite();
	struct b b = b_new(&i, 0xb0);

	(void)state;
	for (size_t n = 0; n < CW_COUNT(rows) + CW_COUNT(site_rows); n++) {
		CW_AUTO(cw_json_cleanup) struct cw_json *ask = hello_body(&b);
		CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
		struct cw_why why = { 0 };

		if (n < CW_COUNT(rows))
			cw_json_set_str(ask, rows[n].key, rows[n].value);
		else
			cw_json_set_str(cw_json_get(ask, "site"), site_rows[n - CW_COUNT(rows)].key, site_rows[n - CW_COUNT(rows)].value);
		assert_int_equal(mesh_pair_hello(pair, b.p.acceptor.pin, ask, &body, &why), CW_E_INVALID);
		assert_true(why.field[0]);
	}
	assert_int_equal(hello(&b), 0);
}

static void at_most_so_many(void **state)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	struct cw_why why = { 0 };

	(void)state;
	for (int n = 0; n < MESH_PAIRINGS_MAX; n++)
		(void)invite();
	assert_int_equal(mesh_pair_invite(pair, 60 * 1000, &body, &why), CW_E_LIMIT);
	restart();
	assert_int_equal(mesh_pair_invite(pair, 60 * 1000, &body, &why), CW_E_LIMIT);
	assert_int_equal(mesh_pair_revoke(pair, "7", &body, &why), 0);
	(void)invite();                         /* the place of the one that is over */
}

static void who_is_admin(void **state)
{
	char token[100] = "", header[120];
	FILE *f = fopen(token_path, "r");
	struct cw_why why = { 0 };

	(void)state;
	assert_non_null(f);
	assert_non_null(fgets(token, sizeof token, f));
	fclose(f);
	token[strcspn(token, "\n")] = '\0';
	assert_int_equal(strlen(token), 64);
	snprintf(header, sizeof header, "Bearer %s", token);
	restart();
	assert_true(mesh_site_is_admin(&site, header));
	assert_false(mesh_site_is_admin(&site, token));
	assert_false(mesh_site_is_admin(&site, NULL));
	assert_false(mesh_site_is_admin(&site, "Bearer "));
	header[20] ^= 1;
	assert_false(mesh_site_is_admin(&site, header));
	assert_int_equal(mesh_site_init(&site, store, &conf, "again", "", &why), CW_E_CONFLICT);
	assert_null(strstr(site.row.token_hash, token));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(the_whole_way), T(everything_twice), T(wrong_secret), T(four_wrong_ones_are_forgiven), T(nonce_is_bound_before),
		T(every_part_is_proved), T(two_with_one_string), T(stolen_proof), T(wrong_words), T(who_may_not_be_paired),
		T(a_ca_that_is_none), T(malformed_messages), T(at_most_so_many), T(who_is_admin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
