"use strict";
// How the map is drawn: all pictures as points, and where there is room, thumbnails.

const thumbnails = new Thumbnails(() => view.draw());
const view = new View($("canvas"), paint);
let drawn = []; // pictures drawn as thumbnails, and how large, the topmost last
let roomy = 1; // the scale at which nearly all thumbnails are there: from here on they grow

const dimmed = (i) =>
  (found && !found.has(i)) ||
  (group !== null && data.groups[i] !== group) ||
  (served && selected !== null && !selected.has(i));

const sideAt = (scale) => SIDE * clamp(scale / roomy, 1, 2.5);

function paint() {
  thumbnails.begin();
  const side = sideAt(view.scale);
  const slack = side / view.scale;
  const seen = [];
  within(
    view.worldX(0) - slack,
    view.worldY(0) - slack,
    view.worldX(view.width) + slack,
    view.worldY(view.height) + slack,
    (i) => seen.push(i),
  );
  const limit = ((view.scale * SIDE) / side) * (1 + 1e-9);
  const isThumbnail = (i) => appears[i] <= limit && !dimmed(i);
  paintPoints(seen.filter((i) => !isThumbnail(i)));
  drawn = seen.filter(isThumbnail).map((i) => [i, side]);
  for (const [i] of drawn) paintThumbnail(i, side);
  for (const i of new Set([current, chosen, hovered])) if (i >= 0) paintMark(i, side);
  if (served) paintLasso();
}

/**
 * Points are written into the canvas's pixels, which for tens of thousands is far quicker than
 * drawing. Where some overlap, the most opaque one is seen, so those that are dimmed lie below.
 */
function paintPoints(points) {
  const radius = clamp(1.1 * (view.scale / view.whole) ** 0.5 * pointSize, 1.2, 7) * view.ratio;
  const edge = Math.ceil(radius) + 1;
  const [width, height] = [view.canvas.width + 2 * edge, view.canvas.height + 2 * edge];
  if (pixels?.width !== width || pixels.height !== height) pixels = new ImageData(width, height);
  const words = new Uint32Array(pixels.data.buffer); // alpha in the highest byte
  words.fill(0);
  const disc = discOf(radius, edge, width);
  const quiet = wordOf(colours.quiet);
  for (const i of points) {
    const x = Math.round(view.across(px[i]) * view.ratio) + edge;
    const y = Math.round(view.down(py[i]) * view.ratio) + edge;
    if (x < edge || y < edge || x >= width - edge || y >= height - edge) continue;
    const group = data.groups[i];
    const strength = dimmed(i) ? 0.16 : group === null ? 0.5 : 0.92;
    const hue = group === null ? quiet : hueWords[group % HUES.length];
    const at = y * width + x;
    for (let k = 0; k < disc.length; k += 2) {
      const word = (((disc[k + 1] * strength) << 24) | hue) >>> 0;
      if (word >>> 24 > words[at + disc[k]] >>> 24) words[at + disc[k]] = word;
    }
  }
  view.pen.putImageData(pixels, -edge, -edge);
}

let pixels = null;
const pointSize = clamp(80 / Math.sqrt(count), 1.6, 4);

/** A colour as a pixel's word, without its alpha; `#rrggbb`. */
const wordOf = (hue) => {
  const number = parseInt(hue.slice(1), 16);
  return ((number & 255) << 16) | (number & 0xff00) | (number >> 16);
};
const hueWords = HUES.map(wordOf);

/** A disc's pixels: how far each is from the middle one in a row of rows, and its alpha. */
function discOf(radius, edge, width) {
  const disc = [];
  for (let y = -edge; y <= edge; y++) {
    for (let x = -edge; x <= edge; x++) {
      const cover = clamp(radius + 0.5 - Math.hypot(x, y), 0, 1);
      if (cover) disc.push(y * width + x, Math.round(cover * 255));
    }
  }
  return disc;
}

/** Where a thumbnail stands: about its point, in its own proportions. */
function boxOf(i, side) {
  const made = thumbnails.of(i);
  const fit = made ? (side * 0.92) / Math.max(made.width, made.height) : 0;
  const [w, h] = made ? [made.width * fit, made.height * fit] : [side * 0.9, side * 0.68];
  return { made, box: [view.across(px[i]) - w / 2, view.down(py[i]) - h / 2, w, h] };
}

function paintThumbnail(i, side) {
  const { made, box } = boxOf(i, side);
  const round = Math.max(box[2], box[3]) * ROUND;
  view.pen.fillStyle = colours.ground;
  view.pen.beginPath();
  view.pen.roundRect(...box, round);
  view.pen.fill();
  if (made) stamp(view.pen, made, box, view.ratio);
  outline(box, round, hueOf(data.groups[i]) ?? colours.line, 2);
}

function outline(box, round, colour, width) {
  view.pen.strokeStyle = colour;
  view.pen.lineWidth = width;
  view.pen.beginPath();
  view.pen.roundRect(...box, round);
  view.pen.stroke();
}

/** The picture that is pointed at or chosen: above all others, and as a thumbnail in any case. */
function paintMark(i, side) {
  if (data.thumbnails[i] === null) {
    const [x, y] = [view.across(px[i]), view.down(py[i])];
    outline([x - 9, y - 9, 18, 18], 9, colours.page, 6);
    outline([x - 9, y - 9, 18, 18], 9, colours.accent, 3);
    return;
  }
  const large = i === hovered && i !== chosen ? side : Math.max(side, 84);
  paintThumbnail(i, large);
  const { box } = boxOf(i, large);
  outline(box, 6, colours.accent, 4);
  drawn.push([i, large]);
}
