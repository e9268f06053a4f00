# Who may include and call whom: src <- mpi <- analysis; only the program's main sees all.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1

include='^[[:space:]]*#[[:space:]]*include[[:space:]]*'

# No source of FOLDER, main.c left out, has a line that matches PATTERN.
no_line() { # TEXT FOLDER PATTERN
    find "$TOP_SRCDIR/$2" -name '*.[ch]' ! -name main.c -exec grep -n -E -e "$3" {} + >found
    ok "$1" test ! -s found || tap_show found
}

no_line "src includes no other folder" src "${include}\"(mpi|analysis|tests)/"
no_line "src includes neither MPI nor HDF5" src "${include}[<\"](mpi|hdf5|hdf5_hl|H5[A-Z]+[a-z]*)\.h"
no_line "mpi includes neither analysis nor tests" mpi "${include}\"(analysis|tests)/"
no_line "analysis includes no tests" analysis "${include}\"tests/"
for folder in src mpi analysis; do
    no_line "$folder names its own headers from the top" $folder "${include}\"[^/\"]*\""
done

# What the compiler made of it: nothing of MPI, HDF5 or the BLACS is left to be found.
foreign=' U (P?MPI_|ompi_|H5|C?blacs|p[sdcz][a-z]+_$)'
expect_code 0 nm "$TOP_BUILDDIR/libmoe.a"
ok "libmoe.a has code" grep -q ' T moe_' out
grep -E "$foreign" out >found
ok "libmoe.a calls no MPI, HDF5 or BLACS" test ! -s found || tap_show found
tap_done
