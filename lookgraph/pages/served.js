"use strict";
// Pages that the app shows: where they lead to.

const shownAt = (id, side) => `/shown/${id}?side=${side}`;

/** An address of the app: with what is asked, and the model that is looked through. */
function addressOf(path, asked) {
  const query = new URLSearchParams(asked);
  if (data.model) query.append("model", data.model);
  return `${path}?${query}`;
}

/** Go to another view of the app; the page around this one does. */
function go(address) {
  if (parent === window) location.assign(address);
  else parent.postMessage({ go: address }, location.origin);
}

/** A link to another view. */
const lead = (label, address, name = "act quiet") =>
  element("a", { className: name, href: address, target: "_top" }, label);

// With a modifier key, or by the middle button, links open elsewhere, as everywhere.
document.addEventListener("click", (event) => {
  const to = event.target.closest?.("a[target=_top]");
  if (!to || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(to.getAttribute("href"));
});

/** Where a path may lead to from here: its end, if its start is chosen, or it starts here. */
function pathsOf(i, path, asked) {
  const id = data.ids[i];
  if (data.start === null)
    return [lead("Path from here…", addressOf(path, { ...asked, from: id }))];
  if (data.start === id) return [];
  return [lead("Path to here", addressOf("/graph", { picture: data.start, to: id }), "act")];
}

const starting = () => (data.start === null ? {} : { from: data.start });
