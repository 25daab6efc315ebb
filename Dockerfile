# Targets: cpu (the default) and cuda. docker/README.md says how to run them.
ARG NODE_IMAGE=docker.io/library/node:24-bookworm-slim
# onnxruntime's provider wants CUDA 12 and cuDNN 9.
ARG CUDA_IMAGE=docker.io/nvidia/cuda:12.9.1-cudnn-runtime-ubuntu22.04

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run build

# What runs, without the base: production dependencies, and native libraries of this platform only
# (onnxruntime-node brings those of all platforms, sharp a WebAssembly build for where there is
# none).
FROM ${NODE_IMAGE} AS app
RUN apt-get update && apt-get install -y --no-install-recommends tini
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev \
  && cd node_modules/onnxruntime-node/bin/napi-v* \
  && find . -mindepth 2 -maxdepth 2 ! -path "./$(node -p 'process.platform + "/" + process.arch')" -exec rm -r {} + \
  && find . -type d -empty -delete \
  && rm -rf /app/node_modules/@img/sharp-wasm32
COPY docker/notices docker/notices
RUN node docker/notices/index.ts /usr/local/LICENSE /usr/share/doc/tini/copyright >THIRD-PARTY-NOTICES \
  && rm -r docker
COPY LICENSE ./
COPY models models
COPY --from=build /app/dist dist
# Told by GET /metrics and --version.
ARG REVISION=unknown
RUN echo "$REVISION" >revision

# The provider's libraries are too large for npm; the package's own script fetches them from NuGet.
# It succeeds where there is nothing to fetch (arm64), hence the test. TensorRT is not used.
FROM app AS app-cuda
RUN cd node_modules/onnxruntime-node \
  && ONNXRUNTIME_NODE_INSTALL=true node script/install.js \
  && rm -f bin/napi-v*/linux/x64/libonnxruntime_providers_tensorrt.so \
  && test -s bin/napi-v*/linux/x64/libonnxruntime_providers_cuda.so \
  || { echo 'libonnxruntime_providers_cuda.so is not there: the cuda target needs linux/amd64 and NuGet' >&2; exit 1; }

FROM ${CUDA_IMAGE} AS cuda
COPY --from=app-cuda /usr/local/bin/node /usr/local/bin/node
COPY --from=app-cuda /usr/bin/tini-static /usr/local/bin/tini
COPY --from=app-cuda /app /app
WORKDIR /app
# A GPU that cannot be used stops the start: an image of this size is not run to serve on the CPU.
ENV NODE_ENV=production ORT_DISABLE_TELEMETRY=1 MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=4194304 UV_THREADPOOL_SIZE=9 ADAIN_DEVICE=cuda
ARG REVISION=unknown
ARG CREATED=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="adain-server" \
      org.opencontainers.image.description="Repaints photographs in any style over HTTP, on NVIDIA GPUs" \
      org.opencontainers.image.version="0.2.0" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED" \
      org.opencontainers.image.source="$SOURCE" \
      org.opencontainers.image.licenses="MIT AND 0BSD AND Apache-2.0 AND BlueOak-1.0.0 AND BSD-3-Clause AND CC0-1.0 AND ISC AND LGPL-3.0-or-later"
USER 1000:1000
EXPOSE 8080
# Each new shape is searched for the fastest kernels before the service is ready.
HEALTHCHECK --interval=10s --timeout=5s --start-period=300s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PORT || 8080) + '/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["tini", "--", "node", "--enable-source-maps", "dist/cli.js"]

FROM ${NODE_IMAGE} AS cpu
COPY --from=app /usr/bin/tini-static /usr/local/bin/tini
COPY --from=app /app /app
WORKDIR /app
# Two malloc arenas instead of eight a core hold the resident memory of a process with many threads
# down, and blocks from 4 MiB on are given back when they are freed. UV_THREADPOOL_SIZE is how many pictures are decoded or encoded at once, and one thread more.
ENV NODE_ENV=production ORT_DISABLE_TELEMETRY=1 MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=4194304 UV_THREADPOOL_SIZE=4 ADAIN_DEVICE=cpu
ARG REVISION=unknown
ARG CREATED=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="adain-server" \
      org.opencontainers.image.description="Repaints photographs in any style over HTTP" \
      org.opencontainers.image.version="0.2.0" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED" \
      org.opencontainers.image.source="$SOURCE" \
      org.opencontainers.image.licenses="MIT AND 0BSD AND Apache-2.0 AND BlueOak-1.0.0 AND BSD-3-Clause AND CC0-1.0 AND ISC AND LGPL-3.0-or-later"
# A number, so that Kubernetes can tell that it is not root.
USER 1000:1000
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PORT || 8080) + '/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# As process 1, Node would ignore SIGTERM until its handlers are there, which is when the model is warm.
ENTRYPOINT ["tini", "--", "node", "--enable-source-maps", "dist/cli.js"]
