# SPDX-License-Identifier: Apache-2.0
"""measure.py - the figures of one system that is up, from host A to host B.

CPU seconds are those of the whole machine: user, system, interrupts, which also holds what the kernel does for nobody.
"""
import json
import os
import subprocess
import time

from net import HOST, Failed, run

TICK = os.sysconf('SC_CLK_TCK')
LOSS = 0.005


def cpu_busy():
    with open('/proc/stat', encoding='ascii') as f:
        t = [int(x) / TICK for x in f.readline().split()[1:9]]
    return t[0] + t[1] + t[2] + t[5] + t[6]


def rss_mib(net):
    return pss_mib(net.daemon_pids())


def pss_mib(pids):
    total = 0
    for pid in pids:
        try:
            with open(f'/proc/{pid}/smaps_rollup', encoding='ascii') as f:
                total += next(int(line.split()[1]) for line in f if line.startswith('Pss:'))
        except (OSError, StopIteration):
            pass
    return total / 1024


def iperf(net, seconds, streams, *more):
    """What iperf3 says at the end of a run between the ends of a stream, and CPU seconds."""
    src, dst, address, port = net.ends
    server = net.start(dst, 'iperf3', '-s', '-1', daemon=False)
    out, start, cpu, clock = '', 0, 0, 0
    try:
        for _ in range(40):
            start, clock = cpu_busy(), time.monotonic()
            out = run(*net.at(src, 'iperf3', '-c', address, '-p', port, '-t', str(seconds), '-P', str(streams), '-J', *more), check=False)
            cpu, clock = cpu_busy() - start, time.monotonic() - clock
            if clock > seconds / 2:
                break
            time.sleep(0.1)             # the server is not there yet
        return json.loads(out)['end'], cpu
    except (ValueError, KeyError) as e:
        raise Failed(f'iperf3: {out[:300]}') from e
    finally:
        server.kill()
        server.wait()


def tcp(net, seconds, streams, *more):
    """Gbit/s of payload, and CPU seconds per Gbit."""
    end, cpu = iperf(net, seconds, streams, *more)
    bits = end['sum_received']['bytes'] * 8 + end.get('sum_received_bidir_reverse', {}).get('bytes', 0) * 8
    return bits / end['sum_received']['seconds'] / 1e9, cpu / (bits / 1e9)


def part_tcp1(net, seconds):
    gbit, cpu = tcp(net, seconds, 1)
    return {'tcp1_gbit': gbit, 'tcp1_cpu_s_per_gbit': cpu}


def part_tcp4(net, seconds):
    gbit, cpu = tcp(net, seconds, 4)
    return {'tcp4_gbit': gbit, 'tcp4_cpu_s_per_gbit': cpu}


def part_tcp8(net, seconds):
    """Eight streams, and how fair they share: the least of them by the most."""
    end, cpu = iperf(net, seconds, 8)
    each, total = [s['receiver']['bytes'] for s in end['streams']], end['sum_received']
    return {'tcp8_gbit': total['bits_per_second'] / 1e9, 'tcp8_cpu_s_per_gbit': cpu / (total['bytes'] * 8 / 1e9),
            'tcp8_min_by_max': min(each) / max(each) if max(each) else 0}


def part_bbr1(net, seconds):
    """One stream that does not take loss for a full link."""
    return {'bbr1_gbit': tcp(net, seconds, 1, '-C', 'bbr')[0]}


def part_both(net, seconds):
    """One stream each way at once."""
    gbit, cpu = tcp(net, seconds, 1, '--bidir')
    return {'both_gbit': gbit, 'both_cpu_s_per_gbit': cpu}


def packets(net, pps, ms):
    """Sends 64-byte UDP at PPS (0: as fast as it goes); packets sent, packets received, packets/s received."""
    load = f'{net.build}/bench/load'
    sink = net.start('hB', load, 'sink', '5001', daemon=False, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    sink.stdout.readline()
    sent = int(net.inside('hA', load, 'send', HOST['B'], '5001', '64', str(int(pps)), str(ms)))
    time.sleep(0.15)                    # what is under way
    got, rate = sink.communicate()[0].split()
    return sent, int(got), float(rate)


def part_udp(net, _seconds):
    """64-byte UDP: what arrives of all that can be sent; and the highest rate of which less than 0.5 % is lost, by bisection."""
    sent, _, flood = packets(net, 0, 1500)
    low, high = 0.0, sent / 1.5
    for _ in range(8):
        pps = (low + high) / 2
        sent, got, _ = packets(net, pps, 700)
        if sent >= 0.9 * pps * 0.7 and got >= sent * (1 - LOSS):
            low = pps
        else:
            high = pps
    return {'udp_flood_kpps': flood / 1e3, 'udp_kpps': low / 1e3}


def part_rtt(net, seconds):
    load = f'{net.build}/bench/load'
    echo = net.start('hB', load, 'echo', '5002', daemon=False, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    echo.stdout.readline()
    _, p50, p99, _ = net.inside('hA', load, 'rtt', HOST['B'], '5002', '64', str(int(seconds * 500))).split()
    echo.communicate()
    return {'rtt_p50_us': float(p50), 'rtt_p99_us': float(p99)}


PARTS = {'rtt': part_rtt, 'tcp1': part_tcp1, 'tcp4': part_tcp4, 'tcp8': part_tcp8, 'bbr1': part_bbr1, 'both': part_both, 'udp': part_udp}


def measure(net, parts, seconds):
    figures = {}
    for part in parts:
        figures.update(PARTS[part](net, seconds))
    figures['pss_mib'] = rss_mib(net)
    return figures
