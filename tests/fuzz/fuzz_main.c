/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_main.c - replays inputs through a fuzz target where there is no libFuzzer.
 *
 * usage: TARGET [FILE|FOLDER]...   Each file is run whole, and cut to every shorter length,
 * in a heap block of its exact size, so that the address sanitizer sees one byte too many.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 1 << 20, PREFIX_MAX = 4096 };

static size_t n_runs;

static int run_exact(const uint8_t *data, size_t size)
{
	uint8_t *block = malloc(size ? size : 1);

	if (!block)
		return -1;
	memcpy(block, data, size);
	LLVMFuzzerTestOneInput(block, size);
	free(block);
	n_runs++;
	return 0;
}

static int run_file(const char *path)
{
	static uint8_t data[INPUT_MAX];
	FILE *f = fopen(path, "rb");
	size_t size;
	int r;

	if (!f) {
		perror(path);
		return -1;
	}
	size = fread(data, 1, sizeof data, f);
	fclose(f);
	r = run_exact(data, size);
	for (size_t n = 0; r == 0 && n < size && n < PREFIX_MAX; n++)
		r = run_exact(data, n);
	return r;
}

static int run_path(const char *path)
{
	char name[4096];
	struct dirent **list;
	struct stat st;
	int n, r = 0;

	if (stat(path, &st) < 0) {
		perror(path);
		return -1;
	}
	if (!S_ISDIR(st.st_mode))
		return run_file(path);
	n = scandir(path, &list, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		if (list[i]->d_name[0] != '.') {
			snprintf(name, sizeof name, "%s/%s", path, list[i]->d_name);
			r |= run_file(name);
		}
		free(list[i]);
	}
	free(list);
	return n < 0 ? -1 : r;
}

int main(int argc, char **argv)
{
	int r = 0;

	for (int i = 1; i < argc; i++)
		r |= run_path(argv[i]);
	if (n_runs == 0) {
		fprintf(stderr, "%s: no input\n", argv[0]);
		return 1;
	}
	printf("%zu inputs\n", n_runs);
	return r ? 1 : 0;
}
