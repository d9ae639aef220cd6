/* SPDX-License-Identifier: Apache-2.0 */
/* test_cli_out.c - what answers look like, letter by letter. */
#include "mesh/cli_out.h"

#include <errno.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check(enum cli_format format, const char *noun, const char *body, const char *want)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *j = NULL;
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	assert_int_equal(cw_json_parse(body, strlen(body), &j), 0);
	assert_int_equal(cli_out(f, format, noun, j), 0);
	fclose(f);
	assert_string_equal(text, want);
}

static const char tunnels[] =
	"{\"items\":[{\"name\":\"b\",\"state\":\"up\",\"suite\":{\"ike\":\"aes256gcm16-prfsha384-ecp384\",\"esp\":\"aes256gcm16\","
	"\"esn\":false,\"ppk\":true},\"local\":\"10.44.0.1:4500\",\"remote\":{\"address\":\"10.44.0.2\",\"port\":4500},"
	"\"paths\":[{\"state\":\"up\"},{\"state\":\"down\"}],\"counters\":{\"rx.bytes\":1536,\"tx.bytes\":12}},"
	"{\"name\":\"other\",\"state\":\"connecting\",\"suite\":null,\"paths\":[]}],\"next\":null}";

static void test_table(void **state)
{
	(void)state;
	check(CLI_TABLE, "tunnel", tunnels,
	      "NAME  STATE      LOCAL          REMOTE         PATHS      RX   TX\n"
	      "b     up         10.44.0.1:4500 10.44.0.2:4500   1/2 1.5 KiB 12 B\n"
	      "other connecting -              -                0/0       -    -\n");
	check(CLI_WIDE, "tunnel", tunnels,
	      "NAME  STATE      LOCAL          REMOTE         PATHS      RX   TX IKE                          ESP         ESN   PPK\n"
	      "b     up         10.44.0.1:4500 10.44.0.2:4500   1/2 1.5 KiB 12 B aes256gcm16-prfsha384-ecp384 aes256gcm16 false true\n"
	      "other connecting -              -                0/0       -    - -                            -           -     -\n");
	check(CLI_TABLE, "vm",
	      "{\"items\":[{\"name\":\"web1\",\"power\":\"running\",\"owner\":{\"site\":\"onprem\",\"epoch\":3,\"state\":\"owned\"},"
	      "\"memory_bytes\":268435456,\"vcpus\":1,\"disks\":[{}],\"networks\":[{},{}]}],\"next\":null}",
	      "NAME POWER   OWNER  RECORD EPOCH    MEMORY VCPUS\n"
	      "web1 running onprem owned      3 256.0 MiB     1\n");
	check(CLI_TABLE, "extension", "{\"items\":[{\"name\":\"web\",\"vni\":77,\"macs\":{\"local\":1,\"remote\":12}},{\"macs\":4}]}",
	      "NAME VNI STATE BRIDGE MACS-HERE MACS-THERE RX TX\n"
	      "web   77 -     -              1         12  -  -\n"
	      "-      - -     -              -          -  -  -\n");
	check(CLI_WIDE, "relay", "{\"items\":[{\"name\":\"vmotion\",\"state\":\"up\",\"streams\":3,\"sent_bytes\":2048}]}",
	      "NAME    STATE TUNNEL LISTEN DIAL STREAMS    SENT RECEIVED ACCEPTED REFUSED FAILED\n"
	      "vmotion up    -      -      -          3 2.0 KiB        -        -       -      -\n");
	check(CLI_TABLE, "migration",
	      "{\"items\":[{\"id\":\"7\",\"vm\":\"web1\",\"kind\":\"live\",\"from\":\"onprem\",\"to\":\"cloud\",\"state\":\"running\","
	      "\"phase\":\"memory\",\"progress\":43}]}",
	      "ID VM   KIND FROM   TO    STATE   PHASE  DONE\n"
	      "7  web1 live onprem cloud running memory 43 %\n");
}

/* A tunnel says some things once for itself and once for each path. */
static void test_tunnel(void **state)
{
#define WAY "\"local\":\"10.1.0.1:4500\",\"remote\":\"10.1.0.2:4500\""
#define SAS "\"ike\":{\"spi_i\":\"aa\"},\"esp\":{\"spi_in\":\"bb\"}"
#define ONE "{\"name\":\"b\",\"state\":\"up\"," WAY "," SAS ",\"paths\":[{\"index\":0,\"state\":\"up\"," WAY ",\"mtu\":1500," SAS "}]," \
	    "\"counters\":{\"rx.packets\":3,\"drop.icv\":0}}"
	(void)state;
	check(CLI_TABLE, "tunnel", ONE,
	      "name:   b\nstate:  up\nlocal:  10.1.0.1:4500\nremote: 10.1.0.2:4500\nike:\n  spi_i: aa\nesp:\n  spi_in: bb\n"
	      "paths:\n  - index 0, state up, mtu 1500\ncounters:\n  rx.packets: 3\n");
	check(CLI_WIDE, "tunnel", ONE,
	      "name:   b\nstate:  up\nlocal:  10.1.0.1:4500\nremote: 10.1.0.2:4500\nike:\n  spi_i: aa\nesp:\n  spi_in: bb\n"
	      "paths:\n  -\n    index:  0\n    state:  up\n    local:  10.1.0.1:4500\n    remote: 10.1.0.2:4500\n    mtu:    1500\n"
	      "    ike:\n      spi_i: aa\n    esp:\n      spi_in: bb\ncounters:\n  rx.packets: 3\n  drop.icv:   0\n");
	check(CLI_TABLE, "tunnel",
	      "{\"name\":\"b\",\"appliance\":\"m1-ix\",\"state\":\"degraded\"," SAS ",\"paths\":[{\"index\":0,\"state\":\"up\"," WAY ",\"mtu\":1500,"
	      "\"rtt_us\":38100,\"loss\":0.0025,\"since\":\"2026-01-02T03:04:05Z\"," SAS "},{\"index\":1,\"state\":\"down\"," WAY
	      ",\"mtu\":1280,\"rtt_us\":null,\"loss\":1,\"since\":\"2026-01-02T03:04:06Z\"," SAS "}],\"counters\":{\"drop.icv\":1}}",
	      "name:      b\nappliance: m1-ix\nstate:     degraded\n\n"
	      "PATH STATE LOCAL         REMOTE            RTT   LOSS  MTU SINCE\n"
	      "   0 up    10.1.0.1:4500 10.1.0.2:4500 38.1 ms 0.25 % 1500 2026-01-02T03:04:05Z\n"
	      "   1 down  10.1.0.1:4500 10.1.0.2:4500       -  100 % 1280 2026-01-02T03:04:06Z\n\n"
	      "ike:\n  spi_i: aa\nesp:\n  spi_in: bb\ncounters:\n  drop.icv: 1\n");
	check(CLI_TABLE, "tunnel", "{\"paths\":[3],\"counters\":null}", "paths:    3\ncounters: -\n");
	check(CLI_TABLE, "tunnel", "{\"paths\":[3,null],\"counters\":[{}]}", "\nPATH STATE LOCAL REMOTE RTT LOSS MTU SINCE\n"
	      "   - -     -     -        -    -   - -\n   - -     -     -        -    -   - -\n\ncounters:\n  -\n");
}

/* What a daemon of another version may answer: nothing of it may fail, or reach the terminal as control characters. */
static void test_strange(void **state)
{
	(void)state;
	check(CLI_TABLE, "job", "{\"items\":[{\"id\":7,\"kind\":{\"a\":1},\"state\":[\"x\",{\"name\":\"y\"}],\"phase\":null,\"progress\":\"half\"},"
	      "3,null,\"x\"]}",
	      "ID KIND STATE PHASE DONE\n"
	      "7  -    x, y  -     half\n"
	      "-  -    -     -        -\n"
	      "-  -    -     -        -\n"
	      "-  -    -     -        -\n");
	check(CLI_TABLE, "mesh", "{\"items\":[{\"appliances\":[\"a\",\"b\"],\"tunnels\":7,\"state\":[]},{\"appliances\":[],\"site\":{}}]}",
	      "NAME SITE STATE LOCAL REMOTE APPLIANCES TUNNELS\n"
	      "-    -    -     -     -            a, b       7\n"
	      "-    -    -     -     -             0/0       -\n");
	check(CLI_TABLE, "vm", "{\"name\":\"a\\u001b[2Jb\\n\",\"x\":\"\"}", "name: a?[2Jb?\nx:    -\n");
	check(CLI_TABLE, "vm", "{\"a\":\"\\u009b2J\\u007f\",\"b\":\"\\u00e4\\u00a0\"}", "a: ??2J?\nb: \u00e4\u00a0\n");
	check(CLI_TABLE, "tunnel", "{\"items\":[]}", "");
	check(CLI_TABLE, "tunnel", "{\"items\":3}", "items: 3\n");
	check(CLI_TABLE, "tunnel", "{}", "");
	check(CLI_YAML, "tunnel", "{}", "{}\n");
	check(CLI_JSON, "tunnel", "{}", "{}\n");
}

/* What the manager answers. */
static void test_manager(void **state)
{
	(void)state;
	check(CLI_TABLE, "network-profile",
	      "{\"items\":[{\"name\":\"wan\",\"functions\":[\"uplink\",\"vmotion\"],\"bridge\":\"br-uplink\",\"ranges\":[\"10.0.0.2-10.0.0.5\"],"
	      "\"prefix\":28,\"gateway\":\"10.0.0.1\",\"addresses\":[{\"address\":\"10.0.0.2\",\"holder\":\"mesh m1 ix\"}],\"free\":3,\"mtu\":1500}]}",
	      "NAME FUNCTIONS       BRIDGE    RANGES            PREFIX GATEWAY  HELD FREE\n"
	      "wan  uplink, vmotion br-uplink 10.0.0.2-10.0.0.5     28 10.0.0.1    1    3\n");
	check(CLI_TABLE, "compute-profile",
	      "{\"items\":[{\"name\":\"c\",\"services\":[\"ix\",\"ne\"],\"host\":\"kvm\",\"pool\":\"p\",\"networks\":{\"uplink\":\"wan\",\"vmotion\":\"vmo\"},"
	      "\"extendable\":[\"br-web\"]}]}",
	      "NAME SERVICES HOST POOL NETWORKS                EXTENDABLE\n"
	      "c    ix, ne   kvm  p    uplink=wan, vmotion=vmo br-web\n");
	check(CLI_WIDE, "mesh",
	      "{\"items\":[{\"name\":\"m1\",\"site\":\"cloud\",\"state\":\"up\",\"local\":\"c1\",\"remote\":\"c2\",\"create_ms\":4200,"
	      "\"appliances\":[{\"name\":\"m1-ix\",\"tunnel\":\"up\"},{\"name\":\"m1-ne\",\"tunnel\":\"down\"}]}]}",
	      "NAME SITE  STATE LOCAL REMOTE APPLIANCES MADE-IN REASON\n"
	      "m1   cloud up    c1    c2            1/2   4.2 s -\n");
	check(CLI_TABLE, "network",
	      "{\"items\":[{\"name\":\"br-web\",\"extendable\":true,\"extended_by\":\"br-web\",\"mesh\":\"m1\"},"
	      "{\"name\":\"br-db\",\"extendable\":false,\"extended_by\":null}]}",
	      "NAME   EXTENDABLE EXTENSION MESH\n"
	      "br-web true       br-web    m1\n"
	      "br-db  false      -         -\n");
	check(CLI_TABLE, "appliance",
	      "{\"items\":[{\"name\":\"m1-ix\",\"kind\":\"ix\",\"mesh\":\"m1\",\"state\":\"up\",\"uplink\":\"10.0.0.2\",\"pid\":7,\"resident_bytes\":1048576}]}",
	      "NAME  KIND MESH STATE UPLINK   PID  MEMORY UPTIME\n"
	      "m1-ix ix   m1   up    10.0.0.2   7 1.0 MiB      -\n");
	check(CLI_TABLE, "host", "{\"items\":[{\"name\":\"kvm\",\"state\":\"up\",\"libvirt\":{\"state\":\"up\",\"version\":\"9.0.0\"},\"pid\":9}]}",
	      "NAME STATE LIBVIRT PID\n"
	      "kvm  up    up        9\n");
	check(CLI_TABLE, "job",
	      "{\"items\":[{\"id\":\"job-1\",\"kind\":\"mesh.create\",\"object\":{\"type\":\"mesh\",\"name\":\"m1\"},\"state\":\"running\",\"progress\":50}]}",
	      "ID    KIND        OBJECT  STATE   DONE\n"
	      "job-1 mesh.create mesh m1 running 50 %\n");
	check(CLI_TABLE, "event",
	      "{\"items\":[{\"cursor\":\"3\",\"time\":\"2026-01-01T00:00:00.000Z\",\"severity\":\"info\",\"kind\":\"mesh.created\","
	      "\"object\":{\"type\":\"mesh\",\"id\":\"m1\",\"name\":\"m1\"},\"text\":\"is up\",\"data\":{}}]}",
	      "TIME                     SEVERITY KIND         OBJECT  TEXT\n"
	      "2026-01-01T00:00:00.000Z info     mesh.created mesh m1 is up\n");
}

static void line_is(enum cli_format format, const char *want)
{
	static const char event[] = "{\"cursor\":\"3\",\"time\":\"t\",\"kind\":\"k\",\"object\":{\"type\":\"mesh\",\"name\":\"m1\"},\"text\":\"a\\nb\"}";
	CW_AUTO(cw_json_cleanup) struct cw_json *j = NULL;
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	assert_int_equal(cw_json_parse(event, strlen(event), &j), 0);
	assert_int_equal(cli_out_line(f, format, "event", j), 0);
	fclose(f);
	assert_string_equal(text, want);
}

static void test_lines(void **state)
{
	(void)state;
	line_is(CLI_TABLE, "t  -  k  mesh m1  a?b\n");
	line_is(CLI_WIDE, "t  -  k  mesh m1  a?b  3\n");
	line_is(CLI_JSON, "{\"cursor\":\"3\",\"time\":\"t\",\"kind\":\"k\",\"object\":{\"type\":\"mesh\",\"name\":\"m1\"},\"text\":\"a\\nb\"}\n");
	line_is(CLI_YAML, "---\ncursor: \"3\"\ntime: t\nkind: k\nobject:\n  type: mesh\n  name: m1\ntext: \"a\\nb\"\n");
}

static void test_show(void **state)
{
	(void)state;
	check(CLI_TABLE, "migration",
	      "{\"id\":\"7\",\"vm\":\"web1\",\"state\":\"succeeded\",\"downtime_ms\":312,\"total_ms\":61000,\"ram_bytes\":268435456,"
	      "\"tags\":[\"a\",\"b\"],\"none\":[],\"steps\":[{\"name\":\"prepare\",\"state\":\"succeeded\",\"ms\":120},"
	      "{\"name\":\"copy\",\"disks\":[{\"name\":\"vda\",\"equal\":true}]}],\"owner\":{\"site\":\"cloud\",\"e\":4}}",
	      "id:          7\n"
	      "vm:          web1\n"
	      "state:       succeeded\n"
	      "downtime_ms: 312\n"
	      "total_ms:    61000 (1m01s)\n"
	      "ram_bytes:   268435456 (256.0 MiB)\n"
	      "tags:        a, b\n"
	      "none:        -\n"
	      "steps:\n"
	      "  - name prepare, state succeeded, ms 120\n"
	      "  -\n"
	      "    name:  copy\n"
	      "    disks:\n"
	      "      - name vda, equal true\n"
	      "owner:\n"
	      "  site: cloud\n"
	      "  e:    4\n");
}

static void test_json_is_the_body(void **state)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *j = NULL, *back = NULL;
	CW_AUTO(cw_free_cleanup) char *text = NULL, *one = NULL, *two = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	assert_non_null(f);
	assert_int_equal(cw_json_parse(tunnels, strlen(tunnels), &j), 0);
	assert_int_equal(cli_out(f, CLI_JSON, "tunnel", j), 0);
	fclose(f);
	assert_int_equal(cw_json_parse(text, size, &back), 0);
	assert_int_equal(cw_json_dump(j, false, &one), 0);
	assert_int_equal(cw_json_dump(back, false, &two), 0);
	assert_string_equal(one, two);
	assert_string_equal(one, tunnels);
}

static void test_yaml(void **state)
{
	(void)state;
	check(CLI_YAML, "vm",
	      "{\"items\":[{\"name\":\"web1\",\"on\":true,\"n\":3,\"x\":1.5,\"none\":null,\"e\":[],\"o\":{},\"a b\":\"yes\",\"v\":\"1.0\","
	      "\"t\":\"a: b\",\"l\":[\"p\",[\"q\",\"r\"],{\"k\":\"line\\nline\"}]}],\"next\":null}",
	      "items:\n"
	      "  - name: web1\n"
	      "    \"on\": true\n"
	      "    \"n\": 3\n"
	      "    x: 1.5\n"
	      "    none: null\n"
	      "    e: []\n"
	      "    o: {}\n"
	      "    \"a b\": \"yes\"\n"
	      "    v: \"1.0\"\n"
	      "    t: \"a: b\"\n"
	      "    l:\n"
	      "      - p\n"
	      "      - - q\n"
	      "        - r\n"
	      "      - k: \"line\\nline\"\n"
	      "next: null\n");
}

static void test_units(void **state)
{
	(void)state;
	check(CLI_TABLE, "appliance",
	      "{\"items\":[{\"name\":\"a\",\"rss_bytes\":0,\"uptime_s\":59},{\"name\":\"b\",\"rss_bytes\":1023,\"uptime_s\":60},"
	      "{\"name\":\"c\",\"rss_bytes\":1048576,\"uptime_s\":7260},{\"name\":\"d\",\"rss_bytes\":9000000000000000000,\"uptime_s\":180000},"
	      "{\"name\":\"e\",\"rss_bytes\":\"x\",\"uptime_s\":-5}]}",
	      "NAME KIND STATE PID     MEMORY UPTIME\n"
	      "a    -    -       -        0 B    59s\n"
	      "b    -    -       -     1023 B  1m00s\n"
	      "c    -    -       -    1.0 MiB  2h01m\n"
	      "d    -    -       - 7993.6 PiB  2d02h\n"
	      "e    -    -       -          x     -5\n");
	check(CLI_WIDE, "migration", "{\"items\":[{\"downtime_ms\":80,\"stopped_ms\":1500,\"total_ms\":600000,\"disk_proof\":{\"kind\":\"full\",\"equal\":true}}]}",
	      "ID VM KIND FROM TO STATE PHASE DONE DOWNTIME STOPPED  TOTAL PROOF EQUAL REASON\n"
	      "-  -  -    -    -  -     -        -    80 ms   1.5 s 10m00s full  true  -\n");
}

static void test_percent(void **state)
{
	static const struct {
		const char *progress;
		int percent;
	} rows[] = {
		{ "43", 43 }, { "0", 0 }, { "12.9", 12 }, { "101", 100 }, { "-1", -1 }, { "\"7\"", -1 }, { "null", -1 }, { "[]", -1 }, { "{}", -1 },
		{ "{\"memory_bytes\":50,\"memory_total_bytes\":100,\"disk_bytes\":0,\"disk_total_bytes\":100}", 25 },
		{ "{\"disk_bytes\":7,\"disk_total_bytes\":0}", -1 }, { "{\"disk_bytes\":7,\"disk_total_bytes\":5}", 100 },
		{ "{\"disk_bytes\":9223372036854775807,\"memory_bytes\":9223372036854775807,\"disk_total_bytes\":1}", 100 },
	};

	(void)state;
	assert_int_equal(cli_out_percent(NULL), -1);
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		CW_AUTO(cw_json_cleanup) struct cw_json *j = NULL;

		assert_int_equal(cw_json_parse(rows[i].progress, strlen(rows[i].progress), &j), 0);
		assert_int_equal(cli_out_percent(j), rows[i].percent);
	}
}

static void test_empty(void **state)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *o = cw_json_object(), *full = cw_json_object(), *list = cw_json_array();

	(void)state;
	assert_false(cli_out_empty(o));
	cw_json_set(o, "items", cw_json_array());
	assert_true(cli_out_empty(o));
	cw_json_add(list, cw_json_int(1));
	cw_json_set(full, "items", cw_steal(&list));
	assert_false(cli_out_empty(full));
}

/* A full disk or a closed pipe is an error, not silence. */
static void test_write_error(void **state)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *o = cw_json_object();
	FILE *f = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(f);
	assert_int_equal(cli_out(f, CLI_JSON, "vm", o), -EIO);
	fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table), cmocka_unit_test(test_tunnel), cmocka_unit_test(test_strange),
		cmocka_unit_test(test_manager), cmocka_unit_test(test_lines), cmocka_unit_test(test_show),
		cmocka_unit_test(test_json_is_the_body), cmocka_unit_test(test_yaml), cmocka_unit_test(test_units),
		cmocka_unit_test(test_percent), cmocka_unit_test(test_empty), cmocka_unit_test(test_write_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
