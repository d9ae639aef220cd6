#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 13-rekey.sh - keys are renewed under load: a datagram each way every millisecond, and none is lost while either side, or both at
# once, rekey ESP and the IKE SA, by command and by age.
# Environment: ROUNDS of rekeying by one side (default 10), COLLISIONS tried (default 20).
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/ix.sh"
requires root tun ip tcpdump python3 bin/causeway-ix
net_up
psk "$T/psk"
AUTH='{method: psk, secret_file: psk, local_id: %L.test, remote_id: %R.test}'
REKEY='rekey: {ike: 4h, child: 20s};esp: aes256gcm16-x25519'

ix_yaml a "$AUTH" "$REKEY" > "$T/a.yaml"
INITIATE=no ix_yaml b "$AUTH" "$REKEY" > "$T/b.yaml"
capture "$T/wan.pcap"
ix_start b; IX_B=$PID
must wait_for 5 ask "$T/b.sock" appliance show
ix_start a; IX_A=$PID
must wait_for 15 is up "$T/a.sock" tunnel show b state
must wait_for 5 is up "$T/b.sock" tunnel show a state
must wait_for 5 ix_pings a 10.71.2.1

spawn a "$T/a.stream" "$PY" "$HERE/stream.py" 10.71.1.1 10.71.2.1 9100 1000; STREAM_A=$PID
spawn b "$T/b.stream" "$PY" "$HERE/stream.py" 10.71.2.1 10.71.1.1 9100 1000; STREAM_B=$PID
must wait_for 5 grep -q ready "$T/a.stream"
must wait_for 5 grep -q ready "$T/b.stream"
kill -USR1 "$STREAM_A" "$STREAM_B"

spi() { ask "$T/$1.sock" tunnel show "$2" "$3"; }
other() { [ "$(spi "$2" "$3" "$4")" != "$1" ]; }
# Both sides speak of the same pair, and use it.
same_pair() {
	[ "$(spi a b esp.spi_out)" = "$(spi b a esp.spi_in)" ] && [ "$(spi a b esp.spi_in)" = "$(spi b a esp.spi_out)" ] &&
		[ "$(spi a b ike.spi_i)" = "$(spi b a ike.spi_i)" ] && [ "$(spi a b ike.spi_r)" = "$(spi b a ike.spi_r)" ]
}
BAD=0 DONE=0
ROUNDS=${ROUNDS:-10} COLLISIONS=${COLLISIONS:-20}
# rekeyed VERB FIELD: by a, by b, or by both; what is shown by FIELD is another on both sides.
rekeyed() {
	local old; old=$(spi a b "$2")
	DONE=$((DONE + 1))
	case $3 in
	a) "$PY" "$HERE/at_once.py" "$1" "$T/a.sock" b "$IX_A" ;;
	b) "$PY" "$HERE/at_once.py" "$1" "$T/b.sock" a "$IX_B" ;;
	both) "$PY" "$HERE/at_once.py" "$1" "$T/a.sock" b "$IX_A" "$T/b.sock" a "$IX_B" ;;
	esac || BAD=$((BAD + 1))
	wait_for 5 other "$old" a b "$2" && wait_for 5 same_pair || BAD=$((BAD + 1))
}
started=$(spi a b ike.spi_i)
for ((i = 0; i < ROUNDS; i++)); do
	rekeyed rekey esp.spi_out a
	rekeyed rekey esp.spi_out b
	[ $((i % 2)) = 1 ] || rekeyed rekey-ike ike.spi_i a
	[ $((i % 5)) = 1 ] || rekeyed rekey-ike ike.spi_i b
done
same "$DONE times, ESP and IKE, by either side: all happened" 0 "$BAD"
BAD=0 DONE=0
for ((i = 0; i < COLLISIONS; i++)); do
	rekeyed rekey esp.spi_out both
	rekeyed rekey-ike ike.spi_i both
done
same "$DONE times, ESP and IKE, by both at once: all happened" 0 "$BAD"
# Whether they met on the way is in nobody's hand; that some did must be.
MET=$(cat "$T/a.log" "$T/b.log" | grep -c 'by both at once')
say "$MET notes of collisions, $(grep -c 'rekeyed by both' "$T/a.log") at a"
check "some were collisions ($MET)" test "$MET" -gt 0
refuses "another IKE SA by now" test "$started" = "$(spi a b ike.spi_i)"
old=$(spi a b esp.spi_out)
check "and by age" wait_for 25 other "$old" a b esp.spi_out

kill "$STREAM_A" "$STREAM_B"
must wait_for 10 grep -q sent "$T/a.stream"
must wait_for 10 grep -q sent "$T/b.stream"
tail -n 1 "$T/a.stream" "$T/b.stream" >&2
field() { awk -v k="$2" '/^sent/ { for (i = 1; i < NF; i += 2) if ($i == k) print $(i + 1) }' "$T/$1.stream"; }
check "a sent much ($(field a sent))" test "$(field a sent)" -gt 10000
same "all from a to b came" "$(field a sent)" "$(field b got)"
same "all from b to a came" "$(field b sent)" "$(field a got)"
same "none twice, none changed" "0 0 0 0" "$(field a twice) $(field b twice) $(field a changed) $(field b changed)"
for s in a b; do
	t=b; [ $s = a ] || t=a
	same "$s: nothing came for an SA that was gone" 0 "$(ask "$T/$s.sock" appliance show '' counters/drop.no_sa)"
	same "$s: nothing failed to decrypt" 0 "$(spi $s $t counters/drop.icv)"
	same "$s: it was never down" 1 "$(grep -c "tun $t: up" "$T/$s.log")"
	same "$s: no message was rejected" "0 0" "$(spi $s $t counters/ike.rejected) $(spi $s $t counters/ike.malformed)"
done
refuses "a tunnel that is not there" ask "$T/a.sock" tunnel rekey nowhere
check "one pair of SAs at the end" wait_for 10 same_pair
kill -TERM "$IX_B"
check "the good-bye is heard" wait_for 5 ix_not_up a b
refuses "what is down cannot be rekeyed" ask "$T/a.sock" tunnel rekey b
capture_stop
same "no clear packet" 0 "$(clear_packets "$T/wan.pcap")"
finish
