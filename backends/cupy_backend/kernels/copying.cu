// Copies of several arrays in one launch, of bytes that lie in memory in any order.

// `count` units of bytes, counted through `sizes`, the last of which changes fastest; steps are in bytes.
struct Part { Int from, to, count, sizes[6], read[6], written[6]; };
struct Parts { Part of[10]; };

// A row of blocks for each part.
template <int BYTES> __global__ void copy_parts(const __grid_constant__ Parts parts) {
    using Unit = Pack<unsigned char, BYTES>;
    const Part &part = parts.of[blockIdx.y];
    unsigned int count = (unsigned int)part.count;
    for (unsigned int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
        unsigned int rest = i;
        Int from = part.from, to = part.to;
        for (int axis = 5; axis >= 0; --axis) {
            unsigned int size = (unsigned int)part.sizes[axis];
            if (size == 1) continue;
            unsigned int at = rest % size;
            rest /= size;
            from += at * part.read[axis], to += at * part.written[axis];
        }
        *(Unit *)to = *(const Unit *)from;
    }
}
