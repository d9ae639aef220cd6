/* SPDX-License-Identifier: Apache-2.0 */
/* tun_auth.c - certificates and CA of a tunnel from their files; what is secret is the signer's. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "interconnect/tun_impl.h"

void tun_auth_path(const char *dir, const char *name, char path[TUN_AUTH_PATH])
{
	if (*name == '/' || !*dir)
		snprintf(path, TUN_AUTH_PATH, "%s", name);
	else
		snprintf(path, TUN_AUTH_PATH, "%s/%s", dir, name);
}

int tun_auth_refuse(const char *tunnel, struct cw_why *why, const char *field, const char *path, const char *rule)
{
	char object[TUN_NAME_MAX + 8];

	snprintf(object, sizeof object, "tunnel %s", tunnel);
	return cw_why_set(why, CW_E_INVALID, object, field, "%s: %s", path, rule);
}

static const char *tun_auth_chain_text(int r)
{
	return r == CW_E_LIMIT ? "must hold at most four certificates, each of at most 8192 bytes" : cw_strerror(r);
}

/* Is only looked at here: the file may change, and goes to the IKE process as it is then (keys_conf.c). */
static int tun_auth_check_crl(const char *dir, const struct tun_conf *conf, struct cw_why *why)
{
	struct cw_crl *crl = NULL;
	char path[TUN_AUTH_PATH];
	int r;

	if (!conf->auth.crl || !*conf->auth.crl)
		return 0;
	tun_auth_path(dir, conf->auth.crl, path);
	r = cw_crl_load(path, &crl);
	cw_crl_free(crl);
	if (r < 0)
		return tun_auth_refuse(conf->name, why, "auth.crl", path,
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
		return tun_auth_refuse(conf->name, why, "auth.cert", path, tun_auth_chain_text(r));
	tun_auth_path(dir, c->ca, path);
	if ((r = cw_cert_load(path, &a->ca)) < 0)
		return tun_auth_refuse(conf->name, why, "auth.ca", path, cw_strerror(r));
	return tun_auth_check_crl(dir, conf, why);
}

static void tun_auth_cleanup(struct tun_auth *a)
{
	tun_auth_fini(a);
}

int tun_auth_load(const char *dir, const struct tun_conf *conf, struct tun_auth *ret_auth, struct cw_why *why)
{
	CW_AUTO(tun_auth_cleanup) struct tun_auth a = { 0 };
	int r = conf->auth.method == IKE_AUTH_CERT ? tun_auth_load_cert(dir, conf, &a, why) : 0;

	if (r < 0)
		return r;
	*ret_auth = a;
	a = (struct tun_auth){ 0 };
	return 0;
}

void tun_auth_fini(struct tun_auth *a)
{
	for (size_t i = 0; i < a->n_certs; i++)
		cw_cert_free(a->certs[i]);
	cw_cert_free(a->ca);
	*a = (struct tun_auth){ 0 };
}
