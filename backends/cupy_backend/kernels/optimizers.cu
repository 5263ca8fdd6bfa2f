// Steps of optimizers in one pass. Numbers come by value or, where `live` is not null, from device memory in the same
// order, so that a captured step can be replayed with others. Every element is rounded as in the generic steps up to
// fused multiplications and additions.

template <typename A> __device__ A magnitude(A x) { return x < 0 ? -x : x; }

// Of each optimizer: the new x, by the gradient d to follow downwards, what is remembered in s, of which there is what
// `has` says, numbers h, and a flag.
#define STEP(NAME)                                                                                                   \
    struct NAME {                                                                                                    \
        template <typename A>                                                                                        \
        static __device__ A of(A x, A d, A (&s)[3], const bool (&has)[3], const A *h, bool flag);                    \
    };                                                                                                               \
    template <typename A>                                                                                            \
    __device__ A NAME::of(A x, A d, A (&s)[3], const bool (&has)[3], const A *h, bool flag)

// rate, momentum, 1 - dampening; flag: Nesterov's momentum.
STEP(Sgd) {
    if (!has[0]) return x - h[0] * d;
    s[0] = h[1] * s[0] + h[2] * d;
    return x - h[0] * (flag ? d + h[1] * s[0] : s[0]);
}

// β₁, 1 - β₁, β₂, 1 - β₂: the means of d and d².
template <typename A> __device__ void follow(A d, A (&s)[3], const A *h) {
    s[0] = h[0] * s[0] + h[1] * d;
    s[1] = h[2] * s[1] + h[3] * (d * d);
}

// The four of `follow`; lr·root / (1 - β₁ᵗ), eps·root, with root = √(1 - β₂ᵗ).
STEP(Adam) {
    follow(d, s, h);
    if (has[2]) s[2] = larger(s[2], s[1]);
    return x - h[4] * (s[0] / (sqrt(has[2] ? s[2] : s[1]) + h[5]));
}

// The four; the rates of the gradient and of the mean, 1 - β₂ᵗ, eps.
STEP(Nadam) {
    follow(d, s, h);
    return x - (h[5] * s[0] + h[4] * d) / (sqrt(s[1] / h[6]) + h[7]);
}

// The four; rate, eps; flag: rectified.
STEP(Radam) {
    follow(d, s, h);
    A along = h[4] * s[0];
    return x - (flag ? along / (sqrt(s[1]) + h[5]) : along);
}

// β₁, 1 - β₁, β₂; rate, eps.
STEP(Adamax) {
    s[0] = h[0] * s[0] + h[1] * d;
    s[1] = larger(h[2] * s[1], magnitude(d) + h[4]);
    return x - h[3] * (s[0] / s[1]);
}

// β₁, 1 - β₁, β₂, 1 - β₂; rate.
STEP(Lion) {
    A toward = sign(h[0] * s[0] + h[1] * d);
    s[0] = h[2] * s[0] + h[3] * d;
    return x - h[4] * toward;
}

// rate, eps.
STEP(Adagrad) {
    s[0] += d * d;
    return x - h[0] * (d / (sqrt(s[0]) + h[1]));
}

// rate, eps, ρ, 1 - ρ.
STEP(Adadelta) {
    s[0] = h[2] * s[0] + h[3] * (d * d);
    A along = sqrt((s[1] + h[1]) / (s[0] + h[1])) * d;
    s[1] = h[2] * s[1] + h[3] * (along * along);
    return x - h[0] * along;
}

// rate, eps, α, 1 - α, momentum. Remembered: mean square, momentum, mean.
STEP(Rmsprop) {
    s[0] = h[2] * s[0] + h[3] * (d * d);
    if (has[2]) s[2] = h[2] * s[2] + h[3] * d;
    A along = d / (sqrt(has[2] ? s[0] - s[2] * s[2] : s[0]) + h[1]);
    if (has[1]) along = s[1] = h[4] * s[1] + along;
    return x - h[0] * along;
}

// What sizes are multiplied by where the sign has turned, and where not; the least and the greatest of them.
STEP(Rprop) {
    A turn = s[0] * d;
    s[1] = bounded(s[1] * (turn < 0 ? h[0] : turn > 0 ? h[1] : (A)1), h[2], h[3]);
    s[0] = turn < 0 ? (A)0 : d;
    return x - sign(s[0]) * s[1];
}

// rate, 1 - lambd·rate, the share of the new x in the mean.
STEP(Asgd) {
    x = h[1] * x - h[0] * d;
    s[0] = h[2] == 1 ? x : s[0] + h[2] * (x - s[0]);
    return x;
}

// Nothing happens where *skipped is more than 0. Numbers: what x is multiplied by, how much of x is added to g, and those
// of the step. What an optimizer does not remember is null.
template <typename Step, typename T>
__global__ void change(T *p, const T *g, T *s0, T *s1, T *s2, Int n, const float *skipped, Int maximize, Int flag,
                       const double *live, double n0, double n1, double n2, double n3, double n4, double n5, double n6,
                       double n7, double n8, double n9) {
    using A = Wide<T>;
    if (skipped && *skipped > 0) return;
    const double given[10] = {n0, n1, n2, n3, n4, n5, n6, n7, n8, n9};
    A h[10];
    for (int k = 0; k < 10; ++k) h[k] = (A)(live ? live[k] : given[k]);
    T *const places[3] = {s0, s1, s2};
    const bool has[3] = {s0 != nullptr, s1 != nullptr, s2 != nullptr};
    for (Int i = (Int)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += (Int)gridDim.x * blockDim.x) {
        A x = wide(p[i]), d = wide(g[i]), s[3];
        for (int k = 0; k < 3; ++k) s[k] = has[k] ? wide(places[k][i]) : (A)0;
        if (maximize) d = -d;
        if (h[1] != 0) d += h[1] * x;
        p[i] = Narrow<T>::of(Step::of(h[0] * x, d, s, has, h + 2, flag != 0));
        for (int k = 0; k < 3; ++k)
            if (has[k]) places[k][i] = Narrow<T>::of(s[k]);
    }
}

// Gradients of a scaled loss, times *inverse of its scale; *found becomes 1 if one is not finite.
template <typename T> __global__ void unscale(T *g, Int n, const float *inverse, float *found) {
    for (Int i = (Int)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += (Int)gridDim.x * blockDim.x) {
        Wide<T> d = wide(g[i]) * (Wide<T>)*inverse;
        g[i] = Narrow<T>::of(d);
        if (!(d - d == 0)) *found = 1;
    }
}
