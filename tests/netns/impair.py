#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""impair.py FOLDER PROGRAM NS-A NS-B MESSAGES WORKERS: rounds of two appliances, with one message impaired at a.

A round: both start; ESP and the IKE SA are rekeyed by a, then by b; a ends, and b must hear of it. After each step both must
speak of the same SPIs, of other ones than before, and a packet of the kernel is not needed: what they show of each other is proof,
since each SPI was carried by messages that were authenticated. Rounds run side by side on ports and inner addresses of their own.
Prints "ok ROUND (seconds)" or "not ok ROUND: why".
"""
import concurrent.futures
import itertools
import json
import os
import queue
import signal
import socket
import struct
import subprocess
import sys
import time

ACTIONS = ('drop', 'dup', 'reorder', 'corrupt')
PATIENCE_S = 60         # a first message that was damaged unseen costs a whole attempt, which is given up after 16 s


class Failed(Exception):
    pass


def exact(s, n):
    data = b''
    while len(data) < n:
        part = s.recv(n - len(data))
        if not part:
            raise OSError('the connection ended')
        data += part
    return data


def ask(path, noun, verb, name=None, args=None):
    request = {'noun': noun, 'verb': verb}
    if name:
        request['name'] = name
    if args:
        request['args'] = args
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(path)
        text = json.dumps(request).encode()
        s.sendall(struct.pack('!I', len(text)) + text)
        answer = json.loads(exact(s, struct.unpack('!I', exact(s, 4))[0]))
    if not answer.get('ok'):
        raise Failed('%s %s: %s' % (noun, verb, answer.get('problem')))
    return answer['body']


def wait_for(what, done):
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            value = done()
        except OSError:
            value = None
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(what)
        time.sleep(0.05)


class Side:
    def __init__(self, world, letter, slot, name, rules=''):
        own, far = ('1', '2') if letter == 'a' else ('2', '1')
        self.peer = 'b' if letter == 'a' else 'a'
        self.socket = '%s/%d%s.sock' % (world.folder, slot, letter)
        self.log = '%s/%s.%s.log' % (world.folder, name.replace(' ', '-'), letter)
        conf = '%s/%d%s.yaml' % (world.folder, slot, letter)
        port = 4510 + slot
        with open(conf, 'w') as f:
            f.write(f'''
name: ne-{letter}
uplinks: [{{address: 10.44.0.{own}, port: {port}}}]
tunnels:
  - name: {self.peer}
    remote: {{address: 10.44.0.{far}, port: {port}}}
    auth: {{method: psk, secret_file: psk, local_id: {letter}.test, remote_id: {self.peer}.test}}
    ike: aes256gcm16-prfsha256-x25519
    initiate: {'yes' if letter == 'a' else 'no'}
    local_ts: 10.71.{own}.{slot + 1}/32
    remote_ts: 10.71.{far}.{slot + 1}/32
    dpd: 2s
control: {self.socket}
''')
        env = dict(os.environ)
        env.pop('CAUSEWAY_IMPAIR', None)
        if rules:
            env['CAUSEWAY_IMPAIR'] = rules
        with open(self.log, 'w') as log:
            self.process = subprocess.Popen(['ip', 'netns', 'exec', world.ns[letter], world.program, '--config', conf], env=env,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for('%s did not start' % letter, lambda: ask(self.socket, 'appliance', 'show'))

    def show(self):
        return ask(self.socket, 'tunnel', 'show', self.peer)

    def rekey(self, verb):
        ask(self.socket, 'tunnel', verb, self.peer)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def agreed(a, b):
    """What both say of the SAs in use, or None when they do not say the same."""
    x, y = a.show(), b.show()
    if not (x['esp'] and y['esp'] and x['ike'] and y['ike']):
        return None
    if (x['esp']['spi_in'], x['esp']['spi_out']) != (y['esp']['spi_out'], y['esp']['spi_in']):
        return None
    if (x['ike']['spi_i'], x['ike']['spi_r']) != (y['ike']['spi_i'], y['ike']['spi_r']):
        return None
    return {'rekey': x['esp']['spi_in'], 'rekey-ike': x['ike']['spi_i']}


def rekeyed(a, b, by, verb):
    before = agreed(a, b)
    by.rekey(verb)

    def changed():
        now = agreed(a, b)
        return now and now[verb] != before[verb]
    wait_for('%s by %s' % (verb, 'a' if by is a else 'b'), changed)


def struck(side):
    return sum(rule['struck'] for rule in ask(side.socket, 'impair', 'show')['items'])


def play(a, b, strikes):
    wait_for('set-up', lambda: agreed(a, b))
    for by, verb in itertools.product((a, b), ('rekey', 'rekey-ike')):
        rekeyed(a, b, by, verb)
    if strikes and struck(a) not in strikes:
        raise Failed('the rules struck %d times' % struck(a))


class World:
    def __init__(self, folder, program, ns_a, ns_b, workers):
        self.folder, self.program, self.ns = folder, program, {'a': ns_a, 'b': ns_b}
        self.slots = queue.Queue()
        for slot in range(workers):
            self.slots.put(slot)
        self.sides = set()

    def round(self, name, rules, last=''):
        """Without LAST the rules are there from the start; LAST are rules that are set before the end."""
        slot, began, sides = self.slots.get(), time.monotonic(), []
        try:
            for letter in 'ba':
                sides.append(Side(self, letter, slot, name, rules if letter == 'a' else ''))
                self.sides.add(sides[-1])
            b, a = sides
            play(a, b, rules and ((1,) if '%' not in rules else range(1, 1000)))
            if last:
                ask(a.socket, 'impair', 'set', None, {'rules': last})
            a.stop()
            wait_for('b did not hear of the end', lambda: b.show()['state'] != 'up')
            return 'ok %s (%.1f s)' % (name, time.monotonic() - began)
        except (Failed, OSError) as e:
            return 'not ok %s: %s' % (name, e)
        finally:
            for side in sides:
                side.stop()
            self.slots.put(slot)


def main(folder, program, ns_a, ns_b, messages, workers):
    world = World(folder, program, ns_a, ns_b, int(workers))

    def end(*_):
        for side in list(world.sides):
            side.process.kill()
        os._exit(1)
    signal.signal(signal.SIGTERM, end)
    # The longest first.
    rounds = [('%s the last good-bye' % action, '', 'udp.out.info-request=%s@1' % action) for action in ACTIONS]
    rounds += [('%s message %d %s' % (action, n, way), 'udp.%s.ike=%s@%d' % (way, action, n), '')
               for action in reversed(ACTIONS) for n in range(1, int(messages) + 1) for way in ('out', 'in')]
    rounds.insert(0, ('lose one in five', 'udp.out.ike=drop@20%1,udp.in.ike=drop@20%2', ''))
    with concurrent.futures.ThreadPoolExecutor(int(workers)) as pool:
        results = list(pool.map(lambda r: world.round(*r), rounds))
    print('\n'.join(results))
    return 1 if any(r.startswith('not ok') for r in results) else 0


if len(sys.argv) != 7:
    sys.exit(__doc__)
sys.exit(main(*sys.argv[1:]))
