/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_offer.c - any JSON as a hello and as an offer. */
#include <stdlib.h>

#include "migrate/offer.h"
#include "migrate/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stream_hello h;
	struct cw_json *j = NULL;
	struct offer *o = NULL;

	(void)!stream_hello_parse(data, size, &h);
	if (cw_json_parse(data, size, &j) == 0 && offer_from_json(j, "onprem", &o, NULL) == 0) {
		cw_json_free(j);
		j = offer_to_json(o);
	}
	offer_free(o);
	cw_json_free(j);
	return 0;
}
