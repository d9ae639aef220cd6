/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_mesh_invite.c - invitations that a person pasted. */
#include <stdlib.h>
#include <string.h>

#include "mesh/mesh_invite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), again[MESH_INVITE_TEXT];
	struct mesh_invite i;

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	/* What is read has one spelling: the one that was read. */
	if (mesh_invite_parse(text, &i) == 0 && (mesh_invite_text(&i, again) < 0 || strcmp(again, text) != 0))
		abort();
	free(text);
	return 0;
}
