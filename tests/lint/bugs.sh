#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bugs.sh - every test that tests/spec/ipsec-bugs.txt names exists and is run.
set -u
cd "$(dirname "$0")/../.." || exit 2

LIST=tests/spec/ipsec-bugs.txt
bad=0

# exists NAME: a case of a program of tests, a fuzz target with inputs, a script.
exists() {
	local file=${1%%:*} name=${1#*:}
	case $1 in
	*.sh) [ -f "tests/netns/$1" ] ;;
	fuzz_*) [ -f "tests/fuzz/$1.c" ] && [ -n "$(ls "tests/fuzz/corpus/${1#fuzz_}" 2> /dev/null)" ] ;;
	test_*:*) cat "tests/unit/$file.c" "tests/exchange/$file.c" 2> /dev/null |
		grep -qE "(^|[[:space:]])(cmocka_unit_test[a-z_]*|TEST|T)\($name[,)]" ;;
	*) false ;;
	esac
}

line=0
while IFS='|' read -r who what tests; do
	line=$((line + 1))
	case $who in '' | '#'*) continue ;; esac
	if [ -z "${what// /}" ] || [ -z "${tests// /}" ]; then
		echo "$LIST:$line: not WHO | WHAT | TESTS"
		bad=1
		continue
	fi
	case $tests in ' none: '?*) continue ;; esac
	for test in $tests; do
		exists "$test" || { echo "$LIST:$line: there is no test $test"; bad=1; }
	done
done < "$LIST"
exit $bad
