/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ike_task_mobike.c - an address changes, and the SAs stay.
 *
 * Who initiated the first IKE SA says which addresses are used; the other side only says which ones it has:
 *
 *   HDR, SK { N(UPDATE_SA_ADDRESSES), N(NATD) x 2, N(COOKIE2), list }  -->
 *                                   <--  HDR, SK { N(NATD) x 2, N(COOKIE2) }
 *   HDR, SK { list, N(COOKIE2) }    -->            from a new address of the responder: the initiator updates to it
 *   HDR, SK { N(COOKIE2) }          -->            the responder asks at the initiator's new address
 *
 * where list is N(ADDITIONAL_IP4_ADDRESS) or N(ADDITIONAL_IP6_ADDRESS), once or more, or N(NO_ADDITIONAL_ADDRESSES).
 *
 * IKE goes to a new address of the peer at once. ESP follows when an answer has come from there that brings COOKIE2 back:
 * a peer must not be able to aim the traffic of a tunnel at somebody else. When only our own address is another, ESP
 * follows at once: where the peer is has been shown. A request under way is sent again, as it is, on the new way; what is
 * repeated because it was not answered goes to the other addresses of the peer as well, one each time, in case both sides
 * moved at once.
 *
 * With a peer that does not know MOBIKE its address follows its authenticated messages if it is behind a NAT; if ours
 * changes it either follows us in the same way, or a new pair of SAs is made.
 *
 * Implements: RFC 4555 s3.3 to s3.9; RFC 7296 s2.11, s2.23 (dynamic update).
 */
#include "interconnect/ike/ike_task.h"

#include <string.h>

#include "interconnect/base/log.h"
#include "interconnect/base/mem.h"
#include "interconnect/base/rand.h"

CW_LOG_MODULE(ike_mobike);

static bool way_equal(const struct ike_way *a, const struct ike_way *b)
{
	return cw_endpoint_equal(&a->local, &b->local) && cw_endpoint_equal(&a->remote, &b->remote);
}

/* All that is left of a family goes one way. */
static void set_way(struct ike_sa *sa, const struct ike_way *way)
{
	const struct ike_way copy = *way;

	for (struct ike_sa *s = sa->peer->sas; s; s = s->next)
		if (s->family == sa->family)
			s->way = copy;
}

/* ESP of the family takes this way. */
static void move_esp(struct ike_sa *sa, const struct ike_way *way)
{
	char local[CW_ENDPOINT_TEXT], remote[CW_ENDPOINT_TEXT];
	const struct ike_way copy = *way;
	struct ike *k = sa->peer;

	if (way_equal(&sa->esp_way, &copy))
		return;
	cw_log_rl(INFO, k->conf.name, 0, "ESP goes from %s to %s now", cw_endpoint_text(&copy.local, local),
		  cw_endpoint_text(&copy.remote, remote));
	for (struct ike_sa *s = k->sas; s; s = s->next) {
		if (s->family != sa->family)
			continue;
		s->esp_way = copy;
		for (struct ike_csa *c = s->children; c; c = c->next)
			k->ops->child_moved(k->ctx, c->spi_in, &copy.local, &copy.remote);
	}
}

/* What is to be told, is told on whichever SA of the family is up. */
static void want(struct ike_sa *sa, uint8_t what)
{
	for (struct ike_sa *s = sa->peer->sas; s; s = s->next)
		if (s->family == sa->family)
			s->mob.todo |= what;
}

/* ---- the lists of addresses ---- */

static void write_list(const struct ike_sa *sa, struct ike_out *o)
{
	const struct ike_conf *c = &sa->peer->conf;
	size_t n = 0;

	for (size_t i = 0; i < c->n_also; i++) {
		const struct cw_ip *ip = &c->also[i];

		if (cw_ip_equal(ip, &sa->way.local.ip))
			continue;
		ike_pld_put_notify(o, cw_ip_size(ip) == 4 ? IKE_N_ADDITIONAL_IP4_ADDRESS : IKE_N_ADDITIONAL_IP6_ADDRESS,
				   ip->b, cw_ip_size(ip));
		n++;
	}
	if (n == 0)
		ike_pld_put_notify(o, IKE_N_NO_ADDITIONAL_ADDRESSES, NULL, 0);
}

/* The address of one host, which could be a peer's. */
static bool is_host(const struct cw_ip *ip)
{
	static const uint8_t none[16];

	switch (cw_ip_size(ip)) {
	case 4:
		return ip->b[0] != 0 && ip->b[0] < 224;
	case 16:
		return ip->b[0] != 0xff && memcmp(ip->b, none, sizeof none) != 0;
	default:
		return false;
	}
}

/* Keeps the peer's list, if there is one. */
static bool read_list(struct ike_sa *sa, const struct ike_in *in)
{
	bool any = ike_pld_notify(in, IKE_N_NO_ADDITIONAL_ADDRESSES) != NULL;
	size_t n = 0;

	for (size_t i = 0; i < in->n_notifies; i++) {
		const struct ike_in_notify *p = &in->notify[i];
		size_t size = p->type == IKE_N_ADDITIONAL_IP4_ADDRESS ? 4 : p->type == IKE_N_ADDITIONAL_IP6_ADDRESS ? 16 : 0;
		struct cw_ip ip;

		if (size == 0 || p->data.size != size)
			continue;
		any = true;
		ip = cw_ip_of(p->data.p, size);
		if (is_host(&ip) && n < IKE_ALSO_MAX)
			sa->peer_also[n++] = ip;
	}
	if (any)
		sa->n_peer_also = n;
	return any;
}

/* ---- IKE_AUTH ---- */

void ike_task_mobike_offer(const struct ike_sa *sa, struct ike_out *o)
{
	if (!sa->peer->conf.mobike || (!sa->initiator && !sa->mobike))
		return;
	ike_pld_put_notify(o, IKE_N_MOBIKE_SUPPORTED, NULL, 0);
	write_list(sa, o);
}

/* RFC 4555 s3.9: the addresses of the packet as it left the peer: source, destination, and their ports. */
static bool is_translated(const struct ike_in *in, const struct ike_way *way)
{
	const struct ike_in_notify *n = ike_pld_notify(in, IKE_N_NO_NATS_ALLOWED);
	size_t size = cw_ip_size(&way->remote.ip);
	uint8_t seen[2 * 16 + 4];
	struct cw_wr w = cw_wr_of(seen, sizeof seen);

	if (!n)
		return false;
	cw_wr_bytes(&w, way->remote.ip.b, size);
	cw_wr_bytes(&w, way->local.ip.b, cw_ip_size(&way->local.ip));
	cw_wr_u16(&w, way->remote.port);
	cw_wr_u16(&w, way->local.port);
	return n->data.size != w.len || memcmp(n->data.p, seen, w.len) != 0;
}

int ike_task_mobike_agree(struct ike_sa *sa, const struct ike_sa_msg *m)
{
	sa->mobike = sa->peer->conf.mobike && ike_pld_notify(m->in, IKE_N_MOBIKE_SUPPORTED);
	if (!sa->mobike)
		return 0;
	if (is_translated(m->in, m->way)) {
		ike_sa_why(sa, "the peer allows no NAT, and there is one");
		return CW_E_FORBIDDEN;
	}
	(void)read_list(sa, m->in);
	return 0;
}

/* ---- we ask ---- */

int ike_task_mobike_begin(struct ike_sa *sa, uint64_t now_ms)
{
	struct ike_mobike *b = &sa->mob;
	struct ike_out o = ike_sa_inner(sa);
	int r;

	b->asked = b->todo;
	b->todo = 0;
	b->way = sa->way;
	cw_rand_bytes(b->cookie, sizeof b->cookie);
	if (b->asked & IKE_MOBIKE_UPDATE) {
		ike_pld_put_notify(&o, IKE_N_UPDATE_SA_ADDRESSES, NULL, 0);
		if ((r = ike_task_natd_write(sa->peer, &o, sa->spi_i, sa->spi_r, &sa->way)) < 0)
			return r;
	}
	if (b->asked & (IKE_MOBIKE_UPDATE | IKE_MOBIKE_LIST))
		write_list(sa, &o);
	ike_pld_put_notify(&o, IKE_N_COOKIE2, b->cookie, sizeof b->cookie);
	sa->work.kind = IKE_WORK_MOBIKE;
	return ike_sa_request(sa, IKE_INFORMATIONAL, &o, now_ms);
}

static bool brings_cookie(const struct ike_sa *sa, const struct ike_in *in)
{
	const struct ike_in_notify *n = ike_pld_notify(in, IKE_N_COOKIE2);

	return n && n->data.size == sizeof sa->mob.cookie && cw_mem_equal(n->data.p, sa->mob.cookie, sizeof sa->mob.cookie);
}

/* The peer does not want us where we are: it may let us begin there. */
static bool is_refused(struct ike_sa *sa, const struct ike_in *in)
{
	if (!ike_pld_notify(in, IKE_N_UNACCEPTABLE_ADDRESSES) && !ike_pld_notify(in, IKE_N_UNEXPECTED_NAT_DETECTED))
		return false;
	cw_log_rl(WARN, sa->peer->conf.name, 0, "the peer refused our new address");
	ike_want_renewal(sa->peer);
	return true;
}

int ike_task_mobike_response(struct ike_sa *sa, const struct ike_sa_msg *m)
{
	struct ike_mobike *b = &sa->mob;
	uint8_t asked = b->asked;

	b->asked = 0;
	ike_work_clear(sa);
	/* RFC 4555 s3.7: who did not see the request cannot know it. */
	if (!brings_cookie(sa, m->in)) {
		ike_sa_why(sa, "the peer's COOKIE2 is wrong");
		return CW_E_AUTH;
	}
	if (!way_equal(&b->way, &sa->way)) {
		b->todo |= asked;               /* we went on meanwhile: it says nothing of where we are now */
		return 0;
	}
	if (asked & IKE_MOBIKE_UPDATE) {
		if (is_refused(sa, m->in))
			return 0;
		(void)ike_task_natd_read(sa, m->in, sa->spi_i, sa->spi_r, m->way);
		/* It was another address of the peer that our request reached. */
		if (!way_equal(m->way, &sa->way) && ++b->rounds < IKE_MOBIKE_ROUNDS_MAX) {
			set_way(sa, m->way);
			b->todo |= IKE_MOBIKE_UPDATE;
			return 0;
		}
	}
	b->rounds = 0;
	if (asked & (IKE_MOBIKE_UPDATE | IKE_MOBIKE_PROBE))
		move_esp(sa, &sa->way);
	return 0;
}

/* ---- liveness checks notice that a NAT sends us from elsewhere: RFC 4555 s3.8 ---- */

int ike_task_mobike_ping(const struct ike_sa *sa, struct ike_out *o)
{
	return sa->mobike && sa->first ? ike_task_natd_write(sa->peer, o, sa->spi_i, sa->spi_r, &sa->way) : 0;
}

void ike_task_mobike_pong(struct ike_sa *sa, const struct ike_sa_msg *m)
{
	if (!sa->mobike || !sa->first || !way_equal(m->way, &sa->way))
		return;
	if (ike_task_natd_read(sa, m->in, sa->spi_i, sa->spi_r, m->way))
		want(sa, IKE_MOBIKE_UPDATE);
}

/* ---- the peer asks ---- */

static void echo_cookie(const struct ike_in *in, struct ike_out *o)
{
	const struct ike_in_notify *n = ike_pld_notify(in, IKE_N_COOKIE2);

	if (n && n->data.size >= IKE_COOKIE2_MIN && n->data.size <= IKE_COOKIE2_MAX)
		ike_pld_put_notify(o, IKE_N_COOKIE2, n->data.p, n->data.size);
}

/* The type of the refusal, or 0. */
static uint16_t update(struct ike_sa *sa, const struct ike_sa_msg *m)
{
	struct ike_way esp = sa->esp_way;

	if (is_translated(m->in, m->way))
		return IKE_N_UNEXPECTED_NAT_DETECTED;
	if (!is_host(&m->way->remote.ip) || m->way->remote.port == 0)
		return IKE_N_UNACCEPTABLE_ADDRESSES;
	set_way(sa, m->way);
	if (cw_endpoint_equal(&esp.remote, &m->way->remote))
		move_esp(sa, m->way);
	else
		want(sa, IKE_MOBIKE_PROBE);
	return 0;
}

int ike_task_mobike_request(struct ike_sa *sa, const struct ike_sa_msg *m, struct ike_out *o)
{
	bool natd = ike_pld_notify(m->in, IKE_N_NAT_DETECTION_SOURCE_IP) != NULL, list;
	uint16_t refusal = 0;
	int r;

	if (!sa->mobike)
		return 0;
	list = read_list(sa, m->in);
	if (ike_pld_notify(m->in, IKE_N_UPDATE_SA_ADDRESSES) && !sa->first) {
		refusal = update(sa, m);
		if (refusal)
			ike_pld_put_notify(o, refusal, NULL, 0);
		else
			(void)ike_task_natd_read(sa, m->in, sa->spi_i, sa->spi_r, m->way);
	} else if (sa->first && list && !way_equal(m->way, &sa->way)) {
		/* RFC 4555 s3.6: a responder that says so from elsewhere asks us to follow. */
		set_way(sa, m->way);
		want(sa, IKE_MOBIKE_UPDATE);
	}
	if (natd && !refusal && (r = ike_task_natd_write(sa->peer, o, sa->spi_i, sa->spi_r, m->way)) < 0)
		return r;
	echo_cookie(m->in, o);
	return 0;
}

/* ---- addresses that change ---- */

/* May the peer's address follow its packets? Who is behind a NAT himself should not let it (RFC 7296 s2.23); but who is called there has
 * a place in that NAT which stays, and only the caller's can change: without this the IKE SA would end with it. */
static bool may_follow(const struct ike_sa *sa)
{
	return sa->up_serial && sa->nat_peer && (!sa->nat_us || !sa->first);
}

void ike_task_mobike_follow(struct ike_sa *sa, const struct ike_sa_msg *m)
{
	struct ike_way way = { sa->way.local, m->way->remote };

	if (sa->mobike || !may_follow(sa) || way_equal(&way, &sa->way))
		return;
	set_way(sa, &way);
	move_esp(sa, &way);
}

void ike_task_mobike_peer_at(struct ike_sa *sa, const struct cw_endpoint *remote)
{
	if (!may_follow(sa))
		return;
	sa->way.remote = sa->esp_way.remote = *remote;
}

/* Without MOBIKE: a peer that believes in a NAT before us follows what we send. */
static void tell_plain(struct ike_sa *sa, bool only_local, uint64_t now_ms)
{
	if (!only_local || (!sa->peer->conf.encap && !sa->nat_us))
		ike_want_renewal(sa->peer);
	else if (!sa->x.request && ike_task_info_ping(sa, now_ms) < 0)
		ike_sa_drop(sa, now_ms, "no liveness check could be sent");
}

void ike_task_mobike_moved(struct ike_sa *sa, const struct ike_way *way, uint64_t now_ms)
{
	bool only_local = cw_endpoint_equal(&way->remote, &sa->way.remote);
	struct ike_way esp = { way->local, sa->esp_way.remote };

	if (way_equal(way, &sa->way))
		return;
	sa->way = *way;
	if (sa->state == IKE_SA_AUTH_SENT || sa->state == IKE_SA_UP)
		sa->mob.todo |= sa->first ? IKE_MOBIKE_UPDATE : IKE_MOBIKE_LIST;
	if (sa->up_serial)
		move_esp(sa, &esp);
	if (sa->x.request)
		ike_sa_send(sa, &sa->way, sa->x.request, sa->x.request_size);
	if (sa->state == IKE_SA_UP && !sa->mobike)
		tell_plain(sa, only_local, now_ms);
}

/* The N-th of the peer's other addresses, where it was when ESP last moved among them. */
static bool other_address(const struct ike_sa *sa, size_t n, struct cw_endpoint *ret_ep)
{
	struct cw_endpoint all[IKE_ALSO_MAX + 1];
	size_t n_all = 0;

	if (!cw_endpoint_equal(&sa->esp_way.remote, &sa->way.remote))
		all[n_all++] = sa->esp_way.remote;
	for (size_t i = 0; i < sa->n_peer_also; i++)
		if (sa->peer_also[i].family == sa->way.local.ip.family)
			all[n_all++] = (struct cw_endpoint){ sa->peer_also[i], sa->way.remote.port };
	if (n_all == 0)
		return false;
	*ret_ep = all[n % n_all];
	return true;
}

void ike_task_mobike_resend(struct ike_sa *sa)
{
	struct ike_way way = sa->way;

	if (sa->mobike && sa->up_serial && other_address(sa, sa->x.tries, &way.remote))
		ike_sa_send(sa, &way, sa->x.request, sa->x.request_size);
}
