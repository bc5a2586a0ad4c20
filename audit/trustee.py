"""``steward-trustee``: a trustee's part on a machine without network.

Files and :mod:`crypto` only. Each command prints the JSON that the election's server expects for
that step; how it gets there (a USB stick, a second machine) is the trustee's choice.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import click

from audit.checks.journal import list_commitments
from audit.keyfile import KeyFile, create_key_file, encode_key_file, read_key_file, replace_key_file
from audit.progress import LateProgress
from audit.recount import NotDecryptable, Recount, recount
from audit.report import result_names
from audit.seen import (
    RULE,
    Seen,
    compare_box,
    compare_journal,
    computer_note,
    parse_head,
    read_seen,
    seen_file,
    write_seen,
)
from crypto.decryption import make_partial_decryption, make_strong_proofs
from crypto.encoding import (
    encode_json,
    encode_json_bytes,
    parse_json,
    require_list,
    require_sha256_hex,
    sha256_hex,
)
from crypto.errors import MalformedError, MisuseError, ProtocolError, RejectedError
from crypto.groups import Group
from crypto.groups.registry import DEFAULT_GROUP, GROUP_NAMES
from crypto.pedersen import (
    coefficient_commitment,
    make_certificate,
    make_coefficients,
    make_voutput,
    open_private_key,
)
from crypto.randomness import SystemCoins, new_trustee_seed
from crypto.tally import encode_encrypted_tally
from crypto.trustees import TrusteeKey, generate_key, make_drill
from crypto.words import fingerprint_words

_KEY = click.Path(dir_okay=False, path_type=Path)
_INPUT = click.Path(exists=True, dir_okay=False, path_type=Path)
_GROUP = click.option(
    "--group",
    "group_name",
    type=click.Choice(GROUP_NAMES),
    default=DEFAULT_GROUP,
    show_default=True,
    help="The election's group.",
)
_OUT = click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file, not to the screen."
)
_INBOX = click.option(
    "--inbox",
    type=_INPUT,
    required=True,
    help="The server's inbox for you (GET …/trustee), saved to a file.",
)


def _refuse(sentence: str) -> NoReturn:
    raise click.ClickException(sentence)


def _print(value: Any, out: Path | None) -> None:
    text = encode_json(value) + "\n"
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text)
        click.echo(f"written to {out}", err=True)


def _keep(key_file: Path, key: KeyFile) -> None:
    """Writes what a step has changed. Copies from before do not know what this one has seen, and refuse less."""
    if key_file.read_bytes() == encode_key_file(key):
        return
    replace_key_file(key_file, key)
    click.echo(f"{key_file} was changed: copy it anew, and destroy older copies of it", err=True)


def _read_inputs(inbox: Path) -> dict[str, Any]:
    value = parse_json(inbox.read_bytes().strip(), "T8")
    inputs = value.get("inputs") if isinstance(value, dict) else None
    if not isinstance(inputs, dict):
        raise MalformedError("T8", f"{inbox.name} is not a trustee's inbox")
    return inputs


def _input(inputs: dict[str, Any], name: str) -> Any:
    if name not in inputs:
        raise MalformedError("T8", f"the inbox has no {name!r}: it belongs to another step")
    return inputs[name]


def _require_threshold(key: KeyFile) -> tuple[str, int, int]:
    if key.kind != "threshold" or key.seed is None or key.threshold is None or key.index is None:
        _refuse("this is the key of a single trustee, who has no such step")
    return key.seed, key.threshold, key.index


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="steward-voting", prog_name="steward-trustee")
def cli() -> None:
    """Hold a share of an election's key on a machine without network.

    A single trustee: keygen, commit, reveal, then drill before the election opens and decrypt after
    it has closed. A threshold trustee: certificate, commit, reveal, share, then drill and decrypt.
    Everything that you must keep is in one key file; make a copy and keep both safe. Steps change the
    file: then copy it anew and destroy older copies, which do not know what they have to refuse.
    Without enough key files nobody can ever tell the result.

    What you have seen of the published record is noted beside the key file, in KEY_FILE.seen, and
    compared at every look and before decrypting: so nothing that was published can be taken back
    behind your back. Look at the drill, and now and then while people vote. The same is noted in
    ~/.local/state/steward-trustee, for copies of your key file that lie elsewhere: use one computer
    from the drill on.
    """


@cli.command()
@_GROUP
@click.argument("key_file", type=_KEY)
def keygen(group_name: str, key_file: Path) -> None:
    """Make the key of a single trustee and keep it in KEY_FILE (which must not exist yet)."""
    key = KeyFile("single", group_name)
    secret, public = generate_key(key.get_group(), SystemCoins())
    key.secret, key.message = str(secret), public.encode()
    create_key_file(key_file, key)
    click.echo(f"key written to {key_file}; next: steward-trustee commit", err=True)


@cli.command()
@_GROUP
@click.option("--size", type=click.IntRange(1, 255), required=True, help="How many threshold trustees.")
@click.option("--threshold", type=click.IntRange(1, 255), required=True, help="How many of them decrypt.")
@click.option("--index", type=click.IntRange(1, 255), required=True, help="Your number among them, from 1.")
@_OUT
@click.argument("key_file", type=_KEY)
def certificate(
    group_name: str, size: int, threshold: int, index: int, out: Path | None, key_file: Path
) -> None:
    """Begin as a threshold trustee: make KEY_FILE and print your certificate."""
    if threshold > size or index > size:
        _refuse(f"threshold and index cannot be larger than the number of trustees, {size}")
    key = KeyFile(
        "threshold", group_name, seed=new_trustee_seed(), size=size, threshold=threshold, index=index
    )
    value = make_certificate(key.get_group(), key.seed or "", size, threshold, index, SystemCoins())
    create_key_file(key_file, key)
    _print(value, out)


@cli.command()
@click.option("--inbox", type=_INPUT, help="The server's inbox for you; needed by threshold trustees.")
@_OUT
@click.argument("key_file", type=_INPUT)
def commit(inbox: Path | None, out: Path | None, key_file: Path) -> None:
    """Print the hash that binds you to your key before anybody shows one."""
    key = read_key_file(key_file)
    if key.kind == "threshold":
        seed, threshold, index = _require_threshold(key)
        if inbox is None:
            _refuse("a threshold trustee needs --inbox here: it has everybody's certificates")
        certificates = require_list(_input(_read_inputs(inbox), "certificates"), "T8", what="certificates")
        # The same commitment again if it was lost on the way, but never a second one for another ceremony.
        if key.message is not None and key.certificates != certificates:
            _refuse("this key has committed in another ceremony; a new one needs a new key file")
        if key.message is None:
            key.message = make_coefficients(
                key.get_group(), seed, certificates, threshold, index, SystemCoins()
            )
            key.certificates = certificates
            _keep(key_file, key)
    _print({"commitment": _commitment(key)}, out)


def _commitment(key: KeyFile) -> str:
    """What binds this trustee: the hash of the coefficients, or of a single trustee's key."""
    if key.message is None:
        _refuse("commit comes first")
    if key.kind == "threshold":
        return coefficient_commitment(key.message["coefexps"])
    return sha256_hex(encode_json_bytes(key.message))


def _parse_commitments(value: Any) -> dict[str, str]:
    """Owner → commitment, of every trustee from 1 on."""
    if not isinstance(value, dict) or set(value) != {str(owner) for owner in range(1, len(value) + 1)}:
        raise MalformedError("T8", "the inbox's commitments are not numbered by trustee")
    return {
        owner: require_sha256_hex(item, "T8", f"commitment of trustee {owner}")
        for owner, item in value.items()
    }


@cli.command()
@_INBOX
@_OUT
@click.argument("key_file", type=_INPUT)
def reveal(inbox: Path, out: Path | None, key_file: Path) -> None:
    """Print what you committed to, once everybody has committed."""
    key = read_key_file(key_file)
    mine = _commitment(key)
    commitments = _parse_commitments(_input(_read_inputs(inbox), "commitments"))
    if mine not in commitments.values() or len(commitments) < (key.size or 1):
        _refuse("not everybody has committed, or your own commitment is missing: reveal nothing yet")
    if key.commitments and key.commitments != commitments:
        _refuse("the server shows other commitments than before: stop, and tell the committee")
    key.commitments = commitments
    _keep(key_file, key)
    _print(key.message, out)


def _require_committed(key: KeyFile, vinput: Any) -> None:
    """The revealed coefficients are the committed ones; the server cannot show us another set."""
    known = set(key.commitments.values())
    for number, item in enumerate(vinput["coefexps"], 1):
        if coefficient_commitment(item) not in known:
            raise RejectedError("J6", f"threshold trustee {number} revealed something not committed to")


@cli.command()
@_INBOX
@_OUT
@click.argument("key_file", type=_INPUT)
def share(inbox: Path, out: Path | None, key_file: Path) -> None:
    """Check everybody's shares and print your public key (threshold trustees)."""
    key = read_key_file(key_file)
    seed, threshold, index = _require_threshold(key)
    inputs = _read_inputs(inbox)
    if _input(inputs, "certificates") != key.certificates:
        _refuse("the server shows other certificates than before: stop, and tell the committee")
    vinput = _input(inputs, "vinput")
    value = make_voutput(key.get_group(), seed, key.certificates, threshold, vinput, index, SystemCoins())
    _require_committed(key, vinput)
    key.private_key = value["private_key"]
    _keep(key_file, key)
    _print(value, out)


def _secret(key: KeyFile, group: Group) -> int:
    if key.kind == "single":
        return group.parse_scalar(key.secret, "T7", "secret key")
    if key.private_key is None:
        _refuse("the key ceremony was not finished with this key file: share comes first")
    return open_private_key(group, key.seed or "", key.private_key)


@cli.command()
@click.option("--fingerprint", required=True, help="The election's fingerprint, as its page shows it.")
@click.option("--nonce", required=True, help="The challenge from the server.")
@_OUT
@click.argument("key_file", type=_INPUT)
def drill(fingerprint: str, nonce: str, out: Path | None, key_file: Path) -> None:
    """Show before the opening that your key works."""
    key = read_key_file(key_file)
    group = key.get_group()
    if not key.commitments:
        # Without them the published keys could not be compared with what was committed to.
        _refuse_older("the reveal")
    _require_same_election(key, fingerprint)
    proof = make_drill(group, fingerprint, _secret(key, group), nonce, SystemCoins())
    if key.fingerprint is None:
        key.fingerprint = fingerprint
        _keep(key_file, key)
    _begin_memory(key)
    _print(proof, out)


def _notes(key_file: Path, key: KeyFile) -> list[Path]:
    """Where what was seen is noted: beside the key file, and on this computer for copies that lie elsewhere."""
    own = None if key.message is None else computer_note(_commitment(key))
    return [seen_file(key_file)] if own is None else [seen_file(key_file), own]


def _write_notes(notes: Sequence[Path], seen: Seen) -> None:
    beside, *own = notes
    write_seen(beside, seen)
    for note in own:
        _write_own(note, seen)


def _write_own(note: Path, seen: Seen) -> None:
    """On a computer that keeps nothing, such as one started from a stick, the note beside the key has to do."""
    try:
        note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_seen(note, seen)
    except OSError as error:
        click.echo(f"WARNING: this computer cannot remember your key: {note}: {error.strerror}", err=True)


def _begin_memory(key: KeyFile) -> None:
    """From the drill on: a computer that remembers nothing later is another one, or has lost its memory."""
    note = computer_note(_commitment(key))
    if note is not None and not note.exists():
        _write_own(note, Seen())


def _require_same_election(key: KeyFile, fingerprint: str) -> None:
    """Once drilled for an election, a key is for no other: the drill showed everybody whose key it is."""
    if key.fingerprint not in (None, fingerprint):
        _refuse("this key was drilled for an election with another fingerprint: stop, and tell the committee")


def _require_own(found: Recount, secret: int) -> int:
    """The owner number of this key in the election."""
    public = found.setup.election.group.power_g(secret)
    for owner, key in enumerate(found.setup.trustees.owners, 1):
        if key.public_key == public:
            return owner
    _refuse("this key is not one of the election's trustees' keys")


def _refuse_older(step: str) -> NoReturn:
    _refuse(
        f"this is an older copy of your key file, from before {step}: use the newest, and destroy this one"
    )


def _require_newest(key: KeyFile, found: Recount, owner: int) -> None:
    """The file knows of the steps that the journal tells of its owner. An older copy would refuse no other election
    and no second tally."""
    told = {line.kind for line in found.report.journal if line.payload.get("owner") == owner}
    if "key-drill" in told and key.fingerprint is None:
        _refuse_older("the drill")
    if "strong-decryption" in told and key.decrypted is None:
        _refuse_older("you decrypted the tally")


def _published_commitments(found: Recount) -> dict[str, str]:
    """What each owner must have committed to, from the published keys."""
    return {str(owner): item for owner, item in enumerate(list_commitments(found.setup), 1)}


def _require_same_ceremony(key: KeyFile, found: Recount, owner: int) -> None:
    """The published keys are those of the ceremony that this file knows: everybody's commitments and certificates."""
    trustees = found.setup.trustees
    if key.commitments and key.commitments != _published_commitments(found):
        _refuse(
            "the published keys are not those that the trustees committed to: stop, and tell the committee"
        )
    item = next(item for item, owners in trustees.spans() if owner in owners)
    certificates = () if isinstance(item, TrusteeKey) else item.certificates
    if key.certificates and key.certificates != [certificate.signed.encode() for certificate in certificates]:
        _refuse("the published certificates are others than before: stop, and tell the committee")


def _compare_record(key_file: Path, key: KeyFile, archive: Path, journal: Path | None) -> Seen:
    """What is published goes on from what this trustee saw before (T9); what has been seen now."""
    notes = _notes(key_file, key)
    try:
        before = [read_seen(note) for note in notes]
        known = [seen.journal for seen in before if seen.journal is not None]
        if key.journal is not None:
            known.append(parse_head(key.journal, f"the journal's line in {key_file.name}"))
        if known and journal is None:
            _refuse("you have seen the election's journal before: give it with --journal, to be compared")
        last = None if journal is None else compare_journal(known, journal)
        with LateProgress("comparing", archive.stat().st_size) as bar:
            boxes = [seen.box for seen in before if seen.box is not None]
            end = compare_box(boxes, archive, bar.update)
    except MalformedError as error:
        if error.rule != RULE:
            raise
        _refuse(error.detail)
    except RejectedError as error:
        if error.rule != RULE:
            raise
        _refuse(
            f"something that was published has been changed or taken back: {error.detail}. Your key was not used."
            f" Tell the other trustees and the observers, and keep {' and '.join(str(n) for n in notes)}"
            " and every copy of the files"
        )
    _require_same_election(key, end.fingerprint)
    decrypted = {key.decrypted, *(seen.decrypted for seen in before)} - {None}
    if len(decrypted) > 1:
        _refuse_second()
    return Seen(last, end.last, *decrypted)


def _refuse_second() -> NoReturn:
    _refuse("this key has decrypted another tally already; a second one is refused")


@cli.command()
@click.option("--journal", type=_INPUT, required=True, help="The election's journal (UUID.journal.jsonl).")
@click.argument("key_file", type=_INPUT)
@click.argument("archive", type=_INPUT)
def look(journal: Path, key_file: Path, archive: Path) -> None:
    """Compare the published record with what you saw before.

    ARCHIVE (UUID.bel) and the journal only ever grow. The last line and the last event that were
    seen are noted in KEY_FILE.seen; where one of them is missing now, something was taken back or
    changed, and this program refuses to decrypt. Whether the record keeps all other rules is told
    by steward-audit verify. Your key is not used.
    """
    key = read_key_file(key_file)
    notes = _notes(key_file, key)
    seen = _compare_record(key_file, key, archive, journal)
    is_first = all(read_seen(note).box is None for note in notes)
    _write_notes(notes, seen)
    said = "noted for the next time" if is_first else "goes on from what was seen before"
    click.echo(f"{said}: {_describe_seen(seen)}")


def _describe_seen(seen: Seen) -> str:
    parts = (("journal line", seen.journal), ("ballot box event", seen.box))
    return ", ".join(f"{what} {end.height} ({end.head})" for what, end in parts if end is not None)


def _describe(found: Recount, owner: int) -> Sequence[str]:
    report = found.report
    return (
        f"election     {report.name} ({report.election})",
        f"fingerprint  {report.fingerprint}",
        f"words        {fingerprint_words(report.fingerprint)}",
        f"ballots      {report.ballots}, of which {report.counted} count",
        f"you are      trustee {owner} of {len(found.setup.trustees.owners)}",
        "to open      the sums of " + "; ".join(result_names(report)),
    )


@cli.command()
@click.option(
    "--journal", type=_INPUT, help="The election's journal; only elections of other programs have none."
)
@click.option("--yes", is_flag=True, help="Do not ask before decrypting.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    default=os.cpu_count() or 1,
    show_default="one per processor",
    help="How many processes verify ballots.",
)
@_OUT
@click.argument("key_file", type=_INPUT)
@click.argument("archive", type=_INPUT)
def decrypt(
    journal: Path | None, yes: bool, jobs: int, out: Path | None, key_file: Path, archive: Path
) -> None:
    """Verify ARCHIVE, recompute its tally, and print your partial decryption.

    The key is applied to the tally that this program computed from the ballots, and to one tally
    only: a second, different one is refused, because two tallies tell the votes between them. It is
    not used at all where ARCHIVE or the journal do not go on from what KEY_FILE.seen, or this
    computer, says that you saw before.
    """
    key = read_key_file(key_file)
    with LateProgress("verifying", archive.stat().st_size) as bar:
        found = recount(
            archive, journal, jobs=jobs, progress=lambda ballots, read: bar.update(read, f"{ballots} ballots")
        )
    election = found.setup.election
    if key.group != election.group.name:
        _refuse(f"this key is of group {key.group}, the election of {election.group.name}")
    _require_same_election(key, election.fingerprint)
    notes = _notes(key_file, key)
    is_remembered = any(note.exists() for note in notes)
    seen = _compare_record(key_file, key, archive, journal)
    _write_notes(notes, seen)
    secret = _secret(key, election.group)
    owner = _require_own(found, secret)
    _require_newest(key, found, owner)
    _require_same_ceremony(key, found, owner)
    for line in _describe(found, owner):
        click.echo(line, err=True)
    digest = sha256_hex((election.fingerprint + "|").encode() + encode_encrypted_tally(election, found.tally))
    if seen.decrypted not in (None, digest):
        _refuse_second()
    if not is_remembered and key.decrypted is None:
        click.echo(
            "WARNING: this computer remembers nothing of your key. If you have decrypted with it before, from"
            " another copy of the file or on another computer, stop: two sums tell votes between them",
            err=True,
        )
    if found.report.counted < 2:
        click.echo("WARNING: with so few ballots the result tells how a person voted", err=True)
    if not yes and not click.confirm("Decrypt this tally?", err=True):
        _refuse("nothing was decrypted")
    # Before the key is used: what was begun counts as done.
    _write_notes(notes, replace(seen, decrypted=digest))
    if key.decrypted is None:
        key.decrypted = digest
        _keep(key_file, key)
    partial = make_partial_decryption(election, found.tally, secret, SystemCoins())
    strong = make_strong_proofs(election, found.tally, secret, owner, SystemCoins())
    _print({"partial_decryption": parse_json(partial, "D2"), "strong_proofs": strong}, out)


def main() -> None:
    """Entry point; every refusal is one sentence and exit 1."""
    try:
        cli(prog_name="steward-trustee")
    except FileExistsError as error:
        _give_up(f"{error.filename} exists already; a key file is never replaced by a new key")
    except OSError as error:
        _give_up(f"{error.filename}: {error.strerror}")
    except (ProtocolError, MisuseError, NotDecryptable) as error:
        _give_up(str(error))


def _give_up(sentence: str) -> NoReturn:
    click.echo(f"Error: {sentence}", err=True)
    raise SystemExit(1)
