"""The report in words, for a page and as a document for paper, in the reader's language."""

from collections.abc import Iterator
from dataclasses import dataclass

from flask_babel import format_decimal, gettext

from crypto.report import ElectionReport
from crypto.words import fingerprint_words
from paper.document import Document, Section
from voting_app.certification.service import Account
from voting_app.languages import N_, format_moment
from voting_app.pages import format_share
from voting_app.public import words
from voting_app.public.outcome import ShownOutcome, ShownQuestion, describe_outcome
from voting_app.public.service import Shown

# Codes of crypto.report.AGREEMENTS, and "roll" of the roll's hash -> what does not agree.
_MISMATCHES = {
    "credentials": N_("There are not as many voting codes as members who may vote."),
    "delivered": N_("More voting codes were handed out than there are."),
    "received": N_("The ballots in the box are not the counted ones and the replaced ones together."),
    "voters": N_("More ballots count than members may vote."),
    "delivered-voters": N_("More members have voted than were given a voting code, as far as this is noted."),
    "weight": N_("The counted ballots weigh more than all members together."),
    "questions": N_("The votes of a question do not fit the number of ballots."),
    "roll": N_("The roll that is kept here is not the one whose hash was published when it was frozen."),
}


@dataclass(frozen=True, slots=True)
class Count:
    """A number of the report with its name."""

    name: str
    number: str


def list_counts(report: ElectionReport) -> list[Count]:
    """The numbers that must agree, each in a line."""
    return [Count(name, format_decimal(number)) for name, number in _list_numbers(report)]


def _list_numbers(report: ElectionReport) -> Iterator[tuple[str, int]]:
    ballots = report.ballots
    yield gettext("Members who may vote"), report.members
    yield gettext("Voting codes made"), report.credentials
    if report.delivered is not None:
        yield gettext("Members who were given their code"), report.delivered
    yield gettext("Ballots in the ballot box"), ballots.received
    yield gettext("Replaced by a later ballot of the same member"), ballots.superseded
    if ballots.counted is not None:
        yield gettext("Ballots that count"), ballots.counted
    yield gettext("Ballots opened for checking, which were never cast"), ballots.opened
    if report.counted_weight is not None and report.weight != report.credentials:
        yield gettext("Weight of all members"), report.weight
        yield gettext("Weight of the ballots that count"), report.counted_weight


def describe_mismatches(account: Account) -> list[str]:
    """What does not agree, a sentence each; the numbers stand in the list of counts."""
    codes = [*dict.fromkeys(mismatch.code for mismatch in account.mismatches)]
    if not account.is_roll_same:
        codes.append("roll")
    return [gettext(_MISMATCHES[code]) for code in codes]


# Around names inside of sentences, for browsers; paper has no need of them.
_ISOLATES = dict.fromkeys(map(ord, "\u2066\u2067\u2068\u2069"))


def make_document(
    shown: Shown, report: ElectionReport, report_hash: str, address: str, organisation: str
) -> Document:
    """The report for paper: whose election it was, result, numbers, what happened, and where the record is."""
    return Document(
        title=shown.texts.name,
        kicker=f"{organisation} · {gettext('Report of an election')}",
        sections=tuple(_list_sections(shown, report, report_hash, address)),
        foot=shown.view.uuid,
    )


def _list_sections(shown: Shown, report: ElectionReport, report_hash: str, address: str) -> Iterator[Section]:
    view = shown.view
    state = words.describe_state(view.state)
    if view.is_test:
        yield Section(
            gettext("Test election"), (gettext("It is for practice. Nothing that is cast here counts."),)
        )
    yield Section(state.badge, (state.sentence,), tuple(_list_facts(shown)))
    outcome = describe_outcome(shown)
    if outcome is not None:
        yield from _list_results(outcome, words.list_warnings(shown))
    yield Section(
        gettext("The numbers"), facts=tuple((count.name, count.number) for count in list_counts(report))
    )
    yield Section(gettext("How it went"), tuple(_list_acts(shown)))
    yield Section(
        gettext("The published record"),
        (
            gettext(
                "Anybody can fetch the record at this address and verify the result without trusting the server or the"
                " committee:"
            ),
            address,
        ),
        codes=tuple(_list_codes(shown, report_hash)),
    )


def _list_facts(shown: Shown) -> Iterator[tuple[str, str]]:
    view = shown.view
    if view.opened_at:
        yield gettext("Voting opened"), format_moment(view.opened_at, view.time_zone)
    if view.closed_at:
        yield gettext("Voting closed"), format_moment(view.closed_at, view.time_zone)
    yield gettext("Trustees"), words.describe_trustees(view)
    if shown.presentation and shown.presentation.quorum_percent:
        percent = format_share(shown.presentation.quorum_percent / 100)
        yield gettext("Quorum"), gettext("%(percent)s of the members", percent=percent)


def _list_results(outcome: ShownOutcome, warnings: list[str]) -> Iterator[Section]:
    sentences = [*warnings, *filter(None, [outcome.quorum])]
    yield Section(gettext("Result"), tuple(sentences))
    for question in outcome.questions:
        yield Section(
            question.question,
            tuple(filter(None, (question.verdict.translate(_ISOLATES), question.rule))),
            table=tuple(_list_rows(question)),
        )


def _list_rows(question: ShownQuestion) -> Iterator[tuple[str, ...]]:
    yield gettext("Choice"), gettext("Votes"), gettext("Share")
    for row in question.rows:
        mark = f" ({gettext('chosen')})" if row.has_won else f" ({gettext('tied')})" if row.is_tied else ""
        share = "–" if row.share is None else format_share(row.share)
        yield f"{row.text}{mark}", format_decimal(row.votes), share


def _list_acts(shown: Shown) -> Iterator[str]:
    for line in shown.acts:
        act = words.describe_act(line, shown.view.time_zone)
        moment = f"{format_moment(act.at, shown.view.time_zone)}: " if act.at else ""
        quote = f" {act.quote}" if act.quote else ""
        yield f"{moment}{act.sentence}{quote}"


def _list_codes(shown: Shown, report_hash: str) -> Iterator[tuple[str, str]]:
    if shown.fingerprint:
        yield gettext("The election in eight words"), fingerprint_words(shown.fingerprint)
        yield gettext("Fingerprint"), shown.fingerprint
    yield gettext("Service key"), shown.view.service_key
    yield gettext("Hash of the report"), report_hash
