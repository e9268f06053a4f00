"""A file under its checksums: one bit is flipped in every tensor, in 40 other datasets, and in 100 places between them.

usage: flips.py FILE PROGRAM...    PROGRAM: tests/flip, with what starts it
"""
import random
import subprocess
import sys

import h5py

name, program = sys.argv[1], sys.argv[2:]
with open(name, "rb") as f:
    whole = f.read()
data = []
with h5py.File(name) as f:
    def note(path, item):
        if isinstance(item, h5py.Dataset) and item.id.get_storage_size() and not h5py.h5ds.is_scale(item.id):
            data.append(("/" + path, item.id.get_offset(), item.id.get_storage_size()))
    f.visititems(note)
random.seed(1)
extents = [(offset, offset + size) for _, offset, size in data]
tensors = [item for item in data if item[0].startswith(("/parameters", "/moments"))]
data = tensors + random.sample([item for item in data if item not in tensors], 40)
inside = [offset + random.randrange(size) for _, offset, size in data]
other = []
while len(other) < 100:
    place = random.randrange(len(whole))
    if not any(start <= place < end for start, end in extents):
        other.append(place)

answer = subprocess.run([*program, name, *map(str, inside + other)], stdout=subprocess.PIPE, text=True, timeout=100)
found = [line.split(" ", 1)[1] for line in answer.stdout.splitlines()]


def check(holds, text):
    print("ok" if holds else "not ok", text)
    return holds


good = check(answer.returncode == 0 and len(found) == len(inside + other), "every flip is answered")
missed = [path for (path, *_), text in zip(data, found) if not text.endswith(f"{path} differs from its checksum")]
for path in missed[:5]:
    print("#", path)
good &= check(not missed and len(tensors) > 60, f"a bit in each of {len(data)} datasets is found, by name")
good &= check("fine" not in found, "and in every other place")
with open(name, "rb") as f:
    good &= check(f.read() == whole, "the file is whole again")
sys.exit(not good)
