from __future__ import annotations

import socket
from pathlib import Path

import pytest
from support.web_proxy import WebProxy

from geodes_datalab.local import doctor, ports
from geodes_datalab.local.layout import Layout
from geodes_datalab.standin import Catalogue, serve


def verdicts(findings: list[doctor.Finding]) -> dict[str, str]:
    return {finding.subject: finding.verdict for finding in findings}


def test_every_bad_finding_says_what_to_do(place: Layout) -> None:
    findings = doctor.examine(place, offline=True)
    assert {"ports", "disk", "memory", "web proxy", "node", "jupyterhub", "GEODES key"} <= {
        finding.subject for finding in findings
    }
    for finding in findings:
        assert finding.verdict in doctor.COLOURS
        assert finding.verdict == "ok" or finding.advice, finding


def test_taken_ports_are_named(place: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((ports.HOST, 0)) as taken:
        first = taken.getsockname()[1]
        monkeypatch.setattr(ports, "block", lambda _: ports.Ports(*range(first, first + 10)))
        finding = doctor.check_ports(place)
    assert finding.verdict == "warn"
    assert f"{first} (process " in finding.found


def test_an_open_state_folder_is_told(place: Layout) -> None:
    place.root.chmod(0o755)
    finding = doctor.check_folder(place)
    assert finding.verdict == "warn"
    assert "chmod 700" in finding.advice


def test_a_web_proxy_without_exemption_is_told(
    monkeypatch: pytest.MonkeyPatch, closed_port: int
) -> None:
    assert doctor.check_proxies().verdict == "ok"
    with WebProxy() as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        one_that_answers(monkeypatch)
    monkeypatch.setenv("https_proxy", f"http://ada:word@127.0.0.1:{closed_port}")
    finding = doctor.check_proxies()
    assert finding.verdict == "fail"
    assert f"the web proxy http://127.0.0.1:{closed_port} does not answer" in finding.found
    assert "word" not in finding.found


def test_a_cache_that_cannot_be_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.check_cache().verdict == "ok"
    (tmp_path / "file").touch()
    monkeypatch.setenv("GEODES_CACHE_DIR", str(tmp_path / "file" / "cache"))
    finding = doctor.check_cache()
    assert finding.verdict == "fail"
    assert "GEODES_CACHE_DIR" in finding.advice


def one_that_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    finding = doctor.check_proxies()
    assert finding.verdict == "warn"
    assert "NO_PROXY=127.0.0.1,localhost" in finding.advice
    for exempt in ("localhost, 127.0.0.1", "*", "localhost 127.0.0.0/8"):
        monkeypatch.setenv("NO_PROXY", exempt)
        assert doctor.check_proxies().verdict == "ok", exempt


def test_the_keys_place_is_told_and_not_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.check_key().verdict == "warn"
    monkeypatch.setenv("GEODES_API_KEY", "very-secret")
    finding = doctor.check_key()
    assert finding.verdict == "ok"
    assert finding.found == "from GEODES_API_KEY"


def test_a_missing_package_is_a_failure() -> None:
    assert doctor.check_package("no-such-package").verdict == "fail"


def test_an_unreachable_geodes_is_told(closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEODES_PORTAL", f"http://127.0.0.1:{closed_port}")
    finding = doctor.check_geodes()
    assert finding.verdict == "warn"
    assert "sample catalogue" in finding.advice


def test_a_reachable_geodes_is_asked_for_the_quota(
    samples_catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(samples_catalogue) as geodes:
        monkeypatch.setenv("GEODES_PORTAL", geodes.url)
        assert doctor.check_geodes().verdict == "ok"
        monkeypatch.setenv("GEODES_API_KEY", geodes.api_key)
        finding = doctor.check_geodes()
        assert finding.verdict == "ok"
        assert "quota: " in finding.found
        monkeypatch.setenv("GEODES_API_KEY", "wrong")
        finding = doctor.check_geodes()
        assert finding.verdict == "fail"
        assert finding.advice


def test_little_room_is_told(place: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "DISK", {"fail": 10**18, "warn": 10**19})
    assert doctor.check_disk(Layout(Path(place.root, "not", "there"))).verdict == "fail"
