# SPDX-License-Identifier: Apache-2.0
"""farm.py - a segment or thousands of them between two appliances that are ours, and frames for them from feed.py.

On each gateway segment I has a bridge "sI" and no host: frames come from the bridge itself. Station K of segment I and side S has
the address 02:S:00:II:II:KK.
"""
import json
import os
import subprocess
import sys
import time

import systems
from net import Failed, Net, run

HERE = os.path.dirname(os.path.abspath(__file__))
UP_S = 300


class Farm:
    """N segments. SIDES: which sides have all of them; the others have the first alone."""

    def __init__(self, build, n, sides='AB'):
        self.n = {s: n if s in sides else 1 for s in 'AB'}
        self.net = Net(build, 'plain', 1380)
        self.pids, self.started = {}, {}
        try:
            for side in 'AB':
                self.bridges(side)
        except BaseException:
            self.close()
            raise

    def bridges(self, side):
        batch = self.net.file(f'{side}.batch', ''.join(f'link add s{i} up group 7 type bridge mcast_snooping 0\n' for i in range(1, self.n[side] + 1)))
        self.net.inside(f'g{side}', 'ip', '-batch', batch)

    def start(self, side, wrapper=(), crypto='auto'):
        """The appliance of SIDE; returns the seconds until it answers with all its extensions."""
        rows = ''.join(f'  - {{name: s{i}, vni: {i}, bridge: s{i}, tunnel: peer, bum_pps: 1000000}}\n' for i in range(1, self.n[side] + 1))
        clock = time.monotonic()
        systems.causeway(self.net, 'causeway-ne', side, 'extensions:\n' + rows, wrapper=wrapper, crypto=crypto)
        self.pids[side] = self.net.daemons[-1].pid
        self.until(side, 'answers', lambda: self.ask(side, 'appliance', 'show') is not None)
        return time.monotonic() - clock

    def up(self):
        for side in 'AB':
            self.until(side, 'has its tunnel up', lambda s=side: (self.ask(s, 'tunnel', 'show', 'peer') or {}).get('state') == 'up')

    def until(self, side, what, test):
        end = time.monotonic() + UP_S
        while not test():
            if time.monotonic() > end or self.net.daemons[-1].poll() is not None:
                raise Failed(f'appliance {side} {what}: not so; the logs:\n' + self.net.logs())
            time.sleep(0.05)

    def ask(self, side, *words):
        p = subprocess.run([sys.executable, f'{HERE}/../netns/rpc.py', f'{self.net.dir}/{side}.sock', *words], capture_output=True, text=True,
                           check=False)
        return json.loads(p.stdout) if p.returncode == 0 else None

    def extensions(self, side):
        body = self.ask(side, 'extension', 'list')
        if body is None:
            raise Failed(f'appliance {side} does not list its extensions')
        return next(v for v in body.values() if isinstance(v, list)) if isinstance(body, dict) else body

    def macs(self, side):
        return sum(e['macs']['local'] + e['macs']['remote'] for e in self.extensions(side))

    def packets(self, side, name):
        return sum(e['counters'].get(name, 0) for e in self.extensions(side))

    def feed(self, side, *words):
        """feed.py on the gateway of SIDE, with its arguments after the number of segments."""
        return json.loads(self.net.inside(f'g{side}', sys.executable, f'{HERE}/feed.py', side, str(self.n[side]), *map(str, words)))

    def close(self):
        """All devices of a group at once: one after the other they would take minutes."""
        for side in 'AB':
            if self.n.get(side, 1) > 1:
                taps = self.net.file(f'{side}.taps', ''.join(f'link set cw-{i} group 7\n' for i in range(1, self.n[side] + 1)))
                self.net.inside(f'g{side}', 'ip', '-force', '-batch', taps, check=False)
                self.net.inside(f'g{side}', 'ip', 'link', 'del', 'group', '7', check=False)
        self.net.close()


def load():
    return run('cut', '-d ', '-f1-3', '/proc/loadavg').strip()
