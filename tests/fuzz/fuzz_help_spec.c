/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_help_spec.c - what is to be placed, from the manager and from place.json: what is taken can be kept and read
 * again. */
#include <assert.h>

#include "mesh/help_spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(struct help_spec *s)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *j = help_spec_json(s);
	struct help_spec back;
	struct cw_why why = { 0 };
	int r = help_spec_read(s->name, j, &back, &why);

	assert(r == 0);
	assert(help_spec_same(s, &back) && s->n_segs == back.n_segs && s->removing == back.removing);
	help_spec_free(&back);
	help_spec_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *j = NULL;
	struct help_seg seg;
	struct help_spec s;
	struct cw_why why = { 0 };

	if (cw_json_parse(data, size, &j) < 0)
		return 0;
	if (help_spec_read("ne-1", j, &s, &why) == 0)
		round_trip(&s);
	if (help_spec_parse("ne-1", j, &s, &why) == 0)
		round_trip(&s);
	(void)!help_seg_parse(j, &seg, &why);
	return 0;
}
