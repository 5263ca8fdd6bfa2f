// Single steps of recurrent layers, in one pass, for `rows` sequences and `n` hidden units; a thread for each vector. All
// arrays are contiguous; those of several gates hold them beside each other: (rows, gates, n).

template <typename A> __device__ A logistic(A x) { return 1 / (1 + exp(-x)); }

template <typename T, int V> struct Spot {
    Int row, column;
    bool inside;

    __device__ Spot(Int rows, Int n) {
        Int at = (Int)blockIdx.x * blockDim.x + threadIdx.x, packs = n / V;
        row = quotient(at, packs), column = (at - row * packs) * V, inside = row < rows;
    }
};

// The vector of a gate of an array of `gates` gates.
template <int V, typename T> __device__ Pack<T, V> &at(T *x, Int row, Int column, Int n, int gates = 1, int gate = 0) {
    return *(Pack<T, V> *)(x + (row * gates + gate) * n + column);
}
template <int V, typename T>
__device__ Pack<T, V> at(const T *x, Int row, Int column, Int n, int gates = 1, int gate = 0) {
    return *(const Pack<T, V> *)(x + (row * gates + gate) * n + column);
}

// y holds what the input contributes, and becomes the state; z is what the state before contributes.
template <typename T, int V, bool RELU> __global__ void rnn_state(T *y, const T *z, Int rows, Int n) {
    Spot<T, V> s(rows, n);
    if (!s.inside) return;
    Pack<T, V> p = at<V>(y, s.row, s.column, n), q = at<V>(z, s.row, s.column, n);
    for (int k = 0; k < V; ++k) {
        Wide<T> x = wide(p.of[k]) + wide(q.of[k]);
        p.of[k] = Narrow<T>::of(RELU ? zero_if_negative(x) : tanh(x));
    }
    at<V>(y, s.row, s.column, n) = p;
}

// The gradient of what `rnn_state` adds up; g and `of_state` are the parts of that of the state y.
template <typename T, int V, bool RELU>
__global__ void rnn_slopes(T *d, const T *g, const T *of_state, const T *y, Int rows, Int n) {
    using A = Wide<T>;
    Spot<T, V> s(rows, n);
    if (!s.inside) return;
    Pack<T, V> p = at<V>(g, s.row, s.column, n), q = at<V>(of_state, s.row, s.column, n);
    Pack<T, V> r = at<V>(y, s.row, s.column, n);
    for (int k = 0; k < V; ++k) {
        A v = wide(r.of[k]);
        p.of[k] = Narrow<T>::of((RELU ? sign(v) : 1 - v * v) * (wide(p.of[k]) + wide(q.of[k])));
    }
    at<V>(d, s.row, s.column, n) = p;
}

// `gates` holds what the input contributes, and becomes the gates i, f, g, o; z is what the state contributes.
template <typename T, int V>
__global__ void lstm_state(T *to_cell, T *to_state, T *gates, const T *z, const T *cell, Int rows, Int n) {
    using A = Wide<T>;
    Spot<T, V> s(rows, n);
    if (!s.inside) return;
    Pack<T, V> own[4], c = at<V>(cell, s.row, s.column, n), h;
    for (int gate = 0; gate < 4; ++gate) {
        own[gate] = at<V>(gates, s.row, s.column, n, 4, gate);
        Pack<T, V> more = at<V>(z, s.row, s.column, n, 4, gate);
        for (int k = 0; k < V; ++k) {
            A x = wide(own[gate].of[k]) + wide(more.of[k]);
            own[gate].of[k] = Narrow<T>::of(gate == 2 ? tanh(x) : logistic(x));
        }
        at<V>(gates, s.row, s.column, n, 4, gate) = own[gate];
    }
    for (int k = 0; k < V; ++k) {
        A next = wide(own[1].of[k]) * wide(c.of[k]) + wide(own[0].of[k]) * wide(own[2].of[k]);
        c.of[k] = Narrow<T>::of(next);
        h.of[k] = Narrow<T>::of(wide(own[3].of[k]) * tanh(next));
    }
    at<V>(to_cell, s.row, s.column, n) = c;
    at<V>(to_state, s.row, s.column, n) = h;
}

// The gradients d of what `lstm_state` adds up, and of the cell before; g and `of_state` are two parts of that of the
// state, `of_cell` is that of the cell.
template <typename T, int V>
__global__ void lstm_slopes(T *d, T *of_before, const T *g, const T *of_state, const T *of_cell, const T *gates,
                            const T *cell, const T *before, Int rows, Int n) {
    using A = Wide<T>;
    Spot<T, V> s(rows, n);
    if (!s.inside) return;
    Pack<T, V> own[4], slope[4], back;
    for (int gate = 0; gate < 4; ++gate) own[gate] = at<V>(gates, s.row, s.column, n, 4, gate);
    Pack<T, V> p = at<V>(g, s.row, s.column, n), q = at<V>(of_state, s.row, s.column, n);
    Pack<T, V> r = at<V>(of_cell, s.row, s.column, n), c = at<V>(cell, s.row, s.column, n);
    Pack<T, V> b = at<V>(before, s.row, s.column, n);
    for (int k = 0; k < V; ++k) {
        A i = wide(own[0].of[k]), f = wide(own[1].of[k]), candidate = wide(own[2].of[k]), o = wide(own[3].of[k]);
        A bent = tanh(wide(c.of[k])), state = wide(p.of[k]) + wide(q.of[k]);
        A inner = wide(r.of[k]) + state * o * (1 - bent * bent);
        slope[0].of[k] = Narrow<T>::of((1 - i) * i * (inner * candidate));
        slope[1].of[k] = Narrow<T>::of((1 - f) * f * (inner * wide(b.of[k])));
        slope[2].of[k] = Narrow<T>::of((1 - candidate * candidate) * (inner * i));
        slope[3].of[k] = Narrow<T>::of((1 - o) * o * (state * bent));
        back.of[k] = Narrow<T>::of(inner * f);
    }
    for (int gate = 0; gate < 4; ++gate) at<V>(d, s.row, s.column, n, 4, gate) = slope[gate];
    at<V>(of_before, s.row, s.column, n) = back;
}

// `gates` holds what the input contributes, and becomes the gates r, z, n; u is what the state contributes, but for its
// bias.
template <typename T, int V>
__global__ void gru_state(T *y, T *gates, const T *u, const T *before, const T *bias, Int rows, Int n) {
    using A = Wide<T>;
    Spot<T, V> s(rows, n);
    if (!s.inside) return;
    Pack<T, V> own[3], more[3], shift[3], h = at<V>(before, s.row, s.column, n);
    for (int gate = 0; gate < 3; ++gate) {
        own[gate] = at<V>(gates, s.row, s.column, n, 3, gate);
        more[gate] = at<V>(u, s.row, s.column, n, 3, gate);
        shift[gate] = at<V>(bias, 0, s.column, n, 3, gate);
    }
    for (int k = 0; k < V; ++k) {
        A turned[3];
        for (int gate = 0; gate < 3; ++gate) turned[gate] = wide(more[gate].of[k]) + wide(shift[gate].of[k]);
        A r = logistic(wide(own[0].of[k]) + turned[0]), z = logistic(wide(own[1].of[k]) + turned[1]);
        A fresh = tanh(wide(own[2].of[k]) + r * turned[2]);
        own[0].of[k] = Narrow<T>::of(r), own[1].of[k] = Narrow<T>::of(z), own[2].of[k] = Narrow<T>::of(fresh);
        h.of[k] = Narrow<T>::of(fresh + z * (wide(h.of[k]) - fresh));
    }
    for (int gate = 0; gate < 3; ++gate) at<V>(gates, s.row, s.column, n, 3, gate) = own[gate];
    at<V>(y, s.row, s.column, n) = h;
}

// g, `of_state` and `carried` are the parts of the gradient of the state, which `whole` receives; d holds the slopes of
// what the state contributes, and is multiplied by it. `passed`: what of it passes the step directly.
template <typename T, int V>
__global__ void gru_slopes(T *d, T *whole, T *passed, const T *g, const T *of_state, const T *carried, const T *gates,
                           Int rows, Int n) {
    Spot<T, V> s(rows, n);
    if (!s.inside) return;
    Pack<T, V> p = at<V>(g, s.row, s.column, n), q = at<V>(of_state, s.row, s.column, n);
    Pack<T, V> c = at<V>(carried, s.row, s.column, n), z = at<V>(gates, s.row, s.column, n, 3, 1);
    Wide<T> state[V];
    for (int k = 0; k < V; ++k) {
        state[k] = wide(p.of[k]) + wide(q.of[k]) + wide(c.of[k]);
        p.of[k] = Narrow<T>::of(state[k]), z.of[k] = Narrow<T>::of(state[k] * wide(z.of[k]));
    }
    for (int gate = 0; gate < 3; ++gate) {
        Pack<T, V> &slope = at<V>(d, s.row, s.column, n, 3, gate);
        for (int k = 0; k < V; ++k) slope.of[k] = Narrow<T>::of(wide(slope.of[k]) * state[k]);
    }
    at<V>(whole, s.row, s.column, n) = p;
    at<V>(passed, s.row, s.column, n) = z;
}
