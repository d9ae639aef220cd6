/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_keys.c - the data plane and an IKE process that is not to be trusted. This program is also the two processes; when a
 * file says so its IKE process is one that strangers have taken over.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/json.h"
#include "interconnect/base/log.h"
#include "interconnect/base/mem.h"
#include "interconnect/keys.h"
#include "interconnect/keys_wire.h"

enum { DATA = 3, PATHS = 2 };

/* ---- the process that was taken over ---- */

static struct keys_msg child(void)
{
	static const uint8_t key[36] = { 1 };
	struct keys_msg m = {
		.type = KEYS_CHILD_UP, .path = 0, .spi_in = 1000, .spi_out = 2000, .aead = CW_AEAD_AES256_GCM, .esn_on = true,
		.key_in = { key, sizeof key }, .key_out = { key, sizeof key },
	};

	if (cw_prefix_parse("10.71.1.1/32", &m.local_ts) < 0 || cw_prefix_parse("10.71.2.1/32", &m.remote_ts) < 0 ||
	    cw_endpoint_parse("127.0.0.1:4500", &m.local) < 0 || cw_endpoint_parse("127.0.0.2:4500", &m.remote) < 0)
		abort();
	return m;
}

static void say(struct keys_wire *w, const struct keys_msg *m)
{
	(void)!keys_wire_send(w, m, false);
}

static void end_at_once(struct keys_wire *w)
{
	(void)w;
	_exit(0);
}

static void garbage(struct keys_wire *w)
{
	(void)!send(w->fd, "\xff\xff\xff\xff", 4, 0);
}

static void one_octet(struct keys_wire *w)
{
	(void)!send(w->fd, "", 1, 0);
}

static void too_large(struct keys_wire *w)
{
	static uint8_t big[KEYS_WIRE_MAX + 7];

	(void)!send(w->fd, big, sizeof big, 0);
}

static void the_wrong_way(struct keys_wire *w)
{
	say(w, &(struct keys_msg){ .type = KEYS_STOP });
}

static void a_path_that_is_not_there(struct keys_wire *w)
{
	say(w, &(struct keys_msg){ .type = KEYS_STATE, .path = PATHS, .state = IKE_UP, .text = "x" });
}

static void counters_that_are_not_its_own(struct keys_wire *w)
{
	say(w, &(struct keys_msg){ .type = KEYS_COUNT, .tunnel = 0, .stat = CW_STAT_RX_BYTES, .delta = 1 });
}

static void keys_that_nobody_asked_for(struct keys_wire *w)
{
	say(w, &(struct keys_msg){ .type = KEYS_KEYLOG, .path = 0 });
}

static void nowhere(struct keys_wire *w)
{
	struct keys_msg m = child();

	m.type = KEYS_SEND;
	m.bytes = (struct cw_span){ "x", 1 };
	m.remote.port = 0;
	say(w, &m);
}

/* Children that the configuration does not let be: each with one thing wrong. */
#define WRONG_CHILD(name, change) \
static void name(struct keys_wire *w) \
{ \
	struct keys_msg m = child(); \
\
	change; \
	say(w, &m); \
}

WRONG_CHILD(child_for_everybody, m.remote_ts.len = 0)
WRONG_CHILD(child_for_another, m.remote_ts.ip.b[3] = 9)
WRONG_CHILD(child_of_another, m.local_ts.ip.b[2] = 9)
WRONG_CHILD(child_of_another_family, m.local_ts = (struct cw_prefix){ 0 })
WRONG_CHILD(child_with_another_cipher, m.aead = CW_AEAD_CHACHA20_POLY1305)
WRONG_CHILD(child_with_half_a_key, m.key_out.size = 18)
WRONG_CHILD(child_with_no_key, m.key_in.size = 0)
WRONG_CHILD(child_with_a_reserved_spi, m.spi_in = 255)
WRONG_CHILD(child_without_esn, m.esn_on = false)
WRONG_CHILD(child_to_nowhere, m.remote = (struct cw_endpoint){ 0 })

/* And one that it does, to see that the others were refused for what was wrong with them. */
WRONG_CHILD(good_child, (void)0)

enum { GOOD = 1 };                      /* rows at the end that are not hostile */

static const struct hostile {
	const char *name;
	void (*act)(struct keys_wire *w);
} hostile[] = {
#define H(name) { #name, name }
	H(end_at_once), H(garbage), H(one_octet), H(too_large), H(the_wrong_way), H(a_path_that_is_not_there), H(nowhere),
	H(counters_that_are_not_its_own), H(keys_that_nobody_asked_for), H(child_for_everybody), H(child_for_another), H(child_of_another),
	H(child_of_another_family), H(child_with_another_cipher), H(child_with_half_a_key), H(child_with_no_key),
	H(child_with_a_reserved_spi), H(child_without_esn), H(child_to_nowhere),
	H(good_child),
};

static void order_path(char path[64], pid_t of)
{
	snprintf(path, 64, "/tmp/test_keys.%d.order", (int)of);
}

/* Hears the whole configuration, acts, and waits for its end. */
static int taken_over(const char *name)
{
	struct keys_wire w;
	struct keys_msg m;
	int r = keys_wire_open(&w, DATA);

	for (m.type = KEYS_SETUP; r == 0 && m.type != KEYS_RUN;)
		r = keys_wire_recv(&w, KEYS_DATA_TO_IKE, false, &m);
	for (size_t i = 0; r == 0 && i < CW_COUNT(hostile); i++)
		if (strcmp(hostile[i].name, name) == 0)
			hostile[i].act(&w);
	while (pause() < 0)
		;
	return 0;
}

static bool is_ordered(char name[64])
{
	char path[64];
	FILE *f;
	bool got;

	order_path(path, getppid());
	if (!(f = fopen(path, "re")))
		return false;
	got = fscanf(f, "%63s", name) == 1;
	fclose(f);
	return got;
}

static void order(const char *name)
{
	char path[64];
	FILE *f;

	order_path(path, getpid());
	if (!name) {
		unlink(path);
		return;
	}
	f = fopen(path, "we");
	assert_non_null(f);
	fprintf(f, "%s\n", name);
	fclose(f);
}

/* ---- the data plane ---- */

static struct fixture {
	struct cw_loop *loop;
	char dir[32];
	struct tun_conf conf;
	struct keys_path paths[PATHS];
	struct keys *keys;
	struct cw_stat stat;
	size_t n_children, n_sent, n_lost, n_states;
	bool resume;                    /* what lost() says */
	struct cw_endpoint sent_to;
} f;

static void on_send(void *ctx, size_t path, const struct cw_endpoint *local, const struct cw_endpoint *to, const void *msg, size_t size)
{
	(void)ctx, (void)path, (void)local, (void)msg, (void)size;
	f.n_sent++;
	f.sent_to = *to;
}

static int on_child_up(void *ctx, size_t path, const struct ike_child *c)
{
	(void)ctx, (void)path, (void)c;
	f.n_children++;
	return 0;
}

static void on_child(void *ctx, size_t path, uint32_t spi_in)
{
	(void)ctx, (void)path, (void)spi_in;
}

static void on_moved(void *ctx, size_t path, uint32_t spi_in, const struct cw_endpoint *local, const struct cw_endpoint *remote)
{
	(void)ctx, (void)path, (void)spi_in, (void)local, (void)remote;
}

static void on_state(void *ctx, size_t path, enum ike_state s, const char *why)
{
	(void)ctx, (void)path, (void)s, (void)why;
	f.n_states++;
}

static bool on_lost(void *ctx, size_t path, struct cw_endpoint *ret_remote)
{
	(void)ctx, (void)path;
	f.n_lost++;
	assert_int_equal(cw_endpoint_parse("127.0.0.3:4507", ret_remote), 0);
	return f.resume;
}

static struct cw_stat *on_stat(void *ctx, size_t tunnel)
{
	(void)ctx, (void)tunnel;
	return &f.stat;
}

static const struct keys_ops ops = {
	.send = on_send, .child_up = on_child_up, .child_idle = on_child, .child_down = on_child, .child_orphan = on_child,
	.child_moved = on_moved, .state = on_state, .lost = on_lost, .stat = on_stat,
};

static void quiet(enum cw_log_level level, const char *line)
{
	(void)level, (void)line;
}

static void put_secret(const char *text)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof path, "%s/psk", f.dir);
	unlink(path);
	if (!text)
		return;
	file = fopen(path, "we");
	assert_non_null(file);
	fchmod(fileno(file), 0600);
	fputs(text, file);
	fclose(file);
}

static int setup(void **state)
{
	static char name[] = "b", secret[] = "psk", l[] = "a.test", r[] = "b.test", ike[] = "aes256gcm16-prfsha384-x25519", esp[] = "aes256gcm16",
		    none[] = "";

	(void)state;
	f = (struct fixture){ .dir = "/tmp/test_keys.XXXXXX" };
	cw_log_set_sink(quiet);
	assert_non_null(mkdtemp(f.dir));
	assert_int_equal(cw_loop_new(&f.loop), 0);
	f.conf = (struct tun_conf){
		.name = name, .auth = { .method = IKE_AUTH_PSK, .secret_file = secret, .local_id = l, .remote_id = r, .cert = none, .key = none,
		.ca = none, .crl = none }, .ike = ike, .esp = esp, .esn = IKE_ESN_YES, .initiate = true, .mtu = 1500, .dpd = 10000,
		.rekey = { .ike = 3600000, .child = 3600000 },
	};
	assert_int_equal(cw_prefix_parse("10.71.1.1/32", &f.conf.local_ts), 0);
	assert_int_equal(cw_prefix_parse("10.71.2.1/32", &f.conf.remote_ts), 0);
	for (int i = 0; i < PATHS; i++) {
		f.paths[i] = (struct keys_path){ .message_max = 1200, .which = -1 };
		assert_int_equal(cw_endpoint_parse("127.0.0.1:4500", &f.paths[i].local), 0);
		assert_int_equal(cw_endpoint_parse("127.0.0.2:4500", &f.paths[i].remote), 0);
	}
	put_secret("a shared secret of the tests\n");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	order(NULL);
	keys_free(f.keys);
	cw_loop_free(f.loop);
	put_secret(NULL);
	rmdir(f.dir);
	cw_log_set_sink(NULL);
	return 0;
}

static void begin(void)
{
	const struct keys_conf conf = { f.dir, &f.conf, 1, f.paths, PATHS };

	assert_int_equal(keys_new(f.loop, &conf, &ops, NULL, &f.keys, NULL), 0);
	keys_start(f.keys, false);
}

static pid_t pid_of(const char *name)
{
	struct cw_json *a = keys_json(f.keys);
	pid_t pid = 0;

	for (size_t i = 0; i < cw_json_len(a); i++)
		if (strcmp(cw_json_get_str(cw_json_at(a, i), "name", ""), name) == 0)
			pid = (pid_t)cw_json_get_int(cw_json_at(a, i), "pid", 0);
	cw_json_free(a);
	return pid;
}

static void turn_until(const size_t *n, size_t want)
{
	for (int i = 0; i < 1000 && *n < want; i++)
		assert_int_equal(cw_loop_turn(f.loop, 20), 0);
	assert_true(*n >= want);
}

static void it_calls(void **state)
{
	(void)state;
	begin();
	turn_until(&f.n_sent, PATHS);
	turn_until(&f.n_states, PATHS);
	assert_int_equal(f.n_lost, 0);
	assert_true(pid_of("data") == getpid() && pid_of("ike") > 0 && pid_of("signer") > 0);
}

/* TEST each of them is ended, nothing of what it said is done, and an honest one takes its place. */
static void nonsense_is_the_end(void **state)
{
	for (size_t i = 0; i < CW_COUNT(hostile) - GOOD; i++) {
		if (i > 0) {
			teardown(state);
			setup(state);
		}
		order(hostile[i].name);
		begin();
		turn_until(&f.n_lost, PATHS);
		assert_int_equal(f.n_sent + f.n_children + f.n_states, 0);
		assert_int_equal(f.stat.n[CW_STAT_RX_BYTES], 0);
		assert_int_equal(pid_of("ike"), 0);     /* both are gone at once */
		assert_int_equal(pid_of("signer"), 0);
		order(NULL);
		turn_until(&f.n_sent, PATHS);
		assert_int_equal(f.n_lost, PATHS);
		assert_int_equal(f.n_children, 0);
	}
}

static void either_is_killed(void **state)
{
	static const char *const names[] = { "ike", "signer" };

	(void)state;
	begin();
	turn_until(&f.n_sent, PATHS);
	for (size_t i = 0; i < CW_COUNT(names); i++) {
		pid_t was = pid_of(names[i]);

		f.resume = true;
		f.n_lost = f.n_sent = 0;
		assert_int_equal(kill(was, SIGKILL), 0);
		turn_until(&f.n_lost, PATHS);
		turn_until(&f.n_sent, PATHS);
		assert_int_not_equal(pid_of(names[i]), was);
		assert_int_equal(f.sent_to.port, 4507);         /* where the peer was last */
		assert_int_equal(kill(was, 0), -1);
		assert_int_equal(errno, ESRCH);                 /* and is buried */
	}
}

/* As long as there is no secret they are begun again and again, at growing distance; and then there is one. */
static void a_secret_that_is_away_for_a_while(void **state)
{
	uint64_t began;

	(void)state;
	begin();
	turn_until(&f.n_sent, PATHS);
	f.n_lost = f.n_sent = 0;
	put_secret(NULL);
	assert_int_equal(kill(pid_of("signer"), SIGKILL), 0);
	began = cw_clock_now_ms();
	turn_until(&f.n_lost, 4 * PATHS);
	assert_true(cw_clock_now_ms() - began >= 100 + 200);
	put_secret("a shared secret of the tests\n");
	f.n_sent = 0;
	turn_until(&f.n_sent, PATHS);
}

/* A process that does not read does not stop us: messages of strangers are dropped, what we want is kept. */
static void it_does_not_read(void **state)
{
	static const uint8_t msg[1000] = { 1 };
	uint64_t began;
	pid_t pid;

	(void)state;
	begin();
	turn_until(&f.n_sent, PATHS);
	pid = pid_of("ike");
	assert_int_equal(kill(pid, SIGSTOP), 0);
	began = cw_clock_now_ms();
	for (int i = 0; i < 5000; i++)
		keys_input(f.keys, &f.paths[0].local, &f.paths[0].remote, msg, sizeof msg);
	assert_true(f.stat.n[CW_STAT_IKE_REJECTED] > 4500);
	for (int i = 0; i < 5000; i++)
		keys_rekey(f.keys, 0);
	assert_true(cw_clock_now_ms() - began < 5000);
	assert_int_equal(pid_of("ike"), pid);
	assert_int_equal(kill(pid, SIGCONT), 0);
	for (int i = 0; i < 1000 && f.stat.n[CW_STAT_IKE_MALFORMED] == 0; i++)  /* those that were kept */
		assert_int_equal(cw_loop_turn(f.loop, 20), 0);
	assert_true(f.stat.n[CW_STAT_IKE_MALFORMED] > 0);
	assert_int_equal(f.n_lost, 0);
	assert_int_equal(pid_of("ike"), pid);
}

/* The end does not wait for somebody who does not answer. */
static void it_does_not_stop(void **state)
{
	uint64_t began;

	(void)state;
	begin();
	turn_until(&f.n_sent, PATHS);
	assert_int_equal(kill(pid_of("ike"), SIGSTOP), 0);
	began = cw_clock_now_ms();
	keys_stop(f.keys);
	assert_in_range(cw_clock_now_ms() - began, 400, 5000);
}

/* By hand it is no program: it has nobody to talk to. */
static void parts_by_hand(void **state)
{
	char self[] = "causeway-ix", part[] = "--part=ike", other[] = "--part=", *argv[] = { self, part, NULL };
	int status = 0;

	(void)state;
	assert_true(keys_part(2, argv, &status));
	assert_int_equal(status, 2);
	argv[1] = other;
	assert_false(keys_part(2, argv, &status));
	assert_false(keys_part(1, argv, &status));
}

static void a_child_that_may_be(void **state)
{
	(void)state;
	order("good_child");
	begin();
	turn_until(&f.n_children, 1);
	assert_int_equal(f.n_lost, 0);
}

int main(int argc, char **argv)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(it_calls), T(nonsense_is_the_end), T(a_child_that_may_be), T(either_is_killed), T(a_secret_that_is_away_for_a_while),
		T(it_does_not_read), T(it_does_not_stop), T(parts_by_hand),
	};
	char name[64];
	int status;

	if (argc == 2 && strcmp(argv[1], "--part=ike") == 0 && is_ordered(name))
		return taken_over(name);
	if (keys_part(argc, argv, &status))
		return status;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
