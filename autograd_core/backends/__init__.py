"""What PyTorch programs ask and set in `torch.backends`; kernels on the CPU are chosen by `autograd_core.config`."""

from autograd_core.backends import cuda as cuda
from autograd_core.backends import cudnn as cudnn
from autograd_core.backends import mkldnn as mkldnn
from autograd_core.backends import mps as mps
