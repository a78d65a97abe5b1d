"use strict";
// Thumbnails, decoded for the canvas.

const ROUND = 0.08; // of a thumbnail's longer side: its corners
const SMALL = 56; // pixels of a thumbnail's longer side, in the copy for where it is small

/**
 * Thumbnails as bitmaps with round corners, in two sizes. Those that the last painting has asked
 * for are made, a few at a time; the oldest are let go.
 */
class Thumbnails {
  constructor(changed, most = 2400) {
    Object.assign(this, { changed, most, held: new Map(), wanted: [], busy: 0, told: 0 });
  }

  /** A painting begins: what earlier ones have asked for in vain is not wanted any more. */
  begin() {
    this.wanted = [];
  }

  /** What there is of a picture: `small`, `large`, `width` and `height`; null while it is made. */
  of(i) {
    if (data.thumbnails[i] === null) return null;
    const found = this.held.get(i);
    if (found === undefined) {
      this.wanted.push(i);
      this.decode();
      return null;
    }
    this.held.delete(i);
    this.held.set(i, found); // the one asked for last comes last
    return found;
  }

  async decode() {
    if (this.busy >= 12 || !this.wanted.length) return;
    const i = this.wanted.shift();
    if (this.held.has(i)) return;
    this.busy += 1;
    this.held.set(i, null);
    try {
      const bitmap = await (served ? this.asked(i) : this.written(i));
      const { width, height } = bitmap;
      const small = Math.min(1, SMALL / Math.max(width, height));
      this.held.set(i, {
        width,
        height,
        large: await this.rounded(bitmap, 1),
        small: await this.rounded(bitmap, small),
      });
      bitmap.close?.();
    } catch {
      data.thumbnails[i] = null; // no picture after all: it is shown as one without a thumbnail
    }
    this.busy -= 1;
    this.forget();
    this.told ||= setTimeout(() => {
      this.told = 0;
      this.changed();
    }, 60);
    while (this.busy < 12 && this.wanted.length) this.decode();
  }

  /** The thumbnail that is written into the page. */
  written(i) {
    const letters = atob(data.thumbnails[i]);
    const bytes = new Uint8Array(letters.length);
    for (let k = 0; k < bytes.length; k++) bytes[k] = letters.charCodeAt(k);
    return createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
  }

  /** The one that has an address. */
  async asked(i) {
    const image = element("img", { src: pictureOf(i) });
    await image.decode();
    return image;
  }

  rounded(bitmap, scale) {
    const [width, height] = [bitmap.width * scale, bitmap.height * scale].map((n) =>
      Math.max(1, Math.round(n)),
    );
    const canvas = element("canvas", { width, height });
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    pen.imageSmoothingQuality = "high";
    pen.beginPath();
    pen.roundRect(0, 0, width, height, Math.max(width, height) * ROUND);
    pen.clip();
    pen.drawImage(bitmap, 0, 0, width, height);
    return createImageBitmap(canvas);
  }

  forget() {
    for (const [i, made] of this.held) {
      if (this.held.size <= this.most) return;
      if (made) [made.large, made.small].forEach((bitmap) => bitmap.close());
      this.held.delete(i);
    }
  }
}

/** Draw a thumbnail into a box on the canvas. */
function stamp(pen, made, [x, y, width, height], ratio) {
  const isSmall = Math.max(width, height) * ratio <= SMALL;
  pen.drawImage(isSmall ? made.small : made.large, x, y, width, height);
}
