#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""middlebox.py LISTEN PEER [DEVICE]: a NAT for UDP 4500 that shuffles, duplicates and loses what is not IKE.

What comes to LISTEN:4500 from the first client goes to PEER:4500 from a port of its own, and back. Of the datagrams of each
direction one in four is held back behind up to 8 later ones (5 ms at most), one in ten is sent twice. SIGUSR1 takes another port
for the way to the peer, as a NAT that forgot its mapping; SIGUSR2 turns shuffling off. With DEVICE the way to the peer is by that
one, whatever address it has: the box can then listen at the peer's own address on the client's side.
"""
import random
import select
import signal
import socket
import sys
import time

HOLD_S = 0.005
rnd = random.Random(4500)


class Way:
    """One direction: what is held back, and when it must go."""

    def __init__(self, send):
        self.send, self.held = send, []

    def put(self, data, shuffle):
        ike = data[:4] == b'\0\0\0\0'
        if shuffle and not ike and rnd.random() < 0.25 and len(self.held) < 8:
            self.held.append((time.monotonic() + HOLD_S, data))
            return
        self.send(data)
        if shuffle and not ike and rnd.random() < 0.1:
            self.send(data)
        if len(self.held) >= 8:
            self.release(float('inf'))

    def release(self, now):
        late = [d for t, d in self.held if t <= now]
        self.held = [(t, d) for t, d in self.held if t > now]
        rnd.shuffle(late)
        for data in late:
            self.send(data)


def main(listen, peer, device=None):
    inside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    inside.bind((listen, 4500))
    state = {'client': None, 'shuffle': True, 'outside': None}

    def rebind(*_):
        state['outside'] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        if device:
            state['outside'].setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        state['outside'].connect((peer, 4500))

    def calm(*_):
        state['shuffle'] = False

    rebind()
    signal.signal(signal.SIGUSR1, rebind)
    signal.signal(signal.SIGUSR2, calm)
    out = Way(lambda d: state['outside'].send(d))
    back = Way(lambda d: inside.sendto(d, state['client']))
    print('ready', flush=True)
    while True:
        ready, _, _ = select.select([inside, state['outside']], [], [], HOLD_S)
        for s in ready:
            try:
                data, source = s.recvfrom(65535)
            except ConnectionRefusedError:
                continue
            if s is inside:
                state['client'] = source
                out.put(data, state['shuffle'])
            elif state['client']:
                back.put(data, state['shuffle'])
        now = time.monotonic()
        out.release(now)
        back.release(now)


if len(sys.argv) not in (3, 4):
    sys.exit(__doc__)
main(*sys.argv[1:])
