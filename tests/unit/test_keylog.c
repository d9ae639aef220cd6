/* SPDX-License-Identifier: Apache-2.0 */
/* test_keylog.c - the lines that Wireshark reads, letter by letter, and files that nobody else can read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interconnect/base/file.h"
#include "interconnect/base/log.h"
#include "interconnect/ike/ike_suite.h"
#include "interconnect/keylog.h"
#include "tests/lib/tmp_dir.h"

static unsigned warnings;

static void sink(enum cw_log_level level, const char *line)
{
	warnings += level == CW_LOG_WARN && strstr(line, "KEYS OF ALL TUNNELS ARE WRITTEN") != NULL;
}

/* Keys of recognisable octets: 11 11 ... and 22 22 ..., the part behind the cipher's own key 33 and 44. */
static struct ike_keylog entry(bool child, enum cw_aead_alg aead)
{
	struct ike_keylog l = { .child = child, .aead = aead, .key_size = ike_suite_keymat(aead) };
	size_t integ = ike_suite_integ_key(aead);

	l.spi[0] = child ? 0x01020304 : 0x0102030405060708;
	l.spi[1] = child ? 0xfffefdfc : 0xf0f1f2f3f4f5f6f7;
	for (int i = 0; i < 2; i++) {
		memset(l.key[i], i ? 0x22 : 0x11, l.key_size);
		memset(l.key[i] + l.key_size - integ, i ? 0x44 : 0x33, integ);
	}
	return l;
}

#define X4(s) s s s s
#define X16(s) X4(X4(s))
#define X20(s) X16(s) X4(s)
#define X32(s) X16(s) X16(s)
#define X36(s) X32(s) X4(s)

static void lines(void **state)
{
	static const struct {
		bool child;
		enum cw_aead_alg aead;
		const char *want;
	} rows[] = {
		{ false, CW_AEAD_AES256_GCM,
		  "0102030405060708,f0f1f2f3f4f5f6f7," X36("11") "," X36("22")
		  ",\"AES-GCM-256 with 16 octet ICV [RFC5282]\",,,\"NONE [RFC4306]\"\n" },
		{ false, CW_AEAD_AES128_GCM,
		  "0102030405060708,f0f1f2f3f4f5f6f7," X20("11") "," X20("22")
		  ",\"AES-GCM-128 with 16 octet ICV [RFC5282]\",,,\"NONE [RFC4306]\"\n" },
		{ false, CW_AEAD_AES256_CBC_SHA256,
		  "0102030405060708,f0f1f2f3f4f5f6f7," X32("11") "," X32("22") ",\"AES-CBC-256 [RFC3602]\","
		  X32("33") "," X32("44") ",\"HMAC_SHA2_256_128 [RFC4868]\"\n" },
		{ false, CW_AEAD_CHACHA20_POLY1305,
		  "# not known to Wireshark: 0102030405060708,f0f1f2f3f4f5f6f7," X36("11") "," X36("22")
		  ",\"ChaCha20-Poly1305\",,,\"NONE [RFC4306]\"\n" },
		{ true, CW_AEAD_AES256_GCM,
		  "\"IPv4\",\"*\",\"*\",\"0x01020304\",\"AES-GCM with 16 octet ICV [RFC4106]\",\"0x" X36("11") "\",\"NULL\",\"\"\n"
		  "\"IPv6\",\"*\",\"*\",\"0x01020304\",\"AES-GCM with 16 octet ICV [RFC4106]\",\"0x" X36("11") "\",\"NULL\",\"\"\n"
		  "\"IPv4\",\"*\",\"*\",\"0xfffefdfc\",\"AES-GCM with 16 octet ICV [RFC4106]\",\"0x" X36("22") "\",\"NULL\",\"\"\n"
		  "\"IPv6\",\"*\",\"*\",\"0xfffefdfc\",\"AES-GCM with 16 octet ICV [RFC4106]\",\"0x" X36("22") "\",\"NULL\",\"\"\n" },
		{ true, CW_AEAD_AES128_CBC_SHA256,
		  "\"IPv4\",\"*\",\"*\",\"0x01020304\",\"AES-CBC [RFC3602]\",\"0x" X16("11") "\",\"HMAC-SHA-256-128 [RFC4868]\",\"0x"
		  X32("33") "\"\n"
		  "\"IPv6\",\"*\",\"*\",\"0x01020304\",\"AES-CBC [RFC3602]\",\"0x" X16("11") "\",\"HMAC-SHA-256-128 [RFC4868]\",\"0x"
		  X32("33") "\"\n"
		  "\"IPv4\",\"*\",\"*\",\"0xfffefdfc\",\"AES-CBC [RFC3602]\",\"0x" X16("22") "\",\"HMAC-SHA-256-128 [RFC4868]\",\"0x"
		  X32("44") "\"\n"
		  "\"IPv6\",\"*\",\"*\",\"0xfffefdfc\",\"AES-CBC [RFC3602]\",\"0x" X16("22") "\",\"HMAC-SHA-256-128 [RFC4868]\",\"0x"
		  X32("44") "\"\n" },
	};
	char text[KEYLOG_TEXT];

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct ike_keylog l = entry(rows[i].child, rows[i].aead);

		assert_int_equal(keylog_text(&l, text), strlen(rows[i].want));
		assert_string_equal(text, rows[i].want);
	}
}

/* No suite is too long for the buffer, and none goes without a name: lines are whole, or comments. */
static void all_suites_fit(void **state)
{
	char text[KEYLOG_TEXT];

	(void)state;
	for (int aead = 0; aead < CW_AEAD_N; aead++)
		for (int child = 0; child < 2; child++) {
			struct ike_keylog l = entry(child, (enum cw_aead_alg)aead);
			size_t size = keylog_text(&l, text);

			assert_in_range(size, 100, KEYLOG_TEXT - 1);
			assert_int_equal(size, strlen(text));
			assert_int_equal(text[size - 1], '\n');
			assert_null(strstr(text, "(null)"));
			assert_int_equal(text[0] == '#', aead == CW_AEAD_CHACHA20_POLY1305);
		}
}

static void file_is(const char *path, const char *want, size_t times)
{
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	size_t size, len = strlen(want);
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(cw_file_read(path, 1 << 16, &text, &size), 0);
	assert_int_equal(size, times * len);
	for (size_t i = 0; i < times; i++)
		assert_memory_equal(text + i * len, want, len);
}

static void appended(void **state)
{
	struct tmp_dir d = tmp_dir_make();
	struct ike_keylog ike = entry(false, CW_AEAD_AES256_GCM), esp = entry(true, CW_AEAD_AES256_GCM);
	char ike_text[KEYLOG_TEXT], esp_text[KEYLOG_TEXT];
	struct cw_why why = { 0 };
	struct cw_loop *loop;
	struct keylog *k;

	(void)state;
	keylog_text(&ike, ike_text);
	keylog_text(&esp, esp_text);
	cw_log_set_sink(sink);
	warnings = 0;
	assert_int_equal(cw_loop_new(&loop), 0);
	for (size_t run = 1; run <= 2; run++) {
		assert_int_equal(keylog_new(loop, tmp_dir_file(&d, "k"), &k, &why), 0);
		assert_int_equal(warnings, run);
		keylog_write(k, &ike);
		keylog_write(k, &esp);
		keylog_free(k);
		file_is(tmp_dir_file(&d, "k.ikev2"), ike_text, run);
		file_is(tmp_dir_file(&d, "k.esp"), esp_text, run);
	}
	cw_loop_free(loop);
	tmp_dir_remove(&d);
}

static void refused(struct cw_loop *loop, const struct tmp_dir *d, int want)
{
	struct cw_why why = { 0 };
	struct keylog *k = NULL;

	assert_int_equal(keylog_new(loop, tmp_dir_file(d, "k"), &k, &why), want);
	assert_null(k);
	assert_string_equal(why.object, "keylog");
	assert_non_null(strstr(why.field, "/k."));
}

/* A key log that others may read, or that goes elsewhere than it says, is none. */
static void only_private_files(void **state)
{
	struct tmp_dir d = tmp_dir_make();
	char victim[TMP_PATH], esp[TMP_PATH];
	struct cw_loop *loop;
	FILE *f;

	(void)state;
	cw_log_set_sink(sink);
	assert_int_equal(cw_loop_new(&loop), 0);
	snprintf(victim, sizeof victim, "%s", tmp_dir_file(&d, "victim"));
	snprintf(esp, sizeof esp, "%s", tmp_dir_file(&d, "k.esp"));
	f = fopen(victim, "we");
	assert_non_null(f);
	fclose(f);

	assert_int_equal(symlink(victim, esp), 0);
	refused(loop, &d, -ELOOP);
	assert_int_equal(unlink(esp), 0);

	assert_int_equal(chmod(victim, 0600), 0);
	assert_int_equal(link(victim, esp), 0);
	refused(loop, &d, CW_E_FORBIDDEN);
	assert_int_equal(unlink(esp), 0);

	assert_int_equal(chmod(victim, 0640), 0);
	assert_int_equal(rename(victim, esp), 0);
	refused(loop, &d, CW_E_FORBIDDEN);
	assert_int_equal(chmod(esp, 0604), 0);
	refused(loop, &d, CW_E_FORBIDDEN);
	assert_int_equal(unlink(esp), 0);

	assert_int_equal(mkfifo(esp, 0600), 0);
	refused(loop, &d, -ENXIO);
	assert_int_equal(unlink(esp), 0);
	assert_int_equal(mkdir(esp, 0700), 0);
	refused(loop, &d, -EISDIR);
	cw_loop_free(loop);
	tmp_dir_remove(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(all_suites_fit),
		cmocka_unit_test(appended),
		cmocka_unit_test(only_private_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
