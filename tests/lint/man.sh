#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# man.sh - every man page is well formed, and causeway(1) lists the commands, options and exit codes that the program has.
#
# Environment: B  folder of the build, where bin/causeway is (default build)
set -u
cd "$(dirname "$0")/../.." || exit 2
B=${B:-build}
export LC_ALL=C
status=0

for page in */*.[158] interconnect/*/*.[158]; do
	[ -f "$page" ] || continue
	mandoc -T lint -W warning "$page" || status=1
done

if [ ! -x "$B/bin/causeway" ]; then
	echo "man.sh: $B/bin/causeway is not built" >&2
	exit 1
fi

# The page without line breaks in tags; headings are in column 0 and 3, tags in column 5.
page=$(mandoc -T ascii -O width=400 mesh/causeway.1 | sed 's/.\x08//g')
section() { printf '%s\n' "$page" | sed -n "/^$1\$/,/^[A-Z]/p"; }
tags() { sed -n 's/^     \([^ ].*\)$/\1/p'; }

program_commands() {
	"$B/bin/causeway" help | sed -n '/^exit status/q; s/^  \([a-z-]\+ [a-z-]\+\)  .*/\1/p' |
		while read -r noun verb; do
			"$B/bin/causeway" "$noun" "$verb" --help | sed -n '1s/^usage: causeway //p'
		done | sed 's/ *$//'
}
program_options() { "$B/bin/causeway" help | sed -n 's/^  \(-.,\|   \) \(--[^ ]*\( [A-Z][^ ]*\)\?\)  .*/\1 \2/p' | sed 's/^ *//'; }
program_exits() { "$B/bin/causeway" help | sed -n '/^exit status/,$s/^  \([0-9]*\) .*/\1/p'; }

# compare WHAT PROGRAM PAGE: the same lines on both sides.
compare() {
	if [ -z "$2" ]; then
		echo "man.sh: the program names no $1" >&2
		status=1
	elif ! diff --label program --label causeway.1 -U0 <(sort <<< "$2") <(sort <<< "$3"); then
		echo "man.sh: the program and mesh/causeway.1 differ in their $1" >&2
		status=1
	fi
}
compare commands "$(program_commands)" "$(section COMMANDS | tags)"
compare options "$(program_options)" "$(section DESCRIPTION | tags | sed -n 's/   .*//; /^-/p')"
compare "exit codes" "$(program_exits)" "$(section 'EXIT STATUS' | sed -n 's/^     \([0-9]*\) .*/\1/p')"
exit $status
