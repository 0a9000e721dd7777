"""Who may do what: the token, its permissions, the mailbox, and the address that it sends from."""

from __future__ import annotations

from posthouse_sandbox.graph.errors import GraphError
from posthouse_sandbox.tokens import AUDIENCES, AccessToken, TokenError, Tokens

__all__ = ["check_permission", "check_sender", "mailbox_for", "token_of"]

_REASONS = {
    "expired": "Lifetime validation failed, the token is expired.",
    "audience": "Access token validation failure. Invalid audience.",
    "revoked": "Continuous access evaluation resulted in challenge with result: InteractionRequired",
}
_CHALLENGE = "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxNzAwMDAwMDAwIn19fQ=="
"""Base64 of ``{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}``."""

_BEARER = 'Bearer realm="", authorization_uri="https://localhost/authorize", client_id="00000003-0000-0000-c000-0"'


def token_of(authorization: str, tokens: Tokens) -> AccessToken:
    """Return what the token of a request says.

    Raises:
        GraphError: there is none, or it is not taken. A revoked one is answered with a claims challenge.
    """
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise GraphError(
            401, "InvalidAuthenticationToken", "Access token is empty.", {"WWW-Authenticate": f"{_BEARER}"}
        )
    try:
        return tokens.verify(token, AUDIENCES["graph"])
    except TokenError as error:
        challenge = _BEARER
        if error.reason == "revoked":
            challenge += f', error="insufficient_claims", claims="{_CHALLENGE}"'
        message = _REASONS.get(error.reason, "CompactToken parsing failed with error code: 80049217")
        raise GraphError(401, "InvalidAuthenticationToken", message, {"WWW-Authenticate": challenge}) from error


def mailbox_for(name: str | None, token: AccessToken) -> str:
    """Return the mailbox that a URL names; None names that of whoever signed in.

    Some exist in no way, whatever their domain: ``unknown@`` is no user, ``onpremises@`` has its mailbox elsewhere.

    Raises:
        GraphError: there is none.
    """
    if name is None:
        if token.app_only:
            raise GraphError(400, "BadRequest", "/me request is only valid with delegated authentication flow.")
        return token.user.lower()
    mailbox = name.lower()
    if mailbox.startswith("unknown@") or "@" not in mailbox:
        raise GraphError(404, "ErrorInvalidUser", f"The requested user '{name}' is invalid.")
    if mailbox.startswith("onpremises@"):
        raise GraphError(
            404,
            "MailboxNotEnabledForRESTAPI",
            "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
        )
    return mailbox


def check_permission(permission: str, mailbox: str, token: AccessToken) -> None:
    """Refuse an application that may not do this.

    Args:
        permission: such as ``"Mail.Send"``; for another mailbox than the user's, its ``.Shared`` twin counts.
        mailbox: whose.
        token: of the request.

    Raises:
        GraphError: it may not.
    """
    if token.app_only:
        allowed = permission in token.roles
    elif mailbox == token.user.lower():
        allowed = permission in token.scopes or f"{permission}.Shared" in token.scopes
    else:
        allowed = f"{permission}.Shared" in token.scopes
    if not allowed:
        raise GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")


def check_sender(sender: str) -> None:
    """Refuse to send from an address that the mailbox has no right to: ``denied@`` is one, whatever its domain.

    Raises:
        GraphError: it has no right to.
    """
    if sender.lower().startswith("denied@"):
        raise GraphError(
            403,
            "ErrorSendAsDenied",
            "The user account which was used to submit this request does not have the right to send mail on behalf of "
            "the specified sending account., Cannot submit message.",
        )
