#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""replay.py - many packets, and captured ones once more.

    send DEVICE FROM TO PORT N SIZE N UDP datagrams of SIZE bytes to TO, as fast as DEVICE gets rid of them
    sink ADDRESS PORT               takes the port and reads nothing: a full socket drops in silence; says "ready"
    count FILE TO                   how many ESP packets to TO are in the capture
    inject FILE DEVICE TO PID ORDER puts these on DEVICE as they were, as fast as process PID reads them, in ORDER: "same", "shuffle N" (within blocks of N) or
                                    "reverse N" (the last of each block of N first); [FROM [COUNT]] takes a part of them. The UDP
                                    checksum is left out: a virtual cable's captured ones are not filled in
    mark FILE DEVICE TO TOS         puts them on DEVICE in their order, with another TOS byte outside
    ivs FILE                        fails when an SPI with the same IV is in the capture twice; says how many it saw

A receiver that reads nothing for two seconds is not waited for any more.
"""
import random
import signal
import socket
import struct
import sys
import time

BATCH, BATCH_S = 64, 0.001      # 64,000 a second at most
STALL_S = 2
AHEAD = 300                     # packets that wait in the device; it holds 500


def frames(path):
    """The frames of a pcap file of tcpdump's."""
    with open(path, 'rb') as f:
        data = f.read()
    order = '<' if data[:4] in (b'\xd4\xc3\xb2\xa1', b'\x4d\x3c\xb2\xa1') else '>'
    record, at = struct.Struct(order + '8xI4x'), 24
    while at + 16 <= len(data):
        size, = record.unpack_from(data, at)
        if at + 16 + size > len(data):          # cut off in the middle of writing
            return
        yield data[at + 16:at + 16 + size]
        at += 16 + size


def esp_packets(path, to=None):
    """(frame, what is behind the UDP header) of ESP in UDP over IPv4."""
    to = socket.inet_aton(to) if to else None
    for f in frames(path):
        if f[12:15] != b'\x08\0\x45' or f[23] != 17 or (to and f[30:34] != to) or f[36:38] != b'\x11\x94':
            continue
        if len(f) >= 42 + 8 and f[42:46] != b'\0\0\0\0' and f[38:40] != b'\0\x09':
            yield f, f[42:]


def pace(items, each):
    due = time.monotonic()
    for i, item in enumerate(items):
        each(item)
        if i % BATCH == BATCH - 1:
            due = max(due + BATCH_S, time.monotonic() - 0.01)
            while time.monotonic() < due:
                time.sleep(BATCH_S / 4)


def send(device, source, to, port, n, size):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((source, 0))
    s.connect((to, port))
    payload = bytes(size)

    def taken():
        n = 0
        for what in ('packets', 'dropped'):
            with open(f'/sys/class/net/{device}/statistics/tx_{what}', encoding='ascii') as f:
                n += int(f.read())
        return n
    sent = taken()

    def one(i):
        s.send(payload)
        while i % BATCH == 0 and sent + i - taken() > AHEAD:
            time.sleep(BATCH_S)
    pace(range(n), one)


def sink(address, port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, port))
    print('ready', flush=True)
    signal.pause()


def ordered(items, order, block):
    for at in range(0, len(items), block):
        part = items[at:at + block]
        if order == 'shuffle':
            random.Random(at).shuffle(part)
        elif order == 'reverse':
            part.reverse()
        yield from part


def datagrams(pid):
    """How many the sockets of the process' network namespace have given out, or refused."""
    with open(f'/proc/{pid}/net/snmp', encoding='ascii') as f:
        names, values = [line.split() for line in f if line.startswith('Udp:')]
    row = dict(zip(names[1:], map(int, values[1:])))
    return row['InDatagrams'] + row['InErrors'] + row['NoPorts']


def inject(path, device, to, pid, order, block='1', first='0', count='0'):
    items = [f[:40] + b'\0\0' + f[42:] for f, _ in esp_packets(path, to)][int(first):]
    items = items[:int(count)] if int(count) else items
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind((device, 0))
    base, patience = datagrams(pid), time.monotonic() + STALL_S
    for i, frame in enumerate(ordered(items, order, int(block))):
        s.send(frame)
        if i % BATCH:
            continue
        while i + base - datagrams(pid) > AHEAD and time.monotonic() < patience:
            time.sleep(BATCH_S)
        patience = max(patience, time.monotonic() + STALL_S) if i + base - datagrams(pid) <= AHEAD else patience
    print(len(items))


def mark(path, device, to, tos):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind((device, 0))
    for f, _ in esp_packets(path, to):
        header = bytearray(f[14:34])
        header[1], header[10:12] = tos, b'\0\0'
        total = sum(struct.unpack('>10H', header))
        total = (total & 0xffff) + (total >> 16)
        header[10:12] = struct.pack('>H', ~((total & 0xffff) + (total >> 16)) & 0xffff)
        s.send(f[:14] + bytes(header) + f[34:40] + b'\0\0' + f[42:])


def ivs(path):
    seen, n = set(), 0
    for _, esp in esp_packets(path):
        n += 1
        seen.add(esp[0:4] + esp[8:16])
    print(n)
    return 0 if len(seen) == n else 1


VERBS = {
    'send': lambda a: send(a[0], a[1], a[2], int(a[3]), int(a[4]), int(a[5])),
    'sink': lambda a: sink(a[0], int(a[1])),
    'count': lambda a: print(sum(1 for _ in esp_packets(a[0], a[1]))),
    'inject': lambda a: inject(*a),
    'mark': lambda a: mark(a[0], a[1], a[2], int(a[3], 0)),
    'ivs': lambda a: ivs(a[0]),
}
if len(sys.argv) < 3 or sys.argv[1] not in VERBS:
    sys.exit(__doc__)
sys.exit(VERBS[sys.argv[1]](sys.argv[2:]))
