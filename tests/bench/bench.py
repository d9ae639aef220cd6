#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""bench.py - layer-2 tunnels against each other on this machine: all systems in turn, round after round.

All of both hosts, both gateways and the traffic shares this machine's processors, so a figure means something only beside
the others of its run: ratios are taken within a round, then their median over the rounds.
"""
import argparse
import json
import os
import platform
import signal
import sys
import time

import report
import systems
from measure import PARTS, measure
from net import WIRES, Failed, Net


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--build', default='build', help='folder with bin/ and bench/')
    p.add_argument('--wire', default='plain', choices=WIRES, help='how the wire between the gateways treats large units')
    p.add_argument('--rounds', type=int, default=5)
    p.add_argument('--seconds', type=int, default=4, help='of each TCP run')
    p.add_argument('--mtu', type=int, default=1380, help='of the hosts; 1380 fits into every peer')
    p.add_argument('--systems', default='bridge,vxlan,causeway,openvpn,tinc,fastd,wireguard-go,strongswan')
    p.add_argument('--parts', default='rtt,tcp1,tcp4,both,udp', help=f'of {",".join(PARTS)}')
    p.add_argument('--title', default='Layer 2')
    p.add_argument('--out', help='JSON file; build/bench/l2-WIRE.json if absent')
    p.add_argument('--list', action='store_true', help='the systems, and leave')
    return p.parse_args()


def one(args, name, number):
    run = {'system': name, 'kind': systems.ROWS[name]['kind'], 'round': number}
    net = None
    try:
        net = Net(args.build, args.wire, args.mtu)
        systems.up(net, name)
        run['figures'] = measure(net, args.parts.split(','), args.seconds)
    except Failed as e:
        run['error'] = str(e)
        print(f'{name}: {e}', file=sys.stderr)
    finally:
        if net:
            net.close()
    return run


def congestion_control():
    with open('/proc/sys/net/ipv4/tcp_congestion_control', encoding='ascii') as f:
        return f.read().strip()


def machine():
    with open('/proc/cpuinfo', encoding='utf-8') as f:
        model = next((line.split(':')[1].strip() for line in f if line.startswith('model name')), '?')
    return {'cpus': os.cpu_count(), 'model': model, 'kernel': platform.release(), 'tcp': congestion_control(), 'load_at_start': os.getloadavg()[0]}


def main():
    args = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if args.list:
        for name, row in systems.ROWS.items():
            print(f'{name:16} {row["kind"]:5} {row["text"]}')
        return 0
    names = args.systems.split(',')
    unknown = [n for n in names if n not in systems.ROWS] + [p for p in args.parts.split(',') if p not in PARTS]
    if unknown:
        print(f'bench.py: no such system or part: {", ".join(unknown)}', file=sys.stderr)
        return 2
    out = args.out or os.path.join(args.build, 'bench', f'l2-{args.wire}.json')
    result = {'wire': args.wire, 'host_mtu': args.mtu, 'machine': machine(), 'began': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()),
              'runs': []}
    for number in range(args.rounds):
        for name in names:
            print(f'round {number + 1} of {args.rounds}: {name}', file=sys.stderr)
            result['runs'].append(one(args, name, number))
    result['ratios'] = report.ratios(result['runs'])
    os.makedirs(os.path.dirname(out), exist_ok=True)
    with open(out, 'w', encoding='utf-8') as f:
        json.dump(result, f, indent=1)
    print(f'\n{args.title}, wire "{args.wire}", hosts with MTU {args.mtu}; Gbit/s, median (range) of {args.rounds} rounds\n')
    print(report.figures_table(result['runs'], names))
    if result['ratios']:
        print('\n' + report.ratios_table(result['ratios']))
    print(f'\n{out}')
    return 1 if any('error' in r for r in result['runs']) else 0


sys.exit(main())
