"""What COM and Outlook answer when they do not obey."""

from __future__ import annotations

__all__ = [
    "ABORTED",
    "BAD_ARGUMENT",
    "BAD_COUNT",
    "BAD_TYPE",
    "DIED",
    "DISCONNECTED",
    "FAILED",
    "GONE",
    "LATER",
    "MOVED",
    "NOT_FOUND",
    "NOT_INITIALIZED",
    "NO_FILE",
    "NO_MEMBER",
    "NO_NAME",
    "REJECTED",
    "WRONG_THREAD",
    "ModelError",
]


def _signed(number: int) -> int:
    return number - (1 << 32) if number >> 31 else number


# COM's own: the call did not reach Outlook, or no answer came back.
REJECTED = _signed(0x80010001), "Call was rejected by callee."
LATER = _signed(0x8001010A), "The message filter indicated that the application is busy."
GONE = _signed(0x800706BA), "The RPC server is unavailable."
DIED = _signed(0x800706BE), "The remote procedure call failed."
DISCONNECTED = _signed(0x80010108), "The object invoked has disconnected from its clients."
WRONG_THREAD = _signed(0x8001010E), "The application called an interface that was marshalled for a different thread."
NOT_INITIALIZED = _signed(0x800401F0), "CoInitialize has not been called."
NO_MEMBER = _signed(0x80020003), "Member not found."
NO_NAME = _signed(0x80020006), "Unknown name."
BAD_TYPE = _signed(0x80020005), "Type mismatch."
BAD_COUNT = _signed(0x8002000E), "Invalid number of parameters."

# Outlook's.
ABORTED = _signed(0x80004004), "Operation aborted"
FAILED = _signed(0x80004005), "The operation failed."
BAD_ARGUMENT = _signed(0x80070057), "The parameter is incorrect."
NO_FILE = _signed(0x80070002), "Cannot find this file. Verify the path and file name are correct."
NOT_FOUND = _signed(0x8004010F), "The attempted operation failed. An object could not be found."
MOVED = _signed(0x8004010A), "The item has been moved or deleted."

_OF_COM = {
    number
    for number, _ in (REJECTED, LATER, GONE, DIED, DISCONNECTED, WRONG_THREAD, NOT_INITIALIZED, NO_MEMBER, NO_NAME)
} | {BAD_TYPE[0], BAD_COUNT[0]}


class ModelError(Exception):
    """What a member of the object model answers.

    Attributes:
        number: the HRESULT, signed as pywin32 shows it.
        text: the description.
        of_com: True if it is COM that says so, with the number itself; Outlook's own numbers arrive inside a
            DISP_E_EXCEPTION.
    """

    def __init__(self, answer: tuple[int, str], text: str = "") -> None:
        self.number = answer[0]
        self.text = text or answer[1]
        self.of_com = self.number in _OF_COM
        super().__init__(f"0x{self.number & 0xFFFFFFFF:08X} {self.text}")
