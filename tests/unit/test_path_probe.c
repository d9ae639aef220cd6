/* SPDX-License-Identifier: Apache-2.0 */
/* test_path_probe.c - hellos and size probes inside real tunnels, on loopback addresses: what they prove, and who gets to see them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/log.h"
#include "interconnect/keys.h"
#include "interconnect/tun_impl.h"

struct side {
	struct tun_conf_uplink uplink;
	struct tun_conf conf;
	struct cw_conf_list uplinks, tunnels;
	struct tuns *tuns;
	struct tun *tun;
	size_t n_packets, mtu;
};

struct fixture {
	char dir[64];
	struct cw_loop *loop;
	struct side a, b;
};

static char name_a[] = "a", name_b[] = "b", psk[] = "psk", id_a[] = "a.test", id_b[] = "b.test", empty[] = "",
	    suite_ike[] = "aes256gcm16-prfsha384-ecp384", suite_esp[] = "aes256gcm16";

static void drop_line(enum cw_log_level level, const char *line)
{
	(void)level;
	(void)line;
}

static void on_packet(void *ctx, uint8_t *pkt, size_t size)
{
	struct side *s = ctx;

	(void)pkt;
	(void)size;
	s->n_packets++;
}

static void on_state(void *ctx, enum tun_state state)
{
	(void)ctx;
	(void)state;
}

static void on_mtu(void *ctx, size_t mtu)
{
	struct side *s = ctx;

	s->mtu = mtu;
}

static const struct tun_ops ops = { .packet = on_packet, .state = on_state, .mtu = on_mtu };

static struct cw_ip outer(uint8_t net)
{
	return (struct cw_ip){ AF_INET, { 127, net, (uint8_t)(getpid() >> 8), (uint8_t)getpid() } };
}

static void side_init(struct fixture *f, struct side *s, uint8_t own, uint8_t peer, uint32_t ports)
{
	struct cw_why why = { 0 };

	s->uplink = (struct tun_conf_uplink){ outer((uint8_t)(80 + own)), 4500, NULL };
	s->conf = (struct tun_conf){
		.name = own == 1 ? name_b : name_a, .remote = { outer((uint8_t)(80 + peer)), 4500 },
		.auth = { .method = IKE_AUTH_PSK, .cert = empty, .key = empty, .ca = empty, .crl = empty, .secret_file = psk,
			  .local_id = own == 1 ? id_a : id_b, .remote_id = own == 1 ? id_b : id_a },
		.ike = suite_ike, .esp = suite_esp, .esn = IKE_ESN_BOTH, .encap = true,
		.initiate = own == 1, .mtu = 1500, .local_ts = { { AF_INET, { 10, 71, own, 1 } }, 32 },
		.remote_ts = { { AF_INET, { 10, 71, peer, 1 } }, 32 }, .dpd = 10 * 1000, .paths = { .ports = ports },
		.rekey = { .ike = 4 * 3600 * 1000, .child = 3600 * 1000 },
	};
	s->uplinks = (struct cw_conf_list){ &s->uplink, 1 };
	s->tunnels = (struct cw_conf_list){ &s->conf, 1 };
	if (tuns_new(f->loop, f->dir, &s->uplinks, &s->tunnels, &s->tuns, &why) < 0)
		fail_msg("%s: %s: %s", why.object, why.field, why.rule);
	s->tun = tuns_at(s->tuns, 0);
	tun_subscribe(s->tun, &ops, s);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	char path[128];
	int fd;

	assert_non_null(f);
	cw_log_set_sink(drop_line);
	snprintf(f->dir, sizeof f->dir, "/tmp/test_path_probe.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(path, sizeof path, "%s/psk", f->dir);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "a shared secret of a test\n", 26), 26);
	close(fd);
	assert_int_equal(cw_loop_new(&f->loop), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char path[128];

	tuns_free(f->a.tuns);
	tuns_free(f->b.tuns);
	cw_loop_free(f->loop);
	snprintf(path, sizeof path, "%s/psk", f->dir);
	unlink(path);
	rmdir(f->dir);
	free(f);
	cw_log_set_sink(NULL);
	return 0;
}

static void turn_until_up(struct fixture *f, const struct side *s, size_t mtu)
{
	for (int i = 0; i < 2000 && (tun_state(s->tun) != TUN_UP || tun_mtu(s->tun) != mtu); i++)
		assert_int_equal(cw_loop_turn(f->loop, 20), 0);
	assert_int_equal(tun_state(s->tun), TUN_UP);
	assert_int_equal(tun_mtu(s->tun), mtu);
}

static void begin(struct fixture *f, uint32_t ports_a, uint32_t ports_b)
{
	side_init(f, &f->a, 1, 2, ports_a);
	side_init(f, &f->b, 2, 1, ports_b);
	tuns_start(f->b.tuns);
	tuns_start(f->a.tuns);
}

static void paths_are_proven_and_measured(void **state)
{
	struct fixture *f = *state;

	begin(f, 2, 2);
	assert_int_equal(f->a.tun->n_paths, 2);
	assert_int_equal(tun_mtu(f->a.tun), PLPMTU_BASE);
	turn_until_up(f, &f->a, 1500);
	turn_until_up(f, &f->b, 1500);
	assert_int_equal(f->a.mtu, tun_inner_mtu(f->a.tun));
	assert_true(f->a.mtu > 1400);
	for (size_t i = 0; i < 2; i++) {
		const struct path *p = &f->a.tun->paths[i];
		CW_AUTO(cw_json_cleanup) struct cw_json *o = cw_json_object();

		path_probe_json(p->probe, o);
		assert_in_range(cw_json_get_int(o, "rtt_us", 0), 1, 5000000);
		assert_int_equal(cw_json_get_int(o, "flaps", -1), 0);
		assert_true(path_probe_seen_us(p->probe) > 0);
	}
	assert_int_equal(f->a.n_packets + f->b.n_packets, 0);   /* nobody else's business */
	assert_int_equal(tun_stat(f->a.tun)->n[CW_STAT_RX_PACKETS], 0);
	assert_int_equal(tun_stat(f->a.tun)->n[CW_STAT_DROP_MALFORMED], 0);
}

/* A third party has no probe; towards one that says no hello IKE judges, after a while. */
static void who_says_no_hello_is_judged_by_ike(void **state)
{
	struct fixture *f = *state;

	begin(f, 1, 0);
	assert_null(f->b.tun->paths[0].probe);
	turn_until_up(f, &f->a, PLPMTU_BASE);
	assert_false(f->a.tun->hello_heard);
	assert_int_equal(tun_state(f->b.tun), TUN_UP);
	assert_int_equal(tun_mtu(f->b.tun), 1500);
	assert_true(f->b.n_packets > 10);       /* to b they are packets like others */
}

static void what_only_looks_like_a_hello_is_dropped(void **state)
{
	struct fixture *f = *state;
	const struct hello_msg m = { .kind = HELLO_KIND_HELLO, .session = 1, .number = 1 };
	uint8_t pkt[HELLO_SIZE_MAX];
	int n;

	begin(f, 1, 1);
	turn_until_up(f, &f->a, 1500);
	turn_until_up(f, &f->b, 1500);
	n = hello_wire_build(&m, &f->b.conf.local_ts.ip, &f->b.conf.remote_ts.ip, pkt, sizeof pkt);
	assert_int_equal(n, HELLO_SIZE_MIN4);
	pkt[n - 1] ^= 1;
	assert_int_equal(tun_send(f->b.tun, 0, pkt, (size_t)n), 0);
	for (int i = 0; i < 400 && tun_stat(f->a.tun)->n[CW_STAT_DROP_MALFORMED] == 0; i++)
		assert_int_equal(cw_loop_turn(f->loop, 20), 0);
	assert_int_equal(tun_stat(f->a.tun)->n[CW_STAT_DROP_MALFORMED], 1);
	assert_int_equal(f->a.n_packets, 0);
	assert_int_equal(tun_state(f->a.tun), TUN_UP);
	pkt[22] ^= 1;                           /* another port: a packet of somebody's */
	assert_int_equal(tun_send(f->b.tun, 0, pkt, (size_t)n), 0);
	for (int i = 0; i < 400 && f->a.n_packets == 0; i++)
		assert_int_equal(cw_loop_turn(f->loop, 20), 0);
	assert_int_equal(f->a.n_packets, 1);
}

/* A peer that says nothing for a moment may only be slow: users hear of it when it lasts. */
static void a_tunnel_is_not_down_at_once(void **state)
{
	struct fixture *f = *state;
	uint64_t since_ms;

	begin(f, 2, 2);
	turn_until_up(f, &f->a, 1500);
	turn_until_up(f, &f->b, 1500);
	tuns_free(cw_steal(&f->b.tuns));        /* as if killed */
	for (int i = 0; i < 20000 && tun_state(f->a.tun) == TUN_UP; i++)
		assert_int_equal(cw_loop_turn(f->loop, 20), 0);
	for (int i = 0; i < 20000 && f->a.tun->paths[0].state == PATH_UP; i++)
		assert_int_equal(cw_loop_turn(f->loop, 20), 0);
	for (int i = 0; i < 20000 && f->a.tun->paths[1].state == PATH_UP; i++)
		assert_int_equal(cw_loop_turn(f->loop, 20), 0);
	since_ms = cw_clock_now_ms();
	assert_int_equal(tun_state(f->a.tun), TUN_DEGRADED);
	assert_true(tun_inner_mtu(f->a.tun) < 1500);
	for (int i = 0; i < 20000 && tun_carries(tun_state(f->a.tun)); i++)
		assert_int_equal(cw_loop_turn(f->loop, 20), 0);
	assert_false(tun_carries(tun_state(f->a.tun)));
	assert_true(cw_clock_now_ms() - since_ms >= TUN_HOPE_MS - 200);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(paths_are_proven_and_measured, setup, teardown),
		cmocka_unit_test_setup_teardown(who_says_no_hello_is_judged_by_ike, setup, teardown),
		cmocka_unit_test_setup_teardown(a_tunnel_is_not_down_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(what_only_looks_like_a_hello_is_dropped, setup, teardown),
	};

	int status;

	if (keys_part(argc, argv, &status))
		return status;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
