/* SPDX-License-Identifier: Apache-2.0 */
/* addr.c - addresses as text, bytes and sockaddr. */
#include "interconnect/base/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/err.h"

int cw_mac_parse(const char *text, struct cw_mac *ret_mac)
{
	unsigned v[6];
	struct cw_mac m;
	char check[CW_MAC_TEXT];

	if (strlen(text) != 17 || sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x", v, v + 1, v + 2, v + 3, v + 4, v + 5) != 6)
		return CW_E_INVALID;
	for (size_t i = 0; i < 6; i++)
		m.b[i] = (uint8_t)v[i];
	if (strcasecmp(cw_mac_text(&m, check), text) != 0)
		return CW_E_INVALID;
	*ret_mac = m;
	return 0;
}

char *cw_mac_text(const struct cw_mac *m, char buf[CW_MAC_TEXT])
{
	snprintf(buf, CW_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", m->b[0], m->b[1], m->b[2], m->b[3], m->b[4], m->b[5]);
	return buf;
}

int cw_ip_parse(const char *text, struct cw_ip *ret_ip)
{
	struct cw_ip ip = { 0 };

	ip.family = strchr(text, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(ip.family, text, ip.b) != 1)
		return CW_E_INVALID;
	*ret_ip = ip;
	return 0;
}

size_t cw_ip_size(const struct cw_ip *ip)
{
	if (ip->family == AF_INET)
		return 4;
	return ip->family == AF_INET6 ? 16 : 0;
}

char *cw_ip_text(const struct cw_ip *ip, char buf[CW_IP_TEXT])
{
	if (cw_ip_size(ip) == 0 || !inet_ntop(ip->family, ip->b, buf, CW_IP_TEXT))
		snprintf(buf, CW_IP_TEXT, "none");
	return buf;
}

/* A decimal number of at most MAX without sign, blank or leading zero. */
static int number(const char *text, unsigned max, unsigned *ret)
{
	unsigned v = 0;

	if (!*text || strlen(text) > 5 || (text[0] == '0' && text[1]))
		return CW_E_INVALID;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return CW_E_INVALID;
		v = v * 10 + (unsigned)(*text - '0');
	}
	if (v > max)
		return CW_E_INVALID;
	*ret = v;
	return 0;
}

int cw_prefix_parse(const char *text, struct cw_prefix *ret_prefix)
{
	char host[CW_IP_TEXT];
	const char *slash = strchr(text, '/');
	struct cw_prefix p = { 0 };
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	unsigned len;

	if (n >= sizeof host)
		return CW_E_INVALID;
	memcpy(host, text, n);
	host[n] = '\0';
	if (cw_ip_parse(host, &p.ip) < 0)
		return CW_E_INVALID;
	len = (unsigned)cw_ip_size(&p.ip) * 8;
	if (slash && number(slash + 1, len, &len) < 0)
		return CW_E_INVALID;
	p.len = (uint8_t)len;
	*ret_prefix = p;
	return 0;
}

char *cw_prefix_text(const struct cw_prefix *p, char buf[CW_ENDPOINT_TEXT])
{
	char ip[CW_IP_TEXT];

	snprintf(buf, CW_ENDPOINT_TEXT, "%s/%u", cw_ip_text(&p->ip, ip), p->len);
	return buf;
}

int cw_endpoint_parse(const char *text, struct cw_endpoint *ret_ep)
{
	char host[CW_IP_TEXT];
	const char *colon = strrchr(text, ':');
	struct cw_endpoint ep = { 0 };
	bool v6 = text[0] == '[';
	size_t n;
	unsigned port;

	if (!colon || (v6 && (colon == text || colon[-1] != ']')))
		return CW_E_INVALID;
	n = (size_t)(colon - text) - (v6 ? 2 : 0);
	if (n >= sizeof host || number(colon + 1, UINT16_MAX, &port) < 0)
		return CW_E_INVALID;
	memcpy(host, text + (v6 ? 1 : 0), n);
	host[n] = '\0';
	if (cw_ip_parse(host, &ep.ip) < 0 || (ep.ip.family == AF_INET6) != v6)
		return CW_E_INVALID;
	ep.port = (uint16_t)port;
	*ret_ep = ep;
	return 0;
}

char *cw_endpoint_text(const struct cw_endpoint *ep, char buf[CW_ENDPOINT_TEXT])
{
	char ip[CW_IP_TEXT];
	bool v6 = ep->ip.family == AF_INET6;

	snprintf(buf, CW_ENDPOINT_TEXT, "%s%s%s:%u", v6 ? "[" : "", cw_ip_text(&ep->ip, ip), v6 ? "]" : "", ep->port);
	return buf;
}

bool cw_ip_equal(const struct cw_ip *a, const struct cw_ip *b)
{
	return a->family == b->family && memcmp(a->b, b->b, cw_ip_size(a)) == 0;
}

bool cw_endpoint_equal(const struct cw_endpoint *a, const struct cw_endpoint *b)
{
	return a->port == b->port && cw_ip_equal(&a->ip, &b->ip);
}

bool cw_prefix_contains(const struct cw_prefix *p, const struct cw_ip *ip)
{
	size_t whole = p->len / 8;
	uint8_t mask = (uint8_t)(0xff00 >> (p->len % 8));

	if (p->ip.family != ip->family || memcmp(p->ip.b, ip->b, whole) != 0)
		return false;
	return p->len % 8 == 0 || ((p->ip.b[whole] ^ ip->b[whole]) & mask) == 0;
}

struct cw_ip cw_ip_of(const uint8_t *b, size_t size)
{
	struct cw_ip ip = { 0 };

	if (size == 4 || size == 16) {
		ip.family = size == 4 ? AF_INET : AF_INET6;
		memcpy(ip.b, b, size);
	}
	return ip;
}

void cw_endpoint_to_sockaddr(const struct cw_endpoint *ep, struct sockaddr_storage *ret_sa, socklen_t *ret_len)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(ep->port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(ep->port) };
	bool v6 = ep->ip.family == AF_INET6;

	memset(ret_sa, 0, sizeof *ret_sa);
	memcpy(&in.sin_addr, ep->ip.b, sizeof in.sin_addr);
	memcpy(&in6.sin6_addr, ep->ip.b, sizeof in6.sin6_addr);
	if (v6)
		memcpy(ret_sa, &in6, sizeof in6);
	else
		memcpy(ret_sa, &in, sizeof in);
	if (ret_len)
		*ret_len = v6 ? sizeof in6 : sizeof in;
}

int cw_endpoint_from_sockaddr(const struct sockaddr *sa, struct cw_endpoint *ret_ep)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof in);
		ret_ep->ip = cw_ip_of((const uint8_t *)&in.sin_addr, 4);
		ret_ep->port = ntohs(in.sin_port);
		return 0;
	}
	if (sa->sa_family == AF_INET6) {
		memcpy(&in6, sa, sizeof in6);
		ret_ep->ip = cw_ip_of((const uint8_t *)&in6.sin6_addr, 16);
		ret_ep->port = ntohs(in6.sin6_port);
		return 0;
	}
	return CW_E_INVALID;
}
