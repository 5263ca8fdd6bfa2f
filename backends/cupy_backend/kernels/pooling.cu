// Pooling of channels-last images (N, D, H, W, C) in up to three dimensions; of fewer, the first are 1.

struct Window {
    int size[3], out[3], kernel[3], stride[3], padding[3], dilation[3];

    __device__ int input(int axis, int o, int k) const { return o * stride[axis] - padding[axis] + k * dilation[axis]; }
    __device__ bool inside(int axis, int i) const { return (unsigned int)i < (unsigned int)size[axis]; }
    // The outputs that may read input i: from the last, with the earliest tap, to the first.
    __device__ int last(int axis, int i) const {
        int o = (i + padding[axis]) / stride[axis];
        return o < out[axis] ? o : out[axis] - 1;
    }
    __device__ int first(int axis, int i) const {
        int reach = i + padding[axis] - (kernel[axis] - 1) * dilation[axis];
        return reach > 0 ? (reach + stride[axis] - 1) / stride[axis] : 0;
    }
    // The tap with which output o reads input i, or -1.
    __device__ int tap(int axis, int i, int o) const {
        int reach = i + padding[axis] - o * stride[axis];
        return dilation[axis] == 1 ? reach : reach % dilation[axis] ? -1 : reach / dilation[axis];
    }
};

// A place in an array (N, *size, packs of channels).
struct Place {
    Int image;
    int at[3];
    Int pack;

    __device__ Place(Int index, const int *size, Int packs) {
        if (index <= 0x7fffffff)  // division of long numbers takes several times as long
            split((unsigned int)index, size, (unsigned int)packs);
        else
            split(index, size, packs);
    }
    template <typename I> __device__ void split(I index, const int *size, I packs) {
        pack = index % packs, index /= packs;
        for (int axis = 2; axis >= 0; --axis) at[axis] = index % (I)size[axis], index /= (I)size[axis];
        image = index;
    }
};

__device__ inline Int flat(Int image, const int *size, int d, int h, int w, Int packs, Int pack) {
    return (((image * size[0] + d) * size[1] + h) * size[2] + w) * packs + pack;
}

#define WINDOW_ARGUMENTS                                                                                             \
    Int s0, Int s1, Int s2, Int o0, Int o1, Int o2, Int k0, Int k1, Int k2, Int t0, Int t1, Int t2, Int p0, Int p1,   \
        Int p2, Int d0, Int d1, Int d2
#define WINDOW                                                                                                       \
    Window {                                                                                                         \
        {(int)s0, (int)s1, (int)s2}, {(int)o0, (int)o1, (int)o2}, {(int)k0, (int)k1, (int)k2},                       \
            {(int)t0, (int)t1, (int)t2}, {(int)p0, (int)p1, (int)p2}, {(int)d0, (int)d1, (int)d2}                    \
    }

// The largest element of every window and the number K of its tap: the first of equals, and NaN before all others.
template <typename T, typename K, int V>
__global__ void max_of_windows(const T *x, T *y, K *taps, Int count, Int packs, WINDOW_ARGUMENTS) {
    using A = Wide<T>;
    Int index = (Int)blockIdx.x * blockDim.x + threadIdx.x;
    if (index >= count) return;
    Window w = WINDOW;
    Place o(index, w.out, packs);
    A best[V];
    Pack<T, V> result;
    Pack<K, V> tap;
    bool found = false;
    for (int k = 0; k < V; ++k) {
        best[k] = -infinity<A>();
        result.of[k] = Narrow<T>::of(best[k]);
        tap.of[k] = (K)(w.kernel[0] * w.kernel[1] * w.kernel[2] - 1);
    }
    int number = 0;
    for (int a = 0; a < w.kernel[0]; ++a)
        for (int b = 0; b < w.kernel[1]; ++b)
            for (int c = 0; c < w.kernel[2]; ++c, ++number) {
                int d = w.input(0, o.at[0], a), h = w.input(1, o.at[1], b), v = w.input(2, o.at[2], c);
                if (!w.inside(0, d) || !w.inside(1, h) || !w.inside(2, v)) continue;
                Pack<T, V> p = ((const Pack<T, V> *)x)[flat(o.image, w.size, d, h, v, packs, o.pack)];
                for (int k = 0; k < V; ++k) {
                    A value = wide(p.of[k]);
                    if (!found || value > best[k] || (value != value && best[k] == best[k]))
                        best[k] = value, result.of[k] = p.of[k], tap.of[k] = (K)number;
                }
                found = true;
            }
    ((Pack<T, V> *)y)[index] = result;
    ((Pack<K, V> *)taps)[index] = tap;
}

// The element that a tap names in each window; 0 beyond the image.
template <typename T, typename K>
__global__ void take_taps(const T *x, const K *taps, T *y, Int count, Int packs, WINDOW_ARGUMENTS) {
    Int index = (Int)blockIdx.x * blockDim.x + threadIdx.x;
    if (index >= count) return;
    Window w = WINDOW;
    Place o(index, w.out, packs);
    int tap = (int)taps[index], c = tap % w.kernel[2], b = tap / w.kernel[2] % w.kernel[1];
    int a = tap / (w.kernel[1] * w.kernel[2]);
    int d = w.input(0, o.at[0], a), h = w.input(1, o.at[1], b), v = w.input(2, o.at[2], c);
    bool inside = w.inside(0, d) && w.inside(1, h) && w.inside(2, v);
    y[index] = inside ? x[flat(o.image, w.size, d, h, v, packs, o.pack)] : Narrow<T>::of(0);
}

// The transpose: every element of the image adds up, tap by tap, the windows that name it.
template <typename T, typename K, int V>
__global__ void put_taps(const T *g, const K *taps, T *dx, Int count, Int packs, WINDOW_ARGUMENTS) {
    using A = Wide<T>;
    Int index = (Int)blockIdx.x * blockDim.x + threadIdx.x;
    if (index >= count) return;
    Window w = WINDOW;
    Place i(index, w.size, packs);
    A sum[V] = {};
    int low[3], high[3];
    for (int axis = 0; axis < 3; ++axis) low[axis] = w.first(axis, i.at[axis]), high[axis] = w.last(axis, i.at[axis]);
    for (int d = high[0]; d >= low[0]; --d)
        for (int h = high[1]; h >= low[1]; --h)
            for (int v = high[2]; v >= low[2]; --v) {
                int a = w.tap(0, i.at[0], d), b = w.tap(1, i.at[1], h), c = w.tap(2, i.at[2], v);
                if (a < 0 || b < 0 || c < 0) continue;
                int number = (a * w.kernel[1] + b) * w.kernel[2] + c;
                Int at = flat(i.image, w.out, d, h, v, packs, i.pack);
                Pack<K, V> t = ((const Pack<K, V> *)taps)[at];
                Pack<T, V> p = ((const Pack<T, V> *)g)[at];
                for (int k = 0; k < V; ++k)
                    if ((int)t.of[k] == number) sum[k] += wide(p.of[k]);
            }
    Pack<T, V> result;
    for (int k = 0; k < V; ++k) result.of[k] = Narrow<T>::of(sum[k]);
    ((Pack<T, V> *)dx)[index] = result;
}

// What the sum of a window is divided by: `divisor`, or where that is 0 its elements, with those of the padding or not.
template <typename A> __device__ A elements(const Window &w, const int *o, bool padded, A divisor) {
    if (divisor) return divisor;
    A n = 1;
    for (int axis = 0; axis < 3; ++axis) {
        int start = w.input(axis, o[axis], 0), stop = start + w.kernel[axis];
        int low = padded ? start : start > 0 ? start : 0, high = w.size[axis] + (padded ? w.padding[axis] : 0);
        n *= (stop < high ? stop : high) - low;
    }
    return n;
}

template <typename T, int V>
__global__ void avg_pool(const T *x, T *y, Int count, Int packs, Int padded, double divisor, WINDOW_ARGUMENTS) {
    using A = Wide<T>;
    Int index = (Int)blockIdx.x * blockDim.x + threadIdx.x;
    if (index >= count) return;
    Window w = WINDOW;
    Place o(index, w.out, packs);
    A sum[V] = {};
    for (int a = 0; a < w.kernel[0]; ++a)
        for (int b = 0; b < w.kernel[1]; ++b)
            for (int c = 0; c < w.kernel[2]; ++c) {
                int d = w.input(0, o.at[0], a), h = w.input(1, o.at[1], b), v = w.input(2, o.at[2], c);
                if (!w.inside(0, d) || !w.inside(1, h) || !w.inside(2, v)) continue;
                Pack<T, V> p = ((const Pack<T, V> *)x)[flat(o.image, w.size, d, h, v, packs, o.pack)];
                for (int k = 0; k < V; ++k) sum[k] += wide(p.of[k]);
            }
    A n = elements(w, o.at, padded != 0, (A)divisor);
    Pack<T, V> result;
    for (int k = 0; k < V; ++k) result.of[k] = Narrow<T>::of(sum[k] / n);
    ((Pack<T, V> *)y)[index] = result;
}

template <typename T, int V>
__global__ void avg_pool_input(const T *g, T *dx, Int count, Int packs, Int padded, double divisor, WINDOW_ARGUMENTS) {
    using A = Wide<T>;
    Int index = (Int)blockIdx.x * blockDim.x + threadIdx.x;
    if (index >= count) return;
    Window w = WINDOW;
    Place i(index, w.size, packs);
    A sum[V] = {};
    int low[3], high[3];
    for (int axis = 0; axis < 3; ++axis) low[axis] = w.first(axis, i.at[axis]), high[axis] = w.last(axis, i.at[axis]);
    for (int d = high[0]; d >= low[0]; --d)
        for (int h = high[1]; h >= low[1]; --h)
            for (int v = high[2]; v >= low[2]; --v) {
                if (w.tap(0, i.at[0], d) < 0 || w.tap(1, i.at[1], h) < 0 || w.tap(2, i.at[2], v) < 0) continue;
                int o[3] = {d, h, v};
                Pack<T, V> p = ((const Pack<T, V> *)g)[flat(i.image, w.out, o[0], o[1], o[2], packs, i.pack)];
                A n = elements(w, o, padded != 0, (A)divisor);
                for (int k = 0; k < V; ++k) sum[k] += wide(p.of[k]) / n;
            }
    Pack<T, V> result;
    for (int k = 0; k < V; ++k) result.of[k] = Narrow<T>::of(sum[k]);
    ((Pack<T, V> *)dx)[index] = result;
}
