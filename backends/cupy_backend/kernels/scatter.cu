// Rows added at numbers that may repeat, as the gradient of an embedding wants it.

// order: the places of `index`, whose numbers are not negative, sorted stably by number. The line of threads that finds the first of a run of equal numbers
// adds up all rows of the run, in the order in which they stand in x: no two runs of the program differ.
template <typename T, typename I>
__global__ void add_sorted_rows(const T *x, const I *index, const Int *order, T *y, Int count, Int width) {
    Int first = (Int)blockIdx.x * blockDim.y + threadIdx.y;
    if (first >= count) return;
    Int row = index[order[first]];
    if (first && index[order[first - 1]] == row) return;
    for (Int column = threadIdx.x; column < width; column += blockDim.x) {
        Wide<T> sum = 0;
        for (Int i = first; i < count && index[order[i]] == row; ++i) sum += wide(x[order[i] * width + column]);
        y[row * width + column] = Narrow<T>::of(sum);
    }
}

// The same with atomic additions to y, which holds zeros: without sorting, in an order that differs from run to run.
template <typename T, typename I>
__global__ void add_rows(const T *x, const I *index, Wide<T> *y, Int count, Int rows, Int width) {
    Int at = (Int)blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= count * width) return;
    Int from = quotient(at, width), row = index[from];
    if (row < 0) row += rows;
    if (row >= 0 && row < rows) atomicAdd(y + row * width + (at - from * width), wide(x[at]));
}
