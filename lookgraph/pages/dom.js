"use strict";
// What all scripts here share. Text from outside is only ever set as textContent.

/** An element with attributes or properties, and children: elements, text, or null for none. */
function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

const clamp = (value, least, most) => Math.min(most, Math.max(least, value));
