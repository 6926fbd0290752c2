"""Claims about depth, slopes and gradients."""

from actscope.claims import (
    below_float32,
    carries_over,
    depth_hurts_sigmoid,
    gradient_vanishes,
    hybrid_helps,
    linear_stack,
    relu_trains_deep,
    slope_at_most_quarter,
)
from claim_cases._made import F, H, O, Q, about, flags

SLOPES = {5.0: 0.00665, 10.0: 4.54e-5}
KINDS = ("float16", "bfloat16", "float32", "float64")


def floats(error, added=True):
    return below_float32.Numbers(
        dict.fromkeys(KINDS, error), dict.fromkeys(KINDS, added), dict.fromkeys(KINDS, 1e-38)
    )


def gradients(article, critical, relu=0.5, width=0.01):
    places = {"article": article, "gain": article, "critical": critical}
    return gradient_vanishes.Numbers(
        {
            (k, i, d): (v if k == "sigmoid" else relu) * about(1.0, width)
            for k in gradient_vanishes.KEYS
            for i, v in places.items()
            for d in gradient_vanishes.DEPTHS
        }
    )


def stacks(deviation=1e-15, lead=0.0, width=0.001):
    return linear_stack.Numbers(
        deviation, {d: about(lead, width) for d in linear_stack.DEPTHS}, about(0.1)
    )


def deep(plain, helped=0.0, width=0.001):
    """How much 32 layers lose."""
    lost = {"plain": plain, "norm and residual": helped}
    places = [(k, d) for k in relu_trains_deep.KINDS for d in relu_trains_deep.DEPTHS]
    return relu_trains_deep.Numbers(
        {(k, d): about(0.97 - lost[k], width) if d == 32 else about(0.97) for k, d in places},
        {p: flags(0.0, 30) for p in places},
    )


def depths(article, tuned, width=0.001):
    """How much 8 sigmoid layers lose."""

    def found(loss):
        return {("sigmoid", d): about(0.97 - loss * (d == 8), width) for d in (1, 2, 4, 8)} | {
            ("relu", d): about(0.97) for d in (1, 2, 4, 8)
        }

    return depth_hurts_sigmoid.Numbers(found(article), found(tuned))


def placements(last, relu=0.97, first=0.9, width=0.0005):
    forms = {"all ReLU": about(relu, 0.0), "sigmoid last": about(last, width)}
    forms |= {"sigmoid first": about(first, 0.0), "all sigmoid": about(first, 0.0)}
    return hybrid_helps.Numbers({(s, k): v for s in hybrid_helps.PLACES for k, v in forms.items()})


def leads(article, tuned, width=0.001):
    value = dict(zip(carries_over.SETTINGS, (article, tuned), strict=True))
    return carries_over.Numbers(
        {
            (s, data, shape): about(v, width)
            for s, v in value.items()
            for data in ("moons", "xor")
            for shape in carries_over.SHAPES
        }
    )


CASES = {
    "slope_at_most_quarter": {
        H: slope_at_most_quarter.Numbers(0.25, SLOPES),
        F: slope_at_most_quarter.Numbers(0.5, SLOPES),
    },
    "below_float32": {H: floats(1.0), O: floats(1e-8), F: floats(1e-8, added=False)},
    "gradient_vanishes": {
        H: gradients(1e-9, 1e-9),
        O: gradients(1e-9, 0.5),
        F: gradients(0.5, 0.5),
        Q: gradients(1e-9, 1e-3, width=0.9),
    },
    "linear_stack": {
        H: stacks(),
        F: stacks(deviation=0.1),
        Q: stacks(lead=0.01, width=0.02),
    },
    "relu_trains_deep": {
        H: deep(0.0),
        O: deep(0.5),
        F: deep(0.5, helped=0.5),
        Q: deep(0.02, width=0.02),
    },
    "depth_hurts_sigmoid": {
        H: depths(0.4, 0.1),
        O: depths(0.4, 0.0),
        F: depths(0.0, 0.0),
        Q: depths(0.4, 0.02, width=0.05),
    },
    "hybrid_helps": {
        H: placements(0.98),
        O: placements(0.96),
        F: placements(0.85),
        Q: placements(0.975, width=0.01),
    },
    "carries_over": {
        H: leads(0.1, 0.05),
        O: leads(0.1, 0.0),
        F: leads(0.0, 0.0),
        Q: leads(0.1, 0.01, width=0.02),
    },
}
