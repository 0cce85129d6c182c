"""One drawn face: cues -> picture.

Everything is drawn back to front as anti-aliased polygons in head units (origin between ears, face
about 1 wide and 1.4 high), on a canvas of twice the final size, so long hair really hides ears,
neck and jaw line. Light, blur and noise come last, at the final size.
"""

import cv2
import numpy as np

from modular_cls.data.faces.cues import Cues, Face

cv2.setNumThreads(1)  # one face is too small to share; processes share the work instead

_SHIFT = 4  # fractional bits of polygon coordinates
_TURN = np.linspace(0.0, 2 * np.pi, 36, endpoint=False)
_CIRCLE = np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1)
_SKIN = np.array([[255, 222, 196], [226, 172, 130], [168, 112, 76], [96, 60, 42]], dtype=float)
_HAIR = np.array(
    [[28, 22, 20], [92, 58, 34], [150, 84, 44], [206, 168, 104], [168, 164, 160]], float
)
_RIM = np.array([30, 28, 32], dtype=float)
_LENS = np.array([52, 58, 78], dtype=float)


class _Canvas:
    """An RGB picture addressed in head units through a pose (roll, zoom, shift)."""

    def __init__(self, size: int, background: np.ndarray, nuisance: Cues) -> None:
        side = 2 * size
        self.image = cv2.resize(background, (side, side), interpolation=cv2.INTER_LINEAR)
        self.zoom = side * (0.355 + 0.05 * nuisance["zoom"])
        angle = 0.36 * (nuisance["roll"] - 0.5)
        turned = [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
        self.pose = np.array(turned) * self.zoom
        shift = np.array([nuisance["shift_x"] - 0.5, nuisance["shift_y"] - 0.5])
        self.centre = side * (np.array([0.5, 0.46]) + 0.1 * shift)

    def _pixels(self, points: np.ndarray) -> np.ndarray:
        return np.rint((points @ self.pose + self.centre) * (1 << _SHIFT)).astype(np.int32)

    def fill(self, points: np.ndarray, colour: np.ndarray) -> None:
        cv2.fillPoly(self.image, [self._pixels(points)], colour.tolist(), cv2.LINE_AA, _SHIFT)

    def line(
        self, points: np.ndarray, colour: np.ndarray, width: float, closed: bool = False
    ) -> None:
        thickness = max(1, round(width * self.zoom))
        pixels = [self._pixels(points)]
        cv2.polylines(self.image, pixels, closed, colour.tolist(), thickness, cv2.LINE_AA, _SHIFT)

    def fade(self, below: np.ndarray, opacity: float) -> None:
        """Let an earlier picture shine through what was drawn since."""
        self.image = cv2.addWeighted(self.image, opacity, below, 1 - opacity, 0.0)


def draw_face(face: Face, size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw one face.

    Args:
        face: The cues and nuisances to show.
        size: Side of the picture in pixels.
        rng: Source of the pixel noise.

    Returns:
        Picture of shape `(size, size, 3)`, RGB, uint8.
    """
    hair, gender, nuisance = face.hair, face.gender, face.nuisance
    skin, mane = _skin_colour(nuisance), _hair_colour(nuisance)
    outline = _face_outline(gender)
    canvas = _Canvas(size, _background(nuisance), nuisance)
    turn = 0.16 * (nuisance["turn"] - 0.5)  # features move sideways as the head turns
    in_front = hair["front"] > 0
    _back_hair(canvas, hair, mane)
    if not in_front:
        _side_hair(canvas, hair, mane, nuisance)
    _body(canvas, gender, nuisance, skin)
    for side in (-1.0, 1.0):
        canvas.fill(_CIRCLE * [0.09, 0.15] + [side * 0.53, 0.03], skin * 0.93)
    canvas.fill(outline, skin)
    _beard(canvas, outline, gender, skin, mane)
    _features(canvas, gender, nuisance, skin, mane, turn)
    _top_hair(canvas, hair, mane, nuisance)
    if in_front:
        _side_hair(canvas, hair, mane, nuisance)
    _glasses(canvas, face.glasses, nuisance, turn)
    _hat(canvas, nuisance)
    return _develop(canvas.image, size, nuisance, rng)


def _face_outline(gender: Cues) -> np.ndarray:
    """The face's closed outline; a strong jaw is wider and squarer below the ears."""
    cos, sin = _CIRCLE[:, 0], _CIRCLE[:, 1]
    below = np.clip(sin, 0.0, None)
    squareness = 1.0 + 0.09 * gender["jaw"] * below * (1.6 - below)
    height = np.where(sin > 0, 0.70 + 0.03 * gender["chin"], 0.66)
    return np.stack([0.52 * cos * squareness, height * sin], axis=1)


def _body(canvas: _Canvas, gender: Cues, nuisance: Cues, skin: np.ndarray) -> None:
    neck = 0.27 + 0.045 * gender["neck"]
    canvas.fill(
        np.array([[-neck, 0.3], [neck, 0.3], [neck * 1.12, 1.2], [-neck * 1.12, 1.2]]), skin * 0.86
    )
    wide = 0.95 + 0.12 * gender["shoulders"]
    slope = 1.04 - 0.03 * gender["shoulders"]
    cloth = 40 + 190 * np.array([nuisance["cloth_r"], nuisance["cloth_g"], nuisance["cloth_b"]])
    half = np.array(
        [[neck * 1.1, 0.92], [0.6 * wide, slope], [wide, slope + 0.22], [wide * 1.06, 2.6]]
    )
    canvas.fill(np.concatenate([half, half[::-1] * [-1, 1]]), cloth)


def _beard(
    canvas: _Canvas, outline: np.ndarray, gender: Cues, skin: np.ndarray, mane: np.ndarray
) -> None:
    if not gender["beard"]:
        return
    colour = skin + (0.6 * mane - skin) * 0.75 * gender["beard"]
    lower = outline[outline[:, 1] > 0.16]
    lower = lower[np.argsort(-lower[:, 0])]
    mouth = np.array([[-0.3, 0.26], [0.0, 0.22], [0.3, 0.26]])
    canvas.fill(np.concatenate([lower, mouth]), colour)


def _features(
    canvas: _Canvas, gender: Cues, nuisance: Cues, skin: np.ndarray, mane: np.ndarray, turn: float
) -> None:
    brow_colour = np.minimum(0.75 * mane, 0.7 * skin)
    iris = 30 + 90 * np.array([0.3, nuisance["eye_hue"], 1.0 - 0.7 * nuisance["eye_hue"]])
    brow_y = -0.205 - 0.035 * gender["brow_height"]
    weight = max(0.025, 0.065 + 0.026 * gender["brow_weight"])
    lash = 0.03 + 0.02 * gender["lashes"]
    for side in (-1.0, 1.0):
        x = side * 0.22 + turn
        canvas.fill(_CIRCLE * [0.10, 0.062] + [x, -0.03], np.array([242.0, 242.0, 240.0]))
        canvas.fill(_CIRCLE * [0.052, 0.058] + [x + 0.05 * (nuisance["gaze"] - 0.5), -0.03], iris)
        if lash > 0.0:
            lid = np.array(
                [[x - 0.11, -0.05], [x - 0.04, -0.10], [x + 0.05, -0.10], [x + 0.11, -0.05]]
            )
            canvas.line(lid, _RIM, lash * 1.6)
            canvas.line(
                np.array([[x + side * 0.1, -0.05], [x + side * (0.12 + lash), -0.1]]), _RIM, lash
            )
        brow = np.array([[x - 0.13, brow_y + 0.02], [x, brow_y - 0.03], [x + 0.13, brow_y + 0.02]])
        canvas.line(brow, brow_colour, weight)
    nose = 0.05 + 0.04 * nuisance["nose"]
    bridge = np.array([[turn, 0.02], [turn * 1.4 - nose, 0.22], [turn * 1.4 + nose, 0.23]])
    canvas.line(bridge, skin * 0.72, 0.03)
    full = max(0.02, 0.066 + 0.022 * gender["lip_fullness"])
    red = np.clip(0.45 + 0.22 * gender["lip_colour"], 0.0, 1.0)
    lips = skin * 0.78 + (np.array([196.0, 34.0, 58.0]) - skin * 0.78) * 0.8 * red
    corner = 0.05 * (nuisance["smile"] - 0.4)
    mouth = _CIRCLE * [0.17, full] + [turn * 1.2, 0.41]
    mouth[:, 1] -= corner * (np.abs(_CIRCLE[:, 0]) * 2 - 1)
    canvas.fill(mouth, lips)
    canvas.line(np.array([[turn * 1.2 - 0.16, 0.41 - corner], [turn * 1.2, 0.41 + corner],
                          [turn * 1.2 + 0.16, 0.41 - corner]]), lips * 0.55, 0.018)  # fmt: skip


def _length(hair: Cues) -> float:
    """Where the hair ends, in head units below the ears (chin 0.7, shoulders about 1.1)."""
    return 0.50 + 0.22 * hair["length"]


def _width(hair: Cues) -> float:
    return 0.60 + 0.035 * hair["volume"]


def _back_hair(canvas: _Canvas, hair: Cues, mane: np.ndarray) -> None:
    wide, end = _width(hair), max(0.05, _length(hair))
    sides = np.array([[wide, -0.2], [wide + 0.02, 0.5 * end], [wide * 0.92, end]])
    crown = _CIRCLE[_CIRCLE[:, 1] <= 0.0] * [wide, 0.74 + 0.02 * hair["volume"]] + [0.0, -0.12]
    canvas.fill(np.concatenate([crown, sides, sides[::-1] * [-1, 1]]), mane * 0.72)


def _side_hair(canvas: _Canvas, hair: Cues, mane: np.ndarray, nuisance: Cues) -> None:
    """Two curtains from the temples down, over ears, jaw line and, when in front, the shoulders."""
    wide, end = _width(hair), _length(hair)
    if end < -0.05:
        return
    down = np.linspace(-0.35, end, 9)
    ripple = 0.022 * (hair["wave"] + 1.5) * np.sin(11.0 * down + 6.0 * nuisance["parting"])
    inner = 0.47 - 0.035 * hair["front"] + 0.10 * np.clip(down - 0.45, 0.0, 1.0)
    for side in (-1.0, 1.0):
        outer_edge = np.stack([side * (wide + 0.03 + ripple), down], axis=1)
        inner_edge = np.stack([side * (inner + 0.6 * ripple), down], axis=1)
        canvas.fill(np.concatenate([outer_edge, inner_edge[::-1]]), mane)


def _top_hair(canvas: _Canvas, hair: Cues, mane: np.ndarray, nuisance: Cues) -> None:
    wide, hairline = _width(hair), -0.42 + 0.045 * hair["fringe"]
    crown = _CIRCLE[_CIRCLE[:, 1] <= 0.05] * [wide, 0.74 + 0.02 * hair["volume"]] + [0.0, -0.12]
    parting = 0.5 * (nuisance["parting"] - 0.5)
    across = np.linspace(-0.5, 0.5, 7)
    jag = 0.02 * (1.5 - hair["wave"]) * np.cos(np.arange(7) * np.pi)
    fringe = np.stack([across, hairline + 0.35 * (across - parting) ** 2 + jag], axis=1)
    order = np.argsort(np.arctan2(crown[:, 1] + 0.1, crown[:, 0]))
    canvas.fill(np.concatenate([crown[order], fringe[::-1]]), mane)


def _glasses(canvas: _Canvas, glasses: Cues, nuisance: Cues, turn: float) -> None:
    rim = glasses["rim"]
    if not rim:
        return
    round_eye = [0.16, 0.12 + 0.05 * nuisance["glasses_shape"]]
    lenses = [_CIRCLE * round_eye + [side * 0.22 + turn, -0.02] for side in (-1.0, 1.0)]
    bare = canvas.image.copy()
    for lens in lenses:
        canvas.fill(lens, _LENS)
    canvas.fade(bare, glasses["tint"])
    rimless, width = canvas.image.copy(), 0.03 * max(1.0, rim)
    for lens in lenses:
        canvas.line(lens, _RIM, width, closed=True)
    canvas.line(np.array([[turn - 0.07, -0.04], [turn + 0.07, -0.04]]), _RIM, width)
    canvas.fade(rimless, min(1.0, rim))


def _hat(canvas: _Canvas, nuisance: Cues) -> None:
    if nuisance["hat"] < 0.12:
        colour = 30 + 200 * np.array([nuisance["hat_r"], nuisance["hat_g"], nuisance["hat_b"]])
        dome = _CIRCLE[_CIRCLE[:, 1] <= 0.05] * [0.68, 0.62] + [0.0, -0.40]
        canvas.fill(dome[np.argsort(dome[:, 0])], colour)
        canvas.fill(
            np.array([[-0.78, -0.46], [0.78, -0.46], [0.78, -0.36], [-0.78, -0.36]]), colour * 0.8
        )


def _skin_colour(nuisance: Cues) -> np.ndarray:
    position = nuisance["skin"] * (len(_SKIN) - 1)
    low = min(int(position), len(_SKIN) - 2)
    colour = _SKIN[low] + (_SKIN[low + 1] - _SKIN[low]) * (position - low)
    return np.clip(
        colour + 24 * (nuisance["skin_tint"] - 0.5) * np.array([1.0, -0.4, -0.6]), 0, 255
    )


def _hair_colour(nuisance: Cues) -> np.ndarray:
    if nuisance["dyed"] < 0.06:
        phase = 2 * np.pi * (nuisance["dye"] + np.array([0.0, 1 / 3, 2 / 3]))
        return 120 + 90 * np.cos(phase)
    colour = _HAIR[int(nuisance["hair_hue"] * len(_HAIR))]
    return np.clip(colour * (0.75 + 0.5 * nuisance["hair_light"]), 8, 250)


def _background(nuisance: Cues) -> np.ndarray:
    """A 4x4 picture to be enlarged: a diagonal gradient with one lighter or darker patch."""
    base = 20 + 215 * np.array([nuisance["back_r"], nuisance["back_g"], nuisance["back_b"]])
    ramp = np.add.outer(np.arange(4), np.arange(4))[..., None] / 6 - 0.5
    picture = base + 110 * (nuisance["back_shift"] - 0.5) * ramp
    picture[int(nuisance["blob_y"] * 4), int(nuisance["blob_x"] * 4)] += 120 * (
        nuisance["blob"] - 0.5
    )
    return np.clip(picture, 0, 255).astype(np.uint8)


def _develop(image: np.ndarray, size: int, nuisance: Cues, rng: np.random.Generator) -> np.ndarray:
    """Reduce to the final size; then light from one side, exposure, blur and sensor noise."""
    picture: np.ndarray = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA).astype(
        np.float32
    )
    axis = np.linspace(-0.5, 0.5, size, dtype=np.float32)
    tilt = (
        0.7 * (nuisance["light_side"] - 0.5) * axis
        + 0.5 * (nuisance["light_up"] - 0.5) * axis[:, None]
    )
    picture *= (0.7 + 0.55 * nuisance["exposure"] + tilt)[..., None]
    if nuisance["blur"] > 0.5:
        picture = cv2.GaussianBlur(picture, (3, 3), 0.25 + 0.9 * (nuisance["blur"] - 0.5))
    grain = rng.standard_normal(picture.shape, dtype=np.float32)
    picture += (2.0 + 10.0 * nuisance["noise"]) * grain
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)
