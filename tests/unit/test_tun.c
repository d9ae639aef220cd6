/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_tun.c - tunnels on loopback addresses: two of ours over IKE, and one of ours against a peer made of an ESP SA and a plain
 * socket, which can lie inside of what it authenticates.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/cur.h"
#include "interconnect/base/log.h"
#include "interconnect/base/wr.h"
#include "interconnect/tun_impl.h"
#include "tests/lib/tun_peer.h"

enum { PACKET = 100, SPI_1 = 0x1001, SPI_2 = 0x1002, SPI_OUT = 0x2000 };

struct got {
	size_t n_batched;                /* of N, in batches that are over */
	size_t n, size;
	uint8_t last[TUN_PACKET_MAX];
	enum tun_state state;
	size_t n_states;
	size_t mtu, n_mtus;
};

struct side {
	struct tun_conf_uplink uplink;
	struct tun_conf conf;
	struct cw_conf_list uplinks, tunnels;
	struct tuns *tuns;
	struct tun *tun;
	struct got got;
};

struct fixture {
	char dir[64];
	struct cw_loop *loop;
	struct side a, b;
	struct tun_conf_ppk ppk;        /* of both; usually none */
	int peer;                       /* the socket of a peer that is not ours */
};

static char name_a[] = "a", name_b[] = "b", psk_file[] = "psk", id_a[] = "a.test", id_b[] = "b.test", empty[] = "",
	    ppk_file[] = "ppk", ppk_id[] = "key-1",
	    suite_ike[] = "aes256gcm16-prfsha384-ecp384", suite_esp[] = "aes256gcm16";

static void drop_line(enum cw_log_level level, const char *line)
{
	(void)level;
	(void)line;
}

static void on_packet(void *ctx, uint8_t *pkt, size_t size)
{
	struct got *g = ctx;

	g->n++;
	g->size = size;
	memcpy(g->last, pkt, size);
}

static void on_state(void *ctx, enum tun_state s)
{
	struct got *g = ctx;

	g->state = s;
	g->n_states++;
}

static void on_mtu(void *ctx, size_t inner_mtu)
{
	struct got *g = ctx;

	g->mtu = inner_mtu;
	g->n_mtus++;
}

static void on_batch(void *ctx)
{
	struct got *g = ctx;

	g->n_batched = g->n;
}

static const struct tun_ops ops = { on_packet, on_state, on_mtu, on_batch };

static void side_init(struct fixture *f, struct side *s, uint8_t own_net, uint8_t peer_net, uint8_t own, uint8_t peer)
{
	s->uplink = (struct tun_conf_uplink){ outer(own_net), 4500, NULL };
	s->conf = (struct tun_conf){
		.name = own == 1 ? name_b : name_a, .remote = { outer(peer_net), 4500 },
		.auth = { .method = IKE_AUTH_PSK, .cert = empty, .key = empty, .ca = empty, .crl = empty, .secret_file = psk_file,
			  .local_id = own == 1 ? id_a : id_b, .remote_id = own == 1 ? id_b : id_a },
		.ike = suite_ike, .esp = suite_esp, .esn = IKE_ESN_BOTH, .encap = true, .initiate = own == 1, .mtu = 1500,
		.local_ts = inner(own), .remote_ts = inner(peer), .rekey = { .ike = 4 * 3600 * 1000, .child = 3600 * 1000 }, .dpd = 10 * 1000,
		.ppk = f->ppk,
	};
	s->uplinks = (struct cw_conf_list){ &s->uplink, 1 };
	s->tunnels = (struct cw_conf_list){ &s->conf, 1 };
	assert_int_equal(tuns_new(f->loop, f->dir, &s->uplinks, &s->tunnels, &s->tuns, NULL), 0);
	s->tun = tuns_at(s->tuns, 0);
	s->got.state = TUN_DOWN;
	tun_subscribe(s->tun, &ops, &s->got);
}

static void put_file(const struct fixture *f, const char *name, const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof path, "%s/%s", f->dir, name);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int setup_as(void **state, const struct tun_conf_ppk *ppk)
{
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	cw_log_set_sink(drop_line);
	snprintf(f->dir, sizeof f->dir, "/tmp/test_tun.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	put_file(f, psk_file, "a shared secret of a test\n");
	put_file(f, ppk_file, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n");
	assert_int_equal(cw_loop_new(&f->loop), 0);
	f->peer = -1;
	f->ppk = *ppk;
	side_init(f, &f->a, 73, 74, 1, 2);
	*state = f;
	return 0;
}

static int setup(void **state)
{
	return setup_as(state, &(struct tun_conf_ppk){ 0 });
}

static int setup_ppk(void **state)
{
	return setup_as(state, &(struct tun_conf_ppk){ ppk_id, ppk_file, true });
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char path[128];

	tuns_free(f->a.tuns);
	tuns_free(f->b.tuns);
	cw_fd_close(&f->peer);
	cw_loop_free(f->loop);
	snprintf(path, sizeof path, "%s/psk", f->dir);
	unlink(path);
	snprintf(path, sizeof path, "%s/ppk", f->dir);
	unlink(path);
	rmdir(f->dir);
	free(f);
	cw_log_set_sink(NULL);
	return 0;
}

static void turn_until(struct fixture *f, const size_t *n, size_t want)
{
	for (int i = 0; i < 400 && *n != want; i++)
		assert_int_equal(cw_loop_turn(f->loop, 20), 0);
	assert_int_equal(*n, want);
}

static void turn_until_state(struct fixture *f, const struct side *s, enum tun_state want)
{
	for (int i = 0; i < 400 && tun_state(s->tun) != want; i++)
		assert_int_equal(cw_loop_turn(f->loop, 20), 0);
	assert_int_equal(tun_state(s->tun), want);
	assert_int_equal(s->got.state, want);
}

static int send_from(struct side *s, size_t size)
{
	return tun_send(s->tun, 0, packet(&s->conf.local_ts, &s->conf.remote_ts, size), size);
}

/* ---- two of ours ---- */

static void both_up(struct fixture *f)
{
	side_init(f, &f->b, 74, 73, 2, 1);
	tuns_start(f->b.tuns);
	tuns_start(f->a.tuns);
	turn_until_state(f, &f->a, TUN_UP);
	turn_until_state(f, &f->b, TUN_UP);
	/* The IKE process tells of its SA a moment after that of its child. */
	while (!keys_info(f->a.tuns->keys, 0, &(struct ike_info){ 0 }) || !keys_info(f->b.tuns->keys, 0, &(struct ike_info){ 0 }))
		assert_int_equal(cw_loop_turn(f->loop, 20), 0);
}

static void packets_pass_both_ways(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(send_from(&f->a, PACKET), CW_E_STATE);
	assert_int_equal(tun_stat(f->a.tun)->n[CW_STAT_DROP_NO_SA], 1);
	both_up(f);
	assert_int_equal(send_from(&f->a, PACKET), 0);
	turn_until(f, &f->b.got.n_batched, 1);
	assert_int_equal(f->b.got.size, PACKET);
	assert_memory_equal(f->b.got.last, packet(&f->a.conf.local_ts, &f->a.conf.remote_ts, PACKET), PACKET);
	assert_int_equal(send_from(&f->b, PACKET), 0);
	turn_until(f, &f->a.got.n_batched, 1);
	assert_int_equal(tun_stat(f->a.tun)->n[CW_STAT_TX_PACKETS], 1);
	assert_int_equal(tun_stat(f->a.tun)->n[CW_STAT_RX_BYTES], PACKET);
}

static void the_largest_packet_leaves_in_a_datagram_of_the_mtu(void **state)
{
	struct fixture *f = *state;
	size_t mtu = tun_inner_mtu(f->a.tun);

	both_up(f);
	assert_true(mtu > 1400 && mtu < 1500 - 28 - 16 - 2 - 16 + 4);
	assert_int_equal(send_from(&f->a, mtu), 0);
	assert_true(f->a.tun->paths[0].uplink->udp != NULL);
	turn_until(f, &f->b.got.n_batched, 1);
	assert_int_equal(f->b.got.size, mtu);
	assert_int_equal(send_from(&f->a, mtu + 1), CW_E_LIMIT);
	assert_int_equal(tun_stat(f->a.tun)->n[CW_STAT_DROP_LIMIT], 1);
}

static void what_is_outside_of_the_selectors_does_not_leave(void **state)
{
	struct fixture *f = *state;
	const struct cw_prefix other = { { AF_INET, { 10, 71, 9, 9 } }, 32 };

	both_up(f);
	assert_int_equal(tun_send(f->a.tun, 0, packet(&other, &f->a.conf.remote_ts, PACKET), PACKET), CW_E_FORBIDDEN);
	assert_int_equal(tun_send(f->a.tun, 0, packet(&f->a.conf.local_ts, &other, PACKET), PACKET), CW_E_FORBIDDEN);
	assert_int_equal(tun_stat(f->a.tun)->n[CW_STAT_DROP_POLICY], 2);
	assert_int_equal(tun_send(f->a.tun, 0, packet(&f->a.conf.local_ts, &f->a.conf.remote_ts, PACKET), PACKET + 1),
			 CW_E_MALFORMED);
	assert_int_equal(tun_send(f->a.tun, 0, packet(&f->a.conf.local_ts, &f->a.conf.remote_ts, PACKET), PACKET - 1),
			 CW_E_MALFORMED);
	assert_int_equal(tun_stat(f->a.tun)->n[CW_STAT_DROP_MALFORMED], 2);
	assert_int_equal(send_from(&f->a, PACKET), 0);
	turn_until(f, &f->b.got.n_batched, 1);
}

static void a_good_bye_is_heard(void **state)
{
	struct fixture *f = *state;

	both_up(f);
	tuns_stop(f->a.tuns);
	assert_int_equal(tun_state(f->a.tun), TUN_DOWN);
	turn_until_state(f, &f->b, TUN_DOWN);
	assert_int_equal(send_from(&f->b, PACKET), CW_E_STATE);
}

static void show_tells_what_the_contract_says(void **state)
{
	static const char *const keys[] = {
		"name", "state", "suite", "local", "remote", "local_ts", "remote_ts", "ike", "esp", "mtu", "inner_mtu", "paths",
		"counters",
	};
	struct fixture *f = *state;
	struct cw_json *j;

	both_up(f);
	j = tun_json(f->a.tun);
	for (size_t i = 0; i < CW_COUNT(keys); i++)
		assert_non_null(cw_json_get(j, keys[i]));
	assert_string_equal(cw_json_get_str(j, "state", ""), "up");
	assert_int_equal(strlen(cw_json_get_str(cw_json_get(j, "ike"), "spi_i", "")), 16);
	assert_true(cw_json_get_bool(cw_json_get(j, "ike"), "initiator", false));
	assert_int_equal(strlen(cw_json_get_str(cw_json_get(j, "esp"), "spi_in", "")), 8);
	assert_string_equal(cw_json_get_str(cw_json_at(cw_json_get(j, "paths"), 0), "state", ""), "up");
	assert_int_equal(cw_json_get_int(cw_json_get(j, "counters"), "drop.icv", -1), 0);
	assert_false(cw_json_get_bool(cw_json_get(j, "suite"), "ppk", true));
	cw_json_free(j);
	j = tuns_json(f->a.tuns, "x", "ix");
	assert_string_equal(cw_json_get_str(j, "state", ""), "up");
	assert_int_equal(cw_json_get_int(j, "pid", 0), getpid());
	assert_true(cw_json_get_int(j, "rss_bytes", 0) > 0);
	cw_json_free(j);
}

static void show_tells_of_the_ppk(void **state)
{
	struct fixture *f = *state;
	struct cw_json *j;

	both_up(f);
	for (int i = 0; i < 2; i++) {
		j = tun_json(i ? f->b.tun : f->a.tun);
		assert_true(cw_json_get_bool(cw_json_get(j, "suite"), "ppk", false));
		cw_json_free(j);
	}
	assert_int_equal(send_from(&f->a, PACKET), 0);
	turn_until(f, &f->b.got.n_batched, 1);
}

/* ---- one of ours, and a peer with the keys ---- */

static void add_sa_as(struct fixture *f, uint32_t spi_in, bool initiator)
{
	struct ike_child c = {
		.initiator = initiator, .spi_in = spi_in, .spi_out = SPI_OUT + spi_in, .aead = CW_AEAD_AES256_GCM, .key_size = 36,
		.local_ts = inner(1), .remote_ts = inner(2), .local = f->a.tun->paths[0].uplink->local,
		.remote = { outer(74), 4500 },
	};

	memcpy(c.key_in, key_in, sizeof c.key_in);
	memcpy(c.key_out, key_out, sizeof c.key_out);
	assert_int_equal(path_sa_add(&f->a.tun->paths[0], &c), 0);
	path_update(&f->a.tun->paths[0], "made by a test");
	tun_update(f->a.tun, "test");
}

static void add_sa(struct fixture *f, uint32_t spi_in)
{
	add_sa_as(f, spi_in, false);
}

static void turn_until_stat(struct fixture *f, const struct cw_stat *s, enum cw_stat_id id, uint64_t want)
{
	for (int i = 0; i < 400 && s->n[id] != want; i++)
		assert_int_equal(cw_loop_turn(f->loop, 20), 0);
	assert_int_equal(s->n[id], want);
}

static void a_peer_without_the_ppk_is_refused(void **state)
{
	struct fixture *f = *state;

	f->ppk = (struct tun_conf_ppk){ 0 };
	side_init(f, &f->b, 74, 73, 2, 1);
	tuns_start(f->b.tuns);
	tuns_start(f->a.tuns);
	turn_until_stat(f, tun_stat(f->a.tun), CW_STAT_IKE_REJECTED, 1);
	assert_int_equal(tun_state(f->a.tun), TUN_CONNECTING);
}

static void a_peer_that_lies_inside_is_not_believed(void **state)
{
	struct fixture *f = *state;
	const struct cw_prefix us = inner(1), them = inner(2), other = { { AF_INET, { 10, 71, 9, 9 } }, 32 };
	struct cw_stat *s = tun_stat(f->a.tun);
	struct esp_out *o = peer_sa(SPI_1);

	add_sa(f, SPI_1);
	f->peer = peer_socket(outer(74), 4500);
	peer_sends(f->peer, o, ESP_NH_IPV4, packet(&other, &us, PACKET), PACKET, NULL);
	turn_until_stat(f, s, CW_STAT_DROP_POLICY, 1);
	peer_sends(f->peer, o, ESP_NH_IPV4, packet(&them, &other, PACKET), PACKET, NULL);
	turn_until_stat(f, s, CW_STAT_DROP_POLICY, 2);
	peer_sends(f->peer, o, ESP_NH_IPV6, packet(&them, &us, PACKET), PACKET, NULL);
	turn_until_stat(f, s, CW_STAT_DROP_MALFORMED, 1);
	peer_sends(f->peer, o, 17, packet(&them, &us, PACKET), PACKET, NULL);
	turn_until_stat(f, s, CW_STAT_DROP_MALFORMED, 2);
	peer_sends(f->peer, o, ESP_NH_IPV4, packet(&them, &us, PACKET + 1), PACKET, NULL);
	turn_until_stat(f, s, CW_STAT_DROP_MALFORMED, 3);
	assert_int_equal(f->a.got.n, 0);
	peer_sends(f->peer, o, ESP_NH_IPV4, packet(&them, &us, PACKET), PACKET + 50, NULL);     /* padded: RFC 4303 s2.7 */
	turn_until(f, &f->a.got.n_batched, 1);
	assert_int_equal(f->a.got.size, PACKET);
	esp_out_free(o);
}

static void hostile_datagrams_are_counted_where_they_belong(void **state)
{
	struct fixture *f = *state;
	const struct cw_prefix us = inner(1), them = inner(2);
	struct cw_stat *s = tun_stat(f->a.tun), *all = tuns_stat(f->a.tuns);
	struct esp_out *o = peer_sa(SPI_1);
	uint8_t wire[UDP_DATAGRAM_MAX], stranger[64] = { [4] = 7, [21] = 0x20, [22] = 37 };
	size_t n;

	add_sa(f, SPI_1);
	f->peer = peer_socket(outer(74), 4500);
	n = peer_sends(f->peer, o, ESP_NH_IPV4, packet(&them, &us, PACKET), PACKET, wire);
	turn_until(f, &f->a.got.n_batched, 1);
	put(f->peer, wire, n);
	turn_until_stat(f, s, CW_STAT_DROP_REPLAY, 1);
	wire[7]++;
	put(f->peer, wire, n);
	turn_until_stat(f, s, CW_STAT_DROP_ICV, 1);
	put(f->peer, wire, 20);
	turn_until_stat(f, s, CW_STAT_DROP_MALFORMED, 1);
	wire[3] ^= 0x55;
	put(f->peer, wire, n);
	turn_until_stat(f, all, CW_STAT_DROP_NO_SA, 1);
	put(f->peer, wire, 5);
	turn_until_stat(f, all, CW_STAT_DROP_MALFORMED, 1);
	put(f->peer, stranger, sizeof stranger);
	turn_until_stat(f, all, CW_STAT_IKE_REJECTED, 1);
	put(f->peer, "\xff", 1);
	peer_sends(f->peer, o, ESP_NH_IPV4, packet(&them, &us, PACKET), PACKET, NULL);
	turn_until(f, &f->a.got.n, 2);
	assert_int_equal(all->n[CW_STAT_DROP_MALFORMED], 1);    /* the keepalive was none */
	esp_out_free(o);
}

/* Is the newest datagram that our side sent for SPI? */
static void expect_spi(struct fixture *f, uint32_t spi)
{
	uint8_t buf[UDP_DATAGRAM_MAX];
	struct cw_cur c;
	ssize_t n = -1;

	assert_int_equal(send_from(&f->a, PACKET), 0);
	for (int i = 0; i < 400 && n < 0; i++) {
		assert_int_equal(cw_loop_turn(f->loop, 20), 0);
		n = recv(f->peer, buf, sizeof buf, MSG_DONTWAIT);
	}
	assert_true(n > 0);
	c = cw_cur_of(buf, (size_t)n);
	assert_int_equal(cw_cur_u32(&c), spi);
}

static void a_new_sa_is_used_when_the_peer_has_used_it(void **state)
{
	struct fixture *f = *state;
	const struct cw_prefix us = inner(1), them = inner(2);
	struct esp_out *first = peer_sa(SPI_1), *second = peer_sa(SPI_2);

	add_sa(f, SPI_1);
	f->peer = peer_socket(outer(74), 4500);
	expect_spi(f, SPI_OUT + SPI_1);         /* the only one, proven or not */
	peer_sends(f->peer, first, ESP_NH_IPV4, packet(&them, &us, PACKET), PACKET, NULL);
	turn_until(f, &f->a.got.n_batched, 1);
	add_sa(f, SPI_2);
	expect_spi(f, SPI_OUT + SPI_1);
	peer_sends(f->peer, second, ESP_NH_IPV4, packet(&them, &us, PACKET), PACKET, NULL);
	turn_until(f, &f->a.got.n, 2);
	expect_spi(f, SPI_OUT + SPI_2);
	peer_sends(f->peer, first, ESP_NH_IPV4, packet(&them, &us, PACKET), PACKET, NULL);
	turn_until(f, &f->a.got.n, 3);          /* the old one still receives */
	expect_spi(f, SPI_OUT + SPI_2);
	path_sa_del(&f->a.tun->paths[0], SPI_1);
	peer_sends(f->peer, first, ESP_NH_IPV4, packet(&them, &us, PACKET), PACKET, NULL);
	turn_until_stat(f, tuns_stat(f->a.tuns), CW_STAT_DROP_NO_SA, 1);
	assert_int_equal(f->a.got.n, 3);
	esp_out_free(first);
	esp_out_free(second);
}

/* The IKE process has died: its SA is as good as before, until the peer has used another. */
static void an_orphan_is_used_until_another_is_proven(void **state)
{
	struct fixture *f = *state;
	const struct cw_prefix us = inner(1), them = inner(2);
	struct esp_out *first = peer_sa(SPI_1), *second = peer_sa(SPI_2);
	struct path *p = &f->a.tun->paths[0];

	add_sa(f, SPI_1);
	f->peer = peer_socket(outer(74), 4500);
	peer_sends(f->peer, first, ESP_NH_IPV4, packet(&them, &us, PACKET), PACKET, NULL);
	turn_until(f, &f->a.got.n, 1);
	assert_true(p->heard_ms > 0);
	path_sa_lost(p, cw_clock_now_ms());
	path_sa_close(p, SPI_1, cw_clock_now_ms());     /* says an IKE SA that there is no more */
	assert_int_equal(path_sa_count(p), 1);
	add_sa(f, SPI_2);
	expect_spi(f, SPI_OUT + SPI_1);
	peer_sends(f->peer, second, ESP_NH_NONE, packet(&them, &us, PACKET), PACKET, NULL);     /* an empty packet is enough */
	for (int i = 0; i < 400 && path_sa_count(p) == 2; i++)
		assert_int_equal(cw_loop_turn(f->loop, 20), 0);
	assert_int_equal(path_sa_count(p), 1);
	expect_spi(f, SPI_OUT + SPI_2);
	peer_sends(f->peer, first, ESP_NH_IPV4, packet(&them, &us, PACKET), PACKET, NULL);
	turn_until(f, &f->a.got.n, 2);                  /* it still receives */
	assert_true(path_sa_sweep(p, p->heard_ms + PATH_GRACE_MS + 1000) > p->heard_ms);
	assert_int_equal(p->n_sas, 1);
	esp_out_free(first);
	esp_out_free(second);
}

static void a_new_sa_that_we_asked_for_is_used_at_once(void **state)
{
	struct fixture *f = *state;

	add_sa(f, SPI_1);
	f->a.tun->paths[0].sas[0]->proven = true;
	add_sa_as(f, SPI_2, true);
	f->peer = peer_socket(outer(74), 4500);
	expect_spi(f, SPI_OUT + SPI_2);
}

static void without_the_old_sa_the_new_one_is_used_unproven(void **state)
{
	struct fixture *f = *state;

	add_sa(f, SPI_1);
	f->a.tun->paths[0].sas[0]->proven = true;
	add_sa(f, SPI_2);
	f->peer = peer_socket(outer(74), 4500);
	expect_spi(f, SPI_OUT + SPI_1);
	path_sa_del(&f->a.tun->paths[0], SPI_1);
	expect_spi(f, SPI_OUT + SPI_2);
}

static void an_sa_that_is_used_up_stops(void **state)
{
	struct fixture *f = *state;

	add_sa(f, SPI_1);
	f->peer = peer_socket(outer(74), 4500);
	assert_int_equal(esp_out_skip(f->a.tun->paths[0].sas[0]->out, ESP_SEQ_HARD), 0);
	assert_false(f->a.tun->paths[0].renewing);
	expect_spi(f, SPI_OUT + SPI_1);         /* its last packet */
	assert_true(f->a.tun->paths[0].renewing);
	assert_int_equal(send_from(&f->a, PACKET), CW_E_LIMIT);
	assert_int_equal(send_from(&f->a, PACKET), CW_E_LIMIT);
	assert_int_equal(tun_stat(f->a.tun)->n[CW_STAT_DROP_LIMIT], 2);
	assert_int_equal(esp_out_seq(f->a.tun->paths[0].sas[0]->out), ESP_SEQ_HARD);
	add_sa(f, SPI_2);
	expect_spi(f, SPI_OUT + SPI_2);
}

static void an_sa_that_is_closed_still_receives_for_a_while(void **state)
{
	struct fixture *f = *state;
	const struct cw_prefix us = inner(1), them = inner(2);
	struct esp_out *first = peer_sa(SPI_1);
	uint64_t now = cw_clock_now_ms();

	add_sa(f, SPI_1);
	f->a.tun->paths[0].sas[0]->proven = true;
	add_sa(f, SPI_2);
	f->peer = peer_socket(outer(74), 4500);
	path_sa_close(&f->a.tun->paths[0], SPI_1, now);
	assert_int_equal(path_sa_count(&f->a.tun->paths[0]), 1);
	expect_spi(f, SPI_OUT + SPI_2);
	peer_sends(f->peer, first, ESP_NH_IPV4, packet(&them, &us, PACKET), PACKET, NULL);
	turn_until(f, &f->a.got.n_batched, 1);
	assert_int_equal(path_sa_sweep(&f->a.tun->paths[0], now + PATH_GRACE_MS - 1), now + PATH_GRACE_MS);
	assert_int_equal(f->a.tun->paths[0].n_sas, 2);
	assert_int_equal(path_sa_sweep(&f->a.tun->paths[0], now + PATH_GRACE_MS), f->a.tun->paths[0].sas[0]->end_ms);
	assert_int_equal(f->a.tun->paths[0].n_sas, 1);
	peer_sends(f->peer, first, ESP_NH_IPV4, packet(&them, &us, PACKET), PACKET, NULL);
	turn_until_stat(f, tuns_stat(f->a.tuns), CW_STAT_DROP_NO_SA, 1);
	esp_out_free(first);
}

/* At the end of its life an SA is of no use in either direction, although there is no other and the timer is late; then it is gone,
 * and the path with it. */
static void an_sa_that_is_too_old_ends(void **state)
{
	struct fixture *f = *state;
	const struct cw_prefix us = inner(1), them = inner(2);
	struct path *p = &f->a.tun->paths[0];
	struct esp_out *o = peer_sa(SPI_1);
	uint64_t end;

	f->a.conf.rekey.child = 30 * 1000;
	add_sa(f, SPI_1);
	f->peer = peer_socket(outer(74), 4500);
	end = p->sas[0]->end_ms;
	assert_int_equal(end, p->sas[0]->up_ms + 40 * 1000);
	cw_clock_set_us((end - 1) * 1000);
	expect_spi(f, SPI_OUT + SPI_1);
	cw_clock_set_us(end * 1000);
	assert_int_equal(send_from(&f->a, PACKET), CW_E_LIMIT);
	assert_int_equal(tun_stat(f->a.tun)->n[CW_STAT_DROP_LIMIT], 1);
	peer_sends(f->peer, o, ESP_NH_IPV4, packet(&them, &us, PACKET), PACKET, NULL);
	turn_until_stat(f, tun_stat(f->a.tun), CW_STAT_DROP_LIMIT, 2);
	assert_true(p->renewing);
	assert_int_equal(f->a.got.n, 0);
	assert_int_equal(path_sa_sweep(p, end - 1), end);
	assert_int_equal(path_sa_sweep(p, end), UINT64_MAX);
	assert_int_equal(p->n_sas, 0);
	f->a.conf.rekey.hard = 33 * 1000;
	add_sa(f, SPI_2);
	assert_int_equal(p->sas[0]->end_ms, end + 33 * 1000);
	cw_clock_real();
	esp_out_free(o);
}

/* The timer does what sweep does, and the path's state follows. */
static void a_path_whose_sa_is_too_old_is_down(void **state)
{
	struct fixture *f = *state;
	struct path *p = &f->a.tun->paths[0];

	f->a.conf.rekey.child = 30 * 1000;
	f->a.conf.rekey.hard = 1;
	add_sa(f, SPI_1);
	assert_int_equal(f->a.got.state, TUN_UP);
	path_timer_on_sa(p);
	turn_until_state(f, &f->a, TUN_DOWN);
	assert_int_equal(p->n_sas, 0);
	assert_true(p->renewing);
}

/* Packets of the configuration: ours ask at the soft limit, the peer's a little later; past a third more there are none. */
static void packets_of_the_configuration_are_counted(void **state)
{
	struct fixture *f = *state;
	const struct cw_prefix us = inner(1), them = inner(2);
	struct path *p = &f->a.tun->paths[0];
	struct esp_out *o = peer_sa(SPI_1), *other = peer_sa(SPI_2);

	f->a.conf.rekey.packets = 12;
	add_sa(f, SPI_1);
	f->peer = peer_socket(outer(74), 4500);
	for (size_t i = 1; i <= 16; i++) {
		assert_int_equal(p->renewing, i > 12);
		assert_int_equal(send_from(&f->a, PACKET), 0);
	}
	assert_int_equal(send_from(&f->a, PACKET), CW_E_LIMIT);
	cw_timer_stop(p->renew_timer);
	p->renewing = false;
	for (size_t i = 1; i <= 16; i++) {
		assert_int_equal(p->renewing, i > 13);
		peer_sends(f->peer, o, ESP_NH_IPV4, packet(&them, &us, PACKET), PACKET, NULL);
		turn_until(f, &f->a.got.n, i);
		if (i == 13)
			p->renewing = true;             /* it was: no need to see it again */
	}
	peer_sends(f->peer, o, ESP_NH_IPV4, packet(&them, &us, PACKET), PACKET, NULL);
	turn_until_stat(f, tun_stat(f->a.tun), CW_STAT_DROP_LIMIT, 2);
	add_sa(f, SPI_2);
	peer_sends(f->peer, other, ESP_NH_IPV4, packet(&them, &us, PACKET), PACKET, NULL);
	turn_until(f, &f->a.got.n, 17);
	esp_out_free(o);
	esp_out_free(other);
}

/* What still comes on the one that was replaced asks for no third. */
static void an_old_sa_asks_for_no_successor(void **state)
{
	struct fixture *f = *state;
	const struct cw_prefix us = inner(1), them = inner(2);
	struct path *p = &f->a.tun->paths[0];
	struct esp_out *o = peer_sa(SPI_1);

	f->a.conf.rekey.packets = 4;
	add_sa(f, SPI_1);
	add_sa(f, SPI_2);
	f->peer = peer_socket(outer(74), 4500);
	for (size_t i = 1; i <= 5; i++) {
		peer_sends(f->peer, o, ESP_NH_IPV4, packet(&them, &us, PACKET), PACKET, NULL);
		turn_until(f, &f->a.got.n, i);
	}
	assert_true(esp_in_soft(f->a.tuns->sadb, SPI_1));
	assert_false(p->renewing);
	esp_out_free(o);
}

/* Sends a packet with TOS from the peer in a datagram with OUTER; what comes out has the byte that is returned. */
static uint8_t through_tos(struct fixture *f, struct esp_out *o, uint8_t tos, int outer_tos)
{
	const struct cw_prefix us = inner(1), them = inner(2);
	uint8_t *pkt = packet(&them, &us, PACKET);
	size_t n = f->a.got.n;

	pkt[1] = tos;
	assert_int_equal(setsockopt(f->peer, IPPROTO_IP, IP_TOS, &outer_tos, sizeof outer_tos), 0);
	peer_sends(f->peer, o, ESP_NH_IPV4, pkt, PACKET, NULL);
	turn_until(f, &f->a.got.n, n + 1);
	return f->a.got.last[1];
}

/* TEST RFC 6040 s4.2: a mark of the way reaches the packet inside, or drops it. */
static void marks_of_the_way_come_in(void **state)
{
	struct fixture *f = *state;
	const struct cw_prefix us = inner(1), them = inner(2);
	struct esp_out *o = peer_sa(SPI_1);

	add_sa(f, SPI_1);
	f->peer = peer_socket(outer(74), 4500);
	assert_int_equal(through_tos(f, o, 0xb8 | 2, 0), 0xb8 | 2);
	assert_int_equal(through_tos(f, o, 0xb8 | 2, 3), 0xb8 | 3);
	assert_int_equal(through_tos(f, o, 0xb8 | 2, 0x28 | 1), 0xb8 | 1);
	assert_int_equal(through_tos(f, o, 0, 2), 0);
	assert_int_equal(tun_stat(f->a.tun)->n[CW_STAT_DROP_ECN], 0);
	(void)setsockopt(f->peer, IPPROTO_IP, IP_TOS, &(int){ 3 }, sizeof(int));
	peer_sends(f->peer, o, ESP_NH_IPV4, packet(&them, &us, PACKET), PACKET, NULL);
	turn_until_stat(f, tun_stat(f->a.tun), CW_STAT_DROP_ECN, 1);
	assert_int_equal(f->a.got.n, 4);
	esp_out_free(o);
}

/* Of the newest datagram that our side sent, for a packet with TOS. */
static uint8_t tos_outside(struct fixture *f, uint8_t tos)
{
	uint8_t *pkt = packet(&f->a.conf.local_ts, &f->a.conf.remote_ts, PACKET), buf[PACKET * 2];
	union {
		struct cmsghdr head;
		uint8_t bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { buf, sizeof buf };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	const struct cmsghdr *c;
	ssize_t n = -1;

	pkt[1] = tos;
	assert_int_equal(setsockopt(f->peer, IPPROTO_IP, IP_RECVTOS, &(int){ 1 }, sizeof(int)), 0);
	assert_int_equal(tun_send(f->a.tun, 0, pkt, PACKET), 0);
	for (int i = 0; i < 400 && n < 0; i++) {
		assert_int_equal(cw_loop_turn(f->loop, 20), 0);
		n = recvmsg(f->peer, &m, MSG_DONTWAIT);
	}
	c = CMSG_FIRSTHDR(&m);
	assert_true(n > 0 && c);
	if (!c)
		return 0;
	assert_int_equal(c->cmsg_type, IP_TOS);
	return *CMSG_DATA(c);
}

static void the_subscriber_hears_of_another_mtu(void **state)
{
	struct fixture *f = *state;
	struct tun *t = f->a.tun;
	size_t was = tun_inner_mtu(t);

	tun_update_mtu(t);
	assert_int_equal(f->a.got.n_mtus, 0);
	t->paths[0].inner_mtu = 1200;
	tun_update_mtu(t);
	tun_update_mtu(t);
	assert_int_equal(f->a.got.n_mtus, 1);
	assert_int_equal(f->a.got.mtu, 1200);
	t->paths[0].inner_mtu = was;
	tun_update_mtu(t);
	assert_int_equal(f->a.got.n_mtus, 2);
	assert_int_equal(f->a.got.mtu, was);
}

static void dscp_and_ecn_go_out(void **state)
{
	struct fixture *f = *state;
	struct path *p = &f->a.tun->paths[0];

	add_sa(f, SPI_1);
	f->peer = peer_socket(outer(74), 4500);
	assert_int_equal(p->dscp, -1);
	for (unsigned tos = 0; tos <= 255; tos += 5)
		assert_int_equal(tos_outside(f, (uint8_t)tos), tos);
	p->dscp = 10;
	assert_int_equal(tos_outside(f, 0xb8 | 3), 10 << 2 | 3);
	p->dscp = 0;
	assert_int_equal(tos_outside(f, 0xb8 | 2), 2);
}

static void an_sa_on_its_way_out_is_the_last_choice(void **state)
{
	struct fixture *f = *state;

	add_sa(f, SPI_1);
	f->a.tun->paths[0].sas[0]->proven = true;
	f->peer = peer_socket(outer(74), 4500);
	path_sa_idle(&f->a.tun->paths[0], SPI_1);
	expect_spi(f, SPI_OUT + SPI_1);         /* better than none */
	add_sa(f, SPI_2);
	expect_spi(f, SPI_OUT + SPI_2);         /* proven or not */
}

/* Room is made by what is closed, whatever its age. */
static void closed_sas_go_first(void **state)
{
	struct fixture *f = *state;

	for (uint32_t i = 0; i < PATH_SA_MAX; i++)
		add_sa(f, SPI_1 + i);
	path_sa_close(&f->a.tun->paths[0], SPI_1 + 5, cw_clock_now_ms());
	add_sa(f, SPI_1 + PATH_SA_MAX);
	assert_int_equal(f->a.tun->paths[0].n_sas, PATH_SA_MAX);
	assert_int_equal(path_sa_count(&f->a.tun->paths[0]), PATH_SA_MAX);
	assert_int_equal(f->a.tun->paths[0].sas[PATH_SA_MAX - 1]->spi_in, SPI_1);
}

/* Near a limit of ESP, whoever seals asks for another SA, over IKE. */
static void a_limit_that_is_near_rekeys(void **state)
{
	struct fixture *f = *state;
	uint32_t spi;

	both_up(f);
	spi = f->a.tun->paths[0].sas[0]->spi_in;
	assert_int_equal(esp_out_skip(f->a.tun->paths[0].sas[0]->out, ESP_SEQ_SOFT), 0);
	assert_int_equal(send_from(&f->a, PACKET), 0);
	for (int i = 0; i < 200 && (f->a.tun->paths[0].sas[0]->spi_in == spi || path_sa_count(&f->a.tun->paths[0]) != 1); i++)
		assert_int_equal(cw_loop_turn(f->loop, 20), 0);
	assert_true(f->a.tun->paths[0].sas[0]->spi_in != spi);
	assert_int_equal(path_sa_count(&f->a.tun->paths[0]), 1);
	assert_int_equal(f->a.tun->paths[0].n_sas, 2);   /* the old one still receives */
	assert_false(f->a.tun->paths[0].renewing);
	assert_int_equal(send_from(&f->a, PACKET), 0);
	turn_until(f, &f->b.got.n, 2);
	assert_int_equal(f->a.got.n_states, 2);
}

static void more_sas_than_there_is_room_push_out_the_oldest(void **state)
{
	struct fixture *f = *state;

	for (uint32_t i = 0; i < PATH_SA_MAX + 2; i++)
		add_sa(f, SPI_1 + i);
	assert_int_equal(f->a.tun->paths[0].n_sas, PATH_SA_MAX);
	assert_int_equal(f->a.tun->paths[0].sas[0]->spi_in, SPI_1 + PATH_SA_MAX + 1);
	assert_int_equal(f->a.tun->paths[0].sas[PATH_SA_MAX - 1]->spi_in, SPI_1 + 2);
}

static void the_peer_is_followed_only_by_its_newest_authenticated_packet(void **state)
{
	struct fixture *f = *state;
	const struct cw_prefix us = inner(1), them = inner(2);
	const struct cw_endpoint moved = { outer(75), 4600 };
	struct path_sa *sa;
	struct esp_out *o = peer_sa(SPI_1);
	uint8_t wire[3][UDP_DATAGRAM_MAX];
	size_t n = 0;
	int thief;

	add_sa(f, SPI_1);
	sa = f->a.tun->paths[0].sas[0];
	f->peer = peer_socket(outer(74), 4500);
	thief = peer_socket(outer(75), 4600);
	for (size_t i = 0; i < 3; i++)
		n = (size_t)esp_seal(o, ESP_NH_IPV4, packet(&them, &us, PACKET), PACKET, wire[i]);
	put(f->peer, wire[1], n);
	turn_until(f, &f->a.got.n_batched, 1);
	put(thief, wire[1], n);                 /* replayed from elsewhere */
	turn_until_stat(f, tun_stat(f->a.tun), CW_STAT_DROP_REPLAY, 1);
	assert_false(cw_endpoint_equal(&sa->remote, &moved));
	put(thief, wire[0], n);                 /* held back: genuine, but older */
	turn_until(f, &f->a.got.n, 2);
	assert_false(cw_endpoint_equal(&sa->remote, &moved));
	wire[2][40] ^= 1;
	put(thief, wire[2], n);                 /* forged */
	turn_until_stat(f, tun_stat(f->a.tun), CW_STAT_DROP_ICV, 1);
	assert_false(cw_endpoint_equal(&sa->remote, &moved));
	wire[2][40] ^= 1;
	put(thief, wire[2], n);                 /* the peer itself, from its new address */
	turn_until(f, &f->a.got.n, 3);
	assert_true(cw_endpoint_equal(&sa->remote, &moved));
	close(thief);
	esp_out_free(o);
}

/* The processes of IKE and of the secrets are this program once more. */
int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(packets_pass_both_ways),
		TEST(the_largest_packet_leaves_in_a_datagram_of_the_mtu),
		TEST(what_is_outside_of_the_selectors_does_not_leave),
		TEST(a_good_bye_is_heard),
		TEST(show_tells_what_the_contract_says),
		cmocka_unit_test_setup_teardown(show_tells_of_the_ppk, setup_ppk, teardown),
		cmocka_unit_test_setup_teardown(a_peer_without_the_ppk_is_refused, setup_ppk, teardown),
		TEST(a_peer_that_lies_inside_is_not_believed),
		TEST(hostile_datagrams_are_counted_where_they_belong),
		TEST(a_new_sa_is_used_when_the_peer_has_used_it),
		TEST(an_orphan_is_used_until_another_is_proven),
		TEST(a_new_sa_that_we_asked_for_is_used_at_once),
		TEST(without_the_old_sa_the_new_one_is_used_unproven),
		TEST(an_sa_that_is_used_up_stops),
		TEST(an_sa_that_is_closed_still_receives_for_a_while),
		TEST(an_sa_on_its_way_out_is_the_last_choice),
		TEST(closed_sas_go_first),
		TEST(an_sa_that_is_too_old_ends),
		TEST(a_path_whose_sa_is_too_old_is_down),
		TEST(packets_of_the_configuration_are_counted),
		TEST(an_old_sa_asks_for_no_successor),
		TEST(marks_of_the_way_come_in),
		TEST(the_subscriber_hears_of_another_mtu),
		TEST(dscp_and_ecn_go_out),
		TEST(a_limit_that_is_near_rekeys),
		TEST(more_sas_than_there_is_room_push_out_the_oldest),
		TEST(the_peer_is_followed_only_by_its_newest_authenticated_packet),
	};
	int status;

	return keys_part(argc, argv, &status) ? status : cmocka_run_group_tests(tests, NULL, NULL);
}
