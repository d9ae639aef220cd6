/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_pair_serve.c - the inviter's side: first message, proof, and the questions of an acceptor. */
#include <stdio.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/hex.h"
#include "interconnect/base/log.h"
#include "interconnect/base/mem.h"
#include "interconnect/base/rand.h"
#include "mesh/mesh_pair_impl.h"

CW_LOG_MODULE(mesh_pair);

static int need_hex(const struct cw_json *body, const char *key, void *out, size_t size, struct cw_why *why)
{
	const char *text = NULL;
	int r;

	if ((r = cw_json_need_str(body, key, "pairing", &text, why)) < 0)
		return r;
	if (cw_hex_parse(text, out, size) < 0)
		return cw_why_set(why, CW_E_INVALID, "pairing", key, "must be %zu hexadecimal digits", 2 * size);
	return 0;
}

/* One answer for unknown, used, expired and tried too often: a stranger learns nothing. */
static int not_open(struct cw_why *why)
{
	cw_log_rl(WARN, "", 0, "somebody came with an invitation that is not open");
	return cw_why_set(why, CW_E_FORBIDDEN, "invitation", NULL, "is not open: unknown, used, expired or tried too often");
}

static struct pair_row *open_invite(struct mesh_pair *m, const uint8_t id[MESH_INVITE_ID])
{
	char text[2 * MESH_INVITE_ID + 1];
	struct pair_row *row = pair_by_invite(m, cw_hex_text(id, MESH_INVITE_ID, text), true);

	return row && pair_is(row, "invited") && cw_clock_wall_s() < row->p.expires ? row : NULL;
}

/* ---- first message ---- */

static bool hello_is(const struct pair_hello *h, const uint8_t id[MESH_INVITE_ID], const uint8_t pin[CW_TLS_PIN])
{
	return h->born_ms && memcmp(h->proof.invite_id, id, MESH_INVITE_ID) == 0 &&
	       memcmp(h->proof.acceptor.pin, pin, CW_TLS_PIN) == 0;
}

static struct pair_hello *hello_find(struct mesh_pair *m, const uint8_t id[MESH_INVITE_ID], const uint8_t pin[CW_TLS_PIN])
{
	for (size_t i = 0; i < PAIR_HELLOS; i++)
		if (hello_is(&m->hellos[i], id, pin) && cw_clock_now_ms() - m->hellos[i].born_ms < PAIR_HELLO_MS)
			return &m->hellos[i];
	return NULL;
}

/* The same caller's, else the oldest: only holders of an invitation's id come this far. */
static struct pair_hello *hello_slot(struct mesh_pair *m, const uint8_t id[MESH_INVITE_ID], const uint8_t pin[CW_TLS_PIN])
{
	struct pair_hello *best = &m->hellos[0];

	for (size_t i = 0; i < PAIR_HELLOS; i++) {
		if (hello_is(&m->hellos[i], id, pin))
			return &m->hellos[i];
		if (m->hellos[i].born_ms < best->born_ms)
			best = &m->hellos[i];
	}
	return best;
}

static void side_self(const struct mesh_pair *m, struct mesh_proof_side *s)
{
	memcpy(s->pin, m->site->pin, sizeof s->pin);
	s->id = m->site->row.id;
	s->name = m->site->row.name;
	s->ca = m->site->ca;
}

int mesh_pair_hello(struct mesh_pair *m, const uint8_t pin[CW_TLS_PIN], const struct cw_json *body, struct cw_json **ret_body,
		    struct cw_why *why)
{
	struct mesh_proof p = { 0 };
	struct pair_hello *h;
	char nonce[2 * MESH_PROOF_NONCE + 1];
	int r;

	if ((r = need_hex(body, "invite_id", p.invite_id, sizeof p.invite_id, why)) < 0 ||
	    (r = need_hex(body, "commit", p.commit, sizeof p.commit, why)) < 0 || (r = pair_read_site(body, &p.acceptor, why)) < 0)
		return r;
	if (!open_invite(m, p.invite_id))
		return not_open(why);
	if ((r = pair_check_peer(m, p.acceptor.id, p.acceptor.name, pin, why)) < 0)
		return r;
	h = hello_slot(m, p.invite_id, pin);
	memset(h, 0, sizeof *h);
	snprintf(h->peer.id, sizeof h->peer.id, "%s", p.acceptor.id);
	snprintf(h->peer.name, sizeof h->peer.name, "%s", p.acceptor.name);
	snprintf(h->peer.ca, sizeof h->peer.ca, "%s", p.acceptor.ca);
	memcpy(p.acceptor.pin, pin, CW_TLS_PIN);
	p.acceptor.id = h->peer.id;
	p.acceptor.name = h->peer.name;
	p.acceptor.ca = h->peer.ca;
	side_self(m, &p.inviter);
	cw_rand_bytes(p.inviter.nonce, sizeof p.inviter.nonce);
	h->proof = p;
	h->born_ms = CW_MAX(cw_clock_now_ms(), 1u);
	*ret_body = cw_json_object();
	cw_json_set(*ret_body, "site", pair_self(m));
	cw_json_set_str(*ret_body, "nonce", cw_hex_text(p.inviter.nonce, sizeof p.inviter.nonce, nonce));
	return 0;
}

/* ---- proof ---- */

/* Compares the acceptor's proof under the invitation's key and T. */
static int proof_check(const struct mesh_pairing *p, const uint8_t t[MESH_PROOF_T], const uint8_t proof[MESH_PROOF_SIZE])
{
	uint8_t key[MESH_PROOF_KEY], want[MESH_PROOF_SIZE];
	int r;

	if ((r = cw_hex_parse(p->key, key, sizeof key)) == 0)
		r = mesh_proof_make(key, MESH_PROOF_ACCEPTOR, t, want);
	if (r == 0 && !cw_mem_equal(want, proof, sizeof want))
		r = CW_E_AUTH;
	cw_mem_wipe(key, sizeof key);
	cw_mem_wipe(want, sizeof want);
	return r;
}

static int proof_answer(const struct mesh_pairing *p, const uint8_t t[MESH_PROOF_T], struct cw_json **ret_body)
{
	uint8_t key[MESH_PROOF_KEY], proof[MESH_PROOF_SIZE];
	char text[2 * MESH_PROOF_SIZE + 1];
	int r;

	if ((r = cw_hex_parse(p->key, key, sizeof key)) == 0)
		r = mesh_proof_make(key, MESH_PROOF_INVITER, t, proof);
	cw_mem_wipe(key, sizeof key);
	if (r < 0)
		return r;
	*ret_body = cw_json_object();
	cw_json_set_str(*ret_body, "proof", cw_hex_text(proof, sizeof proof, text));
	return 0;
}

/* The answer to a proof was lost: the same caller with the same proof gets the same answer. */
static int prove_again(const struct pair_row *row, const uint8_t proof[MESH_PROOF_SIZE], struct cw_json **ret_body)
{
	uint8_t t[MESH_PROOF_T];
	int r;

	if ((r = cw_hex_parse(row->p.transcript, t, sizeof t)) < 0 || (r = proof_check(&row->p, t, proof)) < 0)
		return r;
	return proof_answer(&row->p, t, ret_body);
}

static int wrong_try(struct pair_row *row, struct cw_why *why)
{
	struct mesh_pairing p = row->p;
	int r;

	p.tries++;
	r = p.tries < MESH_PAIR_TRIES ? pair_change(row, &p) : pair_end(row, "too many wrong proofs");
	return r < 0 ? r : not_open(why);
}

/* The invitation is used up and the other site known, in one write. */
static int take_invite(struct pair_row *row, const struct pair_hello *h, const uint8_t t[MESH_PROOF_T])
{
	struct mesh_pairing p = row->p;
	uint8_t words[MESH_WORDS_BYTES];
	int r;

	if ((r = mesh_proof_words(t, words)) < 0)
		return r;
	snprintf(p.state, sizeof p.state, "confirming");
	snprintf(p.peer_id, sizeof p.peer_id, "%s", h->peer.id);
	snprintf(p.peer_name, sizeof p.peer_name, "%s", h->peer.name);
	snprintf(p.peer_ca, sizeof p.peer_ca, "%s", h->peer.ca);
	cw_hex_text(h->proof.acceptor.pin, CW_TLS_PIN, p.peer_pin);
	cw_hex_text(t, MESH_PROOF_T, p.transcript);
	cw_hex_text(words, sizeof words, p.words);
	p.expires = cw_clock_wall_s() + MESH_PAIR_CONFIRM_S;
	return (r = pair_set_ppk(&p)) < 0 ? r : pair_change(row, &p);
}

static int prove_first(struct mesh_pair *m, struct pair_hello *h, const uint8_t nonce[MESH_PROOF_NONCE],
		       const uint8_t proof[MESH_PROOF_SIZE], struct cw_json **ret_body, struct cw_why *why)
{
	struct pair_row *row = open_invite(m, h->proof.invite_id);
	uint8_t commit[MESH_PROOF_COMMIT], t[MESH_PROOF_T];
	int r;

	h->born_ms = 0;                 /* one proof for each first message */
	if (!row)
		return not_open(why);
	memcpy(h->proof.acceptor.nonce, nonce, MESH_PROOF_NONCE);
	if ((r = mesh_proof_commit(nonce, commit)) < 0 || (r = mesh_proof_transcript(&h->proof, t)) < 0)
		return r;
	if (!cw_mem_equal(commit, h->proof.commit, sizeof commit) || (r = proof_check(&row->p, t, proof)) == CW_E_AUTH)
		return wrong_try(row, why);
	/* Two may have come with the same invitation, or another pairing with that site was made meanwhile. */
	if (r < 0 || (r = pair_check_peer(m, h->peer.id, h->peer.name, h->proof.acceptor.pin, why)) < 0 ||
	    (r = take_invite(row, h, t)) < 0)
		return r;
	return proof_answer(&row->p, t, ret_body);
}

int mesh_pair_prove(struct mesh_pair *m, const uint8_t pin[CW_TLS_PIN], const struct cw_json *body, struct cw_json **ret_body,
		    struct cw_why *why)
{
	uint8_t id[MESH_INVITE_ID], nonce[MESH_PROOF_NONCE], proof[MESH_PROOF_SIZE];
	char id_text[2 * MESH_INVITE_ID + 1], pin_text[2 * CW_TLS_PIN + 1];
	struct pair_hello *h;
	struct pair_row *row;
	int r;

	if ((r = need_hex(body, "invite_id", id, sizeof id, why)) < 0 || (r = need_hex(body, "nonce", nonce, sizeof nonce, why)) < 0 ||
	    (r = need_hex(body, "proof", proof, sizeof proof, why)) < 0)
		return r;
	row = pair_by_invite(m, cw_hex_text(id, sizeof id, id_text), true);
	if (row && pair_is(row, "confirming") && strcmp(row->p.peer_pin, cw_hex_text(pin, CW_TLS_PIN, pin_text)) == 0)
		return prove_again(row, proof, ret_body);
	if (!(h = hello_find(m, id, pin)))
		return not_open(why);
	return prove_first(m, h, nonce, proof, ret_body, why);
}

/* ---- afterwards ---- */

static struct pair_row *by_pin(const struct mesh_pair *m, const uint8_t pin[CW_TLS_PIN], const char *invite_id)
{
	char text[2 * CW_TLS_PIN + 1];

	cw_hex_text(pin, CW_TLS_PIN, text);
	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->rows[i]->p.peer_pin, text) == 0 && (!invite_id || strcmp(m->rows[i]->p.invite_id, invite_id) == 0))
			return m->rows[i];
	return NULL;
}

bool mesh_pair_knows(const struct mesh_pair *m, const uint8_t pin[CW_TLS_PIN])
{
	return by_pin(m, pin, NULL) != NULL;
}

/* What the acceptor says of itself, in one write. */
static int sync_in(struct pair_row *row, bool confirmed)
{
	struct mesh_pairing p = row->p;

	if (!pair_is(row, "confirming") || !confirmed || p.remote_ok)
		return 0;
	p.remote_ok = 1;
	if (p.local_ok) {
		snprintf(p.state, sizeof p.state, "paired");
		cw_mem_wipe(p.key, sizeof p.key);
	}
	return pair_change(row, &p);
}

int mesh_pair_sync(struct mesh_pair *m, const uint8_t pin[CW_TLS_PIN], const struct cw_json *body, struct cw_json **ret_body,
		   struct cw_why *why)
{
	const char *invite_id = NULL;
	struct pair_row *row;
	int r;

	if ((r = cw_json_need_str(body, "invite_id", "pairing", &invite_id, why)) < 0)
		return r;
	if (!(row = by_pin(m, pin, invite_id)))
		return cw_why_set(why, CW_E_NOT_FOUND, "pairing", NULL, "there is no such pairing with you");
	if (pair_lives(row) && cw_json_get_bool(body, "revoked", false))
		r = pair_end(row, "ended by the other site");
	else
		r = sync_in(row, cw_json_get_bool(body, "confirmed", false));
	if (r < 0)
		return r;
	row->seen = cw_clock_wall_s();
	*ret_body = cw_json_object();
	cw_json_set_str(*ret_body, "state", row->p.state);
	cw_json_set_bool(*ret_body, "confirmed", row->p.local_ok);
	return 0;
}
