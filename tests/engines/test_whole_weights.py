"""Skeletons of encoders and their whole weights; real shards are in `tests/distributed/`."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers.integrations import deepspeed

from hf_hybrid.engines.whole_weights import gather_weights, skeleton, whole_loading, with_weights
from tests.training.test_trainer import encoder


@pytest.mark.parametrize("kind", ["static", "transformer"])
def test_a_filled_skeleton_is_the_encoder(kind, tmp_path):
    model = encoder(kind)
    empty = skeleton(model)
    assert {parameter.device.type for parameter in empty.parameters()} == {"meta"}
    assert empty.model_card_data is model.model_card_data
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5)
    whole = with_weights(empty, gather_weights(model, keep=True))
    assert {parameter.device.type for parameter in empty.parameters()} == {"meta"}
    texts = ["question 1 in de", "a longer passage, answer 2"]
    assert whole.encode_query(texts).tolist() == model.encode_query(texts).tolist()
    whole.save_pretrained(str(tmp_path), create_model_card=False)
    stored = type(model)(str(tmp_path))
    assert stored.encode_query(texts).tolist() == model.encode_query(texts).tolist()


def test_shared_weights_stay_shared_and_frozen_ones_frozen():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Linear(2, 2))
    model[2].weight = model[0].weight
    model[0].bias.requires_grad_(False)
    model[1].running_mean.fill_(3)
    whole = with_weights(skeleton(model), gather_weights(model, keep=True))
    assert whole[2].weight is whole[0].weight and whole[0].weight is not model[0].weight
    assert not whole[0].bias.requires_grad and whole[0].weight.requires_grad
    assert whole[1].running_mean.tolist() == [3, 3]


def test_a_rank_that_keeps_nothing_gets_nothing():
    assert gather_weights(nn.Linear(2, 2), keep=False) == {}


def test_loading_is_whole_and_the_engines_settings_come_back():
    class Settings:
        def is_zero3(self) -> bool:
            return True

    settings = Settings()
    deepspeed.set_hf_deepspeed_config(settings)
    try:
        with pytest.raises(KeyError), whole_loading():
            assert not deepspeed.is_deepspeed_zero3_enabled()
            raise KeyError
        assert deepspeed.is_deepspeed_zero3_enabled()
    finally:
        deepspeed.unset_hf_deepspeed_config()
    with whole_loading():
        pass
    assert not deepspeed.is_deepspeed_zero3_enabled()


def test_a_missing_weight_is_an_error():
    with pytest.raises(KeyError):
        with_weights(skeleton(nn.Linear(2, 2)), {"weight": torch.zeros(2, 2)})
