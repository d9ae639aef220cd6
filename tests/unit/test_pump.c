/* SPDX-License-Identifier: Apache-2.0 */
/* test_pump.c - stream addresses, dialling, and bytes carried both ways to their end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/err.h"
#include "interconnect/base/pump.h"

struct world {
	struct cw_loop *l;
	struct cw_pump *p;
	struct cw_dial *d;
	int a, b;                       /* the far ends of what the pump joins */
	int n_done, r, fd;
	bool free_in_done;
};

static char path[64];

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof *w);

	assert_non_null(w);
	assert_int_equal(cw_loop_new(&w->l), 0);
	w->a = w->b = w->fd = -1;
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;

	cw_pump_free(w->p);
	cw_dial_free(w->d);
	cw_fd_close(&w->a);
	cw_fd_close(&w->b);
	cw_fd_close(&w->fd);
	cw_loop_free(w->l);
	free(w);
	unlink(path);
	return 0;
}

static void turns(struct world *w)
{
	for (int i = 0; i < 20; i++)
		assert_int_equal(cw_loop_turn(w->l, 0), 0);
}

/* ---- addresses ---- */

static void addresses_come_back(void **state)
{
	static const char *const good[] = { "unix:/run/x.sock", "tcp:192.0.2.1:7000", "tcp:[2001:db8::1]:65535" };
	static const char *const bad[] = { "", "unix:", "unix", "tcp:", "tcp:192.0.2.1", "tcp:192.0.2.1:0",
		"tcp:192.0.2.1:65536",
		"tcp:::1:80", "udp:192.0.2.1:1", "192.0.2.1:1", "TCP:192.0.2.1:1", "tcp:host:80" };
	struct cw_stream_addr a;
	char buf[CW_STREAM_TEXT], text[200] = "unix:/";

	(void)state;
	for (size_t i = 0; i < CW_COUNT(good); i++) {
		assert_int_equal(cw_stream_addr_parse(good[i], &a), 0);
		assert_string_equal(cw_stream_addr_text(&a, buf), good[i]);
	}
	for (size_t i = 0; i < CW_COUNT(bad); i++)
		assert_int_equal(cw_stream_addr_parse(bad[i], &a), CW_E_INVALID);
	memset(text + 6, 'x', 98);
	assert_int_equal(cw_stream_addr_parse(text, &a), 0);    /* 99 characters and the NUL */
	assert_string_equal(cw_stream_addr_text(&a, buf), text);
	text[6 + 98] = 'x';
	assert_int_equal(cw_stream_addr_parse(text, &a), CW_E_INVALID);
}

static void parse(const char *text, struct cw_stream_addr *ret_a)
{
	assert_int_equal(cw_stream_addr_parse(text, ret_a), 0);
}

static void unix_addr(struct cw_stream_addr *ret_a)
{
	char text[80];

	snprintf(text, sizeof text, "unix:%s", path);
	parse(text, ret_a);
}

/* A TCP listener on a free loopback port; RET_A is its address. */
static int tcp_listener(const char *host, struct cw_stream_addr *ret_a)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;
	char text[80];
	int fd = -1;

	snprintf(text, sizeof text, "tcp:%s:1", host);
	parse(text, ret_a);
	ret_a->ep.port = 0;
	assert_int_equal(cw_stream_listen(ret_a, &fd), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	assert_int_equal(cw_endpoint_from_sockaddr((const struct sockaddr *)&sa, &ret_a->ep), 0);
	return fd;
}

static void a_listener_is_private_and_replaces_leftovers(void **state)
{
	struct cw_stream_addr a;
	struct stat st;
	int fd = -1, fd2 = -1, c = -1;

	(void)state;
	unix_addr(&a);
	assert_int_equal(cw_stream_listen(&a, &fd), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	assert_int_equal(cw_stream_listen(&a, &fd2), -EADDRINUSE);
	assert_int_equal(fd2, -1);
	cw_fd_close(&fd);
	assert_int_equal(cw_stream_connect(&a, &c), -ECONNREFUSED);
	assert_int_equal(cw_stream_listen(&a, &fd), 0);
	assert_int_equal(cw_stream_connect(&a, &c), 0);
	cw_fd_close(&c);
	cw_fd_close(&fd);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(cw_stream_connect(&a, &c), -ENOENT);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(cw_stream_listen(&a, &fd), -EEXIST);
	assert_int_equal(unlink(path), 0);
}

static void tcp_listens_where_the_address_is_not_there_yet(void **state)
{
	struct cw_stream_addr a;
	int fd = -1, fd2 = -1;

	(void)state;
	parse("tcp:192.0.2.77:7000", &a);
	assert_int_equal(cw_stream_listen(&a, &fd), 0);
	assert_int_equal(cw_stream_listen(&a, &fd2), -EADDRINUSE);
	cw_fd_close(&fd);
	parse("tcp:[2001:db8::77]:7000", &a);
	assert_int_equal(cw_stream_listen(&a, &fd), 0);
	cw_fd_close(&fd);
}

/* ---- dialling ---- */

static void on_dial(void *ctx, int r, int fd)
{
	struct world *w = ctx;

	w->n_done++;
	w->r = r;
	w->fd = fd;
	assert_int_equal(r < 0, fd < 0);
	if (w->free_in_done)
		cw_dial_free(cw_steal(&w->d));
}

static void dial(struct world *w, const struct cw_stream_addr *a, const char *from, uint64_t timeout_ms)
{
	struct cw_ip ip = { 0 };

	if (from)
		assert_int_equal(cw_ip_parse(from, &ip), 0);
	assert_int_equal(cw_dial_new(w->l, a, from ? &ip : NULL, timeout_ms, on_dial, w, &w->d), 0);
	assert_int_equal(w->n_done, 0);         /* never from within */
}

static void wait_done(struct world *w)
{
	for (int i = 0; i < 1000 && w->n_done == 0; i++)
		assert_int_equal(cw_loop_turn(w->l, 10), 0);
	turns(w);
	assert_int_equal(w->n_done, 1);
}

static void dialling_gives_a_tuned_descriptor(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "[::1]" };
	struct world *w = *state;
	struct cw_stream_addr a;
	int fd;

	for (size_t i = 0; i < CW_COUNT(hosts) + 1; i++) {
		if (i < CW_COUNT(hosts)) {
			fd = tcp_listener(hosts[i], &a);
		} else {
			unix_addr(&a);
			assert_int_equal(cw_stream_listen(&a, &fd), 0);
		}
		w->n_done = 0;
		w->free_in_done = i == 1;
		dial(w, &a, NULL, 5000);
		wait_done(w);
		assert_int_equal(w->r, 0);
		assert_int_equal(fcntl(w->fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
		assert_int_equal(fcntl(w->fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
		cw_dial_free(cw_steal(&w->d));
		cw_fd_close(&w->fd);
		cw_fd_close(&fd);
	}
}

static void dialling_leaves_from_the_address_it_is_told(void **state)
{
	struct world *w = *state;
	struct cw_stream_addr a;
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;
	struct cw_endpoint peer;
	char buf[CW_IP_TEXT];
	int fd = tcp_listener("127.0.0.1", &a), c;

	dial(w, &a, "127.0.0.9", 5000);
	wait_done(w);
	c = accept(fd, (struct sockaddr *)&sa, &len);
	assert_true(c >= 0);
	assert_int_equal(cw_endpoint_from_sockaddr((const struct sockaddr *)&sa, &peer), 0);
	assert_string_equal(cw_ip_text(&peer.ip, buf), "127.0.0.9");
	cw_fd_close(&c);
	cw_fd_close(&fd);
}

static void a_refusal_is_told_by_the_loop(void **state)
{
	struct world *w = *state;
	struct cw_stream_addr a;
	int fd = tcp_listener("127.0.0.1", &a);

	cw_fd_close(&fd);
	dial(w, &a, NULL, 5000);
	wait_done(w);
	assert_int_equal(w->r, -ECONNREFUSED);
	cw_dial_free(cw_steal(&w->d));
	unix_addr(&a);
	w->n_done = 0;
	w->free_in_done = true;
	dial(w, &a, NULL, 5000);
	wait_done(w);
	assert_int_equal(w->r, -ENOENT);
}

/* A listener whose queue is full answers nothing. */
static void a_silent_peer_times_out(void **state)
{
	struct world *w = *state;
	struct cw_stream_addr a;
	struct sockaddr_storage sa;
	socklen_t len;
	int fd = tcp_listener("127.0.0.1", &a), fill[8];

	assert_int_equal(listen(fd, 0), 0);
	cw_endpoint_to_sockaddr(&a.ep, &sa, &len);
	for (size_t i = 0; i < CW_COUNT(fill); i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(fill[i], (const struct sockaddr *)&sa, len);
	}
	dial(w, &a, NULL, 30);
	wait_done(w);
	assert_int_equal(w->r, CW_E_TIMEOUT);
	for (size_t i = 0; i < CW_COUNT(fill); i++)
		cw_fd_close(&fill[i]);
	cw_fd_close(&fd);
}

static void a_freed_dial_says_nothing(void **state)
{
	struct world *w = *state;
	struct cw_stream_addr a;
	int fd = tcp_listener("127.0.0.1", &a);

	dial(w, &a, NULL, 0);
	cw_dial_free(cw_steal(&w->d));
	turns(w);
	assert_int_equal(w->n_done, 0);
	cw_fd_close(&fd);
}

/* ---- the pump ---- */

static void on_done(void *ctx, int r)
{
	struct world *w = ctx;

	w->n_done++;
	w->r = r;
	if (w->free_in_done)
		cw_pump_free(cw_steal(&w->p));
}

static void pump(struct world *w, const void *first, size_t n_first)
{
	int a[2], b[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, a), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, b), 0);
	assert_int_equal(fcntl(a[0], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(fcntl(b[0], F_SETFL, O_NONBLOCK), 0);
	w->a = a[0];
	w->b = b[0];
	assert_int_equal(cw_pump_new(w->l, a[1], b[1], first, n_first, on_done, w, &w->p), 0);
}

/* How many pipes this process has. */
static int pipes(void)
{
	char name[32], to[32];
	int n = 0;

	for (int fd = 0; fd < 256; fd++) {
		snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
		n += readlink(name, to, sizeof to) > 5 && memcmp(to, "pipe:", 5) == 0;
	}
	return n;
}

static void put(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* What is there to read now: text, "" at the end of file, "-" when there is nothing. */
static const char *get(int fd, char *buf, size_t size)
{
	ssize_t n = read(fd, buf, size - 1);

	if (n < 0)
		return errno == EAGAIN ? "-" : "!";
	buf[n] = '\0';
	return buf;
}

static void both_directions_run_until_both_have_ended(void **state)
{
	struct world *w = *state;
	char buf[64];
	uint64_t ab, ba;

	pump(w, NULL, 0);
	put(w->a, "request");
	turns(w);
	assert_string_equal(get(w->b, buf, sizeof buf), "request");
	assert_int_equal(shutdown(w->a, SHUT_WR), 0);
	turns(w);
	assert_string_equal(get(w->b, buf, sizeof buf), "");    /* half closed */
	assert_int_equal(w->n_done, 0);
	put(w->b, "a long answer");
	turns(w);
	assert_string_equal(get(w->a, buf, sizeof buf), "a long answer");
	assert_string_equal(get(w->a, buf, sizeof buf), "-");
	cw_fd_close(&w->b);
	turns(w);
	assert_string_equal(get(w->a, buf, sizeof buf), "");
	assert_int_equal(w->n_done, 1);
	assert_int_equal(w->r, 0);
	cw_pump_bytes(w->p, &ab, &ba);
	assert_int_equal(ab, 7);
	assert_int_equal(ba, 13);
}

static void the_end_of_file_comes_after_the_bytes(void **state)
{
	struct world *w = *state;
	char buf[64];

	w->free_in_done = true;
	pump(w, "first,", 6);
	put(w->a, "second");
	cw_fd_close(&w->a);                     /* before the pump has even looked */
	turns(w);
	assert_string_equal(get(w->b, buf, sizeof buf), "first,second");
	assert_string_equal(get(w->b, buf, sizeof buf), "");
	assert_int_equal(w->n_done, 0);
	cw_fd_close(&w->b);
	turns(w);
	assert_int_equal(w->n_done, 1);
	assert_int_equal(w->r, 0);
	assert_null(w->p);
}

static void bytes_for_nobody_are_a_failure(void **state)
{
	struct world *w = *state;

	pump(w, NULL, 0);
	put(w->b, "back");
	cw_fd_close(&w->a);
	turns(w);
	assert_int_equal(w->n_done, 1);
	assert_int_equal(w->r, -EPIPE);
}

static void first_bytes_may_be_more_than_the_buffer(void **state)
{
	struct world *w = *state;
	size_t n = 3 * CW_PUMP_BUFFER, got = 0;
	char *first = malloc(n), *back = malloc(n);
	ssize_t k;

	for (size_t i = 0; i < n; i++)
		first[i] = (char)(i * 7 + i / 1000);
	pump(w, first, n - 4);
	assert_int_equal(write(w->a, first + n - 4, 4), 4);     /* and what is read meanwhile comes after them */
	for (int i = 0; i < 10000 && got < n; i++) {
		assert_int_equal(cw_loop_turn(w->l, 0), 0);
		k = read(w->b, back + got, n - got);
		got += k > 0 ? (size_t)k : 0;
	}
	assert_int_equal(got, n);
	assert_memory_equal(first, back, n);
	free(first);
	free(back);
}

/* Eight megabytes against a reader of odd morsels: all bytes, in order, and the writer held back meanwhile. */
static void a_slow_reader_holds_the_writer_back(void **state)
{
	struct world *w = *state;
	const size_t total = 8 << 20;
	size_t sent = 0, got = 0, ahead = 0;
	uint8_t out[9973], in[4099];
	ssize_t n;

	pump(w, NULL, 0);
	for (int i = 0; i < 100000 && got < total; i++) {
		size_t k = CW_MIN(sizeof out, total - sent);

		for (size_t j = 0; j < k; j++)
			out[j] = (uint8_t)((sent + j) * 31 >> 3);
		while (sent < total && (n = write(w->a, out, k)) > 0) {
			sent += (size_t)n;
			k = CW_MIN(sizeof out, total - sent);
			for (size_t j = 0; j < k; j++)
				out[j] = (uint8_t)((sent + j) * 31 >> 3);
			assert_int_equal(cw_loop_turn(w->l, 0), 0);
		}
		assert_int_equal(cw_loop_turn(w->l, 0), 0);
		ahead = CW_MAX(ahead, sent - got);
		n = read(w->b, in, sizeof in);
		for (ssize_t j = 0; j < n; j++, got++)
			if (in[j] != (uint8_t)(got * 31 >> 3))
				fail_msg("byte %zu is wrong", got);
	}
	assert_int_equal(got, total);
	assert_in_range(ahead, CW_PUMP_BUFFER, 4 << 20);        /* the pump's buffer and the kernel's, not everything */
}

static void assert_idle(struct world *w)
{
	uint64_t start = cw_clock_now_ms();

	assert_int_equal(cw_loop_turn(w->l, 50), 0);
	assert_true(cw_clock_now_ms() - start >= 40);
}

/* More pieces than a pipe has room for, of a byte each: none is lost, and nobody turns round and round meanwhile. */
static void many_small_pieces_do_not_spin(void **state)
{
	struct world *w = *state;
	const int total = 600;
	uint64_t ab, ba;
	char fill[4096] = { 0 };
	size_t filled = 0, got = 0;
	ssize_t n;
	int small = 4096;

	pump(w, NULL, 0);
	assert_int_equal(setsockopt(w->a, SOL_SOCKET, SO_SNDBUF, &(int){ 4 << 20 }, sizeof(int)), 0);
	assert_int_equal(setsockopt(w->b, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
	/* Until the far end takes no more, what comes stays in the pump. */
	for (uint64_t last = UINT64_MAX; cw_pump_bytes(w->p, &ab, &ba), ab != last;) {
		last = ab;
		for (int i = 0; i < 16 && (n = write(w->a, fill, sizeof fill)) > 0; i++)
			filled += (size_t)n;
		turns(w);
	}
	for (int i = 0; i < total; i++)
		filled += write(w->a, "x", 1) == 1 ? 1 : 0;
	turns(w);
	assert_idle(w);
	assert_int_equal(shutdown(w->a, SHUT_WR), 0);           /* nor does the end overtake any */
	for (int i = 0; i < 20000 && (n = read(w->b, fill, sizeof fill)) != 0; i++) {
		got += n > 0 ? (size_t)n : 0;
		assert_int_equal(cw_loop_turn(w->l, 0), 0);
	}
	assert_int_equal(n, 0);
	assert_int_equal(got, filled);
	cw_pump_bytes(w->p, &ab, &ba);
	assert_int_equal(ab, filled);
}

/* The end is seen while the last bytes still wait for a reader. */
static void the_end_waits_for_a_slow_reader(void **state)
{
	struct world *w = *state;
	char chunk[4096] = { 0 };
	size_t sent = 0, got = 0;
	uint64_t ab = 0, ba;
	ssize_t n;

	pump(w, NULL, 0);
	for (; ab == sent; cw_pump_bytes(w->p, &ab, &ba)) {
		assert_int_equal(write(w->a, chunk, sizeof chunk), sizeof chunk);
		sent += sizeof chunk;
		turns(w);
	}
	assert_int_equal(shutdown(w->a, SHUT_WR), 0);
	turns(w);
	for (int i = 0; i < 20000 && (n = read(w->b, chunk, sizeof chunk)) != 0; i++) {
		got += n > 0 ? (size_t)n : 0;
		turns(w);
	}
	assert_int_equal(n, 0);
	assert_int_equal(got, sent);
}

struct budget {
	size_t left;
	int waits;
};

static size_t budget_ask(void *ctx, size_t want)
{
	struct budget *g = ctx;
	size_t n = CW_MIN(want, g->left);

	g->left -= n;
	return n;
}

static void budget_back(void *ctx, size_t size)
{
	((struct budget *)ctx)->left += size;
}

static void budget_wait(void *ctx)
{
	((struct budget *)ctx)->waits++;
}

/* No byte more than the gate said; what was not there is given back; the other direction does not care. */
static void a_gate_says_how_much(void **state)
{
	static const struct cw_pump_gate gate = { budget_ask, budget_back, budget_wait };
	struct world *w = *state;
	struct budget g = { .left = 10 };
	char buf[64];

	pump(w, NULL, 0);
	cw_pump_set_gate(w->p, true, &gate, &g);
	put(w->a, "four");
	turns(w);
	assert_string_equal(get(w->b, buf, sizeof buf), "four");
	assert_int_equal(g.left, 6);
	put(w->a, "sixsix and more");
	put(w->b, "back");
	turns(w);
	assert_string_equal(get(w->b, buf, sizeof buf), "sixsix");
	assert_string_equal(get(w->b, buf, sizeof buf), "-");
	assert_string_equal(get(w->a, buf, sizeof buf), "back");
	assert_int_equal(g.waits, 1);
	assert_idle(w);
	g.left = 100;
	turns(w);
	assert_string_equal(get(w->b, buf, sizeof buf), "-");   /* until it is told */
	cw_pump_go(w->p);
	turns(w);
	assert_string_equal(get(w->b, buf, sizeof buf), " and more");
	assert_int_equal(g.left, 91);
	assert_int_equal(g.waits, 1);
}

/* Pipes where SIGPIPE is ignored, and no longer than the stream; memory elsewhere, and when descriptors are few. */
static void pipes_come_and_go(void **state)
{
	struct world *w = *state;
	bool splices = signal(SIGPIPE, SIG_DFL) == SIG_IGN;
	struct rlimit l, few = { 16, 16 };
	int before = pipes();
	char buf[16];

	signal(SIGPIPE, splices ? SIG_IGN : SIG_DFL);
	pump(w, NULL, 0);
	assert_int_equal(pipes(), before);
	put(w->a, "x");
	turns(w);
	assert_int_equal(pipes(), before + (splices ? 2 : 0));
	assert_string_equal(get(w->b, buf, sizeof buf), "x");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &l), 0);
	few.rlim_max = l.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	put(w->b, "y");
	turns(w);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &l), 0);
	assert_string_equal(get(w->a, buf, sizeof buf), "y");
	assert_int_equal(pipes(), before + (splices ? 2 : 0));
	assert_int_equal(shutdown(w->a, SHUT_WR), 0);
	turns(w);
	assert_int_equal(pipes(), before);
}

static void a_broken_end_ends_the_pump(void **state)
{
	struct world *w = *state;
	char buf[64];

	pump(w, NULL, 0);
	put(w->a, "x");
	turns(w);
	cw_fd_close(&w->b);                     /* with a byte unread: the pump gets a reset */
	turns(w);
	assert_int_equal(w->n_done, 1);
	assert_int_equal(w->r, -ECONNRESET);
	assert_string_equal(get(w->a, buf, sizeof buf), "");
}

/* Over TCP a broken stream ends with a reset, so that nobody takes it for whole. */
static void a_broken_stream_does_not_look_whole(void **state)
{
	struct world *w = *state;
	struct cw_stream_addr a;
	char buf[64];
	int fd = tcp_listener("127.0.0.1", &a), far = -1, near[2];

	assert_int_equal(cw_stream_connect(&a, &far), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, near), 0);
	assert_int_equal(cw_pump_new(w->l, near[1], accept(fd, NULL, NULL), NULL, 0, on_done, w, &w->p), 0);
	put(near[0], "half of it");
	turns(w);
	cw_pump_free(cw_steal(&w->p));
	assert_string_equal(get(near[0], buf, sizeof buf), "");
	assert_int_equal(recv(far, buf, sizeof buf, 0) > 0 ? recv(far, buf, sizeof buf, 0) : -1, -1);
	assert_int_equal(errno, ECONNRESET);
	assert_int_equal(w->n_done, 0);
	cw_fd_close(&near[0]);
	cw_fd_close(&far);
	cw_fd_close(&fd);
}

static void an_idle_pump_does_not_spin(void **state)
{
	struct world *w = *state;
	uint64_t start;

	pump(w, NULL, 0);
	assert_int_equal(shutdown(w->a, SHUT_WR), 0);
	turns(w);
	start = cw_clock_now_ms();
	assert_int_equal(cw_loop_turn(w->l, 50), 0);
	assert_true(cw_clock_now_ms() - start >= 40);   /* half closed: nothing is ready */
	assert_int_equal(w->n_done, 0);
	cw_pump_free(cw_steal(&w->p));
	cw_pump_free(NULL);
	turns(w);
	assert_int_equal(w->n_done, 0);
}

static void a_pump_that_cannot_begin_closes_both(void **state)
{
	struct world *w = *state;
	int a[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, a), 0);
	assert_int_equal(cw_pump_new(w->l, a[1], 9999, NULL, 0, on_done, w, &w->p), -EBADF);
	assert_int_equal(fcntl(a[1], F_GETFD), -1);
	assert_null(w->p);
	cw_fd_close(&a[0]);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

static int with_signal(void **state)
{
	(void)state;
	return signal(SIGPIPE, SIG_DFL) == SIG_ERR;
}

static int without_signal(void **state)
{
	(void)state;
	return signal(SIGPIPE, SIG_IGN) == SIG_ERR;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(addresses_come_back),
		T(a_listener_is_private_and_replaces_leftovers),
		T(tcp_listens_where_the_address_is_not_there_yet),
		T(dialling_gives_a_tuned_descriptor),
		T(dialling_leaves_from_the_address_it_is_told),
		T(a_refusal_is_told_by_the_loop),
		T(a_silent_peer_times_out),
		T(a_freed_dial_says_nothing),
	};
	const struct CMUnitTest pumps[] = {
		T(both_directions_run_until_both_have_ended),
		T(the_end_of_file_comes_after_the_bytes),
		T(bytes_for_nobody_are_a_failure),
		T(many_small_pieces_do_not_spin),
		T(pipes_come_and_go),
		T(the_end_waits_for_a_slow_reader),
		T(a_gate_says_how_much),
		T(first_bytes_may_be_more_than_the_buffer),
		T(a_slow_reader_holds_the_writer_back),
		T(a_broken_end_ends_the_pump),
		T(a_broken_stream_does_not_look_whole),
		T(an_idle_pump_does_not_spin),
		T(a_pump_that_cannot_begin_closes_both),
	};

	snprintf(path, sizeof path, "/tmp/cw-test-pump-%d.sock", (int)getpid());
	return cmocka_run_group_tests(tests, NULL, NULL) + cmocka_run_group_tests_name("copies", pumps, with_signal, NULL) +
	       cmocka_run_group_tests_name("splices", pumps, without_signal, NULL);
}
