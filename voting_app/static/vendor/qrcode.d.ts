// The types of qrcode.js, for tools/web/tsconfig.json; browsers do not ask for this file.
export { correction, generate, mode } from "lean-qr";
