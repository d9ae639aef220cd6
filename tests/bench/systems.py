# SPDX-License-Identifier: Apache-2.0
"""systems.py - what is measured: each row makes one segment of hosts A and B, with programs that Debian packages, or ours.

KIND: "wire" without encryption, says what the machine can do; "peer" an encrypted layer-2 tunnel; "ours".
"""
import os
import shutil

from net import HOST, OTHER, WAN, Failed, run

ROWS = {}


def system(name, kind, *programs):
    def add(f):
        ROWS[name] = {'kind': kind, 'programs': programs, 'up': f, 'text': f.__doc__}
        return f
    return add


def missing(name):
    return [p for p in ROWS[name]['programs'] if not shutil.which(p)]


def both(net, device):
    for side in 'AB':
        net.until_device(side, device)
        net.port(side, device)


# ---- without encryption ----
@system('bridge', 'wire')
def up_bridge(net):
    """the wire itself as a port of both bridges"""
    for side in 'AB':
        net.ip(f'g{side}', 'addr flush dev wan')
        net.port(side, 'wan')


@system('vxlan', 'wire')
def up_vxlan(net):
    """kernel VXLAN, in clear"""
    for side in 'AB':
        net.vxlan(side, WAN[side], WAN[OTHER[side]])


# ---- ours ----
def causeway(net, program, side, more, **options):
    number = {'A': 1, 'B': 2}
    net.file('psk', 'for measurements only\n')
    i, k = number[side], number[OTHER[side]]
    path = net.file(f'{side}.yaml', f'''
name: {program}-{side}
uplinks: [{{address: {WAN[side]}}}]
tunnels:
  - name: peer
    remote: {{address: {WAN[OTHER[side]]}}}
    auth: {{method: psk, secret_file: psk, local_id: {side}.bench, remote_id: {OTHER[side]}.bench}}
    esp: {options.get('esp', 'aes256gcm16')}
    initiate: {'yes' if side == 'A' else 'no'}
    local_ts: 10.71.{i}.1/32
    remote_ts: 10.71.{k}.1/32
{more}
control: {net.dir}/{side}.sock
''')
    net.start(f'g{side}', *options.get('wrapper', ()), f'{net.build}/bin/{program}', '--config', path, '--crypto', options.get('crypto', 'auto'))


def causeway_ne(net, **options):
    for side in 'AB':
        causeway(net, 'causeway-ne', side, 'extensions: [{name: seg, vni: 7, bridge: br0, tunnel: peer}]', **options)


@system('causeway', 'ours')
def up_causeway(net):
    """causeway-ne, AES-256-GCM"""
    causeway_ne(net)


# Site A's relay takes streams of its hosts to site B's, which takes them to host B.
def ix_pair(net):
    ix = {'A': '10.9.0.11', 'B': '10.9.0.12'}
    for side in 'BA':
        i, k = (1, 2) if side == 'A' else (2, 1)
        net.ip(f'g{side}', f'addr add {ix[side]}/24 dev br0')
        causeway(net, 'causeway-ix', side, f'''
relays:
  - {{name: out, tunnel: peer, listen: "tcp:{ix[side]}:7001", dial: "tcp:10.71.{k}.1:7001"}}
  - {{name: in, tunnel: peer, listen: "tcp:10.71.{i}.1:7001", dial: "tcp:{HOST[side]}:5201"}}''')
    net.until(20, 'the tunnel', lambda: 'bytes from' in net.inside('gA', 'ping', '-c', '1', '-W', '1', '10.71.2.1', check=False))
    return ix['A']


@system('inner', 'wire')
def up_inner(net):
    """plain TCP between the inner addresses of two causeway-ix"""
    ix_pair(net)
    net.ends = 'gA', 'gB', '10.71.2.1', '5201'


@system('relay', 'ours')
def up_relay(net):
    """host A, relay of its site, tunnel, relay of the other site, host B"""
    net.ends = 'hA', 'hB', ix_pair(net), '7001'


@system('causeway-openssl', 'ours')
def up_causeway_openssl(net):
    """causeway-ne --crypto openssl"""
    causeway_ne(net, crypto='openssl')


@system('causeway-chacha', 'ours')
def up_causeway_chacha(net):
    """causeway-ne, ChaCha20-Poly1305"""
    causeway_ne(net, esp='chacha20poly1305')


# ---- peers ----
@system('openvpn', 'peer', 'openvpn', 'openssl')
def up_openvpn(net):
    """OpenVPN, TAP, TLS 1.3, AES-256-GCM"""
    prints = {}
    for side in 'AB':
        run('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj',
            f'/CN={side}', '-keyout', f'{net.dir}/{side}.key', '-out', f'{net.dir}/{side}.crt')
        prints[side] = run('openssl', 'x509', '-in', f'{net.dir}/{side}.crt', '-noout', '-fingerprint', '-sha256').split('=')[1].strip()
    for side in 'AB':
        role = ['--tls-server', '--dh', 'none'] if side == 'A' else ['--tls-client']
        net.start(f'g{side}', 'openvpn', '--dev', 'tap0', '--dev-type', 'tap', '--proto', 'udp', '--local', WAN[side], '--remote',
                  WAN[OTHER[side]], *role, '--cert', f'{net.dir}/{side}.crt', '--key', f'{net.dir}/{side}.key', '--peer-fingerprint',
                  prints[OTHER[side]], '--data-ciphers', 'AES-256-GCM', '--allow-compression', 'no', '--fast-io', '--sndbuf', '4000000',
                  '--rcvbuf', '4000000', '--txqueuelen', '4000', '--mssfix', '0')
    both(net, 'tap0')


@system('tinc', 'peer', 'tincd')
def up_tinc(net):
    """tinc 1.0, switch mode, AES-256-CBC and SHA-256"""
    for side in 'AB':
        d = f'{net.dir}/tinc{side}'
        os.makedirs(f'{d}/hosts')
        net.file(f'tinc{side}/tinc.conf', f'Name = {side}\nMode = switch\nDeviceType = tap\nInterface = tap0\nAddressFamily = ipv4\n'
                 f'BindToAddress = {WAN[side]}\n' + ('' if side == 'A' else 'ConnectTo = A\n'))
        net.file(f'tinc{side}/hosts/{side}', f'Address = {WAN[side]}\nCipher = aes-256-cbc\nDigest = sha256\nCompression = 0\n')
        run('tincd', '-c', d, '-K2048', input='\n\n')
    for side in 'AB':
        shutil.copy(f'{net.dir}/tinc{side}/hosts/{side}', f'{net.dir}/tinc{OTHER[side]}/hosts/{side}')
    for side in 'AB':
        net.start(f'g{side}', 'tincd', '-c', f'{net.dir}/tinc{side}', '-D', f'--pidfile={net.dir}/tinc{side}.pid')
    both(net, 'tap0')


@system('fastd', 'peer', 'fastd')
def up_fastd(net):
    """fastd, TAP, AES-128-CTR and UMAC"""
    keys = {side: run('fastd', '--generate-key') for side in 'AB'}

    def key(side, word):
        return next(line.split()[1] for line in keys[side].splitlines() if line.startswith(word))
    for side in 'AB':
        peer = OTHER[side]
        path = net.file(f'fastd{side}.conf', f'''
mode tap; interface "tap0"; mtu 1500; method "aes128-ctr+umac"; log level warn;
secret "{key(side, 'Secret')}"; bind {WAN[side]}:10000;
peer "{peer}" {{ key "{key(peer, 'Public')}"; remote {WAN[peer]}:10000; }}
''')
        net.start(f'g{side}', 'fastd', '-c', path)
    both(net, 'tap0')


@system('wireguard-go', 'peer', 'wireguard-go', 'wg')
def up_wireguard_go(net):
    """wireguard-go, kernel VXLAN on it"""
    inner, public = {'A': '10.8.0.1', 'B': '10.8.0.2'}, {}
    for side in 'AB':
        private = run('wg', 'genkey')
        net.file(f'wg{side}', private)
        public[side] = run('wg', 'pubkey', input=private).strip()
        net.start(f'g{side}', 'env', 'LOG_LEVEL=error', 'WG_PROCESS_FOREGROUND=1', 'wireguard-go', '-f', f'{net.prefix}{side}')
    for side in 'AB':
        dev, peer = f'{net.prefix}{side}', OTHER[side]
        net.until(5, 'wireguard-go', lambda d=dev: os.path.exists(f'/run/wireguard/{d}.sock'))
        net.inside(f'g{side}', 'wg', 'set', dev, 'listen-port', '51820', 'private-key', f'{net.dir}/wg{side}', 'peer', public[peer],
                   'allowed-ips', '0.0.0.0/0', 'endpoint', f'{WAN[peer]}:51820')
        net.ip(f'g{side}', f'link set {dev} mtu 1440 up')
        net.ip(f'g{side}', f'addr add {inner[side]}/24 dev {dev}')
        net.vxlan(side, inner[side], inner[peer], 1390)


SWAN = '''
charon-systemd {{
  load = random nonce openssl kdf hmac kernel-libipsec kernel-netlink socket-default vici
  plugins {{ vici {{ socket = unix://{d}/{side}.vici }} }}
}}
'''
SWANCTL = '''
connections {{ c {{ version = 2
  local_addrs = {a}
  remote_addrs = {b}
  proposals = aes256gcm16-prfsha384-ecp384
  encap = yes
  local {{ auth = psk
    id = {side} }}
  remote {{ auth = psk
    id = {peer} }}
  children {{ c {{ local_ts = {inner_a}/32
    remote_ts = {inner_b}/32
    esp_proposals = aes256gcm16 }} }} }} }}
secrets {{ ike {{ id-A = A
  id-B = B
  secret = for-measurements-only }} }}
'''


@system('strongswan', 'peer', 'charon-systemd', 'swanctl')
def up_strongswan(net):
    """strongSwan with libipsec (ESP in user space), kernel VXLAN on it; segment of 1,350 bytes"""
    inner = {'A': '10.8.0.1', 'B': '10.8.0.2'}

    def swanctl(side, *words):
        net.inside(f'g{side}', 'env', f'STRONGSWAN_CONF={net.dir}/{side}.swan', 'swanctl', *words, '--uri', f'unix://{net.dir}/{side}.vici')
    for side in 'AB':
        peer = OTHER[side]
        net.file(f'{side}.swan', SWAN.format(d=net.dir, side=side))
        net.file(f'{side}.swanctl', SWANCTL.format(a=WAN[side], b=WAN[peer], side=side, peer=peer, inner_a=inner[side],
                                                   inner_b=inner[peer]))
        net.ip(f'g{side}', f'addr add {inner[side]}/32 dev lo')
        net.start(f'g{side}', 'env', f'STRONGSWAN_CONF={net.dir}/{side}.swan', shutil.which('charon-systemd'))
    for side in 'AB':
        net.until(5, 'charon', lambda s=side: os.path.exists(f'{net.dir}/{s}.vici'))
        swanctl(side, '--load-all', '--noprompt', '--file', f'{net.dir}/{side}.swanctl')
    swanctl('A', '--initiate', '--child', 'c', '--timeout', '5')
    net.host_mtu(1350)
    for side in 'AB':
        net.vxlan(side, inner[side], inner[OTHER[side]], 1350)


def up(net, name):
    lacks = missing(name)
    if lacks:
        raise Failed(f'{name}: {", ".join(lacks)} not installed')
    ROWS[name]['up'](net)
    if net.ends[2] == HOST['B']:        # else there is no segment
        net.until_joined()
