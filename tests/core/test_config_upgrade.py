"""Configurations written by older versions, read through their upgrade."""

import json
import logging

import pytest
from pydantic import ValidationError

from vae_core.config.schema import TrainConfig, train_config
from vae_core.config.upgrade_old_config import read_config
from vae_core.runs import json_files

OLD = {"beta": 2.5, "warmup": "cyclical", "warmup_epochs": 2.0, "cycles": 7, "free_bits": 0.25}


def old_config(**fields) -> dict:
    config = train_config(data={"name": "shapes"}).model_dump(mode="json")
    del config["objective"]
    return config | OLD | fields


def test_the_flat_settings_of_an_older_config_become_those_of_the_beta_elbo_and_that_is_logged(caplog):
    with caplog.at_level(logging.INFO):
        config = read_config(json.dumps(old_config(epochs=3)).encode())
    assert config.objective.model_dump() == {"kind": "beta-elbo", **OLD} and config.epochs == 3
    assert "older configuration" in caplog.text


def test_a_config_of_today_is_read_as_it_is_and_without_a_word(caplog):
    config = train_config(data={"name": "shapes"}, objective={"kind": "iwae", "samples": 3})
    with caplog.at_level(logging.INFO):
        assert read_config(config.model_dump_json().encode()) == config
    assert not caplog.text


@pytest.mark.parametrize("fields", [{"beta": -1}, {"objective": {"kind": "iwae"}}, {"betta": 1}])
def test_an_older_config_that_is_wrong_is_refused_as_ever(fields):
    with pytest.raises(ValidationError):
        read_config(json.dumps(old_config(**fields)).encode())


def test_new_configs_are_never_upgraded_so_a_setting_in_the_wrong_place_is_an_error():
    with pytest.raises(ValidationError, match="beta"):
        TrainConfig.model_validate(old_config())


def test_the_config_of_an_older_run_can_be_read(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(old_config()))
    assert json_files.config(tmp_path).record.objective.beta == 2.5
