// Steps of optimizers in one pass. Hyper-parameters come by value or, where `live` is not null, from device memory in
// the same order, so that a captured step can be replayed with others. Every element is rounded as in the generic steps
// up to fused multiplications and additions.

template <typename A> __device__ A hyper(const double *live, int i, double value) { return (A)(live ? live[i] : value); }

// flags: 1 Nesterov, 2 maximize. b may be null. fresh: 1 - dampening.
template <typename T>
__global__ void sgd_step(T *p, const T *g, T *b, Int n, Int flags, const double *live, double lr, double momentum,
                         double fresh, double decay) {
    using A = Wide<T>;
    A rate = hyper<A>(live, 0, lr), mu = hyper<A>(live, 1, momentum), share = hyper<A>(live, 2, fresh);
    A pull = hyper<A>(live, 3, decay);
    for (Int i = (Int)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += (Int)gridDim.x * blockDim.x) {
        A x = wide(p[i]), d = wide(g[i]);
        if (flags & 2) d = -d;
        if (pull != 0) d += pull * x;
        if (b) {
            A v = mu * wide(b[i]) + share * d;
            b[i] = Narrow<T>::of(v);
            d = flags & 1 ? d + mu * v : v;
        }
        p[i] = Narrow<T>::of(x - rate * d);
    }
}

// flags: 1 decoupled, 2 maximize. largest may be null. root: √(1 - β₂ᵗ); rate: lr·root / (1 - β₁ᵗ).
template <typename T>
__global__ void adam_step(T *p, const T *g, T *m, T *v, T *largest, Int n, Int flags, const double *live, double rate,
                          double root, double shrink, double beta1, double beta2, double eps, double decay) {
    using A = Wide<T>;
    A step = hyper<A>(live, 0, rate), shift = hyper<A>(live, 5, eps) * hyper<A>(live, 1, root);
    A keep = hyper<A>(live, 2, shrink), first = hyper<A>(live, 3, beta1), second = hyper<A>(live, 4, beta2);
    A pull = hyper<A>(live, 6, decay);
    A new_first = (A)(1 - (live ? live[3] : beta1)), new_second = (A)(1 - (live ? live[4] : beta2));
    for (Int i = (Int)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += (Int)gridDim.x * blockDim.x) {
        A x = wide(p[i]), d = wide(g[i]);
        if (flags & 2) d = -d;
        if (flags & 1)
            x *= keep;
        else if (pull != 0)
            d += pull * x;
        A mean = first * wide(m[i]) + new_first * d, square = second * wide(v[i]) + new_second * (d * d);
        m[i] = Narrow<T>::of(mean), v[i] = Narrow<T>::of(square);
        if (largest) {
            square = larger(wide(largest[i]), square);
            largest[i] = Narrow<T>::of(square);
        }
        p[i] = Narrow<T>::of(x - step * (mean / (sqrt(square) + shift)));
    }
}
