#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# size.sh - functions of at most 80 lines, files of at most 900; pure tables stand in tests/lint/exceptions.
set -u
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/lint/lib.sh
. tests/lint/lib.sh

FUNCTION_MAX=80
FILE_MAX=900

# judge KEY LINES MAX WHAT
judge() {
	local may
	may=$(allowed size "$1")
	if [ "$may" -gt 0 ] && [ "$2" -le "$3" ]; then
		echo "tests/lint/exceptions: size $1 is not needed any more"
	elif [ "$2" -gt "$3" ] && [ "$2" -gt "$may" ]; then
		echo "$1: $4 of $2 lines, $3 at most"
	fi
}

# The body of a function lies between braces in the first column.
functions_over() {
	awk -v max="$FUNCTION_MAX" '
		/^{$/ { start = FNR; name = head }
		/^}$/ && start { if (FNR - start + 1 > max) print FILENAME ":" name, FNR - start + 1; start = 0 }
		/^[A-Za-z_].*\(/ { head = $0; sub(/\(.*/, "", head); sub(/.*[ *]/, "", head) }' "$@"
}

# shellcheck disable=SC2046,SC2086 # names without blanks
files=$(sources $PRODUCT tests vagrant)
bad=$(
	for file in $files; do
		judge "$file" "$(wc -l < "$file")" "$FILE_MAX" "file"
	done
	# shellcheck disable=SC2086
	functions_over $files | while read -r key lines; do judge "$key" "$lines" "$FUNCTION_MAX" "function"; done
)
[ -z "$bad" ] && exit 0
echo "$bad"
exit 1
