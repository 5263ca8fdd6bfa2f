// Connectionist temporal classification: a block for each sample, whose threads share the states of a time and go through
// the times together. Operands as in `backends/generic/alignment.py`.

// log α of all times, (frames + 1, samples, states), of which the first is given.
template <typename A>
__global__ void arrive(const A *emissions, const A *skips, A *alpha, Int frames, Int samples, Int states) {
    const A none = -infinity<A>();
    skips += blockIdx.x * states;
    for (Int t = 0; t < frames; ++t) {
        const A *before = alpha + (t * samples + blockIdx.x) * states;
        A *after = alpha + ((t + 1) * samples + blockIdx.x) * states;
        const A *own = emissions + (t * samples + blockIdx.x) * states;
        for (Int s = threadIdx.x; s < states; s += blockDim.x) {
            A a = before[s], b = s > 0 ? before[s - 1] : none, c = s > 1 ? before[s - 2] + skips[s] : none;
            A most = larger(larger(a, b), c);
            A sum = most == none ? (A)1 : exp(a - most) + exp(b - most) + exp(c - most);
            after[s] = log(sum) + most + own[s];
        }
        __syncthreads();
    }
}

// The posterior probabilities of all states, (frames, samples, states): `start` at the last time of a sample, before that
// what the states of the next time owe to each, and 0 behind.
template <typename A>
__global__ void occupy(const A *alpha, const A *emissions, const A *skips, const A *start, const Int *lengths, A *y,
                       Int frames, Int samples, Int states) {
    const A none = -infinity<A>();
    Int sample = blockIdx.x, step = samples * states, first = sample * states;
    for (Int t = frames - 1; t >= 0; --t) {
        const A *here = alpha + (t + 1) * step + first, *later = here + step, *own = emissions + (t + 1) * step + first;
        A *now = y + t * step + first, *next = now + step;
        for (Int s = threadIdx.x; s < states; s += blockDim.x) {
            A sum = 0;
            if (t + 1 == lengths[sample]) sum = start[first + s];
            else if (t + 1 < lengths[sample])
                for (int k = 0; k < 3 && s + k < states; ++k) {
                    A reached = later[s + k], left = here[s] + (k == 2 ? skips[first + s + 2] : (A)0);
                    if (reached != none) sum += next[s + k] * exp(left - (reached - own[s + k]));
                }
            now[s] = sum;
        }
        __syncthreads();
    }
}
