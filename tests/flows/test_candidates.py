"""Candidates in the booth: photos, statements, chance that decides who is the first, and the mark of a test."""

from crypto.encoding import sha256_hex
from tests.flows.booth import REVIEW, Voter
from tests.flows.office import open_app
from tests.flows.people import Elections, People
from tests.flows.watching import Watcher
from tests.voting_app.candidates.pictures import make_picture
from voting_app.candidates import service
from voting_app.candidates.photos import make_photo
from voting_app.candidates.service import Change
from voting_app.context import get_context
from voting_app.elections.service import election_for_box, get_revision

ANSWERS = ["Ada", "Grace", "Joan"]
QUESTIONS = [{"question": "President", "answers": ANSWERS, "min": 1, "max": 1}]
STATEMENTS = {"en": "**Treasurer** since 2019.\n\n- bread\n- <b>roses</b>\n\n[more](https://example.org/ada)"}


def test_candidates_are_shown_as_the_election_data_say(
    elections: Elections, people: People, watcher: Watcher
) -> None:
    election = elections.new(
        members=3, trustee_count=1, threshold=1, questions=QUESTIONS, test=True, orders=["rotated"]
    ).create()
    context = get_context(open_app(elections.installation))
    photos = [make_photo(make_picture(colour=(200, 30 * place, 30))) for place in range(3)]
    for place, photo in enumerate(photos):
        with context.database.read() as session:
            revision = get_revision(election_for_box(session, election.uuid))
        change = Change(STATEMENTS if place == 0 else {}, photo)
        service.set_candidate(context, election.uuid, 0, place, change, expected=revision)
    context.database.dispose()
    election.freeze().issue().seat().make_keys().drill().open()
    digests = [sha256_hex(photo) for photo in photos]
    person = people.new()
    # Somebody exchanges the second photo on its way.
    person.page.route(
        f"**/photos/{digests[1]}", lambda route: route.fulfill(body=photos[2], content_type="image/jpeg")
    )
    # The lot falls on the second answer.
    person.page.add_init_script("crypto.getRandomValues = (array) => array.fill(4)")
    before = len(watcher.wire.exchanges)
    voter = Voter(person, election, "M1").open()
    page = person.page
    voter.read("Test election").press("Begin")
    page.locator("#choice-0").wait_for()
    names = page.locator(".choices label").all_text_contents()
    assert names == ["Grace", "Joan", "Ada"]
    # Where it is the right one, and nowhere else.
    page.locator("#choice-0 + img[src]").wait_for()
    page.locator("#choice-2 + img[src]").wait_for()
    assert page.locator("#choice-1 ~ img").count() == 0
    page.locator("li", has=page.locator("#choice-1")).locator("summary").click()
    voter.read("is not the right one")
    details = page.locator("li", has=page.locator("#choice-0")).locator("details")
    details.locator("summary").click()
    assert details.locator("strong").text_content() == "Treasurer"
    assert details.locator("li").all_text_contents() == ["bread", "<b>roses</b>"]
    assert details.locator("a").get_attribute("href") == "https://example.org/ada"
    assert details.get_by_text("(example.org)").is_visible()
    # All of them were asked for, in the order of the data: nobody learns whom this voter looks at.
    asked = [exchange.path for exchange in watcher.wire.exchanges[before:] if "/photos/" in exchange.path]
    assert asked == [f"/elections/{election.uuid}/photos/{digest}" for digest in (digests[0], digests[2])]
    voter.choose("Ada").press("Review your choices").see(REVIEW).read("Test election")
    assert page.locator(".answers").text_content() == "Ada"
