// Softmax, its logarithm and cross-entropy along one axis, in one pass over what a row holds and another to write.

// The largest number so far, and the sum of exp(number - largest).
template <typename A> struct Total {
    A largest = -infinity<A>(), sum = 0;

    template <int V> __device__ void add(const A (&x)[V]) {
        A most = largest;
        for (int k = 0; k < V; ++k) most = fmax(most, x[k]);  // which takes no NaN; their exponentials are NaN
        if (most > largest) sum *= exp(largest - most), largest = most;
        A from = most == -infinity<A>() ? (A)0 : most;  // before any number, not NaN of -inf + inf
        for (int k = 0; k < V; ++k) sum += exp(x[k] - from);
    }
    __device__ void add(Total other) {
        A most = larger(largest, other.largest);
        sum = scaled(largest, sum, most) + scaled(other.largest, other.sum, most);
        largest = most;
    }
    static __device__ A scaled(A from, A sum, A to) { return from == to ? sum : sum * exp(from - to); }
};

template <typename A> __device__ Total<A> warp_total(Total<A> t) {
    for (int d = 16; d; d >>= 1) {
        Total<A> other;
        other.largest = __shfl_xor_sync(0xffffffffu, t.largest, d);
        other.sum = __shfl_xor_sync(0xffffffffu, t.sum, d);
        t.add(other);
    }
    return t;
}

template <typename A> __device__ Total<A> row_total(Total<A> t) {
    t = warp_total(t);
    if (blockDim.x == 32) return t;
    __shared__ A largest[32], sum[32];
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    if (lane == 0) largest[warp] = t.largest, sum[warp] = t.sum;
    __syncthreads();
    t = Total<A>();
    if (lane < blockDim.x / 32) t.largest = largest[lane], t.sum = sum[lane];
    t = warp_total(t);
    __syncthreads();
    return t;
}

// exp of a number up to 0: for 16-bit floats with an error that grows to a hundredth of theirs.
template <typename T> __device__ inline Wide<T> power(Wide<T> x) {
#ifdef __CUDA_ARCH__
    if constexpr (sizeof(T) == 2) {
        float y;
        asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x * 1.442695041f));
        return y;
    }
#endif
    return exp(x);
}

template <typename T, int V> __device__ Total<Wide<T>> total_of_row(const T *x, Int n) {
    Total<Wide<T>> t;
    for (Int i = threadIdx.x; i < n / V; i += blockDim.x) {
        Pack<T, V> p = ((const Pack<T, V> *)x)[i];
        Wide<T> v[V];
        for (int k = 0; k < V; ++k) v[k] = wide(p.of[k]);
        t.add(v);
    }
    return row_total(t);
}

template <typename T, int V, int K> __device__ Total<Wide<T>> total_of(const Held<T, V, K> &x) {
    using A = Wide<T>;
    Total<A> t;
#pragma unroll
    for (int j = 0; j < K; ++j)
        for (int k = 0; k < V; ++k) t.largest = fmax(t.largest, x.of[j][k]);  // which takes no NaN
    t.largest = row_max(t.largest);
    A from = t.largest == -infinity<A>() ? (A)0 : t.largest;
    t.sum = x.sum([=](A v) { return power<T>(v - from); });
    return t;
}

template <typename T> __device__ Total<Wide<T>> total_of_column(const T *x, Int n, Int step) {
    Total<Wide<T>> t;
    for (Int i = 0; i < n; ++i) {
        Wide<T> v[1] = {wide(x[i * step])};
        t.add(v);
    }
    return t;
}

template <typename T, bool LOGARITHM> __device__ Wide<T> share(Wide<T> x, Total<Wide<T>> t) {
    return LOGARITHM ? (x - t.largest) - log(t.sum) : power<T>(x - t.largest) * (1 / t.sum);
}

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

// Where column `at` of (outer, n, inner) begins: a column is along the middle axis.
__device__ inline Int start_of(Int at, Int n, Int inner) { return at + quotient(at, inner) * (n - 1) * inner; }

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

// Weights of attention: the softmax of scores times `scale`, plus a mask if there is one; 0 where that hides all keys.
// The scores are matrices of `queries` rows; if `first` is not negative, row i sees the keys up to first + i. The mask
// of a row is found by its image, of `heads` matrices each, its head, and its number.
template <typename T, int V>
__global__ void ROW_THREADS attention_weights(const Wide<T> *x, T *y, Int rows, Int n, double scale, Int queries,
                                              Int first, const T *mask, Int heads, Int by_image, Int by_head,
                                              Int by_query, Int by_key) {
    using A = Wide<T>;
    Int row = (Int)blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= rows) return;
    x += row * n, y += row * n;
    Int matrix = quotient(row, queries), number = row - matrix * queries;
    int last = (int)(first >= 0 && first + number + 1 < n ? first + number + 1 : n);  // 32 bits: registers are scarce
    if (mask) {
        Int image = quotient(matrix, heads);
        mask += image * by_image + (matrix - image * heads) * by_head + number * by_query;
    }
    A s = (A)scale;
    auto score = [=](A v, int key) {
        return key >= last ? -infinity<A>() : mask ? v * s + wide(mask[key * by_key]) : v * s;
    };
    Total<A> t;
    for (int i = threadIdx.x; i * V < last; i += blockDim.x) {
        Pack<A, V> p = ((const Pack<A, V> *)x)[i];
        for (int k = 0; k < V; ++k) p.of[k] = score(p.of[k], i * V + k);
        t.add(p.of);
    }
    t = row_total(t);
    bool hidden = mask && t.largest == -infinity<A>() && t.sum == 0;  // not NaN
    for (int i = threadIdx.x, packs = (int)(n / V); i < packs; i += blockDim.x) {
        Pack<A, V> p = {};
        if (i * V < last) p = ((const Pack<A, V> *)x)[i];
        Pack<T, V> q;
        for (int k = 0; k < V; ++k) {
            bool seen = i * V + k < last && !hidden;
            q.of[k] = Narrow<T>::of(seen ? share<T, false>(score(p.of[k], i * V + k), t) : (A)0);
        }
        ((Pack<T, V> *)y)[i] = q;
    }
}

// The gradient in the scores, from that in the weights y.
template <typename T, int V>
__global__ void ROW_THREADS attention_slopes(const Wide<T> *g, const T *y, T *dx, Int rows, Int n, double scale) {
    using A = Wide<T>;
    Int row = (Int)blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= rows) return;
    g += row * n, y += row * n, dx += row * n;
    A sum = 0;
    for (Int i = threadIdx.x; i < n / V; i += blockDim.x) {
        Pack<A, V> p = ((const Pack<A, V> *)g)[i];
        Pack<T, V> q = ((const Pack<T, V> *)y)[i];
        for (int k = 0; k < V; ++k) sum += p.of[k] * wide(q.of[k]);
    }
    sum = row_sum(sum);
    for (Int i = threadIdx.x; i < n / V; i += blockDim.x) {
        Pack<A, V> p = ((const Pack<A, V> *)g)[i];
        Pack<T, V> q = ((const Pack<T, V> *)y)[i];
        for (int k = 0; k < V; ++k) q.of[k] = Narrow<T>::of((p.of[k] - sum) * wide(q.of[k]) * (A)scale);
        ((Pack<T, V> *)dx)[i] = q;
    }
}

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
