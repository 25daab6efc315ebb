/**
 * onnxruntime calls its maker and writes a device id and a queue of events under the home folder,
 * unless the process's environment says otherwise when it is loaded. A worker's `process.env` is a
 * copy that native code never sees, so the main thread loads this before it starts a worker.
 */
process.env['ORT_DISABLE_TELEMETRY'] = '1';
