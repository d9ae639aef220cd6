#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 70-mesh.sh - two sites in the lab, known to each other: what is refused changes nothing, a mesh and an extension come up and go
# without trace, and either site may delete what the other made.
# limit: 300
. "$(dirname "$0")/lib.sh"
requires root tun virsh libvirtd jq curl bin/causewayd bin/causeway-helper bin/causeway-ix bin/causeway-ne bin/causeway-agent

T=$(mktemp -d "${TMPDIR:-/tmp}/causeway-mesh.XXXXXX") || exit 1
on_exit rm -rf "$T"
export LAB_PREFIX=$PFX- LAB_STATE=$T/lab
here=$ROOT/vagrant result=$T said=$T/said
. "$here/provision/join"
mesh=$(topology mesh)
on_exit "$lab" down

# refused EXIT WORDS SITE ARGS...: the command ends with EXIT and names WORDS; nothing has changed.
refused() {
	local status=$1 words=$2 site=$3 before after text got
	shift 3
	before=$(world)
	text=$(cw "$site" "$@" 2>&1 < /dev/null)
	got=$?
	after=$(world)
	same "refused with $status: $*" "$status" "$got"
	case $text in *$words*) ;; *) not_ok "says '$words': $text" ;; esac
	same "  and nothing has changed" "$before" "$after"
}

# All that a refused order could have touched, at both sites; what traffic does to it is no matter.
world() {
	local site
	for site in onprem cloud; do
		for noun in network-profile compute-profile mesh extension; do cw $site -o json $noun list | jq -cS 'del(.items[].counters?, .items[].macs?)'; done
		"$lab" exec $site-gw -- sh -c 'ls /run/netns 2> /dev/null; ls /var/lib/causeway/appliances 2> /dev/null; ip -o link | cut -d: -f2'
	done
}
mesh_state() { [ "$(cw "$1" -o json mesh show "$mesh" | jq -r .state)" = up ]; }
clean() { # clean SITE: no namespace, device, address or process is left of any appliance
	[ -z "$("$lab" exec "$1-gw" -- sh -c 'ls /run/netns 2> /dev/null; ip -o link | grep -o "cw[v-][^:@]*"')" ] &&
		[ -z "$("$lab" exec "$1-gw" -- sh -c 'ls /var/lib/causeway/appliances 2> /dev/null')" ] &&
		[ "$(cw "$1" -o json network-profile list | jq '[.items[].addresses[]] | length')" = 0 ]
}

reaches_neighbour() {
	"$lab" exec cloud-gw -- sh -c 'ip address add 192.168.101.99/25 dev br-web; ping -q -c 2 -i 0.2 -W 1 192.168.101.20; s=$?
		ip address del 192.168.101.99/25 dev br-web; exit $s' > /dev/null
}

must "$lab" up
must "$lab" start
must sites_made
must pair_sites
must enrol_hosts
must make_profiles

refused 9 "management" onprem np create twice --function management --bridge br-mgmt --range 192.168.1.12-192.168.1.20 --prefix 27 --gateway 192.168.1.1
refused 5 "gateway" onprem np create outside --function uplink --bridge br-uplink --range 192.168.7.10-192.168.7.12 --prefix 27 --gateway 192.168.9.1
refused 9 "compute" onprem np delete uplink
refused 10 "there is no" onprem mesh create m1 --site nowhere --local onprem --remote cloud
refused 10 "compute-profile" onprem mesh create m1 --site cloud --local onprem --remote nothing

# An address of the range is taken by a stranger.
"$lab" exec cloud-gw -- ip address add 192.168.2.34/28 dev br-uplink
refused 5 "192.168.2.34" onprem mesh create m1 --site cloud --local onprem --remote cloud
"$lab" exec cloud-gw -- ip address del 192.168.2.34/28 dev br-uplink

# Two appliances, and an uplink with one address.
must cw onprem np create tiny --function uplink --bridge br-uplink --range 192.168.1.41-192.168.1.41 --prefix 28 --gateway 192.168.1.33 > /dev/null
must cw onprem cp create small --services ix,ne --host onprem-kvm --pool default --network uplink=tiny --network management=management \
	--network vmotion=vmotion > /dev/null
refused 5 "ranges" onprem mesh create m1 --site cloud --local small --remote cloud

began=$(date +%s%3N)
must make_mesh
took=$(($(date +%s%3N) - began))
check "a mesh in less than 30 s ($took ms)" test "$took" -lt 30000
check "it is up here" mesh_state onprem
check "and there" wait_for 5 mesh_state cloud
refused 9 "name" onprem mesh create "$mesh" --site cloud --local onprem --remote cloud
refused 9 "mesh" onprem cp delete onprem
refused 5 "extendable" onprem extension create br-mgmt --mesh "$mesh"
must stretch_segment
refused 9 "extended" onprem extension create br-web --mesh "$mesh"
refused 9 "extension" cloud mesh delete "$mesh" --yes
check "the neighbour is reached through the segment" reaches_neighbour
# What an appliance is asked by way of its manager. Both have a tunnel of the same name.
refused 9 "APPLIANCE/TUNNEL" onprem tunnel rekey cloud
refused 10 "tunnel $mesh-ne/nowhere" onprem tunnel test "$mesh-ne/nowhere"
refused 5 "seconds" onprem tunnel test "$mesh-ne/cloud" --seconds 31
spi_of() { cw onprem -o json tunnel show "$mesh-ne/cloud" | jq -r ".$1"; }
is_renewed() { [ "$(spi_of "$1")" != "$2" ]; }
check "a tunnel is tested" test "$(cw onprem -o json tunnel test "$mesh-ne/cloud" --seconds 1 | jq -r '.kind, .loss' | xargs)" = "inner 0"
old=$(spi_of esp.spi_in)
check "its ESP SAs are renewed" cw onprem tunnel rekey "$mesh-ne/cloud"
check "they are others" wait_for 5 is_renewed esp.spi_in "$old"
old=$(spi_of ike.spi_i)$(spi_of ike.spi_r)
check "its IKE SA is renewed" cw onprem tunnel rekey-ike "$mesh-ne/cloud"
spi_of_ike() { echo "$(spi_of ike.spi_i)$(spi_of ike.spi_r)"; }
ike_is_renewed() { [ "$(spi_of_ike)" != "$old" ]; }
check "it is another" wait_for 5 ike_is_renewed
refused 5 "must be ix" onprem rate show "$mesh-ne"
same "the limits are set" 400 "$(cw onprem -o json rate set "$mesh-ix" --bulk-mbit 400 | jq .bulk_mbit)"
same "and stay" 400 "$(cw onprem -o json rate show "$mesh-ix" | jq .bulk_mbit)"
pid_of_ne() { cw onprem -o json appliance show "$mesh-ne" | jq .pid; }
old=$(pid_of_ne)
check "an appliance is restarted" cw onprem appliance restart "$mesh-ne" --yes
refuses "it is another process" test "$(pid_of_ne)" = "$old"
check "and the segment is back, because the other site heard a good-bye" wait_for 5 reaches_neighbour
refuses "no appliance crashed" "$lab" exec onprem-gw -- sh -c 'grep -E "signal|fault" /var/lib/causeway/appliances/*/log'

# The manager answers lists from what it has: the median of 21 of each, in milliseconds.
median() {
	"$lab" exec onprem-gw -- curl -s -o /dev/null -w '%{time_total}\n' --unix-socket /run/causeway/manager.sock "http://m/api/v1/$1?[1-21]" |
		sort -n | awk 'NR == 11 {printf "%.2f\n", $1 * 1000}'
}
for list in pairings network-profiles compute-profiles meshes appliances tunnels extensions networks hosts vms migrations jobs events; do
	took=$(median $list)
	check "list of $list: $took ms" awk -v t="$took" 'BEGIN {exit !(t > 0 && t < 20)}'
done
kib=$(awk '/^VmRSS/ {print $2}' "/proc/$(cat "$LAB_STATE/nodes/onprem-gw/manager.pid")/status")
check "a manager with a mesh keeps less than 32 MiB ($kib KiB)" test "$kib" -gt 1000 -a "$kib" -lt 32768
check "the other site deletes the extension" cw cloud extension delete br-web --yes
check "and the mesh" cw cloud mesh delete "$mesh" --yes
check "onprem is clean" wait_for 10 clean onprem
check "cloud is clean" wait_for 10 clean cloud
check "no mesh is left" test "$(cw onprem -o json mesh list | jq '.items | length') $(cw cloud -o json mesh list | jq '.items | length')" = "0 0"
must make_mesh
check "and made again" mesh_state onprem
must stretch_segment
refused 9 "$mesh" onprem pair revoke cloud --yes
check "trust is withdrawn by force" cw onprem pair revoke cloud --force --yes
check "nothing that stood on it is left at onprem" wait_for 20 clean onprem
check "nor at cloud" wait_for 20 clean cloud
check "and neither knows a mesh" test "$(cw onprem -o json mesh list | jq '.items | length') $(cw cloud -o json mesh list | jq '.items | length')" = "0 0"
finish
