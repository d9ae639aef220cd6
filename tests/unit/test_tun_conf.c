/* SPDX-License-Identifier: Apache-2.0 */
/* test_tun_conf.c - the rows of "tunnels", and what tuns_check() refuses across them and in their files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interconnect/ike/ike.h"
#include "interconnect/ix_conf.h"
#include "interconnect/keys.h"
#include "interconnect/signer.h"
#include "interconnect/tun.h"
#include "interconnect/tun_impl.h"

enum { TEXT_MAX = 2048 };

static const char minimal[] =
	"name: x\n"
	"uplinks: [{address: 10.44.0.1}, {address: 10.45.0.1, port: 4501}]\n"
	"tunnels:\n"
	"  - name: b\n"
	"    remote: {address: 10.44.0.2}\n"
	"    auth: {method: psk, secret_file: psk, local_id: a.test, remote_id: b.test}\n"
	"    local_ts: 10.71.1.1/32\n"
	"    remote_ts: 10.71.2.1/32\n"
	"relays: [{name: r, tunnel: b, listen: 'tcp:192.0.2.1:7001', dial: 'tcp:10.71.2.1:7001'}]\n"
	"control: ./x.sock\n";

/* The minimal file with the first FIND replaced by PUT. */
static int parse_changed(const char *find, const char *put, struct ix_conf *ret, struct cw_why *why)
{
	char text[TEXT_MAX];
	const char *at = find ? strstr(minimal, find) : minimal;

	assert_non_null(at);
	snprintf(text, sizeof text, "%.*s%s%s", (int)(at - minimal), minimal, find ? put : "", at + (find ? strlen(find) : 0));
	return cw_conf_parse("x.yaml", text, strlen(text), &ix_conf_obj, ret, why);
}

static void defaults_are_those_of_the_manual(void **state)
{
	struct ix_conf c;
	const struct tun_conf *t;
	const struct tun_conf_uplink *up;

	(void)state;
	assert_int_equal(parse_changed(NULL, NULL, &c, NULL), 0);
	t = c.tunnels.items;
	up = c.uplinks.items;
	assert_int_equal(c.tunnels.n, 1);
	assert_int_equal(up[0].port, 4500);
	assert_int_equal(up[1].port, 4501);
	assert_int_equal(t->remote.port, 4500);
	assert_string_equal(t->ike, "aes256gcm16-prfsha384-ecp384");
	assert_string_equal(t->esp, "aes256gcm16");
	assert_int_equal(t->esn, IKE_ESN_BOTH);
	assert_true(t->encap && t->initiate && t->mobike);
	assert_int_equal(t->childless, IKE_CHILDLESS_NO);
	assert_int_equal(t->mtu, 1500);
	assert_int_equal(t->rekey.ike, 4 * 3600 * 1000);
	assert_int_equal(t->rekey.child, 3600 * 1000);
	assert_int_equal(t->rekey.hard, 0);
	assert_int_equal(t->rekey.packets, ESP_SEQ_SOFT);
	assert_int_equal(t->rekey.bytes, ESP_BYTES_SOFT);
	assert_string_equal(t->dscp, "copy");
	assert_int_equal(t->dpd, 10 * 1000);
	assert_int_equal(t->auth.method, IKE_AUTH_PSK);
	assert_string_equal(t->ppk.id, "");
	assert_string_equal(t->ppk.file, "");
	assert_int_equal(t->uplink.family, 0);
	assert_string_equal(c.tun_device, "cwix0");
	cw_conf_free(&ix_conf_obj, &c);
}

static void dscp_is_copy_or_a_number(void **state)
{
	char text[8];
	int dscp = 99;

	(void)state;
	for (int i = -1; i <= 1000; i++) {
		snprintf(text, sizeof text, "%d", i);
		assert_int_equal(tun_conf_dscp(text, &dscp), i >= 0 && i <= 63 ? 0 : CW_E_INVALID);
		if (i >= 0)
			assert_int_equal(dscp, CW_MIN(i, 63));
	}
	assert_int_equal(tun_conf_dscp("", &dscp), CW_E_INVALID);
	assert_int_equal(tun_conf_dscp("07", &dscp), CW_E_INVALID);
	assert_int_equal(tun_conf_dscp("4x", &dscp), CW_E_INVALID);
	assert_int_equal(tun_conf_dscp("copy ", &dscp), CW_E_INVALID);
	assert_int_equal(dscp, 63);
	assert_int_equal(tun_conf_dscp("copy", &dscp), 0);
	assert_int_equal(dscp, -1);
	assert_int_equal(tun_conf_dscp(NULL, &dscp), 0);
}

static void wrong_values_name_field_and_rule(void **state)
{
	static const struct {
		const char *find, *put, *field, *rule;
	} rows[] = {
		{ "    local_ts", "    ike: aes256gcm16\n    local_ts", "tunnels[0].ike", "aes256gcm16" },
		{ "    local_ts", "    ike: aes256cbc-prfsha384-ecp384\n    local_ts", "tunnels[0].ike", "aes256cbc" },
		{ "    local_ts", "    esp: null\n    local_ts", "tunnels[0].esp", "null" },
		{ "    local_ts", "    esn: maybe\n    local_ts", "tunnels[0].esn", "maybe" },
		{ "    local_ts", "    mobike: maybe\n    local_ts", "tunnels[0].mobike", "yes or no" },
		{ "    local_ts", "    childless: always\n    local_ts", "tunnels[0].childless", "prefer" },
		{ "    local_ts", "    mtu: 575\n    local_ts", "tunnels[0].mtu", "576" },
		{ "    local_ts", "    mtu: 9001\n    local_ts", "tunnels[0].mtu", "9000" },
		{ "    local_ts", "    rekey: {child: 1s}\n    local_ts", "tunnels[0].rekey.child", "10s" },
		{ "    local_ts", "    rekey: {child: 10}\n    local_ts", "tunnels[0].rekey.child", "duration" },
		{ "    local_ts", "    rekey: {child: 1h, hard: 1h}\n    local_ts", "tunnels[0].rekey.hard", "more than child" },
		{ "    local_ts", "    rekey: {hard: 59m}\n    local_ts", "tunnels[0].rekey.hard", "more than child" },
		{ "    local_ts", "    rekey: {packets: 999}\n    local_ts", "tunnels[0].rekey.packets", "1000" },
		{ "    local_ts", "    rekey: {packets: 3221225473}\n    local_ts", "tunnels[0].rekey.packets", "3221225472" },
		{ "    local_ts", "    rekey: {bytes: 1023KiB}\n    local_ts", "tunnels[0].rekey.bytes", "from 1MiB to 768GiB" },
		{ "    local_ts", "    rekey: {bytes: 1TiB}\n    local_ts", "tunnels[0].rekey.bytes", "768GiB" },
		{ "    local_ts", "    rekey: {bytes: 10GB}\n    local_ts", "tunnels[0].rekey.bytes", "64GiB" },
		{ "    local_ts", "    dscp: 64\n    local_ts", "tunnels[0].dscp", "0 to 63" },
		{ "    local_ts", "    dscp: -1\n    local_ts", "tunnels[0].dscp", "copy" },
		{ "    local_ts", "    dscp: ef\n    local_ts", "tunnels[0].dscp", "'ef'" },
		{ "    local_ts", "    dscp: copies\n    local_ts", "tunnels[0].dscp", "4" },
		{ "    local_ts", "    retry: 5\n    local_ts", "tunnels[0].retry", "not a known" },
		{ "    local_ts", "    uplink: 'fd00::1'\n    local_ts", "tunnels[0].uplink", "family" },
		{ "10.71.2.1/32\n", "10.71.1.1/32\n", "tunnels[0].remote_ts", "differ" },
		{ "10.71.2.1/32\n", "'fd00::1/128'\n", "tunnels[0].remote_ts", "family" },
		{ "10.71.2.1/32\n", "10.71.2.1/33\n", "tunnels[0].remote_ts", "10.71.2.1/33" },
		{ "address: 10.44.0.2", "address: '10.44.0.2\"'", "tunnels[0].remote.address", "10.44.0.2\"" },
		{ "address: 10.44.0.2", "address: 10.44.0.2, port: 0", "tunnels[0].remote.port", "1" },
		{ "address: 10.44.0.2", "address: 10.44.0.2, port: 65536", "tunnels[0].remote.port", "65535" },
		{ "secret_file: psk, ", "", "tunnels[0].auth.secret_file", "method psk" },
		{ "secret_file: psk, ", "secret_file: psk, ca: x.crt, ", "tunnels[0].auth.ca", "no meaning" },
		{ "secret_file: psk, ", "secret_file: psk, crl: x.crl, ", "tunnels[0].auth.crl", "no meaning" },
		{ "method: psk, secret_file: psk, ", "method: cert, cert: c, key: k, ", "tunnels[0].auth.ca", "method cert" },
		{ "    local_ts", "    ike: \"aes256gcm16-prfsha384-ecp384, \"\n    local_ts", "tunnels[0].ike", "parted by commas" },
		{ "    local_ts", "    esp: \"aes256gcm16,aes256gcm16\"\n    local_ts", "tunnels[0].esp", "different" },
		{ "method: psk", "method: eap", "tunnels[0].auth.method", "psk" },
		{ "local_id: a.test, ", "", "tunnels[0].auth.local_id", "required" },
		{ ", remote_id: b.test", "", "tunnels[0].auth.remote_id", "required" },
		{ ", remote_id: b.test", ", remote_id: ''", "tunnels[0].auth.remote_id", "" },
		{ "    local_ts", "    ppk: {file: ppk}\n    local_ts", "tunnels[0].ppk.id", "required" },
		{ "    local_ts", "    ppk: {id: k}\n    local_ts", "tunnels[0].ppk.file", "required" },
		{ "    local_ts", "    ppk: {id: '', file: ppk}\n    local_ts", "tunnels[0].ppk.id", "1" },
		{ "    local_ts", "    ppk: {id: k, file: ppk, required: may}\n    local_ts", "tunnels[0].ppk.required", "may" },
		{ "    local_ts", "    ppk: {id: k, file: ppk, secret: 00}\n    local_ts", "tunnels[0].ppk.secret", "not a known" },
		{ "    local_ts", "    ppk: ppk\n    local_ts", "tunnels[0].ppk", "" },
		{ "tunnel: b,", "tunnel: c,", "relays[0].tunnel", "no tunnel 'c'" },
		{ "dial: 'tcp:10.71.2.1:7001'", "dial: 'tcp:10.71.3.1:7001'", "relays[0].dial", "remote_ts" },
		{ "dial: 'tcp:10.71.2.1:7001'", "dial: '10.71.2.1:7001'", "relays[0].dial", "tcp:ADDRESS:PORT" },
		{ "}]\ncontrol", "}, {name: r, tunnel: b, listen: 'unix:/x', dial: 'tcp:10.71.2.1:1'}]\ncontrol", "relays[1].name",
		  "another relay" },
		{ "control:", "tun_device: a/b\ncontrol:", "tun_device", "interface" },
		{ "control:", "tun_device: sixteen-letters0\ncontrol:", "tun_device", "15" },
		{ "control: ./x.sock\n", "", "control", "required" },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct cw_why why = { 0 };
		struct ix_conf c;

		if (parse_changed(rows[i].find, rows[i].put, &c, &why) != CW_E_INVALID)
			fail_msg("row %zu was not refused", i);
		if (strcmp(why.field, rows[i].field) != 0 || !strstr(why.rule, rows[i].rule))
			fail_msg("row %zu: field '%s', rule '%s'", i, why.field, why.rule);
	}
}

/* ---- tuns_check ---- */

struct files {
	char dir[64];
	struct ix_conf c;
};

static void put_file(const struct files *f, const char *name, const char *text, mode_t mode)
{
	char path[128];
	int fd;

	snprintf(path, sizeof path, "%s/%s", f->dir, name);
	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static int setup(void **state)
{
	struct files *f = calloc(1, sizeof *f);

	assert_non_null(f);
	snprintf(f->dir, sizeof f->dir, "/tmp/test_tun_conf.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct files *f = *state;
	char path[128];

	snprintf(path, sizeof path, "%s/psk", f->dir);
	unlink(path);
	snprintf(path, sizeof path, "%s/ppk", f->dir);
	unlink(path);
	rmdir(f->dir);
	cw_conf_free(&ix_conf_obj, &f->c);
	free(f);
	return 0;
}

/* tuns_check() of the minimal file with one change. */
static int check_changed(struct files *f, const char *find, const char *put, struct cw_why *why)
{
	cw_conf_free(&ix_conf_obj, &f->c);
	*why = (struct cw_why){ 0 };
	assert_int_equal(parse_changed(find, put, &f->c, NULL), 0);
	return tuns_check(f->dir, &f->c.uplinks, &f->c.tunnels, why);
}

/* As the signer does. */
static void load_secret(const struct files *f, struct signer_secret *ret_secret)
{
	const struct tun_conf *c = f->c.tunnels.items;
	const struct keys_msg m = {
		.type = KEYS_SECRET, .name = c->name, .auth = (uint8_t)c->auth.method, .dir = f->dir, .secret_file = c->auth.secret_file,
		.ppk_id = c->ppk.id ? c->ppk.id : "", .ppk_file = c->ppk.file, .local_id = c->auth.local_id, .remote_id = c->auth.remote_id,
	};

	assert_int_equal(signer_load(&m, ret_secret, NULL), 0);
}

static void a_secret_is_its_bytes_without_the_newline(void **state)
{
	struct files *f = *state;
	struct signer_secret a;
	struct cw_why why;

	put_file(f, "psk", "sixteen bytes of\n", 0600);
	assert_int_equal(check_changed(f, NULL, NULL, &why), 0);
	load_secret(f, &a);
	assert_int_equal(a.s.psk_size, 16);
	assert_memory_equal(a.s.psk, "sixteen bytes of", 16);
	signer_unload(&a);
	put_file(f, "psk", "sixteen bytes of \n\n", 0600);
	load_secret(f, &a);
	assert_int_equal(a.s.psk_size, 18);
	signer_unload(&a);
}

static void secrets_that_are_no_secrets_are_refused(void **state)
{
	struct files *f = *state;
	struct cw_why why;
	char text[IKE_PSK_MAX + 2];
	static const mode_t open_modes[] = { 0640, 0604, 0660, 0601, 0610 };

	assert_int_equal(check_changed(f, NULL, NULL, &why), CW_E_INVALID);
	assert_string_equal(why.object, "tunnel b");
	assert_string_equal(why.field, "auth.secret_file");
	put_file(f, "psk", "fifteen letters\n", 0600);
	assert_int_equal(check_changed(f, NULL, NULL, &why), CW_E_INVALID);
	assert_non_null(strstr(why.rule, "16 to 256"));
	memset(text, 'x', sizeof text);
	text[IKE_PSK_MAX + 1] = '\0';
	put_file(f, "psk", text, 0600);
	assert_int_equal(check_changed(f, NULL, NULL, &why), CW_E_INVALID);
	text[IKE_PSK_MAX] = '\n';
	put_file(f, "psk", text, 0600);
	assert_int_equal(check_changed(f, NULL, NULL, &why), 0);
	for (size_t i = 0; i < CW_COUNT(open_modes); i++) {
		put_file(f, "psk", text, open_modes[i]);
		assert_int_equal(check_changed(f, NULL, NULL, &why), CW_E_INVALID);
		assert_non_null(strstr(why.rule, "chmod 600"));
	}
	assert_int_equal(check_changed(f, "secret_file: psk", "secret_file: /", &why), CW_E_INVALID);
}

#define PPK_ON(required) "    ppk: {id: k-1, file: ppk" required "}\n    local_ts"
#define PPK_32 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define PPK_32_UPPER "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"

static void a_ppk_is_hexadecimal(void **state)
{
	static const struct {
		const char *text;
		size_t size;            /* 0: refused */
	} rows[] = {
		{ PPK_32 "\n", 32 }, { PPK_32, 32 }, { PPK_32_UPPER "\n", 32 }, { PPK_32 "00\n", 33 }, { PPK_32 PPK_32 "\n", 64 },
		{ PPK_32 PPK_32, 64 },
		{ "", 0 }, { "\n", 0 }, { PPK_32 "\n\n", 0 }, { PPK_32 "2\n", 0 }, { PPK_32 "\n20\n", 0 }, { " " PPK_32 "\n", 0 },
		{ "0x" PPK_32 "\n", 0 }, { PPK_32 "0g\n", 0 }, { PPK_32 PPK_32 "00\n", 0 }, { PPK_32 PPK_32 "\n00", 0 },
		{ PPK_32 PPK_32 PPK_32 PPK_32 "\n", 0 }, { "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e\n", 0 },
	};
	struct files *f = *state;
	struct signer_secret a;
	struct cw_why why;

	put_file(f, "psk", "sixteen bytes of\n", 0600);
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		put_file(f, "ppk", rows[i].text, 0600);
		assert_int_equal(check_changed(f, "    local_ts", PPK_ON(""), &why), rows[i].size ? 0 : CW_E_INVALID);
		if (!rows[i].size) {
			assert_string_equal(why.field, "ppk.file");
			assert_non_null(strstr(why.rule, "64 to 128 hex"));
			assert_null(strstr(why.rule, "0102"));
			continue;
		}
		load_secret(f, &a);
		assert_int_equal(a.s.ppk_size, rows[i].size);
		for (size_t k = 0; k < rows[i].size; k++)
			assert_int_equal(a.s.ppk[k], k % 32);
		signer_unload(&a);
		assert_null(a.ppk);
	}
}

static void a_ppk_that_others_can_read_is_refused(void **state)
{
	static const mode_t open_modes[] = { 0640, 0604, 0660, 0601, 0610 };
	struct files *f = *state;
	const struct tun_conf *t;
	struct cw_why why;

	put_file(f, "psk", "sixteen bytes of\n", 0600);
	assert_int_equal(check_changed(f, "    local_ts", PPK_ON(""), &why), CW_E_INVALID);
	assert_string_equal(why.object, "tunnel b");
	assert_string_equal(why.field, "ppk.file");
	for (size_t i = 0; i < CW_COUNT(open_modes); i++) {
		put_file(f, "ppk", PPK_32 "\n", open_modes[i]);
		assert_int_equal(check_changed(f, "    local_ts", PPK_ON(""), &why), CW_E_INVALID);
		assert_non_null(strstr(why.rule, "chmod 600"));
	}
	put_file(f, "ppk", PPK_32 "\n", 0400);
	assert_int_equal(check_changed(f, "    local_ts", PPK_ON(""), &why), 0);
	t = f->c.tunnels.items;
	assert_true(t->ppk.required);           /* unless it says otherwise */
	assert_string_equal(t->ppk.id, "k-1");
	assert_int_equal(check_changed(f, "    local_ts", PPK_ON(", required: no"), &why), 0);
	t = f->c.tunnels.items;
	assert_false(t->ppk.required);
	assert_int_equal(check_changed(f, "    local_ts", "    ppk: {id: k, file: /}\n    local_ts", &why), CW_E_INVALID);
}

static void tunnels_must_not_get_in_each_others_way(void **state)
{
	static const char second[] = "relays:";
	struct files *f = *state;
	struct cw_why why;
	char more[512];
	static const struct {
		const char *name, *remote_ts;
		int want;
		const char *field;
	} rows[] = {
		{ "c", "10.71.3.1/32", 0, "" },
		{ "b", "10.71.3.1/32", CW_E_INVALID, "name" },
		{ "c", "10.71.2.1/32", CW_E_INVALID, "remote_ts" },
		{ "c", "10.71.0.0/16", CW_E_INVALID, "remote_ts" },
	};

	put_file(f, "psk", "sixteen bytes of\n", 0600);
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		snprintf(more, sizeof more,
			 "  - name: %s\n    remote: {address: 10.44.0.3}\n"
			 "    auth: {method: psk, secret_file: psk, local_id: a, remote_id: c}\n"
			 "    local_ts: 10.71.1.1/32\n    remote_ts: %s\nrelays:", rows[i].name, rows[i].remote_ts);
		assert_int_equal(check_changed(f, second, more, &why), rows[i].want);
		assert_string_equal(why.field, rows[i].field);
	}
}

static struct cw_ip ip4(uint8_t net, uint8_t host)
{
	return (struct cw_ip){ AF_INET, { 10, net, 0, host } };
}

/* Site A has two uplinks, site B three, one of each with IPv6 only: both must give the same number to the same path. */
static void both_ends_number_the_paths_alike(void **state)
{
	struct tun_conf_uplink a[] = { { ip4(44, 1), 4500, NULL }, { ip4(45, 1), 4500, NULL }, { { AF_INET6, { 0xfd, 1 } }, 4500, NULL } };
	struct tun_conf_uplink b[] = { { ip4(44, 2), 4500, NULL }, { { AF_INET6, { 0xfd, 2 } }, 4500, NULL }, { ip4(45, 2), 4600, NULL }, { ip4(46, 2), 4500, NULL } };
	struct tun_conf_endpoint more_a[] = { { a[1].address, a[1].port }, { a[2].address, a[2].port } };
	struct tun_conf_endpoint more_b[] = { { b[1].address, b[1].port }, { b[2].address, b[2].port }, { b[3].address, b[3].port } };
	char id_a[] = "a.test", id_b[] = "b.test";
	struct tun_conf at_a = { .remote = { b[0].address, b[0].port }, .paths = { 2, { more_b, 3 } }, .auth = { .local_id = id_a, .remote_id = id_b } };
	struct tun_conf at_b = { .remote = { a[0].address, a[0].port }, .paths = { 2, { more_a, 2 } }, .auth = { .local_id = id_b, .remote_id = id_a } };
	struct tun_way from_a[TUN_PATHS_MAX], from_b[TUN_PATHS_MAX];
	size_t n = tun_check_ways(&(struct cw_conf_list){ a, 3 }, &at_a, from_a);

	(void)state;
	assert_int_equal(n, 2 * (2 * 3 + 1));
	assert_int_equal(tun_check_ways(&(struct cw_conf_list){ b, 4 }, &at_b, from_b), n);
	for (size_t i = 0; i < n; i++) {
		assert_true(cw_ip_equal(&a[from_a[i].uplink].address, &from_b[i].remote.ip));
		assert_true(cw_ip_equal(&b[from_b[i].uplink].address, &from_a[i].remote.ip));
		assert_int_equal(from_a[i].port, from_b[i].port);
		assert_int_equal(from_a[i].remote.port, b[from_b[i].uplink].port);
	}
	at_a.paths.ports = 3;
	assert_true(tun_check_ways(&(struct cw_conf_list){ a, 3 }, &at_a, from_a) > TUN_PATHS_MAX);
	at_a.paths.ports = 0;           /* a third party has one path */
	assert_int_equal(tun_check_ways(&(struct cw_conf_list){ a, 3 }, &at_a, from_a), 1);
}

/* The uplink of the only way that the tunnel has. */
static size_t only_uplink(const struct files *f)
{
	struct tun_way ways[TUN_PATHS_MAX];

	assert_int_equal(tun_check_ways(&f->c.uplinks, f->c.tunnels.items, ways), 1);
	return ways[0].uplink;
}

static void a_tunnel_leaves_from_an_uplink_that_is_there(void **state)
{
	struct files *f = *state;
	struct cw_why why;

	put_file(f, "psk", "sixteen bytes of\n", 0600);
	assert_int_equal(check_changed(f, NULL, NULL, &why), 0);
	assert_int_equal(only_uplink(f), 0);
	assert_int_equal(check_changed(f, "    local_ts", "    uplink: 10.45.0.1\n    local_ts", &why), 0);
	assert_int_equal(only_uplink(f), 1);
	assert_int_equal(check_changed(f, "    local_ts", "    uplink: 10.46.0.1\n    local_ts", &why), CW_E_INVALID);
	assert_string_equal(why.field, "uplink");
	assert_int_equal(check_changed(f, "{address: 10.44.0.2}", "{address: 'fd00::2'}", &why), CW_E_INVALID);
	assert_string_equal(why.field, "uplink");
}

/* The processes of IKE and of the secrets are this program once more. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_those_of_the_manual),
		cmocka_unit_test(dscp_is_copy_or_a_number),
		cmocka_unit_test(wrong_values_name_field_and_rule),
		cmocka_unit_test_setup_teardown(a_secret_is_its_bytes_without_the_newline, setup, teardown),
		cmocka_unit_test_setup_teardown(secrets_that_are_no_secrets_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_ppk_is_hexadecimal, setup, teardown),
		cmocka_unit_test_setup_teardown(a_ppk_that_others_can_read_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(tunnels_must_not_get_in_each_others_way, setup, teardown),
		cmocka_unit_test(both_ends_number_the_paths_alike),
		cmocka_unit_test_setup_teardown(a_tunnel_leaves_from_an_uplink_that_is_there, setup, teardown),
	};
	int status;

	if (keys_part(argc, argv, &status))
		return status;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
