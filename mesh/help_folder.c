/* SPDX-License-Identifier: Apache-2.0 */
/* help_folder.c - the files of an appliance. */
#include "mesh/help_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interconnect/base/file.h"
#include "interconnect/base/impair.h"
#include "interconnect/base/json.h"
#include "interconnect/base/mem.h"

enum { PLACE_MAX = 1 << 20, FILE_PATH = HELP_PATH + 32, OPEN_MAX_DIRS = 8 };

void help_folder_path(const char *state, const char *name, char ret[HELP_PATH])
{
	snprintf(ret, HELP_PATH, "%s/%s", state, name);
}

static void file_path(const char *state, const char *name, const char *file, char ret[FILE_PATH])
{
	char dir[HELP_PATH];

	help_folder_path(state, name, dir);
	snprintf(ret, FILE_PATH, "%s/%s", dir, file);
}

static int make_dir(const char *path, mode_t mode)
{
	return mkdir(path, mode) < 0 && errno != EEXIST ? -errno : 0;
}

int help_folder_make_state(const char *state)
{
	char above[HELP_PATH];
	char *slash;
	int r;

	snprintf(above, sizeof above, "%s", state);
	slash = strrchr(above, '/');
	if (slash && slash > above) {
		*slash = '\0';
		if ((r = make_dir(above, 0700)) < 0)
			return r;
	}
	return make_dir(state, 0700);
}

/* Reads a file of at most MAX bytes to heap text. CW_E_NOT_FOUND when there is none. */
static int read_file(const char *path, size_t max, char **ret_text, size_t *ret_size)
{
	CW_AUTO(cw_fd_cleanup) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	CW_AUTO(cw_free_cleanup) char *text = malloc(max + 1);
	size_t have = 0;
	ssize_t n = 1;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? CW_E_NOT_FOUND : -errno;
	if (!text)
		return -ENOMEM;
	while (n > 0 && have <= max) {
		n = read(fd, text + have, max + 1 - have);
		if (n < 0 && errno != EINTR)
			return -errno;
		have += n > 0 ? (size_t)n : 0;
	}
	if (have > max)
		return CW_E_LIMIT;
	text[have] = '\0';
	*ret_size = have;
	*ret_text = cw_steal(&text);
	return 0;
}

int help_folder_write(const char *state, const struct help_spec *s)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *j = help_spec_json(s);
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	char path[FILE_PATH], dir[HELP_PATH];
	int r;

	help_folder_path(state, s->name, dir);
	file_path(state, s->name, "place.json", path);
	if ((r = cw_json_dump(j, true, &text)) < 0 || (r = make_dir(dir, 0700)) < 0 ||
	    (r = cw_impair("help.place.folder")) < 0 || (r = cw_file_replace(path, 0600, text, strlen(text))) < 0)
		return r;
	return cw_file_sync_folder(dir);
}

/* What a crash left of a folder that has no place.json: nothing of it was ever in use. */
static void remove_rest(const char *state, const char *name)
{
	char path[FILE_PATH], dir[HELP_PATH];

	help_folder_path(state, name, dir);
	file_path(state, name, "place.json.new", path);
	(void)unlink(path);
	(void)rmdir(dir);
}

int help_folder_read(const char *state, const char *name, struct help_spec *ret_spec, struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *j = NULL;
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	char path[FILE_PATH];
	size_t size = 0;
	int r;

	file_path(state, name, "place.json", path);
	if ((r = read_file(path, PLACE_MAX, &text, &size)) == CW_E_NOT_FOUND)
		remove_rest(state, name);
	if (r < 0 || (r = cw_json_parse(text, size, &j)) < 0)
		return cw_why_set(why, r, path, NULL, "%s", cw_strerror(r));
	return help_spec_read(name, j, ret_spec, why);
}

int help_folder_seed(const char *state, const char *name, const char *seed, bool *ret_new)
{
	char path[FILE_PATH];
	char *text = NULL;
	size_t size = 0, n = strlen(seed);
	int r;

	*ret_new = false;
	file_path(state, name, "site.crt", path);      /* node.crt is there before, signed by itself */
	if (access(path, F_OK) == 0)
		return 0;
	file_path(state, name, "seed.json", path);
	r = read_file(path, HELP_SEED_MAX, &text, &size);
	*ret_new = r != 0 || size != n || !cw_mem_equal(text, seed, n);
	if (text)
		cw_mem_wipe(text, size);
	free(text);
	return *ret_new ? cw_file_replace(path, 0600, seed, n) : 0;
}

/* ---- removing ---- */

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	if (ftw->level == 0 || (ftw->level == 1 && strcmp(path + ftw->base, "place.json") == 0))
		return 0;
	(void)flag;
	return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

int help_folder_remove(const char *state, const char *name)
{
	char path[FILE_PATH], dir[HELP_PATH];
	int r;

	help_folder_path(state, name, dir);
	file_path(state, name, "place.json", path);
	if (nftw(dir, remove_one, OPEN_MAX_DIRS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0 && errno != ENOENT)
		return -errno;
	if ((r = cw_impair("help.remove.folder")) < 0)
		return r;
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	if ((r = cw_impair("help.remove.place")) < 0)
		return r;
	if (rmdir(dir) < 0 && errno != ENOENT)
		return -errno;
	return cw_file_sync_folder(dir);
}

int help_folder_each(const char *state, void (*cb)(void *ctx, const char *name), void *ctx)
{
	DIR *d = opendir(state);
	const struct dirent *e;

	if (!d)
		return -errno;
	while ((e = readdir(d)))
		if (help_name_check(e->d_name, NULL) == 0)
			cb(ctx, e->d_name);
	closedir(d);
	return 0;
}
