# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# lab.sh - the whole lab with its guest, for tests that end processes in it. Sourced, never run; lab_up brings all of it up.
#
# The guest (VM, at IP) runs at site $at and moves to and fro: who moves it says so by setting at.
. "$(dirname "${BASH_SOURCE[0]}")/../netns/lib.sh"
requires root tun ip virsh libvirtd qemu-img jq bin/causeway bin/causewayd bin/causeway-helper bin/causeway-ix bin/causeway-ne
grep -q CAUSEWAY_IMPAIR "$B/bin/causeway-agent" || { echo "skip: needs an agent with kill points (make DEBUG=1)"; exit 77; }

T=$(mktemp -d "${TMPDIR:-/tmp}/causeway-lab.XXXXXX") || exit 1
if [ -n "${KEEP:-}" ]; then on_exit say "kept: $T"; else on_exit rm -rf "$T"; fi
export LAB_PREFIX=$PFX- LAB_STATE=$T/lab GUEST=$B/guest
# shellcheck disable=SC2034  # for join
here=$ROOT/vagrant result=$T said=$T/said
# shellcheck source=vagrant/provision/join
. "$ROOT/vagrant/provision/join"
VM=web1 IP=192.168.101.50
at=onprem

other() { [ "$1" = onprem ] && echo cloud || echo onprem; }
at_node() { local n=$1; shift; "$lab" exec "$n" -- "$@"; }
# ask_at SITE WORD...: asks the agent; cw SITE WORD... asks the manager.
ask_at() { at_node "$1-kvm" causeway --socket /var/lib/causeway/agent/control.sock "${@:2}"; }
virsh_at() { at_node "$1-kvm" virsh -q -c qemu:///system "${@:2}"; }
power() { virsh_at "$1" domstate $VM 2> /dev/null || echo none; }
guest_answers() { at_node onprem-web ping -q -c 1 -W 1 $IP > /dev/null; }

# pid_of NODE PROGRAM: appliances are the helper's, and known to the manager.
pid_of() {
	case $2 in
	ix | ne) cw "${1%-gw}" -o json appliance list | jq -r ".items[] | select(.kind == \"$2\") | .pid // empty" ;;
	*) cat "$LAB_STATE/nodes/$1/$2.pid" ;;
	esac
}

# start_program NODE PROGRAM [IMPAIR]; restart_program ends it first.
start_program() { CAUSEWAY_IMPAIR=${3:-} "$lab" start "$1" "$2"; }
restart_program() {
	local pid; pid=$(pid_of "$1" "$2")
	kill -9 "$pid" 2> /dev/null
	wait_for 10 dead "$pid" && start_program "$@"
}

# ---- migrations ----
# newest SITE: the id of the migration that its agent began last. job SITE ID JQ: a member of it, as the agent sees it.
newest() { ask_at "$1" -o json migration list | jq -r '.items[0].id // ""'; }
job() { ask_at "$1" -o json migration show "$2" 2> /dev/null | jq -r "$3"; }
# began SITE OLD: sets id.
began() { id=$(newest "$1") && [ -n "$id" ] && [ "$id" != "$2" ]; }
copying() { [ "$(job "$1" "$2" .phase)" = copy ] && [ "$(job "$1" "$2" '.progress.disk_bytes // 0')" -gt 0 ]; }
over() { case $(job "$1" "$2" .state) in succeeded | rolled_back | waiting_operator) ;; *) return 1 ;; esac; }
meshes_up() { wait_for 60 mesh_is_up onprem && wait_for 60 mesh_is_up cloud; }

# ---- who runs and who owns ----
# never_twice: in the events of both hosts there is no moment at which the guest runs at both.
never_twice() { "$PY" "$ROOT/tests/virt/twice.py" onprem "$T/events-onprem" cloud "$T/events-cloud" $VM; }
runs_once() { [ "$(power "$at") $(power "$(other "$at")")" = "running none" ] && wait_for 60 guest_answers && never_twice; }

# owner SITE: how the chain of that site's manager ends; the hash covers all of it.
owner() { cw "$1" -o json vm show "$UUID" 2> /dev/null | jq -c '.owner | [.site, .epoch, .state, .hash]'; }
one_owner() {
	local o; o=$(owner onprem)
	[ -n "$o" ] && [ "$o" = "$(owner cloud)" ] && jq -e --arg at "$at" '.[0] == $at and .[2] == "owned"' <<< "$o"
}

# ---- up ----
guest_up() {
	local outside=$LAB_STATE/nodes/onprem-kvm
	"$ROOT/vagrant/guest/build.sh" "$B/guest" > /dev/null && qemu-img create -q -f qcow2 "$outside/libvirt/lib/images/$VM.qcow2" 64M &&
		EMULATOR=/usr/bin/qemu-system-x86_64 "$ROOT/vagrant/guest/domain.sh" $VM $IP/25 52:54:00:10:01:50 /var/lib/libvirt/images/$VM.qcow2 br-web > "$outside/lib/$VM.xml" &&
		virsh_at onprem define /var/lib/causeway/$VM.xml &&
		virsh_at onprem start $VM && UUID=$(virsh_at onprem domuuid $VM) && wait_for 60 guest_answers
}

listen_to_hosts() {
	local site
	for site in onprem cloud; do
		"$lab" exec $site-kvm -- stdbuf -oL setsid virsh -c qemu:///system event --event lifecycle --loop --timestamp > "$T/events-$site" 2>&1 < /dev/null &
		disown
	done
	sleep 0.3
}

lab_up() {
	local part
	on_exit "$lab" down
	[ -z "${KEEP:-}" ] || on_exit cp -a "$LAB_STATE/log" "$T/"
	must "$lab" up
	must "$lab" start
	for part in sites_made pair_sites enrol_hosts make_profiles make_mesh tunnels_up stretch_segment; do must $part > "$T/$part.log" 2>&1; done
	listen_to_hosts
	must guest_up
}
