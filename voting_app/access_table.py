"""Who may use which address, and in which states of an election it does something: docs/access.md, and what its test
compares the answers with. The running application does not use it: access marks and services decide.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flask import Flask

from voting_app.access import Mark, Role, find_mark
from voting_app.elections.states import TRANSITIONS, Act, State
from voting_app.mailing.addresses import ASKING_STATES
from voting_app.mailing.deliveries import SENDING_STATES

_HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})
ANY = frozenset(State)
# Nothing changes any more, or the box has not been made yet.
_FINAL = frozenset({State.CERTIFIED, State.CANCELLED, State.UNTALLIABLE})
# A cancelled election has what it had when it was cancelled.
_WITH_ROLL = ANY - {State.DRAFT}
_WITH_BOX = _WITH_ROLL - {State.ROLL_FROZEN}
_WHILE_VOTING = frozenset({State.KEYS_READY, State.OPEN, State.PAUSED})

# What an address that changes something does to an election. One that belongs to an election must stand here or below.
ACTS: dict[str, Act] = {
    # Whichever act it is; the one that is possible in most states stands for all of them.
    "approvals.withdraw": Act.CANCEL,
    "approvals_office.agree": Act.CANCEL,
    "approvals_office.propose": Act.CANCEL,
    "approvals_office.withdraw": Act.CANCEL,
    "booth.cast_ballot": Act.PAUSE,
    "booth.challenge_ballot": Act.PAUSE,
    "candidates_office.set_candidate": Act.EDIT,
    "certification.certify": Act.CERTIFY,
    "elections.cancel_election": Act.CANCEL,
    "elections.close_election": Act.CLOSE,
    "elections.extend_election": Act.EXTEND,
    "elections.open_election": Act.OPEN,
    "elections.pause_election": Act.PAUSE,
    "elections.resume_election": Act.RESUME,
    "elections.update_election": Act.EDIT,
    "elections_editor.save_election": Act.EDIT,
    "issuing_office.publish_list": Act.PUBLISH_CREDENTIALS,
    "registrar.generate_credentials": Act.PUBLISH_CREDENTIALS,
    "registrar.publish_credentials": Act.PUBLISH_CREDENTIALS,
    "registrar.replace_credentials": Act.PUBLISH_CREDENTIALS,
    "registrar_office.generate_credentials": Act.PUBLISH_CREDENTIALS,
    "registrar_office.replace_credential": Act.PUBLISH_CREDENTIALS,
    "roll.freeze_roll": Act.FREEZE_ROLL,
    "roll.import_roll": Act.EDIT_ROLL,
    "roll.preview_roll": Act.EDIT_ROLL,
    "roll_office.add_member": Act.EDIT_ROLL,
    "roll_office.change_member": Act.EDIT_ROLL,
    "roll_office.copy_roll": Act.EDIT_ROLL,
    "roll_office.remove_member": Act.EDIT_ROLL,
    "roll_office.show_new_member": Act.EDIT_ROLL,
    "roll_office.show_preview": Act.EDIT_ROLL,
    "roll_office.take_upload": Act.EDIT_ROLL,
    "roll_office.upload_roll": Act.EDIT_ROLL,
    "tally.declare_untalliable": Act.UNTALLIABLE,
    "tally.submit_decryption": Act.DECRYPT,
    "trustees.create_seats": Act.MAKE_KEYS,
    "trustees.ready_keys": Act.READY_KEYS,
    "trustees.restart_seat": Act.MAKE_KEYS,
    "trustees.submit_certificate": Act.MAKE_KEYS,
    "trustees.submit_commitment": Act.MAKE_KEYS,
    "trustees.submit_drill": Act.DRILL,
    "trustees.submit_reveal": Act.MAKE_KEYS,
    "trustees.submit_share": Act.MAKE_KEYS,
    "trustees_office.ready_keys": Act.READY_KEYS,
    "trustees_office.renew_link": Act.RENEW_LINK,
    "trustees_office.restart_seat": Act.MAKE_KEYS,
    "trustees_office.seat_trustees": Act.MAKE_KEYS,
}

# What the table of states has no word for.
STATES: dict[str, frozenset[State]] = {
    "booth.look_up_credential": _WITH_BOX,
    "booth.show_check": _WITH_ROLL,
    "booth.show_booth": _WITH_ROLL,
    "certification.send_document": _FINAL,
    "certification.send_package": _FINAL,
    "certification.send_report": _FINAL,
    "elections.get_credentials": _WITH_BOX,
    "elections.get_election_data": _WITH_BOX,
    "elections.get_trustees": _WITH_BOX,
    "incidents.record_complaint": ANY,
    "incidents.resolve_complaint": ANY,
    "incidents_office.record_complaint": ANY,
    "incidents_office.resolve_complaint": ANY,
    "ledger.send_archive_header": ANY,
    "ledger.show_last_event": _WITH_BOX,
    "mailing_office.ask_member": ASKING_STATES,
    "mailing_office.ask_members": ASKING_STATES,
    "mailing_office.change_rule": ASKING_STATES,
    "mailing_office.note_arrived": ANY,
    "mailing_office.note_bounced": ANY,
    "mailing_office.send_again": SENDING_STATES,
    "mailing_office.show_run": ANY,
    "mailing_office.start_run": SENDING_STATES,
    "public.show_election": _WITH_ROLL,
    "public.show_journal": _WITH_ROLL,
    "public.show_report": _WITH_ROLL,
    "public.show_trackers": _WITH_ROLL,
    "public.show_verify": _WITH_ROLL,
    "registrar.forget_credentials": _WITH_ROLL,
    "registrar.get_weights": frozenset({State.ROLL_FROZEN}),
    "roll.export_roll": _WITH_ROLL,
    "roll_office.drop_upload": ANY,
    "sheets_office.create_run": _WHILE_VOTING,
    "sheets_office.drop_run": ANY,
    "sheets_office.say_printed": ANY,
    "tally.get_result": frozenset({State.TALLIED, State.CERTIFIED}),
    "trustees.set_person": ANY,
    "trustees_office.remind": ANY,
    "trustees_office.set_person": ANY,
}


@dataclass(frozen=True)
class Row:
    """One address and method. states: of the election, in which it does something; None where it is about none."""

    feature: str
    endpoint: str
    method: str
    address: str
    mark: Mark
    about: str
    states: frozenset[State] | None


def list_rows(app: Flask) -> list[Row]:
    """Every address of the application, by feature."""
    return sorted(_find_rows(app), key=lambda row: (row.feature, row.address, row.method))


def find_states(endpoint: str, method: str, address: str) -> frozenset[State] | None:
    """In which states it does something; none where nobody has said so yet of one that changes an election."""
    if "<uuid>" not in address:
        return None
    if endpoint in ACTS:
        return frozenset(TRANSITIONS[ACTS[endpoint]])
    return STATES.get(endpoint, ANY) if method in _HARMLESS else STATES.get(endpoint, frozenset())


def _find_rows(app: Flask) -> Iterator[Row]:
    for rule in app.url_map.iter_rules():
        view, mark = app.view_functions[rule.endpoint], find_mark(app, rule.endpoint)
        if mark is None:
            raise ValueError(f"{rule.rule} has no access mark")
        feature = "static files" if rule.endpoint == "static" else view.__module__.split(".")[1]
        about = "A file of the pages." if feature == "static files" else (view.__doc__ or "").split("\n")[0]
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            states = find_states(rule.endpoint, method, rule.rule)
            yield Row(feature, rule.endpoint, method, rule.rule, mark, about, states)


# --- as a document ---------------------------------------------------------------------------------------------------

_HEAD = """\
# Who may use which address

Written by `tools/update-access` from the access marks in the source and from the states' table
(`voting_app/elections/states.py`); `tests/voting_app/test_access.py` sends the requests and compares the answers.

- **all**: everybody, without cookies. **way in**: everybody on the way to a login (login, one-time links).
- **P**: a program that bears a token of this role. **L**: a person with this role who is logged in at the office.
- An empty cell: refused, with 403 `forbidden`. Without a token 401 `not-authenticated`; without a login a program gets
  401 `not-logged-in` and a person is led to the login. A trustee's token is good for that trustee's own election only.
- *In these states* the address does something, if the rest of the request is right too. In the others it is refused
  with 404 or 409 and a sentence (docs/refusals.md), and changes nothing. The states in the order of an election's
  life: %s; and *cancelled*, *untalliable*. A cancelled election shows what it had when it was cancelled.
- Most acts need more than one officer, and a code of the second factor for each; that does not stand in this table.
"""
_COLUMNS = {
    Role.ADMINISTRATOR: "Adm.",
    Role.COMMITTEE: "Com.",
    Role.REGISTRAR: "Reg.",
    Role.OBSERVER: "Obs.",
    Role.HELPDESK: "Help",
    Role.TRUSTEE: "Trustee",
}
_WORDS = {"public": "all", "entrance": "way in"}
_LIFE = [state for state in State if state not in (State.CANCELLED, State.UNTALLIABLE)]


def make_document(app: Flask) -> str:
    """docs/access.md."""
    parts = [_HEAD % ", ".join(f"*{state}*" for state in _LIFE)]
    titles = ["Method and address", "Everybody", *_COLUMNS.values(), "In these states", "What it is"]
    feature = ""
    for row in list_rows(app):
        if row.feature != feature:
            feature = row.feature
            parts.append(f"\n## {feature.capitalize()}\n")
            parts += [_make_line(titles), _make_line(["---"] * len(titles))]
        letter = "P" if row.mark.audience == "token" else "L"
        roles = [letter if role in row.mark.roles else "" for role in _COLUMNS]
        everybody = _WORDS.get(row.mark.audience, "")
        parts.append(
            _make_line([f"`{row.method} {row.address}`", everybody, *roles, _name(row.states), row.about])
        )
    return "\n".join(parts) + "\n"


def _make_line(cells: list[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _name(states: frozenset[State] | None) -> str:
    """States in words; runs of them are drawn together."""
    if states is None or states == ANY:
        return "" if states is None else "any"
    runs: list[list[State]] = []
    for place, state in enumerate(_LIFE):
        if state in states:
            if not runs or runs[-1][-1] is not _LIFE[place - 1]:
                runs.append([])
            runs[-1].append(state)
    names = [run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs]
    return ", ".join([*names, *(state for state in State if state in states and state not in _LIFE)])
