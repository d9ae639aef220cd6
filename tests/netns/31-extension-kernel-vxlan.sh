#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 31-extension-kernel-vxlan.sh - the far end of an extension is strongSwan and a VXLAN device of the Linux kernel.
#
#   ha ─ br-web ─ a: causeway-ne ═ w ═ strongSwan :b ─ vx77 ─ br-web ─ hb
#
# The TUN device of strongSwan's user-space ESP has an MTU of 1400, so Linux sends full-size frames as inner fragments. It
# answers a large IPv6 packet, or IPv4 that may not be fragmented, itself ("too big"), and refuses a frame that says IP and is none:
# that is the peer's own way.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/ne.sh"
. "$(dirname "$0")/../interop/strongswan/swan.sh"
requires root tun ip tcpdump python3 socat unshare bin/causeway-ne
swan_requires
net_up
psk "$T/psk"
ip -n "${PFX}b" link add vx77 type vxlan id 77 local 10.71.2.1 remote 10.71.1.1 dstport 4789 ttl 64 2> "$T/vx.log" ||
	{ echo "skip: needs VXLAN in the kernel"; exit 77; }
HA=02:00:00:00:0a:01 HB=02:00:00:00:0b:01
segment a br-web
segment b br-web
in_ns b sysctl -qw net.ipv6.conf.vx77.disable_ipv6=1
ip -n "${PFX}b" link set vx77 mtu 1508 master br-web up
host ha a br-web $HA 192.168.101.1/24
host hb b br-web $HB 192.168.101.2/24
TUNNEL='esn: no' ne_yaml a 'name: web, vni: 77, bridge: br-web, tunnel: b' > "$T/a.yaml"

capture "$T/wan.pcap"
swan_start psk
ne_start a; NE=$PID
must wait_for 20 ext_is_up a web
must wait_for 5 swan_established
check "ping across" wait_for 5 pings ha 192.168.101.2
check "ping back" in_ns hb ping -c 5 -i 0.05 -W 1 -q 192.168.101.1
check "full-size packets, 1500 bytes" in_ns ha ping -M do -s 1472 -c 20 -i 0.01 -W 1 -q 192.168.101.2
check "full-size packets from there" in_ns hb ping -M dont -s 1472 -c 20 -i 0.01 -W 1 -q 192.168.101.1
export FRAMES_SKIP=0800,86dd
carry "frames to kernel VXLAN" ha hb $HB $HA 3
carry "frames from kernel VXLAN" hb ha $HA $HB 4
same "every fragment joined" 0 "$(ask "$T/a.sock" tunnel show b counters/drop.reassembly)"

# ---- another network identifier is not ours ----
POLICY=$(ask "$T/a.sock" tunnel show b counters/drop.policy) RX=$(ext_count a web rx.packets)
ip -n "${PFX}b" link del vx77
ip -n "${PFX}b" link add vx78 type vxlan id 78 local 10.71.2.1 remote 10.71.1.1 dstport 4789 ttl 64
in_ns b sysctl -qw net.ipv6.conf.vx78.disable_ipv6=1
ip -n "${PFX}b" link set vx78 master br-web up
refuses "no ping from another network" in_ns hb ping -c 3 -i 0.1 -W 1 -q 192.168.101.1
check "its packets are counted" at_least $((POLICY + 1)) "$T/a.sock" tunnel show b counters/drop.policy
same "and none is received" "$RX" "$(ext_count a web rx.packets)"
ip -n "${PFX}b" link del vx78

# ---- fragments without a checksum are refused ----
ip -n "${PFX}b" link add vx77 type vxlan id 77 local 10.71.2.1 remote 10.71.1.1 dstport 4789 ttl 64 noudpcsum
in_ns b sysctl -qw net.ipv6.conf.vx77.disable_ipv6=1
ip -n "${PFX}b" link set vx77 master br-web up
check "small frames without checksum pass" wait_for 5 pings hb 192.168.101.1
refuses "large ones do not" in_ns hb ping -M dont -s 1472 -c 3 -i 0.1 -W 1 -q 192.168.101.1
check "they are counted" at_least 3 "$T/a.sock" tunnel show b counters/drop.reassembly
ip -n "${PFX}b" link del vx77

# ---- TCP finds the size that fits ----
ip -n "${PFX}b" link add vx77 type vxlan id 77 local 10.71.2.1 remote 10.71.1.1 dstport 4789 ttl 64
ip -n "${PFX}b" link set vx77 master br-web up
head -c 5000000 /dev/urandom > "$T/data"
spawn ha "$T/echo" socat TCP-LISTEN:9000,reuseaddr EXEC:cat
must wait_for 5 listens ha 9000
tcp_back() { in_ns hb timeout 60 socat -t 10 - TCP:192.168.101.1:9000 < "$T/data" > "$T/data.back" && cmp -s "$T/data" "$T/data.back"; }
check "5 MB over TCP and back" tcp_back

capture_stop
same "no clear packet between the sites" 0 "$(packets "$T/wan.pcap" "($CLEAR) and not host 10.44.0.3")"
check "ESP on the wire" test "$(packets "$T/wan.pcap" "$ESP")" -gt 4000
RSS=$(rss_kib "$NE")
say "resident: $RSS KiB"
check "under 32 MiB resident" test "$RSS" -lt 32768
finish
