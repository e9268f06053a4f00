# Every moe_ function in a header has lines `Ranks:` and `Errors:` in the comment above it, or above the group it stands
# in: prototypes that follow each other without an empty line share one comment.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1

undocumented() { # HEADER: prints the functions that lack a line
    awk '
        /^\/\*/ { inside = 1; ranks = errors = 0 }
        inside {
            if (/Ranks: /) ranks = 1
            if (/Errors: /) errors = 1
            if (/\*\//) { inside = 0; above = 1 }
            next
        }
        /^[a-z_].*[ *]moe_[a-z0-9_]*\(/ && !/^typedef/ {
            functions++
            if (!above || !ranks || !errors) print FILENAME ":" FNR ": " $0
            next
        }
        /^[ })]/ { next }
        { above = 0 }
        END { print functions + 0 > "functions" }
    ' "$1"
}

printf '%s\n' '/* Good.' ' *' ' * Ranks:  local' ' * Errors: none' ' */' 'int moe_a(int x);' 'int moe_b(int x,' \
    '          int y);' '' 'int moe_c(void);' '/* Ranks: local */' 'int moe_d(void);' 'typedef int moe_e(int x);' '' \
    'static inline int inner(int x)' >sample.h
undocumented sample.h | sed 's/.*moe_/moe_/' >found
printf '%s\n' 'moe_c(void);' 'moe_d(void);' >wanted
same_text found wanted

for header in "$TOP_SRCDIR"/src/*.h "$TOP_SRCDIR"/mpi/*.h "$TOP_SRCDIR"/analysis/*.h; do
    [ -e "$header" ] || continue
    undocumented "$header" >found
    ok "${header#"$TOP_SRCDIR"/} says ranks and errors of its $(cat functions) functions" test ! -s found ||
        tap_show found
done
tap_done
