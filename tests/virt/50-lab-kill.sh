#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 50-lab-kill.sh - in the whole lab, an appliance, a manager, a helper or the client is killed in the middle of a live migration, with
# the copy under way, with the Finish reply held and behind the commit point. After a restart the migration has ended at both
# sites, the guest runs at exactly one and answers its neighbour, and the next move works.
# limit: 900
#
# Environment: ROWS   only the rows whose numbers are in this list ("3 7")
. "$(dirname "$0")/../netns/lib.sh"
requires root tun ip virsh libvirtd qemu-img jq bin/causeway bin/causewayd bin/causeway-helper bin/causeway-ix bin/causeway-ne
grep -q CAUSEWAY_IMPAIR "$B/bin/causeway-agent" || { echo "skip: needs an agent with kill points (make DEBUG=1)"; exit 77; }

T=$(mktemp -d "${TMPDIR:-/tmp}/causeway-lab.XXXXXX") || exit 1
on_exit rm -rf "$T"
export LAB_PREFIX=$PFX- LAB_STATE=$T/lab GUEST=$B/guest
here=$ROOT/vagrant result=$T said=$T/said
# shellcheck source=vagrant/provision/join
. "$ROOT/vagrant/provision/join"
VM=web1 IP=192.168.101.50

# victim | when: the phase in which it dies, or the point at which the source's agent stands still meanwhile | how it ends, or "either"
ROWS_ALL='
client|copy|succeeded|the client dies: the job goes on
from-gw ne|copy|succeeded|the extension at the source dies: the copy does not pass through it
to-gw ne|copy|succeeded|the extension at the target dies
from-gw ix|copy|rolled_back|the interconnect at the source dies with the copy under way
to-gw ix|copy|rolled_back|the interconnect at the target dies with the copy under way
from-gw ix|mig.source.prove|rolled_back|the interconnect at the source dies with the reply held
to-gw ix|mig.source.prove|rolled_back|the interconnect at the target dies with the reply held
to-gw ix|mig.source.commit|succeeded|the interconnect at the target dies behind the commit point
from-gw helper|copy|succeeded|the helper at the source dies: appliances outlive it
from-gw manager|copy|either|the manager at the source dies with the copy under way
to-gw manager|copy|either|the manager at the target dies with the copy under way
from-gw manager|mig.source.prove|either|the manager at the source dies with the reply held
to-gw manager|mig.source.prove|either|the manager at the target dies with the reply held
'

lab() { "$ROOT/vagrant/lab" "$@"; }
at_node() { local n=$1; shift; lab exec "$n" -- "$@"; }
ask_at() { at_node "$1-kvm" causeway --socket /var/lib/causeway/agent/control.sock "${@:2}"; }
other() { [ "$1" = onprem ] && echo cloud || echo onprem; }
power() { at_node "$1-kvm" virsh -q -c qemu:///system domstate $VM 2> /dev/null || echo none; }
guest_answers() { at_node onprem-web ping -q -c 1 -W 1 $IP > /dev/null; }
# pid_of NODE PROGRAM: appliances are the helper's, and known to the manager.
pid_of() {
	case $2 in
	ix | ne) cw "${1%-gw}" -o json appliance list | jq -r ".items[] | select(.kind == \"$2\") | .pid // empty" ;;
	*) cat "$LAB_STATE/nodes/$1/$2.pid" ;;
	esac
}
newest() { ask_at "$1" -o json migration list | jq -r '.items[0].id // ""'; }
job() { ask_at "$1" -o json migration show "$2" 2> /dev/null | jq -r "$3"; }

guest_up() {
	local outside=$LAB_STATE/nodes/onprem-kvm
	"$ROOT/vagrant/guest/build.sh" "$B/guest" > /dev/null && qemu-img create -q -f qcow2 "$outside/libvirt/lib/images/$VM.qcow2" 64M &&
		EMULATOR=/usr/bin/qemu-system-x86_64 "$ROOT/vagrant/guest/domain.sh" $VM $IP/25 52:54:00:10:01:50 /var/lib/libvirt/images/$VM.qcow2 br-web > "$outside/lib/$VM.xml" &&
		at_node onprem-kvm virsh -q -c qemu:///system define /var/lib/causeway/$VM.xml &&
		at_node onprem-kvm virsh -q -c qemu:///system start $VM && wait_for 60 guest_answers
}

copying() { [ "$(job "$1" "$2" .phase)" = copy ] && [ "$(job "$1" "$2" '.progress.disk_bytes // 0')" -gt 0 ]; }
began() { id=$(newest "$1") && [ -n "$id" ] && [ "$id" != "$2" ]; }
stands_still() { grep -q '^State:.T' "/proc/$(pid_of "$1-kvm" agent)/status"; }
over() { case $(job "$1" "$2" .state) in succeeded | rolled_back | waiting_operator) ;; *) return 1 ;; esac; }

restart_agent() { # restart_agent SITE [IMPAIR]
	local pid; pid=$(pid_of "$1-kvm" agent)
	kill -9 "$pid" 2> /dev/null
	wait_for 10 dead "$pid" && CAUSEWAY_IMPAIR=${2:-} lab start "$1-kvm" agent
}

# kill_victim FROM TO VICTIM CLIENT-PID: at once again, as a service manager would; appliances are started by their helper.
kill_victim() {
	local node program=${3#* } pid
	[ "$3" != client ] || { kill -9 "$4"; return; }
	node=${3% *}
	node=${node/from/$1} node=${node/to/$2}
	pid=$(pid_of "$node" "$program")
	[ -n "$pid" ] && kill -9 "$pid" && wait_for 5 dead "$pid" || return 1
	case $program in ix | ne) wait_for 10 is_another "$node" "$program" "$pid" ;; *) lab start "$node" "$program" ;; esac
}
is_another() { local pid; pid=$(pid_of "$1" "$2") && [ -n "$pid" ] && [ "$pid" != "$3" ]; }

# trial VICTIM WHEN END
trial() {
	local from=$at to id='' old client point='' end
	to=$(other "$at")
	case $2 in mig.*) point=$2=stop ;; esac
	restart_agent "$from" "$point" || return 1
	wait_for 60 mesh_is_up onprem && wait_for 60 mesh_is_up cloud || return 1
	old=$(newest "$from")
	"$lab" exec "$from-gw" -- causeway migration create $VM --to "$to" --yes > "$T/created" 2>&1 < /dev/null &
	client=$!
	wait_for 20 began "$from" "$old" || { say "no job: $(cat "$T/created")"; return 1; }
	if [ -n "$point" ]; then wait_for 60 stands_still "$from"; else wait_for 30 copying "$from" "$id"; fi || return 1
	kill_victim "$from" "$to" "$1" "$client" || return 1
	[ -z "$point" ] || kill -CONT "$(pid_of "$from-kvm" agent)"
	wait "$client" 2> /dev/null
	wait_for 120 over "$from" "$id" && wait_for 120 over "$to" "$id"
	end=$3
	[ "$end" != either ] || end=$(job "$from" "$id" .state)
	same "  at both sites" "$end $end" "$(job "$from" "$id" .state) $(job "$to" "$id" .state)"
	refuses "  nobody has to decide" test "$end" = waiting_operator
	if [ -n "${KEEP:-}" ]; then job "$from" "$id" . >&2; tail -n 40 "$LAB_STATE/log/$from-kvm-agent.log" >&2; fi
	[ "$(job "$from" "$id" .state)" != succeeded ] || at=$to
	same "  one runs, one is not there" "running none" "$(power "$at") $(power "$(other "$at")")"
	wait_for 60 guest_answers
}

on_exit "$ROOT/vagrant/lab" down
must lab up
must lab start
for part in sites_made pair_sites enrol_hosts make_profiles make_mesh tunnels_up stretch_segment; do must $part > "$T/$part.log" 2>&1; done
must guest_up
at=onprem n=0
while IFS='|' read -r victim when end what; do
	[ -n "$end" ] || continue
	n=$((n + 1))
	case " ${ROWS:-$n} " in *" $n "*) ;; *) continue ;; esac
	check "$n $what" trial "$victim" "$when" "$end"
done <<< "$ROWS_ALL"
restart_agent "$at"
check "the next move works" cw "$at" migration create $VM --to "$(other "$at")" --yes
check "and the guest answers" wait_for 10 guest_answers
finish
