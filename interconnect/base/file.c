/* SPDX-License-Identifier: Apache-2.0 */
/* file.c - write beside, flush, rename, flush the folder. */
#include "interconnect/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interconnect/base/err.h"

int cw_file_sync_folder(const char *path)
{
	CW_AUTO(cw_fd_cleanup) int fd = -1;
	CW_AUTO(cw_free_cleanup) char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int write_all(int fd, const uint8_t *p, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

int cw_file_read(const char *path, size_t max, char **ret_text, size_t *ret_size)
{
	CW_AUTO(cw_fd_cleanup) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	struct stat st;
	size_t have = 0;
	ssize_t n = 1;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size > (off_t)max)
		return CW_E_LIMIT;
	if (!(text = malloc((size_t)st.st_size + 1)))
		return -ENOMEM;
	while (have < (size_t)st.st_size && n > 0) {
		if ((n = read(fd, text + have, (size_t)st.st_size - have)) < 0)
			return -errno;
		have += (size_t)n;
	}
	text[have] = '\0';
	*ret_size = have;
	*ret_text = cw_steal(&text);
	return 0;
}

int cw_file_replace(const char *path, mode_t mode, const void *p, size_t size)
{
	CW_AUTO(cw_fd_cleanup) int fd = -1;
	char beside[PATH_MAX];
	int r;

	if ((size_t)snprintf(beside, sizeof beside, "%s.new", path) >= sizeof beside)
		return -ENAMETOOLONG;
	/* What a crash left behind may be open elsewhere or have another mode. */
	if (unlink(beside) < 0 && errno != ENOENT)
		return -errno;
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, p, size);
	if (r == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0 || rename(beside, path) < 0))
		r = -errno;
	if (r < 0) {
		unlink(beside);
		return r;
	}
	return cw_file_sync_folder(path);
}
