// The search for a tracker: what was typed, where it is, and what that means.
import * as trackers from "../../../voting_app/static/pages/trackers.js";

export const trackerRead = ({ text }) => trackers.readTracker(text);
export const trackerFind = ({ list, tracker }) => trackers.findTracker(list, tracker);
export const trackerExplain = ({ found, status }) => trackers.explainFound(found, status);
