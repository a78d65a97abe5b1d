"use strict";
// Where the pictures of a graph stand: forces between them, the same places every time.

const TICKS = 160;
const SIDE = 48; // of a picture's box, before the centre's and its neighbours' are enlarged
const GAP = 1.28; // a box with the room around it
const LEAST_GAP = 1.1; // what is left of that where it is crowded

/** How large each box is: the centre largest, what is next to it larger than the others. */
function sidesOf(depths) {
  const first = depths.filter((depth) => depth === 1).length;
  const next = first <= 60 ? 1.35 : 1.15;
  return Float64Array.from(depths, (depth) => SIDE * (depth === 0 ? 2.4 : depth === 1 ? next : 1));
}

class Layout {
  /**
   * @param {number} centre stands at the origin.
   * @param {number[]} depths how many edges each is away from it; -1 where none lead there.
   * @param {{first: number[], second: number[], weights: ArrayLike<number>}} edges with weights
   *   from 0 to 1, strongest first.
   * @param {number} aspect how much wider than high it may be.
   */
  constructor(centre, depths, edges, aspect = 1) {
    const n = depths.length;
    Object.assign(this, { n, centre, edges, aspect, tick: 0, heat: 1, pinned: -1 });
    this.x = new Float64Array(n);
    this.y = new Float64Array(n);
    this.vx = new Float64Array(n);
    this.vy = new Float64Array(n);
    this.degrees = new Float64Array(n);
    for (const ends of [edges.first, edges.second]) for (const i of ends) this.degrees[i] += 1;
    this.setDepths(depths);
    this.place();
  }

  setDepths(depths) {
    this.depths = Array.from(depths);
    const deepest = Math.max(0, ...depths);
    this.depths.forEach((depth, i) => {
      if (depth < 0) this.depths[i] = deepest + 1;
    });
    this.sides = sidesOf(this.depths);
    this.largest = this.sides.reduce((a, b) => Math.max(a, b), SIDE);
    // Rings whose areas have room for the boxes of each depth.
    const areas = new Float64Array(deepest + 2);
    this.depths.forEach((depth, i) => {
      areas[depth] += (this.sides[i] * GAP) ** 2 * 1.7;
    });
    this.rings = new Float64Array(deepest + 3);
    for (let d = 0; d < areas.length; d++) {
      const wide = areas[d] && d ? SIDE * 0.6 : 0;
      this.rings[d + 1] = Math.max(
        Math.sqrt(this.rings[d] ** 2 + areas[d] / Math.PI),
        this.rings[d] + wide,
      );
    }
  }

  /** Rings by depth; in each, pictures by what they hang from, spread over the ring's breadth. */
  place() {
    const { first, second } = this.edges;
    const parents = new Int32Array(this.n).fill(-1); // the strongest edges come first
    for (let e = 0; e < first.length; e++) {
      for (const [a, b] of [
        [first[e], second[e]],
        [second[e], first[e]],
      ]) {
        if (parents[b] < 0 && this.depths[a] === this.depths[b] - 1) parents[b] = a;
      }
    }
    const angles = new Float64Array(this.n);
    for (let depth = 1; depth < this.rings.length; depth++) {
      const ring = [];
      this.depths.forEach((own, i) => {
        if (own === depth) ring.push(i);
      });
      ring.sort(
        (a, b) => angles[parents[a]] - angles[parents[b]] || parents[a] - parents[b] || a - b,
      );
      const [inner, outer] = [this.rings[depth] ** 2, this.rings[depth + 1] ** 2];
      ring.forEach((i, place) => {
        angles[i] = (2 * Math.PI * (place + 0.5)) / ring.length;
        const breadth = (place * 0.6180339887) % 1;
        const radius = Math.sqrt(inner + (outer - inner) * (0.1 + 0.8 * breadth));
        this.x[i] = radius * Math.cos(angles[i]) * Math.sqrt(this.aspect);
        this.y[i] = (radius * Math.sin(angles[i])) / Math.sqrt(this.aspect);
      });
    }
  }

  get settled() {
    return this.tick >= TICKS;
  }

  /** Move again, as much as this share of what there was at first. */
  warm(heat) {
    this.tick = Math.min(this.tick, Math.round(TICKS * (1 - heat)));
  }

  step() {
    this.tick += 1;
    this.heat = Math.max(0, 1 - this.tick / (TICKS * 0.75)) ** 2;
    if (this.heat) this.move();
    this.part(GAP, 0.6);
    if (!this.heat) this.part(GAP, 0.6); // in the end they only make room
    if (this.settled) this.makeRoom();
  }

  /** Let no boxes overlap: where pushing does not help, all of it grows. */
  makeRoom() {
    for (let round = 1; round <= 400 && this.part(LEAST_GAP, 1); round++) {
      if (round % 8) continue;
      for (let i = 0; i < this.n; i++) {
        this.x[i] *= 1.02;
        this.y[i] *= 1.02;
      }
    }
  }

  move() {
    this.pull();
    this.repel();
    this.gather();
    for (let i = 0; i < this.n; i++) {
      this.vx[i] = clamp(this.vx[i] * 0.6, -this.largest, this.largest);
      this.vy[i] = clamp(this.vy[i] * 0.6, -this.largest, this.largest);
      if (i === this.pinned || i === this.centre) continue;
      this.x[i] += this.vx[i];
      this.y[i] += this.vy[i];
    }
  }

  /** Edges pull, the stronger the nearer; the more edges a picture has, the less each counts. */
  pull() {
    const { first, second, weights } = this.edges;
    for (let e = 0; e < first.length; e++) {
      const [a, b] = [first[e], second[e]];
      const [dx, dy] = [this.x[b] - this.x[a], this.y[b] - this.y[a]];
      const apart = Math.hypot(dx, dy) || 1;
      const rest = (this.sides[a] + this.sides[b]) * (0.8 + 0.9 * (1 - weights[e]));
      const [da, db] = [this.degrees[a], this.degrees[b]];
      const force =
        (((apart - rest) / apart) * this.heat * (0.3 + 0.7 * weights[e])) / Math.min(da, db);
      const share = da / (da + db);
      this.vx[b] -= dx * force * share;
      this.vy[b] -= dy * force * share;
      this.vx[a] += dx * force * (1 - share);
      this.vy[a] += dy * force * (1 - share);
    }
  }

  /** Those near each other push each other away; the rings have room for all. */
  repel() {
    const reach = SIDE * 4;
    const strength = this.heat * SIDE * 0.35;
    this.pairs(reach, (i, j) => {
      const [dx, dy] = [this.x[j] - this.x[i], this.y[j] - this.y[i]];
      const apart = Math.hypot(dx, dy) || 1;
      if (apart >= reach) return;
      const force = (strength * (1 - apart / reach) ** 2) / apart;
      this.vx[i] -= dx * force;
      this.vy[i] -= dy * force;
      this.vx[j] += dx * force;
      this.vy[j] += dy * force;
    });
  }

  /** Each is drawn to the ring of its depth, and all together to about the centre. */
  gather() {
    const wide = Math.sqrt(this.aspect);
    const mean = (values) =>
      values.reduce((sum, value) => sum + value, 0) / Math.max(1, this.n - 1);
    const [mx, my] = [mean(this.x) * 0.3, mean(this.y) * 0.3];
    for (let i = 0; i < this.n; i++) {
      if (i === this.centre) continue;
      const [x, y] = [(this.x[i] - mx) / wide, (this.y[i] - my) * wide];
      const radius = Math.hypot(x, y) || 1;
      const depth = this.depths[i];
      const wanted = clamp(radius, this.rings[depth], this.rings[depth + 1]);
      const force = ((wanted - radius) / radius) * Math.min(0.7, this.heat * 4);
      this.vx[i] += x * wide * force - mx;
      this.vy[i] += (y / wide) * force - my;
    }
  }

  /** Push boxes that overlap apart, the shorter way. Gives whether any did. */
  part(gap, share) {
    let any = false;
    this.pairs(this.largest * gap, (i, j) => {
      if (this.separate(i, j, gap, share)) any = true;
    });
    return any;
  }

  /** Call for every pair that may be this near: those in the same square, or in touching ones. */
  pairs(reach, call) {
    const squares = new Map();
    const key = (column, row) => (column + 32768) * 65536 + row + 32768;
    for (let i = 0; i < this.n; i++) {
      const at = key(Math.floor(this.x[i] / reach), Math.floor(this.y[i] / reach));
      const there = squares.get(at);
      if (there) there.push(i);
      else squares.set(at, [i]);
    }
    for (const [at, here] of squares) {
      for (let k = 1; k < here.length; k++) for (let l = 0; l < k; l++) call(here[l], here[k]);
      for (const beside of [1, 65535, 65536, 65537]) {
        // below, and the three to the right
        for (const j of squares.get(at + beside) ?? []) for (const i of here) call(i, j);
      }
    }
  }

  separate(i, j, gap, share) {
    const room = ((this.sides[i] + this.sides[j]) / 2) * gap;
    const [dx, dy] = [this.x[j] - this.x[i], this.y[j] - this.y[i]];
    const [ox, oy] = [room - Math.abs(dx), room - Math.abs(dy)];
    if (ox <= 0.01 || oy <= 0.01) return false;
    const fixed = (k) => k === this.centre || k === this.pinned;
    const mine = fixed(i) ? 0 : fixed(j) ? 1 : 0.5;
    if (ox < oy) {
      const by = (dx < 0 ? -ox : ox) * share;
      this.x[i] -= by * mine;
      this.x[j] += by * (1 - mine);
    } else {
      const by = (dy < 0 ? -oy : oy) * share;
      this.y[i] -= by * mine;
      this.y[j] += by * (1 - mine);
    }
    return true;
  }

  /** The box around all: left, top, right, bottom. */
  bounds(margin = SIDE / 2) {
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = 0; i < this.n; i++) {
      const half = this.sides[i] / 2 + margin;
      box[0] = Math.min(box[0], this.x[i] - half);
      box[1] = Math.min(box[1], this.y[i] - half);
      box[2] = Math.max(box[2], this.x[i] + half);
      box[3] = Math.max(box[3], this.y[i] + half);
    }
    return box;
  }
}
