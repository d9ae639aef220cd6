#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""talk.py ADDRESS STOPFILE: one TCP connection to the guest's echo service, a numbered line every 20 ms, until STOPFILE is there.

Prints lines and the longest wait for an answer. Exit 1 when the connection broke or an answer was wrong.
"""
import os
import socket
import sys
import time

s = socket.create_connection((sys.argv[1], 7), timeout=60)
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
f = s.makefile("rwb")
n, longest = 0, 0.0
while not os.path.exists(sys.argv[2]):
    line = b"line %d\n" % n
    start = time.monotonic()
    f.write(line)
    f.flush()
    got = f.readline()
    longest = max(longest, time.monotonic() - start)
    if got != line:
        print(f"sent {line!r}, got {got!r}")
        sys.exit(1)
    n += 1
    time.sleep(0.02)
print(f"lines={n} longest_ms={longest * 1000:.0f}")
