/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tmp_dir.h - a folder of a test's own, removed with all that is in it.
 *
 * In memory where the machine has that: a killed process loses nothing of it, and what waits for the disk is what makes tests of
 * databases slow.
 */
#ifndef TMP_DIR_H
#define TMP_DIR_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TMP_PATH = 200 };

struct tmp_dir {
	char path[64];
};

static inline struct tmp_dir tmp_dir_make(void)
{
	struct tmp_dir d = { "/dev/shm/causeway-unit.XXXXXX" };

	if (mkdtemp(d.path))
		return d;
	d = (struct tmp_dir){ "/tmp/causeway-unit.XXXXXX" };
	if (!mkdtemp(d.path))
		abort();
	return d;
}

/* PATH/NAME in a static buffer; two may be in use at a time. */
static inline const char *tmp_dir_file(const struct tmp_dir *d, const char *name)
{
	static char path[2][TMP_PATH];
	static int i;

	i = !i;
	snprintf(path[i], sizeof path[i], "%s/%s", d->path, name);
	return path[i];
}

static inline int tmp_dir_remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static inline void tmp_dir_remove(struct tmp_dir *d)
{
	if (nftw(d->path, tmp_dir_remove_one, 8, FTW_DEPTH | FTW_PHYS) != 0)
		abort();
}

#endif
