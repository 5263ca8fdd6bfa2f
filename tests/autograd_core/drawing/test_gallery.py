"""The gallery shows what is drawn today, and every picture in it is used."""

import importlib.util
import re
from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs"


def test_the_gallery_is_up_to_date():
    spec = importlib.util.spec_from_file_location("gallery", DOCS / "gallery.py")
    gallery = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(gallery)
    assert gallery.outdated() == []
    shown = set(re.findall(r"\(gallery/([^)]+)\)", (DOCS / "gallery.md").read_text("utf-8")))
    assert shown == {name for name in gallery.PICTURES if "/" not in name}
    assert shown == {path.name for path in (DOCS / "gallery").iterdir()}
