# Counting what ran: sourced by tests/run. A part is a step that prints one line when it starts and one when it ends.

passed=0 failed=0 skipped=0
part_start=0

begin() { # TEXT
    part_start=$SECONDS
    echo "== $*"
}

end() { # PASSED FAILED SKIPPED
    passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
    echo "   $1 passed, $2 failed$([ "$3" = 0 ] || echo ", $3 skipped") ($((SECONDS - part_start)) s)"
}

# One step that holds or not: its output goes to LOG, whose end is shown when it fails.
step() { # TEXT LOG COMMAND...
    local text=$1 log=$2
    shift 2
    begin "$text"
    mkdir -p "$(dirname "$log")"
    if "$@" >"$log" 2>&1 </dev/null; then
        end 1 0 0
    else
        grep -v -E '^(PASS: |ok )' "$log" | tail -n 40 | sed 's/^/      | /'
        echo "   failed: $log"
        end 0 1 0
        return 1
    fi
}

# Runs tests in a build folder through its Makefile and counts their results; arguments go to make.
check() { # TEXT FOLDER LOG-NAME MAKE-ARGUMENT...
    local text=$1 folder=$2 log=$2/$3.log status=0 p f s
    shift 3
    begin "$text"
    find "$folder/tests" '(' -name '*.trs' -o -name '*.log' ')' -delete 2>/dev/null
    make -C "$folder" -j "$(nproc 2>/dev/null || echo 2)" check TESTS= >"$log" 2>&1 </dev/null &&
        make -C "$folder" "$@" >>"$log" 2>&1 </dev/null || status=$?
    read -r p f s < <(find "$folder/tests" -name '*.trs' -exec cat {} + | awk '
        /^:test-result: (PASS|XFAIL)/ { p++ }
        /^:test-result: (FAIL|ERROR|XPASS)/ { f++ }
        /^:test-result: SKIP/ { s++ }
        END { print p + 0, f + 0, s + 0 }')
    show_failures "$folder"
    if [ $((p + f)) = 0 ] || { [ "$status" != 0 ] && [ "$f" = 0 ]; }; then
        grep -v -E '^(PASS: |ok )' "$log" | tail -n 30 | sed 's/^/      | /'
        echo "   no result, or make ended with $status: $log"
        f=$((f + 1))
    fi
    end "$p" "$f" "$s"
}

# Names what failed or was skipped, with the end of the log of each failing test, passed checks left out.
show_failures() { # FOLDER
    local log
    find "$1/tests" -name '*.log' | sort | while read -r log; do
        grep -E '^(FAIL|ERROR|XPASS|SKIP): ' "$log" | sed 's/^/   /'
        ! grep -q -E '^(FAIL|ERROR|XPASS): ' "$log" ||
            grep -v -E '^(ok |PASS: |FAIL: |[0-9]+\.\.)' "$log" | tail -n 30 | sed 's/^/      | /'
    done
}

# The last line: what passed and failed over all parts. With `no-skips` a test that was skipped has failed.
finish() { # [no-skips]
    if [ "$skipped" != 0 ]; then
        echo "$skipped skipped${1:+, which counts as failed}"
        [ -z "${1-}" ] || failed=$((failed + skipped))
    fi
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ] && [ "$passed" != 0 ]
    exit
}
