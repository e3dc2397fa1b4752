"""Colours of segments, by id: a segment keeps its colour for as long as it keeps its id."""

import colorsys

from segmentation.rules import FIRST_ID

OKABE_ITO = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#000000")
"""Colours told apart by colour-blind readers (Okabe and Ito 2008, "Color universal design")."""

FURTHER = (
    "#773322", "#770066", "#6666ff", "#bbcc88", "#ee0055", "#003399", "#44ddee", "#bb0000",
    "#99dd66", "#553344", "#7799ff", "#77ddbb", "#bb1177", "#aa9944", "#446644", "#7733ff",
)  # fmt: skip
"""For more than eight segments: each as far as can be from all before it, in CIELAB, as seen by any reader."""

BY_RULE = ("#999999", "#666688", "#666622", "#ddaa99", "#dd77cc", "#8833cc", "#3311bb", "#dd11bb")
"""For segments by rule: grey for those of too little history, then those that are declared."""

_GOLDEN = 0.618034


def colour(id_: int) -> str:
    """The colour of a segment.

    Parameters
    ----------
    id_
        Of the segment, by clustering or by rule.

    Returns
    -------
    str
        #rrggbb. The first 24 segments and the first 8 by rule all have different ones.
    """
    palette, place = ((*OKABE_ITO, *FURTHER), id_) if id_ < FIRST_ID else (BY_RULE, id_ - FIRST_ID)
    if place < len(palette):
        return palette[place]
    # Golden-ratio steps keep later hues apart from each other; three lightnesses part those that come near.
    red, green, blue = colorsys.hls_to_rgb((id_ * _GOLDEN) % 1, (0.35, 0.5, 0.65)[id_ % 3], 0.6)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def dark(colour_: str) -> bool:
    """Whether white is read better than black on a colour.

    Parameters
    ----------
    colour_
        #rrggbb.

    Returns
    -------
    bool
        By relative luminance.

    References
    ----------
    W3C, "Web Content Accessibility Guidelines 2.2", relative luminance and contrast ratio.
    """
    channels = [int(colour_[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05
