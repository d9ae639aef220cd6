#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 53-profiles.sh - network and compute profiles through the site manager: made, shown, refused, removed; still there after kill -9.
# limit: 60
PFX=${PFX:-cwn$$}
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"
requires root ip python3 sqlite3 bin/causewayd bin/causeway
net_up

S=$T/manager.sock
printf '%s\n' "state: $T/state" "listen: {address: 10.44.0.1}" "socket: $S" "token: $T/admin.token" > "$T/manager.yaml"
answers() { "$B/bin/causeway" --socket "$S" site show > /dev/null 2>&1 || [ $? = 10 ]; }
start() { spawn a "$T/manager.log" "$B/bin/causewayd" --config "$T/manager.yaml"; must wait_for 5 answers; }
# ask METHOD PATH [BODY]: "STATUS", then what is in the answer of code, object, field, rule, version, free, and the names of items
ask() {
	"$PY" - "$S" "$@" <<'PYTHON'
import http.client, json, socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
c = http.client.HTTPConnection("x"); c.sock = s
c.request(sys.argv[2], "/api/v1/" + sys.argv[3], sys.argv[4] if len(sys.argv) > 4 else None)
a = c.getresponse(); b = json.loads(a.read() or "{}")
out = [a.status] + [b[k] for k in ("code", "object", "field", "rule", "version", "free") if b.get(k) not in (None, "")]
print(*out, *(i["name"] for i in b.get("items", [])))
PYTHON
}
asked() { local name=$1 want=$2; shift 2; same "$name" "$want" "$(ask "$@")"; } # asked NAME WANT METHOD PATH [BODY]

net() { echo "{\"name\":\"$1\",\"functions\":[\"$2\"],\"bridge\":\"$3\",\"prefix\":$4,\"gateway\":\"$5\",\"ranges\":[\"$6\"]}"; }
MGMT=$(net management management br-mgmt 27 192.168.1.1 192.168.1.10-192.168.1.16)
UPLINK=$(net uplink uplink br-uplink 28 192.168.1.33 192.168.1.34-192.168.1.40)
CP='{"name":"cp","services":["ne"],"host":"h","pool":"default","networks":{"management":"management","uplink":"uplink"}}'

start
asked "no profiles without a site" "422 blocked site is not initialised; run: causeway site init --name NAME" GET network-profiles
must "$B/bin/causeway" --socket "$S" site init --name onprem > /dev/null

# ---- made ----
asked "none yet" 200 GET network-profiles
asked "a dry run" 200 POST 'network-profiles?dry_run=true' "$MGMT"
asked "has made nothing" "404 not_found network-profile management there is no such object" GET network-profiles/management
asked "made" "201 1 7" POST network-profiles "$MGMT"
asked "another" "201 1 7" POST network-profiles "$UPLINK"
asked "the list" "200 management uplink" GET network-profiles
asked "shown" "200 1 7" GET network-profiles/uplink
asked "a compute profile" "201 1" POST compute-profiles "$CP"
asked "its list" "200 cp" GET compute-profiles

# ---- refused ----
asked "twice" "409 conflict network-profile uplink name is there already" POST network-profiles "$UPLINK"
asked "gateway outside of its prefix" \
	"400 invalid network-profile v gateway must lie in the network of the ranges, 192.168.1.64/27" \
	POST network-profiles "$(net v vmotion br-vmotion 27 192.168.1.1 192.168.1.74-192.168.1.77)"
asked "ranges that overlap" \
	"409 conflict network-profile v ranges[0] overlaps 192.168.1.34-192.168.1.40 of network-profile uplink" \
	POST network-profiles "$(net v vmotion br-vmotion 24 192.168.1.1 192.168.1.40-192.168.1.50)"
asked "also in a dry run" \
	"409 conflict network-profile v ranges[0] overlaps 192.168.1.34-192.168.1.40 of network-profile uplink" \
	POST 'network-profiles?dry_run=true' "$(net v vmotion br-vmotion 24 192.168.1.1 192.168.1.40-192.168.1.50)"
asked "a profile that is not there" "404 not_found compute-profile c2 networks.uplink there is no network-profile nope" \
	POST compute-profiles '{"name":"c2","services":["ne"],"host":"h","pool":"p","networks":{"management":"management","uplink":"nope"}}'
asked "what is in use" "409 conflict network-profile uplink is in use by compute-profile cp" DELETE network-profiles/uplink
asked "who is not there" "404 not_found compute-profile nope there is no such object" DELETE compute-profiles/nope
must sqlite3 "$T/state/manager.db" "INSERT INTO mesh VALUES ('m1', 'cloud', 1, '{\"local\": \"cp\"}', 1),
	('m2', 'cloud', 1, '{\"local\": \"other\"}', 1)"
asked "the profile of a mesh" "409 conflict compute-profile cp is in use by mesh m1" DELETE compute-profiles/cp
must sqlite3 "$T/state/manager.db" "DELETE FROM mesh"
cli() { "$B/bin/causeway" --socket "$S" "$@" > "$T/out" 2> "$T/err"; }
np() { cli np create v --function vmotion --bridge br-vmotion --prefix 27 "$@"; }
np --gateway 192.168.1.1 --range 192.168.1.74-192.168.1.77; same "by the command line: a wrong gateway" 5 $?
check "with its reason" grep -q 'network-profile v: gateway: must lie in the network of the ranges, 192.168.1.64/27' "$T/err"
np --range 192.168.1.12-192.168.1.20; same "an overlap" 9 $?
cli np delete uplink --yes; same "what is in use" 9 $?
cli cp delete nope --yes; same "who is not there" 10 $?
np --gateway 192.168.1.65 --range 192.168.1.74-192.168.1.77 --dry-run; same "what would do" 0 $?
asked "all is as it was" "200 management uplink" GET network-profiles
np --gateway 192.168.1.65 --range 192.168.1.74-192.168.1.75 --range 192.168.1.77; same "made" 0 $?
asked "with both ranges" "200 1 3" GET network-profiles/v
cli np delete v --yes; same "and removed" 0 $?

# ---- kept, and removed ----
kill -9 "$PID"; wait "$PID" 2> /dev/null
start
asked "after kill -9" "200 management uplink" GET network-profiles
asked "and the compute profile" "200 cp" GET compute-profiles
asked "a dry run of a delete" 200 DELETE 'compute-profiles/cp?dry_run=true'
asked "removes nothing" "200 1" GET compute-profiles/cp
asked "removed" 200 DELETE compute-profiles/cp
asked "then its networks can go" 200 DELETE network-profiles/uplink
asked "one is left" "200 management" GET network-profiles
finish
