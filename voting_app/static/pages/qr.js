// @ts-check
/** A text as a QR code: a drawing that phones read. */
import { correction, generate } from "../vendor/qrcode.js";
import { svg } from "./dom.js";

// The quiet zone that the standard asks for.
const MARGIN = 4;

/**
 * @param {string} text
 * @param {string} label what the drawing is, for who does not see it
 * @returns {SVGElement}
 */
export function drawCode(text, label) {
  const code = generate(text, { minCorrectionLevel: correction.L });
  let path = "";
  for (let y = 0; y < code.size; y++) {
    for (let x = 0; x < code.size; x++) if (code.get(x, y)) path += `M${x} ${y}h1v1h-1z`;
  }
  const size = code.size + 2 * MARGIN;
  return svg(
    "svg",
    { class: "qr", viewBox: `${-MARGIN} ${-MARGIN} ${size} ${size}`, role: "img", "aria-label": label, "shape-rendering": "crispEdges" },
    svg("path", { d: path }),
  );
}
