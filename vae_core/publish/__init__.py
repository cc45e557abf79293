"""A page that needs no server: the explorer's own modules, and models as ONNX with what is known of them, as static files.

The modules are copied as they are; where they lie is told by the caller, who knows of pages. What the files hold is described at
the top of ui/components/explorer/answers/static_data.js, which reads them.
"""

MOST_POINTS = 1500  # encoded test images that a published page holds of each model, unless told otherwise
