#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""guest.py SOCKET SECONDS COMMAND: runs COMMAND in the guest by its second serial line; its output, and its exit status.

124 when nothing came back in time.
"""
import re
import socket
import sys
import time


def main(path, seconds, command):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.settimeout(1)
    s.connect(path)
    end = time.monotonic() + float(seconds)
    mark = b'begin %d' % time.monotonic_ns()
    s.sendall(b'echo %s; %s\n' % (mark, command.encode()))
    got = b''
    while time.monotonic() < end:
        try:
            more = s.recv(65536)
        except TimeoutError:
            continue
        if not more:
            break
        got += more
        # What an earlier command, given up, still says stands before the mark.
        found = re.search(re.escape(mark) + rb'\r?\n(.*?)=rc (\d+)\r?\n', got, re.DOTALL)
        if found:
            sys.stdout.buffer.write(found.group(1).replace(b'\r\n', b'\n'))
            return int(found.group(2))
    return 124


if len(sys.argv) != 4:
    sys.exit(__doc__)
sys.exit(main(*sys.argv[1:]))
