// Walks through the steps of one computation. Everything shown was computed by glassgrad and lies in #data;
// a step only touches what differs from the step shown before. Text is set as text, never as markup.
// This part: the data, and what every box and edge looks like at a step.

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

// -- what each node and edge goes through, worked out once ----------------------------------------------

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

// -- state ----------------------------------------------------------------------------------------------

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
