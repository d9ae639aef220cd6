/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load.c - UDP in small packets: a sender at a given rate, a counter, an echo, and round trips one at a time.
 *
 *	load sink PORT                         counts until end of standard input; prints packets, and packets/s over the time they came in
 *	load send ADDRESS PORT SIZE PPS MS     PPS 0: as fast as it goes; prints packets
 *	load echo PORT                         until end of standard input
 *	load rtt ADDRESS PORT SIZE MS          prints count, p50 and p99 in microseconds, lost
 *
 * Packets leave and are read 32 at a time, so that the tool is not what is measured.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 32, SIZE_MAX_ = 9000, RTT_MAX = 1 << 20, BUFFER = 8 << 20 };

static uint8_t bytes[BATCH][SIZE_MAX_];
static struct iovec iov[BATCH];
static struct mmsghdr msg[BATCH];

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct sockaddr_in at(const char *address, const char *port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };

	if (inet_pton(AF_INET, address, &sa.sin_addr) != 1) {
		errno = EINVAL;
		die(address);
	}
	return sa;
}

static int open_socket(const struct sockaddr_in *local, const struct sockaddr_in *remote)
{
	const int buffer = BUFFER;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer) < 0)
		die("buffers");
	if (local && bind(fd, (const struct sockaddr *)local, sizeof *local) < 0)
		die("bind");
	if (remote && connect(fd, (const struct sockaddr *)remote, sizeof *remote) < 0)
		die("connect");
	return fd;
}

static void slots(size_t size)
{
	for (size_t i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){ bytes[i], size };
		msg[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
	}
}

/* True when there is something on FD; false at the end of standard input. */
static int wait_for_packet(int fd)
{
	struct pollfd p[2] = { { fd, POLLIN, 0 }, { 0, POLLIN, 0 } };

	for (;;) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			die("poll");
		if (p[0].revents)
			return 1;
		if (p[1].revents)
			return 0;
	}
}

static int run_sink(char **arg)
{
	struct sockaddr_in local = at("0.0.0.0", arg[0]);
	int fd = open_socket(&local, NULL);
	uint64_t n = 0, first = 0, last = 0;

	slots(SIZE_MAX_);
	printf("ready\n");
	fflush(stdout);
	while (wait_for_packet(fd)) {
		int got = recvmmsg(fd, msg, BATCH, MSG_DONTWAIT, NULL);

		if (got <= 0)
			continue;
		last = now_ns();
		if (n == 0)
			first = last;
		n += (uint64_t)got;
	}
	printf("%llu %.0f\n", (unsigned long long)n, last > first ? (double)n * 1e9 / (double)(last - first) : 0);
	return 0;
}

static int run_send(char **arg)
{
	struct sockaddr_in remote = at(arg[0], arg[1]);
	int fd = open_socket(NULL, &remote);
	size_t size = (size_t)atoi(arg[2]);
	uint64_t pps = (uint64_t)atoll(arg[3]), begin = now_ns(), end = begin + (uint64_t)atoll(arg[4]) * 1000000u, n = 0, t;

	if (size > SIZE_MAX_)
		return 2;
	slots(size);
	while ((t = now_ns()) < end) {
		uint64_t due = pps ? (t - begin) * pps / 1000000000u : n + BATCH, want = due > n ? due - n : 0;
		int sent;

		if (want == 0)
			continue;
		sent = sendmmsg(fd, msg, want < BATCH ? (unsigned)want : BATCH, 0);
		if (sent < 0 && errno != ENOBUFS && errno != ECONNREFUSED)
			die("send");
		n += sent > 0 ? (uint64_t)sent : 0;
	}
	printf("%llu\n", (unsigned long long)n);
	return 0;
}

static int run_echo(char **arg)
{
	struct sockaddr_in local = at("0.0.0.0", arg[0]), from;
	int fd = open_socket(&local, NULL);

	printf("ready\n");
	fflush(stdout);
	while (wait_for_packet(fd)) {
		socklen_t from_size = sizeof from;
		ssize_t n = recvfrom(fd, bytes[0], SIZE_MAX_, MSG_DONTWAIT, (struct sockaddr *)&from, &from_size);

		if (n >= 0)
			(void)!sendto(fd, bytes[0], (size_t)n, 0, (struct sockaddr *)&from, from_size);
	}
	return 0;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int run_rtt(char **arg)
{
	static double us[RTT_MAX];
	struct sockaddr_in remote = at(arg[0], arg[1]);
	struct timeval patience = { 0, 200000 };
	int fd = open_socket(NULL, &remote);
	size_t size = (size_t)atoi(arg[2]), n = 0, lost = 0;
	uint64_t end = now_ns() + (uint64_t)atoll(arg[3]) * 1000000u;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0)
		die("timeout");
	for (uint64_t k = 0; now_ns() < end && n < RTT_MAX; k++) {
		uint64_t t = now_ns(), seen = k;
		ssize_t got;

		memcpy(bytes[0], &k, sizeof k);
		if (send(fd, bytes[0], size, 0) < 0)
			continue;
		do {            /* one that was thought lost may come late */
			got = recv(fd, bytes[1], SIZE_MAX_, 0);
			if (got >= (ssize_t)sizeof seen)
				memcpy(&seen, bytes[1], sizeof seen);
		} while (got > 0 && seen != k);
		if (got > 0)
			us[n++] = (double)(now_ns() - t) / 1000;
		else
			lost++;
	}
	qsort(us, n, sizeof us[0], by_size);
	printf("%zu %.1f %.1f %zu\n", n, n ? us[n / 2] : 0, n ? us[n * 99 / 100] : 0, lost);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int args;
		int (*run)(char **arg);
	} rows[] = { { "sink", 1, run_sink }, { "send", 5, run_send }, { "echo", 1, run_echo }, { "rtt", 4, run_rtt } };

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (argc == rows[i].args + 2 && strcmp(argv[1], rows[i].name) == 0)
			return rows[i].run(argv + 2);
	fprintf(stderr, "usage: load sink PORT | send ADDRESS PORT SIZE PPS MS | echo PORT | rtt ADDRESS PORT SIZE MS\n");
	return 2;
}
