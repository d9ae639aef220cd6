/* SPDX-License-Identifier: Apache-2.0 */
/* test_relay.c - streams through a relay on loopback addresses; the tunnel is a fake of two functions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/log.h"
#include "interconnect/base/pump.h"
#include "interconnect/relay.h"

/* ---- the fake tunnel: 127.81/16 is our side, 127.82/16 the peer's ---- */
static enum tun_state fake_state;
static struct tun_conf fake_conf;

enum tun_state tun_state(const struct tun *t)
{
	(void)t;
	return fake_state;
}

const struct tun_conf *tun_conf(const struct tun *t)
{
	(void)t;
	return &fake_conf;
}

struct fixture {
	struct cw_loop *loop;
	struct cw_stream_addr listen, dial;
	char listen_text[CW_STREAM_TEXT], dial_text[CW_STREAM_TEXT], name[8];
	struct relay_conf conf;
	struct relay *relay;
	int target;
};

static void drop_line(enum cw_log_level level, const char *line)
{
	(void)level;
	(void)line;
}

/* An address of our own, so that tests run side by side. */
static struct cw_stream_addr own(uint8_t net)
{
	struct cw_stream_addr a = {
		.ep = { { AF_INET, { 127, net, (uint8_t)(getpid() >> 8), (uint8_t)getpid() } }, 7001 },
	};

	return a;
}

static void use(struct fixture *f, struct cw_stream_addr listen_at, struct cw_stream_addr dial_to, uint32_t max)
{
	f->listen = listen_at;
	f->dial = dial_to;
	snprintf(f->name, sizeof f->name, "r");
	cw_stream_addr_text(&f->listen, f->listen_text);
	cw_stream_addr_text(&f->dial, f->dial_text);
	f->conf = (struct relay_conf){ f->name, f->name, f->listen_text, f->dial_text, max, RATE_LIVE };
	assert_int_equal(relay_new(f->loop, &f->conf, NULL, NULL, NULL, &f->relay), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct cw_prefix p;

	assert_non_null(f);
	fake_state = TUN_UP;
	assert_int_equal(cw_prefix_parse("127.81.0.0/16", &p), 0);
	fake_conf.local_ts = p;
	fake_conf.local_ts.ip = own(81).ep.ip;
	assert_int_equal(cw_prefix_parse("127.82.0.0/16", &fake_conf.remote_ts), 0);
	assert_int_equal(cw_loop_new(&f->loop), 0);
	f->target = -1;
	cw_log_set_sink(drop_line);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	relay_free(f->relay);
	cw_fd_close(&f->target);
	cw_loop_free(f->loop);
	free(f);
	cw_log_set_sink(NULL);
	return 0;
}

static int64_t shown(const struct fixture *f, const char *key)
{
	struct cw_json *j = relay_json(f->relay);
	int64_t v = cw_json_get_int(j, key, -1);

	cw_json_free(j);
	return v;
}

/* Turns the loop until KEY of the relay shows WANT. */
static void turn_until(struct fixture *f, const char *key, int64_t want)
{
	for (int i = 0; i < 400 && shown(f, key) != want; i++)
		assert_int_equal(cw_loop_turn(f->loop, 20), 0);
	assert_int_equal(shown(f, key), want);
}

static int client(const struct fixture *f)
{
	int fd = -1;

	assert_int_equal(cw_stream_connect(&f->listen, &fd), 0);
	return fd;
}

/* One byte, or -errno, or 0 at the end of the stream; turns the loop while there is nothing. */
static int read_byte(struct fixture *f, int fd, uint8_t *ret)
{
	for (int i = 0; i < 400; i++) {
		ssize_t n = recv(fd, ret, 1, MSG_DONTWAIT);

		if (n >= 0 || errno != EAGAIN)
			return n < 0 ? -errno : (int)n;
		assert_int_equal(cw_loop_turn(f->loop, 20), 0);
	}
	return -ETIMEDOUT;
}

/* ---- tests ---- */

static void bytes_and_half_closes_pass_both_ways(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;
	struct cw_endpoint from;
	uint8_t b = 0;
	int c, t;

	use(f, own(80), own(82), 8);
	assert_int_equal(cw_stream_listen(&f->dial, &f->target), 0);
	c = client(f);
	turn_until(f, "accepted", 1);
	t = accept(f->target, (struct sockaddr *)&sa, &len);
	assert_true(t >= 0);
	assert_int_equal(cw_endpoint_from_sockaddr((struct sockaddr *)&sa, &from), 0);
	assert_true(cw_ip_equal(&from.ip, &fake_conf.local_ts.ip));     /* it left from our inner address */
	assert_int_equal(send(c, "x", 1, MSG_NOSIGNAL), 1);
	assert_int_equal(read_byte(f, t, &b), 1);
	assert_int_equal(b, 'x');
	assert_int_equal(send(t, "y", 1, MSG_NOSIGNAL), 1);
	assert_int_equal(read_byte(f, c, &b), 1);
	assert_int_equal(b, 'y');
	shutdown(c, SHUT_WR);
	assert_int_equal(read_byte(f, t, &b), 0);
	assert_int_equal(send(t, "z", 1, MSG_NOSIGNAL), 1);             /* the other half is still open */
	assert_int_equal(read_byte(f, c, &b), 1);
	close(t);
	assert_int_equal(read_byte(f, c, &b), 0);
	turn_until(f, "streams", 0);
	assert_int_equal(shown(f, "sent_bytes"), 1);
	assert_int_equal(shown(f, "received_bytes"), 2);
	close(c);
}

static void streams_arrive_in_the_order_they_were_made(void **state)
{
	enum { N = 24 };
	struct fixture *f = *state;
	int c[N], t;
	uint8_t b = 0;

	use(f, own(80), own(82), N);
	assert_int_equal(cw_stream_listen(&f->dial, &f->target), 0);
	for (uint8_t i = 0; i < N; i++) {
		c[i] = client(f);
		assert_int_equal(send(c[i], &i, 1, MSG_NOSIGNAL), 1);
	}
	turn_until(f, "accepted", N);
	for (int i = 0; i < N; i++) {
		t = accept(f->target, NULL, NULL);
		assert_true(t >= 0);
		assert_int_equal(read_byte(f, t, &b), 1);
		assert_int_equal(b, i);
		close(t);
	}
	for (int i = 0; i < N; i++)
		close(c[i]);
	turn_until(f, "streams", 0);
}

static void the_next_waits_until_the_first_is_connected(void **state)
{
	struct fixture *f = *state;
	struct cw_stream_addr dial_to = own(82);
	int first, second, t;
	uint8_t b = 0;

	use(f, own(80), dial_to, 8);    /* nobody listens at the target yet: the first stream fails ... */
	first = client(f);
	second = client(f);
	turn_until(f, "failed", 1);
	assert_int_equal(shown(f, "accepted"), 0);
	assert_int_equal(cw_stream_listen(&dial_to, &f->target), 0);
	turn_until(f, "accepted", 1);   /* ... and only then the second was taken */
	assert_int_equal(shown(f, "failed"), 1);
	assert_int_equal(read_byte(f, first, &b), -ECONNRESET);
	t = accept(f->target, NULL, NULL);
	assert_int_equal(send(second, "2", 1, MSG_NOSIGNAL), 1);
	assert_int_equal(read_byte(f, t, &b), 1);
	assert_int_equal(b, '2');
	close(t);
	close(first);
	close(second);
}

static void nothing_is_carried_while_the_tunnel_is_down(void **state)
{
	struct fixture *f = *state;
	uint8_t b = 0;
	int c;

	use(f, own(80), own(82), 8);
	assert_int_equal(cw_stream_listen(&f->dial, &f->target), 0);
	fake_state = TUN_CONNECTING;
	c = client(f);
	turn_until(f, "refused", 1);
	assert_int_equal(read_byte(f, c, &b), -ECONNRESET);
	close(c);
	assert_int_equal(accept(f->target, NULL, NULL), -1);
	fake_state = TUN_UP;
	c = client(f);
	turn_until(f, "accepted", 1);
	close(c);
}

static void streams_above_the_limit_are_refused(void **state)
{
	struct fixture *f = *state;
	uint8_t b = 0;
	int c[3];

	use(f, own(80), own(82), 2);
	assert_int_equal(cw_stream_listen(&f->dial, &f->target), 0);
	c[0] = client(f);
	c[1] = client(f);
	turn_until(f, "streams", 2);
	c[2] = client(f);
	turn_until(f, "refused", 1);
	assert_int_equal(read_byte(f, c[2], &b), -ECONNRESET);
	close(c[2]);
	close(accept(f->target, NULL, NULL));   /* one ends: there is room again */
	close(c[0]);
	turn_until(f, "streams", 1);
	c[2] = client(f);
	turn_until(f, "accepted", 3);
	for (int i = 1; i < 3; i++)
		close(c[i]);
}

/* Three streams into the tunnel under one limit: nothing is lost, and none of it is faster than the limit. */
static void streams_into_the_tunnel_obey_the_governor(void **state)
{
	enum { N = 3, EACH = 200 * 1000, MBIT = 16 };
	const struct governor_conf limits = { .bulk_mbit = MBIT };
	static uint8_t bytes[EACH], got[EACH];
	struct fixture *f = *state;
	struct governor *g;
	size_t done[N] = { 0 }, sent[N] = { 0 };
	int c[N], t[N];
	uint64_t begin_ms;

	assert_int_equal(governor_new(f->loop, &limits, &g), 0);
	use(f, own(80), own(82), 8);
	relay_free(f->relay);
	f->conf.class = RATE_BULK;
	assert_int_equal(relay_new(f->loop, &f->conf, NULL, NULL, g, &f->relay), 0);
	assert_int_equal(cw_stream_listen(&f->dial, &f->target), 0);
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 31 >> 3);
	for (int i = 0; i < N; i++) {
		c[i] = client(f);
		turn_until(f, "accepted", i + 1);
		assert_true((t[i] = accept(f->target, NULL, NULL)) >= 0);
	}
	begin_ms = cw_clock_now_ms();
	for (int turns = 0; done[0] < EACH || done[1] < EACH || done[2] < EACH; turns++) {
		assert_true(turns < 100000);
		for (int i = 0; i < N; i++) {
			ssize_t n = send(c[i], bytes + sent[i], EACH - sent[i], MSG_DONTWAIT);

			sent[i] += n > 0 ? (size_t)n : 0;
			n = recv(t[i], got, sizeof got, MSG_DONTWAIT);
			if (n > 0)
				assert_memory_equal(got, bytes + done[i], (size_t)n);
			done[i] += n > 0 ? (size_t)n : 0;
		}
		assert_int_equal(cw_loop_turn(f->loop, 1), 0);
	}
	/* All but what the bucket held at the start. */
	assert_true(cw_clock_now_ms() - begin_ms >= (N * EACH - 2 * RATE_QUANTUM) * 8 / (MBIT * 1000));
	for (int i = 0; i < N; i++) {
		close(c[i]);
		close(t[i]);
	}
	relay_free(cw_steal(&f->relay));
	governor_free(g);
}

static void a_relay_may_go_in_the_middle_of_a_dial(void **state)
{
	struct fixture *f = *state;
	uint8_t b = 0;
	int c;

	use(f, own(80), own(82), 8);
	assert_int_equal(cw_stream_listen(&f->dial, &f->target), 0);
	c = client(f);
	assert_int_equal(cw_loop_turn(f->loop, 50), 0);
	relay_free(f->relay);
	f->relay = NULL;
	assert_true(read_byte(f, c, &b) <= 0);
	close(c);
}

static void a_unix_socket_is_removed_at_the_end(void **state)
{
	struct fixture *f = *state;
	struct cw_stream_addr at = { .is_unix = true };
	uint8_t b = 0;
	int c, t;

	snprintf(at.path, sizeof at.path, "/tmp/test_relay.%d.sock", (int)getpid());
	use(f, at, own(82), 8);
	assert_int_equal(cw_stream_listen(&f->dial, &f->target), 0);
	c = client(f);
	turn_until(f, "accepted", 1);
	t = accept(f->target, NULL, NULL);
	assert_int_equal(send(c, "u", 1, MSG_NOSIGNAL), 1);
	assert_int_equal(read_byte(f, t, &b), 1);
	close(c);
	close(t);
	relay_free(f->relay);
	f->relay = NULL;
	assert_int_equal(access(at.path, F_OK), -1);
}

static void one_end_must_be_inside_the_tunnel(void **state)
{
	static char tcp_in[] = "tcp:127.81.0.1:1", tcp_peer[] = "tcp:127.82.0.1:1", tcp_site[] = "tcp:192.0.2.1:1",
		    un[] = "unix:/run/x.sock", name[] = "x";
	const struct {
		char *listen, *dial;
		int want;
	} rows[] = {
		{ tcp_in, tcp_site, 0 }, { tcp_site, tcp_peer, 0 }, { un, tcp_peer, 0 }, { tcp_in, un, 0 },
		{ tcp_site, un, CW_E_INVALID }, { tcp_site, tcp_site, CW_E_INVALID }, { tcp_in, tcp_peer, CW_E_INVALID },
		{ tcp_peer, tcp_in, CW_E_INVALID },
	};

	(void)state;
	fake_conf.name = name;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct relay_conf c = { name, name, rows[i].listen, rows[i].dial, 1, RATE_LIVE };
		struct cw_why why = { 0 };

		assert_int_equal(relay_check(&c, &fake_conf, &why), rows[i].want);
		if (rows[i].want < 0)
			assert_string_equal(why.field, "dial");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(bytes_and_half_closes_pass_both_ways, setup, teardown),
		cmocka_unit_test_setup_teardown(streams_arrive_in_the_order_they_were_made, setup, teardown),
		cmocka_unit_test_setup_teardown(the_next_waits_until_the_first_is_connected, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_is_carried_while_the_tunnel_is_down, setup, teardown),
		cmocka_unit_test_setup_teardown(streams_above_the_limit_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(streams_into_the_tunnel_obey_the_governor, setup, teardown),
		cmocka_unit_test_setup_teardown(a_relay_may_go_in_the_middle_of_a_dial, setup, teardown),
		cmocka_unit_test_setup_teardown(a_unix_socket_is_removed_at_the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(one_end_must_be_inside_the_tunnel, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
