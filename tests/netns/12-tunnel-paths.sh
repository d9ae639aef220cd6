#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 12-tunnel-paths.sh - a tunnel through a NAT that shuffles, duplicates and forgets; and a tunnel over IPv6 with IPv6 inside.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/ix.sh"
requires root tun ip tcpdump python3 bin/causeway-ix
net_up
psk "$T/psk"
AUTH='{method: psk, secret_file: psk, local_id: %L.test, remote_id: %R.test}'
count() { ask "$T/$1.sock" tunnel show "$2" "counters/$3"; }

# ---- NAT: both know only the box in the middle ----
spawn w "$T/box.log" "$PY" "$HERE/middlebox.py" 10.44.0.3 10.44.0.2
BOX=$PID
must wait_for 5 grep -q ready "$T/box.log"
ix_yaml a "$AUTH" | sed 's/remote: {address: 10.44.0.2,/remote: {address: 10.44.0.3,/' > "$T/a.yaml"
INITIATE=no ix_yaml b "$AUTH" | sed 's/remote: {address: 10.44.0.1,/remote: {address: 10.44.0.3,/' > "$T/b.yaml"
ix_start b; IX_B=$PID
ix_start a; IX_A=$PID
must wait_for 15 is up "$T/b.sock" tunnel show a state
must wait_for 5 is up "$T/a.sock" tunnel show b state
SEEN=$(ask "$T/b.sock" tunnel show a remote)
say "b sees its peer at $SEEN"
refuses "the peer is behind another port" [ "$SEEN" = 10.44.0.3:4500 ]
site_a ping -c 500 -i 0.002 -W 2 -q 10.71.2.1 > "$T/ping.log"; cat "$T/ping.log" >&2
check "no packet is lost by reordering" grep -q '500 received,' "$T/ping.log"
refuses "none arrives twice" grep -q duplicates "$T/ping.log"
check "duplicates are counted as replays" test "$(count b a drop.replay)" -gt 10
same "and as nothing else" 0 "$(($(count b a drop.icv) + $(count b a drop.malformed)))"

kill -USR2 "$BOX"
kill -USR1 "$BOX"
check "the NAT forgets its mapping: traffic goes on" wait_for 5 ix_pings a 10.71.2.1
moved() { local at; at=$(ask "$T/b.sock" tunnel show a remote) && [ "$at" != "$SEEN" ]; }
check "b follows its peer" moved
same "the SA is the same" 0 "$(count b a ike.retransmit)"
stop "$IX_A"
check "a good-bye comes through the new mapping" wait_for 5 ix_not_up b a
stop "$IX_B"
stop "$BOX"

# ---- IPv6 outside and inside ----
v6() { sed 's/10\.44\.0\.\([12]\)\([,}]\)/"fd44::\1"\2/; s/10\.71\.\([12]\)\.1\/32/"fd71:\1::1\/128"/; /^relays/,/agents-in/d'; }
ix_yaml a "$AUTH" | v6 > "$T/a.yaml"
INITIATE=no ix_yaml b "$AUTH" | v6 > "$T/b.yaml"
capture "$T/v6.pcap"
ix_start b; IX_B=$PID
must wait_for 5 ask "$T/b.sock" appliance show
ix_start a; IX_A=$PID
must wait_for 15 is up "$T/a.sock" tunnel show b state
check "ping over IPv6" wait_for 5 in_ns a ping -c 1 -W 1 -q fd71:2::1
MTU=$(ask "$T/a.sock" tunnel show b inner_mtu)
check "the largest packet passes ($MTU bytes)" site_a ping -M "do" -c 2 -i 0.1 -W 2 -q -s $((MTU - 48)) fd71:2::1
refuses "one byte more is refused" site_a ping -M "do" -c 1 -W 1 -q -s $((MTU - 47)) fd71:2::1
capture_stop
same "no clear packet" 0 "$(clear_packets "$T/v6.pcap")"
same "nothing fragmented" 0 "$(packets "$T/v6.pcap" 'ip6[6] = 44')"
check "largest outer packet fits 1500" test "$(packets "$T/v6.pcap" 'ip6 and greater 1515')" = 0
check "all of it on UDP 4500" test "$(packets "$T/v6.pcap" 'ip6 and udp port 4500')" -gt 6
finish
