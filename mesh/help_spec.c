/* SPDX-License-Identifier: Apache-2.0 */
/* help_spec.c - names, networks and segments of an appliance: read, checked, printed. */
#include "mesh/help_spec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/crypt.h"
#include "interconnect/base/hex.h"
#include "interconnect/base/rand.h"
#include "netext/attach.h"

#define LABEL "abcdefghijklmnopqrstuvwxyz0123456789-"
#define DEVICE "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

enum { FIELD_TEXT = 48, LINK_BYTES = 5 };

static const char *const kind_names[HELP_KIND_N] = { [HELP_IX] = "ix", [HELP_NE] = "ne" };

const char *help_kind_name(enum help_kind k)
{
	return kind_names[k];
}

/* ---- names ---- */

static bool is_made_of(const char *text, const char *letters, size_t max)
{
	size_t n = strlen(text);

	return n > 0 && n <= max && text[0] != '-' && strspn(text, letters) == n;
}

int help_name_check(const char *name, struct cw_why *why)
{
	if (is_made_of(name, LABEL, HELP_NAME_MAX))
		return 0;
	return cw_why_set(why, CW_E_INVALID, "appliance", "name",
			  "must be 1 to %d of a-z, 0-9 and -, not beginning with -", HELP_NAME_MAX);
}

int help_link_check(const char *text, const char *field, struct cw_why *why)
{
	if (is_made_of(text, DEVICE, HELP_LINK_MAX) && strcmp(text, ".") != 0 && strcmp(text, "..") != 0)
		return 0;
	return cw_why_set(why, CW_E_INVALID, NULL, field, "must be the name of a device, of at most %d characters",
			  HELP_LINK_MAX);
}

void help_netns_name(const char *name, char ret[HELP_NETNS_TEXT])
{
	snprintf(ret, HELP_NETNS_TEXT, "cw-%.*s", HELP_NAME_MAX, name);
}

int help_link_name(const char *name, const char *net, char ret[HELP_LINK_MAX + 1])
{
	const struct cw_span in[] = { { name, strlen(name) + 1 }, { net, strlen(net) } };
	uint8_t hash[CW_HASH_MAX];
	int r = cw_hash(CW_HASH_SHA256, in, CW_COUNT(in), hash);

	if (r < 0)
		return r;
	memcpy(ret, "cwv", 3);
	cw_hex_text(hash, LINK_BYTES, ret + 3);
	return 0;
}

/* ---- reading ---- */

/* A required text that may be the name of a device. */
static int read_link(const struct cw_json *j, const char *key, const char *field, char *ret, struct cw_why *why)
{
	const char *text = cw_json_get_str(j, key, "");
	int r = help_link_check(text, field, why);

	if (r == 0)
		memcpy(ret, text, strlen(text) + 1);
	return r;
}

static int read_mtu(const struct cw_json *j, const char *key, const char *field, bool required, unsigned *ret,
		    struct cw_why *why)
{
	int64_t mtu = cw_json_get_int(j, key, cw_json_get(j, key) ? -1 : 0);

	if ((mtu != 0 || required) && (mtu < HELP_MTU_MIN || mtu > HELP_MTU_MAX))
		return cw_why_set(why, CW_E_INVALID, NULL, field, "must be a number from %d to %d", HELP_MTU_MIN,
				  HELP_MTU_MAX);
	*ret = (unsigned)mtu;
	return 0;
}

/* Are the bits of P behind its length all BIT? */
static bool host_bits_are(const struct cw_prefix *p, int bit)
{
	for (size_t i = p->len; i < cw_ip_size(&p->ip) * 8; i++)
		if ((p->ip.b[i / 8] >> (7 - i % 8) & 1) != bit)
			return false;
	return true;
}

static bool is_station(const struct cw_ip *ip)
{
	const struct cw_prefix whole = { *ip, 0 };

	if (host_bits_are(&whole, 0))
		return false;
	return ip->family == AF_INET ? ip->b[0] < 224 && ip->b[0] != 127 && ip->b[0] != 0 : ip->b[0] != 0xff;
}

static int read_address(const struct cw_json *j, const char *field, struct cw_prefix *ret, struct cw_why *why)
{
	const char *text = cw_json_get_str(j, "address", "");
	struct cw_prefix p = { 0 };
	size_t bits;

	if (!strchr(text, '/') || cw_prefix_parse(text, &p) < 0 || !is_station(&p.ip) || p.len == 0)
		return cw_why_set(why, CW_E_INVALID, NULL, field,
				  "must be the address of a station with its prefix, ADDRESS/N");
	bits = cw_ip_size(&p.ip) * 8;
	if (p.ip.family == AF_INET && p.len + 1u < bits && (host_bits_are(&p, 0) || host_bits_are(&p, 1)))
		return cw_why_set(why, CW_E_INVALID, NULL, field, "'%s' is the first or last address of its prefix",
				  text);
	*ret = p;
	return 0;
}

static int read_gateway(const struct cw_json *j, const char *field, const struct cw_prefix *p, struct cw_ip *ret,
			struct cw_why *why)
{
	const char *text = cw_json_get_str(j, "gateway", "");
	struct cw_ip ip;

	if (!cw_json_get(j, "gateway"))
		return 0;
	if (cw_ip_parse(text, &ip) < 0 || !is_station(&ip))
		return cw_why_set(why, CW_E_INVALID, NULL, field, "must be an address");
	if (ip.family != p->ip.family || !cw_prefix_contains(p, &ip))
		return cw_why_set(why, CW_E_INVALID, NULL, field, "'%s' is outside of the prefix", text);
	if (cw_ip_equal(&ip, &p->ip))
		return cw_why_set(why, CW_E_INVALID, NULL, field, "'%s' is the address of the appliance itself", text);
	*ret = ip;
	return 0;
}

static int read_net(const struct cw_json *j, size_t i, struct help_net *ret, struct cw_why *why)
{
	struct help_net n = { 0 };
	const char *name = cw_json_get_str(j, "name", "");
	char f[4][FIELD_TEXT];
	int r;

	snprintf(f[0], FIELD_TEXT, "networks[%zu].name", i);
	snprintf(f[1], FIELD_TEXT, "networks[%zu].bridge", i);
	snprintf(f[2], FIELD_TEXT, "networks[%zu].address", i);
	snprintf(f[3], FIELD_TEXT, "networks[%zu].mtu", i);
	if (!is_made_of(name, LABEL, HELP_LINK_MAX) || strcmp(name, "lo") == 0 || strcmp(name, "all") == 0 ||
	    strcmp(name, "default") == 0)
		return cw_why_set(why, CW_E_INVALID, NULL, f[0], "must be 1 to %d of a-z, 0-9 and -", HELP_LINK_MAX);
	memcpy(n.name, name, strlen(name) + 1);
	if ((r = read_link(j, "bridge", f[1], n.bridge, why)) < 0 || (r = read_address(j, f[2], &n.address, why)) < 0 ||
	    (r = read_mtu(j, "mtu", f[3], false, &n.mtu, why)) < 0)
		return r;
	snprintf(f[0], FIELD_TEXT, "networks[%zu].gateway", i);
	if ((r = read_gateway(j, f[0], &n.address, &n.gateway, why)) < 0)
		return r;
	*ret = n;
	return 0;
}

/* Network I beside the earlier ones. */
static int check_beside(const struct help_spec *s, size_t i, struct cw_why *why)
{
	char field[FIELD_TEXT];

	for (size_t k = 0; k < i; k++) {
		const struct help_net *a = &s->nets[k], *b = &s->nets[i];

		snprintf(field, sizeof field, "networks[%zu].%s", i, strcmp(a->name, b->name) == 0 ? "name" :
			 cw_ip_equal(&a->address.ip, &b->address.ip) ? "address" : "gateway");
		if (strcmp(a->name, b->name) == 0)
			return cw_why_set(why, CW_E_INVALID, NULL, field, "two networks have the name '%s'", b->name);
		if (cw_ip_equal(&a->address.ip, &b->address.ip))
			return cw_why_set(why, CW_E_INVALID, NULL, field, "is that of network '%s', too", a->name);
		if (a->gateway.family && b->gateway.family)
			return cw_why_set(why, CW_E_INVALID, NULL, field,
					  "network '%s' has a gateway already, and there is one at most", a->name);
	}
	return 0;
}

static int read_kind(const struct cw_json *j, enum help_kind *ret, struct cw_why *why)
{
	const char *text = cw_json_get_str(j, "kind", "");

	for (size_t i = 0; i < HELP_KIND_N; i++)
		if (strcmp(kind_names[i], text) == 0) {
			*ret = (enum help_kind)i;
			return 0;
		}
	return cw_why_set(why, CW_E_INVALID, NULL, "kind", "must be ix or ne");
}

/* A station's address of our own choice: unicast, and not of any maker. */
static struct cw_mac random_mac(void)
{
	struct cw_mac mac;

	cw_rand_bytes(mac.b, sizeof mac.b);
	mac.b[0] = 0x02;
	return mac;
}

static int read_nets(const struct cw_json *j, struct help_spec *s, struct cw_why *why)
{
	const struct cw_json *nets = cw_json_get(j, "networks");
	size_t n = cw_json_len(nets);
	int r = 0;

	if (n == 0 || n > HELP_NETS_MAX)
		return cw_why_set(why, CW_E_INVALID, NULL, "networks", "must be a list of 1 to %d networks",
				  HELP_NETS_MAX);
	for (; r == 0 && s->n_nets < n; s->n_nets++) {
		if ((r = read_net(cw_json_at(nets, s->n_nets), s->n_nets, &s->nets[s->n_nets], why)) == 0)
			r = check_beside(s, s->n_nets, why);
		s->nets[s->n_nets].mac = random_mac();
	}
	return r;
}

static int parse(const char *name, const struct cw_json *j, struct help_spec *s, struct cw_why *why)
{
	int r = help_name_check(name, why);

	if (r < 0 || (r = read_kind(j, &s->kind, why)) < 0)
		return r;
	memcpy(s->name, name, strlen(name) + 1);
	return read_nets(j, s, why);
}

/* The first reason stays, and gets the appliance as its object. */
static int blame(int r, const char *name, const struct cw_why *w, struct cw_why *why)
{
	char object[HELP_NAME_MAX + 16];

	if (r >= 0)
		return r;
	snprintf(object, sizeof object, "appliance %.*s", HELP_NAME_MAX, name);
	return cw_why_set(why, r, w->object[0] ? w->object : object, w->field, "%s",
			  w->rule[0] ? w->rule : cw_strerror(r));
}

int help_spec_parse(const char *name, const struct cw_json *j, struct help_spec *ret_spec, struct cw_why *why)
{
	struct help_spec s = { 0 };
	struct cw_why w = { 0 };
	int r = parse(name, j, &s, &w);

	if (r < 0)
		return blame(r, name, &w, why);
	*ret_spec = s;
	return 0;
}

/* ---- segments ---- */

int help_seg_parse(const struct cw_json *j, struct help_seg *ret_seg, struct cw_why *why)
{
	struct help_seg s = { 0 };
	int r;

	if ((r = read_link(j, "bridge", "bridge", s.bridge, why)) < 0 ||
	    (r = read_link(j, "tap", "tap", s.tap, why)) < 0 ||
	    (r = read_mtu(j, "mtu_max", "mtu_max", true, &s.mtu_max, why)) < 0)
		return r;
	if (strncmp(s.tap, ATTACH_PREFIX, strlen(ATTACH_PREFIX)) != 0)
		return cw_why_set(why, CW_E_INVALID, NULL, "tap", "must begin with '" ATTACH_PREFIX "', found '%s'",
				  s.tap);
	*ret_seg = s;
	return 0;
}

struct help_seg *help_seg_find(const struct help_spec *s, const char *bridge)
{
	for (size_t i = 0; i < s->n_segs; i++)
		if (strcmp(s->segs[i].bridge, bridge) == 0)
			return &s->segs[i];
	return NULL;
}

int help_seg_add(struct help_spec *s, const struct help_seg *seg)
{
	struct help_seg *p;

	if (s->n_segs >= HELP_SEGS_MAX)
		return CW_E_LIMIT;
	p = realloc(s->segs, (s->n_segs + 1) * sizeof *p);
	if (!p)
		return -ENOMEM;
	p[s->n_segs++] = *seg;
	s->segs = p;
	return 0;
}

void help_seg_del(struct help_spec *s, const char *bridge)
{
	struct help_seg *seg = help_seg_find(s, bridge);

	if (seg)
		*seg = s->segs[--s->n_segs];
}

/* ---- place.json ---- */

static int read_macs(const struct cw_json *j, struct help_spec *s)
{
	const struct cw_json *nets = cw_json_get(j, "networks");
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->n_nets; i++)
		r = cw_mac_parse(cw_json_get_str(cw_json_at(nets, i), "mac", ""), &s->nets[i].mac);
	return r;
}

static int read_kept(const char *name, const struct cw_json *j, struct help_spec *s, struct cw_why *why)
{
	const struct cw_json *segs = cw_json_get(j, "segments");
	struct help_seg seg;
	int r;

	if ((r = parse(name, j, s, why)) < 0 || (r = read_macs(j, s)) < 0)
		return r;
	for (size_t i = 0; i < cw_json_len(segs); i++)
		if ((r = help_seg_parse(cw_json_at(segs, i), &seg, why)) < 0 || (r = help_seg_add(s, &seg)) < 0)
			return r;
	s->stopped = cw_json_get_bool(j, "stopped", false);
	s->removing = cw_json_get_bool(j, "removing", false);
	return 0;
}

int help_spec_read(const char *name, const struct cw_json *j, struct help_spec *ret_spec, struct cw_why *why)
{
	struct help_spec s = { 0 };
	struct cw_why w = { 0 };
	int r = read_kept(name, j, &s, &w);

	if (r < 0) {
		help_spec_free(&s);
		return blame(r, name, &w, why);
	}
	*ret_spec = s;
	return 0;
}

static struct cw_json *net_json(const struct help_net *n)
{
	struct cw_json *j = cw_json_object();
	char text[CW_ENDPOINT_TEXT];

	cw_json_set_str(j, "name", n->name);
	cw_json_set_str(j, "bridge", n->bridge);
	cw_json_set_str(j, "address", cw_prefix_text(&n->address, text));
	cw_json_set_str(j, "mac", cw_mac_text(&n->mac, text));
	if (n->mtu)
		cw_json_set_int(j, "mtu", n->mtu);
	if (n->gateway.family)
		cw_json_set_str(j, "gateway", cw_ip_text(&n->gateway, text));
	return j;
}

static struct cw_json *seg_json(const struct help_seg *s)
{
	struct cw_json *j = cw_json_object();

	cw_json_set_str(j, "bridge", s->bridge);
	cw_json_set_str(j, "tap", s->tap);
	cw_json_set_int(j, "mtu_max", s->mtu_max);
	return j;
}

struct cw_json *help_spec_json(const struct help_spec *s)
{
	struct cw_json *j = cw_json_object(), *nets = cw_json_array(), *segs = cw_json_array();

	cw_json_set_str(j, "kind", help_kind_name(s->kind));
	for (size_t i = 0; i < s->n_nets; i++)
		cw_json_add(nets, net_json(&s->nets[i]));
	cw_json_set(j, "networks", nets);
	for (size_t i = 0; i < s->n_segs; i++)
		cw_json_add(segs, seg_json(&s->segs[i]));
	cw_json_set(j, "segments", segs);
	cw_json_set_bool(j, "stopped", s->stopped);
	cw_json_set_bool(j, "removing", s->removing);
	return j;
}

void help_spec_free(struct help_spec *s)
{
	free(s->segs);
	memset(s, 0, sizeof *s);
}

static bool same_net(const struct help_net *a, const struct help_net *b)
{
	return strcmp(a->name, b->name) == 0 && strcmp(a->bridge, b->bridge) == 0 && a->address.len == b->address.len &&
	       cw_ip_equal(&a->address.ip, &b->address.ip) && a->gateway.family == b->gateway.family &&
	       (!a->gateway.family || cw_ip_equal(&a->gateway, &b->gateway)) && a->mtu == b->mtu;
}

bool help_spec_same(const struct help_spec *a, const struct help_spec *b)
{
	bool same = a->kind == b->kind && a->n_nets == b->n_nets;

	for (size_t i = 0; same && i < a->n_nets; i++)
		same = same_net(&a->nets[i], &b->nets[i]);
	return same;
}
