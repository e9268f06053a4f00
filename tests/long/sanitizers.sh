#!/bin/bash
# Every rank test under AddressSanitizer and UndefinedBehaviorSanitizer, on 1 to 5 and 8 ranks.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1
. "$TOP_SRCDIR/tests/sanitize.sh"

if [ "$TOP_BUILDDIR" = "$TOP_SRCDIR" ]; then
    skip 1 "a second build folder cannot stand beside a build in the source folder"
    tap_done
fi

# The settings of the make that runs this are not those of the other folder.
fresh_make() {
    env -u MAKEFLAGS -u MAKELEVEL "$@"
}

build=$TOP_SRCDIR/build-asan
if ok "a build under the sanitizers" fresh_make "$TOP_SRCDIR/jobs/setup.sh" test "$build" CFLAGS="$sanitize_cflags" &&
    ok "its tests" fresh_make make -C "$build" -j 2 check TESTS=; then
    for program in "$build"/tests/ranks/*.ranks; do
        for ranks in 1 2 3 4 5 8; do
            ok "$(basename "$program") on $ranks ranks" sanitized env RANKS=$ranks "$TOP_SRCDIR/tests/on-ranks" \
                "$program"
        done
    done
fi
tap_done
