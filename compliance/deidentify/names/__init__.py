"""The name-and-place model: finds the names that no cue, list or record announces.

Nothing of it runs by default yet: it has to be trained first (``CARD.md`` says whether it was).

- ``generate`` makes texts with the spans of their names and places, from ``templates`` and
  ``lexicons``; a document is decided by the seed and its number alone.
- ``train`` fine-tunes MiniLM as a token classifier on them and writes ``names.onnx`` (int8) with
  ``names.json``. ``evaluate`` scores it on templates and names that training never saw.
- ``model`` runs it on onnxruntime and tokenizers, without torch;
  ``recognizers.learned_names`` is its face towards Presidio.

Train and measure:

    infra/train.sh compliance.deidentify.names.train --documents 50000 --epochs 2
    python -m compliance.deidentify.names.evaluate

Example:
    >>> from compliance.deidentify.names.generate import document
    >>> one = document(7, 0)
    >>> all(one.text[start:end] for start, end, _ in one.spans)
    True
"""
