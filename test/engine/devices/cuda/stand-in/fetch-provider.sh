#!/usr/bin/env bash
# Puts onnxruntime's CUDA provider into FOLDER, for ADAIN_TEST_CUDA_PROVIDER: that of CUDA 13, as
# an npm package has it (180 MB). fetch-provider.sh FOLDER
set -euo pipefail
package=com.github.asus4.onnxruntime.linux-x64-gpu@0.4.9
sum=56cf3254b118ad837ccc4ed8f6d1b23504bbf7ef91b34cbc0b289cb7f10b3037
mkdir -p "$1" && cd "$1"
archive=$(npm pack --silent "$package")
tar -xzf "$archive" --strip-components=4 --wildcards '*/libonnxruntime_providers_cuda.so' '*/libonnxruntime_providers_shared.so'
rm "$archive"
echo "$sum  libonnxruntime_providers_cuda.so" | sha256sum --quiet --check
