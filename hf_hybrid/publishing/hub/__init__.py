"""Folders to the Hub and back: a push is one commit that is all there or not at all, a pull one commit in a folder of
its own.

Both compare content by its digest, before and after: nothing is sent or fetched twice, and what has not arrived as it
was is said. The access token is the one of `hf auth login` or HF_TOKEN; `huggingface_hub` sends it to HF_ENDPOINT
only, and nothing here writes it anywhere.
"""

from __future__ import annotations

from hf_hybrid.publishing.hub.connection import use_timeout
from hf_hybrid.publishing.hub.failures import Patience
from hf_hybrid.publishing.hub.plan import PlannedFile, PushPlan
from hf_hybrid.publishing.hub.pull import Pulled, pull_repository
from hf_hybrid.publishing.hub.push import Pushed, push_folder

__all__ = ["Patience", "PlannedFile", "Pulled", "PushPlan", "Pushed", "pull_repository", "push_folder", "use_timeout"]
