"""The editor's form: untrusted fields -> a draft and what is to be done with it, or a Problem; and what is wrong with a
draft, in the reader's language.

Only fields that the form has are taken; any other one refuses it, so that nobody sets what the form does not offer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from flask_babel import gettext, ngettext
from werkzeug.datastructures import MultiDict

from crypto.presentation import Majority, is_language
from crypto.writing import are_told_apart, is_blank, is_writing
from voting_app.elections.drafts import (
    NO_RULE,
    AnswerRow,
    Draft,
    QuestionRow,
    fill_languages,
    move_up,
    sort_answers,
)
from voting_app.elections.limits import (
    CREDENTIAL_MODES,
    LONGEST_DESCRIPTION,
    LONGEST_NAME,
    LONGEST_REASON,
    MAX_ANSWERS,
    MAX_CERTIFIERS,
    MAX_LANGUAGES,
    MAX_QUESTIONS,
    MAX_TRUSTEES,
)
from voting_app.elections.times import list_zone_names
from voting_app.errors import Problem
from voting_app.languages import N_, format_moment
from voting_app.login import FORM_FIELD

RULES = (NO_RULE, *Majority)
# A hundred questions in three languages; most elections need a hundredth of it.
LONGEST_FORM = 1_000_000
_NUMBER = re.compile(r"\d{1,3}", re.ASCII)
_ACT = re.compile(
    r"(save|look|add-question|add-language|(?P<language>remove|own)-language-(?P<tag>[A-Za-z0-9-]{2,20})"
    r"|(add-answer|remove-question|question-up|question-down|sort|same|draw)-(?P<question>\d{1,3})"
    r"|(remove-answer|answer-up|answer-down)-(?P<of>\d{1,3})-(?P<answer>\d{1,3}))",
    re.ASCII,
)


# Fields whose faults do not say by themselves what they are about.
_PLACES = {
    "name": N_("Name of the election"),
    "description": N_("What it is about"),
    "closes": N_("Voting closes"),
    "quorum": N_("Quorum"),
    "trustees": N_("How many trustees"),
    "needed": N_("How many of them open the result"),
    "certifiers": N_("How many officers certify the result"),
    "waiver": N_("Why one officer acts alone"),
}


@dataclass(frozen=True, slots=True)
class Sent:
    """revision: of the election that was edited. act: which button was used; `place`: the row that it changed, for the
    page to begin there. question: whose order is to be drawn. clone: the election of which a new one is a copy.
    """

    draft: Draft
    revision: str
    act: str
    place: str = ""
    question: int = -1
    clone: str = ""


class _Fields:
    """The fields of a form, each read once."""

    def __init__(self, form: MultiDict[str, str]) -> None:
        self._form = form
        self._known = {FORM_FIELD}

    def text(self, name: str) -> str:
        self._known.add(name)
        return self._form.get(name, "")

    def typed(self, name: str) -> str:
        """Of a row. Browsers send its fields when they are empty too; without this a short form that only says how many
        rows it has would be answered with a page of a million fields."""
        if name not in self._form:
            raise _bad_request()
        return self.text(name)

    def texts(self, name: str) -> list[str]:
        self._known.add(name)
        return self._form.getlist(name)

    def count(self, name: str, most: int) -> int:
        text = self.text(name)
        if not _NUMBER.fullmatch(text) or int(text) > most:
            raise _bad_request()
        return int(text)

    def choice(self, name: str, words: tuple[str, ...]) -> str:
        text = self.text(name)
        if text not in words:
            raise _bad_request()
        return text

    def require_no_other(self) -> None:
        if not set(self._form) <= self._known:
            raise _bad_request()


def _bad_request() -> Problem:
    return Problem(400, "bad-request", "The request could not be understood.")


@cache
def list_time_zones() -> dict[str, list[str]]:
    """Continent -> the names of its time zones."""
    zones: dict[str, list[str]] = {"UTC": ["UTC"]}
    for name in sorted(list_zone_names()):
        area, _, place = name.partition("/")
        if place and area not in ("Etc", "SystemV", "US", "posix", "right"):
            zones.setdefault(area, []).append(name)
    return zones


def parse_editor(form: MultiDict[str, str], *, is_new: bool = False) -> Sent:
    """The form of the editor; Problem 400 `bad-request`. is_new: the election is not there yet."""
    fields = _Fields(form)
    languages = fields.texts("language")
    if (
        not 1 <= len(languages) <= MAX_LANGUAGES
        or len(set(languages)) != len(languages)
        or not all(map(is_language, languages))
    ):
        raise _bad_request()
    # Its own first, the others sorted, as the protocol has them.
    languages = [languages[0], *sorted(languages[1:])]
    zone = fields.text("time_zone")
    if zone not in list_zone_names():
        raise _bad_request()
    draft = Draft(
        languages,
        {tag: fields.text(f"name-{tag}") for tag in languages},
        {tag: fields.text(f"description-{tag}") for tag in languages},
        [
            _read_question(fields, number, languages)
            for number in range(fields.count("questions", MAX_QUESTIONS))
        ],
        closes=fields.text("closes").strip(),
        occurrence=fields.choice("occurrence", ("", "1", "2")),
        time_zone=zone,
        may_revote=fields.choice("final", ("yes", "no")) == "no",
        quorum=fields.text("quorum").strip(),
        trustees=fields.text("trustees").strip(),
        needed=fields.text("needed").strip(),
        credential_mode=fields.choice("credential_mode", CREDENTIAL_MODES),
        is_test=fields.choice("test", ("", "yes")) == "yes",
    )
    wanted = fields.text("new_language").strip()
    found = _ACT.fullmatch(fields.text("do"))
    revision = clone = ""
    if is_new:
        clone = fields.text("clone")
        draft.copies_roll = fields.choice("copy_roll", ("", "yes")) == "yes"
        draft.is_alone = fields.choice("officers", ("two", "one")) == "one"
        draft.certifiers, draft.waiver = fields.text("certifiers").strip(), fields.text("waiver")
    else:
        revision = fields.text("revision")
    fields.require_no_other()
    if found is None:
        raise _bad_request()
    place = _change(draft, found, wanted)
    act = "save" if found[0] == "save" or found[0].startswith("draw-") else "look"
    question = int(found["question"]) if found[0].startswith("draw-") else -1
    if question >= len(draft.questions):
        raise _bad_request()
    return Sent(draft, revision, act, place, question, clone)


def _read_question(fields: _Fields, number: int, languages: list[str]) -> QuestionRow:
    name = f"q{number}"
    answers = []
    for place in range(fields.count(f"{name}-answers", MAX_ANSWERS)):
        answers.append(AnswerRow({tag: fields.typed(f"{name}-a{place}-{tag}") for tag in languages}))
    return QuestionRow(
        {tag: fields.typed(f"{name}-text-{tag}") for tag in languages},
        answers,
        fields.text(f"{name}-min").strip(),
        fields.text(f"{name}-max").strip(),
        fields.choice(f"{name}-blank", ("", "yes")) == "yes",
        fields.choice(f"{name}-rule", RULES),
        fields.choice(f"{name}-order", ("fixed", "rotated")) == "rotated",
    )


def _change(draft: Draft, found: re.Match[str], wanted: str) -> str:
    """What the button does with the rows; returns where the page is to begin. Buttons of rows that are not there do
    nothing: the page was sent twice."""
    act, questions = found[0], draft.questions
    number = int(found["question"] or found["of"] or 0)
    if act == "add-question" and len(questions) < MAX_QUESTIONS:
        questions.append(QuestionRow(answers=[AnswerRow(), AnswerRow()]))
        return f"q{len(questions) - 1}"
    if act == "add-language" and is_language(wanted) and wanted not in draft.languages:
        if len(draft.languages) < MAX_LANGUAGES:
            draft.languages[1:] = sorted([*draft.languages[1:], wanted])
        return "texts"
    if found["tag"] and found["tag"] in draft.languages[1:]:
        draft.languages.remove(found["tag"])
        if found["language"] == "own":
            draft.languages[:] = [found["tag"], *sorted(draft.languages)]
        return "texts"
    if act in ("save", "look") or number >= len(questions):
        return ""
    question = questions[number]
    if act.startswith("remove-question"):
        del questions[number]
        return "questions"
    if act.startswith("question-up"):
        move_up(questions, number)
        return f"q{max(0, number - 1)}"
    if act.startswith("question-down"):
        move_up(questions, number + 1)
        return f"q{min(len(questions) - 1, number + 1)}"
    _change_answers(draft, question, found)
    return f"q{number}"


def _change_answers(draft: Draft, question: QuestionRow, found: re.Match[str]) -> None:
    """What the buttons of a question do with its choices."""
    act = found[0]
    if act.startswith("add-answer") and len(question.answers) < MAX_ANSWERS:
        question.answers.append(AnswerRow())
    elif act.startswith("sort"):
        question.answers = sort_answers(question.answers, draft.own)
    elif act.startswith("same"):
        fill_languages(question.answers, draft.languages)
    elif found["answer"]:
        place = int(found["answer"])
        if act.startswith("answer-up"):
            move_up(question.answers, place)
        elif act.startswith("answer-down"):
            move_up(question.answers, place + 1)
        elif place < len(question.answers):
            del question.answers[place]


# --- what is wrong -----------------------------------------------------------------------------------------


def find_faults(draft: Draft, now: datetime, *, has_plan: bool) -> dict[str, str]:
    """Name of a field -> why it cannot stay so. Empty for a draft that can be saved. has_plan: whose keys the election
    has is known where the form says nothing of it.
    """
    faults: dict[str, str] = {}
    for tag in draft.languages:
        _judge(faults, f"name-{tag}", draft.names.get(tag, ""), LONGEST_NAME)
        text = draft.descriptions.get(tag, "")
        _judge(faults, f"description-{tag}", text, LONGEST_DESCRIPTION, is_long=True, may_lack=True)
        if is_blank(text) != is_blank(draft.descriptions.get(draft.own, "")):
            faults[f"description-{tag}"] = gettext(
                "This text is there in one language and missing in another."
            )
    if not draft.questions:
        faults["questions"] = gettext("There must be at least one question.")
    for number, question in enumerate(draft.questions):
        _judge_question(faults, f"q{number}", question, draft.languages)
    _judge_closing(faults, draft, now)
    _judge_numbers(faults, draft, has_plan=has_plan)
    if draft.is_alone:
        _judge(faults, "waiver", draft.waiver, LONGEST_REASON, is_long=True)
    elif not 2 <= (_read_number(draft.certifiers) or 0) <= MAX_CERTIFIERS:
        faults["certifiers"] = gettext("A whole number from 2 to %(most)s is needed.", most=MAX_CERTIFIERS)
    return faults


def name_places(faults: Iterable[str]) -> dict[str, str]:
    """Name of a field -> the words that stand beside it on the page, for a list of faults far away from it."""
    return {name: _name_place(name) for name in faults}


def _name_place(name: str) -> str:
    found = re.match(r"q(\d+)-(?:a(\d+)-)?", name)
    if found is None:
        word = _PLACES.get(name.partition("-")[0])
        return gettext(word) if word else ""
    question = gettext("Question %(number)s", number=int(found[1]) + 1)
    if found[2] is None:
        return question
    return gettext("%(question)s, choice %(number)s", question=question, number=int(found[2]) + 1)


def _judge(
    faults: dict[str, str],
    name: str,
    text: str,
    longest: int,
    *,
    is_long: bool = False,
    may_lack: bool = False,
) -> None:
    if is_blank(text):
        if not may_lack:
            faults[name] = gettext("This text is missing.")
    elif len(text) > longest:
        faults[name] = ngettext(
            "At most %(num)s sign is allowed.", "At most %(num)s signs are allowed.", longest
        )
    elif not is_writing(text.replace("\r\n", " ").replace("\n", " ") if is_long else text.strip()):
        faults[name] = gettext("There is a sign in it that cannot be seen. Type the text anew.")


def _judge_question(faults: dict[str, str], name: str, question: QuestionRow, languages: list[str]) -> None:
    for tag in languages:
        _judge(faults, f"{name}-text-{tag}", question.texts.get(tag, ""), LONGEST_DESCRIPTION)
        for place, row in enumerate(question.answers):
            if not row.is_blank:
                _judge(faults, f"{name}-a{place}-{tag}", row.texts.get(tag, ""), LONGEST_NAME)
        if not are_told_apart(row.texts.get(tag, "") for row in question.filled):
            faults.setdefault(
                f"{name}-answers", gettext("Two choices look alike, so that voters cannot tell them apart.")
            )
    count = len(question.filled)
    if not count:
        faults[f"{name}-answers"] = gettext("There must be at least one choice.")
        return
    minimum, maximum = _read_number(question.minimum), _read_number(question.maximum)
    if maximum is None or not 1 <= maximum <= count:
        faults[f"{name}-max"] = ngettext(
            "A whole number is needed, from 1 to the number of choices, which is %(num)s.",
            "A whole number is needed, from 1 to the number of choices, which is %(num)s.",
            count,
        )
    elif minimum is None or minimum > maximum:
        faults[f"{name}-min"] = gettext("A whole number is needed, not larger than the one beside it.")
    elif maximum > 1 and question.rule not in (NO_RULE, Majority.PLURALITY):
        faults[f"{name}-rule"] = gettext(
            "Where several may be chosen, only “most votes” decides: the sums do not tell how many ballots chose"
            " anybody."
        )


def _judge_closing(faults: dict[str, str], draft: Draft, now: datetime) -> None:
    found = draft.find_closing()
    if found is None:
        faults["closes"] = gettext("A day and a time are needed.")
    elif found.jump:
        faults["closes"] = gettext(
            "There is no such time: clocks there are put forward from %(before)s to %(after)s. Choose another one.",
            before=found.jump[0].strftime("%H:%M"),
            after=found.jump[1].strftime("%H:%M"),
        )
    else:
        moment = draft.get_closes_at()
        if moment is None:
            faults["occurrence"] = gettext(
                "Clocks there are put back on that night, so this time comes twice. Say which one you mean."
            )
        elif moment <= now:
            faults["closes"] = gettext("This time has passed already.")


def _judge_numbers(faults: dict[str, str], draft: Draft, *, has_plan: bool) -> None:
    if draft.quorum and not 1 <= (_read_number(draft.quorum) or 0) <= 100:
        faults["quorum"] = gettext("A whole number from 1 to 100 is needed, or nothing.")
    if has_plan and not draft.trustees and not draft.needed:
        return
    trustees, needed = _read_number(draft.trustees), _read_number(draft.needed)
    if trustees is None or not 1 <= trustees <= MAX_TRUSTEES:
        faults["trustees"] = gettext("A whole number from 1 to %(most)s is needed.", most=MAX_TRUSTEES)
    elif needed is None or not 1 <= needed <= trustees:
        faults["needed"] = gettext("A whole number is needed, not larger than the one beside it.")


def _read_number(text: str) -> int | None:
    return int(text) if _NUMBER.fullmatch(text) else None


def describe_occurrences(draft: Draft) -> list[tuple[str, str]]:
    """Of a time that comes twice: number and words of both; otherwise nothing."""
    found = draft.find_closing()
    if found is None or len(found.moments) < 2:
        return []
    return [
        (str(number), format_moment(at, draft.time_zone)) for number, at in enumerate(found.moments, start=1)
    ]
