"""Forms of accounts: untrusted fields -> typed values, or a Problem."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from voting_app.errors import Problem


@dataclass(frozen=True, slots=True)
class SetupForm:
    """Password and the six digits that show that the second factor works."""

    password: str = field(repr=False)
    code: str = field(repr=False)


def parse_setup_form(form: Mapping[str, str]) -> SetupForm:
    """Return the fields of the setup form; Problem 400 `bad-request` when one is missing."""
    password, code = form.get("password"), form.get("code")
    if password is None or code is None:
        raise Problem(400, "bad-request", "Password and code are needed.")
    return SetupForm(password, code)
