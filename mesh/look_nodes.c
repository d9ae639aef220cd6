/* SPDX-License-Identifier: Apache-2.0 */
/*
 * look_nodes.c - what the last reports of appliances and agents say, as metrics.
 *
 * All samples of a metric stand together, so the nodes are walked once for each. A node that is away has no samples but
 * that it is away: an old number is worse than none.
 */
#include <stdio.h>
#include <string.h>

#include "interconnect/base/stat.h"
#include "mesh/look_metrics.h"
#include "mesh/mesh_node.h"

enum { METRIC_MAX = 64 };

/* One pass over the nodes. */
struct pass {
	FILE *f;
	const struct manager *m;
	const char *noun, *kind;
	const char *counter;            /* NULL: whether it is up */
	char metric[METRIC_MAX];
};

/* A label in quotes (backslash, quote and line feed escaped). */
static void label(FILE *f, const char *s)
{
	fputc('"', f);
	for (; *s; s++) {
		if (*s == '\\' || *s == '"')
			fputc('\\', f);
		if (*s == '\n')
			fputs("\\n", f);
		else
			fputc(*s, f);
	}
	fputc('"', f);
}

static void sample(struct pass *p, const char *node, const struct cw_json *item)
{
	int64_t value = strcmp(cw_json_get_str(item, "state", ""), "up") == 0;

	if (p->counter)
		value = cw_json_get_int(cw_json_get(item, "counters"), p->counter, -1);
	if (value < 0)
		return;
	fprintf(p->f, "%s{node=", p->metric);
	label(p->f, node);
	fprintf(p->f, ",%s=", p->noun);
	label(p->f, cw_json_get_str(item, "name", ""));
	fprintf(p->f, "} %lld\n", (long long)value);
}

static void on_items(void *ctx, const char *node)
{
	struct pass *p = ctx;
	const struct cw_json *items = cw_json_get(mesh_node_report(p->m->nodes, node, p->noun), "items");

	for (size_t i = 0; i < cw_json_len(items); i++)
		sample(p, node, cw_json_at(items, i));
}

static void on_node(void *ctx, const char *node)
{
	struct pass *p = ctx;

	fprintf(p->f, "causeway_node_up{node=");
	label(p->f, node);
	fprintf(p->f, ",kind=\"%s\"} %d\n", p->kind, mesh_node_is_up(p->m->nodes, node));
}

/* "tunnel" and "drop.icv": causeway_tunnel_drop_icv_total. */
static void begin(struct pass *p)
{
	snprintf(p->metric, sizeof p->metric, "causeway_%s_%s%s", p->noun, p->counter ? p->counter : "up", p->counter ? "_total" : "");
	for (char *c = p->metric; *c; c++)
		if (*c == '.')
			*c = '_';
	fprintf(p->f, "# HELP %s %s of each %s.\n# TYPE %s %s\n", p->metric, p->counter ? p->counter : "State", p->noun, p->metric,
		p->counter ? "counter" : "gauge");
}

void look_nodes(FILE *f, const struct manager *m)
{
	static const char *const kinds[] = { "ix", "ne", "agent" };
	static const char *const nouns[] = { "tunnel", "extension" };
	struct pass p = { .f = f, .m = m };

	if (!m->nodes)
		return;
	fputs("# HELP causeway_node_up Whether the appliance or agent reports.\n# TYPE causeway_node_up gauge\n", f);
	for (size_t i = 0; i < CW_COUNT(kinds); i++) {
		p.kind = kinds[i];
		mesh_nodes_each(m->nodes, kinds[i], on_node, &p);
	}
	for (size_t i = 0; i < CW_COUNT(nouns); i++) {
		p.noun = nouns[i];
		for (int k = -1; k < CW_STAT_N; k++) {
			p.counter = k < 0 ? NULL : cw_stat_name((enum cw_stat_id)k);
			begin(&p);
			mesh_nodes_each(m->nodes, NULL, on_items, &p);
		}
	}
}
