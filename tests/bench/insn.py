#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""insn.py - instructions per packet of causeway-ne, by callgrind: with one extension and with as many as it can have.

Appliance A runs under valgrind, its helpers and appliance B do not. Frames go from the bridges of A to B, and back; each way in
bursts of a few of one segment and then of the next, alike in all cases, since what comes at once costs less. Counted is what
happens between two marks, when everything is learned: functions with all that they call, divided by the packets of the counters.
The kernel is not counted. Valgrind has no AVX-512, so the AEAD is not what the machine would use: see stage.c for that.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import time

from farm import Farm, load
from net import Failed, run

RATIO_MAX = 1.1
# {way: the functions, the first ones together are the way}; what calls each other stands below it.
STAGES = {
    'out': (('ext_on_tap', 'udp_on_flush'), ('gso_cut_begin', 'gso_cut_next', 'fdb_learn', 'fdb_find', 'vtep_send', 'vxlan_build', 'tun_send',
                                             'esp_seal', 'udp_flush')),
    'in': (('udp_on_readable',), ('esp_open_in_place', 'vxlan_parse', 'ext_on_frame', 'fdb_learn', 'fdb_find', 'gso_join_put', 'gso_join_flush')),
}
COUNTER = {'out': 'tx.packets', 'in': 'rx.packets'}
SOURCE = {'out': 'A', 'in': 'B'}


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--build', default='build', help='folder with bin/ and bench/')
    p.add_argument('--extensions', type=int, default=4094)
    p.add_argument('--macs', type=int, default=100000, help='in all extensions together, on each side half of them')
    p.add_argument('--burst', type=int, default=4, help='frames of a segment at once')
    p.add_argument('--size', type=int, default=600, help='of a frame')
    p.add_argument('--packets', type=int, default=20000, help='to count, at least')
    p.add_argument('--crypto', default='openssl', help='of appliance A')
    p.add_argument('--out', help='JSON file; build/bench/insn.json if absent')
    return p.parse_args()


class Counted:
    """The appliance A of FARM under callgrind."""

    def __init__(self, farm, crypto):
        self.farm, self.dir = farm, farm.net.dir
        farm.start('A', wrapper=('env', f'LD_PRELOAD={farm.net.build}/bench/spawnself.so', 'valgrind', '--tool=callgrind', '--quiet', '--trace-children=no', f'--vgdb-prefix={self.dir}/vgdb',
                                 f'--callgrind-out-file={self.dir}/callgrind.%p'), crypto=crypto)
        self.pid = str(farm.pids['A'])

    def control(self, word):
        run('callgrind_control', f'--vgdb-prefix={self.dir}/vgdb', word, self.pid)

    def functions(self):
        """{function: instructions with all that it called} since the mark."""
        self.control('--dump')
        path = max((f'{self.dir}/{n}' for n in os.listdir(self.dir) if n.startswith(f'callgrind.{self.pid}')), key=os.path.getmtime)
        text = subprocess.run(['callgrind_annotate', '--inclusive=yes', '--auto=no', '--threshold=100', path], capture_output=True, text=True, check=True).stdout
        found = {}
        for line in text.splitlines():
            m = re.match(r'\s*([\d,]+) (?:\([ \d.]+%\)\s+)?\S*?:(\w+)(?:\'\d+)? ', line + ' ')
            if m:
                found[m[2]] = max(found.get(m[2], 0), int(m[1].replace(',', '')))
        os.unlink(path)
        return found


def settle(farm, way):
    """The packets that have got through, when no more come."""
    before = -1
    now = farm.packets('A', COUNTER[way])
    while now != before:
        time.sleep(1)
        before, now = now, farm.packets('A', COUNTER[way])
    return now


def count(counted, way, stations, rounds, args):
    farm = counted.farm
    before = settle(farm, way)
    counted.control('--zero')
    sent = farm.feed(SOURCE[way], stations, rounds, args.burst, args.size, 2000)['sent']
    n = settle(farm, way) - before
    found = counted.functions()
    if n < sent / 2:
        raise Failed(f'of {sent} frames only {n} went {way}')
    tops, parts = STAGES[way]
    rows = {f: found.get(f, 0) / n for f in tops + parts}
    return {'sent': sent, 'packets': n, 'per_packet': sum(rows[f] for f in tops), 'functions': rows}


def one(args, name, extensions, macs):
    farm = Farm(args.build, extensions, 'AB')
    stations = max(1, macs // extensions // 2)
    rounds = max(1, args.packets // (stations * extensions))
    try:
        farm.start('B')
        counted = Counted(farm, args.crypto)
        farm.up()
        for side in 'AB':
            farm.feed(side, stations, 1, args.burst, 60, 2000)
        farm.until('A', 'knows all stations', lambda: farm.macs('A') >= 0.99 * 2 * stations * extensions)
        run_ = {'case': name, 'extensions': extensions, 'macs': farm.macs('A')}
        for way in STAGES:
            run_[way] = count(counted, way, stations, rounds, args)
            print(f'{name}: {way} {run_[way]["per_packet"]:.0f} instructions for each of {run_[way]["packets"]} packets', file=sys.stderr)
        return run_
    finally:
        farm.close()


def table(runs):
    for way, (tops, parts) in STAGES.items():
        few, many = (r[way] for r in runs)
        print(f'\n{"instructions per packet, " + way:32}' + ''.join(f'{r["extensions"]:>10}' for r in runs) + f'{"ratio":>8}')
        for f in ('all of it',) + tops + parts:
            a, b = ((x['per_packet'] if f == 'all of it' else x['functions'][f]) for x in (few, many))
            print(f'  {f:30}{a:10.0f}{b:10.0f}' + (f'{b / a:8.3f}' if a else '       -'))


def main():
    args = arguments()
    out = args.out or os.path.join(args.build, 'bench', 'insn.json')
    try:
        runs = [one(args, 'one', 1, 50), one(args, 'many', args.extensions, args.macs)]
    except Failed as e:
        print(f'insn.py: {e}', file=sys.stderr)
        return 1
    result = {'load': load(), 'crypto': args.crypto, 'burst': args.burst, 'size': args.size, 'runs': runs,
              'ratios': {way: runs[1][way]['per_packet'] / runs[0][way]['per_packet'] for way in STAGES}}
    os.makedirs(os.path.dirname(out), exist_ok=True)
    with open(out, 'w', encoding='utf-8') as f:
        json.dump(result, f, indent=1)
    table(runs)
    print(f'\n{out}')
    return 1 if max(result['ratios'].values()) > RATIO_MAX else 0


sys.exit(main())
