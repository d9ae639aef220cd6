/* SPDX-License-Identifier: Apache-2.0 */
/* signer.c - the process: secrets in, rights away, answers out. */
#include "interconnect/signer.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/log.h"
#include "interconnect/base/mem.h"
#include "interconnect/base/sandbox.h"

CW_LOG_MODULE(signer);

enum { SIGNER_FDS = 5 };                /* standard ones and two sockets, see keys.c */

struct signer {
	struct keys_wire data, ike;
	struct signer_secret *secrets;  /* by the number of the tunnel */
	size_t n;
	struct signer_answer *answer;   /* secret memory */
};

/* ---- answers ---- */

static int signer_take(struct cw_span from, uint8_t *to, size_t size)
{
	if (from.size != size)
		return CW_E_FORBIDDEN;
	memcpy(to, from.p, size);
	return 0;
}

/* AUTH data to the answer. */
static int signer_do_auth(const struct signer_secret *s, const struct keys_msg *m, struct signer_answer *out, struct keys_msg *a)
{
	struct ike_nonce nonce = { .size = m->nonce.size };
	struct ike_auth_octets o = { m->bytes, &nonce, m->id, m->sk_p.p, (enum cw_hash)m->prf };
	struct ike_secret secret = s->s;
	int r;

	if (m->sk_p.size != cw_hash_size(o.prf) || (r = signer_take(m->nonce, nonce.b, CW_MIN(m->nonce.size, sizeof nonce.b))) < 0)
		return CW_E_FORBIDDEN;
	a->bytes.p = out->auth;
	r = (m->type == KEYS_SIGN ? ike_signer_local.sign : ike_signer_local.psk_auth)(&secret, &o, out->auth, &a->bytes.size);
	return r;
}

static int signer_do_ppk(const struct signer_secret *s, const struct keys_msg *m, struct signer_answer *out, struct keys_msg *a)
{
	struct ike_secret secret = s->s;
	size_t size = cw_hash_size((enum cw_hash)m->prf);
	int r;

	out->keys.prf = (enum cw_hash)m->prf;
	if ((r = signer_take(m->d, out->keys.d, size)) < 0 || (r = signer_take(m->pi, out->keys.pi, size)) < 0 ||
	    (r = signer_take(m->pr, out->keys.pr, size)) < 0 || (r = ike_signer_local.ppk(&secret, &out->keys, &out->mixed)) < 0)
		return r;
	a->d = (struct cw_span){ out->mixed.d, size };
	a->pi = (struct cw_span){ out->mixed.pi, size };
	a->pr = (struct cw_span){ out->mixed.pr, size };
	return 0;
}

void signer_answer(const struct signer_secret *secrets, size_t n, const struct keys_msg *m, struct signer_answer *out,
		   struct keys_msg *ret_answer)
{
	struct keys_msg a = { .type = KEYS_ANSWER };

	if (m->tunnel >= n)
		a.r = CW_E_NOT_FOUND;
	else if (m->type == KEYS_PPK)
		a.r = signer_do_ppk(&secrets[m->tunnel], m, out, &a);
	else
		a.r = signer_do_auth(&secrets[m->tunnel], m, out, &a);
	if (a.r < 0)
		a = (struct keys_msg){ .type = KEYS_ANSWER, .r = a.r };
	*ret_answer = a;
}

/* ---- life ---- */

static int signer_add(struct signer *s, const struct keys_msg *m, struct cw_why *why)
{
	int r;

	if (m->tunnel != s->n || s->n == KEYS_TUNNELS_MAX)
		return CW_E_MALFORMED;
	if ((r = signer_load(m, &s->secrets[s->n], why)) == 0)
		s->n++;
	return r;
}

/* Reads what the data plane names. */
static int signer_collect(struct signer *s, struct cw_why *why)
{
	struct keys_msg m;
	int r;

	while ((r = keys_wire_recv(&s->data, KEYS_DATA_TO_SIGNER, false, &m)) == 0 && m.type == KEYS_SECRET)
		if ((r = signer_add(s, &m, why)) < 0)
			return r;
	return r;
}

static int signer_begin(struct signer *s)
{
	struct cw_why why = { 0 };
	struct keys_msg v = { .type = KEYS_VERDICT, .object = why.object, .field = why.field, .text = why.rule };
	int sent;

	if ((v.r = signer_collect(s, &why)) == 0 && (v.r = cw_sandbox_enter("cw-signer", SIGNER_FDS)) < 0)
		cw_log_r(ERROR, "signer", v.r, "cannot give up rights");
	if ((sent = keys_wire_send(&s->data, &v, false)) < 0)
		return sent;
	return v.r;
}

static int signer_serve_one(struct signer *s)
{
	struct keys_msg m, a;
	int r = keys_wire_recv(&s->ike, KEYS_IKE_TO_SIGNER, false, &m);

	if (r < 0)
		return r;
	signer_answer(s->secrets, s->n, &m, s->answer, &a);
	r = keys_wire_send(&s->ike, &a, false);
	cw_mem_wipe(s->answer, sizeof *s->answer);
	return r;
}

/* Until one of the two others ends. The data plane says nothing more. */
static int signer_serve(struct signer *s)
{
	struct pollfd p[] = { { s->ike.fd, POLLIN, 0 }, { s->data.fd, POLLIN, 0 } };
	int r = 0;

	while (r == 0) {
		if (poll(p, CW_COUNT(p), -1) < 0) {
			r = errno == EINTR ? 0 : -errno;
			continue;
		}
		if (p[1].revents)
			return 0;
		if (p[0].revents)
			r = signer_serve_one(s);
	}
	return r == CW_E_UNREACHABLE || r == -EPIPE ? 0 : r;
}

static int signer_run(struct signer *s)
{
	struct keys_msg m;
	int r;

	s->secrets = calloc(KEYS_TUNNELS_MAX, sizeof *s->secrets);      /* what is not used takes no memory */
	if (!s->secrets || !(s->answer = cw_mem_secret(sizeof *s->answer)))
		return -ENOMEM;
	if ((r = signer_begin(s)) == 0)
		return signer_serve(s);
	/* Whoever asked ends us when it has read why. */
	(void)!keys_wire_recv(&s->data, KEYS_DATA_TO_SIGNER, false, &m);
	return r;
}

int signer_main(int data_fd, int ike_fd)
{
	struct signer s = { 0 };
	int r = keys_wire_open(&s.data, data_fd), r2 = keys_wire_open(&s.ike, ike_fd);

	if (r == 0 && (r = r2) == 0)
		r = signer_run(&s);
	for (size_t i = 0; i < s.n; i++)
		signer_unload(&s.secrets[i]);
	free(s.secrets);
	cw_mem_free_secret(s.answer, sizeof *s.answer);
	keys_wire_close(&s.data);
	keys_wire_close(&s.ike);
	return r < 0 ? 1 : 0;
}
