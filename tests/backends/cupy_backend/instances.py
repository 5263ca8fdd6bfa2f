"""Every kernel with every set of template parameters that the backend asks for."""

from itertools import product

from backends.cupy_backend import table
from backends.cupy_backend.indexing import UNITS
from backends.cupy_backend.launch import HELD, NAMES, VECTOR, source_of

FLOATS = {"Half": 2, "Bfloat16": 2, "float": 4, "double": 8}
LOGICAL = ("false", "true")
TAPS = ("unsigned char", "int")
# Of each function: what follows the dtype. "v" stands for a length of vectors, or 1; "held" for how many threads hold.
FUNCTIONS = {
    "softmax": {
        "softmax_rows": ("v", "held", LOGICAL),
        "softmax_columns": (LOGICAL,),
        "softmax_gradient_rows": ("v", "held", LOGICAL),
        "softmax_gradient_columns": (LOGICAL,),
    },
    "losses": {
        "nll_rows": ("v", "held"),
        "nll_columns": (),
        "nll_gradient_rows": ("v",),
        "nll_gradient_columns": (),
        "picked": (),
        "picked_gradient": (),
    },
    "rows": {"normalize_rows": ("v", "held"), "row_gradients": ("v", "held")},
    "columns": {
        "column_moments": ("v",),
        "scale_columns": ("v", LOGICAL),
        "column_sums": ("v",),
        "batch_gradient": ("v",),
        "row_parameter_sums": ("v",),
    },
    "pooling": {
        "max_of_windows": (TAPS, "v"),
        "take_taps": (TAPS,),
        "put_taps": (TAPS, "v", LOGICAL),
        "avg_pool": ("v",),
        "avg_pool_input": ("v",),
    },
    "optimizers": {"rescale": (), "sums_of_squares": (), "root_of_sum": ()},
    "indexing": {"add_points": ()},
    "scatter": {"add_rows": (("int", "Int"),), "add_sorted_rows": (("int", "Int"),)},
    "elementwise": {"drop": ("v",)},
    "recurrent": {
        "rnn_state": ("v", LOGICAL),
        "rnn_slopes": ("v", LOGICAL),
        "lstm_state": ("v",),
        "lstm_slopes": ("v",),
        "gru_state": ("v",),
        "gru_slopes": ("v",),
    },
    "reduction": {},
    "alignment": {},
    "copying": {},
    "attention": {},
}
# Of each state: what its results may be.
STATES = {
    "Sum": ("{own}", "{wide}"),
    "Largest": ("{own}",),
    "Smallest": ("{own}",),
    "Squares": ("double",),
    "Deviations": ("{wide}",),
}
STEPS = [name.removesuffix("_step").capitalize() for name in table.STEPS]
WIDE = {
    "columns": ("track<{}>",),
    "optimizers": ("counted<{}>", "adjust_scale<{}>"),
    "alignment": ("arrive<{}>", "occupy<{}>"),
}


def expressions(source: str) -> list[str]:
    """The name expressions of one source."""
    found, held = [], ("0", "1", "2", "4", "8")
    for name, size in FLOATS.items():
        lengths = (str(VECTOR // size), "1")
        for function, parameters in FUNCTIONS[source].items():
            choices = [lengths if choice == "v" else held if choice == "held" else choice for choice in parameters]
            some = [rest for rest in product(*choices) if "held" not in parameters or _holds(size, *map(int, rest[:2]))]
            found += [f"{function}<{', '.join((name, *rest))}>" for rest in some]
        if source == "elementwise":
            functions = ("Add", "AddRelu", "Relu", "Gate")
            found += [f"map<{function}, {name}, {v}>" for function in functions for v in lengths]
            others = [other for other, there in FLOATS.items() if max(size, there) <= 4 and other != name]
            found += [f"convert<{name}, {other}, {v}>" for other in others for v in (4, 1)]
        if source == "optimizers":
            found += [f"change<{step}, {name}>" for step in STEPS]
        if source == "attention":
            functions, wide = ("attention_weights", "attention_slopes"), max(size, 4)
            found += [f"{function}<{name}, {v}>" for function in functions for v in (VECTOR // wide, 1)]
        if source == "losses":
            found += [f"nll_total<{total}, {name}>" for total in (name, "double" if size == 8 else "float")]
        if source == "reduction":
            found += reductions(name, "double" if name == "double" else "float", lengths)
    found += [f"take_points<{unit}>" for unit in UNITS.values() if source == "indexing"]
    found += [f"copy_parts<{size}>" for size in (1, 2, 4, 8, 16) if source == "copying"]
    found += [pattern.format(name) for name in ("float", "double") for pattern in WIDE.get(source, ())]
    return sorted(set(found))


def _holds(size: int, vector: int, held: int) -> bool:
    return not held or (size <= 4 and vector > 1 and vector * held <= HELD)


def reductions(own: str, wide: str, lengths: tuple[str, ...]) -> list[str]:
    """What reads numbers or states, and gives results or states."""
    found = []
    for name, results in STATES.items():
        state = f"{name}<{wide}>"
        given = [(own, v) for v in lengths] + [(state, "1")] + [(own, "4")] * (name == "Deviations" and "8" in lengths)
        for (read, v), result in product(given, [state, *[r.format(own=own, wide=wide) for r in results]]):
            functions = ("reduce_rows", "reduce_columns")[: 1 if (name, v) == ("Deviations", "8") else 2]
            found += [f"{function}<{state}, {read}, {v}, {result}>" for function in functions]
    return found


SOURCES = sorted(FUNCTIONS)
__all__ = ["NAMES", "SOURCES", "expressions", "source_of"]
