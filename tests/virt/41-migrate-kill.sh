#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 41-migrate-kill.sh - an agent or the process of a migration is killed at each enumerated point of a live migration. After a restart
# the migration has ended, the guest runs at exactly one host, the same boot with its memory and disk whole, it never ran
# at both, and nothing is left behind.
# limit: 1500
#
# Environment: ROWS   only the rows whose numbers are in this list ("3 7")
. "$(dirname "$0")/lib.sh"
requires root ip virsh qemu-img qemu-nbd jq socat python3 bin/causeway
must debug_agent

# source points | target points | how it ends | what it shows
ROWS_ALL='
mig.source.prepare=kill||rolled_back|source dies when only the journal is written
mig.source.copy=kill||rolled_back|source dies when the target has prepared
mig.source.prove=kill||rolled_back|source dies with the reply held
mig.source.release=kill||rolled_back|source dies with the disks proved
mig.source.released.before=kill||rolled_back|source dies before the commit point
mig.source.released.after=kill||succeeded|source dies behind the commit point
mig.source.fence=kill||succeeded|source dies before it ends its guest
mig.source.commit=kill||succeeded|source dies before it tells the target
mig.source.confirm=kill||succeeded|source dies when the target runs, before the reply is released
mig.source.park=kill||succeeded|source dies before it parks
mig.source.park.undefined=kill||succeeded|source dies between undefining and moving the disks
mig.source.finish=kill||succeeded|source dies at the very end
mig.child.held=kill||rolled_back|the process of the migration dies at the held reply
mig.child.release=kill||succeeded|the process of the migration dies when it is told to release
mig.source.prove=fail||rolled_back|a step fails: everything goes back without a restart
mig.source.prove=fail,mig.source.aborted.before=kill||rolled_back|source dies before it writes that it gives up
mig.source.prove=fail,mig.source.aborted.after=kill||rolled_back|source dies after it wrote that it gives up
mig.source.prove=fail,mig.source.resume=kill||rolled_back|source dies before libvirt gets its error
mig.source.release=kill|mig.target.aborted.before=kill|rolled_back|both die: the target when it is told to give up
|mig.target.journal.before=kill|rolled_back|target dies before it knows of anything
|mig.target.journal.after=kill|rolled_back|target dies with the journal written and no disk
|mig.target.prepared.before=kill|rolled_back|target dies with disks made
|mig.target.prepared.after=kill|rolled_back|target dies before it says that it is prepared
|mig.target.owned.before=kill|succeeded|target dies before it writes that it owns the VM
|mig.target.owned.after=kill|succeeded|target dies after it wrote that it owns the VM
|mig.target.resume.before=kill|succeeded|target dies before it resumes the guest
|mig.target.define.before=kill|succeeded|target dies with the guest running and not defined
mig.source.prove=fail|mig.target.aborted.after=kill|rolled_back|target dies when it has written that it gives up
mig.source.prove=fail|mig.target.remove.before=kill|rolled_back|target dies between the guest and its disks
mig.source.commit=kill|mig.target.owned.after=kill|succeeded|both die behind the commit point
mig.source.prove=stop||rolled_back|source hangs with the reply held, and is killed
'

sites_up
must guest_build
events_start
must agent_start onprem
must agent_start cloud
must guest_up onprem
boot=$(value boot_id "$(guest_stat)")
at=onprem

newest_job() { ask "$1" migration list -o json 2>/dev/null | jq -r '.items[0].id // ""'; }
# ended SITE ID STATE: as wanted; a target that died before its journal never heard of what was rolled back.
ended() {
	local state; state=$(job "$1" "$2" .state)
	[ "$state" = "$3" ] || { [ -z "$state" ] && [ "$3" = rolled_back ] && [ "$1" != "$from" ]; }
}
both_ended() { ended "$from" "$1" "$2" && ended "$to" "$1" "$2"; }
# An agent that has died is started again, without its kill point; DIED says who has.
revive() {
	local s
	for s in "$from" "$to"; do
		agent_dead "$s" || continue
		DIED="$DIED $s"
		agent_start "$s" || say "$s does not start again"
	done
	return 0
}
# A hanging agent is told from a busy one by its state, and killed.
kill_hanging() {
	wait_for 30 in_site "$from" grep -q '^State:.T' "/proc/$1/status" || { say "did not hang"; return 1; }
	in_site "$from" kill -9 "$1"
	kill -CONT "${AGENT_PID[$from]}"        # nsenter stops with its child
	wait_for 10 agent_dead "$from"
}
began() {
	revive
	id=$(newest_job "$from")
	[ -n "$id" ] && [ "$id" != "$old" ]
}
all_over() { # all_over ID STATE
	revive
	[[ $DIED =~ $want ]] && both_ended "$1" "$2"
}

# trial SOURCE-POINTS TARGET-POINTS END
trial() {
	local from=$at to id='' old s inner want='' DIED=''
	to=$(other "$from")
	agent_stop "$from"
	agent_stop "$to"
	agent_start "$from" "$1" && agent_start "$to" "$2" || { say "agents do not start"; return 1; }
	case $1 in *mig.source.*=kill* | *=stop) want=$from ;; esac
	case $2 in *=kill) want="$want.*$to" ;; esac
	old=$(newest_job "$from")
	inner=$(agent_inner_pid "$from")
	ask "$from" migration create $VM --to "$to" --detach --yes > "$T/created" 2>&1
	case $1 in *=stop) kill_hanging "$inner" || return 1 ;; esac
	wait_for 20 began || { say "no job: $(cat "$T/created")"; return 1; }
	wait_for 90 all_over "$id" "$3" || {
		say "died:$DIED"
		for s in "$from" "$to"; do say "$s: $(ask "$s" migration show "$id" -o json | jq -c '{state, phase, decision, reason}')"; done
		return 1
	}
	[ "$3" = succeeded ] && at=$to
	same "  one runs, one is not there" "running none" "$(power "$at") $(power "$(other "$at")")"
	wait_for 20 guest_answers || { say "guest is silent"; return 1; }
	for s in "$from" "$to"; do wait_for 20 clean_at "$s" || return 1; done
	guest_whole "$at" "$boot"
}

n=0
while IFS='|' read -r source target end what; do
	[ -n "$end" ] || continue
	n=$((n + 1))
	case " ${ROWS:-$n} " in *" $n "*) ;; *) continue ;; esac
	check "$n $what" trial "$source" "$target" "$end"
	never_twice $VM > "$T/twice" || { not_ok "$n ran twice" "$(cat "$T/twice")"; break; }
done <<< "$ROWS_ALL"
check "never ran twice in $n trials" never_twice $VM
finish
