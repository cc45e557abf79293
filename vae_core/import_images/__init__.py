"""A person's own pictures: read, looked at before they are kept, and imported as a dataset. No torch.

with open_source(Path("butterflies.zip")) as source:
    report = inspect(source)
    pictures = preview(source, ImportOptions(size=64))
    info = import_images(source, "butterflies", ImportOptions(size=64))
"""

from vae_core.import_images.import_jobs import ImportJob, forget_import, import_jobs, incoming_folder, start_import, stop_import
from vae_core.import_images.import_options import ImportOptions
from vae_core.import_images.inspect_and_preview import PreviewPicture, Report, inspect, preview
from vae_core.import_images.open_source import open_source
from vae_core.import_images.source import Source
from vae_core.import_images.what_depends_on_it import models_of, runs_of
from vae_core.import_images.write_dataset import import_images

__all__ = [
    "ImportJob",
    "ImportOptions",
    "PreviewPicture",
    "Report",
    "Source",
    "forget_import",
    "import_images",
    "import_jobs",
    "incoming_folder",
    "inspect",
    "models_of",
    "open_source",
    "preview",
    "runs_of",
    "start_import",
    "stop_import",
]
