"""Small datasets in the formats in which the real ones are published: what `vae_core.data.convert_downloads` reads."""

import gzip
import io
import struct
import tarfile
import zipfile
import zlib

import numpy as np
from PIL import Image

IDX = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def idx_bytes(array):
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def mnist_files(images, labels, train):
    parts = (images[:train, 0], labels[:train], images[train:, 0], labels[train:])
    return {f"{name}.gz": gzip.compress(idx_bytes(part.astype(np.uint8))) for name, part in zip(IDX, parts, strict=True)}


def emnist_files(images, labels, train):
    """Other splits lie in the archive too; rows stand where columns should."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("gzip/emnist-letters-train-images-idx3-ubyte.gz", b"another split")
        for part, rows in (("train", slice(0, train)), ("test", slice(train, None))):
            turned = images[rows, 0].transpose(0, 2, 1)
            for kind, array in (("images-idx3", turned), ("labels-idx1", labels[rows].astype(np.uint8))):
                content = gzip.compress(idx_bytes(np.ascontiguousarray(array)))
                archive.writestr(f"gzip/emnist-balanced-{part}-{kind}-ubyte.gz", content)
    return {"gzip.zip": packed.getvalue()}


def cifar10_files(images, labels, train):
    rows = [bytes([label]) + image.tobytes() for image, label in zip(images, labels, strict=True)]
    cuts = np.linspace(0, train, 6).astype(int)
    members = {f"data_batch_{k + 1}.bin": rows[cuts[k] : cuts[k + 1]] for k in range(5)} | {"test_batch.bin": rows[train:]}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name in sorted(members, reverse=True):  # whatever their order in the archive
            content = b"".join(members[name])
            about = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))
    return {"cifar-10-binary.tar.gz": packed.getvalue()}


def matlab_element(kind, content):
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


def matlab_file(**arrays):
    """A MAT-file of version 5 with compressed arrays of bytes, as SVHN has them."""
    parts = [b"MATLAB 5.0 MAT-file".ljust(116) + bytes(8) + struct.pack("<H", 0x0100) + b"IM"]
    for name, array in arrays.items():
        short = struct.pack("<HH", 1, len(name)) + name.encode().ljust(4, b"\0")  # a small element stands in its own tag
        flags, shape = struct.pack("<II", 9, 0), struct.pack(f"<{array.ndim}i", *array.shape)
        inner = matlab_element(6, flags) + matlab_element(5, shape) + short + matlab_element(2, array.tobytes(order="F"))
        packed = zlib.compress(matlab_element(14, inner))
        parts.append(struct.pack("<II", 15, len(packed)) + packed)
    return b"".join(parts)


def svhn_files(images, labels, train):
    def part(rows):
        ten_for_nought = np.where(labels[rows] == 0, 10, labels[rows]).astype(np.uint8)
        return matlab_file(X=images[rows].transpose(2, 3, 1, 0), y=ten_for_nought[:, None])

    return {"train_32x32.mat": part(slice(0, train)), "test_32x32.mat": part(slice(train, None))}


def celeba_files(images):
    """Photographs of 178 x 218 in which the image stands in the middle, enlarged, with a frame that must go."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("img_align_celeba/", b"")
        for number, image in enumerate(images, start=1):
            picture = Image.new("RGB", (178, 218), (255, 0, 255))
            middle = Image.fromarray(image.transpose(1, 2, 0)).resize((148, 148), Image.Resampling.NEAREST)
            picture.paste(middle, ((178 - 148) // 2, (218 - 148) // 2))
            content = io.BytesIO()
            picture.save(content, "JPEG", quality=95)
            archive.writestr(f"img_align_celeba/{number:06}.jpg", content.getvalue())
    return {"img_align_celeba.zip": packed.getvalue()}


def dsprites_files(images, factors):
    """`images` hold 0 and 255, the file 0 and 1; the colour comes first, and a pickled description lies beside."""
    packed = io.BytesIO()
    np.savez_compressed(
        packed,
        metadata=np.array({"title": "dSprites"}, dtype=object),
        imgs=images[:, 0] // 255,
        latents_values=np.concatenate([np.ones((len(factors), 1)), factors], axis=1),
    )
    return {"dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz": packed.getvalue()}
