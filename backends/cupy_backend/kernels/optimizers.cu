// Steps of optimizers in one pass. Numbers come by value or from device memory, so that a captured step can be replayed
// with others. Every element is rounded as in the generic steps up to fused multiplications and additions.

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

// rate, eps, α, 1 - α, momentum; flag: centered. Remembered: mean square, momentum if any, mean if centered.
STEP(Rmsprop) {
    bool behind = h[4] != 0;  // where the mean stands
    A mean = behind ? s[2] : s[1], root = s[0] = h[2] * s[0] + h[3] * (d * d);
    if (flag) {
        mean = h[2] * mean + h[3] * d;
        (behind ? s[2] : s[1]) = mean;
        root -= mean * mean;
    }
    A along = d / (sqrt(root) + h[1]);
    if (behind) along = s[1] = h[4] * s[1] + along;
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

// Rows of up to five arrays of `size` elements each, as an argument; blocks of threads count through the rows, from
// `block` on in each.
struct Row { Int block, size, arrays[5]; };
struct Rows { Row of[64]; };
static constexpr Int CHUNK = 4096;  // elements of a block

// The number of this block's row: the last that begins before it. Rows that are not in use begin beyond all.
__device__ inline int own_row(const Rows &rows) {
    int low = 0, high = 64;
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (rows.of[middle].block <= (Int)blockIdx.x) low = middle; else high = middle;
    }
    return low;
}

// The elements of this block in its row.
struct Stretch { Int first, last; };
__device__ inline Stretch own_stretch(const Row &row) {
    Int first = ((Int)blockIdx.x - row.block) * CHUNK;
    return {first, first + CHUNK < row.size ? first + CHUNK : row.size};
}

// Elements of V neighbours that there are, as one vector where that may be read at once.
template <int V, typename T> __device__ Pack<T, V> some(const T *x, Int there, bool whole) {
    if (whole) return *(const Pack<T, V> *)x;
    Pack<T, V> p = {};
    for (int k = 0; k < V; ++k) if (k < there) p.of[k] = x[k];
    return p;
}
template <int V, typename T> __device__ void put(T *x, const Pack<T, V> &p, Int there, bool whole) {
    if (whole) *(Pack<T, V> *)x = p;
    else for (int k = 0; k < V; ++k) if (k < there) x[k] = p.of[k];
}

// Arrays: the parameter, its gradient, and what is remembered. Nothing happens where *skipped is more than 0. Numbers:
// what x is multiplied by, how much of x is added to g, and those of the step.
template <typename Step, typename T>
__global__ void change(const __grid_constant__ Rows rows, const float *skipped, Int maximize, Int flag,
                       const __grid_constant__ Numbers numbers) {
    using A = Wide<T>;
    constexpr int V = 16 / sizeof(T);
    if (skipped && *skipped > 0) return;
    A h[10];
    for (int k = 0; k < 10; ++k) h[k] = (A)numbers.of(k);
    const Row &row = rows.of[own_row(rows)];
    T *p = (T *)row.arrays[0], *places[3] = {(T *)row.arrays[2], (T *)row.arrays[3], (T *)row.arrays[4]};
    const T *g = (const T *)row.arrays[1];
    const bool has[3] = {places[0] != nullptr, places[1] != nullptr, places[2] != nullptr};
    const bool aligned = (row.arrays[0] | row.arrays[1] | row.arrays[2] | row.arrays[3] | row.arrays[4]) % 16 == 0;
    Stretch own = own_stretch(row);
    for (Int i = own.first + threadIdx.x * V; i < own.last; i += blockDim.x * V) {
        Int there = own.last - i;
        bool whole = aligned && there >= V;
        Pack<T, V> x = some<V>(p + i, there, whole), d = some<V>(g + i, there, whole), s[3];
        for (int k = 0; k < 3; ++k) if (has[k]) s[k] = some<V>(places[k] + i, there, whole);
        for (int j = 0; j < V; ++j) {
            A y = wide(x.of[j]), e = maximize ? -wide(d.of[j]) : wide(d.of[j]), t[3];
            for (int k = 0; k < 3; ++k) t[k] = has[k] ? wide(s[k].of[j]) : (A)0;
            if (h[1] != 0) e += h[1] * y;
            x.of[j] = Narrow<T>::of(Step::of(h[0] * y, e, t, has, h + 2, flag != 0));
            for (int k = 0; k < 3; ++k) s[k].of[j] = Narrow<T>::of(t[k]);
        }
        put<V>(p + i, x, there, whole);
        for (int k = 0; k < 3; ++k) if (has[k]) put<V>(places[k] + i, s[k], there, whole);
    }
}

// Every element times *factor; *found, if there is one, becomes 1 where an element is not finite then.
template <typename T> __global__ void rescale(const __grid_constant__ Rows rows, const Wide<T> *factor, float *found) {
    constexpr int V = 16 / sizeof(T);
    const Row &row = rows.of[own_row(rows)];
    T *x = (T *)row.arrays[0];
    const bool aligned = row.arrays[0] % 16 == 0;
    Stretch own = own_stretch(row);
    for (Int i = own.first + threadIdx.x * V; i < own.last; i += blockDim.x * V) {
        Int there = own.last - i;
        bool whole = aligned && there >= V;
        Pack<T, V> p = some<V>(x + i, there, whole);
        for (int j = 0; j < V; ++j) {
            Wide<T> y = wide(p.of[j]) * *factor;
            p.of[j] = Narrow<T>::of(y);
            if (found && j < there && !(y - y == 0)) *found = 1;
        }
        put<V>(x + i, p, there, whole);
    }
}

// The sum of the squares of the elements of each block.
template <typename T> __global__ void sums_of_squares(const __grid_constant__ Rows rows, double *sums) {
    constexpr int V = 16 / sizeof(T);
    const Row &row = rows.of[own_row(rows)];
    const T *x = (const T *)row.arrays[0];
    const bool aligned = row.arrays[0] % 16 == 0;
    Stretch own = own_stretch(row);
    Wide<T> sum = 0;
    for (Int i = own.first + threadIdx.x * V; i < own.last; i += blockDim.x * V) {
        Int there = own.last - i;
        Pack<T, V> p = some<V>(x + i, there, aligned && there >= V);
        for (int j = 0; j < V; ++j) sum += wide(p.of[j]) * wide(p.of[j]);
    }
    double all = row_sum((double)sum);
    if (threadIdx.x == 0) sums[blockIdx.x] = all;
}

// The root of the sum of `n` numbers, by one block.
template <typename T> __global__ void root_of_sum(const double *x, Int n, T *y) {
    double sum = 0;
    for (Int i = threadIdx.x; i < n; i += blockDim.x) sum += x[i];
    sum = row_sum(sum);
    if (threadIdx.x == 0) *y = Narrow<T>::of((Wide<T>)sqrt(sum));
}

// Count a step that is not taken, where *skipped is more than 0; number: that of the step without all of these.
template <typename A>
__global__ void counted(const __grid_constant__ Numbers step, const float *skipped, A *missed, A *number) {
    if (*skipped > 0) *missed += 1;
    if (number) *number = larger((A)step.of(0) - *missed, (A)1);
}

// The scale of a loss after a step in which *found is more than 0 if a gradient was not finite, and the steps without since
// it last changed.
template <typename A>
__global__ void adjust_scale(A *scale, A *steady, const float *found, double growth, double backoff, Int interval) {
    bool bad = *found > 0, grows = !bad && *steady + 1 == interval;
    A grown = *scale * (A)growth;
    if (bad) *scale *= (A)backoff;
    else if (grows && grown - grown == 0) *scale = grown;
    *steady = bad || grows ? (A)0 : *steady + 1;
}
