/*
 * A machine with GPUs for onnxruntime's CUDA provider, without one: libcudart, libcublas, libcudnn
 * and the rest in one library that goes by all their names. Memory and copies are real, in host
 * memory; kernels compute nothing, so memory reads as zeros. What the provider calls and is not
 * here, libraries.ts adds: it returns 0, success.
 *
 * STAND_IN_TRACE: a file that gets a line for each allocation, copy and convolution.
 * STAND_IN_MEMORY: bytes of a GPU; beyond them, out of memory.
 * STAND_IN_DEVICES: how many GPUs there are (1).
 * STAND_IN_FAULT: a file. While it holds "FUNCTION CODE SKIP MS", the calls of FUNCTION after the
 * next SKIP take MS longer, or until it holds something else, and fail with CODE, if that is not 0.
 * As on a GPU, errors of the device last for the rest of the process.
 */
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { OUT_OF_MEMORY = 2, NO_SUCH_DEVICE = 101 };
enum { TO_DEVICE = 1, TO_HOST = 2 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static size_t used;
static int lost;
static __thread int last;
static __thread int device;

static long number(const char *name, long otherwise) {
  const char *text = getenv(name);
  return text ? atol(text) : otherwise;
}

static void trace(const char *format, ...) {
  const char *path = getenv("STAND_IN_TRACE");
  FILE *file = path ? fopen(path, "a") : NULL;
  if (!file) return;
  va_list values;
  va_start(values, format);
  vfprintf(file, format, values);
  va_end(values);
  fclose(file);
}

enum { FAULT_SIZE = 128 };

static void read_fault(char text[FAULT_SIZE]) {
  const char *path = getenv("STAND_IN_FAULT");
  FILE *file = path ? fopen(path, "r") : NULL;
  text[0] = 0;
  if (!file) return;
  if (!fgets(text, FAULT_SIZE, file)) text[0] = 0;
  fclose(file);
}

static void rest(long ms, const char *asked) {
  char text[FAULT_SIZE];
  struct timespec time = {0, 10 * 1000000};
  for (; ms > 0; ms -= 10) {
    nanosleep(&time, NULL);
    read_fault(text);
    if (strcmp(text, asked)) return;
  }
}

/* What the test asks for, or what the device has been lost by. */
static int fault(const char *function) {
  static char known[FAULT_SIZE];
  static int calls;
  char text[FAULT_SIZE], name[100] = "";
  int code = 0, skip = 0, ms = 0;
  read_fault(text);
  sscanf(text, "%99s %d %d %d", name, &code, &skip, &ms);
  pthread_mutex_lock(&lock);
  if (strcmp(text, known)) {
    strcpy(known, text);
    calls = 0;
  }
  int asked = !strcmp(name, function) && calls++ >= skip;
  if (asked && code >= 700 && code < 720) lost = code;
  int result = lost ? lost : asked ? code : 0;
  pthread_mutex_unlock(&lock);
  if (asked) rest(ms, text);
  if (result) last = result;
  return result;
}
#define FAIL_IF_ASKED() \
  do { \
    int code = fault(__func__); \
    if (code) return code; \
  } while (0)

/* Devices. */
int cudaGetDeviceCount(int *count) { return *count = number("STAND_IN_DEVICES", 1), 0; }
int cudaSetDevice(int ordinal) {
  FAIL_IF_ASKED();
  if (ordinal >= number("STAND_IN_DEVICES", 1)) return last = NO_SUCH_DEVICE;
  return device = ordinal, 0;
}
int cudaGetDevice(int *ordinal) { return *ordinal = device, 0; }
int cudaDriverGetVersion(int *version) { return *version = 13000, 0; }
int cudaRuntimeGetVersion(int *version) { return *version = 13000, 0; }
int cudaDeviceGetAttribute(int *value, int attribute, int ordinal) {
  (void)ordinal;
  *value = attribute == 75 ? 9 : attribute == 76 ? 0 : attribute == 16 ? 132 : 1024; /* sm_90 */
  return 0;
}
/* The first fields of cudaDeviceProp of CUDA 13; the whole has about 1 KB. */
struct properties {
  char name[256], ids[28];
  size_t memory, shared;
  int registers, warp;
  size_t pitch;
  int threads, block[3], grid[3];
  size_t constants;
  int major, minor;
};
int cudaGetDeviceProperties(struct properties *all, int ordinal) {
  (void)ordinal;
  memset(all, 0, sizeof *all);
  strcpy(all->name, "stand-in");
  all->memory = 80UL << 30, all->shared = 49152, all->registers = 65536, all->warp = 32;
  all->threads = all->block[0] = all->block[1] = 1024, all->block[2] = 64;
  all->grid[0] = INT32_MAX, all->grid[1] = all->grid[2] = 65535;
  all->major = 9;
  return 0;
}

/* Memory: the size of a block lies before it. */
int cudaMalloc(void **block, size_t size) {
  FAIL_IF_ASKED();
  size_t limit = number("STAND_IN_MEMORY", 80L << 30);
  pthread_mutex_lock(&lock);
  int fits = used + size <= limit;
  if (fits) used += size;
  size_t total = used;
  pthread_mutex_unlock(&lock);
  char *memory = fits ? aligned_alloc(256, (size + 511) / 256 * 256) : NULL;
  if (!memory) return last = OUT_OF_MEMORY;
  memset(memory, 0, size + 256);
  *(size_t *)memory = size;
  *block = memory + 256;
  trace("malloc %zu %zu\n", size, total);
  return 0;
}
int cudaFree(void *block) {
  if (!block) return 0;
  char *memory = (char *)block - 256;
  pthread_mutex_lock(&lock);
  used -= *(size_t *)memory;
  size_t total = used;
  pthread_mutex_unlock(&lock);
  trace("free %zu %zu\n", *(size_t *)memory, total);
  free(memory);
  return 0;
}
int cudaMemGetInfo(size_t *available, size_t *total) {
  *total = number("STAND_IN_MEMORY", 80L << 30);
  *available = *total - used;
  return 0;
}
int cudaHostAlloc(void **block, size_t size, unsigned flags) {
  (void)flags;
  FAIL_IF_ASKED();
  return *block = calloc(1, size), 0;
}
int cudaMallocHost(void **block, size_t size) { return cudaHostAlloc(block, size, 0); }
int cudaFreeHost(void *block) { return free(block), 0; }
int cudaMemset(void *block, int value, size_t size) { return memset(block, value, size), 0; }
int cudaMemsetAsync(void *block, int value, size_t size, void *stream) {
  (void)stream;
  return cudaMemset(block, value, size);
}
static int copy(void *to, const void *from, size_t size, int kind) {
  if (kind == TO_DEVICE) trace("up %zu\n", size);
  else if (kind == TO_HOST) trace("down %zu\n", size);
  memcpy(to, from, size);
  return 0;
}
int cudaMemcpy(void *to, const void *from, size_t size, int kind) {
  FAIL_IF_ASKED();
  return copy(to, from, size, kind);
}
int cudaMemcpyAsync(void *to, const void *from, size_t size, int kind, void *stream) {
  (void)stream;
  FAIL_IF_ASKED();
  return copy(to, from, size, kind);
}

/* Streams, events and kernels. */
static char handle[64];
int cudaStreamCreate(void **stream) { return *stream = handle, 0; }
int cudaStreamCreateWithFlags(void **stream, unsigned flags) { return (void)flags, cudaStreamCreate(stream); }
int cudaStreamSynchronize(void *stream) {
  (void)stream;
  FAIL_IF_ASKED();
  return 0;
}
int cudaDeviceSynchronize(void) {
  FAIL_IF_ASKED();
  return 0;
}
int cudaStreamIsCapturing(void *stream, int *status) { return (void)stream, *status = 0, 0; }
int cudaEventCreate(void **event) { return *event = handle, 0; }
int cudaEventCreateWithFlags(void **event, unsigned flags) { return (void)flags, cudaEventCreate(event); }
int cudaEventElapsedTime(float *ms, void *start, void *end) { return (void)start, (void)end, *ms = 0, 0; }
int cudaFuncGetAttributes(size_t *attributes, const void *function) {
  (void)function;
  memset(attributes, 0, 64);
  ((int *)(attributes + 3))[0] = 1024; /* threads a block */
  ((int *)(attributes + 3))[3] = 90;
  return 0;
}
int cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *count) { return *count = 2, 0; }
int cudaLaunchKernel(void) {
  FAIL_IF_ASKED();
  return 0;
}
int __cudaLaunchKernel(void) { return cudaLaunchKernel(); }
int cudaLaunchKernelExC(void) { return cudaLaunchKernel(); }
void *__cudaRegisterFatBinary(void) { return handle; }
int cudaGetLastError(void) {
  int code = lost ? lost : last;
  return last = 0, code;
}
int cudaPeekAtLastError(void) { return lost ? lost : last; }
const char *cudaGetErrorName(int code) {
  return code == 700 ? "cudaErrorIllegalAddress" : code == 719 ? "cudaErrorLaunchFailure" : "cudaErrorUnknown";
}
const char *cudaGetErrorString(int code) {
  switch (code) {
    case OUT_OF_MEMORY: return "out of memory";
    case NO_SUCH_DEVICE: return "invalid device ordinal";
    case 700: return "an illegal memory access was encountered";
    case 719: return "unspecified launch failure";
    default: return "asked for by the test";
  }
}

int cublasCreate_v2(void **library) { return *library = handle, 0; }
int cublasLtCreate(void **library) { return *library = handle, 0; }

/*
 * cuDNN, which the provider opens when it runs its first convolution. It answers any question
 * about a graph with one plan, and runs it.
 */
size_t cudnnGetVersion(void) { return 91000; }
const char *cudnnGetErrorString(int status) { return (void)status, "asked for by the test"; }
void cudnnGetLastErrorString(char *text, size_t size) { snprintf(text, size, "asked for by the test"); }
int cudnnCreate(void **library) {
  FAIL_IF_ASKED();
  return *library = handle, 0;
}
int cudnnBackendCreateDescriptor(int type, void **descriptor) {
  (void)type;
  return *descriptor = calloc(1, 64), 0;
}
int cudnnBackendDestroyDescriptor(void *descriptor) { return free(descriptor), 0; }
int cudnnBackendGetAttribute(void *descriptor, int name, int type, int64_t wanted, int64_t *count, void *values) {
  enum { INT64 = 3, DESCRIPTOR = 15, INT32 = 23, KNOBS = 302 };
  (void)descriptor;
  if (count) *count = (type == INT64 || type == INT32 || type == DESCRIPTOR) && name != KNOBS;
  if (type == INT64 && wanted > 0) *(int64_t *)values = 0;
  if (type == INT32 && wanted > 0) *(int32_t *)values = 0;
  return 0;
}
int cudnnBackendSetAttribute(void) { return 0; }
int cudnnBackendFinalize(void) { return 0; }
int cudnnBackendExecute(void) {
  int code = fault(__func__);
  if (code) return 5000; /* CUDNN_STATUS_EXECUTION_FAILED */
  trace("convolve\n");
  return 0;
}
