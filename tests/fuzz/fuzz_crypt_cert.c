/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_crypt_cert.c - certificates, public keys and AlgorithmIdentifiers as a peer might send them. */
#include "interconnect/base/crypt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use_cert(const struct cw_cert *c, const uint8_t *data, size_t size)
{
	static const uint8_t ip[16];
	const uint8_t *p;
	uint8_t sha[20];
	size_t n;

	cw_cert_der(c, &p, &n);
	cw_cert_subject(c, &p, &n);
	(void)!cw_cert_spki_sha1(c, sha);
	(void)cw_cert_has_dns(c, "a.kit.test");
	(void)cw_cert_has_email(c, "a@kit.test");
	(void)cw_cert_has_ip(c, ip, 4);
	(void)!cw_cert_verify(c, NULL, 0, c, 1900000000, NULL);
	(void)!cw_cert_verify_sig(c, data, size, "x", 1, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cw_cert *c = NULL;
	struct cw_key *k = NULL;

	if (cw_cert_parse(data, size, &c) == 0)
		use_cert(c, data, size);
	cw_cert_free(c);
	if (cw_key_parse(data, size, &k) == 0)
		(void)!cw_key_verify(k, data, size, "x", 1, data, size);
	cw_key_free(k);
	return 0;
}
