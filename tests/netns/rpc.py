#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""rpc.py SOCKET NOUN VERB [NAME [PATH]]: one request on a control socket (interconnect/base/rpc.h), without the CLI.

ARGS in the environment are the arguments of the request, a JSON object.
Prints the body as one line of JSON, or the value at PATH: keys separated by "/" or, where no key has one, by ".".
Exit 1 with the problem on standard error, 2 when nobody answers.
"""
import json
import os
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


def ask(path, request):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(path)
        text = json.dumps(request).encode()
        s.sendall(struct.pack('!I', len(text)) + text)
        while True:
            answer = json.loads(exact(s, struct.unpack('!I', exact(s, 4))[0]))
            if 'event' not in answer:
                return answer


def walk(value, path):
    for key in path.split('/' if '/' in path else '.'):
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


def main(argv):
    if len(argv) < 4:
        sys.exit(__doc__)
    request = {'noun': argv[2], 'verb': argv[3]}
    if len(argv) > 4 and argv[4]:
        request['name'] = argv[4]
    if os.environ.get('ARGS'):
        request['args'] = json.loads(os.environ['ARGS'])
    try:
        answer = ask(argv[1], request)
    except OSError as e:
        print(e, file=sys.stderr)
        return 2
    if not answer.get('ok'):
        print(json.dumps(answer.get('problem')), file=sys.stderr)
        return 1
    body = walk(answer['body'], argv[5]) if len(argv) > 5 else answer['body']
    print(body if isinstance(body, (str, int)) and not isinstance(body, bool) else json.dumps(body))
    return 0


sys.exit(main(sys.argv))
