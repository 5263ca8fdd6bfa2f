// Sums and extremes over the rows or the columns of arrays without gaps. What a thread, a block, a launch has found so far
// is a state, which takes numbers and other states. Where several blocks share a row or a column, each leaves its state,
// and the last one to end takes all of them; states that a launch leaves are what the next one reads. The order depends on
// the shape alone.

template <typename A> struct Sum {
    using Number = A;
    A sum = 0;

    __device__ void begin(A) {}
    __device__ void add(A x) { sum += x; }
    __device__ void add(Sum other) { sum += other.sum; }
    __device__ A result() const { return sum; }
};

// Of squares, none of which float64 rounds or loses.
template <typename A> struct Squares {
    using Number = double;
    double sum = 0;

    __device__ void begin(A) {}
    __device__ void add(A x) { sum += (double)x * (double)x; }
    __device__ void add(Squares other) { sum += other.sum; }
    __device__ double result() const { return sum; }
};

template <typename A> struct Largest {
    using Number = A;
    A found = -infinity<A>();

    __device__ void begin(A) {}
    __device__ void add(A x) { found = larger(found, x); }
    __device__ void add(Largest other) { add(other.found); }
    __device__ A result() const { return found; }
};

template <typename A> struct Smallest {
    using Number = A;
    A found = infinity<A>();

    __device__ void begin(A) {}
    __device__ void add(A x) { found = smaller(found, x); }
    __device__ void add(Smallest other) { add(other.found); }
    __device__ A result() const { return found; }
};

// Squared deviations from the mean, by sums of the differences from the first number: however far that is from the mean,
// its square is at most the number of elements times the variance, so the rounding errors of float64 stay small.
template <typename A> struct Deviations {
    using Number = double;
    Int count = 0;
    double first = 0, sum = 0, squares = 0;

    __device__ void begin(A x) { first = x; }
    __device__ void add(A x) {
        double d = (double)x - first;
        count += 1, sum += d, squares += d * d;
    }
    __device__ void add(Deviations other) {
        if (!count) first = other.first;
        double d = other.first - first;  // 0 within a row
        squares += other.squares + d * (2 * other.sum + (double)other.count * d);
        count += other.count, sum += other.sum + (double)other.count * d;
    }
    __device__ double result() const {
        double d = squares - sum / (double)count * sum;
        return d < 0 ? 0 : d;
    }
};

template <typename S> __device__ S shuffled(S s, int d) {
    for (unsigned int i = 0; i < sizeof(S) / 4; ++i)
        ((int *)&s)[i] = __shfl_xor_sync(0xffffffffu, ((int *)&s)[i], d);
    return s;
}

// Over the threads of a line, threadIdx.x, of which there are a power of two up to 32, or whole warps of a block of one
// line.
template <typename S> __device__ S over_line(S s) {
    int lanes = blockDim.x < 32 ? blockDim.x : 32;
    for (int d = lanes / 2; d; d >>= 1) {
        S other = shuffled(s, d);
        if (threadIdx.x & d) { S own = s; s = other; s.add(own); } else s.add(other);  // the same on both sides
    }
    if (blockDim.x <= 32) return s;
    alignas(S) __shared__ char held[32 * sizeof(S)];
    if (threadIdx.x % 32 == 0) ((S *)held)[threadIdx.x / 32] = s;
    __syncthreads();
    s = ((S *)held)[0];
    for (int i = 1; i < (int)blockDim.x / 32; ++i) s.add(((S *)held)[i]);
    return s;
}

// States are read as they are.
template <typename A> __device__ Sum<A> wide(Sum<A> s) { return s; }
template <typename A> __device__ Squares<A> wide(Squares<A> s) { return s; }
template <typename A> __device__ Largest<A> wide(Largest<A> s) { return s; }
template <typename A> __device__ Smallest<A> wide(Smallest<A> s) { return s; }
template <typename A> __device__ Deviations<A> wide(Deviations<A> s) { return s; }

template <typename S, typename T> __device__ void begin(S &s, T first) { s.begin(wide(first)); }
template <typename S> __device__ void begin(S &, S) {}

// A result or, for another launch, the state.
template <typename S, typename R> __device__ void give(R *y, S s) { *y = Narrow<R>::of(s.result()); }
template <typename S> __device__ void give(S *y, S s) { *y = s; }

// Of every row (rows, n), in `parts` parts of `chunk` vectors each; a line of threads for each part.
template <typename S, typename T, int V, typename R>
__global__ void SHARED_THREADS reduce_rows(const T *x, S *states, unsigned int *counts, R *y, Int rows, Int n, Int parts,
                                           Int chunk) {
    Int line = (Int)blockIdx.x * blockDim.y + threadIdx.y, row = quotient(line, parts), part = line - row * parts;
    S s;
    if (row < rows) {
        x += row * n;
        begin(s, x[0]);
        Int packs = n / V, last = (part + 1) * chunk < packs ? (part + 1) * chunk : packs;
        for (Int i = part * chunk + threadIdx.x; i < last; i += blockDim.x) {
            Read<T, V> p = ((const Read<T, V> *)x)[i];
            for (int k = 0; k < V; ++k) s.add(p.of(k));
        }
        if (part == parts - 1)  // what does not fill a vector
            for (Int i = packs * V + threadIdx.x; i < n; i += blockDim.x) s.add(wide(x[i]));
    }
    s = over_line(s);
    if (parts > 1) {
        if (threadIdx.x == 0) states[line] = s;
        if (!is_last(counts + row, parts)) return;
        s = S();
        for (Int i = threadIdx.x; i < parts; i += blockDim.x) s.add(states[row * parts + i]);
        s = over_line(s);
    }
    if (row < rows && threadIdx.x == 0) give(y + row, s);
}

// Of the middle axis of (outer, n, inner), in parts of `chunk` elements. A thread for every vector of columns; threadIdx.y
// counts through the axis.
template <typename S, typename T, int V, typename R>
__global__ void SHARED_THREADS reduce_columns(const T *x, S *states, unsigned int *counts, R *y, Int outer, Int n,
                                              Int inner, Int chunk) {
    Int at = (Int)blockIdx.x * blockDim.x + threadIdx.x, packs = inner / V;
    Int image = quotient(at, packs), column = (at - image * packs) * V;
    Int first = (Int)blockIdx.y * chunk, last = first + chunk < n ? first + chunk : n;
    S s[V];
    if (image < outer) {
        x += image * n * inner + column;
        for (int k = 0; k < V; ++k) begin(s[k], x[k]);
        for (Int i = first + threadIdx.y; i < last; i += blockDim.y) {
            Read<T, V> p = *(const Read<T, V> *)(x + i * inner);
            for (int k = 0; k < V; ++k) s[k].add(p.of(k));
        }
    }
    if (!whole(s, states, counts, image, inner, column, image < outer)) return;
    if (threadIdx.y == 0 && image < outer)
        for (int k = 0; k < V; ++k) give(y + image * inner + column + k, s[k]);
}
