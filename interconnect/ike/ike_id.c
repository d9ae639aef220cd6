/* SPDX-License-Identifier: Apache-2.0 */
/* ike_id.c - RFC 7296 s3.5. */
#include "interconnect/ike/ike_id.h"

#include <string.h>
#include <strings.h>

int ike_id_parse(const char *text, struct ike_id *ret_id)
{
	struct ike_id id = { .name = text };

	if (!*text || strlen(text) >= IKE_ID_MAX)
		return CW_E_INVALID;
	if (strchr(text, '@'))
		id.type = IKE_ID_RFC822;
	else if (cw_ip_parse(text, &id.ip) == 0)
		id.type = id.ip.family == AF_INET ? IKE_ID_IPV4 : IKE_ID_IPV6;
	else
		id.type = IKE_ID_FQDN;
	*ret_id = id;
	return 0;
}

static bool is_ip(const struct ike_id *id)
{
	return id->type == IKE_ID_IPV4 || id->type == IKE_ID_IPV6;
}

struct cw_span ike_id_data(const struct ike_id *id)
{
	if (is_ip(id))
		return (struct cw_span){ id->ip.b, cw_ip_size(&id->ip) };
	return (struct cw_span){ id->name, strlen(id->name) };
}

bool ike_id_matches(const struct ike_id *id, const struct ike_in_id *in)
{
	struct cw_span own = ike_id_data(id);

	if (in->type != id->type || in->data.size != own.size || own.size == 0)
		return false;
	/* Our name has no NUL, so the comparison goes to its end. */
	if (id->type == IKE_ID_FQDN)
		return strncasecmp(own.p, in->data.p, own.size) == 0;
	return memcmp(own.p, in->data.p, own.size) == 0;
}

bool ike_id_in_cert(const struct ike_id *id, const struct cw_cert *cert)
{
	if (is_ip(id))
		return cw_cert_has_ip(cert, id->ip.b, cw_ip_size(&id->ip));
	return id->type == IKE_ID_FQDN ? cw_cert_has_dns(cert, id->name) : cw_cert_has_email(cert, id->name);
}
