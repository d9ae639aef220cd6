#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 60-helper.sh - causeway-helper: appliances placed, kept running, removed, whoever is killed when; TAPs; probes.
# limit: 400
#
#        br-up 192.168.1.33/28 ──── uplink  ┐
#        br-mo (MTU 1400)      ──── vmotion ┴ cw-NAME (the appliance)      br-up ──── eth0 192.168.1.40 (host h)
#        br-web 10.9.0.1 (host w) ── cw-77, the TAP of ne-1 ══ tunnel ══ the appliance at h ── br-far 10.9.0.2 (host f)
#
# All of it in network, mount and process namespaces of the test's own: nothing outlives it.
if [ -z "${INSIDE:-}" ]; then
	[ "$(id -u)" = 0 ] || { echo "skip: needs root"; exit 77; }
	INSIDE=1 exec unshare --mount --net --pid --fork --mount-proc --kill-child bash "$0" "$@"
fi
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/netns/ne.sh
. "$HERE/ne.sh"
requires root tun bin/causeway-helper bin/causeway-ne bin/causeway

T=$(mktemp -d "${TMPDIR:-/tmp}/causeway-netns.XXXXXX") || exit 1
if [ -n "${KEEP:-}" ]; then on_exit say "kept: $T"; else on_exit rm -rf "$T"; fi
must mount -t tmpfs -o mode=755 causeway-test /run
S=$T/appliances
H=$T/helper.sock

# ---- the machine ----
ip link set lo up
must ip netns attach "${PFX}m" $$          # the machine itself, for those who want a name
for b in br-up br-mo; do ip link add $b type bridge mcast_snooping 0; done
segment m br-web
ip link set br-mo mtu 1401
ip link set br-mo mtu 1400
for b in br-up br-mo; do ip link set $b up; done
ip addr add 192.168.1.33/28 dev br-up
ns_add h
ip link add p-h type veth peer name eth0 netns "${PFX}h"
ip link set p-h master br-up up
in_ns h ip link set eth0 address 52:54:00:00:00:40 up
in_ns h ip addr add 192.168.1.40/28 dev eth0

# A program that stands for an appliance where only its process matters.
mkdir "$T/bin"
cat > "$T/bin/causeway-ix" <<'END'
#!/bin/bash
echo "started $*"
exec sleep infinity
END
cp "$T/bin/causeway-ix" "$T/bin/causeway-ne"
chmod 755 "$T"/bin/*
cat > "$T/helper.yaml" <<END
socket: $H
tap_socket: $T/tap.sock
state: $S
bin: $T/bin
END

# ---- the helper ----
HELPER=
helper_start() { # helper_start [POINT=ACTION]
	CAUSEWAY_IMPAIR=${1:-} "$B/bin/causeway-helper" --config "$T/helper.yaml" >> "$T/helper.log" 2>&1 < /dev/null &
	HELPER=$!
	# One that dies while it takes up what was placed never listens.
	wait_for 5 eval '[ -S "$H" ] && ask "$H" appliance list || dead $HELPER'
}
# It may still be told from its socket file, which the next one replaces.
helper_kill() { kill -9 "$HELPER" 2> /dev/null; wait "$HELPER" 2> /dev/null; rm -f "$H"; }
on_exit eval 'kill "$HELPER" 2> /dev/null'

UPLINK='{"name":"uplink","bridge":"br-up","address":"192.168.1.34/28","gateway":"192.168.1.33"}'
VMOTION='{"name":"vmotion","bridge":"br-mo","address":"192.168.1.74/27","mtu":1300}'
place() { ARGS="{\"kind\":\"$2\",\"seed\":\"{}\",\"networks\":[$UPLINK,$VMOTION]}" ask "$H" appliance place "$1"; }
remove() { ask "$H" appliance remove "$1"; }
pid_of() { ask "$H" appliance list 2> /dev/null | "$PY" -c 'import json,sys
print(next((i["pid"] for i in json.load(sys.stdin)["items"] if i["name"] == sys.argv[1]), 0))' "$1"; }
state_of() { ask "$H" appliance list 2> /dev/null | "$PY" -c 'import json,sys
print(next((i["state"] for i in json.load(sys.stdin)["items"] if i["name"] == sys.argv[1]), "none"))' "$1"; }
runs() { local p; p=$(pid_of "$1"); [ "${p:-0}" -gt 0 ] && alive "$p"; }
runs_anew() { runs "$1" && [ "$(pid_of "$1")" != "$2" ]; }
appliances() { pgrep -fc -- "--node $S|sleep infinity"; }
inside() { local n=$1; shift; ip netns exec "cw-$n" "$@"; }
# refused NAME CODE WORD COMMAND...: the problem has this code, and says WORD.
refused() {
	local name=$1 code=$2 word=$3 out; shift 3
	if out=$("$@" 2>&1); then not_ok "$name" "it was done: $out"; return; fi
	if [[ $out == *"\"code\": \"$code\""* && $out == *"$word"* ]]; then ok "$name"; else not_ok "$name" "$out"; fi
}
# What a removal must leave: nothing.
is_clean() {
	[ -z "$(ls -A "$S" 2> /dev/null)" ] && [ -z "$(ls /run/netns 2> /dev/null | grep '^cw-')" ] &&
		[ -z "$(ip -o link | grep -E ' (cwv|cw-)')" ] && [ "$(appliances)" = 0 ]
}
is_right() { # as placed: process, namespace, both networks, and the way out
	runs "$1" && inside "$1" ping -c 1 -W 1 -q 192.168.1.33 && [ "$(inside "$1" cat /sys/class/net/vmotion/mtu)" = 1300 ] &&
		inside "$1" ip -4 addr show dev vmotion | grep -q 192.168.1.74/27 && inside "$1" ip route | grep -q '^default via 192.168.1.33' &&
		[ "$(ip -o link show master br-mo | wc -l)" = 1 ] && [ "$(appliances)" = 1 ]
}

# ---- placed ----
helper_start
check "placed" place ix-1 ix
check "it runs, with its networks" is_right ix-1
check "the host on the bridge reaches it" in_ns h ping -c 1 -W 1 -q 192.168.1.34
check "and hears no ICMP error from a port that nobody serves yet" in_ns h "$PY" -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("192.168.1.34", 4500))
s.settimeout(0.3)
for _ in range(3):
    s.send(b"x")                # a refusal would be raised by the next call
    try:
        s.recv(1)
    except TimeoutError:
        pass'
same "nothing is forwarded there" 0 "$(inside ix-1 sysctl -n net.ipv4.ip_forward)"
check "the bridge keeps its MTU" eval "ip -o link show br-mo | grep -q 'mtu 1400 '"
same "folder" 700 "$(stat -c %a "$S/ix-1")"
same "seed" '{}' "$(cat "$S/ix-1/seed.json")"
same "program" "started --node $S/ix-1" "$(cat "$S/ix-1/log")"
P=$(pid_of ix-1)
check "placed again" place ix-1 ix
same "and nothing else happened" "$P" "$(pid_of ix-1)"
same "nor to its station" "$(inside ix-1 cat /sys/class/net/uplink/address)" "$("$PY" -c 'import json,sys
print(json.load(open(sys.argv[1]))["networks"][0]["mac"])' "$S/ix-1/place.json")"
refused "placed differently" conflict networks place ix-1 ne
ARGS="{\"kind\":\"ix\",\"seed\":\"{  }\",\"networks\":[$UPLINK,$VMOTION]}" ask "$H" appliance place ix-1 > /dev/null
same "another seed" '{  }' "$(cat "$S/ix-1/seed.json")"
check "is read by a process that starts anew" wait_for 2 runs_anew ix-1 "$P"
touch "$S/ix-1/site.crt"
ARGS="{\"kind\":\"ix\",\"seed\":\"{ }\",\"networks\":[$UPLINK,$VMOTION]}" ask "$H" appliance place ix-1 > /dev/null
same "a node that has enrolled keeps its seed" '{  }' "$(cat "$S/ix-1/seed.json")"

# ---- refused ----
try() { ARGS="{\"kind\":\"ix\",\"seed\":\"\",\"networks\":[$1]}" ask "$H" appliance place "${2:-x}"; }
refused "a bridge that is not there" not_found br-none try '{"name":"a","bridge":"br-none","address":"10.0.0.1/24"}'
refused "a bridge that is none" invalid p-h try '{"name":"a","bridge":"p-h","address":"10.0.0.1/24"}'
refused "a larger MTU than the bridge's" invalid mtu try '{"name":"a","bridge":"br-mo","address":"10.0.0.1/24","mtu":1500}'
refused "a name with a slash" invalid name try "$UPLINK" ../x
refused "a gateway elsewhere" invalid gateway try '{"name":"a","bridge":"br-up","address":"10.0.0.1/24","gateway":"10.0.1.1"}'
ip netns add cw-other
refused "somebody else's namespace" conflict cw-other try "$UPLINK" other
check "which stays" test -e /run/netns/cw-other
check "and removing it is nothing" remove other
check "it still stays" test -e /run/netns/cw-other
ip netns del cw-other
refused "an unknown verb" usage verb ask "$H" appliance explode ix-1
refused "no such appliance" not_found ix-9 ask "$H" appliance start ix-9
same "nothing came of all that" ix-1 "$(ls "$S")"

# ---- killed ----
P=$(pid_of ix-1)
kill -9 "$P"
START=${EPOCHREALTIME/./}
check "the appliance is killed and comes back" wait_for 2 runs_anew ix-1 "$P"
MS=$(((${EPOCHREALTIME/./} - START) / 1000))
check "within a second ($MS ms)" test "$MS" -lt 1000
P=$(pid_of ix-1)
helper_kill
check "the helper is killed and the appliance goes on" alive "$P"
helper_start
same "the next helper has it" "$P" "$(pid_of ix-1)"
kill -9 "$P"
check "and starts it again, too" wait_for 2 runs_anew ix-1 "$P"
P=$(pid_of ix-1)
helper_kill
kill -9 "$P"
wait_for 2 dead "$P"
helper_start
check "both are killed: started" wait_for 2 runs ix-1
for i in 1 2 3 4 5; do helper_kill; helper_start; done
check "five helpers later there is one" test "$(appliances)" = 1
"$B/bin/causeway-helper" --config "$T/helper.yaml" > "$T/second" 2>&1
same "a second helper leaves" 1 $?
P=$(pid_of ix-1)
for i in 1 2 3 4 5 6; do kill -9 "$P"; wait_for 3 runs_anew ix-1 "$P" || not_ok "time $i"; P=$(pid_of ix-1); done
check "killed six times in a row: it comes back each time" is_right ix-1
# The namespace and its cables are gone, as after a reboot.
helper_kill
kill -9 "$P"
ip netns del cw-ix-1
helper_start
check "without its namespace: made again" wait_for 5 is_right ix-1

# The name of the namespace was taken away from it, and it lives on with whoever is in it.
helper_kill
P=$(cut -d' ' -f1 "$S/ix-1/process")
inside ix-1 sleep 1001 & GUEST=$!
wait_for 5 pgrep -f 'sleep 1001'
ip netns del cw-ix-1
helper_start
check "its namespace has lost its name: all is made anew" wait_for 5 is_right ix-1
check "and the process, too" dead "$P"
kill $GUEST; wait $GUEST 2> /dev/null

# ---- stopped ----
check "stopped" ask "$H" appliance stop ix-1
same "it does not run" "0 down" "$(appliances) $(state_of ix-1)"
helper_kill; helper_start
sleep 1
same "nor after a new helper" 0 "$(appliances)"
check "started" ask "$H" appliance start ix-1
check "it runs" wait_for 2 is_right ix-1
P=$(pid_of ix-1)
check "restarted" ask "$H" appliance restart ix-1
check "it is another one" wait_for 2 runs_anew ix-1 "$P"
cat > "$T/bin/causeway-ne" <<'END'
#!/bin/bash
trap '' TERM
echo deaf
while :; do sleep 1000 & wait; done
END
UPLINK2='{"name":"uplink","bridge":"br-up","address":"192.168.1.35/28"}'
ARGS="{\"kind\":\"ne\",\"seed\":\"\",\"networks\":[$UPLINK2]}" must ask "$H" appliance place deaf > /dev/null
must wait_for 5 grep -q deaf "$S/deaf/log"
START=${EPOCHREALTIME/./}
check "one that does not listen to SIGTERM is removed" remove deaf
MS=$(((${EPOCHREALTIME/./} - START) / 1000))
check "after two seconds ($MS ms)" test "$MS" -ge 1900 -a "$MS" -lt 4000
same "and its own process with it" 0 "$(pgrep -fc 'sleep 1000')"

# ---- an appliance that cannot run ----
mv "$T/bin/causeway-ix" "$T/bin/stand-in"
ln -s "$B/bin/causeway-ix" "$T/bin/causeway-ix"
ARGS="{\"kind\":\"ix\",\"seed\":\"{}\",\"networks\":[$UPLINK2]}" must ask "$H" appliance place real > /dev/null
tries() { grep -c 'seed: name' "$S/real/log"; }
tried() { [ "$(tries)" -ge 5 ]; }
check "it is started again and again, and says why it ends" wait_for 8 tried
N=$(tries); sleep 3; N=$(($(tries) - N))
check "but not all the time ($N times in 3 s)" test "$N" -ge 2 -a "$N" -le 6
check "it is removed like any other" remove real
mv "$T/bin/stand-in" "$T/bin/causeway-ix"

# ---- removed ----
check "removed" remove ix-1
check "nothing is left" is_clean
check "removed again" remove ix-1
check "the helper's own room is as before" test "$(ip -o link | wc -l)" = 5

# ---- the helper dies at each point ----
# The points of a place: the helper dies there; the next one makes it right, or removes all of it, as it is asked.
through() { # through POINT VERB...: the helper dies at POINT while it does VERB
	local point=$1; shift
	helper_kill; helper_start "$point=kill"
	"$@" > /dev/null 2>&1
	wait_for 5 dead "$HELPER"
	check "$point: the helper died" dead "$HELPER"
	helper_kill; helper_start
}
if grep -q CAUSEWAY_IMPAIR "$B/bin/causeway-helper"; then
	for p in folder record seed netns_file netns cable port process; do
		through "help.place.$p" place ix-2 ix
		check "help.place.$p: removed" remove ix-2
		check "help.place.$p: nothing is left" is_clean
		through "help.place.$p" place ix-2 ix
		check "help.place.$p: placed again" place ix-2 ix
		check "help.place.$p: as it should be" wait_for 3 is_right ix-2
		must remove ix-2
	done
	for p in record process cable netns folder place; do
		must place ix-2 ix > /dev/null
		must wait_for 3 is_right ix-2
		through "help.remove.$p" remove ix-2
		check "help.remove.$p: it goes on by itself" wait_for 5 is_clean
		check "help.remove.$p: placed" place ix-2 ix
		check "help.remove.$p: as it should be" wait_for 3 is_right ix-2
		must remove ix-2
		check "help.remove.$p: nothing is left" is_clean
	done
else
	say "no kill points in this build: make B=build-debug DEBUG=1 has them"
fi

# ---- any moment will do ----
for delay in 0 0.005 0.01 0.02 0.03 0.05 0.08 0.12; do
	place ix-3 ix > /dev/null 2>&1 & A=$!
	sleep $delay
	helper_kill; wait $A; helper_start
	place ix-3 ix > /dev/null || not_ok "killed $delay s into a place" "cannot be placed"
	wait_for 3 is_right ix-3 || not_ok "killed $delay s into a place" "is not right"
	remove ix-3 > /dev/null 2>&1 & A=$!
	sleep $delay
	helper_kill; wait $A; helper_start
	remove ix-3 > /dev/null || not_ok "killed $delay s into a removal" "cannot be removed"
	check "killed $delay s into place and removal: clean" is_clean
done

# ---- probes ----
probe() { # probe BRIDGE PATH ADDRESS...
	ARGS="{\"probes\":[$(printf ",{\"bridge\":\"$1\",\"address\":\"%s\"}" "${@:3}" | cut -c2-)]}" ask "$H" address probe "" "$2"
}
same "an address that is there, and who has it" "192.168.1.40 52:54:00:00:00:40" "$(echo $(probe br-up answered 192.168.1.40 | grep -o '192.168.1.[0-9]*\|[0-9a-f:]\{17\}'))"
same "the bridge's own, among others" 192.168.1.33 "$(probe br-up answered 192.168.1.41 192.168.1.33 192.168.1.42 | grep -o '192.168.1.[0-9]*')"
START=${EPOCHREALTIME/./}
same "several that are not" "[]" "$(probe br-up answered 192.168.1.41 192.168.1.42 192.168.1.43)"
MS=$(((${EPOCHREALTIME/./} - START) / 1000))
check "in a second ($MS ms)" test "$MS" -ge 600 -a "$MS" -lt 1200
in_ns h ip neigh flush all
probe br-up answered 192.168.1.41 > /dev/null
refuses "nobody learns an address from a probe" eval 'in_ns h ip neigh | grep -q 192.168.1.33'
refused "of what is no bridge" invalid p-h probe p-h answered 192.168.1.40
refused "of no address" invalid address probe br-up answered 192.168.1
check "bridges" eval 'ask "$H" bridge list | grep -q "\"name\": \"br-up\", \"mtu\": 1500, \"addresses\": \[\"192.168.1.33/28\""'

# ---- devices of extensions ----
# ne-1, a real appliance with a file of its own, in cw-ne-1; its peer runs at the host h, with a segment of its own.
host w m br-web 52:54:00:00:00:01 10.9.0.1/24
segment h br-far
host f h br-far 52:54:00:00:00:02 10.9.0.2/24
mkdir "$T/ne" "$T/far"
psk "$T/ne/psk"; cp -p "$T/ne/psk" "$T/far/psk"
yaml() { # yaml NAME ADDRESS ID VTEP PEER PEER-ID PEER-VTEP BRIDGE
	cat <<-END
	name: $1
	uplinks: [{address: $2, port: 4500}]
	tunnels:
	  - name: b
	    remote: {address: $5, port: 4500}
	    auth: {method: psk, secret_file: psk, local_id: $3, remote_id: $6}
	    local_ts: $4/32
	    remote_ts: $7/32
	    dpd: 2s
	extensions: [{name: web, vni: 77, bridge: $8, tunnel: b}]
	control: $T/$1.sock
	END
}
yaml ne-1 192.168.1.35 a.test 10.71.1.1 192.168.1.40 b.test 10.71.2.1 br-web > "$T/ne/ne.yaml"
echo "helper: $T/tap.sock" >> "$T/ne/ne.yaml"
yaml far 192.168.1.40 b.test 10.71.2.1 192.168.1.35 a.test 10.71.1.1 br-far > "$T/far/ne.yaml"
cat > "$T/bin/causeway-ne" <<END
#!/bin/bash
exec "$B/bin/causeway-ne" --config "$T/ne/ne.yaml"
END
spawn h "$T/far.log" "$B/bin/causeway-ne" --config "$T/far/ne.yaml"
ARGS="{\"kind\":\"ne\",\"seed\":\"\",\"networks\":[$UPLINK2]}" must ask "$H" appliance place ne-1 > /dev/null
allow() { ARGS="{\"bridge\":\"$2\",\"tap\":\"$3\",\"mtu_max\":9000}" ask "$H" segment allow "$1" ${4:+"$4"}; }
deny() { ARGS="{\"bridge\":\"$2\"}" ask "$H" segment deny "$1"; }
ext_is() { is "$1" "$T/ne-1.sock" extension show web state; }
crosses() { in_ns w ping -c 1 -W 1 -q 10.9.0.2; }
port_is_there() { ip -o link show master br-web | grep -q " cw-77:"; }
no_port() { ! port_is_there; }
must wait_for 10 is up "$T/ne-1.sock" tunnel show b state
check "without leave: the extension waits" ext_is creating
check "and says why" grep -q "appliance ne-1 may not have 'cw-77' here" "$S/ne-1/log"
same "allowed, with the bridge's MTU" 1500 "$(allow ne-1 br-web cw-77 mtu)"
check "it has its device" wait_for 3 ext_is up
check "beside the bridge" port_is_there
refuses "and not in its namespace" inside ne-1 ip link show cw-77
check "frames cross" wait_for 3 crosses
COUNT=300                       # 30-extension.sh has more of them
carry "every kind of frame" w f 52:54:00:00:00:02 52:54:00:00:00:01 1
check "allowed again" allow ne-1 br-web cw-77
refused "another device at the same bridge" conflict br-web allow ne-1 br-web cw-78
refused "the same device at another bridge" conflict cw-77 allow ne-1 br-mo cw-77
must place ix-4 ix > /dev/null
refused "for one that stretches nothing" invalid ix-4 allow ix-4 br-mo cw-5
must remove ix-4
UPLINK3='{"name":"uplink","bridge":"br-up","address":"192.168.1.36/28"}'
cp "$T/bin/causeway-ne" "$T/bin/ne.real"; cp "$T/bin/causeway-ix" "$T/bin/causeway-ne"
ARGS="{\"kind\":\"ne\",\"seed\":\"\",\"networks\":[$UPLINK3]}" must ask "$H" appliance place ne-2 > /dev/null
cp "$T/bin/ne.real" "$T/bin/causeway-ne"
refused "the segment to another appliance" conflict "'br-web' is extended already" allow ne-2 br-web cw-79
must ip tuntap add cw-far mode tap; must ip link set cw-far master br-mo
refused "a segment that somebody else extends" conflict "'br-mo' is extended already" allow ne-2 br-mo cw-80
ip link del cw-far
refused "a bridge that is none" not_found br-none allow ne-1 br-none cw-80
must remove ne-2

# A stranger, root or not, is no appliance.
stranger() { # stranger NAME TAP BRIDGE
	"$PY" - "$T/tap.sock" "$@" <<'END'
import json, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect(sys.argv[1])
s.send(json.dumps(dict(zip(("name", "tap", "bridge"), sys.argv[2:]))).encode())
data, fds, _, _ = socket.recv_fds(s, 4096, 4)
print(data.decode(), len(fds))
sys.exit(0 if fds else 1)
END
}
refuses "a stranger gets no device" stranger ne-1 cw-77 br-web
stranger ne-1 cw-77 br-web > "$T/stranger"
check "and is told" grep -q '"code":"forbidden".*is not appliance.* 0$' "$T/stranger"
refuses "nor one of nobody" stranger ne-9 cw-9 br-web
check "the appliance keeps its own" ext_is up

# Who is killed when.
P=$(pid_of ne-1)
kill -9 "$P"
START=${EPOCHREALTIME/./}
wait_for 3 runs_anew ne-1 "$P"
check "the appliance is killed: it has its device again" wait_for 3 ext_is up
MS=$(((${EPOCHREALTIME/./} - START) / 1000))
check "within two seconds, tunnel included ($MS ms)" test "$MS" -lt 2000
check "frames cross again" wait_for 5 crosses
P=$(pid_of ne-1)
helper_kill
check "the helper is killed: frames cross" crosses
helper_start
same "it is the same appliance" "$P" "$(pid_of ne-1)"
ip link del cw-77
check "the device is deleted: made again" wait_for 3 port_is_there
check "and it is up" wait_for 3 ext_is up
check "frames cross after that" wait_for 5 crosses
helper_kill
ip link del cw-77
check "deleted while the helper is away: degraded" wait_for 3 ext_is degraded
helper_start
check "and up when it is back" wait_for 4 ext_is up
check "denied" deny ne-1 br-web
check "the port is gone at once" no_port
check "the extension says so" wait_for 3 ext_is degraded
check "denied again" deny ne-1 br-web
refuses "it does not come back" wait_for 2 port_is_there
check "allowed once more" allow ne-1 br-web cw-77
check "and up" wait_for 4 ext_is up
check "removed" remove ne-1
check "nothing is left of it" is_clean

# ---- who may ask ----
if command -v setpriv > /dev/null; then
	chmod 755 "$T"
	chmod 666 "$H"
	refuses "another user" setpriv --reuid 65534 --clear-groups "$PY" "$HERE/rpc.py" "$H" bridge list 2> /dev/null
fi
kill -TERM "$HELPER"
check "it ends on SIGTERM" wait_for 5 dead "$HELPER"
refuses "and leaves no socket" test -e "$H"
check "no complaint of a sanitizer" test -z "$(grep -l 'ERROR: .*Sanitizer\|runtime error' "$T"/*.log)"
finish
