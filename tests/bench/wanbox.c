/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wanbox.c - links between two network namespaces with delay, loss, cuts and an MTU of their own.
 *
 * usage: wanbox NETNS_A NETNS_B LINKS DELAY_US   NETNS are paths; link K is a TAP device ethK in both. Says "ready".
 *
 * Commands, one in a line of standard input (LINK is a number, WAY is ab, ba or both):
 *	cut LINK WAY		from now on nothing passes
 *	heal LINK		all passes
 *	loss LINK PPM		each frame is lost by chance
 *	rate LINK MBIT		each way carries so many megabits of frames a second, what waits longer than QUEUE_NS is lost; 0: any
 *	mtu LINK BYTES		larger IP packets are lost; 0: any passes
 *	stat			prints "stat" and for each link the frames from a to b and from b to a that passed
 * It ends with its input.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { LINKS_MAX = 4, RING = 1 << 16, FRAME_MAX = 9300, ETHER = 14, BURST = 64, QUEUE_NS = 40 * 1000 * 1000 };

struct frame {
	uint64_t due_ns;
	size_t size;
	uint8_t b[];
};

/* One direction of a link: what came from FROM and goes to TO. */
struct way {
	int from, to;
	bool cut;
	uint32_t loss_ppm;
	size_t mtu;
	uint64_t rate_mbit, free_ns;    /* free: when what was taken has been sent */
	uint64_t passed;
	struct frame **ring;
	size_t head, n;
};

static struct way ways[2 * LINKS_MAX];          /* of link K: 2K from a to b, 2K + 1 back */
static size_t n_ways;
static uint64_t delay_ns, random_state = 88172645463325252u;

static void die(const char *what)
{
	fprintf(stderr, "wanbox: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint32_t chance_ppm(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state % 1000000);
}

static int tap_in(const char *netns, size_t k)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int ns = open(netns, O_RDONLY | O_CLOEXEC), fd;

	if (ns < 0 || setns(ns, CLONE_NEWNET) < 0)
		die(netns);
	close(ns);
	if ((fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)) < 0)
		die("/dev/net/tun");
	snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "eth%zu", k);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0)
		die(ifr.ifr_name);
	return fd;
}

/* When a frame of SIZE that comes now will have been sent; 0: the queue is full. */
static uint64_t sent_ns(struct way *w, size_t size)
{
	uint64_t now = now_ns(), from = w->free_ns > now ? w->free_ns : now;

	if (w->rate_mbit == 0)
		return now;
	if (from - now > QUEUE_NS)
		return 0;
	return w->free_ns = from + size * 8 * 1000 / w->rate_mbit;
}

static void take(struct way *w)
{
	uint8_t b[FRAME_MAX];
	ssize_t size;

	for (int i = 0; i < BURST && (size = read(w->from, b, sizeof b)) > 0; i++) {
		struct frame *f;
		uint64_t sent;

		if (w->cut || w->n == RING || chance_ppm() < w->loss_ppm || (w->mtu > 0 && (size_t)size > w->mtu + ETHER))
			continue;
		if ((sent = sent_ns(w, (size_t)size)) == 0)
			continue;
		if (!(f = malloc(sizeof *f + (size_t)size)))
			die("memory");
		f->due_ns = sent + delay_ns;
		f->size = (size_t)size;
		memcpy(f->b, b, f->size);
		w->ring[(w->head + w->n++) % RING] = f;
	}
}

/* What is due goes, also into a cut: that is where a cut at the sender's end would be. Returns when the next one is due. */
static uint64_t give(struct way *w)
{
	while (w->n > 0) {
		struct frame *f = w->ring[w->head];

		if (f->due_ns > now_ns())
			return f->due_ns;
		if (write(w->to, f->b, f->size) == (ssize_t)f->size)
			w->passed++;
		free(f);
		w->head = (w->head + 1) % RING;
		w->n--;
	}
	return UINT64_MAX;
}

static void command(const char *line)
{
	char word[8] = "", arg[8] = "";
	unsigned link = 0, value = 0;
	int n = sscanf(line, "%7s %u %7s", word, &link, arg);

	if (n >= 1 && strcmp(word, "stat") == 0) {
		printf("stat");
		for (size_t i = 0; i < n_ways; i++)
			printf(" %llu", (unsigned long long)ways[i].passed);
		printf("\n");
		fflush(stdout);
		return;
	}
	if (n < 2 || 2 * link + 1 >= n_ways)
		return;
	value = (unsigned)strtoul(arg, NULL, 10);
	for (size_t i = 0; i < 2; i++) {
		struct way *w = &ways[2 * link + i];

		if (strcmp(word, "heal") == 0)
			w->cut = false;
		else if (strcmp(word, "cut") == 0)
			w->cut = w->cut || strcmp(arg, i == 0 ? "ba" : "ab") != 0;
		else if (strcmp(word, "loss") == 0)
			w->loss_ppm = value;
		else if (strcmp(word, "rate") == 0)
			w->rate_mbit = value;
		else if (strcmp(word, "mtu") == 0)
			w->mtu = value;
	}
}

/* False at the end of the input. */
static bool commands(void)
{
	static char buf[256];
	static size_t len;
	ssize_t n = read(STDIN_FILENO, buf + len, sizeof buf - 1 - len);
	char *end;

	if (n <= 0)
		return false;
	len += (size_t)n;
	buf[len] = 0;
	while ((end = strchr(buf, '\n'))) {
		*end = 0;
		command(buf);
		len -= (size_t)(end + 1 - buf);
		memmove(buf, end + 1, len + 1);
	}
	return len < sizeof buf - 1;
}

static void run(void)
{
	struct pollfd fds[2 * LINKS_MAX + 1];

	for (;;) {
		uint64_t next = UINT64_MAX, now;
		struct timespec ts = { 1, 0 };

		for (size_t i = 0; i < n_ways; i++) {
			uint64_t due = give(&ways[i]);

			next = due < next ? due : next;
			fds[i] = (struct pollfd){ .fd = ways[i].from, .events = POLLIN };
		}
		fds[n_ways] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
		now = now_ns();
		if (next != UINT64_MAX)
			ts = (struct timespec){ 0, next > now ? (long)(next - now) % 1000000000 : 0 };
		if (ppoll(fds, n_ways + 1, &ts, NULL) < 0 && errno != EINTR)
			die("poll");
		for (size_t i = 0; i < n_ways; i++)
			if (fds[i].revents & POLLIN)
				take(&ways[i]);
		if ((fds[n_ways].revents & (POLLIN | POLLHUP)) && !commands())
			return;
	}
}

int main(int argc, char **argv)
{
	size_t links = argc == 5 ? strtoul(argv[3], NULL, 10) : 0;

	if (links == 0 || links > LINKS_MAX) {
		fprintf(stderr, "usage: wanbox NETNS_A NETNS_B LINKS DELAY_US\n");
		return 2;
	}
	delay_ns = strtoull(argv[4], NULL, 10) * 1000;
	n_ways = 2 * links;
	for (size_t k = 0; k < links; k++) {
		int a = tap_in(argv[1], k), b = tap_in(argv[2], k);

		ways[2 * k] = (struct way){ .from = a, .to = b, .ring = calloc(RING, sizeof(struct frame *)) };
		ways[2 * k + 1] = (struct way){ .from = b, .to = a, .ring = calloc(RING, sizeof(struct frame *)) };
		if (!ways[2 * k].ring || !ways[2 * k + 1].ring)
			die("memory");
	}
	printf("ready\n");
	fflush(stdout);
	run();
	return 0;
}
