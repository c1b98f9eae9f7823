#!/usr/bin/env bash
#SBATCH --job-name=stream
#SBATCH --array=0-3
#SBATCH --cpus-per-task=2
#SBATCH --output=results/slurm-%A_%a.log
#SBATCH --requeue
#
# Runs a plan as a Slurm array, one shard per task. Submit it from the folder of this project, which all nodes must see:
#
#   ./jbang Stream.java --version                            # once, so that JBang and the libraries are there
#   sbatch deploy/slurm.sh prompts -n 20 -m gpt-4 -c 4       # arguments of Stream.java
#   ./jbang Compare.java results/slurm-JOB_ID                # when the array has ended
#
# Another number of shards: sbatch --array=0-15 deploy/slurm.sh ... A task that Slurm requeues completes its shard. To run a
# single task again, name it and the number of shards: sbatch --array=2 --export=ALL,SHARDS=4,RESULTS=results/slurm-JOB_ID deploy/slurm.sh ...
set -eu
cd "${SLURM_SUBMIT_DIR:-.}"
exec ./jbang Stream.java "$@" --shard "auto${SHARDS:+/$SHARDS}" --resume-shard --echo none \
    --results "${RESULTS:-results/slurm-$SLURM_ARRAY_JOB_ID}"
