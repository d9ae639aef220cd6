/* SPDX-License-Identifier: Apache-2.0 */
/* agent.c - folders of migrations, and word to the manager. */
#include "migrate/agent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interconnect/base/log.h"
#include "interconnect/line/node.h"

CW_LOG_MODULE(agent);

void agent_dir_path(const struct agent_conf *c, const char *id, const char *file, char *out, size_t size)
{
	snprintf(out, size, "%s/%s%s%s", c->run, id, file[0] ? "/" : "", file);
}

int agent_dir_make(const struct agent_conf *c, const char *id, unsigned uid, unsigned gid)
{
	char path[128];

	agent_dir_path(c, id, "", path, sizeof path);
	agent_dir_remove(c, id);
	if (mkdir(path, 0700) < 0 || chown(path, uid, gid) < 0)
		return -errno;
	return 0;
}

void agent_dir_remove(const struct agent_conf *c, const char *id)
{
	char path[128];
	struct dirent *e;
	DIR *d;

	agent_dir_path(c, id, "", path, sizeof path);
	d = opendir(path);
	if (!d)
		return;
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			(void)unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	if (rmdir(path) < 0)
		cw_log_r(WARN, id, -errno, "cannot remove %s", path);
}

void agent_report(const struct agent *a)
{
	if (a->node)
		node_report_soon(a->node);
}
