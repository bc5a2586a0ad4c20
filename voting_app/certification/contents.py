"""What report and package of an election consist of: facts from the record, put together."""

from contextlib import suppress
from functools import lru_cache
from importlib.metadata import version

from flask_babel import force_locale

from crypto.encoding import encode_json_bytes, sha256_hex
from crypto.markup import make_plain
from paper.document import Document, make_document
from paper.faults import PaperError
from voting_app.certification import service, words
from voting_app.certification.package import PackageFile
from voting_app.context import Context
from voting_app.languages import LANGUAGES, SOURCE, get_language
from voting_app.ledger import service as ledger
from voting_app.public import service as public
from voting_app.public.service import Shown

_PROGRAM = "steward-voting"
# Anybody may ask for the reports of elections that have ended, again and again; each takes a quarter of a second.
make_pdf = lru_cache(maxsize=64)(make_document)
_README = """This is the record of one election, {uuid}.

{uuid}.bel            the ballot box: every encrypted ballot, the tally, the trustees' decryptions, the result
{uuid}.journal.jsonl  the journal: who did what, and when
report.json, report.*.pdf      the numbers of the election, and the same on paper
texts.*.txt                    what voters read
program.json                   which program ran the election

To verify it on your own computer, trusting nobody:

    pip install steward-voting
    steward-audit verify {uuid}.zip

It compares nothing with the PDF files and texts, which are for people: believe what the command says.

The ballot box can be verified with belenios-tool as well, a program that other people wrote:

    belenios-tool election verify       (in a folder that has {uuid}.bel alone)
"""


def get_document(context: Context, uuid: str) -> Document:
    """The report for paper in the present language; Problem 404 ``no-report`` while the election has not ended."""
    with context.database.read() as session:
        body = service.read_report(session, uuid)
        report = service.make_report(session, uuid)
        shown = public.get_shown(session, uuid, get_language())
    return words.make_document(
        shown,
        report,
        sha256_hex(body),
        f"{context.settings.base_url}/elections/{uuid}",
        context.settings.organisation,
    )


def list_files(context: Context, uuid: str) -> list[PackageFile]:
    """The package's files; Problem 404 ``no-report`` while the election has not ended."""
    with context.database.read() as session:
        body = service.read_report(session, uuid)
        report = service.make_report(session, uuid)
        shown = {language: public.get_shown(session, uuid, language) for language in LANGUAGES}
        box_id = ledger.get_box_id(session, uuid)
        lines, _ = ledger.journal_head(session, box_id)
    program = {"name": _PROGRAM, "version": version(_PROGRAM)}
    files = [
        PackageFile("README.txt", [_README.format(uuid=uuid).encode()]),
        PackageFile(f"{uuid}.bel", ledger.iter_archive(context.database, box_id)),
        PackageFile(f"{uuid}.journal.jsonl", ledger.iter_journal(context.database, box_id, lines)),
        PackageFile("report.json", [body]),
        PackageFile("program.json", [encode_json_bytes(program)]),
    ]
    address = f"{context.settings.base_url}/elections/{uuid}"
    for language in _list_languages(shown[SOURCE]):
        with force_locale(language):
            document = words.make_document(
                shown[language], report, sha256_hex(body), address, context.settings.organisation
            )
            texts = _write_texts(shown[language])
        files.append(PackageFile(f"texts.{language}.txt", [texts.encode()]))
        # The texts may have letters that the fonts lack; the numbers are in the other files too.
        with suppress(PaperError):
            files.append(PackageFile(f"report.{language}.pdf", [make_pdf(document)]))
    return files


def _list_languages(shown: Shown) -> list[str]:
    """The election's languages in which we write; ours, if there is none."""
    own = shown.presentation.languages if shown.presentation else ()
    return [language for language in LANGUAGES if language in own] or [SOURCE]


def _write_texts(shown: Shown) -> str:
    """What voters read, but for the photos."""
    lines = [shown.texts.name, "", make_plain(shown.texts.description), ""]
    for number, question in enumerate(shown.texts.questions):
        lines += [question.question]
        for place, answer in enumerate(question.answers):
            lines += [f"  - {answer}", *(f"      {line}" for line in _list_statement(shown, number, place))]
        lines += [""]
    return "\n".join(lines)


def _list_statement(shown: Shown, question: int, answer: int) -> list[str]:
    """The lines of what a candidate says, in the language of the texts or else another one."""
    presentation = shown.presentation
    if presentation is None:
        return []
    candidate = presentation.find_candidate(question, answer)
    found = candidate.find_statement(presentation.languages, shown.texts.language)
    return [] if found is None else make_plain(found[1]).split("\n")
