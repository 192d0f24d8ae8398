"""The Universal Scalability Law through measured rates (N. J. Gunther, "Guerrilla Capacity Planning", 2007).

By the law ``N / X(N)`` is ``(1 + contention (N - 1) + coherency N (N - 1)) / rate``: linear in three numbers, of which
none is negative. So they are found by least squares, with and without each of the last two; relative errors are
squared, since rates are found within a share of themselves.
"""

import math
from collections.abc import Sequence
from itertools import combinations

from createflow.schemas.load_finding import ScaleFit

_NEGLIGIBLE = 1e-9
_MIN_POINTS = {1: 2, 2: 2, 3: 3}
"""With fewer points, so many numbers say nothing."""


def fit_law(points: Sequence[tuple[int, float]]) -> ScaleFit | None:
    """The law that is nearest to the points.

    Args:
        points: number of instances, and the highest rate with them. A number that comes twice counts twice.

    Returns:
        None if there are not two numbers of instances with a rate.
    """
    points = [(count, rate_per_s) for count, rate_per_s in points if rate_per_s > 0]
    counts = len({count for count, _ in points})
    if counts < _MIN_POINTS[1]:
        return None
    found: list[tuple[float, tuple[float, ...]]] = []
    for size in (1, 2, 3):
        if counts < _MIN_POINTS[size]:
            continue
        for used in combinations((1, 2), size - 1):
            numbers = _least_squares(points, (0, *used))
            if numbers is not None and numbers[0] > 0 and min(numbers) >= 0:
                found.append((_error(points, numbers), numbers))
    if not found:
        return None
    _, (inverse, contention, coherency) = min(found, key=lambda one: (round(one[0], 12), sum(map(bool, one[1]))))
    return _described(points, 1 / inverse, contention / inverse, coherency / inverse)


def _terms(count: int) -> tuple[float, float, float]:
    return 1.0, count - 1.0, count * (count - 1.0)


def _error(points: Sequence[tuple[int, float]], numbers: Sequence[float]) -> float:
    return sum(
        (sum(map(_product, numbers, _terms(count))) * rate_per_s / count - 1) ** 2 for count, rate_per_s in points
    )


def _product(one: float, other: float) -> float:
    return one * other


def _least_squares(points: Sequence[tuple[int, float]], used: Sequence[int]) -> tuple[float, float, float] | None:
    """The three numbers, of which those that are not used are 0; None where the points do not determine them."""
    rows = [([_terms(count)[number] * rate_per_s / count for number in used], 1.0) for count, rate_per_s in points]
    matrix = [
        [sum(row[one] * row[other] for row, _ in rows) for other in range(len(used))]
        + [sum(row[one] * value for row, value in rows)]
        for one in range(len(used))
    ]
    solved = _solve(matrix)
    if solved is None:
        return None
    numbers = [0.0, 0.0, 0.0]
    for number, value in zip(used, solved, strict=True):
        numbers[number] = value
    return numbers[0], numbers[1], numbers[2]


def _solve(matrix: list[list[float]]) -> list[float] | None:
    """Gauss's elimination with the largest pivot; the last column is the right side."""
    size = len(matrix)
    for column in range(size):
        pivot = max(range(column, size), key=lambda row: abs(matrix[row][column]))
        if abs(matrix[pivot][column]) < _NEGLIGIBLE:
            return None
        matrix[column], matrix[pivot] = matrix[pivot], matrix[column]
        for row in range(size):
            if row != column:
                factor = matrix[row][column] / matrix[column][column]
                matrix[row] = [value - factor * top for value, top in zip(matrix[row], matrix[column], strict=True)]
    return [matrix[row][size] / matrix[row][row] for row in range(size)]


def _described(points: Sequence[tuple[int, float]], rate: float, contention: float, coherency: float) -> ScaleFit:
    contention = 0.0 if contention < _NEGLIGIBLE else contention
    coherency = 0.0 if coherency < _NEGLIGIBLE else coherency
    law = ScaleFit(rate_per_s=rate, contention=contention, coherency=coherency)
    peak_count = peak_rate = None
    if coherency:
        peak_count = max(1.0, math.sqrt(max(0.0, 1 - contention) / coherency))
        peak_rate = law.rate_with(peak_count)
    elif contention:
        peak_rate = rate / contention  # Amdahl's law
    deviation = max(abs(law.rate_with(count) / rate_per_s - 1) for count, rate_per_s in points)
    return law.model_copy(update={"deviation_ratio": deviation, "peak_count": peak_count, "peak_rate_per_s": peak_rate})
