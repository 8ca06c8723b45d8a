"""Questions about animals: knowledge for people answers them only where it speaks of animals."""

from __future__ import annotations

from services.bricks.words import stems

_ANIMALS = frozenset(
    """cow calf bull horse foal pony donkey goat sheep lamb pig piglet hog chicken hen duck goose
    turkey dog puppy doggy cat kitten kitty hamster rabbit bunny parrot parakeet budgie bird iguana
    lizard tortoise turtle snake ferret gerbil guinea fish hedgehog llama alpaca camel monkey pet
    animal livestock cattle poultry""".split()
)
_STEMS = frozenset(stem for animal in _ANIMALS for stem in stems(animal))
_FOOD = frozenset(stems("chicken turkey duck lamb fish goose eat soup meat"))
"""Animals that are mostly food, and words that make any of them food."""


def unmet(question: str, passage: str) -> bool:
    """Whether a question names an animal and the passage speaks of no animal."""
    said, held = set(stems(question)), set(stems(passage))
    asked = said & _STEMS
    if said & _FOOD:
        asked -= _FOOD
    return bool(asked) and not held & _STEMS
