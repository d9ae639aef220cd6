/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk_hash.c - the content of an image, read through qemu-nbd.
 *
 * libnbd starts qemu-nbd with a socket of its own and ends it with the connection, so
 * nothing is left behind, even when we are killed: the server leaves with its only client.
 */
#include <errno.h>
#include <libnbd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/crypt.h"
#include "interconnect/base/log.h"
#include "interconnect/base/wr.h"
#include "migrate/disk.h"

CW_LOG_MODULE(disk);

enum { EXTENTS_MAX = 4096, DIGEST = 32, CALIBRATE_MS_FLOOR = 60, STATE_ZERO = LIBNBD_STATE_ZERO };

struct image {
	struct nbd_handle *nbd;
	struct cw_hasher *hasher;
	uint8_t *block;
	uint64_t capacity;
	uint8_t zero[DIGEST];           /* digest of a whole block of zeros */
	/* Extents from offset extent_start on, as the server told them last. */
	uint64_t extent_start;
	uint64_t sizes[EXTENTS_MAX];
	bool zeros[EXTENTS_MAX];
	size_t n, at;
};

static void image_cleanup(struct image **i)
{
	if (!*i)
		return;
	nbd_close((*i)->nbd);
	cw_hasher_free((*i)->hasher);
	free((*i)->block);
	free(*i);
}

static int nbd_failed(const char *path)
{
	const char *text = nbd_get_error();

	cw_log(WARN, path, "NBD: %s", text ? text : "no reason given");
	return CW_E_LIBRARY;
}

static int hash_of(const void *p, size_t size, uint8_t out[DIGEST])
{
	struct cw_span s = { p, size };

	return cw_hash(CW_HASH_SHA256, &s, 1, out);
}

static int image_new(struct image **ret_image)
{
	struct image *i = calloc(1, sizeof *i);
	int r = -ENOMEM;

	if (i && (i->block = calloc(1, DISK_BLOCK)) && (i->nbd = nbd_create()))
		r = cw_hasher_new(CW_HASH_SHA256, &i->hasher);
	if (r == 0)
		r = hash_of(i->block, DISK_BLOCK, i->zero);
	if (r < 0) {
		image_cleanup(&i);
		return r;
	}
	*ret_image = i;
	return 0;
}

/* libnbd copies the arguments; it only wants them writable. */
static char **argv_of(const char **argv)
{
	union {
		const char **in;
		char **out;
	} u = { .in = argv };

	return u.out;
}

/* Options of the image for QEMU: shared, because the guest's own QEMU has it open; a comma in the path is doubled. */
static int image_opts(const char *path, const char *format, char *out, size_t size)
{
	int n = snprintf(out, size, "driver=%s,force-share=on,file.driver=file,file.filename=", format);
	struct cw_wr w;

	if (n < 0 || (size_t)n >= size)
		return CW_E_LIMIT;
	w = cw_wr_of(out + n, size - (size_t)n);
	for (; *path; path++) {
		if (*path == ',')
			cw_wr_u8(&w, ',');
		cw_wr_u8(&w, (uint8_t)*path);
	}
	cw_wr_u8(&w, 0);
	return CW_MIN(cw_wr_done(&w), 0);
}

static int image_open(struct image *i, const char *path, const char *format)
{
	char opts[1200];
	const char *argv[] = { "qemu-nbd", "--read-only", "--image-opts", opts, NULL };
	int64_t size;
	int r;

	if ((r = image_opts(path, format, opts, sizeof opts)) < 0)
		return r;
	if (nbd_add_meta_context(i->nbd, LIBNBD_CONTEXT_BASE_ALLOCATION) < 0 ||
	    nbd_connect_systemd_socket_activation(i->nbd, argv_of(argv)) < 0)
		return nbd_failed(path);
	size = nbd_get_size(i->nbd);
	if (size < 0)
		return nbd_failed(path);
	i->capacity = (uint64_t)size;
	return 0;
}

static int on_extents(void *ctx, const char *context, uint64_t offset, uint32_t *entries, size_t n, int *error)
{
	struct image *i = ctx;

	(void)context;
	(void)error;
	i->extent_start = offset;
	i->at = i->n = 0;
	for (size_t k = 0; k + 1 < n && i->n < EXTENTS_MAX; k += 2) {
		i->sizes[i->n] = entries[k];
		i->zeros[i->n++] = entries[k + 1] & STATE_ZERO;
	}
	return 0;
}

static int extents_load(struct image *i, uint64_t offset)
{
	uint64_t count = CW_MIN(i->capacity - offset, (uint64_t)1 << 30);

	i->n = 0;
	if (nbd_block_status(i->nbd, count, offset,
			     (nbd_extent_callback){ .callback = on_extents, .user_data = i }, 0) < 0)
		return CW_E_LIBRARY;
	return i->n > 0 && i->sizes[0] > 0 ? 0 : CW_E_LIBRARY;
}

/* Are the SIZE bytes at OFFSET known to be zeros? Offsets only grow. */
static int is_hole(struct image *i, uint64_t offset, uint64_t size, bool *ret_hole)
{
	uint64_t end = offset + size;
	int r;

	while (offset < end) {
		while (i->at < i->n && i->extent_start + i->sizes[i->at] <= offset)
			i->extent_start += i->sizes[i->at++];
		if (i->at == i->n) {
			if ((r = extents_load(i, offset)) < 0)
				return r;
			continue;
		}
		if (!i->zeros[i->at]) {
			*ret_hole = false;
			return 0;
		}
		offset = i->extent_start + i->sizes[i->at];
	}
	*ret_hole = true;
	return 0;
}

static int block_digest(struct image *i, uint64_t offset, size_t size, uint8_t out[DIGEST])
{
	bool hole = false;
	int r;

	if (nbd_can_meta_context(i->nbd, LIBNBD_CONTEXT_BASE_ALLOCATION) == 1 &&
	    (r = is_hole(i, offset, size, &hole)) < 0)
		return r;
	if (hole && size == DISK_BLOCK) {
		struct cw_wr w = cw_wr_of(out, DIGEST);

		cw_wr_bytes(&w, i->zero, DIGEST);
		return 0;
	}
	if (nbd_pread(i->nbd, i->block, size, offset, 0) < 0)
		return CW_E_LIBRARY;
	return hash_of(i->block, size, out);
}

static int image_hash(struct image *i, uint8_t out[CW_HASH_MAX])
{
	uint8_t head[8], digest[DIGEST];
	struct cw_wr w = cw_wr_of(head, sizeof head);
	int r;

	cw_wr_u64(&w, i->capacity);
	if ((r = cw_hasher_add(i->hasher, head, sizeof head)) < 0)
		return r;
	for (uint64_t at = 0; at < i->capacity; at += DISK_BLOCK)
		if ((r = block_digest(i, at, CW_MIN((uint64_t)DISK_BLOCK, i->capacity - at), digest)) < 0 ||
		    (r = cw_hasher_add(i->hasher, digest, DIGEST)) < 0)
			return r;
	return cw_hasher_end(i->hasher, out);
}

int disk_hash(const char *path, const char *format, char out[DISK_HASH_TEXT], uint64_t *ret_capacity)
{
	CW_AUTO(image_cleanup) struct image *i = NULL;
	uint8_t digest[CW_HASH_MAX];
	int r;

	if ((r = image_new(&i)) < 0 || (r = image_open(i, path, format)) < 0 || (r = image_hash(i, digest)) < 0)
		return r;
	disk_hex(digest, out);
	*ret_capacity = i->capacity;
	return 0;
}

/* Bytes in a millisecond, measured once on zeros in memory and halved for what the disk and NBD take. */
static uint64_t hash_speed(void)
{
	static uint64_t per_ms;
	uint8_t out[DIGEST];
	uint64_t before;
	void *p;

	if (per_ms)
		return per_ms;
	p = calloc(1, DISK_BLOCK);
	before = cw_clock_now_us();
	if (!p || hash_of(p, DISK_BLOCK, out) < 0)
		before = 0;                     /* very slow */
	free(p);
	per_ms = CW_MAX((uint64_t)DISK_BLOCK * 1000 / CW_MAX(cw_clock_now_us() - before, (uint64_t)1) / 2, (uint64_t)1);
	return per_ms;
}

uint64_t disk_hash_estimate_ms(uint64_t allocated_bytes)
{
	return CALIBRATE_MS_FLOOR + allocated_bytes / hash_speed();
}
