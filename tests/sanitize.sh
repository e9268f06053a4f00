# A build under AddressSanitizer and UndefinedBehaviorSanitizer: sourced by scripts that make or run one.
#
#   sanitize_cflags        what it is compiled with; the folder is build-asan of the source folder
#   sanitized COMMAND...   runs programs of it

sanitize_cflags="-g -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"

# Open MPI keeps memory at exit; what it keeps is listed, anything else is a leak.
sanitized() {
    local list
    list=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/lsan.supp
    local -x ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
    local -x LSAN_OPTIONS="suppressions=$list:print_suppressions=0:fast_unwind_on_malloc=0"
    "$@"
}
