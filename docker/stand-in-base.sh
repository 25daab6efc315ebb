#!/usr/bin/env bash
# Makes a stand-in for the Node base image, for machines that reach Debian and npm but no image
# registry: stand-in-base.sh FILE.tar writes a root filesystem for `podman import`. Needs root.
set -euo pipefail
tar=$(realpath "$1") node=24 npm=11
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

debootstrap --variant=minbase --include=ca-certificates bookworm root >debootstrap.log
npm pack --silent "node-linux-$(node -p process.arch)@$node" "npm@$npm" >/dev/null
modules=root/usr/local/lib/node_modules
mkdir -p "$modules/npm"
tar xzf node-linux-*.tgz --strip-components=1 -C root/usr/local package/bin/node
tar xzf npm-*.tgz --strip-components=1 -C "$modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js root/usr/local/bin/npm
ln -s ../lib/node_modules/npm/bin/npx-cli.js root/usr/local/bin/npx
rm -rf root/var/cache/apt/archives/*.deb root/var/lib/apt/lists/*
# Written beside the target, so that a broken off run leaves no half of it.
tar -C root -cf "$tar.part" . && mv "$tar.part" "$tar"
