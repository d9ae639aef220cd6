/* SPDX-License-Identifier: Apache-2.0 */
/* ike_pld.c - RFC 7296 s3.4 to s3.14: one row and one reader per payload. */
#include "interconnect/ike/ike_pld.h"

#include "interconnect/ike/ike_prop.h"

static struct cw_span rest(struct cw_cur *c)
{
	struct cw_span s = { c->p, cw_cur_left(c) };

	cw_cur_skip(c, s.size);
	return s;
}

static struct cw_span take(struct cw_cur *c, size_t size)
{
	const uint8_t *p = cw_cur_take(c, size);

	return (struct cw_span){ p, p ? size : 0 };
}

static int read_sa(struct cw_cur *c, struct ike_in *in)
{
	in->sa = rest(c);
	return ike_prop_check(in->sa);
}

static int read_ke(struct cw_cur *c, struct ike_in *in)
{
	in->ke.group = cw_cur_u16(c);
	cw_cur_skip(c, 2);
	in->ke.data = rest(c);
	return 0;
}

static void id(struct cw_cur *c, struct ike_in_id *ret_id)
{
	ret_id->body = (struct cw_span){ c->p, cw_cur_left(c) };
	ret_id->type = cw_cur_u8(c);
	cw_cur_skip(c, 3);
	ret_id->data = rest(c);
}

static int read_idi(struct cw_cur *c, struct ike_in *in)
{
	id(c, &in->idi);
	return 0;
}

static int read_idr(struct cw_cur *c, struct ike_in *in)
{
	id(c, &in->idr);
	return 0;
}

static int read_cert(struct cw_cur *c, struct ike_in *in)
{
	uint8_t encoding = cw_cur_u8(c);
	struct cw_span data = rest(c);

	if (encoding != IKE_CERT_X509)
		return 0;
	if (in->n_certs == CW_COUNT(in->cert))
		return CW_E_LIMIT;
	in->cert[in->n_certs++] = data;
	return 0;
}

static int read_auth(struct cw_cur *c, struct ike_in *in)
{
	in->auth.method = cw_cur_u8(c);
	cw_cur_skip(c, 3);
	in->auth.data = rest(c);
	return 0;
}

static int read_nonce(struct cw_cur *c, struct ike_in *in)
{
	in->nonce = rest(c);
	return in->nonce.size > IKE_NONCE_MAX ? CW_E_MALFORMED : 0;
}

static int read_notify(struct cw_cur *c, struct ike_in *in)
{
	struct ike_in_notify n = { .protocol = cw_cur_u8(c) };
	uint8_t spi_size = cw_cur_u8(c);

	n.type = cw_cur_u16(c);
	n.spi = take(c, spi_size);
	n.data = rest(c);
	if (c->bad)
		return CW_E_TRUNC;
	if (in->n_notifies == CW_COUNT(in->notify))
		return CW_E_LIMIT;
	in->notify[in->n_notifies++] = n;
	return 0;
}

/* The size of the SPIs is fixed by the protocol: none for IKE, 4 for the others (s3.11). */
static int read_delete(struct cw_cur *c, struct ike_in *in)
{
	struct ike_in_delete d = { 0 };

	d.protocol = cw_cur_u8(c);
	d.spi_size = cw_cur_u8(c);
	d.n = cw_cur_u16(c);
	d.spis = cw_cur_sub(c, (size_t)d.spi_size * d.n);
	if (d.spis.bad)
		return CW_E_TRUNC;
	if (d.spi_size != (d.protocol == IKE_PROTO_IKE ? 0 : 4))
		return CW_E_MALFORMED;
	if (in->n_deletes == CW_COUNT(in->del))
		return CW_E_LIMIT;
	in->del[in->n_deletes++] = d;
	return 0;
}

/* One selector (s3.13.1). Of an unknown type: nothing is added. */
static int selector(struct cw_cur *c, struct ike_in_ts *list)
{
	uint8_t type = cw_cur_u8(c);
	struct ike_ts ts = { .protocol = cw_cur_u8(c) };
	uint16_t length = cw_cur_u16(c);
	size_t size = type == IKE_TS_IPV6 ? 16 : 4;
	struct cw_cur body;
	uint8_t b[2][16];

	if (length < 4)
		return CW_E_TRUNC;
	body = cw_cur_sub(c, length - 4u);
	if (body.bad)
		return CW_E_TRUNC;
	if (type != IKE_TS_IPV4 && type != IKE_TS_IPV6)
		return 0;
	ts.port_first = cw_cur_u16(&body);
	ts.port_last = cw_cur_u16(&body);
	cw_cur_copy(&body, b[0], size);
	cw_cur_copy(&body, b[1], size);
	if (cw_cur_done(&body) < 0 || memcmp(b[0], b[1], size) > 0)
		return CW_E_MALFORMED;
	ts.first = cw_ip_of(b[0], size);
	ts.last = cw_ip_of(b[1], size);
	if (list->n == CW_COUNT(list->ts))
		return CW_E_LIMIT;
	list->ts[list->n++] = ts;
	return 0;
}

static int selectors(struct cw_cur *c, struct ike_in_ts *ret_list)
{
	uint8_t n = cw_cur_u8(c);
	int r = 0;

	ret_list->n = 0;
	cw_cur_skip(c, 3);
	if (n == 0)
		return CW_E_MALFORMED;
	for (; n > 0 && r == 0; n--)
		r = selector(c, ret_list);
	return r;
}

static int read_tsi(struct cw_cur *c, struct ike_in *in)
{
	return selectors(c, &in->tsi);
}

static int read_tsr(struct cw_cur *c, struct ike_in *in)
{
	return selectors(c, &in->tsr);
}

/* The walker keeps what SK needs; CERTREQ, V and CP tell us nothing, EAP is refused by its presence. */
static int read_opaque(struct cw_cur *c, struct ike_in *in)
{
	(void)in;
	(void)rest(c);
	return 0;
}

static const struct row {
	uint8_t type;
	const char *name;
	size_t min;             /* of the body */
	int (*read)(struct cw_cur *c, struct ike_in *in);
} rows[IKE_PT_N_KNOWN] = {
	{ IKE_PT_SA, "SA", 8, read_sa },
	{ IKE_PT_KE, "KE", 4, read_ke },
	{ IKE_PT_IDI, "IDi", 4, read_idi },
	{ IKE_PT_IDR, "IDr", 4, read_idr },
	{ IKE_PT_CERT, "CERT", 1, read_cert },
	{ IKE_PT_CERTREQ, "CERTREQ", 1, read_opaque },
	{ IKE_PT_AUTH, "AUTH", 4, read_auth },
	{ IKE_PT_NONCE, "N", IKE_NONCE_MIN, read_nonce },
	{ IKE_PT_N, "N()", 4, read_notify },
	{ IKE_PT_D, "D", 4, read_delete },
	{ IKE_PT_V, "V", 0, read_opaque },
	{ IKE_PT_TSI, "TSi", 12, read_tsi },
	{ IKE_PT_TSR, "TSr", 12, read_tsr },
	{ IKE_PT_SK, "SK", IKE_SK_IV + 1 + CW_AEAD_TAG, read_opaque },
	{ IKE_PT_CP, "CP", 4, read_opaque },
	{ IKE_PT_EAP, "EAP", 4, read_opaque },
};

static const struct row *row_of(uint8_t type)
{
	return type >= IKE_PT_FIRST && type - IKE_PT_FIRST < IKE_PT_N_KNOWN ? &rows[type - IKE_PT_FIRST] : NULL;
}

/* SKF: number and total, and what is as in SK (RFC 7383 s2.5). */
static int read_fragment(struct ike_payload *p, struct ike_in *in)
{
	in->frag_no = cw_cur_u16(&p->body);
	in->frag_total = cw_cur_u16(&p->body);
	if (p->body.bad || cw_cur_left(&p->body) < rows[IKE_PT_SK - IKE_PT_FIRST].min)
		return CW_E_TRUNC;
	if (in->frag_no == 0 || in->frag_no > in->frag_total || (in->frag_no > 1 && p->next != IKE_PT_NONE))
		return CW_E_MALFORMED;
	in->sk = rest(&p->body);
	in->sk_next = p->next;
	return 0;
}

static int read_one(struct ike_payload *p, struct ike_in *in)
{
	const struct row *row = row_of(p->type);
	int r;

	if (p->type == IKE_PT_SKF)
		return read_fragment(p, in);

	if (!row) {
		if (p->critical && !in->critical)
			in->critical = p->type;
		return 0;
	}
	if (cw_cur_left(&p->body) < row->min)
		return CW_E_TRUNC;
	in->count[p->type - IKE_PT_FIRST]++;
	if (p->type == IKE_PT_SK) {
		in->sk = (struct cw_span){ p->body.p, cw_cur_left(&p->body) };
		in->sk_next = p->next;
	}
	if ((r = row->read(&p->body, in)) < 0)
		return r;
	return cw_cur_done(&p->body);
}

int ike_pld_read(uint8_t first, struct cw_cur body, struct ike_in *ret_in)
{
	struct ike_chain ch = { body, first };
	struct ike_payload p;
	int r;

	memset(ret_in, 0, sizeof *ret_in);
	while ((r = ike_msg_next(&ch, &p)) > 0) {
		if (++ret_in->n_payloads > IKE_PLD_MAX)
			return CW_E_LIMIT;
		if ((r = read_one(&p, ret_in)) < 0)
			return r;
	}
	return r;
}

const struct ike_in_notify *ike_pld_notify(const struct ike_in *in, uint16_t type)
{
	for (size_t i = 0; i < in->n_notifies; i++)
		if (in->notify[i].type == type)
			return &in->notify[i];
	return NULL;
}

const struct ike_in_notify *ike_pld_error(const struct ike_in *in)
{
	for (size_t i = 0; i < in->n_notifies; i++)
		if (in->notify[i].type < IKE_N_STATUS)
			return &in->notify[i];
	return NULL;
}

const char *ike_pld_notify_name(uint16_t type)
{
	static const struct {
		uint16_t type;
		const char *name;
	} names[] = {
#define NOTIFY_NAME(name, number) { number, #name },
		IKE_NOTIFIES(NOTIFY_NAME)
#undef NOTIFY_NAME
	};

	for (size_t i = 0; i < CW_COUNT(names); i++)
		if (names[i].type == type)
			return names[i].name;
	return "unknown notification";
}

const char *ike_pld_name(uint8_t type)
{
	const struct row *row = row_of(type);

	return row ? row->name : "?";
}

void ike_pld_bytes(struct ike_out *o, enum ike_pt type, const void *data, size_t size)
{
	size_t at = ike_msg_open(o, (uint8_t)type);

	cw_wr_bytes(&o->w, data, size);
	ike_msg_close(o, at);
}

void ike_pld_ke(struct ike_out *o, unsigned group, const void *data, size_t size)
{
	size_t at = ike_msg_open(o, IKE_PT_KE);

	cw_wr_u16(&o->w, (uint16_t)group);
	cw_wr_u16(&o->w, 0);
	cw_wr_bytes(&o->w, data, size);
	ike_msg_close(o, at);
}

/* ID and AUTH look alike: an octet, three reserved ones, data. */
static void tagged(struct ike_out *o, enum ike_pt type, uint8_t tag, const void *data, size_t size)
{
	size_t at = ike_msg_open(o, (uint8_t)type);

	cw_wr_u8(&o->w, tag);
	cw_wr_u24(&o->w, 0);
	cw_wr_bytes(&o->w, data, size);
	ike_msg_close(o, at);
}

void ike_pld_id(struct ike_out *o, enum ike_pt type, uint8_t id_type, const void *data, size_t size)
{
	tagged(o, type, id_type, data, size);
}

void ike_pld_auth(struct ike_out *o, uint8_t method, const void *data, size_t size)
{
	tagged(o, IKE_PT_AUTH, method, data, size);
}

void ike_pld_cert(struct ike_out *o, enum ike_pt type, const void *data, size_t size)
{
	size_t at = ike_msg_open(o, (uint8_t)type);

	cw_wr_u8(&o->w, IKE_CERT_X509);
	cw_wr_bytes(&o->w, data, size);
	ike_msg_close(o, at);
}

void ike_pld_put_notify(struct ike_out *o, uint16_t type, const void *data, size_t size)
{
	size_t at = ike_msg_open(o, IKE_PT_N);

	cw_wr_u16(&o->w, 0);            /* no protocol, no SPI */
	cw_wr_u16(&o->w, type);
	cw_wr_bytes(&o->w, data, size);
	ike_msg_close(o, at);
}

void ike_pld_put_notify_sa(struct ike_out *o, uint16_t type, uint8_t protocol, struct cw_span spi)
{
	size_t at = ike_msg_open(o, IKE_PT_N);

	cw_wr_u8(&o->w, protocol);
	cw_wr_u8(&o->w, (uint8_t)spi.size);
	cw_wr_u16(&o->w, type);
	cw_wr_bytes(&o->w, spi.p, spi.size);
	ike_msg_close(o, at);
}

void ike_pld_delete_ike(struct ike_out *o)
{
	size_t at = ike_msg_open(o, IKE_PT_D);

	cw_wr_u8(&o->w, IKE_PROTO_IKE);
	cw_wr_u24(&o->w, 0);
	ike_msg_close(o, at);
}

void ike_pld_delete_esp(struct ike_out *o, const uint32_t *spis, size_t n)
{
	size_t at = ike_msg_open(o, IKE_PT_D);

	cw_wr_u8(&o->w, IKE_PROTO_ESP);
	cw_wr_u8(&o->w, 4);
	cw_wr_u16(&o->w, (uint16_t)n);
	for (size_t i = 0; i < n; i++)
		cw_wr_u32(&o->w, spis[i]);
	ike_msg_close(o, at);
}

void ike_pld_ts(struct ike_out *o, enum ike_pt type, const struct ike_ts *ts)
{
	size_t size = cw_ip_size(&ts->first), at = ike_msg_open(o, (uint8_t)type);

	cw_wr_u8(&o->w, 1);
	cw_wr_u24(&o->w, 0);
	cw_wr_u8(&o->w, size == 4 ? IKE_TS_IPV4 : IKE_TS_IPV6);
	cw_wr_u8(&o->w, ts->protocol);
	cw_wr_u16(&o->w, (uint16_t)(8 + 2 * size));
	cw_wr_u16(&o->w, ts->port_first);
	cw_wr_u16(&o->w, ts->port_last);
	cw_wr_bytes(&o->w, ts->first.b, size);
	cw_wr_bytes(&o->w, ts->last.b, size);
	ike_msg_close(o, at);
}
