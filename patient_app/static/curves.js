/** Draws a curve whose marks the device has placed (`services.web.curves`): band, line and marks. */

const SVG = "http://www.w3.org/2000/svg";

function s(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  if (text) element.append(text);
  return element;
}

function mark(one) {
  const { x, y } = one;
  const shape = one.flag
    ? s("path", { class: "curve__out", d: `M${x} ${y - 5}l5 5l-5 5l-5 -5z` })
    : s("circle", { class: "curve__mark", cx: x, cy: y, r: 3 });
  shape.append(s("title", {}, one.words));
  return shape;
}

/**
 * @param {any} curve as the device gives it
 * @param {{width: number, height: number, left: number}} frame of its picture
 * @param {string} label the curve in words
 * @param {(day: string) => string} day a day in the reader's language
 */
export function plot(curve, frame, label, day) {
  const { width, height, left } = frame;
  const foot = height - 20;
  const picture = s("svg", { class: "curve__plot", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
  const { band } = curve;
  if (band) picture.append(s("rect", { class: "curve__band", x: left, y: band.y, width: width - left, height: band.height }));
  for (const tick of curve.ticks) {
    picture.append(s("text", { class: "curve__tick", x: left - 6, y: tick.y + 3.5, "text-anchor": "end" }, tick.text));
  }
  picture.append(
    s("line", { class: "curve__axis", x1: left, x2: width, y1: foot, y2: foot }),
    s("text", { class: "curve__tick", x: left, y: height - 5 }, day(curve.first)),
    s("text", { class: "curve__tick", x: width, y: height - 5, "text-anchor": "end" }, day(curve.last)),
    ...curve.lines.map((points) => s("polyline", { class: "curve__line", points })),
    ...curve.marks.map(mark),
  );
  return picture;
}
