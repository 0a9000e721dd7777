"""What the stand-in refuses, as Exchange words it."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["EwsError", "HttpError", "SoapFaultError"]

TEXTS: Mapping[str, str] = {
    "ErrorAccessDenied": "Access is denied. Check credentials and try again.",
    "ErrorAttachmentSizeLimitExceeded": "The attachment is too large.",
    "ErrorFolderNotFound": "The specified folder could not be found in the store.",
    "ErrorImpersonateUserDenied": "The account does not have permission to impersonate the requested user.",
    "ErrorInvalidChangeKey": "The change key is invalid.",
    "ErrorInvalidIdMalformed": "Id is malformed.",
    "ErrorInvalidRecipients": "At least one recipient isn't valid.",
    "ErrorInvalidServerVersion": "The specified server version is invalid.",
    "ErrorItemNotFound": "The specified object was not found in the store.",
    "ErrorMessageSizeExceeded": "The message exceeds the maximum supported size.",
    "ErrorMimeContentInvalid": "The MIME content was invalid.",
    "ErrorMimeContentInvalidBase64String": "The MIME content wasn't a valid base64 string.",
    "ErrorMissingRecipients": "No recipients have been specified.",
    "ErrorNonExistentMailbox": "The SMTP address has no mailbox associated with it.",
    "ErrorSchemaValidation": "The request failed schema validation.",
    "ErrorSendAsDenied": "The user account which was used to submit this request does not have the right to send mail "
    "on behalf of the specified sending account.",
    "ErrorServerBusy": "The server cannot service this request right now. Try again later.",
}


class EwsError(Exception):
    """One item, or one folder, cannot be had.

    Args:
        code: the response code.
        text: for people; Exchange's own if empty.
        values: further facts by name, such as ``BackOffMilliseconds``.
    """

    def __init__(self, code: str, text: str = "", values: Mapping[str, str] | None = None) -> None:
        super().__init__(text or TEXTS.get(code, "The operation failed."))
        self.code = code
        self.text = str(self)
        self.values = dict(values or {})


class SoapFaultError(EwsError):
    """The whole request is refused, with a SOAP fault."""


class HttpError(Exception):
    """The whole request is refused by the web server.

    Args:
        status: the HTTP status.
        challenges: ways to sign in, for the header ``WWW-Authenticate``.
        diagnostics: for the header ``x-ms-diagnostics``.
    """

    def __init__(self, status: int, challenges: tuple[str, ...] = (), diagnostics: str = "") -> None:
        super().__init__(status)
        self.status = status
        self.challenges = challenges
        self.diagnostics = diagnostics
