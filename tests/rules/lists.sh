# Nothing is forgotten: the local.mk of a folder names every source, script and text in it, so that each is built,
# tested and packed.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1

for folder in src mpi analysis jobs tests; do
    (cd "$TOP_SRCDIR/$folder" && find . -regex '.*\.\([ch]\|sh\|sbatch\|py\|ini\|md\|tsv\|supp\)' |
        sed 's|^\./||' | sort) |
        while read -r file; do
            case $file in # programs are listed by what they become
            unit/*.c) file=${file%.c}.unit ;;
            ranks/*.c) file=${file%.c}.ranks ;;
            main.c) continue ;;
            esac
            grep -q -F -e "%D%/$file" "$TOP_SRCDIR/$folder/local.mk" || echo "$folder/$file"
        done >found
    ok "$folder/local.mk names every file of its folder" test ! -s found || tap_show found
done
tap_done
