// Walks through the steps of one computation. Everything shown was computed by glassgrad and lies in #data;
// a step only touches what differs from the step shown before. Text is set as text, never as markup.
// This part: the data, and what every box and edge looks like at a step. A comparison has two walks, that of a pass with a
// fault, which all panes are about, and its twin, the right one, which goes along.

const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
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

// -- what each node and edge goes through, worked out once ----------------------------------------------

function walkOf(data) {
  const steps = data.steps.map((row) => Object.fromEntries(row.map((cell, i) => [data.fields[i], cell])));
  const nodes = data.nodes.map((row) => Object.fromEntries(row.map((cell, i) => [data.node_fields[i], cell])));
  const seed = steps.findIndex((step) => step.phase === "seed");
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
  Object.keys(data.begun).forEach((id) => nodes[id].received.push(seed));
  steps.forEach((step, index) => {
    if (step.phase === "forward") nodes[step.node].forward = index;
    if (step.phase !== "backward") return;
    nodes[step.input].received.push(index);
    const edge = edges.get(`${step.node}-${step.position}`);
    if (edge.step === null) edge.step = index; // with a fault, an edge may be taken again
  });
  return { data, steps, nodes, edges, seed, last: steps.length - 1 };
}

const main = walkOf(data);
const twin = data.twin ? walkOf(data.twin) : null;
const walks = twin ? [main, twin] : [main];
const { steps, nodes, edges, seed, last } = main;
const PANES = [byId("canvas"), byId("right-canvas")].slice(0, walks.length);

// -- state ----------------------------------------------------------------------------------------------

let at = -1;
let pinned = null; // the variable whose ledger was asked for; else it follows the steps
let timer = null;
let open = true; // predict first: whether the number of this step may be seen
let scale = null; // null: as large as there is room, but to be read; 0: all of it

const target = (step) => (step.phase === "backward" ? step.input : step.node);
const askable = (step) => step.answer !== null;
const hidden = (index, walk = main) => index === now(walk) && !open;
const stepOf = (walk, index) => (walk === twin && index >= 0 ? data.counterparts[index] : index); // its step beside ours
const now = (walk) => stepOf(walk, at);
const gradientOf = (walk, node) => (walk.data.faulty ? `${node.name}.grad` : `d${walk.data.root}/d${node.name}`);
const totalAt = (walk, node, index) => (index === walk.seed ? walk.data.begun[node.id] : walk.steps[index].total);

function setText(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

function setState(element, states) {
  if (element) element.setAttribute("data-state", states.join(" "));
}

function showNode(node, walk) {
  const step = walk.steps[now(walk)];
  const computed = node.forward <= now(walk);
  const arrived = node.received.filter((index) => index <= now(walk));
  const wrong = walk.data.first !== undefined && at >= walk.data.first && walk.data.receiver === node.id;
  const complete = arrived.length > 0 && arrived.length === node.received.length;
  const states = [computed ? "computed" : "idle"];
  if (arrived.length) states.push(complete ? "known" : "partial");
  if (target(step) === node.id) states.push("current");
  else if (step.node === node.id) states.push("sender");
  if (wrong) states.push("wrong");
  setState(node.box, states);
  const changed = walk.data.changed && now(walk) >= walk.seed ? walk.data.changed[node.id] : undefined;
  const value = !computed ? "" : hidden(node.forward, walk) ? "?" : changed ?? node.value;
  let grad = "";
  if (arrived.length) {
    const latest = arrived[arrived.length - 1];
    grad = hidden(latest, walk) ? "?" : (wrong ? "✗ " : "") + totalAt(walk, node, latest) + (complete ? "" : " …");
  }
  setText(node.valueText, value);
  setText(node.gradText, grad);
  const about = [node.op ? `${node.name} (${node.op})` : node.name];
  if (value) about.push(`value ${value}`);
  if (grad) about.push(`gradient ${grad}`);
  setText(node.tooltip, about.join(", "));
}

function showEdge(edge, walk) {
  const step = walk.steps[now(walk)];
  const states = [];
  const taken = edge.step !== null && edge.step <= now(walk);
  if (walk.nodes[edge.node].forward <= now(walk)) states.push("computed");
  if (taken) states.push("back");
  const here = step.node === edge.node && (step.phase === "backward" ? step.position === edge.position : step.phase === "forward");
  if (here) states.push("current");
  if (!states.length) states.push("idle");
  setState(edge.path, states);
  setText(edge.slope, taken ? walk.steps[edge.step].slope : "");
}

// Every node and edge that can look different at step `to` than it did at step `from`.
function touched(walk, from, to) {
  const ids = new Set();
  const keys = new Set();
  const [low, high] = [stepOf(walk, from), stepOf(walk, to)].sort((a, b) => a - b);
  for (let index = Math.max(low, 0); index <= high; index += 1) {
    const step = walk.steps[index];
    ids.add(step.node);
    if (step.phase === "backward") {
      ids.add(step.input);
      keys.add(`${step.node}-${step.position}`);
    } else {
      walk.nodes[step.node].inputs.forEach((_, position) => keys.add(`${step.node}-${position}`));
      if (step.phase === "seed") Object.keys(walk.data.begun).forEach((id) => ids.add(Number(id)));
    }
  }
  if (walk.data.first !== undefined) ids.add(walk.data.receiver);
  return [ids, keys];
}
