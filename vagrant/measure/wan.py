# SPDX-License-Identifier: Apache-2.0
"""wan: what crossed the WAN, by the captures of its two interfaces.

Cleartext is every IP packet between the sites that is neither UDP 4500 nor TCP 9443 (a later fragment shows no port: cleartext), and
every packet that contains a mark of the workload: each block of the guest's disk, each page of memory that it rewrites, each ping and each
line of its conversation begins with one. Neighbour discovery of the links themselves is not counted."""
import mmap
import struct
import bisect

MARK = b"CAUSEWAY-"
ICMPV6_OF_THE_LINK = {130, 131, 132, 133, 134, 135, 136, 137, 143}
TRANSFORMS = {
    (1, 20, 256): "aes256gcm16", (1, 20, 128): "aes128gcm16", (1, 28, 256): "chacha20poly1305", (1, 28, 0): "chacha20poly1305",
    (2, 5, 0): "prfsha256", (2, 6, 0): "prfsha384", (2, 7, 0): "prfsha512",
    (4, 19, 0): "ecp256", (4, 20, 0): "ecp384", (4, 31, 0): "x25519",
}
IKE_SA_INIT, PAYLOAD_SA, ATTRIBUTE_KEY_LENGTH = 34, 33, 0x800E


class Capture:
    """A pcap file: per IP packet its time (ns), its length on the wire, and whether its addresses and ports are a tunnel's."""

    def __init__(self, path):
        self.path, self.time, self.size, self.clear, self.at = path, [], [], [], []
        self.suites = {}                # (initiator, responder) -> text
        with open(path, "rb") as f:
            self.data = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
        if self.data[:4] != b"\xd4\xc3\xb2\xa1":
            raise ValueError(f"{path}: not a capture")
        self.read()
        self.search()

    def read(self):
        at, end, head = 24, len(self.data), struct.Struct("<IIII")
        while at + 16 <= end:
            s, us, kept, wire = head.unpack_from(self.data, at)
            clear = self.judge(at + 16, kept)
            if clear is not None:
                self.time.append(s * 1000000000 + us * 1000)
                self.size.append(wire)
                self.clear.append(clear)
                self.at.append(at + 16)
            at += 16 + kept

    def judge(self, at, kept):
        """None: no IP packet, or the link's own; True: cleartext by its ports."""
        d, (ethertype,) = self.data, struct.unpack_from("!H", self.data, at + 12)
        ip = at + 14
        if ethertype == 0x0800:
            proto, fragment = d[ip + 9], struct.unpack_from("!H", d, ip + 6)[0] & 0x1FFF
            source, target, ports = d[ip + 12:ip + 16], d[ip + 16:ip + 20], ip + (d[ip] & 15) * 4
        elif ethertype == 0x86DD:
            proto, fragment = d[ip + 6], 0
            source, target, ports = d[ip + 8:ip + 24], d[ip + 24:ip + 40], ip + 40
            if proto == 0 and d[ports] == 58:   # hop by hop options before multicast listener reports
                proto, ports = 58, ports + 8
            if proto == 58 and d[ports] in ICMPV6_OF_THE_LINK:
                return None
        else:
            return None
        if fragment or ports + 4 > at + kept:
            return True
        pair = struct.unpack_from("!HH", d, ports)
        if proto == 17 and 4500 in pair:
            if d[ports + 8:ports + 12] == bytes(4) and d[ports + 12 + 18] == IKE_SA_INIT and d[ports + 12 + 19] & 0x20:
                self.suites.update({(target, source): name for name in [suite(d[ports + 12:at + kept])] if name})
            return False
        return not (proto == 6 and 9443 in pair)

    def search(self):
        found = self.data.find(MARK)
        while found >= 0:
            packet = bisect.bisect_right(self.at, found) - 1
            if packet >= 0:
                self.clear[packet] = True
            found = self.data.find(MARK, self.at[packet + 1] if packet + 1 < len(self.at) else len(self.data))

    def bytes_between(self, start, end):
        return sum(self.size[bisect.bisect_left(self.time, start):bisect.bisect_right(self.time, end)])


def suite(ike):
    """The cipher suite that an IKE_SA_INIT response chose (RFC 7296 section 3.3), None where it chose none."""
    kind, at = ike[16], 28
    while kind and kind != PAYLOAD_SA and at + 4 <= len(ike):
        kind, at = ike[at], at + struct.unpack_from("!H", ike, at + 2)[0]
    if kind != PAYLOAD_SA:
        return None                     # a cookie, another group, an error
    at += 4                             # the one proposal
    spi_size, n = ike[at + 6], ike[at + 7]
    at += 8 + spi_size
    names = []
    for _ in range(n):
        size, which, ident = struct.unpack_from("!HBxH", ike, at + 2)
        bits = struct.unpack_from("!H", ike, at + 10)[0] if size >= 12 and \
            struct.unpack_from("!H", ike, at + 8)[0] == ATTRIBUTE_KEY_LENGTH else 0
        names.append((which, TRANSFORMS.get((which, ident, bits), f"{which}.{ident}.{bits}")))
        at += size
    return "-".join(name for _, name in sorted(names))
