/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk.h - images: making, removing, and proving them equal. libnbd stands only in disk_hash.c.
 *
 * The hash of an image is over what the guest sees, whatever the format: SHA-256 over the
 * virtual size (64 bits, network order) and the SHA-256 of each MiB, the last one shorter.
 * Holes are not read: their digest is known.
 *
 * All calls block.
 */
#ifndef DISK_H
#define DISK_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"

enum { DISK_HASH_TEXT = 65, DISK_BLOCK = 1 << 20 };

/* Makes an empty image, mode 0600. -EEXIST when there is a file of that name. */
CW_NODISCARD int disk_create(const char *path, const char *format, uint64_t capacity_bytes);
/* Removes a file; one that is not there is fine. */
CW_NODISCARD int disk_remove(const char *path);
/* Bytes that are free in the folder DIR. */
CW_NODISCARD int disk_space(const char *dir, uint64_t *ret_bytes);
/* SHA-256 of a plain file, in hexadecimal. CW_E_INVALID when it is no regular file. */
CW_NODISCARD int disk_file_hash(const char *path, char out[DISK_HASH_TEXT]);

/* Hash of the image's content. It may be open in a QEMU that is paused. */
CW_NODISCARD int disk_hash(const char *path, const char *format, char out[DISK_HASH_TEXT], uint64_t *ret_capacity);
/* How long disk_hash() of so many allocated bytes will take here, roughly. */
uint64_t disk_hash_estimate_ms(uint64_t allocated_bytes);

/* Writes 32 bytes as 64 hexadecimal digits and a NUL. */
void disk_hex(const uint8_t digest[32], char out[DISK_HASH_TEXT]);

/* fsync of a folder, so that what was made, renamed or removed in it is on the disk. */
CW_NODISCARD int disk_sync_dir(const char *dir);

#endif
