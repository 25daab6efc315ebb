#!/usr/bin/env bash
# Builds the cpu image and tries it as it is meant to run: 1 CPU, 1 GB, a read-only root, no
# capabilities. Prints a line for each check; ends with 0 if all pass. Cleans up after itself.
#
# Uses docker if its daemon answers, else podman as root. Where podman cannot have the Node image
# from a registry, debootstrap makes a stand-in for it, once: it is kept in ~/.cache/adain-server.
set -euo pipefail
cd "$(dirname "$0")/.."

port=${PORT:-18080} url=http://127.0.0.1:${PORT:-18080}
image=localhost/adain-server:check-$$ container=
base=$(sed -n 's/^ARG NODE_IMAGE=//p' Dockerfile)
photo=models/styles/woodcut.jpg
work=$(mktemp -d)
failures=0

pass() { echo "pass  $*"; }
fail() { echo "fail  $*"; failures=$((failures + 1)); }
# check TEXT COMMAND...: passes if the command does.
check() { local text=$1; shift; if "$@" >"$work/said" 2>&1; then pass "$text"; else fail "$text"; sed 's/^/      /' "$work/said"; fi; }

build=() run=()
if docker info >/dev/null 2>&1; then
  engine=(docker)
else
  # A store of its own; runc and explicit limits, since neither systemd nor cgroup v2 may be there.
  engine=(podman --root "$work/store" --runroot "$work/run" --runtime runc --cgroup-manager cgroupfs)
  build=(--isolation chroot --format docker)
  run=(--ulimit nofile=20000:20000 --ulimit nproc=4096:4096)
fi

clean_up() {
  set +e
  [ -z "$container" ] || "${engine[@]}" rm -f "$container" >/dev/null 2>&1
  "${engine[@]}" rmi -f "$image" >/dev/null 2>&1
  if [ "${engine[0]}" = podman ]; then
    "${engine[@]}" rmi -af >/dev/null 2>&1
    umount "$work/store/overlay" 2>/dev/null
  fi
  rm -rf "$work"
}
trap clean_up EXIT

if [ "${engine[0]}" = podman ]; then
  if ! timeout 120 "${engine[@]}" pull -q "$base" >/dev/null 2>&1; then
    tar=${XDG_CACHE_HOME:-$HOME/.cache}/adain-server/node-${base##*:}.tar
    mkdir -p "$(dirname "$tar")"
    [ -e "$tar" ] || docker/stand-in-base.sh "$tar"
    "${engine[@]}" import -c 'CMD ["node"]' "$tar" "$base" >/dev/null 2>&1
    build+=(--pull-never)
    echo "note  the base is a stand-in, made of Debian and npm packages"
  fi
  # Behind a proxy with a certificate authority of its own, npm in the build has to know it.
  if [ -n "${NODE_EXTRA_CA_CERTS:-}" ]; then
    echo "cafile=$NODE_EXTRA_CA_CERTS" >"$work/npmrc"
    build+=(-v "$NODE_EXTRA_CA_CERTS:$NODE_EXTRA_CA_CERTS:ro" -v "$work/npmrc:/usr/local/etc/npmrc:ro")
  fi
fi

# start [OPTION...]: with as much memory as $memory says.
memory=1g
start() {
  container=$("${engine[@]}" run -d --network host --cpus 1 --memory "$memory" --memory-swap "$memory" --pids-limit 512 \
    --read-only --tmpfs /tmp --cap-drop=ALL --security-opt no-new-privileges \
    "${run[@]}" -e HOST=127.0.0.1 -e PORT="$port" "$@" "$image" 2>"$work/said") ||
    { cat "$work/said"; exit 1; } # podman without systemd complains of health timers, and goes on
}
stop_and_remove() { "${engine[@]}" rm -f "$container" >/dev/null 2>&1; container=; }
inside() { "${engine[@]}" exec "$container" "$@"; }
status() { curl -s -o /dev/null -m 5 -w '%{http_code}' "$url$1" || true; }
ready() { for _ in $(seq 120); do [ "$(status /readyz)" = 200 ] && return; sleep 0.5; done; return 1; }
stylize() { curl -s -m 120 -F content=@"$photo" -F styleId=mosaic -F size=384 "$@" "$url/stylize"; }
healthy() {
  [ "${engine[0]}" = docker ] || { "${engine[@]}" healthcheck run "$container"; return; }
  for _ in $(seq 30); do
    [ "$(docker inspect -f '{{.State.Health.Status}}' "$container")" = healthy ] && return; sleep 1
  done
  return 1
}

begun=$SECONDS
told=(--build-arg REVISION=0123abc --build-arg CREATED=2026-01-02T03:04:05Z --build-arg SOURCE=https://example.org/adain-server)
if "${engine[@]}" build "${build[@]}" "${told[@]}" -t "$image" . >"$work/build.log" 2>&1; then
  size=$("${engine[@]}" image inspect -f '{{.Size}}' "$image")
  pass "the image builds, in $((SECONDS - begun)) s: $((size / 1000000)) MB"
else
  tail -n 40 "$work/build.log"
  fail 'the image builds'
  exit 1
fi

begun=$SECONDS
start -e ADAIN_SHUTDOWN_DELAY_MS=2000
if ready; then pass "ready after $((SECONDS - begun)) s"; else
  "${engine[@]}" logs "$container" | tail -n 20
  fail 'becomes ready'
  exit 1
fi
check 'HEALTHCHECK agrees' healthy
check 'runs as user 1000, without a capability' inside sh -c \
  '[ "$(id -u)" = 1000 ] && grep -q "^CapEff:[[:space:]]*0*$" /proc/1/status'
check 'cannot write to its root' inside sh -c '! touch /app/file'
check 'carries native libraries of one platform' inside sh -c \
  '[ "$(ls -d node_modules/onnxruntime-node/bin/napi-v*/*/* | wc -l)" = 1 ] && [ "$(ls -d node_modules/@img/sharp-* | wc -l)" = 2 ]'
label() { [ "$("${engine[@]}" image inspect -f "{{index .Config.Labels \"org.opencontainers.image.$1\"}}" "$image" | tee /dev/stderr)" = "$2" ]; }
check 'its labels say revision, time and source' eval \
  'label revision 0123abc && label created 2026-01-02T03:04:05Z && label source https://example.org/adain-server'
has_notices() {
  inside sh -c 'grep -q "libvips.*LGPL" THIRD-PARTY-NOTICES && grep -q "GNU LESSER GENERAL PUBLIC LICENSE" THIRD-PARTY-NOTICES \
    && grep -q "^onnxruntime [0-9.]*: LICENSE and ThirdPartyNotices" THIRD-PARTY-NOTICES && for name in sharp fastify zod; do grep -q "^$name [0-9.]* (" THIRD-PARTY-NOTICES || exit 1; done'
}
check 'carries the notices of what is in it' has_notices
check 'carries no training or drawing code' inside sh -c '! ls -d models/training models/styles/draw src test docker'
logs() { "${engine[@]}" logs "$container" 2>&1; }
one_thread() { logs | grep 'ready to paint' | tee /dev/stderr | grep -qE 'CPU with 1 thread'; }
check 'uses as many threads as the CPU limit allows: 1' one_thread

answer=$(stylize -o "$work/picture" -w '%{http_code} %{content_type} %{size_download}' || true)
check "repaints a picture: $answer bytes" test "${answer% *}" = '200 image/jpeg' -a "${answer##* }" -gt 5000
curl -s -m 10 "$url/metrics" >"$work/metrics" || true
check 'says which build it is' grep -q '^adain_build_info{version="[0-9.]*",revision="0123abc"} 1' "$work/metrics"
check 'counts it' grep -qx 'adain_requests_total{route="/stylize",status="200"} 1' "$work/metrics"

# SIGTERM under load: each request that was accepted is answered, as are those that still come
# while /readyz already says no.
jobs=()
for i in 1 2 3 4 5 6 7 8; do stylize -o "$work/picture-$i" -w '%{http_code}\n' >"$work/code-$i" & jobs+=($!); done
wait "${jobs[0]}"
"${engine[@]}" kill -s TERM "$container" >/dev/null
sleep 0.5
check 'SIGTERM: not ready any more' test "$(status /readyz)" = 503
check 'SIGTERM: still answers who comes' test "$(stylize -o /dev/null -w '%{http_code}')" = 200
wait "${jobs[@]}" || true
answered=$(cat "$work"/code-* | grep -c '^200$' || true)
check "SIGTERM: $answered of 8 requests under way answered" test "$answered" = 8
check 'SIGTERM: ends with 0' test "$("${engine[@]}" wait "$container")" = 0
stop_and_remove

start
sleep 0.3
begun=$SECONDS
"${engine[@]}" stop -t 30 "$container" >/dev/null 2>&1
took=$((SECONDS - begun))
check "SIGTERM while it starts: ends, in $took s" test "$took" -lt 10
stop_and_remove

# Large pictures from twenty clients: whatever is too much waits or is refused, and the process lives.
mkdir "$work/large" && chmod 777 "$work/large"
check 'makes large pictures' "${engine[@]}" run --rm -i "${run[@]}" -v "$work/large:/large" --entrypoint node \
  "$image" --input-type=module-typescript - /large <docker/large-pictures.ts
send() { curl -s -m 900 -o "$work/answer-$2" -w '%{http_code}' -F content=@"$work/large/$1" -F styleId=mosaic "${@:3}" "$url/stylize" || true; }
files=(24.jpg 48.jpg 24.png 48.png animated.webp)
client() {
  for turn in 1 2 3; do
    file=${files[$((($1 + turn) % ${#files[@]}))]}
    more=()
    [ $((($1 + turn) % 3)) = 0 ] || more=(-F size=1200)
    echo "$(send "$file" "$1" "${more[@]}") $file ${more[*]}"
  done
}
running() { [ "$("${engine[@]}" inspect -f '{{.State.Running}} {{.State.OOMKilled}}' "$container" | tee /dev/stderr)" = 'true false' ]; }
photograph() { local code; code=$(send 24.jpg 0); echo "$code"; logs | tail -n 5; [ "$code" = 200 ]; }
peak() { inside sh -c 'cat /sys/fs/cgroup/memory.peak /sys/fs/cgroup/memory/memory.max_usage_in_bytes 2>/dev/null | head -n 1'; }
for memory in 1g 2g; do
  start -e ADAIN_REQUEST_TIMEOUT_MS=600000
  ready || fail "$memory: becomes ready"
  check "$memory: paints a photograph of 24 megapixels" photograph
  stop_and_remove
  start
  ready || fail "$memory: becomes ready"
  jobs=()
  for i in $(seq 20); do client "$i" >"$work/crowd-$i" & jobs+=($!); done
  wait "${jobs[@]}" || true
  cat "$work"/crowd-* | sort | uniq -c >"$work/crowd"
  check "$memory: lives on, twenty clients with large pictures later; its control group held $(($(peak) >> 20)) MiB at most" running
  other() { cat "$work/crowd"; ! grep -vE '^ *[0-9]+ (200|422|503|504) ' "$work/crowd"; }
  check "$memory: $(awk '{ n[$2] += $1 } END { for (c in n) printf "%d times %s, ", n[c], c }' "$work/crowd")and nothing else" other
  check "$memory: is ready for more" test "$(status /readyz)$(stylize -o /dev/null -w '%{http_code}')" = 200200
  stop_and_remove
done
memory=1g

check '--help works' "${engine[@]}" run --rm "${run[@]}" "$image" --help

[ "$failures" = 0 ] && echo 'All passed.' || { echo "$failures failed."; exit 1; }
