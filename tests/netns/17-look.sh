#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 17-look.sh - with a key log, tshark reads every IKE message and every ESP packet of a capture, over rekeyings of both kinds,
# with AES-GCM and with AES-CBC; without one nothing is written. The log and the commands say that there is one.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/ix.sh"
requires root tun ip tcpdump tshark python3 bin/causeway-ix
net_up
psk "$T/psk"
AUTH='{method: psk, secret_file: psk, local_id: %L.test, remote_id: %R.test}'
spi() { ask "$T/a.sock" tunnel show b "$1"; }
other() { [ "$(spi "$2")" != "$1" ]; }
# rekeyed VERB FIELD
rekeyed() {
	local old; old=$(spi "$2")
	ask "$T/a.sock" tunnel "$1" b > /dev/null && wait_for 5 other "$old" "$2"
}
# pings N: N there and back, none lost
pings() { in_ns a ping -c "$1" -i 0.02 -W 2 -q 10.71.2.1 | grep -q " $1 received"; }

# profile KEYS: what ix.yaml(5) says to do with the files; the configuration folder of tshark in $CONF
profile() {
	CONF=$T/config-$1
	local d=$CONF/wireshark/profiles/causeway
	mkdir -p "$d"
	cp "$T/$1.ikev2" "$d/ikev2_decryption_table"
	cp "$T/$1.esp" "$d/esp_sa"
}
# shark PCAP ARGUMENTS...
shark() {
	local pcap=$1; shift
	XDG_CONFIG_HOME=$CONF tshark -C causeway -o esp.enable_encryption_decode:TRUE -o esp.enable_authentication_check:TRUE \
		-r "$pcap" "$@" 2>> "$T/tshark.log"
}
frames() { shark "$1" -Y "$2" -T fields -e frame.number | wc -l; }

# run NAME TUNNEL-LINES: capture, two rekeyings of each kind, and what tshark makes of it
run() {
	local name=$1 pcap=$T/$1.pcap ike esp esn text
	ix_yaml a "$AUTH" "$2" | sed "\$a keylog: $name" > "$T/a.yaml"
	INITIATE=no ix_yaml b "$AUTH" "$2" > "$T/b.yaml"
	: > "$T/a.log"
	capture "$pcap"
	ix_start b; IX_B=$PID
	must wait_for 5 ask "$T/b.sock" appliance show
	ix_start a; IX_A=$PID
	must wait_for 15 is up "$T/a.sock" tunnel show b state
	must wait_for 5 ix_pings a 10.71.2.1
	check "$name: pings" pings 10
	check "$name: ESP rekeyed" rekeyed rekey esp.spi_out
	check "$name: pings" pings 10
	check "$name: IKE SA rekeyed" rekeyed rekey-ike ike.spi_i
	check "$name: ESP rekeyed by the new IKE SA" rekeyed rekey esp.spi_out
	check "$name: pings" pings 10
	check "$name: IKE SA rekeyed again" rekeyed rekey-ike ike.spi_i
	same "$name: one packet was sealed for each number" "$(spi esp.seq_out)" $(((3 << 30) - $(spi esp.soft_left_packets)))
	check "$name: seconds left ($(spi esp.hard_left_s))" test "$(spi esp.hard_left_s)" -gt 3600
	check "$name: more is left until the end than until a successor" test "$(spi esp.hard_left_bytes)" -gt "$(spi esp.soft_left_bytes)"
	check "$name: round trip of IKE" test "$(spi ike.rtt_ms)" -ge 0
	check "$name: the log says so" grep -qi 'warn.*KEYS OF ALL TUNNELS ARE WRITTEN' "$T/a.log"
	same "$name: tunnel show says so" true "$(spi keylog)"
	same "$name: appliance show says so" true "$(ask "$T/a.sock" appliance show '' keylog)"
	same "$name: the other side has none, and says so" false "$(ask "$T/b.sock" tunnel show a keylog)"
	esn=$(spi suite.esn)
	stop "$IX_A"
	stop "$IX_B"
	capture_stop
	same "$name: modes" "600 600" "$(stat -c %a "$T/$name.ikev2" "$T/$name.esp" | xargs)"
	profile "$name"

	ike=$(packets "$pcap" 'udp port 4500 and udp[4:2] > 12 and udp[8:4] = 0')
	esp=$(packets "$pcap" "$ESP")
	check "$name: there is much to read ($ike IKE, $esp ESP)" test "$ike" -gt 16 -a "$esp" -gt 60
	same "$name: each IKE message is read as such" "$ike" "$(frames "$pcap" isakmp)"
	# All but the two of IKE_SA_INIT are encrypted, and have something inside that only decryption shows.
	shark "$pcap" -Y 'isakmp.exchangetype != 34' -V > "$T/$name.txt"
	same "$name: each encrypted one is authentic" $((ike - 2)) "$(grep -c 'Integrity Checksum Data.*\[correct\]' "$T/$name.txt")"
	same "$name: and decrypted" $((ike - 2)) "$(grep -c 'Decrypted Data' "$T/$name.txt")"
	for text in 'Identification - Initiator' 'Identification - Responder' 'Traffic Selector - Initiator' 'Payload: Delete' \
		'Payload: Nonce' 'Payload: Key Exchange'; do
		check "$name: $text" grep -q "$text" "$T/$name.txt"
	done
	shark "$pcap" -Y esp -V > "$T/$name.txt"
	# tshark 4.0 does not know that the upper half of the number is authenticated as well.
	case $name in
	*-esn) same "$name: suite" true "$esn" ;;
	*) same "$name: each ESP packet is authentic" "$esp" "$(grep -c 'ESP ICV.*\[correct\]' "$T/$name.txt")" ;;
	esac
	# Who asked for an SA says by an empty packet (RFC 4303 s2.6) that it is there.
	same "$name: and decrypted: pings, their answers, and empty packets" "$esp" \
		$(($(frames "$pcap" 'esp && icmp') + $(grep -cE 'ESP Contained Data: 0{32} ' "$T/$name.txt")))
	same "$name: no two SAs of one SPI" '' "$(cut -d, -f1,4 "$T/$name.esp" | sort | uniq -d)"
	rm -f "$T/$name.ikev2" "$T/$name.esp"
}
run aes256gcm 'ike: aes256gcm16-prfsha384-x25519;esp: aes256gcm16-x25519;esn: no'
run aes128gcm-esn 'ike: aes128gcm16-prfsha256-x25519;esp: aes128gcm16;esn: yes'
run aes256cbc 'ike: aes256-sha384-prfsha384-x25519;esp: aes256-sha256;esn: no'

# What tshark has no name for is there as a comment, which does it no harm.
ix_yaml a "$AUTH" 'ike: chacha20poly1305-prfsha256-x25519;esp: chacha20poly1305' | sed '$a keylog: chacha' > "$T/a.yaml"
INITIATE=no ix_yaml b "$AUTH" 'ike: chacha20poly1305-prfsha256-x25519;esp: chacha20poly1305' > "$T/b.yaml"
ix_start b; IX_B=$PID
must wait_for 5 ask "$T/b.sock" appliance show
ix_start a; IX_A=$PID
must wait_for 15 is up "$T/a.sock" tunnel show b state
stop "$IX_A"
same "ChaCha20-Poly1305: comments" "5 0" "$(cat "$T/chacha.ikev2" "$T/chacha.esp" | awk '/^# / { n++; next } { m++ } END { print n + 0, m + 0 }')"
profile chacha
same "which tshark skips" 1 "$(shark "$T/aes256gcm.pcap" -c 1 | wc -l)"
refuses "without a word" grep -v 'Running as user' "$T/tshark.log"

# A file that others can read is no place for keys.
install -m 644 /dev/null "$T/open.esp"
sed -i 's/^keylog:.*/keylog: open/' "$T/a.yaml"
refuses "a key log that others can read" in_ns a "$B/bin/causeway-ix" --config "$T/a.yaml" 2> "$T/open.log"
check "and why" grep -q 'open.esp.*nobody else can read' "$T/open.log"
same "and nothing is in it" 0 "$(stat -c %s "$T/open.esp")"

# Without one no key is anywhere.
sed -i '/^keylog:/d' "$T/a.yaml"
: > "$T/a.log"
ix_start a; IX_A=$PID
must wait_for 15 is up "$T/a.sock" tunnel show b state
same "without a key log" false "$(spi keylog)"
refuses "no word of keys" grep -q KEYS "$T/a.log"
stop "$IX_A"
stop "$IX_B"
finish
