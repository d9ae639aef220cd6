# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# paths.sh - two sites with two uplinks each, and a WAN that delays, loses and cuts, for the scripts that source lib.sh and ix.sh.
#
#   ${PFX}a                     wanbox                      ${PFX}b
#   eth0 10.44.0.1/24 ───── link 0, 10 ms each way ───── eth0 10.44.0.2/24
#   eth1 10.45.0.1/24 ───── link 1, 10 ms each way ───── eth1 10.45.0.2/24
#
# Each end has two uplinks and knows two of its peer: four paths, two of which go one way by link 0 and back by link 1.

# paths_up: the picture, $T, and the PSK.
paths_up() {
	local n k i=1
	T=$(mktemp -d "${TMPDIR:-/tmp}/causeway-netns.XXXXXX") || exit 1
	if [ -n "${KEEP:-}" ]; then on_exit say "kept: $T"; else on_exit rm -rf "$T"; fi
	ns_add a
	ns_add b
	mkfifo "$T/box.in"
	"$B/bench/wanbox" "/run/netns/${PFX}a" "/run/netns/${PFX}b" 2 10000 < "$T/box.in" > "$T/box.out" 2>&1 &
	on_exit stop $!
	exec {BOX}> "$T/box.in"
	must wait_for 5 grep -q ready "$T/box.out"
	for n in a b; do
		for k in 0 1; do
			ip -n "$PFX$n" link set eth$k up
			ip -n "$PFX$n" addr add "10.4$((4 + k)).0.$i/24" dev eth$k
		done
		i=$((i + 1))
	done
	must wait_for 5 in_ns a ping -c 1 -W 1 -q 10.44.0.2
	must wait_for 5 in_ns a ping -c 1 -W 1 -q 10.45.0.2
	psk "$T/psk"
}

# box COMMAND: see wanbox.c.
box() { echo "$*" >&"$BOX"; }

# paths_yaml SITE: the file to stdout.
paths_yaml() {
	local i=1 j=2; [ "$1" = a ] || { i=2 j=1; }
	ix_yaml "$1" '{method: psk, secret_file: psk, local_id: %L.test, remote_id: %R.test}' \
		"paths: {ports: 1, remotes: [{address: 10.45.0.$j}]}" |
		sed "s/^uplinks:.*/uplinks: [{address: 10.44.0.$i}, {address: 10.45.0.$i}]/"
}

# paths_conf: the configurations of both.
paths_conf() {
	paths_yaml a > "$T/a.yaml"
	INITIATE=no paths_yaml b > "$T/b.yaml"
}

# paths_start: both ends, until all paths are up.
paths_start() {
	paths_conf
	ix_start b; IX_B=$PID
	must wait_for 5 ask "$T/b.sock" appliance show
	ix_start a; IX_A=$PID
	must wait_for 15 is up "$T/a.sock" tunnel show b state
	must wait_for 5 is up "$T/b.sock" tunnel show a state
}

paths_stop() { stop "$IX_A"; stop "$IX_B"; }
