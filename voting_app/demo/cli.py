"""`steward demo`: options -> a case that fits together, or a refusal that names every fault."""

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from voting_app.demo.files import Case
    from voting_app.demo.run import Options

# Written out, so that --help needs none of the application: voting_app.elections.wire.GROUPS, demo.samples.SAMPLES.
_GROUPS = ("Ed25519", "BELENIOS-2048", "RFC-3526-2048")
_SAMPLES = ("officers", "association")
_SERVE_PORT = 8000
_NOT_SOUND, _REFUSED, _INTERRUPTED = 1, 2, 130

_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option(
    "--sample",
    type=click.Choice(_SAMPLES),
    default="officers",
    show_default=True,
    help="""officers: three offices and a question about the dues, 60 members, 3 trustees of whom 2 decrypt, every
    vote final. association: delegates with weights, blank votes, members who change their vote, 5 trustees of whom
    3 decrypt.""",
)
@click.option("--roll", type=_file, help="Your roll instead of the sample's, as CSV.")
@click.option("--questions", type=_file, help="Your questions instead of the sample's, as JSON.")
@click.option("--votes", type=_file, help="Your votes instead of the sample's, as CSV.")
@click.option(
    "--trustees",
    type=int,
    metavar="N",
    help="How many trustees there are (from 1 to 30).  [default: the sample's]",
)
@click.option(
    "--threshold",
    type=int,
    metavar="T",
    help="""How many of them are needed to open the result.  [default: the sample's; with --trustees more than half
    of them]""",
)
@click.option(
    "--group",
    "group_name",
    type=click.Choice(_GROUPS),
    default="Ed25519",
    show_default=True,
    help="The group to compute in. Ed25519 is many times faster than the others.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where to write the files; made if it does not exist.  [default: demo-out/UUID]",
)
@click.option(
    "--serve", is_flag=True, help="Leave the election open until Ctrl-C or SIGTERM, for ballots of your own."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="P",
    help="The port to listen on, on this computer only.  [default: 8000 with --serve, else any free one]",
)
def demo(  # noqa: PLR0913, PLR0917  one for each option
    sample: str,
    roll: Path | None,
    questions: Path | None,
    votes: Path | None,
    trustees: int | None,
    threshold: int | None,
    group_name: str,
    out: Path | None,
    serve: bool,
    port: int | None,
) -> None:
    """Hold a whole election on this computer and verify it.

    The application is started with an empty database in a temporary folder, and a committee, a registrar, trustees
    and voters hold an election through its HTTP interface. Then the published record is fetched and verified by
    steward-audit as a separate program, and the result is compared with a plain count of the votes file. Nothing
    leaves this computer.

    In DIR are afterwards: UUID.bel (the ballot box), UUID.journal.jsonl (who did what), report.json and report.txt
    (the auditor's report).

    \b
    Your own files (UTF-8):
      roll       CSV: name,member_number,email,phone,address,unit,weight,language,standing
                 (the first two are required)
      questions  JSON: [{"question": "…", "answers": ["…", "…"], "min": 1, "max": 1}, …]
                 with "blank": true where a blank vote is allowed
      votes      CSV: member_number,q1,q2,…   a cell holds the numbers of the chosen answers
                 from 1 on, separated by spaces, or blank, or nothing
    A member with two rows has changed the vote; the election then allows that, otherwise every
    vote is final. A file with a fault is refused whole, with every fault named.

    If all trustees are needed (T = N), each of them holds a key of its own; otherwise they make one threshold key
    together.

    With --serve the election stays open after the votes of the file. Five links are printed with which you can vote in
    your browser. DIR/spare-credentials.txt has their credentials, one a line; they were made for five guests who are
    added to the roll. Ctrl-C or SIGTERM closes, counts and verifies the election; the guests' ballots then stand in the
    result besides the votes of the file.

    \b
    Exit status: 0 the record is sound and the result equals the plain count, 1 it is not so,
    2 refused or could not run, 130 interrupted before the voting was over.
    """
    import httpx

    from voting_app.demo.client import RefusedError
    from voting_app.demo.run import AuditFailedError, Options, run_demo
    from voting_app.demo.samples import SAMPLES
    from voting_app.demo.server import ServerError
    from voting_app.demo.stopping import Interrupted, StopRequest
    from voting_app.demo.story import Story
    from voting_app.demo.verdict import AuditorError

    is_own = bool(roll or questions)
    size, needed = _choose_trustees(trustees, threshold, SAMPLES[sample].trustees, SAMPLES[sample].threshold)
    options = Options(
        case=_read_case(sample, roll, questions, votes),
        name="Demonstration election" if is_own else SAMPLES[sample].name,
        description="" if is_own else SAMPLES[sample].description,
        presentation={} if is_own else SAMPLES[sample].read_presentation(),
        trustees=size,
        threshold=needed,
        group_name=group_name,
        out=out,
        is_serving=serve,
        port=port if port is not None else _SERVE_PORT if serve else 0,
    )
    _require_writable(options)
    stop = StopRequest()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal without our signs shows question marks instead of stopping the election.
        sys.stdout.reconfigure(errors="replace")
    try:
        with stop.listening():
            is_good = run_demo(options, Story(), stop)
    except (Interrupted, KeyboardInterrupt):
        _leave("Interrupted; the election was given up.", _INTERRUPTED)
    except AuditFailedError as error:
        _leave(str(error), _NOT_SOUND)
    except (ServerError, AuditorError) as error:
        _leave(str(error), _REFUSED)
    except RefusedError as error:
        _leave(f"The application refused a step of the demo: {error}", _REFUSED)
    except httpx.HTTPError as error:
        _leave(f"The application does not answer any more ({type(error).__name__}).", _REFUSED)
    except OSError as error:
        _leave(f"{error.filename or 'A file'}: {error.strerror}", _REFUSED)
    if not is_good:
        sys.exit(_NOT_SOUND)


def _choose_trustees(
    trustees: int | None, threshold: int | None, sample_trustees: int, sample_threshold: int
) -> tuple[int, int]:
    """(N, T) as asked; a sentence and exit 2 for numbers that no election can have."""
    from voting_app.elections.limits import MAX_TRUSTEES

    size = sample_trustees if trustees is None else trustees
    if not 1 <= size <= MAX_TRUSTEES:
        _leave(f"--trustees {size}: an election has 1 to {MAX_TRUSTEES} trustees.", _REFUSED)
    if threshold is None:
        threshold = sample_threshold if trustees is None else size // 2 + 1
    if threshold < 1:
        _leave(f"--threshold {threshold}: at least one trustee is needed to open a result.", _REFUSED)
    if threshold == 1 < size:
        sentence = "each trustee alone could open every ballot; let at least two be needed."
        _leave(f"--threshold 1: {sentence}", _REFUSED)
    if threshold > size:
        there = "is only 1 trustee" if size == 1 else f"are only {size} trustees"
        _leave(f"--threshold {threshold}: there {there}, so no more can be needed.", _REFUSED)
    return size, threshold


def _read_case(sample: str, roll: Path | None, questions: Path | None, votes: Path | None) -> "Case":
    """The three files, each the user's or the sample's; every fault on a line of its own and exit 2."""
    from voting_app.demo.files import FilesError, Source, parse_case
    from voting_app.demo.samples import SAMPLES

    def read(path: Path | None, sample_file: str) -> Source:
        if path is None:
            return SAMPLES[sample].read(sample_file)
        try:
            return Source(str(path), path.read_bytes())
        except OSError as error:
            _leave(f"{path}: {error.strerror}", _REFUSED)

    sources = read(roll, "roll.csv"), read(questions, "questions.json"), read(votes, "votes.csv")
    try:
        return parse_case(*sources)
    except FilesError as error:
        for fault in error.faults:
            click.echo(str(fault), err=True)
        if (roll or questions) and not votes:
            click.echo(f"The votes were those of the sample {sample}; give your own with --votes.", err=True)
        count = len(error.faults)
        _leave(f"Refused: {count} {'fault' if count == 1 else 'faults'}. Nothing was started.", _REFUSED)


def _require_writable(options: "Options") -> None:
    """Better now than after the count."""
    import tempfile

    from voting_app.demo.run import DEFAULT_FOLDER

    folder = options.out or DEFAULT_FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        _leave(f"{folder}: nothing can be written there ({error.strerror}); choose another --out.", _REFUSED)


def _leave(sentence: str, status: int) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(status)
