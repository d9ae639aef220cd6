#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 40-migrate-live.sh - a running guest moves to the other host and back: its disk is proved, its connection lives, the records of
# ownership agree, the way back is parked; and what must be refused is refused and changes nothing.
# limit: 600
. "$(dirname "$0")/lib.sh"
requires root ip virsh qemu-img qemu-nbd jq socat python3 bin/causeway-agent bin/causeway

sites_up
must guest_build
must agent_start onprem
must agent_start cloud
events_start
must guest_up onprem
boot=$(value boot_id "$(guest_stat)")

# ---- what people see ----
same "the VM runs on premises" running "$(ask onprem vm show $VM -o json | jq -r .power)"
same "and belongs to it" "onprem owned" "$(ask onprem vm show $VM -o json | jq -r '.owner | .site + " " + .state')"
same "vm list names it" $VM "$(ask onprem vm list -o json | jq -r '.items[].name')"
same "a VM that is elsewhere is not found" 10 "$(ask cloud vm show $VM > /dev/null 2>&1; echo $?)"

# ---- refusals ----
# refused NAME EXIT WORDS COMMAND...: exit status, and every word of WORDS in what it says.
refused() {
	local name=$1 status=$2 words=$3 text got w; shift 3
	text=$(ask onprem migration create "$@" --yes 2>&1)
	got=$?
	[ "$got" = "$status" ] || { not_ok "$name" "exit $got: $text"; return; }
	for w in $words; do grep -qF -- "$w" <<< "$text" || { not_ok "$name" "does not say '$w': $text"; return; }; done
	[ -z "$(virsh_at cloud list --all --name)" ] && [ -z "$(ls "$(images cloud)")" ] &&
		[ "$(ask cloud migration list -o json | jq '.items | length')" = 0 ] &&
		[ "$(ask onprem migration list -o json | jq '.items | length')" = 0 ] || { not_ok "$name" "something changed"; return; }
	ok "$name"
}
refused "no such VM" 10 "web9 name" web9 --to cloud
refused "no such site" 10 "web1 to moon" $VM --to moon
refused "no such host there" 5 "web1 to nobody" $VM --to cloud/nobody
refused "a kind that is not there yet" 1 "web1 kind bulk" $VM --to cloud --kind bulk
refused "no space at the target" 5 "web1 pool tiny" $VM --to cloud --map-pool default:tiny
refused "no such pool at the target" 5 "web1 pool gold" $VM --to cloud --map-pool default:gold
refused "a network that is not extended at the target" 5 "web1 network br-lan" $VM --to cloud --map-network br-web:br-lan

qemu-img create -q -f qcow2 "$(images onprem)/web2.qcow2" 16M
guest_xml web2 52:54:00:10:01:51 br-lan > "$T/web2.xml"
virsh_at onprem define "$T/web2.xml"
refused "a VM that is off" 5 "web2 power off" web2 --to cloud
must virsh_at onprem start web2
refused "a VM whose network has no extension" 5 "web2 network br-lan extension" web2 --to cloud
virsh_at onprem destroy web2
virsh_at onprem undefine web2
rm "$(images onprem)/web2.qcow2"
touch "$(images cloud)/$VM.qcow2"
text=$(ask onprem migration create $VM --to cloud --yes 2>&1)
same "a disk of that name at the target" 5 $?
check "and it says which" grep -q "disk.*$IMAGES/$VM.qcow2" <<< "$text"
check "and leaves it alone" [ -e "$(images cloud)/$VM.qcow2" ]
rm "$(images cloud)/$VM.qcow2"
check "a dry run says yes" ask onprem migration create $VM --to cloud --dry-run
refuses "and does nothing" grep -q . <(virsh_at cloud list --all --name; ls "$(images cloud)")

# ---- streams of strangers ----
before=$(ask cloud host show -o json | jq '.counters."streams.refused"')
"$PY" "$ROOT/tests/virt/strangers.py" "${PFX}onprem" 192.0.2.2 7000
same "strangers' streams are refused and counted" 7 $(($(ask cloud host show -o json | jq '.counters."streams.refused"') - before))

# ---- there and back ----
ip netns exec "${PFX}client" "$PY" "$ROOT/tests/virt/talk.py" $GUEST_IP "$T/stop" > "$T/talk" 2>&1 &
talk=$!
on_exit kill $talk

# moved FROM TO: the job says that it succeeded, with all that belongs to it.
moved() {
	local from=$1 to=$2 id body
	ID=
	ask "$from" migration create $VM --to "$to" --yes -o json > "$T/created" 2> "$T/progress" || { cat "$T/progress"; return 1; }
	id=$(ask "$from" migration list -o json | jq -r '.items[0].id')
	body=$(ask "$from" migration show "$id" -o json)
	ID=$id
	say "$from to $to: $(jq -c '{state, downtime_ms, stopped_ms, total_ms, disk_proof: .disk_proof.equal}' <<< "$body")"
	jq -e '.state == "succeeded" and .disk_proof.kind == "full" and .disk_proof.equal and (.disk_proof.disks | length == 2) and .power == "running"
		and .downtime_ms > 0 and .stopped_ms > 0 and .total_ms >= .stopped_ms' <<< "$body" > /dev/null || { say "$body"; return 1; }
	[ "$(job "$to" "$id" .state)" = succeeded ]
}
# settled AT AWAY EPOCH: who has what after a move.
settled() {
	local at=$1 away=$2 epoch=$3 s
	same "guest runs at $at" running "$(power "$at")"
	same "no definition at $away" none "$(power "$away")"
	for s in "${SITES[@]}"; do
		same "record at $s" "$at $epoch owned" "$(in_site "$s" sqlite3 /var/lib/libvirt/agent.db \
			"SELECT owner, epoch, state FROM owner ORDER BY seq DESC LIMIT 1" | tr '|' ' ')"
		check "nothing left at $s" clean_at "$s"
	done
	same "hashes of the records agree" "$(in_site "$at" sqlite3 /var/lib/libvirt/agent.db "SELECT hash FROM owner ORDER BY seq DESC LIMIT 1")" \
		"$(in_site "$away" sqlite3 /var/lib/libvirt/agent.db "SELECT hash FROM owner ORDER BY seq DESC LIMIT 1")"
	check "it is persistent at $at" grep -q yes <(virsh_at "$at" dominfo $VM | grep Persistent)
	check "disk and definition are parked at $away" test -s "$(images "$away")/parked/$VM@$((epoch - 1))/domain.xml" -a \
		-s "$(images "$away")/parked/$VM@$((epoch - 1))/$VM.qcow2" -a \
		-s "$(images "$away")/parked/$VM@$((epoch - 1))/$VM-data.raw"
	check "the guest is whole" guest_whole "$at" "$boot"
}
check "there" moved onprem cloud
first=$ID
settled cloud onprem 2
same "a VM that was released is not moved again from here" 10 "$(ask onprem migration create $VM --to cloud --yes > /dev/null 2>&1; echo $?)"
check "and back" moved cloud onprem
settled onprem cloud 3
touch "$T/stop"
check "the connection lived" wait "$talk"
say "$(cat "$T/talk")"

# ---- finish ----
check "finish on premises" ask onprem migration finish "$first" --yes
check "finish in the cloud" ask cloud migration finish "$ID" --yes
refuses "nothing is parked any more" test -e "$(images onprem)/parked" -o -e "$(images cloud)/parked"
refuses "a second finish has nothing to do" ask onprem migration finish "$first" --yes

# ---- cancel ----
ask onprem migration create $VM --to cloud --detach --yes > /dev/null 2>&1
id=$(ask onprem migration list -o json | jq -r '.items[0].id')
ask onprem migration cancel "$id" --yes > /dev/null 2>&1
over() { case $(job onprem "$id" .state) in succeeded | rolled_back) return 0 ;; *) return 1 ;; esac; }
check "a cancelled move ends" wait_for 60 over
same "rolled back" rolled_back "$(job onprem "$id" .state)"
same "the guest goes on" running "$(power onprem)"
check "nothing left at the source" wait_for 20 clean_at onprem
check "nothing left at the target" wait_for 20 clean_at cloud
check "the guest is whole" guest_whole onprem "$boot"
check "and can move afterwards" moved onprem cloud

check "never ran twice" never_twice $VM
finish
