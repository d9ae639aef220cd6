#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 11-tunnel-p384.sh - two causeway-ix with P-384 certificates: only the right peer gets in; SAs are replaced under traffic.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/ix.sh"
requires root tun ip tcpdump python3 openssl bin/causeway-ix
net_up
pki "$T"
AUTH='{method: cert, cert: %L.crt, key: %L.key, ca: ca.crt, local_id: %L.test, remote_id: %R.test}'
ix_yaml a "$AUTH" > "$T/a.yaml"

# ---- files that do not fit ----
bad() { # bad NAME SED-EXPRESSION WANTED-TEXT
	local out status
	sed "$2" "$T/a.yaml" > "$T/bad.yaml"
	out=$("$B/bin/causeway-ix" --config "$T/bad.yaml" --check 2>&1); status=$?
	case $status:$out in 2:*"$3"*) ok "$1" ;; *) not_ok "$1" "status $status: $out" ;; esac
}
check "a good file passes --check" "$B/bin/causeway-ix" --config "$T/a.yaml" --check
bad "missing certificate" 's/cert: a.crt/cert: nowhere.crt/' "auth.cert"
bad "key of another certificate" 's/key: a.key/key: b.key/' "is not the key of auth.cert"
bad "a key where a certificate should be" 's/ca: ca.crt/ca: a.key/' "auth.ca"
install -m 640 "$T/a.key" "$T/open.key"
bad "key that others can read" 's/key: a.key/key: open.key/' "chmod 600"
bad "no CA" 's/ca: ca.crt, //' "auth.ca"

# ---- a peer whose certificate comes from another CA, or speaks for somebody else, does not get in ----
ix_start a; IX_A=$PID
must wait_for 5 ask "$T/a.sock" appliance show
mkdir "$T/evil"
pki "$T/evil"
try_stranger() { # try_stranger NAME SED-EXPRESSION: side b with a changed file never comes up at a
	ix_yaml b "$AUTH" | sed "$2" > "$T/b.yaml"
	ix_start b
	check "$1: it tries" wait_for 10 grep -q ' warn ' "$T/a.log"
	check "$1: it does not get in" ix_not_up a b
	refuses "$1: it never was" grep 'tun b: up' "$T/a.log"
	stop "$PID"
	: > "$T/a.log"
}
try_stranger "other CA" 's/b.crt/evil\/b.crt/; s/b.key/evil\/b.key/'
try_stranger "other name" 's/local_id: b.test/local_id: c.test/'

# ---- the right one does, and SAs are replaced before their age under traffic ----
ix_yaml b "$AUTH" 'rekey: {ike: 4h, child: 10s}' > "$T/b.yaml"
ix_start b; IX_B=$PID
must wait_for 5 ask "$T/b.sock" appliance show
capture "$T/wan.pcap"
check "up" wait_for 40 is up "$T/a.sock" tunnel show b state
check "ping" wait_for 10 ix_pings a 10.71.2.1
same "who it is" b.test "$(ask "$T/a.sock" tunnel show b ike.peer_id)"
FIRST=$(ask "$T/a.sock" tunnel show b esp.spi_out)
other_spi() { local spi; spi=$(ask "$T/a.sock" tunnel show b esp.spi_out) && [ "$spi" != "$1" ]; }
site_a ping -i 0.02 -c 1300 -W 2 -q 10.71.2.1 > "$T/ping.log" 2>&1 &
PING=$!
on_exit stop $PING
check "a second SA" wait_for 15 other_spi "$FIRST"
SECOND=$(ask "$T/a.sock" tunnel show b esp.spi_out)
check "a third SA" wait_for 15 other_spi "$SECOND"
wait "$PING"
tail -3 "$T/ping.log" >&2
check "no ping lost while SAs were replaced" grep -q ' 0% packet loss' "$T/ping.log"
same "nothing came for an SA that was gone" 0 "$(ask "$T/b.sock" appliance show '' counters/drop.no_sa)"
capture_stop
same "no clear packet" 0 "$(clear_packets "$T/wan.pcap")"
stop "$IX_A"
stop "$IX_B"
finish
