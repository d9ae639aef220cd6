/* SPDX-License-Identifier: Apache-2.0 */
/* cli_http.c - one HTTP/1.1 request on a UNIX socket; the connection ends with the answer. */
#include "mesh/cli_http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "interconnect/base/mem.h"
#include "interconnect/base/rpc.h"

enum { ANSWER_MAX = 4 << 20, ANSWER_S = 60, PATH_SIZE = 256 };

static const struct cli_http_row rows[] = {
	{ "site", "init", "POST", "/api/v1/site", NULL, NULL, NULL },
	{ "site", "show", "GET", "/api/v1/site", NULL, NULL, NULL },
	{ "pair", "invite", "POST", "/api/v1/pairings", NULL, NULL, "invite" },
	{ "pair", "accept", "POST", "/api/v1/pairings/accept", NULL, "invite", NULL },
	{ "pair", "confirm", "POST", "/api/v1/pairings/", "/confirm", NULL, NULL },
	{ "pair", "list", "GET", "/api/v1/pairings", NULL, NULL, NULL },
	{ "pair", "show", "GET", "/api/v1/pairings/", "", NULL, NULL },
	{ "pair", "revoke", "POST", "/api/v1/pairings/", "/revoke", NULL, NULL },
};

const struct cli_http_row *cli_http_find(const struct cli_cmd *cmd)
{
	for (size_t i = 0; i < CW_COUNT(rows); i++)
		if (strcmp(rows[i].noun, cmd->noun) == 0 && strcmp(rows[i].verb, cmd->verb) == 0)
			return &rows[i];
	return NULL;
}

/* ---- the answer ---- */

/* "HTTP/1.1 409 Conflict": 409, or 0. */
static int status_of(const char *text)
{
	int status = 0;

	if (strncmp(text, "HTTP/1.", 7) != 0 || !text[7] || text[8] != ' ')
		return 0;
	for (const char *p = text + 9; p < text + 12; p++) {
		if (*p < '0' || *p > '9')
			return 0;
		status = status * 10 + (*p - '0');
	}
	return status;
}

int cli_http_parse(const char *text, size_t size, struct cw_json **ret_body, struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	const char *gap = memmem(text, size, "\r\n\r\n", 4);
	int status = gap && gap - text >= 12 ? status_of(text) : 0;
	int r;

	if (status == 0 || (r = cw_json_parse(gap + 4, size - (size_t)(gap + 4 - text), &body)) < 0)
		return cw_why_set(why, CW_E_UNREACHABLE, "manager", NULL, "gave an answer that is none (%d)", status);
	if (status >= 400) {
		r = cw_problem_code(cw_json_get_str(body, "code", ""));
		return cw_why_set(why, r, cw_json_get_str(body, "object", ""), cw_json_get_str(body, "field", ""), "%s",
				  cw_json_get_str(body, "rule", "refused"));
	}
	*ret_body = cw_steal(&body);
	return 0;
}

/* ---- the request ---- */

static int send_all(int fd, const char *p, size_t size)
{
	while (size > 0) {
		ssize_t n = send(fd, p, size, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			p += n;
			size -= (size_t)n;
		}
	}
	return 0;
}

/* Reads to the end of the stream. */
static int read_all(int fd, char *text, size_t max, size_t *ret_size)
{
	size_t size = 0;
	ssize_t n = 1;

	while (n != 0 && size < max) {
		n = read(fd, text + size, max - size);
		if (n < 0 && errno != EINTR)
			return errno == EAGAIN ? CW_E_TIMEOUT : -errno;
		size += n > 0 ? (size_t)n : 0;
	}
	*ret_size = size;
	return size < max ? 0 : CW_E_LIMIT;
}

static int path_of(const struct cli_http_row *row, const char *name, char path[PATH_SIZE], struct cw_why *why)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";

	if (!row->after) {
		snprintf(path, PATH_SIZE, "%s", row->path);
		return 0;
	}
	if (name[strspn(name, plain)] || strlen(name) > 100)
		return cw_why_set(why, CW_E_NOT_FOUND, name, NULL, "is not the name of anything");
	snprintf(path, PATH_SIZE, "%s%s%s", row->path, name, row->after);
	return 0;
}

static int request(int fd, const struct cli_http_row *row, const char *path, const struct cw_json *body)
{
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	bool post = strcmp(row->method, "POST") == 0;
	char head[PATH_SIZE + 160];
	size_t size;
	int r;

	if ((r = cw_json_dump(body, false, &text)) < 0)
		return r;
	size = post ? strlen(text) : 0;
	snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nHost: manager\r\nConnection: close\r\nContent-Type: application/json\r\n"
		 "Content-Length: %zu\r\n\r\n", row->method, path, size);
	if ((r = send_all(fd, head, strlen(head))) == 0)
		r = send_all(fd, text, size);
	cw_mem_wipe(text, strlen(text));
	return r;
}

static int dial(const char *path, int *ret_fd, struct cw_why *why)
{
	const struct timeval limit = { .tv_sec = ANSWER_S };
	int r = cw_rpc_dial(path, ret_fd);

	if (r == -EACCES || r == -EPERM)
		return cw_why_set(why, CW_E_FORBIDDEN, path, NULL, "%s", cw_strerror(r));
	if (r < 0)
		return cw_why_set(why, CW_E_UNREACHABLE, path, NULL, "no site manager listens here");
	if (setsockopt(*ret_fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0)
		return -errno;
	return 0;
}

int cli_http_ask(const char *socket, const struct cli_http_row *row, const char *name, struct cw_json *body,
		 struct cw_json **ret_body, struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *own = body;
	CW_AUTO(cw_fd_cleanup) int fd = -1;
	CW_AUTO(cw_free_cleanup) char *answer = malloc(ANSWER_MAX);
	char path[PATH_SIZE];
	size_t size = 0;
	int r;

	if (!answer)
		return -ENOMEM;
	if (row->body_name)
		cw_json_set_str(own, row->body_name, name);
	if ((r = path_of(row, name, path, why)) < 0 || (r = dial(socket, &fd, why)) < 0)
		return r;
	if ((r = request(fd, row, path, own)) < 0 || (r = read_all(fd, answer, ANSWER_MAX, &size)) < 0 || size == 0)
		return cw_why_set(why, CW_E_UNREACHABLE, socket, NULL, "went away without an answer; what was asked may have happened");
	return cli_http_parse(answer, size, ret_body, why);
}
