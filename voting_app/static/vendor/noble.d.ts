// The types of noble.js, for tools/web/tsconfig.json; browsers do not ask for this file.
export { ed25519 } from "@noble/curves/ed25519.js";
export { sha256, sha512 } from "@noble/hashes/sha2.js";
