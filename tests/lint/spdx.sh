#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# spdx.sh - every source says its licence: C in the first line, scripts and fragments in the first three.
set -u
cd "$(dirname "$0")/../.." || exit 2

LINE='SPDX-License-Identifier: Apache-2.0'
bad=0

miss() { echo "$1: line $2 must be: $3"; bad=1; }

while read -r file; do
	case $file in
	*.c | *.h)
		[ "$(head -n 1 "$file")" = "/* $LINE */" ] || miss "$file" 1 "/* $LINE */" ;;
	*.sh | *.py | *.mk | *.service | */Makefile | */lab)
		head -n 3 "$file" | grep -qxF "# $LINE" || miss "$file" "1 to 3" "# $LINE" ;;
	*.[1-9])
		head -n 2 "$file" | grep -qF "$LINE" || miss "$file" "1 or 2" ".\\\" $LINE" ;;
	*)
		# A script without a suffix.
		[ "$(head -c 2 "$file" | tr -d '\0')" = '#!' ] || continue
		head -n 3 "$file" | grep -qxF "# $LINE" || miss "$file" "2 or 3" "# $LINE" ;;
	esac
done < <(find . -path ./.git -prune -o -path './build*' -prune -o -path ./tests/fuzz/corpus -prune -o -type f -print | sort)
exit $bad
