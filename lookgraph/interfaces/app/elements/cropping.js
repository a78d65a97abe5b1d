// A picture of the question, of which a part can be cut out: by dragging on it, or with keys.

/** The picture with its crop: [x, y, width, height] in its own pixels, or null. */
function cropper(picture, crop) {
  const image = element("img", {
    src: thumbnail(picture.id, 640),
    alt: picture.name,
    draggable: false,
    width: picture.width,
    height: picture.height,
  });
  const hole = element("div", { className: "hole", hidden: !crop });
  const told = element("p", { className: "told" });
  const area = element(
    "div",
    {
      className: "crop",
      tabIndex: 0,
      role: "group",
      "aria-label": "Drag to search with a part. Keys: c begins, arrows move, with Shift they resize, Enter searches, Escape takes all of it.",
    },
    image,
    hole,
  );
  let box = crop;
  let begun = null;

  const place = (event) => {
    const seen = image.getBoundingClientRect();
    return [
      clamp((event.clientX - seen.left) / seen.width, 0, 1) * picture.width,
      clamp((event.clientY - seen.top) / seen.height, 0, 1) * picture.height,
    ];
  };
  const draw = () => {
    hole.hidden = !box;
    area.classList.toggle("cut", Boolean(box));
    told.replaceChildren(
      box
        ? element("button", { type: "button", onclick: () => go(changed({ crop: null })) }, "Use the whole picture")
        : "Drag on the picture to search with a part of it.",
    );
    if (!box) return;
    const [x, y, width, height] = box;
    Object.assign(hole.style, {
      left: `${(x / picture.width) * 100}%`,
      top: `${(y / picture.height) * 100}%`,
      width: `${(width / picture.width) * 100}%`,
      height: `${(height / picture.height) * 100}%`,
    });
  };
  const search = () => box && go(changed({ crop: box.map(Math.round).join() }));
  const between = ([ax, ay], [bx, by]) => {
    const [x, y] = [Math.min(ax, bx), Math.min(ay, by)];
    return [x, y, Math.max(ax, bx) - x, Math.max(ay, by) - y];
  };

  area.onpointerdown = (event) => {
    if (event.button) return;
    area.setPointerCapture(event.pointerId);
    begun = place(event);
  };
  area.onpointermove = (event) => {
    if (!begun) return;
    const now = between(begun, place(event));
    if (Math.min(now[2] / picture.width, now[3] / picture.height) < 0.03) return;
    box = now;
    draw();
  };
  area.onpointerup = () => {
    begun = null;
    if (box && String(box.map(Math.round)) !== String(crop)) search();
  };
  area.onpointercancel = () => {
    [begun, box] = [null, crop];
    draw();
  };
  area.onkeydown = (event) => {
    const step = 0.04;
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const { width, height } = picture;
    if (event.key === "c") box = [width * 0.2, height * 0.2, width * 0.6, height * 0.6];
    else if (event.key === "Enter") search();
    else if (event.key === "Escape" && box) go(changed({ crop: null }));
    else if (event.key in moves && box) {
      const [dx, dy] = [moves[event.key][0] * step * width, moves[event.key][1] * step * height];
      if (event.shiftKey) {
        box = [
          box[0],
          box[1],
          clamp(box[2] + dx, width * step, width - box[0]),
          clamp(box[3] + dy, height * step, height - box[1]),
        ];
      } else {
        box = [
          clamp(box[0] + dx, 0, width - box[2]),
          clamp(box[1] + dy, 0, height - box[3]),
          box[2],
          box[3],
        ];
      }
    } else return;
    event.preventDefault();
    draw();
  };
  draw();
  return element("div", {}, area, told);
}
