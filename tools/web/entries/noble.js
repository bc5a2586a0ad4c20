// What the booth and the trustees' pages use of @noble: the curve and its signatures, and SHA-2.
export { ed25519 } from "@noble/curves/ed25519.js";
export { sha256, sha512 } from "@noble/hashes/sha2.js";
