// Eight words of a fingerprint.
import { fingerprintWords } from "../../../voting_app/static/booth/words.js";

export const eightWords = ({ fingerprint }) => fingerprintWords(fingerprint);
