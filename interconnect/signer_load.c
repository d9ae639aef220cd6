/* SPDX-License-Identifier: Apache-2.0 */
/* signer_load.c - private key, PSK and PPK from their files. */
#include "interconnect/signer.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interconnect/base/hex.h"
#include "interconnect/base/mem.h"
#include "interconnect/tun_impl.h"

enum { SIGNER_PSK_MIN = 16, SIGNER_PPK_TEXT = 2 * IKE_PPK_MAX + 2 };

/* Everything of FD to BUF, at most SIZE bytes. Returns how many. */
static ssize_t signer_read(int fd, uint8_t *buf, size_t size)
{
	size_t got = 0;

	while (got < size) {
		ssize_t n = read(fd, buf + got, size - got);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		if (n > 0)
			got += (size_t)n;
	}
	return (ssize_t)got;
}

/* Why the file cannot hold a secret, or NULL. */
static const char *signer_unsafe(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return "must be a regular file";
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return "must not be accessible to group or others (chmod 600)";
	return NULL;
}

/* What stands in the file of FIELD, without the newline at its end: RET_SIZE of at most SIZE bytes to BUF. */
static int signer_load_text(const char *path, const struct keys_msg *m, const char *field, uint8_t *buf, size_t size,
			    size_t *ret_size, struct cw_why *why)
{
	CW_AUTO(cw_fd_cleanup) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	const char *unsafe;
	ssize_t n;

	if (fd < 0)
		return tun_auth_refuse(m->name, why, field, path, cw_strerror(-errno));
	if ((unsafe = signer_unsafe(fd)))
		return tun_auth_refuse(m->name, why, field, path, unsafe);
	if ((n = signer_read(fd, buf, size)) < 0)
		return tun_auth_refuse(m->name, why, field, path, cw_strerror((int)n));
	if (n > 0 && buf[n - 1] == '\n')
		n--;
	*ret_size = (size_t)n;
	return 0;
}

static int signer_load_psk(const struct keys_msg *m, struct signer_secret *s, struct cw_why *why)
{
	static const char field[] = "auth.secret_file";
	char path[TUN_AUTH_PATH];
	size_t n;
	int r;

	tun_auth_path(m->dir, m->secret_file, path);
	if (!(s->psk = cw_mem_secret(IKE_PSK_MAX + 1)))
		return -ENOMEM;
	if ((r = signer_load_text(path, m, field, s->psk, IKE_PSK_MAX + 1, &n, why)) < 0)
		return r;
	if (n < SIGNER_PSK_MIN || n > IKE_PSK_MAX)
		return tun_auth_refuse(m->name, why, field, path, "must hold a secret of 16 to 256 bytes");
	s->s.psk = s->psk;
	s->s.psk_size = n;
	return 0;
}

/* The key of N digits in TEXT, which is writable and zero behind them. */
static int signer_parse_ppk(char *text, size_t n, struct signer_secret *s)
{
	for (size_t i = 0; i < n; i++)
		text[i] = (char)tolower((unsigned char)text[i]);
	if (n % 2 || n < 2 * IKE_PPK_MIN || n > 2 * IKE_PPK_MAX || cw_hex_parse(text, s->ppk, n / 2) < 0)
		return CW_E_INVALID;
	s->s.ppk = s->ppk;
	s->s.ppk_size = n / 2;
	return 0;
}

static int signer_load_ppk(const struct keys_msg *m, struct signer_secret *s, struct cw_why *why)
{
	static const char field[] = "ppk.file";
	char path[TUN_AUTH_PATH], *text = cw_mem_secret(SIGNER_PPK_TEXT + 1);
	size_t n;
	int r = -ENOMEM;

	tun_auth_path(m->dir, m->ppk_file, path);
	s->ppk = cw_mem_secret(IKE_PPK_MAX);
	if (text && s->ppk)
		r = signer_load_text(path, m, field, (uint8_t *)text, SIGNER_PPK_TEXT, &n, why);
	if (r == 0) {
		text[n] = '\0';
		if ((r = signer_parse_ppk(text, n, s)) < 0)
			r = tun_auth_refuse(m->name, why, field, path, "must hold a key of 64 to 128 hexadecimal digits");
	}
	cw_mem_free_secret(text, SIGNER_PPK_TEXT + 1);
	return r;
}

/* The certificate is public, and read here only to compare. */
static int signer_load_key(const struct keys_msg *m, struct signer_secret *s, struct cw_why *why)
{
	struct cw_cert *certs[1 + IKE_CHAIN_MAX];
	char path[TUN_AUTH_PATH];
	size_t n = 0;
	bool fits;
	int r;

	tun_auth_path(m->dir, m->cert, path);
	if ((r = cw_cert_load_chain(path, certs, CW_COUNT(certs), &n)) < 0)
		return tun_auth_refuse(m->name, why, "auth.cert", path, cw_strerror(r));
	tun_auth_path(m->dir, m->key, path);
	r = cw_key_load(path, &s->key);
	fits = r == 0 && cw_cert_fits_key(certs[0], s->key);
	for (size_t i = 0; i < n; i++)
		cw_cert_free(certs[i]);
	if (r < 0)
		return tun_auth_refuse(m->name, why, "auth.key", path,
				       r == -EPERM ? "must not be accessible to group or others (chmod 600)" : cw_strerror(r));
	if (!fits)
		return tun_auth_refuse(m->name, why, "auth.key", path, "is not the key of auth.cert");
	s->s.key = s->key;
	return 0;
}

int signer_load(const struct keys_msg *m, struct signer_secret *ret_secret, struct cw_why *why)
{
	struct signer_secret *s = ret_secret;
	int r;

	*s = (struct signer_secret){ 0 };
	snprintf(s->local_id, sizeof s->local_id, "%s", m->local_id);
	snprintf(s->remote_id, sizeof s->remote_id, "%s", m->remote_id);
	s->s.local_id = s->local_id;
	s->s.remote_id = s->remote_id;
	r = m->auth == IKE_AUTH_PSK ? signer_load_psk(m, s, why) : signer_load_key(m, s, why);
	if (r == 0 && *m->ppk_id)
		r = signer_load_ppk(m, s, why);
	if (r == 0)
		r = ike_secret_check(&s->s);
	if (r < 0)
		signer_unload(s);
	return r;
}

void signer_unload(struct signer_secret *s)
{
	cw_mem_free_secret(s->psk, IKE_PSK_MAX + 1);
	cw_mem_free_secret(s->ppk, IKE_PPK_MAX);
	cw_key_free(s->key);
	*s = (struct signer_secret){ 0 };
}
