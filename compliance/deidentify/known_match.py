"""Find a record's identifiers in plain text, in any order, case, spacing or spelling."""

from __future__ import annotations

from dataclasses import dataclass

import regex

from compliance.deidentify.deadline import remaining
from compliance.deidentify.known_codes import Hit, Token, find_codes, find_runs
from compliance.deidentify.known_index import (
    MIN_TYPO,
    KnownIndex,
    Owner,
    deletions,
)
from compliance.deidentify.normalise import fold_character
from compliance.deidentify.vocabulary import common_words

_WORD = regex.compile(r"[\p{L}\d]+")
_SPACED = regex.compile(r"(?<![\p{L}\d])(?:[\p{L}\d][\s.\-_*,/|]{1,3}){2,}[\p{L}\d](?![\p{L}\d])")
_JOIN = regex.compile(r"[\s\-'._]{0,4}")
_APART = regex.compile(r"[\s\-'._,&]{1,4}")
_LEET = str.maketrans("013457@$", "oieastas")
_VERB = regex.compile(
    r"(?:'s)?\s+(?:is|was|has|had|takes|took|feels|felt|says|said|needs|went|came|lives|"
    r"works|and\s+i|es|tiene|est[aá]|toma)\b"
)
_TITLE = regex.compile(
    r"(?i)(?:\b(?:mr|mrs|ms|miss|dr|dra|sr|sra|don|do[nñ]a|name\s+is|i\s+am|i'm|named|"
    r"called|llamo|soy)\.?\s+)$"
)
_ROLE_ORDER = ("PATIENT", "RELATIVE", "CLINICIAN", "PERSON", "ORGANIZATION", "LOCATION")
_MAX_RUN = 9


@dataclass(slots=True)
class _NameHit:
    start: int
    end: int
    owners: set[Owner]


def find_known(index: KnownIndex, text: str) -> list[Hit]:
    """Every place where an identifier of ``index`` stands in ``text`` (plain form)."""
    folded = "".join(map(fold_character, text))
    tokens = [Token(m.start(), m.end(), m[0]) for m in _WORD.finditer(folded)]
    remaining()
    names = _NameSearch(index, text, folded, tokens)
    hits = names.run()
    remaining()
    hits += find_codes(index, folded, tokens)
    hits += find_runs(index, tokens)
    remaining()
    if index.dates is not None:
        hits += [
            Hit(m.start(), m.end(), "DATE", f"DATE:{m[0]}") for m in index.dates.finditer(folded)
        ]
    hits += [Hit(t.start, t.end, "AGE", f"AGE:{t.word}") for t in tokens if t.word in index.years]
    return hits


class _NameSearch:
    """One search for name parts; a class because every step looks at the same tokens."""

    def __init__(self, index: KnownIndex, text: str, folded: str, tokens: list[Token]) -> None:
        self.index, self.text, self.folded, self.tokens = index, text, folded, tokens
        self.quiet = not any(map(str.isupper, text))
        self.shouting = sum(map(str.isupper, text)) > sum(map(str.islower, text))

    def run(self) -> list[Hit]:
        """Sure hits, then doubtful ones beside them, joined to whole names."""
        sure: dict[int, _NameHit] = {}
        doubtful: dict[int, _NameHit] = {}
        for number, token in enumerate(self.tokens):
            owners, doubt = self._owners(token)
            if owners:
                (doubtful if doubt else sure)[number] = _NameHit(token.start, token.end, owners)
        self._settle(sure, doubtful)
        hits = [*sure.values(), *self._joined(), *self._spaced()]
        return [*self._groups(hits), *self._towns()]

    def _owners(self, token: Token) -> tuple[set[Owner], bool]:
        """Whose name part a word can be, and whether it is more likely an ordinary word."""
        word = token.word
        for form in _readings(word):
            if form in self.index.parts:
                return self.index.parts[form], form in common_words() or len(form) == 2  # noqa: PLR2004 - a number of the rule itself
            if form in self.index.compounds:
                return self.index.compounds[form], form in common_words()
        if word.endswith("s") and len(word) > MIN_TYPO - 1 and word[:-1] in self.index.parts:
            return self.index.parts[word[:-1]], word in common_words() or word[
                :-1
            ] in common_words()
        if len(word) < MIN_TYPO - 1 or word in common_words():
            return set(), False
        return {o for part in self._typos(word) for o in self.index.parts.get(part, ())}, False

    def _typos(self, word: str) -> set[str]:
        """Known parts one wrong, missing, extra or swapped letter away from ``word``."""
        near = {p for form in deletions(word) for p in self.index.typos.get(form, ())}
        return {part for part in near if _one_edit(word, part)}

    def _settle(self, sure: dict[int, _NameHit], doubtful: dict[int, _NameHit]) -> None:
        """Move doubtful words to the sure ones where capitals or neighbours say they are names."""
        for number, hit in doubtful.items():
            beside = [n for n in (number - 1, number + 1) if self._counts(n, hit, sure, doubtful)]
            named = any(self._beside(hit, sure.get(n) or doubtful[n]) for n in beside)
            if named or self._after_initial(hit) or self._capital_name(hit):
                sure[number] = hit

    def _after_initial(self, hit: _NameHit) -> bool:
        """An initial of the same person with its dot stands before the word ("b. ng")."""
        initials = {
            letter for _, identity in hit.owners for letter in self.index.initials.get(identity, ())
        }
        before = regex.search(
            r"(?<![\p{L}\d'])(\p{L})\.\s*$", self.folded[max(0, hit.start - 6) : hit.start]
        )
        return before is not None and before[1] in initials

    def _counts(
        self, number: int, hit: _NameHit, sure: dict[int, _NameHit], doubtful: dict[int, _NameHit]
    ) -> bool:
        """Whether a neighbour makes a doubtful word a name: "how long will" names nobody."""
        if number in sure or number not in doubtful:
            return number in sure
        both = self.text[hit.start].isupper() and self.text[doubtful[number].start].isupper()
        words = (self.folded[h.start : h.end] for h in (hit, doubtful[number]))
        return both or self.quiet or not all(word in common_words() for word in words)

    def _beside(self, one: _NameHit, other: _NameHit) -> bool:
        """Two parts of one person's name with nothing but a separator between them."""
        first, second = (one, other) if one.start < other.start else (other, one)
        same_word = self.folded[one.start : one.end] == self.folded[other.start : other.end]
        gap = self.folded[first.end : second.start]
        return bool(one.owners & other.owners) and not same_word and bool(_APART.fullmatch(gap))

    def _capital_name(self, hit: _NameHit) -> bool:
        """A capital inside a sentence, or at its start before a verb, or a title before it."""
        before = self.text[max(0, hit.start - 14) : hit.start]
        if _TITLE.search(before):
            return True
        word = self.text[hit.start : hit.end]
        if self.shouting or not word[0].isupper() or (word.isupper() and len(word) == 2):  # noqa: PLR2004 - a number of the rule itself
            return False
        stripped = before.rstrip(" \t\"'(")
        inside = bool(stripped) and stripped[-1] not in ".!?\n:;-*>]"
        return inside or bool(_VERB.match(self.text, hit.end))

    def _joined(self) -> list[_NameHit]:
        """Names cut in two or three ("Smi-" "th", "Mc Donald") or with a hyphen left out."""
        found: list[_NameHit] = []
        tables = (self.index.parts, self.index.compounds)
        for number, token in enumerate(self.tokens):
            word = token.word
            for later in self.tokens[number + 1 : number + 4]:
                if (
                    not _JOIN.fullmatch(self.folded[self.tokens[number].end : later.start][:6])
                    and later is self.tokens[number + 1]
                ):
                    break
                word += later.word
                owners = next((t[word] for t in tables if word in t), None)
                pieces = self.tokens[number : self.tokens.index(later, number) + 1]
                if (
                    owners
                    and len(word) >= 4  # noqa: PLR2004 - a number of the rule itself
                    and word not in common_words()
                    and not self._ordinary(pieces)
                ):
                    found.append(_NameHit(token.start, later.end, set(owners)))
        return found

    def _ordinary(self, pieces: list[Token]) -> bool:
        """True when every piece is an ordinary word in lower case: "how long will" names nobody."""
        return not self.quiet and all(
            p.word in common_words() and self.text[p.start].islower() for p in pieces
        )

    def _spaced(self) -> list[_NameHit]:
        """Names with their letters apart: "J o h n", "S-m-i-t-h"."""
        found: list[_NameHit] = []
        names = [
            (n, o)
            for t in (self.index.parts, self.index.compounds)
            for n, o in t.items()
            if len(n) > 2  # noqa: PLR2004 - a number of the rule itself
        ]
        for run in _SPACED.finditer(self.folded):
            if sum(map(str.isalpha, run[0])) < 3:  # noqa: PLR2004 - a number of the rule itself
                continue
            places = [i for i in range(run.start(), run.end()) if self.folded[i].isalnum()]
            letters = "".join(self.folded[i] for i in places)
            for name, owners in names:
                for at in (m.start() for m in regex.finditer(regex.escape(name), letters)):
                    found.append(_NameHit(places[at], places[at + len(name) - 1] + 1, set(owners)))  # noqa: PERF401 - three nested loops read better
        return found

    def _groups(self, hits: list[_NameHit]) -> list[Hit]:
        """Join parts of one name, take initials with them, and decide whose it is."""
        hits = sorted(hits, key=lambda h: (h.start, -h.end))
        groups: list[list[_NameHit]] = []
        for hit in hits:
            last = groups[-1][-1] if groups else None
            end = max((h.end for h in groups[-1]), default=0) if groups else 0
            if last and (
                hit.start < end
                or (
                    set.intersection(*(h.owners for h in groups[-1]), hit.owners)
                    and _APART.fullmatch(self.folded[end : hit.start])
                )
            ):
                groups[-1].append(hit)
            else:
                groups.append([hit])
        return [self._group(group) for group in groups]

    def _group(self, group: list[_NameHit]) -> Hit:
        """One hit for a group: the owner of most parts, the patient first."""
        votes: dict[Owner, int] = {}
        for hit in group:
            for owner in hit.owners:
                votes[owner] = votes.get(owner, 0) + 1
        role, identity = min(votes, key=lambda o: (-votes[o], _ROLE_ORDER.index(o[0]), o[1]))
        start, end = group[0].start, max(hit.end for hit in group)
        return Hit(
            *self._with_initials(start, end, self.index.initials.get(identity, set())),
            role,
            identity,
        )

    def _with_initials(self, start: int, end: int, initials: set[str]) -> tuple[int, int]:
        """Stretch a name over initials of the same person on either side."""
        letters = "".join(sorted(map(regex.escape, initials)))
        if not letters:
            return start, end
        before = regex.search(
            rf"(?<![\p{{L}}\d'])(?:[{letters}]\.?[\s\-]*){{1,3}}$",
            self.folded[max(0, start - 12) : start],
        )
        if before and (
            before[0].strip() not in {"a", "i", "y", "e", "o"}
            or self.text[start - len(before[0])].isupper()
        ):
            start -= len(before[0])
        after = regex.match(
            rf"(?:,?\s+[{letters}](?:\.(?!\p{{L}})|(?![\p{{L}}\d'.]))){{1,2}}",
            self.folded[end : end + 10],
        )
        if after and after[0].strip(" ,.") not in {"a", "i", "y", "e", "o"}:
            end += len(after[0])
        return start, end

    def _towns(self) -> list[Hit]:
        """Towns of one word and telling words of organisations."""
        found: list[Hit] = []
        for token in self.tokens:
            hit = _NameHit(token.start, token.end, set())
            owner = self.index.towns.get(token.word)
            if owner is None and len(token.word) >= MIN_TYPO and token.word not in common_words():
                owner = next(
                    (self.index.towns[p] for p in self._typos(token.word) if p in self.index.towns),
                    None,
                )
            if owner and (token.word not in common_words() or self._capital_name(hit)):
                found.append(Hit(token.start, token.end, *owner))
            telling = self.index.org_words.get(token.word)
            if telling and (
                self._capital_name(hit) or self.shouting or self.text[token.start].isupper()
            ):
                found.append(Hit(token.start, token.end, *telling))
        return found


def _readings(word: str) -> tuple[str, ...]:
    """A word, without digits around it, and with digits read as letters ("R0bert5")."""
    if word.isalpha() or word.isdigit():
        return (word,)
    bare = word.strip("0123456789")
    return (word, bare, word.translate(_LEET), bare.translate(_LEET))


def _one_edit(word: str, part: str) -> bool:
    """True when the two differ by one letter put in, left out, changed, or two swapped."""
    if abs(len(word) - len(part)) > 1:
        return False
    i = 0
    while i < min(len(word), len(part)) and word[i] == part[i]:
        i += 1
    if len(word) == len(part):
        swapped = word[i + 2 :] == part[i + 2 :] and word[i : i + 2] == part[i : i + 2][::-1]
        return word[i + 1 :] == part[i + 1 :] or swapped
    longer, shorter = (word, part) if len(word) > len(part) else (part, word)
    return longer[i + 1 :] == shorter[i:]
