"use strict";
// A view of a plane on a canvas, and what moves it: pointers, the wheel, keys and buttons.

/** What part of a plane is seen on a canvas. */
class View {
  constructor(canvas, paint) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.paint = paint; // called with the time
    Object.assign(this, { x: 0, y: 0, scale: 1, least: 0.001, most: 100, width: 1, height: 1 });
    this.asked = 0;
    this.way = null; // where it glides to
    this.rest = 0; // what ends a movement by hand
    this.measure();
    new ResizeObserver(() => this.resize()).observe(canvas);
  }

  resize() {
    if (root.classList.contains("paper")) return;
    this.measure();
    this.resized?.();
    this.now();
  }

  measure() {
    this.ratio = Math.min(devicePixelRatio || 1, 2);
    this.width = Math.max(1, this.canvas.clientWidth);
    this.height = Math.max(1, this.canvas.clientHeight);
    this.canvas.width = Math.round(this.width * this.ratio);
    this.canvas.height = Math.round(this.height * this.ratio);
  }

  across = (x) => (x - this.x) * this.scale + this.width / 2;
  down = (y) => (y - this.y) * this.scale + this.height / 2;
  worldX = (x) => (x - this.width / 2) / this.scale + this.x;
  worldY = (y) => (y - this.height / 2) / this.scale + this.y;

  /** Paint before the next frame. */
  draw() {
    this.asked ||= requestAnimationFrame((time) => this.now(time));
  }

  now(time = performance.now()) {
    cancelAnimationFrame(this.asked);
    this.asked = 0;
    if (this.way) this.glide(time);
    this.pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    this.pen.clearRect(0, 0, this.width, this.height);
    this.paint(time);
  }

  glide(time) {
    const { from, to, began } = this.way;
    const share = calm.matches ? 1 : clamp((time - began) / 320, 0, 1);
    const eased = 1 - (1 - share) ** 3;
    this.scale = from.scale * (to.scale / from.scale) ** eased;
    this.x = from.x + (to.x - from.x) * eased;
    this.y = from.y + (to.y - from.y) * eased;
    if (share === 1) this.way = null;
    else this.draw();
  }

  go(to) {
    const from = { x: this.x, y: this.y, scale: this.scale };
    this.way = { from, to: { ...from, ...to }, began: performance.now() };
    this.draw();
  }

  /** Whether it moves, so that painting should be quick. */
  get moving() {
    return this.way !== null || this.rest !== 0;
  }

  /** It is moved by hand: what glides stops. */
  halt() {
    this.way = null;
    clearTimeout(this.rest);
    this.rest = setTimeout(() => {
      this.rest = 0;
      this.draw();
    }, 140);
  }

  /** Zoom so that what is at a place of the canvas stays there. */
  zoom(factor, x = this.width / 2, y = this.height / 2) {
    this.halt();
    const scale = clamp(this.scale * factor, this.least, this.most);
    const [wx, wy] = [this.worldX(x), this.worldY(y)];
    this.scale = scale;
    this.x = wx - (x - this.width / 2) / scale;
    this.y = wy - (y - this.height / 2) / scale;
    this.draw();
  }

  pan(dx, dy) {
    this.halt();
    this.x -= dx / this.scale;
    this.y -= dy / this.scale;
    this.draw();
  }

  /** Where all of a box is seen, beside what the panel covers. */
  framing([left, top, right, bottom], most = this.most) {
    const free = this.free();
    const [width, height] = [free.right - free.left, free.bottom - free.top];
    const scale = clamp(
      Math.min(width / Math.max(right - left, 1e-9), height / Math.max(bottom - top, 1e-9)),
      this.least,
      Math.max(this.least, most),
    );
    const [dx, dy] = [
      (free.left + free.right - this.width) / 2,
      (free.top + free.bottom - this.height) / 2,
    ];
    return { scale, x: (left + right) / 2 - dx / scale, y: (top + bottom) / 2 - dy / scale };
  }

  /** What of the canvas nothing covers, in its pixels. */
  free() {
    const whole = { left: 0, top: 0, right: this.width, bottom: this.height };
    const over = [panel, list].find((part) => !part.hidden)?.getBoundingClientRect();
    if (!over) return whole;
    const canvas = this.canvas.getBoundingClientRect();
    if (over.width < canvas.width * 0.9) whole.right = Math.max(80, over.left - canvas.left);
    else whole.bottom = Math.max(80, over.top - canvas.top);
    return whole;
  }

  /** Move as little as needed for a place of the plane to be seen. */
  show(x, y, margin = 70) {
    const free = this.free();
    const edge = Math.min(margin, (free.right - free.left) / 3, (free.bottom - free.top) / 3);
    const dx = clamp(this.across(x), free.left + edge, free.right - edge) - this.across(x);
    const dy = clamp(this.down(y), free.top + edge, free.bottom - edge) - this.down(y);
    if (dx || dy) this.go({ x: this.x - dx / this.scale, y: this.y - dy / this.scale });
    this.draw();
  }
}

/**
 * Pointers and the wheel. `on` has: `at(x, y)`, the picture there or -1; `hover(i, x, y)`;
 * `tap(i, x, y)`; where pictures can be dragged, `drag(i, x, y)` and `drop(i)`; and, where they can
 * be encircled, `encircles(event)`, whether that begins, and `encircle(way, done)` with its places.
 */
function listen(view, on) {
  const canvas = view.canvas;
  const down = new Map();
  let [picture, moved, spread, way] = [-1, false, 0, null];
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const pinch = () => {
    const [[ax, ay], [bx, by]] = [...down.values()];
    return { x: (ax + bx) / 2, y: (ay + by) / 2, apart: Math.hypot(ax - bx, ay - by) };
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    down.set(event.pointerId, place(event));
    if (down.size === 1) {
      [picture, moved] = [on.at(...place(event)), false];
      way = on.encircles?.(event) ? [place(event)] : null;
    }
    if (down.size === 2) {
      if (moved && picture >= 0) on.drop?.(picture);
      [picture, moved, spread, way] = [-1, true, pinch(), null];
      on.encircle?.([], false);
    }
  });
  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = place(event);
    const before = down.get(event.pointerId);
    if (!before) {
      if (!down.size && event.pointerType !== "touch") on.hover(on.at(x, y), x, y);
      return;
    }
    if (!moved && Math.hypot(x - before[0], y - before[1]) < 5) return;
    if (!moved && (way || picture < 0 || !on.drag)) on.hover(-1, 0, 0);
    moved = true;
    canvas.classList.add("held");
    down.set(event.pointerId, [x, y]);
    if (down.size === 2) {
      const now = pinch();
      view.pan(now.x - spread.x, now.y - spread.y);
      view.zoom(now.apart / Math.max(1, spread.apart), now.x, now.y);
      spread = now;
    } else if (way) on.encircle((way = [...way, [x, y]]), false);
    else if (picture >= 0 && on.drag) on.drag(picture, x, y);
    else if (down.size === 1) view.pan(x - before[0], y - before[1]);
  });
  const release = (event) => {
    if (!down.delete(event.pointerId)) return;
    canvas.classList.remove("held");
    if (moved && way) on.encircle(way, true);
    else if (moved && picture >= 0) on.drop?.(picture);
    else if (!moved && event.type === "pointerup") on.tap(picture, ...place(event));
    [picture, moved, way] = [-1, down.size > 0, null];
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", () => down.size || on.hover(-1, 0, 0));
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const pixels = event.deltaY * [1, 16, 400][event.deltaMode];
      view.zoom(
        Math.exp(-clamp(pixels, -300, 300) * (event.ctrlKey ? 0.01 : 0.0018)),
        ...place(event),
      );
    },
    { passive: false },
  );
}

const ARROWS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };

/**
 * The keyboard and the buttons. `on` has: `step(dx, dy)`, to the next picture that way; `enter()`;
 * `escape()`; `fit()`.
 */
function keys(view, on) {
  const acts = {
    "+": () => view.zoom(1.3),
    "=": () => view.zoom(1.3),
    "-": () => view.zoom(1 / 1.3),
    0: on.fit,
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") on.escape();
    else if (event.target.matches("input")) return;
    else if (event.key in acts) acts[event.key]();
    else if (event.target !== view.canvas) return;
    else if (event.key in ARROWS) on.step(...ARROWS[event.key]);
    else if (event.key === "Enter" || event.key === " ") on.enter();
    else return;
    event.preventDefault();
  });
  $("closer").onclick = () => view.zoom(1.4);
  $("farther").onclick = () => view.zoom(1 / 1.4);
  $("fit").onclick = on.fit;
}

/** The next of some places in a direction: near, and not far off the straight way; or -1. */
function nextAmong(places, x, y, dx, dy, placeOf) {
  let [best, least] = [-1, Infinity];
  for (const i of places) {
    const [px, py] = placeOf(i);
    const [ahead, aside] = [(px - x) * dx + (py - y) * dy, Math.abs((px - x) * dy - (py - y) * dx)];
    if (ahead <= 1e-9 || aside > ahead * 1.5) continue;
    const way = ahead + 2 * aside;
    if (way < least) [best, least] = [i, way];
  }
  return best;
}
