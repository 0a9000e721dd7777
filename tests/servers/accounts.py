"""The people who may sign in at the test servers, and the mechanisms that each server offers them."""

from __future__ import annotations

DOMAIN = "posthouse.test"
IDN_DOMAIN = "bücher.test"
IDN_DOMAIN_ON_THE_WIRE = "xn--bcher-kva.test"
HOSTNAME = "mail.posthouse.test"

USER = "alice"
PASSWORD = "correct horse: battery staple"
UNICODE_USER = "jürgen"
UNICODE_PASSWORD = "Pässwörd-Ω-密码"

USERS = {
    USER: PASSWORD,
    UNICODE_USER: UNICODE_PASSWORD,
    "bob@posthouse.test": "%40=,;'\"\\ &?#/",
}
MECHANISMS = ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"]
