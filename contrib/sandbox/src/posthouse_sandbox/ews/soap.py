"""The XML of Exchange Web Services: read with suspicion, written as Exchange writes it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from xml.etree import ElementTree as ET

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from posthouse_sandbox.ews.errors import EwsError, SoapFaultError

__all__ = [
    "M",
    "S",
    "T",
    "child",
    "children",
    "envelope",
    "fault",
    "local",
    "message",
    "read",
    "serialized",
    "text",
]

S = "{http://schemas.xmlsoap.org/soap/envelope/}"
M = "{http://schemas.microsoft.com/exchange/services/2006/messages}"
T = "{http://schemas.microsoft.com/exchange/services/2006/types}"
E = "{http://schemas.microsoft.com/exchange/services/2006/errors}"

for _prefix, _namespace in (("s", S), ("m", M), ("t", T), ("e", E)):
    ET.register_namespace(_prefix, _namespace[1:-1])

_BUILD = {"MajorVersion": "15", "MinorVersion": "2", "MajorBuildNumber": "1544", "MinorBuildNumber": "4"}
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read(content: bytes) -> tuple[ET.Element | None, ET.Element]:
    """Return the header, if there is one, and the one element in the body of a SOAP request.

    Raises:
        SoapFaultError: it is none; entities and document types are not read at all.
    """
    try:
        root = fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise SoapFaultError("ErrorSchemaValidation", f"The request is no XML: {type(error).__name__}") from error
    if root.tag != f"{S}Envelope":
        raise _invalid(root)
    header, body = root.find(f"{S}Header"), root.find(f"{S}Body")
    if body is None or len(body) != 1:
        raise SoapFaultError("ErrorSchemaValidation", "The body must hold one request.")
    return header, body[0]


def children(element: ET.Element, allowed: Iterable[str], *, attributes: Iterable[str] = ()) -> dict[str, ET.Element]:
    """Return the children of an element by tag, which must be of the allowed ones, each once, in this order.

    Raises:
        SoapFaultError: there is something else, as a server says that validates the schema.
    """
    order = list(allowed)
    for name in element.attrib:
        if name not in attributes:
            raise SoapFaultError("ErrorSchemaValidation", f"The '{name}' attribute is not declared.")
    found: dict[str, ET.Element] = {}
    position = -1
    for one in element:
        if one.tag not in order or order.index(one.tag) <= position:
            raise _invalid(one)
        position = order.index(one.tag)
        found[one.tag] = one
    return found


def child(found: Mapping[str, ET.Element], tag: str, parent: str) -> ET.Element:
    """Return a child that must be there.

    Raises:
        SoapFaultError: it is not.
    """
    if tag not in found:
        raise SoapFaultError(
            "ErrorSchemaValidation", f"The element '{parent}' has incomplete content; expected '{local(tag)}'."
        )
    return found[tag]


def text(element: ET.Element) -> str:
    """Return what an element without children says.

    Raises:
        SoapFaultError: it has children.
    """
    if len(element):
        raise _invalid(element[0])
    return (element.text or "").strip()


def local(tag: str) -> str:
    """Return a tag without its namespace."""
    return tag.rpartition("}")[2]


def _invalid(element: ET.Element) -> SoapFaultError:
    return SoapFaultError("ErrorSchemaValidation", f"The element '{local(element.tag)}' is not expected here.")


# --- answers ----------------------------------------------------------------------------------------------------------


def envelope(content: ET.Element) -> bytes:
    """Return a whole answer around the content of its body."""
    root = ET.Element(f"{S}Envelope")
    header = ET.SubElement(root, f"{S}Header")
    ET.SubElement(header, f"{T}ServerVersionInfo", {**_BUILD, "Version": "V2017_07_11"})
    ET.SubElement(root, f"{S}Body").append(content)
    return serialized(root)


def message(operation: str, error: EwsError | None, content: ET.Element | None = None) -> ET.Element:
    """Return the answer to one item of a request.

    Args:
        operation: such as ``"CreateItem"``.
        error: what is wrong with it.
        content: what the operation returns, where nothing is wrong.
    """
    answer = ET.Element(f"{M}{operation}ResponseMessage", {"ResponseClass": "Error" if error else "Success"})
    if error is not None and error.code == "ErrorBatchProcessingStopped":
        answer.set("ResponseClass", "Warning")
    if error is not None:
        ET.SubElement(answer, f"{M}MessageText").text = _clean(error.text)
    ET.SubElement(answer, f"{M}ResponseCode").text = error.code if error else "NoError"
    if error is not None:
        ET.SubElement(answer, f"{M}DescriptiveLinkKey").text = "0"
        if error.values:
            answer.append(_values(f"{M}MessageXml", error.values))
    if content is not None:
        answer.append(content)
    return answer


def fault(error: EwsError) -> bytes:
    """Return the SOAP fault (SOAP 1.1 section 4.4) that refuses a whole request."""
    root = ET.Element(f"{S}Envelope")
    outer = ET.SubElement(ET.SubElement(root, f"{S}Body"), f"{S}Fault")
    ET.SubElement(outer, "faultcode").text = f"t:{error.code}"
    ET.SubElement(outer, "faultstring", {"{http://www.w3.org/XML/1998/namespace}lang": "en-US"}).text = _clean(
        error.text
    )
    detail = ET.SubElement(outer, "detail")
    ET.SubElement(detail, f"{E}ResponseCode").text = error.code
    ET.SubElement(detail, f"{E}Message").text = _clean(error.text)
    # The prefix in faultcode must be declared, which an element of its namespace brings about.
    detail.append(_values(f"{T}MessageXml", error.values))
    return serialized(root)


def serialized(root: ET.Element) -> bytes:
    """Return an element as a document."""
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _values(tag: str, values: Mapping[str, str]) -> ET.Element:
    element = ET.Element(tag)
    for name, value in values.items():
        ET.SubElement(element, f"{T}Value", {"Name": name}).text = _clean(value)
    return element


def _clean(value: str) -> str:
    return _FORBIDDEN.sub("\ufffd", value)
