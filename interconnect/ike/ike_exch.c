/* SPDX-License-Identifier: Apache-2.0 */
/* ike_exch.c - one request at a time, in each direction. */
#include "interconnect/ike/ike_exch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/err.h"
#include "interconnect/ike/ike_limits.h"

static void drop(uint8_t **p, size_t *size)
{
	free(*p);
	*p = NULL;
	*size = 0;
}

void ike_exch_fini(struct ike_exch *x)
{
	drop(&x->request, &x->request_size);
	drop(&x->answer, &x->answer_size);
}

static int copy(const void *msg, size_t size, uint8_t **p, size_t *ret_size)
{
	uint8_t *b = malloc(size ? size : 1);

	if (!b)
		return -ENOMEM;
	memcpy(b, msg, size);
	free(*p);
	*p = b;
	*ret_size = size;
	return 0;
}

int ike_exch_requested(struct ike_exch *x, const void *msg, size_t size, uint64_t now_ms)
{
	int r;

	if (x->request)
		return CW_E_STATE;
	if (x->out_id == UINT32_MAX)
		return CW_E_LIMIT;
	if ((r = copy(msg, size, &x->request, &x->request_size)) < 0)
		return r;
	x->tries = 1;
	x->due_ms = now_ms + IKE_RESEND_FIRST_MS;
	return 0;
}

bool ike_exch_expects(const struct ike_exch *x, uint32_t id)
{
	return x->request && id == x->out_id;
}

void ike_exch_over(struct ike_exch *x)
{
	drop(&x->request, &x->request_size);
	x->out_id++;
}

void ike_exch_withdraw(struct ike_exch *x)
{
	drop(&x->request, &x->request_size);
}

enum ike_exch_due ike_exch_due(struct ike_exch *x, uint64_t now_ms)
{
	uint64_t wait = IKE_RESEND_FIRST_MS;

	if (!x->request || now_ms < x->due_ms)
		return IKE_EXCH_QUIET;
	if (x->tries == IKE_RESEND_TRIES)
		return IKE_EXCH_GIVE_UP;
	for (unsigned i = 0; i < x->tries; i++)
		wait = CW_MIN(wait * 2, (uint64_t)IKE_RESEND_MAX_MS);
	x->tries++;
	x->due_ms = now_ms + wait;
	return IKE_EXCH_RESEND;
}

uint64_t ike_exch_next_ms(const struct ike_exch *x)
{
	return x->request ? x->due_ms : UINT64_MAX;
}

enum ike_exch_kind ike_exch_kind(const struct ike_exch *x, uint32_t id)
{
	if (id == x->in_id && id != UINT32_MAX)
		return IKE_EXCH_FRESH;
	if (x->answer && id == x->in_id - 1)
		return IKE_EXCH_REPEATED;
	return IKE_EXCH_OUTSIDE;
}

int ike_exch_answered(struct ike_exch *x, const void *msg, size_t size)
{
	int r;

	if ((r = copy(msg, size, &x->answer, &x->answer_size)) < 0)
		return r;
	x->in_id++;
	return 0;
}
