"""Patients who do not exist: names of many countries and scripts, ages and sexes as a hospital sees them."""

import random
from dataclasses import dataclass
from datetime import date, timedelta

# Family names, women's and men's given names, and how common people of this origin are in the archive.
_ORIGINS: tuple[tuple[int, str, str, str], ...] = (
    (
        30,
        "Müller Schmidt Schröder Größler Weiß Jäger Köhler Böhm Strauß Günther Krämer Vogel Huber Maier Lühmann Roß",
        "Jürgen Jörg Björn Günter Klaus Uwe Matthias Heinz Lukas Sönke",
        "Käthe Ute Bärbel Lotte Anja Sabine Grete Mia Änne Elke",
    ),
    (
        26,
        "Smith Jones Taylor Brown O'Neil Williams Evans Walker Wright Hughes Clarke Mc'Donald Baker Cooper Ward Fox",
        "John James Oliver Harry George Noah Jack Leo Arthur Charlie",
        "Jane Olivia Amelia Isla Ava Mary Grace Emily Ruby Florence",
    ),
    (
        12,
        "Lefèvre Béranger Dupré Noël François Gauthier Château Hébert Côté Rousseau Mallarmé Pelé Saint-Exupéry Roy",
        "René Gaël Jérôme Benoît Étienne Hervé Loïc Théo Maël Aurélien",
        "Zoé Chloé Amélie Hélène Aurélie Françoise Anaïs Maïté Inès Solène",
    ),
    (
        10,
        "Núñez Ibáñez Peña Muñoz Gómez Jiménez López Hernández Íñiguez Ordóñez Castaño Pérez Sánchez Domínguez",
        "José Andrés Iñaki Ramón Álvaro Jesús Martín Adrián Óscar Raúl",
        "María Begoña Inés Lucía Sofía Ángela Concepción Belén Rocío Mónica",
    ),
    (
        8,
        "Wałęsa Żukowski Łuczak Święcicki Dvořák Čapek Řezníček Šťastný Győri Kovács Őry Ștefănescu Țurcanu Ivić",
        "Łukasz Paweł Jiří Tomáš László Gyula Ștefan Mihăiță Dušan Željko",
        "Małgorzata Żaneta Božena Jiřina Erzsébet Ágnes Ioana Ljiljana Šárka Zofia",
    ),
    (
        6,
        "Şahin Yılmaz Çelik Öztürk Güneş Åberg Ødegård Sjöström Kjærgaard Ægirsson Þorláksson Nyström",
        "Çağrı İsmail Ömer Ümit Åke Sørén Bjørn Þór Øyvind",
        "Ayşe Gülçin Şule Åsa Märta Ærna Sólveig Bodil Jytte",
    ),
)
# Alphabetic, ideographic and phonetic forms: family names, given names of women and of men.
_EASTERN: tuple[tuple[int, tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...] = (
    (
        4,
        ("Yamada|山田|やまだ", "Suzuki|鈴木|すずき", "Tanaka|田中|たなか", "Sato|佐藤|さとう", "Ito|伊藤|いとう"),
        ("Hanako|花子|はなこ", "Yui|結衣|ゆい", "Sakura|桜|さくら", "Misaki|美咲|みさき"),
        ("Tarou|太郎|たろう", "Ren|蓮|れん", "Haruto|陽翔|はると", "Kenji|健二|けんじ"),
    ),
    (
        2,
        ("Hong|洪|홍", "Kim|金|김", "Park|朴|박", "Lee|李|이", "Choi|崔|최"),
        ("Seoyeon|瑞妍|서연", "Jiwoo|智友|지우", "Minji|敏智|민지"),
        ("Gildong|吉洞|길동", "Minjun|民俊|민준", "Jihoon|志勳|지훈"),
    ),
    (
        2,
        ("Wang|王|", "Zhang|張|", "Chen|陳|", "Liu|刘|", "Huang|黃|"),
        ("XiaoDong|小東|", "Mei|梅|", "Li|丽|"),
        ("Wei|伟|", "Jun|军|", "Ming|明|"),
    ),
)
_PREFIXES = (("", 94), ("Dr.", 4), ("Prof. Dr.", 1), ("Frhr. von", 1))


@dataclass(frozen=True, slots=True)
class Patient:
    """A patient.

    Attributes
    ----------
    id
        PatientID.
    name
        As DICOM JSON has it (PS3.18 Annex F.2.2): up to three component groups.
    sex
        F, M, O or blank, for unknown.
    born
        None where it is not known.
    height
        Metres.
    weight
        Kilograms.
    """

    id: str
    name: dict[str, str]
    sex: str
    born: date | None
    height: float
    weight: float


def patient(number: int, seed: int) -> Patient:
    """Make up the patient of a number."""
    rng = random.Random(f"{seed}:patient:{number}")
    sex = rng.choices(("F", "M", "O", ""), (500, 480, 5, 15))[0]
    female = rng.random() < 0.5 if sex in {"O", ""} else sex == "F"
    # Two waves: few children, and many of those between fifty and eighty.
    age = rng.triangular(0, 18, 4) if rng.random() < 0.12 else min(max(rng.gauss(58, 19), 18), 103)
    born = date(2024, 12, 31) - timedelta(days=round(age * 365.25) + rng.randrange(5_475))
    grown = min(1.0, 0.3 + age / 25)
    return Patient(
        id=f"{rng.choice(('', '', '', 'ZH-', 'KT'))}{1_000_000 + number * 7 + rng.randrange(7)}",
        name=_name(rng, female=female),
        sex=sex,
        born=None if rng.random() < 0.02 else born,
        height=round(rng.gauss(1.66 if female else 1.78, 0.07) * grown, 2),
        weight=round(max(rng.gauss(68 if female else 82, 14) * grown, 2.5), 1),
    )


def western_name(rng: random.Random) -> str:
    """Make up a name for those who refer, read and operate."""
    return _western(rng, female=rng.random() < 0.5)


def _name(rng: random.Random, *, female: bool) -> dict[str, str]:
    eastern = sum(weight for weight, *_ in _EASTERN)
    if rng.random() * 100 >= eastern:
        return {"Alphabetic": _western(rng, female=female)}
    _, families, women, men = rng.choices(_EASTERN, [weight for weight, *_ in _EASTERN])[0]
    family, given = rng.choice(families).split("|"), rng.choice(women if female else men).split("|")
    groups = zip(("Alphabetic", "Ideographic", "Phonetic"), family, given, strict=True)
    return {group: f"{one}^{other}" for group, one, other in groups if one}


def _western(rng: random.Random, *, female: bool) -> str:
    _, families, men, women = rng.choices(_ORIGINS, [weight for weight, *_ in _ORIGINS])[0]
    family = rng.choice(families.split())
    if rng.random() < 0.08:
        family += f"-{rng.choice(families.split())}"
    given = (women if female else men).split()
    first = rng.choice(given)
    middle = rng.choice(given) if rng.random() < 0.3 else ""
    prefix = rng.choices([text for text, _ in _PREFIXES], [weight for _, weight in _PREFIXES])[0]
    name = f"{family}^{first}^{middle}^{prefix}".rstrip("^")
    return name.upper() if rng.random() < 0.1 else name
