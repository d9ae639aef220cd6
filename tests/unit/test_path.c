/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_path.c - where the peer of a path is believed to be, and when its NAT is kept open: two of ours on loopback addresses, and
 * packets that are genuine and come from elsewhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interconnect/base/file.h"
#include "interconnect/base/log.h"
#include "interconnect/keys_impl.h"
#include "interconnect/tun_impl.h"
#include "tests/lib/tun_peer.h"
#include "tests/lib/tmp_dir.h"

enum { PACKET = 100, SPI = 0x1001, SPI_OUT = 0x2000, TURNS = 400, ELSEWHERE_PORT = 4600 };

struct side {
	struct tun_conf_uplink uplink;
	struct tun_conf conf;
	struct cw_conf_list uplinks, tunnels;
	struct tuns *tuns;
};

struct fixture {
	struct tmp_dir dir;
	struct cw_loop *loop;
	struct side a, b;
	bool mobike, encap;             /* of both */
	int peer;                       /* a socket that is elsewhere */
};

static char name_a[] = "a", name_b[] = "b", psk[] = "psk", id_a[] = "a.test", id_b[] = "b.test", empty[] = "",
	    suite_ike[] = "aes256gcm16-prfsha384-ecp384", suite_esp[] = "aes256gcm16";

static void drop_line(enum cw_log_level level, const char *line)
{
	(void)level;
	(void)line;
}

static void side_init(struct fixture *f, struct side *s, bool is_a)
{
	s->uplink = (struct tun_conf_uplink){ outer(is_a ? 73 : 74), 4500, NULL };
	s->conf = (struct tun_conf){
		.name = is_a ? name_b : name_a, .remote = { outer(is_a ? 74 : 73), 4500 },
		.auth = { .method = IKE_AUTH_PSK, .cert = empty, .key = empty, .ca = empty, .crl = empty, .secret_file = psk,
			  .local_id = is_a ? id_a : id_b, .remote_id = is_a ? id_b : id_a },
		.ike = suite_ike, .esp = suite_esp, .esn = IKE_ESN_BOTH, .encap = f->encap, .mobike = f->mobike, .initiate = is_a,
		.mtu = 1500, .local_ts = inner(is_a ? 1 : 2), .remote_ts = inner(is_a ? 2 : 1),
		.rekey = { .ike = 4 * 3600 * 1000, .child = 3600 * 1000 }, .dpd = 10 * 1000,
	};
	s->uplinks = (struct cw_conf_list){ &s->uplink, 1 };
	s->tunnels = (struct cw_conf_list){ &s->conf, 1 };
	assert_int_equal(tuns_new(f->loop, f->dir.path, &s->uplinks, &s->tunnels, &s->tuns, NULL), 0);
}

static int setup_as(void **state, bool mobike, bool encap)
{
	static const char secret[] = "a shared secret of a test\n";
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	cw_log_set_sink(drop_line);
	f->dir = tmp_dir_make();
	assert_int_equal(cw_file_replace(tmp_dir_file(&f->dir, psk), 0600, secret, sizeof secret - 1), 0);
	assert_int_equal(cw_loop_new(&f->loop), 0);
	f->mobike = mobike;
	f->encap = encap;
	side_init(f, &f->a, true);
	f->peer = peer_socket(outer(75), ELSEWHERE_PORT);
	*state = f;
	return 0;
}

static int setup(void **state)
{
	return setup_as(state, false, false);
}

static int setup_mobike(void **state)
{
	return setup_as(state, true, false);
}

static int setup_mobike_nat(void **state)
{
	return setup_as(state, true, true);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	tuns_free(f->a.tuns);
	tuns_free(f->b.tuns);
	close(f->peer);
	cw_loop_free(f->loop);
	tmp_dir_remove(&f->dir);
	free(f);
	cw_log_set_sink(NULL);
	return 0;
}

static struct path *path_of(struct side *s)
{
	return &tuns_at(s->tuns, 0)->paths[0];
}

/* Another SA of a, whose keys the test has; its packets go to AT. */
static struct path_sa *add_sa(struct fixture *f, struct cw_endpoint at)
{
	struct path *p = path_of(&f->a);
	struct ike_child c = {
		.initiator = true, .spi_in = SPI, .spi_out = SPI_OUT, .aead = CW_AEAD_AES256_GCM, .key_size = 36, .local_ts = inner(1),
		.remote_ts = inner(2), .local = p->uplink->local, .remote = at,
	};

	memcpy(c.key_in, key_in, sizeof c.key_in);
	memcpy(c.key_out, key_out, sizeof c.key_out);
	assert_int_equal(path_sa_add(p, &c), 0);
	path_update(p, "made by a test");
	return p->sas[0];
}

static bool both_know(struct fixture *f)
{
	struct ike_info info;

	return keys_info(f->a.tuns->keys, 0, &info) && keys_info(f->b.tuns->keys, 0, &info);
}

static void both_up(struct fixture *f)
{
	side_init(f, &f->b, false);
	tuns_start(f->b.tuns);
	tuns_start(f->a.tuns);
	for (int i = 0; i < TURNS && !both_know(f); i++)
		assert_int_equal(cw_loop_turn(f->loop, 20), 0);
	assert_true(both_know(f));
}

/* The newest packet of the peer, genuine, comes from elsewhere. Do we answer there from now on? */
static bool follows(struct fixture *f)
{
	const struct cw_endpoint usual = { outer(74), 4500 }, elsewhere = { outer(75), ELSEWHERE_PORT };
	const struct cw_prefix us = inner(1), them = inner(2);
	struct esp_out *o = peer_sa(SPI);
	const struct path_sa *sa;
	uint64_t rx;
	bool follow;

	both_up(f);
	sa = add_sa(f, usual);
	rx = tun_stat(tuns_at(f->a.tuns, 0))->n[CW_STAT_RX_PACKETS];
	peer_sends(f->peer, o, ESP_NH_IPV4, packet(&them, &us, PACKET), PACKET, NULL);
	for (int i = 0; i < TURNS && tun_stat(tuns_at(f->a.tuns, 0))->n[CW_STAT_RX_PACKETS] == rx; i++)
		assert_int_equal(cw_loop_turn(f->loop, 20), 0);
	assert_int_equal(tun_stat(tuns_at(f->a.tuns, 0))->n[CW_STAT_RX_PACKETS], rx + 1);
	follow = cw_endpoint_equal(&sa->remote, &elsewhere);
	assert_true(follow || cw_endpoint_equal(&sa->remote, &usual));
	esp_out_free(o);
	return follow;
}

/* TEST RFC 4555 s3.8 */
static void with_mobike_the_peer_says_where_it_is(void **state)
{
	assert_false(follows(*state));
}

static void with_mobike_a_nat_is_followed(void **state)
{
	assert_true(follows(*state));
}

static void without_mobike_the_peer_is_followed(void **state)
{
	assert_true(follows(*state));
}

/* The timer of the keepalive comes; SENT: after traffic. Is there one? */
static bool keeps_alive(struct fixture *f, bool sent)
{
	struct path *p = path_of(&f->a);
	uint8_t buf[8];
	ssize_t n = -1;

	p->sent = sent;
	cw_timer_arm(p->keepalive_timer, 0);
	for (int i = 0; i < TURNS && (n < 0 || p->sent); i++) {
		assert_int_equal(cw_loop_turn(f->loop, 5), 0);
		n = recv(f->peer, buf, sizeof buf, MSG_DONTWAIT);
		if (i >= 10 && !p->sent)
			break;
	}
	assert_false(p->sent);                  /* it has come */
	assert_true(n < 0 || (n == 1 && buf[0] == 0xff));
	return n == 1;
}

/* TEST RFC 3948 s4 */
static void only_behind_a_nat_there_are_keepalives(void **state)
{
	struct fixture *f = *state;
	struct keys_path_now *ike = &f->a.tuns->keys->paths[0];

	add_sa(f, (struct cw_endpoint){ outer(75), ELSEWHERE_PORT });
	assert_true(keeps_alive(f, false));     /* nobody knows */
	ike->known = true;
	assert_false(keeps_alive(f, false));
	ike->info.nat_remote = true;            /* the peer's, and its own affair */
	assert_false(keeps_alive(f, false));
	ike->info.nat_local = true;
	assert_true(keeps_alive(f, false));
	assert_false(keeps_alive(f, true));
	assert_true(keeps_alive(f, false));
}

/* The processes of IKE and of the secrets are this program once more. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(with_mobike_the_peer_says_where_it_is, setup_mobike, teardown),
		cmocka_unit_test_setup_teardown(with_mobike_a_nat_is_followed, setup_mobike_nat, teardown),
		cmocka_unit_test_setup_teardown(without_mobike_the_peer_is_followed, setup, teardown),
		cmocka_unit_test_setup_teardown(only_behind_a_nat_there_are_keepalives, setup, teardown),
	};
	int status;

	return keys_part(argc, argv, &status) ? status : cmocka_run_group_tests(tests, NULL, NULL);
}
