"""The committee's pages of a roll: the list, a file that is looked at before it is taken, one member, the units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from flask import Blueprint, Response, request
from flask_babel import gettext

from crypto.roll import COLUMNS, Member, RowFault, encode_roll, get_cells, parse_unit, read_member
from voting_app.access import OFFICERS, Role, access, get_actor
from voting_app.accounts.forms import parse_form
from voting_app.context import get_context
from voting_app.elections.office import find_election, make_election_page
from voting_app.elections.service import ElectionView
from voting_app.elections.states import TRANSITIONS, Act
from voting_app.errors import Problem
from voting_app.languages import LANGUAGES
from voting_app.office import confirm, redirect_to, require_correctable, shown_again
from voting_app.pages import page_url
from voting_app.paging import cut
from voting_app.roll import members, service, uploads
from voting_app.roll.members import Wanted, contains_words, split_words
from voting_app.roll.preview_words import (
    COLUMN_WORDS,
    FORM_SENTENCES,
    Item,
    Section,
    list_sections,
    translate_fault,
)
from voting_app.roll.views import join_path

blueprint = Blueprint("roll_office", __name__)

# Who may look at members' data. Observers and the help desk do not need addresses of everybody.
READERS = (*OFFICERS, Role.REGISTRAR)
# A hundred thousand members with long addresses.
LONGEST_UPLOAD = 30_000_000
# So much of each kind of finding is on the first page of a preview.
FEW = 5

_LIST = "roll_office.show_roll"
_PREVIEW = "roll_office.show_preview"
_ACTS = "approvals_office.show_act"
_STANDINGS = {"good": True, "not-good": False}


# --- the list ----------------------------------------------------------------------------------------------


@blueprint.get("/office/elections/<uuid>/roll")
@access("login", roles=READERS)
def show_roll(uuid: str, problem: Problem | None = None) -> Response:
    """List the members, or those that are looked for."""
    view = find_election(uuid)
    context, arguments = get_context(), request.args
    words, unit, standing = (arguments.get(name, "")[:200] for name in ("words", "unit", "standing"))
    wanted = Wanted(words, parse_unit(unit), _STANDINGS.get(standing))
    page = cut(members.find_entries(context, uuid, wanted), arguments.get("page"))
    return make_election_page(
        "roll/list.html",
        view,
        problem=problem,
        tab=_LIST,
        summary=service.get_summary(context, uuid),
        page=page,
        wanted={"words": words or None, "unit": unit or None, "standing": standing or None},
        is_search=wanted != Wanted(),
        may_edit=_may_edit(view),
        has_upload=_may_edit(view) and uploads.has_upload(context, uuid, get_actor()),
        sources=uploads.list_sources(context, uuid) if _may_edit(view) else [],
        freeze_address=_find_freeze_address(view),
        done=arguments.get("done", ""),
    )


@blueprint.get("/office/elections/<uuid>/roll/units")
@access("login", roles=READERS)
def show_units(uuid: str) -> Response:
    """Show the tree of units."""
    view = find_election(uuid)
    words = _get_words()
    wanted = split_words(words)
    found = [unit for unit in members.list_units(get_context(), uuid) if contains_words(unit.path, wanted)]
    units = cut(found, request.args.get("page"))
    return make_election_page(
        "roll/units.html", view, tab=_LIST, units=units, words=words, join_path=join_path
    )


@blueprint.get("/office/elections/<uuid>/roll/file")
@access("login", roles=READERS)
def save_roll(uuid: str) -> Response:
    """Send the whole roll for a spreadsheet; the file can be uploaded again."""
    # Spreadsheets take a file for UTF-8 only if it begins with this mark.
    text = "\ufeff" + encode_roll(service.get_roll(get_context(), uuid))
    response = Response(text, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="roll-{uuid}.csv"'
    return response


def _find_freeze_address(view: ElectionView) -> str | None:
    """Where the roll is frozen, for those who may while it is possible."""
    return page_url(_ACTS, uuid=view.uuid, act=Act.FREEZE_ROLL.value) if _may_edit(view) else None


# --- a file that is looked at before it is taken -----------------------------------------------------------


@blueprint.post("/office/elections/<uuid>/roll/file")
@access("login", roles=OFFICERS, longest_form=LONGEST_UPLOAD)
@shown_again(show_roll)
def upload_roll(uuid: str) -> Response:
    """Keep a file for a look at it; nothing is taken yet."""
    parse_form(request.form, (), ("file",))
    file = request.files.get("file")
    uploads.keep_upload(get_context(), uuid, get_actor(), b"" if file is None else file.read())
    return redirect_to(_PREVIEW, uuid=uuid)


@blueprint.post("/office/elections/<uuid>/roll/copy")
@access("login", roles=OFFICERS)
@shown_again(show_roll)
def copy_roll(uuid: str) -> Response:
    """Look at the roll of another election as at a file; nothing is taken yet."""
    fields = parse_form(request.form, ("election",))
    uploads.copy_roll(get_context(), uuid, get_actor(), fields["election"])
    return redirect_to(_PREVIEW, uuid=uuid)


@blueprint.get("/office/elections/<uuid>/roll/preview")
@access("login", roles=OFFICERS)
def show_preview(uuid: str, problem: Problem | None = None) -> Response:
    """Say what taking the uploaded file would mean."""
    view = find_election(uuid)
    beside_last = request.args.get("beside") == "last"
    if not _may_edit(view):
        return show_roll(uuid, problem or _frozen())
    upload = uploads.preview_upload(get_context(), uuid, get_actor(), beside_last=beside_last)
    if upload is None:
        # After the file was taken or put away, by the browser's way back for example.
        return redirect_to(_LIST, uuid=uuid, done="gone") if problem is None else show_roll(uuid, problem)
    sections = list_sections(upload.preview, upload.content.rows)
    words = _get_words()
    part = next((section for section in sections if section.key == request.args.get("part")), None)
    return make_election_page(
        "roll/preview.html",
        view,
        problem=problem,
        tab=_LIST,
        upload=upload,
        preview=upload.preview,
        sections=sections,
        part=part,
        page=None if part is None else cut(_look_through(part, words), request.args.get("page")),
        words=words,
        few=FEW,
        beside="last" if beside_last else None,
        join_path=join_path,
    )


@blueprint.post("/office/elections/<uuid>/roll/import")
@access("login", roles=OFFICERS)
@shown_again(show_preview)
def take_upload(uuid: str) -> Response:
    """Make the file the roll, exactly as it was shown."""
    fields = parse_form(request.form, ("file", "roll", "code"))
    context, actor, shown = get_context(), get_actor(), {name: fields[name] for name in ("file", "roll")}
    # Before the code, which is good once: who was too slow must not wait for another one.
    uploads.require_takeable(context, uuid, actor, **shown)
    confirm(fields["code"])
    uploads.take_upload(context, uuid, actor, **shown)
    return redirect_to(_LIST, uuid=uuid, done="imported")


@blueprint.post("/office/elections/<uuid>/roll/discard")
@access("login", roles=OFFICERS)
def drop_upload(uuid: str) -> Response:
    """Put the file away."""
    parse_form(request.form)
    uploads.drop_upload(get_context(), uuid, get_actor())
    return redirect_to(_LIST, uuid=uuid, done="dropped")


def _get_words() -> str:
    """What somebody looks for in a list."""
    return request.args.get("words", "")[:200]


def _look_through(part: Section, words: str) -> Sequence[Item]:
    """The findings in which these words stand."""
    wanted = split_words(words)
    return [item for item in part if contains_words(item.words, wanted)] if wanted else part


# --- one member --------------------------------------------------------------------------------------------


@blueprint.get("/office/elections/<uuid>/roll/members/new")
@access("login", roles=OFFICERS)
def show_new_member(uuid: str) -> Response:
    """Show an empty form."""
    return _show_member(uuid, None, get_cells(Member("", "")))


@blueprint.post("/office/elections/<uuid>/roll/members/new")
@access("login", roles=OFFICERS)
def add_member(uuid: str) -> Response:
    """Add a member to the roll."""
    typed = parse_form(request.form, COLUMNS)
    member = read_member(typed)
    if not isinstance(member, Member):
        return _show_member(uuid, None, typed, faults=_list_faults(member))
    try:
        members.add_member(get_context(), uuid, member)
    except Problem as problem:
        require_correctable(problem)
        return _show_member(uuid, None, typed, problem)
    return redirect_to(_LIST, uuid=uuid, words=member.member_number, done="added")


@blueprint.get("/office/elections/<uuid>/roll/members/<int:number>")
@access("login", roles=READERS)
def show_member(uuid: str, number: int, problem: Problem | None = None) -> Response:
    """Show a member, with a form for those who may correct something."""
    return _show_member(uuid, members.get_entry(get_context(), uuid, number), problem=problem)


@blueprint.post("/office/elections/<uuid>/roll/members/<int:number>")
@access("login", roles=OFFICERS)
@shown_again(show_member)
def change_member(uuid: str, number: int) -> Response:
    """Correct a member."""
    typed = parse_form(request.form, (*COLUMNS, "version"))
    version = typed.pop("version")
    member = read_member(typed)
    context = get_context()
    entry = members.get_entry(context, uuid, number)
    if not isinstance(member, Member):
        return _show_member(uuid, entry, typed, faults=_list_faults(member), version=version)
    try:
        members.change_member(context, uuid, number, version, member)
    except Problem as problem:
        if problem.code != "number-taken":
            # What was typed was typed for somebody else, or for what this member was before.
            raise
        return _show_member(uuid, entry, typed, problem, version=version)
    return redirect_to("roll_office.show_member", uuid=uuid, number=number, done="changed")


@blueprint.post("/office/elections/<uuid>/roll/members/<int:number>/remove")
@access("login", roles=OFFICERS)
@shown_again(show_member)
def remove_member(uuid: str, number: int) -> Response:
    """Take a member off the roll."""
    fields = parse_form(request.form, ("version",))
    members.remove_member(get_context(), uuid, number, fields["version"])
    return redirect_to(_LIST, uuid=uuid, done="removed")


def _show_member(
    uuid: str,
    entry: members.Entry | None,
    typed: Mapping[str, str] | None = None,
    problem: Problem | None = None,
    *,
    faults: Mapping[str, str] | None = None,
    version: str = "",
) -> Response:
    """typed, version: what stood in the form that is shown again; faults: what is wrong with it, by column."""
    view = find_election(uuid)
    if entry is None and not _may_edit(view):
        return show_roll(uuid, problem or _frozen())
    cells = typed if typed is not None else get_cells(entry.member) if entry else {}
    if faults:
        problem = Problem(400, "bad-member", "Something in this form is not right yet.")
    return make_election_page(
        "roll/member.html",
        view,
        problem=problem,
        tab=_LIST,
        entry=entry,
        version=version or (entry.version if entry else ""),
        cells=cells,
        faults=faults or {},
        own_languages=_list_languages(cells.get("language", "").strip()),
        column_words={column: gettext(word) for column, word in COLUMN_WORDS.items()},
        may_edit=_may_edit(view),
        done=request.args.get("done", ""),
    )


def _list_faults(faults: tuple[RowFault, ...]) -> dict[str, str]:
    """The first sentence for each column. A form has fields where a file has cells."""
    said = (replace(fault, text=FORM_SENTENCES.get(fault.text, fault.text)) for fault in reversed(faults))
    return {fault.column: translate_fault(fault) for fault in said}


def _list_languages(present: str) -> list[tuple[str, str]]:
    """What the form offers: the election's own, those that pages are made in, and what a file has said already."""
    offered = [("", gettext("The election’s own language")), *LANGUAGES.items()]
    return offered if present in dict(offered) else [*offered, (present, present)]


def _frozen() -> Problem:
    return Problem(409, "roll-fixed", "The roll is fixed, so nothing on it can be changed any more.")


def _may_edit(view: ElectionView) -> bool:
    return get_actor().role in OFFICERS and view.state in TRANSITIONS[Act.EDIT_ROLL]
