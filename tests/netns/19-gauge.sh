#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 19-gauge.sh - "tunnel test": round trip, loss, the largest packet and the speed between two appliances, one test at a time, over a
# WAN that takes smaller packets than was configured; and with strongSwan, which answers IKE alone.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/ix.sh"
. "$(dirname "$0")/../interop/strongswan/swan.sh"
requires root tun ip tcpdump python3 bin/causeway-ix bin/causeway
net_up
psk "$T/psk"
AUTH='{method: psk, secret_file: psk, local_id: %L.test, remote_id: %R.test}'
FAST='ike: aes256gcm16-prfsha256-x25519'

ix_yaml a "$AUTH" "$FAST" > "$T/a.yaml"
INITIATE=no ix_yaml b "$AUTH" "$FAST" > "$T/b.yaml"
ix_start b; IX_B=$PID
must wait_for 5 ask "$T/b.sock" appliance show
ix_start a; IX_A=$PID
must wait_for 15 is up "$T/a.sock" tunnel show b state
must wait_for 5 ix_pings a 10.71.2.1

# test_as NAME SOCKET TUNNEL SECONDS: the answer in $T/NAME.json
test_as() { "$B/bin/causeway" --socket "$2" -o json tunnel test "$3" --seconds "$4" > "$T/$1.json" 2> "$T/$1.err"; }
# of NAME KEY
of() { "$PY" -c 'import json, sys; print(json.dumps(json.load(open(sys.argv[1]))[sys.argv[2]]))' "$T/$1.json" "$2"; }
# within NAME KEY LOW HIGH
within() { "$PY" -c 'import json, sys; v = json.load(open(sys.argv[1]))[sys.argv[2]]; sys.exit(not (v is not None and float(sys.argv[3]) <= v <= float(sys.argv[4])))' \
	"$T/$1.json" "$2" "$3" "$4"; }

INNER=$(ask "$T/a.sock" tunnel show b inner_mtu)
check "a test" test_as plain "$T/a.sock" b 4
cat "$T/plain.json" >&2
same "of the tunnel" '"b" "inner"' "$(of plain name) $(of plain kind)"
check "most pings were answered ($(of plain answered) of $(of plain sent))" within plain answered 40 48
check "round trip $(of plain rtt_min_us), $(of plain rtt_avg_us), $(of plain rtt_p99_us) us" within plain rtt_min_us 1 100000
same "the largest packet" "$INNER" "$(of plain inner_mtu)"
check "speed $(of plain throughput_bps) bit/s, ended by $(of plain throughput_end)" within plain throughput_bps 1000000 100000000000
check "no longer than asked for" within plain duration_ms 100 4100
"$B/bin/causeway" --socket "$T/a.sock" tunnel test b --seconds 1 > "$T/plain.txt" 2>&1
check "for people" grep -q '^rtt_avg_us:' "$T/plain.txt"
same "users' packets are not mistaken for it" 0 "$(ask "$T/b.sock" tunnel show a counters/drop.malformed)"

# One at a time; both ends may.
test_as first "$T/a.sock" b 3 & FIRST=$!
test_as far "$T/b.sock" a 3 & FAR=$!
under_way() { is true "$T/a.sock" tunnel show b testing; }
must wait_for 5 under_way
refuses "another at the same time" test_as second "$T/a.sock" b 1
check "is told why" grep -q 'is being tested' "$T/second.err"
wait "$FIRST"; same "the first comes to its end" 0 $?
wait "$FAR"; same "and so does the other side's" 0 $?
refuses "no time at all" test_as zero "$T/a.sock" b 0
refuses "an hour" test_as hour "$T/a.sock" b 3600
refuses "a tunnel that is not there" test_as none "$T/a.sock" nobody 1

# Who asked goes away: the next may.
"$B/bin/causeway" --socket "$T/a.sock" tunnel test b --seconds 30 > /dev/null 2>&1 & GONE=$!
must wait_for 5 under_way
kill "$GONE"
wait "$GONE" 2> /dev/null
check "who asked has gone: the next may" wait_for 10 test_as next "$T/a.sock" b 1

# The WAN takes less than was thought, and ping through the tunnel is not hurt by a test.
ip -n "${PFX}w" link set to-b mtu 1400
ip -n "${PFX}w" link set br0 mtu 1400
in_ns a ping -i 0.01 -c 300 -q 10.71.2.1 > "$T/ping" & PING=$!
check "a smaller WAN" test_as small "$T/a.sock" b 6
cat "$T/small.json" >&2
check "has a smaller largest packet ($(of small inner_mtu))" within small inner_mtu 1300 $((INNER - 90))
wait "$PING"
say "$(grep -h 'received\|rtt' "$T/ping")"
check "users' pings got through meanwhile" awk '/received/ { ok = $4 >= 290 } END { exit !ok }' "$T/ping"
ip -n "${PFX}w" link set br0 mtu 1500
ip -n "${PFX}w" link set to-b mtu 1500

# The peer has gone during the test.
test_as dead "$T/a.sock" b 3 & FIRST=$!
must wait_for 5 under_way
kill -9 "$IX_B"
wait "$FIRST"; same "the peer dies: the test comes to an end" 0 $?
stop "$IX_A"
stop "$IX_B"
refuses "a tunnel that is down" test_as down "$T/a.sock" b 1

# Somebody else's: IKE alone.
if (swan_requires) > /dev/null; then
	swan_start psk
	ix_yaml a "$AUTH" "esn: no" | sed '/^relays/,/agents-in/d' > "$T/a.yaml"
	ix_start a
	must wait_for 20 is up "$T/a.sock" tunnel show b state
	check "strongSwan: a test" test_as swan "$T/a.sock" b 4
	cat "$T/swan.json" >&2
	same "strongSwan: of IKE, and no more" '"ike" null null' "$(of swan kind) $(of swan inner_mtu) $(of swan throughput_bps)"
	check "strongSwan: it says so" grep -q 'no appliance of ours' "$T/swan.json"
	check "strongSwan: answers ($(of swan answered) of $(of swan sent))" within swan answered 2 20
	check "strongSwan: round trip" within swan rtt_avg_us 0 500000
else
	say "no strongSwan here"
fi
finish
