"use strict";
// Walks through the steps of one computation. Everything shown was computed by glassgrad and lies in #data;
// a step only touches what differs from the step shown before. Text is set as text, never as markup.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const steps = data.steps.map((row) => Object.fromEntries(row.map((cell, i) => [data.fields[i], cell])));
  const nodes = data.nodes.map((row) => Object.fromEntries(row.map((cell, i) => [data.node_fields[i], cell])));
  const last = steps.length - 1;
  const seed = steps.findIndex((step) => step.phase === "seed");
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  const MATHML = "http://www.w3.org/1998/Math/MathML";
  const SECONDS_A_STEP = 1.4;

  // A thin line is hard to hit: an unseen wide one lies on it.
  function wide(path, key) {
    const line = document.createElementNS(path.namespaceURI, "path");
    line.setAttribute("d", path.getAttribute("d"));
    line.setAttribute("class", "hit");
    line.dataset.edge = key;
    return line;
  }

  // -- what each node and edge goes through, worked out once ---------------------------------------------

  const edges = new Map(); // "node-position" -> {path, slope, node, step}
  nodes.forEach((node, id) => {
    node.id = id;
    node.received = []; // steps that add to its gradient, in order
    node.box = byId(`${data.prefix}n${id}`);
    node.valueText = byId(`${data.prefix}n${id}-value`);
    node.gradText = byId(`${data.prefix}n${id}-grad`);
    node.tooltip = node.box && node.box.querySelector("title");
    node.inputs.forEach((input, position) => {
      const key = `${id}-${position}`;
      const path = byId(`${data.prefix}e${key}`);
      edges.set(key, { node: id, input, position, path, slope: byId(`${data.prefix}e${key}-slope`), step: null });
      if (path) path.after(wide(path, key));
    });
  });
  steps.forEach((step, index) => {
    if (step.phase === "forward") nodes[step.node].forward = index;
    else nodes[step.phase === "seed" ? step.node : step.input].received.push(index);
    if (step.phase === "backward") edges.get(`${step.node}-${step.position}`).step = index;
  });

  // -- state ---------------------------------------------------------------------------------------------

  let at = -1;
  let pinned = null; // the variable whose ledger was asked for; else it follows the steps
  let timer = null;
  let open = true; // predict first: whether the number of this step may be seen
  let scale = null; // null: fitted

  const target = (step) => (step.phase === "backward" ? step.input : step.node);
  const askable = (step) => step.answer !== null;
  const hidden = (index) => index === at && !open;

  function setText(element, text) {
    if (element && element.textContent !== text) element.textContent = text;
  }

  function setState(element, states) {
    if (element) element.setAttribute("data-state", states.join(" "));
  }

  function showNode(node) {
    const step = steps[at];
    const computed = node.forward <= at;
    const arrived = node.received.filter((index) => index <= at);
    const complete = arrived.length > 0 && arrived.length === node.received.length;
    const states = [computed ? "computed" : "idle"];
    if (arrived.length) states.push(complete ? "known" : "partial");
    if (target(step) === node.id) states.push("current");
    else if (step.node === node.id) states.push("sender");
    setState(node.box, states);
    const value = !computed ? "" : hidden(node.forward) ? "?" : node.value;
    let grad = "";
    if (arrived.length) {
      const latest = arrived[arrived.length - 1];
      grad = hidden(latest) ? "?" : steps[latest].total + (complete ? "" : " …");
    }
    setText(node.valueText, value);
    setText(node.gradText, grad);
    const about = [node.op ? `${node.name} (${node.op})` : node.name];
    if (value) about.push(`value ${value}`);
    if (grad) about.push(`gradient ${grad}`);
    setText(node.tooltip, about.join(", "));
  }

  function showEdge(edge) {
    const step = steps[at];
    const states = [];
    if (nodes[edge.node].forward <= at) states.push("computed");
    if (edge.step !== null && edge.step <= at) states.push("back");
    const now = step.phase === "backward" ? edge.step === at : step.phase === "forward" && step.node === edge.node;
    if (now) states.push("current");
    if (!states.length) states.push("idle");
    setState(edge.path, states);
    setText(edge.slope, edge.step !== null && edge.step <= at ? steps[edge.step].slope : "");
  }

  // Every node and edge that can look different at step `to` than it did at step `from`.
  function touched(from, to) {
    const ids = new Set();
    const keys = new Set();
    const [low, high] = from < to ? [from, to] : [to, from];
    for (let index = Math.max(low, 0); index <= high; index += 1) {
      const step = steps[index];
      ids.add(step.node);
      if (step.phase === "backward") {
        ids.add(step.input);
        keys.add(`${step.node}-${step.position}`);
      } else {
        nodes[step.node].inputs.forEach((_, position) => keys.add(`${step.node}-${position}`));
      }
    }
    return [ids, keys];
  }

  // -- the panes -----------------------------------------------------------------------------------------

  // A formula: the number of its outermost part in the table of parts.
  function build(part) {
    const [tag, attributes, ...children] = data.parts[part];
    const element = document.createElementNS(MATHML, tag);
    for (const [name, value] of attributes) element.setAttribute(name, value);
    for (const child of children) element.append(typeof child === "string" ? child : build(child));
    return element;
  }

  function showFormula(step) {
    const rule = build(step.rule);
    const numbers = build(step.numbers);
    if (!open) {
      const unknown = document.createElementNS(MATHML, "mi");
      unknown.textContent = "?";
      numbers.firstElementChild.lastElementChild.replaceWith(unknown);
    }
    byId("rule").replaceChildren(rule);
    byId("numbers").replaceChildren(numbers);
    squeeze(rule);
    squeeze(numbers);
  }

  // Formulas are not broken into lines: a wide one is set smaller, down to a size that can be read, then it scrolls.
  function squeeze(formula) {
    const room = formula.parentElement.clientWidth / formula.getBoundingClientRect().width;
    if (room < 1) formula.style.fontSize = `${Math.max(1.2 * room * 0.99, 0.65)}em`;
  }

  const lines = []; // lines[excerpt][line] -> {row, code, text}
  function buildSource() {
    byId("source-title").textContent = data.derived ? "Expression" : "Source";
    data.excerpts.forEach((excerpt) => {
      const block = document.createElement("div");
      block.className = "excerpt";
      if (!data.derived) {
        const title = document.createElement("h3");
        title.textContent = excerpt.title;
        block.append(title);
      }
      lines.push(excerpt.lines.map((text, i) => {
        const row = document.createElement("div");
        const code = document.createElement("code");
        row.className = "row";
        if (excerpt.first) {
          const number = document.createElement("span");
          number.className = "number";
          number.textContent = String(excerpt.first + i);
          row.append(number);
        }
        code.textContent = text || " ";
        row.append(code);
        block.append(row);
        return { row, code, text };
      }));
      byId("lines").append(block);
    });
  }

  let marked = null;
  function showSource(step) {
    if (marked) {
      marked.row.className = "row";
      marked.row.removeAttribute("aria-current");
      marked.code.textContent = marked.text || " ";
      marked = null;
    }
    const place = nodes[step.node].place;
    if (!place) return;
    const [excerpt, line, start, end] = place;
    marked = lines[excerpt][line];
    const characters = Array.from(marked.text);
    const stop = end === null ? characters.length : end;
    marked.row.className = step.phase === "forward" ? "row now" : "row now backward";
    marked.row.setAttribute("aria-current", "step");
    const mark = document.createElement("mark");
    mark.textContent = characters.slice(start, stop).join("");
    if (mark.textContent) marked.code.replaceChildren(characters.slice(0, start).join(""), mark, characters.slice(stop).join(""));
    reveal(byId("lines"), marked.row);
  }

  // Scrolls a pane, never the page, just enough to show an element of it.
  function reveal(pane, element) {
    const outer = pane.getBoundingClientRect();
    const inner = element.getBoundingClientRect();
    const shift = (low, high, from, to) => (low < from || high > to ? (low + high) / 2 - (from + to) / 2 : 0);
    const left = shift(inner.left, inner.right, outer.left, outer.right);
    const top = shift(inner.top, inner.bottom, outer.top, outer.bottom);
    const wide = inner.width > outer.width ? 0 : left;
    if (wide || top) pane.scrollBy({ left: wide, top, behavior: calm.matches || timer ? "auto" : "smooth" });
  }

  const factor = (text) => (text.startsWith("−") ? `(${text})` : text);

  function showLedger() {
    const step = steps[at];
    const node = nodes[pinned === null ? target(step) : pinned];
    byId("variable").value = pinned === null ? "" : String(pinned);
    byId("variable").options[0].text = `this step: ${nodes[target(step)].name}`;
    const arrived = node.received.filter((index) => index <= at);
    byId("entries").replaceChildren(...node.received.map((index) => {
      const entry = steps[index];
      const row = document.createElement("tr");
      const known = index <= at;
      const cells = entry.phase === "seed"
        ? ["the result itself", "", "1"]
        : [nodes[entry.node].name, `${entry.upstream} × ${factor(entry.slope)}`, entry.contribution];
      cells.forEach((text, i) => {
        const cell = document.createElement(i ? "td" : "th");
        if (i) cell.textContent = known ? (hidden(index) && i === 2 ? "?" : text) : (i === 2 ? "not yet" : "");
        else {
          const button = document.createElement("button");
          button.type = "button";
          button.textContent = text;
          button.title = `Go to step ${index + 1}`;
          button.addEventListener("click", () => { pinned = node.id; stop(); go(index); });
          cell.scope = "row";
          cell.append(button);
        }
        row.append(cell);
      });
      row.className = index === at ? "now" : known ? "" : "later";
      return row;
    }));
    const total = byId("total");
    if (!node.received.length) total.textContent = `${node.name} takes no gradient: ${node.op ? "no edge leads back to it" : "it is a constant"}.`;
    else if (!arrived.length) {
      total.textContent = at < seed
        ? `The gradient of ${node.name} is not computed yet: going back starts at step ${seed + 1}.`
        : `The gradient of ${node.name} is not computed yet: it starts to arrive at step ${node.received[0] + 1}.`;
    } else if (hidden(arrived[arrived.length - 1])) total.textContent = `∂${data.root}/∂${node.name} = ?`;
    else {
      const parts = arrived.filter((index) => steps[index].phase === "backward")
        .map((index) => `${factor(steps[index].upstream)} × ${factor(steps[index].slope)}`);
      const sum = steps[arrived[arrived.length - 1]].total;
      const left = node.received.length - arrived.length;
      total.textContent = `∂${data.root}/∂${node.name} = ${parts.length ? `${parts.join(" + ")} = ` : ""}${sum}`
        + (left ? `   (so far; ${left} more to come)` : "");
      total.title = left ? "" : `exactly ${node.gradient}`;
    }
  }

  function showTalk(step) {
    const sentence = byId("sentence");
    sentence.setAttribute("aria-live", timer ? "off" : "polite");
    byId("question").hidden = open;
    if (open) setText(sentence, step.sentence);
    else if (step.phase === "forward") setText(sentence, `Predict: what is ${nodes[step.node].name}?`);
    else setText(sentence, `Predict: what is the gradient of ${nodes[step.input].name} after ${nodes[step.node].name} has handed its part back?`);
  }

  const PHASES = { forward: "Forward →", seed: "Turning round", backward: "← Backward" };

  function render(ids, keys) {
    const step = steps[at];
    ids.forEach((id) => showNode(nodes[id]));
    keys.forEach((key) => showEdge(edges.get(key)));
    document.body.dataset.phase = step.phase;
    setText(byId("phase"), PHASES[step.phase]);
    setText(byId("where"), `${at + 1} of ${steps.length}`);
    byId("slider").value = String(at);
    byId("slider").setAttribute("aria-valuetext", `step ${at + 1} of ${steps.length}`);
    byId("first").disabled = byId("previous").disabled = at === 0;
    byId("last").disabled = byId("next").disabled = at === last;
    showTalk(step);
    showFormula(step);
    showSource(step);
    showLedger();
    const box = nodes[target(step)].box;
    if (box) reveal(byId("canvas"), box);
  }

  function go(to) {
    const from = at;
    at = Math.min(Math.max(to, 0), last);
    if (at === from) return;
    open = !(byId("predict").checked && askable(steps[at]));
    setText(byId("verdict"), "");
    byId("guess").value = "";
    render(...touched(from, at));
  }

  function show() { // the number that was hidden
    open = true;
    render(...touched(at, at));
  }

  // -- play ----------------------------------------------------------------------------------------------

  function stop() {
    clearInterval(timer);
    timer = null;
    setText(byId("play"), "Play");
  }

  function tick() {
    if (!open) show();
    else if (at === last) stop();
    else go(at + 1);
    if (at === last && open) stop();
  }

  function start() {
    clearInterval(timer);
    timer = setInterval(tick, (SECONDS_A_STEP * 1000) / Number(byId("speed").value));
    setText(byId("play"), "Pause");
    if (at === last) go(0);
  }

  function toggle() {
    if (timer) stop();
    else start();
  }

  // -- what the learner does -----------------------------------------------------------------------------

  function move(to) {
    stop();
    go(to);
  }

  // A box: the step that computes it; going back, the step that completes its gradient.
  function visit(id) {
    const node = nodes[id];
    stop();
    pinned = id;
    const to = at >= seed && node.received.length ? node.received[node.received.length - 1] : node.forward;
    if (to === at) showLedger();
    else go(to);
  }

  function check() {
    const text = byId("guess").value.trim().replace("−", "-").replace(",", ".");
    const guess = text === "" ? NaN : Number(text);
    if (Number.isNaN(guess)) {
      setText(byId("verdict"), "Type a number, such as -1.5.");
      return;
    }
    const answer = steps[at].answer;
    const right = Math.abs(guess - answer) <= Math.max(0.005, 0.01 * Math.abs(answer));
    show();
    setText(byId("verdict"), right ? "✓ Right." : `✗ You said ${byId("guess").value.trim()}; look at the numbers once more.`);
  }

  byId("first").addEventListener("click", () => move(0));
  byId("previous").addEventListener("click", () => move(at - 1));
  byId("next").addEventListener("click", () => move(at + 1));
  byId("last").addEventListener("click", () => move(last));
  byId("play").addEventListener("click", toggle);
  byId("slider").addEventListener("input", (event) => move(Number(event.target.value)));
  byId("speed").addEventListener("change", () => { if (timer) start(); });
  byId("check").addEventListener("click", check);
  byId("reveal").addEventListener("click", show);
  byId("guess").addEventListener("keydown", (event) => { if (event.key === "Enter") check(); });
  byId("variable").addEventListener("change", (event) => {
    pinned = event.target.value === "" ? null : Number(event.target.value);
    showLedger();
  });
  byId("predict").addEventListener("change", (event) => {
    stop();
    open = !(event.target.checked && askable(steps[at]));
    setText(byId("verdict"), "");
    render(...touched(at, at));
  });
  byId("canvas").addEventListener("click", (event) => {
    const box = event.target.closest(".box");
    const edge = event.target.closest(".hit");
    if (box) visit(Number(box.dataset.nodes));
    else if (edge && edges.get(edge.dataset.edge).step !== null) move(edges.get(edge.dataset.edge).step);
  });

  const KEYS = {
    ArrowRight: () => move(at + 1),
    ArrowLeft: () => move(at - 1),
    Home: () => move(0),
    End: () => move(last),
    " ": toggle,
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in KEYS)) return;
    const tag = event.target.tagName;
    const typing = tag === "SELECT" || (tag === "INPUT" && event.target.type === "text");
    const pressed = event.key === " " && (tag === "BUTTON" || (tag === "INPUT" && event.target.type === "checkbox"));
    if (typing || pressed) return;
    event.preventDefault();
    KEYS[event.key]();
  });

  // -- size of the graph ---------------------------------------------------------------------------------

  const svg = byId("canvas").querySelector("svg");
  const size = { width: data.width, height: data.height };

  const stacked = window.matchMedia("(max-width: 60rem)"); // there, the pane is as high as the graph wants

  function resize() {
    const pane = byId("canvas");
    const high = stacked.matches ? window.innerHeight * 0.4 : pane.offsetHeight - 4;
    const room = Math.min((pane.offsetWidth - 4) / size.width, high / size.height);
    const readable = stacked.matches ? 0.75 : 0.6; // a graph that would get smaller than this scrolls instead
    const chosen = scale === null ? Math.min(Math.max(room, readable), 1.6) : scale;
    svg.setAttribute("width", String(size.width * chosen));
    svg.setAttribute("height", String(size.height * chosen));
    return chosen;
  }

  function zoom(by) {
    scale = Math.min(Math.max(resize() * by, 0.1), 4);
    resize();
    const box = nodes[target(steps[at])].box;
    if (box) reveal(byId("canvas"), box);
  }

  byId("smaller").addEventListener("click", () => zoom(1 / 1.25));
  byId("larger").addEventListener("click", () => zoom(1.25));
  byId("fit").addEventListener("click", () => { scale = null; resize(); });
  window.addEventListener("resize", () => showFormula(steps[at]));
  new ResizeObserver(resize).observe(byId("canvas"));
  window.addEventListener("resize", resize);

  // -- begin ---------------------------------------------------------------------------------------------

  setText(byId(`${data.prefix}summary`), `graph of ${data.root}`); // its own summary tells the result
  buildSource();
  byId("slider").max = String(last);
  byId("slider").style.setProperty("--turn", `${(100 * seed) / last}%`);
  byId("variable").append(new Option("", ""), ...nodes.map((node) => new Option(node.choice, String(node.id))));
  resize();
  at = Math.min(Math.max((Number.parseInt(location.hash.slice(1), 10) || 1) - 1, 0), last); // page.html#7 opens at step 7
  render(nodes.map((node) => node.id), [...edges.keys()]);
})();
