#!/usr/bin/env bash
# Runs a plan with GNU parallel, one shard per job, on this machine or on several that see the same folders:
#
#   deploy/parallel.sh 4 prompts -n 20 -m gpt-4 -c 4                    # the number of shards, then arguments of Stream.java
#   PARALLEL='--sshlogin node1,node2 --workdir .' deploy/parallel.sh 4 prompts -n 20 -m gpt-4
#   ./jbang Compare.java results/parallel
#
# RESULTS names another folder than results/parallel; it and the prompts are relative to the current folder. Run again, it completes
# what is missing.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
shards=${1:-}
case $shards in
    '' | *[!0-9]* | 0*) echo "parallel.sh: '$shards' is not a number of shards; write deploy/parallel.sh 4, then arguments of Stream.java" >&2; exit 2 ;;
esac
shift
"$here/jbang" "$here/Stream.java" --version >/dev/null # JBang and the libraries are fetched once, not by each job
words=$(printf '%q ' "$here/jbang" "$here/Stream.java" "$@" --shard "auto/$shards" --resume-shard --echo none \
    --results "${RESULTS:-results/parallel}")
seq 1 "$shards" | parallel --jobs "$shards" --line-buffer --tag -N0 "$words"
