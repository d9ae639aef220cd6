#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 18-impair.sh - one message of IKE is lost, doubled, overtaken or damaged, each of the first eight in either direction; the set-up,
# both kinds of rekeying from both sides and the end come to what they should all the same. impair.py has the rounds.
# Environment: MESSAGES  how many (default 8);  WORKERS  rounds at a time (default 8)
. "$(dirname "$0")/lib.sh"
requires root ip python3 bin/causeway-ne
grep -q CAUSEWAY_IMPAIR "$B/bin/causeway-ne" || { echo "skip: needs an appliance with the impair facility (make DEBUG=1)"; exit 77; }
net_up
psk "$T/psk"

"$PY" "$HERE/impair.py" "$T" "$B/bin/causeway-ne" "${PFX}a" "${PFX}b" "${MESSAGES:-8}" "${WORKERS:-8}" > "$T/rounds" &
ROUNDS=$!
on_exit stop "$ROUNDS"
wait "$ROUNDS" || FAILED=1
cat "$T/rounds"
check "there were rounds" grep -q '^ok' "$T/rounds"
grep -q '^not ok' "$T/rounds" && FAILED=1
finish
