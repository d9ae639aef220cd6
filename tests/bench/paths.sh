#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# paths.sh - "make bench-paths": how long streams stand still when the path in use is cut. Writes $B/bench/paths.json.
# Leave the machine alone meanwhile: an appliance that does not get to run for 150 ms is as good as dead to its peer, on all its
# paths at once. What the machine did of that kind is printed as the time that the sender stood still.
# Environment: TRIALS of each kind of cut (default 67), LOSS_SECONDS of 5 % loss each way (default 600).
. "$(dirname "$0")/../netns/lib.sh"
. "$ROOT/tests/netns/ix.sh"
. "$ROOT/tests/netns/paths.sh"
requires root tun ip python3 bin/causeway-ix bench/wanbox bench/pulse
paths_up
paths_conf
"$PY" "$ROOT/tests/bench/paths.py" "$T" "$PFX" "$B" "$B/bench/paths.json" "${TRIALS:-67}" "${LOSS_SECONDS:-600}"
