"""Decoders from elsewhere: an ONNX file is looked at and tried in a process of its own, then run by onnxruntime."""
