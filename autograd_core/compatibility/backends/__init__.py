"""PyTorch's `torch.backends`; `autograd_core.config` chooses the kernels on the CPU."""

from autograd_core.compatibility.backends import cpu as cpu
from autograd_core.compatibility.backends import cuda as cuda
from autograd_core.compatibility.backends import cudnn as cudnn
from autograd_core.compatibility.backends import mkl as mkl
from autograd_core.compatibility.backends import mkldnn as mkldnn
from autograd_core.compatibility.backends import mps as mps
from autograd_core.compatibility.backends import openmp as openmp
from autograd_core.compatibility.backends import opt_einsum as opt_einsum
