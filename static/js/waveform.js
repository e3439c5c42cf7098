/** The waveform of a voice message: converts the recorded loudness to bars, and draws them. */
export const BARS = 64;
const MOST = 100;

/**
 * Return `BARS` integers from 0 to 100 for loudness values from 0 to 1. The loudest part becomes 100, so that quiet
 * recordings have a shape too.
 * @param {number[]} levels
 */
export function waveformOf(levels) {
  const parts = Array.from({ length: BARS }, (_none, index) => {
    const [start, end] = [index, index + 1].map((edge) => Math.floor((edge * levels.length) / BARS));
    return Math.max(0, ...levels.slice(start, Math.max(end, start + 1)));
  });
  const peak = Math.max(...parts);
  return parts.map((level) => (peak > 0 ? Math.round((level / peak) * MOST) : 0));
}

/** Return the loudness of samples between -1 and 1. */
export function loudness(samples) {
  return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
}

const SVG = "http://www.w3.org/2000/svg";
const [STEP, WIDTH, HEIGHT, LEAST] = [4, 2.5, 24, 2.5];

/** Return the bars as a picture. Attributes place them, because the page allows no inline styles. */
export function drawWaveform(waveform) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${waveform.length * STEP} ${HEIGHT}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  for (const [index, value] of waveform.entries()) {
    const height = Math.max(LEAST, (value / MOST) * HEIGHT);
    const bar = document.createElementNS(SVG, "rect");
    const place = { x: index * STEP, y: (HEIGHT - height) / 2, width: WIDTH, height, rx: WIDTH / 2 };
    for (const [name, number] of Object.entries(place)) bar.setAttribute(name, String(number));
    svg.append(bar);
  }
  return svg;
}
