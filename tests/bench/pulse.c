/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pulse.c - a datagram each so often, and how long it took at most until the next one came.
 *
 * usage: pulse OWN PEER PORT PER_SECOND   Says "ready", and then sends to PEER:PORT and listens at OWN:PORT.
 *
 * Each line of standard input is answered by one line about the time since the line before:
 *	sent N got N gap_us N pause_us N	gap: the longest time without an arrival, with the one that lasts; pause: the longest
 *						time that this process itself did not send, because it did not run
 * It ends with its input.
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

enum { SIZE = 200 };

struct window {
	uint64_t sent, got, gap_ns, pause_ns;
};

static struct window win;
static uint64_t arrival_ns, sent_ns, period_ns;
static int sock;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void grow(uint64_t *most, uint64_t v)
{
	*most = v > *most ? v : *most;
}

static void take(void)
{
	uint8_t b[SIZE + 1];

	while (recv(sock, b, sizeof b, MSG_DONTWAIT) == SIZE) {
		uint64_t now = now_ns();

		grow(&win.gap_ns, now - arrival_ns);
		arrival_ns = now;
		win.got++;
	}
}

static uint64_t give(uint64_t due_ns)
{
	static const uint8_t b[SIZE];
	uint64_t now = now_ns();

	if (now < due_ns)
		return due_ns;
	grow(&win.pause_ns, now - sent_ns);
	sent_ns = now;
	for (; due_ns <= now; due_ns += period_ns) {
		win.sent++;
		if (send(sock, b, sizeof b, MSG_DONTWAIT) < 0 && errno != EAGAIN && errno != ECONNREFUSED && errno != ENOBUFS)
			perror("pulse: send");
	}
	return due_ns;
}

static void tell(void)
{
	uint64_t now = now_ns();

	take();
	if (now > arrival_ns)
		grow(&win.gap_ns, now - arrival_ns);
	printf("sent %llu got %llu gap_us %llu pause_us %llu\n", (unsigned long long)win.sent, (unsigned long long)win.got,
	       (unsigned long long)win.gap_ns / 1000, (unsigned long long)win.pause_ns / 1000);
	fflush(stdout);
	win = (struct window){ 0 };
}

static int endpoint(const char *ip, const char *port, struct sockaddr_in *ret)
{
	*ret = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(port, NULL, 10)) };
	return inet_pton(AF_INET, ip, &ret->sin_addr);
}

static void run(void)
{
	uint64_t due = now_ns();

	arrival_ns = sent_ns = due;
	for (;;) {
		struct pollfd fds[2] = { { .fd = sock, .events = POLLIN }, { .fd = STDIN_FILENO, .events = POLLIN } };
		struct timespec ts = { 0, 0 };
		uint64_t now;
		char line[64];

		due = give(due);
		now = now_ns();
		ts.tv_nsec = due > now ? (long)(due - now) % 1000000000 : 0;
		if (ppoll(fds, 2, &ts, NULL) < 0 && errno != EINTR)
			return;
		take();
		if (fds[1].revents) {
			if (read(STDIN_FILENO, line, sizeof line) <= 0)
				return;
			tell();
		}
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in own, peer;
	unsigned long rate = argc == 5 ? strtoul(argv[4], NULL, 10) : 0;

	if (rate == 0 || endpoint(argv[1], argv[3], &own) != 1 || endpoint(argv[2], argv[3], &peer) != 1) {
		fprintf(stderr, "usage: pulse OWN PEER PORT PER_SECOND\n");
		return 2;
	}
	period_ns = 1000000000u / rate;
	sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0 || bind(sock, (struct sockaddr *)&own, sizeof own) < 0 || connect(sock, (struct sockaddr *)&peer, sizeof peer) < 0) {
		perror("pulse");
		return 1;
	}
	printf("ready\n");
	fflush(stdout);
	run();
	return 0;
}
