#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 50-pairing.sh - site managers that get to know each other: by the command line, against strangers, and through kill -9.
# limit: 400
PFX=${PFX:-cwp$$}
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"
requires root ip python3 socat openssl bin/causewayd bin/causeway
net_up

# Nobody can dial site b: it listens to itself only. Site a is reached through a relay on the WAN. Site c is a rival.
#   a 10.44.0.1:9443   w 10.44.0.3:9443 (relay to a)   b 10.44.0.2   c at w:9444
declare -A NS=([a]=a [b]=b [c]=w) ADDRESS=([a]=10.44.0.1 [b]=127.0.0.1 [c]=10.44.0.3) PORT=([a]=9443 [b]=9443 [c]=9444) DAEMON=()
declare -A NAME=([a]=onprem [b]=cloud [c]=rival)
conf() { # conf SITE [EXTRA]
	mkdir -p "$T/$1"
	printf '%s\n' "state: $T/$1/state" "listen: {address: ${ADDRESS[$1]}, port: ${PORT[$1]}}" "socket: $T/$1/manager.sock" \
		"token: $T/$1/admin.token" "${2:-advertise: []}" > "$T/$1.yaml"
}
cli() { local s=$1; shift; "$B/bin/causeway" --socket "$T/$s/manager.sock" "$@"; }
up() { cli "$1" pair list > /dev/null; }
answers() { cli "$1" site show > /dev/null 2>&1 || [ $? = 10 ]; }
start() { # start SITE [IMPAIR]
	spawn "${NS[$1]}" "$T/$1.log" env "CAUSEWAY_IMPAIR=${2:-}" "$B/bin/causewayd" --config "$T/$1.yaml"
	DAEMON[$1]=$PID
	must wait_for 5 answers "$1"
}
murder() { kill -9 "${DAEMON[$1]}"; wait "${DAEMON[$1]}" 2> /dev/null; }
get() { # get SITE PAIRING FIELD
	cli "$1" -o json pair show "$2" 2> /dev/null | "$PY" -c "import json,sys; v=json.load(sys.stdin).get('$3'); print('' if v is None else v)"
}
# How many pairings of SITE are in STATE.
count() { cli "$1" -o json pair list | "$PY" -c "import json,sys; print(sum(p['state'] == '$2' for p in json.load(sys.stdin)['items']))"; }
is_count() { [ "$(count "$1" "$2")" = "$3" ]; }
no_hope() { is_count "$1" confirming 0 && is_count "$1" paired 0; }
state_is() { [ "$(get "$1" "$2" state)" = "$3" ]; }
both() { state_is a cloud "$1" && state_is b onprem "$1"; }
part() { # ends what there is between a and b
	cli a pair revoke cloud > /dev/null 2>&1
	cli b pair revoke onprem > /dev/null 2>&1
	must wait_for 15 no_hope a
	must wait_for 15 no_hope b
}
stranger() { in_ns w "$PY" "$HERE/pairing.py" "$@"; }

# ---- refused before anything happens ----
conf a 'advertise: ["10.44.0.3:9443"]'
conf b
conf c
check "a good file passes --check" "$B/bin/causewayd" --config "$T/a.yaml" --check
sed 's/advertise: .*/advertise: ["0.0.0.0:9443"]/' "$T/a.yaml" > "$T/bad.yaml"
out=$("$B/bin/causewayd" --config "$T/bad.yaml" --check 2>&1)
same "a bad file does not" 2 $?
case $out in *'advertise[0]'*) ok "and names the field" ;; *) not_ok "and names the field" "$out" ;; esac

# ---- who we are ----
for s in a b c; do start $s; done
cli a site show 2> "$T/err"; same "a site that is not there yet" 10 $?
cli a pair invite 2> "$T/err"; same "no invitation without a site" 5 $?
for s in a b c; do must cli $s site init --name "${NAME[$s]}" > /dev/null; done
cli a site init --name again 2> "$T/err"; same "a second init" 9 $?
same "mode of the token" 600 "$(stat -c %a "$T/a/admin.token")"
same "mode of the keys" "600 600" "$(stat -c %a "$T/a/state/ca.key" "$T/a/state/tls.key" | xargs)"
same "mode of the socket" 600 "$(stat -c %a "$T/a/manager.sock")"
check "the certificate is of the site's CA" openssl verify -CAfile "$T/a/state/ca.crt" "$T/a/state/tls.crt" > /dev/null
refuses "a second manager on the same socket" "$B/bin/causewayd" --config "$T/a.yaml" 2> "$T/second.log"
check "the first one is still there" answers a
PIN=$(cli a -o json site show | "$PY" -c 'import json,sys; print(json.load(sys.stdin)["pin"])')
same "the pin is what openssl says" "$(openssl x509 -in "$T/a/state/tls.crt" -noout -pubkey | openssl pkey -pubin -outform DER |
	sha256sum | cut -d' ' -f1)" "$PIN"

# ---- with somebody between them ----
relay_up() { spawn w "$T/relay.log" socat TCP-LISTEN:9443,bind=10.44.0.3,fork,reuseaddr TCP:10.44.0.1:9443
	must wait_for 5 in_ns b socat -u OPEN:/dev/null TCP:10.44.0.3:9443; }
pki "$T"
spawn w "$T/middle.log" "$PY" "$HERE/pairing.py" middle 10.44.0.3 9443 "$T/a.crt" "$T/a.key" "$T/overheard"
MIDDLE=$PID
must wait_for 5 grep -q listening "$T/middle.log"
I=$(cli a pair invite)
cli b pair accept "$I" 2> "$T/err"; same "another key at the address of the invitation" 1 $?
check "and says so" grep -q 'does not have the key' "$T/err"
check "before anything was sent" test ! -s "$T/overheard"
same "nothing is left at b" "0 0" "$(count b invited) $(count b confirming)"
stop "$MIDDLE"

# ---- the whole way, through a relay that cannot read ----
relay_up
OUT=$(cli b pair accept "$I")
check "accepted" test -n "$OUT"
same "a is confirming" confirming "$(get a cloud state)"
same "b is confirming" confirming "$(get b onprem state)"
W=$(get a cloud words)
same "the same words at both" "$W" "$(get b onprem words)"
same "four of them" 4 "$(wc -w <<< "$W")"
cli c pair accept "$I" 2> "$T/err"; same "a used string" 7 $?
cli b pair accept "$I" 2> "$T/err"; same "twice at the same site" 9 $?
check "confirmed at a" cli a pair confirm cloud --words "$W" > /dev/null
same "one confirmation is no pairing" "confirming confirming" "$(get a cloud state) $(get b onprem state)"
check "confirmed at b, with other separators" cli b pair confirm onprem --words "$(tr 'a-z ' 'A-Z-' <<< "$W")" > /dev/null
check "paired at both" wait_for 5 both paired
cli a pair confirm cloud --words "$W" 2> "$T/err"; same "nothing left to confirm" 9 $?
refuses "the secret is in no log" grep -qF "${I:10:40}" "$T/a.log" "$T/b.log"
refuses "nor in the database" grep -qaF "${I:10:40}" "$T/a/state/manager.db" "$T/b/state/manager.db"
I2=$(cli a pair invite); cli b pair accept "$I2" 2> "$T/err"; same "a second pairing with the same site" 9 $?

# ---- calls, both ways over what b has dialled ----
connected() { [ "$(get a cloud connected) $(get b onprem connected)" = "True True" ]; }
ms() { echo $(($(date +%s%N) / 1000000)); }
refuses "nobody can dial b" in_ns w socat -u OPEN:/dev/null TCP:10.44.0.2:9443,connect-timeout=2 2> /dev/null
check "calls go both ways" wait_for 3 connected
check "a asks b" cli a pair check cloud > "$T/check"
check "b asks a" cli b pair check onprem >> "$T/check"
cli a pair check rival 2> "$T/err"; same "a site that is not paired" 10 $?
cli c pair check onprem 2> "$T/err"; same "nor can c ask" 10 $?
for victim in a b; do
	murder $victim
	START=$(ms)
	start $victim
	check "kill -9 of $victim: calls again" wait_for 5 connected
	TOOK=$(($(ms) - START))
	check "within 3 s ($TOOK ms)" test "$TOOK" -le 3000
	check "a asks b again" cli a pair check cloud > /dev/null
	check "b asks a again" cli b pair check onprem > /dev/null
done

# ---- strangers on 9443 ----
asked() { local name=$1 want=$2; shift 2; same "$name" "$want" "$(stranger request 10.44.0.1 9443 "$@")"; }
asked "/peer/v1 without a certificate" 401 POST /peer/v1/pairing '{"invite_id": "0"}'
asked "/peer/v1 with another certificate" 403 POST /peer/v1/pairing '{"invite_id": "0"}' --cert "$T/b.crt" --key "$T/b.key"
asked "/peer/v1 with the pinned certificate" 404 POST /peer/v1/pairing '{"invite_id": "0"}' --cert "$T/b/state/tls.crt" --key "$T/b/state/tls.key"
asked "a line without a certificate" 401 POST /peer/v1/poll '{}'
asked "a line with another certificate" 403 POST /peer/v1/poll '{}' --cert "$T/b.crt" --key "$T/b.key"
asked "a call with another certificate" 403 POST /peer/v1/call '{"noun": "site", "verb": "show"}' --cert "$T/b.crt" --key "$T/b.key"
asked "a poll that is none" 400 POST /peer/v1/poll '{}' --cert "$T/b/state/tls.crt" --key "$T/b/state/tls.key"
asked "/pair/v1 without a certificate" 401 POST /pair/v1/hello '{}'
asked "/pair/v1 with half a message" 400 POST /pair/v1/hello '{"invite_id": "00"}' --cert "$T/b.crt" --key "$T/b.key"
asked "/pair/v1 that is no JSON" 400 POST /pair/v1/hello '{' --cert "$T/b.crt" --key "$T/b.key"
asked "/api/v1 without a token" 401 GET /api/v1/site ''
asked "/api/v1 with a wrong token" 403 GET /api/v1/site '' --token 00
asked "/api/v1 with the token" 200 GET /api/v1/site '' --token "$(cat "$T/a/admin.token")"
asked "/api/v1 with a site's certificate only" 401 GET /api/v1/pairings '' --cert "$T/b/state/tls.crt" --key "$T/b/state/tls.key"
asked "a path that is not there" 404 GET /api/v1/nothing ''
asked "two lengths" 400 POST /api/v1/site '{}' --header "Content-Length: 2" --header "Content-Length: 3"
asked "two hosts" 400 GET /api/v1/site '' --header "Host: y"
# It is refused while it still arrives, so the answer may be lost with the connection.
LARGE=$(stranger request 10.44.0.1 9443 POST /pair/v1/hello "$(head -c 70000 /dev/zero | tr '\0' ' ')")
check "a body of 70 kB ($LARGE)" test "$LARGE" = 413 -o "$LARGE" = closed
same "TLS 1.2" refused "$(stranger tls12 10.44.0.1 9443)"
SECONDS_TO_CUT=$(stranger drip 10.44.0.1 9443)
check "bytes that drip are cut off ($SECONDS_TO_CUT s)" test "$SECONDS_TO_CUT" -ge 8 -a "$SECONDS_TO_CUT" -le 14
stranger crowd 10.44.0.1 9443 150 > "$T/crowd" & CROWD=$!
check "root is served beside a crowd on the network" wait_for 2 up a
wait $CROWD
read -r WAITED _ < "$T/crowd"
check "150 silent connections keep the next one waiting for $WAITED s" test "$WAITED" -le 2
check "and the line through it all" connected

# ---- size and speed ----
RSS=$(rss_kib "${DAEMON[a]}")
if ldd "$B/bin/causewayd" | grep -q libasan; then say "resident: $RSS KiB with a sanitizer"
else check "under 32 MiB resident ($RSS KiB)" test "$RSS" -lt 32768; fi
MS=$("$PY" - "$T/a/manager.sock" <<'PYTHON'
import http.client, socket, sys, time
best = []
for _ in range(20):
    s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
    c = http.client.HTTPConnection("x"); c.sock = s
    t = time.monotonic(); c.request("GET", "/api/v1/pairings"); c.getresponse().read()
    best.append(time.monotonic() - t)
print(int(sorted(best)[10] * 1000))
PYTHON
)
check "the list in under 20 ms ($MS ms)" test "$MS" -lt 20

# ---- the end of a pairing ----
pair_up() {
	I=$(cli a pair invite); must cli b pair accept "$I" > /dev/null
	W=$(get a cloud words)
	must cli a pair confirm cloud --words "$W" > /dev/null
	must cli b pair confirm onprem --words "$W" > /dev/null
	must wait_for 5 connected
}
for by in a b; do
	if [ $by = a ]; then P=cloud O=b Q=onprem; else P=onprem O=a Q=cloud; pair_up; fi
	must wait_for 3 connected
	START=$(ms)
	check "revoked at $by" cli $by pair revoke $P > /dev/null
	check "$O hears of it" wait_for 15 state_is $O $Q revoked
	TOOK=$(($(ms) - START))
	check "within a second ($TOOK ms)" test "$TOOK" -le 1000
	cli $by pair check $P 2> "$T/err"; same "no calls afterwards from $by" 10 $?
	cli $O pair check $Q 2> "$T/err"; same "nor from $O" 10 $?
done
refuses "and nothing of it lives at a" is_count a paired 1

# ---- strings that pair nobody ----
accept_fails() { local name=$1 want=$2; cli b pair accept "$3" > /dev/null 2> "$T/err"; same "$name" "$want" $?; }
accept_fails "a string that lost a letter" 5 "${I2%?}"
OTHER=A; [ "${I2:30:1}" = A ] && OTHER=B
accept_fails "a string with a changed letter" 5 "${I2:0:30}$OTHER${I2:31}"
accept_fails "an empty string" 2 ""
EXPIRED=$(cli a pair invite --valid 1s)
must wait_for 5 is_count a invited 1
accept_fails "an expired string" 5 "$EXPIRED"
FORGED=$(in_ns w "$PY" "$HERE/pairing.py" forge "$I2")
for i in 1 2 3 4 5; do accept_fails "a wrong secret, try $i" 7 "$FORGED"; done
accept_fails "the right secret after five wrong ones" 7 "$I2"
check "nothing came of all that" no_hope a
check "nor at b" no_hope b
same "nothing invited is left at b" 0 "$(count b invited)"

# ---- two sites, one string ----
for i in 1 2 3; do
	I=$(cli a pair invite)
	cli b pair accept "$I" > "$T/race.b" 2>&1 & P1=$!
	cli c pair accept "$I" > "$T/race.c" 2>&1 & P2=$!
	wait $P1; R1=$?
	wait $P2; R2=$?
	check "race $i: exactly one wins ($R1 $R2)" test $(((R1 == 0) + (R2 == 0))) = 1
	same "race $i: one pairing at a" 1 "$(count a confirming)"
	same "race $i: one at the others" 1 $(($(count b confirming) + $(count c confirming)))
	cli a pair revoke cloud > /dev/null 2>&1; cli a pair revoke rival > /dev/null 2>&1
	must wait_for 15 no_hope b
	must wait_for 15 no_hope c
done

# ---- wrong words ----
for s in a b; do
	I=$(cli a pair invite); must cli b pair accept "$I" > /dev/null
	W=$(get a cloud words)
	if [ $s = a ]; then O=b P=onprem Q=cloud; else O=a P=cloud Q=onprem; fi
	must cli $O pair confirm $P --words "$W" > /dev/null
	cli $s pair confirm $Q --words "${W% *} zebra" 2> "$T/err"; same "wrong words at $s" 7 $?
	check "wrong words at $s end it at both" wait_for 15 both revoked
	cli $s pair confirm $Q --words "$W" 2> "$T/err"; same "right words afterwards do not help" 9 $?
done

# ---- kill -9 between the steps ----
for victim in a b; do
	I=$(cli a pair invite)
	murder $victim; start $victim
	must cli b pair accept "$I" > /dev/null
	W=$(get a cloud words)
	murder $victim; start $victim
	same "words survive kill -9 of $victim" "$W" "$(get $victim "$([ $victim = a ] && echo cloud || echo onprem)" words)"
	must cli a pair confirm cloud --words "$W" > /dev/null
	murder $victim; start $victim
	must cli b pair confirm onprem --words "$W" > /dev/null
	murder $victim; start $victim
	check "kill -9 of $victim between the steps: paired at both" wait_for 15 both paired
	murder $victim; start $victim
	check "still paired after another one" both paired
	part
done

# ---- kill -9 within the steps: never at one side only ----
settled() { is_count b invited 0; }
agree() { [ "$(count a confirming)" = "$(count b confirming)" ]; }
for victim in a b; do
	for delay in 0 0.03 0.06 0.08 0.1 0.12 0.14 0.17; do
		I=$(cli a pair invite)
		cli b pair accept "$I" > "$T/acc" 2>&1 & P1=$!
		sleep $delay            # any moment will do
		murder $victim; start $victim
		wait $P1
		must wait_for 30 settled
		check "kill -9 of $victim $delay s into accept: both or neither ($(count b confirming))" wait_for 10 agree
		if is_count b confirming 1; then
			W=$(get b onprem words)
			cli a pair confirm cloud --words "$W" > /dev/null
			cli b pair confirm onprem --words "$W" > "$T/acc" 2>&1 & P1=$!
			sleep $delay
			murder $victim; start $victim
			wait $P1
			cli b pair confirm onprem --words "$W" > /dev/null 2>&1
			check "kill -9 of $victim $delay s into confirm: paired at both" wait_for 15 both paired
		fi
		part
	done
done

# ---- kill -9 before and after each write, where the build can do that ----
# The one at POINT of SITE dies there, comes back, and the two go on as people would: the steps are done again until they hold.
# It may die well after the command that makes it die was answered, so every look at it begins with revive().
revive() { if dead "${DAEMON[$1]}"; then wait "${DAEMON[$1]}" 2> /dev/null; DIED=1; start "$1"; fi; }
over() { dead "${DAEMON[$1]}" || both paired; }
through() { # through SITE POINT
	local string='' words n
	DIED=0
	murder "$1"; start "$1" "$2=kill"
	for n in 1 2 3; do
		revive "$1"
		both paired && break
		if is_count b confirming 0; then
			string=$(cli a pair invite 2> /dev/null) || { revive a; string=$(cli a pair invite); }
			cli b pair accept "$string" > /dev/null 2>&1
			revive "$1"
			must wait_for 30 settled
			check "$1 dies at $2: both or neither" wait_for 10 agree
		fi
		words=$(get b onprem words)
		[ -n "$words" ] || continue
		cli a pair confirm cloud --words "$words" > /dev/null 2>&1; revive "$1"
		cli a pair confirm cloud --words "$words" > /dev/null 2>&1
		cli b pair confirm onprem --words "$words" > /dev/null 2>&1
		wait_for 5 over "$1"; revive "$1"
		cli b pair confirm onprem --words "$words" > /dev/null 2>&1
		wait_for 5 over "$1"
	done
	revive "$1"
	check "$1 died at $2 and is paired" test "$DIED" = 1
	check "$1 died at $2: paired at both in the end" both paired
	murder "$1"; start "$1"
	part
}
if grep -q CAUSEWAY_IMPAIR "$B/bin/causewayd"; then
	for when in before after; do
		for state in invited confirming words paired; do
			through a "pair.inviter.$state.$when"
			through b "pair.acceptor.$state.$when"
		done
	done
else
	say "no kill points in this build: make B=build-debug DEBUG=1 has them"
fi

# ---- away for longer than a few calls ----
I=$(cli a pair invite); must cli b pair accept "$I" > /dev/null
W=$(get a cloud words)
must cli b pair confirm onprem --words "$W" > /dev/null
murder a
sleep 6
start a
must cli a pair confirm cloud --words "$W" > /dev/null
check "the inviter was away for six calls: paired at both" wait_for 15 both paired
part

# ---- wrong words while the other site is away ----
I=$(cli a pair invite); must cli b pair accept - <<< "$I" > /dev/null
W=$(get a cloud words)
must cli a pair confirm cloud --words "$W" > /dev/null
murder a
cli b pair confirm onprem --words "acorn acorn acorn acorn" 2> "$T/err"; same "wrong words while the inviter is dead" 7 $?
murder b; start b; start a
check "it hears of them when it is back" wait_for 15 both revoked
for s in a b c; do
	kill -TERM "${DAEMON[$s]}"
	check "$s ends on SIGTERM" wait_for 10 dead "${DAEMON[$s]}"
	refuses "$s leaves no socket" test -e "$T/$s/manager.sock"
done
check "no complaint of a sanitizer" test -z "$(grep -l 'ERROR: \|runtime error' "$T"/*.log)"
finish
