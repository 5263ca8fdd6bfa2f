"""Event files, read back."""

import struct

import pytest

import autograd_core as ag
import nn

Event = pytest.importorskip("tensorboardX.proto.event_pb2").Event


def events(folder):
    """The events in the file of a folder: records of a length, its checksum, the bytes, and their checksum."""
    (path,) = folder.glob("events.*")
    data, found = path.read_bytes(), []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        found.append(Event.FromString(data[12 : 12 + length]))
        data = data[16 + length :]
    return found


def test_tensors_are_written(tmp_path, capsys):
    from training.tensorboard import SummaryWriter

    x = ag.linspace(0, 1, 12, requires_grad=True)
    with SummaryWriter(str(tmp_path)) as writer:
        writer.add_scalar("loss", x.sum(), 3)
        writer.add_scalar("short", ag.tensor(1.5).bfloat16(), 3)
        writer.add_histogram("weights", x, 4)
        writer.add_image("picture", x.reshape(3, 2, 2), 5)
        writer.add_graph(nn.Linear(3, 2), ag.ones(1, 3))
    found = events(tmp_path)
    values = {v.tag: (e.step, v) for e in found for v in e.summary.value}
    assert [(step, v.simple_value) for step, v in (values["loss"], values["short"])] == [(3, 6), (3, 1.5)]
    step, v = values["weights"]
    assert (step, v.histo.num, v.histo.max, v.histo.sum) == (4, 12, 1, pytest.approx(6))
    step, v = values["picture"]
    assert (step, v.image.height, v.image.width, v.image.encoded_image_string[1:4]) == (5, 2, 2, b"PNG")
    assert any(e.graph_def for e in found)
    assert not capsys.readouterr().out
