#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# impair.sh - nothing of the impair facility is in a release: no program of one has a word of it.
#
# Environment: B  folder of the build (default build); one with DEBUG=1 is left alone
set -u
cd "$(dirname "$0")/../.." || exit 2
B=${B:-build}
WORDS='CAUSEWAY_IMPAIR|impair|mangle|reorder@|udp\.out\.'

# words FILE: what it would load of them. Debug information, which names what was left out, is not loaded.
words() { strings -d "$1" | grep -E "$WORDS"; }

if ar t "$B/lib/libbase.a" 2> /dev/null | grep -qx impair.o; then
	echo "impair.sh: $B is a build with the impair facility"
	exit 0
fi
status=0 seen=0
for program in "$B"/bin/*; do
	[ -x "$program" ] || continue
	seen=$((seen + 1))
	if found=$(words "$program"); then
		echo "$program has words of the impair facility:"
		sed 's/^/    /' <<< "$found"
		status=1
	fi
done
[ "$seen" -gt 0 ] || { echo "impair.sh: nothing is built in $B/bin"; exit 1; }
# The words are there to be found where the facility is: objects for its own tests lie in every build.
for object in base/impair mangle mangle_box; do
	object=$B/obj/interconnect/$object.o
	[ ! -f "$object" ] || words "$object" > /dev/null || { echo "impair.sh: finds nothing in $object"; status=1; }
done
exit $status
