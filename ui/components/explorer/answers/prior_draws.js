// Seeded draws from the prior: the same for a seed on every machine, though not those of the server's generator.

/** `count` points of N(0, temperature^2 I), or of a uniform prior from -1 to 1, as wide as the temperature makes it. */
export function priorDraws(count, latentDim, { seed, temperature, uniform = false }) {
  const share = generator(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - share())) * Math.cos(2 * Math.PI * share()); // Box & Muller 1958
  const draw = uniform ? () => 2 * share() - 1 : normal;
  return Array.from({ length: count }, () => Array.from({ length: latentDim }, () => Math.fround(temperature * draw())));
}

/** Numbers in [0, 1): SplitMix (Steele, Lea & Flood 2014) with 32 bits, whose neighbouring seeds have nothing in common. */
function generator(seed) {
  let state = mixed(seed + 0x9e3779b9);
  return () => {
    state = (state + 0x9e3779b9) | 0;
    return (mixed(state) >>> 0) / 2 ** 32;
  };
}

function mixed(value) {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad);
  bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
  return bits ^ (bits >>> 15);
}
