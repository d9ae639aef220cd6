/* SPDX-License-Identifier: Apache-2.0 */
/* test_filter.c - what the other site may say to our libvirt: a recorded migration, and everything that is not one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "migrate/filter.h"
#include "migrate/rpcmsg.h"
#include "tests/lib/mig_data.h"

static const char *const disks[] = { "vda" };
static const char our_xml[] = "<domain type='qemu'><name>web1</name></domain>";
static const struct filter_policy policy = {
	{ "web1", MIG_UUID, disks, 1 }, our_xml, "unix:///run/ours/mig.sock", "unix:///run/ours/nbd.sock"
};

struct out {
	uint8_t bytes[1 << 16];
	size_t size, frames;
};

static int collect(void *ctx, const void *frame, size_t size)
{
	struct out *o = ctx;

	assert_true(o->size + size <= sizeof o->bytes);
	memcpy(o->bytes + o->size, frame, size);
	o->size += size;
	o->frames++;
	return 0;
}

/* Feeds SIZE bytes in pieces of PIECE to a fresh filter; how it ended. */
static int feed(const void *data, size_t size, size_t piece, struct out *o, struct cw_why *why)
{
	struct filter *f = NULL;
	int r = 0;

	*o = (struct out){ 0 };
	assert_int_equal(filter_new(&policy, &f), 0);
	for (size_t at = 0; at < size && r == 0; at += piece) {
		uint8_t *block = mig_exact((const uint8_t *)data + at, CW_MIN(piece, size - at));

		r = filter_feed(f, block, CW_MIN(piece, size - at), collect, o, why);
		free(block);
	}
	filter_free(f);
	return r;
}

/* The Nth frame of O as a migration call. */
static struct rpcmsg_migrate args_of(const struct out *o, size_t n, bool finish)
{
	struct cw_cur c = cw_cur_of(o->bytes, o->size), body;
	struct rpcmsg_migrate a;
	struct rpcmsg_head h;
	const uint8_t *frame = NULL;
	uint32_t size = 0;

	for (size_t i = 0; i <= n; i++) {
		struct cw_cur peek = c;

		size = cw_cur_u32(&peek);
		frame = cw_cur_take(&c, size);
	}
	assert_non_null(frame);
	assert_int_equal(rpcmsg_parse(frame, size, &h, &body), 0);
	assert_int_equal(rpcmsg_parse_migrate(body, finish, &a), 0);
	return a;
}

static void a_recorded_migration_passes_rewritten(void **state)
{
	static const size_t pieces[] = { 1, 100, 1 << 20 };
	static struct out o;
	struct cw_why why = { 0 };
	size_t size;
	uint8_t *calls = mig_file("calls.bin", &size);

	(void)state;
	for (size_t p = 0; p < CW_COUNT(pieces); p++) {
		assert_int_equal(feed(calls, size, pieces[p], &o, &why), 0);
		assert_int_equal(o.frames, 9);
		for (int finish = 0; finish <= 1; finish++) {
			struct rpcmsg_migrate a = args_of(&o, finish ? 7 : 6, finish);

			assert_true(rpcmsg_is(a.params[0].value, policy.migrate_uri));
			assert_true(rpcmsg_is(a.params[1].value, policy.disks_uri));
			assert_true(rpcmsg_is(a.params[2].value, our_xml));
			assert_int_equal(a.flags, FILTER_FLAGS);
			assert_non_null(memmem(a.cookie.p, a.cookie.size, MIG_UUID, strlen(MIG_UUID)));
			assert_int_equal(a.cookie.p[a.cookie.size - 1], 0);
		}
		assert_null(memmem(o.bytes, o.size, "cmdline", 7));     /* nothing of the source's XML is left */
	}
	free(calls);
}

/* ---- frames made by hand ---- */

static size_t put_call(uint8_t *out, uint32_t proc, const void *body, size_t size)
{
	struct cw_wr w = cw_wr_of(out, 1 << 16);
	struct rpcmsg_head h = { RPCMSG_PROGRAM, RPCMSG_VERSION, proc, RPCMSG_CALL, 1, RPCMSG_OK };

	rpcmsg_begin(&w, &h);
	cw_wr_bytes(&w, body, size);
	return (size_t)rpcmsg_end(&w);
}

static size_t put_open(uint8_t *out, const char *uri, uint32_t flags)
{
	uint8_t body[256];
	struct cw_wr w = cw_wr_of(body, sizeof body);

	cw_wr_u32(&w, 1);
	rpcmsg_put_bytes(&w, uri, strlen(uri));
	cw_wr_u32(&w, flags);
	return put_call(out, RPCMSG_CONNECT_OPEN, body, w.len);
}

/* A recorded call with a change, behind an OPEN (and, for Finish, the recorded Prepare). */
static int feed_changed(bool finish, void (*change)(struct rpcmsg_migrate *a), struct cw_why *why)
{
	static uint8_t stream[1 << 17];
	static struct out o;
	size_t size, n = put_open(stream, "qemu:///system", 0);
	uint8_t *frame = mig_file(finish ? "finish-call.bin" : "prepare-call.bin", &size);
	struct rpcmsg_migrate a;
	struct rpcmsg_head h;
	struct cw_cur body;
	struct cw_wr w;
	int r;

	if (finish) {
		size_t k;
		uint8_t *prepare = mig_file("prepare-call.bin", &k);

		memcpy(stream + n, prepare, k);
		n += k;
		free(prepare);
	}
	assert_int_equal(rpcmsg_parse(frame, size, &h, &body), 0);
	assert_int_equal(rpcmsg_parse_migrate(body, finish, &a), 0);
	if (change)
		change(&a);
	w = cw_wr_of(stream + n, sizeof stream - n);
	rpcmsg_begin(&w, &h);
	rpcmsg_put_migrate(&w, &a, finish);
	r = feed(stream, n + (size_t)rpcmsg_end(&w), 1 << 20, &o, why);
	if (r < 0)
		assert_int_equal(o.frames, finish ? 2 : 1);     /* what was refused was not passed on */
	free(frame);
	return r;
}

static struct rpcmsg_span span(const char *s)
{
	return (struct rpcmsg_span){ (const uint8_t *)s, strlen(s) };
}

static void set_persist(struct rpcmsg_migrate *a) { a->flags |= 1 << 3; }
static void set_undefine(struct rpcmsg_migrate *a) { a->flags |= 1 << 4; }
static void set_running(struct rpcmsg_migrate *a) { a->flags &= ~0x20u; }
static void set_converge(struct rpcmsg_migrate *a) { a->flags |= 1 << 13; }
static void set_unsafe(struct rpcmsg_migrate *a) { a->flags |= 1 << 9; }
static void set_p2p(struct rpcmsg_migrate *a) { a->flags |= 1 << 1; }
static void set_cancelled(struct rpcmsg_migrate *a) { a->cancelled = 1; }
static void set_cancelled_odd(struct rpcmsg_migrate *a) { a->cancelled = 2; }
static void drop_xml(struct rpcmsg_migrate *a) { a->n_params = 2; }
static void drop_uri(struct rpcmsg_migrate *a) { a->params[0] = a->params[2]; a->n_params = 2; }
static void twice_xml(struct rpcmsg_migrate *a) { a->params[a->n_params++] = a->params[2]; }
static void add_param(struct rpcmsg_migrate *a) { a->params[a->n_params] = a->params[2]; a->params[a->n_params++].name = span("tls.destination"); }
static void add_persistent(struct rpcmsg_migrate *a) { a->params[a->n_params] = a->params[2]; a->params[a->n_params++].name = span("persistent_xml"); }
static void no_cookie(struct rpcmsg_migrate *a) { a->cookie = (struct rpcmsg_span){ NULL, 0 }; }
static void bad_cookie(struct rpcmsg_migrate *a) { a->cookie = span("<qemu-migration><name>web1</name>"); }
static void other_vm(struct rpcmsg_migrate *a)
{
	a->cookie = span("<qemu-migration><name>db1</name><uuid>" MIG_UUID "</uuid></qemu-migration>");
}
static void other_name(struct rpcmsg_migrate *a)
{
	a->params[a->n_params].name = span("destination_name");
	a->params[a->n_params].type = RPCMSG_STRING;
	a->params[a->n_params++].value = span("db1");
}
static void number_for_xml(struct rpcmsg_migrate *a)
{
	static const uint8_t four[4];

	a->params[2].type = 2;
	a->params[2].value = (struct rpcmsg_span){ four, 4 };
}

static void changed_calls_are_refused(void **state)
{
	static const struct {
		const char *what;
		void (*change)(struct rpcmsg_migrate *a);
		bool finish_only, fine;
		const char *field;
	} rows[] = {
		{ "nothing", NULL, false, true, "" },
		{ "no cookie", no_cookie, false, true, "" },
		{ "persistent", set_persist, false, false, "flags" },
		{ "undefine the source", set_undefine, false, false, "flags" },
		{ "not paused", set_running, false, false, "flags" },
		{ "unsafe", set_unsafe, false, false, "flags" },
		{ "a flag for the source alone", set_converge, false, false, "flags" },
		{ "peer to peer", set_p2p, false, false, "flags" },
		{ "cancelled", set_cancelled, true, true, "" },
		{ "cancelled, oddly", set_cancelled_odd, true, false, "cancelled" },
		{ "without XML", drop_xml, false, false, "destination_xml" },
		{ "without address", drop_uri, false, false, "migrate_uri" },
		{ "XML twice", twice_xml, false, false, "destination_xml" },
		{ "another parameter", add_param, false, false, "migration parameters" },
		{ "a persistent definition", add_persistent, false, false, "migration parameters" },
		{ "XML that is a number", number_for_xml, false, false, "migration parameters" },
		{ "another name", other_name, false, false, "destination_name" },
		{ "a cookie that is no XML", bad_cookie, false, false, "cookie" },
		{ "a cookie of another VM", other_vm, false, false, "cookie/name" },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++)
		for (int finish = rows[i].finish_only; finish <= 1; finish++) {
			struct cw_why why = { 0 };
			int r = feed_changed(finish, rows[i].change, &why);

			if (rows[i].fine ? r != 0 : r >= 0)
				fail_msg("%s (%s): %d", rows[i].what, finish ? "finish" : "prepare", r);
			assert_string_equal(why.field, rows[i].field);
		}
}

static void no_other_procedure_passes(void **state)
{
	static uint8_t stream[1 << 17];
	static struct out o;
	static const uint32_t fine[] = { 1, 2, 60, 66, 303, 306 };
	size_t opened = put_open(stream, "qemu:///system", 0);

	(void)state;
	for (uint32_t proc = 0; proc < 500; proc++) {
		struct cw_why why = { 0 };
		bool known = false;
		int r;

		for (size_t i = 0; i < CW_COUNT(fine); i++)
			known = known || fine[i] == proc;
		if (known)
			continue;
		r = feed(stream, opened + put_call(stream + opened, proc, NULL, 0), 1 << 20, &o, &why);
		assert_int_equal(r, CW_E_FORBIDDEN);
		assert_int_equal(o.frames, 1);
	}
}

static void order_is_kept(void **state)
{
	static uint8_t stream[1 << 17];
	static struct out o;
	struct cw_why why = { 0 };
	size_t k, m, n;
	uint8_t *prepare = mig_file("prepare-call.bin", &k), *finish = mig_file("finish-call.bin", &m);

	(void)state;
	assert_int_equal(feed(prepare, k, 1 << 20, &o, &why), CW_E_FORBIDDEN);          /* before OPEN */
	n = put_open(stream, "qemu:///system", 0);
	memcpy(stream + n, finish, m);
	assert_int_equal(feed(stream, n + m, 1 << 20, &o, &why), CW_E_FORBIDDEN);       /* Finish before Prepare */
	n += put_open(stream + n, "qemu:///system", 0);
	assert_int_equal(feed(stream, n, 1 << 20, &o, &why), CW_E_FORBIDDEN);           /* OPEN twice */
	n = put_open(stream, "qemu:///system", 0);
	memcpy(stream + n, prepare, k);
	memcpy(stream + n + k, prepare, k);
	assert_int_equal(feed(stream, n + 2 * k, 1 << 20, &o, &why), CW_E_FORBIDDEN);   /* Prepare twice */
	memcpy(stream + n + k, finish, m);
	memcpy(stream + n + k + m, finish, m);
	assert_int_equal(feed(stream, n + k + 2 * m, 1 << 20, &o, &why), CW_E_FORBIDDEN);       /* Finish twice */
	assert_int_equal(o.frames, 3);
	n += put_call(stream + n, RPCMSG_CONNECT_CLOSE, NULL, 0);
	n += put_call(stream + n, RPCMSG_AUTH_LIST, NULL, 0);
	assert_int_equal(feed(stream, n, 1 << 20, &o, &why), CW_E_FORBIDDEN);           /* anything after CLOSE */
	free(prepare);
	free(finish);
}

static void only_the_system_daemon_is_opened(void **state)
{
	static const struct {
		const char *uri;
		uint32_t flags;
	} rows[] = {
		{ "qemu:///session", 0 }, { "qemu:///system", 1 }, { "test:///default", 0 }, { "qemu:///system2", 0 }, { "", 0 },
		{ "qemu+ssh://root@elsewhere/system", 0 },
	};
	uint8_t stream[512];
	static struct out o;
	struct cw_why why = { 0 };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++)
		assert_int_equal(feed(stream, put_open(stream, rows[i].uri, rows[i].flags), 1 << 20, &o, &why), CW_E_FORBIDDEN);
	assert_int_equal(feed(stream, put_call(stream, RPCMSG_CONNECT_OPEN, "\0\0\0\0\0\0\0\0", 8), 1 << 20, &o, &why),
			 CW_E_FORBIDDEN);       /* no name at all */
}

static void only_plain_calls_and_keepalive_pass(void **state)
{
	static const struct {
		const char *what;
		struct rpcmsg_head h;
		bool fine;
	} rows[] = {
		{ "call", { RPCMSG_PROGRAM, 1, RPCMSG_AUTH_LIST, RPCMSG_CALL, 1, RPCMSG_OK }, true },
		{ "keepalive", { RPCMSG_KEEPALIVE, 1, 1, RPCMSG_EVENT, 0, RPCMSG_OK }, true },
		{ "reply", { RPCMSG_PROGRAM, 1, RPCMSG_AUTH_LIST, RPCMSG_REPLY, 1, RPCMSG_OK }, false },
		{ "event", { RPCMSG_PROGRAM, 1, RPCMSG_AUTH_LIST, RPCMSG_EVENT, 1, RPCMSG_OK }, false },
		{ "stream", { RPCMSG_PROGRAM, 1, RPCMSG_AUTH_LIST, RPCMSG_STREAM, 1, RPCMSG_CONTINUE }, false },
		{ "call with descriptors", { RPCMSG_PROGRAM, 1, RPCMSG_AUTH_LIST, 4, 1, RPCMSG_OK }, false },
		{ "status", { RPCMSG_PROGRAM, 1, RPCMSG_AUTH_LIST, RPCMSG_CALL, 1, RPCMSG_ERROR }, false },
		{ "version", { RPCMSG_PROGRAM, 2, RPCMSG_AUTH_LIST, RPCMSG_CALL, 1, RPCMSG_OK }, false },
		{ "QEMU's own program", { 0x20008087, 1, 1, RPCMSG_CALL, 1, RPCMSG_OK }, false },
	};
	static struct out o;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct cw_why why = { 0 };
		uint8_t frame[64];
		struct cw_wr w = cw_wr_of(frame, sizeof frame);

		rpcmsg_begin(&w, &rows[i].h);
		if ((feed(frame, (size_t)rpcmsg_end(&w), 1 << 20, &o, &why) == 0) != rows[i].fine)
			fail_msg("%s", rows[i].what);
	}
}

/* One flipped bit anywhere in the recorded stream: refused or rewritten, but never anything of ours missing. */
static void flipped_bits_never_get_through_as_they_are(void **state)
{
	static struct out o;
	size_t size, k;
	uint8_t *frame = mig_file("prepare-call.bin", &size), *stream = malloc(size + 512);

	(void)state;
	assert_non_null(stream);
	k = put_open(stream, "qemu:///system", 0);
	for (size_t bit = 0; bit < size * 8; bit += 5) {
		struct cw_why why = { 0 };

		memcpy(stream + k, frame, size);
		stream[k + bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (feed(stream, k + size, 1 << 20, &o, &why) != 0 || o.frames < 2)
			continue;
		assert_non_null(memmem(o.bytes, o.size, our_xml, strlen(our_xml)));
		assert_null(memmem(o.bytes, o.size, "/srv/guest", 10));
	}
	free(frame);
	free(stream);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_recorded_migration_passes_rewritten),
		cmocka_unit_test(changed_calls_are_refused),
		cmocka_unit_test(no_other_procedure_passes),
		cmocka_unit_test(order_is_kept),
		cmocka_unit_test(only_the_system_daemon_is_opened),
		cmocka_unit_test(only_plain_calls_and_keepalive_pass),
		cmocka_unit_test(flipped_bits_never_get_through_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
