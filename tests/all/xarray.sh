#!/bin/bash
# h5py and xarray open everything that the program writes, every dimension with its name.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1
. "$TOP_SRCDIR/tests/checks.sh"

expect_code 0 on 2 "$moecensus" train train.steps=2 train.batch=16 data.n=64 data.test_n=64 census.sequences=100 \
    census.batch=64 census.keep_keys=yes model.layers=3 -o results
expect_code 0 on 2 "$moecensus" census results.model.h5 census.first=100 census.sequences=50 census.batch=16
for file in results.h5 results.model.h5 results.census-100.h5; do
    checks xarray_open.py $file
done
tap_done
