#!/usr/bin/env bash
# Runs the tests that start workers, sockets and processes on other versions of Node than the
# machine's, with the binaries that npm has: node-versions.sh 22 24. The project must have been built.
# Of engine/inference those of onnxruntime in this thread; grain and colors are arithmetic alone, and
# what sessions asks is which session our own code chooses: the engine's tests run all of them.
# Ends with 1 if any version fails; the results are in .tap/node-VERSION.tap.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

status=0
for version; do
  archive=$(npm pack --silent --pack-destination "$work" "node-linux-$(node -p process.arch)@$version")
  mkdir "$work/$version"
  tar -xzf "$work/$archive" --strip-components=2 -C "$work/$version" package/bin/node
  echo "Node $("$work/$version/node" --version)"
  PATH=$work/$version:$PATH npx tap --disable-coverage --output-file=".tap/node-$version.tap" \
    test/engine/{engine,workers/*,inference/{by-place,check-model,tiled-stylize}}.test.ts test/{http,e2e}/*.test.ts || status=1
done
exit "$status"
