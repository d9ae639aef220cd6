#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The lab: comes up with every link, keeps its nodes apart, goes away without trace from any state; and its judge judges.
# limit: 120
. "$(dirname "$0")/lib.sh"
requires root tun virsh libvirtd

T=$(mktemp -d "${TMPDIR:-/tmp}/causeway-lab.XXXXXX") || exit 1
on_exit rm -rf "$T"
export LAB_PREFIX=$PFX- LAB_STATE=$T/lab
lab() { "$ROOT/vagrant/lab" "$@"; }
on_exit "$ROOT/vagrant/lab" down
in_node() { local n=$1; shift; lab exec "$n" -- "$@"; }
reaches() { in_node "$1" ping -q -c 1 -W 2 "$2" > /dev/null; }
namespaces() { ip netns list | grep -c "^$LAB_PREFIX"; }
host_folders() { ls -d /etc/causeway /var/lib/causeway /run/causeway 2> /dev/null; }
no_trace() { [ "$(namespaces)" = 0 ] && [ ! -e "$LAB_STATE" ] && ! grep -q "$LAB_STATE" /proc/[0-9]*/mounts /proc/[0-9]*/cmdline 2> /dev/null; }

before=$(host_folders)
must lab up
same "six nodes" 6 "$(namespaces)"
refuses "up is not twice" lab up
while read -r from to; do check "$from reaches $to" reaches "$from" "$to"; done <<'LINKS'
onprem-gw 192.168.2.46
cloud-gw 192.168.1.46
onprem-kvm 192.168.1.9
onprem-kvm 192.168.1.65
cloud-kvm 192.168.2.65
cloud-kvm 192.168.2.97
onprem-web 192.168.101.1
LINKS
refuses "the sites are joined by nothing else" reaches onprem-kvm 192.168.2.70
refuses "the management network is the site's own" reaches cloud-gw 192.168.1.9
same "the gateway has its configuration, and no appliance's" "causewayd.yaml helper.yaml" "$(in_node onprem-gw ls /etc/causeway | xargs)"
same "the host has none: its manager gives it" "" "$(in_node cloud-kvm ls /etc/causeway)"
held=$(in_node onprem-gw ip -o address show | grep -cE '192\.168\.1\.(1[0-6]|3[4-9]|40|7[4-7]|10[6-9])/')
same "nobody has an address that is for appliances" 0 "$held"
refuses "the two libvirts are two hosts" test "$(in_node onprem-kvm virsh -c qemu:///system capabilities | grep '<uuid>')" = \
	"$(in_node cloud-kvm virsh -c qemu:///system capabilities | grep '<uuid>')"
same "the emulator of a host without KVM is the lab's" "$(head -n 3 "$ROOT/vagrant/guest/qemu-tcg")" \
	"$(in_node cloud-kvm head -n 3 /usr/bin/qemu-system-x86_64)"
emulates() { in_node cloud-kvm /usr/bin/qemu-system-x86_64 -accel tcg -machine none -device virtio-gpu-pci,help > /dev/null; }
check "and runs, with its modules" emulates
same "the machine's own is as it was" ELF "$(head -c 4 /usr/bin/qemu-system-x86_64 | tr -dc '[:upper:]')"
in_node onprem-gw sh -c 'exit 7'
same "exit status passes through exec" 7 $?
same "the machine has got no folders" "$before" "$(host_folders)"
NAP=4711$$
# As an appliance lives: a network in the node's network, with a name, mounts of its own, and nobody waits for it.
in_node onprem-gw sh -c "ip netns add inner && ip link add out0 type veth peer name in0 netns inner &&
	setsid ip netns exec inner unshare -m sleep '$NAP' > /dev/null 2>&1 &"
inner_runs() { pgrep -fx "sleep $NAP" > /dev/null; }
check "something runs in a network of its own" wait_for 5 inner_runs
check "the machine does not know that network" test ! -e /run/netns/inner
check "down" lab down
check "nothing is left" no_trace
refuses "also not in the inner network" inner_runs
check "down again" lab down

for delay in 0.05 0.2 0.4 0.7; do
	"$ROOT/vagrant/lab" up > /dev/null 2>&1 &
	pid=$!
	sleep "$delay"          # not to wait for something: the point of the kill
	kill -9 "$pid" 2> /dev/null
	wait "$pid" 2> /dev/null
	check "down after up was killed at $delay s" lab down
	check "nothing is left after $delay s" no_trace
done

check "the judge finds what it has to find" "$ROOT/vagrant/measure/selftest" "$(if [ -x "$B/guest/workload" ]; then echo "$B/guest/workload"; fi)"
finish
