"""Bulgarian words without their articles, plurals and vowel changes. Pure.

Bulgarian puts the article behind the noun («поръчка», «поръчката») and hardly inflects otherwise,
so that a light stemmer does most of the work: the steps are those which Jacques Savoy published
("Searching Strategies for the Bulgarian Language", Information Retrieval 10, 2007). Snowball has
no Bulgarian.
"""

from __future__ import annotations

_VOWELS = frozenset("аъоуеияю")


def stem(word: str) -> str:
    """The stem of a ``word`` in small letters."""
    if len(word) < 4:
        return word
    if len(word) > 5 and word.endswith("ища"):
        return word[:-3]
    word = _without_plural(_without_article(word))
    if len(word) > 3:
        word = _without_last_vowel(word)
    if len(word) > 4 and word.endswith("ен"):
        word = f"{word[:-2]}н"
    if len(word) > 5 and word[-2] == "ъ":
        word = word[:-2] + word[-1]
    return word


def _without_article(word: str) -> str:
    size = len(word)
    if size > 6 and word.endswith("ият"):
        return word[:-3]
    if size > 5 and word.endswith(("ът", "то", "те", "та", "ия")):
        return word[:-2]
    if size > 4 and word.endswith("ят"):
        return word[:-2]
    return word


def _without_plural(word: str) -> str:
    size = len(word)
    if size > 6:
        for ending, instead in (("овци", "о"), ("ове", ""), ("еве", "й")):
            if word.endswith(ending):
                return word[: -len(ending)] + instead
    if size > 5:
        for ending, instead in (("ища", ""), ("та", ""), ("ци", "к"), ("зи", "г")):
            if word.endswith(ending):
                return word[: -len(ending)] + instead
        if word.endswith("и") and word[-3] == "е":
            return f"{word[:-3]}я{word[-2]}"  # цели, цял
    if size > 4:
        for ending, instead in (("си", "х"), ("и", "")):
            if word.endswith(ending):
                return word[: -len(ending)] + instead
    return word


def _without_last_vowel(word: str) -> str:
    if word[-1] in "аоея":
        word = word[:-1]
    return word[:-1] + "й" if word.endswith("и") and word[-2:-1] in _VOWELS else word
