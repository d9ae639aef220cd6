/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawnself.c - for a program under valgrind that starts itself once more: /proc/self/exe would be valgrind then, to the kernel.
 *
 * Preloaded. Valgrind itself answers readlink() with the name of the program.
 */
#include <dlfcn.h>
#include <spawn.h>
#include <string.h>
#include <unistd.h>

typedef int spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *fa, const posix_spawnattr_t *attr, char *const argv[],
		  char *const envp[]);

int posix_spawn(pid_t *restrict pid, const char *restrict path, const posix_spawn_file_actions_t *restrict fa,
		const posix_spawnattr_t *restrict attr, char *const argv[restrict], char *const envp[restrict])
{
	char own[4096] = "";
	void *next = dlsym(RTLD_NEXT, "posix_spawn");
	spawn *real;

	memcpy(&real, &next, sizeof real);
	if (strcmp(path, "/proc/self/exe") == 0 && readlink(path, own, sizeof own - 1) > 0)
		path = own;
	return real(pid, path, fa, attr, argv, envp);
}
