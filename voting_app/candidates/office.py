"""The committee's pages of the candidates: what is shown beside each answer, and the form that changes it."""

from flask import Blueprint, Response, request

from voting_app.access import OFFICERS, Role, access, get_actor
from voting_app.accounts.forms import parse_form
from voting_app.candidates import service
from voting_app.candidates.photos import LONGEST_UPLOAD, make_photo
from voting_app.candidates.service import Change
from voting_app.context import get_context
from voting_app.elections.office import find_election, make_election_page
from voting_app.elections.service import get_revision, require_revision
from voting_app.elections.states import Act, is_allowed
from voting_app.errors import Problem
from voting_app.office import redirect_to, shown_again

blueprint = Blueprint("candidates_office", __name__)

READERS = (*OFFICERS, Role.REGISTRAR, Role.OBSERVER)
_CANDIDATES = "/office/elections/<uuid>/candidates"
_TAB = "candidates_office.show_candidates"
# A photo, and statements in a handful of languages.
_LONGEST_FORM = LONGEST_UPLOAD + 200_000


@blueprint.get(_CANDIDATES)
@access("login", roles=READERS)
def show_candidates(uuid: str) -> Response:
    """All questions, with what stands beside their answers."""
    view = find_election(uuid)
    return make_election_page(
        "office/candidates.html",
        view,
        questions=service.get_questions(view),
        presentation=service.get_presentation(view),
        may_edit=_may_edit(uuid),
        done=request.args.get("done", ""),
    )


@blueprint.get(f"{_CANDIDATES}/<int:question>/<int:answer>")
@access("login", roles=OFFICERS)
def show_candidate(
    uuid: str,
    question: int,
    answer: int,
    problem: Problem | None = None,
) -> Response:
    """One answer, and the form for its statement and its photo."""
    view = find_election(uuid)
    name = service.require_answer(view, question, answer)
    presentation = service.get_presentation(view)
    candidate = presentation.find_candidate(question, answer)
    statements = dict(candidate.statements)
    return make_election_page(
        "office/candidate.html",
        view,
        problem=problem,
        tab=_TAB,
        place=(question, answer),
        name=name,
        title=service.get_questions(view)[question].question,
        candidate=candidate,
        longest=service.LONGEST_STATEMENT,
        fields=[
            (tag, request.form.get(f"statement-{tag}", statements.get(tag, "")))
            for tag in presentation.languages
        ],
        # What was typed for the election as it was is not to be saved for another one, in which somebody else may stand
        # in this place.
        revision=request.form.get("revision") or get_revision(view),
        may_edit=_may_edit(uuid),
    )


@blueprint.post(f"{_CANDIDATES}/<int:question>/<int:answer>")
@access("login", roles=OFFICERS, longest_form=_LONGEST_FORM)
@shown_again(show_candidate)
def set_candidate(uuid: str, question: int, answer: int) -> Response:
    """Change statement and photo."""
    view = find_election(uuid)
    languages = service.get_presentation(view).languages
    names = [f"statement-{tag}" for tag in languages]
    # Before the fields: the form may be of an election that had other languages.
    require_revision(view, request.form.get("revision", ""))
    fields = parse_form(request.form, ("revision", *names), ("remove",))
    statements = {tag: _read_text(fields[f"statement-{tag}"]) for tag in languages}
    change = Change(statements, _read_photo(is_removed=bool(fields["remove"])))
    service.set_candidate(get_context(), uuid, question, answer, change, expected=fields["revision"])
    return redirect_to(_TAB, uuid=uuid, done="candidate")


@blueprint.get("/office/elections/<uuid>/photos/<photo>")
@access("login", roles=READERS)
def send_photo(uuid: str, photo: str) -> Response:
    """A photo of an election that is still a draft, too."""
    with get_context().database.read() as session:
        content = service.get_photo(session, uuid, photo, is_public=False)
    return Response(content, content_type="image/jpeg")


def _read_text(text: str) -> str:
    # Browsers send the ends of lines as two signs, one of which cannot be seen.
    return text.replace("\r\n", "\n").strip()


def _read_photo(*, is_removed: bool) -> bytes | None:
    """The uploaded photo, made small and clean; b"" to remove the present one, None to leave it."""
    if unknown := set(request.files) - {"photo"}:
        raise Problem(
            400, "bad-request", "The request could not be understood.", f"{len(unknown)} unknown files"
        )
    file = request.files.get("photo")
    raw = file.read(LONGEST_UPLOAD + 1) if file else b""
    if raw:
        return make_photo(raw)
    return b"" if is_removed else None


def _may_edit(uuid: str) -> bool:
    return get_actor().role in OFFICERS and is_allowed(find_election(uuid).state, Act.EDIT)
