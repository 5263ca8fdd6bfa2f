// Elementwise work that would be several passes otherwise, over arrays that lie alike and without gaps in memory.

struct Add { template <typename A> static __device__ A of(A a, A b) { return a + b; } };
struct AddRelu { template <typename A> static __device__ A of(A a, A b) { return zero_if_negative(a + b); } };
struct Relu { template <typename A> static __device__ A of(A a, A) { return zero_if_negative(a); } };
struct Gate { template <typename A> static __device__ A of(A g, A x) { return x <= 0 ? (A)0 : g; } };

template <typename F, typename T> __device__ T applied(T a, T b) { return Narrow<T>::of(F::of(wide(a), wide(b))); }

// The last elements, that do not fill a vector, are left to one thread each.
template <typename F, typename T, int V> __global__ void map(const T *a, const T *b, T *y, Int n) {
    Int at = (Int)blockIdx.x * blockDim.x + threadIdx.x, packs = n / V;
    if (at < packs) {
        Pack<T, V> p = ((const Pack<T, V> *)a)[at], q = ((const Pack<T, V> *)b)[at];
        for (int k = 0; k < V; ++k) p.of[k] = applied<F>(p.of[k], q.of[k]);
        ((Pack<T, V> *)y)[at] = p;
    } else if (at - packs < n - packs * V) {
        Int i = packs * V + at - packs;
        y[i] = applied<F>(a[i], b[i]);
    }
}

// In another dtype.
template <typename T, typename R, int V> __global__ void convert(const T *x, R *y, Int n) {
    Int at = (Int)blockIdx.x * blockDim.x + threadIdx.x, packs = n / V;
    if (at < packs) {
        Pack<T, V> p = ((const Pack<T, V> *)x)[at];
        Pack<R, V> q;
        for (int k = 0; k < V; ++k) q.of[k] = Narrow<R>::of(wide(p.of[k]));
        ((Pack<R, V> *)y)[at] = q;
    } else if (at - packs < n - packs * V) {
        Int i = packs * V + at - packs;
        y[i] = Narrow<R>::of(wide(x[i]));
    }
}

// x · scale where `keep` holds, else x · 0, so that what is not finite becomes NaN.
template <typename T, int V>
__global__ void drop(const Pack<T, V> *x, const Pack<unsigned char, V> *keep, Pack<T, V> *y, double scale, Int packs) {
    Int at = (Int)blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= packs) return;
    Pack<T, V> p = x[at];
    Pack<unsigned char, V> q = keep[at];
    for (int k = 0; k < V; ++k) {
        Wide<T> a = wide(p.of[k]);
        p.of[k] = Narrow<T>::of(a * (q.of[k] ? (Wide<T>)scale : (Wide<T>)0));
    }
    y[at] = p;
}
