"""The registrar's pages of voting sheets: ask for them, download them part by part, and say that they are printed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from flask import Blueprint, Response, request

from paper.sheets import Layout
from voting_app.access import REGISTRARS, access
from voting_app.accounts.forms import parse_form
from voting_app.context import get_context
from voting_app.elections.office import find_election, make_election_page
from voting_app.elections.service import ElectionView
from voting_app.errors import Problem
from voting_app.office import confirm, redirect_to, shown_again
from voting_app.paging import cut
from voting_app.registrar import vault
from voting_app.sheets import service
from voting_app.sheets.service import Choice
from voting_app.sheets.words import describe_choice, describe_fault, describe_layout, list_layouts

blueprint = Blueprint("sheets_office", __name__)

_SHEETS = "/office/elections/<uuid>/credentials/sheets"
_RUN = f"{_SHEETS}/<int:number>"
_PIECE = 65_536
_TAB = "registrar_office.show_credentials"


@blueprint.get(_SHEETS)
@access("login", roles=REGISTRARS)
def show_runs(uuid: str, problem: Problem | None = None) -> Response:
    """What was printed so far, and the form that asks for sheets."""
    view = find_election(uuid)
    with get_context().database.read() as session:
        waiting = vault.count_waiting(session, view.id)
        kept = vault.count_waiting(session, view.id, is_delivered=True)
    member = request.args.get("member", "")
    return make_election_page(
        "office/sheets.html",
        view,
        problem=problem,
        tab=_TAB,
        waiting=waiting,
        kept=kept,
        units=service.list_units(get_context(), uuid),
        runs=[_describe_run(run) for run in service.list_runs(get_context(), uuid)],
        is_ready=service.is_ready(get_context(), uuid),
        is_fixed=_is_fixed(view),
        layouts=list_layouts(),
        typed=request.form
        or {"who": "member" if member else "all", "member": member, "layout": "", "unit": ""},
        done=request.args.get("done", ""),
    )


@blueprint.post(_SHEETS)
@access("login", roles=REGISTRARS)
@shown_again(show_runs)
def create_run(uuid: str) -> Response:
    """Fix whose sheets are printed together."""
    fields = parse_form(request.form, ("who", "layout", "code"), ("unit", "member"))
    choice, layout = _read_choice(fields), _read_layout(fields["layout"])
    confirm(fields["code"])
    number = service.create_run(get_context(), uuid, choice, layout)
    return redirect_to("sheets_office.show_run", uuid=uuid, number=number)


@blueprint.get(_RUN)
@access("login", roles=REGISTRARS)
def show_run(uuid: str, number: int, problem: Problem | None = None) -> Response:
    """The documents of a run, and what comes after printing them."""
    view = find_election(uuid)
    run = service.get_run(get_context(), uuid, number)
    return make_election_page(
        "office/sheet_run.html",
        view,
        problem=problem,
        tab=_TAB,
        run=run,
        words=_describe_run(run),
        left_out=cut(run.left_out, request.args.get("page")),
        describe_fault=describe_fault,
        is_fixed=_is_fixed(view),
        done=request.args.get("done", ""),
    )


@blueprint.get(f"{_RUN}/sheets-<int:part>.pdf")
@access("login", roles=REGISTRARS)
def download_part(uuid: str, number: int, part: int) -> Response:
    """One document, made now."""
    document = service.make_part(get_context(), uuid, number, part)
    response = _make_download(Response(_cut([document]), mimetype="application/pdf"), f"sheets-{part:03}.pdf")
    response.content_length = len(document)
    return response


@blueprint.get(f"{_RUN}/sheets.zip")
@access("login", roles=REGISTRARS)
def download_all(uuid: str, number: int) -> Response:
    """All documents of a run, made one after the other while they are sent."""
    archive = service.iter_archive(get_context(), uuid, number)
    return _make_download(Response(_cut(archive), mimetype="application/zip"), "sheets.zip")


@blueprint.post(f"{_RUN}/printed")
@access("login", roles=REGISTRARS)
@shown_again(show_run)
def say_printed(uuid: str, number: int) -> Response:
    """Erase the codes whose sheets are on paper."""
    fields = parse_form(request.form, ("code",), ("sure",))
    if fields["sure"] != "yes":
        raise Problem(422, "not-sure", "Say first that you have looked at the printed sheets.")
    confirm(fields["code"])
    service.say_printed(get_context(), uuid, number)
    return redirect_to("sheets_office.show_run", uuid=uuid, number=number, done="printed")


@blueprint.post(f"{_RUN}/drop")
@access("login", roles=REGISTRARS)
@shown_again(show_run)
def drop_run(uuid: str, number: int) -> Response:
    """Forget a run that is not wanted; its codes go on waiting."""
    # A sheet that a member has counts as never handed out from then on, and the numbers would not agree at the end.
    if parse_form(request.form, (), ("unused",))["unused"] != "yes":
        raise Problem(422, "perhaps-used", "Say first that none of these sheets was handed out.")
    service.drop_run(get_context(), uuid, number)
    return redirect_to("sheets_office.show_runs", uuid=uuid, done="dropped")


def _cut(documents: Iterable[bytes]) -> Iterator[bytes]:
    """In small pieces: a server that is given much at once would put what is not sent yet into a file of its own."""
    for document in documents:
        for start in range(0, len(document), _PIECE):
            yield document[start : start + _PIECE]


def _make_download(response: Response, name: str) -> Response:
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    # A proxy before us would write what the reader is slow to take into a file of its own.
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _describe_run(run: service.RunView) -> dict[str, object]:
    return {"run": run, "layout": describe_layout(run.layout), "choice": describe_choice(run.choice)}


def _is_fixed(view: ElectionView) -> bool:
    """Whether the fingerprint cannot become another one."""
    return view.state not in ("draft", "roll-frozen")


def _read_choice(fields: Mapping[str, str]) -> Choice:
    who, unit, member = fields["who"], fields["unit"].strip(), fields["member"].strip()
    if who == "all":
        return Choice()
    if who == "unit" and unit:
        return Choice(unit=unit)
    if who == "member" and member:
        return Choice(member_number=member)
    raise Problem(422, "bad-choice", "Choose whose sheets are to be printed.")


def _read_layout(text: str) -> Layout:
    if text not in set(Layout):
        raise Problem(422, "bad-choice", "Choose the paper.")
    return Layout(text)
