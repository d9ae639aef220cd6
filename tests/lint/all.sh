#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# all.sh - runs every lint, one line each; what offends is printed below it.
set -u
cd "$(dirname "$0")/../.." || exit 2

status=0
for lint in tests/lint/*.sh; do
	name=${lint##*/}
	case $name in all.sh | lib.sh) continue ;; esac
	if out=$(bash "$lint" 2>&1); then
		printf '%-8s %s\n' ok "lint ${name%.sh}"
	else
		printf '%-8s %s\n' FAILED "lint ${name%.sh}"
		sed 's/^/    /' <<< "$out"
		status=1
	fi
done
exit $status
