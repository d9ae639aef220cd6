# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# lib.sh - two hypervisor hosts with an agent each, in namespaces of their own. Sourced by the tests, never run.
#
#   ${PFX}onprem                           ${PFX}cloud                 ${PFX}client
#   wan0 192.0.2.1/30 ──── agents ──── wan0 192.0.2.2/30
#   br-web ──────────── seg0 (the stretched segment) ──────────── br-web ─── eth0 192.168.101.20/25
#
# Each host has network, mount, UTS, IPC and process namespaces, a libvirtd, /run and libvirt's folders of its
# own; images and logs lie below $T/SITE. The agents talk to each other without appliances in between. The guest is
# vagrant/guest under emulation, which answers at 192.168.101.50.
#
# Environment: as tests/netns/lib.sh, and AGENT, the program (default $B/bin/causeway-agent)
# shellcheck source=tests/netns/lib.sh
PFX=${PFX:-cwm$$}
. "$(dirname "${BASH_SOURCE[0]}")/../netns/lib.sh"
AGENT=${AGENT:-$B/bin/causeway-agent}
VM=web1 GUEST_IP=192.168.101.50 GUEST_MAC=52:54:00:10:01:50
IMAGES=/var/lib/libvirt/images
declare -A SITE_PID AGENT_PID
SITES=(onprem cloud)

ip_of() { [ "$1" = onprem ] && echo 192.0.2.1 || echo 192.0.2.2; }
other() { [ "$1" = onprem ] && echo cloud || echo onprem; }

# in_site SITE COMMAND...: in all namespaces of the host.
in_site() {
	local s=$1; shift
	nsenter -t "${SITE_PID[$s]}" -m -u -i -n -p -- "$@"
}
virsh_at() { local s=$1; shift; in_site "$s" virsh -q "$@"; }
images() { echo "$T/$1/lib/images"; }

# ---- hosts ----
write_libvirt_conf() { # write_libvirt_conf SITE UUID
	cp -a /etc/libvirt/. "$T/$1/etc/"
	rm -f "$T/$1"/etc/qemu/networks/autostart/*
	cat > "$T/$1/etc/libvirtd.conf" <<-E
	auth_unix_ro = "none"
	auth_unix_rw = "none"
	unix_sock_group = "root"
	host_uuid = "$2"
	log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
	E
	cat > "$T/$1/etc/qemu.conf" <<-E
	user = "root"
	group = "root"
	security_driver = "none"
	cgroup_controllers = [ ]
	namespaces = [ ]
	remember_owner = 0
	dynamic_ownership = 0
	stdio_handler = "file"
	E
	# The first process stays and reaps; libvirtd as the first process would leave its probes as zombies and wait for them.
	cat > "$T/$1/boot.sh" <<-E
	set -e
	mount --make-rprivate /
	mount -t tmpfs tmpfs /run
	mkdir -p /run/lock /run/netns
	mount --bind $T/$1/lib /var/lib/libvirt
	mount --bind $T/$1/etc /etc/libvirt
	mount --bind $T/$1/log /var/log/libvirt
	mount --bind $T/$1/cache /var/cache/libvirt
	mkdir -p /run/tiny && mount -t tmpfs -o size=1m tmpfs /run/tiny
	hostname $1
	while :; do /usr/sbin/libvirtd --timeout 0 || sleep 0.2; done
	E
}

host_up() { # host_up SITE UUID
	local s=$1 pid child
	mkdir -p "$T/$s"/{etc,lib/images,log/qemu,cache}
	write_libvirt_conf "$s" "$2"
	ip netns exec "$PFX$s" unshare -m -u -i -p --fork --kill-child --mount-proc setsid bash "$T/$s/boot.sh" \
		> "$T/$s/log/boot.log" 2>&1 < /dev/null &
	pid=$!
	on_exit host_down "$s" "$pid"
	wait_for 10 grep -q . "/proc/$pid/task/$pid/children" || return 1
	child=$(awk '{ print $1; exit }' "/proc/$pid/task/$pid/children")
	SITE_PID[$s]=$child
	wait_for 15 in_site "$s" test -S /run/libvirt/libvirt-sock
}

# The end of unshare is the end of the first process of the host, and with it of everything in it.
host_down() {
	kill -9 "$2" 2>/dev/null
	wait "$2" 2>/dev/null
	return 0
}

sites_up() {
	local s n
	T=$(mktemp -d "${TMPDIR:-/tmp}/causeway-virt.XXXXXX") || exit 1
	if [ -n "${KEEP:-}" ]; then on_exit say "kept: $T"; else on_exit rm -rf "$T"; fi
	for n in onprem cloud client; do ns_add $n; done
	ip link add wan0 netns "${PFX}onprem" type veth peer name wan0 netns "${PFX}cloud" || exit 1
	ip link add seg0 netns "${PFX}onprem" type veth peer name seg0 netns "${PFX}cloud"
	ip link add cli0 netns "${PFX}onprem" type veth peer name eth0 netns "${PFX}client"
	for s in "${SITES[@]}"; do
		ip -n "$PFX$s" addr add "$(ip_of "$s")/30" dev wan0
		ip -n "$PFX$s" link set wan0 up
		for n in br-web br-lan; do
			ip -n "$PFX$s" link add $n type bridge
			ip -n "$PFX$s" link set $n up
		done
		ip -n "$PFX$s" link set seg0 master br-web up
	done
	ip -n "${PFX}onprem" link set cli0 master br-web up
	ip -n "${PFX}client" addr add 192.168.101.20/25 dev eth0
	ip -n "${PFX}client" link set eth0 up
	must host_up onprem 11111111-1111-4111-8111-111111111111
	must host_up cloud 22222222-2222-4222-8222-222222222222
}

# ---- agents ----
# debug_agent: AGENT becomes one with kill points. $B's own if it has them, otherwise one made in $B-debug.
debug_agent() {
	grep -q CAUSEWAY_IMPAIR "$AGENT" 2>/dev/null && return 0
	make -s -C "$ROOT" B="$B-debug" DEBUG=1 "$B-debug/bin/causeway-agent" > /dev/null && AGENT=$B-debug/bin/causeway-agent
}

write_agent_conf() { # write_agent_conf SITE
	local o; o=$(other "$1")
	cat > "$T/$1/agent.yaml" <<-E
	site: $1
	host: $1-kvm
	libvirt: qemu:///system
	listen: tcp:$(ip_of "$1"):7000
	peers: [{site: $o, dial: "tcp:$(ip_of "$o"):7000"}]
	pools: [{name: default, path: $IMAGES}, {name: tiny, path: /run/tiny}]
	networks: [{bridge: br-web, extended_to: [$o]}]
	emulator: $ROOT/vagrant/guest/qemu-tcg
	state: /var/lib/libvirt/agent.db
	run: /run/causeway
	control: /run/causeway/agent.sock
	downtime_ms: 20000
	E
}

# agent_start SITE [IMPAIR]
agent_start() {
	local s=$1
	[ -s "$T/$s/agent.yaml" ] || write_agent_conf "$s"
	nsenter -t "${SITE_PID[$s]}" -m -u -i -n -p -- env CAUSEWAY_IMPAIR="${2:-}" "$AGENT" --config "$T/$s/agent.yaml" \
		>> "$T/$s/log/agent.log" 2>&1 < /dev/null &
	AGENT_PID[$s]=$!                # of nsenter, which ends with the agent
	disown
	wait_for 10 in_site "$s" test -S /run/causeway/agent.sock && wait_for 10 ask "$s" host show
}

agent_alive() { alive "${AGENT_PID[$1]}"; }
agent_dead() { ! agent_alive "$1"; }
agent_inner_pid() { ask "$1" host show -o json | jq -r .pid; }

# agent_stop SITE [SIGNAL]
agent_stop() {
	local pid
	agent_alive "$1" || return 0
	pid=$(agent_inner_pid "$1")
	in_site "$1" kill "-${2:-TERM}" "$pid"
	wait_for 10 agent_dead "$1"
}

# ask SITE NOUN VERB ...: the CLI on the agent's control socket.
ask() { local s=$1; shift; in_site "$s" "$B/bin/causeway" --socket /run/causeway/agent.sock "$@"; }
# job SITE ID JQ: a member of the job as that site sees it.
job() { ask "$1" migration show "$2" -o json 2>/dev/null | jq -r "$3"; }

# ---- guest ----
# Always emulated, so that the test is the same on every machine.
guest_build() {
	"$ROOT/vagrant/guest/build.sh" "$B/guest" > "$T/guest.log" 2>&1 || { tail -5 "$T/guest.log"; return 1; }
	mkdir -p "$T/guest"
	ln -sf "$B/guest/vmlinux" "$B/guest/guest.ird" "$T/guest/"
	echo tcg > "$T/guest/accel"
}

# guest_xml NAME MAC BRIDGE
guest_xml() { GUEST=$T/guest "$ROOT/vagrant/guest/domain.sh" "$1" "$GUEST_IP/25" "$2" "$IMAGES/$1.qcow2" "$3"; }

# With a second disk, raw, so that there is more than one of both.
guest_up() { # guest_up SITE
	qemu-img create -q -f qcow2 "$(images "$1")/$VM.qcow2" "${DISK:-64M}"
	truncate -s 5M "$(images "$1")/$VM-data.raw"
	echo "on the second disk" | dd of="$(images "$1")/$VM-data.raw" bs=1 seek=3000000 conv=notrunc status=none
	guest_xml $VM $GUEST_MAC br-web > "$T/$1/$VM.xml"
	virsh_at "$1" define "$T/$1/$VM.xml" &&
		virsh_at "$1" attach-disk $VM "$IMAGES/$VM-data.raw" vdb --subdriver raw --config &&
		virsh_at "$1" start $VM || return 1
	wait_for 90 guest_writes
}

guest_stat() { echo stat | timeout 3 ip netns exec "${PFX}client" socat -t1 - "tcp:$GUEST_IP:7,connect-timeout=2" 2>/dev/null; }
# value KEY LINE
value() { sed -n "s/.*\b$1=\([^ ]*\).*/\1/p" <<< "$2"; }
guest_writes() { local n; n=$(value acked "$(guest_stat)"); [ "${n:-0}" -gt 0 ]; }
guest_answers() { guest_stat | grep -q acked=; }
power() { virsh_at "$1" domstate $VM 2>/dev/null || echo none; }

# guest_whole SITE BOOT_ID: it is the same boot, its memory is intact, and no write that it got acknowledged is missing from its disk.
guest_whole() {
	local st line
	st=$(guest_stat)
	[ "$(value boot_id "$st")" = "$2" ] || { say "rebooted or silent: $st"; return 1; }
	[ "$(value bad "$st")" = 0 ] && [ "$(value write_errors "$st")" = 0 ] || { say "memory or writes: $st"; return 1; }
	virsh_at "$1" suspend $VM || return 1
	qemu-img convert -U -O raw "$(images "$1")/$VM.qcow2" "$T/image.raw"
	virsh_at "$1" resume $VM || return 1
	line=$("$B/guest/workload" check "$T/image.raw") || { say "disk: $line"; return 1; }
	say "guest: $st disk: $line"
	[ "$(value newest "$line")" -ge "$(value acked "$st")" ] && grep -q "on the second disk" "$(images "$1")/$VM-data.raw"
}

# ---- never twice ----
# Writes down every start and stop of guests at both hosts; never_twice reads it.
events_start() {
	local s
	for s in "${SITES[@]}"; do
		nsenter -t "${SITE_PID[$s]}" -m -u -i -n -p -- virsh event --event lifecycle --loop --timestamp \
			>> "$T/$s/events" 2>&1 < /dev/null &
		disown
	done
	sleep 0.3
}

# never_twice: in the events of both hosts there is no moment at which the guest runs at both.
never_twice() {
	"$PY" "$ROOT/tests/virt/twice.py" onprem "$T/onprem/events" cloud "$T/cloud/events" "$1"
}

# clean_at SITE: nothing of a migration is left: no sockets, no process, and files and definition only where the guest is.
clean_at() {
	local left
	left=$(in_site "$1" find /run/causeway -mindepth 1 -name 'mig-*')
	[ -z "$left" ] || { say "$1 left: $left"; return 1; }
	[ -z "$(in_site "$1" pgrep -f migration-child)" ] || { say "$1 left a child process"; return 1; }
	[ "$(power "$1")" != none ] || [ -z "$(find "$(images "$1")" -maxdepth 1 -type f)" ] || { say "$1 left a disk"; return 1; }
}
