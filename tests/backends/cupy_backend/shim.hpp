// CUDA C++ on a CPU: enough of it to run the project's kernels, one block after the other. The threads of a block are
// fibers that take turns at barriers and shuffles, so that what these do to results is tested; a shuffle waits for its
// warp alone. With a seed, threads come in another order, and the first run ahead as far as barriers allow; with an odd
// one, blocks come in reverse: what depends on a race then gives something else.

#include <setjmp.h>
#include <ucontext.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

using std::ceil;
using std::copysign;
using std::cosh;
using std::erf;
using std::erfc;
using std::exp;
using std::expm1;
using std::fabs;
using std::floor;
using std::fma;
using std::fmax;
using std::fmod;
using std::hypot;
using std::log;
using std::log1p;
using std::pow;
using std::rint;
using std::sin;
using std::sqrt;
using std::tanh;
using std::trunc;

#define __global__ static
#define __device__
#define __noinline__
#define __shared__ static
#define __grid_constant__
#define __launch_bounds__(...)

struct Dim { unsigned int x = 1, y = 1, z = 1; };
static Dim threadIdx, blockIdx, blockDim, gridDim;

static float __uint_as_float(unsigned int bits) { float y; memcpy(&y, &bits, 4); return y; }
static unsigned int __float_as_uint(float x) { unsigned int y; memcpy(&y, &x, 4); return y; }
static float normcdf(float x) { return std::erfc(-x * (float)M_SQRT1_2) / 2; }
static double normcdf(double x) { return std::erfc(-x * M_SQRT1_2) / 2; }
static float float_of_half(unsigned short bits) { _Float16 y; memcpy(&y, &bits, 2); return (float)y; }
static unsigned short half_of_float(float x) { _Float16 y = (_Float16)x; unsigned short b; memcpy(&b, &y, 2); return b; }
static unsigned int __umulhi(unsigned int a, unsigned int b) { return (uint64_t)a * b >> 32; }
template <typename T> static T atomicAdd(T *place, T x) { T old = *place; *place += x; return old; }
static unsigned int atomicInc(unsigned int *place, unsigned int most) {
    unsigned int old = *place;
    *place = old >= most ? 0 : old + 1;
    return old;
}
static void __threadfence() {}

namespace shim {
// A fiber runs one thread of every block. Contexts are for its start alone: changing them asks the kernel each time.
enum State : unsigned char { READY, WAITING, ENDED };
struct Fiber { ucontext_t context; jmp_buf place; std::unique_ptr<char[]> stack; State state; };
// Threads that wait for each other: those of a warp at a shuffle, those of a block at a barrier.
struct Group { unsigned int first, live, waiting; };
static const size_t STACK = 1 << 16;
static Fiber fibers[1024];
static Group warps[32], all;
static unsigned int turns[1024], ranks[1024];  // thread by turn, and turn by thread
static jmp_buf home;
static unsigned int current, count, seed;
static bool stuck;
static void (*body)(void *);
static void *arguments;
static uint64_t lanes[1024];

static Dim index_of(unsigned int thread) {
    return {thread % blockDim.x, thread / blockDim.x % blockDim.y, thread / (blockDim.x * blockDim.y)};
}
// Let all of a group go on if all that have not ended wait.
static void release(Group &group, unsigned int size) {
    if (!group.waiting || group.waiting < group.live) return;
    group.waiting = 0;
    for (unsigned int i = group.first; i < group.first + size && i < count; ++i)
        if (fibers[i].state == WAITING) fibers[i].state = READY;
}
// On to the next thread that is ready: in turn or, with a seed, the first of all.
static void next() {
    unsigned int start = seed ? 0 : ranks[current] + 1, i = 0;
    while (i < count && fibers[turns[(start + i) % count]].state != READY) ++i;
    unsigned int to = turns[(start + i) % count];
    if (i < count && to == current) return;
    if (_setjmp(fibers[current].place)) return;  // whoever comes back has set `current`
    if (i == count) {
        stuck = all.live > 0;  // some wait for what does not happen
        _longjmp(home, 1);
    }
    current = to;
    threadIdx = index_of(to);
    _longjmp(fibers[to].place, 1);
}
static void wait(Group &group, unsigned int size) {
    fibers[current].state = WAITING;
    ++group.waiting;
    release(group, size);
    next();
}
static void end() {
    Group &warp = warps[current / 32];
    fibers[current].state = ENDED;
    --warp.live, --all.live;
    release(warp, 32);
    release(all, count);
    next();
}
static void run() {
    unsigned int own = current;
    if (!_setjmp(fibers[own].place)) _longjmp(home, 1);
    for (;;) {
        body(arguments);
        end();
    }
}
static void make(unsigned int i) {
    Fiber &f = fibers[i];
    f.stack.reset(new char[STACK]);
    getcontext(&f.context);
    f.context.uc_stack.ss_sp = f.stack.get();
    f.context.uc_stack.ss_size = STACK;
    makecontext(&f.context, run, 0);
    current = i;
    if (!_setjmp(home)) setcontext(&f.context);
}
static void shuffle() {
    uint64_t state = seed * 0x9e3779b97f4a7c15ull;
    for (unsigned int i = 0; i < count; ++i) turns[i] = i;
    for (unsigned int i = seed ? count : 1; i > 1; --i) {
        state = state * 6364136223846793005ull + 1442695040888963407ull;
        std::swap(turns[i - 1], turns[(state >> 33) % i]);
    }
    for (unsigned int i = 0; i < count; ++i) ranks[turns[i]] = i;
}
static void block() {
    count = blockDim.x * blockDim.y * blockDim.z;
    shuffle();
    all = {0, count, 0};
    for (unsigned int i = 0; i < count; ++i) {
        if (!fibers[i].stack) make(i);
        fibers[i].state = READY;
        if (i % 32 == 0) warps[i / 32] = {i, count - i < 32 ? count - i : 32, 0};
    }
    current = turns[0];
    threadIdx = index_of(current);
    if (!_setjmp(home)) _longjmp(fibers[current].place, 1);
}
template <typename... A, size_t... I> void call(void (*kernel)(A...), void **values, std::index_sequence<I...>) {
    kernel(*(A *)values[I]...);
}
template <typename... A> void start(void (*kernel)(A...), const unsigned int *sizes, void **values) {
    static void (*chosen)(A...);
    chosen = kernel;
    body = [](void *v) { call(chosen, (void **)v, std::index_sequence_for<A...>()); };
    arguments = values;
    gridDim = {sizes[0], sizes[1], sizes[2]};
    blockDim = {sizes[3], sizes[4], sizes[5]};
    uint64_t blocks = (uint64_t)gridDim.x * gridDim.y * gridDim.z;
    for (uint64_t i = 0; i < blocks && !stuck; ++i) {
        uint64_t at = seed % 2 ? blocks - 1 - i : i;
        blockIdx = {unsigned(at % gridDim.x), unsigned(at / gridDim.x % gridDim.y), unsigned(at / gridDim.x / gridDim.y)};
        block();
    }
}
}  // namespace shim

static void __syncthreads() { shim::wait(shim::all, shim::count); }

template <typename T> static T __shfl_xor_sync(unsigned int, T x, int mask) {
    shim::Group &warp = shim::warps[shim::current / 32];
    memcpy(&shim::lanes[shim::current], &x, sizeof(T));
    shim::wait(warp, 32);
    T y;
    memcpy(&y, &shim::lanes[shim::current ^ mask], sizeof(T));
    shim::wait(warp, 32);
    return y;
}
