#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""at_once.py VERB SOCKET NAME PID [SOCKET NAME PID]: "tunnel VERB NAME" on several control sockets in the same moment.

The processes (PID) stand still until each has the request in its queue. Exit 0 if all said yes.
"""
import json
import os
import signal
import socket
import struct
import sys


def exact(s, n):
    data = b''
    while len(data) < n:
        part = s.recv(n - len(data))
        if not part:
            raise OSError('the connection ended')
        data += part
    return data


def main(argv):
    verb, rest = argv[1], argv[2:]
    pids = [int(p) for p in rest[2::3]]
    asked = []
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    for path, name in zip(rest[0::3], rest[1::3]):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(10)
        s.connect(path)
        text = json.dumps({'noun': 'tunnel', 'verb': verb, 'name': name}).encode()
        s.sendall(struct.pack('!I', len(text)) + text)
        asked.append(s)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    answers = [json.loads(exact(s, struct.unpack('!I', exact(s, 4))[0])) for s in asked]
    for answer in answers:
        if not answer.get('ok'):
            print(json.dumps(answer.get('problem')), file=sys.stderr)
    return 0 if all(answer.get('ok') for answer in answers) else 1


sys.exit(main(sys.argv))
