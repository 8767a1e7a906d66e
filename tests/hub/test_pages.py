"""The hub's pages: every word in both languages, the way in told, the reader's language chosen."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import sys
from html import escape, unescape
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader
from jupyterhub.handlers import BaseHandler
from tornado.web import HTTPError
from traitlets.config import Config

from geodes_datalab.hub import apply, languages, load, messages, pages, problems, troubles
from geodes_datalab.hub.spawn.kubernetes import failures
from geodes_datalab.hub.spawn.kubernetes.spawner import SpawnFailure
from geodes_datalab.hub.steps.pages import TEMPLATES

THEIRS = Path(sys.prefix) / "share/jupyterhub/templates"
FRENCH = languages.catalogue("fr")


def environment(**options: Any) -> Environment:
    """Return Jinja as the hub makes it of our configuration."""
    loader = ChoiceLoader(
        [
            PrefixLoader({"templates": FileSystemLoader(THEIRS)}, "/"),
            FileSystemLoader([TEMPLATES, THEIRS]),
        ]
    )
    return Environment(loader=loader, autoescape=True, extensions=[pages.EXTENSION], **options)


def authenticator(kind: str = "any", **more: Any) -> Any:
    name = "SomeAuthenticator" if kind == "account" else "SharedPasswordAuthenticator"
    made = type(name, (), {"allow_all": kind == "any", "request_otp": False, **more})()
    made.name_rule = messages.FOLDER_RULE
    return made


def handler(accepted: str | None = None, said: pages.Pages | None = None, **more: Any) -> Any:
    headers = {} if accepted is None else {"Accept-Language": accepted}
    settings = {} if said is None else {pages.SETTING: said}
    request = SimpleNamespace(headers=headers)
    return SimpleNamespace(
        request=request, settings=settings, authenticator=authenticator(**more), **more
    )


def page(name: str, accepted: str = "en", *, asked: Any = None, **variables: Any) -> str:
    """Render a page as a browser of that language gets it."""
    asked = asked or handler(accepted)
    told = {
        "static_url": lambda *_, **__: "",
        "base_url": "/hub/",
        "parsed_scopes": {},
        "authenticator": asked.authenticator,
        "named_server_limit_per_user": 0,
        "default_server": SimpleNamespace(active=False, pending=None),
    }
    known = pages.Pages(own_machine=True) if not asked.settings else asked.settings[pages.SETTING]
    return environment().get_template(name).render(known.variables(asked) | told | variables)


class Words(HTMLParser):
    """What a page says: text that is shown, and what screen readers say."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self._silent = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style", "code"):
            self._silent = tag
        told = dict(attrs)
        shown = [told.get(name) for name in ("aria-label", "title", "placeholder", "alt")]
        if tag == "input" and told.get("type") == "submit":
            shown.append(told.get("value"))
        self.said += [text for text in shown if text]

    def handle_endtag(self, tag: str) -> None:
        if tag == self._silent:
            self._silent = ""

    def handle_data(self, data: str) -> None:
        if data.strip() and not self._silent:
            self.said.append(" ".join(data.split()))


@pytest.mark.parametrize(
    ("accepted", "site", "chosen"),
    [
        ("fr-FR,fr;q=0.9,en;q=0.8", "en", "fr"),
        ("en-GB", "fr", "en"),
        ("en;q=0.2, fr;q=0.7", "en", "fr"),
        ("de-DE,de;q=0.9", "fr", "fr"),
        ("de", "en", "en"),
        ("", "fr", "fr"),
        ("fr;q=0, en;q=0.1", "fr", "en"),
        ("fr;q=much, en", "fr", "en"),
        ("FR", "en", "fr"),
    ],
)
def test_the_browser_s_language_or_else_the_site_s(accepted: str, site: str, chosen: str) -> None:
    assert languages.chosen(accepted, site) == chosen


def test_an_empty_text_is_no_header() -> None:
    assert FRENCH.gettext("") == ""


@pytest.mark.parametrize("theirs", pages.OUTSIDE_OF_BLOCKS)
def test_jupyterhub_s_page_still_has_the_words_that_are_replaced(theirs: str) -> None:
    assert theirs in (THEIRS / "page.html").read_text()


STARTING: dict[str, Any] = {
    "progress_url": "/hub/api/users/ada/server/progress",
    "user": SimpleNamespace(
        name="ada", escaped_name="ada%20l", spawner=SimpleNamespace(options_form="")
    ),
    "spawner": SimpleNamespace(name=""),
}
SHOWN: dict[str, dict[str, Any]] = {
    "login.html": {"login_error": "Invalid username or password", "login_term_url": "/terms"},
    "home.html": {
        "user": SimpleNamespace(name="ada", all_spawners=lambda include_default: iter(())),
        "default_server": SimpleNamespace(active=True, pending=None),
        "allow_named_servers": True,
        "named_server_limit_per_user": 2,
        "parsed_scopes": {"admin-ui": None},
        "no_spawner_check": True,
    },
    "spawn.html": {"error_message": "HTTP 429"},
    "spawn_pending.html": STARTING,
    "not_running.html": {"failed": True, "spawn_url": "/hub/spawn/ada"},
    "stop_pending.html": {},
    "token.html": {
        "token_expires_in_options_html": "<option>1 Hour</option><option>Never</option>",
        "api_tokens": [SimpleNamespace(api_id="1", note="ada", scopes=["self"])],
        "oauth_clients": [{"token_id": "2", "description": "ada", "tokens": []}],
    },
    "logout.html": {},
    "error.html": {"status_code": 403, "status_message": "Forbidden", "message": "Forbidden"},
    "404.html": {"status_code": 404, "status_message": "", "message": ""},
}
NAMES = {
    "self",
    "Application",
    "OK",
    "The error",
    "GEODES datalab",
    "ada",
    "Actions",
    "Services",
    "(403)",
    "(404)",
    "·",
    ";",
    ".",
}
"""What is the same in both languages; "The error" stands hidden where JupyterHub's dialog puts its own."""


@pytest.mark.parametrize("name", SHOWN)
def test_no_word_of_a_page_is_left_in_english(name: str) -> None:
    variables = SHOWN[name] | {"user": SHOWN["home.html"]["user"] if name == "home.html" else None}
    user = variables["user"]
    if user is not None:
        user.json_escaped_name = '"ada"'
    english = set(Words(page(name, "en", **variables)).said)
    french = set(Words(page(name, "fr", **variables)).said)
    assert len(french) > 3
    left = (english & french) - NAMES
    assert not left
    assert '<html lang="fr">' in page(name, "fr", **variables)
    assert '<html lang="en">' in page(name, "en", **variables)


def test_every_page_of_ours_is_looked_at() -> None:
    parts = {"page.html", "named_servers.html"}
    assert {path.name for path in TEMPLATES.glob("*.html")} - parts == set(SHOWN)


def test_what_jupyterhub_s_script_of_tokens_looks_for_is_there() -> None:
    names = re.compile(r'\b(?:id|class|data-[\w-]+)="([^"{]+)')
    theirs = set(names.findall((THEIRS / "token.html").read_text()))
    assert {"request-token-form", "token-result"} <= theirs
    assert theirs <= set(names.findall(page("token.html", "fr", **SHOWN["token.html"])))


ADA = SimpleNamespace(
    name="ada", json_escaped_name='"ada"', spawner=SimpleNamespace(options_form="")
)


def test_the_frame_of_the_admin_page_is_french() -> None:
    text = page("admin.html", "fr", parsed_scopes={"admin-ui": None}, user=ADA)
    assert "react-admin-hook" in text
    assert "Accueil" in Words(text).said


REFUSED = failures.of_pod(
    {
        "status": {
            "phase": "Pending",
            "containerStatuses": [
                {
                    "image": "mine:1",
                    "state": {"waiting": {"reason": "ErrImagePull", "message": "x not found"}},
                }
            ],
        }
    }
)


def test_a_start_that_failed_is_told_in_french() -> None:
    told = SpawnFailure(REFUSED.message, advice=REFUSED.advice, reason="image", status=500)
    html = {"failed": True, "failed_html_message": told.jupyterhub_html_message}
    plain = {"failed": True, "failed_message": told.jupyterhub_message}
    for variables in (html, plain):
        text = " ".join(" ".join(Words(page("not_running.html", "fr", **variables)).said).split())
        assert "L'image mine:1 n'est pas utilisable : elle n'existe pas." in text
        assert "montrez ce message à un administrateur" in text
        assert "(Kubernetes dit : x not found)" in text
        english = " ".join(Words(page("not_running.html", "en", **variables)).said)
        assert "The image mine:1 cannot be used: it does not exist." in english


@pytest.mark.parametrize("kind", problems.WORDS)
def test_no_word_of_a_failure_is_left_in_english(kind: str) -> None:
    word = problems.WORDS[kind]
    values = {"what": "W", "why": troubles.PULL_FAILURES[0], "code": 1}
    said = escape(f"{word.message.format(**values)} {word.advice}")
    left = unescape(problems.retold(said, problems.pairs(FRENCH.gettext, html=True)))
    assert not re.search(r"\b(the|your|you|of|to|is|it|Try|Ask|again)\b", left), left


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
@pytest.mark.parametrize(
    ("server", "address"),
    [("", "/hub/spawn/ada%20l"), ("two ä", "/hub/spawn/ada%20l/two%20%C3%A4")],
)
def test_a_failed_start_is_tried_again_where_it_was(server: str, address: str) -> None:
    text = page("spawn_pending.html", **STARTING | {"spawner": SimpleNamespace(name=server)})
    assert f'href="{address}"' in text


def test_the_page_of_a_start_says_the_same() -> None:
    """The browser's own code, which puts sentences of the progress into French."""
    text = page("spawn_pending.html", "fr", **STARTING)
    code = text[text.index("const sentences") : text.index("const part =")]
    told = SpawnFailure(REFUSED.message, advice=REFUSED.advice, reason="image", status=500)
    kinds = {"plain": told.jupyterhub_message, "html": told.jupyterhub_html_message}
    for kind, said in kinds.items():
        script = f"{code} process.stdout.write(retold({json.dumps(said)}, '{kind}'));"
        done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
        known = problems.pairs(FRENCH.gettext, html=kind == "html")
        assert done.stdout == problems.retold(said, known)
        assert "elle n'existe pas." in unescape(done.stdout)


@pytest.mark.parametrize(
    ("kind", "own_machine", "said"),
    [
        ("any", True, ["Any name of your choice", "geodes-datalab up", "A name is 1 to 32"]),
        ("any", False, ["Any name of your choice", "The one that you were given"]),
        ("given", True, ["The name that you were given", "geodes-datalab up"]),
        ("account", False, ["The name of your account.", "The password of your account."]),
    ],
)
def test_the_log_in_says_which_name_and_which_password(
    kind: str, own_machine: bool, said: list[str]
) -> None:
    asked = handler("en", pages.Pages(own_machine=own_machine), kind=kind)
    text = page("login.html", asked=asked)
    assert "GEODES datalab</h1>" in text
    for words in said:
        assert words in text
    assert ("A name is 1 to 32" in text) is (kind != "account")


def test_a_provider_is_named_and_escaped() -> None:
    text = page("login.html", "fr", login_service="<b>CNES</b>")
    assert "Se connecter avec &lt;b&gt;CNES&lt;/b&gt;" in text
    assert "<b>CNES" not in text


def test_a_site_names_its_product(values: dict[str, Any]) -> None:
    text = page("login.html", datalab_title="My <lab>")
    assert "<h1>My &lt;lab&gt;</h1>" in text
    assert "GEODES datalab" not in text


def test_a_page_that_is_busy_or_stops_comes_back() -> None:
    stopping = SimpleNamespace(active=True, pending="stop")
    text = page("home.html", "fr", default_server=stopping)
    assert "s'arrête" in " ".join(Words(text).said)
    assert 'id="start"' not in text
    assert "reload" in text


def test_variables_reach_every_page_of_the_hub_and_the_site_s_go_over_them() -> None:
    pages.install()
    pages.install()
    namespace = BaseHandler.template_namespace
    assert isinstance(namespace, property)
    asked = handler("fr")
    more = {"datalab_title": "Ours"}
    asked.__dict__.update(
        current_user=None,
        hub=SimpleNamespace(base_url="/hub/"),
        base_url="/",
        static_url=None,
        version_hash="",
        get_accessible_services=lambda user: [],
        parsed_scopes={},
        expanded_scopes=set(),
        xsrf_token=b"x",
        settings={"login_url": "", "logout_url": "", "template_vars": more},
    )
    asked.authenticator.login_service = ""
    told = namespace.__get__(asked)
    assert told["gettext"]("Sign in") == "Se connecter"
    assert told["datalab_title"] == "Ours"
    assert told["base_url"] == "/hub/"


def test_what_pages_need_stays_whatever_a_site_sets(values: dict[str, Any]) -> None:
    values["singleuser"]["language"] = "fr"
    values["hub"]["config"] = {
        "JupyterHub": {
            "jinja_environment_options": {"trim_blocks": True, "extensions": ["jinja2.ext.do"]},
            "tornado_settings": {"slow_spawn_timeout": 3},
            "logo_file": "/srv/logo.png",
        }
    }
    c = Config()
    for _ in range(2):  # applied twice gives the same
        apply(load(values), c)
    assert c.JupyterHub.jinja_environment_options == {
        "trim_blocks": True,
        "extensions": ["jinja2.ext.do", pages.EXTENSION],
    }
    assert c.JupyterHub.tornado_settings["slow_spawn_timeout"] == 3
    assert c.JupyterHub.tornado_settings[pages.SETTING] == pages.Pages("fr", True, True)


@pytest.fixture
def shared(values: dict[str, Any]) -> Any:
    values["auth"]["users"] = ["ada"]
    c = Config()
    apply(load(values), c)
    return c.JupyterHub.authenticator_class(config=c)


@pytest.mark.parametrize("password", ["user-password", "wrong"])
@pytest.mark.parametrize("name", ["élève 1", "Jean Dupont", "1ada", "a" * 33, "a/b", ""])
def test_a_name_that_cannot_be_one_is_answered_with_the_rule(
    shared: Any, name: str, password: str
) -> None:
    data = {"username": name, "password": password}
    for accepted, said in (("en", messages.FOLDER_RULE), ("fr", "minuscules sans accent")):
        with pytest.raises(HTTPError) as refused:
            asyncio.run(shared.get_authenticated_user(handler(accepted), data))
        assert refused.value.status_code == 403
        assert said in refused.value.get_message()


@pytest.mark.parametrize("name", ["ada", "eve"])
def test_who_has_a_name_here_is_told_to_nobody(shared: Any, name: str) -> None:
    """A name of the right shape is refused without a word on whether there is such a person."""
    data = {"username": name, "password": "wrong"}
    assert asyncio.run(shared.get_authenticated_user(handler("en"), data)) is None


def test_a_right_name_comes_in(shared: Any) -> None:
    data = {"username": "Ada", "password": "user-password"}
    told = asyncio.run(shared.get_authenticated_user(handler("en"), data))
    assert told["name"] == "ada"
