/* SPDX-License-Identifier: Apache-2.0 */
/* test_node_seed.c - seeds and invitations: read, written, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "interconnect/line/node_impl.h"
#include "tests/lib/mig_data.h"
#include "tests/lib/tmp_dir.h"

#define PIN "dda1c77c5d3afc029b501efc6223c91b5cdf6f3bc48679852089bdb0fd4dab2d"
#define TOKEN "63a2930995553b4bf833259480178ff07631d553132137d59a6b52e673c2f5f5"

static const char good[] = "{\"name\":\"kvm1\",\"site\":\"onprem\",\"kind\":\"agent\",\"managers\":[\"10.44.0.1:9443\","
	"\"[2001:db8::1]:9443\"],\"pin\":\"" PIN "\",\"token\":\"" TOKEN "\"}";

static void a_seed_is_read(void **state)
{
	struct node_seed s = { 0 };

	(void)state;
	assert_int_equal(node_seed_parse(good, strlen(good), &s, NULL), 0);
	assert_string_equal(s.name, "kvm1");
	assert_string_equal(s.site, "onprem");
	assert_string_equal(s.kind, "agent");
	assert_int_equal(s.n_to, 2);
	assert_int_equal(s.to[1].port, 9443);
	assert_int_equal(s.to[1].ip.family, AF_INET6);
	assert_int_equal(s.pin[0], 0xdd);
	assert_string_equal(s.token, TOKEN);
}

static void what_is_no_seed(void **state)
{
	static const struct {
		const char *from, *to, *field;
	} rows[] = {
		{ "\"name\":\"kvm1\",", "", "name" },
		{ "kvm1", "", "name" },
		{ "kvm1", "a/b", "name" },
		{ "kvm1", "../x", "name" },
		{ "kvm1", "-x", "name" },
		{ "kvm1", "a b", "name" },
		{ "\"kvm1\"", "7", "name" },
		{ "kvm1", "a123456789012345678901234567890123456789012345678901234567890123", "name" },
		{ "onprem", "", "site" },
		{ "onprem", "a,b", "site" },
		{ "agent", "router", "kind" },
		{ "\"agent\"", "[]", "kind" },
		{ "\"10.44.0.1:9443\",\"[2001:db8::1]:9443\"", "", "managers" },
		{ "10.44.0.1:9443", "10.44.0.1", "managers" },
		{ "10.44.0.1:9443", "10.44.0.1:0", "managers" },
		{ "10.44.0.1:9443", "manager:9443", "managers" },
		{ "[\"10.44.0.1:9443\"", "[\"1.1.1.1:1\",\"1.1.1.1:1\",\"1.1.1.1:1\",\"1.1.1.1:1\"", "managers" },
		{ "[\"10.44.0.1:9443\"", "[{}", "managers" },
		{ PIN, "dd", "pin" },
		{ PIN, "", "pin" },
		{ PIN, TOKEN "00", "pin" },
		{ TOKEN, "63", "token" },
		{ TOKEN, "", "token" },
		{ "\"" TOKEN "\"", "1", "token" },
		{ "63a2", "63A2", "token" },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		char *text = mig_replace(good, rows[i].from, rows[i].to);
		struct node_seed s = { .name = "before" };
		struct cw_why why = { 0 };

		if (node_seed_parse(text, strlen(text), &s, &why) != CW_E_INVALID)
			fail_msg("accepted: %s", text);
		assert_string_equal(why.field, rows[i].field);
		assert_string_equal(s.name, "before");
		free(text);
	}
}

/* In blocks of exactly their size, so that a byte read behind them is seen. */
static void every_prefix_is_refused(void **state)
{
	(void)state;
	for (size_t n = 0; n < strlen(good); n++) {
		char *text = malloc(n + 1);
		struct node_seed s;

		assert_non_null(text);
		memcpy(text, good, n);
		assert_true(node_seed_parse(text, n, &s, NULL) < 0);
		free(text);
	}
}

static void as_one_line(void **state)
{
	struct cw_why why = { 0 };
	char *text = NULL, *json = NULL, *bad;

	(void)state;
	for (size_t n = strlen(good) - 3; n <= strlen(good); n++) {             /* every number of bytes left over */
		char *part = strndup(good, n);

		assert_int_equal(node_seed_text(part, &text), 0);
		assert_true(strncmp(text, "CN1", 3) == 0 && strcspn(text, " \n=+/") == strlen(text));
		assert_int_equal(node_seed_decode(text, &json, NULL), 0);
		assert_string_equal(json, part);
		free(text);
		free(json);
		free(part);
	}
	assert_int_equal(node_seed_text(good, &text), 0);
	bad = malloc(strlen(text) + 8);
	assert_non_null(bad);
	sprintf(bad, "%s \r\n", text);
	assert_int_equal(node_seed_decode(bad, &json, NULL), 0);
	free(json);
	sprintf(bad, "%s x", text);
	assert_int_equal(node_seed_decode(bad, &json, &why), CW_E_INVALID);
	assert_string_equal(why.object, "invitation");
	for (size_t n = 0; n < strlen(text); n++) {
		snprintf(bad, n + 1, "%s", text);
		if (node_seed_decode(bad, &json, NULL) == 0) {                  /* a whole text, but no whole seed */
			struct node_seed s;

			assert_true(node_seed_parse(json, strlen(json), &s, NULL) < 0);
			free(json);
		}
	}
	strcpy(bad, text);
	bad[10] = '+';
	assert_int_equal(node_seed_decode(bad, &json, NULL), CW_E_INVALID);
	assert_int_equal(node_seed_decode("", &json, NULL), CW_E_INVALID);
	assert_int_equal(node_seed_decode("CN1", &json, NULL), CW_E_INVALID);
	assert_int_equal(node_seed_decode("CN1AAAA", &json, NULL), CW_E_INVALID);       /* NUL bytes */
	assert_int_equal(node_seed_decode("CW1AAAA", &json, NULL), CW_E_INVALID);
	free(bad);
	free(text);
}

static void is_written_down(void **state)
{
	struct tmp_dir d = tmp_dir_make();
	char *text = NULL, *other, name[NODE_NAME_MAX + 1], site[NODE_NAME_MAX + 1];
	struct node_seed s = { 0 };
	struct cw_why why = { 0 };
	struct stat st;

	(void)state;
	assert_int_equal(node_seed_load(d.path, &s, &why), CW_E_NOT_FOUND);
	assert_int_equal(node_seed_text(good, &text), 0);
	assert_int_equal(node_seed(d.path, text, "ne", NULL), CW_E_INVALID);
	assert_int_equal(node_seed_load(d.path, &s, NULL), CW_E_NOT_FOUND);
	assert_int_equal(node_seed(d.path, text, "agent", NULL), 0);
	assert_int_equal(stat(tmp_dir_file(&d, "seed.json"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(node_seed_load(d.path, &s, NULL), 0);
	assert_string_equal(s.token, TOKEN);
	s.token[0] = '\0';
	assert_int_equal(node_seed_save(d.path, &s), 0);
	assert_int_equal(node_seed_load(d.path, &s, NULL), 0);
	assert_string_equal(s.token, "");
	assert_int_equal(s.n_to, 2);
	assert_int_equal(node_identity(d.path, name, site, NULL), 0);
	assert_string_equal(name, "kvm1");
	assert_string_equal(site, "onprem");
	free(text);
	other = mig_replace(good, ",\"token\":\"" TOKEN "\"", "");
	assert_int_equal(node_seed_text(other, &text), 0);
	assert_int_equal(node_seed(d.path, text, "agent", &why), CW_E_INVALID); /* an invitation has a token */
	free(other);
	free(text);
	tmp_dir_remove(&d);
}

static void hashes(void **state)
{
	static const char spaced[] = "{\"a\": 1, \"b\":\"\\u00e4\"}", plain[] = "{\"a\":1,\"b\":\"\xc3\xa4\"}";
	struct cw_json *a = NULL, *b = NULL, *files = NULL;
	char x[65], y[65];

	(void)state;
	assert_int_equal(cw_json_parse(spaced, strlen(spaced), &a), 0);
	assert_int_equal(cw_json_parse(plain, strlen(plain), &b), 0);
	assert_int_equal(cw_json_parse("{}", 2, &files), 0);
	assert_int_equal(node_hash(a, files, x), 0);
	assert_int_equal(node_hash(b, NULL, y), 0);
	assert_string_equal(x, y);              /* how it is written does not count */
	cw_json_set_str(files, "f", "1");
	assert_int_equal(node_hash(b, files, y), 0);
	assert_string_not_equal(x, y);
	cw_json_free(a);
	cw_json_free(b);
	cw_json_free(files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_seed_is_read),	   cmocka_unit_test(what_is_no_seed),
		cmocka_unit_test(every_prefix_is_refused), cmocka_unit_test(as_one_line),
		cmocka_unit_test(is_written_down),	   cmocka_unit_test(hashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
