// What all kernels share: 16-bit floats, vectors of 16 bytes, sums over warps and blocks. It stands in front of every
// source, needs no header, and so compiles with NVRTC alone. Integer arguments are long long, real ones double.

using Int = long long;

struct Half { unsigned short bits; };
struct Bfloat16 { unsigned short bits; };

// The type to compute in.
template <typename T> struct WideOf { using type = T; };
template <> struct WideOf<Half> { using type = float; };
template <> struct WideOf<Bfloat16> { using type = float; };
template <typename T> using Wide = typename WideOf<T>::type;

__device__ inline float wide(float x) { return x; }
__device__ inline double wide(double x) { return x; }
__device__ inline float wide(Half x) {
#ifdef __CUDA_ARCH__
    float y;
    asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits));
    return y;
#else
    return float_of_half(x.bits);
#endif
}
__device__ inline float wide(Bfloat16 x) { return __uint_as_float((unsigned int)x.bits << 16); }

template <typename T> struct Narrow {
    template <typename A> static __device__ T of(A x) { return (T)x; }
};
template <> struct Narrow<Half> {
    static __device__ Half of(float x) {
        Half y;
#ifdef __CUDA_ARCH__
        asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
#else
        y.bits = half_of_float(x);
#endif
        return y;
    }
};
template <> struct Narrow<Bfloat16> {
    static __device__ Bfloat16 of(float x) {
        Bfloat16 y;
#if __CUDA_ARCH__ >= 800
        asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
#else
        unsigned int bits = __float_as_uint(x);
        // To the nearest, ties to even; a NaN keeps a bit that says so.
        y.bits = x != x ? (bits >> 16) | 0x40 : (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
#endif
        return y;
    }
};

template <typename A> __device__ inline A infinity() { return (A)__uint_as_float(0x7f800000u); }
template <typename A> __device__ inline A not_a_number() { return (A)__uint_as_float(0x7fc00000u); }

// Each passed by value, or read from device memory where there is an address, as in a captured step.
struct Numbers {
    double here[10];
    const double *there[10];

    __device__ double of(int k) const { return there[k] ? *there[k] : here[k]; }
};

// The quotient of numbers that are not negative: of long ones it takes five times as long.
__device__ inline Int quotient(Int a, Int b) {
    return (a | b) <= 0xffffffff ? (Int)((unsigned int)a / (unsigned int)b) : a / b;
}

// A number that others below 2^31 are divided by, in a few instructions instead of twenty; from `launch.divisor`.
struct Divisor {
    unsigned int by, factor, shift;

    __device__ unsigned int quotient(unsigned int n) const { return by == 1 ? n : __umulhi(n, factor) >> shift; }
};

// V neighbours, read and written at once.
template <typename T, int V> struct alignas(sizeof(T) * V) Pack { T of[V]; };

// A vector that is only read. Of 16-bit floats two lie in a word, and are taken from there in an instruction each.
template <typename T, int V> struct Read {
    Pack<T, V> own;

    Read() = default;
    __device__ explicit Read(Wide<T> everywhere) {
        for (int k = 0; k < V; ++k) own.of[k] = Narrow<T>::of(everywhere);
    }
    __device__ Wide<T> of(int k) const { return wide(own.of[k]); }
};
template <typename T> struct ReadPairs {
    Pack<unsigned int, 4> own;

    ReadPairs() = default;
    __device__ explicit ReadPairs(float everywhere) {
        for (int k = 0; k < 4; ++k) own.of[k] = Narrow<T>::of(everywhere).bits * 0x10001u;
    }
    __device__ float of(int k) const { return second(T(), own.of[k / 2], k % 2 != 0); }
    static __device__ float second(Half, unsigned int pair, bool is) {
        return wide(Half{(unsigned short)(is ? pair >> 16 : pair)});
    }
    static __device__ float second(Bfloat16, unsigned int pair, bool is) {
        return __uint_as_float(is ? pair & 0xffff0000u : pair << 16);
    }
};
template <> struct Read<Half, 8> : ReadPairs<Half> { using ReadPairs::ReadPairs; };
template <> struct Read<Bfloat16, 8> : ReadPairs<Bfloat16> { using ReadPairs::ReadPairs; };

template <typename A> __device__ inline A zero_if_negative(A x) { return x < 0 ? (A)0 : x; }  // NaN stays
// Not joined with an addition: what computes rounding errors counts on those of products.
__device__ inline float times(float a, float b) {
#ifdef __CUDA_ARCH__
    return __fmul_rn(a, b);
#else
    return a * b;
#endif
}
__device__ inline double times(double a, double b) {
#ifdef __CUDA_ARCH__
    return __dmul_rn(a, b);
#else
    return a * b;
#endif
}

// A quotient of numbers that are neither tiny nor huge, to two units in the last place, without the steps for others.
__device__ inline float about(float a, float b) {
#ifdef __CUDA_ARCH__
    return __fdividef(a, b);
#else
    return a / b;
#endif
}
__device__ inline double about(double a, double b) { return a / b; }

// NaN passes the bounds.
template <typename A> __device__ A bounded(A x, A low, A high) { return x < low ? low : x > high ? high : x; }
template <typename A> __device__ inline A larger(A a, A b) { return a > b || a != a ? a : b; }  // NaN wins
#if __CUDA_ARCH__ >= 800
__device__ inline float larger(float a, float b) {
    float y;
    asm("max.NaN.f32 %0, %1, %2;" : "=f"(y) : "f"(a), "f"(b));
    return y;
}
#endif
template <typename A> __device__ inline A smaller(A a, A b) { return a < b || a != a ? a : b; }
template <typename A> __device__ inline A sign(A x) { return x > 0 ? (A)1 : x < 0 ? (A)-1 : x; }  // NaN stays

// Whether this block is the last of `blocks` that come here, and so sees all that they wrote before. They count at a place
// that is 0 before and after.
__device__ inline bool is_last(unsigned int *place, unsigned int blocks) {
    __shared__ bool last;
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0 && threadIdx.y == 0) last = atomicInc(place, blocks - 1) == blocks - 1;
    __syncthreads();
    __threadfence();
    return last;
}

template <typename A> __device__ A warp_sum(A x) {
    for (int d = 16; d; d >>= 1) x += __shfl_xor_sync(0xffffffffu, x, d);
    return x;
}

// Of kernels whose blocks hold one row of threads, or several of one warp each: registers must do for the longest row.
#define ROW_THREADS __launch_bounds__(1024)

// The sum over threadIdx.x of such a block.
template <typename A> __device__ A row_sum(A x) {
    x = warp_sum(x);
    if (blockDim.x == 32) return x;
    __shared__ A parts[32];
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    if (lane == 0) parts[warp] = x;
    __syncthreads();
    x = warp_sum(lane < blockDim.x / 32 ? parts[lane] : (A)0);
    __syncthreads();
    return x;
}

template <typename A> __device__ A row_max(A x) {
    for (int d = 16; d; d >>= 1) x = fmax(x, __shfl_xor_sync(0xffffffffu, x, d));
    if (blockDim.x == 32) return x;
    __shared__ A parts[32];
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    if (lane == 0) parts[warp] = x;
    __syncthreads();
    x = lane < blockDim.x / 32 ? parts[lane] : x;
    for (int d = 16; d; d >>= 1) x = fmax(x, __shfl_xor_sync(0xffffffffu, x, d));
    __syncthreads();
    return x;
}

// Of kernels that hold K vectors of a row in the registers of each thread, and for longer rows, where K is 0, do not.
#define HOLDING_THREADS __launch_bounds__(K ? 512 : 1024)

// A row of n numbers in registers, all read at once; `beyond` behind its end.
template <typename T, int V, int K> struct Held {
    using A = Wide<T>;
    A of[K][V];
    int packs;

    __device__ Held(const T *x, Int n, A beyond) : packs((int)(n / V)) {
        Read<T, V> own[K];
#pragma unroll
        for (int j = 0; j < K; ++j) own[j] = there(j) ? ((const Read<T, V> *)x)[place(j)] : Read<T, V>(beyond);
#pragma unroll
        for (int j = 0; j < K; ++j)
            for (int k = 0; k < V; ++k) of[j][k] = own[j].of(k);
    }
    __device__ int place(int j) const { return threadIdx.x + j * blockDim.x; }
    __device__ bool there(int j) const { return place(j) < packs; }
    // F takes a number of this row and those at the same place in others.
    template <typename F, typename... H> __device__ A sum(F term, const H &...others) const {
        A found = 0;
#pragma unroll
        for (int j = 0; j < K; ++j)
            if (there(j))
                for (int k = 0; k < V; ++k) found += term(of[j][k], others.of[j][k]...);
        return row_sum(found);
    }
    template <typename F, typename... H> __device__ void put(T *y, F f, const H &...others) const {
#pragma unroll
        for (int j = 0; j < K; ++j) {
            if (!there(j)) continue;
            Pack<T, V> p;
            for (int k = 0; k < V; ++k) p.of[k] = Narrow<T>::of(f(of[j][k], others.of[j][k]...));
            ((Pack<T, V> *)y)[place(j)] = p;
        }
    }
};

// Blocks of 256 threads, of which a multiprocessor must have room for four: `launch.WAVES` counts on it.
#define SHARED_THREADS __launch_bounds__(256, 4)

// States of V columns for each thread, over threadIdx.y: a state can be added to another, and a new one changes nothing.
template <typename S, int V> __device__ void over_block(S (&s)[V]) {
    alignas(S) __shared__ char held[256 * V * sizeof(S)];  // the threads of a block
    if (blockDim.y == 1) return;
    S *own = (S *)held + threadIdx.y * blockDim.x + threadIdx.x;
    for (int k = 0; k < V; ++k) own[k * 256] = s[k];
    __syncthreads();
    for (int half = blockDim.y / 2; half; half /= 2) {
        if (threadIdx.y < half)
            for (int k = 0; k < V; ++k) own[k * 256].add(own[k * 256 + half * blockDim.x]);
        __syncthreads();
    }
    for (int k = 0; k < V; ++k) s[k] = ((S *)held)[k * 256 + threadIdx.x];
    __syncthreads();
}

// The same, then over blockIdx.y through the states of all blocks in memory, (images, gridDim.y, n): true in the block that
// has the result. It reads the states of all its columns at once, as it waits for each read.
template <typename S, int V>
__device__ bool whole(S (&s)[V], S *states, unsigned int *counts, Int image, Int n, Int column, bool inside) {
    over_block(s);
    if (gridDim.y == 1) return true;
    states += image * gridDim.y * n + column;
    if (threadIdx.y == 0 && inside)
        for (int k = 0; k < V; ++k) states[blockIdx.y * n + k] = s[k];
    if (!is_last(counts + blockIdx.x, gridDim.y)) return false;
    for (int k = 0; k < V; ++k) s[k] = S();
    for (Int i = threadIdx.y; i < gridDim.y && inside; i += blockDim.y) {
        S others[V];
        for (int k = 0; k < V; ++k) others[k] = states[i * n + k];
        for (int k = 0; k < V; ++k) s[k].add(others[k]);
    }
    over_block(s);
    return true;
}
