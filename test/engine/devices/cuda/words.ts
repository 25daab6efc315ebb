/**
 * What onnxruntime 1.29.0 with its CUDA provider says, word for word: recorded with a libcudart
 * that fails on demand, and without cuDNN.
 */
const call = (code: number, text: string, expression: string) =>
  `/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_call.cc:154 std::conditional_t<THRW, void, onnxruntime::common::Status> onnxruntime::CudaCall(ERRTYPE, const char*, const char*, SUCCTYPE, const char*, const char*, int) [with ERRTYPE = cudaError; bool THRW = true; SUCCTYPE = cudaError; std::conditional_t<THRW, void, common::Status> = void] CUDA failure ${code}: ${text} ; GPU=0 ; hostname=vm ; file=/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_execution_provider.cc ; line=345 ; expr=${expression} \n\n`;

export const words = {
  outOfMemory:
    'Exception during initialization: /onnxruntime_src/onnxruntime/core/framework/bfc_arena.cc:359 void* onnxruntime::BFCArena::AllocateRawInternal(size_t, bool, onnxruntime::Stream*) Failed to allocate memory for requested buffer of size 2560\n',
  noCudnn:
    "Non-zero status code returned while running Conv node. Name:'Conv_c1' Status Message: /onnxruntime_src/onnxruntime/core/providers/cuda/cuda_kernel.h:272 static cudnnContext* onnxruntime::cuda::CudaKernel::RequireCudnnHandle(cudnnHandle_t) [ONNXRuntimeError] : 9 : NOT_IMPLEMENTED : cuDNN is unavailable or disabled for CUDA Execution Provider: dlopen failed for libcudnn.so: libcudnn.so: cannot open shared object file: No such file or directory\n",
  noDevice: call(100, 'no CUDA-capable device is detected', 'cudaSetDevice(info_.device_id);'),
  noSuchDevice: call(101, 'invalid device ordinal', 'cudaSetDevice(info_.device_id);'),
  cudnnFailed:
    "Non-zero status code returned while running Conv node. Name:'encoder/stem.Conv' Status Message: CUDNN_FE failure 11: CUDNN_BACKEND_API_FAILED ; GPU=0 ; hostname=vm ; file=/onnxruntime_src/onnxruntime/core/providers/cuda/nn/conv.cc ; line=494 ; expr=s_.cudnn_fe_graph->execute(cudnn_handle, s_.variant_pack, ws.get()); ",
  kernelFailed:
    "Non-zero status code returned while running Div node. Name:'planes/unit' Status Message: CUDA error cudaErrorLaunchFailure:unspecified launch failure",
  launchFailed:
    'CUDA failure 719: unspecified launch failure ; GPU=0 ; hostname=vm ; file=/onnxruntime_src/onnxruntime/core/providers/cuda/gpu_data_transfer.cc ; line=54 ; expr=cudaStreamSynchronize(nullptr); ',
  onCpu:
    'This session contains graph nodes that are assigned to the default CPU EP, but fallback to CPU EP has been explicitly disabled by the user.',
};
