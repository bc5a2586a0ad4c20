"""What the public pages show: facts out of the published record, nothing that is not in it.

There are no interim counts: until the result is in the ballot box, all that is told is how many voters have a ballot
in it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from crypto.encoding import sha256_base64
from crypto.journal import JournalLine, parse_line
from crypto.presentation import Presentation, QuestionTexts, Texts, parse_presentation
from crypto.questions import HomomorphicQuestion, parse_questions
from crypto.result import Result
from crypto.tally import parse_sized_tally
from voting_app.elections import service as elections
from voting_app.elections.service import ElectionView
from voting_app.elections.states import State
from voting_app.ledger import service as ledger
from voting_app.ledger.turnout import get_turnout
from voting_app.tally import service as tally
from voting_app.trustees import service as trustees

# The acts that tell how the election went. The others are on the journal's own page.
_MAIN_ACTS = (
    "roll-frozen",
    "credentials-published",
    "credentials-replaced",
    "trustees-restarted",
    "keys-ready",
    "opened",
    "paused",
    "resumed",
    "extended",
    "closed",
    "tallied",
    "tie-draw",
    "complaint",
    "complaint-resolved",
    "certified",
    "cancelled",
    "untalliable",
)
# Lines on one page of the journal.
JOURNAL_PAGE = 200


@dataclass(frozen=True, slots=True)
class Counted:
    """The published result. weight: of all counted ballots; result: per question the votes of each choice, blank first
    where that is allowed; unproved: the trustees who gave no strong proof.
    """

    ballots: int
    weight: int
    result: Result
    unproved: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """An election as its public page shows it.

    texts: in the reader's language if the election has it, else in its own (language "" where that is not known);
    fingerprint: None before the keys are ready; voters: how many have a ballot in the box; decrypted: how many
    trustees have decrypted; acts: the journal's main lines; length: of the archive in bytes.
    """

    view: ElectionView
    texts: Texts
    questions: tuple[HomomorphicQuestion, ...]
    presentation: Presentation | None
    fingerprint: str | None
    voters: int
    decrypted: int
    counted: Counted | None
    acts: tuple[JournalLine, ...]
    length: int

    def find_act(self, kind: str) -> JournalLine | None:
        """The last act of a kind."""
        return next((line for line in reversed(self.acts) if line.kind == kind), None)

    @property
    def needed(self) -> int:
        """How many trustees open the result together."""
        plan = self.view.trustees
        return plan.singles + (plan.threshold or 0)


def list_elections(session: Session, language: str) -> list[tuple[ElectionView, Texts]]:
    """All elections whose roll is fixed, the newest first, with their texts: a draft is nobody's business yet."""
    views = [view for view in elections.list_elections(session) if view.state is not State.DRAFT]
    return [(view, choose_texts(view, language)) for view in reversed(views)]


def get_shown(session: Session, uuid: str, language: str) -> Shown:
    """The election at this address; Problem 404 ``unknown-election``, for drafts too, whose texts may still change."""
    view = elections.election_for_box(session, uuid)
    if view.state is State.DRAFT:
        raise elections.not_found()
    box_id = ledger.get_box_id(session, uuid)
    raw = ledger.find_election_data(session, box_id)
    decrypted = trustees.list_decrypted(session, uuid)
    acts = tuple(parse_line(line) for line in ledger.read_journal(session, box_id, kinds=_MAIN_ACTS))
    return Shown(
        view=view,
        texts=choose_texts(view, language),
        questions=_get_questions(view),
        presentation=find_presentation(view),
        fingerprint=None if raw is None else sha256_base64(raw),
        voters=get_turnout(session, box_id).voters,
        decrypted=len(decrypted),
        counted=_find_counted(session, uuid, box_id, decrypted),
        acts=acts,
        length=ledger.head(session, box_id).length,
    )


@dataclass(frozen=True, slots=True)
class JournalPage:
    """Some lines of the journal. earlier, later: where the pages before and after begin, None at the ends."""

    lines: tuple[JournalLine, ...]
    total: int
    earlier: int | None
    later: int | None


def read_journal_page(session: Session, uuid: str, start: int) -> JournalPage:
    """The journal from height `start` on."""
    box_id = ledger.get_box_id(session, uuid)
    total, _ = ledger.journal_head(session, box_id)
    lines = ledger.read_journal(session, box_id, start=start, count=JOURNAL_PAGE)
    return JournalPage(
        tuple(parse_line(line) for line in lines),
        total,
        max(0, start - JOURNAL_PAGE) if start > 0 else None,
        start + JOURNAL_PAGE if start + JOURNAL_PAGE < total else None,
    )


def choose_texts(view: ElectionView, language: str) -> Texts:
    """The election's texts in this language; in its own, if it has none in this one."""
    presentation = find_presentation(view)
    if presentation is not None and (found := presentation.find_translation(language)):
        return found
    return Texts(
        presentation.language if presentation else "",
        view.name,
        view.description,
        tuple(QuestionTexts(question.question, question.answers) for question in _get_questions(view)),
    )


def get_time(line: JournalLine, field: str = "at") -> datetime:
    """A time of a line's payload, which has minutes in UTC."""
    return datetime.strptime(line.payload[field], "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)


def _get_questions(view: ElectionView) -> tuple[HomomorphicQuestion, ...]:
    return tuple(q for q in parse_questions(list(view.questions)) if isinstance(q, HomomorphicQuestion))


def find_presentation(view: ElectionView) -> Presentation | None:
    """Languages, rules and quorum of the election; None if nothing of them was given."""
    if view.presentation is None:
        return None
    return parse_presentation(view.presentation, view.name, view.description, _get_questions(view))


def _find_counted(session: Session, uuid: str, box_id: int, decrypted: Collection[int]) -> Counted | None:
    result = tally.find_result(session, uuid)
    if result is None:
        return None
    [(_, raw)] = ledger.read_data(session, box_id, "EncryptedTally")
    sized = parse_sized_tally(raw)
    lines = ledger.read_journal(session, box_id, kinds=("strong-decryption",))
    proved = {parse_line(line).payload["owner"] for line in lines}
    return Counted(sized.num_tallied, sized.total_weight, result, tuple(sorted(set(decrypted) - proved)))
