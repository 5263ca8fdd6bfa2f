// Runs what `fusion.py` writes: functions of the elements of up to three arrays that lie alike and without gaps in memory.

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

template <typename F, typename T, int COUNT> __device__ T at(T a, T b, T c) {
    return Narrow<T>::of(F::of(wide(a), COUNT > 1 ? wide(b) : 0, COUNT > 2 ? wide(c) : 0));
}

// The last elements, that do not fill a vector, are left to one thread each.
template <typename F, typename T, int V, int COUNT>
__global__ void fused(const T *a, const T *b, const T *c, T *y, Int n) {
    Int i = (Int)blockIdx.x * blockDim.x + threadIdx.x, packs = n / V;
    if (i < packs) {
        Pack<T, V> p = ((const Pack<T, V> *)a)[i], q = p, r = p;
        if (COUNT > 1) q = ((const Pack<T, V> *)b)[i];
        if (COUNT > 2) r = ((const Pack<T, V> *)c)[i];
        for (int k = 0; k < V; ++k) p.of[k] = at<F, T, COUNT>(p.of[k], q.of[k], r.of[k]);
        ((Pack<T, V> *)y)[i] = p;
    } else if (i - packs < n - packs * V) {
        Int k = packs * V + i - packs;
        y[k] = at<F, T, COUNT>(a[k], COUNT > 1 ? b[k] : a[k], COUNT > 2 ? c[k] : a[k]);
    }
}
