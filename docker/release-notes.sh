#!/usr/bin/env bash
# What CHANGELOG.md says of a version: release-notes.sh 1.2.3. Fails if it says nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
notes=$(awk -v heading="## $1 - " '/^## /{ inside = index($0, heading) == 1; next } inside' CHANGELOG.md)
[ -n "$notes" ] || { echo "CHANGELOG.md has no notes of version $1" >&2; exit 1; }
echo "$notes"
