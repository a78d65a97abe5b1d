"use strict";
// Where the graph leads to in the app: another centre, look-alikes, a path.

const TWICE = 400; // milliseconds between two clicks that are a double click

/** What further views are asked for with: the amount, the start of a path, and the threshold. */
const asked = () => ({
  ...(data.most ? { most: data.most } : {}),
  ...starting(),
  ...(isCut() ? { threshold: $("threshold").value } : {}),
});
const centredOn = (i) => addressOf("/graph", { picture: data.ids[i], ...asked() });

function waysFrom(i) {
  const first = data.start === null ? "act" : "act quiet";
  return [
    ...(i === centre ? [] : [lead("Centre on this", centredOn(i), first)]),
    lead("Look-alikes", addressOf("/", { picture: data.ids[i] })),
    ...pathsOf(i, "/graph", { ...asked(), picture: data.ids[centre] }),
  ];
}

/** Have the slider begin where the app's address says, and the address say where it ends. */
function keepCut(slider) {
  const kept = new URL(parent.location.href).searchParams.get("threshold");
  if (kept !== null && Number.isFinite(Number(kept))) slider.value = kept;
  slider.onchange = () => {
    const address = new URL(parent.location.href);
    if (isCut()) address.searchParams.set("threshold", slider.value);
    else address.searchParams.delete("threshold");
    parent.history.replaceState(parent.history.state, "", address);
  };
}

function walkTo(i) {
  if (i !== centre) go(centredOn(i));
}

let last = { i: -1, x: 0, y: 0, time: 0 };

/** Whether this tap is the second one at a place: then it walks to what was there at the first. */
function again(i, x, y) {
  const { i: before, x: bx, y: by, time } = last;
  last = { i, x, y, time: performance.now() };
  if (before < 0 || last.time - time > TWICE || Math.hypot(x - bx, y - by) > 12) return false;
  walkTo(before);
  return true;
}

for (const option of $("most").options) option.selected = option.value === String(data.most);
$("most").onchange = () =>
  go(addressOf("/graph", { ...asked(), picture: data.ids[centre], most: $("most").value }));
