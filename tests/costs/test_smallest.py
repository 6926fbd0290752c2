"""The bisection against brute force, for answers that rise with the width and for any others."""

from hypothesis import given
from hypothesis import strategies as st

from actscope.costs.smallest import ladder, smallest

WIDTHS = st.integers(1, 200)


@given(most=WIDTHS, least=st.integers(1, 250))
def test_where_answers_rise_it_is_the_smallest_of_all(most, least):
    asked = []

    def reaches(width):
        asked.append(width)
        return width >= least

    found = smallest(reaches, most)
    brute = next((w for w in range(1, most + 1) if w >= least), None)
    assert found.width == brute
    assert found.monotone
    assert len(asked) == len(set(asked)) <= 2 * most.bit_length() + 2
    assert all(1 <= w <= most for w in asked)


@given(answers=st.lists(st.booleans(), min_size=1, max_size=200))
def test_whatever_the_answers_it_reaches_and_the_next_narrower_does_not(answers):
    found = smallest(lambda width: answers[width - 1], len(answers))
    assert found.tried == {w: answers[w - 1] for w in found.tried}
    if found.width is None:
        assert not any(answers[w - 1] for w in ladder(len(answers)))
        return
    assert answers[found.width - 1]
    assert found.width == 1 or not answers[found.width - 2]
    fails_above = [w for w, good in found.tried.items() if not good and w > found.width]
    assert found.monotone == (not fails_above)


def test_a_wider_one_that_fails_is_seen():
    found = smallest(lambda width: width == 4, most=64)
    assert found.width == 4 and not found.monotone and found.tried[8] is False


def test_a_width_of_one_is_enough():
    assert smallest(lambda width: True, most=64).tried == {1: True, 2: True}
    assert smallest(lambda width: True, most=1).width == 1


def test_the_bound_itself_is_tried():
    assert smallest(lambda width: width == 20, most=20).width == 20
    assert ladder(20) == [1, 2, 4, 8, 16, 20]
    assert ladder(16) == [1, 2, 4, 8, 16]
