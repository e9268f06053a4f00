# What the libraries export: names start with moe_, and no variable can be written.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1

for library in libmoe libmoempi libmoean; do
    expect_code 0 nm -g --defined-only "$TOP_BUILDDIR/$library.a"
    awk 'NF == 3' out >symbols
    awk '$3 !~ /^moe_/ && $3 != "pxerbla_"' symbols >found # ScaLAPACK's handler, in place of one that goes on
    ok "$library.a exports only moe_ names" test ! -s found || tap_show found
    awk '$2 !~ /^[TRiW]$/' symbols >found
    ok "$library.a exports functions and constants only" test ! -s found || tap_show found
done
tap_done
