#!/usr/bin/env python3
"""Lists everything that differs between two HDF5 files, to the last bit.

usage: compare_h5.py A.h5 B.h5

Compared are: which objects there are, and of what kind; of datasets type, shape, bytes (a NaN equals only the same NaN)
and the names of dimensions; of all objects the attributes. Of what lies in /timing and /traffic only names and kinds of
the objects are compared, of /provenance and what lies in it everything but attributes.

Prints one line for each difference. Exit code: 0 equal, 1 different, 2 cannot tell (usage, a file is not readable).
"""
import sys

import h5py
import numpy as np

FREE_GROUPS = ("/timing", "/traffic")
FREE_ATTRIBUTES = ("/provenance",)
REFERENCES = ("DIMENSION_LIST", "REFERENCE_LIST")  # file addresses; compared as names
BLOCK_BYTES = 1 << 26


def lies_in(path, groups):
    return any(path == group or path.startswith(group + "/") for group in groups)


def objects(group, path="", found=None):
    """All objects by path, links other than hard ones as text."""
    found = {"/": group} if found is None else found
    for name in group:
        link = group.get(name, getlink=True)
        below = path + "/" + name
        if not isinstance(link, h5py.HardLink):
            found[below] = " ".join([type(link).__name__, getattr(link, "filename", ""), link.path])
            continue
        found[below] = member = group[name]
        if isinstance(member, h5py.Group):
            objects(member, below, found)
    return found


def kind(thing):
    return thing if isinstance(thing, str) else type(thing).__name__.lower()


def type_name(type_id):
    return "%s of %d bytes" % (type_id.dtype, type_id.get_size())


def byte_rows(array):
    """The array as rows of bytes, one for each element."""
    flat = np.ascontiguousarray(array).reshape(-1)
    return flat.view(np.uint8).reshape(flat.size, flat.dtype.itemsize)


def unequal(a, b):
    """Flat numbers of the elements that differ."""
    if a.dtype.hasobject:
        return np.array([i for i, (x, y) in enumerate(zip(a.reshape(-1), b.reshape(-1))) if not np.array_equal(x, y)])
    return np.flatnonzero((byte_rows(a) != byte_rows(b)).any(axis=1))


def show(value):
    return repr(value.item() if isinstance(value, np.generic) else value)[:80]


def read(dataset, block):
    value = dataset[block]
    return np.asarray(value, dtype=object) if dataset.dtype.hasobject else np.asarray(value)


def compare_values(a, b):
    """What to say about the bytes of two datasets of one type and shape, or None."""
    if a.shape is None or a.size == 0:
        return None
    if a.shape == ():
        blocks = [()]
    else:
        rows = max(1, BLOCK_BYTES // max(1, a.size // a.shape[0] * a.dtype.itemsize))
        blocks = [slice(first, first + rows) for first in range(0, a.shape[0], rows)]
    count, example = 0, ""
    for block in blocks:
        x, y = read(a, block), read(b, block)
        different = unequal(x, y)
        if different.size and not count:
            at = [int(i) for i in np.unravel_index(different[0], x.shape)]
            example = show(x.reshape(-1)[different[0]]) + " / " + show(y.reshape(-1)[different[0]])
            if block != ():
                at[0] += block.start
            example = "first at %s: %s" % (at, example)
        count += different.size
    return "%d of %d values differ, %s" % (count, a.size, example) if count else None


def dimensions(dataset):
    return [[scale.name for scale in dim.values()] for dim in dataset.dims]


def is_scale_of(thing):
    """Which datasets a scale says it belongs to."""
    if "REFERENCE_LIST" not in thing.attrs:
        return []
    return sorted((thing.file[entry[0]].name, int(entry[1])) for entry in thing.attrs["REFERENCE_LIST"])


def attribute(thing, name):
    """Type and value. Texts of the files' own kind are compared with all their bytes."""
    attr = thing.attrs.get_id(name)
    if attr.dtype.hasobject or attr.get_space().get_simple_extent_type() == h5py.h5s.NULL:
        return attr, np.asarray(thing.attrs[name], dtype=object)
    value = np.zeros(attr.shape, attr.dtype)
    attr.read(value)
    return attr, value


def compare_attributes(a, b):
    for name in sorted(set(a.attrs) | set(b.attrs)):
        if name in REFERENCES:
            continue
        if name not in a.attrs or name not in b.attrs:
            yield "attribute %s: only in %s" % (name, "A" if name in a.attrs else "B")
            continue
        (x, x_value), (y, y_value) = attribute(a, name), attribute(b, name)
        if x.shape != y.shape or x_value.shape != y_value.shape:
            yield "attribute %s: shape %s / %s" % (name, x.shape, y.shape)
        elif not x.get_type().equal(y.get_type()):
            same = "" if show(x_value[()]) == show(y_value[()]) else ", value %s / %s" % (
                show(x_value[()]), show(y_value[()]))
            yield "attribute %s: type %s / %s%s" % (name, type_name(x.get_type()), type_name(y.get_type()), same)
        elif unequal(x_value, y_value).size:
            yield "attribute %s: %s / %s" % (name, show(x_value[()]), show(y_value[()]))


def compare_datasets(a, b):
    if not a.id.get_type().equal(b.id.get_type()):
        yield "type %s / %s" % (type_name(a.id.get_type()), type_name(b.id.get_type()))
    elif a.shape != b.shape:
        yield "shape %s / %s" % (a.shape, b.shape)
    else:
        values = compare_values(a, b)
        if values:
            yield values
    if len(a.dims) == len(b.dims) and dimensions(a) != dimensions(b):
        yield "dimensions %s / %s" % (dimensions(a), dimensions(b))
    if is_scale_of(a) != is_scale_of(b):
        yield "dimension of %s / %s" % (is_scale_of(a), is_scale_of(b))


def compare(a, b):
    """All differences, one line each."""
    a, b = objects(a), objects(b)
    for path in sorted(set(a) | set(b)):
        if path not in a or path not in b:
            yield "%s: only in %s" % (path, "A" if path in a else "B")
        elif kind(a[path]) != kind(b[path]):
            yield "%s: %s / %s" % (path, kind(a[path]), kind(b[path]))
        elif not lies_in(path, FREE_GROUPS) and not isinstance(a[path], str):
            if isinstance(a[path], h5py.Dataset):
                for line in compare_datasets(a[path], b[path]):
                    yield path + ": " + line
            if not lies_in(path, FREE_ATTRIBUTES):
                for line in compare_attributes(a[path], b[path]):
                    yield path + ": " + line


def main(arguments):
    if len(arguments) != 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    try:
        with h5py.File(arguments[0], "r") as a, h5py.File(arguments[1], "r") as b:
            count = 0
            for line in compare(a, b):
                print(line)
                count += 1
            return 1 if count else 0
    except OSError as error:
        print("compare_h5.py: %s or %s cannot be read: %s" % (*arguments, error), file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
