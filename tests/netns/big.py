#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""big.py - packets that are too big for a tunnel.

    tcp-sink ADDRESS PORT           takes one stream to its end and says its size; says "ready" before
    tcp ADDRESS PORT BYTES          sends that much
    udp ADDRESS PORT N SIZE         N datagrams with DF, whatever the kernel knows of the path; says how many seconds it took
"""
import socket
import sys
import time

IP_MTU_DISCOVER, IP_PMTUDISC_PROBE = 10, 3


def tcp_sink(address, port):
    listener = socket.create_server((address, port))
    print('ready', flush=True)
    s, _ = listener.accept()
    n = 0
    while data := s.recv(65536):
        n += len(data)
    print('got', n, flush=True)


def tcp(address, port, size):
    with socket.create_connection((address, port), 10) as s:
        s.sendall(bytes(size))


def udp(address, port, n, size):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE)
    start = time.monotonic()
    for i in range(n):
        s.sendto(bytes(size), (address, port))
        if i % 50 == 49:
            time.sleep(0.005)           # the device holds 500
    print(int(time.monotonic() - start))


VERBS = {'tcp-sink': tcp_sink, 'tcp': tcp, 'udp': udp}
if len(sys.argv) < 4 or sys.argv[1] not in VERBS:
    sys.exit(__doc__)
VERBS[sys.argv[1]](sys.argv[2], *map(int, sys.argv[3:]))
