"""Is a byte string what a uniform random source gives? Three tests, each with a false alarm rate below 1e-9.

Let n be the number of bytes, all of them independent and uniform under the hypothesis.

*Monobit.* The number of one bits is binomial with 8n trials, mean 4n and variance 2n. The test refuses
|z| = |ones - 4n| / sqrt(2n) >= 6.5; the normal tail beyond that is 8.1e-11 on both sides together, and the
binomial's own is below 9e-11 for every n judged.

*Chi-square of bytes*, for n >= 4096. X² = sum over the 256 byte values of (count - n/256)² / (n/256) has nearly the
chi-square distribution with k = 255 degrees of freedom. Wilson and Hilferty's cube root makes it nearly normal:
w = ((X²/k)^(1/3) - (1 - 2/(9k))) / sqrt(2/(9k)). The test refuses |w| >= 8: too uneven, or too even to be random (a
counter). The normal tail is 1.2e-15; what is left of the 1e-9 is for the two approximations. At the smallest n, where
they are worst (16 expected per value), the exact tail of the Poissonised sum, divided by the probability that its total
is n, bounds the true one by 4e-11 above and 5e-13 below.

*Blocks.* No two of the m = n/16 aligned blocks of 16 bytes are equal. The chance of a repetition is at most m²/2^129,
which is 2^-89 for 16 MiB.

Fewer than 64 bytes are not judged at all.
"""

from __future__ import annotations

import math
from collections import Counter

MIN_LENGTH = 64
CHI_SQUARE_LENGTH = 4096
MONOBIT_LIMIT = 6.5
CHI_SQUARE_LIMIT = 8.0
BLOCK = 16


def not_uniform(data: bytes) -> str | None:
    """Return why the bytes do not look uniformly random, or None if they do."""
    n = len(data)
    if n < MIN_LENGTH:
        return f"{n} bytes are too few to tell; it takes {MIN_LENGTH}"
    z = (int.from_bytes(data, "little").bit_count() - 4 * n) / math.sqrt(2 * n)
    if abs(z) >= MONOBIT_LIMIT:
        return f"the number of one bits is {z:+.1f} standard deviations off"
    if n >= CHI_SQUARE_LENGTH:
        w = _evenness(data)
        if abs(w) >= CHI_SQUARE_LIMIT:
            return f"the byte values are spread too {'un' if w > 0 else ''}evenly ({w:+.1f} standard deviations)"
    blocks = [data[i : i + BLOCK] for i in range(0, n - BLOCK + 1, BLOCK)]
    if len(set(blocks)) < len(blocks):
        block, count = Counter(blocks).most_common(1)[0]
        return f"the aligned block {block.hex()} occurs {count} times"
    return None


def _evenness(data: bytes) -> float:
    """Return Wilson and Hilferty's normal deviate of the chi-square statistic of the byte values."""
    expected = len(data) / 256
    counts = Counter(data)
    chi_square = sum((counts[byte] - expected) ** 2 for byte in range(256)) / expected
    spread = 2 / (9 * 255)
    return (math.cbrt(chi_square / 255) - (1 - spread)) / math.sqrt(spread)
