// Lines over the map, all to scale: prior circles, the posterior's ellipse, where the person stands, paths and pins.

const NARROW = 24; // px from one circle to the next: any less and their names would lie on each other

/** The prior N(0, I), or what stands for it, cut by the plane: circles of 1, 2 and 3 sigma around the point of the plane nearest the origin. */
export function drawPrior(context, viewport, plane, whose = "the prior") {
  const [x, y] = viewport.toScreen(plane.coordinates(plane.origin.map(() => 0)));
  context.lineWidth = 1;
  context.font = "11px system-ui, sans-serif";
  context.textAlign = "center";
  for (const sigma of [1, 2, 3]) {
    const radius = sigma * viewport.scale;
    outlined(context, 0.55, () => context.arc(x, y, radius, 0, 2 * Math.PI));
    if (viewport.scale > NARROW) label(context, viewport, `${sigma}σ${sigma === 3 ? ` of ${whose}` : ""}`, [x + radius * Math.SQRT1_2, y - radius * Math.SQRT1_2]);
  }
}

/** The uniform prior from -1 to 1, as the square that it is on a plane of two dimensions. */
export function drawUniformPrior(context, viewport, plane) {
  const [x, y] = viewport.toScreen(plane.coordinates(plane.origin.map(() => 0)));
  const half = viewport.scale;
  context.lineWidth = 1;
  context.font = "11px system-ui, sans-serif";
  context.textAlign = "center";
  outlined(context, 0.55, () => context.rect(x - half, y - half, 2 * half, 2 * half));
  if (half > NARROW) label(context, viewport, "−1 to 1: the prior", [x, y - half]);
}

function label(context, viewport, words, [at, y]) {
  const width = context.measureText(words).width + 8;
  const x = Math.min(at, Math.max(at - width / 2, viewport.width - width / 2 - 2)); // as far as it fits
  context.fillStyle = "rgba(0, 0, 0, 0.7)";
  context.fillRect(x - width / 2, y - 8, width, 15);
  context.fillStyle = "#fff";
  context.fillText(words, x, y + 3.5);
}

/** One sigma of q(z|x), projected onto the plane; nothing where the correlations are not known (null). */
export function drawPosterior(context, viewport, plane, { mu, std, correlation = [] }) {
  if (correlation === null) return;
  const [x, y] = viewport.toScreen(plane.coordinates(mu));
  const ellipse = plane.ellipse(std, correlation);
  context.lineWidth = 2;
  outlined(context, 1, () => context.ellipse(x, y, ellipse.x * viewport.scale, ellipse.y * viewport.scale, -ellipse.angle, 0, 2 * Math.PI));
}

export function drawCross(context, viewport, plane, z) {
  const [x, y] = viewport.toScreen(plane.coordinates(z));
  context.lineWidth = 2.5;
  outlined(context, 1, () => {
    context.moveTo(x - 11, y);
    context.lineTo(x + 11, y);
    context.moveTo(x, y - 11);
    context.lineTo(x, y + 11);
  });
}

/** A point that the pointer is on. */
export function drawMark(context, [x, y]) {
  context.lineWidth = 2;
  outlined(context, 1, () => context.rect(x - 5, y - 5, 10, 10));
}

/** path: array of z, drawn dashed. */
export function drawPath(context, viewport, plane, path) {
  context.lineWidth = 2;
  context.setLineDash([5, 4]);
  outlined(context, 1, () => path.forEach((z) => context.lineTo(...viewport.toScreen(plane.coordinates(z)))));
  context.setLineDash([]);
}

export function drawPin(context, viewport, plane, z) {
  const [x, y] = viewport.toScreen(plane.coordinates(z));
  context.lineWidth = 1.5;
  context.fillStyle = "#fff";
  context.beginPath();
  context.arc(x, y, 5, 0, 2 * Math.PI);
  context.fill();
  context.strokeStyle = "#000";
  context.stroke();
}

/** A white line with a dark rim can be seen on any background. */
function outlined(context, alpha, trace) {
  const width = context.lineWidth;
  context.globalAlpha = alpha;
  for (const [colour, extra] of [["rgba(0, 0, 0, 0.55)", 2], ["#fff", 0]]) {
    context.beginPath();
    trace();
    context.lineWidth = width + extra;
    context.strokeStyle = colour;
    context.stroke();
  }
  context.globalAlpha = 1;
}
