/* SPDX-License-Identifier: Apache-2.0 */
/* flood.c - the table of control frames, and the buckets. */
#include "netext/flood.h"

/* A row matches a destination under a mask, or a type whatever the destination is. */
static const struct control_row {
	uint8_t dst[6], mask_last;      /* the mask of the last byte; the five before it count whole */
	uint16_t type;
} control_rows[] = {
	{ { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x00 }, 0xf0, 0 },    /* IEEE 802.1D reserved: STP, pause, LACP, 802.1X, LLDP */
	{ { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x10 }, 0xff, 0 },    /* all LANs bridge management */
	{ { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x20 }, 0xf0, 0 },    /* GARP, GVRP, MVRP, MMRP */
	{ { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x30 }, 0xf0, 0 },    /* 802.1ag fault management */
	{ { 0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcc }, 0xff, 0 },    /* CDP, VTP, DTP, PAgP, UDLD */
	{ { 0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcd }, 0xff, 0 },    /* PVST+, Rapid PVST+ */
	{ { 0x01, 0x00, 0x0c, 0xcd, 0xcd, 0xcd }, 0xff, 0 },    /* Cisco STP UplinkFast */
	{ { 0x00, 0xe0, 0x2b, 0x00, 0x00, 0x00 }, 0xff, 0 },    /* EDP */
	{ { 0x01, 0xe0, 0x52, 0xcc, 0xcc, 0xcc }, 0xff, 0 },    /* FDP */
	{ { 0 }, 0, 0x8808 },    /* pause */
	{ { 0 }, 0, 0x8809 },    /* slow protocols: LACP, marker, OAM */
	{ { 0 }, 0, 0x88cc },    /* LLDP */
	{ { 0 }, 0, 0x9000 },    /* loopback test */
};

enum { FLOOD_FRAME = 1000 * 1000 };

static bool control_match(const struct control_row *row, const struct eth *e)
{
	if (row->type)
		return e->type == row->type;
	return memcmp(row->dst, e->dst.b, 5) == 0 && (e->dst.b[5] & row->mask_last) == row->dst[5];
}

bool flood_is_control(const struct eth *e)
{
	for (size_t i = 0; i < CW_COUNT(control_rows); i++)
		if (control_match(&control_rows[i], e))
			return true;
	return false;
}

void flood_init(struct flood *f, uint32_t pps, uint64_t now_us)
{
	f->pps = pps;
	for (size_t i = 0; i < FLOOD_KIND_N; i++) {
		f->last_us[i] = now_us;
		f->credit[i] = (uint64_t)pps * FLOOD_FRAME;
	}
}

bool flood_allow(struct flood *f, enum flood_kind kind, uint64_t now_us)
{
	uint64_t full = (uint64_t)f->pps * FLOOD_FRAME;
	uint64_t passed_us = CW_MIN(now_us - f->last_us[kind], (uint64_t)FLOOD_FRAME);

	f->last_us[kind] = now_us;
	f->credit[kind] = CW_MIN(f->credit[kind] + passed_us * f->pps, full);
	if (f->credit[kind] < FLOOD_FRAME)
		return false;
	f->credit[kind] -= FLOOD_FRAME;
	return true;
}
