"""The page that plays a backward pass: its steps are the engine's, and a browser plays them."""

import base64
import hashlib
import json
import re
import shutil
import subprocess

import pytest

import autograd_core as ag

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
           "--disable-background-networking", "--disable-component-update", "--virtual-time-budget=20000")  # fmt: skip


def expression():
    a, b = (ag.tensor(v, requires_grad=True, name=n) for v, n in ((-4.0, "a"), (2.0, "b")))
    c = a * b + b**3
    return a, b, (c - a).relu() * c


def test_each_step_multiplies_the_local_derivative_with_the_gradient():
    *_, y = expression()
    drawing = ag.draw({"y": y})
    assert [s.symbol for s in drawing.steps] == ["×", "relu", "−", "+", "^", "×"]
    for step in drawing.steps:
        for part in step.parts:
            assert float(part.local) * float(step.gradient) == pytest.approx(float(part.product), rel=1e-3)


def test_the_totals_of_the_last_steps_are_the_gradients_of_the_engine():
    a, b, y = expression()
    drawing = ag.draw({"y": y})
    totals = {drawing.graph.vertices[p.vertex].title: float(p.total) for s in drawing.steps for p in s.parts}
    y.backward()
    assert (totals["a"], totals["b"]) == (float(a.grad), float(b.grad))


def test_what_cannot_be_played_is_a_page_all_the_same():
    x = ag.tensor([1.0, 2.0], requires_grad=True, name="x")
    page = ag.draw((x * x).sum()).html
    assert ag.draw((x * x).sum()).steps == []
    assert 'id="player"' not in page
    assert "<svg" in page


def test_only_the_known_script_may_run():
    page = ag.draw({"y": expression()[-1]}).html
    script = re.search(r"<script>(.*)</script>", page, re.DOTALL)[1]
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{allowed}'" in page
    assert "http" not in page.replace('xmlns="http://www.w3.org/2000/svg"', "").replace("http-equiv", "")


PRESS = """
const press = (key) => document.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
const grads = () => Object.fromEntries([...document.querySelectorAll("svg g[id^=n]")]
  .filter((g) => g.querySelector(".grad"))
  .map((g) => [g.id, g.querySelector(".grad").textContent]));
const seen = {start: grads(), at: [document.getElementById("at").textContent]};
const note = () => seen.at.push(document.getElementById("at").textContent);
press("ArrowRight"); note();
seen.what = document.getElementById("what").textContent;
seen.rows = [...document.querySelectorAll("#parts tr")].map((r) => [...r.cells].map((c) => c.textContent));
document.getElementById("next").click(); note();
press("ArrowLeft"); note();
press("End"); note();
seen.end = grads();
document.getElementById("first").click(); note();
press("Home"); press("0"); press("+");
document.getElementById("last").click(); note();
press("Home");
press(" ");
setTimeout(() => {
  note();
  document.body.dataset.seen = JSON.stringify(seen);
}, 15000);
"""


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium, which is not installed")
def test_a_browser_plays_it_by_keys_and_by_buttons(tmp_path):
    a, b, y = expression()
    drawing = ag.draw({"y": y})
    script = hashlib.sha256(PRESS.encode()).digest()
    page = drawing.html.replace("script-src ", f"script-src 'sha256-{base64.b64encode(script).decode()}' ")
    (tmp_path / "page.html").write_text(page.replace("</body>", f"<script>{PRESS}</script></body>"))
    done = subprocess.run(
        [BROWSER, *OPTIONS, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", (tmp_path / "page.html").as_uri()],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    seen = json.loads(re.search(r'data-seen="([^"]*)"', done.stdout)[1].replace("&quot;", '"'))
    n = len(drawing.steps)
    assert seen["at"] == [f"step {k} of {n}" for k in (0, 1, 2, 1, n, 0, n, n)]
    (first,) = [row for row in seen["rows"] if row[0].startswith("relu")]
    assert first[1:] == [
        drawing.steps[0].parts[0].local,
        "×",
        "1.0",
        "=",
        drawing.steps[0].parts[0].product,
        drawing.steps[0].parts[0].total,
    ]
    y.backward()
    at = {v.title: f"n{i}" for i, v in enumerate(drawing.graph.vertices)}
    assert seen["start"][at["a"]] == "0"
    assert (float(seen["end"][at["a"]]), float(seen["end"][at["b"]])) == (float(a.grad), float(b.grad))
    assert seen["end"][at["y"]] == "1.0"
