"""Forms of accounts: untrusted fields -> typed values, or a Problem.

Only the fields that a form has are read, and a field that it has not refuses it: nobody gives himself a role, another's
number or an address by adding a field.
"""

from collections.abc import Mapping, Sequence

from voting_app.access import Role
from voting_app.errors import Problem
from voting_app.languages import LANGUAGES
from voting_app.login import FORM_FIELD

# Those that people have; trustees have links, not accounts.
PEOPLE_ROLES = (Role.ADMINISTRATOR, Role.COMMITTEE, Role.REGISTRAR, Role.OBSERVER, Role.HELPDESK)


def parse_form(
    form: Mapping[str, str], required: Sequence[str] = (), optional: Sequence[str] = ()
) -> dict[str, str]:
    """Return the fields of a form, "" for an optional one that is missing; Problem 400 `bad-request`."""
    if not set(required) <= set(form) or not set(form) <= {*required, *optional, FORM_FIELD}:
        raise Problem(400, "bad-request", "The request could not be understood.")
    return {name: form.get(name, "") for name in (*required, *optional)}


def parse_role(text: str) -> str:
    """Return a role that a person can have; Problem 400 `bad-request`."""
    if text not in PEOPLE_ROLES:
        raise Problem(400, "bad-request", "The request could not be understood.")
    return str(Role(text))


def parse_language(text: str) -> str:
    """Return a language in which we write mail; Problem 400 `bad-request`."""
    if text not in LANGUAGES:
        raise Problem(400, "bad-request", "The request could not be understood.")
    return text


def parse_code(fields: Mapping[str, str]) -> str:
    """Return the six digits, or else the recovery code, of a form that has a field for each."""
    return fields["code"].strip() or fields["recovery"].strip()
