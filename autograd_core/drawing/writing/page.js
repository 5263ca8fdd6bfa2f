"use strict";
const {steps, names, edges} = JSON.parse(document.getElementById("data").textContent);
const find = (id) => document.getElementById(id);
const svg = document.querySelector("main svg");
const width = Number(svg.getAttribute("width")), height = Number(svg.getAttribute("height"));
let scale = 1;

function zoom(to) {
  scale = Math.min(Math.max(to, 0.05), 8);
  svg.setAttribute("width", width * scale);
  svg.setAttribute("height", height * scale);
}
const fit = () => zoom(Math.min(1.6, (document.documentElement.clientWidth - 24) / width));
const keys = {"+": () => zoom(scale * 1.25), "=": () => zoom(scale * 1.25), "-": () => zoom(scale / 1.25), "0": fit};
find("in").onclick = keys["+"];
find("out").onclick = keys["-"];
find("fit").onclick = fit;
fit();

if (steps.length) {
  let at = 0, timer = 0;
  const grads = new Map();
  for (const g of svg.querySelectorAll("g[id^=n]")) {
    const text = g.querySelector(".grad");
    if (text) grads.set(Number(g.id.slice(1)), text);
  }
  const seed = new Map([...grads].map(([i, text]) => [i, text.textContent]));
  const outputs = new Set(edges.map(([, b]) => b));
  edges.forEach(([a]) => outputs.delete(a));

  function cell(row, text) {
    row.insertCell().textContent = text;
  }

  function show(to) {
    at = Math.min(Math.max(to, 0), steps.length);
    for (const g of svg.querySelectorAll("g.now, g.got, g.flow")) g.classList.remove("now", "got", "flow");
    for (const [i, text] of grads) text.textContent = outputs.has(i) ? seed.get(i) : "0";
    for (const step of steps.slice(0, at)) {
      const own = grads.get(step.vertex);
      if (own) own.textContent = step.gradient;
      for (const part of step.parts) {
        const text = grads.get(part.vertex);
        if (text) text.textContent = part.total;
      }
    }
    const first = steps[0], step = at ? steps[at - 1] : null, body = find("parts");
    find("at").textContent = `step ${at} of ${steps.length}`;
    body.replaceChildren();
    find("what").textContent = step
      ? `${names[step.vertex]}: its gradient is ${step.gradient}, and each operand gets its share`
      : `Start: the gradient of the output with respect to itself is ${first.gradient}`;
    if (step) {
      find(`n${step.vertex}`).classList.add("now");
      for (const part of step.parts) {
        find(`n${part.vertex}`).classList.add("got");
        edges.forEach(([a, b], k) => {
          if (a === part.vertex && b === step.vertex) find(`e${k}`).classList.add("flow");
        });
        const row = body.insertRow();
        for (const text of [names[part.vertex], part.local, "×", step.gradient, "=", part.product, part.total]) cell(row, text);
      }
    }
    find("back").disabled = find("first").disabled = at === 0;
    find("next").disabled = find("last").disabled = at === steps.length;
  }

  function play() {
    if (timer) {
      clearInterval(timer);
      timer = 0;
    } else {
      if (at === steps.length) show(0);
      timer = setInterval(() => (at < steps.length ? show(at + 1) : play()), 900);
    }
    find("play").textContent = timer ? "❚❚ pause" : "▷ play";
  }

  Object.assign(keys, {
    ArrowRight: () => show(at + 1), ArrowLeft: () => show(at - 1),
    Home: () => show(0), End: () => show(steps.length), " ": play,
  });
  find("next").onclick = keys.ArrowRight;
  find("back").onclick = keys.ArrowLeft;
  find("first").onclick = keys.Home;
  find("last").onclick = keys.End;
  find("play").onclick = play;
  show(0);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
  event.preventDefault();
  keys[event.key]();
});
