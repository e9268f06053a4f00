#!/usr/bin/env bash
# A Slurm cluster on this machine for as long as a command runs: a controller and four nodes of two cores, each with an
# address, a host name, a temporary folder and a /dev/shm of its own.
#
#   tests/slurm-cluster.sh COMMAND...      runs COMMAND where sbatch, squeue and the like reach the controller
#   tests/slurm-cluster.sh bash            to try something
#
# All of it lives in namespaces that nothing outside sees: network, mounts, host name, processes. Their process 1 is
# this script. Whichever way it ends, or the one that started it, the kernel ends all the rest and takes the network
# down. Files of the daemons lie in a /run that goes too, but for their logs if CLUSTER_LOGS names a folder for them.
#
# COMMAND finds CLUSTER=/run/cluster, there start-node NODE to start the daemon of n1 ... n4, and the network namespaces
# /run/netns/NODE. Needs root and the packages slurmctld slurmd slurm-client munge iproute2. Ends with the status of
# COMMAND, or with 125 if the cluster does not come up.
set -u
if [ -z "${CLUSTER-}" ]; then
    [ $# -gt 0 ] || { sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2; }
    unset ${!SLURM_*} ${!SBATCH_*} # of a cluster that this one runs in
    export CLUSTER=/run/cluster SLURM_CONF=/run/cluster/slurm.conf CLUSTER_LOGS="${CLUSTER_LOGS-/run/cluster/log}"
    exec unshare --kill-child --pid --mount-proc --mount --net --uts --ipc -- bash "${BASH_SOURCE[0]}" "$@"
fi
trap 'exit 143' TERM

give_up() {
    echo "slurm-cluster: $*" >&2
    tail -n 5 "$CLUSTER_LOGS"/*.log >&2 2>/dev/null
    exit 125
}

nodes="n1 n2 n3 n4"
hostname ctl
mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /dev/shm || give_up "cannot mount"
mkdir -p $CLUSTER/state $CLUSTER/spool $CLUSTER/tmp /run/munge "$CLUSTER_LOGS"

# ---- The network: all nodes on one bridge, whose own address is the controller's.
ip link set lo up
ip link add br0 type bridge && ip addr add 10.77.0.1/24 dev br0 && ip link set br0 up || give_up "cannot make a bridge"
{
    cat /etc/hosts
    echo "10.77.0.1 ctl"
    for node in $nodes; do echo "10.77.0.1${node#n} $node"; done
} >$CLUSTER/hosts
mount --bind $CLUSTER/hosts /etc/hosts
for node in $nodes; do
    ip netns add $node && ip link add v$node type veth peer name eth0 netns $node &&
        ip link set v$node master br0 up && ip -n $node addr add 10.77.0.1${node#n}/24 dev eth0 &&
        ip -n $node link set eth0 up && ip -n $node link set lo up || give_up "cannot make node $node"
done

# ---- The daemons. cred_expire: a requeued job waits until its old credential has run out, 120 s unless told.
cat >$SLURM_CONF <<END
ClusterName=test
SlurmctldHost=ctl(10.77.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=cred_expire=5
CredType=cred/munge
StateSaveLocation=$CLUSTER/state
SlurmdSpoolDir=$CLUSTER/spool/%n
TmpFS=$CLUSTER/tmp
SlurmctldPidFile=$CLUSTER/slurmctld.pid
SlurmdPidFile=$CLUSTER/slurmd.%n.pid
SlurmctldLogFile=$CLUSTER_LOGS/slurmctld.log
SlurmdLogFile=$CLUSTER_LOGS/slurmd.%n.log
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0,sched_min_interval=0
ReturnToService=2
SlurmdParameters=config_overrides
KillWait=5
MinJobAge=3600
SlurmctldTimeout=30
SlurmdTimeout=60
NodeName=n[1-4] NodeAddr=10.77.0.1[1-4] CPUs=2 Sockets=1 CoresPerSocket=2 RealMemory=4000 State=UNKNOWN
PartitionName=all Nodes=n[1-4] Default=YES MaxTime=01:00:00 State=UP
END

# Not `ip netns exec`, which mounts another /sys that slurmd cannot use.
cat >$CLUSTER/start-node <<END
#!/bin/sh
mkdir -p $CLUSTER/spool/\$1
exec nsenter --net=/run/netns/\$1 unshare --mount --uts sh -c "hostname \$1 && mount -t tmpfs tmpfs $CLUSTER/tmp &&
    mount -t tmpfs tmpfs /dev/shm && exec slurmd -N \$1"
END
chmod +x $CLUSTER/start-node

dd if=/dev/urandom of=$CLUSTER/munge.key bs=128 count=1 2>/dev/null && chmod 600 $CLUSTER/munge.key
munged --force --key-file=$CLUSTER/munge.key --log-file="$CLUSTER_LOGS/munged.log" --seed-file=$CLUSTER/munge.seed ||
    give_up "munged does not start"
slurmctld || give_up "slurmctld does not start"
for node in $nodes; do
    $CLUSTER/start-node $node || give_up "slurmd of $node does not start"
done
for ((i = 0; i < 300; i++)); do
    [ "$(sinfo -h -N -o %t 2>/dev/null | grep -c '^idle$')" != 4 ] || break
    sleep 0.1
done
[ $i -lt 300 ] || give_up "the nodes do not come up: $(sinfo -h -N -o '%N %t' 2>&1 | tr '\n' ' ')"

"$@"
exit
