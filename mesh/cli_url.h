/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_url.h - a site manager that is asked over the network: where it is, which key it must show, the admin's token.
 *
 * Without the pin nothing is dialled: the token would go to whoever answers. The token comes from a file that only its
 * owner can read, never from the command line, where others see it in the list of processes.
 */
#ifndef CLI_URL_H
#define CLI_URL_H

#include "interconnect/base/base.h"
#include "interconnect/base/crypt_tls.h"
#include "interconnect/base/err.h"

#define CLI_TOKEN_FILE "/etc/causeway/admin.token"

enum { CLI_HOST_MAX = 253, CLI_TOKEN_MAX = 200 };

struct cli_url {
	char host[CLI_HOST_MAX + 1], port[6];
	uint8_t pin[CW_TLS_PIN];
	char token[CLI_TOKEN_MAX + 1];
};

/* "https://HOST[:PORT][/]"; HOST may be "[v6]". */
CW_NODISCARD int cli_url_parse(const char *text, struct cli_url *ret_url, struct cw_why *why);
/* All of it. PIN and TOKEN_FILE may be NULL: then it says what is missing, or takes the usual file. */
CW_NODISCARD int cli_url_read(const char *text, const char *pin, const char *token_file, struct cli_url *ret_url,
			      struct cw_why *why);
void cli_url_wipe(struct cli_url *u);

#endif
