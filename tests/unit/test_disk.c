/* SPDX-License-Identifier: Apache-2.0 */
/* test_disk.c - making images, and that equal content has equal hashes whatever the format. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interconnect/base/crypt.h"
#include "interconnect/base/log.h"
#include "interconnect/base/wr.h"
#include "migrate/disk.h"
#include "tests/lib/tmp_dir.h"

enum { ODD = 3 * DISK_BLOCK + 512 };            /* the last block is short */

struct place {
	struct tmp_dir dir;
	char raw[TMP_PATH];
};

static void quiet(enum cw_log_level level, const char *line)
{
	(void)level;
	(void)line;
}

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof *p);

	cw_log_set_sink(quiet);
	p->dir = tmp_dir_make();
	snprintf(p->raw, sizeof p->raw, "%s", tmp_dir_file(&p->dir, "a.raw"));
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	tmp_dir_remove(&p->dir);
	free(p);
	cw_log_set_sink(NULL);
	return 0;
}

static void put_bytes(const char *path, off_t at, const char *bytes)
{
	int fd = open(path, O_WRONLY);

	assert_int_equal(pwrite(fd, bytes, strlen(bytes), at), strlen(bytes));
	close(fd);
}

/* The definition, written down a second time and plainly. */
static void hash_plainly(const char *path, char out[DISK_HASH_TEXT])
{
	static uint8_t image[ODD], all[8 + 4 * 32];
	struct cw_wr w = cw_wr_of(all, sizeof all);
	uint8_t digest[CW_HASH_MAX];
	struct cw_span s;
	int fd = open(path, O_RDONLY);

	assert_int_equal(read(fd, image, ODD), ODD);
	close(fd);
	cw_wr_u64(&w, ODD);
	for (size_t at = 0; at < ODD; at += DISK_BLOCK) {
		s = (struct cw_span){ image + at, CW_MIN((size_t)DISK_BLOCK, ODD - at) };
		assert_int_equal(cw_hash(CW_HASH_SHA256, &s, 1, digest), 0);
		cw_wr_bytes(&w, digest, 32);
	}
	s = (struct cw_span){ all, w.len };
	assert_int_equal(cw_hash(CW_HASH_SHA256, &s, 1, digest), 0);
	disk_hex(digest, out);
}

static void images_are_made_once_and_for_their_owner(void **state)
{
	static const char *const formats[] = { "raw", "qcow2" };
	struct place *p = *state;

	for (size_t i = 0; i < CW_COUNT(formats); i++) {
		const char *path = tmp_dir_file(&p->dir, formats[i]);
		char hash[DISK_HASH_TEXT];
		uint64_t capacity = 0;
		struct stat st;

		assert_int_equal(disk_create(path, formats[i], ODD), 0);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
		assert_int_equal(disk_hash(path, formats[i], hash, &capacity), 0);
		assert_int_equal(capacity, ODD);
		assert_int_equal(disk_create(path, formats[i], ODD), -EEXIST);
		assert_int_equal(disk_remove(path), 0);
		assert_int_equal(disk_remove(path), 0);
		assert_int_equal(access(path, F_OK), -1);
	}
	assert_true(disk_create(tmp_dir_file(&p->dir, "x"), "nonsense", ODD) < 0);
	assert_int_equal(access(tmp_dir_file(&p->dir, "x"), F_OK), -1);         /* nothing is left of a failure */
}

static void hashes_follow_the_definition(void **state)
{
	struct place *p = *state;
	char got[DISK_HASH_TEXT], want[DISK_HASH_TEXT], empty[DISK_HASH_TEXT];
	uint64_t capacity;

	assert_int_equal(disk_create(p->raw, "raw", ODD), 0);
	assert_int_equal(disk_hash(p->raw, "raw", empty, &capacity), 0);
	hash_plainly(p->raw, want);
	assert_string_equal(empty, want);
	put_bytes(p->raw, DISK_BLOCK - 1, "over the edge");
	put_bytes(p->raw, ODD - 1, "!");
	assert_int_equal(disk_hash(p->raw, "raw", got, &capacity), 0);
	hash_plainly(p->raw, want);
	assert_string_equal(got, want);
	assert_string_not_equal(got, empty);
}

static void formats_do_not_matter_but_bytes_do(void **state)
{
	struct place *p = *state;
	char raw[DISK_HASH_TEXT], qcow2[DISK_HASH_TEXT], text[3 * TMP_PATH], path[TMP_PATH];
	uint64_t capacity;

	assert_int_equal(disk_create(p->raw, "raw", ODD), 0);
	put_bytes(p->raw, 2 * DISK_BLOCK + 7, "x");
	snprintf(path, sizeof path, "%s", tmp_dir_file(&p->dir, "a,b=c.qcow2"));        /* commas are QEMU's own business */
	snprintf(text, sizeof text, "qemu-img convert -q -f raw -O qcow2 %s '%s'", p->raw, path);
	assert_int_equal(system(text), 0);
	assert_int_equal(disk_hash(p->raw, "raw", raw, &capacity), 0);
	assert_int_equal(disk_hash(path, "qcow2", qcow2, &capacity), 0);
	assert_string_equal(raw, qcow2);
	put_bytes(p->raw, 2 * DISK_BLOCK + 7, "y");
	assert_int_equal(disk_hash(p->raw, "raw", raw, &capacity), 0);
	assert_string_not_equal(raw, qcow2);
}

static void what_is_no_image_has_no_hash(void **state)
{
	struct place *p = *state;
	char hash[DISK_HASH_TEXT];
	uint64_t capacity;

	assert_true(disk_hash(tmp_dir_file(&p->dir, "none"), "raw", hash, &capacity) < 0);
	assert_int_equal(disk_create(p->raw, "raw", ODD), 0);
	assert_true(disk_hash(p->raw, "qcow2", hash, &capacity) < 0);
}

static void plain_files(void **state)
{
	struct place *p = *state;
	char hash[DISK_HASH_TEXT];
	FILE *f = fopen(p->raw, "w");

	fputs("abc", f);
	fclose(f);
	assert_int_equal(disk_file_hash(p->raw, hash), 0);
	assert_string_equal(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(disk_file_hash("/dev/null", hash), CW_E_INVALID);
	assert_int_equal(disk_file_hash(p->dir.path, hash), CW_E_INVALID);
	assert_int_equal(disk_file_hash(tmp_dir_file(&p->dir, "none"), hash), -ENOENT);
}

static void an_estimate_grows_with_the_disk(void **state)
{
	(void)state;
	assert_true(disk_hash_estimate_ms(0) < disk_hash_estimate_ms(1ULL << 40));
	assert_true(disk_hash_estimate_ms(1ULL << 40) > 1000);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(images_are_made_once_and_for_their_owner),
		TEST(hashes_follow_the_definition),
		TEST(formats_do_not_matter_but_bytes_do),
		TEST(what_is_no_image_has_no_hash),
		TEST(plain_files),
		TEST(an_estimate_grows_with_the_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
