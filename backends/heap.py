"""The C library's heap, from which NumPy takes its arrays: it keeps freed memory, and its pages are huge.

glibc's default is to return the end of the heap to the system after almost every temporary array, and to fault it in
again for the next. Pages of 4 KiB also cost more than their faults: the weights and activations of a step lie on more
of them than the processor remembers, so reads and writes wait for the page tables. Other C libraries, and systems
without huge pages, are left as they are.
"""

import ctypes
import os
import sys
from typing import Any

KEPT = 1 << 29  # bytes of free memory at the end of the heap that stay with the process
RESERVED = KEPT - (1 << 25)  # bytes of addresses by which the heap grows at once; they take no memory until written
HUGE = 1 << 21  # bytes of a huge page on x86 and most ARM systems
TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD, MOST = -1, -2, -3, 1 << 25  # glibc's options, and the most that the last takes
DEFAULT_PAD = 1 << 17
MADV_HUGEPAGE = 14  # as in `mmap`, whose import takes half a millisecond
SET_BY_USER = {"MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"}


def prepare() -> None:
    """Set the heap up, unless the environment says how the C library shall manage it."""
    library = ctypes.CDLL(None) if os.name == "posix" else None
    if library is not None and hasattr(library, "mallopt") and SET_BY_USER.isdisjoint(os.environ):
        library.mallopt(MMAP_THRESHOLD, MOST)
        library.mallopt(TRIM_THRESHOLD, KEPT)
        if sys.platform == "linux":
            _use_huge_pages(library)


def _use_huge_pages(library: Any) -> None:
    """Let the heap grow by RESERVED addresses, and ask for huge pages there; a system that refuses either is fine."""
    library.sbrk.restype = library.malloc.restype = ctypes.c_void_p
    start = -(-library.sbrk(0) // HUGE) * HUGE
    library.mallopt(TOP_PAD, RESERVED)
    block = ctypes.c_void_p(library.malloc(HUGE))
    library.mallopt(TOP_PAD, DEFAULT_PAD)
    end = library.sbrk(0)
    if end > start:
        library.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), MADV_HUGEPAGE)
    library.free(block)


prepare()
