"""Ten shapes of keys that buckets have, each as many keys as are wanted, sorted as S3 lists them."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from datetime import datetime, timedelta

SYLLABLES = (
    "ba",
    "cor",
    "del",
    "en",
    "fi",
    "gra",
    "hol",
    "im",
    "jo",
    "ka",
    "lu",
    "mer",
    "no",
    "or",
    "pe",
    "qui",
    "ro",
    "sta",
)


def hexadecimal(count: int) -> list[str]:
    """Keys that are hashes."""
    return sorted(
        hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest() for number in range(count)
    )


def sequential(count: int) -> list[str]:
    """Numbers with leading zeros."""
    return [f"{number:012d}" for number in range(count)]


def dates(count: int) -> list[str]:
    """Logs by day and hour over three years."""
    begin, step = datetime(2024, 1, 1), timedelta(days=1096) / count
    times = (begin + step * number for number in range(count))
    return sorted(f"logs/{time:%Y/%m/%d/%H}/{number:07d}.gz" for number, time in enumerate(times))


def deep(count: int) -> list[str]:
    """One long shared prefix before what differs."""
    return sorted(
        f"company/europe/production/backup/database/snapshots/part-{number:08x}" for number in range(count)
    )


def uneven(count: int) -> list[str]:
    """51 folders, 99 % of all keys in one of them."""
    few = max(1, count // 5000)
    small = [
        f"folder-{folder:02d}/{number:08d}" for folder in range(51) if folder != 17 for number in range(few)
    ]
    return sorted(small + [f"folder-17/{number:08d}" for number in range(count - len(small))])


def chinese(count: int) -> list[str]:
    """Names of two to four Chinese characters."""
    chance = random.Random(3)
    names = set[str]()
    while len(names) < count:
        names.add(
            "".join(chr(chance.randrange(0x4E00, 0x9FA5)) for _ in range(chance.randint(2, 4))) + ".txt"
        )
    return sorted(names)


def photos(count: int) -> list[str]:
    """Numbered folders of a thousand pictures each."""
    return [f"photos/{number // 1000:06d}/img-{number % 1000:04d}.jpg" for number in range(count)]


def words(count: int) -> list[str]:
    """Two levels of names."""
    chance = random.Random(5)
    names = ["".join(chance.choices(SYLLABLES, k=chance.randint(2, 4))) for _ in range(4000)]
    keys = set[str]()
    while len(keys) < count:
        keys.add(f"{chance.choice(names)}/{chance.choice(names)}-{chance.randrange(100)}")
    return sorted(keys)


def nested(count: int) -> list[str]:
    """Twelve levels, two or three names on each."""
    chance = random.Random(7)
    keys = set[str]()
    while len(keys) < count:
        levels = "/".join(chance.choice(("alpha", "beta", "gamma")[: 2 + (level % 2)]) for level in range(12))
        keys.add(f"{levels}/{chance.randrange(1000)}")
    return sorted(keys)


def mixed(count: int) -> list[str]:
    """Six of the other shapes side by side."""
    kinds = (hexadecimal, sequential, dates, photos, words, uneven)
    share = count // len(kinds)
    shares = [share] * (len(kinds) - 1) + [count - share * (len(kinds) - 1)]
    return sorted(
        f"{kind.__name__}/{key}" for kind, part in zip(kinds, shares, strict=True) for key in kind(part)
    )


SHAPES: dict[str, Callable[[int], list[str]]] = {
    "hexadecimal": hexadecimal,
    "sequential": sequential,
    "dates": dates,
    "deep": deep,
    "99 % in one folder": uneven,
    "Chinese": chinese,
    "photos": photos,
    "words": words,
    "nested": nested,
    "mixed": mixed,
}
