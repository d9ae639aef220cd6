/* SPDX-License-Identifier: Apache-2.0 */
/* mangle.c - rules of bad weather: from text, and against a datagram. Compiled in debug builds only. */
#include "interconnect/mangle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/cur.h"
#include "interconnect/base/rand.h"
#include "interconnect/udp.h"

enum {
	MANGLE_IKE_EXCHANGE = UDP_MARKER + 18,  /* RFC 7296 s3.1: where the exchange type stands, and then the flags */
	MANGLE_IKE_RESPONSE = 0x20,
	MANGLE_WORD = 32, MANGLE_DIGITS = 9, MANGLE_PERCENT = 100,
};

#define MANGLE_BIT(kind) (1u << (kind))

/* What a datagram must be, as rows: its kind, its exchange (0: any) and whether it is an answer (-1: any). */
static const struct mangle_kind {
	const char *name;
	unsigned kinds;                 /* MANGLE_BIT of enum udp_kind */
	uint8_t exchange;
	int response;
} mangle_kinds[] = {
	{ "any", ~0u, 0, -1 },
	{ "esp", MANGLE_BIT(UDP_ESP), 0, -1 },
	{ "keepalive", MANGLE_BIT(UDP_KEEPALIVE), 0, -1 },
	{ "ike", MANGLE_BIT(UDP_IKE), 0, -1 },
	{ "ike-request", MANGLE_BIT(UDP_IKE), 0, 0 },
	{ "ike-response", MANGLE_BIT(UDP_IKE), 0, 1 },
	{ "init", MANGLE_BIT(UDP_IKE), 34, -1 },
	{ "init-request", MANGLE_BIT(UDP_IKE), 34, 0 },
	{ "init-response", MANGLE_BIT(UDP_IKE), 34, 1 },
	{ "auth", MANGLE_BIT(UDP_IKE), 35, -1 },
	{ "auth-request", MANGLE_BIT(UDP_IKE), 35, 0 },
	{ "auth-response", MANGLE_BIT(UDP_IKE), 35, 1 },
	{ "create", MANGLE_BIT(UDP_IKE), 36, -1 },
	{ "create-request", MANGLE_BIT(UDP_IKE), 36, 0 },
	{ "create-response", MANGLE_BIT(UDP_IKE), 36, 1 },
	{ "info", MANGLE_BIT(UDP_IKE), 37, -1 },
	{ "info-request", MANGLE_BIT(UDP_IKE), 37, 0 },
	{ "info-response", MANGLE_BIT(UDP_IKE), 37, 1 },
};

static const char *const mangle_actions[MANGLE_ACTION_N] = {
	[MANGLE_PASS] = "", [MANGLE_DROP] = "drop", [MANGLE_DUP] = "dup", [MANGLE_CORRUPT] = "corrupt",
	[MANGLE_REORDER] = "reorder", [MANGLE_DELAY] = "delay",
};

/* ---- from text ---- */

/* The letters up to one of END, or to the end, to WORD; false when there are none or too many. *P moves behind them. */
static bool mangle_word(const char **p, const char *end, char word[MANGLE_WORD])
{
	size_t n = strcspn(*p, end);

	if (n == 0 || n >= MANGLE_WORD)
		return false;
	snprintf(word, MANGLE_WORD, "%.*s", (int)n, *p);
	*p += n;
	return true;
}

/* One letter C, which *P then moves behind. */
static bool mangle_letter(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

static bool mangle_number(const char **p, unsigned min, unsigned max, unsigned *ret)
{
	size_t digits = strspn(*p, "0123456789");
	unsigned long v = strtoul(*p, NULL, 10);

	if (digits == 0 || digits > MANGLE_DIGITS || v < min || v > max)
		return false;
	*p += digits;
	*ret = (unsigned)v;
	return true;
}

static bool mangle_kind(const char **p, struct mangle_rule *r)
{
	char word[MANGLE_WORD];

	if (!mangle_word(p, "=,", word))
		return false;
	for (r->kind = 0; r->kind < CW_COUNT(mangle_kinds); r->kind++)
		if (strcmp(word, mangle_kinds[r->kind].name) == 0)
			return true;
	return false;
}

static bool mangle_action(const char **p, struct mangle_rule *r)
{
	char word[MANGLE_WORD];

	if (!mangle_word(p, ":@,", word))
		return false;
	for (int i = MANGLE_DROP; i < MANGLE_ACTION_N; i++) {
		if (strcmp(word, mangle_actions[i]) != 0)
			continue;
		r->action = (enum mangle_action)i;
		return i != MANGLE_DELAY || (mangle_letter(p, ':') && mangle_number(p, 1, MANGLE_DELAY_MAX, &r->ms));
	}
	return false;
}

static bool mangle_when(const char **p, struct mangle_rule *r)
{
	unsigned seed = 0;

	r->when = MANGLE_ALWAYS;
	if (!mangle_letter(p, '@'))
		return true;
	r->when = mangle_letter(p, '/') ? MANGLE_EACH : MANGLE_NTH;
	if (!mangle_number(p, 1, 1000 * 1000, &r->n))
		return false;
	if (r->when == MANGLE_EACH || !mangle_letter(p, '%'))
		return true;
	r->when = MANGLE_CHANCE;
	if (r->n > MANGLE_PERCENT)
		return false;
	r->random = cw_rand_u64();
	if (**p >= '0' && **p <= '9') {
		if (!mangle_number(p, 0, UINT32_MAX, &seed))
			return false;
		r->random = seed;
	}
	return true;
}

static bool mangle_direction(const char **p, struct mangle_rule *r)
{
	char word[MANGLE_WORD];

	if (!mangle_word(p, ".,", word) || !mangle_letter(p, '.'))
		return false;
	r->out = strcmp(word, "out") == 0;
	return r->out || strcmp(word, "in") == 0;
}

static int mangle_rule(const char **p, struct mangle_rule *r, struct cw_why *why)
{
	static const char rule[] = "must be like udp.out.auth-request=drop@1";
	const char *begin = *p;

	*p += strlen("udp.");
	*r = (struct mangle_rule){ 0 };
	if (mangle_direction(p, r) && mangle_kind(p, r) && mangle_letter(p, '=') && mangle_action(p, r) &&
	    mangle_when(p, r) && (**p == ',' || **p == '\0'))
		return 0;
	return cw_why_set(why, CW_E_INVALID, "impair", "rules", "%s; found '%.*s'", rule,
			  (int)strcspn(begin, ","), begin);
}

int mangle_parse(const char *text, struct mangle *ret, struct cw_why *why)
{
	int r;

	ret->n = 0;
	for (const char *p = text; *p; p += strcspn(p, ","), p += *p == ',') {
		if (strncmp(p, "udp.", 4) != 0)
			continue;
		if (ret->n == MANGLE_RULES_MAX)
			r = cw_why_set(why, CW_E_LIMIT, "impair", "rules", "at most %d", MANGLE_RULES_MAX);
		else
			r = mangle_rule(&p, &ret->rules[ret->n++], why);
		if (r < 0) {
			ret->n = 0;
			return r;
		}
	}
	return 0;
}

/* ---- against a datagram ---- */

static bool mangle_is(const struct mangle_kind *k, const uint8_t *data, size_t size)
{
	struct cw_cur c = cw_cur_of(data, size);
	uint8_t exchange;
	bool response;

	if (!(k->kinds & MANGLE_BIT(udp_classify(data, size))))
		return false;
	if (k->exchange == 0 && k->response < 0)
		return true;
	cw_cur_skip(&c, MANGLE_IKE_EXCHANGE);
	exchange = cw_cur_u8(&c);
	response = (cw_cur_u8(&c) & MANGLE_IKE_RESPONSE) != 0;
	return !c.bad && (k->exchange == 0 || k->exchange == exchange) &&
	       (k->response < 0 || (k->response != 0) == response);
}

/* splitmix64: small, and the same on every machine. */
static uint64_t mangle_random(struct mangle_rule *r)
{
	uint64_t z = r->random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* The rule has just seen one more. */
static bool mangle_strikes(struct mangle_rule *r)
{
	switch (r->when) {
	case MANGLE_NTH:
		return r->seen == r->n;
	case MANGLE_EACH:
		return r->seen % r->n == 0;
	case MANGLE_CHANCE:
		return mangle_random(r) % MANGLE_PERCENT < r->n;
	case MANGLE_ALWAYS:
		break;
	}
	return true;
}

static struct mangle_verdict mangle_verdict(struct mangle_rule *r, size_t size)
{
	struct mangle_verdict v = { .action = r->action, .ms = r->ms };
	uint64_t x = mangle_random(r);

	r->struck++;
	if (r->action == MANGLE_CORRUPT && size <= UDP_MARKER)
		v.action = MANGLE_DROP;
	else if (r->action == MANGLE_CORRUPT)
		v.at = UDP_MARKER + (size_t)(x >> 3) % (size - UDP_MARKER);
	v.bit = x & 7;
	return v;
}

struct mangle_verdict mangle_judge(struct mangle *m, bool out, const uint8_t *data, size_t size)
{
	struct mangle_verdict v = { .action = MANGLE_PASS };

	for (size_t i = 0; i < m->n; i++) {
		struct mangle_rule *r = &m->rules[i];

		if (r->out != out || !mangle_is(&mangle_kinds[r->kind], data, size))
			continue;
		r->seen++;
		if (mangle_strikes(r) && v.action == MANGLE_PASS)
			v = mangle_verdict(r, size);
	}
	return v;
}

/* ---- for people ---- */

static void mangle_when_text(const struct mangle_rule *r, char buf[MANGLE_WORD])
{
	static const char *const before[] = { [MANGLE_EACH] = "/", [MANGLE_NTH] = "", [MANGLE_CHANCE] = "" };

	if (r->when == MANGLE_ALWAYS)
		snprintf(buf, MANGLE_WORD, "all");
	else
		snprintf(buf, MANGLE_WORD, "%s%u%s", before[r->when], r->n, r->when == MANGLE_CHANCE ? "%" : "");
}

static struct cw_json *mangle_rule_json(const struct mangle_rule *r)
{
	struct cw_json *o = cw_json_object();
	char when[MANGLE_WORD];

	mangle_when_text(r, when);
	cw_json_set_str(o, "direction", r->out ? "out" : "in");
	cw_json_set_str(o, "kind", mangle_kinds[r->kind].name);
	cw_json_set_str(o, "action", mangle_actions[r->action]);
	cw_json_set_int(o, "delay_ms", r->ms);
	cw_json_set_str(o, "when", when);
	cw_json_set_int(o, "seen", (int64_t)r->seen);
	cw_json_set_int(o, "struck", (int64_t)r->struck);
	return o;
}

struct cw_json *mangle_json(const struct mangle *m)
{
	struct cw_json *o = cw_json_object(), *items = cw_json_array();

	for (size_t i = 0; i < m->n; i++)
		cw_json_add(items, mangle_rule_json(&m->rules[i]));
	cw_json_set(o, "items", items);
	cw_json_set(o, "next", cw_json_null());
	return o;
}
