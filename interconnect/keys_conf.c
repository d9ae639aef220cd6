/* SPDX-License-Identifier: Apache-2.0 */
/* keys_conf.c - names of secret files to the signer, configuration and public files to the IKE process. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/file.h"
#include "interconnect/base/log.h"
#include "interconnect/keys_impl.h"

CW_LOG_MODULE(keys);

enum { KEYS_CRL_LOOK_MS = 100 };

int keys_conf_secrets(struct keys_proc *p, const char *dir, const struct tun_conf *tunnels, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		const struct tun_conf *c = &tunnels[i];

		r = keys_proc_say(p, &(struct keys_msg){
			.type = KEYS_SECRET, .tunnel = (uint16_t)i, .name = c->name, .auth = (uint8_t)c->auth.method, .dir = dir,
			.cert = c->auth.cert, .key = c->auth.key, .secret_file = c->auth.secret_file, .ppk_id = c->ppk.id,
			.ppk_file = c->ppk.file, .local_id = c->auth.local_id, .remote_id = c->auth.remote_id });
	}
	return r < 0 ? r : keys_proc_say(p, &(struct keys_msg){ .type = KEYS_END });
}

static int keys_conf_cert(struct keys *k, size_t tunnel, enum keys_cert kind, const struct cw_cert *cert)
{
	struct keys_msg m = { .type = KEYS_CERT, .tunnel = (uint16_t)tunnel, .kind = (uint8_t)kind };
	const uint8_t *der;

	cw_cert_der(cert, &der, &m.bytes.size);
	m.bytes.p = der;
	return keys_proc_say(&k->procs[KEYS_PART_IKE], &m);
}

/* The file as it is now. */
static int keys_conf_crl(struct keys *k, size_t tunnel, bool first)
{
	struct keys_tunnel_now *t = &k->tunnels_now[tunnel];
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	char path[TUN_AUTH_PATH];
	struct stat st;
	size_t size;

	tun_auth_path(k->dir, k->tunnels[tunnel].auth.crl, path);
	if (stat(path, &st) < 0)
		return first ? -errno : 0;
	if (!first && st.st_ino == t->crl.st_ino && st.st_dev == t->crl.st_dev && st.st_size == t->crl.st_size &&
	    st.st_mtim.tv_sec == t->crl.st_mtim.tv_sec && st.st_mtim.tv_nsec == t->crl.st_mtim.tv_nsec)
		return 0;
	t->crl = st;
	if (cw_file_read(path, KEYS_CRL_MAX, &text, &size) < 0)
		return first ? CW_E_INVALID : 0;
	return keys_proc_say(&k->procs[KEYS_PART_IKE], &(struct keys_msg){ .type = KEYS_CRL, .tunnel = (uint16_t)tunnel, .bytes = { text, size } });
}

static bool keys_has_crl(const struct keys *k, size_t tunnel)
{
	const char *crl = k->tunnels[tunnel].auth.crl;

	return crl && *crl;
}

int keys_conf_crls(struct keys *k, uint64_t now_ms)
{
	int r = 0;

	if (now_ms < k->crl_ms + KEYS_CRL_LOOK_MS)
		return 0;
	k->crl_ms = now_ms;
	for (size_t i = 0; i < k->n_tunnels && r == 0; i++)
		if (keys_has_crl(k, i))
			r = keys_conf_crl(k, i, false);
	return r;
}

static int keys_conf_tunnel(struct keys *k, size_t i)
{
	const struct tun_conf *c = &k->tunnels[i];
	const struct tun_auth *a = &k->tunnels_now[i].auth;
	int r = keys_proc_say(&k->procs[KEYS_PART_IKE], &(struct keys_msg){
		.type = KEYS_TUNNEL, .tunnel = (uint16_t)i, .name = c->name, .initiate = c->initiate, .auth = (uint8_t)c->auth.method,
		.esn = (uint8_t)c->esn, .encap = c->encap, .mobike = c->mobike, .childless = (uint8_t)c->childless,
		.dpd_ms = c->dpd, .rekey_ike_ms = c->rekey.ike, .rekey_child_ms = c->rekey.child,
		.local_ts = c->local_ts, .remote_ts = c->remote_ts, .ike = c->ike, .esp = c->esp, .local_id = c->auth.local_id,
		.remote_id = c->auth.remote_id, .ppk_id = c->ppk.id, .ppk_required = c->ppk.required && c->ppk.id && *c->ppk.id });

	for (size_t n = 0; n < a->n_certs && r == 0; n++)
		r = keys_conf_cert(k, i, KEYS_CERT_OWN, a->certs[n]);
	if (r == 0 && a->ca)
		r = keys_conf_cert(k, i, KEYS_CERT_CA, a->ca);
	if (r == 0 && keys_has_crl(k, i))
		r = keys_conf_crl(k, i, true);
	return r;
}

static int keys_conf_path(struct keys *k, size_t i)
{
	const struct keys_path *c = &k->paths[i].conf;

	return keys_proc_say(&k->procs[KEYS_PART_IKE], &(struct keys_msg){
		.type = KEYS_PATH, .path = (uint16_t)i, .tunnel = c->tunnel, .message_max = c->message_max, .which = c->which,
		.local = c->local, .remote = c->remote });
}

static int keys_conf_start(struct keys *k, size_t i)
{
	const struct keys_path_now *p = &k->paths[i];
	struct keys_msg m = { .type = p->resume ? KEYS_RESUME : KEYS_START, .path = (uint16_t)i, .remote = p->remote };

	return keys_proc_say(&k->procs[KEYS_PART_IKE], &m);
}

int keys_conf_send(struct keys *k)
{
	int r = keys_proc_say(&k->procs[KEYS_PART_IKE], &(struct keys_msg){
		.type = KEYS_SETUP, .n_tunnels = (uint16_t)k->n_tunnels, .n_paths = (uint16_t)k->n_paths, .level = (uint8_t)cw_log_get_level(),
		.keylog = k->keylog });

	for (size_t i = 0; i < k->n_tunnels && r == 0; i++)
		r = keys_conf_tunnel(k, i);
	for (size_t i = 0; i < k->n_paths && r == 0; i++)
		r = keys_conf_path(k, i);
	if (r == 0)
		r = keys_proc_say(&k->procs[KEYS_PART_IKE], &(struct keys_msg){ .type = KEYS_RUN });
	for (size_t i = 0; i < k->n_paths && r == 0; i++)
		r = keys_conf_start(k, i);
	k->told = r == 0;
	return r;
}
