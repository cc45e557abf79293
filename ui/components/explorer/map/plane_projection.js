// Flat maps of a latent space with an exact inverse: the point (a, b) is origin + a * u + b * v.

const dot = (x, y) => x.reduce((sum, value, i) => sum + value * y[i], 0);
const length = (x) => Math.sqrt(dot(x, x));

export class Plane {
  /** origin, u, v: arrays of D numbers, u and v orthonormal */
  constructor(origin, u, v) {
    this.origin = origin;
    this.u = u;
    this.v = v;
  }

  /** The latent vector at map coordinates. */
  latent([a, b]) {
    return this.origin.map((value, i) => value + a * this.u[i] + b * this.v[i]);
  }

  /** Where z falls on the map when projected at a right angle. */
  coordinates(z) {
    const offset = this.origin.map((value, i) => z[i] - value);
    return [dot(offset, this.u), dot(offset, this.v)];
  }

  /** The parallel plane that holds z; its coordinates stay the same. */
  through(z) {
    const foot = this.latent(this.coordinates(z));
    return new Plane(this.origin.map((value, i) => value + z[i] - foot[i]), this.u, this.v);
  }

  /**
   * One standard deviation of a Gaussian, projected: {x, y, angle} with half axes x, y and the first one's angle.
   * std: of each dimension; correlation: of each pair, below the diagonal and row by row, empty where they are independent.
   */
  ellipse(std, correlation = []) {
    const [uu, uv, vv] = this.#covariance(std, correlation);
    const middle = (uu + vv) / 2;
    const spread = Math.hypot((uu - vv) / 2, uv);
    return { x: Math.sqrt(middle + spread), y: Math.sqrt(Math.max(0, middle - spread)), angle: Math.atan2(2 * uv, uu - vv) / 2 };
  }

  /** The covariance of a Gaussian's projection, [uu, uv, vv]. */
  #covariance(std, correlation) {
    let [uu, uv, vv] = [0, 0, 0];
    const add = (value, i, j) => {
      uu += value * this.u[i] * this.u[j];
      uv += (value * (this.u[i] * this.v[j] + this.u[j] * this.v[i])) / 2;
      vv += value * this.v[i] * this.v[j];
    };
    std.forEach((value, i) => add(value ** 2, i, i));
    let pair = 0;
    for (let i = 1; pair < correlation.length; i++) {
      for (let j = 0; j < i; j++) add(2 * correlation[pair++] * std[i] * std[j], i, j);
    }
    return [uu, uv, vv];
  }
}

/** The plane of two dimensions, through the origin. */
export function pairPlane(latentDim, first, second) {
  const unit = (index) => Array.from({ length: latentDim }, (_, i) => (i === index ? 1 : 0));
  return new Plane(new Array(latentDim).fill(0), unit(first), unit(second));
}

/** The ready-made plane of such a name: "pc:0:1" of the first two principal axes, "pair:3:7" of two dimensions. */
export function planeOf(choice, { latentDim, centre, axes }) {
  const [kind, first, second] = choice.split(":");
  if (kind === "pc") return new Plane([...centre], axes[Number(first)], axes[Number(second)]);
  return pairPlane(latentDim, Number(first), Number(second));
}

const THROUGH = "through:";

/** What a link calls the plane through three latents. */
export function throughChoice(points) {
  return THROUGH + points.map((z) => z.join(",")).join(";");
}

/** The plane of such a name; null for any other name and for points that span none. */
export function planeThrough(choice, latentDim) {
  if (!choice?.startsWith(THROUGH)) return null;
  const points = choice.slice(THROUGH.length).split(";").map((z) => z.split(",").map(Number));
  const fit = points.length === 3 && points.every((z) => z.length === latentDim && z.every(Number.isFinite));
  return fit ? threePointPlane(...points) : null;
}

/** The plane through three latents with a at the origin and b on the first axis; null when they lie on one line. */
export function threePointPlane(a, b, c) {
  const along = b.map((value, i) => value - a[i]);
  const size = length(along);
  if (size < 1e-6) return null;
  const u = along.map((value) => value / size);
  const across = c.map((value, i) => value - a[i]);
  const share = dot(across, u);
  const rest = across.map((value, i) => value - share * u[i]);
  const height = length(rest);
  if (height < 1e-6 * Math.max(1, size)) return null;
  return new Plane([...a], u, rest.map((value) => value / height));
}
