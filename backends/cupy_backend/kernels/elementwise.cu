// Elementwise work that would be several passes otherwise, over arrays that lie alike and without gaps in memory.

struct Plain { template <typename T> using In = Wide<T>; };
struct Add : Plain { template <typename A> static __device__ A of(A a, A b) { return a + b; } };
struct AddRelu : Plain { template <typename A> static __device__ A of(A a, A b) { return zero_if_negative(a + b); } };
struct Relu : Plain { template <typename A> static __device__ A of(A a, A) { return zero_if_negative(a); } };
struct Gate : Plain { template <typename A> static __device__ A of(A g, A x) { return x <= 0 ? (A)0 : g; } };

// Activations, of x, and their gradients, g times a slope at x. Those of float32 are computed in float64, in which what
// cancels next to the zero of a slope leaves digits enough; those of 16 bits in float32. Bounds keep 0 · ∞ away.
template <typename T> struct PreciseOf { using type = float; };
template <> struct PreciseOf<float> { using type = double; };
struct Precise { template <typename T> using In = typename PreciseOf<T>::type; };

template <typename A> __device__ A logistic(A x) { return 1 / (1 + exp(-x)); }
// The approximation of GELU is x σ(z) of z = x (a + b x²), with a = 2 √(2 / π) and b = 0.044715 a.
template <typename A> __device__ A inner(A x) { return x * ((A)1.5957691216057308 + (A)0.07135481627260025 * x * x); }

struct Sigmoid : Precise { template <typename A> static __device__ A of(A x, A) { return logistic(x); } };
struct SigmoidGradient : Precise {
    template <typename A> static __device__ A of(A g, A x) { return g * (logistic(x) * logistic(-x)); }
};
struct TanhGradient : Precise {
    template <typename A> static __device__ A of(A g, A x) { return g * (4 * logistic(2 * x) * logistic(-2 * x)); }
};
struct Silu : Precise { template <typename A> static __device__ A of(A x, A) { return x / (1 + exp(-x)); } };
struct SiluGradient : Precise {
    template <typename A> static __device__ A of(A g, A x) {
        x = bounded(x, (A)-200, (A)80);
        A s = logistic(x);
        return g * (s * (1 + x * (1 - s)));
    }
};
struct Gelu : Precise {
    template <typename A> static __device__ A of(A x, A) { return (x < -40 ? (A)-40 : x) * normcdf(x); }
};
struct GeluGradient : Precise {
    template <typename A> static __device__ A of(A g, A x) {
        x = bounded(x, (A)-40, (A)40);
        return g * (normcdf(x) + x * (A)0.3989422804014327 * exp(-x * x / 2));
    }
};
struct GeluGate : Precise {
    template <typename A> static __device__ A of(A x, A) { return logistic(inner(bounded(x, (A)-25, (A)25))); }
};
struct GeluTanh : Precise {
    template <typename A> static __device__ A of(A x, A) { return (x < -25 ? (A)-25 : x) * GeluGate::of(x, x); }
};
struct GeluTanhGradient : Precise {
    template <typename A> static __device__ A of(A g, A x) {
        x = bounded(x, (A)-25, (A)25);
        A s = logistic(inner(x));
        return g * (s + x * s * (1 - s) * ((A)1.5957691216057308 + 3 * (A)0.07135481627260025 * x * x));
    }
};
struct Mish : Precise {
    template <typename A> static __device__ A of(A x, A) {
        A w = exp(x < 40 ? x : (A)40), v = w * (w + 2);
        return (x < -200 ? (A)-200 : x) * (v / (v + 2));
    }
};
struct MishGradient : Precise {
    template <typename A> static __device__ A of(A g, A x) {
        x = bounded(x, (A)-200, (A)40);
        A w = exp(x), v = w * (w + 2), t = v / (v + 2);
        return g * (t + x * (1 - t * t) * (w / (1 + w)));
    }
};

template <typename F, typename T> __device__ T applied(T a, T b) {
    using A = typename F::template In<T>;
    return Narrow<T>::of((Wide<T>)F::of((A)wide(a), (A)wide(b)));
}

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
