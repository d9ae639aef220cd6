/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workload - what the guest does, so that a migration can be judged from outside; and the judge of its disk.
 *
 *   workload run DISK TICK_MS DIRTY_MIB RATE_MIB     in the guest
 *   workload check IMAGE                             on the host, IMAGE raw: are the records whole?
 *   workload slots IMAGE                             "OFFSET SIZE SEQ" of every good record
 *
 * run, four threads:
 *   filler and writer   fills part of an empty disk once, then writes every TICK_MS a record with O_DIRECT and O_DSYNC
 *                       and only then counts it as acknowledged. An acknowledged record missing from the disk is a
 *                       lost write.
 *   dirtier             rewrites DIRTY_MIB of memory at RATE_MIB per second and verifies what it wrote the last time.
 *   server              TCP port 7: the line "stat" is answered by key=value pairs, everything else is echoed.
 *
 * Disk, in blocks of 4 KiB:
 *   0               filled: written after the filling is complete
 *   256 .. 4351     records; record SEQ is in slot SEQ % 4096, so the newest 4096 are there (7 minutes)
 *   8192 ..         filling: every other MiB pseudo-random, the rest left empty
 * Every block and every rewritten page of memory begins with a text of 16 bytes by which it is told from noise, on disk
 * and on a wire.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MARK_RECORD "CAUSEWAY-RECORD\n"
#define MARK_FILLER "CAUSEWAY-FILLER\n"
#define MARK_MEMORY "CAUSEWAY-MEMORY\n"

enum {
	BLOCK = 4096, MARK = 16, WORDS = (BLOCK - MARK) / 8,
	RECORD_FIRST = 256, SLOTS = 4096, FILLER_FIRST = 8192, FILLER_STRIPE = 256, BOOT_ID = 40
};

struct block {
	char mark[MARK];
	uint64_t word[WORDS];           /* filler: block number, noise */
};

struct record {
	char mark[MARK];
	uint64_t seq, wall_ns, boot_ns;
	char boot_id[BOOT_ID];
	uint64_t sum;                   /* of the record, this field zero */
	uint64_t noise[(BLOCK - MARK - 3 * 8 - BOOT_ID - 8) / 8];
};

_Static_assert(sizeof(struct block) == BLOCK && sizeof(struct record) == BLOCK, "one block each");

static struct {
	const char *disk;
	uint64_t tick_ms, dirty_mib, rate_mib;
	char boot_id[BOOT_ID];
	_Atomic uint64_t acked, write_errors, filled, passes, bad, max_gap_ms;
} w;

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void pause_us(uint64_t us)
{
	struct timespec t = { .tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000 * 1000) };

	nanosleep(&t, NULL);
}

static uint64_t noise(uint64_t *state) /* xorshift64 */
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static uint64_t fnv(const void *data, size_t size)
{
	const uint64_t *p = data;
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < size / 8; i++)
		h = (h ^ p[i]) * 1099511628211u;
	return h ^ h >> 29;
}

static void record_make(struct record *r, uint64_t seq)
{
	uint64_t state = seq * 0x9e3779b97f4a7c15u | 1;

	*r = (struct record){ .seq = seq, .wall_ns = now_ns(CLOCK_REALTIME), .boot_ns = now_ns(CLOCK_MONOTONIC) };
	memcpy(r->mark, MARK_RECORD, MARK);
	memcpy(r->boot_id, w.boot_id, BOOT_ID);
	for (size_t i = 0; i < sizeof r->noise / 8; i++)
		r->noise[i] = noise(&state);
	r->sum = fnv(r, sizeof *r);
}

/* 1: a good record, 0: no record, -1: a record with a wrong sum or in the wrong place. */
static int record_check(struct record *r, uint64_t slot)
{
	uint64_t sum = r->sum;

	if (memcmp(r->mark, MARK_RECORD, MARK) != 0)
		return 0;
	r->sum = 0;
	return fnv(r, sizeof *r) == sum && r->seq % SLOTS == slot ? 1 : -1;
}

static off_t slot_offset(uint64_t slot)
{
	return (off_t)(RECORD_FIRST + slot) * BLOCK;
}

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static void put_block(int fd, const void *block, off_t offset)
{
	while (pwrite(fd, block, BLOCK, offset) != BLOCK) {
		w.write_errors++;
		pause_us(100000);
	}
}

static void fill(const char *disk, void *buf)
{
	struct block *b = buf;
	uint64_t size = 0, state = 0x5ca1ab1e0ddba11u;
	int fd = open(disk, O_RDWR | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, BLKGETSIZE64, &size) < 0)
		die(disk);
	if (pread(fd, b, BLOCK, 0) == BLOCK && memcmp(b->mark, MARK_FILLER, MARK) == 0)
		goto out;
	memcpy(b->mark, MARK_FILLER, MARK);
	for (uint64_t n = FILLER_FIRST; n < size / BLOCK; n++) {
		if (n / FILLER_STRIPE % 2)
			continue;
		b->word[0] = n;
		for (size_t i = 1; i < WORDS; i++)
			b->word[i] = noise(&state);
		put_block(fd, b, (off_t)n * BLOCK);
	}
	fsync(fd);
	put_block(fd, b, 0);
	fsync(fd);
out:
	close(fd);
	w.filled = 1;
}

static uint64_t newest_record(int fd, struct record *r)
{
	uint64_t newest = 0;

	for (uint64_t slot = 0; slot < SLOTS; slot++)
		if (pread(fd, r, BLOCK, slot_offset(slot)) == BLOCK && record_check(r, slot) == 1 && r->seq > newest)
			newest = r->seq;
	return newest;
}

static void *writer(void *unused)
{
	uint64_t seq, last = 0;
	void *buf;
	int fd;

	(void)unused;
	if (posix_memalign(&buf, BLOCK, BLOCK) != 0)
		die("memory");
	fill(w.disk, buf);
	fd = open(w.disk, O_RDWR | O_DIRECT | O_DSYNC | O_CLOEXEC);
	if (fd < 0)
		die(w.disk);
	for (seq = newest_record(fd, buf) + 1;; seq++) {
		uint64_t now;

		record_make(buf, seq);
		put_block(fd, buf, slot_offset(seq % SLOTS));
		w.acked = seq;
		now = now_ns(CLOCK_MONOTONIC);
		if (last && (now - last) / 1000000 > w.max_gap_ms)
			w.max_gap_ms = (now - last) / 1000000;
		last = now;
		pause_us(w.tick_ms * 1000);
	}
}

static void *dirtier(void *unused)
{
	size_t pages = w.dirty_mib << 8;
	uint64_t us_per_mib = 1000000 / w.rate_mib;
	struct block *b = mmap(NULL, pages * BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)unused;
	if (b == MAP_FAILED)
		die("mmap");
	for (uint64_t pass = 1;; w.passes = pass++) {
		for (size_t i = 0; i < pages; i++) {
			if (pass > 1 && (b[i].word[0] != ((pass - 1) ^ i) || b[i].word[WORDS - 1] != (pass - 1) * i))
				w.bad++;
			memcpy(b[i].mark, MARK_MEMORY, MARK);
			b[i].word[0] = pass ^ i;
			b[i].word[WORDS - 1] = pass * i;
			if (i % 256 == 255)
				pause_us(us_per_mib);
		}
	}
}

static size_t stat_line(char *line, size_t size)
{
	return (size_t)snprintf(line, size, "acked=%" PRIu64 " write_errors=%" PRIu64 " filled=%" PRIu64 " passes=%" PRIu64
				" bad=%" PRIu64 " max_gap_ms=%" PRIu64 " up_ms=%" PRIu64 " wall_ns=%" PRIu64 " boot_id=%s\n",
				w.acked, w.write_errors, w.filled, w.passes, w.bad, w.max_gap_ms,
				now_ns(CLOCK_MONOTONIC) / 1000000, now_ns(CLOCK_REALTIME), w.boot_id);
}

static void *serve(void *arg)
{
	int fd = (int)(intptr_t)arg;
	char line[4096];
	ssize_t n, put;

	while ((n = read(fd, line, sizeof line)) > 0) {
		if (n >= 5 && memcmp(line, "stat\n", 5) == 0)
			n = (ssize_t)stat_line(line, sizeof line);
		for (ssize_t done = 0; done < n; done += put)
			if ((put = write(fd, line + done, (size_t)(n - done))) <= 0)
				goto out;
	}
out:
	close(fd);
	return NULL;
}

static _Noreturn void listener(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(7) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	pthread_t t;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, (struct sockaddr *)&any, sizeof any) < 0 || listen(fd, 16) < 0)
		die("port 7");
	for (;;) {
		int c = accept(fd, NULL, NULL);

		if (c >= 0 && pthread_create(&t, NULL, serve, (void *)(intptr_t)c) == 0)
			pthread_detach(t);
	}
}

static void read_boot_id(void)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, w.boot_id, 36) != 36)
		die("boot_id");
	close(fd);
}

static int run(char **argv)
{
	pthread_t t;

	w.disk = argv[0];
	w.tick_ms = strtoull(argv[1], NULL, 10);
	w.dirty_mib = strtoull(argv[2], NULL, 10);
	w.rate_mib = strtoull(argv[3], NULL, 10);
	signal(SIGPIPE, SIG_IGN);
	read_boot_id();
	if (access(w.disk, F_OK) == 0 && pthread_create(&t, NULL, writer, NULL) != 0)
		die("writer");
	if (w.dirty_mib && w.rate_mib && pthread_create(&t, NULL, dirtier, NULL) != 0)
		die("dirtier");
	listener();
}

static int open_image(const char *image)
{
	int fd = open(image, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die(image);
	return fd;
}

static int slots(char **argv)
{
	int fd = open_image(argv[0]);
	struct record r;

	for (uint64_t slot = 0; slot < SLOTS; slot++)
		if (pread(fd, &r, BLOCK, slot_offset(slot)) == BLOCK && record_check(&r, slot) == 1)
			printf("%jd %d %" PRIu64 "\n", (intmax_t)slot_offset(slot), BLOCK, r.seq);
	close(fd);
	return 0;
}

static int check(char **argv)
{
	static uint64_t seq[SLOTS];
	uint64_t newest = 0, oldest, records = 0, bad = 0, gaps = 0;
	int fd = open_image(argv[0]);
	struct record r;

	for (uint64_t slot = 0; slot < SLOTS; slot++) {
		int good = pread(fd, &r, BLOCK, slot_offset(slot)) == BLOCK ? record_check(&r, slot) : 0;

		bad += good < 0;
		records += good > 0;
		seq[slot] = good > 0 ? r.seq : 0;
		if (seq[slot] > newest)
			newest = seq[slot];
	}
	close(fd);
	oldest = newest > SLOTS ? newest - SLOTS + 1 : 1;
	for (uint64_t s = oldest; s <= newest; s++)
		gaps += seq[s % SLOTS] != s;
	printf("newest=%" PRIu64 " oldest=%" PRIu64 " records=%" PRIu64 " bad_sum=%" PRIu64 " gaps=%" PRIu64 "\n",
	       newest, oldest, records, bad, gaps);
	return bad || gaps || !newest;
}

int main(int argc, char **argv)
{
	static const struct { const char *name; int args; int (*run)(char **argv); } verbs[] = {
		{ "run", 4, run }, { "check", 1, check }, { "slots", 1, slots },
	};

	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (argc >= 2 && strcmp(argv[1], verbs[i].name) == 0 && argc - 2 == verbs[i].args)
			return verbs[i].run(argv + 2);
	fprintf(stderr, "usage: workload run DISK TICK_MS DIRTY_MIB RATE_MIB | check IMAGE | slots IMAGE\n");
	return 2;
}
