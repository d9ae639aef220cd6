/* SPDX-License-Identifier: Apache-2.0 */
/* disk.c - image files. */
#include "migrate/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "interconnect/base/crypt.h"

extern char **environ;

enum { CHUNK = 1 << 20 };

/* Takes the const off an argument vector that the callee only reads. */
static char *const *argv_of(const char *const *argv)
{
	union {
		const char *const *in;
		char *const *out;
	} u = { .in = argv };

	return u.out;
}

static int run(const char *const *argv)
{
	posix_spawn_file_actions_t fa;
	int status, r;
	pid_t pid;

	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&fa, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	r = -posix_spawnp(&pid, argv[0], &fa, NULL, argv_of(argv), environ);
	posix_spawn_file_actions_destroy(&fa);
	if (r < 0)
		return r;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : CW_E_LIBRARY;
}

static int create_empty(const char *path)
{
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

int disk_create(const char *path, const char *format, uint64_t capacity_bytes)
{
	char size[32];
	const char *const argv[] = { "qemu-img", "create", "-q", "-f", format, path, size, NULL };
	int r;

	snprintf(size, sizeof size, "%llu", (unsigned long long)capacity_bytes);
	if ((r = create_empty(path)) < 0)
		return r;
	r = run(argv);
	if (r < 0)
		(void)unlink(path);
	return r;
}

int disk_remove(const char *path)
{
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

int disk_space(const char *dir, uint64_t *ret_bytes)
{
	struct statvfs s;

	if (statvfs(dir, &s) < 0)
		return -errno;
	*ret_bytes = (uint64_t)s.f_bavail * s.f_frsize;
	return 0;
}

int disk_sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;

	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		r = -errno;
	close(fd);
	return r;
}

void disk_hex(const uint8_t digest[32], char out[DISK_HASH_TEXT])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < 32; i++) {
		out[2 * i] = digits[digest[i] >> 4];
		out[2 * i + 1] = digits[digest[i] & 15];
	}
	out[64] = '\0';
}

static void hasher_cleanup(struct cw_hasher **h)
{
	cw_hasher_free(*h);
}

static int file_add(int fd, struct cw_hasher *h)
{
	CW_AUTO(cw_free_cleanup) uint8_t *buf = malloc(CHUNK);
	ssize_t n;
	int r = 0;

	if (!buf)
		return -ENOMEM;
	while (r == 0 && (n = read(fd, buf, CHUNK)) != 0) {
		if (n < 0)
			return -errno;
		r = cw_hasher_add(h, buf, (size_t)n);
	}
	return r;
}

int disk_file_hash(const char *path, char out[DISK_HASH_TEXT])
{
	CW_AUTO(cw_fd_cleanup) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	CW_AUTO(hasher_cleanup) struct cw_hasher *h = NULL;
	uint8_t digest[CW_HASH_MAX];
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return CW_E_INVALID;
	if ((r = cw_hasher_new(CW_HASH_SHA256, &h)) < 0 || (r = file_add(fd, h)) < 0 ||
	    (r = cw_hasher_end(h, digest)) < 0)
		return r;
	disk_hex(digest, out);
	return 0;
}
