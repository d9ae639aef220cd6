/* SPDX-License-Identifier: Apache-2.0 */
/* cli_table.c - columns per noun. */
#include "mesh/cli_table.h"

#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <string.h>

#include "mesh/cli_text.h"

/* SPARSE: left out where no item has it, because it is not of this daemon. */
enum { RIGHT = 1, WIDE = 2, SPARSE = 4 };

/* A '/' in the path goes one object deeper: counters have dots in their names. A '|' stands before another name of it. */
static const struct column_row {
	const char *noun, *header, *path;
	cli_text *how;
	unsigned flags;
} column_rows[] = {
	{ "tunnel", "NAME", "name", cli_text_plain, 0 },
	{ "tunnel", "APPLIANCE", "appliance", cli_text_plain, SPARSE },
	{ "tunnel", "STATE", "state", cli_text_plain, 0 },
	{ "tunnel", "LOCAL", "local", cli_text_plain, 0 },
	{ "tunnel", "REMOTE", "remote", cli_text_plain, 0 },
	{ "tunnel", "PATHS", "paths", cli_text_up, RIGHT },
	{ "tunnel", "RX", "counters/rx.bytes", cli_text_bytes, RIGHT },
	{ "tunnel", "TX", "counters/tx.bytes", cli_text_bytes, RIGHT },
	{ "tunnel", "DROPPED", "dropped_packets", cli_text_plain, RIGHT | SPARSE },
	{ "tunnel", "KEYLOG", "keylog", cli_text_plain, WIDE | SPARSE },
	{ "tunnel", "IKE", "suite/ike", cli_text_plain, WIDE },
	{ "tunnel", "ESP", "suite/esp", cli_text_plain, WIDE },
	{ "tunnel", "ESN", "suite/esn", cli_text_plain, WIDE },
	{ "tunnel", "PPK", "suite/ppk", cli_text_plain, WIDE },
	{ "pair", "ID", "id", cli_text_plain, 0 },
	{ "pair", "SITE", "site", cli_text_plain, 0 },
	{ "pair", "STATE", "state", cli_text_plain, 0 },
	{ "pair", "WORDS", "words", cli_text_plain, 0 },
	{ "pair", "ROLE", "role", cli_text_plain, WIDE },
	{ "pair", "CREATED", "created", cli_text_plain, WIDE },
	{ "pair", "LAST-SEEN", "last_seen", cli_text_plain, WIDE },
	{ "pair", "REASON", "reason", cli_text_plain, WIDE },
	{ "network-profile", "NAME", "name", cli_text_plain, 0 },
	{ "network-profile", "FUNCTIONS", "functions", cli_text_plain, 0 },
	{ "network-profile", "BRIDGE", "bridge", cli_text_plain, 0 },
	{ "network-profile", "RANGES", "ranges", cli_text_plain, 0 },
	{ "network-profile", "PREFIX", "prefix", cli_text_plain, RIGHT },
	{ "network-profile", "GATEWAY", "gateway", cli_text_plain, 0 },
	{ "network-profile", "HELD", "addresses", cli_text_count, RIGHT },
	{ "network-profile", "FREE", "free", cli_text_plain, RIGHT },
	{ "network-profile", "MTU", "mtu", cli_text_plain, RIGHT | WIDE },
	{ "network-profile", "DNS", "dns", cli_text_plain, WIDE },
	{ "compute-profile", "NAME", "name", cli_text_plain, 0 },
	{ "compute-profile", "SERVICES", "services", cli_text_plain, 0 },
	{ "compute-profile", "HOST", "host", cli_text_plain, 0 },
	{ "compute-profile", "POOL", "pool", cli_text_plain, 0 },
	{ "compute-profile", "NETWORKS", "networks", cli_text_members, 0 },
	{ "compute-profile", "EXTENDABLE", "extendable", cli_text_plain, 0 },
	{ "mesh", "NAME", "name", cli_text_plain, 0 },
	{ "mesh", "SITE", "site", cli_text_plain, 0 },
	{ "mesh", "STATE", "state", cli_text_plain, 0 },
	{ "mesh", "LOCAL", "local", cli_text_plain, 0 },
	{ "mesh", "REMOTE", "remote", cli_text_plain, 0 },
	{ "mesh", "APPLIANCES", "appliances", cli_text_up, RIGHT },
	{ "mesh", "TUNNELS", "tunnels", cli_text_up, RIGHT | SPARSE },
	{ "mesh", "MADE-IN", "create_ms", cli_text_ms, RIGHT | WIDE },
	{ "mesh", "REASON", "reason", cli_text_plain, WIDE },
	{ "extension", "NAME", "name", cli_text_plain, 0 },
	{ "extension", "VNI", "vni", cli_text_plain, RIGHT },
	{ "extension", "STATE", "state", cli_text_plain, 0 },
	{ "extension", "BRIDGE", "bridge", cli_text_plain, 0 },
	{ "extension", "REMOTE-BRIDGE", "remote_bridge", cli_text_plain, SPARSE },
	{ "extension", "MESH", "mesh", cli_text_plain, SPARSE },
	{ "extension", "TUNNEL", "tunnel", cli_text_plain, SPARSE },
	{ "extension", "MACS-HERE", "macs/local", cli_text_plain, RIGHT },
	{ "extension", "MACS-THERE", "macs/remote", cli_text_plain, RIGHT },
	{ "extension", "RX", "counters/rx.bytes", cli_text_bytes, RIGHT },
	{ "extension", "TX", "counters/tx.bytes", cli_text_bytes, RIGHT },
	{ "extension", "GATEWAY", "gateway", cli_text_plain, WIDE | SPARSE },
	{ "extension", "TAP", "tap", cli_text_plain, WIDE },
	{ "extension", "REASON", "reason", cli_text_plain, WIDE | SPARSE },
	{ "network", "NAME", "name", cli_text_plain, 0 },
	{ "network", "EXTENDABLE", "extendable", cli_text_plain, 0 },
	{ "network", "EXTENSION", "extended_by", cli_text_plain, 0 },
	{ "network", "MESH", "mesh", cli_text_plain, SPARSE },
	{ "network", "REMOTE-BRIDGE", "remote_bridge", cli_text_plain, SPARSE },
	{ "network", "STATE", "state", cli_text_plain, SPARSE },
	{ "network", "MTU", "mtu", cli_text_plain, RIGHT | WIDE | SPARSE },
	{ "appliance", "NAME", "name", cli_text_plain, 0 },
	{ "appliance", "KIND", "kind", cli_text_plain, 0 },
	{ "appliance", "MESH", "mesh", cli_text_plain, SPARSE },
	{ "appliance", "STATE", "state", cli_text_plain, 0 },
	{ "appliance", "UPLINK", "uplink", cli_text_plain, SPARSE },
	{ "appliance", "PID", "pid", cli_text_plain, RIGHT },
	{ "appliance", "MEMORY", "resident_bytes|rss_bytes", cli_text_bytes, RIGHT },
	{ "appliance", "UPTIME", "uptime_s", cli_text_age, RIGHT },
	{ "appliance", "VERSION", "version", cli_text_plain, WIDE },
	{ "appliance", "PROBLEM", "problem", cli_text_plain, WIDE | SPARSE },
	{ "rate", "ALL MBIT", "all_mbit", cli_text_plain, RIGHT },
	{ "rate", "LIVE MBIT", "live_mbit", cli_text_plain, RIGHT },
	{ "rate", "BULK MBIT", "bulk_mbit", cli_text_plain, RIGHT },
	{ "path", "PATH", "index", cli_text_plain, RIGHT },
	{ "path", "STATE", "state", cli_text_plain, 0 },
	{ "path", "LOCAL", "local", cli_text_plain, 0 },
	{ "path", "REMOTE", "remote", cli_text_plain, 0 },
	{ "path", "RTT", "rtt_us", cli_text_us, RIGHT },
	{ "path", "LOSS", "loss", cli_text_part, RIGHT },
	{ "path", "MTU", "mtu", cli_text_plain, RIGHT },
	{ "path", "SINCE", "since", cli_text_plain, 0 },
	{ "relay", "NAME", "name", cli_text_plain, 0 },
	{ "relay", "STATE", "state", cli_text_plain, 0 },
	{ "relay", "TUNNEL", "tunnel", cli_text_plain, 0 },
	{ "relay", "LISTEN", "listen", cli_text_plain, 0 },
	{ "relay", "DIAL", "dial", cli_text_plain, 0 },
	{ "relay", "STREAMS", "streams", cli_text_plain, RIGHT },
	{ "relay", "SENT", "sent_bytes", cli_text_bytes, RIGHT },
	{ "relay", "RECEIVED", "received_bytes", cli_text_bytes, RIGHT },
	{ "relay", "ACCEPTED", "accepted", cli_text_plain, RIGHT | WIDE },
	{ "relay", "REFUSED", "refused", cli_text_plain, RIGHT | WIDE },
	{ "relay", "FAILED", "failed", cli_text_plain, RIGHT | WIDE },
	{ "host", "NAME", "name", cli_text_plain, 0 },
	{ "host", "SITE", "site", cli_text_plain, SPARSE },
	{ "host", "STATE", "state", cli_text_plain, 0 },
	{ "host", "LIBVIRT", "libvirt/state", cli_text_plain, SPARSE },
	{ "host", "PID", "pid", cli_text_plain, RIGHT },
	{ "host", "VERSION", "libvirt/version", cli_text_plain, WIDE | SPARSE },
	{ "vm", "NAME", "name", cli_text_plain, 0 },
	{ "vm", "HOST", "host", cli_text_plain, SPARSE },
	{ "vm", "POWER", "power", cli_text_plain, 0 },
	{ "vm", "OWNER", "owner/site", cli_text_plain, 0 },
	{ "vm", "RECORD", "owner/state", cli_text_plain, 0 },
	{ "vm", "EPOCH", "owner/epoch", cli_text_plain, RIGHT },
	{ "vm", "MEMORY", "memory_bytes", cli_text_bytes, RIGHT },
	{ "vm", "VCPUS", "vcpus", cli_text_plain, RIGHT },
	{ "vm", "DISKS", "disks", cli_text_count, RIGHT | WIDE },
	{ "vm", "NETWORKS", "networks", cli_text_count, RIGHT | WIDE },
	{ "vm", "UUID", "uuid", cli_text_plain, WIDE },
	{ "migration", "ID", "id", cli_text_plain, 0 },
	{ "migration", "VM", "vm", cli_text_plain, 0 },
	{ "migration", "KIND", "kind", cli_text_plain, 0 },
	{ "migration", "FROM", "from", cli_text_plain, 0 },
	{ "migration", "TO", "to", cli_text_plain, 0 },
	{ "migration", "STATE", "state", cli_text_plain, 0 },
	{ "migration", "PHASE", "phase", cli_text_plain, 0 },
	{ "migration", "DONE", "progress", cli_text_percent, RIGHT },
	{ "migration", "DOWNTIME", "downtime_ms", cli_text_ms, RIGHT | WIDE },
	{ "migration", "STOPPED", "stopped_ms", cli_text_ms, RIGHT | WIDE },
	{ "migration", "TOTAL", "total_ms", cli_text_ms, RIGHT | WIDE },
	{ "migration", "PROOF", "disk_proof/kind", cli_text_plain, WIDE },
	{ "migration", "EQUAL", "disk_proof/equal", cli_text_plain, WIDE },
	{ "migration", "REASON", "reason", cli_text_plain, WIDE },
	{ "job", "ID", "id", cli_text_plain, 0 },
	{ "job", "KIND", "kind", cli_text_plain, 0 },
	{ "job", "OBJECT", "object", cli_text_plain, SPARSE },
	{ "job", "STATE", "state", cli_text_plain, 0 },
	{ "job", "PHASE", "phase", cli_text_plain, SPARSE },
	{ "job", "DONE", "progress", cli_text_percent, RIGHT },
	{ "job", "CREATED", "created_at", cli_text_plain, WIDE | SPARSE },
	{ "job", "ENDED", "ended_at", cli_text_plain, WIDE | SPARSE },
	{ "job", "REASON", "reason", cli_text_plain, WIDE },
	{ "event", "TIME", "time", cli_text_plain, 0 },
	{ "event", "SEVERITY", "severity", cli_text_plain, 0 },
	{ "event", "KIND", "kind", cli_text_plain, 0 },
	{ "event", "OBJECT", "object", cli_text_plain, 0 },
	{ "event", "TEXT", "text", cli_text_plain, 0 },
	{ "event", "CURSOR", "cursor", cli_text_plain, RIGHT | WIDE },
};

static const struct cw_json *path_get(const struct cw_json *o, const char *path)
{
	size_t len = strcspn(path, "/|");
	const struct cw_json *v;
	char key[64];

	snprintf(key, sizeof key, "%.*s", (int)len, path);
	v = cw_json_get(o, key);
	if (!v && path[len] == '|')
		return path_get(o, path + len + 1);
	return v && path[len] == '/' ? path_get(v, path + len + 1) : v;
}

static bool is_somewhere(const struct cw_json *items, const char *path)
{
	for (size_t i = 0; i < cw_json_len(items); i++)
		if (path_get(cw_json_at(items, i), path))
			return true;
	return false;
}

static bool is_shown(const struct column_row *c, const char *noun, bool wide, const struct cw_json *items)
{
	return strcmp(c->noun, noun) == 0 && (wide || !(c->flags & WIDE)) &&
	       (!(c->flags & SPARSE) || is_somewhere(items, c->path));
}

static void cell_text(const struct column_row *c, const struct cw_json *item, char cell[CLI_CELL_MAX])
{
	const struct cw_json *v = path_get(item, c->path);

	snprintf(cell, CLI_CELL_MAX, "-");
	if (v)
		c->how(v, cell, CLI_CELL_MAX);
}

enum { COLUMNS_MAX = 24 };

static size_t columns_of(const char *noun, bool wide, const struct cw_json *items,
			 const struct column_row *columns[COLUMNS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < CW_COUNT(column_rows) && n < COLUMNS_MAX; i++)
		if (is_shown(&column_rows[i], noun, wide, items))
			columns[n++] = &column_rows[i];
	return n;
}

static int row_add(struct libscols_table *t, const struct column_row *const *columns, size_t n, const struct cw_json *item)
{
	struct libscols_line *line = scols_table_new_line(t, NULL);
	char cell[CLI_CELL_MAX];

	if (!line)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		cell_text(columns[i], item, cell);
		if (scols_line_set_data(line, i, cell))
			return -ENOMEM;
	}
	return 0;
}

static void table_cleanup(struct libscols_table **t)
{
	scols_unref_table(*t);
}

int cli_table(FILE *f, const char *noun, bool wide, const struct cw_json *items)
{
	CW_AUTO(table_cleanup) struct libscols_table *t = scols_new_table();
	const struct column_row *columns[COLUMNS_MAX];
	size_t n = columns_of(noun, wide, items, columns);
	int r;

	if (!t)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (!scols_table_new_column(t, columns[i]->header, 0, columns[i]->flags & RIGHT ? SCOLS_FL_RIGHT : 0))
			return -ENOMEM;
	for (size_t i = 0; i < cw_json_len(items); i++)
		if ((r = row_add(t, columns, n, cw_json_at(items, i))) < 0)
			return r;
	scols_table_set_stream(t, f);
	scols_table_enable_nowrap(t, 1);
	r = scols_print_table(t);
	return r < 0 ? r : 0;
}

void cli_table_line(FILE *f, const char *noun, bool wide, const struct cw_json *item)
{
	const struct column_row *columns[COLUMNS_MAX];
	size_t n = columns_of(noun, wide, NULL, columns);
	char cell[CLI_CELL_MAX];

	for (size_t i = 0; i < n; i++) {
		cell_text(columns[i], item, cell);
		fprintf(f, "%s%s", cell, i + 1 < n ? "  " : "\n");
	}
}
