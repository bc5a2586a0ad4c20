// Five words of a fingerprint.
import { fingerprintWords } from "../../../voting_app/static/booth/words.js";

export const fiveWords = ({ fingerprint }) => fingerprintWords(fingerprint);
