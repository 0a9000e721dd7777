"""Autodiscover: GetUserSettings (SOAP) and the older POX, both for one server."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from posthouse_sandbox.ews.errors import HttpError
from posthouse_sandbox.ews.soap import S, serialized

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["answer_pox", "answer_soap"]

A = "{http://schemas.microsoft.com/exchange/2010/Autodiscover}"
_OUTLOOK = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
_RESPONSE = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"

ET.register_namespace("a", A[1:-1])


def answer_soap(content: bytes, ews_url: str) -> bytes:
    """Answer a GetUserSettings request.

    Raises:
        HttpError: it is none (400).
    """
    root = _parsed(content)
    users = [(mailbox.text or "").strip() for mailbox in root.iter(f"{A}Mailbox")]
    wanted = [(setting.text or "").strip() for setting in root.iter(f"{A}Setting")]
    if root.tag != f"{S}Envelope" or not users or not wanted:
        raise HttpError(400)
    envelope = ET.Element(f"{S}Envelope")
    message = ET.SubElement(ET.SubElement(envelope, f"{S}Body"), f"{A}GetUserSettingsResponseMessage")
    response = ET.SubElement(message, f"{A}Response")
    _add(response, ErrorCode="NoError", ErrorMessage="")
    answers = ET.SubElement(response, f"{A}UserResponses")
    for user in users:
        known = {"ExternalEwsUrl": ews_url, "InternalEwsUrl": ews_url, "AutoDiscoverSMTPAddress": user}
        _add_user(
            ET.SubElement(answers, f"{A}UserResponse"), user, {name: known[name] for name in wanted if name in known}
        )
    return serialized(envelope)


def answer_pox(content: bytes, ews_url: str) -> bytes:
    """Answer a request of the older sort.

    Raises:
        HttpError: it is none (400).
    """
    address = next((one for one in _parsed(content).iter() if one.tag.endswith("}EMailAddress")), None)
    if address is None or "@" not in (address.text or ""):
        raise HttpError(400)
    root = ET.Element(f"{{{_RESPONSE}}}Autodiscover")
    response = ET.SubElement(root, f"{{{_OUTLOOK}}}Response")
    user = ET.SubElement(response, f"{{{_OUTLOOK}}}User")
    ET.SubElement(user, f"{{{_OUTLOOK}}}AutoDiscoverSMTPAddress").text = address.text
    account = ET.SubElement(response, f"{{{_OUTLOOK}}}Account")
    for name, value in (("AccountType", "email"), ("Action", "settings")):
        ET.SubElement(account, f"{{{_OUTLOOK}}}{name}").text = value
    protocol = ET.SubElement(account, f"{{{_OUTLOOK}}}Protocol")
    for name, value in (("Type", "EXPR"), ("EwsUrl", ews_url)):
        ET.SubElement(protocol, f"{{{_OUTLOOK}}}{name}").text = value
    return serialized(root)


def _parsed(content: bytes) -> Element:
    try:
        root: Element = fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise HttpError(400) from error
    return root


def _add_user(response: Element, user: str, settings: dict[str, str]) -> None:
    known = "@" in user and not user.lower().startswith("unknown@")
    _add(
        response,
        ErrorCode="NoError" if known else "InvalidUser",
        ErrorMessage="" if known else f"Invalid user: '{user}'",
    )
    ET.SubElement(response, f"{A}UserSettingErrors")
    found = ET.SubElement(response, f"{A}UserSettings")
    for name, value in settings.items() if known else ():
        _add(ET.SubElement(found, f"{A}UserSetting", {_TYPE: "a:StringSetting"}), Name=name, Value=value)


def _add(parent: Element, **values: str) -> None:
    for name, value in values.items():
        ET.SubElement(parent, f"{A}{name}").text = value
