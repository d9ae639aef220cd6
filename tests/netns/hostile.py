#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""hostile.py CAPTURE ADDRESS: garbage, and what was recorded, once more to UDP 4500 of ADDRESS.

Replays the newest ESP packets that the capture (tcpdump, Ethernet) holds for ADDRESS, sends them changed and cut, and datagrams
that never were anything. Prints one line per kind: its name and how many were sent.
"""
import os
import random
import socket
import struct
import sys

PORT, REPLAYED, KINDS = 4500, 200, {}
rnd = random.Random(4500)


def read_pcap(path, address):
    """UDP payloads to ADDRESS port 4500 that are ESP."""
    data = open(path, 'rb').read()
    order = '<' if data[:4] in (b'\xd4\xc3\xb2\xa1', b'\x4d\x3c\xb2\xa1') else '>'
    at, found = 24, []
    while at + 16 <= len(data):
        size = struct.unpack(order + 'I', data[at + 8:at + 12])[0]
        frame = data[at + 16:at + 16 + size]
        at += 16 + size
        if frame[12:14] != b'\x08\x00' or frame[23] != 17 or socket.inet_ntoa(frame[30:34]) != address:
            continue
        udp = frame[14 + (frame[14] & 15) * 4:]
        payload = udp[8:struct.unpack('!H', udp[4:6])[0]]
        if udp[2:4] == struct.pack('!H', PORT) and len(payload) > 40 and payload[:4] != b'\0\0\0\0':
            found.append(payload)
    return found


def main(path, address):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect((address, PORT))

    def send(kind, payload):
        s.send(payload)
        KINDS[kind] = KINDS.get(kind, 0) + 1

    esp = read_pcap(path, address)[-REPLAYED:]
    spi = esp[-1][:4]
    for packet in esp:
        send('replayed', packet)
    for packet in rnd.sample(esp, len(esp)):
        send('replayed', packet)
    newest = struct.unpack('!I', esp[-1][4:8])[0]
    for i, packet in enumerate(esp):
        seq = struct.pack('!I', newest + 1000 + i)      # not seen yet, so it must fail at the ICV
        send('changed', spi + seq + packet[8:])
        flipped = bytearray(spi + seq + packet[8:])
        flipped[rnd.randrange(8, len(flipped))] ^= 1 << rnd.randrange(8)
        send('changed', bytes(flipped))
    whole = esp[-1]
    for size in range(8, 36):                           # shorter than header, smallest payload and ICV
        send('truncated', whole[:size])
    for size in [0, 1, 2, 3, 4, 5, 6, 7]:
        send('nothing', whole[:size].replace(b'\xff', b'\xfe'))
    for _ in range(200):
        junk = bytearray(os.urandom(rnd.randrange(8, 1400)))
        junk[0] |= 0x80
        junk[1:4] = b'\x5a\xa5\x5a'                     # an SPI that nobody drew
        send('unknown_spi', bytes(junk))
    for size in list(range(4, 40)) + [rnd.randrange(40, 1400) for _ in range(50)]:
        send('ike_stranger', b'\0\0\0\0' + b'\x77' + os.urandom(size - 1))
    for _ in range(20):
        send('keepalive', b'\xff')
    for kind, n in KINDS.items():
        print(kind, n)


if len(sys.argv) != 3:
    sys.exit(__doc__)
main(sys.argv[1], sys.argv[2])
