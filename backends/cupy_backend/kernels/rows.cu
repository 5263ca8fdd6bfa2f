// Normalisation of rows (rows, n) by their own statistics, and its gradients.

template <typename T, int V, typename F> __device__ Wide<T> sum_over_row(const T *x, Int n, F term) {
    Wide<T> sum = 0;
    for (Int i = threadIdx.x; i < n / V; i += blockDim.x) {
        Pack<T, V> p = ((const Pack<T, V> *)x)[i];
        for (int k = 0; k < V; ++k) sum += term(wide(p.of[k]));
    }
    return row_sum(sum);
}

// Write a vector of a normalised row; weight and bias may be null.
template <typename T, int V>
__device__ void normalized(T *y, const Wide<T> (&x)[V], Int i, Wide<T> m, Wide<T> s, const T *weight, const T *bias) {
    Pack<T, V> p, w, b;
    if (weight) w = ((const Pack<T, V> *)weight)[i];
    if (bias) b = ((const Pack<T, V> *)bias)[i];
    for (int k = 0; k < V; ++k) {
        Wide<T> v = (x[k] - m) * s;
        if (weight) v *= wide(w.of[k]);
        if (bias) v += wide(b.of[k]);
        p.of[k] = Narrow<T>::of(v);
    }
    ((Pack<T, V> *)y)[i] = p;
}

// weight, bias, mean may be null. A row is held in registers or, if K is 0, read three times.
template <typename T, int V, int K>
__global__ void HOLDING_THREADS normalize_rows(const T *x, const T *weight, const T *bias, T *y, Wide<T> *mean,
                                           Wide<T> *scale, Int rows, Int n, double eps) {
    using A = Wide<T>;
    Int row = (Int)blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= rows) return;
    x += row * n, y += row * n;
    A m = 0, s;
    if constexpr (K > 0) {
        Held<T, V, K> held(x, n, (A)0);
        if (mean) m = held.sum([](A v) { return v; }) / (A)n;
        s = 1 / sqrt(held.sum([m](A v) { return (v - m) * (v - m); }) / (A)n + (A)eps);
#pragma unroll
        for (int j = 0; j < K; ++j)
            if (held.there(j)) normalized<T, V>(y, held.of[j], held.place(j), m, s, weight, bias);
    } else {
        if (mean) m = sum_over_row<T, V>(x, n, [](A v) { return v; }) / (A)n;
        s = 1 / sqrt(sum_over_row<T, V>(x, n, [m](A v) { return (v - m) * (v - m); }) / (A)n + (A)eps);
        for (Int i = threadIdx.x; i < n / V; i += blockDim.x) {
            Pack<T, V> p = ((const Pack<T, V> *)x)[i];
            A v[V];
            for (int k = 0; k < V; ++k) v[k] = wide(p.of[k]);
            normalized<T, V>(y, v, i, m, s, weight, bias);
        }
    }
    if (threadIdx.x == 0) {
        scale[row] = s;
        if (mean) mean[row] = m;
    }
}

// The gradient in x; those in weight and bias are sums of columns (columns.cu). K as above.
template <typename T, int V, int K>
__global__ void HOLDING_THREADS row_gradients(const T *g, const T *x, const T *weight, const Wide<T> *mean,
                                          const Wide<T> *scale, T *dx, Int rows, Int n) {
    using A = Wide<T>;
    Int row = (Int)blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= rows) return;
    g += row * n, x += row * n, dx += row * n;
    A m = mean ? mean[row] : (A)0, s = scale[row], along = 0, sum = 0;
    if constexpr (K > 0) {
        Held<T, V, K> gs(g, n, (A)0), xs(x, n, (A)0);
#pragma unroll
        for (int j = 0; j < K; ++j) {
            Pack<T, V> w;
            if (weight && gs.there(j)) w = ((const Pack<T, V> *)weight)[gs.place(j)];
            for (int k = 0; k < V; ++k) {
                if (weight) gs.of[j][k] *= wide(w.of[k]);
                xs.of[j][k] = (xs.of[j][k] - m) * s;
            }
        }
        along = gs.sum([](A v, A z) { return v * z; }, xs) / (A)n;
        if (mean) sum = gs.sum([](A v) { return v; }) / (A)n;
        gs.put(dx, [=](A v, A z) { return (v - sum - z * along) * s; }, xs);
        return;
    }
    for (Int i = threadIdx.x; i < n / V; i += blockDim.x) {
        Pack<T, V> p = ((const Pack<T, V> *)g)[i], q = ((const Pack<T, V> *)x)[i], w;
        if (weight) w = ((const Pack<T, V> *)weight)[i];
        for (int k = 0; k < V; ++k) {
            A v = wide(p.of[k]) * (weight ? wide(w.of[k]) : (A)1);
            sum += v;
            along += v * ((wide(q.of[k]) - m) * s);
        }
    }
    along = row_sum(along) / (A)n;
    sum = mean ? row_sum(sum) / (A)n : (A)0;
    for (Int i = threadIdx.x; i < n / V; i += blockDim.x) {
        Pack<T, V> p = ((const Pack<T, V> *)g)[i], q = ((const Pack<T, V> *)x)[i], w;
        if (weight) w = ((const Pack<T, V> *)weight)[i];
        for (int k = 0; k < V; ++k) {
            A v = wide(p.of[k]) * (weight ? wide(w.of[k]) : (A)1);
            p.of[k] = Narrow<T>::of((v - sum - (wide(q.of[k]) - m) * s * along) * s);
        }
        ((Pack<T, V> *)dx)[i] = p;
    }
}
