"""The findings of the privacy check in sentences, for people who decide whether an election can be held so."""

from __future__ import annotations

from gettext import NullTranslations

from voting_app.elections.privacy import Finding
from voting_app.languages import N_, SOURCE, load_translations

_MOST_LISTED = 10

_SENTENCES = {
    "no-members": N_("Nobody on the roll may vote."),
    "single-member": N_(
        "Only one member may vote, so the result is that member's vote. Hold the vote together with others."
    ),
    "too-few-members": N_(
        "Only %(members)s members may vote; this installation asks for at least %(least)s, because the result of fewer"
        " is nearly a list of their votes. Hold the vote together with others."
    ),
    "two-members": N_(
        "Only two members may vote: from the result each of them learns how the other one voted."
    ),
    "few-ballots": N_(
        "%(members)s members may vote. If %(turnout)s in 100 of them do, the number of ballots is about %(ballots)s,"
        " and who knows the voters can guess from the result how they voted. The chance that there is a single ballot,"
        " which the result then shows, is at most %(percent)s in 100."
    ),
    "one-trustee": N_(
        "A single trustee can open every ballot alone. Choose several trustees with opposed interests, of whom at least"
        " two are needed."
    ),
    "server-credentials": N_(
        "This server makes the members' voting codes. Who runs it could know which encrypted ballot is whose, though"
        " not how it was filled in, and could vote for members who do not. If the registrar makes the codes on another"
        " computer, the server can do neither."
    ),
}


def describe_finding(finding: Finding, language: str = SOURCE) -> str:
    """What was found, with its numbers, and what can be done about it."""
    texts = load_translations(language)
    plain = _SENTENCES.get(finding.code)
    sentence = _find_counted(texts, finding) if plain is None else texts.gettext(plain)
    listed = ", ".join(str(number) for number in finding.listed[:_MOST_LISTED])
    if len(finding.listed) > _MOST_LISTED:
        listed += ", …"
    return sentence % {**finding.values, "listed": listed}


def _find_counted(texts: NullTranslations, finding: Finding) -> str:
    """The sentence for one or for several."""
    ngettext, values = texts.ngettext, finding.values
    match finding.code:
        case "one-mind":
            return ngettext(
                "With a chance of at most %(percent)s in 100 all who vote agree, and then the result shows how each of"
                " them voted. (Reckoned for %(members)s members, if %(turnout)s in 100 vote and %(majority)s in 100 of"
                " these agree.)",
                "With a chance of at most %(percent)s in 100 all who vote agree in one of the %(questions)s questions,"
                " and then the result shows how each of them voted. (Reckoned for %(members)s members, if %(turnout)s"
                " in 100 vote and %(majority)s in 100 of these agree.)",
                values["questions"],
            )
        case "weight-readable":
            return ngettext(
                "Every result shows how one member votes, whatever all others do: other members' weights can never"
                " make up this one (%(listed)s). Give members equal weights, or weights that several of them share.",
                "Every result shows how %(members)s members vote, whatever all others do: other members' weights can"
                " never make up theirs (%(listed)s). Give members equal weights, or weights that several of them"
                " share.",
                values["members"],
            )
        case "weight-unclear":
            return ngettext(
                "Whether every result shows how one member votes would take too long to find out (weight %(listed)s)."
                " Nobody else has this weight, so it may be so.",
                "Whether every result shows how some of %(members)s members vote would take too long to find out"
                " (weights %(listed)s). Nobody else has these weights, so it may be so.",
                values["members"],
            )
        case "weight-likely":
            return ngettext(
                "For one member (weight %(listed)s) the chance that the result shows how they voted is %(percent)s in"
                " 100. (Reckoned for a question with two answers, if all vote and %(majority)s in 100 agree; if fewer"
                " vote, it is more.)",
                "For %(members)s members (weights %(listed)s) the chance that the result shows how they voted is up to"
                " %(percent)s in 100. (Reckoned for a question with two answers, if all vote and %(majority)s in 100"
                " agree; if fewer vote, it is more.)",
                values["members"],
            )
        case "weight-unique":
            return ngettext(
                "One member has a weight that nobody else has (%(listed)s). Weights stand in the published ballot box,"
                " so everybody who knows it can see whether this member votes, and which encrypted ballot is theirs.",
                "%(members)s members have a weight each that nobody else has (%(listed)s). Weights stand in the"
                " published ballot box, so everybody who knows them can see which of these members vote, and which"
                " encrypted ballot is whose.",
                values["members"],
            )
        case "blank-votes":
            return ngettext(
                "The result shows how many voters choose nothing in question %(listed)s. With so few members a single"
                " one may be guessed.",
                "The result shows how many voters choose nothing in questions %(listed)s. With so few members a single"
                " one may be guessed.",
                values["questions"],
            )
        case "small-units":
            return ngettext(
                "One unit has few members who may vote (%(members)s). The result is one for all units together; do not"
                " hold the same vote for this unit alone.",
                "%(units)s units have few members who may vote (the smallest %(members)s). The result is one for all"
                " units together; do not hold the same vote for each of them alone.",
                values["units"],
            )
    raise ValueError(f"there is no sentence for the finding {finding.code}")
