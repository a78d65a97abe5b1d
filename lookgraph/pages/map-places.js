"use strict";
// Where the pictures of a map are, and from which scale on they are shown as thumbnails.

const WIDE = 1000; // the map's side in the view's plane
const px = Float64Array.from(data.x, (x) => x * WIDE);
const py = Float64Array.from(data.y, (y) => y * WIDE);
let [hovered, chosen, current, found, group] = [-1, -1, -1, null, null];

// Squares of the plane, and who is in them: for what is near a place, and what is seen at all.

const across = clamp(Math.ceil(Math.sqrt(count / 3)), 1, 200);
const squares = Array.from({ length: across * across }, () => []);
const squareAt = (place) => clamp(Math.floor((place / WIDE) * across), 0, across - 1);
for (let i = 0; i < count; i++) squares[squareAt(py[i]) * across + squareAt(px[i])].push(i);

/** Call for every picture in the squares that a box touches. */
function within(left, top, right, bottom, call) {
  for (let row = squareAt(top); row <= squareAt(bottom); row++) {
    for (let column = squareAt(left); column <= squareAt(right); column++) {
      squares[row * across + column].forEach(call);
    }
  }
}

// From which scale on a picture stands in its point's place. It depends on no more than that, so
// that none come and go while the map is moved.

const SIDE = 64;
const HIDDEN = 5; // so many points may lie under a thumbnail
const STEP = 2 ** 0.25;
const appears = new Float64Array(count).fill(Infinity);

/** Greedily from the coarsest scale to the finest: a picture appears where no earlier one is. */
function appearances(coarsest, finest) {
  const pictures = [...Array(count).keys()].filter((i) => data.thumbnails[i] !== null);
  const roomy = pictures.map(roomyFrom);
  let waiting = pictures.map((_, k) => k);
  const there = [];
  for (let scale = coarsest; scale <= finest && waiting.length; scale *= STEP) {
    const reach = SIDE / scale;
    const cells = new Map();
    const cellOf = (i) => [Math.floor(px[i] / reach), Math.floor(py[i] / reach)];
    const add = (i) => {
      const key = cellOf(i).join();
      if (cells.has(key)) cells.get(key).push(i);
      else cells.set(key, [i]);
    };
    there.forEach(add);
    waiting = waiting.filter((k) => {
      const i = pictures[k];
      if (roomy[k] > scale || !isFree(i, reach, cells, cellOf(i))) return true;
      appears[i] = scale;
      there.push(i);
      add(i);
      return false;
    });
  }
}

function isFree(i, reach, cells, [column, row]) {
  for (let x = column - 1; x <= column + 1; x++) {
    for (let y = row - 1; y <= row + 1; y++) {
      for (const j of cells.get(`${x},${y}`) ?? []) {
        if (Math.abs(px[i] - px[j]) < reach && Math.abs(py[i] - py[j]) < reach) return false;
      }
    }
  }
  return true;
}

/** The scale from which on few points lie under the picture's thumbnail. */
function roomyFrom(i) {
  const near = [];
  for (let reach = WIDE / across; near.length <= HIDDEN + 1 && reach < 2 * WIDE; reach *= 2) {
    near.length = 0;
    within(px[i] - reach, py[i] - reach, px[i] + reach, py[i] + reach, (j) => {
      const apart = Math.max(Math.abs(px[i] - px[j]), Math.abs(py[i] - py[j]));
      if (apart <= reach) near.push(apart);
    });
  }
  near.sort((a, b) => a - b);
  const apart = near[HIDDEN + 1]; // the first is the picture itself
  return apart === undefined ? 0 : SIDE / 2 / Math.max(apart, 1e-9);
}
