#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""node.py - nodes of a site as its manager's jobs would make them, and questions to its API.

  node.py invite DB SITE_CRT ENDPOINT SITE NAME KIND     makes the node's row; prints seed.json
  node.py want DB NAME CONFIG [FILE...]                  what the node should be: JSON, and files to go with it
  node.py get SOCKET PATH [FIELD]                        GET PATH; prints the body, or what stands at FIELD ("items.0.state")
  node.py post SOCKET PATH BODY [FIELD]                  POST; the same
  node.py delete SOCKET PATH                             DELETE; prints the status

The manager must not run for the first two: it reads its rows when it starts. The hash of a configuration is made here, by another
implementation than the one that is tested.
"""
import hashlib
import http.client
import json
import os
import secrets
import socket
import sqlite3
import subprocess
import sys
import time


def spki_pin(crt):
    key = subprocess.run(['openssl', 'x509', '-in', crt, '-noout', '-pubkey'], check=True, capture_output=True).stdout
    der = subprocess.run(['openssl', 'pkey', '-pubin', '-outform', 'DER'], check=True, capture_output=True, input=key).stdout
    return hashlib.sha256(der).hexdigest()


def invite(db, crt, endpoint, site, name, kind):
    token = secrets.token_bytes(32)
    with sqlite3.connect(db) as c:
        c.execute('INSERT OR REPLACE INTO node VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
                  (name, kind, hashlib.sha256(token).hexdigest(), int(time.time()) + 600, '', '', '', int(time.time()), 0))
    print(json.dumps({'name': name, 'site': site, 'kind': kind, 'managers': [endpoint], 'pin': spki_pin(crt), 'token': token.hex()}))


def want(db, name, config, *files):
    def text(x):
        return json.dumps(x, separators=(',', ':'))
    config = json.loads(config)
    files = {os.path.basename(f): open(f).read() for f in files}
    digest = hashlib.sha256((text(config) + '\n' + text(files)).encode()).hexdigest()
    with sqlite3.connect(db) as c:
        c.execute('UPDATE node SET wanted = ?, wanted_hash = ? WHERE name = ?',
                  (text({'config': config, 'files': files}), digest, name))


class Local(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(self.host)


def ask(method, path_of_socket, path, body=None):
    c = Local(path_of_socket)
    c.host = path_of_socket
    c.request(method, path, body, {'Host': 'x', 'Content-Type': 'application/json'})
    r = c.getresponse()
    return r.status, json.loads(r.read() or b'{}')


def show(status, body, field=None):
    if status >= 300:
        print(status, json.dumps(body), file=sys.stderr)
        sys.exit(1)
    for key in field.split('.') if field else []:
        body = body[int(key)] if isinstance(body, list) else body.get(key)
    print(body if isinstance(body, str) else json.dumps(body))


def main(what, *args):
    if what == 'get':
        show(*ask('GET', *args[:2]), *args[2:])
    elif what == 'post':
        show(*ask('POST', *args[:3]), *args[3:])
    elif what == 'delete':
        print(ask('DELETE', *args)[0])
    else:
        {'invite': invite, 'want': want}[what](*args)


main(*sys.argv[1:])
