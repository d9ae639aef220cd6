# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# cell.sh - one cell of the table: causeway-ix at site a and strongSwan at site b, and what is tried on them. Sourced by run.
#
# $CELL $WHO $FEATURES $IKE $ESP_WORDS $SEEN_AS $AUTH say which cell it is; $NAME begins the name of each check. A feature
# is up to three functions: FEATURE_conf changes what both sides are started with, FEATURE_start runs before the first call,
# FEATURE_try when the tunnel is up.
# shellcheck disable=SC2034,SC2153,SC2154  # variables of the files beside it
AUTH_PSK="{method: psk, secret_file: $T/psk, local_id: %L.test, remote_id: %R.test}"

has() { case ,$FEATURES, in *,"$1",*) ;; *) return 1 ;; esac; }
each() { local f; for f in ${FEATURES//[,-]/ }; do ! declare -F "${f}_$1" > /dev/null || "${f}_$1"; done; }
show() { ask "$T/a.sock" tunnel show b "$1"; }
other() { [ "$(show "$2")" != "$1" ]; }
we_call() { [ "$WHO" = we ]; }

# ---- both sides ----
ours_conf() {
	INITIATE=$(we_call && echo yes || echo no) ix_yaml a "$OUR_AUTH" "esn: no;ike: $IKE;esp: $ESP_WORDS;$OURS" |
		sed "/^relays/,/agents-in/d;s/remote: {address: 10.44.0.2,/remote: {address: $THEIR_ADDRESS,/" > "$T/a.yaml"
	! has v6 || sed -i 's/10\.44\.0\.\([12]\)\([,}]\)/"fd44::\1"\2/; s/10\.71\.\([12]\)\.1\/32/"fd71:\1::1\/128"/' "$T/a.yaml"
}
ours_start() {
	ix_start a; IX=$PID
	must wait_for 10 ask "$T/a.sock" appliance show
}
theirs_start() {
	local how=psk
	[ "$AUTH" = psk ] || how=cert
	swan_start "$how" "$THEIRS"
	has v6 && in_ns b ip addr replace fd71:2::1/128 dev lo nodad
	return 0
}
one_child() { [ "$(swan --list-sas 2> /dev/null | grep -c 'net: #[0-9]*, reqid [0-9]*, INSTALLED')" = 1 ]; }
one_ike() { [ "$(swan --list-sas 2> /dev/null | awk '/^site: / { printf "%s ", $3 }')" = 'ESTABLISHED, ' ]; }
# Half-open ones of strangers do not count.
swan_is_empty() { ! swan --list-sas 2> /dev/null | grep -q 'ESTABLISHED\|INSTALLED'; }
they_call() { check "$NAME: strongSwan has a tunnel" swan --initiate --child net --timeout 10; }
pings() { in_ns a ping -c 1 -W 1 -q "$FAR"; }

# ---- traffic ----
streams_start() {
	rm -f "$T/a.stream" "$T/b.stream"
	spawn a "$T/a.stream" "$PY" "$HERE/stream.py" 10.71.1.1 10.71.2.1 9100 100; STREAM_A=$PID
	spawn b "$T/b.stream" "$PY" "$HERE/stream.py" 10.71.2.1 10.71.1.1 9100 100; STREAM_B=$PID
	must wait_for 10 grep -q ready "$T/a.stream"
	must wait_for 10 grep -q ready "$T/b.stream"
	kill -USR1 "$STREAM_A" "$STREAM_B"
}
streams_stop() {
	kill "$STREAM_A" "$STREAM_B"
	must wait_for 10 grep -q sent "$T/a.stream"
	must wait_for 10 grep -q sent "$T/b.stream"
	tail -n 1 "$T/a.stream" "$T/b.stream" >&2
}
stream_field() { awk -v k="$2" '/^sent/ { for (i = 1; i < NF; i += 2) if ($i == k) print $(i + 1) }' "$T/$1.stream"; }
tcp_back() { in_ns a socat -t 10 - "TCP:$1:9000" < "$T/data" > "$T/data.back" 2>> "$T/socat.log" && cmp -s "$T/data" "$T/data.back"; }

# ---- features ----
v6_conf() {
	THEIR_ADDRESS=fd44::2 FAR=fd71:2::1 NEAR=fd71:1::1
	export SWAN_LOCAL=fd44::2 SWAN_REMOTE=fd44::1 SWAN_LOCAL_TS=fd71:2::1/128 SWAN_REMOTE_TS=fd71:1::1/128
}

ppk_conf() {
	OURS+="ppk: {id: ppk-1, file: $T/ppk.hex, required: yes};"
	THEIRS+='ppk_id = ppk-1
	    ppk_required = yes
	    '
	SWAN_PPK="ppk-1 $(cat "$T/ppk.hex")" SEEN_AS+=/PPK
}

frag_conf() { OURS+="mtu: $1;" SWAN_FRAGMENT=$1; }
frag600_conf() { frag_conf 600; }
frag1280_conf() { frag_conf 1280; }
ike_datagrams() { packets "$PCAP" "udp port 4500 and udp[8:4] = 0 and src host 10.44.0.$1 and greater $2"; }
frag_try() {
	check "$NAME: fragments there" grep -q 'parsed IKE_AUTH re.* \[ EF([2-9]/[2-9]) \]' "$T/swan/charon.log"
	check "$NAME: fragments here" grep -q 'generating IKE_AUTH re.* \[ EF([2-9]/[2-9]) \]' "$T/swan/charon.log"
	FRAGMENT=$1
}
frag600_try() { frag_try 600; }
frag1280_try() { frag_try 1280; }

cookie_conf() { SWAN_CHARON="cookie_threshold_ip = 1
	  block_threshold = 0"; }
# From the address of the caller, so that it is asked whoever counts how.
cookie_start() {
	local from=a to=10.44.0.2
	we_call || from=b to=10.44.0.1
	check "$NAME: the responder asks for cookies" in_ns $from "$PY" "$INTEROP/halfopen.py" $to 64 "${IKE%%,*}"
}
cookie_try() {
	local seen="parsed IKE_SA_INIT response 0 \[ N(COOKIE) \]"
	! we_call || seen="parsed IKE_SA_INIT request 0 \[ N(COOKIE) SA "
	check "$NAME: with a cookie" grep -q "$seen" "$T/swan/charon.log"
}

# A port that the box has given up is closed, and says so: what it carries was on UDP 4500.
nat_clear() { packets "$1" "($CLEAR) and not (icmp[0] = 3 and icmp[1] = 3 and icmp[17] = 17 and icmp[28:2] = 4500)"; }
nat_conf() { if we_call; then export SWAN_REMOTE=10.44.0.3; else THEIR_ADDRESS=10.44.0.3; fi; }
# Only the caller is translated, as by a router of his: his link leads to the box alone, which has the responder's address there.
nat_start() {
	local to=10.44.0.2 link=to-a w=${PFX}w
	we_call || to=10.44.0.1 link=to-b
	ip -n "$w" link set $link nomaster
	ip -n "$w" addr add $to/32 dev $link
	ip -n "$w" route add "$(we_call && echo 10.44.0.1 || echo 10.44.0.2)" dev $link src $to
	in_ns w sysctl -qw net.ipv4.conf.br0.arp_ignore=1 net.ipv4.conf.br0.accept_local=1 net.ipv4.conf.all.accept_local=1
	# What is bound to the bridge goes to the true one.
	ip -n "$w" route add 10.44.0.0/24 dev br0 src 10.44.0.3 table 4500
	ip -n "$w" rule add pref 1 lookup local
	ip -n "$w" rule del pref 0
	ip -n "$w" rule add pref 0 oif br0 lookup 4500
	on_exit nat_undo "$w" $link $to
	ip -n "${PFX}a" neigh flush all
	ip -n "${PFX}b" neigh flush all
	spawn w "$T/box.log" "$PY" "$HERE/middlebox.py" $to $to br0; BOX=$PID
	must wait_for 10 grep -q ready "$T/box.log"
}
nat_undo() {
	ip -n "$1" rule add pref 0 lookup local
	ip -n "$1" rule del pref 0 oif br0
	ip -n "$1" rule del pref 1
	ip -n "$1" route flush table 4500
	ip -n "$1" addr del "$3/32" dev "$2"
	ip -n "$1" route flush dev "$2"
	ip -n "$1" link set "$2" master br0
	ip -n "${PFX}a" neigh flush all
	ip -n "${PFX}b" neigh flush all
	ip -n "$1" neigh flush all
}
# Where the responder sees the caller: the address and port of the box.
nat_seen() {
	if we_call; then
		swan --list-sas 2> /dev/null | sed -n "s/^ *remote.* @ 10\.44\.0\.3\[\([0-9]*\)\].*/\1/p"
	else
		show remote | sed -n 's/^10\.44\.0\.3:\([0-9]*\)$/\1/p'
	fi
}
nat_moved() { local at; at=$(nat_seen) && [ -n "$at" ] && [ "$at" != "$1" ]; }
nat_try() {
	local seen spi got
	seen=$(nat_seen) spi=$(show ike.spi_i)
	check "$NAME: the caller is behind port $seen" test "${seen:-4500}" != 4500
	in_ns a ping -c 200 -i 0.005 -W 2 -q "$FAR" > "$T/ping.log"
	check "$NAME: none is lost by reordering" grep -q ' 200 received,' "$T/ping.log"
	refuses "$NAME: none arrives twice" grep -q duplicates "$T/ping.log"
	check "$NAME: duplicates are counted as replays" test "$(show counters/drop.replay)" -ge 1
	kill -USR2 "$BOX"
	streams_start
	must wait_for 5 pings
	kill -USR1 "$BOX"
	check "$NAME: the responder follows" wait_for 20 nat_moved "$seen"
	check "$NAME: traffic goes on" wait_for 5 pings
	in_ns a ping -c 50 -i 0.01 -W 2 -q "$FAR" > "$T/ping.log"
	check "$NAME: and all of it" grep -q ' 50 received,' "$T/ping.log"
	streams_stop
	got=$(stream_field b got)
	check "$NAME: under traffic ($got of $(stream_field a sent))" test "${got:-0}" -gt 50
	same "$NAME: nothing twice, nothing changed" "0 0 0 0" \
		"$(stream_field a twice) $(stream_field a changed) $(stream_field b twice) $(stream_field b changed)"
	same "$NAME: by the same IKE SA" "$spi" "$(show ike.spi_i)"
}

# The address of strongSwan becomes another, and back again (RFC 4555): no new IKE SA, and traffic goes on.
mobike_conf() {
	export SWAN_MOBIKE=yes SWAN_LOCAL=%any
	we_call && SWAN_REMOTE=%any
	in_ns b sysctl -qw net.ipv4.conf.all.promote_secondaries=1     # the new address stays when the old one goes
	on_exit ip -n "${PFX}b" addr replace 10.44.0.2/24 dev eth0
	on_exit ip -n "${PFX}b" addr flush dev eth0 to 10.44.0.12
}
mobike_goes() { tcpdump -r "$PCAP" -n "$ESP and $1 host $2" 2> /dev/null | tail -n 5 | grep -c . | grep -qx 5; }
mobike_try() {
	local spi from=10.44.0.2 to=10.44.0.12 i inits='udp port 4500 and udp[8:4] = 0 and udp[30] = 34' before
	spi=$(show ike.spi_i) before=$(packets "$PCAP" "$inits")
	for i in 1 2; do
		ip -n "${PFX}b" addr add "$to/24" dev eth0
		ip -n "${PFX}b" addr del "$from/24" dev eth0
		check "$NAME, move $i: our ESP goes to $to" wait_for 20 is "$to:4500" "$T/a.sock" tunnel show b remote
		check "$NAME, move $i: ping" wait_for 10 pings
		in_ns a ping -c 50 -i 0.01 -W 2 -q "$FAR" > "$T/ping.log"
		check "$NAME, move $i: and all of it" grep -q ' 50 received,' "$T/ping.log"
		from=$to to=10.44.0.2
	done
	check "$NAME: ESP to the other address" mobike_goes dst 10.44.0.12
	check "$NAME: ESP from the other address" mobike_goes src 10.44.0.12
	check "$NAME: UPDATE_SA_ADDRESSES" grep -q 'N(UPD_SA_ADDR)' "$T/swan/charon.log"
	check "$NAME: COOKIE2" grep -q 'N(COOKIE2)' "$T/swan/charon.log"
	same "$NAME: the same IKE SA" "$spi" "$(show ike.spi_i)"
	same "$NAME: no IKE_SA_INIT more" "$before" "$(packets "$PCAP" "$inits")"
}

# The IKE SA first, its child behind it (RFC 6023).
childless_conf() { if we_call; then OURS+='childless: force;'; else THEIRS+='childless = force
	    '; fi; }
childless_try() { check "$NAME: the child was made on its own" grep -q 'CREATE_CHILD_SA.*SA No' "$T/swan/charon.log"; }

# rekeyed WHAT FIELD COMMAND...: what FIELD shows is another, and each side has one pair.
rekeyed() {
	local what="$NAME, $1" field=$2 old; shift 2
	old=$(show "$field")
	check "$what" "$@"
	check "$what: there is another" wait_for 10 other "$old" "$field"
	check "$what: one pair is left" wait_for 10 one_child
	check "$what: one IKE SA is left" wait_for 10 one_ike
}
rekey_try() {
	local group
	has v6 || streams_start
	rekeyed "strongSwan rekeys ESP" esp.spi_out swan --rekey --child net
	rekeyed "we rekey the IKE SA" ike.spi_i ask "$T/a.sock" tunnel rekey-ike b
	rekeyed "we rekey ESP on the new one" esp.spi_out ask "$T/a.sock" tunnel rekey b
	rekeyed "strongSwan rekeys the IKE SA" ike.spi_i swan --rekey --ike site
	has v6 || rekey_streams
	check "$NAME: ping under the new keys" pings
	usual_suite "$NAME, after rekeying"
	group=${SEEN_AS%/PPK}
	case $ESP_WORDS in
	*-ecp* | *-x25519) check "$NAME: ESP keys by an exchange of their own" grep -q "ESP:.*/${group##*/}\\(/\\|$\\)" <(swan --list-sas) ;;
	esac
	same "$NAME: it was never down" 1 "$(grep -c 'tun b: up' "$T/a.log")"
	refuses "$NAME: nothing was renewed instead" grep -q 'will be renewed' "$T/a.log"
}
rekey_streams() {
	streams_stop
	same "$NAME: all that we sent came" "$(stream_field a sent)" "$(stream_field b got)"
	same "$NAME: all that strongSwan sent came" "$(stream_field b sent)" "$(stream_field a got)"
}

bye_try() {
	check "$NAME: strongSwan says good-bye" swan --terminate --ike site --timeout 5
	if we_call; then
		check "$NAME: we call again" wait_for 20 pings
	else
		check "$NAME: we hear it" wait_for 5 ix_not_up a b
		they_call
		check "$NAME: ping after that" wait_for 10 pings
	fi
}

dpd_conf() {
	SWAN_CHARON='retransmit_base = 1.0'
	SWAN_CHILD='dpd_action = restart'
	we_call || SWAN_CHILD+='
	        start_action = start'
}
back() {
	check "$NAME, $1: the tunnel comes back by itself" wait_for 60 pings
	check "$NAME, $1: one pair" wait_for 10 one_child
	check "$NAME, $1: one IKE SA" wait_for 10 one_ike
	usual_suite "$NAME, $1"
}
dpd_try() {
	local old
	old=$(show ike.spi_i)
	kill -9 "$SWAN"
	wait_for 5 dead "$SWAN"
	rm -f "$T/swan/vici.sock"
	refuses "$NAME, strongSwan is dead: ping" pings
	theirs_start
	back "strongSwan was killed"
	check "$NAME, strongSwan was killed: another IKE SA" other "$old" ike.spi_i
	old=$(show ike.spi_i)
	kill -9 "$IX"
	wait_for 5 dead "$IX"
	refuses "$NAME, we are dead: ping" pings
	rm -f "$T/a.sock"
	ours_start
	back "we were killed"
	check "$NAME, we were killed: another IKE SA" other "$old" ike.spi_i
}

# ---- what every cell asserts ----
usual_suite() {
	same "$1: suite of IKE" "$IKE" "$(show suite.ike)"
	same "$1: suite of ESP" "$ESP_WORDS" "$(show suite.esp)"
	check "$1: suite at strongSwan" grep -q "$SEEN_AS" <(swan --list-sas)
	same "$1: PPK" "$(has ppk && echo true || echo false)" "$(show suite.ppk)"
}
usual_traffic() {
	check "$NAME: ping" site_a ping -c 10 -i 0.02 -W 2 -q "$FAR"
	check "$NAME: ping back" site_b ping -c 10 -i 0.02 -W 2 -q -I "$FAR" "$NEAR"
	has v6 && return
	check "$NAME: large ping, fragments inside" site_a ping -c 3 -i 0.02 -W 2 -q -s 3000 "$FAR"
	check "$NAME: large ping back" site_b ping -c 3 -i 0.02 -W 2 -q -s 3000 -I "$FAR" "$NEAR"
	spawn b "$T/echo.log" socat "TCP-LISTEN:9000,bind=$FAR,fork,reuseaddr" EXEC:cat
	must wait_for 10 in_ns b socat -u OPEN:/dev/null "TCP:$FAR:9000"
	check "$NAME: 2 MB over TCP and back" tcp_back "$FAR"
	stop "$PID"
}
# What was on the wire of each link that was listened to.
usual_wire() {
	local pcap seen clear
	for pcap in "$PCAP" ${PCAP_B:+"$PCAP_B"}; do
		seen=$(packets "$pcap" "$WIRE_ESP")
		check "$NAME: ESP on the wire ($seen)" test "$seen" -ge "$(has v6 && echo 22 || echo 500)"
		clear=$(clear_packets "$pcap")
		! has nat || clear=$(nat_clear "$pcap")
		same "$NAME: no clear packet" 0 "$clear"
		CLEAR_SEEN=$((${CLEAR_SEEN:-0} + clear))
		ESP_SEEN=$seen
	done
	[ -z "${FRAGMENT:-}" ] || same "$NAME: nothing of IKE is larger than $FRAGMENT bytes" "0 0" \
		"$(ike_datagrams 1 $((FRAGMENT + 15))) $(ike_datagrams 2 $((FRAGMENT + 15)))"
}

# cell: from nothing to nothing. What it saw is left in $T/seen.
cell() {
	local WIRE_ESP=$ESP
	OURS='' THEIRS='' THEIR_ADDRESS=10.44.0.2 FAR=10.71.2.1 NEAR=10.71.1.1 OUR_AUTH=$AUTH_PSK PCAP=$T/cell.pcap PCAP_B=
	rm -rf "$T/swan" "$T"/*.log "$T"/*.stream "$T"/*.pcap
	! has v6 || WIRE_ESP='udp port 4500 and ip6[44:2] > 12 and ip6[48:4] != 0'
	SWAN_IKE=$IKE SWAN_ESP=$ESP_WORDS
	case $AUTH in
	psk) ;;
	pss) certs a-rsa b-rsa; SWAN_AUTH=rsa/pss-sha384 ;;
	*) certs "a-$AUTH" "b-$AUTH" ;;
	esac
	each conf
	ours_conf
	capture "$PCAP"
	LISTENERS=("$CAPTURE_PID")
	if has nat; then
		PCAP_B=$T/cell-b.pcap
		CAPTURE_ON=to-b capture "$PCAP_B"
		LISTENERS+=("$CAPTURE_PID")
	fi
	on_exit in_ns b ip addr flush dev lo scope global
	theirs_start
	! we_call || each start
	ours_start
	if ! we_call; then
		each start
		has dpd || they_call
	fi
	check "$NAME: tunnel up" wait_for 20 is up "$T/a.sock" tunnel show b state
	check "$NAME: installed at strongSwan" wait_for 10 swan_established
	same "$NAME: initiator" "$(we_call && echo true || echo false)" "$(show ike.initiator)"
	same "$NAME: no ESN with this peer" false "$(show suite.esn)"
	usual_suite "$NAME"
	check "$NAME: the first ping" wait_for 5 pings
	usual_traffic
	each try
	same "$NAME: nothing failed to decrypt" 0 "$(show counters/drop.icv)"
	same "$NAME: no message was malformed" 0 "$(show counters/ike.malformed)"
	same "$NAME: nothing came for an SA that was gone" 0 "$(ask "$T/a.sock" appliance show '' counters/drop.no_sa)"
	stop "$IX"
	check "$NAME: strongSwan hears our good-bye" wait_for 10 swan_is_empty
	for CAPTURE_PID in "${LISTENERS[@]}"; do capture_stop; done
	usual_wire
	echo "$ESP_SEEN $CLEAR_SEEN" > "$T/seen"
}
