#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""stage.py BUILD [BATCHES [MS_EACH]]: runs BUILD/bench/stage, writes BUILD/bench/stage.json, prints a table."""
import json
import subprocess
import sys

AEAD = {0: 'aes128gcm', 1: 'aes256gcm', 2: 'chacha20poly1305'}


def main():
    build = sys.argv[1]
    text = subprocess.run([f'{build}/bench/stage', *sys.argv[2:]], stdout=subprocess.PIPE, check=True, text=True).stdout
    stages = json.loads(text)['stages']
    for s in stages:
        s['aead'] = AEAD[s['aead']] if s['engine'] != 'auto' else ''
    with open(f'{build}/bench/stage.json', 'w', encoding='utf-8') as f:
        json.dump({'stages': stages}, f, indent=1)
    print(f'\n{"stage":12} {"engine":9} {"algorithm":17} {"size":>7} {"ns a packet":>12} {"from":>8} {"to":>8}')
    for s in stages:
        engine = s['engine'] if s['engine'] != 'auto' else ''
        print(f'{s["stage"]:12} {engine:9} {s["aead"]:17} {s["size"]:7} {s["ns"]:12.1f} {s["ns_min"]:8.1f} {s["ns_max"]:8.1f}')
    print('(of the FDB the size is that of the table, in stations)\n' + f'\n{build}/bench/stage.json')


main()
