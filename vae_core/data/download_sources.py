"""Where the files of the built-in datasets come from, and their MD5 digests as their authors or torchvision give them.

A file that already lies in its dataset's folder is taken from there, so that a computer without a network can be given it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RemoteFile:
    """A file as its authors publish it."""

    name: str
    mirrors: tuple[str, ...]  # addresses of folders, or of the file itself where `whole` is true; tried in this order
    md5: str
    bytes: int  # about so many
    whole: bool = False

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where it can be had."""
        return self.mirrors if self.whole else tuple(mirror + self.name for mirror in self.mirrors)


@dataclass(frozen=True)
class Source:
    """The files of one dataset, and how they are kept: MNIST's four files as they are, all else as one array of pixels."""

    files: tuple[RemoteFile, ...]
    by_hand: str = ""  # where a person finds the files when the download fails, as it often does


IDX_NAMES = ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")


def _idx(mirrors: tuple[str, ...], digests: tuple[str, ...], sizes: tuple[int, ...]) -> Source:
    rows = zip(IDX_NAMES, digests, sizes, strict=True)
    return Source(tuple(RemoteFile(name, mirrors, md5, size) for name, md5, size in rows))


_SVHN = "http://ufldl.stanford.edu/housenumbers/"
SOURCES: dict[str, Source] = {
    "mnist": _idx(
        ("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"),
        ("f68b3c2dcbeaaa9fbdd348bbdeb94873", "d53e105ee54ea40749a09fcbcd1e9432",
         "9fb629c4189551a2d022fa330f9573f3", "ec29112dd5afa0611ce80d1b7f02629c"),
        (9_912_422, 28_881, 1_648_877, 4_542),
    ),
    "fashion-mnist": _idx(
        ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
        ("8d4fb7e6c68d591d4c3dfef9ec88bf0d", "25c81989df183df01b3e8a0aad5dffbe",
         "bef4ecab320f06d8554ea6380940ec79", "bb300cfdad3c16e7a12a480ee83cd310"),
        (26_421_880, 29_515, 4_422_102, 5_148),
    ),
    "kmnist": _idx(
        ("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
        ("bdb82020997e1d708af4cf47b453dcf7", "e144d726b3acfaa3e44228e80efcd344",
         "5c965bf0a639b31b8f53240b1b52f4d7", "7320c461ea6c1c855c0b718fb2a4b134"),
        (18_165_135, 29_497, 3_041_136, 5_120),
    ),
    "emnist": Source(
        (
            RemoteFile(
                "gzip.zip", ("https://biometrics.nist.gov/cs_links/EMNIST/",), "58c8d27c78d21e728a6bc7b3cc06412e", 561_753_746
            ),
        )
    ),
    "cifar10": Source(  # the version for C programs: the one for Python is a pickle, which executes what it holds
        (
            RemoteFile(
                "cifar-10-binary.tar.gz", ("https://www.cs.toronto.edu/~kriz/",), "c32a1d4ab5d03f1284b67883e8d87530", 170_052_171
            ),
        )
    ),
    "svhn": Source(
        (
            RemoteFile("train_32x32.mat", (_SVHN,), "e26dedcc434d2e4c54c9b2d4a06d8373", 182_040_794),
            RemoteFile("test_32x32.mat", (_SVHN,), "eb5a983be6a315427106f1b164d9cef3", 64_275_384),
        )
    ),
    "celeba": Source(
        (
            RemoteFile(
                "img_align_celeba.zip",
                ("https://drive.usercontent.google.com/download?id=0B7EVK8r0v71pZjFTYXZWM3FlRnM&export=download&confirm=t",),
                "00d2c5bc6d35e252742224ab0c1e8fcb", 1_443_490_838, whole=True,
            ),
        ),
        by_hand="Google often refuses this download. A browser gets the file from mmlab.ie.cuhk.edu.hk/projects/CelebA.html "
                "(Align&Cropped Images, Img, img_align_celeba.zip).",
    ),
    "dsprites": Source(
        (
            RemoteFile(
                "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz",
                ("https://raw.githubusercontent.com/google-deepmind/dsprites-dataset/master/",
                 "https://github.com/google-deepmind/dsprites-dataset/raw/master/"),
                "7da33b31b13a06f4b04a70402ce90c2e", 26_731_209,
            ),
        )
    ),
}  # fmt: skip
