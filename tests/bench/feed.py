#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""feed.py SIDE SEGMENTS STATIONS ROUNDS BURST SIZE PAUSE_US: frames from the bridges of this network namespace.

Each round sends from each station of each segment one frame of SIZE bytes to the station of the same number on the other side, BURST
frames of a segment at once and then those of the next. PAUSE_US after each burst. Prints how many went.
"""
import json
import socket
import sys
import time


def address(side, segment, station):
    return bytes([2, ord(side), 0, segment >> 8, segment & 255, station & 255])


def frame(side, segment, station, size):
    other = 'B' if side == 'A' else 'A'
    return (address(other, segment, station) + address(side, segment, station) + b'\x88\xb5').ljust(size, b'\x5a')


def bursts(segments, stations, burst):
    for first in range(0, stations, burst):
        for segment in range(1, segments + 1):
            yield segment, range(first, min(first + burst, stations))


def main():
    side = sys.argv[1]
    segments, stations, rounds, burst, size, pause_us = map(int, sys.argv[2:])
    sent = 0
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as s:
        for _ in range(rounds):
            for segment, numbers in bursts(segments, stations, burst):
                for k in numbers:
                    s.sendto(frame(side, segment, k, size), (f's{segment}', 0))
                    sent += 1
                if pause_us:
                    time.sleep(pause_us / 1e6)
    print(json.dumps({'sent': sent}))


main()
