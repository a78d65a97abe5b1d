// A whole document of ours in a frame: the graph, or the map. Where people go in it, it asks for by
// a message; the next document takes the place of the last one when it is there.

const FADE = 160; // milliseconds until it covers the last one; in the style too
const documents = new WeakMap();

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".root");
  let shown = documents.get(root);
  if (!shown) {
    shown = begin(root);
    documents.set(root, shown);
  }
  show(shown, data);
  const heard = (event) => {
    const isOurs = shown.frames.some((frame) => frame.contentWindow === event.source);
    const address = event.data?.go;
    if (!isOurs || event.origin !== location.origin || typeof address !== "string") return;
    if (/^\/(?!\/)/.test(address)) go(address);
  };
  shown.deafen(); // what an earlier call has begun, Streamlit does not end
  shown.deafen = () => removeEventListener("message", heard);
  addEventListener("message", heard);
  return shown.deafen;
}

function begin(root) {
  const waiting = element("p", { className: "waiting", role: "status" });
  const area = element("div", { className: "document" }, waiting);
  root.replaceChildren(area);
  return { area, waiting, frames: [], address: null, deafen: () => {} };
}

/** Load a document beside the one that is there, which stays until then. */
function show(shown, { address, title, waiting }) {
  if (shown.address === address) return;
  shown.address = address;
  shown.waiting.textContent = waiting;
  shown.waiting.hidden = shown.frames.length > 0;
  shown.frames.splice(1).forEach((other) => other.remove());
  const frame = element("iframe", { src: address, title, className: "coming" });
  const [last] = shown.frames;
  const byKeys = last?.contentDocument?.querySelector(":focus-visible");
  frame.onload = () => {
    if (!shown.frames.includes(frame)) return;
    shown.waiting.hidden = true;
    frame.className = "";
    const others = shown.frames.filter((other) => other !== frame);
    shown.frames = [frame];
    setTimeout(() => others.forEach((other) => other.remove()), FADE);
    if (byKeys) frame.contentDocument?.getElementById("canvas")?.focus({ preventScroll: true });
  };
  shown.frames.push(frame);
  shown.area.append(frame);
}
