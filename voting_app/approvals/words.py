"""What the acts of officers are called, and what each of them means."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext

from voting_app.elections.states import Act
from voting_app.languages import N_, load_translations


@dataclass(frozen=True, slots=True)
class DeedWords:
    """name: of the page; meaning: what it does; after: what can be done about it afterwards; button: does it."""

    name: str
    meaning: str
    after: str
    button: str
    is_grave: bool = False


# In the order of the work.
_WORDS: dict[Act, DeedWords] = {
    Act.FREEZE_ROLL: DeedWords(
        N_("Freeze the roll"),
        N_(
            "It is fixed who may vote. The roll's hash is published, so that nobody can be added or left out later."
        ),
        N_(
            "Nobody can be added, changed or removed any more. Whoever is missing cannot vote in this election."
        ),
        N_("Freeze the roll"),
        True,
    ),
    Act.OPEN: DeedWords(
        N_("Open the voting"),
        N_("From then on members can vote until the closing time. The service opens nothing by itself."),
        N_("You can pause, extend or close the voting, but nobody can go back to before the opening."),
        N_("Open the voting"),
    ),
    Act.PAUSE: DeedWords(
        N_("Pause the voting"),
        N_("No ballot is taken until you resume. Ballots that were cast stay cast. For incidents."),
        N_("You can resume, extend or close the voting. While it is paused, it does not close by itself."),
        N_("Pause the voting"),
    ),
    Act.RESUME: DeedWords(
        N_("Resume the voting"),
        N_("Ballots are taken again until the closing time."),
        N_("If members have lost time, extend the voting as well."),
        N_("Resume the voting"),
    ),
    Act.EXTEND: DeedWords(
        N_("Extend the voting"),
        N_("The voting closes later than was announced. It can never close earlier by this."),
        N_("Tell the members: sheets and letters that they have already say the old closing time."),
        N_("Extend the voting"),
    ),
    Act.CLOSE: DeedWords(
        N_("Close the voting now"),
        N_(
            "The voting ends before the announced time, or out of a pause. Ballots that have arrived are counted."
        ),
        N_(
            "It cannot be opened again. Who wanted to vote later cannot vote: do this only if your rules allow it."
        ),
        N_("Close the voting now"),
        True,
    ),
    Act.CERTIFY: DeedWords(
        N_("Certify the result"),
        N_(
            "The committee says that this result stands. Look at the numbers on the page of the result first."
        ),
        N_("Nothing can be added to this election afterwards, and nothing taken back."),
        N_("Certify the result"),
        True,
    ),
    Act.UNTALLIABLE: DeedWords(
        N_("Declare that it cannot be counted"),
        N_(
            "Too few trustees can open the result. The election ends without one, and all ballots stay encrypted."
        ),
        N_("There is no way back, also if a key is found later. Ask every trustee for copies first."),
        N_("End the election without a result"),
        True,
    ),
    Act.CANCEL: DeedWords(
        N_("Cancel the election"),
        N_("The election ends without a result. Its record stays public, with your reason."),
        N_("There is no way back. A new election can be made from this one."),
        N_("Cancel the election"),
        True,
    ),
}
ORDER = tuple(_WORDS)


def describe_deed(act: Act) -> DeedWords:
    """An act in the reader's language."""
    words = _WORDS[act]
    return DeedWords(
        gettext(words.name),
        gettext(words.meaning),
        gettext(words.after),
        gettext(words.button),
        words.is_grave,
    )


def get_deed_name(act: Act, language: str) -> str:
    """What an act is called, in the language of a mail."""
    return load_translations(language).gettext(_WORDS[act].name)
