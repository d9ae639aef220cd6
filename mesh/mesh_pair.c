/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_pair.c - the rows of pairings, and what people do with them. */
#include "mesh/mesh_pair_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/crypt.h"
#include "interconnect/base/hex.h"
#include "interconnect/base/impair.h"
#include "interconnect/base/log.h"
#include "interconnect/base/mem.h"
#include "interconnect/base/rand.h"
#include "mesh/mesh_event.h"

CW_LOG_MODULE(mesh_pair);

enum { TICK_MS = 500 };

/* ---- rows ---- */

bool pair_is(const struct pair_row *row, const char *state)
{
	return strcmp(row->p.state, state) == 0;
}

bool pair_lives(const struct pair_row *row)
{
	return !pair_is(row, "revoked");
}

static const char *object_of(const struct mesh_pairing *p)
{
	return p->peer_name[0] ? p->peer_name : "invitation";
}

/* Every write of a pairing, between two points where a test may end the process: WHAT is the state, or "words". */
static int put(struct mesh_pair *m, struct mesh_pairing *p, const char *what)
{
	const char *role = p->inviter ? "inviter" : "acceptor";
	char point[64];
	int r;

	snprintf(point, sizeof point, "pair.%s.%s.before", role, what);
	if ((r = cw_impair(point)) < 0 || (r = mesh_store_put(m->store, p)) < 0)
		return r;
	snprintf(point, sizeof point, "pair.%s.%s.after", role, what);
	return cw_impair(point);
}

static void tell_event(const struct mesh_pair *m, const struct mesh_pairing *p)
{
	char kind[32];

	snprintf(kind, sizeof kind, "pairing.%s", p->state);
	mesh_event(m->events, strcmp(p->state, "revoked") == 0 ? "warning" : "info", kind, "pairing", object_of(p),
		   "%s%s%s", p->state, p->reason[0] ? ": " : "", p->reason);
}

static void tell_watcher(struct mesh_pair *m)
{
	if (m->watch)
		m->watch(m->watch_ctx);
}

int pair_set_ppk(struct mesh_pairing *p)
{
	uint8_t key[MESH_PROOF_KEY], t[MESH_PROOF_T], ppk[MESH_PROOF_PPK];
	int r;

	if ((r = cw_hex_parse(p->key, key, sizeof key)) == 0 && (r = cw_hex_parse(p->transcript, t, sizeof t)) == 0 &&
	    (r = mesh_proof_ppk(key, t, ppk)) == 0)
		cw_hex_text(ppk, sizeof ppk, p->ppk);
	cw_mem_wipe(key, sizeof key);
	cw_mem_wipe(ppk, sizeof ppk);
	return r;
}

int pair_change(struct pair_row *row, const struct mesh_pairing *next)
{
	struct mesh_pairing p = *next;
	bool news = strcmp(p.state, row->p.state) != 0;
	int r;

	p.changed = cw_clock_wall_s();
	if ((r = put(row->owner, &p, news ? p.state : "words")) < 0) {
		cw_log_r(ERROR, object_of(&p), r, "cannot store the pairing");
		return r;
	}
	row->p = p;
	cw_mem_wipe(&p, sizeof p);
	if (news) {
		cw_log(INFO, object_of(&row->p), "%s%s%s", row->p.state, row->p.reason[0] ? ": " : "", row->p.reason);
		tell_event(row->owner, &row->p);
		tell_watcher(row->owner);
	}
	return 0;
}

int pair_end(struct pair_row *row, const char *reason)
{
	struct mesh_pairing p = row->p;
	int r;

	snprintf(p.state, sizeof p.state, "revoked");
	snprintf(p.reason, sizeof p.reason, "%s", reason);
	cw_mem_wipe(p.key, sizeof p.key);
	cw_mem_wipe(p.ppk, sizeof p.ppk);
	p.told = p.inviter;
	if ((r = pair_change(row, &p)) == 0)
		pair_kick(row->owner, row);
	return r;
}

void pair_remove(struct mesh_pair *m, struct pair_row *row)
{
	int r = mesh_store_delete(m->store, row->p.id);

	if (r < 0)
		cw_log_r(ERROR, object_of(&row->p), r, "cannot forget the pairing");
	for (size_t i = 0; i < m->n; i++)
		if (m->rows[i] == row) {
			memmove(&m->rows[i], &m->rows[i + 1], (m->n - i - 1) * sizeof m->rows[0]);
			m->n--;
			break;
		}
	dial_free(row->dial);
	cw_mem_wipe(&row->p, sizeof row->p);
	free(row);
	tell_watcher(m);
}

/* Forgets the oldest that is over and of which the other side needs no more news. */
static bool make_room(struct mesh_pair *m)
{
	if (m->n < MESH_PAIRINGS_MAX)
		return true;
	for (size_t i = 0; i < m->n; i++)
		if (!pair_lives(m->rows[i]) && m->rows[i]->p.told) {
			pair_remove(m, m->rows[i]);
			return true;
		}
	return false;
}

static struct pair_row *row_new(struct mesh_pair *m, const struct mesh_pairing *p)
{
	struct pair_row *row = calloc(1, sizeof *row);

	if (!row)
		return NULL;
	row->owner = m;
	row->p = *p;
	m->rows[m->n++] = row;
	return row;
}

int pair_add(struct mesh_pair *m, struct mesh_pairing *p, struct pair_row **ret_row)
{
	struct pair_row *row;
	int r;

	if (!make_room(m))
		return CW_E_LIMIT;
	p->created = p->changed = cw_clock_wall_s();
	if ((r = put(m, p, p->state)) < 0)
		return r;
	if (!(row = row_new(m, p)))
		return -ENOMEM;
	cw_log(INFO, object_of(p), "%s", p->state);
	tell_event(m, p);
	*ret_row = row;
	return 0;
}

struct pair_row *pair_by_id(struct mesh_pair *m, int64_t id)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->rows[i]->p.id == id)
			return m->rows[i];
	return NULL;
}

struct pair_row *pair_by_invite(struct mesh_pair *m, const char *invite_id, bool inviter)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->rows[i]->p.inviter == inviter && strcmp(m->rows[i]->p.invite_id, invite_id) == 0)
			return m->rows[i];
	return NULL;
}

/* A pairing by its id, or by the name of its site: the one that lives, else the last. */
static struct pair_row *find(struct mesh_pair *m, const char *name)
{
	struct pair_row *found = NULL;
	char id[24];

	for (size_t i = 0; i < m->n; i++) {
		snprintf(id, sizeof id, "%lld", (long long)m->rows[i]->p.id);
		if (strcmp(id, name) == 0)
			return m->rows[i];
		if (strcmp(m->rows[i]->p.peer_name, name) == 0 && (!found || !pair_lives(found)))
			found = m->rows[i];
	}
	return found;
}

static int need(struct mesh_pair *m, const char *name, struct pair_row **ret_row, struct cw_why *why)
{
	struct pair_row *row = find(m, name);
	char object[128];

	snprintf(object, sizeof object, "pairing %s", name);
	if (!row)
		return cw_why_set(why, CW_E_NOT_FOUND, object, NULL, "there is no pairing with such a site");
	*ret_row = row;
	return 0;
}

int pair_check_peer(struct mesh_pair *m, const char *id, const char *name, const uint8_t pin[CW_TLS_PIN], struct cw_why *why)
{
	char text[2 * CW_TLS_PIN + 1];

	cw_hex_text(pin, CW_TLS_PIN, text);
	if (strcmp(id, m->site->row.id) == 0 || cw_mem_equal(pin, m->site->pin, CW_TLS_PIN))
		return cw_why_set(why, CW_E_CONFLICT, "pairing", NULL, "a site cannot be paired with itself");
	if (strcmp(name, m->site->row.name) == 0)
		return cw_why_set(why, CW_E_CONFLICT, "pairing", "name", "both sites are called '%s'", name);
	for (size_t i = 0; i < m->n; i++) {
		const struct pair_row *row = m->rows[i];

		if (pair_lives(row) && (strcmp(row->p.peer_id, id) == 0 || strcmp(row->p.peer_name, name) == 0 ||
					strcmp(row->p.peer_pin, text) == 0))
			return cw_why_set(why, CW_E_CONFLICT, "pairing", "name", "there is a pairing with '%s' already; revoke it first",
					  row->p.peer_name);
	}
	return 0;
}

/* ---- for the other parts ---- */

const struct mesh_pairing *mesh_pair_with(const struct mesh_pair *m, const char *site)
{
	for (size_t i = 0; i < m->n; i++)
		if (pair_is(m->rows[i], "paired") && strcmp(m->rows[i]->p.peer_name, site) == 0)
			return &m->rows[i]->p;
	return NULL;
}

const struct mesh_pairing *mesh_pair_of(const struct mesh_pair *m, const uint8_t pin[CW_TLS_PIN])
{
	char text[2 * CW_TLS_PIN + 1];

	cw_hex_text(pin, CW_TLS_PIN, text);
	for (size_t i = 0; i < m->n; i++)
		if (pair_is(m->rows[i], "paired") && strcmp(m->rows[i]->p.peer_pin, text) == 0)
			return &m->rows[i]->p;
	return NULL;
}

void mesh_pair_each(const struct mesh_pair *m, void (*fn)(void *ctx, const struct mesh_pairing *p), void *ctx)
{
	for (size_t i = 0; i < m->n; i++)
		fn(ctx, &m->rows[i]->p);
}

void mesh_pair_tell(struct mesh_pair *m, struct mesh_events *events)
{
	m->events = events;
}

void mesh_pair_watch(struct mesh_pair *m, void (*fn)(void *ctx), void *ctx)
{
	m->watch = fn;
	m->watch_ctx = ctx;
}

void mesh_pair_ask_now(struct mesh_pair *m, const char *site)
{
	for (size_t i = 0; i < m->n; i++)
		if (!m->rows[i]->p.inviter && pair_lives(m->rows[i]) && strcmp(m->rows[i]->p.peer_name, site) == 0)
			pair_kick(m, m->rows[i]);
}

/* ---- as JSON ---- */

static void set_time(struct cw_json *o, const char *key, int64_t s)
{
	char text[32];

	cw_json_set(o, key, s ? cw_json_string(cw_clock_rfc3339(&(struct timespec){ .tv_sec = (time_t)s }, text)) : cw_json_null());
}

static void set_words(struct cw_json *o, const struct mesh_pairing *p)
{
	uint8_t b[MESH_WORDS_BYTES];
	char text[MESH_WORDS_TEXT];

	if (cw_hex_parse(p->words, b, sizeof b) == 0)
		cw_json_set_str(o, "words", mesh_words_text(b, text));
}

struct cw_json *pair_json(const struct pair_row *row)
{
	const struct mesh_pairing *p = &row->p;
	struct cw_json *o = cw_json_object();
	char id[24];

	snprintf(id, sizeof id, "%lld", (long long)p->id);
	cw_json_set_str(o, "id", id);
	cw_json_set_str(o, "site", p->peer_name[0] ? p->peer_name : NULL);
	cw_json_set_str(o, "state", p->state);
	cw_json_set_str(o, "role", p->inviter ? "inviter" : "acceptor");
	if (p->reason[0])
		cw_json_set_str(o, "reason", p->reason);
	if (p->peer_id[0]) {
		cw_json_set_str(o, "site_id", p->peer_id);
		cw_json_set_str(o, "pin", p->peer_pin);
	}
	if (pair_is(row, "confirming")) {
		set_words(o, p);
		cw_json_set_bool(o, "confirmed_here", p->local_ok);
		cw_json_set_bool(o, "confirmed_there", p->remote_ok);
	}
	if (pair_is(row, "confirming") || pair_is(row, "invited"))
		set_time(o, "expires", p->expires);
	set_time(o, "created", p->created);
	set_time(o, "changed", p->changed);
	set_time(o, "last_seen", row->seen);
	return o;
}

struct cw_json *mesh_pair_list(struct mesh_pair *m)
{
	struct cw_json *o = cw_json_object(), *items = cw_json_array();

	for (size_t i = 0; i < m->n; i++)
		cw_json_add(items, pair_json(m->rows[i]));
	cw_json_set(o, "items", items);
	cw_json_set(o, "next", cw_json_null());
	return o;
}

struct cw_json *pair_self(const struct mesh_pair *m)
{
	struct cw_json *o = cw_json_object();

	cw_json_set_str(o, "id", m->site->row.id);
	cw_json_set_str(o, "name", m->site->row.name);
	cw_json_set_str(o, "ca", m->site->ca);
	return o;
}

static bool is_hex(const char *text, size_t min, size_t max)
{
	size_t n = strspn(text, "0123456789abcdef");

	return !text[n] && n >= min && n <= max && n % 2 == 0;
}

/* One certificate, nothing behind it. */
static bool ca_ok(const char *hex)
{
	size_t size = strlen(hex) / 2;
	uint8_t der[MESH_CA_MAX];
	struct cw_cert *c = NULL;
	bool ok;

	if (!is_hex(hex, 2, 2 * sizeof der) || cw_hex_parse(hex, der, size) < 0 || cw_cert_parse(der, size, &c) < 0)
		return false;
	ok = cw_cert_is_ca_p384(c);
	cw_cert_free(c);
	return ok;
}

int pair_read_site(const struct cw_json *body, struct mesh_proof_side *ret_side, struct cw_why *why)
{
	const struct cw_json *o = cw_json_get(body, "site");
	struct mesh_proof_side s = { 0 };
	int r;

	if ((r = cw_json_need_str(o, "id", "site", &s.id, why)) < 0 || (r = cw_json_need_str(o, "name", "site", &s.name, why)) < 0 ||
	    (r = cw_json_need_str(o, "ca", "site", &s.ca, why)) < 0)
		return r;
	if (!is_hex(s.id, 32, 32))
		return cw_why_set(why, CW_E_INVALID, "site", "id", "must be 32 hexadecimal digits");
	if (!mesh_site_name_ok(s.name))
		return cw_why_set(why, CW_E_INVALID, "site", "name", "is not the name of a site");
	if (!ca_ok(s.ca))
		return cw_why_set(why, CW_E_INVALID, "pairing", "site.ca",
				  "must be the certificate of a CA with a P-384 key, DER in hexadecimal digits");
	ret_side->id = s.id;
	ret_side->name = s.name;
	ret_side->ca = s.ca;
	return 0;
}

/* ---- people ---- */

int mesh_pair_invite(struct mesh_pair *m, int64_t valid_ms, struct cw_json **ret_body, struct cw_why *why)
{
	struct mesh_invite i = { .expires = cw_clock_wall_s() + (valid_ms + 999) / 1000 };
	struct mesh_pairing p = { .inviter = 1, .expires = i.expires, .state = "invited" };
	char text[MESH_INVITE_TEXT];
	uint8_t key[MESH_PROOF_KEY];
	struct pair_row *row = NULL;
	int r;

	if (valid_ms < MESH_PAIR_VALID_MIN_MS || valid_ms > MESH_PAIR_VALID_MAX_MS)
		return cw_why_set(why, CW_E_INVALID, "pairing", "valid_ms", "must be from %d to %d", MESH_PAIR_VALID_MIN_MS,
				  MESH_PAIR_VALID_MAX_MS);
	if (!(i.n_addr = mesh_conf_endpoints(m->conf, i.addr, CW_COUNT(i.addr))))
		return cw_why_set(why, CW_E_BLOCKED, "pairing", "advertise",
				  "causewayd.yaml must say at which address other sites reach this one");
	cw_rand_bytes(i.id, sizeof i.id);
	cw_rand_bytes(i.secret, sizeof i.secret);
	memcpy(i.pin, m->site->pin, sizeof i.pin);
	cw_hex_text(i.id, sizeof i.id, p.invite_id);
	if ((r = mesh_proof_key(i.secret, key)) == 0 && (r = mesh_invite_text(&i, text)) == 0) {
		cw_hex_text(key, sizeof key, p.key);
		r = pair_add(m, &p, &row);
	}
	if (r == 0) {
		*ret_body = pair_json(row);
		cw_json_set_str(*ret_body, "invite", text);
	}
	cw_mem_wipe(&i, sizeof i);
	cw_mem_wipe(key, sizeof key);
	cw_mem_wipe(&p, sizeof p);
	cw_mem_wipe(text, sizeof text);
	return r == CW_E_LIMIT ? cw_why_set(why, r, "pairing", NULL, "there are %d already; revoke some", MESH_PAIRINGS_MAX) : r;
}

/* The words were right. At the inviter the last of the two makes the pairing. */
static int confirmed(struct pair_row *row)
{
	struct mesh_pairing p = row->p;

	p.local_ok = 1;
	if (p.inviter && p.remote_ok) {
		snprintf(p.state, sizeof p.state, "paired");
		cw_mem_wipe(p.key, sizeof p.key);
	}
	return pair_change(row, &p);
}

int mesh_pair_confirm(struct mesh_pair *m, const char *name, const char *words, struct cw_json **ret_body, struct cw_why *why)
{
	struct pair_row *row = NULL;
	uint8_t b[MESH_WORDS_BYTES];
	int r;

	if ((r = need(m, name, &row, why)) < 0)
		return r;
	if (!pair_is(row, "confirming"))
		return cw_why_set(why, CW_E_CONFLICT, "pairing", "state", "is %s: there is nothing to confirm", row->p.state);
	if ((r = cw_hex_parse(row->p.words, b, sizeof b)) < 0)
		return r;
	if (!mesh_words_match(b, words)) {
		if ((r = pair_end(row, "wrong words were typed here")) < 0)
			return r;
		return cw_why_set(why, CW_E_FORBIDDEN, "pairing", "words",
				  "are not the ones of this pairing; it is over: somebody may stand between the sites");
	}
	if ((r = confirmed(row)) < 0)
		return r;
	pair_kick(m, row);
	*ret_body = pair_json(row);
	return 0;
}

int mesh_pair_revoke(struct mesh_pair *m, const char *name, struct cw_json **ret_body, struct cw_why *why)
{
	struct pair_row *row = NULL;
	int r;

	if ((r = need(m, name, &row, why)) < 0 || (pair_lives(row) && (r = pair_end(row, "revoked here")) < 0))
		return r;
	pair_accept_settled(m, row, CW_E_CANCELLED, NULL);
	*ret_body = pair_json(row);
	return 0;
}

int mesh_pair_show(struct mesh_pair *m, const char *name, struct cw_json **ret_body, struct cw_why *why)
{
	struct pair_row *row = NULL;
	int r;

	if ((r = need(m, name, &row, why)) < 0)
		return r;
	*ret_body = pair_json(row);
	return 0;
}

/* ---- time ---- */

/* An invitation that nobody used, or words that nobody compared. An acceptor that does not know yet keeps asking until then. */
static void expire(struct pair_row *row)
{
	const char *reason = pair_is(row, "invited") ? "the invitation expired" : "nobody confirmed the words in time";
	struct cw_why why = { 0 };
	int r = CW_E_BLOCKED;

	if (!pair_lives(row) || pair_is(row, "paired") || cw_clock_wall_s() < row->p.expires || pair_end(row, reason) < 0)
		return;
	cw_why_set(&why, r, "pairing", NULL, "%s", reason);
	pair_accept_settled(row->owner, row, r, &why);
}

static void on_tick(void *ctx)
{
	struct mesh_pair *m = ctx;

	/* From the end, because a row may go. */
	for (size_t i = m->n; i-- > 0;) {
		expire(m->rows[i]);
		if (!m->rows[i]->p.inviter)
			pair_dial_due(m, m->rows[i]);
	}
	cw_timer_arm(m->tick, TICK_MS);
}

void pair_kick(struct mesh_pair *m, struct pair_row *row)
{
	row->next_ms = 0;
	if (m->site->tls)
		cw_timer_arm(m->tick, 0);
}

void mesh_pair_start(struct mesh_pair *m)
{
	cw_timer_arm(m->tick, 0);
}

static int load(struct mesh_pair *m)
{
	struct mesh_pairing *p = calloc(MESH_PAIRINGS_MAX, sizeof *p);
	size_t n = 0;
	int r = p ? mesh_store_load(m->store, p, MESH_PAIRINGS_MAX, &n) : -ENOMEM;

	for (size_t i = 0; r == 0 && i < n; i++)
		if (!row_new(m, &p[i]))
			r = -ENOMEM;
	if (p)
		cw_mem_wipe(p, n * sizeof *p);
	free(p);
	return r;
}

int mesh_pair_new(struct cw_loop *l, struct mesh_store *store, struct mesh_site *site, const struct mesh_conf *conf,
		  struct mesh_pair **ret_pair)
{
	struct mesh_pair *m = calloc(1, sizeof *m);
	int r;

	if (!m)
		return -ENOMEM;
	m->loop = l;
	m->store = store;
	m->site = site;
	m->conf = conf;
	if ((r = cw_timer_new(l, on_tick, m, &m->tick)) < 0 || (r = load(m)) < 0) {
		mesh_pair_free(m);
		return r;
	}
	*ret_pair = m;
	return 0;
}

void mesh_pair_free(struct mesh_pair *m)
{
	if (!m)
		return;
	pair_accept_free_all(m);
	for (size_t i = 0; i < m->n; i++) {
		dial_free(m->rows[i]->dial);
		cw_mem_wipe(&m->rows[i]->p, sizeof m->rows[i]->p);
		free(m->rows[i]);
	}
	cw_timer_free(m->tick);
	cw_mem_wipe(m->hellos, sizeof m->hellos);
	free(m);
}
