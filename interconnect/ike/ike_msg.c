/* SPDX-License-Identifier: Apache-2.0 */
/* ike_msg.c - RFC 7296 s3.1 and s3.2. */
#include "interconnect/ike/ike_msg.h"

enum { LENGTH_AT = 24 };

int ike_msg_header(const void *msg, size_t size, struct ike_header *ret_h)
{
	struct cw_cur c = cw_cur_of(msg, size);

	ret_h->spi_i = cw_cur_u64(&c);
	ret_h->spi_r = cw_cur_u64(&c);
	ret_h->next = cw_cur_u8(&c);
	ret_h->version = cw_cur_u8(&c);
	ret_h->exchange = cw_cur_u8(&c);
	ret_h->flags = cw_cur_u8(&c);
	ret_h->id = cw_cur_u32(&c);
	ret_h->length = cw_cur_u32(&c);
	if (c.bad)
		return CW_E_TRUNC;
	return ret_h->length == size ? 0 : CW_E_MALFORMED;
}

const char *ike_msg_exchange_name(uint8_t exchange)
{
	static const char *const names[] = { "IKE_SA_INIT", "IKE_AUTH", "CREATE_CHILD_SA", "INFORMATIONAL" };

	if (exchange < IKE_SA_INIT || exchange > IKE_INFORMATIONAL)
		return "unknown exchange";
	return names[exchange - IKE_SA_INIT];
}

int ike_msg_next(struct ike_chain *ch, struct ike_payload *ret_p)
{
	struct ike_payload p = { .type = ch->next };
	size_t length;

	if (ch->next == IKE_PT_NONE)
		return cw_cur_done(&ch->c);
	p.next = cw_cur_u8(&ch->c);
	p.critical = cw_cur_u8(&ch->c) & IKE_CRITICAL;
	length = cw_cur_u16(&ch->c);
	if (ch->c.bad || length < IKE_PLD_HEADER)
		return CW_E_TRUNC;
	p.body = cw_cur_sub(&ch->c, length - IKE_PLD_HEADER);
	if (p.body.bad)
		return CW_E_TRUNC;
	ch->next = p.type == IKE_PT_SK || p.type == IKE_PT_SKF ? IKE_PT_NONE : p.next;
	*ret_p = p;
	return 1;
}

struct ike_out ike_msg_begin(void *buf, size_t size, const struct ike_header *h)
{
	struct ike_out o = { .w = cw_wr_of(buf, size), .next_at = SIZE_MAX };

	if (!h)
		return o;
	cw_wr_u64(&o.w, h->spi_i);
	cw_wr_u64(&o.w, h->spi_r);
	cw_wr_u8(&o.w, IKE_PT_NONE);
	cw_wr_u8(&o.w, IKE_VERSION);
	cw_wr_u8(&o.w, h->exchange);
	cw_wr_u8(&o.w, h->flags);
	cw_wr_u32(&o.w, h->id);
	cw_wr_u32(&o.w, 0);
	o.next_at = IKE_NEXT_AT;
	o.next_low = IKE_VERSION;
	return o;
}

size_t ike_msg_open(struct ike_out *o, uint8_t type)
{
	size_t at = o->w.len;

	if (o->next_at != SIZE_MAX)
		cw_wr_put16(&o->w, o->next_at, (size_t)type << 8 | o->next_low);
	if (o->first == IKE_PT_NONE)
		o->first = type;
	o->next_at = at;
	o->next_low = 0;
	cw_wr_u16(&o->w, 0);
	cw_wr_u16(&o->w, 0);
	return at;
}

void ike_msg_close(struct ike_out *o, size_t at)
{
	cw_wr_len16_end(&o->w, at + 2, at);
}

int ike_msg_end(struct ike_out *o)
{
	int size = cw_wr_done(&o->w);

	if (size < 0)
		return size;
	cw_wr_put16(&o->w, LENGTH_AT, (size_t)size >> 16);
	cw_wr_put16(&o->w, LENGTH_AT + 2, (size_t)size & 0xffff);
	return size;
}
