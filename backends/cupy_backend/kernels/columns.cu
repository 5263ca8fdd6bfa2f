// Statistics of the columns of a matrix (rows, n), such as channels-last images, and what batch normalisation makes of
// them. A block takes some rows, `chunk`, and some columns; the last block of a column combines the partial results of all,
// in an order that the shape alone decides.

// Welford 1962, and the rule of Chan et al. 1979 for two parts.
template <typename A> struct Moments {
    A count, mean, square;

    __device__ void add(A x, A share) {
        A d = x - mean;
        mean += d * share;
        square += d * (x - mean);
    }
    __device__ void add(const Moments &other) {
        A total = count + other.count;
        if (total == 0) return;
        A d = other.mean - mean, share = about(other.count, total);
        mean += d * share;
        square += other.square + d * d * (count * share);
        count = total;
    }
};

template <typename A> struct Sums {
    A first, second;

    __device__ void add(const Sums &other) { first += other.first, second += other.second; }
};

// The mean and 1 / √(var + eps) of every column.
template <typename T, int V>
__global__ void SHARED_THREADS column_moments(const T *x, Moments<Wide<T>> *parts, unsigned int *counts, Wide<T> *mean,
                                              Wide<T> *scale, double eps, Int rows, Int n, Int chunk) {
    using A = Wide<T>;
    Int column = ((Int)blockIdx.x * blockDim.x + threadIdx.x) * V, first = (Int)blockIdx.y * chunk;
    Int last = first + chunk < rows ? first + chunk : rows;
    Moments<A> s[V] = {};
    A count = 0;
    if (column < n)
        for (Int row = first + threadIdx.y; row < last; row += blockDim.y) {
            Read<T, V> p = *(const Read<T, V> *)(x + row * n + column);
            A share = about((A)1, ++count);
            for (int k = 0; k < V; ++k) s[k].add(p.of(k), share);
        }
    for (int k = 0; k < V; ++k) s[k].count = count;
    if (!whole(s, parts, counts, 0, n, column, column < n) || threadIdx.y || column >= n) return;
    for (int k = 0; k < V; ++k) {
        mean[column + k] = s[k].mean;
        scale[column + k] = 1 / sqrt(s[k].square / (s[k].count > 0 ? s[k].count : (A)1) + (A)eps);
    }
}

// Running statistics, moved by `momentum` towards those of `rows` rows, the variance unbiased; and one batch more, if
// they are counted.
template <typename A>
__global__ void track(A *running_mean, A *running_var, const A *mean, const A *scale, Int *counted, Int n, Int rows,
                      double momentum, double eps) {
    Int i = (Int)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    if (i == 0 && counted) ++*counted;
    A var = 1 / (scale[i] * scale[i]) - (A)eps;
    var = (var < 0 ? 0 : var) * ((A)rows / (rows > 1 ? (A)(rows - 1) : (A)1));  // rounding makes 0 negative
    running_mean[i] += (A)momentum * (mean[i] - running_mean[i]);
    running_var[i] += (A)momentum * (var - running_var[i]);
}

// (x - mean) scale weight + shift of every column, then a ReLU if asked for; mean, weight and shift may be null.
template <typename T, int V, bool RELU>
__global__ void scale_columns(const T *__restrict__ x, const Wide<T> *mean, const Wide<T> *scale,
                              const Wide<T> *weight, const Wide<T> *shift, T *__restrict__ y, Int rows, Int n,
                              Int chunk) {
    using A = Wide<T>;
    Int column = ((Int)blockIdx.x * blockDim.x + threadIdx.x) * V, first = (Int)blockIdx.y * chunk;
    Int last = first + chunk < rows ? first + chunk : rows;
    if (column >= n) return;
    A m[V], s[V], b[V];
    for (int k = 0; k < V; ++k) {
        m[k] = mean ? mean[column + k] : (A)0;
        s[k] = weight ? scale[column + k] * weight[column + k] : scale[column + k];
        b[k] = shift ? shift[column + k] : (A)0;
    }
#pragma unroll 2
    for (Int row = first + threadIdx.y; row < last; row += blockDim.y) {
        Int at = row * n + column;
        Read<T, V> p = *(const Read<T, V> *)(x + at);
        Pack<T, V> result;
        for (int k = 0; k < V; ++k) {
            A v = (p.of(k) - m[k]) * s[k] + b[k];
            result.of[k] = Narrow<T>::of(RELU ? zero_if_negative(v) : v);
        }
        *(Pack<T, V> *)(y + at) = result;
    }
}

// What of a cotangent g passes the ReLU behind a normalisation, with the result y: all of it where there is none.
template <typename A> __device__ A passed(A g, bool rectified, A y) { return rectified && y <= 0 ? (A)0 : g; }

// The sums of g and of g (x - mean) scale of every column; y is the result of the ReLU, or null.
template <typename T, int V>
__global__ void SHARED_THREADS column_sums(const T *g, const T *x, const T *y, const Wide<T> *mean,
                                           const Wide<T> *scale, Sums<Wide<T>> *parts, unsigned int *counts,
                                           Wide<T> *of_bias, Wide<T> *of_weight, Int rows, Int n, Int chunk) {
    using A = Wide<T>;
    Int column = ((Int)blockIdx.x * blockDim.x + threadIdx.x) * V, first = (Int)blockIdx.y * chunk;
    Int last = first + chunk < rows ? first + chunk : rows;
    Sums<A> s[V] = {};
    A m[V] = {};
    if (column < n)
        for (int k = 0; k < V; ++k) m[k] = mean[column + k];
    if (column < n)
        for (Int row = first + threadIdx.y; row < last; row += blockDim.y) {
            Int at = row * n + column;
            Read<T, V> p = *(const Read<T, V> *)(g + at), q = *(const Read<T, V> *)(x + at), r;
            if (y) r = *(const Read<T, V> *)(y + at);
            for (int k = 0; k < V; ++k) {
                A v = passed(p.of(k), y != nullptr, r.of(k));
                s[k].first += v;
                s[k].second += v * (q.of(k) - m[k]);
            }
        }
    if (!whole(s, parts, counts, 0, n, column, column < n) || threadIdx.y || column >= n) return;
    for (int k = 0; k < V; ++k) {
        of_bias[column + k] = s[k].first;
        of_weight[column + k] = s[k].second * scale[column + k];
    }
}

// The gradient in x of a normalisation of `rows` rows.
template <typename T, int V>
__global__ void batch_gradient(const T *__restrict__ g, const T *__restrict__ x, const T *__restrict__ y,
                               const Wide<T> *mean, const Wide<T> *scale, const Wide<T> *weight,
                               const Wide<T> *of_weight, const Wide<T> *of_bias, T *__restrict__ dx, Int rows, Int n,
                               Int chunk) {
    using A = Wide<T>;
    Int column = ((Int)blockIdx.x * blockDim.x + threadIdx.x) * V, first = (Int)blockIdx.y * chunk;
    Int last = first + chunk < rows ? first + chunk : rows;
    if (column >= n) return;
    A m[V], s[V], along[V], sum[V], slope[V];
    for (int k = 0; k < V; ++k) {
        m[k] = mean[column + k], s[k] = scale[column + k];
        along[k] = of_weight[column + k] / (A)rows, sum[k] = of_bias[column + k] / (A)rows;
        slope[k] = weight ? s[k] * weight[column + k] : s[k];
    }
    for (Int row = first + threadIdx.y; row < last; row += blockDim.y) {
        Int at = row * n + column;
        Read<T, V> p = *(const Read<T, V> *)(g + at), q = *(const Read<T, V> *)(x + at), r;
        if (y) r = *(const Read<T, V> *)(y + at);
        Pack<T, V> result;
        for (int k = 0; k < V; ++k) {
            A v = passed(p.of(k), y != nullptr, r.of(k));
            result.of[k] = Narrow<T>::of((v - sum[k] - (q.of(k) - m[k]) * s[k] * along[k]) * slope[k]);
        }
        *(Pack<T, V> *)(dx + at) = result;
    }
}

// Gradients in the parameters of a normalisation of rows (rows.cu): the sums of g and of g (x - mean) scale; one that is
// not wanted is null.
template <typename T, int V>
__global__ void SHARED_THREADS row_parameter_sums(const T *g, const T *x, const Wide<T> *mean, const Wide<T> *scale,
                                                  Sums<Wide<T>> *parts, unsigned int *counts, T *of_bias,
                                                  T *of_weight, Int rows, Int n, Int chunk) {
    using A = Wide<T>;
    Int column = ((Int)blockIdx.x * blockDim.x + threadIdx.x) * V, first = (Int)blockIdx.y * chunk;
    Int last = first + chunk < rows ? first + chunk : rows;
    Sums<A> s[V] = {};
    if (column < n)
        for (Int row = first + threadIdx.y; row < last; row += blockDim.y) {
            Int at = row * n + column;
            Read<T, V> p = *(const Read<T, V> *)(g + at), q = *(const Read<T, V> *)(x + at);
            A m = mean ? mean[row] : (A)0, r = scale[row];
            for (int k = 0; k < V; ++k) {
                A v = p.of(k);
                s[k].first += v;
                s[k].second += v * ((q.of(k) - m) * r);
            }
        }
    if (!whole(s, parts, counts, 0, n, column, column < n) || threadIdx.y || column >= n) return;
    for (int k = 0; k < V; ++k) {
        if (of_bias) of_bias[column + k] = Narrow<T>::of(s[k].first);
        if (of_weight) of_weight[column + k] = Narrow<T>::of(s[k].second);
    }
}
