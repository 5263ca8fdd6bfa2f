// Elements at positions that arrays of integers give, as `indexing.py` describes them in an argument.

static constexpr int MOST = 6;  // axes of a result, and of the array that is indexed

// Element i of the result is at `step * number` on each axis of that array, of `reach` elements. The number is read from
// `numbers`, or is the place along the axis of the result. steps: from element to element of `numbers` along each axis.
struct Axis { const Int *numbers; Int reach, step, steps[MOST]; };
struct Positions {
    Int count, sizes[MOST], values[MOST];  // values: steps of what is added, along each axis of the result
    Axis axes[MOST];

    // Where element i is; -1 if a number is out of range. value: where what is added to it is.
    __device__ Int of(Int i, Int &value) const {
        Int at[MOST], place = 0;
        value = 0;
        for (int k = MOST - 1; k >= 0; --k) {
            Int rest = sizes[k] == 1 ? i : quotient(i, sizes[k]);
            at[k] = i - rest * sizes[k], i = rest;
            value += at[k] * values[k];
        }
        for (int a = 0; a < MOST; ++a) {
            const Axis &axis = axes[a];
            Int from = 0;
            for (int k = 0; k < MOST; ++k) from += at[k] * axis.steps[k];
            Int number = axis.numbers ? axis.numbers[from] : from;
            if (number < 0) number += axis.reach;
            if (number < 0 || number >= axis.reach) return -1;
            place += number * axis.step;
        }
        return place;
    }
};

template <typename T> __global__ void take_points(const T *x, T *y, const __grid_constant__ Positions positions) {
    Int i = (Int)blockIdx.x * blockDim.x + threadIdx.x, value;
    if (i >= positions.count) return;
    Int place = positions.of(i, value);
    y[i] = place < 0 ? T() : x[place];
}

// y holds zeros. Positions may repeat.
template <typename T>
__global__ void add_points(const T *x, Wide<T> *y, const __grid_constant__ Positions positions) {
    Int i = (Int)blockIdx.x * blockDim.x + threadIdx.x, value;
    if (i >= positions.count) return;
    Int place = positions.of(i, value);
    if (place >= 0) atomicAdd(y + place, wide(x[value]));
}
