"""Frames come out of any stream whole and in order, whatever stands between them and however it is cut up."""

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasicheck.guest import frames
from wasicheck.guest.frames import (
    HEADER_SIZE,
    MAX_PAYLOAD,
    MENDABLE,
    PLACEHOLDER,
    Frame,
    FrameParser,
    Tag,
    encode,
    stamp,
)

NONCE = bytes(range(200, 216))

pieces = st.lists(st.tuples(st.integers(0, 2**32 - 1), st.binary(max_size=40)), max_size=3).map(tuple)
bodies = st.lists(st.tuples(st.integers(0, 9), st.sampled_from(Tag), pieces), max_size=5)
# Noise may hold beginnings of the nonce, but never all of it.
noise = st.lists(st.one_of(st.binary(max_size=20), st.integers(1, 15).map(lambda n: NONCE[:n])), max_size=3).map(
    lambda parts: b"".join(parts).replace(NONCE, b"")
)


def raw(sequence=0, step=0, tag=1, payload=b"", *, length=None, checksum=None):
    words = struct.pack("<IIII", sequence, step, tag, len(payload) if length is None else length)
    checksum = zlib.crc32(payload, zlib.crc32(words)) if checksum is None else checksum
    return NONCE + words + struct.pack("<I", checksum) + payload


@given(bodies=bodies, noises=st.lists(noise, min_size=6, max_size=6), data=st.data())
def test_any_chunking_and_any_noise(bodies, noises, data):
    sent = [Frame(index, step, tag, parts) for index, (step, tag, parts) in enumerate(bodies)]
    stream, expected = noises[0], noises[0]
    for frame, between in zip(sent, noises[1:], strict=False):
        # A nonce that ends noise and one that begins a frame must stay apart for the expectation to hold.
        stream += encode(NONCE, frame) + between
        expected += between
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    parser, got = FrameParser(NONCE), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        got += parser.feed(stream[start:end])
    parser.finish()
    assert got == sent
    assert bytes(parser.noise) == expected
    assert parser.anomalies == []


@given(st.binary(max_size=200), st.integers(0, 50))
def test_noise_is_kept_up_to_its_limit_and_counted_beyond(data, limit):
    parser = FrameParser(NONCE, max_noise=limit)
    for index in range(0, len(data), 7):
        parser.feed(data[index : index + 7])
    parser.finish()
    assert bytes(parser.noise) == data[:limit]
    assert parser.noise_dropped == max(0, len(data) - limit)


@given(st.data())
def test_a_flipped_bit_never_passes(data):
    frame = encode(NONCE, Frame(0, 3, Tag.DONE, ((1024, b"some memory"),)))
    bit = data.draw(st.integers(0, len(frame) * 8 - 1))
    damaged = bytearray(frame)
    damaged[bit // 8] ^= 1 << bit % 8
    parser = FrameParser(NONCE)
    assert parser.feed(bytes(damaged)) == []
    parser.finish()
    assert parser.noise == damaged


@pytest.mark.parametrize(
    ("stream", "accepted", "anomaly"),
    [
        (raw(tag=99), 0, "a frame with a damaged header (tag 99, 0 bytes)"),
        (raw(length=MAX_PAYLOAD + 1), 0, "a frame with a damaged header (tag 1, 67108865 bytes)"),
        (raw(step=7, checksum=1), 0, "a frame for step 7 whose checksum does not fit"),
        (raw(sequence=1), 0, "frame 1 where frame 0 was due"),
        (raw() + raw(), 1, "frame 0 where frame 1 was due"),
        (raw(step=2, payload=b"123"), 0, "a frame for step 2 whose pieces do not fill it"),
        (raw(step=2, payload=struct.pack("<II", 0, 9) + b"12345678"), 0, "a frame for step 2 whose pieces do not fill"),
        (raw()[:-1], 0, "a frame cut short by the end of the stream"),
        (raw(payload=bytes(8))[:-1], 0, "a frame cut short by the end of the stream"),
        (NONCE, 0, "a frame cut short by the end of the stream"),
    ],
)
def test_frames_that_are_not_accepted(stream, accepted, anomaly):
    parser = FrameParser(NONCE)
    assert len(parser.feed(stream)) == accepted
    parser.finish()
    assert len(parser.anomalies) == 1
    assert parser.anomalies[0].startswith(anomaly)


@given(bodies=bodies, data=st.data())
def test_lines_that_the_host_put_behind_a_newline_of_a_frame_are_taken_out_of_it(bodies, data):
    # Step 10 is a newline, so every frame has one; the payload may have others.
    sent = [Frame(index, 10, tag, parts) for index, (_, tag, parts) in enumerate(bodies)]
    between = data.draw(st.sampled_from([b"error: broken pipe\n", b"\none\ntwo\n", b"oops\n"]))
    stream = b""
    for frame in sent:
        whole = encode(NONCE, frame)
        places = [at + 1 for at, byte in enumerate(whole) if byte == 10 and at >= 16]
        place = data.draw(st.sampled_from(places[:16]))
        stream += whole[:place] + between + whole[place:]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    parser, got = FrameParser(NONCE), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        got += parser.feed(stream[start:end])
    assert got == sent
    assert bytes(parser.noise) == between * len(sent)
    assert parser.anomalies == []


def test_what_stands_behind_another_byte_is_not_taken_out():
    whole = raw(step=7)
    parser = FrameParser(NONCE)
    assert parser.feed(whole[:24] + b"error: broken pipe\n" + whole[24:] + raw()) == [Frame(0, 0, Tag.DONE, ())]
    assert parser.anomalies == ["a frame with a damaged header (tag 1869771365, 1646279282 bytes)"]


def test_a_damaged_frame_is_given_up_when_too_much_has_followed():
    parser = FrameParser(NONCE)
    parser.feed(raw(checksum=0) + bytes(MENDABLE - HEADER_SIZE))
    assert parser.anomalies == []
    parser.feed(b"!")
    assert parser.anomalies == ["a frame for step 0 whose checksum does not fit"]


def test_a_good_frame_after_a_damaged_one_is_found():
    parser = FrameParser(NONCE)
    assert parser.feed(raw(checksum=0) + raw()) == [Frame(0, 0, Tag.DONE, ())]


def test_frames_of_another_run_are_noise():
    parser = FrameParser(NONCE)
    other = encode(bytes(16), Frame(0, 0, Tag.END, ()))
    assert parser.feed(other) == []
    assert bytes(parser.noise) == other
    assert parser.anomalies == []


def test_only_what_may_begin_a_nonce_is_held_back():
    parser = FrameParser(NONCE)
    parser.feed(b"hello" + NONCE[:3])
    assert bytes(parser.noise) == b"hello"
    parser.feed(b"!")
    assert bytes(parser.noise) == b"hello" + NONCE[:3] + b"!"


def test_frames_carry_the_time_they_were_fed():
    assert [frame.received_at for frame in FrameParser(NONCE).feed(raw(), 42)] == [42]


def test_stamp_puts_the_nonce_in_place():
    assert stamp(b"a" + PLACEHOLDER + b"b", NONCE) == b"a" + NONCE + b"b"
    assert len(PLACEHOLDER) == frames.NONCE_SIZE
    assert len(encode(NONCE, Frame(0, 0, Tag.HELLO, ()))) == HEADER_SIZE


@pytest.mark.parametrize(
    ("wasm", "nonce", "problem"),
    [
        (PLACEHOLDER, b"short", "a nonce has 16 bytes, not 5"),
        (b"", NONCE, "exactly once"),
        (PLACEHOLDER * 2, NONCE, "exactly once"),
    ],
)
def test_stamp_refuses(wasm, nonce, problem):
    with pytest.raises(ValueError, match=problem):
        stamp(wasm, nonce)
