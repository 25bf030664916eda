/* Loaded by the measured process.
 * mark_*: callgrind's client requests, so that exactly the measured calls are counted.
 * heap_*: with LD_PRELOAD and PYTHONMALLOC=malloc, every allocation of the calling thread.
 *   gcc -O2 -shared -fPIC [-DCOUNT_HEAP] shim.c -o shim.so
 */
#include <stddef.h>
#include <valgrind/callgrind.h>

void mark_start(void) { CALLGRIND_START_INSTRUMENTATION; }
void mark_stop(void) { CALLGRIND_STOP_INSTRUMENTATION; }
void mark_zero(void) { CALLGRIND_ZERO_STATS; }
void mark_dump(const char *label) { CALLGRIND_DUMP_STATS_AT(label); }

#ifdef COUNT_HEAP
static __thread unsigned long long calls __attribute__((tls_model("initial-exec")));
static __thread unsigned long long bytes __attribute__((tls_model("initial-exec")));
unsigned long long heap_calls(void) { return calls; }
unsigned long long heap_bytes(void) { return bytes; }

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
void *malloc(size_t size) { calls++; bytes += size; return __libc_malloc(size); }
void *calloc(size_t count, size_t size) { calls++; bytes += count * size; return __libc_calloc(count, size); }
void *realloc(void *old, size_t size) { calls++; bytes += size; return __libc_realloc(old, size); }
#endif
