#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 10-tunnel-psk.sh - two causeway-ix with a shared secret: ping, streams, MTU edge, counters, hostile datagrams, restart.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/ix.sh"
requires root tun ip tcpdump python3 socat bin/causeway-ix bin/causeway
net_up
psk "$T/psk"
AUTH='{method: psk, secret_file: psk, local_id: %L.test, remote_id: %R.test}'

# ---- refused before anything happens ----
ix_yaml a "$AUTH" > "$T/a.yaml"
INITIATE=no ix_yaml b "$AUTH" > "$T/b.yaml"
check "a good file passes --check" "$B/bin/causeway-ix" --config "$T/a.yaml" --check
bad() { # bad NAME SED-EXPRESSION WANTED-TEXT: the changed file is refused with status 2 and the text
	local out status
	sed "$2" "$T/a.yaml" > "$T/bad.yaml"
	out=$("$B/bin/causeway-ix" --config "$T/bad.yaml" --check 2>&1); status=$?
	case $status:$out in 2:*"$3"*) ok "$1" ;; *) not_ok "$1" "status $status: $out" ;; esac
}
bad "unknown key" 's/^control:/contrl:/' "contrl"
bad "wrong port" 's/port: 4500}$/port: 70000}/' "remote.port"
bad "stray quote in an address" "s/address: 10.44.0.2/address: 10.44.0.2\\\\\"/" "remote.address"
bad "wrong suite" 's/initiate:/esp: aes256cbc\n    initiate:/' "esp"
bad "missing secret" 's/secret_file: psk/secret_file: nowhere/' "auth.secret_file"
bad "missing id" 's/, remote_id: b.test//' "remote_id"
bad "unknown uplink" 's/initiate:/uplink: 10.44.0.77\n    initiate:/' "uplink"
bad "relay without tunnel" 's/tunnel: b/tunnel: c/' "relays[0].tunnel"
install -m 644 "$T/psk" "$T/psk.open"
bad "secret that others can read" 's/secret_file: psk/secret_file: psk.open/' "chmod 600"
(umask 077; echo short > "$T/psk.short")
bad "secret that is too short" 's/secret_file: psk/secret_file: psk.short/' "16 to 256"

# ---- up ----
capture "$T/wan.pcap"
ix_start b; IX_B=$PID
must wait_for 5 ask "$T/b.sock" appliance show          # else its kernel answers the first call with ICMP, in clear
ix_start a; IX_A=$PID
must wait_for 15 is up "$T/a.sock" tunnel show b state
must wait_for 5 is up "$T/b.sock" tunnel show a state
same "suite of IKE" aes256gcm16-prfsha384-ecp384 "$(ask "$T/a.sock" tunnel show b suite.ike)"
same "suite of ESP" aes256gcm16 "$(ask "$T/a.sock" tunnel show b suite.esp)"
same "ESN between two of us" true "$(ask "$T/a.sock" tunnel show b suite.esn)"
matches() { [ "$(ask "$T/a.sock" tunnel show b "$1")" = "$(ask "$T/b.sock" tunnel show a "$2")" ]; }
check "both sides speak of the same IKE SA" wait_for 5 matches ike.spi_i ike.spi_i
check "SPI out is SPI in of the other" wait_for 5 matches esp.spi_out esp.spi_in
check "and the other way round" wait_for 5 matches esp.spi_in esp.spi_out
same "state of the appliance" up "$(ask "$T/a.sock" appliance show '' state)"
same "pid of the appliance" "$IX_A" "$(ask "$T/a.sock" appliance show '' pid)"
cli() { "$B/bin/causeway" --socket "$T/a.sock" "$@"; }
check "the CLI shows the tunnel" grep -q 'aes256gcm16-prfsha384-ecp384' <(cli -o json tunnel show b)
check "and lists relays" grep -q agents-unix <(cli relay list)
check "a limit is set" grep -q '"bulk_mbit": 400' <(cli -o json rate set --bulk-mbit 400)
same "and stays" 400 "$(ask "$T/a.sock" rate show '' bulk_mbit)"
check "and goes" cli rate set --bulk-mbit 0
cli tunnel show nowhere 2> "$T/cli.err"
same "exit status for a tunnel that is not there" 10 $?
refuses "a tunnel that is not there" ask "$T/a.sock" tunnel show nowhere
check "ping over the tunnel" site_a ping -c 5 -i 0.1 -W 2 -q 10.71.2.1
check "ping back" site_b ping -c 5 -i 0.1 -W 2 -q 10.71.1.1

# ---- MTU edge: the largest inner packet passes in one datagram that is not fragmented, one byte more does not ----
MTU=$(ask "$T/a.sock" tunnel show b inner_mtu)
same "MTU of the device" "$MTU" "$(in_ns a cat /sys/class/net/cwix0/mtu)"
check "the largest packet passes ($MTU bytes)" site_a ping -M "do" -c 2 -i 0.1 -W 2 -q -s $((MTU - 28)) 10.71.2.1
refuses "one byte more is refused" site_a ping -M "do" -c 1 -W 1 -q -s $((MTU - 27)) 10.71.2.1

# ---- relays: TCP and UNIX at the edges ----
spawn b "$T/echo.log" socat TCP-LISTEN:7000,bind=10.44.0.2,fork,reuseaddr EXEC:cat
must wait_for 5 in_ns b socat -u OPEN:/dev/null TCP:10.44.0.2:7000
head -c 3000000 /dev/urandom > "$T/data"
echo_through() { in_ns a socat -t 10 - "$1" < "$T/data" > "$T/data.back" 2>> "$T/socat.log" && cmp -s "$T/data" "$T/data.back"; }
check "3 MB through a TCP relay and back" echo_through TCP:10.44.0.1:7001
check "3 MB from a UNIX socket and back" echo_through "UNIX-CONNECT:$T/a-out.sock"
same "streams counted" 2 "$(ask "$T/b.sock" relay list '' items.2.accepted)"
refuses "the inner listener cannot be reached from the uplink" in_ns w socat -u OPEN:/dev/null TCP:10.71.2.1:7001,connect-timeout=1
in_ns w ip route add 10.71.2.1/32 via 10.44.0.2
refuses "not even with a route" in_ns w socat -u OPEN:/dev/null TCP:10.71.2.1:7001,connect-timeout=1

# ---- the wire so far ----
capture_stop
ESP_SEEN=$(packets "$T/wan.pcap" "$ESP")
check "ESP on the wire ($ESP_SEEN)" test "$ESP_SEEN" -gt 4000
same "no clear packet between the sites" 0 "$(packets "$T/wan.pcap" "($CLEAR) and not host 10.44.0.3")"
same "nothing fragmented" 0 "$(packets "$T/wan.pcap" 'ip[6:2] & 0x3fff != 0')"
same "no packet without DF" 0 "$(packets "$T/wan.pcap" 'udp port 4500 and ip[6] & 0x40 = 0')"
same "no UDP checksum of zero" 0 "$(packets "$T/wan.pcap" 'udp port 4500 and udp[6:2] = 0')"

# ---- hostile datagrams: dropped, counted, and nothing else ----
count() { ask "$T/b.sock" "$1" show "$2" "counters/$3"; }
before() { NO_SA=$(count appliance '' drop.no_sa) MALFORMED=$(count appliance '' drop.malformed) REJECTED=$(count appliance '' ike.rejected)
	REPLAY=$(count tunnel a drop.replay) ICV=$(count tunnel a drop.icv) T_MALFORMED=$(count tunnel a drop.malformed); }
before
wan "$PY" "$HERE/hostile.py" "$T/wan.pcap" 10.44.0.2 > "$T/hostile.out" || not_ok "hostile.py"
cat "$T/hostile.out" >&2
sent() { awk -v k="$1" '$1 == k { print $2 }' "$T/hostile.out"; }
grew() { local now; now=$(count "$3" "$4" "$5"); same "$1 counted as $5" "$2" "$((now - $6))"; }
check "the queue of the appliance is empty" wait_for 5 at_least $((NO_SA + $(sent unknown_spi))) "$T/b.sock" appliance show '' counters/drop.no_sa
grew "unknown SPIs" "$(sent unknown_spi)" appliance '' drop.no_sa "$NO_SA"
grew "datagrams that are nothing" "$(sent nothing)" appliance '' drop.malformed "$MALFORMED"
grew "IKE of strangers" "$(sent ike_stranger)" appliance '' ike.rejected "$REJECTED"
grew "replayed ESP" "$(sent replayed)" tunnel a drop.replay "$REPLAY"
grew "changed ESP" "$(sent changed)" tunnel a drop.icv "$ICV"
grew "truncated ESP" "$(sent truncated)" tunnel a drop.malformed "$T_MALFORMED"
check "the tunnel is still up" is up "$T/b.sock" tunnel show a state
check "ping after all that" site_a ping -c 3 -i 0.1 -W 2 -q 10.71.2.1

# ---- one side is killed and comes back; the other is told good-bye ----
ix_yaml b "$AUTH" > "$T/b.yaml"
kill -9 "$IX_B"; must wait_for 5 dead "$IX_B"
ix_start b; IX_B=$PID
check "tunnel up again after kill -9" wait_for 30 ix_pings a 10.71.2.1
kill -TERM "$IX_B"
check "it ends on SIGTERM" wait_for 5 dead "$IX_B"
check "its peer heard the good-bye" wait_for 2 ix_not_up a b
spawn a "$T/refused.log" socat -u OPEN:/dev/null TCP:10.44.0.1:7001
check "streams are refused without a tunnel" wait_for 5 at_least 1 "$T/a.sock" relay list '' items.0.refused
ix_start b; IX_B=$PID
check "tunnel up again after a good-bye" wait_for 30 ix_pings a 10.71.2.1

RSS=$(rss_kib "$IX_A")
say "resident: $RSS KiB after $(ask "$T/a.sock" tunnel show b counters/tx.packets) packets"
check "under 32 MiB resident" test "$RSS" -lt 32768
finish
