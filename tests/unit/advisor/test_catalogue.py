"""The catalogue: real models, nothing guessed, every entry consistent with itself."""

from __future__ import annotations

import pytest
import yaml

from services.advisor.catalogue import FILE, Catalogue
from services.advisor.errors import AdvisorError, ModelUnknownError
from services.advisor.need import Tree
from services.engines.llama import file_digest
from services.engines.protocol import Authoring
from services.engines.settings import embedded_model

CATALOGUE = Catalogue.load()


def changed(tmp_path, change):
    """A copy of the catalogue with its first model changed."""
    raw = yaml.safe_load(FILE.read_text())
    change(raw["models"][0])
    path = tmp_path / "catalogue.yaml"
    path.write_text(yaml.safe_dump(raw))
    return path


def test_it_holds_general_and_medical_models_enough_to_choose_from():
    assert len(CATALOGUE.models) >= 25
    assert sum(m.domain == "medicine" for m in CATALOGUE.models) >= 10
    assert any("es" in m.languages for m in CATALOGUE.models)
    assert len({m.id for m in CATALOGUE.models}) == len(CATALOGUE.models)


def test_every_published_figure_names_its_source_and_a_day_before_the_review():
    figures = [e for m in CATALOGUE.models for e in m.evaluations]
    assert figures
    assert all(e.source.startswith("https://") and e.date <= CATALOGUE.reviewed for e in figures)


def test_no_model_is_let_author_that_was_not_measured_here():
    assert all(m.authoring is not Authoring.AUTHOR for m in CATALOGUE.models)
    small = [m for m in CATALOGUE.models if m.parameters < 0.9e9]
    assert small
    assert all(m.authoring is Authoring.NONE for m in small)


def test_the_embedded_model_is_the_file_that_ships():
    file = CATALOGUE.model("smollm2-135m-instruct").file()
    assert file.embedded
    assert file.digest == file_digest(embedded_model())
    assert file.size == embedded_model().stat().st_size


def test_a_file_with_a_digest_is_pinned_or_the_digest_would_not_last():
    loose = {
        f.name
        for m in CATALOGUE.models
        for f in m.files
        if f.digest and f.repository and f.revision == "main"
    }
    assert loose == {"gemma-2-2b-it-Q4_K_M.gguf", "gemma-2-9b-it-Q4_K_M.gguf"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: m.update(parameters=200_000_000), "parameters do not come out of the shape"),
        (lambda m: m["files"][0].update(size=9), "does not go with its form"),
        (lambda m: m["files"][0].update(name="../x.gguf"), "files.0.name"),
        (lambda m: m["files"][0].update(digest="md5:1"), "files.0.digest"),
        (lambda m: m.pop("licence"), "licence"),
        (lambda m: m.update(source="http://example.org"), "source"),
        (lambda m: m.update(rank=1), "rank"),
    ],
)
def test_an_entry_that_does_not_hold_together_is_named(tmp_path, change, said):
    with pytest.raises(AdvisorError, match="smollm2-135m-instruct") as raised:
        Catalogue.load(changed(tmp_path, change))
    assert said in raised.value.message


@pytest.mark.parametrize("text", ["", "models: [", "models: []", "- 1", "shapes: {}\nmodels: [{}]"])
def test_what_is_no_catalogue_is_refused_in_a_sentence(tmp_path, text):
    path = tmp_path / "catalogue.yaml"
    path.write_text(text)
    with pytest.raises(AdvisorError):
        Catalogue.load(path)


def test_an_unknown_name_is_answered_with_near_ones():
    with pytest.raises(ModelUnknownError) as raised:
        CATALOGUE.model("med42")
    assert "llama3-med42-8b" in raised.value.advice


def test_the_form_of_four_bits_is_taken_unless_another_is_named():
    model = CATALOGUE.model("llama3-med42-8b")
    assert model.file().form == "Q4_K_M"
    assert model.file("Q8_0").form == "Q8_0"
    with pytest.raises(ModelUnknownError, match="Q4_0"):
        model.file("Q4_0")


def test_a_model_without_a_known_file_says_how_to_make_one():
    with pytest.raises(ModelUnknownError) as raised:
        CATALOGUE.model("huatuogpt-o1-8b").file()
    assert "convert" in raised.value.advice


def test_the_address_of_a_file_is_that_of_its_revision():
    url = CATALOGUE.model("llama-3.2-3b-instruct").file().url
    assert url == (
        "https://huggingface.co/bartowski/Llama-3.2-3B-Instruct-GGUF/resolve/"
        "c346bfc2029e79ba6d7edf026cf01fe44242db0d/Llama-3.2-3B-Instruct-Q4_K_M.gguf"
    )


def test_without_an_embedder_every_need_is_a_matter_of_medicine():
    assert Tree().place("help with programming").path == ("all", "en", "medicine")
