"""What the stand-in refuses, and how it words that."""

from __future__ import annotations

import ssl
from base64 import b64encode
from typing import Any

import pytest
import requests
from defusedxml.ElementTree import fromstring
from requests_ntlm import HttpNtlmAuth

from posthouse_sandbox.certificates import Authority
from posthouse_sandbox.ews.ntlm import NtlmDoorman, NtlmError

from .conftest import ANNA, OUTLOOK, PASSWORD, Client

M = "{http://schemas.microsoft.com/exchange/services/2006/messages}"
E = "{http://schemas.microsoft.com/exchange/services/2006/errors}"
MIME = b"From: anna@sandbox.example\r\nTo: bob@example.org\r\nMessage-ID: <1@x>\r\n\r\nbody\r\n"


def create(mime: bytes | str = MIME, *, beside: str = "", disposition: str = "SendOnly", folder: str = "") -> str:
    content = mime if isinstance(mime, str) else b64encode(mime).decode()
    message = f"<t:Message><t:MimeContent>{content}</t:MimeContent>{beside}</t:Message>"
    return f'<m:CreateItem MessageDisposition="{disposition}">{folder}<m:Items>{message}</m:Items></m:CreateItem>'


def get_folder(mailbox: str = "", name: str = "sentitems") -> str:
    inner = f"<t:Mailbox><t:EmailAddress>{mailbox}</t:EmailAddress></t:Mailbox>" if mailbox else ""
    return (
        "<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds>"
        f'<t:DistinguishedFolderId Id="{name}">{inner}</t:DistinguishedFolderId></m:FolderIds></m:GetFolder>'
    )


def impersonating(mailbox: str) -> str:
    sid = f"<t:ConnectingSID><t:PrimarySmtpAddress>{mailbox}</t:PrimarySmtpAddress></t:ConnectingSID>"
    return f"<t:ExchangeImpersonation>{sid}</t:ExchangeImpersonation>"


def codes(response: requests.Response) -> list[str | None]:
    root = fromstring(response.content)
    return [one.text for tag in (M, E) for one in root.iter(f"{tag}ResponseCode")]


# --- who signs in -----------------------------------------------------------------------------------------------------


def test_nobody_is_offered_every_way(client: Client) -> None:
    response = client.post(get_folder(), auth=None)
    assert response.status_code == 401
    offered = response.headers["WWW-Authenticate"]
    assert all(scheme in offered for scheme in ("NTLM", "Basic realm", "Bearer"))


@pytest.mark.parametrize("auth", [(ANNA, "wrong"), ("nobody@sandbox.example", PASSWORD.encode())])
def test_wrong_passwords(client: Client, auth: Any) -> None:
    assert client.post(get_folder(), auth=auth).status_code == 401


@pytest.mark.parametrize("value", ["Basic", "Basic %%%", "Basic /w==", "NTLM", "NTLM TlRM", "Bearer x", "Digest x"])
def test_malformed_sign_ins(client: Client, value: str) -> None:
    headers = {"Content-Type": "text/xml", "Authorization": value}
    assert client.post(get_folder(), auth=None, headers=headers).status_code == 401


@pytest.mark.parametrize("door_options", [{"schemes": ("Bearer",)}])
def test_only_what_is_offered_is_taken(client: Client) -> None:
    assert client.post(get_folder()).status_code == 401
    assert client.post(get_folder(), auth=HttpNtlmAuth("SANDBOX\\anna", PASSWORD)).status_code == 401


@pytest.mark.parametrize("user", ["SANDBOX\\anna", "sandbox\\Anna", f"\\{ANNA}"])
def test_ntlm(client: Client, user: str) -> None:
    response = client.post(get_folder(), auth=HttpNtlmAuth(user, PASSWORD))
    assert (response.status_code, codes(response)) == (200, ["NoError"])


@pytest.mark.parametrize("user", ["OTHER\\anna", "SANDBOX\\nobody"])
def test_ntlm_of_strangers(client: Client, user: str) -> None:
    assert client.post(get_folder(), auth=HttpNtlmAuth(user, PASSWORD)).status_code == 401


def test_ntlm_relayed_through_another_server_is_found_out(tmp_path: Any) -> None:
    import spnego

    own, other = (Authority(tmp_path / name).server() for name in ("own", "other"))
    pem = other.certificate_file.read_text().partition("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----"
    from hashlib import sha256

    seen = b"tls-server-end-point:" + sha256(ssl.PEM_cert_to_DER_cert(pem)).digest()
    bindings = spnego.channel_bindings.GssChannelBindings(application_data=seen)
    initiator = spnego.client("SANDBOX\\anna", PASSWORD, protocol="ntlm", channel_bindings=bindings)
    doorman, connection = NtlmDoorman({ANNA: PASSWORD}, own), dict[str, Any]()
    challenge = doorman.step(initiator.step() or b"", connection)
    assert isinstance(challenge, bytes)
    with pytest.raises(NtlmError):
        doorman.step(initiator.step(challenge) or b"", connection)


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"user": ANNA, "scopes": ["EWS.AccessAsUser.All"]}, 200),
        ({"user": ANNA, "scopes": ["SMTP.Send"]}, 403),
        ({"user": ANNA, "scopes": ["EWS.AccessAsUser.All"], "lifetime": -1.0}, 401),
        ({"user": ANNA, "scopes": ["EWS.AccessAsUser.All"], "audience": "https://graph.microsoft.com"}, 401),
        ({"roles": ["SMTP.SendAsApp"]}, 403),
        ({"roles": ["full_access_as_app"]}, 500),  # and whom does it impersonate?
    ],
)
def test_tokens(client: Client, claims: dict[str, Any], status: int) -> None:
    token = client.sandbox.tokens.issue(**{"audience": OUTLOOK} | claims)
    headers = {"Content-Type": "text/xml", "Authorization": f"Bearer {token}"}
    response = client.post(get_folder(), auth=None, headers=headers)
    assert response.status_code == status
    assert status in (200, 500) or response.headers["x-ms-diagnostics"]


def test_impersonation_is_a_right(client: Client) -> None:
    response = client.post(get_folder(), impersonating("joerg@sandbox.example"))
    assert (response.status_code, codes(response)) == (500, ["ErrorImpersonateUserDenied"])


@pytest.mark.parametrize("door_options", [{"impersonators": [ANNA]}])
@pytest.mark.parametrize(
    ("mailbox", "code"),
    [
        ("joerg@sandbox.example", "NoError"),
        ("unknown@sandbox.example", "ErrorNonExistentMailbox"),
        ("joerg", "ErrorInvalidExchangeImpersonationHeaderData"),
    ],
)
def test_impersonated_mailboxes(client: Client, mailbox: str, code: str) -> None:
    assert codes(client.post(get_folder(), impersonating(mailbox))) == [code]


# --- what is asked ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("<m:DeleteItem/>", "ErrorSchemaValidation"),
        ("<m:CreateItem/>", "ErrorMessageDispositionRequired"),
        ('<m:CreateItem MessageDisposition="SendOnly"/>', "ErrorSchemaValidation"),
        ('<m:CreateItem MessageDisposition="SendOnly"><m:Items/></m:CreateItem>', "ErrorSchemaValidation"),
        (create(disposition="Send"), "ErrorMessageDispositionRequired"),
        (create().replace("CreateItem M", 'CreateItem Wrong="1" M'), "ErrorSchemaValidation"),
        (create(beside="<t:Unknown/>"), "ErrorSchemaValidation"),
        (create(beside="<t:BccRecipients/><t:ToRecipients/>"), "ErrorSchemaValidation"),
        (create(beside="<t:BccRecipients><t:EmailAddress/></t:BccRecipients>"), "ErrorSchemaValidation"),
        (create(folder="<m:SavedItemFolderId/>"), "ErrorInvalidRequest"),
        (create().replace("t:Message>", "t:Task>"), "ErrorSchemaValidation"),
        (get_folder() + get_folder(), "ErrorSchemaValidation"),
    ],
)
def test_requests_that_break_the_schema_are_refused_as_a_whole(client: Client, body: str, code: str) -> None:
    response = client.post(body)
    assert (response.status_code, codes(response)) == (500, [code])
    assert len(client.sandbox.inbox) == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (create("%%%"), "ErrorMimeContentInvalidBase64String"),
        (create(b"no headers"), "ErrorMimeContentInvalid"),
        (create(b"\r\n\r\nx"), "ErrorMimeContentInvalid"),
        (create(b"From: anna@sandbox.example\r\n\r\n"), "ErrorMissingRecipients"),
        (create(b"From: anna@sandbox.example\r\nTo: bob\r\n\r\n"), "ErrorInvalidRecipients"),
        (create(b"From: boss@example.org\r\nTo: bob@example.org\r\n\r\n"), "ErrorSendAsDenied"),
        (get_folder("joerg@sandbox.example"), "ErrorAccessDenied"),
        (get_folder("unknown@sandbox.example"), "ErrorNonExistentMailbox"),
        (get_folder(name="nowhere"), "ErrorFolderNotFound"),
    ],
)
def test_items_that_are_refused(client: Client, body: str, code: str) -> None:
    response = client.post(body)
    assert (response.status_code, codes(response)) == (200, [code])
    assert len(client.sandbox.inbox) == 0


def test_a_version_that_nobody_knows(client: Client) -> None:
    response = client.post(get_folder(), '<t:RequestServerVersion Version="Exchange2042"/>')
    assert codes(response) == ["ErrorInvalidServerVersion"]


@pytest.mark.parametrize("door_options", [{"largest": 100}])
def test_messages_that_are_too_large(client: Client) -> None:
    assert codes(client.post(create(MIME + bytes(100)))) == ["ErrorMessageSizeExceeded"]


def test_a_property_takes_the_place_of_its_header(client: Client) -> None:
    bcc = "<t:BccRecipients><t:Mailbox><t:EmailAddress>z@x.org</t:EmailAddress></t:Mailbox></t:BccRecipients>"
    client.post(create(b"From: anna@sandbox.example\r\nTo: b@x.org\r\nBcc: a@x.org\r\n\r\n", beside=bcc))
    (received,) = client.sandbox.inbox.messages
    assert received.recipients == ("b@x.org", "z@x.org")
    assert b"a@x.org" not in received.raw


def test_the_copy_is_kept_where_it_is_wanted(client: Client) -> None:
    client.post(create(disposition="SendAndSaveCopy"))
    client.post(create(disposition="SendOnly"))
    assert client.door.service.sent_items == {ANNA: ["<1@x>"]}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<a",
        b"<a/>",
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        b'<!DOCTYPE a [<!ENTITY x "xxxxxxxx"><!ENTITY y "&x;&x;">]><a>&y;</a>',
    ],
)
def test_xml_that_is_not_read(client: Client, content: bytes) -> None:
    response = client.post(content)
    assert (response.status_code, codes(response)) == (500, ["ErrorSchemaValidation"])


def test_what_is_no_xml_at_all(client: Client) -> None:
    assert client.post(create(), headers={"Content-Type": "application/json"}).status_code == 415


def test_requests_carry_ids(client: Client) -> None:
    headers = {"Content-Type": "text/xml", "client-request-id": "mine", "return-client-request-id": "true"}
    response = client.post(get_folder(), headers=headers)
    assert response.headers["client-request-id"] == "mine"
    assert response.headers["request-id"]


# --- autodiscover -----------------------------------------------------------------------------------------------------


def test_pox(client: Client) -> None:
    space = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
    body = f'<Autodiscover xmlns="{space}"><Request><EMailAddress>{ANNA}</EMailAddress></Request></Autodiscover>'
    url = f"{client.door.url}/autodiscover/autodiscover.xml"
    response = client.post(body.encode(), url=url)
    assert [one.text for one in fromstring(response.content).iter() if one.tag.endswith("EwsUrl")] == [
        client.door.ews_url
    ]
    assert client.post(b"<Autodiscover/>", url=url).status_code == 400
    assert client.post(b"nonsense", url=client.door.autodiscover_url).status_code == 400


# --- drafts -----------------------------------------------------------------------------------------------------------

LINKS = ("item:WebClientEditFormQueryString", "item:WebClientReadFormQueryString")
DRAFTS = '<m:SavedItemFolderId><t:DistinguishedFolderId Id="drafts">{}</t:DistinguishedFolderId></m:SavedItemFolderId>'


def get_item(name: str, fields: tuple[str, ...] = LINKS, shape: str = "IdOnly") -> str:
    more = "".join(f'<t:FieldURI FieldURI="{field}"/>' for field in fields)
    return (
        f"<m:GetItem><m:ItemShape><t:BaseShape>{shape}</t:BaseShape>"
        f"<t:AdditionalProperties>{more}</t:AdditionalProperties></m:ItemShape>"
        f'<m:ItemIds><t:ItemId Id="{name}"/></m:ItemIds></m:GetItem>'
    )


def test_a_draft_is_kept_with_a_page_as_outlook_on_the_web_has(client: Client) -> None:
    hidden = "<t:BccRecipients><t:Mailbox><t:EmailAddress>h@x.example</t:EmailAddress></t:Mailbox></t:BccRecipients>"
    mailbox = "<t:Mailbox><t:EmailAddress>shared@sandbox.example</t:EmailAddress></t:Mailbox>"
    body = create(beside=hidden, disposition="SaveOnly", folder=DRAFTS.format(mailbox))
    assert codes(client.post(body)) == ["NoError"]
    (draft,) = client.door.drafts
    assert (draft.mailbox, draft.hidden, draft.raw) == ("shared@sandbox.example", ("h@x.example",), MIME)
    shown = fromstring(client.post(get_item(draft.id)).content)
    links = {one.tag.rpartition("}")[2]: one.text for one in shown.iter() if "WebClient" in one.tag}
    assert list(links) == ["WebClientReadFormQueryString", "WebClientEditFormQueryString"]
    assert links["WebClientEditFormQueryString"] == draft.link
    with requests.Session() as browser:
        browser.trust_env = False
        page = browser.get(draft.link, verify=str(client.sandbox.ca_file), timeout=10)
        assert page.content == b"Bcc: h@x.example\r\n" + MIME
        assert (
            browser.get(draft.link.replace(draft.id, "7"), verify=str(client.sandbox.ca_file), timeout=10).status_code
            == 404
        )


def test_a_draft_in_a_mailbox_without_rights_is_refused(client: Client) -> None:
    mailbox = "<t:Mailbox><t:EmailAddress>joerg@sandbox.example</t:EmailAddress></t:Mailbox>"
    assert codes(client.post(create(disposition="SaveOnly", folder=DRAFTS.format(mailbox)))) == ["ErrorAccessDenied"]
    assert client.door.drafts == ()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (get_item("nowhere"), "ErrorItemNotFound"),
        (get_item("x", fields=("item:Subject",)), "ErrorInvalidPropertyRequest"),
        (get_item("x", shape="Everything"), "ErrorSchemaValidation"),
        ("<m:GetItem><m:ItemIds/></m:GetItem>", "ErrorSchemaValidation"),
    ],
)
def test_items_that_cannot_be_shown(client: Client, body: str, code: str) -> None:
    assert codes(client.post(body)) == [code]
