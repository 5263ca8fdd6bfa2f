// Runs what `fusion.py` writes: functions of the elements of up to four arrays that lie alike and without gaps in memory,
// have one element, or are repeated along some axes.

// `number` is passed by value: a function that is called with ever new ones is one kernel.
template <typename F, typename T, int COUNT> __device__ T at(T a, T b, T c, T d, Wide<T> number) {
    return Narrow<T>::of(F::of(wide(a), COUNT > 1 ? wide(b) : 0, COUNT > 2 ? wide(c) : 0, COUNT > 3 ? wide(d) : 0, number));
}

// Of four operands: element i is read at i / each % rows * width + i % width.
struct Places {
    Int each[4], rows[4], width[4];

    __device__ Int of(int operand, Int i) const {
        Int e = each[operand], r = rows[operand], w = width[operand];
        if (i <= 0x7fffffff && e <= 0x7fffffff && r <= 0x7fffffff) {  // division of long numbers takes several times as long
            unsigned int at = (unsigned int)i / (unsigned int)e % (unsigned int)r * (unsigned int)w;
            return at + (unsigned int)i % (unsigned int)w;
        }
        return i / e % r * w + i % w;
    }
};

// Where no operand is repeated, the argument is any number.
template <int REPEATED> struct Given { using type = Places; };
template <> struct Given<0> { using type = Int; };

// What a thread reads of an operand: MODE 1 has one element, 2 is repeated; neighbours in y are neighbours there too, or
// read one element.
template <typename T, int V, int MODE, typename P>
__device__ Pack<T, V> own(const T *x, Int i, const P &places, int operand) {
    if (MODE == 0) return ((const Pack<T, V> *)x)[i];
    if constexpr (MODE == 2) {
        x += places.of(operand, i * V);
        if (places.width[operand] > 1) return *(const Pack<T, V> *)x;
    }
    Pack<T, V> p;
    for (int k = 0; k < V; ++k) p.of[k] = x[0];
    return p;
}

// The last elements, that do not fill a vector, are left to one thread each. SINGLE, REPEATED: the operands of one element
// and those that are repeated, a bit for each.
template <typename F, typename T, int V, int COUNT, int SINGLE, int REPEATED = 0>
__global__ void fused(const T *a, const T *b, const T *c, const T *d, T *y, Int n, double number,
                      const __grid_constant__ typename Given<REPEATED>::type places) {
    constexpr int A = SINGLE & 1 | 2 * (REPEATED & 1), B = SINGLE >> 1 & 1 | (REPEATED & 2),
                  C = SINGLE >> 2 & 1 | (REPEATED >> 1 & 2), D = SINGLE >> 3 & 1 | (REPEATED >> 2 & 2);
    Int i = (Int)blockIdx.x * blockDim.x + threadIdx.x, packs = n / V;
    if (i < packs) {
        Pack<T, V> p = own<T, V, A>(a, i, places, 0), q = p, r = p, s = p;
        if (COUNT > 1) q = own<T, V, B>(b, i, places, 1);
        if (COUNT > 2) r = own<T, V, C>(c, i, places, 2);
        if (COUNT > 3) s = own<T, V, D>(d, i, places, 3);
        for (int k = 0; k < V; ++k) p.of[k] = at<F, T, COUNT>(p.of[k], q.of[k], r.of[k], s.of[k], (Wide<T>)number);
        ((Pack<T, V> *)y)[i] = p;
    } else if (i - packs < n - packs * V) {
        Int k = packs * V + i - packs;
        T x = own<T, 1, A>(a, k, places, 0).of[0], z = x, v = x, w = x;
        if (COUNT > 1) z = own<T, 1, B>(b, k, places, 1).of[0];
        if (COUNT > 2) v = own<T, 1, C>(c, k, places, 2).of[0];
        if (COUNT > 3) w = own<T, 1, D>(d, k, places, 3).of[0];
        y[k] = at<F, T, COUNT>(x, z, v, w, (Wide<T>)number);
    }
}
