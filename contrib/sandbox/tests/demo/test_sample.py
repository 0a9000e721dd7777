import struct
import zlib

from posthouse_sandbox.demo.sample import SAMPLE, png


def test_image_is_a_png_of_the_asked_size_and_colour() -> None:
    image = png(3, 2, (1, 2, 3))
    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    chunks = {}
    rest = image[8:]
    while rest:
        (length,) = struct.unpack(">I", rest[:4])
        kind, data, checksum = rest[4:8], rest[8 : 8 + length], rest[8 + length : 12 + length]
        assert struct.unpack(">I", checksum)[0] == zlib.crc32(kind + data)
        chunks[kind] = data
        rest = rest[12 + length :]
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    assert chunks[b"IHDR"] == struct.pack(">IIBBBBB", 3, 2, 8, 2, 0, 0, 0)
    assert zlib.decompress(chunks[b"IDAT"]) == (b"\0" + b"\1\2\3" * 3) * 2


def test_message_has_what_the_sample_says() -> None:
    message = SAMPLE.message()
    assert tuple(address.addr_spec for address in message.recipients()) == SAMPLE.recipients
    assert (message.subject, message.text, message.html) == (SAMPLE.subject, SAMPLE.text, SAMPLE.html)
    assert (message.attachments[0].name, message.attachments[0].content) == (SAMPLE.attachment_name, SAMPLE.attachment)
    assert (message.inline[0].content_id, message.inline[0].content) == (SAMPLE.image_id, SAMPLE.image)
    assert f'src="cid:{SAMPLE.image_id}"' in SAMPLE.html


def test_sample_is_hard_to_carry() -> None:
    lines = SAMPLE.text.split("\n")
    assert "." in lines
    assert any(line.startswith("From ") for line in lines)
    assert any(line.endswith(" ") for line in lines)
    assert max(len(line.encode()) for line in lines) > 1000
    assert not SAMPLE.attachment_name.isascii()
    assert max(SAMPLE.subject) > "\uffff"
