/* SPDX-License-Identifier: Apache-2.0 */
/* ike_pair.c - the two peers and their network. */
#include "tests/lib/ike_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/log.h"
#include "interconnect/base/rand.h"

#define CERTS "tests/vectors/certs/"

enum { LOG_MAX = 1 << 20, CERTS_MAX = 32 };

static const uint8_t psk[] = "a shared secret of the tests";
static char log_text[LOG_MAX];
static size_t log_size;
static uint64_t hour;

/* Certificates and keys are loaded once and stay to the end of the program. */
static struct identity {
	const char *name;
	struct cw_cert *cert;
	struct cw_key *key;
} identities[CERTS_MAX];

static void sink(enum cw_log_level level, const char *line)
{
	int n;

	(void)level;
	if (getenv("PAIR_LOG"))
		fprintf(stderr, "%s\n", line);
	if (log_size + 512 > LOG_MAX)
		return;
	n = snprintf(log_text + log_size, LOG_MAX - log_size, "%s\n", line);
	log_size += n > 0 ? (size_t)n : 0;
}

bool pair_logged(const char *text)
{
	return strstr(log_text, text) != NULL;
}

size_t pair_log_count(const char *text)
{
	const char *at = log_text, *end;
	size_t n = 0;

	while ((at = strstr(at, text)) != NULL) {
		n++;
		end = strchr(at, '\n');
		at = end ? end : at + strlen(at);
	}
	return n;
}

/* A block of exactly SIZE bytes; not by malloc(), which a test may let fail (fail.h). */
static uint8_t *block(size_t size)
{
	void *p;

	assert_int_equal(posix_memalign(&p, sizeof p, size ? size : 1), 0);
	return p;
}

/* ---- what the peers call ---- */

static void op_send(void *ctx, const struct cw_endpoint *local, const struct cw_endpoint *to, const void *msg, size_t size)
{
	struct pair_side *s = ctx;
	struct pair *p = s->pair;
	struct pair_packet *q = &p->q[p->n++];

	/* From an address that is not there any more nothing can be sent. */
	if (!cw_endpoint_equal(local, &s->at)) {
		p->n--;
		s->n_unsent++;
		return;
	}

	assert_true(p->n <= PAIR_QUEUE && size <= PAIR_PACKET);
	q->to = 1 - s->index;
	q->from = s->seen_as;
	q->dst = *to;
	q->size = size;
	q->p = block(size);
	memcpy(q->p, msg, size);
	s->n_sent++;
}

static uint32_t op_spi(void *ctx)
{
	struct pair_side *s = ctx;

	return s->next_spi++;
}

static int op_child_up(void *ctx, const struct ike_child *child)
{
	struct pair_side *s = ctx;

	if (s->refuse_child < 0)
		return s->refuse_child;
	assert_true(s->n_children < PAIR_CHILDREN);
	for (size_t i = 0; i < s->n_children; i++)
		assert_true(s->child[i].c.spi_in != child->spi_in);
	s->child[s->n_children++] = (struct pair_child){ .c = *child, .up = true, .proven = child->initiator };
	return 0;
}

static void op_child_down(void *ctx, uint32_t spi_in)
{
	struct pair_side *s = ctx;
	size_t i = 0;

	while (i < s->n_children && !(s->child[i].c.spi_in == spi_in && s->child[i].up))
		i++;
	assert_true(i < s->n_children);
	s->child[i].up = false;
	s->child[i].down_ms = s->pair->now_ms;
}

static void op_child_idle(void *ctx, uint32_t spi_in)
{
	struct pair_side *s = ctx;
	size_t i = 0;

	while (i < s->n_children && !(s->child[i].c.spi_in == spi_in && s->child[i].up))
		i++;
	assert_true(i < s->n_children && !s->child[i].idle);
	s->child[i].idle = true;
}

static void op_child_moved(void *ctx, uint32_t spi_in, const struct cw_endpoint *local, const struct cw_endpoint *remote)
{
	struct pair_side *s = ctx;
	size_t i = 0;

	while (i < s->n_children && !(s->child[i].c.spi_in == spi_in && s->child[i].up))
		i++;
	assert_true(i < s->n_children);
	s->child[i].c.local = *local;
	s->child[i].c.remote = *remote;
	s->n_moved++;
}

static void op_child_orphan(void *ctx, uint32_t spi_in)
{
	struct pair_side *s = ctx;
	size_t i = 0;

	while (i < s->n_children && !(s->child[i].c.spi_in == spi_in && s->child[i].up))
		i++;
	assert_true(i < s->n_children && !s->child[i].orphan);
	s->child[i].orphan = true;
}

static void op_state(void *ctx, enum ike_state state, const char *why)
{
	struct pair_side *s = ctx;

	assert_true(state != s->state);
	s->state = state;
	s->n_states++;
	snprintf(s->why, sizeof s->why, "%s", why);
}

static void op_keylog(void *ctx, const struct ike_keylog *k)
{
	struct pair_side *s = ctx;

	if (s->n_keylog < PAIR_KEYLOG)
		s->keylog[s->n_keylog] = *k;
	s->n_keylog++;
}

static const struct ike_ops ops = {
	.send = op_send, .spi = op_spi, .child_up = op_child_up, .child_idle = op_child_idle, .child_down = op_child_down,
	.child_moved = op_child_moved, .state = op_state, .keylog = op_keylog,
	.child_orphan = op_child_orphan,
};

/* ---- configurations ---- */

static struct cw_endpoint endpoint(const char *text)
{
	struct cw_endpoint ep;

	assert_int_equal(cw_endpoint_parse(text, &ep), 0);
	return ep;
}

static struct cw_prefix prefix(const char *text)
{
	struct cw_prefix p;

	assert_int_equal(cw_prefix_parse(text, &p), 0);
	return p;
}

static void init_side(struct pair *p, int i)
{
	static const char *const addr[] = { "192.0.2.1:4500", "192.0.2.2:4500" };
	static const char *const ts[] = { "10.71.1.0/24", "10.71.2.0/24" };
	static const char *const id[] = { "a.kit.test", "b.kit.test" };
	struct pair_side *s = &p->side[i];
	struct ike_conf *c = &s->conf;

	s->pair = p;
	s->index = i;
	s->next_spi = 0x1000u * (uint32_t)(i + 1);
	c->name = i == PAIR_A ? "to-b" : "to-a";
	c->initiate = i == PAIR_A;
	c->local = endpoint(addr[i]);
	c->remote = endpoint(addr[1 - i]);
	s->at = s->seen_as = c->local;
	c->auth = IKE_AUTH_PSK;
	s->secret = (struct ike_secret){ .psk = psk, .psk_size = sizeof psk - 1 };
	c->signer = &ike_signer_local;
	c->signer_ctx = &s->secret;
	c->local_id = id[i];
	c->remote_id = id[1 - i];
	c->local_ts = prefix(ts[i]);
	c->remote_ts = prefix(ts[1 - i]);
	c->encap = true;
	assert_int_equal(ike_suite_parse("aes256gcm16-prfsha384-ecp384", false, &c->ike, NULL), 0);
	assert_int_equal(ike_suite_parse("aes256gcm16", true, &c->esp, NULL), 0);
}

static void set_time(struct pair *p, uint64_t now_ms)
{
	p->now_ms = now_ms;
	cw_clock_set_us(now_ms * 1000);
}

void pair_init(struct pair *p)
{
	memset(p, 0, sizeof *p);
	cw_log_set_sink(sink);
	cw_log_set_level(CW_LOG_DEBUG);
	log_size = 0;
	log_text[0] = '\0';
	cw_rand_seed(1);
	/* Each test has an hour of its own, so that no limit of the log is left from the one before. */
	hour += 3600 * 1000;
	set_time(p, hour);
	init_side(p, PAIR_A);
	init_side(p, PAIR_B);
}

void pair_init_fast(struct pair *p)
{
	pair_init(p);
	for (int s = 0; s < PAIR_SIDES; s++)
		assert_int_equal(ike_suite_parse("aes256gcm16-prfsha384-x25519", false, &p->side[s].conf.ike, NULL), 0);
}

/* Version control keeps no modes: the key is copied to where it has the right one. */
static struct cw_key *load_key(const char *name)
{
	char path[256], copy[] = "/tmp/ike_pair.XXXXXX", pem[8192];
	struct cw_key *key = NULL;
	FILE *f;
	size_t n;
	int fd;

	snprintf(path, sizeof path, CERTS "%s.key", name);
	f = fopen(path, "rb");
	if (!f)
		return NULL;
	n = fread(pem, 1, sizeof pem, f);
	fclose(f);
	fd = mkstemp(copy);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, pem, n), n);
	close(fd);
	assert_int_equal(cw_key_load(copy, &key), 0);
	unlink(copy);
	return key;
}

static const struct identity *identity(const char *name)
{
	struct identity *id = identities;
	char path[256];

	while (id->name && strcmp(id->name, name) != 0)
		id++;
	assert_true(id < identities + CERTS_MAX - 1);
	if (!id->name) {
		snprintf(path, sizeof path, CERTS "%s.crt", name);
		assert_int_equal(cw_cert_load(path, &id->cert), 0);
		id->key = load_key(name);
		id->name = name;
	}
	return id;
}

static void set_cert(struct pair *p, int i, const char *name)
{
	struct ike_conf *c = &p->side[i].conf;

	c->auth = IKE_AUTH_CERT;
	c->cert = identity(name)->cert;
	p->side[i].secret.key = identity(name)->key;
	c->ca = identity("ca")->cert;
}

/* The name that each test certificate speaks for. */
static const char *name_of(const char *cert)
{
	static const char *const names[][2] = {
		{ "a-p384", "a.kit.test" }, { "b-p256", "b.kit.test" }, { "ed25519", "e.kit.test" },
		{ "rsa2048", "r.kit.test" }, { "stranger", "a.kit.test" },
	};

	for (size_t i = 0; i < CW_COUNT(names); i++)
		if (strcmp(names[i][0], cert) == 0)
			return names[i][1];
	fail_msg("no name for certificate %s", cert);
	return NULL;
}

void pair_init_certs(struct pair *p, const char *a, const char *b)
{
	pair_init(p);
	set_cert(p, PAIR_A, a);
	set_cert(p, PAIR_B, b);
	p->side[PAIR_A].conf.local_id = p->side[PAIR_B].conf.remote_id = name_of(a);
	p->side[PAIR_B].conf.local_id = p->side[PAIR_A].conf.remote_id = name_of(b);
}

void pair_set_ppk(struct pair *p, int side, struct ike_ppk ppk, const uint8_t *key, size_t size)
{
	p->side[side].conf.ppk = ppk;
	p->side[side].secret.ppk = key;
	p->side[side].secret.ppk_size = size;
}

static void make(struct pair_side *s)
{
	s->secret.local_id = s->conf.local_id;
	s->secret.remote_id = s->conf.remote_id;
	s->conf.signer_ctx = &s->secret;        /* configurations are copied from pair to pair */
	assert_int_equal(ike_secret_check(&s->secret), 0);
	assert_int_equal(ike_new(&s->conf, &ops, s, &s->stat, &s->k), 0);
	s->state = ike_state(s->k);
}

void pair_start(struct pair *p)
{
	make(&p->side[PAIR_A]);
	make(&p->side[PAIR_B]);
	ike_start(p->side[PAIR_B].k, p->now_ms);
	ike_start(p->side[PAIR_A].k, p->now_ms);
}

void pair_free(struct pair *p)
{
	while (p->n > 0)
		pair_drop(p);
	ike_free(p->side[PAIR_A].k);
	ike_free(p->side[PAIR_B].k);
	cw_log_set_sink(NULL);
	cw_clock_real();
	cw_rand_seed(0);
}

void pair_restart(struct pair *p, int side)
{
	struct pair_side *s = &p->side[side];

	ike_free(s->k);
	for (size_t i = 0; i < s->n_children; i++)
		s->child[i].up = false;
	make(s);
}

/* ---- network and time ---- */

static struct pair_packet take(struct pair *p)
{
	struct pair_packet q;

	assert_true(p->n > 0);
	q = p->q[0];
	memmove(p->q, p->q + 1, --p->n * sizeof q);
	return q;
}

static bool deliver(struct pair *p, const struct pair_packet *q)
{
	struct pair_side *s = &p->side[q->to];
	struct ike *k = s->k;

	/* Where the side was once there is nobody. */
	if (p->moving && q->dst.port && !cw_endpoint_equal(&q->dst, &s->seen_as))
		return false;
	if (!ike_match(k, &q->from, q->p, q->size))
		return false;
	ike_input(k, &s->at, &q->from, q->p, q->size, p->now_ms);
	return true;
}

void pair_step(struct pair *p)
{
	struct pair_packet q = take(p);

	deliver(p, &q);
	free(q.p);
}

size_t pair_n_to(const struct pair *p, int side)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += p->q[i].to == side;
	return n;
}

static struct pair_packet take_to(struct pair *p, int side)
{
	struct pair_packet q;
	size_t i = 0;

	assert_true(pair_n_to(p, side) > 0);
	while (p->q[i].to != side)
		i++;
	q = p->q[i];
	memmove(p->q + i, p->q + i + 1, (--p->n - i) * sizeof q);
	return q;
}

void pair_step_to(struct pair *p, int side)
{
	struct pair_packet q = take_to(p, side);

	deliver(p, &q);
	free(q.p);
}

void pair_drop_to(struct pair *p, int side)
{
	struct pair_packet q = take_to(p, side);

	free(q.p);
}

void pair_run(struct pair *p)
{
	for (int i = 0; p->n > 0; i++) {
		assert_true(i < 1000);
		pair_step(p);
	}
}

void pair_drop(struct pair *p)
{
	struct pair_packet q = take(p);

	free(q.p);
}

void pair_keep_first(struct pair *p)
{
	while (p->n > 1)
		free(p->q[--p->n].p);
}

void pair_copy(struct pair *p, size_t i)
{
	struct pair_packet *q = &p->q[p->n++];

	assert_true(p->n <= PAIR_QUEUE);
	*q = p->q[i];
	q->p = block(q->size);
	memcpy(q->p, p->q[i].p, q->size);
}

bool pair_inject(struct pair *p, int to, const void *msg, size_t size)
{
	struct pair_packet q = {
		.to = to, .from = p->side[1 - to].seen_as, .size = size, .p = block(size),
	};
	bool taken;

	if (size)
		memcpy(q.p, msg, size);
	taken = deliver(p, &q);
	free(q.p);
	return taken;
}

static uint64_t next_ms(const struct pair *p)
{
	uint64_t a = p->side[PAIR_A].k ? ike_next_ms(p->side[PAIR_A].k) : UINT64_MAX;
	uint64_t b = p->side[PAIR_B].k ? ike_next_ms(p->side[PAIR_B].k) : UINT64_MAX;

	return CW_MIN(a, b);
}

static void pass(struct pair *p, uint64_t ms, void (*network)(struct pair *p))
{
	uint64_t end = p->now_ms + ms, next;

	network(p);
	for (int i = 0; (next = next_ms(p)) <= end; i++) {
		assert_true(i < 10000);
		set_time(p, CW_MAX(p->now_ms, next));
		for (int s = 0; s < PAIR_SIDES; s++)
			if (p->side[s].k && ike_next_ms(p->side[s].k) <= p->now_ms) {
				ike_tick(p->side[s].k, p->now_ms);
				assert_true(ike_next_ms(p->side[s].k) > p->now_ms);
			}
		network(p);
	}
	set_time(p, end);
}

static void lose(struct pair *p)
{
	while (p->n > 0)
		pair_drop(p);
}

void pair_pass(struct pair *p, uint64_t ms)
{
	pass(p, ms, pair_run);
}

void pair_pass_lost(struct pair *p, uint64_t ms)
{
	pass(p, ms, lose);
}

/* ---- packets from inside ---- */

static struct ike_sa *sa_of(struct pair *p, const struct pair_packet *q, const struct ike_header *h)
{
	struct ike_sa *sa = p->side[1 - q->to].k->sas;

	while (sa && (sa->spi_i != h->spi_i || sa->spi_r != h->spi_r))
		sa = sa->next;
	assert_non_null(sa);
	return sa;
}

void pair_add(struct pair_message *m, uint8_t type, const void *body, size_t size)
{
	struct pair_payload *pld = &m->pld[m->n++];

	assert_true(m->n <= CW_COUNT(m->pld) && size <= sizeof pld->body);
	pld->type = type;
	pld->critical = false;
	pld->size = size;
	if (size)
		memcpy(pld->body, body, size);
}

void pair_open(struct pair *p, size_t i, struct pair_message *ret_m)
{
	static uint8_t plain[PAIR_PACKET];
	struct pair_packet *q = &p->q[i];
	struct ike_chain ch = { .c = cw_cur_of(q->p, q->size) };
	struct ike_header h;
	struct ike_payload pld;
	size_t size;
	int r;

	assert_true(i < p->n);
	assert_int_equal(ike_msg_header(q->p, q->size, &h), 0);
	cw_cur_skip(&ch.c, IKE_HEADER);
	ch.next = h.next;
	ret_m->n = 0;
	while ((r = ike_msg_next(&ch, &pld)) > 0) {
		if (pld.type == IKE_PT_SK) {
			struct cw_span sk = { pld.body.p, cw_cur_left(&pld.body) };

			assert_int_equal(ike_sk_open(&sa_of(p, q, &h)->out, q->p, sk, plain, &size), 0);
			ch = (struct ike_chain){ cw_cur_of(plain, size), pld.next };
			continue;
		}
		pair_add(ret_m, pld.type, pld.body.p, cw_cur_left(&pld.body));
		ret_m->pld[ret_m->n - 1].critical = pld.critical;
	}
	assert_int_equal(r, 0);
}

static void write_payloads(struct ike_out *o, const struct pair_message *m)
{
	for (size_t i = 0; i < m->n; i++) {
		size_t at = ike_msg_open(o, m->pld[i].type);

		cw_wr_bytes(&o->w, m->pld[i].body, m->pld[i].size);
		ike_msg_close(o, at);
		o->next_low = m->pld[i].critical ? IKE_CRITICAL : 0;
		cw_wr_put16(&o->w, at, o->next_low);
	}
}

/* The message with header H, sealed by SA unless it is IKE_SA_INIT. */
static size_t make_message(struct ike_sa *sa, const struct ike_header *h, const struct pair_message *m, uint8_t *out)
{
	static uint8_t inner[PAIR_PACKET];
	struct ike_out o = h->exchange == IKE_SA_INIT ? ike_msg_begin(out, PAIR_PACKET, h)
						      : ike_msg_begin(inner, sizeof inner, NULL);
	int size;

	write_payloads(&o, m);
	size = h->exchange == IKE_SA_INIT ? ike_msg_end(&o) : ike_sk_seal(&sa->out, h, &o, out, PAIR_PACKET);
	assert_true(size > 0);
	return (size_t)size;
}

void pair_close(struct pair *p, size_t i, const struct pair_message *m)
{
	static uint8_t out[PAIR_PACKET];
	struct pair_packet *q = &p->q[i];
	struct ike_header h;

	assert_int_equal(ike_msg_header(q->p, q->size, &h), 0);
	q->size = make_message(h.exchange == IKE_SA_INIT ? NULL : sa_of(p, q, &h), &h, m, out);
	free(q->p);
	q->p = block(q->size);
	memcpy(q->p, out, q->size);
}

size_t pair_find(const struct pair_message *m, uint8_t type)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->pld[i].type == type)
			return i;
	fail_msg("no payload %u", type);
	return 0;
}

bool pair_has_notify(const struct pair_message *m, uint16_t type)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->pld[i].type == IKE_PT_N && (m->pld[i].body[2] << 8 | m->pld[i].body[3]) == type)
			return true;
	return false;
}

void pair_request(struct pair *p, int side, uint8_t exchange, const struct pair_message *m)
{
	static uint8_t out[PAIR_PACKET];
	struct pair_side *s = &p->side[side];
	struct ike_sa *sa = s->k->sas;
	struct ike_header h = { .exchange = exchange };
	size_t size;

	assert_non_null(sa);
	h.spi_i = sa->spi_i;
	h.spi_r = sa->spi_r;
	h.flags = sa->initiator ? IKE_FLAG_I : 0;
	h.id = sa->x.out_id++;          /* its own next request has the next id; the answer will surprise it */
	size = make_message(sa, &h, m, out);
	op_send(s, &sa->way.local, &sa->way.remote, out, size);
}

void pair_answer(struct pair *p, const struct pair_message *m)
{
	static uint8_t out[PAIR_PACKET];
	struct pair_packet q = take(p);
	struct pair_side *s = &p->side[q.to];
	struct ike_sa *sa = s->k->sas;
	struct ike_header h;
	size_t size;

	assert_int_equal(ike_msg_header(q.p, q.size, &h), 0);
	while (sa && (sa->spi_i != h.spi_i || sa->spi_r != h.spi_r))
		sa = sa->next;
	if (!sa)
		abort();
	assert_true(ike_exch_kind(&sa->x, h.id) == IKE_EXCH_FRESH);
	h.flags = (uint8_t)((sa->initiator ? IKE_FLAG_I : 0) | IKE_FLAG_R);
	size = make_message(sa, &h, m, out);
	assert_int_equal(ike_exch_answered(&sa->x, out, size), 0);
	op_send(s, &sa->way.local, &sa->way.remote, out, size);
	free(q.p);
}

/* ---- looking ---- */

uint64_t pair_dropped(const struct pair *p, int side)
{
	const uint64_t *n = p->side[side].stat.n;

	return n[CW_STAT_IKE_MALFORMED] + n[CW_STAT_IKE_REJECTED];
}

size_t pair_n_sas(const struct pair *p, int side)
{
	size_t n = 0;

	for (const struct ike_sa *sa = p->side[side].k->sas; sa; sa = sa->next)
		n++;
	return n;
}

size_t pair_n_up(const struct pair *p, int side)
{
	size_t n = 0;

	for (size_t i = 0; i < p->side[side].n_children; i++)
		n += p->side[side].child[i].up;
	return n;
}

size_t pair_n_live(const struct pair *p, int side)
{
	size_t n = 0;

	for (const struct ike_sa *sa = p->side[side].k->sas; sa; sa = sa->next)
		n += sa->state != IKE_SA_LINGER;
	return n;
}

static int rank(const struct pair_child *c)
{
	return c->idle ? 2 : !c->proven;
}

static void esp_from(struct pair *p, int side)
{
	struct pair_side *s = &p->side[side], *peer = &p->side[1 - side];
	struct pair_child *best = NULL, *in = NULL;

	for (size_t i = s->n_children; i-- > 0;)
		if (s->child[i].up && (!best || rank(&s->child[i]) < rank(best)))
			best = &s->child[i];
	if (!best)
		fail_msg("side %d has no child to send on", side);
	for (size_t i = 0; i < peer->n_children; i++)
		if (peer->child[i].c.spi_in == best->c.spi_out)
			in = &peer->child[i];
	if (!in || (!in->up && p->now_ms - in->down_ms > PAIR_GRACE_MS))
		fail_msg("side %d sends on %08x, which the peer has %s", side, best->c.spi_out, in ? "no more" : "not yet");
	assert_memory_equal(in->c.key_in, best->c.key_out, in->c.key_size);
	in->proven = true;
}

void pair_esp(struct pair *p)
{
	esp_from(p, PAIR_A);
	esp_from(p, PAIR_B);
}

const struct ike_child *pair_child(const struct pair *p, int side)
{
	for (size_t i = 0; i < p->side[side].n_children; i++)
		if (p->side[side].child[i].up)
			return &p->side[side].child[i].c;
	return NULL;
}

static bool prefix_equal(const struct cw_prefix *a, const struct cw_prefix *b)
{
	return a->len == b->len && cw_ip_equal(&a->ip, &b->ip);
}

bool pair_is_joined(const struct pair *p)
{
	const struct ike_child *a = pair_child(p, PAIR_A), *b = pair_child(p, PAIR_B);

	if (pair_n_up(p, PAIR_A) != 1 || pair_n_up(p, PAIR_B) != 1 || !a || !b)
		return false;
	if (ike_state(p->side[PAIR_A].k) != IKE_UP || ike_state(p->side[PAIR_B].k) != IKE_UP)
		return false;
	return a->spi_in == b->spi_out && a->spi_out == b->spi_in && a->aead == b->aead && a->esn == b->esn &&
	       a->initiator != b->initiator &&
	       a->key_size == b->key_size && a->key_size > 0 && memcmp(a->key_in, b->key_out, a->key_size) == 0 &&
	       memcmp(a->key_out, b->key_in, a->key_size) == 0 && memcmp(a->key_in, a->key_out, a->key_size) != 0 &&
	       prefix_equal(&a->local_ts, &b->remote_ts) && prefix_equal(&a->remote_ts, &b->local_ts);
}
