// The panes beside the graph: formula, source, ledger, sentence; and `go`, which brings all of them to a step.

// -- the panes ------------------------------------------------------------------------------------------

// A formula: the number of its outermost part in the table of parts.
function build(part, parts = data.parts) {
  const [tag, attributes, ...children] = parts[part];
  const element = document.createElementNS(MATHML, tag);
  for (const [name, value] of attributes) element.setAttribute(name, value);
  for (const child of children) element.append(typeof child === "string" ? child : build(child, parts));
  return element;
}

function showFormula(step) {
  const shown = [["rule", build(step.rule)], ["numbers", unlessHidden(build(step.numbers))]];
  if (twin) shown.push(["right-numbers", unlessHidden(build(twin.steps[now(twin)].numbers, twin.data.parts))]);
  for (const [id, formula] of shown) {
    byId(id).replaceChildren(formula);
    fit(formula);
  }
}

function unlessHidden(formula) {
  if (!open) {
    const unknown = document.createElementNS(MATHML, "mi");
    unknown.textContent = "?";
    formula.firstElementChild.lastElementChild.replaceWith(unknown);
  }
  return formula;
}

// A wide formula is set smaller; one that would get too small to read is broken into lines before its operators.
const SMALLEST = 0.8; // em
const INDENT = 20; // of the lines after the first, in pixels, as in the style
const SUMS = new Set(["=", "+=", "+", "−"]);
const PRODUCTS = new Set(["·", "×"]);

function fit(formula) {
  const pane = formula.parentElement;
  pane.className = "math";
  const size = smaller(formula, pane.clientWidth, 1.2);
  if (size === null || size >= SMALLEST) return;
  pane.className = "math broken";
  pane.replaceChildren(...terms(formula));
  for (const piece of pane.querySelectorAll("math")) smaller(piece, pane.clientWidth - INDENT, 1);
}

// Sets a formula of the usual size (in em) so that it has room; returns its new size, or null if it fits as it is.
function smaller(formula, width, usual) {
  const room = width / formula.getBoundingClientRect().width;
  if (!(room < 1)) return null;
  const size = Math.max(usual * room * 0.99, 0.65);
  formula.style.fontSize = `${size}em`;
  return size;
}

// A formula as inline blocks, one for each term, in them a formula for each factor; all but the first begin with their
// operator. The browser breaks lines between terms, and between factors where a term has no room.
function terms(formula) {
  const found = [];
  let piece = null;
  for (const part of flat(formula.firstElementChild)) {
    const operator = part.tagName === "mo" ? part.textContent : "";
    if (!piece || SUMS.has(operator)) {
      found.push(document.createElement("span"));
      found[found.length - 1].className = "term";
    }
    if (!piece || SUMS.has(operator) || PRODUCTS.has(operator)) {
      piece = document.createElementNS(MATHML, "math");
      piece.setAttribute("displaystyle", "true");
      piece.append(document.createElementNS(MATHML, "mrow"));
      found[found.length - 1].append(piece, "\u200b");
    }
    if (operator) part.setAttribute("form", "infix");
    piece.firstElementChild.append(part);
  }
  return found;
}

// The parts of a row; a row in it whose own operators are all of those above, such as a sum, is taken apart as well.
function flat(row) {
  return [...row.children].flatMap((part) => {
    const operators = part.tagName === "mrow" ? [...part.children].filter((child) => child.tagName === "mo") : [];
    const opens = part.firstElementChild && part.firstElementChild.tagName !== "mo";
    return opens && operators.length && operators.every((mo) => SUMS.has(mo.textContent) || PRODUCTS.has(mo.textContent)) ? flat(part) : [part];
  });
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

// Scrolls a pane (and others along with it), never the page, just enough to show an element of it.
function reveal(pane, element, panes = [pane]) {
  const outer = pane.getBoundingClientRect();
  const inner = element.getBoundingClientRect();
  const shift = (low, high, from, to) => (low < from || high > to ? (low + high) / 2 - (from + to) / 2 : 0);
  const left = shift(inner.left, inner.right, outer.left, outer.right);
  const top = shift(inner.top, inner.bottom, outer.top, outer.bottom);
  const wide = inner.width > outer.width ? 0 : left;
  const behavior = calm.matches || timer ? "auto" : "smooth";
  const place = { left: pane.scrollLeft + wide, top: pane.scrollTop + top, behavior };
  if (wide || top) for (const one of panes) one.scrollTo(place);
}

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
    const begun = [node.id === steps[seed].node ? "the result itself" : "the pass before", "", data.begun[node.id]];
    const lost = data.replaces.some((later) => later > index && later <= at && steps[later].input === node.id);
    const cells = entry.phase === "seed" ? begun : [entry.through, entry.product, entry.contribution + (lost ? " (lost)" : "")];
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
  } else {
    const left = node.received.length - arrived.length;
    const latest = arrived[arrived.length - 1];
    total.textContent = sumOf(main, node, arrived);
    total.title = left || hidden(latest) ? "" : `exactly ${node.gradient}`;
  }
  if (twin) {
    const other = twin.nodes[node.id];
    const there = other.received.filter((index) => index <= now(twin));
    byId("right-total").textContent = there.length ? `right: ${sumOf(twin, other, there)}` : "";
  }
}

function sumOf(walk, node, arrived) {
  const left = node.received.length - arrived.length;
  const latest = arrived[arrived.length - 1];
  const sum = hidden(latest, walk) ? "?" : walk.steps[latest].sum || totalAt(walk, node, latest);
  return `${gradientOf(walk, node)}${left ? " so far" : ""} = ${sum}${left ? `   (${left} more to come)` : ""}`;
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

// Shows step `at`; whatever has changed since step `from`, or up to step `to`.
function render(from, to = at) {
  const step = steps[at];
  for (const walk of walks) {
    const [ids, keys] = touched(walk, from, to);
    ids.forEach((id) => showNode(walk.nodes[id], walk));
    keys.forEach((key) => showEdge(walk.edges.get(key), walk));
  }
  document.body.dataset.phase = step.phase;
  setText(byId("phase"), PHASES[step.phase]);
  setText(byId("where"), `${at + 1} of ${steps.length}`);
  byId("slider").value = String(at);
  byId("slider").setAttribute("aria-valuetext", `step ${at + 1} of ${steps.length}`);
  byId("first").disabled = byId("previous").disabled = at === 0;
  byId("last").disabled = byId("next").disabled = at === last;
  if (twin) setText(byId("right-title"), now(twin) === at ? "Right" : `Right: its step ${now(twin) + 1}`);
  showTalk(step);
  showFormula(step);
  showSource(step);
  showLedger();
  const box = nodes[target(step)].box;
  if (box) reveal(byId("canvas"), box, PANES);
}

function go(to) {
  const from = at;
  at = Math.min(Math.max(to, 0), last);
  if (at === from) return;
  open = !(byId("predict").checked && askable(steps[at]));
  setText(byId("verdict"), "");
  byId("guess").value = "";
  render(from);
}

function show() { // the number that was hidden
  open = true;
  render(at);
}
