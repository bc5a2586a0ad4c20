"""What a new election starts from: templates for the usual kinds, and copies of earlier ones.

A template has wording in every language of ours, a rule of decision, a quorum and whether votes are final. Nothing of
it is binding: an organisation's bylaws and the law decide, so the page says to compare.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from crypto.presentation import Majority
from voting_app.elections.drafts import NO_RULE, AnswerRow, Draft, QuestionRow, make_draft
from voting_app.elections.service import ElectionView
from voting_app.languages import LANGUAGES, N_, SOURCE, load_translations


@dataclass(frozen=True, slots=True)
class _Question:
    text: str
    answers: tuple[str, ...] = ()
    most: int = 1
    least: int = 1
    rule: str = Majority.PLURALITY
    has_blank: bool = True


@dataclass(frozen=True, slots=True)
class Start:
    """A template. title and about: for who chooses one; the rest goes into the election, translated."""

    title: str
    about: str
    name: str = ""
    description: str = ""
    questions: tuple[_Question, ...] = ()
    quorum: str = ""
    may_revote: bool = False


_YES_NO = (N_("Yes"), N_("No"))
_ONE_VOTE = N_("Each member has one vote. Nobody sees how you vote.")

STARTS: dict[str, Start] = {
    "officers": Start(
        N_("Election of officers"),
        N_("Most votes win; votes are final; a blank vote is possible."),
        N_("Election of officers"),
        _ONE_VOTE,
        (
            _Question(N_("President")),
            _Question(N_("Vice president")),
            _Question(N_("Secretary-treasurer")),
            _Question(N_("Members of the executive board"), most=3, least=0),
        ),
    ),
    "contract": Start(
        N_("Ratification of a contract"),
        N_("Accept or reject a proposed agreement; more than half of the votes; votes are final."),
        N_("Vote on the proposed agreement"),
        N_("Read the whole agreement before you vote. The bargaining committee recommends: …"),
        (
            _Question(
                N_("Do you accept the proposed agreement?"),
                (N_("I accept it"), N_("I reject it")),
                rule=Majority.MAJORITY,
            ),
        ),
    ),
    "strike": Start(
        N_("Authorisation of a strike"),
        N_("Two thirds of the votes, and half of the members must take part; votes are final."),
        N_("Vote on the authorisation of a strike"),
        N_("If it is authorised, the bargaining committee may call a strike. It decides whether and when."),
        (
            _Question(
                N_("Do you authorise the bargaining committee to call a strike?"),
                _YES_NO,
                rule=Majority.TWO_THIRDS,
            ),
        ),
        quorum="50",
    ),
    "dues": Start(
        N_("Change of dues"),
        N_("More than half of the votes; votes are final."),
        N_("Vote on the dues"),
        N_("The dues are now … a month. The proposal is … a month, from … on."),
        (_Question(N_("Do you agree to the proposed dues?"), _YES_NO, rule=Majority.MAJORITY),),
    ),
    "bylaws": Start(
        N_("Amendment of the bylaws"),
        N_("Two thirds of the votes; votes are final."),
        N_("Vote on an amendment of the bylaws"),
        N_("The present text is: … The proposed text is: …"),
        (_Question(N_("Do you agree to the proposed amendment?"), _YES_NO, rule=Majority.TWO_THIRDS),),
    ),
    "board": Start(
        N_("Election of a board"),
        N_("Several seats in one question; most votes win; who votes again replaces the earlier vote."),
        N_("Election of the board"),
        N_("The board has five seats. You may choose up to five candidates."),
        (_Question(N_("Members of the board"), most=5, least=0),),
        may_revote=True,
    ),
    "referendum": Start(
        N_("Referendum"),
        N_(
            "A question to all members; more than half of the votes; who votes again replaces the earlier vote."
        ),
        N_("Referendum"),
        _ONE_VOTE,
        (_Question(N_("Do you agree that …?"), _YES_NO, rule=Majority.MAJORITY),),
        may_revote=True,
    ),
    "empty": Start(
        N_("Something else"), N_("An empty form."), questions=(_Question("", rule=NO_RULE, has_blank=False),)
    ),
}


def start_from_template(kind: str, language: str, time_zone: str) -> Draft:
    """A new draft in one language, the reader's; `translate_start` adds the wording in others. KeyError."""
    start = STARTS[kind]
    rows = []
    for question in start.questions:
        # Where people are chosen, there is a row for each who may be chosen, and one more.
        answers = question.answers or ("",) * (question.most + 1)
        rows.append(
            QuestionRow(
                {language: _say(question.text, language)},
                [AnswerRow({language: _say(answer, language)}) for answer in answers],
                # An empty question has fewer rows than it may have choices in the end; the numbers are the template's.
                str(question.least),
                str(question.most),
                question.has_blank,
                question.rule,
            )
        )
    return Draft(
        [language],
        {language: _say(start.name, language)},
        {language: _say(start.description, language)},
        rows,
        time_zone=time_zone,
        may_revote=start.may_revote,
        quorum=start.quorum,
    )


def add_wording(draft: Draft, language: str) -> None:
    """Fill in the texts in a language that was just added, as far as they are still those of a template."""
    if language not in LANGUAGES or draft.own not in LANGUAGES:
        return
    known = {_say(text, draft.own): text for text in _list_texts()}

    def fill(texts: dict[str, str]) -> None:
        source = known.get(texts.get(draft.own, "").strip().replace("\r\n", "\n"))
        if source and not texts.get(language, "").strip():
            texts[language] = _say(source, language)

    for texts in (draft.names, draft.descriptions):
        fill(texts)
    for question in draft.questions:
        fill(question.texts)
        for row in question.answers:
            fill(row.texts)


def start_from_election(view: ElectionView) -> Draft:
    """A copy of an earlier election, with everything but its dates. What candidates say of themselves comes along when
    it is saved."""
    return replace(make_draft(view), closes="", occurrence="")


def _list_texts() -> list[str]:
    texts = []
    for start in STARTS.values():
        texts += [start.name, start.description]
        for question in start.questions:
            texts += [question.text, *question.answers]
    return [text for text in texts if text]


def _say(text: str, language: str) -> str:
    return text if not text or language == SOURCE else load_translations(language).gettext(text)
