/* SPDX-License-Identifier: Apache-2.0 */
/* keys_wire.c - rows of fields, and one reader and one writer for all of them. */
#include "interconnect/keys_wire.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "interconnect/base/cur.h"
#include "interconnect/base/log.h"
#include "interconnect/base/mem.h"
#include "interconnect/base/stat.h"
#include "interconnect/base/wr.h"
#include "interconnect/ike/ike_keys.h"
#include "interconnect/ike/ike_limits.h"

/* ---- rows ---- */

enum field_kind { F_BOOL, F_U8, F_U16, F_U32, F_U64, F_I32, F_ENDPOINT, F_PREFIX, F_TEXT, F_BYTES, F_KINDS };

/* MAX: the largest number, or how many bytes, a text's NUL among them. */
struct field {
	enum field_kind kind;
	size_t offset;
	size_t max;
};

#define AT(member) offsetof(struct keys_msg, member)
#define BOOL(m) { F_BOOL, AT(m), 1 }
#define U8(m, max) { F_U8, AT(m), max }
#define U16(m) { F_U16, AT(m), UINT16_MAX }
#define U32(m) { F_U32, AT(m), UINT32_MAX }
#define U64(m) { F_U64, AT(m), 0 }
#define I32(m) { F_I32, AT(m), 0 }
#define ENDPOINT(m) { F_ENDPOINT, AT(m), 0 }
#define PREFIX(m) { F_PREFIX, AT(m), 0 }
#define TEXT(m, max) { F_TEXT, AT(m), max }
#define BYTES(m, max) { F_BYTES, AT(m), max }

enum { NAME_TEXT = 128, WHY_TEXT = 512 };

static const struct field f_setup[] = { U16(n_tunnels), U16(n_paths), U8(level, CW_LOG_N - 1), BOOL(keylog) };
static const struct field f_tunnel[] = {
	U16(tunnel), TEXT(name, NAME_TEXT), BOOL(initiate), U8(auth, IKE_AUTH_CERT), U8(esn, IKE_ESN_BOTH), BOOL(encap), BOOL(mobike),
	U8(childless, IKE_CHILDLESS_FORCE), U64(dpd_ms),
	U64(rekey_ike_ms), U64(rekey_child_ms), PREFIX(local_ts), PREFIX(remote_ts), TEXT(ike, IKE_SUITES_TEXT),
	TEXT(esp, IKE_SUITES_TEXT), TEXT(local_id, IKE_ID_MAX), TEXT(remote_id, IKE_ID_MAX), TEXT(ppk_id, IKE_PPK_ID_MAX + 1),
	BOOL(ppk_required),
};
static const struct field f_cert[] = { U16(tunnel), U8(kind, KEYS_CERT_N - 1), BYTES(bytes, CW_CERT_MAX) };
static const struct field f_crl[] = { U16(tunnel), BYTES(bytes, KEYS_CRL_MAX) };
static const struct field f_path[] = { U16(path), U16(tunnel), U32(message_max), I32(which), ENDPOINT(local), ENDPOINT(remote) };
static const struct field f_number[] = { U16(path) };
static const struct field f_remote[] = { U16(path), ENDPOINT(remote) };
static const struct field f_input[] = { ENDPOINT(local), ENDPOINT(remote), BYTES(bytes, IKE_IN_MAX) };
/* No address: it is unchanged. */
static const struct field f_moved[] = { U16(path), ENDPOINT(local), ENDPOINT(remote) };
static const struct field f_send[] = { U16(path), ENDPOINT(local), ENDPOINT(remote), BYTES(bytes, IKE_IN_MAX) };
static const struct field f_child_up[] = {
	U16(path), U32(spi_in), U32(spi_out), U8(aead, CW_AEAD_N - 1), BOOL(esn_on), BOOL(initiator), BYTES(key_in, IKE_KEYMAT_MAX),
	BYTES(key_out, IKE_KEYMAT_MAX), PREFIX(local_ts), PREFIX(remote_ts), ENDPOINT(local), ENDPOINT(remote),
};
static const struct field f_child[] = { U16(path), U32(spi_in) };
static const struct field f_child_moved[] = { U16(path), U32(spi_in), ENDPOINT(local), ENDPOINT(remote) };
static const struct field f_state[] = { U16(path), U8(state, IKE_STATE_N - 1), TEXT(text, WHY_TEXT) };
static const struct field f_info[] = {
	U16(path), BOOL(present), U64(spi_i), U64(spi_r), BOOL(initiator), BOOL(ppk), BOOL(mobike), BOOL(nat_local),
	BOOL(nat_remote), ENDPOINT(local), ENDPOINT(remote), U8(aead, CW_AEAD_N - 1), U8(prf, CW_HASH_N - 1),
	U32(group), U8(esp_aead, CW_AEAD_N - 1), U32(esp_group), U64(established_ms), U32(answers), U64(rtt_ms), TEXT(remote_id, IKE_ID_MAX),
};
static const struct field f_count[] = { U16(tunnel), U8(stat, CW_STAT_N - 1), U64(delta) };
static const struct field f_keylog[] = {
	U16(path), BOOL(child), U8(aead, CW_AEAD_N - 1), U64(spi_i), U64(spi_r), BYTES(key_in, IKE_KEYMAT_MAX),
	BYTES(key_out, IKE_KEYMAT_MAX),
};
static const struct field f_auth[] = {
	U16(tunnel), U8(prf, CW_HASH_N - 1), BYTES(bytes, IKE_IN_MAX), BYTES(nonce, IKE_NONCE_MAX), BYTES(id, 4 + IKE_ID_MAX),
	BYTES(sk_p, CW_HASH_MAX),
};
static const struct field f_ppk[] = {
	U16(tunnel), U8(prf, CW_HASH_N - 1), BYTES(d, CW_HASH_MAX), BYTES(pi, CW_HASH_MAX), BYTES(pr, CW_HASH_MAX),
};
static const struct field f_answer[] = {
	I32(r), BYTES(bytes, IKE_AUTH_DATA_MAX), BYTES(d, CW_HASH_MAX), BYTES(pi, CW_HASH_MAX), BYTES(pr, CW_HASH_MAX),
};
static const struct field f_secret[] = {
	U16(tunnel), TEXT(name, NAME_TEXT), U8(auth, IKE_AUTH_CERT), TEXT(dir, KEYS_PATH_TEXT), TEXT(cert, KEYS_PATH_TEXT),
	TEXT(key, KEYS_PATH_TEXT), TEXT(secret_file, KEYS_PATH_TEXT), TEXT(ppk_id, IKE_PPK_ID_MAX + 1), TEXT(ppk_file, KEYS_PATH_TEXT),
	TEXT(local_id, IKE_ID_MAX), TEXT(remote_id, IKE_ID_MAX),
};
static const struct field f_verdict[] = { I32(r), TEXT(object, NAME_TEXT), TEXT(field, NAME_TEXT), TEXT(text, WHY_TEXT) };

#define ROW(type, fields) [KEYS_##type] = { fields, CW_COUNT(fields) }

static const struct row {
	const struct field *fields;
	size_t n;
} rows[KEYS_TYPE_N] = {
	ROW(SETUP, f_setup), ROW(TUNNEL, f_tunnel), ROW(CERT, f_cert), ROW(CRL, f_crl), ROW(PATH, f_path), [KEYS_RUN] = { NULL, 0 },
	ROW(START, f_number), ROW(RESUME, f_remote), [KEYS_STOP] = { NULL, 0 }, ROW(INPUT, f_input), ROW(REKEY_CHILD, f_number),
	ROW(REKEY, f_number), ROW(RENEW, f_number), ROW(ALIVE, f_number), ROW(MOVED, f_moved), ROW(PEER_AT, f_remote), ROW(PING, f_number),
	[KEYS_READY] = { NULL, 0 }, ROW(SEND, f_send), ROW(CHILD_UP, f_child_up), ROW(CHILD_IDLE, f_child), ROW(CHILD_DOWN, f_child),
	ROW(CHILD_ORPHAN, f_child), ROW(CHILD_MOVED, f_child_moved), ROW(STATE, f_state), ROW(INFO, f_info), ROW(COUNT, f_count),
	ROW(KEYLOG, f_keylog), [KEYS_STOPPED] = { NULL, 0 }, ROW(SIGN, f_auth), ROW(PSK_AUTH, f_auth), ROW(PPK, f_ppk),
	ROW(ANSWER, f_answer), ROW(SECRET, f_secret), [KEYS_END] = { NULL, 0 }, ROW(VERDICT, f_verdict),
};

static const struct {
	const char *name;
	enum keys_way way;
} types[KEYS_TYPE_N] = {
#define TYPE_ROW(name, way) [KEYS_##name] = { #name, KEYS_##way },
	KEYS_TYPES(TYPE_ROW)
#undef TYPE_ROW
};

const char *keys_wire_name(enum keys_type type)
{
	return type < KEYS_TYPE_N ? types[type].name : "?";
}

/* ---- writing ---- */

static void put_number(struct cw_wr *w, const struct field *f, const void *at)
{
	const uint8_t *u8 = at;
	const uint16_t *u16 = at;
	const uint32_t *u32 = at;

	if (f->kind == F_U16)
		cw_wr_u16(w, *u16);
	else if (f->kind == F_U8 && *u8 <= f->max)
		cw_wr_u8(w, *u8);
	else if (f->kind == F_U32)
		cw_wr_u32(w, *u32);
	else
		w->bad = true;
}

static void put_bool(struct cw_wr *w, const struct field *f, const void *at)
{
	const bool *b = at;

	(void)f;
	cw_wr_u8(w, *b);
}

static void put_u64(struct cw_wr *w, const struct field *f, const void *at)
{
	const uint64_t *v = at;

	(void)f;
	cw_wr_u64(w, *v);
}

static void put_i32(struct cw_wr *w, const struct field *f, const void *at)
{
	const int32_t *v = at;

	(void)f;
	cw_wr_u32(w, (uint32_t)*v);
}

static void put_ip(struct cw_wr *w, const struct cw_ip *ip)
{
	size_t size = cw_ip_size(ip);

	cw_wr_u8(w, (uint8_t)size);
	cw_wr_bytes(w, ip->b, size);
}

static void put_endpoint(struct cw_wr *w, const struct field *f, const void *at)
{
	const struct cw_endpoint *ep = at;

	(void)f;
	put_ip(w, &ep->ip);
	cw_wr_u16(w, ep->port);
}

static void put_prefix(struct cw_wr *w, const struct field *f, const void *at)
{
	const struct cw_prefix *p = at;

	(void)f;
	put_ip(w, &p->ip);
	cw_wr_u8(w, p->len);
}

static void put_sized(struct cw_wr *w, const struct field *f, const void *p, size_t size)
{
	if (size > f->max)
		w->bad = true;
	cw_wr_u24(w, (uint32_t)size);
	cw_wr_bytes(w, p, size);
}

static void put_text(struct cw_wr *w, const struct field *f, const void *at)
{
	const char *const *text = at;
	const char *s = *text ? *text : "";

	put_sized(w, f, s, strlen(s) + 1);
}

static void put_bytes(struct cw_wr *w, const struct field *f, const void *at)
{
	const struct cw_span *s = at;

	put_sized(w, f, s->p, s->size);
}

/* ---- reading ---- */

static void get_number(struct cw_cur *c, const struct field *f, void *at)
{
	uint8_t *u8 = at;
	uint16_t *u16 = at;
	uint32_t *u32 = at;

	if (f->kind == F_U16)
		*u16 = cw_cur_u16(c);
	else if (f->kind == F_U32)
		*u32 = cw_cur_u32(c);
	else if ((*u8 = cw_cur_u8(c)) > f->max)
		c->bad = true;
}

static void get_bool(struct cw_cur *c, const struct field *f, void *at)
{
	uint8_t v = cw_cur_u8(c);
	bool *b = at;

	(void)f;
	c->bad |= v > 1;
	*b = v == 1;
}

static void get_u64(struct cw_cur *c, const struct field *f, void *at)
{
	uint64_t *v = at;

	(void)f;
	*v = cw_cur_u64(c);
}

static void get_i32(struct cw_cur *c, const struct field *f, void *at)
{
	int32_t *v = at;

	(void)f;
	*v = (int32_t)cw_cur_u32(c);
}

/* No address at all is one, too. */
static struct cw_ip get_ip(struct cw_cur *c)
{
	size_t size = cw_cur_u8(c);
	const uint8_t *p = cw_cur_take(c, size);

	if (size != 0 && size != 4 && size != 16)
		c->bad = true;
	return p && size ? cw_ip_of(p, size) : (struct cw_ip){ 0 };
}

static void get_endpoint(struct cw_cur *c, const struct field *f, void *at)
{
	struct cw_endpoint *ep = at;

	(void)f;
	ep->ip = get_ip(c);
	ep->port = cw_cur_u16(c);
}

static void get_prefix(struct cw_cur *c, const struct field *f, void *at)
{
	struct cw_prefix *p = at;

	(void)f;
	p->ip = get_ip(c);
	p->len = cw_cur_u8(c);
	c->bad |= p->len > cw_ip_size(&p->ip) * 8;
}

static struct cw_span get_sized(struct cw_cur *c, const struct field *f)
{
	size_t size = cw_cur_u24(c);

	if (size > f->max)
		c->bad = true;
	return (struct cw_span){ cw_cur_take(c, size), size };
}

static void get_text(struct cw_cur *c, const struct field *f, void *at)
{
	struct cw_span s = get_sized(c, f);
	const char **text = at;

	if (!s.p || s.size == 0 || memchr(s.p, 0, s.size) != (const char *)s.p + s.size - 1) {
		c->bad = true;
		return;
	}
	*text = s.p;
}

static void get_bytes(struct cw_cur *c, const struct field *f, void *at)
{
	struct cw_span *s = at, got = get_sized(c, f);

	if (got.p)
		*s = got;
}

static const struct {
	void (*put)(struct cw_wr *w, const struct field *f, const void *at);
	void (*get)(struct cw_cur *c, const struct field *f, void *at);
} kinds[F_KINDS] = {
	[F_BOOL] = { put_bool, get_bool }, [F_U8] = { put_number, get_number }, [F_U16] = { put_number, get_number },
	[F_U32] = { put_number, get_number }, [F_U64] = { put_u64, get_u64 }, [F_I32] = { put_i32, get_i32 },
	[F_ENDPOINT] = { put_endpoint, get_endpoint }, [F_PREFIX] = { put_prefix, get_prefix },
	[F_TEXT] = { put_text, get_text }, [F_BYTES] = { put_bytes, get_bytes },
};

int keys_wire_build(const struct keys_msg *m, uint8_t *buf, size_t size)
{
	struct cw_wr w = cw_wr_of(buf, size);
	const struct row *row = &rows[m->type];

	cw_wr_u8(&w, (uint8_t)m->type);
	for (size_t i = 0; i < row->n; i++)
		kinds[row->fields[i].kind].put(&w, &row->fields[i], (const uint8_t *)m + row->fields[i].offset);
	return cw_wr_done(&w);
}

int keys_wire_parse(enum keys_way way, const uint8_t *buf, size_t size, struct keys_msg *ret_msg)
{
	struct cw_cur c = cw_cur_of(buf, size);
	uint8_t type = cw_cur_u8(&c);
	const struct row *row;
	struct keys_msg m;

	if (c.bad || type >= KEYS_TYPE_N || types[type].way != way)
		return CW_E_MALFORMED;
	m = (struct keys_msg){ .type = (enum keys_type)type, .name = "", .ike = "", .esp = "", .local_id = "", .remote_id = "",
			       .ppk_id = "", .dir = "", .cert = "", .key = "", .secret_file = "", .ppk_file = "", .text = "",
			       .object = "", .field = "" };
	row = &rows[type];
	for (size_t i = 0; i < row->n && !c.bad; i++)
		kinds[row->fields[i].kind].get(&c, &row->fields[i], (uint8_t *)&m + row->fields[i].offset);
	if (c.bad)
		return CW_E_MALFORMED;
	if (cw_cur_left(&c) > 0)
		return CW_E_EXTRA;
	*ret_msg = m;
	return 0;
}

/* ---- sockets ---- */

int keys_wire_open(struct keys_wire *w, int fd)
{
	*w = (struct keys_wire){ fd, cw_mem_secret(KEYS_WIRE_MAX), cw_mem_secret(KEYS_WIRE_MAX), 0 };
	if (w->in && w->out)
		return 0;
	keys_wire_close(w);
	return -ENOMEM;
}

void keys_wire_close(struct keys_wire *w)
{
	cw_fd_close(&w->fd);
	cw_mem_free_secret(w->in, KEYS_WIRE_MAX);
	cw_mem_free_secret(w->out, KEYS_WIRE_MAX);
	w->in = w->out = NULL;
}

int keys_wire_send(struct keys_wire *w, const struct keys_msg *m, bool dontwait)
{
	int n = keys_wire_build(m, w->out, KEYS_WIRE_MAX), r = 0;
	ssize_t sent;

	if (n < 0)
		return n;
	do
		sent = send(w->fd, w->out, (size_t)n, MSG_NOSIGNAL | (dontwait ? MSG_DONTWAIT : 0));
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		r = -errno;
	cw_mem_wipe(w->out, (size_t)n);
	return r;
}

int keys_wire_recv(struct keys_wire *w, enum keys_way way, bool dontwait, struct keys_msg *ret_msg)
{
	ssize_t n;

	cw_mem_wipe(w->in, w->in_size);
	w->in_size = 0;
	do
		n = recv(w->fd, w->in, KEYS_WIRE_MAX, MSG_TRUNC | (dontwait ? MSG_DONTWAIT : 0));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? CW_E_UNREACHABLE : -errno;
	if (n == 0)
		return CW_E_UNREACHABLE;
	if (n > KEYS_WIRE_MAX)
		return CW_E_LIMIT;
	w->in_size = (size_t)n;
	return keys_wire_parse(way, w->in, w->in_size, ret_msg);
}

int keys_wire_wait(const struct keys_wire *w, int ms)
{
	struct pollfd p = { w->fd, POLLIN, 0 };
	int n = poll(&p, 1, ms);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	return n > 0;
}

size_t keys_wire_unread(const struct keys_wire *w)
{
	int n;

	return ioctl(w->fd, SIOCOUTQ, &n) < 0 || n < 0 ? SIZE_MAX : (size_t)n;
}
