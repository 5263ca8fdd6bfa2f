"""Types that PyTorch has and nothing here is of. Programs name them in tables of dtypes and in `isinstance`."""

from __future__ import annotations

import ml_dtypes

from autograd_core.public_dtypes import Dtype

# Dtypes that no tensor holds: asking for one raises TypeError.
float8_e4m3fn, float8_e5m2 = Dtype(ml_dtypes.float8_e4m3fn), Dtype(ml_dtypes.float8_e5m2)
float8_e4m3fnuz, float8_e5m2fnuz = Dtype(ml_dtypes.float8_e4m3fnuz), Dtype(ml_dtypes.float8_e5m2fnuz)


class DeviceObjType:
    """The class of streams' and devices' compiled counterparts, which programs name in annotations."""


class SymInt:
    """The type of integers whose value is not known while a program is traced; there are none."""


class SymFloat:
    """The type of such floats; there are none."""


class SymBool:
    """The type of such truth values; there are none."""
