/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_words.h - four short words of 32 bits, for two people to compare over the telephone.
 */
#ifndef MESH_WORDS_H
#define MESH_WORDS_H

#include "interconnect/base/base.h"

enum { MESH_WORDS_N = 256, MESH_WORDS_BYTES = 4, MESH_WORDS_TEXT = 40 };

/* "apple river stone cloud" of 4 bytes. Returns BUF. */
char *mesh_words_text(const uint8_t b[MESH_WORDS_BYTES], char buf[MESH_WORDS_TEXT]);
/* True if TYPED is those words; case, and how they are separated (blanks, commas, dashes), do not count. */
bool mesh_words_match(const uint8_t b[MESH_WORDS_BYTES], const char *typed);

#endif
