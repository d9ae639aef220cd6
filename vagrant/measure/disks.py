# SPDX-License-Identifier: Apache-2.0
"""disks: is the disk at the target the disk that the source gave up?

The source's image is as it was when the guest stopped there; the guest has gone on at the target since, and writes nothing but records.
So the two must be equal byte for byte once those record slots are left out, in both images, that at the target hold a good record newer
than every record of the source's image. What a slot held before is judged by the records: none acknowledged may be missing."""
import hashlib
import subprocess


def slots(workload, image):
    lines = subprocess.run([workload, "slots", image], check=True, capture_output=True, text=True).stdout.split("\n")
    return [tuple(map(int, line.split())) for line in lines if line]


def masked_hash(image, holes):
    digest, at = hashlib.sha256(), 0
    with open(image, "rb") as f:
        for offset, size in sorted(holes):
            while at < offset:
                data = f.read(min(1 << 20, offset - at))
                if not data:
                    return "short"
                digest.update(data)
                at += len(data)
            at = f.seek(offset + size)
        while data := f.read(1 << 20):
            digest.update(data)
    return digest.hexdigest()


def compare(workload, source, target):
    old = slots(workload, source)
    newest = max((seq for _, _, seq in old), default=0)
    new = slots(workload, target)
    holes = [(offset, size) for offset, size, seq in new if seq > newest]
    a, b = masked_hash(source, holes), masked_hash(target, holes)
    return {"equal": a == b, "source_sha256": a, "target_sha256": b, "newest_at_source": newest, "masked_records": len(holes)}


def records_lost(workload, source, target, acked):
    """Records that were acknowledged, or that the source has, and that the target neither has nor has overwritten by newer ones; and
    records with a wrong sum."""
    at_target = {seq for _, _, seq in slots(workload, target)}
    newest = max(at_target, default=0)
    oldest = min(at_target, default=0)
    check = subprocess.run([workload, "check", target], check=False, capture_output=True, text=True).stdout
    counts = dict(pair.split("=") for pair in check.split())
    missing = {seq for seq in range(oldest, acked + 1) if seq not in at_target}
    missing |= {seq for _, _, seq in slots(workload, source) if seq not in at_target and not seq < oldest}
    if acked > newest:
        missing |= set(range(newest + 1, acked + 1))
    return max(len(missing), int(counts["gaps"])) + int(counts["bad_sum"])
