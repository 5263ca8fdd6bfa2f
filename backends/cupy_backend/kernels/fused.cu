// Runs what `fusion.py` writes: functions of the elements of up to four arrays that lie alike and without gaps in memory
// or have one element.

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

// `number` is passed by value: a function that is called with ever new ones is one kernel.
template <typename F, typename T, int COUNT> __device__ T at(T a, T b, T c, T d, Wide<T> number) {
    return Narrow<T>::of(F::of(wide(a), COUNT > 1 ? wide(b) : 0, COUNT > 2 ? wide(c) : 0, COUNT > 3 ? wide(d) : 0, number));
}

// What a thread reads of an operand, or the one element that the operand has.
template <typename T, int V> __device__ Pack<T, V> own(const T *x, Int i, bool single) {
    if (!single) return ((const Pack<T, V> *)x)[i];
    Pack<T, V> p;
    for (int k = 0; k < V; ++k) p.of[k] = x[0];
    return p;
}

// The last elements, that do not fill a vector, are left to one thread each. SINGLE: the operands of one element, a bit
// for each.
template <typename F, typename T, int V, int COUNT, int SINGLE>
__global__ void fused(const T *a, const T *b, const T *c, const T *d, T *y, Int n, double number) {
    constexpr bool A = SINGLE & 1, B = SINGLE & 2, C = SINGLE & 4, D = SINGLE & 8;
    Int i = (Int)blockIdx.x * blockDim.x + threadIdx.x, packs = n / V;
    if (i < packs) {
        Pack<T, V> p = own<T, V>(a, i, A), q = p, r = p, s = p;
        if (COUNT > 1) q = own<T, V>(b, i, B);
        if (COUNT > 2) r = own<T, V>(c, i, C);
        if (COUNT > 3) s = own<T, V>(d, i, D);
        for (int k = 0; k < V; ++k) p.of[k] = at<F, T, COUNT>(p.of[k], q.of[k], r.of[k], s.of[k], (Wide<T>)number);
        ((Pack<T, V> *)y)[i] = p;
    } else if (i - packs < n - packs * V) {
        Int k = packs * V + i - packs;
        T x = a[A ? 0 : k], z = COUNT > 1 ? b[B ? 0 : k] : x, v = COUNT > 2 ? c[C ? 0 : k] : x;
        y[k] = at<F, T, COUNT>(x, z, v, COUNT > 3 ? d[D ? 0 : k] : x, (Wide<T>)number);
    }
}
