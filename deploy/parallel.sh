#!/usr/bin/env bash
# Runs a plan with GNU parallel, one shard per job, on this machine or on several:
#
#   deploy/parallel.sh 4 prompts -n 20 -m gpt-4 -c 4                    # the number of shards, then arguments of Stream.java
#   PARALLEL='--sshlogin node1,node2 --workdir /shared/project' deploy/parallel.sh 4 prompts -n 20 -m gpt-4
#   ./jbang Compare.java results/parallel
#
# RESULTS names another folder. Run again, it completes what is missing.
set -eu
cd "$(dirname "$0")/.."
shards=$1
shift
./jbang Stream.java --version >/dev/null # JBang and the libraries are fetched once, not by each job
seq 1 "$shards" | parallel --jobs "$shards" --line-buffer --tag -N0 ./jbang Stream.java "$(printf '%q ' "$@")" \
    --shard "auto/$shards" --resume-shard --echo none --results "${RESULTS:-results/parallel}"
