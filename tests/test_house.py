"""The house rules, checked: who may import whom, and how long things may be."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from flask import Flask

from accounts import permissions

ROOT = Path(__file__).parents[1]
LAYERS = [  # each name may import only itself and the names before it
    "core", "integrations", "accounts", "ambassadors", "campaigns", "referrals",
    "rewards", "community", "reports", "webhooks", "demo", "app",
]  # fmt: skip
DOORS = re.compile(r"(portal|console|public|api|jobs|cli)(_\w+)?\Z")
FILES = [
    p for name in LAYERS for p in [ROOT / f"{name}.py", *ROOT.glob(f"{name}/**/*.py")] if p.exists()
]
MODULES = {".".join(p.relative_to(ROOT).with_suffix("").parts) for p in FILES}


def imported(path: Path) -> set[str]:
    """Return the modules of the house that a file imports, wherever the import stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{a.name}" for a in node.names}
    return found & MODULES


def shelf(module: str) -> int:
    """Return how high a module stands in its room: models, verbs, forms, doors."""
    name = module.rpartition(".")[2]
    if name == "models":
        return 0
    if "forms" in name:
        return 2
    return 3 if DOORS.match(name) else 1


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


@pytest.mark.parametrize("path", FILES, ids=names(FILES))
def test_imports_point_down_the_rooms(path: Path) -> None:
    home = path.relative_to(ROOT).parts[0].removesuffix(".py")
    below = set(LAYERS[: LAYERS.index(home) + 1])
    assert {name.split(".")[0] for name in imported(path)} <= below


@pytest.mark.parametrize("path", FILES, ids=names(FILES))
def test_inside_a_room_models_come_before_verbs_before_forms_before_doors(path: Path) -> None:
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    room = module.split(".")[0]
    if room in {"core", "integrations"} or "." not in module:
        return  # libraries: every file stands for itself
    mates = {name for name in imported(path) if name.startswith(f"{room}.") and name != module}
    assert {name for name in mates if shelf(name) > shelf(module)} == set()


@pytest.mark.parametrize("path", FILES, ids=names(FILES))
def test_models_import_only_models_and_core(path: Path) -> None:
    if path.stem == "models":
        foreign = {n for n in imported(path) if not n.startswith("core.") and ".models" not in n}
        assert {n for n in foreign if "." in n} == set()


@pytest.mark.parametrize("path", FILES, ids=names(FILES))
def test_files_and_functions_stay_short(path: Path) -> None:
    source = path.read_text()
    assert source.count("\n") <= 450
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60, node.name


def test_packages_have_empty_init_files() -> None:
    assert [p for p in FILES if p.name == "__init__.py" and p.read_text().strip()] == []


def test_core_knows_no_domain_words() -> None:
    words = {"ambassador", "referral", "commission", "payout"}
    for path in ROOT.glob("core/*.py"):
        code = ast.unparse(ast.parse(path.read_text())).lower()
        assert not words & set(re.findall(r"[a-z]+", code)), path


def test_only_one_file_speaks_to_each_outside_service() -> None:
    vendors = {"stripe", "sendgrid"}
    speakers = {
        (vendor, str(path.relative_to(ROOT)))
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for vendor in vendors
        if vendor
        in {(getattr(node, "module", None) or "").split(".")[0]}
        | {alias.name.split(".")[0] for alias in node.names if isinstance(node, ast.Import)}
    }
    assert all(where.startswith("integrations/") for _, where in speakers), speakers


def test_every_route_declares_who_may_pass(app: Flask) -> None:
    open_to_all_by_mistake = [
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if permissions.policy_of(app, rule.endpoint) is None
    ]
    assert open_to_all_by_mistake == []
