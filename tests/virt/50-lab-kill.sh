#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 50-lab-kill.sh - in the whole lab, an appliance, a manager, a helper or the client is killed in the middle of a live migration, with
# the copy under way, with the Finish reply held and behind the commit point. After a restart the migration has ended at both
# sites, the guest runs at exactly one and answers its neighbour, and the next move works.
# limit: 900
#
# Environment: ROWS   only the rows whose numbers are in this list ("3 7")
# shellcheck source=tests/virt/lab.sh
. "$(dirname "$0")/lab.sh"

# victims | when: the phase in which they die, or the point at which the source's agent stands still meanwhile | how it ends, or "either"
ROWS_ALL='
client|copy|succeeded|the client dies: the job goes on
from-gw ne,to-gw ne|copy|succeeded|both extensions die: the copy does not pass through them
from-gw ix|copy|rolled_back|the interconnect at the source dies with the copy under way
to-gw ix|copy|rolled_back|the interconnect at the target dies with the copy under way
from-gw ix|mig.source.prove|rolled_back|the interconnect at the source dies with the reply held
to-gw ix|mig.source.prove|rolled_back|the interconnect at the target dies with the reply held
to-gw ix|mig.source.commit|succeeded|the interconnect at the target dies behind the commit point
from-gw helper,to-gw helper|copy|succeeded|both helpers die: appliances outlive them
from-gw manager|copy|either|the manager at the source dies with the copy under way
to-gw manager|copy|either|the manager at the target dies with the copy under way
from-gw manager|mig.source.prove|either|the manager at the source dies with the reply held
to-gw manager|mig.source.prove|either|the manager at the target dies with the reply held
from-gw manager,to-gw manager|mig.source.commit|succeeded|both managers die behind the commit point
'

stands_still() { grep -q '^State:.T' "/proc/$(pid_of "$1-kvm" agent)/status"; }
is_another() { local pid; pid=$(pid_of "$1" "$2") && [ -n "$pid" ] && [ "$pid" != "$3" ]; }

# kill_victim FROM TO VICTIM CLIENT-PID: at once again, as a service manager would; appliances are started by their helper.
kill_victim() {
	local node program=${3#* } pid
	[ "$3" != client ] || { kill -9 "$4"; return; }
	node=${3% *}
	node=${node/from/$1} node=${node/to/$2}
	pid=$(pid_of "$node" "$program")
	[ -n "$pid" ] && kill -9 "$pid" && wait_for 5 dead "$pid" || return 1
	case $program in ix | ne) wait_for 10 is_another "$node" "$program" "$pid" ;; *) start_program "$node" "$program" ;; esac
}

# trial VICTIMS WHEN END
trial() {
	local from=$at to id='' old client point='' end victims victim
	to=$(other "$at")
	case $2 in mig.*) point=$2=stop ;; esac
	restart_program "$from-kvm" agent "$point" && meshes_up || return 1
	old=$(newest "$from")
	"$lab" exec "$from-gw" -- causeway migration create $VM --to "$to" --yes > "$T/created" 2>&1 < /dev/null &
	client=$!
	wait_for 20 began "$from" "$old" || { say "no job: $(cat "$T/created")"; return 1; }
	if [ -n "$point" ]; then wait_for 60 stands_still "$from"; else wait_for 30 copying "$from" "$id"; fi || return 1
	IFS=, read -ra victims <<< "$1"
	for victim in "${victims[@]}"; do kill_victim "$from" "$to" "$victim" "$client" || return 1; done
	[ -z "$point" ] || kill -CONT "$(pid_of "$from-kvm" agent)"
	wait "$client" 2> /dev/null
	wait_for 120 over "$from" "$id" && wait_for 120 over "$to" "$id"
	end=$3
	[ "$end" != either ] || end=$(job "$from" "$id" .state)
	same "  at both sites" "$end $end" "$(job "$from" "$id" .state) $(job "$to" "$id" .state)"
	refuses "  nobody has to decide" test "$end" = waiting_operator
	[ "$(job "$from" "$id" .state)" != succeeded ] || at=$to
	check "  it runs once, here" runs_once
}

lab_up
n=0
while IFS='|' read -r victims when end what; do
	[ -n "$end" ] || continue
	n=$((n + 1))
	case " ${ROWS:-$n} " in *" $n "*) ;; *) continue ;; esac
	check "$n $what" trial "$victims" "$when" "$end"
done <<< "$ROWS_ALL"
must restart_program "$at-kvm" agent
must meshes_up
to=$(other "$at")
check "the next move works" cw "$at" migration create $VM --to "$to" --yes
at=$to
check "and it runs once, there" runs_once
check "and both sites say whose it is" wait_for 60 one_owner
finish
