/* SPDX-License-Identifier: Apache-2.0 */
/* file.h - small files that are there whole or not at all. */
#ifndef CW_FILE_H
#define CW_FILE_H

#include <sys/types.h>

#include "interconnect/base/base.h"

/* Writes SIZE bytes to a new file of MODE beside PATH, and renames it to PATH when it is on the disk. */
CW_NODISCARD int cw_file_replace(const char *path, mode_t mode, const void *p, size_t size);
/* Reads the regular file PATH; *RET_TEXT is heap, of *RET_SIZE bytes and a NUL behind. CW_E_LIMIT when it is larger than MAX. */
CW_NODISCARD int cw_file_read(const char *path, size_t max, char **ret_text, size_t *ret_size);
/* Flushes the folder that PATH lies in, so that names in it are on the disk. */
CW_NODISCARD int cw_file_sync_folder(const char *path);

#endif
