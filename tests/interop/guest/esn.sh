#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# esn.sh - causeway-ix and the ESP of a Linux kernel, with extended sequence numbers across 2^32 in both directions.
#
#   causeway-ix :a ═ w ═ tap ─ QEMU [strongSwan, kernel ESP 10.44.0.2, inner 10.71.2.1]
#
# The kernel here may have no ESP; the one of the guest has. A capture of what is between them is all that is needed to see the numbers.
# Our first number comes from the impair facility (a build with DEBUG=1), theirs by putting the kernel's outbound SA once more
# with another number. Neither can begin at 2^32 - 16: a receiver that has seen nothing yet takes a number of the last window
# before 2^32 for one of before the start (RFC 4303 A2.2). So ours begins as many numbers before, and the kernel's goes by way of 2^31.
# Environment: GUEST_FILES, where the guest is made (default $B/guest). Results as in tests/netns/lib.sh.
# limit: 600
# shellcheck disable=SC1091,SC2034  # files and variables of each other
INTEROP=$(cd "$(dirname "$0")/.." && pwd)
. "$INTEROP/../netns/lib.sh"
. "$HERE/ix.sh"
. "$INTEROP/strongswan/swan.sh"
requires root tun ip tcpdump tshark python3 openssl qemu-system-x86_64 cpio busybox bin/causeway-ix
swan_requires
grep -q CAUSEWAY_IMPAIR "$B/bin/causeway-ix" || { echo "skip: needs a build with the impair facility: make interop B=build-debug DEBUG=1"; exit 77; }
GUEST_FILES=${GUEST_FILES:-$B/guest}
START=4294967200                # 96 numbers before 2^32, three windows of strongSwan's 32
AUTH='{method: psk, secret_file: psk, local_id: %L.test, remote_id: %R.test}'
guest_build() { "$INTEROP/guest/build" "$GUEST_FILES" > "$T/build.log" 2>&1 || { tail -n 5 "$T/build.log"; echo "skip: no guest can be made here"; exit 77; }; }

# ---- the guest ----
guest() { "$PY" "$INTEROP/guest/guest.py" "$T/guest.sock" 60 "$1"; }
guest_swan() { guest "STRONGSWAN_CONF=$T/swan/strongswan.conf SWANCTL_DIR=$T/swan/swanctl swanctl $1 --uri unix://$T/swan/vici.sock"; }
guest_quiet() { guest_swan "$1" > "$T/swan.out" 2>&1; }
guest_answers() { "$PY" "$INTEROP/guest/guest.py" "$T/guest.sock" 2 true; }

# The configuration goes in by a second archive behind the first.
guest_archive() {
	SWAN_KERNEL=kernel-netlink SWAN_CHARON='replay_window = 32' swan_conf
	swan_connection psk
	mkdir -p "$T/ird$T"
	cp -a "$T/swan" "$T/ird$T/"
	(cd "$T/ird" && find . | cpio -o -H newc --quiet | gzip -1) | cat "$GUEST_FILES/swan.ird" - > "$T/guest.ird"
}
guest_start() {
	guest_archive
	ip -n "${PFX}b" link del eth0
	wan ip tuntap add tap-b mode tap
	wan ip link set tap-b master br0 up
	spawn w "$T/qemu.log" nice qemu-system-x86_64 -accel tcg,thread=multi -smp 2 -m 384 -cpu max -M q35 -nodefaults -no-reboot -display none \
		-kernel "$GUEST_FILES/vmlinux" -initrd "$T/guest.ird" -append "console=ttyS0 quiet panic=-1 mitigations=off" \
		-serial "file:$T/console.log" -chardev "socket,id=c,path=$T/guest.sock,server=on,wait=off" -serial chardev:c \
		-netdev tap,id=n,ifname=tap-b,script=no,downscript=no -device virtio-net-pci,netdev=n
	QEMU=$PID
	must wait_for 120 guest_answers
	guest 'ip addr add 10.44.0.2/24 dev eth0; ip link set eth0 up; ip addr add 10.71.2.1/32 dev lo'
	guest "STRONGSWAN_CONF=$T/swan/strongswan.conf SWANCTL_DIR=$T/swan/swanctl charon-systemd > /run/out 2>&1 & :"
	wait_for 30 guest "test -S $T/swan/vici.sock" || guest "cat /run/out $T/swan/charon.log; dmesg | tail -n 20" >&2
	must guest "test -S $T/swan/vici.sock"
	guest_swan '--load-all' > "$T/load.log" || { cat "$T/load.log" >&2; must false; }
}

# kernel_goes_on NUMBER: with this as the last sequence number used, on the one outbound SA of the guest.
kernel_goes_on() { guest "/sbin/renumber 10.44.0.2 $1"; }
one_out() { [ "$(guest '/sbin/ip xfrm state list src 10.44.0.2' | grep -c '^src')" = 1 ]; }

# ---- what must hold ----
show() { ask "$T/a.sock" tunnel show b "$1"; }
ours_start() { # ours_start INITIATE
	INITIATE=$1 ix_yaml a "$AUTH" "esn: yes;dpd: 30s" | sed '/^relays/,/agents-in/d;/dpd: 2s/d' > "$T/a.yaml"
	: > "$T/a.log"
	CAUSEWAY_IMPAIR=esp.seq=$START ix_start a; IX=$PID
	must wait_for 10 ask "$T/a.sock" appliance show
}
we_rekey() { ask "$T/a.sock" tunnel rekey b > "$T/ask.out"; }
up() { is up "$T/a.sock" tunnel show b state; }
one_child() { [ "$(guest_swan --list-sas 2> /dev/null | grep -c 'net: #[0-9]*, reqid [0-9]*, INSTALLED')" = 1 ]; }
other() { [ "$(show "$2")" != "$1" ]; }
# all_answered NAME COUNT: from us and from there, one after the other.
all_answered() {
	in_ns a ping -c "$2" -i 0.02 -W 5 -q 10.71.2.1 | grep received > "$T/ping.log"
	same "$1: all of ours" 1 "$(grep -c " $2 received" "$T/ping.log")"
	guest "ping -c $2 -i 0.02 -W 5 -q -I 10.71.2.1 10.71.1.1" > "$T/ping.log"
	same "$1: all of theirs" 1 "$(grep -c " $2 packets received" "$T/ping.log")"
}
# wrapped HOST: on the wire the numbers of one SA went from just before 2^32 to small ones; prints the SPI.
wrapped() {
	tshark -r "$T/wan.pcap" -Y "esp && ip.src == $1" -T fields -e esp.spi -e esp.sequence 2> /dev/null |
		awk '{ if ($2 >= 4294967290) high[$1] = 1; else if ($2 < 1000 && high[$1] && last[$1] >= 4294967290) ok[$1] = 1; last[$1] = $2 }
			END { for (s in ok) print s }'
}
high_halves() { guest '/sbin/ip -s xfrm state list' | grep -o "$1 0x[0-9a-f]*" | sort -u | tail -n 1; }

# across_2_32 NAME: both directions cross it, on the SA of now.
across_2_32() {
	check "$1: the kernel has one SA to us" wait_for 20 one_out
	check "$1: the kernel's numbers are moved on" kernel_goes_on 2147483648
	check "$1: ping" wait_for 5 ix_pings a 10.71.2.1
	check "$1: and close to 2^32" kernel_goes_on $START
	all_answered "$1: across 2^32" 150
	check "$1: our number is beyond ($(show esp.seq_out))" test "$(show esp.seq_out)" -gt 4294967296
	check "$1: the kernel's is beyond, as we see it ($(show esp.seq_in))" test "$(show esp.seq_in)" -gt 4294967296
	same "$1: high half of the kernel's number" "oseq-hi 0x1" "$(high_halves oseq-hi)"
	same "$1: high half of ours, as the kernel sees it" "seq-hi 0x1" "$(high_halves ' seq-hi' | sed 's/^ //')"
	same "$1: nothing failed to decrypt" 0 "$(show counters/drop.icv)"
	same "$1: nothing was taken for a replay" 0 "$(show counters/drop.replay)"
}

# run_as we|they
run_as() {
	local who=$1 name="$1 call" seen old
	say "---- $name"
	capture "$T/wan.pcap"
	ours_start "$([ "$who" = we ] && echo yes || echo no)"
	[ "$who" = we ] || check "$name: strongSwan has a tunnel" guest_quiet '--initiate --child net --timeout 20'
	check "$name: tunnel up" wait_for 30 up
	same "$name: initiator" "$([ "$who" = we ] && echo true || echo false)" "$(show ike.initiator)"
	same "$name: extended numbers" true "$(show suite.esn)"
	check "$name: so in the kernel" wait_for 10 guest "/sbin/ip xfrm state list | grep -q 'flag.* esn'"
	across_2_32 "$name"
	old=$(show esp.spi_out)
	check "$name: the kernel's side rekeys" guest_quiet '--rekey --child net'
	check "$name: there is another SA" wait_for 10 other "$old" esp.spi_out
	check "$name: one pair is left" wait_for 10 one_child
	across_2_32 "$name, rekeyed by them"
	old=$(show esp.spi_out)
	check "$name: we rekey" we_rekey
	check "$name: there is another SA again" wait_for 10 other "$old" esp.spi_out
	check "$name: one pair is left again" wait_for 10 one_child
	across_2_32 "$name, rekeyed by us"
	stop "$IX"
	# shellcheck disable=SC2016
	check "$name: the kernel has no SA any more" wait_for 10 guest '[ -z "$(/sbin/ip xfrm state list)" ]'
	capture_stop
	seen=$(packets "$T/wan.pcap" "$ESP")
	check "$name: ESP on the wire ($seen)" test "$seen" -ge 1800
	same "$name: no clear packet" 0 "$(clear_packets "$T/wan.pcap")"
	same "$name: three SAs of ours crossed 2^32 on the wire" 3 "$(wrapped 10.44.0.1 | wc -l)"
	same "$name: three of the kernel" 3 "$(wrapped 10.44.0.2 | wc -l)"
}

net_up
psk "$T/psk"
guest_build
SWAN_ESP=aes256gcm16-esn guest_start
ip -n "${PFX}a" neigh flush all          # site b was there a moment ago
must wait_for 30 in_ns a ping -c 1 -W 1 -q 10.44.0.2
say "guest: $(guest 'uname -r')"
run_as we
run_as they
stop "$QEMU"
finish
