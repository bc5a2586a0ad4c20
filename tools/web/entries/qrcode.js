// What receipts and "check instead of cast" use of lean-qr: text in, a square of dark and light modules out.
export { correction, generate, mode } from "lean-qr";
