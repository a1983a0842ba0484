#!/usr/bin/env bash
# A real Slurm on this machine: a one-node cluster on loopback runs array.sh over the samples, many times copied. One task is killed
# on the way and requeued; the shards are merged and compared with what one run writes.
#
#   tests/cluster/slurm.sh [path of omr]
#
# Needs root, to install and to run Slurm as Debian has it. Exit status: 0 equal, 77 skipped (no Slurm to be had), 1 else.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
omr=$(realpath "${1:-$here/../../target/release/omr}")
samples=$here/../../samples

skip() { echo "skipped: $*" >&2; exit 77; }
[ "$(id -u)" -eq 0 ] || skip "this needs root"
if ! command -v slurmctld >/dev/null || ! command -v munged >/dev/null; then
  command -v apt-get >/dev/null || skip "Slurm is not installed, and there is no apt-get"
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -q && apt-get install -qy --no-install-recommends slurm-wlm munge; } >/dev/null 2>&1 ||
    skip "Slurm cannot be installed"
fi

work=$(mktemp -d /tmp/omr-slurm.XXXXXX)
stop() {
  for name in slurmd slurmctld munged; do
    [ -f "$work/$name.pid" ] && kill "$(cat "$work/$name.pid")" 2>/dev/null
  done
  sleep 1
  rm -rf "$work"
}
trap stop EXIT
fail() { echo "FAILED: $*" >&2; tail -n 20 "$work"/slurmctld.log "$work"/slurmd.log >&2 || true; exit 1; }

# The daemons, all of their files in the work folder.
mkdir -m 700 "$work/state" "$work/spool" "$work/munge"
chmod 755 "$work"
dd if=/dev/urandom of="$work/munge/key" bs=1024 count=1 status=none
chmod 600 "$work/munge/key"
chmod 711 "$work/munge"
munged --force --key-file="$work/munge/key" --socket="$work/munge/socket" --pid-file="$work/munged.pid" \
  --log-file="$work/munge/log" --seed-file="$work/munge/seed"
cpus=$(nproc)
cat >"$work/slurm.conf" <<CONF
ClusterName=omr
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort=26817
SlurmdPort=26818
AuthType=auth/munge
AuthInfo=socket=$work/munge/socket
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
JobRequeue=1
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
NodeName=node1 NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 CPUs=$cpus State=UNKNOWN
PartitionName=all Nodes=node1 Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF=$work/slurm.conf
slurmctld
slurmd -N node1
for _ in $(seq 60); do
  sinfo -h -o %T 2>/dev/null | grep -q idle && break
  sleep 0.5
done
sinfo -h -o %T | grep -q idle || fail "the node does not come up"
echo "slurm $(sinfo --version | cut -d' ' -f2), $cpus cpus"

# Work for some seconds: pages with pictures and reviews, and sheets of other templates.
input=$work/in
mkdir "$input"
for name in nested four-markers scored-csv; do cp -r "$samples/$name" "$input/$name"; done
cp -r "$samples/plain" "$input/many"
for n in $(seq 400); do cp "$samples/plain/page-$((n % 3 + 1))".* "$input/many/" && (
  cd "$input/many" && for page in page-[123].*; do mv "$page" "copy-$n-$page"; done
); done
cp "$samples/plain/"page-* "$input/many/"
cd "$work"
"$omr" -q --input in --output whole

job=$(sbatch --parsable --export=ALL,OMR="$omr",INPUT=in,OUTPUT=out --output="$work/task-%a.log" "$here/array.sh")
echo "job $job submitted"
# Kill one task in the middle of its work: nothing is left to it but what is on disk.
journal=out/shard-3/.omr/journal
for _ in $(seq 600); do
  [ "$(grep -c '^{"sheet"' "$journal" 2>/dev/null || true)" -ge 3 ] 2>/dev/null && break
  sleep 0.05
done
pid=$(pgrep -f -- "--output out/shard-3 " | head -n 1 || true)
[ -n "$pid" ] || fail "task 3 is not running"
kill -9 "$pid"
before=$(grep -c '^{"sheet"' "$journal")
if grep -q '^{"end"' "$journal"; then fail "task 3 had ended before it was killed"; fi
for _ in $(seq 200); do
  [ -z "$(squeue -h -j "${job}_3" -t RUNNING -o %A 2>/dev/null)" ] && break
  sleep 0.1
done
echo "task 3 was killed after $before sheets: $(scontrol show job "${job}_3" | grep -o 'JobState=[A-Z]*' | head -n 1)"
scontrol requeue "${job}_3"
for _ in $(seq 1200); do
  [ -z "$(squeue -h -j "$job" -o %A 2>/dev/null)" ] && break
  sleep 0.5
done
[ -z "$(squeue -h -j "$job" -o %A 2>/dev/null)" ] || fail "the tasks do not end"
runs=$(grep -c '^{"run"' "$journal")
[ "$runs" -eq 2 ] || fail "task 3 was run $runs times, not twice"

"$omr" merge -q out/shard-* --output merged
diff -r --exclude=.omr whole merged || fail "the merged folder differs from that of one run"
echo "equal: $(find merged -type f -not -path '*/.omr/*' | wc -l) files of 8 shards, task 3 killed and requeued"
