// What the scripts of all components share.

/** Go to another address of the app, as a link does, but without loading the page again. */
function go(address) {
  history.pushState({}, "", address);
  dispatchEvent(new PopStateEvent("popstate", { state: {} }));
}

/** The address of a screen with a picture, by the network that is looked at here. */
function placeOf(screen, id) {
  const query = new URLSearchParams({ picture: id });
  const model = new URLSearchParams(location.search).get("model");
  if (model) query.set("model", model);
  return `${screen}?${query}`;
}

/** A link within the app: with a modifier key, or by the middle button, it opens elsewhere. */
function link(address, properties, ...children) {
  const made = element("a", { href: address, ...properties }, ...children);
  made.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    go(address);
  });
  return made;
}

/** The address of a library's or an uploaded picture's thumbnail; 160, 320 or 640 pixels. */
const thumbnail = (id, side) => `/shown/${id}?side=${side}`;

/** Scroll what an element stands in to its top; Streamlit scrolls a part of the page. */
function toTop(made) {
  for (let part = made; part; part = part.parentElement ?? part.getRootNode().host) {
    part.scrollTop = 0;
  }
}
