// What the learner does: play, buttons, keys, guesses, clicks, the size of the graph.

// -- play -----------------------------------------------------------------------------------------------

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

// -- what the learner does ------------------------------------------------------------------------------

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

// The first wrong number, with its ledger: where the pass begins, the step itself is about the result.
function moveToWrong() {
  pinned = target(steps[data.first]) === data.receiver ? null : data.receiver;
  move(data.first);
  showLedger();
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
byId("visit").addEventListener("click", () => visit(pinned === null ? target(steps[at]) : pinned));
byId("predict").addEventListener("change", (event) => {
  stop();
  open = !(event.target.checked && askable(steps[at]));
  setText(byId("verdict"), "");
  render(at);
});
for (const pane of PANES) pane.addEventListener("click", (event) => {
  const box = event.target.closest(".box");
  const edge = event.target.closest(".hit");
  if (box) visit(Number(box.dataset.nodes));
  else if (edge && edges.get(edge.dataset.edge).step !== null) move(edges.get(edge.dataset.edge).step);
});
byId("wrong").addEventListener("click", moveToWrong);

const KEYS = {
  ArrowRight: () => move(at + 1),
  ArrowLeft: () => move(at - 1),
  Home: () => move(0),
  End: () => move(last),
  " ": toggle,
};
if (data.first !== undefined) KEYS.w = KEYS.W = moveToWrong;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in KEYS)) return;
  const tag = event.target.tagName;
  const typing = tag === "SELECT" || (tag === "INPUT" && event.target.type === "text");
  const pressed = event.key === " " && (tag === "BUTTON" || (tag === "INPUT" && event.target.type === "checkbox"));
  if (typing || pressed) return;
  event.preventDefault();
  KEYS[event.key]();
});

// -- size of the graph ----------------------------------------------------------------------------------

const READABLE = 0.75; // a graph that would get smaller than this scrolls instead
const stacked = window.matchMedia("(max-width: 60rem)"); // there, the pane is as high as the graph wants

function resize() {
  const pane = byId("canvas");
  const high = stacked.matches ? window.innerHeight * 0.4 : pane.offsetHeight - 4;
  const room = Math.min((pane.offsetWidth - 4) / data.width, high / data.height);
  const chosen = scale === null ? Math.min(Math.max(room, READABLE), 1.6) : scale || Math.min(room, 1.6);
  for (const other of PANES) {
    const svg = other.querySelector("svg");
    svg.setAttribute("width", String(data.width * chosen));
    svg.setAttribute("height", String(data.height * chosen));
  }
  return chosen;
}

function zoom(by) {
  scale = Math.min(Math.max(resize() * by, 0.1), 4);
  resize();
  const box = nodes[target(steps[at])].box;
  if (box) reveal(byId("canvas"), box, PANES);
}

byId("smaller").addEventListener("click", () => zoom(1 / 1.25));
byId("larger").addEventListener("click", () => zoom(1.25));
byId("fit").addEventListener("click", () => { scale = 0; resize(); });
let scrolled = null; // the graph that the learner's hand is on: the other one goes along
for (const pane of PANES) {
  for (const kind of ["pointerenter", "focusin"]) pane.addEventListener(kind, () => { scrolled = pane; });
  pane.addEventListener("scroll", () => {
    if (pane === scrolled) for (const other of PANES) if (other !== pane) other.scrollTo({ left: pane.scrollLeft, top: pane.scrollTop, behavior: "instant" });
  });
}
window.addEventListener("resize", () => showFormula(steps[at]));
new ResizeObserver(resize).observe(byId("canvas"));
window.addEventListener("resize", resize);

// -- begin ----------------------------------------------------------------------------------------------

for (const walk of walks) setText(byId(`${walk.data.prefix}summary`), `graph of ${data.root}`); // its own tells the result
if (twin) {
  document.body.dataset.twin = "";
  document.querySelectorAll(".twin").forEach((part) => { part.hidden = part.matches("#wrong, .keys *, #legend *") && data.first === undefined; });
  setText(byId("graph-title"), `With the fault: ${data.fault}`);
  document.querySelector("header").append(byId("legend")); // both graphs have the same room
  if (!data.derived) document.body.dataset.source = "";
}
buildSource();
byId("slider").max = String(last);
byId("slider").style.setProperty("--turn", `${(100 * seed) / last}%`);
byId("variable").append(new Option("", ""), ...nodes.map((node) => new Option(node.choice, String(node.id))));
resize();
at = Math.min(Math.max((Number.parseInt(location.hash.slice(1), 10) || 1) - 1, 0), last); // page.html#7 opens at step 7
render(0, last);
