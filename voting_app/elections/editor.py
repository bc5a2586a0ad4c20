"""The editor: a new election from a template or an earlier one, its texts and questions until the keys are ready.

All of it is one form and works without JavaScript: a button that adds or moves a row sends the form, and the page comes
back with everything that was typed. Nothing is saved before "save".
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from flask import Blueprint, Response, current_app, render_template, request, url_for
from flask_babel import force_locale, gettext

from crypto.credentials import new_credential_text
from crypto.election import encode_election
from crypto.encoding import encode_json
from crypto.groups import get_group
from crypto.presentation import Presentation, RecordTerms, parse_presentation
from crypto.questions import HomomorphicQuestion, parse_questions
from voting_app.access import OFFICERS, Role, access, find_mark, get_actor
from voting_app.approvals import service as approvals
from voting_app.context import get_context
from voting_app.elections import service, wire
from voting_app.elections.checklist import list_tasks
from voting_app.elections.drafts import Draft, make_body, make_draft
from voting_app.elections.drawing import draw_order, list_drawings
from voting_app.elections.forms import (
    LONGEST_FORM,
    Sent,
    describe_occurrences,
    find_faults,
    list_time_zones,
    name_places,
    parse_editor,
)
from voting_app.elections.office import find_election, make_election_page
from voting_app.elections.privacy_words import describe_finding
from voting_app.elections.service import ElectionView, NewElection
from voting_app.elections.starts import STARTS, add_wording, start_from_election, start_from_template
from voting_app.elections.states import Act, is_allowed
from voting_app.elections.times import encode_time
from voting_app.errors import Problem
from voting_app.languages import LANGUAGES, format_moment, get_language
from voting_app.office import make_office_page, redirect_to
from voting_app.pages import page_url
from voting_app.paging import cut
from voting_app.security import CONTENT_SECURITY_POLICY

blueprint = Blueprint("elections_editor", __name__)

READERS = (*OFFICERS, Role.REGISTRAR, Role.OBSERVER)
_EDIT = "/office/elections/<uuid>/texts"
_NEW = "/office/elections/new"
_TAB = "elections_editor.show_editor"
# What is said above the form again, with everything that was typed in it.
_CORRECTABLE = frozenset(
    {"changed-meanwhile", "trustees-exist", "credentials-published", "invalid-field", "already-drawn"}
)


# --- a new one ---------------------------------------------------------------------------------------------


@blueprint.get(_NEW)
@access("login", roles=OFFICERS)
def show_new() -> Response:
    """Ask what the new election starts from; then show the form."""
    kind, uuid = request.args.get("start", ""), request.args.get("clone", "")
    is_test = request.args.get("test") == "yes"
    if kind in STARTS:
        draft = start_from_template(kind, get_language(), _find_usual_time_zone())
    elif uuid:
        draft = start_from_election(find_election(uuid))
    else:
        return _show_starts()
    return _show_new(replace(draft, is_test=draft.is_test or is_test), uuid)


@blueprint.post(_NEW)
@access("login", roles=OFFICERS, longest_form=LONGEST_FORM)
def create_election() -> Response:
    """Change the rows of the form, or create the election."""
    sent = parse_editor(request.form, is_new=True)
    clone = sent.clone
    source = find_election(clone) if clone else None
    _add_wording(sent)
    faults = find_faults(sent.draft, get_context().clock.now(), has_plan=source is not None)
    if sent.draft.is_alone and _count_officers() > 1:
        faults["waiver"] = gettext("Several officers can log in, so two of them act together.")
    if sent.act != "save" or faults:
        return _show_new(sent.draft, clone, faults if sent.act == "save" else {}, sent.place)
    try:
        new = _read(sent.draft, source, is_new=True)
        actor = get_actor().acting_as(Role.COMMITTEE)
        view = service.create_election(
            get_context(), new, actor, copy_of=clone or None, with_roll=sent.draft.copies_roll
        )
    except Problem as problem:
        return _show_new(sent.draft, clone, problem=_correctable(problem))
    return redirect_to(_TAB, uuid=view.uuid, done="created")


def _show_starts() -> Response:
    words = request.args.get("words", "").strip()
    with get_context().database.read() as session:
        views = [v for v in service.list_elections(session) if words.casefold() in v.name.casefold()]
    return make_office_page(
        "office/election_starts.html",
        starts={kind: (gettext(start.title), gettext(start.about)) for kind, start in STARTS.items()},
        earlier=cut(list(reversed(views)), request.args.get("page")),
        words=words,
    )


def _show_new(
    draft: Draft,
    clone: str,
    faults: dict[str, str] | None = None,
    place: str = "",
    problem: Problem | None = None,
) -> Response:
    return make_office_page(
        "office/election_new.html",
        problem=problem,
        status=422 if faults else 200,
        here=url_for("elections_editor.show_new"),
        address=page_url("elections_editor.show_new"),
        place=place,
        clone=clone,
        fixed={"trustees": False, "mode": False},
        drawings=[],
        view=None,
        may_be_alone=_count_officers() < 2,
        **_describe(draft, faults or {}),
    )


def _count_officers() -> int:
    """How many people can act as officers. Where there are several, nobody may do without the second one."""
    return approvals.count_officers(get_context())


def _find_usual_time_zone() -> str:
    """That of the latest election."""
    with get_context().database.read() as session:
        views = service.list_elections(session)
    return views[-1].time_zone if views else "UTC"


# --- one that is there -------------------------------------------------------------------------------------


@blueprint.get(_EDIT)
@access("login", roles=READERS)
def show_editor(uuid: str) -> Response:
    """The form, or what the election is where nothing can be edited any more."""
    view = find_election(uuid)
    if get_actor().role in OFFICERS and is_allowed(view.state, Act.EDIT):
        return _show_editor(view, make_draft(view), service.get_revision(view))
    return make_election_page(
        "office/election_texts.html",
        view,
        is_fixed=not is_allowed(view.state, Act.EDIT),
        drawings=_list_drawings(uuid),
        closings=describe_closings(view.closes_at, view.time_zone, make_draft(view).languages),
        draft=make_draft(view),
        language_names=_name_languages(make_draft(view).languages),
        rule_words=_describe_rules(),
        may_clone=get_actor().role in OFFICERS,
    )


@blueprint.post(_EDIT)
@access("login", roles=OFFICERS, longest_form=LONGEST_FORM)
def save_election(uuid: str) -> Response:
    """Change the rows of the form, or save it, and perhaps draw an order."""
    sent = parse_editor(request.form)
    view = find_election(uuid)
    service.require_editable(view.state)
    _add_wording(sent)
    faults = find_faults(sent.draft, get_context().clock.now(), has_plan=True)
    if sent.act != "save" or faults:
        return _show_editor(view, sent.draft, sent.revision, faults if sent.act == "save" else {}, sent.place)
    saved = view
    try:
        new = _read(sent.draft, view)
        saved = service.update_election(get_context(), uuid, new, expected=sent.revision)
        if sent.question >= 0:
            draw_order(get_context(), uuid, sent.question, get_actor().acting_as(Role.COMMITTEE))
    except Problem as problem:
        again = find_election(uuid)
        # After an order that could not be drawn the rest is saved.
        revision = service.get_revision(saved) if problem.code == "already-drawn" else sent.revision
        draft = make_draft(again) if problem.code == "already-drawn" else sent.draft
        return _show_editor(again, draft, revision, problem=_correctable(problem))
    return redirect_to(_TAB, uuid=uuid, done="drawn" if sent.question >= 0 else "saved")


def _show_editor(
    view: ElectionView,
    draft: Draft,
    revision: str,
    faults: dict[str, str] | None = None,
    place: str = "",
    problem: Problem | None = None,
) -> Response:
    with get_context().database.read() as session:
        fixed = {
            "trustees": service.has_seats(session, view.id),
            "mode": service.has_credentials(session, service.find_box(session, view.uuid).id),
        }
    return make_election_page(
        "office/election_editor.html",
        view,
        problem=problem,
        status=422 if faults else 200,
        tab=_TAB,
        here=url_for(_TAB, uuid=view.uuid),
        address=page_url(_TAB, uuid=view.uuid),
        place=place,
        revision=revision,
        fixed=fixed,
        drawings=_list_drawings(view.uuid),
        done=request.args.get("done", ""),
        **_describe(draft, faults or {}),
    )


# --- both --------------------------------------------------------------------------------------------------


def _add_wording(sent: Sent) -> None:
    """A language that was just added comes with the wording of the template, where it is still that."""
    if sent.place == "texts":
        for language in sent.draft.languages[1:]:
            add_wording(sent.draft, language)


def _read(draft: Draft, source: ElectionView | None, *, is_new: bool = False) -> NewElection:
    """The very checks that a program's request has to pass. source: the election that is edited or copied."""
    group = source.group_name if source else "Ed25519"
    plan = source.trustees if source else None
    return wire.read_new_election(make_body(draft, group=group, plan=plan, is_new=is_new))


def _correctable(problem: Problem) -> Problem:
    if problem.code not in _CORRECTABLE:
        raise problem
    return problem


def _list_drawings(uuid: str) -> list[Any]:
    with get_context().database.read() as session:
        return list_drawings(session, uuid)


def _describe(draft: Draft, faults: dict[str, str]) -> dict[str, Any]:
    closes_at = draft.get_closes_at()
    return {
        "draft": draft,
        "faults": faults,
        "places": name_places(faults),
        "time_zones": list_time_zones(),
        "language_names": _name_languages(draft.languages),
        "more_languages": {tag: name for tag, name in LANGUAGES.items() if tag not in draft.languages},
        "occurrences": describe_occurrences(draft),
        "closings": describe_closings(closes_at, draft.time_zone, draft.languages) if closes_at else [],
        "is_changed": closes_at is not None and _is_offset_changed(closes_at, draft.time_zone),
        "rule_words": _describe_rules(),
    }


def _describe_rules() -> dict[str, str]:
    return {
        "": gettext("No rule: the page shows the counts only"),
        "plurality": gettext("Most votes win"),
        "majority": gettext("More than half of the votes"),
        "two-thirds": gettext("Two thirds of the votes"),
    }


def _name_languages(tags: list[str]) -> dict[str, str]:
    """Tag -> the language's name in the reader's; the tag itself of one that nobody here knows."""
    names = {}
    for tag in tags:
        try:
            names[tag] = Locale.parse(tag, sep="-").get_display_name(get_language()) or tag
        except (UnknownLocaleError, ValueError):
            names[tag] = tag
    return names


def describe_closings(closes_at: datetime, time_zone: str, languages: list[str]) -> list[tuple[str, str]]:
    """The closing time as voters will read it, in each language of the election that pages are made in."""
    closings = []
    for tag in languages:
        code = tag.partition("-")[0]
        if code in LANGUAGES:
            with force_locale(code):
                closings.append((tag, format_moment(closes_at, time_zone)))
    return closings


def _is_offset_changed(closes_at: datetime, time_zone: str) -> bool:
    """Whether the clocks there are changed between now and then."""
    zone, now = ZoneInfo(time_zone), get_context().clock.now()
    return closes_at.astimezone(zone).utcoffset() != now.astimezone(zone).utcoffset()


# --- trying it, and what is left ---------------------------------------------------------------------------


@blueprint.get("/office/elections/<uuid>/preview")
@access("login", roles=READERS)
def show_preview(uuid: str) -> Response:
    """The booth in a frame as wide as a phone."""
    response = make_election_page("office/election_preview.html", find_election(uuid), tab=_TAB)
    response.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY_POLICY}; frame-src 'self'"
    return response


@blueprint.get("/office/elections/<uuid>/preview/booth")
@access("login", roles=READERS)
def show_preview_booth(uuid: str) -> Response:
    """The booth's own page and views, with a program that casts nothing."""
    view = find_election(uuid)
    facts = {
        "uuid": uuid,
        "needed": view.trustees.needed,
        # Of nobody: no list has it, so that no ballot made with it is ever taken.
        "credential": new_credential_text(),
        "status": {
            "uuid": uuid,
            "group": view.group_name,
            "state": "open",
            "service_key": view.service_key,
            "revoting": view.revoting,
            "time_zone": view.time_zone,
            "closes_at": encode_time(view.closes_at),
            "closed_at": None,
            "box": {"state": "open"},
        },
        "codes": view.credential_mode,
    }
    page = Response(
        render_template("booth/preview.html", view=view, facts=encode_json(facts)),
        content_type="text/html; charset=utf-8",
    )
    # Only into our own page, and there is nothing on this one that could be clicked to any effect.
    page.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY.replace(
        "frame-ancestors 'none'", "frame-ancestors 'self'"
    )
    page.headers["X-Frame-Options"] = "SAMEORIGIN"
    return page


@blueprint.get("/office/elections/<uuid>/preview/election")
@access("login", roles=READERS)
def send_preview(uuid: str) -> Response:
    """Election data as they would be if the keys were made now, under a key that is none."""
    return Response(make_preview(find_election(uuid)), content_type="application/json")


def make_preview(view: ElectionView) -> bytes:
    """Election data with the texts as they are now. Their key is the generator, whose secret everybody knows."""
    questions = parse_questions(list(view.questions))
    presentation = Presentation()
    if view.presentation is not None:
        presentation = parse_presentation(view.presentation, view.name, view.description, questions)
    return encode_election(
        uuid=view.uuid,
        name=view.name,
        description=view.description,
        group_name="Ed25519",
        public_key=get_group("Ed25519").generator,
        questions=[question for question in questions if isinstance(question, HomomorphicQuestion)],
        presentation=replace(presentation, record=RecordTerms(view.service_key, view.revoting)),
    )


@blueprint.get("/office/elections/<uuid>/checklist")
@access("login", roles=READERS)
def show_checklist(uuid: str) -> Response:
    """What is left to do before the election can be opened, and the privacy check in words."""
    view = find_election(uuid)
    report = service.report_privacy(get_context(), uuid)
    with get_context().database.read() as session:
        tasks = list_tasks(session, get_context(), view, is_private=not report.blocking)
    return make_election_page(
        "office/election_checklist.html",
        view,
        tab=_TAB,
        tasks=[(task, _find_page(task.endpoint, uuid)) for task in tasks],
        report=report,
        findings=[
            (finding.severity.value, describe_finding(finding, get_language())) for finding in report.findings
        ],
    )


def _find_page(endpoint: str, uuid: str) -> str:
    """Where a task is done; nowhere for who may not open that page."""
    mark = find_mark(current_app, endpoint)
    return page_url(endpoint, uuid=uuid) if mark is not None and get_actor().role in mark.roles else ""
