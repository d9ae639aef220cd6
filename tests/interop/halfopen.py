#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""halfopen.py ADDRESS MAX SUITE: calls UDP 4500 of ADDRESS and never goes on, until it is asked for a cookie.

Sends IKE_SA_INIT requests with a fresh SPI and nonce each, MAX at most, and prints how many were answered by an SA, by COOKIE, and by
anything else. Ends with status 0 when COOKIE came after at least one SA. SUITE is in the words of a configuration file.
"""
import os
import socket
import struct
import sys

SA, KE, NONCE, NOTIFY, COOKIE = 33, 34, 40, 41, 16390
# Any valid point will do as the public value, for its secret is never used: the generators of P-256 and P-384 (SEC 2), 9 of X25519,
# 2 modulo the prime of group 14.
GROUPS = {
    'ecp384': (20, bytes.fromhex(
        'aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7'
        '3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f')),
    'ecp256': (19, bytes.fromhex(
        '6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296'
        '4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5')),
    'x25519': (31, bytes([9]) + bytes(31)),
    'modp2048': (14, bytes(255) + bytes([2])),
}
ENCR = {'aes256gcm16': (20, 256), 'aes128gcm16': (20, 128), 'chacha20poly1305': (28, 0), 'aes256': (12, 256), 'aes128': (12, 128)}
PRF = {'prfsha256': 5, 'prfsha384': 6, 'prfsha512': 7}
INTEG = {'sha256': 12, 'sha384': 13, 'sha512': 14}


def payload(following, body):
    return struct.pack('!BBH', following, 0, 4 + len(body)) + body


def transforms(suite):
    """The transforms of a suite in words, as (type, id, bits of the key)."""
    found = []
    for word in suite.split('-'):
        if word in ENCR:
            found.append((1,) + ENCR[word])
        elif word in PRF:
            found.append((2, PRF[word], 0))
        elif word in INTEG:
            found.append((3, INTEG[word], 0))
        else:
            found.append((4, GROUPS[word][0], 0))
    if not any(kind == 2 for kind, _, _ in found):      # of the same hash as the integrity
        found.append((2, next(i for k, i, _ in found if k == 3) - 7, 0))
    return found


def request(suite):
    rows = transforms(suite)
    body = b''
    for i, (kind, ident, bits) in enumerate(rows):
        attr = struct.pack('!HH', 0x800e, bits) if bits else b''
        body += struct.pack('!BBHBBH', 3 if i + 1 < len(rows) else 0, 0, 8 + len(attr), kind, 0, ident) + attr
    proposal = struct.pack('!BBHBBBB', 0, 0, 8 + len(body), 1, 1, 0, len(rows)) + body
    group, public = GROUPS[suite.split('-')[-1]]
    body = payload(KE, proposal) + payload(NONCE, struct.pack('!HH', group, 0) + public) + payload(0, os.urandom(32))
    return os.urandom(8) + bytes(8) + struct.pack('!BBBBII', SA, 0x20, 34, 0x08, 0, 28 + len(body)) + body


def kind_of(answer):
    if answer[:4] != bytes(4) or len(answer) < 42:
        return 'other'
    ike = answer[4:]
    if ike[16] == SA:
        return 'sa'
    if ike[16] == NOTIFY and struct.unpack('!H', ike[34:36])[0] == COOKIE:
        return 'cookie'
    return 'other'


def main(address, most, suite):
    counts = {'sa': 0, 'cookie': 0, 'other': 0, 'silence': 0}
    for _ in range(most):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(1)
            s.connect((address, 4500))
            s.send(bytes(4) + request(suite))
            try:
                kind = kind_of(s.recv(4096))
            except OSError:
                kind = 'silence'
        counts[kind] += 1
        if kind == 'cookie':
            break
    print(' '.join(f'{k} {n}' for k, n in counts.items()))
    return 0 if counts['cookie'] and counts['sa'] else 1


if len(sys.argv) != 4:
    sys.exit(__doc__)
sys.exit(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
