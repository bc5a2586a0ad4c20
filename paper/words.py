"""What stands on every sheet, in the languages of the pages; and moments as people of these languages write them.

The sentences are here and not in the catalogues of the pages, because sheets are made on machines that have none of the
application. French has a no-break space before : ; ! ? as everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Words:
    """One language. ``{…}`` in a sentence is filled in; ``write_moment`` takes a local moment."""

    member_number: str
    test: str
    opens: str
    closes: str
    phone_title: str
    phone: str
    any_device_title: str
    any_device: str
    code_title: str
    code_hint: str
    fingerprint_title: str
    fingerprint: str
    final: str
    revotes: str
    yours: str
    shared_device: str
    short_fingerprint: str
    short_yours: str
    zone: str
    write_moment: Callable[[datetime], str]


def _english(moment: datetime) -> str:
    days = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    months = (
        *("January", "February", "March", "April", "May", "June", "July", "August"),
        *("September", "October", "November", "December"),
    )
    half = "AM" if moment.hour < 12 else "PM"
    time = f"{moment.hour % 12 or 12}:{moment.minute:02} {half}"
    return f"{days[moment.weekday()]}, {months[moment.month - 1]} {moment.day}, {moment.year}, {time}"


def _spanish(moment: datetime) -> str:
    days = ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo")
    months = (
        *("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto"),
        *("septiembre", "octubre", "noviembre", "diciembre"),
    )
    date = f"{days[moment.weekday()]}, {moment.day} de {months[moment.month - 1]} de {moment.year}"
    return f"{date}, {moment.hour}:{moment.minute:02}"


def _french(moment: datetime) -> str:
    days = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
    months = (
        *("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août"),
        *("septembre", "octobre", "novembre", "décembre"),
    )
    date = f"{days[moment.weekday()]} {moment.day} {months[moment.month - 1]} {moment.year}"
    return f"{date}, {moment.hour:02}:{moment.minute:02}"


WORDS = {
    "en": Words(
        member_number="Member number {number}",
        test="TEST, not a real vote: {name}",
        opens="Voting opens: {moment}",
        closes="Voting closes: {moment}",
        phone_title="With your phone",
        phone="Point its camera at the square and open the address that appears.",
        any_device_title="Or with any other device",
        any_device="Open {site}, choose this election, and type your voting code. It stands below.",
        code_title="Your voting code",
        code_hint="Capital and small letters matter. The signs 0, O, I and l never stand in it.",
        fingerprint_title="Is it the right election?",
        fingerprint=(
            "The page compares by itself if you use the square. If you type the code, compare these eight words "
            "with those that it shows. If they differ, do not vote, and tell the election committee."
        ),
        final="Your vote is final: once it is cast, it cannot be changed.",
        revotes="You can vote again until voting closes. Only your last ballot counts.",
        yours=(
            "This sheet is for you alone: whoever has the code can vote in your place. Nobody may ask you for "
            "it. If somebody opened this sheet before you did, tell the election committee."
        ),
        shared_device=(
            "On a device that others use too, type the code in a private window: an address that was opened "
            "stays in the device's history."
        ),
        short_fingerprint="The page must show these eight words:",
        short_yours="For you alone: whoever has the code can vote in your place.",
        zone="{city} time",
        write_moment=_english,
    ),
    "es": Words(
        member_number="Número de miembro {number}",
        test="PRUEBA, no es un voto real: {name}",
        opens="La votación se abre: {moment}",
        closes="La votación se cierra: {moment}",
        phone_title="Con su teléfono",
        phone="Apunte la cámara al cuadrado y abra la dirección que aparece.",
        any_device_title="O con cualquier otro dispositivo",
        any_device="Abra {site}, elija esta elección y escriba su código de voto, que está más abajo.",
        code_title="Su código de voto",
        code_hint="Distinga mayúsculas y minúsculas. Los signos 0, O, I y l no aparecen nunca.",
        fingerprint_title="¿Es la elección correcta?",
        fingerprint=(
            "La página compara por sí misma si usted usa el cuadrado. Si escribe el código, compare estas cinco "
            "palabras con las que ella muestra. Si son distintas, no vote y avise a la comisión electoral."
        ),
        final="Su voto es definitivo: una vez emitido, no se puede cambiar.",
        revotes="Puede volver a votar hasta que se cierre la votación. Solo cuenta su último voto.",
        yours=(
            "Esta hoja es solo para usted: quien tenga el código puede votar en su lugar. Nadie debe pedírselo."
            " Si alguien abrió esta hoja antes que usted, avise a la comisión electoral."
        ),
        shared_device=(
            "En un dispositivo que también usan otras personas, escriba el código en una ventana privada: una "
            "dirección que se abrió queda en el historial del dispositivo."
        ),
        short_fingerprint="La página debe mostrar estas ocho palabras:",
        short_yours="Solo para usted: quien tenga el código puede votar en su lugar.",
        zone="hora de {city}",
        write_moment=_spanish,
    ),
    "fr": Words(
        member_number="Numéro de membre {number}",
        test="ESSAI, ce n’est pas un vrai vote\u00a0: {name}",
        opens="Ouverture du vote\u00a0: {moment}",
        closes="Clôture du vote\u00a0: {moment}",
        phone_title="Avec votre téléphone",
        phone="Dirigez la caméra vers le carré et ouvrez l’adresse qui apparaît.",
        any_device_title="Ou avec tout autre appareil",
        any_device="Ouvrez {site}, choisissez cette élection et saisissez votre code de vote, qui se trouve plus bas.",
        code_title="Votre code de vote",
        code_hint="Majuscules et minuscules diffèrent. Les signes 0, O, I et l n’y figurent jamais.",
        fingerprint_title="Est-ce la bonne élection\u00a0?",
        fingerprint=(
            "La page compare elle-même si vous utilisez le carré. Si vous saisissez le code, comparez ces cinq "
            "mots avec ceux qu’elle montre. S’ils diffèrent, ne votez pas et prévenez la commission "
            "électorale."
        ),
        final="Votre vote est définitif\u00a0: une fois déposé, il ne peut plus être changé.",
        revotes="Vous pouvez voter de nouveau jusqu’à la clôture. Seul votre dernier bulletin compte.",
        yours=(
            "Cette feuille n’est que pour vous\u00a0: quiconque a le code peut voter à votre place. Personne ne"
            " doit vous le demander. Si quelqu’un a ouvert cette feuille avant vous, prévenez la commission "
            "électorale."
        ),
        shared_device=(
            "Sur un appareil que d’autres utilisent aussi, saisissez le code dans une fenêtre privée\u00a0: une"
            " adresse ouverte reste dans l’historique de l’appareil."
        ),
        short_fingerprint="La page doit montrer ces huit mots\u00a0:",
        short_yours="Pour vous uniquement\u00a0: quiconque a le code peut voter à votre place.",
        zone="heure de {city}",
        write_moment=_french,
    ),
}


def find_words(*languages: str) -> str:
    """The first of these languages (tags such as ``es`` or ``es-MX``) in which there are sheets; otherwise English."""
    for language in languages:
        if (short := language.split("-")[0].lower()) in WORDS:
            return short
    return "en"


def write_moment(moment: datetime, time_zone: str, words: Words) -> str:
    """An aware moment to the minute in a time zone (IANA name), with the zone's city."""
    text = words.write_moment(moment.astimezone(ZoneInfo(time_zone)))
    _, slash, city = time_zone.rpartition("/")
    is_city = slash and not time_zone.startswith("Etc/")
    return f"{text} ({words.zone.format(city=city.replace('_', ' ')) if is_city else city})"
