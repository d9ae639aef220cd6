#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 60-mesh-kill.sh - a manager or a helper is killed before and after every write of a mesh, of an extension and of their ends, is
# started again a second later, as a service manager would, and the job ends: all of it is there at both sites and works, or none of
# it is, nowhere.
# limit: 900
#
# Environment: ROWS   only the rows whose numbers are in this list ("3 7")
. "$(dirname "$0")/../netns/lib.sh"
requires root tun ip virsh libvirtd jq bin/causewayd bin/causeway-helper bin/causeway-ix bin/causeway-ne bin/causeway-agent
grep -q CAUSEWAY_IMPAIR "$B/bin/causewayd" || { echo "skip: needs a manager with kill points (make DEBUG=1)"; exit 77; }

T=$(mktemp -d "${TMPDIR:-/tmp}/causeway-mesh.XXXXXX") || exit 1
on_exit rm -rf "$T"
export LAB_PREFIX=$PFX- LAB_STATE=$T/lab
here=$ROOT/vagrant result=$T said=$T/said
. "$here/provision/join"
mesh=$(topology mesh)

# what | where | program | point | how it ends. A point "P+Q" fails at P first, so that the job goes back and passes Q.
create_rows() { # create_rows NOUN STEP...
	local step noun=$1
	shift
	for step in "$@"; do
		echo "$noun|onprem|manager|job.$noun.create.$step.do=kill|succeeded"
		echo "$noun|onprem|manager|job.$noun.create.$step.did=kill|succeeded"
	done
	for step in prepare_far prepare; do
		echo "$noun|onprem|manager|job.$noun.create.await.do=fail,job.$noun.create.$step.undo=kill|rolled_back"
		echo "$noun|onprem|manager|job.$noun.create.await.do=fail,job.$noun.create.$step.undid=kill|rolled_back"
	done
	for step in write wrote; do
		echo "$noun|onprem|manager|$noun.$step=kill|succeeded"
		echo "$noun|cloud|manager|$noun.$step=kill|succeeded"
	done
}
delete_rows() { # delete_rows NOUN STEP...
	local step noun=$1
	shift
	for step in "$@"; do
		echo "no-$noun|onprem|manager|job.$noun.delete.$step.do=kill|succeeded"
		echo "no-$noun|onprem|manager|job.$noun.delete.$step.did=kill|succeeded"
	done
}
helper_rows() {
	local point site
	for site in onprem cloud; do
		for point in $(points_of causeway-helper 'help\.place\.'); do echo "mesh|$site|helper|$point=kill|succeeded"; done
		for point in $(points_of causeway-helper 'help\.remove\.'); do echo "no-mesh|$site|helper|$point=kill|succeeded"; done
		for point in $(points_of causeway-helper 'help\.\(allow\|segment\)\.'); do echo "extension|$site|helper|$point=kill|succeeded"; done
	done
}
points_of() { strings -a "$B/bin/$1" | grep -x "$2[a-z._]*" | sort -u; }
rows() {
	create_rows mesh prepare prepare_far place place_far await
	delete_rows mesh remove_far remove
	helper_rows
	create_rows extension prepare prepare_far attach attach_far await
	delete_rows extension detach detach_far
}

pid_of() { cat "$LAB_STATE/nodes/$1-gw/$2.pid"; }
stop_program() { local pid; pid=$(pid_of "$1" "$2"); kill "$pid" 2> /dev/null; wait_for 10 dead "$pid"; }
restart() { stop_program "$1" "$2" && CAUSEWAY_IMPAIR=${3:-} "$lab" start "$1-gw" "$2"; }

count() { cw "$1" -o json "$2" list 2> /dev/null | jq '.items | length'; }
clean() { # clean SITE NOUN: nothing of it is left
	case $2 in
	mesh) [ -z "$("$lab" exec "$1-gw" -- sh -c 'ls /run/netns 2> /dev/null; ls /var/lib/causeway/appliances 2> /dev/null; ip -o link | grep -o "cwv[^:@]*"')" ] &&
		[ "$(cw "$1" -o json network-profile list | jq '[.items[].addresses[]] | length')" = 0 ] && [ "$(count "$1" mesh) $(count "$1" appliance)" = "0 0" ] ;;
	extension) [ -z "$("$lab" exec "$1-gw" -- sh -c 'ip -o link | grep -o "cw-[^:@]*"')" ] && [ "$(count "$1" extension)" = 0 ] ;;
	esac
}
whole() { [ "$(cw "$1" -o json "$2" list | jq -r '.items[].state')" = up ]; }
at_both() { local f=$1; shift; wait_for 60 "$f" onprem "$1" && wait_for 60 "$f" cloud "$1"; }
jobs_ended() { cw "$1" -o json job list | jq -e '[.items[] | select(.state == "queued" or .state == "running")] == []' > /dev/null; }

act() { # act NOUN
	case $1 in
	mesh) make_mesh ;;
	no-mesh) cw onprem mesh delete "$mesh" --yes ;;
	extension) stretch_segment ;;
	no-extension) cw onprem extension delete br-web --yes ;;
	esac
}
# What must be there before NOUN can be acted on.
before() {
	case $1 in
	no-mesh) [ "$(count onprem mesh)" = 1 ] || make_mesh ;;
	extension) { [ "$(count onprem mesh)" = 1 ] || make_mesh; } && { [ "$(count onprem extension)" = 0 ] || cw onprem extension delete br-web --yes; } ;;
	no-extension) { [ "$(count onprem mesh)" = 1 ] || make_mesh; } && { [ "$(count onprem extension)" = 1 ] || stretch_segment; } ;;
	mesh) { [ "$(count onprem extension)" = 0 ] || cw onprem extension delete br-web --yes; } && { [ "$(count onprem mesh)" = 0 ] || cw onprem mesh delete "$mesh" --yes; } ;;
	esac
}

trial() { # trial WHAT SITE PROGRAM POINT END
	local victim client status noun=${1#no-} hit=no
	before "$1" > "$T/before" 2>&1 || { say "not ready: $(tail -n 3 "$T/before")"; return 1; }
	restart "$2" "$3" "$4" && wait_for 20 is_paired onprem cloud || return 1
	[ "$1" = mesh ] || wait_for 30 whole onprem mesh || return 1
	victim=$(pid_of "$2" "$3")
	act "$1" > "$T/told" 2>&1 < /dev/null &
	client=$!
	while kill -0 $client 2> /dev/null; do
		if dead "$victim" && [ $hit = no ]; then
			hit=yes
			"$lab" start "$2-gw" "$3" || return 1
		fi
		sleep 0.05
	done
	wait $client
	status=$?
	if [ $hit = no ] && dead "$victim"; then hit=yes; "$lab" start "$2-gw" "$3" || return 1; fi
	same "  the point was passed" yes $hit
	wait_for 60 jobs_ended onprem && wait_for 60 jobs_ended cloud || { say "jobs do not end"; return 1; }
	case $5 in
	succeeded) same "  the command's end" 0 $status ;;
	*) same "  the command's end" 4 $status ;;
	esac
	[ $status = 0 ] || [ "$5" != succeeded ] || tail -n 3 "$T/told" >&2
	if [ "$5" = succeeded ] && [ "$1" = "$noun" ]; then at_both whole "$noun"; else at_both clean "$noun"; fi
}

on_exit "$lab" down
must "$lab" up
must "$lab" start
must sites_made
must pair_sites
must enrol_hosts
must make_profiles
n=0
while IFS='|' read -r what site program point end; do
	n=$((n + 1))
	case " ${ROWS:-$n} " in *" $n "*) ;; *) continue ;; esac
	check "$n $what: $program of $site at $point" trial "$what" "$site" "$program" "$point" "$end"
done < <(rows)
finish
