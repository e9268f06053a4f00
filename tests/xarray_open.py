#!/usr/bin/env python3
"""Checks, as TAP, that h5py and xarray open a file: every group, every dimension of every dataset with a name, and both
see the same values.

usage: xarray_open.py FILE.h5
"""
import sys

try:
    import h5netcdf  # noqa: F401, what xarray reads these files with
    import h5py
    import numpy as np
    import xarray
except ImportError as missing:
    print("1..0 # SKIP Python has no %s" % missing.name)
    sys.exit(0)

count = failed = 0


def ok(holds, text, *details):
    global count, failed
    count += 1
    failed += not holds
    print("%sok %d - %s" % ("" if holds else "not ", count, text))
    if not holds:
        for detail in details:
            print("# " + str(detail).replace("\n", "\n# "))


def groups(group):
    yield group
    for name in group:
        if isinstance(group[name], h5py.Group):
            yield from groups(group[name])


def is_scale(dataset):
    return dataset.attrs.get("CLASS", b"") == b"DIMENSION_SCALE"


def names(dataset):
    """The names of a dataset's dimensions, "" where one has none."""
    if is_scale(dataset):
        return [dataset.name.split("/")[-1]]
    return [dim[0].name.split("/")[-1] if len(dim) else "" for dim in dataset.dims]


def same(dataset, variable):
    return variable.dtype == dataset.dtype and np.array_equal(dataset[()], variable.values)


def check_group(path, group):
    datasets = {name: group[name] for name in group if isinstance(group[name], h5py.Dataset)}
    unnamed = [name for name, dataset in datasets.items() if "" in names(dataset)]
    ok(not unnamed, "%s: all dimensions of %d datasets have names" % (group.name, len(datasets)), unnamed)
    try:
        with xarray.open_dataset(path, engine="h5netcdf", group=group.name) as opened:
            seen = {name: list(variable.dims) for name, variable in opened.variables.items()}
            wanted = {name: names(dataset) for name, dataset in datasets.items()}
            ok(seen == wanted, "%s: xarray sees the same names" % group.name, seen, wanted)
            other = [name for name in datasets if name in seen and not same(datasets[name], opened[name])]
            ok(not other, "%s: xarray sees the same values" % group.name, other)
    except Exception as error:  # whatever it is, it belongs into the report
        ok(False, "%s: xarray opens it" % group.name, "%s: %s" % (type(error).__name__, error))


def main(arguments):
    if len(arguments) != 1:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    with h5py.File(arguments[0], "r") as file:
        for group in groups(file):
            check_group(arguments[0], group)
    print("1..%d" % count)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
