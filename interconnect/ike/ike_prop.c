/* SPDX-License-Identifier: Apache-2.0 */
/* ike_prop.c - proposals and transforms. */
#include "interconnect/ike/ike_prop.h"

#include "interconnect/ike/ike_suite.h"

enum { MORE_PROPOSALS = 2, MORE_TRANSFORMS = 3, ESP_SPI_SIZE = 4, IKE_SPI_SIZE = 8, SPI_MIN = 256 };

struct proposal {
	bool last;
	uint8_t number, protocol, n_transforms;
	struct cw_span spi;
	struct cw_cur transforms;
};

struct transform {
	bool last, usable;
	uint8_t type;
	uint16_t id, key_bits;
};

static int read_proposal(struct cw_cur *c, struct proposal *ret_p)
{
	uint8_t more = cw_cur_u8(c), spi_size;
	struct proposal p = { .last = more == 0 };
	struct cw_cur body;
	uint16_t length;

	cw_cur_skip(c, 1);
	length = cw_cur_u16(c);
	if (c->bad || length < 8)
		return CW_E_TRUNC;
	body = cw_cur_sub(c, length - 4u);
	p.number = cw_cur_u8(&body);
	p.protocol = cw_cur_u8(&body);
	spi_size = cw_cur_u8(&body);
	p.n_transforms = cw_cur_u8(&body);
	p.spi.p = cw_cur_take(&body, spi_size);
	p.spi.size = spi_size;
	p.transforms = body;
	if (body.bad)
		return CW_E_TRUNC;
	if (more != 0 && more != MORE_PROPOSALS)
		return CW_E_MALFORMED;
	*ret_p = p;
	return 0;
}

/* Attributes: type and value, or type, length and value. Only the key length is known (s3.3.5). */
static int read_attributes(struct cw_cur *c, struct transform *t)
{
	while (cw_cur_left(c) > 0) {
		uint16_t type = cw_cur_u16(c), value = cw_cur_u16(c);

		if (type == (IKE_ATTR_TV | IKE_ATTR_KEY_LENGTH) && t->key_bits == 0 && value != 0)
			t->key_bits = value;
		else
			t->usable = false;
		if (!(type & IKE_ATTR_TV))
			cw_cur_skip(c, value);
	}
	return cw_cur_done(c);
}

static int read_transform(struct cw_cur *c, struct transform *ret_t)
{
	uint8_t more = cw_cur_u8(c);
	struct transform t = { .last = more == 0, .usable = true };
	struct cw_cur body;
	uint16_t length;
	int r;

	cw_cur_skip(c, 1);
	length = cw_cur_u16(c);
	if (c->bad || length < 8)
		return CW_E_TRUNC;
	body = cw_cur_sub(c, length - 4u);
	t.type = cw_cur_u8(&body);
	cw_cur_skip(&body, 1);
	t.id = cw_cur_u16(&body);
	if ((r = read_attributes(&body, &t)) < 0)
		return r;
	if (more != 0 && more != MORE_TRANSFORMS)
		return CW_E_MALFORMED;
	*ret_t = t;
	return 0;
}

/* "Last" stands on the last and nowhere else, and there are as many transforms as promised. */
static int check_transforms(const struct proposal *p)
{
	struct cw_cur c = p->transforms;
	struct transform t;
	int r;

	for (size_t n = p->n_transforms; n > 0; n--) {
		if ((r = read_transform(&c, &t)) < 0)
			return r;
		if (t.last != (n == 1))
			return CW_E_MALFORMED;
	}
	return cw_cur_done(&c);
}

int ike_prop_check(struct cw_span sa)
{
	struct cw_cur c = cw_cur_of(sa.p, sa.size);
	struct proposal p = { 0 };
	int r;

	for (unsigned n = 1; !p.last; n++) {
		if (n > IKE_PROPOSALS_MAX)
			return CW_E_LIMIT;
		if ((r = read_proposal(&c, &p)) < 0 || (r = check_transforms(&p)) < 0)
			return r;
		/* A response names the one it took; whoever reads it compares. */
		if (p.number == 0 || (n > 1 && p.number != n))
			return CW_E_MALFORMED;
	}
	return cw_cur_done(&c);
}

static void want(struct ike_prop_wants *w, uint8_t type, unsigned id, unsigned key_bits, bool optional)
{
	w->want[w->n++] = (struct ike_prop_want){ type, (uint16_t)id, (uint16_t)key_bits, optional };
}

/* The cipher; and integrity on its own where the cipher has none (RFC 5282 s8: else none, said or unsaid). */
static void want_cipher(struct ike_prop_wants *w, enum cw_aead_alg aead)
{
	uint16_t bits, encr = ike_suite_encr(aead, &bits), integ = ike_suite_integ(aead);

	want(w, IKE_TT_ENCR, encr, bits, false);
	want(w, IKE_TT_INTEG, integ, 0, integ == 0);
}

struct ike_prop_policy ike_prop_ike(const struct ike_suites *suites)
{
	struct ike_prop_policy p = { .protocol = IKE_PROTO_IKE, .n = suites->n };

	for (size_t i = 0; i < suites->n; i++) {
		struct ike_prop_wants *w = &p.suite[i];

		want_cipher(w, suites->s[i].aead);
		want(w, IKE_TT_PRF, ike_suite_prf(suites->s[i].prf), 0, false);
		want(w, IKE_TT_DH, suites->s[i].group, 0, false);
	}
	return p;
}

struct ike_prop_policy ike_prop_ike_rekey(const struct ike_suites *suites)
{
	struct ike_prop_policy p = ike_prop_ike(suites);

	p.spi_size = IKE_SPI_SIZE;
	return p;
}

/* The group of the suite, which must be, or else any of the peer's, which may be. */
static void want_group(struct ike_prop_wants *w, unsigned group, unsigned peer_group)
{
	if (group) {
		want(w, IKE_TT_DH, group, 0, false);
		return;
	}
	if (cw_dh_public_size(peer_group))
		want(w, IKE_TT_DH, peer_group, 0, true);
	want(w, IKE_TT_DH, 0, 0, true);
}

static struct ike_prop_policy esp_with(const struct ike_suites *suites, enum ike_esn esn, bool rekey,
				       unsigned peer_group)
{
	struct ike_prop_policy p = { .protocol = IKE_PROTO_ESP, .spi_size = ESP_SPI_SIZE, .n = suites->n };

	for (size_t i = 0; i < suites->n; i++) {
		struct ike_prop_wants *w = &p.suite[i];

		want_cipher(w, suites->s[i].aead);
		want_group(w, rekey ? suites->s[i].group : 0, peer_group);
		if (esn != IKE_ESN_NO)
			want(w, IKE_TT_ESN, 1, 0, false);
		if (esn != IKE_ESN_YES)
			want(w, IKE_TT_ESN, 0, 0, false);
	}
	return p;
}

struct ike_prop_policy ike_prop_esp(const struct ike_suites *suites, enum ike_esn esn)
{
	return esp_with(suites, esn, false, 0);
}

struct ike_prop_policy ike_prop_esp_rekey(const struct ike_suites *suites, enum ike_esn esn, unsigned peer_group)
{
	return esp_with(suites, esn, true, peer_group);
}

/* Bits of transform types; IKE_TT_* are below 32. */
static unsigned bit(uint8_t type)
{
	return type < IKE_TT_MAX ? 1u << type : 1u << 31;
}

static const struct ike_prop_want *find_want(const struct ike_prop_wants *p, const struct transform *t, size_t *ret_i)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct ike_prop_want *w = &p->want[i];

		if (t->usable && w->type == t->type && w->id == t->id && w->key_bits == t->key_bits) {
			*ret_i = i;
			return w;
		}
	}
	return NULL;
}

/* Of several hits of one type only the first, which we like best, stays. */
static void keep_best(const struct ike_prop_wants *p, bool *hit)
{
	unsigned seen = 0;

	for (size_t i = 0; i < p->n; i++) {
		if (hit[i] && (seen & bit(p->want[i].type)))
			hit[i] = false;
		if (hit[i])
			seen |= bit(p->want[i].type);
	}
}

static bool spi_ok(const struct ike_prop_policy *p, struct cw_span spi, uint64_t *ret_spi)
{
	struct cw_cur c = cw_cur_of(spi.p, spi.size);

	if (spi.size != p->spi_size)
		return false;
	if (p->spi_size == 0)
		return true;
	*ret_spi = p->spi_size == IKE_SPI_SIZE ? cw_cur_u64(&c) : cw_cur_u32(&c);
	return *ret_spi >= (p->protocol == IKE_PROTO_ESP ? SPI_MIN : 1);
}

/* Does the proposal have all types that SUITE needs and for each type that it has one that we know? */
static bool fits(const struct ike_prop_policy *policy, size_t suite, const struct proposal *prop,
		 struct ike_prop_choice *ret_choice)
{
	const struct ike_prop_wants *p = &policy->suite[suite];
	unsigned need = 0, seen = 0, hits = 0;
	struct ike_prop_choice ch = { .number = prop->number, .suite = suite };
	struct cw_cur c = prop->transforms;
	struct transform t;
	size_t i;

	if (prop->protocol != policy->protocol || !spi_ok(policy, prop->spi, &ch.spi))
		return false;
	for (i = 0; i < p->n; i++)
		if (!p->want[i].optional)
			need |= bit(p->want[i].type);
	while (cw_cur_left(&c) > 0 && read_transform(&c, &t) == 0) {
		seen |= bit(t.type);
		if (find_want(p, &t, &i)) {
			hits |= bit(t.type);
			ch.hit[i] = true;
		}
	}
	if ((seen & ~hits) || (need & ~hits))
		return false;
	keep_best(p, ch.hit);
	for (i = 0; i < p->n; i++) {
		if (ch.hit[i] && p->want[i].type == IKE_TT_ESN)
			ch.esn = p->want[i].id == 1;
		if (ch.hit[i] && p->want[i].type == IKE_TT_DH)
			ch.group = p->want[i].id;
	}
	*ret_choice = ch;
	return true;
}

/* The first proposal of the peer that fits SUITE. */
static bool choose_for(const struct ike_prop_policy *p, size_t suite, struct cw_span sa,
		       struct ike_prop_choice *ret_choice)
{
	struct cw_cur c = cw_cur_of(sa.p, sa.size);
	struct proposal prop = { 0 };

	for (unsigned n = 1; !prop.last; n++) {
		if (read_proposal(&c, &prop) < 0)
			break;
		if (prop.number == n && fits(p, suite, &prop, ret_choice))
			return true;
	}
	return false;
}

int ike_prop_choose(const struct ike_prop_policy *p, struct cw_span sa, struct ike_prop_choice *ret_choice)
{
	for (size_t i = 0; i < p->n; i++)
		if (choose_for(p, i, sa, ret_choice))
			return 0;
	return CW_E_NO_PROPOSAL;
}

int ike_prop_accept(const struct ike_prop_policy *p, struct cw_span sa, struct ike_prop_choice *ret_choice)
{
	struct cw_cur c = cw_cur_of(sa.p, sa.size);
	const struct ike_prop_wants *wants;
	struct ike_prop_choice ch;
	struct proposal prop;
	size_t n_hits = 0;

	if (read_proposal(&c, &prop) < 0 || !prop.last || prop.number == 0 || prop.number > p->n ||
	    !fits(p, prop.number - 1u, &prop, &ch))
		return CW_E_NO_PROPOSAL;
	wants = &p->suite[ch.suite];
	for (size_t i = 0; i < wants->n; i++) {
		if (ch.hit[i] && wants->want[i].optional)
			return CW_E_NO_PROPOSAL;
		n_hits += ch.hit[i];
	}
	if (n_hits != prop.n_transforms)
		return CW_E_NO_PROPOSAL;
	*ret_choice = ch;
	return 0;
}

static void write_transform(struct ike_out *o, const struct ike_prop_want *w, bool last)
{
	size_t at = o->w.len, length_at;

	cw_wr_u8(&o->w, last ? 0 : MORE_TRANSFORMS);
	cw_wr_u8(&o->w, 0);
	length_at = cw_wr_len16_begin(&o->w);
	cw_wr_u8(&o->w, w->type);
	cw_wr_u8(&o->w, 0);
	cw_wr_u16(&o->w, w->id);
	if (w->key_bits) {
		cw_wr_u16(&o->w, IKE_ATTR_TV | IKE_ATTR_KEY_LENGTH);
		cw_wr_u16(&o->w, w->key_bits);
	}
	cw_wr_len16_end(&o->w, length_at, at);
}

static bool is_written(const struct ike_prop_wants *w, const struct ike_prop_choice *choice, size_t i)
{
	return choice ? choice->hit[i] : !w->want[i].optional;
}

static void write_proposal(struct ike_out *o, const struct ike_prop_policy *p, size_t suite,
			   const struct ike_prop_choice *choice, uint64_t spi)
{
	const struct ike_prop_wants *w = &p->suite[suite];
	size_t start = o->w.len, length_at, n = 0;

	for (size_t i = 0; i < w->n; i++)
		n += is_written(w, choice, i);
	cw_wr_u8(&o->w, choice || suite == p->n - 1 ? 0 : MORE_PROPOSALS);
	cw_wr_u8(&o->w, 0);
	length_at = cw_wr_len16_begin(&o->w);
	cw_wr_u8(&o->w, choice ? choice->number : (uint8_t)(suite + 1));
	cw_wr_u8(&o->w, p->protocol);
	cw_wr_u8(&o->w, p->spi_size);
	cw_wr_u8(&o->w, (uint8_t)n);
	if (p->spi_size == IKE_SPI_SIZE)
		cw_wr_u64(&o->w, spi);
	else if (p->spi_size == ESP_SPI_SIZE)
		cw_wr_u32(&o->w, (uint32_t)spi);
	for (size_t i = 0; i < w->n; i++)
		if (is_written(w, choice, i))
			write_transform(o, &w->want[i], --n == 0);
	cw_wr_len16_end(&o->w, length_at, start);
}

void ike_prop_write(struct ike_out *o, const struct ike_prop_policy *p, const struct ike_prop_choice *choice,
		    uint64_t spi)
{
	size_t at = ike_msg_open(o, IKE_PT_SA);

	if (choice)
		write_proposal(o, p, choice->suite, choice, spi);
	for (size_t i = 0; !choice && i < p->n; i++)
		write_proposal(o, p, i, NULL, spi);
	ike_msg_close(o, at);
}
