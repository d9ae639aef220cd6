/* SPDX-License-Identifier: Apache-2.0 */
/* park.c - moving a released VM's files aside. */
#include "migrate/park.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "migrate/disk.h"
#include "migrate/dom.h"

enum { PATH_SIZE = DOM_PATH_TEXT + 128 };

struct place {
	char pool[DOM_PATH_TEXT];       /* folder of the disk */
	char parked[PATH_SIZE];         /* POOL/parked */
	char dir[PATH_SIZE];            /* POOL/parked/VM@EPOCH */
	char file[PATH_SIZE + 128];     /* the disk in it */
};

static int place_of(const struct cw_json *plan, const char *disk, struct place *ret_place)
{
	const char *slash = strrchr(disk, '/');
	struct place *p = ret_place;

	if (!slash || slash == disk || (size_t)(slash - disk) >= sizeof p->pool)
		return CW_E_INVALID;
	snprintf(p->pool, sizeof p->pool, "%.*s", (int)(slash - disk), disk);
	snprintf(p->parked, sizeof p->parked, "%s/parked", p->pool);
	if (snprintf(p->dir, sizeof p->dir, "%s/parked/%s@%lld", p->pool, cw_json_get_str(plan, "name", ""),
		     (long long)cw_json_get_int(plan, "epoch", 0)) >= (int)sizeof p->dir ||
	    snprintf(p->file, sizeof p->file, "%s/%s", p->dir, slash + 1) >= (int)sizeof p->file)
		return CW_E_LIMIT;
	return 0;
}

static int make_dir(const char *path, const char *above)
{
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	return disk_sync_dir(above);
}

static int write_file(const char *dir, const char *name, const char *text)
{
	char path[PATH_SIZE + 32], temp[PATH_SIZE + 32];
	size_t size = strlen(text);
	int fd, r = 0;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	snprintf(temp, sizeof temp, "%s/.%s", dir, name);
	fd = open(temp, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, text, size) != (ssize_t)size || fsync(fd) < 0)
		r = errno ? -errno : -EIO;
	close(fd);
	if (r == 0 && rename(temp, path) < 0)
		r = -errno;
	return r < 0 ? r : disk_sync_dir(dir);
}

/* Moves the disk unless it has been moved. */
static int move(const char *from, const struct place *p)
{
	if (rename(from, p->file) < 0) {
		if (errno != ENOENT)
			return -errno;
		if (access(p->file, F_OK) < 0)
			return -ENOENT;         /* neither here nor there */
	}
	return disk_sync_dir(p->pool);
}

int park_vm(const struct cw_json *plan)
{
	const struct cw_json *disks = cw_json_get(plan, "disks");
	CW_AUTO(cw_free_cleanup) struct place *p = malloc(sizeof *p);
	int r;

	if (!p)
		return -ENOMEM;
	for (size_t i = 0; i < cw_json_len(disks); i++) {
		const char *path = cw_json_get_str(cw_json_at(disks, i), "path", "");

		if ((r = place_of(plan, path, p)) < 0 || (r = make_dir(p->parked, p->pool)) < 0 ||
		    (r = make_dir(p->dir, p->parked)) < 0)
			return r;
		if (i == 0 && (r = write_file(p->dir, "domain.xml", cw_json_get_str(plan, "definition", ""))) < 0)
			return r;
		if ((r = move(path, p)) < 0 || (r = disk_sync_dir(p->dir)) < 0)
			return r;
	}
	return 0;
}

static int remove_one(const struct place *p)
{
	char xml[PATH_SIZE + 32];
	int r;

	snprintf(xml, sizeof xml, "%s/domain.xml", p->dir);
	if ((r = disk_remove(p->file)) < 0 || (r = disk_remove(xml)) < 0)
		return r;
	(void)rmdir(p->dir);                    /* not empty while another disk lies in it */
	(void)rmdir(p->parked);
	return 0;
}

int park_remove(const struct cw_json *plan)
{
	const struct cw_json *disks = cw_json_get(plan, "disks");
	CW_AUTO(cw_free_cleanup) struct place *p = malloc(sizeof *p);
	int r;

	if (!p)
		return -ENOMEM;
	for (size_t i = 0; i < cw_json_len(disks); i++)
		if ((r = place_of(plan, cw_json_get_str(cw_json_at(disks, i), "path", ""), p)) < 0 ||
		    (r = remove_one(p)) < 0)
			return r;
	return 0;
}
