#!/usr/bin/env bash
# Runs a plan with the engines of deploy/ that can run here, GNU parallel and Slurm on this one machine: 4 shards, one of which is
# killed and completed. Checks that together they hold each request of the plan exactly once. Validates the Kubernetes manifest.
# CI calls it after the tests.
#
# Slurm needs root, to start its daemons; an engine that is not installed or does not start is skipped with a line.
set -u
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
plan=(--simulate -m 'a=sim-ttft40-itl10-n20,b=sim-ttft20-itl10-n20' -p 'the first' -p "it's the second" -n 8 --no-self-warmup)
requests=32
failures=0

stop() {
    [ -f "$work/slurmd.pid" ] && kill "$(cat "$work/slurmd.pid")"
    [ -f "$work/slurmctld.pid" ] && kill "$(cat "$work/slurmctld.pid")"
    [ -n "${munged:-}" ] && pkill -x munged
    rm -rf "$work"
} 2>/dev/null
trap stop EXIT

# Waits for at most 60 s until a command succeeds.
wait_until() {
    for ((i = 0; i < 600; i++)); do
        "$@" >/dev/null 2>&1 && return
        sleep 0.1
    done
    return 1
}

failed() {
    echo "engines: $*" >&2
    failures=$((failures + 1))
}

# Whether the runs of engine $1 in folder $2 hold each request exactly once, and Compare reads them as one run without a note on shards.
check() {
    ids=$(cat "$2"/*/requests.csv | grep ',measured,completed,' | grep -o '^prompt-[0-9]*|[ab]|[0-9]*,')
    [ "$(echo "$ids" | wc -l)" -eq "$requests" ] || { failed "$1: $(echo "$ids" | wc -l) requests instead of $requests"; return; }
    [ "$(echo "$ids" | sort -u | wc -l)" -eq "$requests" ] || { failed "$1: a request was sent twice"; return; }
    text=$(./jbang Compare.java "$2") || { failed "$1: Compare ended with $?"; return; }
    [ "$(echo "$text" | grep -c '^Runs: [^,]* (4 shards)$')" -eq 1 ] || { failed "$1: not one run of 4 shards"; return; }
    echo "$text" | grep -v '^Runs:' | grep 'shard' && { failed "$1: Compare has something to say about shards"; return; }
    echo "engines: $1: 4 shards, one of them killed and completed, $requests requests exactly once"
}

# Whether shard $2 of the runs in folder $1 has begun to write answers and has not ended.
is_half_done() {
    run=$(grep -l "\"index\" : $2," "$1"/*/run.json) && run=$(dirname "$run") || return 1
    [ "$(wc -l <"$run/requests.csv")" -gt 2 ] && ! grep -q finished_at "$run/run.json"
}

pid_of_parallel_job() {
    for process in /proc/[0-9]*; do
        { tr '\0' '\n' <"$process/environ"; } 2>/dev/null | grep -qx "PARALLEL_SEQ=$1" && [ "$(cat "$process/comm" 2>/dev/null)" = java ] &&
            basename "$process" && return
    done
    return 1
}

with_parallel() {
    command -v parallel >/dev/null || { echo "engines: GNU parallel is not installed; skipped"; return; }
    export RESULTS="$work/parallel"
    deploy/parallel.sh 4 "${plan[@]}" >"$work/parallel.log" 2>&1 &
    wait_until is_half_done "$RESULTS" 2 || failed "GNU parallel: shard 2 did not begin: $(tail -n 3 "$work/parallel.log")"
    kill -9 "$(pid_of_parallel_job 3)" || failed "GNU parallel: there was no job to kill"
    wait
    deploy/parallel.sh 4 "${plan[@]}" >>"$work/parallel.log" 2>&1 || failed "GNU parallel: $(tail -n 3 "$work/parallel.log")"
    check "GNU parallel" "$RESULTS"
}

start_slurm() {
    for program in slurmctld slurmd sbatch munged; do
        command -v "$program" >/dev/null || { echo "is not installed"; return 1; }
    done
    [ "$(id -u)" -eq 0 ] || { echo "needs root here"; return 1; }
    export SLURM_CONF="$work/slurm.conf"
    mkdir -p "$work/state" "$work/spool" /run/munge && chown munge: /run/munge
    cat >"$SLURM_CONF" <<CONF
ClusterName=local
SlurmctldHost=localhost
SlurmUser=root
AuthType=auth/munge
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
NodeName=localhost CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=localhost Default=YES MaxTime=INFINITE State=UP
CONF
    pgrep -x munged >/dev/null || { [ -f /etc/munge/munge.key ] || mungekey --create; su -s /bin/sh munge -c munged && munged=started; } ||
        { echo "has no munged"; return 1; }
    { slurmctld && slurmd -N localhost; } >"$work/slurm.log" 2>&1 || { echo "did not start: $(tail -n 1 "$work/slurm.log")"; return 1; }
    wait_until sh -c 'sinfo -h -o %T | grep -q idle' || { echo "has no idle node: $(tail -n 1 "$work/slurmctld.log")"; return 1; }
}

with_slurm() {
    start_slurm >"$work/why" || { echo "engines: Slurm $(cat "$work/why"); skipped"; return; }
    export RESULTS="$work/slurm"
    job=$(sbatch --parsable --cpus-per-task=1 --output="$work/slurm-%a.log" deploy/slurm.sh "${plan[@]}") ||
        { failed "Slurm: sbatch refused the job"; return; }
    wait_until is_half_done "$RESULTS" 2 || failed "Slurm: shard 2 did not begin: $(tail -n 3 "$work"/slurm-*.log)"
    scancel --signal=KILL "${job}_2" || failed "Slurm: there was no task to kill"
    wait_until sh -c "! squeue -h -j $job 2>/dev/null | grep -q ." || failed "Slurm: the array does not end: $(squeue)"
    SHARDS=4 sbatch --wait --parsable --array=2 --cpus-per-task=1 --output="$work/slurm-again.log" deploy/slurm.sh "${plan[@]}" \
        >/dev/null || failed "Slurm: the shard was not completed: $(tail -n 3 "$work/slurm-again.log")"
    check Slurm "$RESULTS"
}

with_kubernetes() {
    ./jbang tests/tools/Manifest.java deploy/kubernetes.yaml >"$work/kubernetes.log" 2>&1 || failed "Kubernetes: $(tail -n 1 "$work/kubernetes.log")"
    for change in 's/completionMode/completionmode/' 's/completions: 4/completions: four/' 's/completions: 4/completions: 5/' \
        's/readOnlyRootFilesystem/readonlyRootFilesystem/'; do
        sed "$change" deploy/kubernetes.yaml >"$work/changed.yaml"
        ./jbang tests/tools/Manifest.java "$work/changed.yaml" >/dev/null 2>&1 && failed "Kubernetes: '$change' makes no difference"
    done
    echo "engines: Kubernetes: deploy/kubernetes.yaml fits the model classes of the client; no cluster runs here"
}

with_parallel
with_slurm
with_kubernetes
[ "$failures" -eq 0 ]
