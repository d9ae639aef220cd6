# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# ix.sh - configuration and start of the causeway-ix of a site, for the tests that source lib.sh.
# Site a: 10.44.0.1, inner 10.71.1.1; site b: 10.44.0.2, inner 10.71.2.1. Each calls its tunnel by the name of the other.

# ix_yaml SITE AUTH [EXTRA]: the file to stdout. %L and %R in AUTH become the letters of our and the other side; EXTRA is more
# lines of the tunnel, separated by ";". With INITIATE=no the peer must call.
ix_yaml() {
	local l=$1 auth=$2 extra=${3:-} r=b i=1 j=2
	[ "$l" = a ] || { r=a i=2 j=1; }
	auth=${auth//%L/$l}
	cat <<-END
	name: ix-$l
	uplinks: [{address: 10.44.0.$i}]
	tunnels:
	  - name: $r
	    remote: {address: 10.44.0.$j, port: 4500}
	    auth: ${auth//%R/$r}
	    initiate: ${INITIATE:-yes}
	    local_ts: 10.71.$i.1/32
	    remote_ts: 10.71.$j.1/32
	    dpd: 2s
	$(tr ';' '\n' <<< "$extra" | sed 's/^ */    /')
	relays:
	  - {name: agents-out, tunnel: $r, listen: "tcp:10.44.0.$i:7001", dial: "tcp:10.71.$j.1:7001"}
	  - {name: agents-unix, tunnel: $r, listen: "unix:$T/$l-out.sock", dial: "tcp:10.71.$j.1:7001"}
	  - {name: agents-in, tunnel: $r, listen: "tcp:10.71.$i.1:7001", dial: "tcp:10.44.0.$i:7000"}
	control: $T/$l.sock
	END
}

# ix_start SITE: its process id in $PID, its log in $T/SITE.log.
ix_start() { spawn "$1" "$T/$1.log" "$B/bin/causeway-ix" --config "$T/$1.yaml"; }
# ix_pings SITE ADDRESS
ix_pings() { in_ns "$1" ping -c 1 -W 1 -q "$2"; }
# ix_not_up SITE TUNNEL
ix_not_up() { ! is up "$T/$1.sock" tunnel show "$2" state; }
