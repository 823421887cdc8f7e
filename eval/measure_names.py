"""What measures are called: trec_eval's names (`ndcg_cut_10`, `map`) and those of ir_measures (`nDCG@10`, `AP`)."""

import difflib
import re
from functools import cache
from typing import Any

from index.errors import InputError

NICKNAMES = ("official", "set", "all_trec")
"""Names that stand for several of trec_eval's measures."""

WITHOUT_VALUE = frozenset({"runid", "relstring"})
"""What pytrec_eval lists as measures and has no number for: the name of the run, and a string of relevance values."""

RBP = "rbp"
"""trec_eval 10's rank-biased precision, which pytrec_eval does not have."""

_CUTOFF = re.compile(r"(P|recall|ndcg_cut|map_cut|relative_P|success)[._]([1-9]\d{0,5}(?:,[1-9]\d{0,5})*)", re.ASCII)
_SHARE = re.compile(r"(iprec_at_recall|Rprec_mult)[._](\d\.\d{1,2}(?:,\d\.\d{1,2})*)", re.ASCII)
"""Measures with cutoffs, and with shares, in trec_eval's two ways: `P_5` and `P.5,10`."""


def find_measures(name: str, relevance_level: int = 1) -> dict[str, Any]:
    """The measures that a name stands for: each as it is printed → ir_measures' object, `None` for trec_eval's.

    trec_eval's `P` stands for all cutoffs that it has by default, `P_7` and `P.7,9` for these. A name of ir_measures'
    that does not say from which relevance on a document is relevant gets `relevance_level`, and shows it: `AP(rel=2)`.

    Raises:
        InputError: There is no such measure; the message names those that are most like it. Or it has a parameter
            that it does not take, or needs a package that is not installed.
    """
    import pytrec_eval

    if name == RBP:
        return {RBP: None}
    if name in NICKNAMES or name in pytrec_eval.supported_measures - WITHOUT_VALUE:
        return dict.fromkeys(_trec_eval_names(name))
    for pattern, decimals in ((_CUTOFF, 0), (_SHARE, 2)):
        match = pattern.fullmatch(name)
        if match is not None:
            values = sorted({float(value) for value in match[2].split(",")})
            return {f"{match[1]}_{value:.{decimals}f}": None for value in values}
    measure = _ir_measure(name)
    level = measure.SUPPORTED_PARAMS.get("rel")
    # Where relevance has no level by default, the measure means another thing with one; this name is for one that has.
    takes_level = name == "NumRelRet" or (level is not None and level.default == 1 and "rel" not in measure.params)
    if relevance_level != 1 and takes_level:
        measure = measure(rel=relevance_level)
    # `eval.scoring` has these itself: the one for every level, the other without a further package.
    if measure.NAME != "NumRel" and not (measure.NAME == "RBP" and "rel" in measure.params):
        _check_available(name, measure)
    return {str(measure): measure}


@cache
def _trec_eval_names(name: str) -> tuple[str, ...]:
    """What trec_eval prints for a measure or a nickname, in its order: all cutoffs that it has by default."""
    import pytrec_eval

    printed = pytrec_eval.RelevanceEvaluator({"q": {"d": 1}}, {name}).evaluate({"q": {"d": 1.0}})["q"]
    found = tuple(measure for measure in printed if measure not in WITHOUT_VALUE)
    return (*found, RBP) if name == "all_trec" else found


def _ir_measure(name: str) -> Any:
    import ir_measures

    try:
        measure = ir_measures.parse_measure(name)
        measure.validate_params()
    except (ValueError, NameError, AssertionError, TypeError, KeyError) as error:
        if re.split(r"[@(]", name)[0] not in ir_measures.measures.registry:
            raise InputError(f"there is no measure {name!r}{_suggestion(name)}") from error
        raise InputError(
            f"the measure {name!r} lacks a parameter or has a wrong one; write it like 'nDCG@10' or 'AP(rel=2)'"
        ) from error
    cutoff = measure.params.get("cutoff", 1)
    if cutoff < 1:
        raise InputError(f"the measure {name!r} looks at {cutoff} documents; it takes 1 or more")
    return measure


def _check_available(name: str, measure: Any) -> None:
    import ir_measures

    try:
        ir_measures.evaluator([measure], {})
    except ValueError as error:
        raise InputError(f"the measure {name!r} cannot be calculated here: {' '.join(str(error).split())}") from error


def _suggestion(name: str) -> str:
    """The known names that are most like it."""
    import ir_measures
    import pytrec_eval

    base, at, cutoff = name.partition("@")
    known = {known.lower(): known for known in (*pytrec_eval.supported_measures - WITHOUT_VALUE, *NICKNAMES)}
    known |= {known.lower(): known for known in _trec_eval_names("all_trec")}
    if at or not (close := difflib.get_close_matches(name.lower(), known)):
        registry = ir_measures.measures.registry.items()
        known = {alias.lower(): f"{measure.NAME}{at}{cutoff}" for alias, measure in registry}
        close = difflib.get_close_matches(base.lower(), known)
    meant = ", ".join(repr(name) for name in dict.fromkeys(known[match] for match in close))
    return f"; did you mean {meant}?" if meant else "; name one as ir_measures ('nDCG@10') or trec_eval ('map') does"
