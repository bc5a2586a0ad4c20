// The booth's pure parts: what follows what, what a choice may be, what an answer means.
import * as voting from "../../../voting_app/static/pages/vote-state.js";
import { parseKept } from "../../../voting_app/static/pages/vote-store.js";

/** All states on the way; events are [type, values]. */
export function voteWalk({ events, start = voting.START }) {
  const states = [start];
  for (const [type, values = {}] of events) states.push(voting.next(states.at(-1), { ...values, type }));
  return states;
}

/** Whether an event has a place in a view: the state is another object then. */
export function voteChanges({ state, type, values = {} }) {
  return voting.next(state, { ...values, type }) !== state;
}

export const voteViews = () => voting.VIEWS;
export const voteTouch = ({ rules, choice, touched }) => voting.touch(rules, choice, touched);
export const voteFault = ({ rules, choice }) => voting.findChoiceFault(rules, choice);
export const voteAnswer = ({ status, body }) => voting.readAnswer(status, body);
export const votePause = ({ tries, wanted }) => voting.pauseAfter(tries, wanted);
export const voteStop = ({ state }) => voting.findStop(state);
export const voteFragment = ({ text }) => voting.readFragment(text);
export const voteTyped = ({ text }) => voting.readTyped(text);
export const voteKept = ({ text }) => parseKept(text);
