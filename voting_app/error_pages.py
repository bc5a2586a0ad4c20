"""Refusals for people: the page of a problem document, in the reader's language.

Problem documents speak English, as the interface for programs does. A page says the same in the reader's language, by
the code, and what to do next. Nothing of the request is repeated on it.
"""

from dataclasses import dataclass

from flask import Response, render_template, request
from flask_babel import gettext

from voting_app.errors import Problem, log_error, make_response
from voting_app.languages import N_, SOURCE, get_language
from voting_app.login import is_office
from voting_app.pages import is_for_person


@dataclass(frozen=True, slots=True)
class _Words:
    """What happened, and what the reader can do."""

    sentence: str
    advice: str


_CHECK_ADDRESS = N_("Check the address, or open the link that you were given once more.")
_START_AGAIN = N_("Go back and try again. If it happens again, tell the election committee.")
_NOTHING = N_("There is nothing that you can do here.")

# Every code that an address for people can answer with; a test holds this against the sentences in English.
WORDS = {
    "not-found": _Words(N_("There is nothing at this address."), _CHECK_ADDRESS),
    "unknown-election": _Words(
        N_("There is no election with this address."),
        N_(
            "Check the address letter by letter: capital and small letters differ. The list of elections may help."
        ),
    ),
    "bad-request": _Words(N_("The request could not be understood."), _START_AGAIN),
    "not-authenticated": _Words(N_("This address needs a valid access token."), _CHECK_ADDRESS),
    "forbidden": _Words(N_("Your role does not allow this."), _NOTHING),
    "not-logged-in": _Words(N_("Please log in first."), N_("Open the page of the office and log in.")),
    "login-over": _Words(N_("This took too long. Please begin again."), _START_AGAIN),
    "wrong-login": _Words(N_("Mail address or password is wrong."), _START_AGAIN),
    "too-many-tries": _Words(N_("There were too many wrong tries."), N_("Wait a quarter of an hour.")),
    "stale-form": _Words(
        N_("This form is no longer good. Load the page again; your browser must allow cookies here."),
        _START_AGAIN,
    ),
    "wrong-password": _Words(N_("The present password is another one."), _START_AGAIN),
    "guessable-password": _Words(
        N_("This password is too easy to guess."), N_("Several words in a row make a good one.")
    ),
    "bad-address": _Words(N_("This is not a mail address that can be written to."), _START_AGAIN),
    "bad-name": _Words(N_("A name is needed, on one line, of at most 200 signs."), _START_AGAIN),
    "bad-photo": _Words(
        N_("This is not a picture that can be read. Photos are JPEG or PNG files."),
        N_("On many phones a screenshot of the photo, or sending it to yourself, makes such a file."),
    ),
    "large-photo": _Words(
        N_("This picture is too large. Photos have at most 12 megabytes."),
        N_("Choose a smaller one, or make it smaller first."),
    ),
    "long-statement": _Words(N_("A statement has at most 3000 signs."), _START_AGAIN),
    "bad-statement": _Words(
        N_("A statement has a sign that cannot be seen, or nothing that can."),
        N_("Write it anew instead of copying it from another program."),
    ),
    "unknown-answer": _Words(N_("This election has no answer with this number."), _CHECK_ADDRESS),
    "address-taken": _Words(N_("Somebody else has an account with this mail address."), _START_AGAIN),
    "last-administrator": _Words(
        N_(
            "This is the last administrator. Invite another one first, and wait until the invitation was used."
        ),
        _NOTHING,
    ),
    "not-set-up-yet": _Words(
        N_("This person has not set up the account: send the invitation again."), _NOTHING
    ),
    "unknown-account": _Words(N_("There is no such account, or it was ended before."), _NOTHING),
    "wrong-state": _Words(
        N_("This cannot be done in the state in which the election is now."),
        N_("Load the page of the election again, and look where it stands."),
    ),
    "changed-meanwhile": _Words(
        N_("Somebody else has changed this meanwhile."), N_("Look what is there now, and try again.")
    ),
    "trustees-exist": _Words(
        N_("The trustees of this election have their seats already."),
        N_("Load the page of the trustees again."),
    ),
    "trustees-missing": _Words(
        N_("The trustees have no seats yet."), N_("Seat them first, on the page of the trustees.")
    ),
    "keys-incomplete": _Words(
        N_("The keys are not complete: somebody has not finished."),
        N_("Wait until every trustee has finished, and remind those who are awaited."),
    ),
    "credentials-missing": _Words(
        N_("The registrar has not published the credentials yet."), N_("The registrar has to do that first.")
    ),
    "credentials-published": _Words(N_("The credentials of this election are published already."), _NOTHING),
    "already-drawn": _Words(
        N_("The order of these choices was drawn already. It is drawn once only."), _NOTHING
    ),
    "unknown-question": _Words(N_("There is no question with this number."), _START_AGAIN),
    "invalid-field": _Words(
        N_("Something in the form cannot stay as it is. Look at every field again."), _START_AGAIN
    ),
    "nobody-waits": _Words(
        N_("No code waits to be printed for whom you chose."),
        N_("Look in the list of members where the codes are."),
    ),
    "sheets-erased": _Words(
        N_("These sheets are printed or were dropped: their codes are not here any more."), _NOTHING
    ),
    "fingerprint-changed": _Words(
        N_(
            "The election was changed after these sheets were asked for: their fingerprint is not right any more."
        ),
        N_("Throw away what is printed of them, drop them, and print anew."),
    ),
    "sheets-differ": _Words(
        N_(
            "A text or a key was changed after sheets were printed or links mailed: the election is not the one that "
            "they name any more."
        ),
        N_("Set the texts back, or have the registrar give these members new codes."),
    ),
    "unprintable": _Words(
        N_("None of these sheets can be printed."), N_("Load the page of these sheets again; it says why.")
    ),
    "no-site": _Words(
        N_("The address of this site is not set, so no sheet can be printed."),
        N_("Ask whoever runs the server to set base_url."),
    ),
    "not-sure": _Words(N_("Say first that the sheets lie printed before you."), _START_AGAIN),
    "perhaps-used": _Words(N_("Say first that none of these sheets was handed out."), _START_AGAIN),
    "bad-choice": _Words(N_("Choose whose sheets are to be printed, and the paper."), _START_AGAIN),
    "not-replaceable": _Words(N_("This code was made before codes could be replaced."), _NOTHING),
    "credential-mode": _Words(
        N_("In this election codes are made the other way: on the server or by the registrar."), _NOTHING
    ),
    "unknown-trustee": _Words(N_("This election has no trustee with this number."), _CHECK_ADDRESS),
    "trustee-began": _Words(
        N_("This trustee has begun to make the key. Without the link it must be made anew, by all trustees."),
        N_("Begin the making of keys anew."),
    ),
    "no-mail": _Words(N_("This server sends no mail. Tell the trustee yourself."), _NOTHING),
    "no-address": _Words(
        N_("There is no mail address of this trustee. Add one first."), N_("Add the address, and try again.")
    ),
    "not-awaited": _Words(N_("This trustee has nothing to do now."), _NOTHING),
    "reminded-already": _Words(
        N_("This trustee was reminded today. Telephone, or wait until tomorrow."), _NOTHING
    ),
    "statement-missing": _Words(
        N_("A statement is needed, of at most 2000 signs. Everybody can read it."), _START_AGAIN
    ),
    "bad-time": _Words(N_("Date and time are needed, as 2026-11-22 18:00."), _START_AGAIN),
    "skipped-time": _Words(
        N_(
            "In that night the clocks are put forward, and this time is left out. Choose an earlier or a later one."
        ),
        _START_AGAIN,
    ),
    "twice": _Words(
        N_("In that night the clocks are put back, and this time comes twice. Say which one you mean."),
        _START_AGAIN,
    ),
    "proposal-gone": _Words(
        N_("What you agreed to is not proposed any more, or has changed since. Please look again."),
        _START_AGAIN,
    ),
    "other-proposal": _Words(
        N_(
            "Another officer has proposed this with something else in it. Agree to that one, or withdraw it first."
        ),
        _START_AGAIN,
    ),
    "closing-time-passed": _Words(N_("The closing time has passed. Give a later one."), _START_AGAIN),
    "not-later": _Words(
        N_("The new closing time must be later than the present one and than now."), _START_AGAIN
    ),
    "keys-not-drilled": _Words(
        N_("Not enough trustees have proved that they hold their keys."),
        N_("Wait until enough have done it; the page of the trustees says who is awaited."),
    ),
    "privacy-check": _Words(
        N_("The result of this election would show how somebody voted, so it is not opened."), _NOTHING
    ),
    "changed-since-setup": _Words(
        N_("The service's key, or whether votes are final, is not what the election data say any more."),
        _NOTHING,
    ),
    "not-counted-yet": _Words(N_("The ballots are not added up yet. Wait a minute."), _START_AGAIN),
    "roll-empty": _Words(N_("The roll has no member who may vote."), _START_AGAIN),
    "reason-missing": _Words(
        N_("A reason is needed, of at most 2000 signs. Everybody can read it."), _START_AGAIN
    ),
    "text-missing": _Words(
        N_("A text is needed, of at most 2000 signs. Everybody can read it."), _START_AGAIN
    ),
    "voting-code": _Words(
        N_("There is a voting code in this text. It was not kept; everybody could have voted with it."),
        N_("Write the text without it."),
    ),
    "already-recorded": _Words(
        N_("This complaint is in the journal already, and waits for its decision."), _NOTHING
    ),
    "already-resolved": _Words(
        N_("The decision on this complaint is in the journal already, for good."), _NOTHING
    ),
    "unknown-complaint": _Words(N_("This election has no complaint with this number."), _CHECK_ADDRESS),
    "no-report": _Words(
        N_("There is no report yet: the election has not ended."),
        N_("The page of the election says where it stands."),
    ),
    "not-printable": _Words(
        N_(
            "The texts of this election have letters that our printed report cannot show. Print the page instead."
        ),
        _NOTHING,
    ),
    "does-not-agree": _Words(
        N_(
            "The numbers of this election do not agree, so its result cannot be certified. The report says which."
        ),
        N_("Look at the page of the result, and find out why before anybody certifies."),
    ),
    "no-file": _Words(N_("Choose a file first; this one is empty."), _START_AGAIN),
    "codes-file": _Words(
        N_(
            "This is a file with voting codes, not a roll. It was not kept, but it should never be sent to a server:"
            " tell whoever makes the codes."
        ),
        _START_AGAIN,
    ),
    "bad-roll": _Words(
        N_("This file has faults, so it cannot become the roll."),
        N_("Mend the file and upload it once more."),
    ),
    "upload-gone": _Words(N_("The file is not here any more. Upload it once more."), _START_AGAIN),
    "upload-changed": _Words(
        N_(
            "You have uploaded another file since this page was shown. Nothing was taken; look at the other one."
        ),
        _START_AGAIN,
    ),
    "roll-changed": _Words(
        N_("Somebody has changed the roll meanwhile. Nothing was taken; look at the differences once more."),
        _START_AGAIN,
    ),
    "roll-fixed": _Words(N_("The roll is fixed, so nothing on it can be changed any more."), _NOTHING),
    "roll-too-heavy": _Words(N_("All weights together would be more than can be counted."), _START_AGAIN),
    "bad-member": _Words(N_("Something in this form is not right yet."), _START_AGAIN),
    "number-taken": _Words(N_("Another member has this number."), _START_AGAIN),
    "member-changed": _Words(
        N_("Somebody has changed this member meanwhile. Nothing was saved; look at what stands here now."),
        _START_AGAIN,
    ),
    "unknown-member": _Words(
        N_("This member is not on the roll any more."), N_("Look for the member in the list of the roll.")
    ),
    "mail-not-set": _Words(
        N_("No mail is sent here: the setting smtp_url is empty."),
        N_("Look at the settings smtp_url and mail_from."),
    ),
    "mail-not-taken": _Words(
        N_("The mail server did not take the message."), N_("Look at the settings smtp_url and mail_from.")
    ),
    "not-well": _Words(
        N_("The application cannot use its database at this moment."),
        N_("Try again in a minute. If it happens again, tell the election committee."),
    ),
    "no-mail-server": _Words(N_("No mail is sent here: the installation knows no mail server."), _NOTHING),
    "unusable-address": _Words(N_("This member has no mail address that can be written to."), _NOTHING),
    "insecure-address": _Words(
        N_("Voting links must begin with https: somebody on the way could change the page otherwise."),
        _NOTHING,
    ),
    "recipients-changed": _Words(
        N_("The recipients are others now than those that were shown. Look again."), _START_AGAIN
    ),
    "mail-preflight": _Words(
        N_("Nobody was mailed: some members have no name or address that can be used, or share one."),
        _START_AGAIN,
    ),
    "nobody-to-mail": _Words(
        N_("There is nobody who could be mailed now. Addresses may have to be confirmed first."), _NOTHING
    ),
    "credential-gone": _Words(
        N_("The code of this member was erased when it was handed over: nobody has it here."), _NOTHING
    ),
    "not-unclear": _Words(N_("It is known what became of this mail."), _NOTHING),
    "not-sent": _Words(N_("No mail that was sent to this member could come back."), _NOTHING),
    "being-sent": _Words(N_("This mail is on its way already."), _NOTHING),
    "already-answered": _Words(N_("This question was answered before."), _NOTHING),
    "method-not-allowed": _Words(N_("This address does not answer that method."), _CHECK_ADDRESS),
    "length-required": _Words(N_("The request must say how long its body is."), _START_AGAIN),
    "too-large": _Words(N_("The request is larger than is accepted here."), _START_AGAIN),
    "address-too-long": _Words(N_("The address is too long."), _CHECK_ADDRESS),
    "unsupported-media-type": _Words(N_("The request's content type is not accepted here."), _START_AGAIN),
    "range-not-satisfiable": _Words(
        N_("That part of the file does not exist."), N_("Download the whole file instead.")
    ),
    "wrong-code": _Words(
        N_("The six digits are not those of the authenticator app at this moment."),
        N_("Wait until the app shows new digits, and type those."),
    ),
    "phone-offer-over": _Words(
        N_("This took too long, or was begun anew elsewhere. Please begin again."),
        N_("Your old phone is still the one that counts."),
    ),
    "weak-password": _Words(
        N_("The password is too short or too long."), N_("Several words in a row make a good one.")
    ),
    "already-set-up": _Words(N_("An administrator has been set up."), _NOTHING),
    "internal-error": _Words(
        N_("Something went wrong on our side. Nothing was recorded for this request."),
        N_("Try again in a minute. If it happens again, tell the election committee."),
    ),
    "overloaded": _Words(
        N_("Too many requests at this moment. Please try again in a few seconds; nothing was lost."),
        N_("Wait a few seconds, then load this page again."),
    ),
}


def answer_problem(problem: Problem) -> Response:
    """The problem as the client wants it: a page for a person, a problem document for a program."""
    if is_for_person():
        try:
            return _make_error_page(problem)
        except Exception as error:  # noqa: BLE001  whatever broke the page, the refusal itself must be told
            log_error(error)
    return make_response(problem)


def translate_problem(problem: Problem) -> str:
    """The problem's sentence in the reader's language."""
    words = WORDS.get(problem.code)
    # The document's own sentence may say more than the table's, but it is English.
    return problem.title if words is None or get_language() == SOURCE else gettext(words.sentence)


def _make_error_page(problem: Problem) -> Response:
    """The page of `problem`, with its status, code and headers."""
    words = WORDS.get(problem.code)
    page = render_template(
        "error.html",
        code=problem.code,
        sentence=translate_problem(problem),
        advice=gettext(words.advice) if words else None,
        is_passing=problem.status >= 500,
        is_office=is_office(request.path),
    )
    response = Response(page, problem.status, content_type="text/html; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    response.vary.update(("Accept", "Accept-Language"))
    response.headers.update(problem.headers)
    return response
