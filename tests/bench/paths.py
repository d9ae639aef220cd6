#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""paths.py FOLDER PREFIX BUILD RESULT TRIALS LOSS_SECONDS: cuts the link in use under a stream, again and again.

FOLDER is that of a test that sourced tests/netns/paths.sh and wrote the configurations there. Streams of 1000 datagrams a second
go both ways inside the tunnel. Three kinds of cuts, TRIALS of each: from a to b, from b to a, both ways; the longest gap of the
stream whose way was cut counts. Each trial has appliances of its own, because paths that fell again and again come back late. Then
LOSS_SECONDS of 5 % loss each way on both links: no path may go down. Writes RESULT, prints a table, and fails when a stream did
not go on, or a path went down by chance.
"""
import json
import os
import subprocess
import sys
import time

FOLDER, PREFIX, BUILD, RESULT, TRIALS, LOSS_SECONDS = sys.argv[1:4] + [sys.argv[4]] + [int(v) for v in sys.argv[5:7]]
HERE = os.path.dirname(os.path.abspath(__file__))
SIDES = {'a': ('10.71.1.1', '10.71.2.1', 'b'), 'b': ('10.71.2.1', '10.71.1.1', 'a')}
GAP_MAX_MS, UP_S = 2000, 20


def box(command):
    with open(f'{FOLDER}/box.in', 'w') as f:
        f.write(command + '\n')


def passed():
    """Frames that passed, by way: a to b and back on link 0, then on link 1."""
    out = f'{FOLDER}/box.out'
    seen = os.path.getsize(out)
    box('stat')
    for _ in range(500):
        with open(out) as f:
            f.seek(seen)
            line = f.readline()
        if line.endswith('\n'):
            return [int(v) for v in line.split()[1:]]
        time.sleep(0.01)
    sys.exit('paths.py: wanbox does not answer')


class World:
    """Both appliances, all paths up, and the streams."""

    def __enter__(self):
        self.log = open(f'{FOLDER}/paths-ix.log', 'a')
        self.ix = []
        for s in 'ba':
            self.ix.append(subprocess.Popen(['ip', 'netns', 'exec', PREFIX + s, f'{BUILD}/bin/causeway-ix', '--config',
                                             f'{FOLDER}/{s}.yaml'], stdout=self.log, stderr=self.log))
            wait(lambda: tunnel(s) is not None)
        wait(lambda: all(up(tunnel(s)) for s in SIDES))
        self.pulses = {s: Pulse(s) for s in SIDES}
        return self.pulses

    def __exit__(self, *_):
        for p in self.pulses.values():
            p.end()
        for p in self.ix:
            p.terminate()
        for p in self.ix:
            p.wait(10)
        self.log.close()


class Pulse:
    """The stream that a side sends, and its ear for that of the other."""

    def __init__(self, side):
        own, peer, _ = SIDES[side]
        self.p = subprocess.Popen(['ip', 'netns', 'exec', PREFIX + side, f'{BUILD}/bench/pulse', own, peer, '9200', '1000'],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.p.stdout.readline()

    def mark(self):
        self.p.stdin.write('\n')
        words = self.p.stdout.readline().split()
        return {k: int(v) for k, v in zip(words[::2], words[1::2])}

    def end(self):
        self.p.stdin.close()
        self.p.wait()


def tunnel(side):
    r = subprocess.run([sys.executable, f'{HERE}/../netns/rpc.py', f'{FOLDER}/{side}.sock', 'tunnel', 'show', SIDES[side][2]],
                       capture_output=True, text=True)
    return json.loads(r.stdout) if r.returncode == 0 else None


def up(t):
    return t is not None and t['state'] == 'up' and all(p['mtu'] == 1500 for p in t['paths'])


def wait(what):
    end = time.monotonic() + UP_S
    while not what():
        if time.monotonic() > end:
            sys.exit('paths.py: not all paths come up')
        time.sleep(0.05)


def link_of(way):
    """The link that the stream of a (way 0) or b (way 1) takes: by far the most frames."""
    before = passed()
    time.sleep(0.3)
    diff = [b - a for a, b in zip(before, passed())]
    return 0 if diff[way] > diff[2 + way] else 1


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p / 100))]


def trial(kind, pulses, n):
    """The longest gap in ms of the streams whose way was cut, and the longest time the sender did not run."""
    way = {'ab': 0, 'ba': 1, 'both': n % 2}[kind]
    link = link_of(way)
    ears = {'ab': 'b', 'ba': 'a', 'both': 'ba'[n % 2]}[kind]
    for p in pulses.values():
        p.mark()
    time.sleep(0.013 * (n % 7))
    box(f'cut {link} {kind}')
    time.sleep(0.7)
    got = {s: p.mark() for s, p in pulses.items()}
    box(f'heal {link}')
    return got[ears]['gap_us'] / 1000, max(g['pause_us'] for g in got.values()) / 1000


def cuts():
    rows = []
    for kind in ('ab', 'ba', 'both') if TRIALS else ():
        gaps, pauses = [], []
        for n in range(TRIALS):
            with World() as pulses:
                gap, pause = trial(kind, pulses, n)
            gaps.append(gap)
            pauses.append(pause)
        rows.append({'cut': kind, 'n': len(gaps), 'p50_ms': percentile(gaps, 50), 'p99_ms': percentile(gaps, 99),
                     'max_ms': max(gaps), 'sender_pause_max_ms': max(pauses), 'gaps_ms': gaps})
    return rows


def flaps():
    return sum(p['flaps'] for s in SIDES for p in tunnel(s)['paths'])


def weather():
    with World() as pulses:
        for link in (0, 1):
            box(f'loss {link} 50000')
        for p in pulses.values():
            p.mark()
        time.sleep(LOSS_SECONDS)
        got = [p.mark() for p in pulses.values()]
        falls = flaps()
        for link in (0, 1):
            box(f'loss {link} 0')
    return {'seconds': LOSS_SECONDS, 'loss_percent': 5, 'paths': 4, 'false_downs': falls,
            'lost': 1 - sum(g['got'] for g in got) / max(1, sum(g['sent'] for g in got)), 'gap_max_ms': max(g['gap_us'] for g in got) / 1000,
            'sender_pause_max_ms': max(g['pause_us'] for g in got) / 1000}


def main():
    result = {'rtt_ms': 20, 'stream_per_second': 1000, 'cuts': cuts(), 'weather': weather() if LOSS_SECONDS else None}
    with open(RESULT, 'w') as f:
        json.dump(result, f, indent=1)
    for r in result['cuts']:
        print(f"cut {r['cut']:<4}  n {r['n']}  p50 {r['p50_ms']:.0f} ms  p99 {r['p99_ms']:.0f} ms"
              f"  (sender stood still {r['sender_pause_max_ms']:.0f} ms at most)  max {r['max_ms']:.0f} ms")
    bad = [r for r in result['cuts'] if r['max_ms'] > GAP_MAX_MS]
    if result['weather']:
        w = result['weather']
        print(f"5 % loss each way for {w['seconds']} s: {w['false_downs']} false downs, longest gap {w['gap_max_ms']:.0f} ms"
              f"  (sender stood still {w['sender_pause_max_ms']:.0f} ms at most)")
        bad += [w] if w['false_downs'] else []
    return 1 if bad else 0


sys.exit(main())
