#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""scale.py - what one appliance costs with one extension, and with as many as it can have: memory and time to start.

Memory is the proportional share (PSS) of all its processes, in MiB; of what the kernel has for the devices nobody is charged.
"""
import argparse
import json
import os
import sys
import time

from farm import Farm, load
from measure import pss_mib
from net import Failed, tree

TARGET_MIB = {'one': 32, 'many': 256}


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--build', default='build', help='folder with bin/ and bench/')
    p.add_argument('--extensions', type=int, default=4094)
    p.add_argument('--macs', type=int, default=100000, help='in all extensions together')
    p.add_argument('--out', help='JSON file; build/bench/scale.json if absent')
    return p.parse_args()


def processes(pid):
    rows = []
    for p in tree(pid):
        with open(f'/proc/{p}/cmdline', 'rb') as f:
            words = [w.decode() for w in f.read().split(b'\0') if w]
        rows.append({'pid': p, 'command': ' '.join(words[:2]), 'pss_mib': pss_mib([p])})
    return rows


def one(args, name, extensions, macs):
    clock = time.monotonic()
    farm = Farm(args.build, extensions, 'A')
    try:
        print(f'{name}: {extensions} bridges in {time.monotonic() - clock:.1f} s', file=sys.stderr)
        run = {'case': name, 'extensions': extensions, 'stations': macs}
        farm.start('B')
        run['start_s'] = farm.start('A')
        farm.up()
        run['idle_mib'] = pss_mib(tree(farm.pids['A']))
        each = -(-macs // extensions)
        farm.feed('A', each, 1, 16, 60, 0)
        farm.until('A', 'knows all stations', lambda: farm.macs('A') >= macs)
        run['macs'] = farm.macs('A')
        run['processes'] = processes(farm.pids['A'])
        run['pss_mib'] = sum(p['pss_mib'] for p in run['processes'])
        run['target_mib'] = TARGET_MIB[name]
        return run
    finally:
        farm.close()


def main():
    args = arguments()
    out = args.out or os.path.join(args.build, 'bench', 'scale.json')
    result = {'load': load(), 'runs': []}
    try:
        for name, n, macs in (('one', 1, 16), ('many', args.extensions, args.macs)):
            result['runs'].append(one(args, name, n, macs))
    except Failed as e:
        print(f'scale.py: {e}', file=sys.stderr)
        return 1
    os.makedirs(os.path.dirname(out), exist_ok=True)
    with open(out, 'w', encoding='utf-8') as f:
        json.dump(result, f, indent=1)
    print('\nMemory of one appliance, MiB (PSS of all its processes)\n')
    print(f'{"":6} {"extensions":>10} {"stations":>9} {"idle":>8} {"in use":>8} {"target":>8} {"start, s":>9}')
    for r in result['runs']:
        print(f'{r["case"]:6} {r["extensions"]:10} {r["macs"]:9} {r["idle_mib"]:8.1f} {r["pss_mib"]:8.1f} {r["target_mib"]:8} {r["start_s"]:9.2f}')
    print(f'\n{out}')
    return 1 if any(r['pss_mib'] > r['target_mib'] for r in result['runs']) else 0


sys.exit(main())
