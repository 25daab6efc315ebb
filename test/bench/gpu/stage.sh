#!/usr/bin/env bash
# Makes ready what a GPU machine without Node and network needs, in .gpu/: Node, onnxruntime with its
# CUDA provider and our dependencies in two parts (c1, c2, with the scripts in kit), and the benches,
# compiled (built). test/bench/GPU.md says what is sent when. Options are those of the kit's stage.sh.
set -euo pipefail
cd "$(dirname "$0")/../../.."
kit=${GPU_KIT:-../shared/tools/gpu-kit}

# It empties its folder, and .gpu holds more than this.
bash "$kit/stage.sh" --out .gpu/staged --modules --limit-mib 41 "$@"
rm -rf .gpu/kit .gpu/c[0-9] .gpu/built .gpu/packed
mv .gpu/staged/* .gpu/
rmdir .gpu/staged

npx tsc --noEmit false --sourceMap false --outDir .gpu/built
npx tsc -p tsconfig.build.json --sourceMap false --outDir .gpu/built/dist
# Packed it is a tenth of its size; the tests are not needed there.
mkdir .gpu/packed
tar -czf .gpu/packed/built.tar.gz --exclude='*.test.js' -C .gpu/built .
rm -r .gpu/built
mv .gpu/packed .gpu/built
du -sb .gpu/kit .gpu/c[0-9] .gpu/built
