/* SPDX-License-Identifier: Apache-2.0 */
/* tun_json.c - what "tunnel list", "tunnel show", "tunnel rekey" and "appliance show" answer (design section 10). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/daemon.h"
#include "interconnect/tun_impl.h"

struct cw_json *tun_json_counters(const struct cw_stat *s)
{
	struct cw_json *o = cw_json_object();

	for (int i = 0; i < CW_STAT_N; i++)
		cw_json_set_int(o, cw_stat_name((enum cw_stat_id)i), (int64_t)s->n[i]);
	return o;
}

/* For whatever reason: the counters have them one by one. */
static int64_t tun_json_dropped(const struct cw_stat *s)
{
	uint64_t n = 0;

	for (int i = 0; i < CW_STAT_N; i++)
		if (strncmp(cw_stat_name((enum cw_stat_id)i), "drop.", 5) == 0)
			n += s->n[i];
	return (int64_t)n;
}

/* Identifiers are strings: 64 bits do not fit the numbers of most JSON readers. */
static void tun_json_set_hex(struct cw_json *o, const char *key, int digits, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof text, "%0*" PRIx64, digits, v);
	cw_json_set_str(o, key, text);
}

static void tun_json_set_endpoint(struct cw_json *o, const char *key, const struct cw_endpoint *ep)
{
	char text[CW_ENDPOINT_TEXT];

	cw_json_set_str(o, key, cw_endpoint_text(ep, text));
}

static void tun_json_set_prefix(struct cw_json *o, const char *key, const struct cw_prefix *p)
{
	char text[CW_ENDPOINT_TEXT];

	cw_json_set_str(o, key, cw_prefix_text(p, text));
}

static struct cw_json *tun_json_suite(const struct tun *t, const struct ike_info *info, const struct path_sa *sa)
{
	struct cw_json *o = cw_json_object();
	char text[IKE_SUITE_TEXT];

	cw_json_set_str(o, "ike", info ? ike_suite_text(&info->ike, false, text) : t->conf->ike);
	cw_json_set_str(o, "esp", info ? ike_suite_text(&info->esp, true, text) : t->conf->esp);
	cw_json_set(o, "esn", sa ? cw_json_bool(sa->esn) : cw_json_null());
	cw_json_set(o, "ppk", info ? cw_json_bool(info->ppk) : cw_json_null());
	return o;
}

static struct cw_json *tun_json_ike(const struct ike_info *info)
{
	struct cw_json *o;

	if (!info)
		return cw_json_null();
	o = cw_json_object();
	tun_json_set_hex(o, "spi_i", 16, info->spi_i);
	tun_json_set_hex(o, "spi_r", 16, info->spi_r);
	cw_json_set_bool(o, "initiator", info->initiator);
	cw_json_set_int(o, "established_s", (int64_t)((cw_clock_now_ms() - info->established_ms) / 1000));
	cw_json_set_str(o, "peer_id", info->peer_id);
	cw_json_set_bool(o, "mobike", info->mobike);
	cw_json_set_bool(o, "nat_local", info->nat_local);
	cw_json_set_bool(o, "nat_remote", info->nat_remote);
	cw_json_set(o, "rtt_ms", info->answers ? cw_json_int((int64_t)info->rtt_ms) : cw_json_null());
	return o;
}

/* When it wants a successor ("soft"), and when it carries no more ("hard"). */
static void tun_json_left(struct cw_json *o, const struct path_sa *sa)
{
	uint64_t now = cw_clock_now_ms();
	struct esp_limits l;
	int64_t end_s;

	esp_out_left(sa->out, &l);
	end_s = l.end_ms > now ? (int64_t)((l.end_ms - now) / 1000) : 0;
	cw_json_set_int(o, "soft_left_packets", (int64_t)l.packets_soft);
	cw_json_set_int(o, "hard_left_packets", (int64_t)l.packets_hard);
	cw_json_set_int(o, "soft_left_bytes", (int64_t)l.bytes_soft);
	cw_json_set_int(o, "hard_left_bytes", (int64_t)l.bytes_hard);
	cw_json_set(o, "hard_left_s", l.end_ms == UINT64_MAX ? cw_json_null() : cw_json_int(end_s));
}

static struct cw_json *tun_json_esp(const struct tun *t, const struct path_sa *sa)
{
	struct cw_json *o;

	if (!sa)
		return cw_json_null();
	o = cw_json_object();
	tun_json_set_hex(o, "spi_in", 8, sa->spi_in);
	tun_json_set_hex(o, "spi_out", 8, esp_out_spi(sa->out));
	cw_json_set_int(o, "seq_out", (int64_t)esp_out_seq(sa->out));
	cw_json_set_int(o, "established_s", (int64_t)((cw_clock_now_ms() - sa->up_ms) / 1000));
	cw_json_set_int(o, "seq_in", (int64_t)esp_in_seq(t->tuns->sadb, sa->spi_in));
	tun_json_left(o, sa);
	return o;
}

static struct cw_json *tun_json_path(const struct path *p)
{
	const struct path_sa *sa = path_sa_out(p);
	const struct tun_uplink *up = sa ? sa->uplink : p->uplink;
	struct cw_json *o = cw_json_object();
	struct ike_info info_, *info = keys_info(p->tun->tuns->keys, p->number, &info_) ? &info_ : NULL;
	char since[32];

	cw_json_set_int(o, "index", p->index);
	tun_json_set_endpoint(o, "local", &up->local);
	tun_json_set_endpoint(o, "remote", sa ? &sa->remote : &p->remote);
	cw_json_set_str(o, "state", path_state_name(p->state));
	cw_json_set_int(o, "mtu", (int64_t)p->mtu);
	if (p->probe)
		path_probe_json(p->probe, o);
	cw_json_set_str(o, "since", cw_clock_rfc3339(&p->since, since));
	cw_json_set(o, "ike", tun_json_ike(info));
	cw_json_set(o, "esp", tun_json_esp(p->tun, sa));
	return o;
}

static struct cw_json *tun_json_paths(const struct tun *t)
{
	struct cw_json *a = cw_json_array();

	for (size_t i = 0; i < t->n_paths; i++)
		cw_json_add(a, tun_json_path(&t->paths[i]));
	return a;
}

struct cw_json *tun_json(const struct tun *t)
{
	const struct path *p = tun_best(t);
	const struct path_sa *sa = path_sa_out(p);
	struct cw_json *o = cw_json_object();
	struct ike_info info_, *info = keys_info(p->tun->tuns->keys, p->number, &info_) ? &info_ : NULL;

	cw_json_set_str(o, "name", t->conf->name);
	cw_json_set_str(o, "state", tun_state_name(t->state));
	cw_json_set(o, "suite", tun_json_suite(t, info, sa));
	tun_json_set_endpoint(o, "local", sa ? &sa->uplink->local : &p->uplink->local);
	tun_json_set_endpoint(o, "remote", sa ? &sa->remote : &p->remote);
	tun_json_set_prefix(o, "local_ts", sa ? &sa->local_ts : &t->conf->local_ts);
	tun_json_set_prefix(o, "remote_ts", sa ? &sa->remote_ts : &t->conf->remote_ts);
	cw_json_set(o, "ike", tun_json_ike(info));
	cw_json_set(o, "esp", tun_json_esp(t, sa));
	cw_json_set_int(o, "mtu", (int64_t)tun_mtu(t));
	cw_json_set_int(o, "inner_mtu", (int64_t)tun_inner_mtu(t));
	cw_json_set_bool(o, "keylog", t->tuns->keylog != NULL);
	cw_json_set_bool(o, "testing", tun_gauge_tests(t));
	cw_json_set(o, "paths", tun_json_paths(t));
	cw_json_set_int(o, "dropped_packets", tun_json_dropped(&t->stat));
	cw_json_set(o, "counters", tun_json_counters(&t->stat));
	return o;
}

static int64_t tun_json_rss_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	long total, resident = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%ld %ld", &total, &resident) != 2)
		resident = 0;
	fclose(f);
	return (int64_t)resident * sysconf(_SC_PAGESIZE);
}

/* Up while a tunnel is; before the first was, starting. */
static const char *tuns_json_state(const struct tuns *ts)
{
	for (size_t i = 0; i < ts->n_items; i++) {
		if (tun_carries(ts->items[i]->state))
			return "up";
	}
	return ts->was_up ? "down" : "starting";
}

struct cw_json *tuns_json(const struct tuns *ts, const char *name, const char *kind)
{
	struct cw_json *o = cw_json_object();

	cw_json_set_str(o, "name", name);
	cw_json_set_str(o, "kind", kind);
	cw_json_set_str(o, "state", tuns_json_state(ts));
	cw_json_set_int(o, "pid", getpid());
	cw_json_set(o, "processes", keys_json(ts->keys));
	cw_json_set_str(o, "version", CW_VERSION);
	cw_json_set_int(o, "rss_bytes", tun_json_rss_bytes());
	cw_json_set_int(o, "uptime_s", (int64_t)((cw_clock_now_ms() - ts->started_ms) / 1000));
	cw_json_set_bool(o, "keylog", ts->keylog != NULL);
	cw_json_set(o, "counters", tun_json_counters(&ts->stat));
	return o;
}

void tun_cmd_list(struct tuns *ts, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct cw_json *o = cw_json_object(), *items = cw_json_array();

	(void)request;
	for (size_t i = 0; i < ts->n_items; i++)
		cw_json_add(items, tun_json(ts->items[i]));
	cw_json_set(o, "items", items);
	cw_json_set(o, "next", cw_json_null());
	cw_rpc_reply(call, o);
}

/* The tunnel that the request names; without one the call has failed. */
static struct tun *tun_cmd_find(struct tuns *ts, struct cw_rpc_call *call, const struct cw_json *request)
{
	const char *name = cw_json_get_str(request, "name", "");
	struct tun *t = tuns_find(ts, name);
	struct cw_why why = { 0 };
	char object[TUN_NAME_MAX + 8];

	if (t)
		return t;
	snprintf(object, sizeof object, "tunnel %s", name);
	cw_rpc_fail(call, cw_why_set(&why, CW_E_NOT_FOUND, object, "name", "there is no tunnel of this name"), &why);
	return NULL;
}

void tun_cmd_show(struct tuns *ts, struct cw_rpc_call *call, const struct cw_json *request)
{
	const struct tun *t = tun_cmd_find(ts, call, request);

	if (t)
		cw_rpc_reply(call, tun_json(t));
}

void tun_cmd_test(struct tuns *ts, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct tun *t = tun_cmd_find(ts, call, request);

	if (t)
		tun_gauge_test(t, call, cw_json_get_int(cw_json_get(request, "args"), "seconds", GAUGE_SECONDS));
}

static void tun_cmd_rekey_by(struct tuns *ts, struct cw_rpc_call *call, const struct cw_json *request,
			     void (*rekey)(struct keys *k, size_t path))
{
	struct tun *t = tun_cmd_find(ts, call, request);
	struct cw_why why = { 0 };
	char object[TUN_NAME_MAX + 8];

	if (!t)
		return;
	if (!tun_carries(t->state)) {
		snprintf(object, sizeof object, "tunnel %s", t->conf->name);
		cw_rpc_fail(call, cw_why_set(&why, CW_E_STATE, object, "state", "must be up"), &why);
		return;
	}
	for (size_t i = 0; i < t->n_paths; i++)
		rekey(ts->keys, t->paths[i].number);
	cw_rpc_reply(call, cw_json_object());
}

void tun_cmd_rekey(struct tuns *ts, struct cw_rpc_call *call, const struct cw_json *request)
{
	tun_cmd_rekey_by(ts, call, request, keys_rekey_child);
}

void tun_cmd_rekey_ike(struct tuns *ts, struct cw_rpc_call *call, const struct cw_json *request)
{
	tun_cmd_rekey_by(ts, call, request, keys_rekey);
}
