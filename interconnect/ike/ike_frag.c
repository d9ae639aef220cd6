/* SPDX-License-Identifier: Apache-2.0 */
/* ike_frag.c - fragments side by side. */
#include "interconnect/ike/ike_frag.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/err.h"
#include "interconnect/base/mem.h"

void ike_frag_drop(struct ike_frag *f)
{
	for (size_t i = 0; i < f->total; i++) {
		if (f->part[i].p)
			cw_mem_wipe(f->part[i].p, f->part[i].size);
		free(f->part[i].p);
	}
	memset(f, 0, sizeof *f);
}

bool ike_frag_wants(const struct ike_frag *f, uint32_t id, uint16_t no, uint16_t total)
{
	if (no == 0 || no > total || total > IKE_FRAGMENTS_MAX)
		return false;
	if (f->total == 0 || f->id != id || total > f->total)
		return true;
	return total == f->total && !f->part[no - 1].p;
}

int ike_frag_add(struct ike_frag *f, const struct ike_frag_in *in, uint64_t now_ms)
{
	uint8_t *copy;

	if (!ike_frag_wants(f, in->id, in->no, in->total))
		return in->total > IKE_FRAGMENTS_MAX ? CW_E_LIMIT : CW_E_REPLAY;
	if (f->total != in->total || f->id != in->id)
		ike_frag_drop(f);
	/* Each brings something, so that none is for nothing. */
	if (in->size == 0 || f->size + in->size > IKE_IN_MAX) {
		ike_frag_drop(f);
		return CW_E_LIMIT;
	}
	if (!(copy = malloc(in->size)))
		return -ENOMEM;
	memcpy(copy, in->p, in->size);
	if (f->n == 0) {
		f->id = in->id;
		f->total = in->total;
		f->due_ms = now_ms + IKE_FRAGMENTS_MS;
	}
	if (in->no == 1) {
		f->next = in->next;
		f->critical = in->critical;
	}
	f->part[in->no - 1] = (struct ike_frag_part){ copy, in->size };
	f->size += in->size;
	return ++f->n == f->total;
}

size_t ike_frag_join(struct ike_frag *f, uint8_t *out)
{
	size_t len = 0;

	for (size_t i = 0; i < f->total; i++) {
		memcpy(out + len, f->part[i].p, f->part[i].size);
		len += f->part[i].size;
	}
	ike_frag_drop(f);
	return len;
}

uint64_t ike_frag_next_ms(const struct ike_frag *f)
{
	return f->total ? f->due_ms : UINT64_MAX;
}

void ike_frag_tick(struct ike_frag *f, uint64_t now_ms)
{
	if (now_ms >= ike_frag_next_ms(f))
		ike_frag_drop(f);
}
