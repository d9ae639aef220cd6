#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 42-migrate-faults.sh - what is not an agent's death: the path between the sites is cut, libvirtd dies, a guest is destroyed by hand,
# a target's answer is lost, while the Finish reply is held and behind the commit point. The guest is whole where it runs, or
# it is off and people are told; it never runs twice.
# limit: 900
. "$(dirname "$0")/lib.sh"
requires root ip virsh qemu-img qemu-nbd jq socat python3 bin/causeway
must debug_agent

sites_up
must guest_build
events_start
for s in "${SITES[@]}"; do write_agent_conf "$s"; sed -i 's/^downtime_ms:.*/downtime_ms: 4000/' "$T/$s/agent.yaml"; done
must agent_start onprem
must agent_start cloud
must guest_up onprem
boot=$(value boot_id "$(guest_stat)")
at=onprem

newest_job() { ask "$1" migration list -o json 2>/dev/null | jq -r '.items[0].id // ""'; }
cut_path() { ip -n "${PFX}onprem" link set wan0 down; }
mend_path() { ip -n "${PFX}onprem" link set wan0 up; }
kill_libvirtd() { in_site "$1" sh -c 'kill -9 $(pgrep -x libvirtd)'; }
libvirtd_is_up() { virsh_at "$1" version; }

# stop_at POINT: begins a move from where the guest is; its agent stands still at POINT. Sets from, to, ID, INNER.
stop_at() {
	from=$at to=$(other "$at")
	agent_stop "$from"
	agent_start "$from" "$1=stop" || return 1
	INNER=$(agent_inner_pid "$from")
	local old; old=$(newest_job "$from")
	ask "$from" migration create $VM --to "$to" --detach --yes > "$T/created" 2>&1
	wait_for 40 in_site "$from" grep -q '^State:.T' "/proc/$INNER/status" || { say "did not stop: $(cat "$T/created")"; return 1; }
	ID=$(in_site "$to" sqlite3 /var/lib/libvirt/agent.db "SELECT id FROM job ORDER BY rowid DESC LIMIT 1")
	[ -n "$ID" ] && [ "$ID" != "$old" ]
}
go_on() { in_site "$from" kill -CONT "$INNER"; kill -CONT "${AGENT_PID[$from]}"; }
ended() { [ "$(job "$1" "$ID" .state)" = "$2" ]; }
# result NAME STATE-AT-SOURCE STATE-AT-TARGET
result() {
	local s
	wait_for 90 ended "$from" "$2" || say "$(ask "$from" migration show "$ID" -o json | jq -c '{state, phase, decision, reason}')"
	same "$1: source" "$2" "$(job "$from" "$ID" .state)"
	wait_for 60 ended "$to" "$3" || say "$(ask "$to" migration show "$ID" -o json | jq -c '{state, phase, decision, reason}')"
	same "$1: target" "$3" "$(job "$to" "$ID" .state)"
	[ "$3" = succeeded ] && at=$to
	for s in "${SITES[@]}"; do check "$1: nothing left at $s" wait_for 30 clean_at "$s"; done
	check "$1: never twice" never_twice $VM
}
runs() { # runs NAME: where it should, whole
	same "$1: one runs, one is not there" "running none" "$(power "$at") $(power "$(other "$at")")"
	check "$1: the guest is whole" guest_whole "$at" "$boot"
}

# ---- before the commit point ----
n="path cut while held"
check "$n" stop_at mig.source.prove
cut_path; go_on
check "$n: the source runs again though the target is silent" wait_for 40 eval '[ "$(power $from)" = running ]'
same "$n: the target's guest stands still" paused "$(power "$to")"
mend_path
result "$n" rolled_back rolled_back
runs "$n"

n="target's guest destroyed while held"
check "$n" stop_at mig.source.prove
virsh_at "$to" destroy $VM; go_on
result "$n" rolled_back rolled_back
runs "$n"

n="libvirtd of the source dies while held"
check "$n" stop_at mig.source.prove
kill_libvirtd "$from"
check "$n: it is back" wait_for 20 libvirtd_is_up "$from"
go_on
result "$n" rolled_back rolled_back
runs "$n"

n="libvirtd of the target dies while held"
check "$n" stop_at mig.source.prove
kill_libvirtd "$to"
check "$n: it is back" wait_for 20 libvirtd_is_up "$to"
go_on
wait_for 60 eval 'case $(job $from $ID .state) in succeeded | rolled_back) ;; *) false ;; esac'
end=$(job "$from" "$ID" .state)
result "$n ($end)" "$end" "$end"
runs "$n"

n="guest stood still for too long"
check "$n" stop_at mig.source.release
sleep 4.5                               # the budget is 4 s
go_on
result "$n" rolled_back rolled_back
check "$n: it says so" grep -q "budget" <(job "$from" "$ID" .reason)
runs "$n"

# ---- behind the commit point ----
n="path cut behind the commit point"
check "$n" stop_at mig.source.commit
cut_path; go_on
check "$n: the source guest ends all the same" wait_for 60 eval '[ "$(power $from)" = none ]'
same "$n: the target's guest waits" paused "$(power "$to")"
mend_path
result "$n" succeeded succeeded
runs "$n"

n="libvirtd of the source dies behind the commit point"
check "$n" stop_at mig.source.confirm
kill_libvirtd "$from"
check "$n: it is back" wait_for 20 libvirtd_is_up "$from"
go_on
result "$n" succeeded succeeded
runs "$n"

# libvirt keeps the resume until its own job is over, which it is when the process of the migration dies.
n="operator resumes the source while held, and its agent dies behind the commit point"
check "$n" stop_at mig.source.commit
nsenter -t "${SITE_PID[$from]}" -m -u -i -n -p -- virsh -q resume $VM > /dev/null 2>&1 &
sleep 0.5
in_site "$from" kill -9 "$INNER"
kill -CONT "${AGENT_PID[$from]}"
check "$n: it is back" agent_start "$from"
result "$n" succeeded succeeded
runs "$n"

n="target's guest is gone behind the commit point"
check "$n" stop_at mig.source.commit
virsh_at "$to" destroy $VM; go_on
wait_for 60 ended "$from" waiting_operator
same "$n: people are told" waiting_operator "$(job "$from" "$ID" .state)"
check "$n: why" grep -q "does not run there" <(job "$from" "$ID" .reason)
same "$n: off at the target, not there at the source" "shut off none" "$(power "$to") $(power "$from")"
check "$n: never twice" never_twice $VM
check "$n: it can be started at the target" virsh_at "$to" start $VM
check "$n: and its disk is whole" wait_for 90 guest_writes

finish
