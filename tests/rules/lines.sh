# Lines of sources and scripts: 120 columns at most, no blank at the end, no tab.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1

bad_lines() { # FILE...: place and fault of each
    awk '
        length($0) > 120 { print FILENAME ":" FNR ": " length($0) " columns" }
        /[ \t]$/ { print FILENAME ":" FNR ": blank at the end" }
        /\t/ { print FILENAME ":" FNR ": tab" }
    ' "$@"
}

{
    printf '%0120d\n%0121d\n' 0 0
    printf '%s\n' 'good' '' 'a blank ' '    four blanks'
    printf 'a\ttab\n'
} >sample
bad_lines sample >found
printf 'sample:%s\n' '2: 121 columns' '5: blank at the end' '7: tab' >wanted
same_text found wanted

for folder in src mpi analysis jobs tests; do
    (cd "$TOP_SRCDIR" && find $folder '(' -name '*.[ch]' -o -name '*.sh' -o -name '*.py' -o -name '*.sbatch' \
        -o -path jobs/quickstart -o -path jobs/sweep -o -path tests/run -o -path tests/speed \
        -o -path tests/on-ranks ')' -type f | sort) >files
    (cd "$TOP_SRCDIR" && bad_lines $(cat "$tap_scratch/files")) >found
    ok "$folder: $(wc -l <files) files with lines as they should be" test -s files -a ! -s found || tap_show found
done
tap_done
