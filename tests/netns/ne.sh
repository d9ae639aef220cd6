# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# ne.sh - segments, hosts on them, and the causeway-ne of a site, for the tests that source lib.sh.
# Site a: 10.44.0.1, VTEP 10.71.1.1; site b: 10.44.0.2, VTEP 10.71.2.1. Each calls its tunnel by the name of the other.

# segment SITE BRIDGE: a bridge without any traffic of its own.
segment() {
	ip -n "$PFX$1" link add "$2" type bridge mcast_snooping 0
	# Frames of the test are not packets that the bridge's firewall would understand.
	in_ns "$1" sysctl -qw net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0 \
		net.bridge.bridge-nf-call-arptables=0 "net.ipv6.conf.$2.disable_ipv6=1" 2> /dev/null
	# Only an MTU that somebody changed is kept when ports of other sizes join.
	ip -n "$PFX$1" link set "$2" mtu 1501
	ip -n "$PFX$1" link set "$2" mtu 1500 up
}

# host NAME SITE BRIDGE MAC ADDRESS: a namespace NAME with eth0 in the segment; silent but for what the test does.
host() {
	ns_add "$1"
	plug "$1" "$2" "$3" "$4" "$5"
}

# plug NAME SITE BRIDGE MAC ADDRESS: (again) connects the host to a segment. Ports are 8 bytes larger than the segment's MTU, so that
# frames with two VLAN tags pass.
plug() {
	ip -n "$PFX$1" link del eth0 2> /dev/null
	ip -n "$PFX$2" link add "p-$1" mtu 1508 type veth peer name eth0 mtu 1508 netns "$PFX$1" || exit 1
	in_ns "$1" sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1
	ip -n "$PFX$2" link set "p-$1" master "$3" up
	ip -n "$PFX$1" link set eth0 address "$4" up
	ip -n "$PFX$1" route flush dev eth0 2> /dev/null
	ip -n "$PFX$1" addr add "$5" dev eth0
	ip -n "$PFX$1" link set eth0 mtu 1500
}

# ne_yaml SITE EXTENSION...: the file to stdout; an EXTENSION is what stands in braces. TUNNEL may hold more lines of the tunnel,
# separated by ";".
ne_yaml() {
	local l=$1 r=b i=1 j=2 e; shift
	[ "$l" = a ] || { r=a i=2 j=1; }
	cat <<-END
	name: ne-$l
	uplinks: [{address: 10.44.0.$i, port: 4500}]
	tunnels:
	  - name: $r
	    remote: {address: 10.44.0.$j, port: 4500}
	    auth: {method: psk, secret_file: psk, local_id: $l.test, remote_id: $r.test}
	    local_ts: 10.71.$i.1/32
	    remote_ts: 10.71.$j.1/32
	    dpd: 2s
	$(tr ';' '\n' <<< "${TUNNEL:-}" | sed '/^ *$/d; s/^ */    /')
	extensions:
	$(for e in "$@"; do echo "  - {$e}"; done)
	control: $T/$l.sock
	END
}

# ne_start SITE: its process id in $PID, its log in $T/SITE.log.
ne_start() { spawn "$1" "$T/$1.log" "$B/bin/causeway-ne" --config "$T/$1.yaml"; }
ext_is_up() { is up "$T/$1.sock" extension show "$2" state; }
# ext_count SITE NAME COUNTER
ext_count() { ask "$T/$1.sock" extension show "$2" "counters/$3"; }
# listens HOST PORT
listens() { in_ns "$1" ss -Hltn "sport = :$2" | grep -q .; }
# pings HOST ADDRESS: one, now.
pings() { in_ns "$1" ping -c 1 -W 1 -q "$2"; }

# carry NAME FROM TO DST SRC SEED: COUNT frames of every kind from host FROM to host TO; each must come once, as it was.
COUNT=2000
carry() {
	: > "$T/recv-$6"
	in_ns "$2" ip link set eth0 mtu 1508
	in_ns "$3" ip link set eth0 mtu 1508
	spawn "$3" "$T/recv-$6" "$PY" "$HERE/frames.py" recv eth0 "$6" $COUNT "$4" "$5" 30; RECV=$PID
	must wait_for 10 grep -q ready "$T/recv-$6"
	in_ns "$2" "$PY" "$HERE/frames.py" send eth0 "$6" $COUNT "$4" "$5" || not_ok "$1: sending"
	wait_for 40 dead "$RECV"
	check "$1: $(sed -n 2p "$T/recv-$6")" grep -q "^right $COUNT changed 0 twice 0 missing 0" "$T/recv-$6"
	sed -n '3,$p' "$T/recv-$6" >&2
	in_ns "$2" ip link set eth0 mtu 1500
	in_ns "$3" ip link set eth0 mtu 1500
}
