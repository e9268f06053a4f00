# Whether times taken here say anything: sourced by scripts in tests/timings.

# What all processors have spent so far on any work, a host's other machines included, in hundredths of a second.
all_work() {
    awk '$1 == "cpu" { print $2 + $3 + $4 + $7 + $8 + $9 }' /proc/stat
}

# The same of the programs that this script has run.
own_work() {
    awk '{ print $16 + $17 }' "/proc/$$/stat"
}

# Waits two minutes at most until nobody else uses more than a fifth of a core; needs two.
machine_is_quiet() {
    local try before
    [ "$(nproc)" -ge 2 ] || return
    for try in {1..60}; do
        before=$(all_work)
        sleep 2
        [ $(($(all_work) - before)) -gt 40 ] || return 0
    done
    return 1
}

# Notes where both clocks stand; then says whether others have spent more than a twentieth of what was spent since.
start_watch() {
    watched_all=$(all_work) watched_own=$(own_work)
}
was_disturbed() {
    local all=$(($(all_work) - watched_all)) own=$(($(own_work) - watched_own))
    echo "# other work took $(((all - own) * 100 / all)) % of the processors' time"
    [ $((all - own)) -gt $((all / 20)) ]
}
