"""An election in every state that its page can show, made through the HTTP interface."""

from typing import Any

from tests.voting_app.api import Api, Run

NAME = "Officers of Local 12"
QUESTIONS = [
    {"answers": ["Ada Byron", "Grace Hopper"], "blank": True, "min": 0, "max": 1, "question": "President"},
    {"answers": ["Yes", "No"], "min": 1, "max": 1, "question": "Raise the dues?"},
]
SPANISH = {
    "name": "Directiva de la sección 12",
    "description": "Cada dos años.",
    "questions": [
        {"question": "Presidencia", "answers": ["Ada Byron", "Grace Hopper"]},
        {"question": "¿Subir las cuotas?", "answers": ["Sí", "No"]},
    ],
}
TEXTS: dict[str, Any] = {
    "name": NAME,
    "description": "Every two years.\nSecond line.",
    "questions": QUESTIONS,
    "language": "en",
    "texts": {"es": SPANISH},
    "rules": [{"majority": "plurality"}, {"majority": "two-thirds"}],
    "quorum": {"percent": 50},
    "time_zone": "America/Chicago",
    "trustees": {"singles": 0, "threshold": {"size": 2, "threshold": 1}},
}
VOTES = (("M1", [[0], [0]]), ("M2", [[0], [0]]), ("M3", ["blank", [1]]))

# The states in which an election has a page, in the order of an election's life.
STATES = (
    "roll-frozen",
    "keys-ready",
    "open",
    "paused",
    "closed",
    "tallied",
    "certified",
    "cancelled",
    "untalliable",
)


def make_stage(api: Api, state: str, **changes: Any) -> Run:
    """An election in this state. Three of its four members have voted where that is possible."""
    run = Run(api).create(**TEXTS | changes).freeze()
    if state == "roll-frozen":
        return run
    run.generate().seat().ceremony().ready()
    if state == "keys-ready":
        return run
    run.drill().open()
    for member, choices in VOTES:
        assert run.cast(member, choices).status_code == 201
    if state == "paused":
        run.committee("pause", {"reason": "The hall's network is down."})
    elif state == "cancelled":
        run.committee("cancel", {"reason": "The notice was wrong."})
    elif state in ("closed", "tallied", "certified", "untalliable"):
        run.close()
        _finish(run, state)
    assert run.status()["state"] == state
    return run


def _finish(run: Run, state: str) -> None:
    if state == "untalliable":
        run.committee("untalliable", {"reason": "The keys are lost."})
    elif state in ("tallied", "certified"):
        run.decrypt(run.trustees[0].owner)
        if state == "certified":
            run.committee("certify", {"statement": "We certify this result.\nThe committee."})
