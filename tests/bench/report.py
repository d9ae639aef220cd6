# SPDX-License-Identifier: Apache-2.0
"""report.py - tables for people from the runs of bench.py: medians with their range, and ratios that are taken within a round."""
from statistics import median

from systems import ROWS

COLUMNS = (
    ('tcp1_gbit', 'TCP 1', 2), ('tcp4_gbit', 'TCP 4', 2), ('both_gbit', 'both ways', 2),
    ('tcp8_gbit', 'TCP 8', 2), ('tcp8_min_by_max', 'min/max of 8', 2), ('bbr1_gbit', 'BBR 1', 3),
    ('tcp1_cpu_s_per_gbit', 'CPU-s/Gbit', 3), ('udp_kpps', '64 B kpps', 0), ('udp_flood_kpps', 'flood kpps', 0),
    ('rtt_p50_us', 'RTT p50 us', 0), ('rtt_p99_us', 'p99', 0), ('pss_mib', 'MiB', 0),
)
# What is aimed at: (figure, whose, of whom, at least or at most, limit). "peer" is the best peer of the round.
TARGETS = (
    ('tcp1_gbit', 'causeway', 'peer', '>=', 6.0), ('tcp1_gbit', 'causeway', 'vxlan', '>=', 0.6),
    ('tcp4_gbit', 'causeway', 'peer', '>=', 6.0), ('tcp4_gbit', 'causeway', 'vxlan', '>=', 0.6),
    ('tcp1_cpu_s_per_gbit', 'causeway', 'peer', '<=', 1 / 6), ('udp_kpps', 'causeway', 'peer', '>=', 1.5),
    ('rtt_p50_us', 'causeway', 'peer', '<=', 1.1), ('rtt_p99_us', 'causeway', 'peer', '<=', 1.5),
    ('tcp1_gbit', 'relay', 'inner', '>=', 0.8), ('tcp8_gbit', 'relay', 'inner', '>=', 0.8),
    ('bbr1_gbit', 'causeway', 'bridge', '>=', 0.9),
)


def values(runs, system, key):
    return [r['figures'][key] for r in runs if r['system'] == system and key in r.get('figures', {})]


def cell(v, digits):
    if not v:
        return '-'
    text = f'{median(v):.{digits}f}'
    return text if len(v) == 1 else f'{text} ({min(v):.{digits}f}-{max(v):.{digits}f})'


def table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return '\n'.join('  '.join(text.ljust(w) if i == 0 else text.rjust(w) for i, (text, w) in enumerate(zip(row, widths)))
                     for row in rows)


def figures_table(runs, systems):
    used = [c for c in COLUMNS if any(values(runs, s, c[0]) for s in systems)]
    rows = [['system'] + [c[1] for c in used]]
    rows += [[s] + [cell(values(runs, s, key), digits) for key, _, digits in used] for s in systems]
    return table(rows)


def of_round(runs, number, system, key, lower):
    """The figure of SYSTEM in a round; of the best peer for "peer"."""
    found = [r['figures'][key] for r in runs if r['round'] == number and key in r.get('figures', {}) and
             (ROWS[r['system']]['kind'] == 'peer' if system == 'peer' else r['system'] == system)]
    if not found:
        return None
    return min(found) if lower else max(found)


def ratios(runs):
    """[{figure, of, ratio (median over the rounds), low, high, limit, met}]"""
    out = []
    for key, who, of, sign, limit in TARGETS:
        lower, r = sign == '<=', []
        for number in sorted({x['round'] for x in runs}):
            ours, theirs = of_round(runs, number, who, key, lower), of_round(runs, number, of, key, lower)
            if ours is not None and theirs:
                r.append(ours / theirs)
        if r:
            m = median(r)
            out.append({'figure': key, 'who': who, 'of': of, 'ratio': m, 'low': min(r), 'high': max(r), 'sign': sign, 'limit': limit,
                        'met': m <= limit if lower else m >= limit})
    return out


def ratios_table(rows):
    names = {key: title for key, title, _ in COLUMNS}
    text = [['figure', 'who', 'of', 'ratio', 'range', 'aim', '']]
    for r in rows:
        text.append([names[r['figure']], r['who'], 'best peer' if r['of'] == 'peer' else r['of'], f'{r["ratio"]:.2f}',
                     f'{r["low"]:.2f}-{r["high"]:.2f}', f'{r["sign"]} {r["limit"]:.2f}', 'met' if r['met'] else 'NOT MET'])
    return table(text)
