"""Settings of logging in."""

from __future__ import annotations

from pydantic import Field, model_validator

from geodes_datalab.settings.base import Filled, Model, Secret, Text, Url, spelled
from geodes_datalab.settings.kinds import OIDC, SHARED, find

_NAME = r"^[a-z][a-z0-9._-]{0,31}$"
_UNSEEN = r"\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
_KUBERNETES_NAME = rf"^[^/\\{{}}{_UNSEEN}]{{1,128}}\Z"

FOLDER_RULE = (
    "A name is 1 to 32 small letters without accents, digits, dots, dashes or underscores, "
    "a letter first."
)
"""What names are where they become folders."""

POD_RULE = "A name has up to 128 characters, none of them a slash, a backslash or a brace."
"""What names are on Kubernetes."""

PATTERN_RULE = "The pattern of this site's names is "
"""What names are by a site's own pattern, which follows."""


class Oidc(Model):
    """The site's identity provider (OpenID Connect), for `auth.type` oidc."""

    login_service: str = ""
    """Shown on the button."""
    authorize_url: Url = ""
    """Its address for logins."""
    token_url: Url = ""
    """Its address for tokens."""
    userdata_url: Url = ""
    """Its address for facts about the user."""
    client_id: str = ""
    """Name of the datalab there."""
    client_secret: Filled[Secret | None] = None
    """Secret of the datalab there."""
    callback_url: Url = ""
    """Where it sends users back; by default the hub's own address for that."""
    scopes: tuple[Text, ...] = ("openid", "profile", "email")
    """What it is asked for; some name groups only for a scope ``groups``."""
    username_claim: Text = "preferred_username"
    """The claim that names the user: stable and unique (``sub`` always is)."""
    groups_claim: str = "groups"
    """The claim that lists the user's groups; ``a.b`` looks inside. Empty is no groups."""
    allowed_groups: tuple[Text, ...] = ()
    """Groups whose members may log in, besides the names in `auth.users` and `auth.admins`."""
    admin_groups: tuple[Text, ...] = ()
    """Groups whose members are administrators."""

    @model_validator(mode="after")
    def _groups_need_a_claim(self) -> Oidc:
        if not self.groups_claim and (self.allowed_groups or self.admin_groups):
            raise ValueError("allowedGroups and adminGroups need groupsClaim")
        return self

    def missing(self) -> list[str]:
        """Return what the identity provider's description lacks."""
        needed = ("authorize_url", "token_url", "userdata_url", "client_id", "client_secret")
        return [spelled(name) for name in needed if not getattr(self, name)]


class Auth(Model):
    """Who may log in: nobody but those who are named, unless the door is opened on purpose."""

    type: str = Field(
        default=SHARED, pattern=r"^[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z_][A-Za-z0-9_]*)*$"
    )
    """`shared-password`: one password for everybody, for trials. `oidc`: the site's identity provider.
    Others, set by `hub.config`: `github`, `gitlab`, `google`, `azuread`, `globus`, `cilogon`,
    `openshift`, `bitbucket`, `auth0`, `mediawiki`, `generic-oauth`, `ldap`, `lti`; or the dotted class
    of an authenticator of yours."""
    admins: tuple[Text, ...] = ()
    """Names of administrators, who may log in too."""
    users: tuple[Text, ...] = ()
    """Names that may log in, and nobody else. None: everybody who knows the shared password; else the
    members of the groups, organizations and so on that are named."""
    allow_all: bool = False
    """Everybody who has an account may log in; only where the site itself gives the accounts out (`oidc`,
    `generic-oauth`, `ldap`, `lti`)."""
    username_pattern: str = ""
    """Regular expression of user names; empty: anything but slashes, backslashes, braces and what cannot
    be seen, up to 128 characters (local mode, where names become folders: `[a-z][a-z0-9._-]*` up to 32)."""
    oidc: Oidc = Oidc()
    password: Filled[Secret | None] = None
    """shared-password: of users (at least 8 characters)."""
    admin_password: Filled[Secret | None] = None
    """shared-password: of administrators (at least 32 characters)."""

    @model_validator(mode="after")
    def _complete(self) -> Auth:
        kind = find(self.type)
        if self.type == OIDC and (missing := self.oidc.missing()):
            raise ValueError(
                f"type is oidc: auth.oidc lacks {', '.join(missing)}, as the identity provider tells"
            )
        if self.allow_all and not kind.site:
            raise ValueError(
                f"allowAll would let every account of {self.type} in: name who may log in (users, "
                "admins, or the provider's groups or organizations in hub.config)"
            )
        groups = self.oidc.allowed_groups if self.type == OIDC else ()
        listed = "users" if self.users else "oidc.allowedGroups" if groups else ""
        if self.allow_all and listed:
            raise ValueError(f"allowAll and {listed} exclude each other: leave one of them out")
        return self

    @property
    def open(self) -> bool:
        """Whether nobody needs to be named."""
        return self.allow_all or (self.type == SHARED and not self.users)

    def pattern(self, *, kubernetes: bool) -> str:
        """Return what a user name looks like, as a regular expression."""
        return self.username_pattern or (_KUBERNETES_NAME if kubernetes else _NAME)

    def rule(self, *, kubernetes: bool) -> str:
        """Return what a user name looks like, in words."""
        if self.username_pattern:
            return PATTERN_RULE + self.username_pattern
        return POD_RULE if kubernetes else FOLDER_RULE
