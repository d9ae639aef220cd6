# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# lib.sh - two sites and a WAN in network namespaces. Sourced by the tests, never run.
#
#   ${PFX}a                     ${PFX}w                     ${PFX}b
#   eth0 10.44.0.1/24 ───── to-a [br0 10.44.0.3] to-b ───── eth0 10.44.0.2/24
#        fd44::1/64                                              fd44::2/64
#
# Environment: B    folder of the build (default build)
#              PFX  prefix of the namespaces (default cwt and the process id); interfaces inside have fixed names
#              KEEP non-empty: keep the folder $T (logs, captures) and say where it is
# A test is:   . "$(dirname "$0")/lib.sh"; requires root tcpdump; net_up; ...; check "name" COMMAND; ...; finish
# Results are lines "ok NAME" and "not ok NAME". Exit 0 all ok, 1 something failed, 77 a requirement is missing.
set -u
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
B=${B:-build}
case $B in /*) ;; *) B=$ROOT/$B ;; esac
PFX=${PFX:-cwt$$}
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
PY=/usr/bin/python3             # Debian's own: packages like scapy belong to it
FAILED=0
UNDO=()

say() { echo "# $*" >&2; }

# on_exit COMMAND...: run at the end, last registered first, whatever happened.
on_exit() { UNDO+=("$(printf '%q ' "$@")"); }

at_exit() {
	local status=$? i
	trap - EXIT INT TERM
	set +e
	for ((i = ${#UNDO[@]} - 1; i >= 0; i--)); do eval "${UNDO[i]}" >&2; done
	exit "$status"
}
trap at_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# requires WORD...: root, tun, a program in PATH, or a file below $B ("bin/causeway-ix").
requires() {
	local w
	for w in "$@"; do
		case $w in
		root) [ "$(id -u)" = 0 ] ;;
		tun) [ -c /dev/net/tun ] ;;
		*/*) [ -x "$B/$w" ] ;;
		*) command -v "$w" > /dev/null ;;
		esac || { echo "skip: needs $w"; exit 77; }
	done
}

# ---- results ----
ok() { echo "ok $1"; }
not_ok() { echo "not ok $1${2:+: $2}"; FAILED=1; }
# check NAME COMMAND...: the command succeeds.
check() { local name=$1; shift; if "$@"; then ok "$name"; else not_ok "$name" "$*"; fi; }
# refuses NAME COMMAND...: the command fails.
refuses() { local name=$1; shift; if "$@"; then not_ok "$name" "succeeded: $*"; else ok "$name"; fi; }
# same NAME WANT GOT
same() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "want '$2', got '$3'"; fi; }
# must COMMAND...: without it the rest of the test makes no sense.
must() { "$@" || { not_ok "must $*"; exit 1; }; }
finish() { exit "$FAILED"; }

# wait_for SECONDS COMMAND...: until the command succeeds, tried every 50 ms. The only place that waits.
wait_for() {
	local end=$((SECONDS + $1)) what; shift
	what="$*"
	until "$@" > /dev/null 2>&1; do
		if [ "$SECONDS" -ge "$end" ]; then say "gave up waiting for: $what"; return 1; fi
		sleep 0.05
	done
}

# ---- places ----
# in_ns NAME COMMAND...: quiet; NAME is a, b, w or any other namespace made by ns_add.
in_ns() { local n=$1; shift; ip netns exec "$PFX$n" "$@"; }
site_a() { echo "a$ $*" >&2; in_ns a "$@"; }
site_b() { echo "b$ $*" >&2; in_ns b "$@"; }
wan() { echo "w$ $*" >&2; in_ns w "$@"; }

# ns_add NAME: one more namespace, deleted at the end.
ns_add() {
	ip netns add "$PFX$1" || exit 1
	on_exit ip netns del "$PFX$1"
	ip -n "$PFX$1" link set lo up
	in_ns "$1" sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
		net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.accept_ra=0
}

# net_up: the picture above, and the folder $T for everything that a test writes.
net_up() {
	local n i=1
	T=$(mktemp -d "${TMPDIR:-/tmp}/causeway-netns.XXXXXX") || exit 1
	if [ -n "${KEEP:-}" ]; then on_exit say "kept: $T"; else on_exit rm -rf "$T"; fi
	for n in a b w; do ns_add $n; done
	ip -n "${PFX}w" link add br0 type bridge mcast_snooping 0
	ip -n "${PFX}w" link set br0 up
	ip -n "${PFX}w" addr add 10.44.0.3/24 dev br0
	for n in a b; do
		ip -n "${PFX}w" link add "to-$n" type veth peer name eth0 netns "$PFX$n" || exit 1
		ip -n "${PFX}w" link set "to-$n" master br0 up
		ip -n "$PFX$n" addr add "10.44.0.$i/24" dev eth0
		ip -n "$PFX$n" addr add "fd44::$i/64" dev eth0 nodad
		# What crosses the WAN is datagrams, as on a wire: a virtual cable would pass many in one, and captures show that.
		ip -n "$PFX$n" link set eth0 gso_max_segs 1 up
		i=$((i + 1))
	done
	must wait_for 5 in_ns a ping -c 1 -W 1 -q 10.44.0.2
}

# ---- processes ----
# alive PID: it runs (a zombie does not).
alive() { [ -d "/proc/$1" ] && ! grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null; }
dead() { ! alive "$1"; }

# stop PID [SIGNAL]: ends a process that spawn started, kill -9 after 5 s.
stop() {
	local pid=$1
	alive "$pid" || return 0
	kill "-${2:-TERM}" "$pid" 2>/dev/null
	wait_for 5 dead "$pid" || kill -9 "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	return 0
}

# spawn NAMESPACE LOG COMMAND...: in the background, ended at the end; its process id in $PID. The log is appended to.
spawn() {
	local n=$1 log=$2; shift 2
	echo "$n\$ $* &" >&2
	ip netns exec "$PFX$n" "$@" >> "$log" 2>&1 < /dev/null &
	# shellcheck disable=SC2034
	PID=$!
	on_exit stop "$PID"
}

rss_kib() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }

# ---- control sockets ----
# ask SOCKET NOUN VERB [NAME [PATH]]: the answer as JSON, or what stands at PATH ("ike.spi_i", "paths.0.state"). Fails with the
# problem on stderr.
ask() { "$PY" "$HERE/rpc.py" "$@"; }
# is WANT SOCKET NOUN VERB NAME PATH
is() { local want=$1; shift; [ "$(ask "$@" 2>/dev/null)" = "$want" ]; }
# at_least WANT SOCKET NOUN VERB NAME PATH
at_least() { local want=$1 got; shift; got=$(ask "$@" 2>/dev/null) && [ "$got" -ge "$want" ]; }

# ---- what was on the wire ----
# capture FILE [FILTER]: what passes between the WAN and site a, or on the port $CAPTURE_ON, from now until capture_stop.
capture() {
	local file=$1
	: > "$file.log"
	spawn w "$file.log" tcpdump -i "${CAPTURE_ON:-to-a}" -Z root -U --immediate-mode -B 16384 -s 0 -n -w "$file" "${2:-}"
	CAPTURE_PID=$PID
	must wait_for 5 grep -q 'listening on' "$file.log"
}
capture_stop() { stop "$CAPTURE_PID" INT; }
# packets FILE FILTER: how many.
packets() { tcpdump -r "$1" -n "$2" 2>/dev/null | wc -l; }
ESP='udp port 4500 and udp[4:2] > 12 and udp[8:4] != 0'
# Packets between the sites that are not UDP 4500. ARP, neighbour discovery and group membership belong to the link itself; a
# kernel whose daemon is not there (yet, any more) answers UDP 4500 with "port unreachable", which carries what was encrypted.
CLEAR='(ip and not igmp and not udp port 4500 and not udp port 500
	and not (icmp[0] = 3 and icmp[1] = 3 and icmp[17] = 17 and icmp[30:2] = 4500))
	or (ip6 and not udp port 4500 and not udp port 500 and not ip6 proto 0 and not (icmp6 and ip6[40] >= 130 and ip6[40] <= 143)
	and not (icmp6 and ip6[40] = 1 and ip6[41] = 4 and ip6[54] = 17 and ip6[90:2] = 4500))'
clear_packets() { packets "$1" "$CLEAR"; }

# ---- secrets ----
# pki FOLDER: a P-384 CA (ca.crt) and a certificate and key for each of a.test and b.test.
pki() {
	local s
	(
		cd "$1" || exit 1
		umask 077
		ec() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "$1" 2>/dev/null; }
		ec ca.key
		openssl req -x509 -new -key ca.key -days 30 -subj /O=causeway-test/CN=ca -addext basicConstraints=critical,CA:TRUE \
			-addext keyUsage=critical,keyCertSign,cRLSign -out ca.crt 2>/dev/null
		for s in a b; do
			ec $s.key
			openssl req -new -key $s.key -subj "/O=causeway-test/CN=$s.test" -out $s.csr
			printf 'subjectAltName=DNS:%s.test\nkeyUsage=critical,digitalSignature\n' $s > $s.ext
			openssl x509 -req -in $s.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -extfile $s.ext -out $s.crt 2>/dev/null
		done
	)
	must test -s "$1/b.crt"
}
# psk FILE
psk() { (umask 077; head -c 24 /dev/urandom | base64 > "$1"); }
