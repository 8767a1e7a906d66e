"""Ways to log in: which there are, which may stand open, and what to do instead of the others.

A door is closed until somebody is named. Two kinds of accounts may open it to all: the one shared
password, which is for trials, and accounts that the site itself gives out, where the operator says
so. An account of GitHub or Google is anybody's.
"""

from __future__ import annotations

from dataclasses import dataclass

from geodes_datalab.errors import near


@dataclass(frozen=True)
class Kind:
    """One way to log in."""

    name: str
    """What operators write."""
    path: str
    """Its class."""
    site: bool = False
    """The site gives out the accounts, so that ``allow_all`` may open to all of them."""
    machine: bool = False
    """The accounts are those of the hub's own machine, so that a pod has none."""

    @property
    def class_name(self) -> str:
        """Name of its class, which is that of its section in a configuration."""
        return self.path.rpartition(".")[2]


SHARED, OIDC = "shared-password", "oidc"
_GENERIC = "oauthenticator.generic.GenericOAuthenticator"

KINDS = (
    Kind(SHARED, "jupyterhub.authenticators.shared.SharedPasswordAuthenticator"),
    Kind(OIDC, _GENERIC, site=True),
    Kind("generic-oauth", _GENERIC, site=True),
    Kind("github", "oauthenticator.github.GitHubOAuthenticator"),
    Kind("gitlab", "oauthenticator.gitlab.GitLabOAuthenticator"),
    Kind("google", "oauthenticator.google.GoogleOAuthenticator"),
    Kind("azuread", "oauthenticator.azuread.AzureAdOAuthenticator"),
    Kind("globus", "oauthenticator.globus.GlobusOAuthenticator"),
    Kind("cilogon", "oauthenticator.cilogon.CILogonOAuthenticator"),
    Kind("openshift", "oauthenticator.openshift.OpenShiftOAuthenticator"),
    Kind("bitbucket", "oauthenticator.bitbucket.BitbucketOAuthenticator"),
    Kind("auth0", "oauthenticator.auth0.Auth0OAuthenticator"),
    Kind("mediawiki", "oauthenticator.mediawiki.MWOAuthenticator"),
    Kind("ldap", "ldapauthenticator.ldapauthenticator.LDAPAuthenticator", site=True),
    Kind("lti", "ltiauthenticator.lti13.auth.LTI13Authenticator", site=True),
    Kind("lti11", "ltiauthenticator.lti11.auth.LTI11Authenticator", site=True),
    Kind("pam", "jupyterhub.auth.PAMAuthenticator", site=True, machine=True),
    Kind("null", "jupyterhub.auth.NullAuthenticator"),
)
"""Everything that is in the platform image and was tried with the doors closed."""

SAME = {
    "ldapauthenticator": "ldap",
    "ldapauthenticator.LDAPAuthenticator": "ldap",
    "ltiauthenticator.LTIAuthenticator": "lti11",
    "ltiauthenticator.lti13.LTI13Authenticator": "lti",
    "ltiauthenticator.lti11.LTI11Authenticator": "lti11",
    "lti13": "lti",
    "nullauthenticator.NullAuthenticator": "null",
    "jupyterhub.auth.LocalAuthenticator": "pam",
    "default": "pam",
}
"""Other spellings that documentation elsewhere uses."""

_OKTA = "use oidc: Okta's application has the addresses, and a claim of groups"
_TRIAL = "use shared-password: it asks for one password, and says that it is for trials"
_MISSING = (
    "it is not in the platform image ({}): use oidc or ldap; or build an image with it, and name a "
    "class of your own that is derived from it"
)
_NATIVE = _MISSING.format("a package that it needs has no wheel")
_FIRST = _MISSING.format(
    "whoever comes first takes a name, and its file of passwords needs a disk of its own"
)
_HMAC = _MISSING.format("its key would stand in clear in the hub's configuration")
LOCAL = "accounts of the hub's own machine do not fit here: leave local- out"

ELSEWHERE = {
    "okta": _OKTA,
    "oauthenticator.okta": _OKTA,
    "jupyterhub.authenticators.shared": f"write {SHARED}",
    "dummy": _TRIAL,
    "dummyauthenticator": _TRIAL,
    "jupyterhub.auth.DummyAuthenticator": _TRIAL,
    "tmp": _TRIAL,
    "tmpauthenticator": _TRIAL,
    "native": _NATIVE,
    "nativeauthenticator": _NATIVE,
    "firstuse": _FIRST,
    "firstuseauthenticator": _FIRST,
    "hmac": _HMAC,
    "hmacauthenticator": _HMAC,
}
"""Ways to log in that there are not: short name, module or class -> what to do."""

MACHINE = "the hub's pod has no accounts to log in with: use oidc or ldap"
"""Said about the accounts of the hub's own machine, on Kubernetes."""


def find(text: str) -> Kind:
    """Return the way to log in that a short name or the dotted name of a class stands for.

    Parameters
    ----------
    text
        As in ``github`` or ``oauthenticator.github.GitHubOAuthenticator``. Another class is taken as
        the site's own.

    Raises
    ------
    ValueError
        There is none; the message says what to do.

    Examples
    --------
    >>> find("github").class_name
    'GitHubOAuthenticator'
    """
    wanted, advice = SAME.get(text, text), _elsewhere(text)
    for kind in KINDS:
        fits = wanted == kind.name or (wanted == kind.path and kind.name != OIDC)
        if fits and not advice:
            return kind
    if advice or "." not in text:
        names = [kind.name for kind in KINDS]
        known = near(text, names, count=1) or "there are: " + ", ".join(names)
        raise ValueError(f"there is no {text!r} to log in with; {advice or known}")
    return Kind(text, text)


def _elsewhere(text: str) -> str:
    module, _, name = text.rpartition(".")
    if text.startswith("local-") or (module.startswith("oauthenticator.") and name[:5] == "Local"):
        return LOCAL
    parts = text.split(".")
    heads = (".".join(parts[: count + 1]) for count in range(len(parts)))
    return next((ELSEWHERE[head] for head in heads if head in ELSEWHERE), "")
