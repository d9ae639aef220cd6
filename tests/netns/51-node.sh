#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 51-node.sh - appliances and agents that a manager configures: enrolment, changes while frames flow, either side away, kill -9.
# limit: 300
#
#   a: causewayd 10.44.0.1:9443, ne-1, ix-1        b: ne-2, ix-2, causeway-agent kvm1
#      br-web, br-db                                  br-web, br-db
PFX=${PFX:-cwd$$}
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/netns/ne.sh
. "$HERE/ne.sh"
requires root tun ip python3 sqlite3 openssl bin/causewayd bin/causeway bin/causeway-ix bin/causeway-ne bin/causeway-agent
net_up
for s in a b; do segment $s br-web; segment $s br-db; done
host ha a br-web 52:54:00:00:00:0a 192.168.101.1/24
host hb b br-web 52:54:00:00:00:0b 192.168.101.2/24

S=$T/site
SOCK=$S/s.sock
mkdir -p "$S"
printf '%s\n' "state: $S/state" "listen: {address: 10.44.0.1}" "socket: $SOCK" "token: $S/token" > "$T/m.yaml"
api() { "$PY" "$HERE/node.py" "$@"; }
get() { api get "$SOCK" "/api/v1/$1" "${@:2}" 2> /dev/null; }
got() { [ "$(get "$2" "$3")" = "$1" ]; }
answers() { "$B/bin/causeway" --socket "$SOCK" site show > /dev/null 2>&1 || [ $? = 10 ]; }
manager() { # manager [IMPAIR]
	spawn a "$T/m.log" env "CAUSEWAY_IMPAIR=${1:-}" "$B/bin/causewayd" --config "$T/m.yaml"
	MANAGER=$PID
	must wait_for 5 answers
}
refused() { ! "$@" > /dev/null 2>&1; }
murder() { kill -9 "$1"; wait "$1" 2> /dev/null; }

# What causeway-helper does: a program that ends is started again.
cat > "$T/keep" << 'END'
#!/bin/bash
stop() { kill "$P" 2> /dev/null; wait "$P"; exit 0; }
trap stop TERM
for ((;;)); do
	"$@" &
	P=$!
	wait "$P"
	sleep 0.2
done
END
chmod +x "$T/keep"
node() { # node NAMESPACE PROGRAM NAME: kept running
	spawn "$1" "$T/$3.log" "$T/keep" "$B/bin/causeway-$2" --node "$T/$3"
}
folder() { mkdir -m 700 "$T/$1"; (umask 077; api invite "$S/state/manager.db" "$S/state/tls.crt" 10.44.0.1:9443 onprem "$1" "$2" > "$T/$1/seed.json"); }
want() { must api want "$S/state/manager.db" "$@"; }

# ---- what nodes should be ----
tunnel() { # tunnel ME OTHER MY-ADDRESS ITS-ADDRESS PORT MY-TS ITS-TS
	cat <<-END
	"uplinks": [{"address": "$3", "port": $5}], "tunnels": [{"name": "far", "remote": {"address": "$4", "port": $5},
	"auth": {"method": "cert", "cert": "node.crt", "key": "node.key", "ca": "far-ca.crt", "local_id": "$1.onprem", "remote_id": "$2.onprem"},
	"initiate": ${INITIATE:-true}, "local_ts": "$6/32", "remote_ts": "$7/32", "dpd": "${DPD:-2s}"}]
	END
}
web='{"name": "web", "vni": 77, "bridge": "br-web", "tunnel": "far"}'
db='{"name": "db", "vni": 78, "bridge": "br-db", "tunnel": "far"}'
ne1() { echo "{$(tunnel ne-1 ne-2 10.44.0.1 10.44.0.2 4500 10.71.1.1 10.71.2.1), \"extensions\": [$1]}"; }
ne2() { echo "{$(INITIATE=false tunnel ne-2 ne-1 10.44.0.2 10.44.0.1 4500 10.71.2.1 10.71.1.1), \"extensions\": [$1]}"; }
wants() { want ne-1 "$(ne1 "$1")" "$T/far-ca.crt"; want ne-2 "$(ne2 "$1")" "$T/far-ca.crt"; }
# again COMMAND...: the manager hears of it as if a job had written it
again() { stop "$MANAGER"; "$@"; manager; }

manager
must "$B/bin/causeway" --socket "$SOCK" site init --name onprem > /dev/null
stop "$MANAGER"
cp "$S/state/ca.crt" "$T/far-ca.crt"
for n in "ne-1 ne" "ne-2 ne" "ix-1 ix" "ix-2 ix"; do
	# shellcheck disable=SC2086 # two words
	folder $n
done
wants "$web"
want ix-1 "{$(tunnel ix-1 ix-2 10.44.0.1 10.44.0.2 4510 10.72.1.1 10.72.2.1)}" "$T/far-ca.crt"
want ix-2 "{$(INITIATE=false tunnel ix-2 ix-1 10.44.0.2 10.44.0.1 4510 10.72.2.1 10.72.1.1)}" "$T/far-ca.crt"
cp -r "$T/ne-1" "$T/thief"
manager

# ---- enrolled and configured ----
same "an appliance that was never there" starting "$(get appliances/ne-1 state)"
node a ne ne-1
node b ne ne-2
node a ix ix-1
node b ix ix-2
for n in ne-1 ne-2 ix-1 ix-2; do
	check "$n is as it should be" wait_for 20 got true appliances/$n configured
	check "$n has its tunnel" wait_for 20 got up tunnels/$n%2Ffar state
	refuses "the token of $n is erased" grep -q token "$T/$n/seed.json"
done
same "mode of the key" 600 "$(stat -c %a "$T/ne-1/node.key")"
same "the certificate is of the site's CA" "$T/ne-1/node.crt: OK" "$(openssl verify -CAfile "$S/state/ca.crt" "$T/ne-1/node.crt" 2>&1)"
check "with the name of the node" bash -c "openssl x509 -in '$T/ne-1/node.crt' -noout -ext subjectAltName | grep -q 'DNS:ne-1.onprem'"
check "frames pass" wait_for 5 in_ns ha ping -c 1 -W 1 -q 192.168.101.2
check "packets pass between the inner addresses of the IX" wait_for 5 in_ns a ping -c 1 -W 1 -q -I 10.72.1.1 10.72.2.1
same "four appliances" 4 "$(get appliances | "$PY" -c 'import json,sys; print(len(json.load(sys.stdin)["items"]))')"
refuses "a tunnel's name that four have" get tunnels/far
same "its process" "$(get appliances/ne-1 pid)" "$(ask "$T/ne-1/control.sock" appliance show "" pid)"

# ---- a stolen seed ----
spawn a "$T/thief.log" "$B/bin/causeway-ne" --node "$T/thief"
THIEF=$PID
check "a token that was used is worth nothing" wait_for 5 grep -q 'does not let this node in' "$T/thief.log"
stop "$THIEF"
check "and the node goes on" got up appliances/ne-1 state

# ---- an extension comes and goes while frames flow ----
NE1=$(get appliances/ne-1 pid)
in_ns ha ping -i 0.05 -w 12 192.168.101.2 > "$T/ping" &
PING=$!
again wants "$web, $db"
up_twice() { is up "$T/ne-1/control.sock" extension show db state && is up "$T/ne-2/control.sock" extension show db state; }
check "a second extension" wait_for 10 up_twice
again wants "$web"
check "gone again" wait_for 10 refused ask "$T/ne-1/control.sock" extension show db
wait "$PING"
LOST=$(sed -n 's/^\([0-9]*\) packets transmitted, \([0-9]*\) received.*/\1 \2/p' "$T/ping" | awk '{ print $1 - $2 }')
check "no frame of the first was lost ($LOST)" test "$LOST" -le 1         # the last may still be under way
same "the process is the same" "$NE1" "$(get appliances/ne-1 pid)"

# ---- a refusal ----
again want ne-1 "$(ne1 "$web, {\"name\": \"x\", \"vni\": 9, \"bridge\": \"br-none\", \"tunnel\": \"far\"}")" "$T/far-ca.crt"
check "what cannot be is said" wait_for 10 bash -c "'$PY' '$HERE/node.py' get '$SOCK' /api/v1/appliances/ne-1 problem | grep -q br-none"
same "the process is the same" "$NE1" "$(get appliances/ne-1 pid)"
check "frames pass" in_ns ha ping -c 1 -W 1 -q 192.168.101.2
again wants "$web"
check "no complaint any more" wait_for 10 got null appliances/ne-1 problem

# ---- starting anew, and the manager away ----
changed() { local p; p=$(get appliances/ne-1 pid) && [ "$p" != "$NE1" ] && got true appliances/ne-1 configured; }
DPD=3s again want ne-1 "$(DPD=3s ne1 "$web")" "$T/far-ca.crt"
check "another tunnel is another process" wait_for 15 changed
check "frames pass" wait_for 15 in_ns ha ping -c 1 -W 1 -q 192.168.101.2
NE1=$(get appliances/ne-1 pid)
murder "$MANAGER"
kill -9 "$NE1"
check "without its manager a node runs on what it has" wait_for 20 in_ns ha ping -c 1 -W 1 -q 192.168.101.2
check "as another process" wait_for 5 refused alive "$NE1"
manager
check "and is there when the manager is" wait_for 10 changed

# ---- a host ----
SEED=$(api post "$SOCK" /api/v1/hosts '{"name": "kvm1"}' seed)
check "an invitation is one line" test "${SEED:0:3}" = CN1
"$B/bin/causeway-agent" --enrol --state "$T/kvm1" <<< "${SEED:0:100}" 2> "$T/err"; same "half an invitation" 1 $?
check "enrolled by hand" bash -c "'$B/bin/causeway-agent' --enrol --state '$T/kvm1' > /dev/null" <<< "$SEED"
node b agent kvm1
check "the host is there" wait_for 10 got up hosts/kvm1 state
check "it says its addresses" bash -c "'$PY' '$HERE/node.py' get '$SOCK' /api/v1/hosts/kvm1 addresses | grep -q 10.44.0.2/24"
check "and its bridges" bash -c "'$PY' '$HERE/node.py' get '$SOCK' /api/v1/hosts/kvm1 bridges | grep -q br-web"
refuses "invited twice" api post "$SOCK" /api/v1/hosts '{"name": "kvm1"}'
agent() { echo "{\"listen\": \"tcp:10.44.0.2:$1\", \"peers\": [{\"site\": \"cloud\", \"dial\": \"tcp:10.44.0.1:7001\"}]}"; }
listens() { in_ns b ss -Hltn "sport = :$1" | grep -q .; }
again want kvm1 "$(agent 7000)"
check "it listens where it should" wait_for 10 listens 7000
AGENT=$(get hosts/kvm1 pid)
again want kvm1 "$(agent 7002)"
check "and elsewhere when it should" wait_for 10 listens 7002
check "and not where it did" refused listens 7000
same "as the same process" "$AGENT" "$(get hosts/kvm1 pid)"
same "removed" 200 "$(api delete "$SOCK" /api/v1/hosts/kvm1)"
same "and not there any more" 404 "$(api delete "$SOCK" /api/v1/hosts/kvm1)"
check "its key is not known any more" wait_for 10 grep -q 'does not know this node any more' "$T/kvm1.log"

# ---- a silent appliance ----
NE1=$(get appliances/ne-1 pid)
kill -STOP "$NE1"
check "a silent appliance is down" wait_for 10 got down appliances/ne-1 state
same "without a process" null "$(get appliances/ne-1 pid)"
same "and so is its tunnel" down "$(get tunnels/ne-1%2Ffar state)"
kill -CONT "$NE1"
check "and up again" wait_for 10 got up appliances/ne-1 state

# ---- kill -9 around each write of an enrolment ----
enrolled() { got true "hosts/$1" enrolled && got up "hosts/$1" state; }
times() { sqlite3 "$S/state/manager.db" "SELECT count(*) FROM node WHERE name = '$1' AND pin <> ''"; }
point() { # point POINT WHO: the enrolment of a host meets kill -9 there, once
	local n=k-${1//./-} agent
	must api post "$SOCK" /api/v1/hosts "{\"name\": \"$n\"}" seed > "$T/line"
	must "$B/bin/causeway-agent" --enrol --state "$T/$n" < "$T/line" > /dev/null
	[ "$2" = node ] || { stop "$MANAGER"; manager "$1=kill"; }
	spawn b "$T/$n.log" env "CAUSEWAY_IMPAIR=$1=kill" "$B/bin/causeway-agent" --node "$T/$n"
	agent=$PID
	if [ "$2" = node ]; then
		check "$1: it dies" wait_for 10 dead "$agent"
	else
		check "$1: the manager dies" wait_for 10 dead "$MANAGER"
		manager
	fi
	stop "$agent"
	node b agent "$n"
	check "$1: it is enrolled" wait_for 15 enrolled "$n"
	same "$1: once" 1 "$(times "$n")"
	refuses "$1: its token is erased" grep -q token "$T/$n/seed.json"
}
if grep -q CAUSEWAY_IMPAIR "$B/bin/causewayd"; then
	for p in node.key.before node.key.after node.cert.before node.cert.after node.seed.after; do point $p node; done
	for p in node.row.before node.row.after; do point $p manager; done
else
	say "no kill points in this build: make B=build-debug DEBUG=1 has them"
fi
refuses "no token is in a log" bash -c "sed -n 's/.*\"token\": *\"\([0-9a-f]*\)\".*/\1/p' '$T/thief/seed.json' | grep -qFf - '$T'/*.log"
grep -q __asan_init "$B/bin/causewayd" || check "the manager is small" test "$(rss_kib "$MANAGER")" -lt 32768
finish
