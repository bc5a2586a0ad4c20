import { hostOf, parseMarkup } from "../../../voting_app/static/booth/markup.js";

/** @param {{ text: string }} args */
export const markup = ({ text }) => parseMarkup(text);

/** @param {{ url: string }} args */
export const host = ({ url }) => hostOf(url);
