/* SPDX-License-Identifier: Apache-2.0 */
/*
 * help_spec.h - what is placed: an appliance, its networks and its segments; as a request says it and as place.json
 * keeps it.
 *
 * Everything is checked here, whoever says it. Names of appliances and networks are [a-z0-9-], so that they are
 * harmless in paths, in names of devices and in the log. Whether bridges exist is asked by who uses them.
 */
#ifndef HELP_SPEC_H
#define HELP_SPEC_H

#include "interconnect/base/addr.h"
#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"

enum { HELP_NAME_MAX = 63, HELP_LINK_MAX = 15, HELP_NETNS_TEXT = HELP_NAME_MAX + 4 };
enum { HELP_NETS_MAX = 8, HELP_SEGS_MAX = 4094, HELP_MTU_MIN = 576, HELP_MTU_MAX = 65521 };

enum help_kind { HELP_IX, HELP_NE, HELP_KIND_N };

struct help_net {
	char name[HELP_LINK_MAX + 1], bridge[HELP_LINK_MAX + 1];
	struct cw_prefix address;
	struct cw_ip gateway;           /* family 0: none */
	unsigned mtu;                   /* 0: the bridge's */
	struct cw_mac mac;              /* of the appliance's end; kept, so that neighbours need not learn again */
};

struct help_seg {
	char bridge[HELP_LINK_MAX + 1], tap[HELP_LINK_MAX + 1];
	unsigned mtu_max;
};

struct help_spec {
	char name[HELP_NAME_MAX + 1];
	enum help_kind kind;
	struct help_net nets[HELP_NETS_MAX];
	size_t n_nets;
	struct help_seg *segs;
	size_t n_segs;
	bool stopped;                   /* "appliance stop" */
	bool removing;                  /* "appliance remove" has begun and must end */
};

const char *help_kind_name(enum help_kind k);
/* WHY names "appliance". */
CW_NODISCARD int help_name_check(const char *name, struct cw_why *why);
/* Reads what "appliance place NAME" says, J; every network gets a random MAC. On failure RET is untouched. */
CW_NODISCARD int help_spec_parse(const char *name, const struct cw_json *j, struct help_spec *ret_spec,
				 struct cw_why *why);
/* Reads what help_spec_json() wrote. */
CW_NODISCARD int help_spec_read(const char *name, const struct cw_json *j, struct help_spec *ret_spec,
				struct cw_why *why);
struct cw_json *help_spec_json(const struct help_spec *s);
void help_spec_free(struct help_spec *s);
/* The same kind and networks? */
bool help_spec_same(const struct help_spec *a, const struct help_spec *b);

/* Reads what "segment allow" says. */
CW_NODISCARD int help_seg_parse(const struct cw_json *j, struct help_seg *ret_seg, struct cw_why *why);
/* NULL: none of this bridge. */
struct help_seg *help_seg_find(const struct help_spec *s, const char *bridge);
CW_NODISCARD int help_seg_add(struct help_spec *s, const struct help_seg *seg);
void help_seg_del(struct help_spec *s, const char *bridge);

/* "cw-NAME" */
void help_netns_name(const char *name, char ret[HELP_NETNS_TEXT]);
/* The bridge's end of the cable of a network: "cwv" and 10 digits that follow from both names. */
CW_NODISCARD int help_link_name(const char *name, const char *net, char ret[HELP_LINK_MAX + 1]);
/* A text that may be the name of a bridge or a device. FIELD is named in WHY. */
CW_NODISCARD int help_link_check(const char *text, const char *field, struct cw_why *why);

#endif
