/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_pair_dial.c - the acceptor's side: using an invitation, and asking until both sides agree.
 *
 * Up to the answer to the first message nothing is on the disk, and failing has no consequence.
 * Then the intent is written, and from there on the row alone decides what is dialled: the proof
 * while it is invited, questions while it is confirming or paired, the good-bye when it is revoked.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/hex.h"
#include "interconnect/base/log.h"
#include "interconnect/base/mem.h"
#include "interconnect/base/rand.h"
#include "mesh/mesh_pair_impl.h"

CW_LOG_MODULE(mesh_pair);

enum { PATIENCE_MS = 20 * 1000, GOODBYE_S = 24 * 3600 };

static bool hopeless(int status)
{
	return status >= 400 && status < 500 && status != 408 && status != 429;
}

/* ---- who waits ---- */

static void accept_free(struct pair_accept *a)
{
	struct pair_accept **at = &a->owner->accepts;

	while (*at && *at != a)
		at = &(*at)->next;
	if (*at)
		*at = a->next;
	dial_free(a->dial);
	cw_timer_free(a->patience);
	cw_mem_wipe(a, sizeof *a);
	free(a);
}

static void accept_end(struct pair_accept *a, int r, const struct cw_json *body, const struct cw_why *why)
{
	void (*done)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why) = a->done;
	void *ctx = a->ctx;

	accept_free(a);
	done(ctx, r, body, why);
}

void pair_accept_settled(struct mesh_pair *m, struct pair_row *row, int r, const struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = pair_json(row);

	for (struct pair_accept *a = m->accepts; a; a = a->next)
		if (a->row == row->p.id) {
			accept_end(a, r, r < 0 ? NULL : body, why);
			return;
		}
}

void pair_accept_free_all(struct mesh_pair *m)
{
	while (m->accepts)
		accept_end(m->accepts, CW_E_CANCELLED, NULL, NULL);
}

/* The inviter went silent. Once the intent is written the pairing goes on without whoever waited. */
static void on_patience(void *ctx)
{
	struct pair_accept *a = ctx;
	struct cw_why why = { 0 };
	int r;

	if (a->row)
		r = cw_why_set(&why, CW_E_TIMEOUT, "pairing", NULL,
			       "the inviting site fell silent; it is asked again until the invitation expires: see the list of pairings");
	else
		r = cw_why_set(&why, CW_E_UNREACHABLE, "pairing", NULL, "the inviting site gave no answer");
	accept_end(a, r, NULL, &why);
}

/* ---- the first message ---- */

static void endpoints_text(const struct mesh_invite *i, char *buf, size_t size)
{
	char ep[CW_ENDPOINT_TEXT];
	size_t len = 0;

	for (size_t n = 0; n < i->n_addr && len < size; n++)
		len += (size_t)snprintf(buf + len, size - len, "%s%s", n ? "," : "", cw_endpoint_text(&i->addr[n], ep));
}

static void side_self(const struct mesh_pair *m, struct mesh_proof_side *s)
{
	memcpy(s->pin, m->site->pin, sizeof s->pin);
	s->id = m->site->row.id;
	s->name = m->site->row.name;
	s->ca = m->site->ca;
}

/* What is written before the proof is sent: all that a later process needs to send it again. */
static int intent(const struct pair_accept *a, const struct mesh_proof *proof, struct mesh_pairing *p)
{
	uint8_t key[MESH_PROOF_KEY], t[MESH_PROOF_T], words[MESH_WORDS_BYTES];
	int r;

	if ((r = mesh_proof_key(a->invite.secret, key)) < 0 || (r = mesh_proof_transcript(proof, t)) < 0 ||
	    (r = mesh_proof_words(t, words)) < 0)
		return r;
	snprintf(p->state, sizeof p->state, "invited");
	cw_hex_text(a->invite.id, sizeof a->invite.id, p->invite_id);
	p->expires = a->invite.expires;
	endpoints_text(&a->invite, p->endpoints, sizeof p->endpoints);
	cw_hex_text(key, sizeof key, p->key);
	cw_hex_text(a->nonce, sizeof a->nonce, p->nonce);
	cw_hex_text(t, sizeof t, p->transcript);
	cw_hex_text(words, sizeof words, p->words);
	snprintf(p->peer_id, sizeof p->peer_id, "%s", proof->inviter.id);
	snprintf(p->peer_name, sizeof p->peer_name, "%s", proof->inviter.name);
	snprintf(p->peer_ca, sizeof p->peer_ca, "%s", proof->inviter.ca);
	cw_hex_text(a->invite.pin, sizeof a->invite.pin, p->peer_pin);
	cw_mem_wipe(key, sizeof key);
	return 0;
}

static int on_hello_body(struct pair_accept *a, const struct cw_json *body, struct cw_why *why)
{
	struct mesh_pair *m = a->owner;
	struct mesh_proof proof = { 0 };
	struct mesh_pairing p = { 0 };
	struct pair_row *row = NULL;
	int r;

	if ((r = pair_read_site(body, &proof.inviter, why)) < 0 ||
	    (r = cw_hex_parse(cw_json_get_str(body, "nonce", ""), proof.inviter.nonce, sizeof proof.inviter.nonce)) < 0 ||
	    (r = pair_check_peer(m, proof.inviter.id, proof.inviter.name, a->invite.pin, why)) < 0 ||
	    (r = mesh_proof_commit(a->nonce, proof.commit)) < 0)
		return r;
	memcpy(proof.invite_id, a->invite.id, sizeof proof.invite_id);
	memcpy(proof.inviter.pin, a->invite.pin, sizeof proof.inviter.pin);
	side_self(m, &proof.acceptor);
	memcpy(proof.acceptor.nonce, a->nonce, sizeof proof.acceptor.nonce);
	if ((r = intent(a, &proof, &p)) == 0)
		r = pair_add(m, &p, &row);
	cw_mem_wipe(&p, sizeof p);
	if (r < 0)
		return r;
	row->endpoint = a->endpoint;
	a->row = row->p.id;
	pair_kick(m, row);
	return 0;
}

static int hello_next(struct pair_accept *a);

static int refused_why(int status, const struct cw_json *body, struct cw_why *why)
{
	int r = cw_problem_code(cw_json_get_str(body, "code", ""));

	return cw_why_set(why, r == -EIO ? CW_E_FORBIDDEN : r, "pairing", NULL, "the inviting site refuses (%d): %s", status,
			  cw_json_get_str(body, "detail", "no reason given"));
}

static void on_hello(void *ctx, int r, int status, const struct cw_json *body)
{
	struct pair_accept *a = ctx;
	struct cw_why why = { 0 };

	if (r == 0 && status == 200)
		r = on_hello_body(a, body, &why);
	else if (r == 0)
		r = refused_why(status, body, &why);
	dial_free(cw_steal(&a->dial));             /* and BODY with it */
	if (r == CW_E_UNREACHABLE && ++a->endpoint < a->invite.n_addr)
		r = hello_next(a);
	if (r == CW_E_AUTH)
		cw_why_set(&why, r, "pairing", NULL,
			   "who answers does not have the key that the invitation names: somebody may stand between the sites");
	if (r == CW_E_UNREACHABLE)
		cw_why_set(&why, r, "pairing", NULL, "the inviting site cannot be reached at the address of the invitation");
	if (r < 0)
		accept_end(a, r, NULL, &why);
}

static int hello_next(struct pair_accept *a)
{
	struct cw_json *body = cw_json_object();
	uint8_t commit[MESH_PROOF_COMMIT];
	char text[2 * MESH_PROOF_COMMIT + 1];
	int r;

	if ((r = mesh_proof_commit(a->nonce, commit)) < 0) {
		cw_json_free(body);
		return r;
	}
	cw_json_set_str(body, "invite_id", cw_hex_text(a->invite.id, sizeof a->invite.id, text));
	cw_json_set_str(body, "commit", cw_hex_text(commit, sizeof commit, text));
	cw_json_set(body, "site", pair_self(a->owner));
	return dial_post(a->owner->loop, a->owner->site->tls, &a->invite.addr[a->endpoint], a->invite.pin, "/pair/v1/hello", body,
			 on_hello, a, &a->dial);
}

static int accept_check(struct mesh_pair *m, const struct mesh_invite *i, struct cw_why *why)
{
	char id[2 * MESH_INVITE_ID + 1];
	struct pair_row *row = pair_by_invite(m, cw_hex_text(i->id, sizeof i->id, id), false);

	if (cw_clock_wall_s() >= i->expires)
		return cw_why_set(why, CW_E_BLOCKED, "invitation", NULL, "has expired; ask for another");
	if (row)
		return cw_why_set(why, CW_E_CONFLICT, "invitation", NULL, "was used here already: see the pairing with %s",
				  row->p.peer_name);
	for (const struct pair_accept *a = m->accepts; a; a = a->next)
		if (memcmp(a->invite.id, i->id, sizeof i->id) == 0)
			return cw_why_set(why, CW_E_CONFLICT, "invitation", NULL, "is being used here right now");
	if (cw_mem_equal(i->pin, m->site->pin, CW_TLS_PIN))
		return cw_why_set(why, CW_E_CONFLICT, "invitation", NULL, "is of this site itself; use it at the other one");
	return 0;
}

int mesh_pair_accept(struct mesh_pair *m, const char *text,
		     void (*done)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why), void *ctx,
		     struct cw_why *why)
{
	struct mesh_invite i = { 0 };
	struct pair_accept *a = NULL;
	int r;

	if ((r = mesh_invite_parse(text, &i)) < 0)
		return cw_why_set(why, CW_E_INVALID, "invitation", NULL, r == CW_E_UNSUPPORTED ? "is of a newer version" :
				  "is not whole: copy all of what 'pair invite' printed");
	if ((r = accept_check(m, &i, why)) == 0)
		a = calloc(1, sizeof *a);
	if (!a) {
		cw_mem_wipe(&i, sizeof i);
		return r < 0 ? r : -ENOMEM;
	}
	*a = (struct pair_accept){ .owner = m, .invite = i, .done = done, .ctx = ctx, .next = m->accepts };
	m->accepts = a;
	cw_mem_wipe(&i, sizeof i);
	cw_rand_bytes(a->nonce, sizeof a->nonce);
	if ((r = cw_timer_new(m->loop, on_patience, a, &a->patience)) < 0 || (r = hello_next(a)) < 0) {
		accept_free(a);
		return r;
	}
	cw_timer_arm(a->patience, PATIENCE_MS);
	return 0;
}

/* ---- the proof ---- */

static int proof_of(const struct mesh_pairing *p, enum mesh_proof_role role, uint8_t ret_proof[MESH_PROOF_SIZE])
{
	uint8_t key[MESH_PROOF_KEY], t[MESH_PROOF_T];
	int r;

	if ((r = cw_hex_parse(p->key, key, sizeof key)) == 0 && (r = cw_hex_parse(p->transcript, t, sizeof t)) == 0)
		r = mesh_proof_make(key, role, t, ret_proof);
	cw_mem_wipe(key, sizeof key);
	return r;
}

static struct cw_json *prove_body(const struct pair_row *row)
{
	struct cw_json *o = cw_json_object();
	uint8_t proof[MESH_PROOF_SIZE];
	char text[2 * MESH_PROOF_SIZE + 1];

	if (proof_of(&row->p, MESH_PROOF_ACCEPTOR, proof) == 0)
		cw_json_set_str(o, "proof", cw_hex_text(proof, sizeof proof, text));
	cw_json_set_str(o, "invite_id", row->p.invite_id);
	cw_json_set_str(o, "nonce", row->p.nonce);
	return o;
}

static int proof_right(struct pair_row *row, const struct cw_json *body)
{
	struct mesh_pairing p = row->p;
	uint8_t want[MESH_PROOF_SIZE], got[MESH_PROOF_SIZE];
	int r;

	if ((r = proof_of(&row->p, MESH_PROOF_INVITER, want)) < 0)
		return r;
	if (cw_hex_parse(cw_json_get_str(body, "proof", ""), got, sizeof got) < 0 || !cw_mem_equal(want, got, sizeof got))
		return CW_E_AUTH;
	snprintf(p.state, sizeof p.state, "confirming");
	p.expires = cw_clock_wall_s() + MESH_PAIR_CONFIRM_S;
	if ((r = pair_set_ppk(&p)) < 0)
		return r;
	cw_mem_wipe(p.key, sizeof p.key);
	return pair_change(row, &p);
}

/* An inviter that refuses has not taken this pairing, so nothing of it stays here. */
static void prove_answer(struct pair_row *row, int status, const struct cw_json *body)
{
	struct mesh_pair *m = row->owner;
	struct cw_why why = { 0 };
	int r = 0;

	if (hopeless(status)) {
		r = refused_why(status, body, &why);
		pair_accept_settled(m, row, r, &why);
		pair_remove(m, row);
		return;
	}
	if (status != 200)
		return;
	r = proof_right(row, body);
	if (r == CW_E_AUTH)
		cw_why_set(&why, pair_end(row, "the inviting site did not prove that it knows the invitation") < 0 ? -EIO : r, "pairing",
			   NULL, "the inviting site did not prove that it knows the invitation");
	pair_accept_settled(m, row, r, &why);
}

/* ---- questions ---- */

static struct cw_json *sync_body(const struct pair_row *row)
{
	struct cw_json *o = cw_json_object();

	cw_json_set_str(o, "invite_id", row->p.invite_id);
	cw_json_set_bool(o, "confirmed", row->p.local_ok);
	cw_json_set_bool(o, "revoked", !pair_lives(row));
	return o;
}

static int sync_made(struct pair_row *row)
{
	struct mesh_pairing p = row->p;

	p.remote_ok = 1;
	snprintf(p.state, sizeof p.state, "paired");
	return pair_change(row, &p);
}

static int sync_heard(struct pair_row *row, bool remote_ok)
{
	struct mesh_pairing p = row->p;

	if (!remote_ok || p.remote_ok)
		return 0;
	p.remote_ok = 1;
	return pair_change(row, &p);
}

static int set_told(struct pair_row *row)
{
	struct mesh_pairing p = row->p;

	p.told = 1;
	return pair_change(row, &p);
}

static void sync_answer(struct pair_row *row, int status, const struct cw_json *body)
{
	const char *state = cw_json_get_str(body, "state", "");
	bool gone = hopeless(status) || (status == 200 && strcmp(state, "revoked") == 0);

	if (pair_lives(row) && gone && pair_end(row, "ended by the other site") < 0)
		return;
	if (!pair_lives(row) && gone)
		(void)!set_told(row);
	if (status != 200 || !pair_lives(row))
		return;
	row->seen = cw_clock_wall_s();
	if (strcmp(state, "paired") == 0 && row->p.local_ok && pair_is(row, "confirming"))
		(void)!sync_made(row);
	else if (pair_is(row, "confirming"))
		(void)!sync_heard(row, cw_json_get_bool(body, "confirmed", false));
}

/* ---- what is due ---- */

/* One row per state: what is dialled, how often, and what its answer means. */
static const struct due_row {
	const char *state, *path;
	unsigned every_ms;
	struct cw_json *(*body)(const struct pair_row *row);
	void (*answer)(struct pair_row *row, int status, const struct cw_json *body);
} due_rows[] = {
	{ "invited", "/pair/v1/prove", 1000, prove_body, prove_answer },
	{ "confirming", "/peer/v1/pairing", 1000, sync_body, sync_answer },
	{ "paired", "/peer/v1/pairing", 10000, sync_body, sync_answer },
	{ "revoked", "/peer/v1/pairing", 2000, sync_body, sync_answer },
};

static const struct due_row *due_find(const struct pair_row *row)
{
	for (size_t i = 0; i < CW_COUNT(due_rows); i++)
		if (pair_is(row, due_rows[i].state))
			return &due_rows[i];
	return NULL;
}

static void on_answer(void *ctx, int r, int status, const struct cw_json *body)
{
	struct pair_row *row = ctx;
	struct dial *dial = cw_steal(&row->dial);  /* the answer is its, and the row may go */
	const struct due_row *asked = row->asked;

	row->asked = NULL;
	if (r < 0)
		row->endpoint++;
	else if (asked == due_find(row) || asked->answer == sync_answer)
		asked->answer(row, status, body);       /* the answer to a proof counts only while we wait for it */
	dial_free(dial);
}

size_t mesh_pair_endpoints(const struct mesh_pairing *p, struct cw_endpoint *ret_ep, size_t max)
{
	char copy[sizeof p->endpoints], *save = NULL;
	size_t n = 0;

	snprintf(copy, sizeof copy, "%s", p->endpoints);
	for (char *one = strtok_r(copy, ",", &save); one && n < max; one = strtok_r(NULL, ",", &save))
		if (cw_endpoint_parse(one, &ret_ep[n]) == 0)
			n++;
	return n;
}

/* The next of the invitation's endpoints after one that did not answer. Family 0 when none can be read. */
static struct cw_endpoint endpoint_of(const struct pair_row *row)
{
	struct cw_endpoint ep[MESH_INVITE_ADDRS] = { 0 };
	size_t n = mesh_pair_endpoints(&row->p, ep, CW_COUNT(ep));

	return ep[n ? row->endpoint % n : 0];
}

void pair_dial_due(struct mesh_pair *m, struct pair_row *row)
{
	const struct due_row *due = due_find(row);
	uint64_t now = cw_clock_now_ms();
	struct cw_endpoint ep;
	uint8_t pin[CW_TLS_PIN];
	int r;

	if (!due || row->dial || now < row->next_ms)
		return;
	if (!pair_lives(row) && (row->p.told || cw_clock_wall_s() - row->p.changed > GOODBYE_S))
		return;
	row->next_ms = now + due->every_ms;
	ep = endpoint_of(row);
	if (ep.ip.family == 0 || cw_hex_parse(row->p.peer_pin, pin, sizeof pin) < 0)
		return;
	row->asked = due;
	if ((r = dial_post(m->loop, m->site->tls, &ep, pin, due->path, due->body(row), on_answer, row, &row->dial)) < 0)
		cw_log_rl(WARN, row->p.peer_name, r, "cannot dial");
}
