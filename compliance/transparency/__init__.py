"""Transparency: a card for every model that ships, complete or there is no release.

Workflow. `fields.yaml` lists what a card has to say: the 31 source attributes of predictive
decision support (45 CFR 170.315(b)(11)(iv)(B)) and the headings of an applied model card in the
manner of the Coalition for Health AI. Each model has a YAML file in `cards/`; what all share
stands in `cards/_common.yaml`. A field is a text, or an explicit ``unknown`` with its reason where
the rule allows that. Figures are not copied: ``{{path.json:key/key}}`` reads them from the file
that training or evaluation wrote, so that a card cannot fall behind its model.
`check_cards` refuses a model without a card and a card that lacks a field; `card_html` shows one,
`card_markdown` writes it down for other systems.

Example:
    >>> from compliance.transparency import check_cards, load_cards
    >>> sorted(card.id for card in load_cards())
    ['embedded-language-model', 'matcher', 'minilm', 'names', 'reader']
    >>> check_cards()
    []
"""

from compliance.transparency.cards import Card, load_cards
from compliance.transparency.check import check_cards
from compliance.transparency.errors import CardError
from compliance.transparency.fields import Field, Section, sections
from compliance.transparency.markdown import card_markdown
from compliance.transparency.render import card_html

__all__ = [
    "Card",
    "CardError",
    "Field",
    "Section",
    "card_html",
    "card_markdown",
    "check_cards",
    "load_cards",
    "sections",
]
