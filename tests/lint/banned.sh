#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# banned.sh - calls that nobody makes: unbounded copies, shells, and time or randomness beside their one source.
set -u
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/lint/lib.sh
. tests/lint/lib.sh

NEVER='strcpy|strcat|stpcpy|sprintf|vsprintf|gets|atoi|atol|atoll|atof|rand|srand|random'
NEVER="$NEVER|time|gettimeofday|system|popen|alloca|strtok|tmpnam|mktemp"

# bans FILE: what is banned there.
bans() {
	local names=$NEVER
	[ "$1" = interconnect/base/clock.c ] || names="$names|clock_gettime"
	[ "$1" = interconnect/base/rand.c ] || names="$names|getrandom|getentropy|RAND_bytes"
	echo "$names"
}

bad=0
# shellcheck disable=SC2086 # a list of folders
for file in $(sources $PRODUCT); do
	hits=$(code "$file" | grep -nE "(^|[^A-Za-z0-9_.>])($(bans "$file"))[[:space:]]*\(")
	n=$([ -z "$hits" ] && echo 0 || wc -l <<< "$hits")
	may=$(allowed banned "$file")
	[ "$n" -eq "$may" ] && continue
	bad=1
	if [ "$n" -lt "$may" ]; then
		echo "tests/lint/exceptions: banned $file needs $n, not $may"
	else
		sed "s|^\([0-9]*\):[[:space:]]*|$file:\1: banned: |" <<< "$hits"
	fi
done
exit $bad
