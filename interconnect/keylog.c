/* SPDX-License-Identifier: Apache-2.0 */
/* keylog.c - lines for Wireshark, and the two files that they go to. */
#include "interconnect/keylog.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interconnect/base/hex.h"
#include "interconnect/base/log.h"
#include "interconnect/base/mem.h"

CW_LOG_MODULE(keylog);

enum { KEYLOG_IKE, KEYLOG_ESP, KEYLOG_FILES, KEYLOG_PATH = 4096 };

static const char *const keylog_suffixes[KEYLOG_FILES] = { [KEYLOG_IKE] = ".ikev2", [KEYLOG_ESP] = ".esp" };

struct keylog {
	struct cw_timer *warn;
	int fd[KEYLOG_FILES];
	char path[KEYLOG_PATH];
};

/* ---- lines ---- */

#define KEYLOG_COMMENT "# not known to Wireshark: "
#define KEYLOG_GCM "AES-GCM with 16 octet ICV [RFC4106]"
#define KEYLOG_CBC "AES-CBC [RFC3602]"

/* How Wireshark calls it. INTEG is how many octets at the end of a key are that of the integrity algorithm. */
static const struct keylog_alg {
	const char *ike, *ike_integ, *esp, *esp_integ;
	size_t integ;
} keylog_algs[CW_AEAD_N] = {
	[CW_AEAD_AES128_GCM] = { "AES-GCM-128 with 16 octet ICV [RFC5282]", "NONE [RFC4306]", KEYLOG_GCM, "NULL", 0 },
	[CW_AEAD_AES256_GCM] = { "AES-GCM-256 with 16 octet ICV [RFC5282]", "NONE [RFC4306]", KEYLOG_GCM, "NULL", 0 },
	[CW_AEAD_CHACHA20_POLY1305] = { NULL, "NONE [RFC4306]", NULL, "NULL", 0 },
	[CW_AEAD_AES128_CBC_SHA256] = { "AES-CBC-128 [RFC3602]", "HMAC_SHA2_256_128 [RFC4868]", KEYLOG_CBC,
					"HMAC-SHA-256-128 [RFC4868]", 32 },
	[CW_AEAD_AES128_CBC_SHA384] = { "AES-CBC-128 [RFC3602]", "HMAC_SHA2_384_192 [RFC4868]", KEYLOG_CBC,
					"HMAC-SHA-384-192 [RFC4868]", 48 },
	[CW_AEAD_AES128_CBC_SHA512] = { "AES-CBC-128 [RFC3602]", "HMAC_SHA2_512_256 [RFC4868]", KEYLOG_CBC,
					"HMAC-SHA-512-256 [RFC4868]", 64 },
	[CW_AEAD_AES256_CBC_SHA256] = { "AES-CBC-256 [RFC3602]", "HMAC_SHA2_256_128 [RFC4868]", KEYLOG_CBC,
					"HMAC-SHA-256-128 [RFC4868]", 32 },
	[CW_AEAD_AES256_CBC_SHA384] = { "AES-CBC-256 [RFC3602]", "HMAC_SHA2_384_192 [RFC4868]", KEYLOG_CBC,
					"HMAC-SHA-384-192 [RFC4868]", 48 },
	[CW_AEAD_AES256_CBC_SHA512] = { "AES-CBC-256 [RFC3602]", "HMAC_SHA2_512_256 [RFC4868]", KEYLOG_CBC,
					"HMAC-SHA-512-256 [RFC4868]", 64 },
};

/* A key in hexadecimal: of the cipher, and of the integrity algorithm. */
struct keylog_hex {
	char encr[2 * IKE_KEYMAT_MAX + 1], integ[2 * IKE_KEYMAT_MAX + 1];
};

static struct keylog_hex keylog_hex(const struct ike_keylog *l, int i, size_t integ)
{
	size_t encr = l->key_size - integ;
	struct keylog_hex h;

	cw_hex_text(l->key[i], encr, h.encr);
	cw_hex_text(l->key[i] + encr, integ, h.integ);
	return h;
}

static size_t keylog_ike(const struct ike_keylog *l, const struct keylog_alg *a, char buf[KEYLOG_TEXT])
{
	struct keylog_hex h[2] = { keylog_hex(l, 0, a->integ), keylog_hex(l, 1, a->integ) };
	int n = snprintf(buf, KEYLOG_TEXT, "%s%016" PRIx64 ",%016" PRIx64 ",%s,%s,\"%s\",%s,%s,\"%s\"\n",
			 a->ike ? "" : KEYLOG_COMMENT, l->spi[0], l->spi[1], h[0].encr, h[1].encr,
			 a->ike ? a->ike : "ChaCha20-Poly1305", h[0].integ, h[1].integ, a->ike_integ);

	cw_mem_wipe(h, sizeof h);
	return (size_t)n;
}

/* Under both families: the SA keeps its keys when the peer moves. */
static size_t keylog_esp(const struct ike_keylog *l, const struct keylog_alg *a, char buf[KEYLOG_TEXT])
{
	static const char *const families[] = { "IPv4", "IPv6" };
	size_t n = 0;

	for (int i = 0; i < 2; i++) {
		struct keylog_hex h = keylog_hex(l, i, a->integ);

		for (size_t f = 0; f < CW_COUNT(families); f++)
			n += (size_t)snprintf(buf + n, KEYLOG_TEXT - n,
					      "%s\"%s\",\"*\",\"*\",\"0x%08" PRIx64 "\",\"%s\",\"0x%s\",\"%s\",\"%s%s\"\n",
					      a->esp ? "" : KEYLOG_COMMENT, families[f], l->spi[i],
					      a->esp ? a->esp : "ChaCha20-Poly1305", h.encr, a->esp_integ,
					      a->integ ? "0x" : "", h.integ);
		cw_mem_wipe(&h, sizeof h);
	}
	return n;
}

size_t keylog_text(const struct ike_keylog *l, char buf[KEYLOG_TEXT])
{
	const struct keylog_alg *a = &keylog_algs[l->aead];

	return l->child ? keylog_esp(l, a, buf) : keylog_ike(l, a, buf);
}

/* ---- files ---- */

/* Nobody else may have made it, be able to read it, or know it by another name. */
static bool keylog_is_private(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & 077) == 0 &&
	       st.st_nlink == 1;
}

static int keylog_open(struct keylog *k, size_t i, struct cw_why *why)
{
	char path[KEYLOG_PATH + 8];

	snprintf(path, sizeof path, "%s%s", k->path, keylog_suffixes[i]);
	k->fd[i] = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (k->fd[i] < 0)
		return cw_why_set(why, -errno, "keylog", path, "%s", cw_strerror(-errno));
	if (!keylog_is_private(k->fd[i]))
		return cw_why_set(why, CW_E_FORBIDDEN, "keylog", path,
				  "must be a file of ours that nobody else can read (mode 0600)");
	return 0;
}

static void keylog_warn(void *ctx)
{
	struct keylog *k = ctx;

	cw_log(WARN, NULL, "KEYS OF ALL TUNNELS ARE WRITTEN to %s.ikev2 and %s.esp: who has these files reads all traffic",
	       k->path, k->path);
	cw_timer_arm(k->warn, KEYLOG_WARN_MS);
}

void keylog_free(struct keylog *k)
{
	if (!k)
		return;
	cw_timer_free(k->warn);
	for (size_t i = 0; i < KEYLOG_FILES; i++)
		cw_fd_close(&k->fd[i]);
	free(k);
}

static void keylog_cleanup(struct keylog **k)
{
	keylog_free(*k);
}

int keylog_new(struct cw_loop *l, const char *path, struct keylog **ret_log, struct cw_why *why)
{
	CW_AUTO(keylog_cleanup) struct keylog *k = calloc(1, sizeof *k);
	int r;

	if (!k)
		return -ENOMEM;
	k->fd[KEYLOG_IKE] = k->fd[KEYLOG_ESP] = -1;
	if (strlen(path) >= sizeof k->path)
		return cw_why_set(why, -ENAMETOOLONG, "keylog", NULL, "%s", cw_strerror(-ENAMETOOLONG));
	snprintf(k->path, sizeof k->path, "%s", path);
	for (size_t i = 0; i < KEYLOG_FILES; i++)
		if ((r = keylog_open(k, i, why)) < 0)
			return r;
	if ((r = cw_timer_new(l, keylog_warn, k, &k->warn)) < 0)
		return r;
	keylog_warn(k);
	*ret_log = cw_steal(&k);
	return 0;
}

/* One write() each: a reader never sees half a line that is to become whole. */
void keylog_write(struct keylog *k, const struct ike_keylog *l)
{
	char text[KEYLOG_TEXT];
	size_t size = keylog_text(l, text);
	ssize_t n = write(k->fd[l->child ? KEYLOG_ESP : KEYLOG_IKE], text, size);

	if (n < 0 || (size_t)n != size)
		cw_log_rl(WARN, NULL, n < 0 ? -errno : -ENOSPC, "the keys of an SA could not be written");
	cw_mem_wipe(text, sizeof text);
}
