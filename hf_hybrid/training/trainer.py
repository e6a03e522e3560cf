"""`HybridTrainer`: sentence-transformers' trainer on global hybrid batches.

What it replaces, and why: the training data loader (accelerate would shard our global batches over ranks in ways that
mix or refill them), the loss (any that follows `losses.protocol`; ids travel with the batch), and the logged values.
`GuardedTraining` adds what long runs need when something fails. Everything else (optimisers, schedules, checkpoints,
DDP, evaluation, callbacks) is the `transformers.Trainer`'s.
"""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from accelerate.data_loader import prepare_data_loader
from accelerate.utils import DynamoBackend
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer
from torch import nn
from torch.utils.data import DataLoader
from transformers import ProgressCallback, Trainer, TrainerCallback

from hf_hybrid.arguments import HybridTrainingArguments
from hf_hybrid.data.pairs import ParallelPairs
from hf_hybrid.data.teacher_vectors import TeacherVectors
from hf_hybrid.encoders.absent_pooler import note_absent_pooler
from hf_hybrid.encoders.compiled import compile_encoder
from hf_hybrid.encoders.lora import has_adapter, load_adapter_weights
from hf_hybrid.encoders.text_inputs import ensure_padding
from hf_hybrid.engines.engine import EngineReport, check_engine, check_launch, shard_layers
from hf_hybrid.engines.onednn import onednn_layers
from hf_hybrid.engines.whole_weights import gather_weights, skeleton, with_weights
from hf_hybrid.errors import InputError
from hf_hybrid.losses import TrainingLoss
from hf_hybrid.losses.protocol import call_loss, check_loss
from hf_hybrid.plan.batch_plan import HybridBatchSampler
from hf_hybrid.plan.statistics import BatchStatistics, describe_plan
from hf_hybrid.training.checkpoints import last_checkpoint
from hf_hybrid.training.embedding_check import check_embedding
from hf_hybrid.training.gradient_cosine import GradientCosine
from hf_hybrid.training.guards import GuardedTraining
from hf_hybrid.training.hub_access import explain_hub_failure
from hf_hybrid.training.loss_scalars import LossScalars
from hf_hybrid.training.loss_state import LossState
from hf_hybrid.training.passes import Passes, make_collator
from hf_hybrid.training.plan_state import PlanState, run_fingerprint
from hf_hybrid.training.progress import QuietProgress
from hf_hybrid.training.run_settings import RunSettings, check_batches, run_settings, set_rates, write_changes
from hf_hybrid.training.setup import (
    choose_negatives,
    default_loss,
    make_plan,
    refuse_settings_of_the_default,
    tokenise_plan,
    warn_of_scale,
)
from hf_hybrid.training.stop_signal import obey_parent_only

logger = logging.getLogger(__name__)

# A worker that brings no batch for so long hangs: reading one takes milliseconds.
LOADER_SECONDS = 300


class HybridTrainer(GuardedTraining, SentenceTransformerTrainer):
    """Trains a `SentenceTransformer` on batches that are monolingual or cross-lingual as a whole, over all ranks.

    Args:
        model: The encoder.
        args: See `HybridTrainingArguments`.
        train_dataset: The renditions to train on.
        evaluator: Called at every evaluation; `hf_hybrid.evaluation.evaluate.HybridEvaluator` reports Mo, Cr, Mul,
            rank distance.
        callbacks, optimizers: As for `transformers.Trainer`.
        loss: A loss of your own, see `hf_hybrid.losses.TrainingLoss`; by default `HybridContrastiveLoss` as `args`
            say.

    Raises:
        InputError: The loss does not follow the protocol, or has parameters that the engine cannot train, or `args`
            have settings of the default loss beside it.

    Example:
        >>> trainer = HybridTrainer(model, HybridTrainingArguments("out", arm="hybrid"), pairs)    # doctest: +SKIP
        >>> trainer.train()                                                                        # doctest: +SKIP
    """

    # The loss is a mean over each micro-batch: the Trainer has to divide by the accumulation steps itself.
    loss_is_scaled_for_ga = False

    def __init__(
        self,
        model: SentenceTransformer,
        args: HybridTrainingArguments,
        train_dataset: ParallelPairs | None = None,
        evaluator: Any = None,
        callbacks: list[TrainerCallback] | None = None,
        optimizers: tuple = (None, None),
        loss: TrainingLoss | None = None,
    ):
        check_launch(args)
        if loss is not None:
            check_loss(loss)
            refuse_settings_of_the_default(args)
        ensure_padding(model)
        self.plan = None if train_dataset is None else make_plan(train_dataset, args)
        self.negatives, count = choose_negatives(args, train_dataset)
        # The first process tokenises, the others read its cache.
        teacher = TeacherVectors.open(args.teacher_vectors) if args.teacher_vectors and args.teacher_weight else None
        with args.main_process_first(local=False, desc="tokenising"):
            tokenised = None if self.plan is None else tokenise_plan(self.plan, model, args, count, teacher)
        own_settings = {"negatives": self.negatives, "similarity": model.similarity_fn_name}
        if loss is None:
            weight = args.teacher_weight if teacher else 0.0
            loss = default_loss(args, self.negatives, weight, model.similarity_fn_name)
            warn_of_scale(model, args)
            own_settings |= {"scale": args.scale, "symmetric": args.symmetric}
        self.fingerprint = {} if self.plan is None else run_fingerprint(self.plan, teacher, loss)
        self.settings = RunSettings(run_settings(model, args, own_settings, count))
        self._changes_settings = False
        super().__init__(
            model=model,
            args=args,
            train_dataset=tokenised,
            loss=loss,
            evaluator=evaluator,
            data_collator=make_collator(model, args),
            callbacks=[
                *(callbacks or []),
                *([] if self.plan is None else [PlanState(self.fingerprint), self.settings]),
            ],
            optimizers=optimizers,
        )
        check_embedding(self.model)
        engine = check_engine(self.accelerator, args)
        self.add_callback(EngineReport(self, engine))
        # Copied before the engine cuts the weights into pieces.
        self._skeleton = skeleton(self.model) if engine.shards_weights else None
        if engine.name == "FSDP2":
            shard_layers(self.accelerator.state.fsdp_plugin, self.model)
        self.passes = Passes(self.model, args, self.data_collator, sharded=engine.shards_weights)
        if self.plan is not None:
            self.add_callback(self.passes.cost)
        self._compile_inside()
        self.loss_state = LossState(self.loss, self.model, engine.name)
        self.add_callback(self.loss_state)
        # sentence-transformers optimises the parameters of the loss, which by its custom holds the model.
        self.loss.model = self.model
        if args.gradient_cosine_steps and self.plan is not None:
            self.add_callback(GradientCosine(self, args.gradient_cosine_steps, engine.name))
        self._statistics = BatchStatistics(() if self.plan is None else self.plan.pairs.languages)
        self._scalars = LossScalars()
        if self.pop_callback(ProgressCallback) is not None:
            self.add_callback(QuietProgress(self._scalars))
        if self.plan is not None and self.is_world_process_zero():
            logger.info("%s", describe_plan(self.plan))
            logger.info("Precision: %s", args.precision)

    def train(self, *args: Any, **kwargs: Any) -> Any:
        """Train; see `GuardedTraining.train`. On a CPU oneDNN makes the products of linear layers, unless they are
        compiled.
        """
        checkpoint = args[0] if args else kwargs.get("resume_from_checkpoint")
        if isinstance(checkpoint, str) and self.plan is not None:
            self._changes_settings = self.settings.check(checkpoint, self.fingerprint, self.args.resume_with_changes)
            if self._changes_settings and self.is_deepspeed_enabled:
                raise InputError(
                    "resume_with_changes: DeepSpeed brings its optimiser back as it was; restore the settings, or "
                    "start a new run"
                )
            if self._changes_settings and self.is_world_process_zero():
                write_changes(self.args.output_dir, self.settings.changes)
        self.settle_passes(checkpoint)
        with self._layers():
            return super().train(*args, **kwargs)

    def settle_passes(self, checkpoint: str | bool | None = None) -> None:
        """Find what a pass of this run costs, see `training.passes`, and fill it into the arguments.

        Training does so by itself; who writes the arguments before calls it before. Every rank must call it.
        """
        if checkpoint is True:
            checkpoint = last_checkpoint(self.args.output_dir)
        if self.plan is not None:
            with self._layers():
                self.passes.settle(checkpoint or None, self.train_dataset)

    def _layers(self) -> AbstractContextManager:
        plain = self.args.device.type != "cpu" or self.args.torch_compile
        return nullcontext() if plain else onednn_layers(self.model)

    @staticmethod
    def check_batches(checkpoint: str, pairs: ParallelPairs, args: HybridTrainingArguments) -> None:
        """Refuse to resume with other data or another plan, before an encoder is built for them; see
        `run_settings`.
        """
        check_batches(checkpoint, make_plan(pairs, args).fingerprint())

    # -- data ---------------------------------------------------------------------------------------------------------

    def get_train_dataloader(self) -> DataLoader:
        """The loader of this rank's rows of every global batch.

        Prepared as for one process: the sampler has already sliced the batches, so accelerate must not shard them, and
        `set_epoch` then reaches the sampler also through the wrapper that a resumed run puts around it.
        """
        sampler = HybridBatchSampler(self.plan, self.args.process_index, self.args.world_size)
        workers = self.args.dataloader_num_workers
        loader = DataLoader(
            self.train_dataset,
            batch_sampler=sampler,
            collate_fn=self.data_collator,
            num_workers=workers,
            pin_memory=self.args.dataloader_pin_memory and self.args.device.type == "cuda",
            # A process that forks while one of its threads ends can leave the child hanging (CPython 3.11): once is
            # enough.
            persistent_workers=workers > 0,
            timeout=LOADER_SECONDS if workers else 0,
            prefetch_factor=self.args.dataloader_prefetch_factor,
            worker_init_fn=obey_parent_only,
            # Seeds of workers, which draw nothing, are not taken from the numbers that dropout is drawn from.
            generator=torch.Generator(),
        )
        return prepare_data_loader(
            loader, device=self.args.device, num_processes=1, process_index=0, put_on_device=True
        )

    def init_hf_repo(self, *args: Any, **kwargs: Any) -> None:
        with explain_hub_failure(self.args.hub_model_id or "the run's repository"):
            super().init_hf_repo(*args, **kwargs)

    def preprocess_dataset(self, dataset: Any = None, dataset_name: str | None = None) -> Any:
        # Our data set is tokenised already; the parent's checks are for text columns.
        return dataset

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        # The parent's callback inspects text columns of the training data. Cards are generated from results files.
        self.model.model_card_data.generate_widget_examples = False

    # -- weights ------------------------------------------------------------------------------------------------------

    def whole_encoder(self) -> SentenceTransformer:
        """The encoder with whole weights, also where the engine keeps them in pieces; to be called on every rank.

        Returns:
            The trained encoder itself, or on the first rank a copy of a sharded one; other ranks then get no weights.
        """
        encoder = self.accelerator.unwrap_model(self.model)
        if self._skeleton is None:
            return encoder
        weights = gather_weights(encoder, keep=self.is_world_process_zero())
        return with_weights(self._skeleton, weights).to(self.args.device) if weights else self._skeleton

    def _save(self, output_dir: str | None = None, state_dict: dict[str, torch.Tensor] | None = None) -> None:
        encoder = self.whole_encoder()
        # The loop calls this on every rank, and the parent would write the same files from each.
        if self.args.should_save:
            trained, self.model = self.model, encoder
            try:
                super()._save(output_dir, state_dict)
                folder = Path(output_dir or self.args.output_dir)
                note_absent_pooler(encoder, folder)
                self.loss_state.save(folder)
            finally:
                self.model = trained

    def _load_from_checkpoint(self, checkpoint_path: str, model: nn.Module | None = None) -> None:
        if self._skeleton is not None:
            # sentence-transformers would load whole weights into the pieces; the engine has stored its own.
            Trainer._load_from_checkpoint(self, checkpoint_path, model)
        elif has_adapter(self.model):
            # Only the adapter is in the checkpoint: the base is loaded already.
            load_adapter_weights(self.model, checkpoint_path)
        else:
            super()._load_from_checkpoint(checkpoint_path)
        self.loss_state.load(checkpoint_path)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if not self._changes_settings:
            super()._load_optimizer_and_scheduler(checkpoint)
            return
        rates = list(getattr(self.lr_scheduler, "scheduler", self.lr_scheduler).base_lrs)
        super()._load_optimizer_and_scheduler(checkpoint)
        set_rates(self.optimizer, self.lr_scheduler, rates)

    def _load_best_model(self) -> None:
        if self._skeleton is not None:
            Trainer._load_best_model(self)
        else:
            super()._load_best_model()

    def _compile_inside(self) -> None:
        """Compile the transformer rather than, as accelerate would, all that wraps it: a step runs that once, for many
        chunks. Packed chunks get one shape first, see `Passes.compile_when_settled`.
        """
        plugin = self.accelerator.state.dynamo_plugin
        if plugin.backend == DynamoBackend.NO:
            return
        if self.passes.compile_when_settled(plugin.to_kwargs()):
            self.add_callback(self.passes.fixed)
        elif not compile_encoder(self.model, **plugin.to_kwargs()):
            logger.warning("torch_compile: a static encoder has nothing to compile; training goes on without")
        plugin.backend = DynamoBackend.NO

    # -- loss ---------------------------------------------------------------------------------------------------------

    def compute_loss(
        self, model: nn.Module, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The loss's value for this rank's rows; its mean over ranks is that of the whole global batch."""
        loss, scalars = call_loss(self.loss, model, {**inputs, "cache_budget": self.passes.budget})
        self._statistics.add(inputs)
        self._scalars.add(scalars)
        return (loss, {}) if return_outputs else loss

    def training_step(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        loss = super().training_step(*args, **kwargs)
        if self.accelerator.sync_gradients:
            self.loss_state.average_gradients()
        return loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Add to training logs what was drawn since the last one, shares of arms and languages, and the loss's
        scalars.
        """
        if "loss" in logs:
            logs = {**logs, **self._statistics.pop(self.accelerator)}
            logs |= self._scalars.pop(self.accelerator, taken={*logs, "epoch", "step"})
        super().log(logs, start_time)
