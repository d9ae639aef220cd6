#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# headers.sh - each header compiles alone, under all warnings, and has its guard.
set -u
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/lint/lib.sh
. tests/lint/lib.sh

flags=$(printf 'lint-flags:\n\t@echo $(CPPFLAGS) $(CFLAGS)\n' | MAKEFLAGS= make -s -f Makefile -f - lint-flags) || exit 2
bad=0
# shellcheck disable=SC2086 # lists of words
for header in $(sources $PRODUCT tests/lib | grep '\.h$'); do
	out=$(echo "#include \"$header\"" |
		${CC:-gcc} $flags -Wno-unused-function -fsyntax-only -x c - 2>&1) || {
		echo "$header: does not compile alone:"
		head -n 5 <<< "$out"
		bad=1
	}
	# Twice: without its guard it would define everything again.
	echo "#include \"$header\"
#include \"$header\"" | ${CC:-gcc} $flags -Wno-unused-function -fsyntax-only -x c - > /dev/null 2>&1 || {
		[ -n "$out" ] || { echo "$header: cannot be included twice"; bad=1; }
	}
done
exit $bad
