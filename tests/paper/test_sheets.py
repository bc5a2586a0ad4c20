"""Sheets: each member's own code on paper, readable by people and telephones; nothing that anybody writes is more than
text; the same values give the same bytes."""

import os
import re
import subprocess
import sys
import unicodedata
from datetime import UTC, datetime
from hashlib import sha256
from itertools import product
from pathlib import Path
from random import Random

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fpdf import FPDF

from crypto.errors import MisuseError
from crypto.roll import MAX_LENGTH
from crypto.words import fingerprint_words
from paper.faults import PaperError
from paper.labels import A4_LABELS, LETTER_LABELS, LabelSheet
from paper.lettering import Face, Lettering, turn
from paper.link import make_link
from paper.sheets import Layout, Sheet, make_sheets
from paper.words import WORDS
from tests.belenios import PROJECT
from tests.paper.making import CODE, FINGERPRINT, NAMES, SITE, UUID, code_number, make, occasion, sheet
from tests.paper.reading import Area, Reader, split_objects

FIVE_WORDS = fingerprint_words(FINGERPRINT)
GROUPS = " ".join(FINGERPRINT[start : start + 4] for start in range(0, 43, 4))


def people(count: int) -> list[Sheet]:
    return [
        sheet(member_number=f"M{number}", name=f"Person {number}", credential=code_number(number))
        for number in range(count)
    ]


def link(code: str) -> str:
    return f"{SITE}/elections/{UUID}/vote#{code}.{FINGERPRINT}"


# --- what is on them -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", [Layout.A4, Layout.LETTER])
def test_each_page_has_the_code_of_its_own_member(tmp_path: Path, layout: Layout) -> None:
    """Who gets another's code votes in another's name."""
    sheets = people(4)
    reader = Reader(make(*sheets, layout=layout), tmp_path)
    assert reader.count_pages() == len(sheets)
    for page, person in enumerate(sheets, 1):
        assert reader.scan(page) == [link(person.credential)]
        text = reader.read(page)
        codes = re.findall(r"\b\w{5}-\w{6}-\w{5}-\w{6}\b", text)
        assert codes == [person.credential]
        assert f"{person.name} " in text
        assert f"Member number {person.member_number} " in text
        assert FIVE_WORDS in text
        assert GROUPS in text


@pytest.mark.parametrize(
    "layout, labels", [(Layout.A4_LABELS, A4_LABELS), (Layout.LETTER_LABELS, LETTER_LABELS)]
)
def test_each_label_has_the_code_of_its_own_member(
    tmp_path: Path, layout: Layout, labels: LabelSheet
) -> None:
    """Labels lie close together: within the cut of each there is one name and one code, and they belong together."""
    sheets = people(labels.count + 1)
    reader = Reader(make(*sheets, layout=layout), tmp_path)
    assert reader.count_pages() == 2
    for number, person in enumerate(sheets):
        page, place = divmod(number, labels.count)
        row, column = divmod(place, labels.columns)
        x, y = labels.left + column * labels.across, labels.top + row * labels.down
        area = Area(x, y, labels.width, labels.height)
        assert reader.scan(page + 1, area) == [link(person.credential)]
        text = reader.read(page + 1, area)
        assert re.findall(r"Person \d+", text) == [person.name]
        # In two lines; pdftotext takes the dash at the end of one for a hyphen.
        assert re.findall(r"\b\w{5}-\w{11}-\w{6}\b", text) == [
            person.credential[:12] + person.credential[13:]
        ]
        # Instead of the long form, which would be too small to be read.
        assert FIVE_WORDS in text
        assert GROUPS not in text


def test_links_of_all_lengths_can_be_scanned(tmp_path: Path, samples: int) -> None:
    """Larger codes have other shapes, and one mask must do for all."""
    chance = Random(11)
    sites = [f"https://{'v' * length}.example.org/{'a' * length}" for length in (1, 20, 63)]
    for site in sites:
        sheets = [
            sheet(member_number=str(number), credential=code_number(chance.randrange(10**9)))
            for number in range(samples // 15)
        ]
        reader = Reader(make(*sheets, site=site), tmp_path)
        for page, person in enumerate(sheets, 1):
            assert reader.scan(page) == [make_link(site, UUID, person.credential, FINGERPRINT)]


def test_the_secret_is_folded_in(tmp_path: Path) -> None:
    """Folded at the marks, only the upper third can be seen: it has the address, and nothing to vote with."""
    document = make(sheet(address="12 Long Street\nSpringfield"), organisation="Amalgamated Workers")
    reader = Reader(document, tmp_path)
    seen = reader.read(1, Area(0, 0, 210, 99))
    assert seen == "Amalgamated Workers Ada Byron 12 Long Street Springfield Member number M1"
    assert reader.read(1, _WINDOW) == "Ada Byron 12 Long Street Springfield"


@pytest.mark.parametrize("language, tag", [("en", "en"), ("es", "es-MX"), ("fr", "fr-CA")])
def test_members_read_their_own_language(tmp_path: Path, language: str, tag: str) -> None:
    opens = datetime(2026, 12, 1, 14, 0, tzinfo=UTC)
    text = Reader(make(sheet(language=tag), opens_at=opens), tmp_path).read(1).replace("\u00a0", " ")
    words, moments = (
        WORDS[language],
        {
            "en": (
                "Tuesday, December 1, 2026, 8:00 AM",
                "Saturday, December 5, 2026, 5:00 PM (Chicago time)",
            ),
            "es": (
                "martes, 1 de diciembre de 2026, 8:00",
                "sábado, 5 de diciembre de 2026, 17:00 (hora de Chicago)",
            ),
            "fr": ("mardi 1 décembre 2026, 08:00", "samedi 5 décembre 2026, 17:00 (heure de Chicago)"),
        }[language],
    )
    assert NAMES[language] in text
    for moment in moments:
        assert moment in text
    for sentence in (words.phone, words.code_hint, words.fingerprint, words.yours, words.shared_device):
        assert sentence.replace("\u00a0", " ") in text
    assert words.any_device.format(site=SITE) in text


def test_without_a_language_the_elections_is_taken(tmp_path: Path) -> None:
    reader = Reader(
        make(
            sheet(),
            sheet(member_number="2", credential=code_number(2), language="de"),
            language="es",
            names={"es": "Directiva", "pt": "Diretoria"},
        ),
        tmp_path,
    )
    for page in (1, 2):
        text = reader.read(page)
        assert "Directiva" in text
        assert WORDS["es"].code_title in text


def test_an_election_whose_language_nobody_said_is_written_on_english_sheets(tmp_path: Path) -> None:
    text = Reader(make(sheet(), language="", names={"": "Officers"}), tmp_path).read(1)
    assert "Officers Voting closes:" in text


@pytest.mark.parametrize("revotes", [False, True])
def test_the_sheet_says_whether_a_vote_is_final(tmp_path: Path, revotes: bool) -> None:
    text = Reader(make(sheet(), revotes=revotes), tmp_path).read(1)
    assert (WORDS["en"].revotes in text) is revotes
    assert (WORDS["en"].final in text) is not revotes


@pytest.mark.parametrize("layout", list(Layout))
def test_a_test_says_so(tmp_path: Path, layout: Layout) -> None:
    """On labels too: nobody is to take one for a real vote."""
    for language in WORDS:
        text = Reader(make(sheet(language=language), layout=layout, is_test=True), tmp_path).read(1)
        first = WORDS[language].test.partition("{")[0].replace("\u00a0", " ").strip()
        assert first in text.replace("\u00a0", " ")


# --- what has room -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout, language", list(product(Layout, WORDS)))
def test_all_sentences_have_room(tmp_path: Path, layout: Layout, language: str) -> None:
    """In every language, on every paper, with long names and dates: nothing is cut off or refused."""
    long = {"en": "Election of the officers and of the delegates to the congress " * 3}
    document = make(
        sheet(language=language, name="Maximiliana-Theodora " * 9, address="Long Street 12\n" * 9),
        layout=layout,
        names=long,
        site="https://voting.amalgamated-workers-of-the-north.example.org",
        opens_at=datetime(2026, 9, 23, 14, 0, tzinfo=UTC),
        closes_at=datetime(2026, 9, 30, 23, 0, tzinfo=UTC),
        time_zone="America/Argentina/Buenos_Aires",
        revotes=True,
        organisation="Amalgamated Workers of the North " * 3,
    )
    reader = Reader(document, tmp_path)
    text = reader.read(1).replace("\u00a0", " ")
    assert ("Maximiliana-Theodora " * 9).strip() in text
    assert long["en"].strip() in text
    assert FIVE_WORDS in text
    assert (GROUPS in text) == ("labels" not in layout)
    assert "voting.amalgamated-workers-of-the-north.example.org" in text.replace(" ", "")
    last = WORDS[language].short_yours if "labels" in layout else WORDS[language].shared_device
    assert last.replace("\u00a0", " ") in text


@pytest.mark.parametrize("layout", list(Layout))
def test_the_longest_name_of_a_roll_has_room(tmp_path: Path, layout: Layout) -> None:
    name, number = "Ä" * MAX_LENGTH["name"], "9" * MAX_LENGTH["member_number"]
    text = Reader(make(sheet(name=name, member_number=number), layout=layout), tmp_path).read(1)
    assert text.count("Ä") == len(name)
    assert number in text.replace(" ", "")


def test_what_has_no_room_is_refused_and_not_cut_off() -> None:
    """A letter with half an address comes back, or goes to somebody else."""
    with pytest.raises(PaperError) as caught:
        make(sheet(address="W" * 990 + "\nEnd"), sheet(member_number="2", credential=code_number(2)))
    [fault] = caught.value.faults
    assert str(fault) == "member M1: Name, address or number are too long for a sheet."
    with pytest.raises(PaperError, match="name is too long"):
        make(sheet(), names={"en": "W" * 5000})


# --- names of all kinds --------------------------------------------------------------------------------------------


_WINDOW = Area(18, 45, 92, 45)
_NAMES = (
    *(
        "Łukasz Żółć",
        "María-José Ñandú",
        "Nguyễn Văn Đạt",
        "Ölçer Iğdır",
        "Ελένη Παπά",
        "Иван Щукин",
        "Հայկ",
        "დავით",
    ),
    *("O’Brien – “Kit”", "Ŝtefano\u00a0Ĉu", "Zoe\u0308 de\u0301composed"),
    # Never markup, place holders or escapes.
    *("{nb}", "**Ada** __B__", "<b>Ada</b>", "[Ada](https://example.com)", "a\\b(c", "&amp;", "%(name)s {0}"),
)


def test_names_are_printed_as_they_are_written(tmp_path: Path) -> None:
    sheets = [
        sheet(name=name, member_number=str(n), credential=code_number(n)) for n, name in enumerate(_NAMES)
    ]
    reader = Reader(make(*sheets), tmp_path)
    for page, name in enumerate(_NAMES, 1):
        assert reader.read(page, _WINDOW) == " ".join(unicodedata.normalize("NFC", name).split())


@pytest.mark.parametrize(
    "name, drawn",
    [
        # In the order from left to right: the first letter stands last, digits and brackets as they are read.
        ("שלום (כהן) 12", "12 (ןהכ) םולש"),
        ("Ada שרה", "Ada הרש"),
        ("محمد", "\ufeaa\ufee4\ufea4\ufee3"),
        # Lam and alef are one sign, and the letter behind them holds on to nothing.
        ("سلام", "\ufee1\ufefc\ufeb3"),
        # The non-joiner keeps letters apart, and is not drawn; nor are marks in the way of letters that join.
        ("می\u200cخواهم", "\ufee2\ufeeb\ufe8d\ufeee\ufea7\ufbfd\ufee3"),
        ("بّب", "\ufe90\u0651\ufe91"),
    ],
)
def test_names_from_right_to_left_are_readable(name: str, drawn: str) -> None:
    with Lettering(FPDF()) as lettering:
        block = lettering.wrap(name, Face.PLAIN, 12.0, 100.0)
    assert [turn(line) for line in block.lines] == [drawn]


def test_signs_that_nobody_sees_are_refused() -> None:
    """The roll refuses them too; who calls with something else must not get them on paper either."""
    signs = "\0\x07\x1b\r\x7f\x85\u202e\u2066\u200b\ufeff\u2028\ud800"
    texts = [f"Ada{sign}B" for sign in signs]
    sheets = [
        sheet(member_number=str(n), credential=code_number(n), name=text) for n, text in enumerate(texts)
    ]
    sheets += [sheet(member_number=text, credential=code_number(n + 50)) for n, text in enumerate(texts)]
    sheets += [
        sheet(member_number=f"a{n}", credential=code_number(n + 90), address=text)
        for n, text in enumerate(texts)
    ]
    with pytest.raises(PaperError) as caught:
        make(sheet(), *sheets)
    assert [fault.member_number for fault in caught.value.faults] == [
        person.member_number for person in sheets
    ]
    assert {fault.sentence for fault in caught.value.faults} == {
        "There is a character that cannot be printed."
    }
    for changes in ({"organisation": "\u202e"}, {"organisation": "A\nB"}, {"names": {"en": "A\tB"}}):
        with pytest.raises(PaperError, match="organisation's name: There is a character"):
            make(sheet(), **changes)


def test_a_name_has_one_line() -> None:
    """A second one would be read as a part of the address."""
    for changes in ({"name": "Ada\nElsewhere 1"}, {"member_number": "1\n2"}):
        with pytest.raises(PaperError, match="cannot be printed"):
            make(sheet(**changes))


def test_an_elections_name_of_two_lines_is_written_on_one(tmp_path: Path) -> None:
    assert "Officers of Local 12 Voting" in Reader(
        make(sheet(), names={"en": "Officers\nof Local 12"}), tmp_path
    ).read(1)


_HOSTILE = ")) Tj ET endstream endobj 9 0 obj << /OpenAction << /S /JavaScript /JS (app.alert(1)) >> >> \\) /URI (http://x)"


@pytest.mark.parametrize("layout", [Layout.A4, Layout.A4_LABELS])
def test_no_text_becomes_a_part_of_the_document(tmp_path: Path, layout: Layout) -> None:
    """A PDF can run programs and open addresses. Ours has pages, fonts and drawings, whatever anybody is called."""
    document = make(
        sheet(name=_HOSTILE, member_number=_HOSTILE[:64], address=_HOSTILE),
        layout=layout,
        names={"en": _HOSTILE},
        organisation=_HOSTILE,
    )
    acted, drawn = split_objects(document)
    names = set(re.findall(rb"/[A-Za-z]+", acted))
    for name in (
        b"JavaScript",
        b"JS",
        b"URI",
        b"AA",
        b"Launch",
        b"Annots",
        b"EmbeddedFile",
        b"AcroForm",
        b"XFA",
    ):
        assert b"/" + name not in names
    # Where a viewer begins, which is no action.
    assert re.findall(rb"/OpenAction(.*)", acted) == [b" [3 0 R /FitH null]"]
    assert document.count(b"endobj") == acted.count(b"endobj")
    assert not any(b"JavaScript" in stream for stream in drawn)
    assert _HOSTILE in Reader(document, tmp_path).read(1)


# --- letters that are missing ----------------------------------------------------------------------------------------


def _make_font(path: Path, signs: str) -> Path:
    """A font in which each of these signs is a black square."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for point in ((0, 500), (500, 500), (500, 0)):
        pen.lineTo(point)
    pen.closePath()
    names = [".notdef", *(f"u{ord(sign):04X}" for sign in signs)]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord(sign): f"u{ord(sign):04X}" for sign in signs})
    builder.setupGlyf(dict.fromkeys(names, pen.glyph()))
    builder.setupHorizontalMetrics(dict.fromkeys(names, (600, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Squares", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
    return path


def test_the_fonts_are_the_released_ones() -> None:
    """Nothing was cut or changed on the way; the decision record has the hashes to compare with the release."""
    record = (PROJECT / "docs/adr/0010-sheets-from-a-package-of-their-own.md").read_text()
    named = dict(re.findall(r"^\| (\S+\.ttf) \| ([0-9a-f]{64}) \|$", record, re.MULTILINE))
    fonts = (PROJECT / "paper/fonts").glob("*.ttf")
    assert {font.name: sha256(font.read_bytes()).hexdigest() for font in fonts} == named


def test_letters_that_no_font_has_are_named_and_not_left_out() -> None:
    """An empty box in place of a name helps nobody. The sentence has no name in it."""
    with pytest.raises(PaperError) as caught:
        make(sheet(name="王芳"), sheet(member_number="M2", name="李", credential=code_number(2)))
    assert [str(fault) for fault in caught.value.faults] == [
        "member M1: The fonts have no letter for U+738B CJK UNIFIED IDEOGRAPH-738B, U+82B3 CJK UNIFIED IDEOGRAPH-82B3.",
        "member M2: The fonts have no letter for U+674E CJK UNIFIED IDEOGRAPH-674E.",
    ]
    with pytest.raises(PaperError, match="The election's or organisation's name: The fonts have no letter"):
        make(sheet(), names={"en": "選挙"})


def test_another_font_gives_the_letters(tmp_path: Path) -> None:
    fonts = [_make_font(tmp_path / "one.ttf", "王"), _make_font(tmp_path / "two.ttf", "芳")]
    reader = Reader(make(sheet(name="Ada 王芳 Byron"), more_fonts=fonts), tmp_path)
    assert reader.read(1, _WINDOW) == "Ada 王芳 Byron"


@pytest.mark.parametrize("name", ["font.ttf", "font.txt"])
def test_a_font_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("no font")
    with pytest.raises(PaperError, match=f"{name} is not a font"):
        make(sheet(), more_fonts=[tmp_path / name])


# --- secrets, and what is not one -----------------------------------------------------------------------------------


def test_two_members_never_get_one_code() -> None:
    with pytest.raises(MisuseError, match="two members"):
        make(sheet(), sheet(member_number="M2"))
    with pytest.raises(MisuseError, match="two sheets"):
        make(sheet(), sheet(credential=code_number(2)))


@pytest.mark.parametrize("code", ["", CODE[:-1], CODE.replace("-", ""), CODE.replace("f", "0"), f"{CODE} "])
def test_what_is_no_code_is_not_printed(code: str) -> None:
    with pytest.raises(MisuseError) as caught:
        make(sheet(credential=code))
    assert CODE[6:12] not in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [{"uuid": "short"}, {"uuid": UUID + "#"}, {"fingerprint": FINGERPRINT[:-1]}, {"fingerprint": FINGERPRINT + "\n"},
     {"language": "de"}],
)  # fmt: skip
def test_an_occasion_that_is_none_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(MisuseError):
        occasion(**changes)


@pytest.mark.parametrize(
    "site", ["http://vote.example.org", "https://vote.example.org/", "javascript:alert(1)", ""]
)
def test_a_site_that_is_none_is_refused(site: str) -> None:
    with pytest.raises((MisuseError, ValueError)):
        occasion(site=site)


def test_codes_are_in_no_message_and_no_head_of_the_document() -> None:
    """What is logged or shown of a sheet by mistake has no code in it; nor has the file but where it is drawn."""
    assert CODE not in repr(sheet())
    acted, _ = split_objects(make(sheet()))
    assert CODE.encode() not in acted
    assert CODE.encode("utf-16-be") not in acted
    assert b"Ada" not in acted


def test_the_same_values_give_the_same_bytes() -> None:
    """Whoever makes the sheets again gets the same file. Not even the order of Python's hashes counts."""
    program = (
        "from tests.paper.making import *; from hashlib import sha256\n"
        "print(sha256(make(sheet(name='Łukasz Щ'), layout=Layout.LETTER)).hexdigest())"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
            cwd=PROJECT,
            capture_output=True,
            check=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }
    assert len(runs) == 1
    assert b"2026" not in split_objects(make(sheet()))[0]


def test_progress_is_told_for_each_sheet() -> None:
    told: list[int] = []
    make_sheets(occasion(), people(3), Layout.A4_LABELS, progress=told.append)
    assert told == [1, 2, 3]
