/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ike.c - the peer: which SA a message belongs to, when to connect, which SA stays.
 *
 * Two SAs may be up while one replaces the other by IKE_SA_INIT (for rekeying see ike_task_rekey.c). Rules that both sides follow without asking:
 * - who renews deletes what was up when it began, once the new SA is up;
 * - INITIAL_CONTACT in an authenticated IKE_AUTH drops what was up before that SA began;
 * - if two SAs are still up after IKE_SETTLE_MS (both sides called at once), the one that holds the lowest
 *   of the nonces is deleted by its initiator (as in RFC 7296 s2.8.1), and by anybody if he does not.
 */
#include "interconnect/ike/ike.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "interconnect/base/log.h"
#include "interconnect/base/mem.h"
#include "interconnect/ike/ike_sa.h"
#include "interconnect/ike/ike_task.h"

CW_LOG_MODULE(ike);

const char *ike_state_name(enum ike_state s)
{
	static const char *const names[] = { "idle", "connecting", "up" };

	return s < IKE_STATE_N ? names[s] : "?";
}

/* ---- life ---- */

static int check_ppk(const struct ike_ppk *p)
{
	if (!p->id || !*p->id)
		return p->required ? CW_E_INVALID : 0;
	return strlen(p->id) <= IKE_PPK_ID_MAX ? 0 : CW_E_INVALID;
}

static bool suites_ok(const struct ike_suites *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (cw_dh_public_size(l->s[i].group) == 0)
			return false;
	return l->n > 0;
}

static int check_conf(const struct ike_conf *c)
{
	if (!c->name || !c->signer || !c->local_id || !c->remote_id || !suites_ok(&c->ike) || c->esp.n == 0 ||
	    c->n_also > IKE_ALSO_MAX)
		return CW_E_INVALID;
	/* Or our own messages, sent back to us, would be the peer's. */
	if (strcasecmp(c->local_id, c->remote_id) == 0)
		return CW_E_INVALID;
	if (check_ppk(&c->ppk) < 0)
		return CW_E_INVALID;
	if (c->auth == IKE_AUTH_CERT && (!c->cert || !c->ca || c->n_chain > IKE_CHAIN_MAX))
		return CW_E_INVALID;
	return 0;
}

int ike_new(const struct ike_conf *conf, const struct ike_ops *ops, void *ctx, struct cw_stat *stat,
	    struct ike **ret_ike)
{
	struct ike *k;
	int r;

	if ((r = check_conf(conf)) < 0)
		return r;
	k = calloc(1, sizeof *k);
	if (!k)
		return -ENOMEM;
	k->conf = *conf;
	k->ops = ops;
	k->ctx = ctx;
	k->stat = stat;
	k->retry_ms = UINT64_MAX;
	k->backoff_ms = IKE_RETRY_MIN_MS;
	k->guard = conf->guard;
	k->own_guard = !conf->guard;
	if ((r = ike_id_parse(conf->local_id, &k->local_id)) < 0 ||
	    (r = ike_id_parse(conf->remote_id, &k->remote_id)) < 0 || (k->own_guard && (r = ike_guard_new(&k->guard)) < 0)) {
		free(k);
		return r;
	}
	*ret_ike = k;
	return 0;
}

void ike_free(struct ike *k)
{
	struct ike_sa *sa;

	if (!k)
		return;
	while ((sa = k->sas) != NULL) {
		k->sas = sa->next;
		ike_sa_free(sa);
	}
	if (k->own_guard)
		ike_guard_free(k->guard);
	cw_mem_wipe(k, sizeof *k);
	free(k);
}

/* ---- which SAs there are ---- */

static size_t count_up(const struct ike *k)
{
	size_t n = 0;

	for (const struct ike_sa *sa = k->sas; sa; sa = sa->next)
		n += ike_sa_is_up(sa);
	return n;
}

static const struct ike_sa *newest_up(const struct ike *k)
{
	const struct ike_sa *newest = NULL;

	for (const struct ike_sa *sa = k->sas; sa; sa = sa->next)
		if (ike_sa_is_up(sa) && (!newest || sa->up_serial > newest->up_serial))
			newest = sa;
	return newest;
}

bool ike_has_other_up(const struct ike *k, const struct ike_sa *sa)
{
	return count_up(k) > (ike_sa_is_up(sa) ? 1u : 0u);
}

/* A childless one of ours asks for its child. */
static bool begins(const struct ike_sa *sa)
{
	return sa->state == IKE_SA_INIT_SENT || sa->state == IKE_SA_AUTH_SENT ||
	       (sa->state == IKE_SA_UP && sa->initiator && sa->childless && !sa->quit);
}

static bool is_connecting(const struct ike *k)
{
	const struct ike_sa *sa = k->sas;

	while (sa && !begins(sa))
		sa = sa->next;
	return sa != NULL;
}

static const struct ike_nonce *lower_nonce(const struct ike_sa *sa)
{
	return ike_work_lower(&sa->ni, &sa->nr);
}

/* Of several SAs that are up, the one that has to go, and when. NULL while there is at most one. */
static struct ike_sa *surplus(const struct ike *k, uint64_t *ret_due_ms)
{
	const struct ike_sa *newest = newest_up(k);
	struct ike_sa *loser = NULL;

	if (!newest || count_up(k) < 2)
		return NULL;
	for (struct ike_sa *sa = k->sas; sa; sa = sa->next)
		if (ike_sa_is_up(sa) && (!loser || ike_work_nonce_cmp(lower_nonce(sa), lower_nonce(loser)) < 0))
			loser = sa;
	if (loser)
		*ret_due_ms = newest->up_ms + (loser->initiator ? IKE_SETTLE_MS : 5 * IKE_SETTLE_MS);
	return loser;
}

/* The peer has forgotten SA. */
static void drop_forgotten(struct ike_sa *sa, uint64_t now_ms)
{
	const struct ike *k = sa->peer;

	for (const struct ike_csa *c = sa->children; c && k->ops->child_orphan; c = c->next)
		k->ops->child_orphan(k->ctx, c->spi_in);
	ike_sa_drop(sa, now_ms, "the peer began anew");
}

void ike_on_up(struct ike *k, struct ike_sa *sa, uint64_t now_ms)
{
	char ep[CW_ENDPOINT_TEXT], suite[IKE_SUITE_TEXT], esp[IKE_SUITE_TEXT];
	const char *ppk = "";

	if (k->conf.ppk.id && *k->conf.ppk.id)
		ppk = sa->ppk ? ", PPK" : ", without PPK";
	cw_log(INFO, k->conf.name, "IKE SA %016" PRIx64 "_i %016" PRIx64 "_r with %s at %s (%s, %s%s)%s", sa->spi_i,
	       sa->spi_r, k->conf.remote_id, cw_endpoint_text(&sa->way.remote, ep),
	       ike_suite_text(&sa->suite, false, suite),
	       sa->children ? ike_suite_text(&sa->esp, true, esp) : "no ESP", ppk, sa->children ? "" : ", without child");
	for (struct ike_sa *old = k->sas; old; old = old->next) {
		if (old == sa || old->up_serial == 0 || old->up_serial > sa->begin_serial)
			continue;
		if (sa->initial_contact && (old->state == IKE_SA_UP || old->state == IKE_SA_REKEYED || old->state == IKE_SA_DELETING))
			drop_forgotten(old, now_ms);
	}
	if (sa->children)
		ike_on_child(k, sa, now_ms);
}

void ike_on_child(struct ike *k, struct ike_sa *sa, uint64_t now_ms)
{
	for (struct ike_sa *old = k->sas; old; old = old->next)
		if (sa->renewal && old != sa && old->up_serial && old->up_serial < sa->begin_serial && ike_sa_is_up(old))
			ike_sa_quit(old, now_ms, "replaced");
	k->backoff_ms = IKE_RETRY_MIN_MS;
	k->resume_ms = 0;
	if (sa->begin_serial > k->renew_serial)
		k->renew_serial = 0;            /* whoever made it, it is new */
}

void ike_want_renewal(struct ike *k)
{
	if (k->renew_serial == 0)
		k->renew_serial = ++k->serial;
}

/* ---- after every call ---- */

static void sweep(struct ike *k)
{
	struct ike_sa **p = &k->sas, *sa;

	while ((sa = *p) != NULL) {
		if (sa->state == IKE_SA_DEAD) {
			*p = sa->next;
			ike_sa_free(sa);
		} else {
			p = &sa->next;
		}
	}
}

static void connect_now(struct ike *k, uint64_t now_ms)
{
	const struct cw_endpoint *remote = k->resume_ms ? &k->resume : &k->conf.remote;
	const struct ike_sa *old = newest_up(k);
	struct ike_sa *sa;
	int r;

	if ((r = ike_sa_new(k, true, &k->conf.local, old ? &old->way.remote : remote, now_ms, &sa)) < 0) {
		cw_log_r(WARN, k->conf.name, r, "cannot connect");
		return;
	}
	sa->renewal = old != NULL;
	if ((r = ike_task_init_send(sa, now_ms)) < 0)
		ike_sa_drop(sa, now_ms, cw_strerror(r));
}

/* Is the peer to be called as long as no SA is up? */
static bool is_caller(const struct ike *k)
{
	return k->active && (k->conf.initiate || k->resume_ms);
}

/* Begins, or plans, the next attempt. */
static void plan(struct ike *k, uint64_t now_ms)
{
	size_t n_up = count_up(k);
	bool wanted;

	if (now_ms >= k->resume_ms)
		k->resume_ms = 0;
	wanted = n_up > 0 ? k->active && k->renew_serial > 0 : is_caller(k);
	if (n_up == 0)
		k->renew_serial = 0;
	if (!wanted) {
		k->retry_ms = UINT64_MAX;
		return;
	}
	if (is_connecting(k))
		return;
	if (k->retry_ms == UINT64_MAX) {
		k->retry_ms = now_ms + k->backoff_ms;
		k->backoff_ms = CW_MIN(k->backoff_ms * 2, (uint64_t)IKE_RETRY_MAX_MS);
	}
	if (now_ms >= k->retry_ms) {
		k->retry_ms = UINT64_MAX;
		connect_now(k, now_ms);
	}
}

static void tell_state(struct ike *k)
{
	enum ike_state next = IKE_IDLE;

	if (count_up(k) > 0)
		next = IKE_UP;
	else if (is_caller(k))
		next = IKE_CONNECTING;
	if (next == k->state)
		return;
	k->state = next;
	k->ops->state(k->ctx, next, next == IKE_UP ? "authenticated" : k->why);
}

static void settle(struct ike *k, uint64_t now_ms)
{
	struct ike_sa *sa;
	uint64_t due_ms;

	for (sa = k->sas; sa; sa = sa->next)
		if (sa->quit && sa->state == IKE_SA_UP)
			ike_sa_quit(sa, now_ms, "not wanted any more");
	for (sa = k->sas; sa; sa = sa->next)
		ike_work_run(sa, now_ms);
	sa = surplus(k, &due_ms);
	if (sa && now_ms >= due_ms)
		ike_sa_quit(sa, now_ms, "one too many");
	plan(k, now_ms);
	sweep(k);
	tell_state(k);
}

/* ---- calls ---- */

void ike_start(struct ike *k, uint64_t now_ms)
{
	k->active = true;
	k->backoff_ms = IKE_RETRY_MIN_MS;
	k->retry_ms = now_ms;
	snprintf(k->why, sizeof k->why, "started");
	settle(k, now_ms);
}

void ike_resume(struct ike *k, const struct cw_endpoint *remote, uint64_t now_ms)
{
	k->resume = *remote;
	k->resume_ms = now_ms + IKE_RESUME_MS;
	ike_start(k, now_ms);
}

/* A peer that has not seen yet that one SA took the place of another hears of both ends in this order. */
static struct ike_sa *oldest(const struct ike *k)
{
	struct ike_sa *found = NULL;

	for (struct ike_sa *sa = k->sas; sa; sa = sa->next)
		if (sa->state != IKE_SA_DEAD)
			found = sa;             /* new ones stand in front */
	return found;
}

void ike_stop(struct ike *k, uint64_t now_ms)
{
	struct ike_sa *sa;

	k->active = false;
	k->resume_ms = 0;
	while ((sa = oldest(k)) != NULL)
		ike_sa_leave(sa, "stopped");
	snprintf(k->why, sizeof k->why, "stopped");
	settle(k, now_ms);
}

void ike_rekey_child(struct ike *k, uint64_t now_ms)
{
	struct ike_csa *c;

	for (struct ike_sa *sa = k->sas; sa; sa = sa->next)
		if (ike_sa_is_up(sa) && (c = ike_csa_up(sa)))
			c->rekey_ms = CW_MIN(c->rekey_ms, now_ms);
	settle(k, now_ms);
}

void ike_rekey(struct ike *k, uint64_t now_ms)
{
	for (struct ike_sa *sa = k->sas; sa; sa = sa->next)
		if (ike_sa_is_up(sa))
			sa->rekey_ms = CW_MIN(sa->rekey_ms, now_ms);
	settle(k, now_ms);
}

void ike_renew(struct ike *k, uint64_t now_ms)
{
	if (count_up(k) == 0 || k->renew_serial)
		return;
	ike_want_renewal(k);
	k->retry_ms = now_ms;
	settle(k, now_ms);
}

/* An attempt that has not got an answer yet begins anew: its cookie would be wrong, and so would be what it says of NATs. */
static void begin_there(struct ike *k, struct ike_sa *sa, uint64_t now_ms)
{
	ike_sa_drop(sa, now_ms, "our address is another");
	k->retry_ms = now_ms;
}

void ike_moved(struct ike *k, const struct cw_endpoint *local, const struct cw_endpoint *remote, uint64_t now_ms)
{
	if (local)
		k->conf.local = *local;
	if (remote)
		k->conf.remote = *remote;
	for (struct ike_sa *sa = k->sas; sa; sa = sa->next) {
		struct ike_way way = { local ? *local : sa->way.local, remote ? *remote : sa->way.remote };

		if (sa->state == IKE_SA_INIT_SENT)
			begin_there(k, sa, now_ms);
		else if (sa->state != IKE_SA_DEAD && sa->state != IKE_SA_LINGER)
			ike_task_mobike_moved(sa, &way, now_ms);
	}
	settle(k, now_ms);
}

void ike_also(struct ike *k, const struct cw_ip *ips, size_t n, uint64_t now_ms)
{
	k->conf.n_also = CW_MIN(n, (size_t)IKE_ALSO_MAX);
	if (n > 0)
		memcpy(k->conf.also, ips, k->conf.n_also * sizeof *ips);
	for (struct ike_sa *sa = k->sas; sa; sa = sa->next)
		if (sa->state == IKE_SA_UP)
			sa->mob.todo |= IKE_MOBIKE_LIST;
	settle(k, now_ms);
}

void ike_peer_at(struct ike *k, const struct cw_endpoint *remote, uint64_t now_ms)
{
	k->alive_ms = now_ms;
	for (struct ike_sa *sa = k->sas; sa; sa = sa->next)
		if (sa->state != IKE_SA_DEAD)
			ike_task_mobike_peer_at(sa, remote);
}

void ike_alive(struct ike *k, uint64_t now_ms)
{
	k->alive_ms = now_ms;
}

static struct ike_sa *find_sa(const struct ike *k, const struct ike_header *h)
{
	struct ike_sa *sa;

	for (sa = k->sas; sa; sa = sa->next) {
		if (sa->state == IKE_SA_DEAD || sa->spi_i != h->spi_i)
			continue;
		if (h->spi_r != 0 && sa->spi_r == h->spi_r)
			return sa;
		/* The first answer brings the responder's SPI; a refusal may bring none. */
		if (sa->state == IKE_SA_INIT_SENT && h->exchange == IKE_SA_INIT && ike_msg_is_response(h))
			return sa;
	}
	return NULL;
}

static bool is_stranger(const struct ike_header *h)
{
	return h->spi_r == 0 && !ike_msg_is_response(h) && (h->exchange == IKE_SA_INIT || h->version >> 4 != 2);
}

/* The peer is where it should be, or where it has moved to. */
static bool is_at(const struct ike *k, const struct cw_ip *ip)
{
	for (const struct ike_sa *sa = k->sas; sa; sa = sa->next)
		if (sa->up_serial && cw_ip_equal(ip, &sa->esp_way.remote.ip))
			return true;
	return cw_ip_equal(ip, &k->conf.remote.ip);
}

bool ike_match(const struct ike *k, const struct cw_endpoint *from, const uint8_t *msg, size_t size)
{
	struct ike_header h;

	if (ike_msg_header(msg, size, &h) == CW_E_TRUNC)
		return false;
	if (find_sa(k, &h))
		return true;
	return is_stranger(&h) && is_at(k, &from->ip) &&
	       CW_MAX(ike_task_init_path((struct cw_span){ msg, size }, &h), 0) == CW_MAX(k->conf.path, 0);
}

/* s2.5: what is newer is told so, what is older is none of ours. */
static bool check_version(struct ike *k, const struct ike_way *way, const struct ike_header *h, uint64_t now_ms)
{
	if (h->version >> 4 == IKE_VERSION >> 4)
		return true;
	cw_stat_inc(k->stat, CW_STAT_IKE_MALFORMED);
	if (h->version >> 4 > IKE_VERSION >> 4 && !ike_msg_is_response(h))
		ike_task_init_notify(k, way, h, IKE_N_INVALID_MAJOR_VERSION, NULL, 0, now_ms);
	return false;
}

void ike_input(struct ike *k, const struct cw_endpoint *local, const struct cw_endpoint *from, const uint8_t *msg,
	       size_t size, uint64_t now_ms)
{
	const struct ike_way way = { *local, *from };
	struct ike_header h;
	struct ike_sa *sa;
	int r = ike_msg_header(msg, size, &h);

	if (r < 0 || size > IKE_IN_MAX) {
		cw_stat_inc(k->stat, CW_STAT_IKE_MALFORMED);
		return;
	}
	if (!check_version(k, &way, &h, now_ms))
		return;
	sa = find_sa(k, &h);
	if (sa)
		ike_sa_input(sa, &way, &h, (struct cw_span){ msg, size }, now_ms);
	else if (is_stranger(&h))
		ike_task_init_request(k, &way, &h, (struct cw_span){ msg, size }, now_ms);
	else
		cw_stat_inc(k->stat, CW_STAT_IKE_REJECTED);
	settle(k, now_ms);
}

uint64_t ike_next_ms(const struct ike *k)
{
	uint64_t next = k->retry_ms, due_ms;

	for (const struct ike_sa *sa = k->sas; sa; sa = sa->next)
		next = CW_MIN(next, ike_sa_next_ms(sa));
	if (surplus(k, &due_ms))
		next = CW_MIN(next, due_ms);
	return next;
}

void ike_tick(struct ike *k, uint64_t now_ms)
{
	for (struct ike_sa *sa = k->sas; sa; sa = sa->next)
		if (sa->state != IKE_SA_DEAD)
			ike_sa_tick(sa, now_ms);
	settle(k, now_ms);
}

bool ike_check(struct ike *k, uint64_t now_ms)
{
	const struct ike_sa *up = newest_up(k);
	struct ike_sa *sa = k->sas;

	while (sa && sa != up)
		sa = sa->next;
	return sa && !sa->x.request && !sa->quit && ike_task_info_ping(sa, now_ms) == 0;
}

enum ike_state ike_state(const struct ike *k)
{
	return k->state;
}

bool ike_info(const struct ike *k, struct ike_info *ret_info)
{
	const struct ike_sa *sa = newest_up(k);

	if (!sa)
		return false;
	*ret_info = (struct ike_info){
		.spi_i = sa->spi_i, .spi_r = sa->spi_r, .initiator = sa->initiator, .ppk = sa->ppk,
		.ike = sa->suite, .esp = sa->esp, .established_ms = sa->up_ms,
		.mobike = sa->mobike, .nat_local = sa->nat_us, .nat_remote = sa->nat_peer,
		.local = sa->way.local, .remote = sa->way.remote, .answers = k->answers, .rtt_ms = k->rtt_ms,
	};
	snprintf(ret_info->peer_id, sizeof ret_info->peer_id, "%s", k->conf.remote_id);
	return true;
}
