"""onnxruntime without its telemetry, which the environment must forbid before the library is loaded."""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime  # noqa: E402, F401
