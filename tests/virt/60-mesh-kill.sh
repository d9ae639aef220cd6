#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 60-mesh-kill.sh - programs are killed before and after every write of meshes, extensions, their ends and enrolments, appliances as
# soon as they appear, managers and helpers at any moment. Each is started again, as a service manager would, and the job ends: all
# of it is there at both sites and works, once, or none of it is, nowhere.
# limit: 600
#
# Environment: ROWS   only the rows whose numbers are in this list ("3 7")
#              KEEP   non-empty: keep the logs, and say where they are
. "$(dirname "$0")/../netns/lib.sh"
requires root tun ip virsh libvirtd jq curl bin/causewayd bin/causeway-helper bin/causeway-ix bin/causeway-ne bin/causeway-agent
grep -q CAUSEWAY_IMPAIR "$B/bin/causewayd" || { echo "skip: needs a manager with kill points (make DEBUG=1)"; exit 77; }

T=$(mktemp -d "${TMPDIR:-/tmp}/causeway-mesh.XXXXXX") || exit 1
if [ -n "${KEEP:-}" ]; then on_exit say "kept: $T"; else on_exit rm -rf "$T"; fi
export LAB_PREFIX=$PFX- LAB_STATE=$T/lab
here=$ROOT/vagrant result=$T said=$T/said
. "$here/provision/join"
mesh=$(topology mesh)

# ---- the rows ----
# trial | what is done | node | program | which dies at these points, one after the other | how the job ends
# A point P:N is of both P.do and P.did, or P.before and P.after. Points that are the same code at both sites stand in one row, that
# of the site which is asked: what it does is repeated by the other.
rows() {
	cat <<- ROWS
	kill|mesh|onprem-gw|manager|$(steps mesh.create prepare prepare_far place place_far await)|succeeded
	kill|no-mesh|onprem-gw|manager|$(steps mesh.delete remove_far remove)|succeeded
	kill|mesh|cloud-gw|manager|mesh.draw.before mesh.draw.after mesh.write mesh.wrote node.row.before node.row.after mesh.write mesh.wrote|succeeded
	kill|no-mesh|cloud-gw|manager|mesh.write mesh.wrote node.remove.before node.remove.after mesh.forget.before mesh.forget.after|succeeded
	kill|mesh|onprem-gw|manager|$(undo mesh.create prepare_far prepare)|rolled_back
	kill|mesh|onprem-gw|helper|help.place.folder help.place.record help.place.seed help.place.netns_file help.place.process help.place.netns help.place.cable help.place.port|succeeded
	kill|no-mesh|cloud-gw|helper|help.remove.record help.remove.process help.remove.cable help.remove.netns help.remove.folder help.remove.place|succeeded
	fail|mesh|cloud-gw|helper|node.config.before|an appliance that refuses its configuration ends the job at once
	appliance|mesh|onprem-gw cloud-gw|causeway-ix|as soon as it appears|succeeded
	appliance|no-mesh|onprem-gw cloud-gw|causeway-ne|at first|succeeded
	kill|mesh|onprem-kvm|agent|node.config.before node.config.after|succeeded
	kill|extension|onprem-gw|manager|$(steps extension.create prepare prepare_far attach attach_far await)|succeeded
	kill|no-extension|onprem-gw|manager|$(steps extension.delete detach detach_far)|succeeded
	kill|extension|cloud-gw|manager|extension.write extension.wrote extension.write extension.wrote|succeeded
	kill|no-extension|cloud-gw|manager|extension.write extension.wrote extension.forget.before extension.forget.after|succeeded
	kill|extension|onprem-gw|manager|$(undo extension.create prepare_far prepare)|rolled_back
	kill|extension|cloud-gw|helper|help.segment.record help.segment.tap help.segment.port|succeeded
	kill|no-extension|onprem-gw|helper|help.segment.dropped help.segment.record|succeeded
	enrol|host|onprem-kvm|agent|node.key.before node.key.after node.cert.before node.cert.after node.seed.after|enrolled
	invite|host|onprem-gw|manager|node.row.before node.row.after|invited
	greet|host|onprem-gw|manager|node.row.before node.row.after|enrolled
	moment|no-mesh|cloud-gw|manager|0.1|either
	twice|mesh|onprem-gw|meshes|{"name":"$mesh","site":"cloud","local":"onprem","remote":"cloud"}|one job for a request that comes again
	twice|extension|onprem-gw|extensions|{"bridge":"br-web","mesh":"$mesh"}|one job for a request that comes again
	moment|no-extension|cloud-gw|helper|0.1|either
	moment|no-mesh|cloud-gw|manager|0.05|either
	moment|mesh|cloud-gw|manager|2.2|either
	moment|no-mesh|cloud-gw|helper|0.2|either
	moment|mesh|cloud-gw|helper|2.4|either
	moment|no-mesh|cloud-gw|manager|0.4|either
	moment|mesh|cloud-gw|manager|2.8|either
	moment|no-mesh|cloud-gw|helper|0.6|either
	moment|mesh|cloud-gw|helper|1.2|either
	moment|extension|cloud-gw|manager|0.3|either
	moment|no-extension|cloud-gw|manager|0.2|either
	moment|no-mesh|onprem-gw cloud-gw|manager|0.3|either
	moment|mesh|onprem-gw cloud-gw|manager|2.5|either
	ROWS
}
steps() { local s kind=$1; shift; for s in "$@"; do printf '%s ' "job.$kind.$s.do" "job.$kind.$s.did"; done; }
undo() { local s kind=$1; shift; for s in "$@"; do printf '%s ' "job.$kind.$s.undo" "job.$kind.$s.undid"; done; }

# ---- what is there ----
pid_of() { cat "$LAB_STATE/nodes/$1/$2.pid"; }
other() { [ "$1" = onprem ] && echo cloud || echo onprem; }
# processes SITE NAME: of the appliances of a site.
processes() {
	local folder pid
	folder=$(stat -c %d:%i "$LAB_STATE/nodes/$1-gw/etc")
	for pid in $(pgrep -x "$2"); do
		[ "$(stat -L -c %d:%i "/proc/$pid/root/etc/causeway" 2> /dev/null)" != "$folder" ] || echo "$pid"
	done
}
running() { processes "$1" "$2" | wc -l; }
list() { cw "$1" -o json "$2" list 2> /dev/null; }
count() { list "$1" "$2" | jq '.items | length'; }
taps() { "$lab" exec "$1-gw" -- ip -o link | cut -d' ' -f2 | grep -c '^cw-'; }
agent_has() { jq -r ".config.$2 // .$2 | length" "$LAB_STATE/nodes/$1-kvm/lib/agent/config.json" 2> /dev/null || echo 0; }

clean() { # clean SITE NOUN: nothing of it is left
	case $2 in
	mesh) [ -z "$("$lab" exec "$1-gw" -- sh -c 'ls /run/netns 2> /dev/null; ls /var/lib/causeway/appliances 2> /dev/null; ip -o link | grep -o "cwv[^:@]*"')" ] &&
		[ "$(list "$1" network-profile | jq '[.items[].addresses[]] | length')" = 0 ] &&
		[ "$(count "$1" mesh) $(count "$1" appliance) $(running "$1" causeway-ix) $(running "$1" causeway-ne)" = "0 0 0 0" ] &&
		[ "$(agent_has "$1" peers)" = 0 ] ;;
	extension) [ "$(taps "$1")" = 0 ] && [ "$(count "$1" extension)" = 0 ] &&
		[ "$(agent_has "$1" networks)" = 0 ] ;;
	esac
}
whole() { # whole SITE NOUN: there is one, and it works
	[ "$(list "$1" "$2" | jq -r '.items[].state')" = up ] && [ "$(running "$1" causeway-ix) $(running "$1" causeway-ne)" = "1 1" ] &&
		case $2 in
		mesh) [ "$(agent_has "$1" peers)" = 1 ] ;;
		extension) [ "$(taps "$1") $(agent_has "$1" networks)" = "1 1" ] ;;
		esac
}
at_both() { wait_for 60 "$1" onprem "$2" && wait_for 60 "$1" cloud "$2"; }
jobs_ended() { list "$1" job | jq -e '[.items[] | select(.state == "queued" or .state == "running")] == []' > /dev/null; }
linked() { [ "$(cw "$1" -o json pair show "$(other "$1")" | jq -r '.state, .reachable // true' | xargs)" = "paired true" ]; }

# ---- what is done ----
act() { # act WHAT
	case $1 in
	mesh) cw onprem mesh create "$mesh" --site cloud --local onprem --remote cloud --yes ;;
	no-mesh) cw onprem mesh delete "$mesh" --yes ;;
	extension) cw onprem extension create br-web --mesh "$mesh" --yes ;;
	no-extension) cw onprem extension delete br-web --yes ;;
	esac
}
# ready WHAT: what must be there before, and no more.
ready() {
	case $1 in
	no-mesh) without extension && with mesh ;;
	extension) with mesh && without extension ;;
	no-extension) with mesh && with extension ;;
	mesh) without extension && without mesh ;;
	esac
}
with() { [ "$(count onprem "$1")" = 1 ] || act "$1"; }
without() { [ "$(count onprem "$1")" = 0 ] || act "no-$1"; }

# restart NODE PROGRAM [IMPAIR]: killed, and started anew.
restart() {
	local pid
	pid=$(pid_of "$1" "$2")
	kill -9 "$pid" 2> /dev/null
	wait_for 10 dead "$pid" && begin "$@" && { [ -z "${3:-}" ] || wait_for 15 answers "$1" "$2"; }
}
answers() {
	case $2 in
	helper) "$lab" exec "$1" -- ss -Hxl src /run/causeway/helper.sock | grep -q . ;;
	manager) list "${1%-gw}" pair ;;
	agent) "$lab" exec "$1" -- causeway --socket /var/lib/causeway/agent/control.sock -o json vm list ;;
	esac
}
# begin NODE PROGRAM [IMPAIR]: with a point it may die at once, so nobody waits for its answer.
begin() {
	local old cmd
	[ -n "${3:-}" ] || { "$lab" start "$1" "$2"; return; }
	case $2 in
	helper) cmd=(causeway-helper --config /etc/causeway/helper.yaml) ;;
	manager) cmd=(causewayd --config /etc/causeway/causewayd.yaml) ;;
	agent) cmd=(causeway-agent --node /var/lib/causeway/agent) ;;
	esac
	old=$(pid_of "$1" "$2")
	CAUSEWAY_IMPAIR=$3 "$lab" exec "$1" -- setsid "$here/provision/again" "$LAB_STATE/nodes/$1/$2.pid" "$B/bin/${cmd[0]}" "${cmd[@]:1}" \
		>> "$LAB_STATE/log/$1-$2.log" 2>&1 < /dev/null &
	wait_for 5 is_new "$old" "$1" "$2"
}
is_new() { local pid; pid=$(pid_of "$2" "$3") && [ -n "$pid" ] && [ "$pid" != "$1" ]; }

host_up() { [ "$(list "$1" host | jq -r '.items[].state')" = up ]; }
# prepared WHAT NODE PROGRAM [IMPAIR]
prepared() {
	local site
	ready "$1" > "$T/before" 2>&1 < /dev/null || { say "not ready: $(tail -n 3 "$T/before")"; return 1; }
	[ -z "$4" ] || restart "$2" "$3" "$4" || return 1
	for site in onprem cloud; do wait_for 20 linked $site && wait_for 20 host_up $site || return 1; done
	[ "$1" = mesh ] || at_both whole mesh
}

# ended WHAT END STATUS: of the command.
ended() {
	local noun=${1#no-} shape=whole
	if ! wait_for 60 jobs_ended onprem || ! wait_for 60 jobs_ended cloud; then
		say "jobs do not end: $(list onprem job; list cloud job)"
		return 1
	fi
	case $2 in
	succeeded) same "  the command's end" 0 "$3" ;;
	rolled_back) same "  the command's end" 4 "$3" ;;
	esac
	[ "$3" = 0 ] || say "$(tail -n 2 "$T/told")"
	if { [ "$1" = "$noun" ] && [ "$3" != 0 ]; } || { [ "$1" != "$noun" ] && [ "$3" = 0 ]; }; then shape=clean; fi
	at_both $shape "$noun"
}

# pass NODE PROGRAM PID POINT...: the program dies at one point after the other while PID goes on, and for a while after it.
pass() {
	local node=$1 program=$2 client=$3 victim late=0
	shift 3
	victim=$(pid_of "$node" "$program")
	while [ $# -gt 0 ]; do
		if dead "$victim"; then
			shift
			begin "$node" "$program" "${1:+$1=kill}" || return 1
			victim=$(pid_of "$node" "$program")
		elif dead "$client" && [ $((late++)) -gt 100 ]; then
			not_ok "  $1 was passed"
			return 1
		fi
		sleep 0.02
	done
}

# ---- trials ----
# at_points WHAT NODE PROGRAM POINTS END
try_kill() {
	local points client fail=
	read -ra points <<< "$4"
	n_points=$((n_points + ${#points[@]}))
	[ "$5" != rolled_back ] || fail=job.$1.create.await.do=fail,
	prepared "$1" "$2" "$3" "$fail${points[0]}=kill" || return 1
	act "$1" > "$T/told" 2>&1 < /dev/null &
	client=$!
	pass "$2" "$3" "$client" "${points[@]}" || restart "$2" "$3"
	wait "$client"
	ended "$1" "$5" $?
}

# What an appliance refuses is the reason of the job, long before anybody's patience ends.
try_fail() {
	local status start=$SECONDS
	prepared "$1" "$2" "$3" "$4=fail" || return 1
	act "$1" > "$T/told" 2>&1 < /dev/null
	status=$?
	check "  it took $((SECONDS - start)) s" test $((SECONDS - start)) -lt 12
	check "  the reason is said" grep -q 'refuses its configuration' "$T/told"
	restart "$2" "$3" && ended "$1" rolled_back $status
}

# try_appliance WHAT NODES NAME WHEN END
try_appliance() {
	local client node pid
	prepared "$1" "$2" manager "" || return 1
	[ "$4" != "at first" ] || for node in $2; do check "  one dies at $node" kill -9 "$(processes "${node%-gw}" "$3")"; done
	act "$1" > "$T/told" 2>&1 < /dev/null &
	client=$!
	[ "$4" = "at first" ] || for node in $2; do
		until pid=$(processes "${node%-gw}" "$3") && [ -n "$pid" ] || dead $client; do sleep 0.02; done
		check "  one dies at $node" kill -9 "${pid:-none}"
	done
	wait $client
	ended "$1" "$5" $?
}

# try_moment WHAT NODES PROGRAM DELAY END: killed after so many seconds, at all the nodes at once.
try_moment() {
	local client node pids=()
	prepared "$1" "$2" "$3" "" || return 1
	for node in $2; do pids+=("$(pid_of "$node" "$3")"); done
	act "$1" > "$T/told" 2>&1 < /dev/null &
	client=$!
	sleep "$4"
	kill -9 "${pids[@]}"
	for node in $2; do wait_for 5 dead "${pids[0]}" && begin "$node" "$3" || return 1; done
	wait $client
	ended "$1" "$5" $?
}

# try_twice WHAT NODE ROUTE BODY: the same request while the first is looked at, and when its job has ended.
try_twice() {
	local client
	prepared "$1" "$2" manager "" || return 1
	post "$1" "$3" "$4" > "$T/first" &
	client=$!
	sleep 0.1
	post "$1" "$3" "$4" > "$T/second"
	wait $client
	check "  it is a job" grep -q '^job-' "$T/first"
	same "  and the same one" "$(cat "$T/first")" "$(cat "$T/second")"
	: > "$T/told"
	ended "$1" succeeded 0
	same "  and still is" "$(cat "$T/first")" "$(post "$1" "$3" "$4")"
}
post() { # post KEY ROUTE BODY
	"$lab" exec onprem-gw -- curl -s --unix-socket /run/causeway/manager.sock -H 'Content-Type: application/json' \
		-H "Idempotency-Key: $1" -d "$3" "http://manager/api/v1/$2" | jq -r '.id // .detail'
}

# ---- hosts ----
folder=/var/lib/causeway/second
invite() { cw onprem host invite second > "$T/seed" 2> "$T/told" < /dev/null; }
seeded() { "$lab" exec onprem-kvm -- causeway-agent --enrol --state $folder < "$T/seed" > "$T/told" 2>&1; }
enrolled() { [ "$(list onprem host | jq -c '[.items[] | select(.name == "second") | .enrolled]')" = "[$1]" ]; }
reports() { [ "$(list onprem host | jq -r '.items[] | select(.name == "second") | .state')" = up ]; }
forgotten() { cw onprem host delete second --yes && "$lab" exec onprem-kvm -- rm -rf $folder && [ "$(count onprem host)" = 1 ]; }
# second [IMPAIR]: a second agent beside the first, with an invitation in its folder; its process id in $second.
second() {
	CAUSEWAY_IMPAIR=${1:-} "$lab" exec onprem-kvm -- causeway-agent --node $folder >> "$T/second" 2>&1 < /dev/null &
	second=$!
}
comes_in() { # the second agent, if nobody kills it
	second
	wait_for 20 reports || { say "$(tail -n 5 "$T/second")"; return 1; }
	leaves
}
leaves() { kill "$second" && wait "$second"; enrolled true && forgotten; }

try_enrol() {
	local point
	restart onprem-gw manager && invite && seeded || return 1
	for point in $4; do
		n_points=$((n_points + 1))
		second "$point=kill"
		wait_for 10 dead $second || kill -9 $second
		wait $second 2> /dev/null
		same "  dies at $point" 137 $?
	done
	comes_in
}
# Nobody waits for an invitation: the command ends, and is typed again.
try_invite() {
	local point
	for point in $4; do
		n_points=$((n_points + 1))
		restart "$2" "$3" "$point=kill" || return 1
		invite
		same "  the command's end at $point" 8 $?
		wait_for 5 dead "$(pid_of "$2" "$3")" && begin "$2" "$3" || return 1
	done
	invite && enrolled false && seeded && comes_in
}
try_greet() {
	local points
	read -ra points <<< "$4"
	n_points=$((n_points + ${#points[@]}))
	invite && seeded && restart "$2" "$3" "${points[0]}=kill" || return 1
	second
	pass "$2" "$3" $second "${points[@]}" || restart "$2" "$3"
	wait_for 20 reports
	leaves
}

# ---- are these all points? ----
# Those of the programs, and of the steps of the jobs that were.
all_points() {
	strings -a "$B/bin/causewayd" | grep -xE '(mesh|extension|node)\.[a-z_]+(\.[a-z_]+)?' | grep -E '\.(write|wrote|before|after)$'
	strings -a "$B/bin/causeway-helper" | grep -xE 'help\.[a-z]+\.[a-z_]+'
	strings -a "$B/bin/causeway-agent" | grep -xE 'node\.(key|cert|seed|config)\.(before|after)'
	list onprem job | jq -r '.items[] | .kind as $k | select($k | test("mesh|extension")) | .steps[] | ("do", "did") as $p | "job.\($k).\(.name).\($p)"'
}
missing_points() { all_points | sort -u | while read -r p; do rows | cut -d'|' -f5 | tr ' ' '\n' | grep -qxF "$p" || echo "$p"; done; }

on_exit "$lab" down
# shellcheck disable=SC2016 # it is of the shell that runs it
[ -z "${KEEP:-}" ] || on_exit sh -c 'for n in $1/nodes/*-gw; do cat $n/lib/appliances/*/log > "$1/../${n##*/}.appliances"; done; cp -r "$1/log" "$1/.."' - "$LAB_STATE"
must "$lab" up
must "$lab" start
for part in sites_made pair_sites enrol_hosts make_profiles; do must $part > "$T/part" 2>&1; done
n=0 n_points=0
while IFS='|' read -r trial what nodes program points end; do
	n=$((n + 1))
	case " ${ROWS:-$n} " in *" $n "*) ;; *) continue ;; esac
	began=$(date +%s%3N)
	check "$n $what: $program of $nodes: $points" "try_$trial" "$what" "$nodes" "$program" "$points" "$end"
	say "$(($(date +%s%3N) - began)) ms"
done < <(rows)
[ -n "${ROWS:-}" ] || same "every point is in a row" "" "$(missing_points | xargs)"
say "$n_points points"
finish
