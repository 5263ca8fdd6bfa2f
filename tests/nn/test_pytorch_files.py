"""Files of `torch.save`: read without PyTorch, and nothing in them is run."""

import base64
import io
import pickle
import zipfile
import zlib
from collections import Counter, OrderedDict
from fractions import Fraction

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from autograd_core.testing import assert_close
from nn.files.pytorch_reader import LEGACY_MAGIC, LEGACY_VERSION

# What PyTorch 2.13 wrote, in the present format and in that before 1.6, compressed here.
FILES = {
    "zip": (
        "c-qC6TW}Lq7{@nBo3^1BT0ja))ry)Tgyx=bX=}t4U4(YIMFhh(S+Xn1ZobV)p+KF^FfCqQ9LE=D)bZW%!6zTQw8Mk%FzV<`2Xq)6"
        "d2+^QA3SGI684<71kwl2bi1?d{{H{(JNupQ?2b#G7C~rl7nY6nLZ6^mSxui(cjpwO1WM-%Vyas>#f(|^3<&;oD+Y>YPAz~dn>7ms"
        "HH&o9DEp3BIn`2g2lOoRfqO^>k3UVkh65K=J+C2X$s!Y*1Tqz*7s|ejrA}7#LN0?;qikB4sgMs^{r+?tX3F?ZC9i^)B0jNTD(EQv"
        "qYv8BE}{$VX%9YUOBLvlya;>~k|22`_dKkV+>&b^I^WYs99;;yW#~zJ?O-N#r3~ve?4)@$suYA?twZu4=(82(V1wkEgN>Blgy1n5"
        "HruHLYpL`zd<eEseruI~obXRjej9=T8J@J=gVg;gh7QBilpd_o&k%Y$rJqIcoD9#WyKUO47=~`-GeuP~z|W{eV2G;hsH(g`RCZF8"
        "T?hg)>`r$vDpQID!;DB2f>b0_6$ulO2o;GUh{+I7Z?Z*<N-;C3psc2rGssf1=hYk}s95!x9Wsr4{gEYY{TS@Q`Yr@}vHs8y)!m0+"
        "zYHUl85m7>;G1xENFh}SWA^`F^ruOULTUzHvWsI%waU2S;DF>RS1aM=84$Jlbr4>efrI$kU9OZT?U_dv%fJ!7%A^~I*EG9wq<ZBX"
        "l3bE!9$u%R9Y%0OhVgU@QP43zQRB5LDHGC7kfT@t*W58m9!GFOhLbj_DTQ;8X67bk7j!UIpPx7EfD&*D%eoP~Y0J*RX)^z3sN`D+"
        "GBTXC=cuGu3Z5p_0%es&RlmarlT6Y{$kJz!BOX{@CBM#5k30fR2K`<8;_Yj2UWS6b;MHOYO+&G+<R;TR3<j1G5ST<tAhS@Svj9}i"
        "LQs|g*$P>+Vj!qg6_QjT2vane3yy-gh+tZVOVqbyW;M7hdF(3#r&NY3XJE!}=W-F=IjmL!<5FAu?SDV~;}bmF<QQMI(QOt6>y0jO"
        "&a{dO%2dlqObu}Tjvqnd^UXg?SBW(_R`=N|#P9i3n^{IF=y{{48c0lq8(6J4Vi6L+=moe-=FWZJ0D6VddH|EtNHs}w7E^nh@vV)5"
        "j!;1*G0g41vxTfG?|ozF7Dkv|W%sa{+OviL2B*LJ_S4w)k+1*TxUenJy6{WsgCD-!ks2WpefHbJt$ys;-you$Y(zmZ<$vIaPQI^x"
        "H+HRO^w!nc?}_L5QE{*nt9CZ<Ot79IF%@ZQ76f5-w002xj}Kp2YQjI<y#KvH{LLSKzTAX=<PrNvAMyOh)|x-@)^880#H_u6_deD;"
        "E~XMquRxl+Fou8dF^i8c@Ub{X;@SRZa!V8IFYz$zZ*f#uBwlS3r|yt_wWWdA80(c3Q~TD^{&4=k+qs@C{?)<y3oH2dI65%xHN$J{"
        "zpLlkBW&QjaAWJ?y;>dh({<zeuEzD#BkZl~*0;%cvpIx)#QDbO`QwfEuK^)+Zv(YcDyx=`chE};`P#_nIWZM@$UuVO;aD;n4<$n3"
        "L_8jhClaA}FcOJ{Vxed<g0I5yD7hq2-t->4<i~ON?I>L&*m|7KSB>?{BIm!Oc-r{_v6&(7wg{`eobV#fmw>H|$V97fpEnO)$GMUB"
        "GCDUMI`tO_9(V4#-3)%hD{y;1&pLNcmi?P&gFNf(yexaVjblSR>)bV1c8O=h56+%$=h(=D$GpU|QJ!^nd(O9mV`Dt)?943tE6>Jx"
        "*4b%UR`YRef@hswl4XD5*<_7fxsN)>v2}cHEGsN$Yh&TXW$?1fa&{*c?(Y=%UdY4FrZK?4A35Na+u69}_3o@SKhLf@*~gvL7J5!}"
        ")tb4t&0dPt<x9UyTD_F%v+t+({trj#35x"
    ),
    "legacy": (
        "c-noGS##S|6vu6ONusVm3lu1nvN;8eB`1!}l7vvgqOK}Xu>_&Ww~<;!@?W}2n}WeJOwv-mLLYc!hT(x{mS*@6JTkoU5t!)%M^|z}"
        "f>MpI<h%X;=bn4c8A!Ke@9ypSe~w-L{@juJKsx<*iQat_YR17rq0kEh9@v3ruCOq210O|NVC<tA&*j`>CiA<l<wLq@$TY}Td(4d7"
        ">nuX4k8;hZ&|u^QAxA}%j1u)+pQEakjdH>W{3VQN<v1Q{ChM1jF7r^dN!DXFC)G$k8+KX9x+h(m%aF!(lxoH(t!>n=GIz=0DBC;;"
        "ZKrO=-1Q>a4B2ArdR>z<KMF!~MU_#h)r^tE9$INFF;vqn^1K&V{6ab?W5n1`YdRBCYFlYeDQah`)xfAQ-R{L0)2e4U<nvlVD{0a?"
        "_Gpq;T*uyToW!bq9Q$<~Fsj0|Mc0aO&>>x?>TKh-I_(yLai24$m56u0;H}{St+<9mDeExDgE}4($5e*Ld^n#rInivka3rHWlF=Sb"
        "Xpg0|qa2UxctTjFq?R4~KTB1cla01QmOYuVj%Tc=64uix>luz`bv!4wDfKY+eb-+yml?%DZ8v69ZD2fOp2(QbC(IX8=8GJ49WRN{"
        "+G4I)AsYEerP)+eC>c`Ckj(@+ks>EKS~{kT!vg8Y%jTlRZHGlB4=wu&>!O{avp6_K(YP4~ogHeeM!SKRNv%j~uaMgKc&hR$$7?#K"
        "<347LG1@|Y;8xe-7G}l#>otQ$3z+NU4H16BOggC*BcqrE3f}Bv-r4Lcc&m@MsV_xwv?y+j$DvR5zO#!f=-a@%P8yrqW^A6)idtzM"
        "r&B{|>a31)BJsFOwDb3(=^5=pLX#5AdjzFOe?O&tz;RKBA!v@}UBZXkd^snQN@;ES^P?Rior!iEACrhgBA*D6H7q2z_h~9%a(t%4"
        "5<cx&p+#<GAr^N@^UW19?EGV?4MlCEo82Hw6iMt-@>)t2DZN}Bmv4&Bl^gJMEQ^A~mV0~^{w`caRayv$TOe*P;T95iA$3=nvLg<z"
        "BNjM2h^YpyWVp^wT$9Yanwfd+KY_N&ab3sfsYSiOcJPH(5<Q=e9-+U0FKZ%zuHmaQEGelANlDEq6vez+B;^&pQeJH+=OuR~FFmVy"
        "S(F=Zqj~W$mUo46p8xmcd2uhRCuKW*1~bDp9J_dn{W5#wz|5at4}Ps?W5-v2{P}k4_vxSR9=db1UAgl|@7v#gI59W9#o2o9J+`G+"
        "+_9#*ZB1d8e$)okzN5A=D`m4AGlh+<y?@OP{|(0~+4o;Yp5xB"
    ),
}
OUTPUT = [[-0.777945876121521, 1.0194464921951294, -0.714324951171875]]


@pytest.fixture(params=FILES)
def path(request, tmp_path):
    file = tmp_path / "state.pth"
    file.write_bytes(zlib.decompress(base64.b85decode(FILES[request.param])))
    return file


def test_a_state_of_pytorch_gives_its_outputs(path):
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)).eval()
    model.load_state_dict(nn.load(path)["model"])
    np.testing.assert_allclose(model(ag.tensor([[1.0, -2.0]])).detach().numpy(), OUTPUT, rtol=1e-6)


def test_a_file_needs_four_methods(path):
    class Minimal:
        def __init__(self, file):
            self.read, self.readline, self.seek, self.tell = file.read, file.readline, file.seek, file.tell

    with path.open("rb") as file:
        assert nn.load(Minimal(file))["half"].tolist() == [1.5, -2]


def test_what_else_a_file_holds(path):
    state = nn.load(str(path))
    assert state["tied"].tolist() == [[1, 2, 3], [4, 5, 6]]
    assert state["turned"].tolist() == [[1, 4], [2, 5], [3, 6]]
    assert np.shares_memory(state["turned"].numpy(), state["tied"].numpy())
    assert state["half"].tolist() == [1.5, -2]
    assert str(state["half"].dtype) == "bfloat16"
    assert isinstance(state["parameter"], nn.Parameter)
    assert state["empty"].shape == (0, 3)
    assert (state["count"].item(), state["epoch"], state["names"]) == (5, 3, ["x", None])
    state["tied"][0, 0] = 9.0
    assert state["turned"][0, 0].item() == 9


def test_the_memory_of_either_format_is_moved(path):
    state = nn.load(path, map_location=lambda storage, saved: storage.clone())
    assert state["tied"].tolist() == [[1, 2, 3], [4, 5, 6]]
    assert np.shares_memory(state["turned"].numpy(), state["tied"].numpy())
    state = nn.load(path, map_location="meta")
    assert (state["half"].is_meta, state["turned"].stride(), state["epoch"]) == (True, (1, 3), 3)


class Call:
    """What pickles as a call."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


def archive(path, content, storages=None, pickler=pickle.Pickler):
    buffer = io.BytesIO()
    pickler(buffer, 2).dump(content)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", buffer.getvalue())
        for key, data in (storages or {}).items():
            file.writestr(f"archive/data/{key}", data)


@pytest.mark.parametrize("call", [Call(eval, "1/0"), Call(getattr, "", "join"), Call(np.load, "x"), Call(open, "x")])
def test_nothing_is_executed(tmp_path, call):
    archive(tmp_path / "evil.pt", {"x": call})
    with pytest.raises(pickle.UnpicklingError, match="is not executed"):
        nn.load(tmp_path / "evil.pt")


def test_numbers_and_arrays_of_numpy_beside_the_tensors(tmp_path):
    archive(tmp_path / "numpy.pt", {"best": np.float64(0.5), "order": np.arange(3)})
    found = nn.load(tmp_path / "numpy.pt")
    assert found["best"] == 0.5
    assert found["order"].tolist() == [0, 1, 2]
    with pytest.raises(pickle.UnpicklingError, match="latin1"):
        load_program(tmp_path / "codec.pt", b"\x80\x02c_codecs\nencode\n(X\x01\x00\x00\x00aX\x05\x00\x00\x00utf-7tR.")


def tensor_program(size, stride, offset=0, count=4):
    """A pickle of one float tensor, opcode by opcode, as PyTorch is not at hand to write one."""

    def text(s):
        return b"X" + len(s).to_bytes(4, "little") + s.encode()

    def number(n):
        return b"J" + n.to_bytes(4, "little", signed=True)

    def numbers(values):
        return b"(" + b"".join(map(number, values)) + b"t"

    storage = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("0") + text("cpu") + number(count) + b"tQ"
    tail = b"\x89ccollections\nOrderedDict\n)R"
    return (
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n("
        + storage
        + number(offset)
        + numbers(size)
        + numbers(stride)
        + tail
        + b"tR."
    )


def load_program(path, program, data=None, order=None):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", program)
        file.writestr("archive/data/0", data or np.arange(4, dtype="<f4").tobytes())
        if order:
            file.writestr("archive/byteorder", order)
    return nn.load(path)


def test_tensors_stay_inside_their_storage(tmp_path):
    path = tmp_path / "t.pt"
    assert load_program(path, tensor_program((2, 2), (2, 1))).tolist() == [[0, 1], [2, 3]]
    for size, stride, offset in [
        ((5,), (1,), 0),
        ((2, 2), (2, 1), 1),
        ((2,), (-1,), 1),
        ((1,), (1,), -1),
        ((0,), (1,), 9),
    ]:
        with pytest.raises(pickle.UnpicklingError, match="outside its storage"):
            load_program(path, tensor_program(size, stride, offset))


def test_numbers_of_the_other_byte_order(tmp_path):
    data = np.arange(4, dtype=">f4").tobytes()
    assert load_program(tmp_path / "t.pt", tensor_program((4,), (1,)), data, "big").tolist() == [0, 1, 2, 3]


def test_strings_that_python_2_wrote(tmp_path):
    with pytest.raises(UnicodeDecodeError):
        load_program(tmp_path / "t.pt", b"\x80\x02U\x01\xe9.")
    assert ag.load(tmp_path / "t.pt", encoding="latin1") == "é"


def test_files_that_are_something_else(tmp_path):
    path = tmp_path / "x.pt"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("readme", "")
    with pytest.raises(pickle.UnpicklingError, match=r"no data\.pkl"):
        nn.load(path)
    whole = zlib.decompress(base64.b85decode(FILES["legacy"]))
    path.write_bytes(whole[:-30])
    with pytest.raises(pickle.UnpicklingError, match="ends early"):
        nn.load(path)


def test_a_state_that_does_not_fit_is_listed_and_changes_nothing(path):
    model = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(3), nn.Linear(3, 1))
    before = {name: t.tolist() for name, t in model.state_dict().items()}
    state = dict(nn.load(path)["model"], extra=ag.ones(1))
    with pytest.raises(RuntimeError) as raised:
        model.load_state_dict(state)
    text = str(raised.value)
    assert 'Missing key(s) in state_dict: "2.weight", "2.bias"' in text
    assert 'Unexpected key(s) in state_dict: "extra"' in text
    assert "size mismatch for 0.weight" in text
    assert {name: t.tolist() for name, t in model.state_dict().items()} == before


def test_what_is_saved_comes_back(tmp_path):
    x = ag.arange(6).reshape(2, 3)
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    optimizer = optim.Adam(model.parameters())
    model(ag.randn(4, 2)).sum().backward()
    optimizer.step()
    saved = {
        "epoch": 3, "best": np.float64(0.5), "none": None, "pair": (1, [True, "x", 2.5]), "dtype": ag.float16,
        "model": model.state_dict(), "optimizer": optimizer.state_dict(), "parameter": nn.Parameter(ag.ones(2)),
        "views": [x, x.T, x[1], x[:, ::2], x.flip(0)], "number": ag.tensor(2.5), "empty": ag.zeros(0, 3),
        "kinds": [ag.ones(2, dtype=kind) for kind in (ag.bfloat16, ag.bool, ag.uint8, ag.complex64, ag.uint16)],
        "leaf": ag.ones(1, requires_grad=True), "device": ag.device("cpu"),
        "shape": x.shape, "set": {1, 2}, "bytes": b"\xff", "no bytes": b"", "complex": 1 + 2j,
        "counts": Counter("abb"),
        "array": np.arange(6.0).reshape(2, 3).T,
    }  # fmt: skip
    ag.save(saved, tmp_path / "all.pt")
    found = ag.load(tmp_path / "all.pt", map_location="cpu")
    assert found.keys() == saved.keys()
    plain = "epoch", "best", "none", "pair", "dtype", "device", "shape", "set", "bytes", "no bytes", "complex", "counts"
    for name in plain:
        assert found[name] == saved[name]
    assert [type(found[name]) for name in ("shape", "device", "model")] == [ag.Size, ag.device, OrderedDict]
    assert found["model"]._metadata == saved["model"]._metadata
    assert_close(found["array"], saved["array"])
    for name in ("views", "number", "empty", "kinds", "parameter", "leaf"):
        assert_close(found[name], saved[name])
    assert isinstance(found["parameter"], nn.Parameter)
    assert found["leaf"].requires_grad
    found["views"][1][0, 1] = 9
    assert found["views"][0][1, 0] == 9
    model.load_state_dict(found["model"])
    optimizer.load_state_dict(found["optimizer"])
    assert_close(optimizer.state_dict()["state"], saved["optimizer"]["state"])


def test_an_open_file_can_be_read_by_its_name_at_once(tmp_path):
    with (tmp_path / "open.pt").open("wb") as file:
        ag.save({"x": ag.ones(2)}, file)
        assert ag.load(tmp_path / "open.pt")["x"].tolist() == [1, 1]


class Negated(nn.Linear):
    """Whose weight had the other sign in files of version 1."""

    _version = 2

    def _load_from_state_dict(self, state, prefix, local_metadata, *rest):
        if local_metadata.get("version", 1) < 2:
            state[prefix + "weight"] = -state[prefix + "weight"]
        super()._load_from_state_dict(state, prefix, local_metadata, *rest)


def test_a_module_converts_states_of_older_versions(tmp_path):
    model = nn.Sequential(Negated(2, 2))
    weight = model[0].weight.detach().clone()
    ag.save(model.state_dict(), tmp_path / "new.pt")
    model.load_state_dict(ag.load(tmp_path / "new.pt"))
    assert_close(model[0].weight, weight)
    model.load_state_dict(dict(model.state_dict()))  # of no version
    assert_close(model[0].weight, -weight)


def test_a_whole_model_is_loaded_from_a_trusted_file():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(18, 3))
    x, file = ag.randn(2, 1, 5, 5), io.BytesIO()
    model(x)
    ag.save({"model": model, "tied": model[4].weight, "epoch": 3}, file)
    file.seek(0)
    with pytest.raises(pickle.UnpicklingError, match=r"asks for nn\.containers\.Sequential.*weights_only=False"):
        ag.load(file)
    file.seek(0)
    found = ag.load(file, weights_only=False)
    assert found["epoch"] == 3
    assert found["tied"] is found["model"][4].weight
    assert ag.equal(found["model"].eval()(x), model.eval()(x))
    file.seek(0)
    file.truncate()
    ag.save(model, file)
    file.seek(0)
    assert type(ag.load(file, map_location="cpu", weights_only=False)) is nn.Sequential


def test_a_whole_model_in_the_format_before_pytorch_1_6():
    class Writer(pickle.Pickler):
        described = False

        def persistent_id(self, obj):
            if obj is not nn.ReLU or self.described:
                return None
            self.described = True
            return "module", obj, "activation.py", "class ReLU: ..."

    file = io.BytesIO()
    for part in (LEGACY_MAGIC, LEGACY_VERSION, {"little_endian": True}):
        pickle.dump(part, file, 2)
    Writer(file, 2).dump({"model": nn.ReLU(), "rows": slice(1, 2)})
    pickle.dump([], file, 2)
    file.seek(0)
    with pytest.raises(pickle.UnpicklingError, match="weights_only=False"):
        ag.load(file)
    file.seek(0)
    found = ag.load(file, weights_only=False)
    assert found["model"](ag.tensor([-1.0, 2])).tolist() == [0, 2]
    assert found["rows"] == slice(1, 2)


def test_what_a_file_names_beyond_the_list(tmp_path):
    from autograd_core.serialization import get_unsafe_globals_in_checkpoint, safe_globals

    path, file = tmp_path / "model.pt", io.BytesIO()
    ag.save({"layer": nn.Linear(2, 2), "fraction": Fraction(1, 2), "state": nn.Linear(2, 2).state_dict()}, path)
    assert get_unsafe_globals_in_checkpoint(path) == ["fractions.Fraction", "nn.layers.linear.Linear"]
    with safe_globals([nn.Linear]):
        assert get_unsafe_globals_in_checkpoint(path) == ["fractions.Fraction"]
    ag.save(nn.Linear(2, 2).state_dict(), file)
    assert get_unsafe_globals_in_checkpoint(file) == []


def test_modules_whose_classes_a_program_lists_are_loaded():
    file, model = io.BytesIO(), nn.Sequential(nn.LSTM(2, 3), nn.MultiheadAttention(4, 2))
    ag.save(model, file)
    file.seek(0)
    attention = [nn.MultiheadAttention, nn.modules.linear.NonDynamicallyQuantizableLinear]
    with ag.serialization.safe_globals([nn.Sequential, nn.LSTM, *attention]):
        found = ag.load(file)
    for key, value in model.state_dict().items():
        assert ag.equal(found.state_dict()[key], value)


def test_what_cannot_be_saved():
    for wrong in (np.array(["x"]), {"names": np.array([None])}):
        with pytest.raises(TypeError, match=r"state_dict\(\)"):
            ag.save(wrong, io.BytesIO())


def test_what_files_may_name_is_listed():
    from autograd_core.serialization import add_safe_globals, clear_safe_globals, get_safe_globals, safe_globals

    add_safe_globals([nn.Linear])
    with safe_globals([nn.Linear, dict]):
        assert get_safe_globals() == [nn.Linear, dict]
    assert get_safe_globals() == [nn.Linear]
    clear_safe_globals()
    assert get_safe_globals() == []


def test_classes_that_a_program_lists_may_be_named(tmp_path):
    ag.save({"third": Fraction(1, 3)}, tmp_path / "x.pt")
    with ag.serialization.safe_globals([Fraction]):
        assert ag.load(tmp_path / "x.pt") == {"third": Fraction(1, 3)}
    with pytest.raises(pickle.UnpicklingError, match="Fraction"):
        ag.load(tmp_path / "x.pt")
