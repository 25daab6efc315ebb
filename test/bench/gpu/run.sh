#!/usr/bin/env bash
# On a GPU machine, in the repository's root, with all that stage.sh made: unpacks, looks at the
# libraries, runs the GPU bench. run.sh OUT [options of the bench]. test/bench/GPU.md says when.
set -o pipefail
out=$1
shift
export GPU_ROOT=${GPU_ROOT:-/tmp/gpu}
mkdir -p "$out"

timeout 60 bash .gpu/kit/unpack.sh || exit
. .gpu/kit/env.sh
timeout 30 node .gpu/kit/doctor.mjs 2>&1 | tee "$out/doctor.txt"
nvidia-smi >>"$out/doctor.txt" 2>&1

# What is compiled finds models and pictures beside it, as the sources do.
rm -rf .gpu/bench
mkdir .gpu/bench
cp -r models test package.json .gpu/bench/
tar -xzf .gpu/built/built.tar.gz -C .gpu/bench
# The bench ends itself; this is for one that does not.
timeout 240 node .gpu/bench/test/bench/index.js gpu --out "$out" "$@" 2>&1 | tee "$out/bench.txt"
