"""Forms of the verbs of news, by which a question can be built without a parser.

A question with "did" needs the base of a verb ("took" → "take"), which English spelling does not give away ("voted",
"landed", "admitted"). So the verbs are listed, and a sentence whose verb is not among them makes no such question.
"""

from functools import lru_cache
from typing import Literal, NamedTuple

Tense = Literal["past", "present", "plural"]
"""Of a finite form: the past, the third person singular, or the plural of the present, which looks like the base."""

BE = frozenset("is are was were".split())
MODALS = frozenset("will would can could may might must should".split())
AUXILIARIES = BE | MODALS | frozenset("has have had".split())
"""Verbs that stand before the subject in a question; `has`, `have` and `had` only before a participle."""

_IRREGULAR = (
    "become/became/become begin/began/begun break/broke/broken bring/brought/brought broadcast/broadcast/broadcast "
    "build/built/built buy/bought/bought catch/caught/caught choose/chose/chosen come/came/come cost/cost/cost "
    "cut/cut/cut deal/dealt/dealt do/did/done draw/drew/drawn drink/drank/drunk drive/drove/driven eat/ate/eaten "
    "fall/fell/fallen feed/fed/fed feel/felt/felt fight/fought/fought find/found/found flee/fled/fled fly/flew/flown "
    "forget/forgot/forgotten freeze/froze/frozen get/got/got give/gave/given go/went/gone grow/grew/grown "
    "have/had/had hear/heard/heard hide/hid/hidden hit/hit/hit hold/held/held hurt/hurt/hurt keep/kept/kept "
    "know/knew/known lay/laid/laid lead/led/led learn/learnt/learnt leave/left/left lend/lent/lent let/let/let "
    "lose/lost/lost make/made/made mean/meant/meant meet/met/met oversee/oversaw/overseen overtake/overtook/overtaken "
    "overthrow/overthrew/overthrown pay/paid/paid put/put/put quit/quit/quit read/read/read rebuild/rebuilt/rebuilt "
    "ride/rode/ridden ring/rang/rung rise/rose/risen run/ran/run see/saw/seen seek/sought/sought sell/sold/sold "
    "send/sent/sent set/set/set shake/shook/shaken shoot/shot/shot show/showed/shown shut/shut/shut sing/sang/sung "
    "sink/sank/sunk sit/sat/sat sleep/slept/slept speak/spoke/spoken spend/spent/spent split/split/split "
    "spread/spread/spread stand/stood/stood steal/stole/stolen strike/struck/struck swear/swore/sworn "
    "sweep/swept/swept swim/swam/swum take/took/taken teach/taught/taught think/thought/thought throw/threw/thrown "
    "undergo/underwent/undergone undertake/undertook/undertaken uphold/upheld/upheld wear/wore/worn "
    "weigh/weighed/weighed win/won/won withdraw/withdrew/withdrawn write/wrote/written"
)

_REGULAR = (
    "abandon abduct abolish accept accompany accuse achieve acquire add address admit adopt advise agree aim allow "
    "announce apologise apologize appeal appear apply appoint approve arrange arrest arrive ask assassinate assign "
    "assist assume assure attach attack attempt attend attract authorise authorize award back ban base belong blame "
    "block bomb boost borrow boycott buckle bury call campaign cancel capture carry cause cease celebrate challenge "
    "change charge check cite claim clear climb close collapse collect collide command comment commit compensate "
    "compete complain complete comprise concede conclude condemn conduct confirm connect consider consist constitute "
    "construct consult consume contain contest continue contribute control convert convict cover crash create "
    "criticise criticize cross cultivate damage date debate debut decide declare decline decrease dedicate defeat "
    "defend delay deliver demand deny deploy deport derail describe design destroy detain detect determine develop "
    "devote die disappear discharge disclose discover discuss dismiss dispatch display disrupt dissolve distribute "
    "divide donate double draft dredge drop earn elect embark emerge emit employ enable enact encounter encourage end "
    "endorse enforce engage enlist enrol ensure enter envisage erect erupt escape establish estimate evacuate examine "
    "exceed exchange execute expand expect expel experience expire explain explode explore export express extend face "
    "fail favour file fill finance fine finish fire fix flood follow force form found fund gain gather gauge generate "
    "govern graduate grant guard halt handle happen harvest head help hire host house identify ignore illustrate "
    "implement import impose impound imprison improve inaugurate include increase indicate inform inherit injure "
    "insist inspect inspire install instruct integrate intend intensify interview introduce invade invest investigate "
    "invite involve issue join jump kick kidnap kill label lack land last launch license lift limit link liquidate "
    "list live load lobby locate lower maintain manage march mark marry measure mediate mention merge migrate mine "
    "miss mobilise mobilize monitor mount move murder name narrow nationalise nationalize need neglect negotiate "
    "nominate note notify number nurse object observe obtain occupy occur offer open operate oppose order organise "
    "organize oust outline own park pass patrol penalise perform pilot place plan plant play plead pledge plunge poll "
    "possess postpone pour preach predict prepare present press prevent print privatise proclaim produce prohibit "
    "promise promote propose prosecute protect protest prove provide publish pull pump punish purchase push qualify "
    "question quote race raid raise rank ratify reach recall receive reclaim recognise recognize recommend record "
    "recover recruit redeem redesign reduce refer reform refuse regain register reinforce reiterate reject release "
    "rely remain remove rename renew rent reopen reorganise repair repeal replace report represent reprimand request "
    "require rescue reserve reshuffle resign resist resolve respond restore restrict resume retire retreat return "
    "reveal review rule sack sail sanction save schedule score screen seal search secure seize sentence separate "
    "serve settle share shelve shift ship sign sketch slash slip slow smash smuggle soar specialise spill sponsor "
    "spot stage start state stay stipulate stop store storm strengthen stretch strip study submit subscribe subsidise "
    "succeed sue suffer suggest supply support surge surpass surrender surround survey survive suspect suspend swap "
    "tackle target tax terminate test test-fire test-launch thank threaten tighten top topple total touch toughen "
    "tour trace track trade trail train transfer transform translate transmit transport trap travel treat trigger "
    "trim triple try tumble turn uncover unite unveil upgrade urge use vaccinate verify veto view violate visit "
    "volunteer vote wait waive walk want warn warrant watch welcome widen wipe work worsen wound wreck yield"
)

PRESENT_FORMS = frozenset(
    "has carries employs represents contains covers sells owns earns expects includes belongs begins requires allows "
    "takes holds makes gives provides consists comprises serves costs goes rises stands pays keeps lasts weighs adds "
    "remains becomes comes gets seeks".split()
)
"""Third persons that are hardly ever plural nouns."""

_DOUBLED = frozenset(
    "admit ban commit drop enrol equip expel map occur plan refer rob ship slip spot stop strip swap top transfer "
    "transmit trap trim patrol".split()
)
"""Verbs that double their last letter in the past."""


class Form(NamedTuple):
    """What a finite form of a verb is: its base and its tense."""

    base: str
    tense: Tense


@lru_cache(maxsize=1)
def _forms() -> tuple[dict[str, Form], frozenset[str], frozenset[str]]:
    """Finite forms, participles and bases."""
    finite: dict[str, Form] = {}
    participles: set[str] = set()
    bases: set[str] = set()
    for entry in _IRREGULAR.split():
        base, past, participle = entry.split("/")
        bases.add(base)
        participles.add(participle)
        finite[past] = Form(base, "past")
        finite.setdefault(_third_person(base), Form(base, "present"))
    for base in _REGULAR.split():
        bases.add(base)
        finite.setdefault(_third_person(base), Form(base, "present"))
        past = _regular_past(base)
        participles.add(past)
        finite.setdefault(past, Form(base, "past"))
    finite["has"] = Form("have", "present")
    finite["does"] = Form("do", "present")
    finite["goes"] = Form("go", "present")
    return finite, frozenset(participles), frozenset(bases)


def finite_form(word: str) -> Form | None:
    """Base and tense of a form in the past or the third person singular, `None` if the word is no such form."""
    return _forms()[0].get(word)


def is_participle(word: str) -> bool:
    """True for the past participle of a listed verb."""
    return word in _forms()[1]


def is_base(word: str) -> bool:
    """True for the infinitive of a listed verb."""
    return word in _forms()[2]


def looks_finite(word: str) -> bool:
    """True if a word can be a finite verb: a known one, or anything else in `-ed`."""
    return word in AUXILIARIES or is_known_finite(word) or (len(word) > 4 and word.endswith("ed"))


def is_known_finite(word: str) -> bool:
    """True for an auxiliary, a listed past, and the third persons that are not nouns as well."""
    form = _forms()[0].get(word)
    return word in AUXILIARIES or word in PRESENT_FORMS or (form is not None and form.tense == "past")


def _third_person(base: str) -> str:
    if base.endswith(("s", "sh", "ch", "x", "z", "o")):
        return base + "es"
    if base.endswith("y") and base[-2] not in "aeiou":
        return base[:-1] + "ies"
    return base + "s"


def _regular_past(base: str) -> str:
    if base.endswith("e"):
        return base + "d"
    if base.endswith("y") and base[-2] not in "aeiou":
        return base[:-1] + "ied"
    return base + (base[-1] if base in _DOUBLED else "") + "ed"
