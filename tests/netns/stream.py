#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""stream.py OWN PEER PORT PER_SECOND: numbered datagrams to PEER, and those of PEER to us.

Says "ready" when it listens, sends from SIGUSR1 on. Stops to send on SIGTERM, and half a second after the last one came prints "sent N got N twice N changed N".
Datagrams have 32 to 1200 bytes that follow from their number.
"""
import select
import signal
import socket
import struct
import sys
import time

MARK = b'\xca\x05\xe7\xa9'


def datagram(n):
    return MARK + struct.pack('!I', n) + bytes([n & 255]) * (24 + n * 37 % 1168)


def main(argv):
    own, peer, port, rate = argv[1], argv[2], int(argv[3]), float(argv[4])
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)       # SO_RCVBUFFORCE
    s.bind((own, port))
    s.setblocking(False)
    sent = twice = changed = 0
    seen = set()
    go, stop = [], []
    signal.signal(signal.SIGUSR1, lambda *_: go.append(True))
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
    due = last = time.monotonic()
    print('ready', flush=True)
    while not stop or time.monotonic() - last < 0.5:
        now = time.monotonic()
        if not go:
            due = now + 0.02
        while not stop and now >= due:
            s.sendto(datagram(sent), (peer, port))
            sent += 1
            due += 1 / rate
        if not select.select([s], [], [], max(0.0, min(due - now, 0.1)) if not stop else 0.1)[0]:
            continue
        last = time.monotonic()
        data = s.recv(65536)
        n = struct.unpack('!I', data[4:8])[0] if len(data) >= 8 else -1
        if n < 0 or data != datagram(n):
            changed += 1
        elif n in seen:
            twice += 1
        else:
            seen.add(n)
    print(f'sent {sent} got {len(seen)} twice {twice} changed {changed}', flush=True)


main(sys.argv)
