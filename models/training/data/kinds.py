"""What kind of picture a style is, told by where it came from; training draws kinds alike, whatever their sources.

Without this a museum's two thousand paintings would drown fifty textiles.
"""

from __future__ import annotations

import re

import numpy as np

# The first pattern found in "repository path" names the kind.
KINDS = {
    "texture": r"DeepTexture|texture-synthesis|OptimalTextures|Retexturing",
    "textile": r"batik|INDIAN-ART-FORM|Mide-wiwin|Chiriqui",
    "illustration": r"GITenberg|tarot|wesnoth|propaganda",
    "print": r"Ukiyo|ukiyo|Shin-hanga|Japonism|Middle-East",
    "line": r"BlendGAN|JoJoGAN|DualStyleGAN|sketch|line|pencil",
    "poster": r"ArtNouveau|Art_Nouveau|ArtDeco|PosterArt|Pop_Art|br-style|neural-interioir",
    "dots": r"Divisionism|Pointillism|vangogh",
    "impressionist": r"Impressionism|Tonalism|Synthetism|Fauvism",
    "abstract": r"Cub|Suprematism|Constructivism|Abstract|modern-art|Color_Field|Minimalism|Action_painting",
    "busy": r"[Ss]tyle|NST|ArtFlow|AesUST|hackart|deephacks|neural|PAMA|SANET",
}  # "busy": what the authors of style transfer like to show
OTHER = "painting"  # old masters, realists, romantics


def kind_of(source: str) -> str:
    """The kind of a picture, from its repository and its path there."""
    path = source.removeprefix("martigasol/art-style-classification ")
    return next((kind for kind, pattern in KINDS.items() if re.search(pattern, path)), OTHER)


def balance(kinds: list[str]) -> np.ndarray:
    """The probability of each picture: a kind of n pictures is drawn in proportion to √n, evenly within."""
    names, which, counts = np.unique(kinds, return_inverse=True, return_counts=True)
    return (counts**0.5 / (counts**0.5).sum() / counts)[which]
