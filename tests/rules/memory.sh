# Memory comes from moe_pool_new and moe_pool_grow, so that every byte is counted: only src/pool.c allocates.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1

names='malloc|calloc|realloc|reallocarray|aligned_alloc|posix_memalign|strn?dup|v?asprintf|getline|alloca'
calls="(^|[^A-Za-z0-9_>.])($names)[[:space:]]*\\("
for folder in src mpi analysis; do
    find "$TOP_SRCDIR/$folder" -name '*.[ch]' ! -path '*/src/pool.c' -exec grep -n -E -e "$calls" {} + >found
    ok "$folder allocates only through its pools" test ! -s found || tap_show found
done
ok "the pattern finds what it looks for" grep -q -E -e "$calls" "$TOP_SRCDIR/src/pool.c"
tap_done
