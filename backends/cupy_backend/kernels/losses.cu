// Cross-entropy along one axis and losses of log-probabilities, their sums, and their gradients.

#include "totals.cuh"

// What a class weighs: 1 if `weight` is null.
template <typename T> __device__ inline Wide<T> weight_of(const T *weight, Int of) {
    return weight ? wide(weight[of]) : (Wide<T>)1;
}

// Means over the n classes: of the differences from the largest number, times the weights, and of the weights.
template <typename A> struct Means { A differences = 0, weights = 1; };

template <typename T> __device__ Means<Wide<T>> weighted_means(const T *x, const T *weight, Wide<T> largest, Int n) {
    Means<Wide<T>> m;
    m.weights = 0;
    for (Int i = threadIdx.x; i < n; i += blockDim.x) {
        Wide<T> w = wide(weight[i]);
        m.differences += w * (wide(x[i]) - largest), m.weights += w;
    }
    m.differences = row_sum(m.differences) / (Wide<T>)n, m.weights = row_sum(m.weights) / (Wide<T>)n;
    return m;
}

// The number of the class `chosen`, of n; NaN if it is none of them.
template <typename T> __device__ Wide<T> of_class(const T *x, Int chosen, Int n, Int step) {
    return 0 <= chosen && chosen < n ? wide(x[chosen * step]) : not_a_number<Wide<T>>();
}

// Losses log Σ exp(x) - x[target] of rows, times what the target weighs; and their largest numbers and sums. A share of the
// target, `spread`, lies on all n classes evenly. A loss is 0 where the target is `ignored`, and NaN where it is none of the
// classes. own: the number of the target.
template <typename T>
__device__ T loss(Wide<T> own, Total<Wide<T>> t, Int chosen, const T *weight, Int n, Int ignored, Wide<T> spread,
                  Means<Wide<T>> m) {
    using A = Wide<T>;
    if (chosen == ignored) return Narrow<T>::of((A)0);
    if (chosen < 0 || chosen >= n) return Narrow<T>::of(not_a_number<A>());
    A high = log(t.sum), found = weight_of(weight, chosen) * (high - (own - t.largest));
    return Narrow<T>::of(spread > 0 ? found - spread * (found - (m.weights * high - m.differences)) : found);
}

template <typename T, int V, int K>
__global__ void HOLDING_THREADS nll_rows(const T *x, const Int *target, const T *weight, T *losses, Wide<T> *largest,
                                         Wide<T> *sum, Int rows, Int n, Int ignored, double smoothing) {
    using A = Wide<T>;
    A spread = (A)smoothing;
    Means<A> m;
    Int row = (Int)blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= rows) return;
    x += row * n;
    Int chosen = target[row];  // asked for before the row: all that a thread waits for is on its way together
    A own;
    Total<A> t;
    if constexpr (K > 0) {
        Held<T, V, K> held(x, n, -infinity<A>());
        own = of_class(x, chosen, n, 1);
        t = total_of(held);
        if (spread > 0 && !weight) m.differences = held.sum([=](A v) { return v - t.largest; }) / (A)n;
    } else {
        own = of_class(x, chosen, n, 1);
        t = total_of_row<T, V>(x, n);
        if (spread > 0 && !weight) {
            for (Int i = threadIdx.x; i < n / V; i += blockDim.x) {
                Pack<T, V> p = ((const Pack<T, V> *)x)[i];
                for (int k = 0; k < V; ++k) m.differences += wide(p.of[k]) - t.largest;
            }
            m.differences = row_sum(m.differences) / (A)n;
        }
    }
    if (spread > 0 && weight) m = weighted_means(x, weight, t.largest, n);
    if (threadIdx.x == 0) {
        losses[row] = loss(own, t, chosen, weight, n, ignored, spread, m);
        largest[row] = t.largest, sum[row] = t.sum;
    }
}

template <typename T>
__global__ void nll_columns(const T *x, const Int *target, const T *weight, T *losses, Wide<T> *largest, Wide<T> *sum,
                            Int outer, Int n, Int inner, Int ignored, double smoothing) {
    Wide<T> spread = (Wide<T>)smoothing, all = 0;
    Means<Wide<T>> m;
    Int at = (Int)blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= outer * inner) return;
    x += start_of(at, n, inner);
    Int chosen = target[at];
    Total<Wide<T>> t = total_of_column(x, n, inner);
    for (Int i = 0; i < n && spread > 0; ++i) {
        Wide<T> w = weight_of(weight, i) / (Wide<T>)n;
        m.differences += w * (wide(x[i * inner]) - t.largest), all += w;
    }
    if (weight) m.weights = all;
    losses[at] = loss(of_class(x, chosen, n, inner), t, chosen, weight, n, ignored, spread, m);
    largest[at] = t.largest, sum[at] = t.sum;
}

// The sum of all losses, over what the targets that count weigh for a mean; or without losses that weight. The last block
// adds up what all have found, in an order that the count alone decides.
template <typename T, typename W>
__global__ void ROW_THREADS nll_total(const T *losses, const Int *target, const W *weight, Wide<T> *parts,
                                      unsigned int *counts, T *total, Int count, Int n, Int ignored, Int mean) {
    Wide<T> sum = 0, valid = 0;
    for (Int i = (Int)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += (Int)gridDim.x * blockDim.x) {
        Int chosen = target[i];
        if (losses) sum += wide(losses[i]);
        if (chosen != ignored) valid += 0 <= chosen && chosen < n ? (Wide<T>)weight_of(weight, chosen) : (Wide<T>)1;
    }
    sum = row_sum(sum), valid = row_sum(valid);
    if (gridDim.x > 1) {
        if (threadIdx.x == 0) parts[2 * blockIdx.x] = sum, parts[2 * blockIdx.x + 1] = valid;
        if (!is_last(counts, gridDim.x)) return;
        bool there = threadIdx.x < gridDim.x;
        sum = row_sum(there ? parts[2 * threadIdx.x] : (Wide<T>)0);
        valid = row_sum(there ? parts[2 * threadIdx.x + 1] : (Wide<T>)0);
    }
    if (threadIdx.x == 0) total[0] = Narrow<T>::of(!losses ? valid : mean ? sum / valid : sum);
}

// (softmax - one-hot) g, divided by *valid if that is given; g holds one number or, if `each`, one for every row.
template <typename T>
__device__ Wide<T> share_of(const T *g, Int each, const Wide<T> *valid, Int at, Int chosen, Int n, Int ignored) {
    if (chosen == ignored) return 0;
    if (chosen < 0 || chosen >= n) return not_a_number<Wide<T>>();
    Wide<T> s = wide(g[each ? at : 0]);
    return valid ? s / *valid : s;
}

// What the gradient of a loss is made of: `factor` times each exponential, less `own` at the target and `rest` times the
// weight of each class, if these have some.
template <typename T> struct Parts {
    Wide<T> factor, own, rest;

    __device__ Parts(Wide<T> s, Wide<T> w, Wide<T> mean, Wide<T> sum, Wide<T> spread, Int n)
        : factor(s * (spread > 0 ? w - spread * (w - mean) : w) / sum),
          own(spread > 0 ? s * w - s * w * spread : s * w),
          rest(spread > 0 ? s * (spread / (Wide<T>)n) : (Wide<T>)0) {}
    __device__ T slope(T x, Wide<T> largest, bool chosen, Wide<T> w) const {
        return Narrow<T>::of(power<T>(wide(x) - largest) * factor - ((chosen ? own : (Wide<T>)0) + rest * w));
    }
};

template <typename T, int V>
__global__ void ROW_THREADS nll_gradient_rows(const T *g, Int each, const Wide<T> *valid, const T *x, const Int *target,
                                              const T *weight, const Wide<T> *largest, const Wide<T> *sum, T *dx, Int rows,
                                              Int n, Int ignored, double smoothing) {
    using A = Wide<T>;
    A spread = (A)smoothing;
    Int row = (Int)blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= rows) return;
    x += row * n, dx += row * n;
    Int chosen = target[row];
    bool known = 0 <= chosen && chosen < n;
    A most = largest[row], s = share_of(g, each, valid, row, chosen, n, ignored);
    A mean = weight && spread > 0 ? weighted_means(x, weight, most, n).weights : (A)1;
    Parts<T> parts(s, known ? weight_of(weight, chosen) : (A)1, mean, sum[row], spread, n);
    if (!(spread > 0)) weight = nullptr;  // not needed any more
    for (int i = threadIdx.x, packs = (int)(n / V); i < packs; i += blockDim.x) {
        Pack<T, V> p = ((const Pack<T, V> *)x)[i];
        for (int k = 0; k < V; ++k)
            p.of[k] = parts.slope(p.of[k], most, i * V + k == chosen, weight_of(weight, i * V + k));
        ((Pack<T, V> *)dx)[i] = p;
    }
}

template <typename T>
__global__ void nll_gradient_columns(const T *g, Int each, const Wide<T> *valid, const T *x, const Int *target,
                                     const T *weight, const Wide<T> *largest, const Wide<T> *sum, T *dx, Int outer, Int n,
                                     Int inner, Int ignored, double smoothing) {
    using A = Wide<T>;
    A spread = (A)smoothing, mean = weight && spread > 0 ? (A)0 : (A)1;
    Int at = (Int)blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= outer * inner) return;
    Int start = start_of(at, n, inner), chosen = target[at];
    x += start, dx += start;
    bool known = 0 <= chosen && chosen < n;
    A most = largest[at], s = share_of(g, each, valid, at, chosen, n, ignored);
    for (Int i = 0; i < n && weight && spread > 0; ++i) mean += wide(weight[i]) / (A)n;
    Parts<T> parts(s, known ? weight_of(weight, chosen) : (A)1, mean, sum[at], spread, n);
    if (!(spread > 0)) weight = nullptr;
    for (Int i = 0; i < n; ++i)
        dx[i * inner] = parts.slope(x[i * inner], most, i == chosen, weight_of(weight, i));
}

// Losses -x[target], and their gradient, which `dx` is told only where it is not 0; NaN where the target is no class.
template <typename T>
__global__ void picked(const T *x, const Int *target, T *losses, Int outer, Int n, Int inner, Int ignored) {
    using A = Wide<T>;
    Int at = (Int)blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= outer * inner) return;
    Int chosen = target[at];
    A found = -of_class(x + start_of(at, n, inner), chosen, n, inner);
    losses[at] = Narrow<T>::of(chosen == ignored ? (A)0 : found);
}

template <typename T>
__global__ void picked_gradient(const T *g, Int each, const Wide<T> *valid, const Int *target, T *dx, Int outer, Int n,
                                Int inner, Int ignored) {
    Int at = (Int)blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= outer * inner) return;
    Int chosen = target[at];
    if (chosen == ignored) return;
    Wide<T> share = share_of(g, each, valid, at, chosen, n, ignored);
    bool known = 0 <= chosen && chosen < n;
    dx[start_of(at, n, inner) + (known ? chosen : 0) * inner] = Narrow<T>::of(-share);
}
