// Softmax and its logarithm along one axis, and their gradients.

#include "totals.cuh"

// Of rows (rows, n), held in registers unless K is 0.
template <typename T, int V, int K, bool LOGARITHM>
__global__ void HOLDING_THREADS softmax_rows(const T *x, T *y, Int rows, Int n) {
    using A = Wide<T>;
    Int row = (Int)blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= rows) return;
    x += row * n, y += row * n;
    if constexpr (K > 0) {
        Held<T, V, K> held(x, n, -infinity<A>());
        Total<A> t = total_of(held);
        held.put(y, [=](A v) { return share<T, LOGARITHM>(v, t); });
    } else {
        Total<A> t = total_of_row<T, V>(x, n);
        for (Int i = threadIdx.x; i < n / V; i += blockDim.x) {
            Pack<T, V> p = ((const Pack<T, V> *)x)[i];
            for (int k = 0; k < V; ++k) p.of[k] = Narrow<T>::of(share<T, LOGARITHM>(wide(p.of[k]), t));
            ((Pack<T, V> *)y)[i] = p;
        }
    }
}

template <typename T, bool LOGARITHM>
__global__ void softmax_columns(const T *x, T *y, Int outer, Int n, Int inner) {
    using A = Wide<T>;
    Int at = (Int)blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= outer * inner) return;
    Int start = start_of(at, n, inner);
    x += start, y += start;
    Total<A> t = total_of_column(x, n, inner);
    for (Int i = 0; i < n; ++i) y[i * inner] = Narrow<T>::of(share<T, LOGARITHM>(wide(x[i * inner]), t));
}

// Gradients of both, given the result y: y (g - Σ g y), or g - exp(y) Σ g.
template <typename T, bool LOGARITHM> __device__ Wide<T> term(Wide<T> g, Wide<T> y) { return LOGARITHM ? g : g * y; }
template <typename T, bool LOGARITHM> __device__ Wide<T> slope(Wide<T> g, Wide<T> y, Wide<T> sum) {
    return LOGARITHM ? g - exp(y) * sum : y * g - y * sum;
}

template <typename T, int V, int K, bool LOGARITHM>
__global__ void HOLDING_THREADS softmax_gradient_rows(const T *g, const T *y, T *dx, Int rows, Int n) {
    using A = Wide<T>;
    Int row = (Int)blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= rows) return;
    g += row * n, y += row * n, dx += row * n;
    A sum = 0;
    if constexpr (K > 0) {
        Held<T, V, K> gs(g, n, (A)0), ys(y, n, (A)0);
        sum = gs.sum([](A a, A b) { return term<T, LOGARITHM>(a, b); }, ys);
        gs.put(dx, [=](A a, A b) { return slope<T, LOGARITHM>(a, b, sum); }, ys);
        return;
    }
    for (Int i = threadIdx.x; i < n / V; i += blockDim.x) {
        Pack<T, V> p = ((const Pack<T, V> *)g)[i], q = ((const Pack<T, V> *)y)[i];
        for (int k = 0; k < V; ++k) sum += term<T, LOGARITHM>(wide(p.of[k]), wide(q.of[k]));
    }
    sum = row_sum(sum);
    for (Int i = threadIdx.x; i < n / V; i += blockDim.x) {
        Pack<T, V> p = ((const Pack<T, V> *)g)[i], q = ((const Pack<T, V> *)y)[i];
        for (int k = 0; k < V; ++k)
            p.of[k] = Narrow<T>::of(slope<T, LOGARITHM>(wide(p.of[k]), wide(q.of[k]), sum));
        ((Pack<T, V> *)dx)[i] = p;
    }
}

template <typename T, bool LOGARITHM>
__global__ void softmax_gradient_columns(const T *g, const T *y, T *dx, Int outer, Int n, Int inner) {
    using A = Wide<T>;
    Int at = (Int)blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= outer * inner) return;
    Int start = start_of(at, n, inner);
    g += start, y += start, dx += start;
    A sum = 0;
    for (Int i = 0; i < n; ++i) sum += term<T, LOGARITHM>(wide(g[i * inner]), wide(y[i * inner]));
    for (Int i = 0; i < n; ++i)
        dx[i * inner] = Narrow<T>::of(slope<T, LOGARITHM>(wide(g[i * inner]), wide(y[i * inner]), sum));
}
