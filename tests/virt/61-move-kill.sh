#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 61-move-kill.sh - managers and agents are killed before and after every write of a live migration: of its job and its row, of the
# ownership records at both sites, of the agents' questions about them. Each is started again a second later, as a service manager would;
# the migration ends as it must, at both managers and both agents, the guest never runs at both sites, both managers have the
# same chain of ownership, and who has moved it can move it again. Also what is refused, and giving up.
# limit: 900
#
# Environment: ROWS   only the rows whose numbers are in this list ("3 7")
#              LONG   non-empty: also the rows in which somebody has to be called, which take a minute each
# shellcheck source=tests/virt/lab.sh
. "$(dirname "$0")/lab.sh"

# Points of: the source's manager | the target's manager | the source's agent | the target's agent | seconds away | how it ends | what it shows
# A process dies at its first point, is started again with the next one, and so on. J is job.migration.create.
ROWS_ALL='
J.check.do J.check.did J.start.do J.start.did|owner.put.before|||1|succeeded|the first steps of the job
J.follow.do J.follow.did J.settle.do J.settle.did|owner.put.after|||1|succeeded|the last steps of the job
migration.write migration.wrote migration.write migration.wrote||||1|succeeded|the row of the migration
owner.prepare.before owner.prepare.middle owner.prepare.after||||1|succeeded|PREPARED: the agent asks again
owner.release.before owner.put.before owner.put.middle owner.put.after||||1|succeeded|before the commit point, and when the other site answers
owner.release.middle||||1|succeeded|within the commit point
owner.release.after||||1|succeeded|behind the commit point, and nobody has heard
|owner.put.middle owner.arrived.before owner.arrived.middle owner.arrived.after|||1|succeeded|what the target writes
owner.abort.before owner.abort.middle owner.abort.after J.start.undo J.start.undid||mig.source.release=fail||1|rolled_back|the way back
||warrant.asking.before||1|rolled_back|the agent, before it writes that it asks
||warrant.asking.after||1|rolled_back|the agent, when it has written that it asks
||mig.source.released.before||1|succeeded|the agent, when its manager has released and it has not heard
||mig.source.released.after||1|succeeded|the agent, behind the commit point
||mig.source.release=fail,mig.source.aborted.before=kill mig.source.aborted.after warrant.told.before||1|rolled_back|the agent, on the way back
owner.release.after|owner.arrived.after|mig.source.released.before|mig.target.owned.before mig.target.owned.after warrant.told.before|1|succeeded|all four
owner.release.before||||8|rolled_back|the manager is away before the commit point: the guest waits, and goes on here
owner.release.after||||15|succeeded|the manager is away behind the commit point: the guest waits, and goes on there
'
[ -z "${LONG:-}" ] || ROWS_ALL+='
owner.release.before||||45|rolled_back|the manager is away until somebody is called: then it ends by itself
owner.release.after||||45|succeeded|the same behind the commit point
|owner.arrived.before|||55|succeeded|the target has it, and its manager says so late
'

now() { echo "${EPOCHREALTIME/./}"; }
jobs_ended() { cw "$1" -o json job list | jq -e '[.items[] | select(.state == "queued" or .state == "running")] == []' > /dev/null; }
# seen SITE ID JQ: a member of the migration, as the manager sees it.
seen() { cw "$1" -o json migration show "$2" 2> /dev/null | jq -r "$3"; }
listed() { cw "$1" -o json migration list | jq -r ".items[] | select(.id == \"$2\") | .state"; }
# shown SITE: what the list of VMs says of the guest there.
shown() { cw "$1" -o json vm list | jq -r '[.items[] | .name + " " + .power + " " + .owner.site] | join(", ")'; }
lists_tell() { [ "$(shown "$at")" = "$VM running $at" ] && [ -z "$(shown "$(other "$at")")" ]; }

VICTIMS=(from-gw:manager to-gw:manager from-kvm:agent to-kvm:agent)
declare -A ARMED=()     # NODE:PROGRAM: the points with which it runs
place_of() { local p=${1/from/$from}; echo "${p/to-/$to-}"; }

# begin_with PLACE POINTS: started anew when it has others.
begin_with() {
	[ "${ARMED[$1]:-}" = "$2" ] && alive "$(pid_of "${1%:*}" "${1#*:}")" && return
	ARMED[$1]=$2
	restart_program "${1%:*}" "${1#*:}" "$2"
}
# impair POINT: "P" means P=kill.
impair() { case $1 in '' | *=*) echo "$1" ;; J.*) echo "job.migration.create.${1#J.}=kill" ;; *) echo "$1=kill" ;; esac; }

# tend: who has died is started again AWAY seconds later, with the next of its points.
tend() {
	local v place rest
	for v in "${VICTIMS[@]}"; do
		place=$(place_of "$v")
		alive "${VPID[$v]}" && continue
		: "${DIED[$v]:=$(now)}"
		[ $(($(now) - DIED[$v])) -ge $((away * 1000000)) ] || continue
		rest=${LEFT[$v]#"${LEFT[$v]%% *}"}
		LEFT[$v]=${rest# }
		unset "DIED[$v]"
		ARMED[$place]=$(impair "${LEFT[$v]%% *}")
		start_program "${place%:*}" "${place#*:}" "${ARMED[$place]}" > "$T/start" 2>&1 &      # may die before it answers
		wait_for 10 is_new "$place" "${VPID[$v]}" || return 1
		VPID[$v]=$(pid_of "${place%:*}" "${place#*:}")
	done
}
is_new() { local pid; pid=$(pid_of "${1%:*}" "${1#*:}") && [ -n "$pid" ] && [ "$pid" != "$2" ]; }
# A point that only fails does not end anybody.
all_passed() {
	local v
	for v in "${VICTIMS[@]}"; do case ${LEFT[$v]} in '' | *=fail) ;; *) return 1 ;; esac; done
}
all_is_over() { jobs_ended "$from" && jobs_ended "$to" && [ "$(listed "$from" "$id")" = "$1" ]; }

# ended END: what each of the four says; a target that has never heard of it says nothing.
ended() {
	local s
	[ "$(seen "$from" "$id" .state) $(job "$from" "$id" .state)" = "$1 $1" ] || return 1
	for s in "$(seen "$to" "$id" .state)" "$(job "$to" "$id" .state)"; do
		[ "$s" = "$1" ] || { [ -z "$s" ] && [ "$1" = rolled_back ]; } || return 1
	done
}
say_ends() { say "managers: $(seen "$from" "$id" .state) $(seen "$to" "$id" .state), agents: $(job "$from" "$id" .state) $(job "$to" "$id" .state)"; }

# trial POINTS POINTS POINTS POINTS AWAY END
trial() {
	local from=$at to away=$5 id='' old client status='' v i=0 place deadline
	local -A LEFT VPID DIED=()
	to=$(other "$from")
	for v in "${VICTIMS[@]}"; do
		i=$((i + 1))
		place=$(place_of "$v")
		LEFT[$v]=${!i}
		begin_with "$place" "$(impair "${LEFT[$v]%% *}")" || return 1
		VPID[$v]=$(pid_of "${place%:*}" "${place#*:}")
	done
	meshes_up || return 1
	old=$(newest "$from")
	"$lab" exec "$from-gw" -- causeway migration create $VM --to "$to" --yes > "$T/created" 2>&1 < /dev/null &
	client=$!
	deadline=$((SECONDS + 120))
	while [ -z "$status" ] || [ ${#DIED[@]} -gt 0 ] || ! all_passed; do
		tend || return 1
		[ -n "$status" ] || alive $client || { wait $client; status=$?; }
		if [ $SECONDS -ge $deadline ]; then
			for v in "${VICTIMS[@]}"; do [ -z "${LEFT[$v]}" ] || say "$v: ${LEFT[$v]} was not passed"; done
			break
		fi
		sleep 0.05
	done
	check "  every point was passed" all_passed
	meshes_up || return 1
	began "$from" "$old" || { say "no job: $(tail -n 3 "$T/created")"; return 1; }
	wait_for 60 all_is_over "$6" || { say_ends; return 1; }
	[ "$6" = rolled_back ] || at=$to
	case $away.$6 in
	[45]?.*) say "the command's end: $status" ;;       # it does not wait for ever
	*.succeeded) same "  the command's end" 0 "$status" ;;
	*) same "  the command's end" 4 "$status" ;;
	esac
	check "  it runs once, here" runs_once
	wait_for 60 ended "$6" || { say_ends; not_ok "  everybody says that it $6"; }
	wait_for 60 one_owner || { say "$(owner onprem) $(owner cloud)"; not_ok "  both sites say whose it is"; }
	wait_for 10 lists_tell || { say "onprem: $(shown onprem) cloud: $(shown cloud)"; not_ok "  the lists say where it is"; }
}

# refused STATUS TEXT WORD...: migration create at the site where the guest is.
refused() {
	local status=$1 text=$2 got
	shift 2
	cw "$at" migration create "$@" --yes > "$T/refused" 2>&1 < /dev/null
	got=$?
	[ $got = "$status" ] && grep -q "$text" "$T/refused" && return
	say "status $got: $(cat "$T/refused")"
	return 1
}
nothing_has_changed() { [ "$(newest "$at") $(cw "$at" -o json job list | jq '.items | length') $(owner "$at")" = "$1" ]; }

refusals() {
	local to before
	to=$(other "$at")
	before="$(newest "$at") $(cw "$at" -o json job list | jq '.items | length') $(owner "$at")"
	check "a VM that is not there" refused 10 'vm nobody: name' nobody --to "$to"
	check "a site that is not paired" refused 10 'to: there is no pairing' $VM --to nowhere
	check "a host that is not there" refused 5 'to: .*no host' $VM --to "$to/nowhere"
	check "another kind" refused 1 'migration: kind: .*cold' $VM --to "$to" --kind cold
	check "a kind that is none" refused 5 'migration: kind: must be live' $VM --to "$to" --kind warm
	virsh_at "$at" suspend $VM
	check "a VM that is paused" refused 5 "vm $VM: power: " $VM --to "$to"
	virsh_at "$at" resume $VM
	check "refused: nothing has changed" nothing_has_changed "$before"
}

# While the other site is away, and when its agent is.
refusals_of_absence() {
	local to; to=$(other "$at")
	kill -9 "$(pid_of "$to-gw" manager)"
	check "the other manager is away" refused 8 "vm $VM: to: the manager of site $to cannot be reached" $VM --to "$to"
	start_program "$to-gw" manager
	meshes_up
	kill -9 "$(pid_of "$to-kvm" agent)"
	check "the other agent is away" refused 5 "agent of .*$to.*\(is not up\|cannot be reached\)" $VM --to "$to"
	start_program "$to-kvm" agent
	kill -9 "$(pid_of "$at-kvm" agent)"
	check "our agent is away" refused 5 "vm $VM: host: the agent of host $at-kvm does not answer" $VM --to "$to"
	start_program "$at-kvm" agent
	meshes_up
}

# What is shown while it moves, and a cancellation in time.
cancelled() {
	local from=$at to id='' client old
	to=$(other "$from")
	old=$(newest "$from")
	"$lab" exec "$from-gw" -- causeway migration create $VM --to "$to" --yes > "$T/created" 2>&1 < /dev/null &
	client=$!
	wait_for 20 began "$from" "$old" && wait_for 30 copying "$from" "$id" || return 1
	check "  shown as it is, here" wait_for 3 shows "$from" "source running copy"
	check "  shown as it is, there" wait_for 3 shows "$to" "target running prepared"
	check "  and in both lists" test "$(listed "$from" "$id") $(listed "$to" "$id")" = "running running"
	check "  one at a time" refused 9 'under way' $VM --to "$to"
	check "  it is cancelled" cw "$from" migration cancel "$id" --yes
	wait $client
	same "  who waited hears that" 4 $?
	wait_for 20 ended rolled_back || { say_ends; return 1; }
	check "  it runs once, here" runs_once
	check "  both sites say whose it is" wait_for 60 one_owner
	check "  it is cancelled once" refused_verb 9 cancel "$id"
}
shows() { [ "$(seen "$1" "$id" '.role + " " + .state + " " + .phase')" = "$2" ]; }
refused_verb() { cw "$from" migration "$2" "$3" --yes > "$T/refused" 2>&1; [ $? = "$1" ] || { cat "$T/refused" >&2; return 1; }; }

network_is_not_extended() {
	check "the network is not extended" refused 5 "vm $VM: network: bridge br-web has no extension" $VM --to "$(other "$at")"
}

lab_up
n=0
while IFS='|' read -r fm tm fa ta away end what; do
	[ -n "$end" ] || continue
	n=$((n + 1))
	case " ${ROWS:-$n} " in *" $n "*) ;; *) continue ;; esac
	check "$n $what" trial "$fm" "$tm" "$fa" "$ta" "$away" "$end"
done <<< "$ROWS_ALL"
for place in {onprem,cloud}-{gw:manager,kvm:agent}; do begin_with "$place" ''; done
must meshes_up
refusals
refusals_of_absence
check "a migration is given up" cancelled
to=$(other "$at")
check "the next move works" cw "$at" migration create $VM --to "$to" --yes
check "and the way back at once" cw "$to" migration create $VM --to "$at" --yes
check "and it runs once, here" runs_once
must cw onprem extension delete br-web --yes
network_is_not_extended
finish
