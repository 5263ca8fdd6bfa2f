// Pooling of channels-last images (N, D, H, W, C) in up to three dimensions; of fewer, the first are 1.

// A number of taps, or of outputs, along an axis.
struct Range { int from, to; };

static constexpr int SPAN = 4;  // neighbouring pixels of a line that a thread of `put_taps` has

// As `pooling.py` passes it. packs: of the channels of a pixel. spans: `size`, with the last axis in units of SPAN.
struct Window {
    Divisor size[3], out[3], stride[3];
    int kernel[3], padding[3], dilation[3];
    Divisor packs, spans[3];

    // Where tap 0 of output o reads.
    __device__ int start(int axis, int o) const { return o * (int)stride[axis].by - padding[axis]; }
    // The taps with which output o reads the image.
    __device__ Range taps(int axis, int o) const {
        int before = -start(axis, o), behind = before + (int)size[axis].by, d = dilation[axis];
        if (d > 1) before = before > 0 ? (before + d - 1) / d : 0, behind = (behind + d - 1) / d;
        return {before > 0 ? before : 0, behind < kernel[axis] ? behind : kernel[axis]};
    }
    // The outputs that may read input i.
    __device__ Range outputs(int axis, int i) const {
        int reach = i + padding[axis], last = stride[axis].quotient(reach);
        int behind = reach - (kernel[axis] - 1) * dilation[axis] + (int)stride[axis].by - 1;
        int end = (int)out[axis].by;
        return {behind > 0 ? (int)stride[axis].quotient(behind) : 0, last < end ? last + 1 : end};
    }
    // The tap with which output o reads input i, or -1; without dilation it may also be none of the kernel's.
    template <bool DILATED> __device__ int tap(int axis, int i, int o) const {
        int reach = i - start(axis, o), d = dilation[axis];
        return !DILATED ? reach : reach % d ? -1 : reach / d;
    }
};

// A place in an array (N, *size, packs).
struct Place {
    Int image;
    int at[3];
    Int pack;

    __device__ Place(Int index, const Divisor *size, const Divisor &packs) {
        if (index <= 0x7fffffff) {
            unsigned int rest = (unsigned int)index, ahead = packs.quotient(rest);
            pack = rest - ahead * packs.by, rest = ahead;
            for (int axis = 2; axis >= 0; --axis) {
                ahead = size[axis].quotient(rest);
                at[axis] = rest - ahead * size[axis].by, rest = ahead;
            }
            image = rest;
        } else {
            pack = index % packs.by, index /= packs.by;
            for (int axis = 2; axis >= 0; --axis) at[axis] = index % size[axis].by, index /= size[axis].by;
            image = index;
        }
    }
};

// The number of the first vector of a row of pixels, in its pack.
__device__ inline Int row(const Place &place, const Divisor *size, int d, int h, const Divisor &packs) {
    return ((place.image * size[0].by + d) * size[1].by + h) * size[2].by * packs.by + place.pack;
}

// take(vector, number of the tap) for the taps of a window that lie in the image, from the first on. Up to three in a line
// are read at once, those of the next line while they are taken: a thread would wait for each line otherwise.
template <typename T, int V, typename F>
__device__ void over_window(const Window &w, const Place &o, const T *x, Range a, Range b, Range c, F take) {
    const Int across = (Int)w.dilation[2] * w.packs.by, down = (Int)w.dilation[1] * w.size[2].by * w.packs.by;
    const int width = c.to - c.from, v = w.start(2, o.at[2]) + c.from * w.dilation[2];
    if (b.from >= b.to || width <= 0) return;
    for (int i = a.from; i < a.to; ++i) {
        int d = w.start(0, o.at[0]) + i * w.dilation[0], h = w.start(1, o.at[1]) + b.from * w.dilation[1];
        const Pack<T, V> *line = (const Pack<T, V> *)x + row(o, w.size, d, h, w.packs) + (Int)v * w.packs.by;
        int number = (i * w.kernel[1] + b.from) * w.kernel[2] + c.from;
        Pack<T, V> now[3], next[3];
        for (int u = 0; u < 3; ++u)
            if (u < width) now[u] = line[u * across];
#pragma unroll 1
        for (int j = b.from; j < b.to; ++j, number += w.kernel[2]) {
            if (j + 1 < b.to)
                for (int u = 0; u < 3; ++u)
                    if (u < width) next[u] = line[down + u * across];
            for (int u = 0; u < 3; ++u)
                if (u < width) take(now[u], number + u);
#pragma unroll 1
            for (int u = 3; u < width; ++u) {
                Pack<T, V> p = line[u * across];
                take(p, number + u);
            }
            line += down;
            for (int u = 0; u < 3; ++u) now[u] = next[u];
        }
    }
}

// V maxima so far and the numbers of their taps: the first of equals. Of NaN only that there was one is known.
template <typename T, int V> struct Best {
    using A = Wide<T>;
    A most[V];
    int tap[V];

    __device__ Best(int first) {
        for (int k = 0; k < V; ++k) most[k] = -infinity<A>(), tap[k] = first;
    }
    __device__ void take(const Pack<T, V> &p, int number) {
        for (int k = 0; k < V; ++k) {
            A value = wide(p.of[k]);
            if (value > most[k]) tap[k] = number;
            most[k] = larger(most[k], value);
        }
    }
    __device__ T value(int k) const { return Narrow<T>::of(most[k]); }
    __device__ int named(int k) const { return tap[k]; }
};

// The same of 16-bit floats, two in each word, with up to 256 taps: for the architectures that compare two at once.
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
// Where those of a are greater, as bits that are all 1; and the greater ones, NaN before all others.
template <typename T> __device__ unsigned int greater_of_two(T, unsigned int a, unsigned int b) {
    unsigned int found = 0;
    for (int half = 0; half < 32; half += 16)
        if (wide(T{(unsigned short)(a >> half)}) > wide(T{(unsigned short)(b >> half)})) found |= 0xffffu << half;
    return found;
}
template <typename T> __device__ unsigned int larger_of_two(T, unsigned int a, unsigned int b) {
    unsigned int found = 0;
    for (int half = 0; half < 32; half += 16) {
        float x = larger(wide(T{(unsigned short)(a >> half)}), wide(T{(unsigned short)(b >> half)}));
        found |= (unsigned int)Narrow<T>::of(x).bits << half;
    }
    return found;
}
#ifdef __CUDA_ARCH__
#define OF_TWO(NAME, T, INSTRUCTION)                                                     \
    __device__ inline unsigned int NAME(T, unsigned int a, unsigned int b) {             \
        unsigned int y;                                                                  \
        asm(INSTRUCTION " %0, %1, %2;" : "=r"(y) : "r"(a), "r"(b));                      \
        return y;                                                                        \
    }
OF_TWO(greater_of_two, Half, "set.gt.u32.f16x2")
OF_TWO(greater_of_two, Bfloat16, "set.gt.u32.bf16x2")
OF_TWO(larger_of_two, Half, "max.NaN.f16x2")
OF_TWO(larger_of_two, Bfloat16, "max.NaN.bf16x2")
#endif
template <typename T, int V> struct BestPairs {
    unsigned int most[V / 2], tap[V / 2];

    __device__ BestPairs(int first) {
        for (int k = 0; k < V / 2; ++k)
            most[k] = Narrow<T>::of(-infinity<float>()).bits * 0x10001u, tap[k] = first * 0x10001u;
    }
    __device__ void take(const Pack<T, V> &p, int number) {
        const Pack<unsigned int, V / 2> &pairs = (const Pack<unsigned int, V / 2> &)p;
        for (int k = 0; k < V / 2; ++k) {
            unsigned int more = greater_of_two(T(), pairs.of[k], most[k]);
            tap[k] = (tap[k] & ~more) | (number * 0x10001u & more);
            most[k] = larger_of_two(T(), pairs.of[k], most[k]);
        }
    }
    __device__ T value(int k) const { return {(unsigned short)(most[k / 2] >> k % 2 * 16)}; }
    __device__ int named(int k) const { return tap[k / 2] >> k % 2 * 16 & 0xffff; }
};
template <typename T, typename K, int V, bool PAIRS> struct BestOf { using type = Best<T, V>; };
template <typename T, typename K, int V> struct BestOf<T, K, V, true> { using type = BestPairs<T, V>; };
static constexpr bool IN_PAIRS = true;
#else
static constexpr bool IN_PAIRS = false;
template <typename T, typename K, int V, bool PAIRS> struct BestOf { using type = Best<T, V>; };
#endif

// The first taps that are NaN, of the windows of a vector that have some. Not part of the kernel's code, whose registers it
// would need.
template <typename T, typename K>
__device__ __noinline__ void name_nans(const T *x, K *taps, Int index, int length, const Window &w) {
    Place o(index, w.out, w.packs);
    Range a = w.taps(0, o.at[0]), b = w.taps(1, o.at[1]), c = w.taps(2, o.at[2]);
    for (int i = a.to - 1; i >= a.from; --i)
        for (int j = b.to - 1; j >= b.from; --j)
            for (int l = c.to - 1; l >= c.from; --l) {
                int d = w.start(0, o.at[0]) + i * w.dilation[0], h = w.start(1, o.at[1]) + j * w.dilation[1];
                int v = w.start(2, o.at[2]) + l * w.dilation[2];
                Int at = (row(o, w.size, d, h, w.packs) + (Int)v * w.packs.by) * length;
                for (int k = 0; k < length; ++k) {
                    Wide<T> own = wide(x[at + k]);
                    if (own != own) taps[index * length + k] = (K)((i * w.kernel[1] + j) * w.kernel[2] + l);
                }
            }
}

// The largest element of every window and the number K of its tap: the first of equals, and NaN before all others.
template <typename T, typename K, int V>
__global__ void __launch_bounds__(256, sizeof(K) == 1 && (IN_PAIRS || sizeof(T) > 2) ? 4 : 2)
max_of_windows(const T *x, T *y, K *taps, Int count, const __grid_constant__ Window w) {
    Int index = (Int)blockIdx.x * blockDim.x + threadIdx.x;
    if (index >= count) return;
    Place o(index, w.out, w.packs);
    Range a = w.taps(0, o.at[0]), b = w.taps(1, o.at[1]), c = w.taps(2, o.at[2]);
    bool any = a.from < a.to && b.from < b.to && c.from < c.to;
    int first = ((any ? a.from : w.kernel[0] - 1) * w.kernel[1] + (any ? b.from : w.kernel[1] - 1)) * w.kernel[2]
                + (any ? c.from : w.kernel[2] - 1);
    typename BestOf<T, K, V, sizeof(T) == 2 && sizeof(K) == 1 && V % 2 == 0>::type best(first);
    over_window<T, V>(w, o, x, a, b, c, [&](const Pack<T, V> &p, int number) { best.take(p, number); });
    Pack<T, V> result;
    Pack<K, V> where;
    bool missing = false;  // the tap of a NaN
    for (int k = 0; k < V; ++k) {
        result.of[k] = best.value(k), where.of[k] = (K)best.named(k);
        missing = missing || !(wide(result.of[k]) == wide(result.of[k]));
    }
    ((Pack<T, V> *)y)[index] = result;
    ((Pack<K, V> *)taps)[index] = where;
    if (missing) name_nans(x, taps, index, V, w);
}

// The element that a tap names in each window; 0 beyond the image.
template <typename T, typename K>
__global__ void take_taps(const T *x, const K *taps, T *y, Int count, const __grid_constant__ Window w) {
    Int index = (Int)blockIdx.x * blockDim.x + threadIdx.x;
    if (index >= count) return;
    Place o(index, w.out, w.packs);
    int rest = (int)taps[index], at[3];
    bool inside = true;
    for (int axis = 2; axis >= 0; --axis) {
        at[axis] = w.start(axis, o.at[axis]) + rest % w.kernel[axis] * w.dilation[axis], rest /= w.kernel[axis];
        inside = inside && (unsigned int)at[axis] < w.size[axis].by;
    }
    y[index] = inside ? x[row(o, w.size, at[0], at[1], w.packs) + (Int)at[2] * w.packs.by] : Narrow<T>::of((Wide<T>)0);
}

// The taps of V windows, to be compared with a number: bytes where they lie in a word, as to take them out costs more.
template <typename K, int V> struct Names {
    Pack<K, V> own;

    __device__ bool is(int k, unsigned int number) const { return own.of[k] == (K)number; }
};
template <int V> struct Bytes {
    Pack<unsigned int, V / 4> own;

    __device__ bool is(int k, unsigned int number) const {
        return !((own.of[k / 4] ^ number * 0x1010101u) & 0xffu << k % 4 * 8);
    }
};
template <> struct Names<unsigned char, 4> : Bytes<4> {};
template <> struct Names<unsigned char, 8> : Bytes<8> {};

// The transpose: every element of the image adds up, tap by tap, the windows that name it. Finding these takes longer than
// adding, so a thread does it for several pixels.
template <typename T, typename K, int V, bool DILATED>
__global__ void __launch_bounds__(256, sizeof(K) == 1 && !DILATED ? 3 : 2)
put_taps(const T *g, const K *taps, T *dx, Int count, const __grid_constant__ Window w) {
    using A = Wide<T>;
    Int index = (Int)blockIdx.x * blockDim.x + threadIdx.x;
    if (index >= count) return;
    Place i(index, w.spans, w.packs);
    int first = i.at[2] * SPAN, beyond = first + SPAN < (int)w.size[2].by ? first + SPAN : (int)w.size[2].by;
    A sum[SPAN][V] = {};
    Range d = w.outputs(0, i.at[0]), h = w.outputs(1, i.at[1]);
    Range v = {w.outputs(2, first).from, w.outputs(2, beyond - 1).to};
    for (int p = d.to - 1; p >= d.from; --p)
        for (int q = h.to - 1; q >= h.from; --q) {
            int a = w.tap<DILATED>(0, i.at[0], p), b = w.tap<DILATED>(1, i.at[1], q);
            if (a < 0 || b < 0) continue;
            Int line = row(i, w.out, p, q, w.packs) + (Int)(v.to - 1) * w.packs.by;
            const Names<K, V> *names = (const Names<K, V> *)taps + line;
            const Read<T, V> *windows = (const Read<T, V> *)g + line;
            int ahead = (a * w.kernel[1] + b) * w.kernel[2];
            if (v.from >= v.to) continue;
            Names<K, V> next = *names;
            Read<T, V> coming = *windows;
            for (int r = v.to - 1; r >= v.from; --r) {
                Names<K, V> t = next;
                Read<T, V> s = coming;
                if (r > v.from) {  // on their way while these are added
                    next = *(names -= w.packs.by);
                    coming = *(windows -= w.packs.by);
                }
#pragma unroll
                for (int m = 0; m < SPAN; ++m) {
                    int c = w.tap<DILATED>(2, first + m, r);
                    if ((unsigned int)c >= (unsigned int)w.kernel[2]) continue;
                    for (int k = 0; k < V; ++k)
                        if (t.is(k, ahead + c)) sum[m][k] += s.of(k);
                }
            }
        }
    Int line = row(i, w.size, i.at[0], i.at[1], w.packs);
#pragma unroll
    for (int m = 0; m < SPAN; ++m) {
        if (first + m >= beyond) break;
        Pack<T, V> result;
        for (int k = 0; k < V; ++k) result.of[k] = Narrow<T>::of(sum[m][k]);
        ((Pack<T, V> *)dx)[line + (Int)(first + m) * w.packs.by] = result;
    }
}

// What the sum of a window is divided by: `divisor`, or where that is 0 its elements, with those of the padding or not.
template <typename A> __device__ A elements(const Window &w, int d, int h, int v, bool padded, A divisor) {
    if (divisor) return divisor;
    A n = 1;
    int o[3] = {d, h, v};
    for (int axis = 0; axis < 3; ++axis) {
        int start = w.start(axis, o[axis]), stop = start + w.kernel[axis];
        int low = padded || start > 0 ? start : 0, high = (int)w.size[axis].by + (padded ? w.padding[axis] : 0);
        n *= (stop < high ? stop : high) - low;
    }
    return n;
}

template <typename T, int V>
__global__ void avg_pool(const T *x, T *y, Int count, Int padded, double divisor, const __grid_constant__ Window w) {
    using A = Wide<T>;
    Int index = (Int)blockIdx.x * blockDim.x + threadIdx.x;
    if (index >= count) return;
    Place o(index, w.out, w.packs);
    Range a = w.taps(0, o.at[0]), b = w.taps(1, o.at[1]), c = w.taps(2, o.at[2]);
    A sum[V] = {};
    over_window<T, V>(w, o, x, a, b, c, [&](const Pack<T, V> &p, int) {
        for (int k = 0; k < V; ++k) sum[k] += wide(p.of[k]);
    });
    A n = elements(w, o.at[0], o.at[1], o.at[2], padded != 0, (A)divisor);
    Pack<T, V> result;
    for (int k = 0; k < V; ++k) result.of[k] = Narrow<T>::of(sum[k] / n);
    ((Pack<T, V> *)y)[index] = result;
}

template <typename T, int V>
__global__ void avg_pool_input(const T *g, T *dx, Int count, Int padded, double divisor,
                               const __grid_constant__ Window w) {
    using A = Wide<T>;
    Int index = (Int)blockIdx.x * blockDim.x + threadIdx.x;
    if (index >= count) return;
    Place i(index, w.size, w.packs);
    A sum[V] = {};
    Range d = w.outputs(0, i.at[0]), h = w.outputs(1, i.at[1]), v = w.outputs(2, i.at[2]);
    for (int p = d.to - 1; p >= d.from; --p)
        for (int q = h.to - 1; q >= h.from; --q) {
            if (w.tap<true>(0, i.at[0], p) < 0 || w.tap<true>(1, i.at[1], q) < 0) continue;
            Int line = row(i, w.out, p, q, w.packs);
#pragma unroll 2
            for (int r = v.to - 1; r >= v.from; --r) {
                if (w.tap<true>(2, i.at[2], r) < 0) continue;
                Pack<T, V> s = ((const Pack<T, V> *)g)[line + (Int)r * w.packs.by];
                A n = elements(w, p, q, r, padded != 0, (A)divisor);
                for (int k = 0; k < V; ++k) sum[k] += wide(s.of[k]) / n;
            }
        }
    Pack<T, V> result;
    for (int k = 0; k < V; ++k) result.of[k] = Narrow<T>::of(sum[k]);
    ((Pack<T, V> *)dx)[index] = result;
}
