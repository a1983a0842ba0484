#!/bin/bash
#SBATCH --job-name=omr
#SBATCH --array=1-8
#SBATCH --cpus-per-task=1
#SBATCH --requeue
# One task of the array reads one share of the sheets, into an output folder of its own. A task that is run again goes on where it
# stopped. Set INPUT and OUTPUT when you submit it: sbatch --export=ALL,INPUT=scans,OUTPUT=results array.sh
exec "${OMR:-omr}" --input "$INPUT" --output "$OUTPUT/shard-$SLURM_ARRAY_TASK_ID" --shard auto \
  --max-workers "${SLURM_CPUS_PER_TASK:-1}" --resume --lock wait
