# SPDX-License-Identifier: Apache-2.0
"""net.py - two hosts, two gateways and the wire between these, in network namespaces; and the processes in them.

    hA e0 ---- lan gA wan ---- wan gB lan ---- e0 hB          hosts 10.9.0.1 and 10.9.0.2, gateways 192.0.2.1 and 192.0.2.2

On each gateway "lan" is a port of the bridge br0, in which the system that is measured puts its device. Nothing leaves these
namespaces; close() ends every process by its number and deletes them.
"""
import os
import shutil
import subprocess
import tempfile
import time

# How the wire between the gateways handles large units.
WIRES = {
    'plain': 'tso off gso off tx-udp-segmentation off gro on',  # cut by software at the sender, joined by NAPI: like a plain NIC
    'large': 'gro on',                                          # large units cross it whole
    'bare': 'tso off gso off tx-udp-segmentation off gro off',  # one packet at a time everywhere
    'lossy': None,              # no veth but wanbox: see LOSSY
}
# Round trip 20 ms; each way at most 300 Mbit/s, so that the processors are not what is measured; 1 % of the frames lost each way.
LOSSY = {'delay_us': 10000, 'rate_mbit': 300, 'loss_ppm': 10000}
OTHER = {'A': 'B', 'B': 'A'}
WAN = {'A': '192.0.2.1', 'B': '192.0.2.2'}
HOST = {'A': '10.9.0.1', 'B': '10.9.0.2'}


class Failed(Exception):
    """Something that the figures need did not work; the text is for people."""


def run(*cmd, check=True, **more):
    p = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more)
    if check and p.returncode != 0:
        raise Failed(f'{" ".join(cmd)}: {p.stdout.strip()}')
    return p.stdout


def tree(pid):
    """PID and all its descendants."""
    pids = [pid]
    try:
        for task in os.listdir(f'/proc/{pid}/task'):
            with open(f'/proc/{pid}/task/{task}/children', encoding='ascii') as f:
                for child in f.read().split():
                    pids += tree(int(child))
    except OSError:
        pass
    return pids


class Net:
    def __init__(self, build, wire, mtu):
        self.build, self.prefix = os.path.abspath(build), f'cwb{os.getpid()}'
        self.dir = tempfile.mkdtemp(prefix='causeway-bench.')
        self.daemons, self.names, self.box = [], [], None
        self.ends = 'hA', 'hB', HOST['B'], '5201'       # of streams: from where, to where, whom to call
        try:
            self.make(wire, mtu)
        except BaseException:
            self.close()
            raise

    def make(self, wire, mtu):
        for name in ('hA', 'gA', 'gB', 'hB'):
            run('ip', 'netns', 'add', self.prefix + name)
            self.names.append(name)
            self.ip(name, 'link set lo up')
            self.inside(name, 'sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1')
            self.inside(name, 'sysctl', '-qew', 'net.bridge.bridge-nf-call-iptables=0', check=False)
        self.wire(wire)
        for side in 'AB':
            run('ip', 'link', 'add', 'e0', 'netns', f'{self.prefix}h{side}', 'type', 'veth', 'peer', 'name', 'lan', 'netns',
                f'{self.prefix}g{side}')
            self.ip(f'g{side}', f'addr add {WAN[side]}/24 dev wan')
            self.ip(f'g{side}', 'link set wan up')
            self.ip(f'g{side}', 'link add br0 type bridge mcast_snooping 0')
            self.ip(f'g{side}', 'link set br0 up')
            self.port(side, 'lan')
            self.ip(f'h{side}', f'link set e0 mtu {mtu} up')
            self.ip(f'h{side}', f'addr add {HOST[side]}/24 dev e0')

    def wire(self, wire):
        if wire == 'lossy':
            self.wire_lossy()
            return
        run('ip', 'link', 'add', 'wan', 'netns', self.prefix + 'gA', 'type', 'veth', 'peer', 'name', 'wan', 'netns', self.prefix + 'gB')
        for side in 'AB':
            self.inside(f'g{side}', 'ethtool', '-K', 'wan', *WIRES[wire].split())

    def wire_lossy(self):
        self.box = subprocess.Popen([f'{self.build}/bench/wanbox', f'/run/netns/{self.prefix}gA', f'/run/netns/{self.prefix}gB', '1',
                                     str(LOSSY['delay_us'])], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.box.stdout.readline() != 'ready\n':
            raise Failed('wanbox does not start')
        self.box.stdin.write(f'rate 0 {LOSSY["rate_mbit"]}\nloss 0 {LOSSY["loss_ppm"]}\n')
        self.box.stdin.flush()
        for side in 'AB':
            self.ip(f'g{side}', 'link set eth0 name wan')

    # ---- inside ----
    def ip(self, name, words):
        run('ip', '-n', self.prefix + name, *words.split())

    def at(self, name, *cmd):
        return ['ip', 'netns', 'exec', self.prefix + name, *cmd]

    def inside(self, name, *cmd, **more):
        return run(*self.at(name, *cmd), **more)

    def port(self, side, device):
        """DEVICE becomes a port of the bridge of that side."""
        self.ip(f'g{side}', f'link set {device} master br0')
        self.ip(f'g{side}', f'link set {device} up')

    def vxlan(self, side, local, remote, mtu=1500):
        self.ip(f'g{side}', f'link add vx0 type vxlan id 7 local {local} remote {remote} dstport 4789')
        self.ip(f'g{side}', f'link set vx0 mtu {mtu}')
        self.port(side, 'vx0')

    def host_mtu(self, mtu):
        for side in 'AB':
            self.ip(f'h{side}', f'link set e0 mtu {mtu}')

    def file(self, name, text):
        path = os.path.join(self.dir, name)
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), 'w', encoding='utf-8') as f:
            f.write(text)
        return path

    # ---- processes ----
    def start(self, name, *cmd, daemon=True, **more):
        """In the background; DAEMON: belongs to the system that is measured."""
        log = open(os.path.join(self.dir, f'{name}.log'), 'a', encoding='utf-8')
        p = subprocess.Popen(self.at(name, *cmd), stdin=more.pop('stdin', subprocess.DEVNULL), stdout=more.pop('stdout', log),
                             stderr=log, text=True, **more)
        log.close()
        if daemon:
            self.daemons.append(p)
        return p

    def daemon_pids(self):
        return [pid for p in self.daemons for pid in tree(p.pid)]

    def until(self, seconds, what, test):
        end = time.monotonic() + seconds
        while not test():
            if time.monotonic() > end:
                raise Failed(f'{what}: not within {seconds} s; the logs:\n' + self.logs())
            time.sleep(0.05)

    def until_device(self, side, device):
        self.until(10, f'device {device} of gateway {side}', lambda: os.system(
            f'ip -n {self.prefix}g{side} link show {device} >/dev/null 2>&1') == 0)

    def until_joined(self):
        self.until(20, 'host B answers host A', lambda: 'bytes from' in self.inside(
            'hA', 'ping', '-c', '1', '-W', '1', HOST['B'], check=False))

    def logs(self):
        text = ''
        for name in sorted(os.listdir(self.dir)):
            if name.endswith('.log'):
                with open(os.path.join(self.dir, name), encoding='utf-8', errors='replace') as f:
                    text += f'--- {name}\n' + f.read()[-1500:]
        return text

    def close(self):
        for p in self.daemons:
            for pid in reversed(tree(p.pid)):
                try:
                    os.kill(pid, 15)
                except OSError:
                    pass
        for p in self.daemons:
            try:
                p.wait(3)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        if self.box:
            self.box.communicate()      # it ends with its input
        for name in self.names:
            for pid in run('ip', 'netns', 'pids', self.prefix + name, check=False).split():
                try:
                    os.kill(int(pid), 9)
                except (OSError, ValueError):
                    pass
            run('ip', 'netns', 'del', self.prefix + name, check=False)
        self.names, self.daemons, self.box = [], [], None
        shutil.rmtree(self.dir, ignore_errors=True)
