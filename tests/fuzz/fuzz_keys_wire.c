/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_keys_wire.c - what one process of an appliance says to another, if strangers have taken it over. The first byte is the way.
 *
 * What can be read is written the same again; what the data plane takes from the IKE process is what the configuration allows;
 * the signer answers, or says why not.
 */
#include <stdlib.h>
#include <string.h>

#include "interconnect/keys_impl.h"
#include "interconnect/signer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PATHS = 2 };

static struct cw_stat stat_of[2];

static void need(bool ok)
{
	if (!ok)
		abort();
}

/* ---- the data plane ---- */

static void on_send(void *ctx, size_t path, const struct cw_endpoint *local, const struct cw_endpoint *to, const void *msg, size_t size)
{
	(void)ctx;
	need(path < PATHS && size > 0 && msg && local->ip.family == to->ip.family && to->port != 0);
}

static int on_child_up(void *ctx, size_t path, const struct ike_child *c)
{
	const struct keys *k = ctx;

	need(path < PATHS && c->spi_in >= 256 && c->spi_out >= 256 && c->aead == CW_AEAD_AES256_GCM && c->key_size == 36 && c->esn);
	need(c->local_ts.len >= 24 && cw_prefix_contains(&k->tunnels[0].local_ts, &c->local_ts.ip));
	need(c->remote_ts.len >= 32 && cw_prefix_contains(&k->tunnels[0].remote_ts, &c->remote_ts.ip));
	return 0;
}

static void on_child(void *ctx, size_t path, uint32_t spi_in)
{
	(void)ctx, (void)spi_in;
	need(path < PATHS);
}

static void on_moved(void *ctx, size_t path, uint32_t spi_in, const struct cw_endpoint *local, const struct cw_endpoint *remote)
{
	(void)ctx, (void)spi_in;
	need(path < PATHS && local->ip.family != 0 && local->ip.family == remote->ip.family);
}

static void on_state(void *ctx, size_t path, enum ike_state s, const char *why)
{
	(void)ctx;
	need(path < PATHS && s < IKE_STATE_N && strlen(why) < 512);
}

static void on_keylog(void *ctx, size_t path, const struct ike_keylog *l)
{
	(void)ctx;
	need(path < PATHS && l->key_size <= IKE_KEYMAT_MAX);
}

static struct cw_stat *on_stat(void *ctx, size_t tunnel)
{
	(void)ctx;
	return &stat_of[tunnel == 0];
}

static const struct keys_ops ops = {
	.send = on_send, .child_up = on_child_up, .child_idle = on_child, .child_down = on_child, .child_orphan = on_child,
	.child_moved = on_moved, .state = on_state, .keylog = on_keylog, .stat = on_stat,
};

static void to_data(const struct keys_msg *m)
{
	struct tun_conf conf = { .esn = IKE_ESN_YES };
	struct keys_tunnel_now tunnel = { .esp = { { { CW_AEAD_AES256_GCM, CW_HASH_SHA256, 0 } }, 1 } };
	struct keys_path_now paths[PATHS] = { { .conf = { .tunnel = 0 } } };
	struct keys k = { .ops = &ops, .ctx = &k, .tunnels = &conf, .tunnels_now = &tunnel, .n_tunnels = 1, .paths = paths, .n_paths = PATHS,
			  .keylog = true };

	need(cw_prefix_parse("10.71.1.0/24", &conf.local_ts) == 0 && cw_prefix_parse("10.71.2.1/32", &conf.remote_ts) == 0);
	(void)!keys_in(&k, m);
}

/* ---- the signer ---- */

static void to_signer(const struct keys_msg *m)
{
	static const uint8_t psk[] = "a shared secret", ppk[IKE_PPK_MIN] = { 1 };
	static struct signer_answer out;
	static struct signer_secret s[1];
	static uint8_t buf[KEYS_WIRE_MAX];
	struct keys_msg a;

	s[0].s = (struct ike_secret){ .psk = psk, .psk_size = sizeof psk - 1, .ppk = ppk, .ppk_size = sizeof ppk, .local_id = "a.test",
				      .remote_id = "b.test" };
	signer_answer(s, 1, m, &out, &a);
	need(a.r <= 0 && keys_wire_build(&a, buf, sizeof buf) > 0);
	need(a.r == 0 || (a.bytes.size == 0 && a.d.size == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t again[KEYS_WIRE_MAX];
	struct keys_msg m;
	uint8_t *exact;
	int n;

	if (size < 1 || size > KEYS_WIRE_MAX)
		return 0;
	exact = malloc(size > 1 ? size - 1 : 1);
	if (!exact)
		return 0;
	memcpy(exact, data + 1, size - 1);
	if (keys_wire_parse((enum keys_way)(data[0] % KEYS_WAYS), exact, size - 1, &m) == 0) {
		n = keys_wire_build(&m, again, sizeof again);
		need(n == (int)size - 1 && memcmp(again, exact, size - 1) == 0);
		if (data[0] % KEYS_WAYS == KEYS_IKE_TO_DATA)
			to_data(&m);
		if (data[0] % KEYS_WAYS == KEYS_IKE_TO_SIGNER)
			to_signer(&m);
	}
	free(exact);
	return 0;
}
