"""What each trustee does next, in words for the committee, in the reader's language."""

from dataclasses import dataclass

from flask_babel import gettext

from voting_app.languages import N_
from voting_app.trustees.states import Step, is_act

_WORDS = {
    Step.CERTIFICATE: N_("Has to open the link and begin"),
    Step.WAIT_CERTIFICATES: N_("Has begun, and waits for the others"),
    Step.COMMITMENT: N_("Has to make the key"),
    Step.WAIT_COMMITMENTS: N_("Has made the key, and waits for the others"),
    Step.REVEAL: N_("Has to show the public part of the key"),
    Step.WAIT_REVEALS: N_("Has shown the public part of the key, and waits for the others"),
    Step.SHARE: N_("Has to put the common key together"),
    Step.WAIT_SHARES: N_("Has finished the key, and waits for the others"),
    Step.WAIT_KEYS_READY: N_("Has finished the key"),
    Step.DRILL: N_("Has to prove that the key is at hand"),
    Step.WAIT_CLOSE: N_("Has nothing to do until voting closes"),
    Step.WAIT_TALLY: N_("Has nothing to do until the ballots are added up"),
    Step.DECRYPTION: N_("Has to open the result with the key"),
    Step.WAIT_RESULT: N_("Has done everything; others are awaited"),
    Step.DONE: N_("Has nothing more to do"),
}


@dataclass(frozen=True, slots=True)
class StepWords:
    """sentence: what the trustee does next; is_awaited: whether it is this trustee's turn."""

    sentence: str
    is_awaited: bool


def describe_step(step: Step) -> StepWords:
    """A trustee's step in the reader's language."""
    return StepWords(gettext(_WORDS[step]), is_act(step))
