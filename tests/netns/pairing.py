#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""pairing.py - what strangers do to a site manager.

usage: pairing.py request ADDRESS PORT METHOD PATH BODY [--cert F --key F] [--token T] [--header H]...
                                                        one request; prints the status, or "closed"
       pairing.py tls12 ADDRESS PORT                    prints "refused" or "accepted"
       pairing.py drip ADDRESS PORT                     one byte per half second; prints after how many seconds it was cut off
       pairing.py crowd ADDRESS PORT N                  N silent connections; prints how many seconds one more waited for its answer
       pairing.py middle ADDRESS PORT CERT KEY LOG      TLS in the middle, with a certificate of its own; LOG gets what clients sent
       pairing.py forge STRING                          the invitation with another secret and a right checksum
"""
import argparse
import base64
import hashlib
import socket
import ssl
import sys
import time


def context(cert=None, key=None):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname = False
    c.verify_mode = ssl.CERT_NONE
    if cert:
        c.load_cert_chain(cert, key)
    return c


def request(a):
    head = [f"{a.method} {a.path} HTTP/1.1", "Host: x", "Connection: close"]
    if a.token:
        head.append(f"Authorization: Bearer {a.token}")
    if not any(h.lower().startswith("content-length") for h in a.header):
        head.append(f"Content-Length: {len(a.body)}")
    data = "\r\n".join(head + a.header + ["", a.body])
    got = b""
    try:
        with socket.create_connection((a.address, a.port), 5) as s, context(a.cert, a.key).wrap_socket(s) as t:
            t.sendall(data.encode())
            while chunk := t.recv(4096):
                got += chunk
    except OSError:
        pass
    print(got.split()[1].decode() if got.startswith(b"HTTP/1.1 ") else "closed")


def tls12(a):
    c = context()
    c.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        with socket.create_connection((a.address, a.port), 5) as s, c.wrap_socket(s):
            print("accepted")
    except (OSError, ssl.SSLError):
        print("refused")


def drip(a):
    start = time.monotonic()
    try:
        with socket.create_connection((a.address, a.port), 5) as s, context().wrap_socket(s) as t:
            t.settimeout(0.5)
            for byte in ("GET /api/v1/site HTTP/1.1\r\n" + "X: y\r\n" * 100).encode():
                t.sendall(bytes([byte]))
                try:
                    if not t.recv(1):
                        break
                except socket.timeout:
                    pass
    except OSError:
        pass
    print(int(time.monotonic() - start))


def crowd(a):
    silent = [socket.create_connection((a.address, a.port), 30) for _ in range(int(a.n))]
    start = time.monotonic()
    with socket.create_connection((a.address, a.port), 30) as s, context().wrap_socket(s) as t:
        t.sendall(b"GET /api/v1/site HTTP/1.1\r\nHost: x\r\n\r\n")
        answered = t.recv(12).startswith(b"HTTP/1.1 401")
    print(int(time.monotonic() - start) if answered else "no answer", len(silent))


def middle(a):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(a.cert, a.key)
    listener = socket.create_server((a.address, a.port))
    print("listening", flush=True)
    while True:
        s, _ = listener.accept()
        try:
            with c.wrap_socket(s, server_side=True) as t:
                data = t.recv(4096)
                with open(a.log, "ab") as f:
                    f.write(data)
        except OSError as e:
            print(e, flush=True)


def forge(a):
    text = a.string[2:]
    wire = bytearray(base64.b32decode(text + "=" * (-len(text) % 8)))[:-4]
    wire[9 + 3] ^= 1
    wire += hashlib.sha256(wire).digest()[:4]
    print("CW" + base64.b32encode(wire).decode().rstrip("="))


def main():
    p = argparse.ArgumentParser()
    sub = p.add_subparsers(required=True)
    for f, words in ((request, "address port method path body"), (tls12, "address port"), (drip, "address port"), (crowd, "address port n"),
                     (middle, "address port cert key log"), (forge, "string")):
        q = sub.add_parser(f.__name__)
        for w in words.split():
            q.add_argument(w, type=int if w == "port" else str)
        if f is request:
            q.add_argument("--cert")
            q.add_argument("--key")
            q.add_argument("--token")
            q.add_argument("--header", action="append", default=[])
        q.set_defaults(run=f)
    a = p.parse_args()
    a.run(a)


sys.exit(main())
