"""What a program says of mail that came back: untrusted JSON -> values, or a Problem that names the field."""

from __future__ import annotations

import re
from dataclasses import dataclass

from voting_app.json_body import get_text, invalid, parse_body
from voting_app.mail.smtp import LONGEST_ADDRESS

_LONGEST_REASON = 500
# As it stands in the head of the message, or without the sign around it and the domain behind it.
_MESSAGE_ID = re.compile(r"<?([0-9a-f]{32})(@[^<>\s]{1,254})?>?")


@dataclass(frozen=True, slots=True)
class Bounce:
    """One of `message_id` and `recipient` is empty."""

    message_id: str
    recipient: str
    reason: str


def parse_bounce(raw: bytes) -> Bounce:
    """The body of ``POST /mail/bounces``: the Message-ID of what came back or, where that is not known, its address."""
    body = parse_body(raw, optional=("message_id", "recipient", "reason"))
    if ("message_id" in body) == ("recipient" in body):
        raise invalid("message_id", "One of message_id and recipient is expected.")
    message_id = recipient = ""
    if "message_id" in body:
        found = _MESSAGE_ID.fullmatch(get_text(body, "message_id", longest=300))
        if found is None:
            raise invalid("message_id", "This is no Message-ID of ours.")
        message_id = found[1]
    else:
        recipient = get_text(body, "recipient", longest=LONGEST_ADDRESS)
    return Bounce(message_id, recipient, get_text(body, "reason", longest=_LONGEST_REASON, default=""))
