"""The three families of failure, which say whose fault it is.

A verification returns nothing or raises one of these; failure is never ``None`` or ``False``.
"""

from __future__ import annotations


class ProtocolError(Exception):
    """Public input that breaks a numbered rule of docs/protocol.md.

    ``rule`` is the rule's id ("B7"), ``detail`` a sentence for people, ``record`` says which record
    of the ledger is meant ("ballot at height 12") where the caller knows it.
    """

    def __init__(self, rule: str, detail: str, record: str | None = None) -> None:
        super().__init__(rule, detail, record)
        self.rule = rule
        self.detail = detail
        self.record = record

    def __str__(self) -> str:
        where = f"{self.record}: " if self.record else ""
        return f"{self.rule}: {where}{self.detail}"

    def at(self, record: str) -> ProtocolError:
        """The same failure, with the place where it was found (an inner place is kept)."""
        return type(self)(self.rule, self.detail, self.record or record)


class MalformedError(ProtocolError):
    """Bad bytes: not in the format that the rule asks for."""


class RejectedError(ProtocolError):
    """A well-formed claim that is false: a proof, a hash or an order does not hold."""


class MisuseError(Exception):
    """Our own caller's mistake; public input never causes it."""
