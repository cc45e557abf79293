"""What the explorer sends is taken over once, even when Streamlit breaks a run off in the middle of it."""

from __future__ import annotations

from collections import UserDict

import pytest

from ui.explore import browser_messages
from ui.shared import user_session

HERE = "here"


class BrokenOffError(BaseException):
    """As Streamlit's StopException: not an Exception."""


class Session(UserDict):
    """A session state in which the n-th touch ends the run."""

    patience = 10**9

    def _touch(self) -> None:
        self.patience -= 1
        if self.patience < 0:
            raise BrokenOffError

    def __getitem__(self, key):
        self._touch()
        return super().__getitem__(key)

    def __setitem__(self, key, value):
        self._touch()
        super().__setitem__(key, value)


@pytest.fixture
def session(monkeypatch, tiny_checkpoint) -> Session:
    found = Session()
    monkeypatch.setattr(browser_messages.st, "session_state", found)
    user_session.prepare()
    found.update({user_session.MODEL: "tiny", user_session.Z: [0.0] * 4, browser_messages.SESSION: HERE})
    return found


def message(count: int, **more: object) -> dict[str, object]:
    return {"id": f"x-{count}", "session": HERE, "model": "tiny", **more}


def sent() -> dict[str, object]:
    pin = {"z": [1.0, 0.0, 0.0, 0.0], "label": "a", "chosen": True}
    return {"commit": message(1, z=[1, 2, 3, 4], posterior=None), "pins": message(2, pins=[pin])}


def test_whatever_the_touch_at_which_a_run_is_broken_off_the_next_one_takes_everything(session):
    before = dict(session)
    breaks = 0
    for touches in range(200):
        session.data = {**before, browser_messages.KEY: sent()}
        session.patience = touches
        try:
            browser_messages.handle_new()
        except BrokenOffError:
            breaks += 1
        session.patience = 10**9
        browser_messages.handle_new()
        assert session[user_session.Z] == [1.0, 2.0, 3.0, 4.0], touches
        assert [pin["z"] for pin in session[user_session.PINS]["tiny"]] == [[1.0, 0.0, 0.0, 0.0]], touches
        assert session[browser_messages.ACKNOWLEDGED] == {"commit": "x-1", "pins": "x-2"}
    assert 10 < breaks < 200


def test_a_message_counts_once(session):
    session[browser_messages.KEY] = sent()
    browser_messages.handle_new()
    user_session.commit_z([9.0, 9.0, 9.0, 9.0])  # another page moved on
    browser_messages.handle_new()
    assert session[user_session.Z] == [9.0] * 4


@pytest.mark.parametrize("odd", [{"session": "of the last server"}, {"model": "another"}])
def test_a_message_of_another_session_or_model_changes_nothing(session, odd):
    session[browser_messages.KEY] = {kind: {**what, **odd} for kind, what in sent().items()}
    browser_messages.handle_new()
    assert session[user_session.Z] == [0.0] * 4 and session[user_session.PINS] == {}


@pytest.mark.parametrize("z", [[0.0], [0.0, 0.0, 0.0, float("nan")], [0.0, 0.0, 0.0, "1"]])
def test_a_bad_point_becomes_a_sentence(session, z):
    session[browser_messages.KEY] = {"commit": message(1, z=z), "pins": message(2, pins=[{"z": z}])}
    browser_messages.handle_new()
    assert session[user_session.Z] == [0.0] * 4 and session[user_session.PINS] == {}
    assert user_session.notice()


@pytest.mark.parametrize("odd", [{}, {"z": 3}, {"z": None}, {"pins": 4}, {"pins": [5]}])
def test_what_no_page_of_ours_sends_changes_nothing(session, odd):
    session[browser_messages.KEY] = {"commit": message(1, **odd), "pins": message(2, **odd)}
    browser_messages.handle_new()
    assert session[user_session.Z] == [0.0] * 4 and session[user_session.PINS] == {}


def test_a_model_that_is_gone_is_left_to_the_page(session, tiny_checkpoint):
    tiny_checkpoint.unlink()
    session[browser_messages.KEY] = sent()
    browser_messages.handle_new()
    assert session[user_session.Z] == [0.0] * 4 and user_session.notice() is None


def test_a_wish_for_a_test_image_comes_after_the_commit_before_it(session):
    session[browser_messages.KEY] = {"test_image": message(3), **sent()}
    browser_messages.handle_new()
    assert session[user_session.POSTERIOR]["label"].startswith("test image ")
    assert session[user_session.Z] == [round(value, user_session.DECIMALS) for value in session[user_session.POSTERIOR]["mu"]]


def test_a_commit_brings_its_own_posterior_along(session):
    """Undo goes back to a place whose posterior the session no longer has."""
    first = {"mu": [1.0, 2.0, 3.0, 4.0], "std": [0.5] * 4, "label": "test image 7 (3)", "index": 7}
    user_session.commit_z([0.0] * 4, {**first, "label": "test image 9 (1)", "index": 9})
    session[browser_messages.KEY] = {"commit": message(1, z=first["mu"], posterior=first)}
    browser_messages.handle_new()
    assert session[user_session.POSTERIOR] == first


@pytest.mark.parametrize("correlation", [[0.5, -1, 0, 0.25, 0.125, 1], None])
def test_a_commit_brings_the_correlations_of_a_full_posterior_along(session, correlation):
    row = {"mu": [1.0, 2.0, 3.0, 4.0], "std": [0.5] * 4, "correlation": correlation, "label": "test image 7 (3)", "index": 7}
    session[browser_messages.KEY] = {"commit": message(1, z=row["mu"], posterior=row)}
    browser_messages.handle_new()
    assert session[user_session.POSTERIOR] == row


CORRELATIONS = ([0.5] * 5, [0.5] * 5 + [1.5], [0.5] * 5 + ["1"], [0.5] * 5 + [float("nan")])


@pytest.mark.parametrize(
    "odd",
    [{"mu": [1.0]}, {"std": [1.0, 2.0, 3.0, "4"]}, {"mu": None}, *({"correlation": values} for values in CORRELATIONS)],
)
def test_a_posterior_of_another_space_is_refused(session, odd):
    posterior = {"mu": [0.0] * 4, "std": [1.0] * 4, "label": "a", **odd}
    session[browser_messages.KEY] = {"commit": message(1, z=[1.0] * 4, posterior=posterior)}
    browser_messages.handle_new()
    assert session[user_session.Z] == [0.0] * 4 and session[user_session.POSTERIOR] is None


@pytest.mark.parametrize("label", ["test image 5 (a 5)", "worded in another way"])
def test_the_test_image_goes_to_the_encode_page_by_its_number_and_not_by_its_words(session, make_model, tiny_checkpoint, label):
    make_model(tiny_checkpoint.parent / "blocks.safetensors", data="shapes")
    session[user_session.MODEL] = "blocks"
    user_session.commit_z([0.0] * 4, {"mu": [0.0] * 4, "std": [1.0] * 4, "label": label, "index": 5})
    session[browser_messages.KEY] = {"same_image": {**message(1, compared="tiny"), "model": "blocks"}}
    browser_messages.handle_new()
    assert session["encode.source"].index == 5 and session["encode.source"].of == "shapes"
