#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""twice.py SITE EVENTS SITE EVENTS VM: was VM ever running at both sites? EVENTS is what "virsh event --loop --timestamp" wrote.

"Started Migrated" is an arriving guest, which is paused. Prints how often it ran where. Exit 1 when it ran twice at once,
2 when it never ran at all (then nothing has been shown).
"""
import re
import sys

LINE = re.compile(r"^(\S+ [\d:.]+)\S*: event 'lifecycle' for domain '([^']+)': (\w+) ?(\w*)")
RUNS = {"Started": True, "Resumed": True, "Suspended": False, "Stopped": False, "Crashed": False, "PMSuspended": False}


def events(path, site, vm):
    with open(path, encoding="utf-8") as f:
        for line in f:
            m = LINE.match(line)
            if m and m[2] == vm and m[3] in RUNS:
                yield m[1], site, RUNS[m[3]] and (m[3], m[4]) != ("Started", "Migrated"), f"{m[3]} {m[4]}"


vm = sys.argv[5]
running, starts = set(), {}
for when, site, runs, what in sorted(list(events(sys.argv[2], sys.argv[1], vm)) + list(events(sys.argv[4], sys.argv[3], vm))):
    if runs:
        starts[site] = starts.get(site, 0) + (site not in running)
        running.add(site)
    else:
        running.discard(site)
    if len(running) > 1:
        print(f"{when}: {vm} runs at both sites ({site}: {what})")
        sys.exit(1)
print("ran:", " ".join(f"{s} {n} times" for s, n in sorted(starts.items())))
sys.exit(0 if starts else 2)
