#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# impair.sh - libreswan does wrong on purpose what the table "impairs" says; one causeway-ix stands it all.
#
# After each its answer is what the table says and it is alive; after all of them its memory has not grown, nothing went in clear, and
# strongSwan gets a tunnel. Where it is called, one causeway-ix meets all of the table; where it calls, each row has one.
# Environment: ONLY, words that an impairment must contain.
# limit: 900
# shellcheck disable=SC1091,SC2034  # files and variables of each other
INTEROP=$(cd "$(dirname "$0")/.." && pwd)
. "$INTEROP/../netns/lib.sh"
. "$HERE/ix.sh"
. "$INTEROP/strongswan/swan.sh"
. "$INTEROP/libreswan/pluto.sh"
requires root tun ip tcpdump python3 openssl unshare bin/causeway-ix
swan_requires
pluto_requires
AUTH='{method: psk, secret_file: psk, local_id: %L.test, remote_id: %R.test}'

ours_start() { # ours_start yes|no
	INITIATE=$1 ix_yaml a "$AUTH" "esn: no" | sed '/^relays/,/agents-in/d' > "$T/a.yaml"
	ix_start a; IX=$PID
	must wait_for 10 ask "$T/a.sock" appliance show
}
# What our log says since this row began.
ours() { tail -c "+$((MARK + 1))" "$T/a.log"; }
ours_says() { ours | grep -q "$1"; }
theirs_says() { grep -q "$1" "$T/pluto/pluto.log"; }
OURS_UP='IKE SA [0-9a-f]*_i [0-9a-f]*_r with b.test'

# sent_by HOST [FILTER]: IKE messages so far.
sent_by() { packets "$T/row.pcap" "udp port 4500 and udp[8:4] = 0 and src host $1 ${2:-}"; }
INIT='and udp[30] = 34'         # of which IKE_SA_INIT; what is left of the row before does not count
sent_three() { [ "$(sent_by "$1")" -ge 3 ]; }

outcome_up() { check "$1" wait_for 15 ours_says "$OURS_UP"; }
outcome_told() {
	check "$1" wait_for 15 theirs_says "$2"
	refuses "$1, no IKE SA" ours_says "$OURS_UP"
}
outcome_logged() {
	check "$1" wait_for 15 ours_says "no IKE SA.*$2"
	refuses "$1, no IKE SA" ours_says "$OURS_UP"
}
outcome_child() {
	check "$1" wait_for 15 ours_says "$2"
	check "$1, an IKE SA" wait_for 5 ours_says "$OURS_UP"
	refuses "$1, no child" ours_says 'tun b: up'
}
outcome_silence() {
	check "$1, it asks" wait_for 15 sent_three 10.44.0.2
	same "$1" 0 "$(sent_by 10.44.0.1 "$INIT")"
	refuses "$1, no IKE SA" ours_says "$OURS_UP"
}
outcome_repeat() {
	check "$1, it answers" wait_for 15 theirs_says 'IMPAIR\|SA_INIT'
	check "$1" wait_for 15 sent_three 10.44.0.1
	refuses "$1, no IKE SA" ours_says "$OURS_UP"
}

# row CALLER IMPAIRMENT OUTCOME
row() {
	local who=$1 what=$2 outcome=$3 name="$2, $1 call: $3" one
	if [ "$who" = we ]; then rm -f "$T/a.log"; fi
	pluto_start
	for one in ${what//+/ }; do
		[ "$one" = none ] || check "$name: known" whack --impair "$one"
	done
	capture "$T/row.pcap"
	MARK=0
	[ ! -e "$T/a.log" ] || MARK=$(stat -c %s "$T/a.log")
	if [ "$who" = we ]; then ours_start yes; else whack --initiate --asynchronous --name site; fi
	"outcome_${outcome%%:*}" "$name" "${outcome#*:}"
	check "$name: we are alive" alive "$IX"
	pluto_stop
	[ "$who" = they ] || stop "$IX"
	capture_stop
	CLEAR_SEEN=$((CLEAR_SEEN + $(clear_packets "$T/row.pcap")))
}
rows() { grep "^$1 " "$INTEROP/libreswan/impairs" | grep -e "${ONLY:-.}"; }

net_up
psk "$T/psk"
CLEAR_SEEN=0
ours_start no
FIRST=$IX
row they none up                # what a process needs it has then
BEFORE=$(rss_kib "$FIRST")
while read -r who what outcome; do row "$who" "$what" "$outcome" < /dev/null; done < <(rows they)
AFTER=$(rss_kib "$FIRST")
say "resident: $BEFORE KiB before, $AFTER KiB after all"
check "memory is flat" test $((AFTER - BEFORE)) -lt 1024

# ---- a good peer ----
swan_start psk
check "strongSwan gets a tunnel" swan --initiate --child net --timeout 20
check "and pings" site_a ping -c 5 -i 0.02 -W 2 -q 10.71.2.1
swan_stop
stop "$FIRST"
rm -f "$T/a.log"

while read -r who what outcome; do row "$who" "$what" "$outcome" < /dev/null; done < <(rows we)
same "no clear packet" 0 "$CLEAR_SEEN"
finish
