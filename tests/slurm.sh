# Tests with a real Slurm: a script sources this in place of tap.sh, and from there on runs inside slurm-cluster.sh,
# with a copy of jobs/ in its folder. Where the machine cannot have a cluster, one check is skipped.
#
#   site LAUNCHER            writes jobs/site.sh: as shipped, but for this program and launcher
#   sent COMMAND...          sends a job by an sbatch that prints its number, kept in $job; a check
#   ends JOB STATE           all of JOB end, within two minutes, and in that state; a check
#   field JOB NAME           what scontrol shows, a line for each task of an array
#   wait_for COMMAND...      until it succeeds, for a minute at most
#   node_dies NODE           kills everything that runs there
#   node_is_missed NODE      the controller learns of it
#   node_comes NODE          after which the node is back
#   equal A B                results and parameters of two runs are equal, two checks

slurm_top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
slurm_missing=
PATH=$PATH:/usr/sbin:/sbin
for slurm_word in unshare nsenter ip slurmctld slurmd sbatch munged; do
    command -v $slurm_word >/dev/null || slurm_missing="no $slurm_word on this machine"
done
if [ "$(id -u)" != 0 ]; then
    slurm_missing="only root can make nodes"
elif [ -z "${CLUSTER-}" ] && ! unshare --fork --pid --mount --net --uts --ipc true 2>/dev/null; then
    slurm_missing="this machine allows no namespaces"
fi
if [ -z "$slurm_missing" ] && [ -z "${CLUSTER-}" ]; then
    exec "$slurm_top/tests/slurm-cluster.sh" bash "$0" "$@"
fi
. "$slurm_top/tests/tap.sh"
if [ -n "$slurm_missing" ]; then
    skip 1 "$slurm_missing"
    tap_done
fi

export TMPDIR=$CLUSTER/tmp
cp -r "$TOP_SRCDIR/jobs" jobs && chmod -R u+w jobs

site() {
    sed -e "s|^moecensus=\$|moecensus='$moecensus'|" -e "s|^launcher=mpirun\$|launcher='$1'|" \
        "$TOP_SRCDIR/jobs/site.sh" >jobs/site.sh
    . jobs/site.sh
    [ "$launcher" = "$1" ] || tap_result 1 "jobs/site.sh names the launcher $1"
}

sent() {
    local status=0
    job=$("$@" 2>tap.log) || status=$?
    job=${job%%;*}
    tap_result $status "sent: ${*//$PWD\//}" || { tap_show tap.log; false; }
}

field() {
    scontrol show job -o "$1" 2>/dev/null | sed -n "s/^\(.* \)\?$2=\([^ ]*\).*/\2/p"
}

wait_for() {
    local end=$((SECONDS + 60))
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.1
    done
}

# A job that was requeued is pending, so it has not ended.
has_ended() {
    ! field "$1" JobState | grep -q -v -x 'COMPLETED\|FAILED\|CANCELLED\|TIMEOUT\|NODE_FAIL'
}

ends() {
    local states
    wait_for has_ended "$1" || wait_for has_ended "$1"
    states=$(field "$1" JobState | sort -u | tr '\n' ' ')
    tap_result $(($([ "$states" = "$2 " ]; echo $?))) "job $1 is $2" || {
        echo "# but ${states:-unknown}"
        tap_show $(field "$1" StdOut)
        false
    }
}

node_dies() {
    local network
    network=$(stat -L -c %i "/run/netns/$1")
    stat -L -c '%i %n' /proc/[0-9]*/ns/net 2>/dev/null | sed -n "s|^$network /proc/\([0-9]*\)/.*|\1|p" |
        xargs kill -KILL 2>/dev/null
}

node_is_missed() {
    scontrol update nodename="$1" state=down reason=killed
}

node_comes() {
    "$CLUSTER/start-node" "$1" && wait_for eval "[ \"\$(sinfo -h -n $1 -o %t)\" = idle ]"
}

equal() {
    local part
    for part in h5 model.h5; do
        ok "$1.$part and $2.$part hold the same" "$PYTHON" -B "$TOP_SRCDIR/tests/compare_h5.py" "$1.$part" "$2.$part"
    done
}
