/* SPDX-License-Identifier: Apache-2.0 */
/* tun_auth.c - the shared secret, or certificate, key and CA of a tunnel, and its PPK, from their files. */
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

enum { TUN_AUTH_PSK_MIN = 16, TUN_AUTH_PATH = 4352, TUN_AUTH_PPK_TEXT = 2 * IKE_PPK_MAX + 2 };

/* NAME below DIR unless it is absolute; object for messages is "tunnel NAME". */
static void tun_auth_path(const char *dir, const char *name, char path[TUN_AUTH_PATH])
{
	if (*name == '/' || !*dir)
		snprintf(path, TUN_AUTH_PATH, "%s", name);
	else
		snprintf(path, TUN_AUTH_PATH, "%s/%s", dir, name);
}

static int tun_auth_refuse(const struct tun_conf *conf, struct cw_why *why, int r, const char *field, const char *path,
			   const char *rule)
{
	char object[TUN_NAME_MAX + 8];

	snprintf(object, sizeof object, "tunnel %s", conf->name);
	return cw_why_set(why, r, object, field, "%s: %s", path, rule);
}

/* Everything of FD to BUF, at most SIZE bytes. Returns how many. */
static ssize_t tun_auth_read(int fd, uint8_t *buf, size_t size)
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
static const char *tun_auth_unsafe(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return "must be a regular file";
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return "must not be accessible to group or others (chmod 600)";
	return NULL;
}

/* What stands in the file of FIELD, without the newline at its end: RET_SIZE of at most SIZE bytes to BUF. */
static int tun_auth_load_secret(const char *path, const struct tun_conf *conf, const char *field, uint8_t *buf, size_t size,
				size_t *ret_size, struct cw_why *why)
{
	CW_AUTO(cw_fd_cleanup) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	const char *unsafe;
	ssize_t n;

	if (fd < 0)
		return tun_auth_refuse(conf, why, CW_E_INVALID, field, path, cw_strerror(-errno));
	if ((unsafe = tun_auth_unsafe(fd)))
		return tun_auth_refuse(conf, why, CW_E_INVALID, field, path, unsafe);
	if ((n = tun_auth_read(fd, buf, size)) < 0)
		return tun_auth_refuse(conf, why, CW_E_INVALID, field, path, cw_strerror((int)n));
	if (n > 0 && buf[n - 1] == '\n')
		n--;
	*ret_size = (size_t)n;
	return 0;
}

static int tun_auth_load_psk(const char *path, const struct tun_conf *conf, struct tun_auth *a, struct cw_why *why)
{
	static const char field[] = "auth.secret_file";
	size_t n;
	int r;

	if (!(a->psk = cw_mem_secret(IKE_PSK_MAX + 1)))
		return -ENOMEM;
	if ((r = tun_auth_load_secret(path, conf, field, a->psk, IKE_PSK_MAX + 1, &n, why)) < 0)
		return r;
	if (n < TUN_AUTH_PSK_MIN || n > IKE_PSK_MAX)
		return tun_auth_refuse(conf, why, CW_E_INVALID, field, path, "must hold a secret of 16 to 256 bytes");
	a->psk_size = n;
	return 0;
}

/* The key of N digits in TEXT, which is writable and zero behind them. */
static int tun_auth_parse_ppk(char *text, size_t n, struct tun_auth *a)
{
	for (size_t i = 0; i < n; i++)
		text[i] = (char)tolower((unsigned char)text[i]);
	if (n % 2 || n < 2 * IKE_PPK_MIN || n > 2 * IKE_PPK_MAX || cw_hex_parse(text, a->ppk, n / 2) < 0)
		return CW_E_INVALID;
	a->ppk_size = n / 2;
	return 0;
}

static int tun_auth_load_ppk(const char *path, const struct tun_conf *conf, struct tun_auth *a, struct cw_why *why)
{
	static const char field[] = "ppk.file";
	char *text = cw_mem_secret(TUN_AUTH_PPK_TEXT + 1);
	size_t n;
	int r = -ENOMEM;

	a->ppk = cw_mem_secret(IKE_PPK_MAX);
	if (text && a->ppk)
		r = tun_auth_load_secret(path, conf, field, (uint8_t *)text, TUN_AUTH_PPK_TEXT, &n, why);
	if (r == 0) {
		text[n] = '\0';
		if ((r = tun_auth_parse_ppk(text, n, a)) < 0)
			r = tun_auth_refuse(conf, why, r, field, path, "must hold a key of 64 to 128 hexadecimal digits");
	}
	cw_mem_free_secret(text, TUN_AUTH_PPK_TEXT + 1);
	return r;
}

static const char *tun_auth_text(int r)
{
	return r == -EPERM ? "must not be accessible to group or others (chmod 600)" : cw_strerror(r);
}

static const char *tun_auth_chain_text(int r)
{
	return r == CW_E_LIMIT ? "must hold at most four certificates, each of at most 8192 bytes" : cw_strerror(r);
}

static int tun_auth_load_crl(const char *dir, const struct tun_conf *conf, struct tun_auth *a, struct cw_why *why)
{
	char path[TUN_AUTH_PATH];
	int r;

	if (!conf->auth.crl || !*conf->auth.crl)
		return 0;
	tun_auth_path(dir, conf->auth.crl, path);
	if ((r = cw_crl_load(path, &a->crl)) < 0)
		return tun_auth_refuse(conf, why, CW_E_INVALID, "auth.crl", path,
				       r == CW_E_INVALID ? "must hold revocation lists in PEM" : cw_strerror(r));
	return 0;
}

static int tun_auth_load_cert(const char *dir, const struct tun_conf *conf, struct tun_auth *a, struct cw_why *why)
{
	const struct tun_conf_auth *c = &conf->auth;
	char path[TUN_AUTH_PATH];
	int r;

	tun_auth_path(dir, c->cert, path);
	if ((r = cw_cert_load_chain(path, a->certs, CW_COUNT(a->certs), &a->n_certs)) < 0)
		return tun_auth_refuse(conf, why, CW_E_INVALID, "auth.cert", path, tun_auth_chain_text(r));
	tun_auth_path(dir, c->ca, path);
	if ((r = cw_cert_load(path, &a->ca)) < 0)
		return tun_auth_refuse(conf, why, CW_E_INVALID, "auth.ca", path, cw_strerror(r));
	tun_auth_path(dir, c->key, path);
	if ((r = cw_key_load(path, &a->key)) < 0)
		return tun_auth_refuse(conf, why, CW_E_INVALID, "auth.key", path, tun_auth_text(r));
	if (!cw_cert_fits_key(a->certs[0], a->key))
		return tun_auth_refuse(conf, why, CW_E_INVALID, "auth.key", path, "is not the key of auth.cert");
	return tun_auth_load_crl(dir, conf, a, why);
}

static void tun_auth_cleanup(struct tun_auth *a)
{
	tun_auth_fini(a);
}

int tun_auth_load(const char *dir, const struct tun_conf *conf, struct tun_auth *ret_auth, struct cw_why *why)
{
	CW_AUTO(tun_auth_cleanup) struct tun_auth a = { 0 };
	char path[TUN_AUTH_PATH];
	int r;

	if (conf->auth.method == IKE_AUTH_PSK) {
		tun_auth_path(dir, conf->auth.secret_file, path);
		r = tun_auth_load_psk(path, conf, &a, why);
	} else {
		r = tun_auth_load_cert(dir, conf, &a, why);
	}
	if (r == 0 && conf->ppk.id && *conf->ppk.id) {
		tun_auth_path(dir, conf->ppk.file, path);
		r = tun_auth_load_ppk(path, conf, &a, why);
	}
	if (r < 0)
		return r;
	*ret_auth = a;
	a = (struct tun_auth){ 0 };
	return 0;
}

void tun_auth_fini(struct tun_auth *a)
{
	cw_mem_free_secret(a->psk, IKE_PSK_MAX + 1);
	cw_mem_free_secret(a->ppk, IKE_PPK_MAX);
	for (size_t i = 0; i < a->n_certs; i++)
		cw_cert_free(a->certs[i]);
	cw_crl_free(a->crl);
	cw_cert_free(a->ca);
	cw_key_free(a->key);
	*a = (struct tun_auth){ 0 };
}
