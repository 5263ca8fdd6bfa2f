// The softmax of attention's scores and its gradient.

#include "totals.cuh"

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
