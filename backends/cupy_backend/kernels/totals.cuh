// Sums of exponentials along one axis, in one pass over what a row holds.

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

// Where column `at` of (outer, n, inner) begins: a column is along the middle axis.
__device__ inline Int start_of(Int at, Int n, Int inner) { return at + quotient(at, inner) * (n - 1) * inner; }
