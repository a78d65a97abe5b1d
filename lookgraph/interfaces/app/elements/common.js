// What the scripts of all components share. Text from outside is only ever set as textContent.

/** Go to another address of the app, as a link does, but without loading the page again. */
function go(address) {
  history.pushState({}, "", address);
  dispatchEvent(new PopStateEvent("popstate", { state: {} }));
}

/** An element with attributes or properties, and children: elements, or text. */
function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
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

const clamp = (value, least, most) => Math.min(most, Math.max(least, value));
