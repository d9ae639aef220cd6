/* SPDX-License-Identifier: Apache-2.0 */
/* test_cli_url.c - URLs, pins and token files; paths of requests. */
#include "mesh/cli_url.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "mesh/cli_http.h"
#include "tests/lib/tmp_dir.h"

static const char pin[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

static void test_urls(void **state)
{
	static const struct {
		const char *text, *host, *port;         /* host NULL: refused */
	} rows[] = {
		{ "https://gw", "gw", "9443" }, { "https://gw/", "gw", "9443" }, { "https://gw:443", "gw", "443" },
		{ "https://gw.example:65535/", "gw.example", "65535" }, { "https://10.0.0.9:9443", "10.0.0.9", "9443" },
		{ "https://[2001:db8::1]", "2001:db8::1", "9443" }, { "https://[::1]:1", "::1", "1" },
		{ "", NULL, NULL }, { "gw", NULL, NULL }, { "http://gw", NULL, NULL }, { "https://", NULL, NULL }, { "https:///x", NULL, NULL },
		{ "https://gw:", NULL, NULL }, { "https://gw:0", NULL, NULL }, { "https://gw:65536", NULL, NULL }, { "https://gw:+1", NULL, NULL },
		{ "https://gw:100000000000000", NULL, NULL }, { "https://gw/api", NULL, NULL }, { "https://me@gw", NULL, NULL },
		{ "https://gw?x", NULL, NULL }, { "https://[::1", NULL, NULL }, { "https://[]", NULL, NULL }, { "https://::1", NULL, NULL },
		{ "https://[::1]x", NULL, NULL }, { "https://g w", NULL, NULL }, { "https://gw\r\nX: y", NULL, NULL }, { "HTTPS://gw", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct cw_why why = { 0 };
		struct cli_url u = { 0 };
		int r = cli_url_parse(rows[i].text, &u, &why);

		if (!rows[i].host) {
			if (r != CW_E_USAGE || strcmp(why.field, "--url") != 0)
				fail_msg("'%s' is not refused", rows[i].text);
			continue;
		}
		assert_int_equal(r, 0);
		assert_string_equal(u.host, rows[i].host);
		assert_string_equal(u.port, rows[i].port);
	}
}

static void long_host(void **state)
{
	char text[400] = "https://";
	struct cli_url u = { 0 };

	(void)state;
	memset(text + 8, 'a', CLI_HOST_MAX);
	assert_int_equal(cli_url_parse(text, &u, NULL), 0);
	text[8 + CLI_HOST_MAX] = 'a';
	assert_int_equal(cli_url_parse(text, &u, NULL), CW_E_USAGE);
}

static void write_file(const char *path, mode_t mode, const char *text)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

/* Neither pin nor token are ever guessed, and the token is not taken from where others can read it. */
static void test_secrets(void **state)
{
	static const char *const false_tokens[] = { "", "\n", "a b\n", "a\nb\n", "a\r\n", "\xc3\xa4\n", "\nabc" };
	struct tmp_dir d = tmp_dir_make();
	const char *path = tmp_dir_file(&d, "token");
	struct cw_why why = { 0 };
	struct cli_url u;

	(void)state;
	assert_int_equal(cli_url_read("https://gw", NULL, path, &u, &why), CW_E_USAGE);
	assert_string_equal(why.field, "--pin");
	assert_int_equal(cli_url_read("https://gw", "0011", path, &u, NULL), CW_E_USAGE);
	why = (struct cw_why){ 0 };
	assert_int_equal(cli_url_read("https://gw", pin, path, &u, &why), CW_E_USAGE);
	assert_string_equal(why.field, "--token-file");
	write_file(path, 0600, "abc123\n");
	assert_int_equal(cli_url_read("https://gw", pin, path, &u, &why), 0);
	assert_string_equal(u.token, "abc123");
	assert_int_equal(u.pin[1], 0x11);
	cli_url_wipe(&u);
	assert_int_equal(u.token[0], 0);
	write_file(path, 0640, "abc123\n");
	assert_int_equal(cli_url_read("https://gw", pin, path, &u, NULL), CW_E_FORBIDDEN);
	write_file(path, 0604, "abc123\n");
	assert_int_equal(cli_url_read("https://gw", pin, path, &u, NULL), CW_E_FORBIDDEN);
	assert_int_equal(cli_url_read("https://gw", pin, d.path, &u, NULL), CW_E_FORBIDDEN);
	for (size_t i = 0; i < CW_COUNT(false_tokens); i++) {
		write_file(path, 0600, false_tokens[i]);
		assert_int_equal(cli_url_read("https://gw", pin, path, &u, NULL), CW_E_INVALID);
	}
	tmp_dir_remove(&d);
}

static void test_paths(void **state)
{
	static const struct {
		const char *pattern, *name, *path;
		bool dry_run;
	} rows[] = {
		{ "/api/v1/vms", NULL, "/api/v1/vms", false }, { "/api/v1/vms/{}", "web1", "/api/v1/vms/web1", false },
		{ "/api/v1/m/{}/x", "a_b.c-d~", "/api/v1/m/a_b.c-d~/x", false }, { "/x/{}", "a/b c%?#", "/x/a%2Fb%20c%25%3F%23", false },
		{ "/x/{}", "\xc3\xa4\r\n", "/x/%C3%A4%0D%0A", false }, { "/x/{}", "{}", "/x/%7B%7D", false },
		{ "/x/{}", "n", "/x/n?dry_run=true", true }, { "/x", NULL, "/x?dry_run=true", true },
	};
	char path[CLI_PATH_SIZE], name[CLI_PATH_SIZE + 1] = "";

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		assert_int_equal(cli_http_path(rows[i].pattern, rows[i].name, rows[i].dry_run, path, NULL), 0);
		assert_string_equal(path, rows[i].path);
	}
	assert_int_equal(cli_http_path("/x/{}", NULL, false, path, NULL), CW_E_USAGE);
	/* Whatever fits is whole, and whatever does not is refused. */
	for (size_t n = 1; n < sizeof name; n++) {
		memset(name, n % 2 ? 'a' : '%', n);
		if (cli_http_path("/x/{}/y", name, n % 3 == 0, path, NULL) == 0)
			assert_non_null(strstr(path, "/y"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_urls), cmocka_unit_test(long_host), cmocka_unit_test(test_secrets), cmocka_unit_test(test_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
