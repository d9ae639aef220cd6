/* SPDX-License-Identifier: Apache-2.0 */
/* cli_url.c - reading a URL, a pin and a token file. */
#include "mesh/cli_url.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interconnect/base/hex.h"
#include "interconnect/base/mem.h"

#define SCHEME "https://"
#define PORT "9443"

static int url_refuse(const char *text, struct cw_why *why)
{
	return cw_why_set(why, CW_E_USAGE, NULL, "--url", "must be https://HOST or https://HOST:PORT, found '%.100s'", text);
}

static bool port_ok(const char *text, size_t len)
{
	unsigned long n = 0;

	if (len == 0 || len > 5)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		n = n * 10 + (unsigned long)(text[i] - '0');
	}
	return n > 0 && n <= 65535;
}

/* Length of the host at P, brackets not counted; 0 when it is none. *RET_NEXT is what follows. */
static size_t host_len(const char **p, const char **ret_next)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
	size_t len;

	if (**p != '[') {
		len = strspn(*p, plain);
		*ret_next = *p + len;
		return len;
	}
	len = strspn(++*p, "0123456789abcdefABCDEF:.");
	*ret_next = *p + len + 1;
	return (*p)[len] == ']' ? len : 0;
}

int cli_url_parse(const char *text, struct cli_url *ret_url, struct cw_why *why)
{
	const char *p = text + strlen(SCHEME), *next = NULL, *port = PORT;
	size_t len, port_len = strlen(PORT);

	if (strncmp(text, SCHEME, strlen(SCHEME)) != 0 || !(len = host_len(&p, &next)) || len > CLI_HOST_MAX)
		return url_refuse(text, why);
	if (*next == ':') {
		port = next + 1;
		port_len = strcspn(port, "/");
		next = port + port_len;
	}
	if (!port_ok(port, port_len) || (*next && strcmp(next, "/") != 0))
		return url_refuse(text, why);
	snprintf(ret_url->host, sizeof ret_url->host, "%.*s", (int)len, p);
	snprintf(ret_url->port, sizeof ret_url->port, "%.*s", (int)port_len, port);
	return 0;
}

static int pin_read(const char *text, uint8_t ret_pin[CW_TLS_PIN], struct cw_why *why)
{
	if (!text)
		return cw_why_set(why, CW_E_USAGE, NULL, "--pin",
				  "must be given with --url: the pin that 'causeway site show' prints there");
	if (cw_hex_parse(text, ret_pin, CW_TLS_PIN) < 0)
		return cw_why_set(why, CW_E_USAGE, NULL, "--pin", "must be %d digits of 0-9 and a-f", 2 * CW_TLS_PIN);
	return 0;
}

/* One line that can stand in a header. */
static int token_check(char *token, const char *path, struct cw_why *why)
{
	size_t n = strcspn(token, "\n");

	if (token[n] == '\n' && !token[n + 1])
		token[n] = '\0';
	for (const char *p = token; *p; p++)
		if (*p <= ' ' || *p > '~')
			n = 0;
	return n > 0 ? 0 : cw_why_set(why, CW_E_INVALID, path, NULL, "holds no token");
}

static int token_read(const char *path, char token[CLI_TOKEN_MAX + 1], struct cw_why *why)
{
	CW_AUTO(cw_fd_cleanup) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return cw_why_set(why, errno == EACCES ? CW_E_FORBIDDEN : CW_E_USAGE, NULL, "--token-file",
				  "cannot read %s: %s", path, cw_strerror(-errno));
	if (!S_ISREG(st.st_mode) || (st.st_mode & (S_IRWXG | S_IRWXO)))
		return cw_why_set(why, CW_E_FORBIDDEN, path, NULL, "must be a file that its owner alone may read");
	if ((n = read(fd, token, CLI_TOKEN_MAX)) < 0)
		return -errno;
	token[n] = '\0';
	return token_check(token, path, why);
}

int cli_url_read(const char *text, const char *pin, const char *token_file, struct cli_url *ret_url, struct cw_why *why)
{
	int r;

	if ((r = cli_url_parse(text, ret_url, why)) < 0 || (r = pin_read(pin, ret_url->pin, why)) < 0)
		return r;
	return token_read(token_file ? token_file : CLI_TOKEN_FILE, ret_url->token, why);
}

void cli_url_wipe(struct cli_url *u)
{
	cw_mem_wipe(u, sizeof *u);
}
