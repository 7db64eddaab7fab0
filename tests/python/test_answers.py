"""Answers in Python are the documents and texts that the command line prints."""

import json
from pathlib import Path

import pytest
from conftest import ROOT, replay

import obit

DOCKER = ROOT / "fixtures/cases/docker-hybrid/case"


def test_verification_is_the_command_s(path: Path) -> None:
    expected = json.loads(replay("verify", path, "--format", "json", codes=(0, 1, 2)))
    verification = obit.open(path).verify()
    assert dict(verification) == expected
    assert verification.holds == (expected["answer"] == "holds")
    # One fixture was recorded by older rules: its recorded rows may differ.
    if verification.verdict != "older_rules":
        for table, digests in verification.tables.items():
            assert digests.recorded_sha256 == digests.derived_sha256, table


def test_explanations_are_the_command_s(path: Path) -> None:
    case = obit.open(path)
    ids = {row["container_id"] for row in case.derive("container_exit", on_damage="ignore")}
    assert ids or path.parent.name in ("existing-before-start", "lost-and-resync")
    for container_id in sorted(ids):
        explanation = case.explain(container_id)
        assert str(explanation) == replay("explain", path, container_id, codes=(0, 2))
        assert dict(explanation) == json.loads(replay("explain", path, container_id, "--format", "json", codes=(0, 2)))
        assert explanation.container_id in explanation._repr_html_()


def test_a_story_in_a_notebook_escapes_the_texts_of_a_case() -> None:
    document = {
        "container_id": "<script>",
        "lives": [{"headline": "<b>", "story": [{"part": "&", "sentences": [{"at": None, "text": "<i>", "records": [1]}]}]}],
        "commands": ["sh -c '<'"],
    }
    text = obit.Explanation(json.dumps(document), "", "")._repr_html_()
    assert "<script>" not in text and "&lt;script&gt;" in text
    assert "<i>" not in text and "&lt;i&gt;" in text
    assert "sh -c &#x27;&lt;&#x27;" in text


def test_a_container_that_is_not_there_or_is_several() -> None:
    case = obit.open(DOCKER)
    with pytest.raises(obit.NoContainer, match="no-such-container"):
        case.explain("no-such-container")
    with pytest.raises(obit.Error):
        case.explain("\x1b[31m")


def test_inventory_and_triage_are_the_command_s() -> None:
    case = obit.open(DOCKER)
    assert dict(case.inventory()) == json.loads(replay("inventory", DOCKER, "--at", "end", "--format", "json"))
    assert dict(case.triage()) == json.loads(replay("triage", DOCKER, "--format", "json"))
    with pytest.raises(ValueError):
        case.inventory("1999-01-01T00:00:00Z")


def test_exports_are_the_command_s(tmp_path: Path) -> None:
    written = tmp_path / "rows"
    rows = obit.open(DOCKER).export("ecs", written)
    assert written.read_text() == replay("export", DOCKER, "--to", "ecs")
    assert rows == len(written.read_text().splitlines())
    # An export writes over nothing.
    with pytest.raises(obit.Error):
        obit.open(DOCKER).export("ecs", written)
    with pytest.raises(ValueError, match="no format is named"):
        obit.open(DOCKER).export("csv", tmp_path / "other")


def test_a_requirement_needs_what_it_is_checked_with() -> None:
    case = obit.open(DOCKER)
    with pytest.raises(ValueError, match="signers"):
        case.verify(require=["signed"])
    with pytest.raises(ValueError, match="anchor"):
        case.verify(require=["anchored"])
