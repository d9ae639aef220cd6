#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""frames.py send|recv INTERFACE SEED COUNT DST SRC [SECONDS]: Ethernet frames of many kinds, byte for byte.

Both sides make the same COUNT frames from SEED; each holds its number. `send` puts them on the wire and sends first one that
says where SRC is. `recv` says "ready" (with the frame that tells the bridges where DST is), takes what comes, and prints what it
saw: right, changed, twice, missing; with the first few of the bad ones. Ends when all are there and 0.3 s nothing more came, or
after SECONDS. Exit 0 if every frame came exactly once and unchanged.
Environment: FRAMES_SKIP=TYPE[,TYPE]  Ethernet types (hexadecimal) that are not sent, but a plain one in their place.
"""
import os
import random
import select
import socket
import struct
import sys
import time

MARK = b'\xca\x05\xe7\xa9'
SOL_PACKET, PACKET_AUXDATA, VLAN_VALID = 263, 8, 1 << 4
MTU = 1500
SKIP = [int(t, 16) for t in os.environ.get('FRAMES_SKIP', '').split(',') if t]


def mac(text):
    return bytes.fromhex(text.replace(':', ''))


def frame(rnd, number, dst, src):
    """One frame: addresses, tags, type, payload with its number; 14 bytes of header to MTU and tags."""
    kind = rnd.randrange(10)
    to = dst if kind < 8 else rnd.choice([b'\xff' * 6, b'\x01\x00\x5e' + rnd.randbytes(3), b'\x33\x33' + rnd.randbytes(4)])
    tags = rnd.choice([b'', b'', b'', struct.pack('!HH', 0x8100, rnd.randrange(1, 4095) | rnd.randrange(8) << 13),
                       struct.pack('!HHHH', 0x88a8, rnd.randrange(1, 4095), 0x8100, rnd.randrange(1, 4095)),
                       struct.pack('!HH', 0x88a8, rnd.randrange(1, 4095))])
    size = rnd.choice([8, 9, 20, 45, 46, 47, rnd.randrange(8, MTU + 1), rnd.randrange(1300, MTU + 1), MTU - 1, MTU])
    etype = rnd.choice([0x88b5, 0x88b6, 0x0800, 0x86dd, 0x0bad, 0x6003, 0x22f0, 0xfffe, size if size < 1500 else 0x88b5])
    etype = 0x88b5 if etype in SKIP else etype
    return to + src + tags + struct.pack('!H', etype) + MARK + struct.pack('!I', number) + rnd.randbytes(size - 8)


def all_frames(seed, count, dst, src):
    rnd = random.Random(seed)
    return [frame(rnd, i, dst, src) for i in range(count)]


def open_on(interface):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    s.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)       # SO_RCVBUFFORCE
    s.bind((interface, 0))
    return s


def receive(s):
    """A frame that came in, with the VLAN tag that the kernel took out; None for one that went out."""
    data, extra, _, address = s.recvmsg(65536, 256)
    if address[2] == 4:                                 # PACKET_OUTGOING
        return None
    for level, kind, value in extra:
        status, _, _, _, _, tci, tpid = struct.unpack('IIIHHHH', value[:20])
        if level == SOL_PACKET and kind == PACKET_AUXDATA and status & VLAN_VALID:
            data = data[:12] + struct.pack('!HH', tpid or 0x8100, tci) + data[12:]
    return data


def hello(s, src):
    s.send(b'\xff' * 6 + src + b'\x88\xb5' + b'hello')


def send(s, wanted, src):
    hello(s, src)
    for i, f in enumerate(wanted):
        s.send(f)
        if i % 20 == 19:
            time.sleep(0.01)                            # no more than what flood limits allow


def number_of(f):
    at = f.find(MARK)
    return struct.unpack('!I', f[at + 4:at + 8])[0] if at >= 0 and len(f) >= at + 8 else None


def recv(s, wanted, dst, seconds):
    got, changed, twice, foreign = {}, [], [], 0
    hello(s, dst)
    print('ready', flush=True)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not select.select([s], [], [], 0.3)[0]:
            if len(got) == len(wanted):
                break
            continue
        f = receive(s)
        n = f and number_of(f)
        if n is None:
            foreign += f is not None
        elif n in got:
            twice.append(f)
        elif n >= len(wanted) or f != wanted[n]:
            changed.append((f, wanted[n] if n < len(wanted) else b''))
            got[n] = f
        else:
            got[n] = f
    missing = [i for i in range(len(wanted)) if i not in got]
    print(f'right {len(got) - len(changed)} changed {len(changed)} twice {len(twice)} missing {len(missing)} foreign {foreign}')
    for f, w in changed[:3]:
        print('changed', len(f), f[:40].hex(), 'was', len(w), w[:40].hex())
    for i in missing[:5]:
        print('missing', len(wanted[i]), wanted[i][:40].hex())
    for f in twice[:3]:
        print('twice', f[:40].hex())
    return 0 if not (changed or twice or missing) else 1


def main(argv):
    if len(argv) < 7:
        sys.exit(__doc__)
    mode, interface, seed, count, dst, src = argv[1:7]
    wanted = all_frames(int(seed), int(count), mac(dst), mac(src))
    s = open_on(interface)
    if mode == 'send':
        send(s, wanted, mac(src))
        return 0
    return recv(s, wanted, mac(dst), float(argv[7]) if len(argv) > 7 else 20)


sys.exit(main(sys.argv))
