#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""strangers.py NAMESPACE ADDRESS PORT: seven streams that an agent has to refuse, from inside a network namespace."""
import json
import os
import socket
import struct
import sys

CLONE_NEWNET = 0x40000000


def enter(name):
    import ctypes
    with open(f"/run/netns/{name}", encoding="utf-8") as f:
        if ctypes.CDLL(None, use_errno=True).setns(f.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")


def frame(text):
    return struct.pack("!I", len(text)) + text


def hello(**kw):
    return frame(json.dumps(kw).encode())


STREAMS = [
    hello(stream="libvirt", site="onprem", migration="mig-00000000", token="0" * 64),
    hello(stream="memory", site="onprem", migration="mig-00000000", token=""),
    hello(stream="control", site="moon"),
    hello(stream="shell", site="onprem"),
    frame(b"not json"),
    struct.pack("!I", 1 << 30) + b"x",
    b"GET / HTTP/1.0\r\n\r\n",
]
enter(sys.argv[1])
for data in STREAMS:
    with socket.create_connection((sys.argv[2], int(sys.argv[3])), timeout=5) as s:
        got = b""
        try:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            while part := s.recv(4096):
                got += part
        except OSError:  # refused before it was all sent
            pass
        if b'"ok":true' in got:
            print(f"accepted: {data[:60]!r}", file=sys.stderr)
            os._exit(1)
