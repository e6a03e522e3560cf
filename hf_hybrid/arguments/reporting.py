"""Whether what `report_to` names is installed: said before anything is loaded."""

from __future__ import annotations

import importlib.util

from hf_hybrid.errors import InputError, nearest

# Name -> module that it needs, and what to install for it.
PACKAGES = {
    "azure_ml": ("azureml", "azureml-sdk"),
    "clearml": ("clearml", "clearml"),
    "codecarbon": ("codecarbon", "codecarbon"),
    "comet_ml": ("comet_ml", "comet-ml"),
    "dagshub": ("dagshub", "dagshub"),
    "dvclive": ("dvclive", "dvclive"),
    "flyte": ("flytekit", "flytekit"),
    "kubeflow": ("kubeflow", "kubeflow"),
    "mlflow": ("mlflow", "mlflow"),
    "neptune": ("neptune", "neptune"),
    "swanlab": ("swanlab", "swanlab"),
    "tensorboard": ("tensorboard", "tensorboard"),
    "trackio": ("trackio", "trackio"),
    "wandb": ("wandb", "wandb"),
}


def check_reporting(report_to: str | list[str] | None) -> None:
    """Refuse to report to what is not installed.

    Raises:
        InputError: Names it, and how to install it; or the name is unknown.
    """
    names = [report_to] if isinstance(report_to, str) else report_to or []
    for name in names:
        if name in ("none", "all"):
            continue
        if name not in PACKAGES:
            near = nearest(name, list(PACKAGES))
            known = f"did you mean {near}?" if near else f"choose of {', '.join(PACKAGES)}, or none"
            raise InputError(f"report_to: {name!r} is not known; {known}")
        module, package = PACKAGES[name]
        # tensorboardX serves as well.
        if not any(
            importlib.util.find_spec(each) for each in {module, "tensorboardX" if name == "tensorboard" else module}
        ):
            raise InputError(f"report_to: {name} is not installed; `pip install {package}`, or give none")
