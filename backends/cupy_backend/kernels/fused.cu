// Runs what `fusion.py` writes: functions of the elements of up to four arrays that lie alike and without gaps in memory,
// have one element, or are repeated along some axes. Operands and the result may be masks.

template <typename T, int MASK> struct ElementOf { using type = T; };
template <typename T> struct ElementOf<T, 1> { using type = bool; };
template <typename T, int MASK> using Element = typename ElementOf<T, MASK>::type;

__device__ inline bool wide(bool x) { return x; }

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
template <int V, int MODE, typename T, typename P>
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

// V neighbours of a result. y may be an operand in the same place, as all is read first.
// SINGLE, MASKS, REPEATED: the operands of one element, masks, and those that are repeated, a bit for each.
template <typename F, int V, int COUNT, int SINGLE, int REPEATED, typename A, typename B, typename C, typename D,
          typename R, typename W, typename P>
__device__ void computed(const A *a, const B *b, const C *c, const D *d, R *y, Int i, W number, const P &places) {
    Pack<A, V> p = own<V, SINGLE & 1 | 2 * (REPEATED & 1)>(a, i, places, 0);
    Pack<B, V> q = {};
    Pack<C, V> r = {};
    Pack<D, V> s = {};
    if (COUNT > 1) q = own<V, SINGLE / 2 & 1 | (REPEATED & 2)>(b, i, places, 1);
    if (COUNT > 2) r = own<V, SINGLE / 4 & 1 | (REPEATED / 2 & 2)>(c, i, places, 2);
    if (COUNT > 3) s = own<V, SINGLE / 8 & 1 | (REPEATED / 4 & 2)>(d, i, places, 3);
    Pack<R, V> found;
    for (int k = 0; k < V; ++k)
        found.of[k] = Narrow<R>::of(F::of(wide(p.of[k]), wide(q.of[k]), wide(r.of[k]), wide(s.of[k]), number));
    ((Pack<R, V> *)y)[i] = found;
}

// The last elements, that do not fill a vector, are left to one thread each. R: T, or bool. `number` is passed by value: a
// function that is called with ever new ones is one kernel.
template <typename F, typename T, typename R, int V, int COUNT, int SINGLE, int MASKS = 0, int REPEATED = 0>
__global__ void fused(const Element<T, MASKS % 2> *a, const Element<T, MASKS / 2 % 2> *b,
                      const Element<T, MASKS / 4 % 2> *c, const Element<T, MASKS / 8> *d, R *y, Int n, double number,
                      const __grid_constant__ typename Given<REPEATED>::type places) {
    Int i = (Int)blockIdx.x * blockDim.x + threadIdx.x, packs = n / V;
    if (i < packs)
        computed<F, V, COUNT, SINGLE, REPEATED>(a, b, c, d, y, i, (Wide<T>)number, places);
    else if (i - packs < n - packs * V)
        computed<F, 1, COUNT, SINGLE, REPEATED>(a, b, c, d, y, packs * V + i - packs, (Wide<T>)number, places);
}
