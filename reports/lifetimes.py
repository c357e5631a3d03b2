"""How long customers stay and what they will spend: two models, fitted by maximum likelihood.

BG/NBD says when: while a customer stays, purchases come at a rate of their own; after each one
the customer leaves for good with a chance of their own.  Rates are spread over customers as
Gamma(r, alpha), chances as Beta(a, b).  Gamma-gamma says how much: a customer's baskets are
spread as Gamma(p, nu) around a mean of their own, and nu over customers as Gamma(q, v).

Time is in weeks, an amount in any unit.  Only customers who have come are told about, not those
who will.

Sources: P. S. Fader, B. G. S. Hardie, K. L. Lee, "Counting your customers the easy way", Marketing
Science 24(2), 2005; P. S. Fader, B. G. S. Hardie, "The gamma-gamma model of monetary value",
note 025, 2013.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import betaincinv, digamma, gammaln

Numbers = NDArray[np.float64]
Likelihood = Callable[[Numbers], tuple[float, Numbers]]  # of logarithms: its value and slope

DRAWS = 200  # of the parameters, from which an interval is read
SEED = 2005
FARTHEST = 12.0  # a parameter is sought between e^-12 and e^12 times its first start
_STEEPEST = 1e-4  # slope of a customer's mean log-likelihood at which the search has not ended
_EXACT = {"ftol": 1e-14, "gtol": 1e-9, "maxiter": 1000}
_VAGUE = 5.0  # standard deviation of a logarithm about which the data say nothing
_TAIL = 5  # degrees of freedom of the draws that are then weighed
_NODES, _HEIGHTS = np.polynomial.legendre.leggauss(64)
_QUANTILES, _WEIGHTS = (_NODES + 1) / 2, _HEIGHTS / 2


class NoFitError(Exception):
    """The search for the greatest likelihood did not end at a maximum."""


class Buying(NamedTuple):
    """The parameters of BG/NBD."""

    r: float
    alpha: float
    a: float
    b: float


class Spending(NamedTuple):
    """The parameters of gamma-gamma; q is above 1, else customers have no mean basket."""

    p: float
    q: float
    v: float


class History(NamedTuple):
    """What is known of each customer, as columns of one length."""

    repeats: Numbers  # purchases after the first
    recency: Numbers  # weeks from the first purchase to the last
    age: Numbers  # weeks from the first purchase to the end
    baskets: Numbers  # repeats that left an amount
    spent: Numbers  # the sum of these amounts

    def of(self, chosen: NDArray[np.bool_]) -> History:
        """Return some of the customers."""
        return History(*(column[chosen] for column in self))


@dataclass(frozen=True, slots=True)
class Fit:
    """A maximum of a likelihood over the logarithms of its parameters."""

    at: Numbers
    start: Numbers  # around which it was sought
    log_likelihood: float
    precision: Numbers  # the curvature there
    likelihood: Likelihood

    @property
    def errors(self) -> Numbers:
        """Standard errors of the parameters, from the curvature (delta method)."""
        errors: Numbers = np.exp(self.at) * np.sqrt(np.diag(np.linalg.inv(self.precision)))
        return errors

    @property
    def is_at_an_edge(self) -> bool:
        """Tell whether a parameter would run away: the data do not pin it down."""
        return bool(np.any(np.abs(self.at - self.start) > FARTHEST - 0.5))

    def draws(self, random: np.random.Generator, count: int = DRAWS) -> Numbers:
        """Return logarithms of parameters as likely as the data make them, one set a row.

        They are drawn from a wide curve shaped by the curvature and weighed by the likelihood
        itself (sampling and resampling: D. B. Rubin, Bayesian Statistics 3, 1988).
        """
        vague = np.eye(len(self.at)) / _VAGUE**2
        precision = self.precision + vague
        values, directions = np.linalg.eigh(precision)
        root = directions / np.sqrt(np.maximum(values, 1 / _VAGUE**2))
        steps = random.standard_normal((count, len(self.at))) @ root.T
        steps /= np.sqrt(random.chisquare(_TAIL, (count, 1)) / _TAIL)
        found = np.clip(self.at + steps, self.start - FARTHEST, self.start + FARTHEST)
        steps = found - self.at
        reach = np.einsum("ij,jk,ik->i", steps, precision, steps)
        proposed = -(_TAIL + len(self.at)) / 2 * np.log1p(reach / _TAIL)
        weight = np.array([self.likelihood(row)[0] for row in found]) - proposed
        weight -= np.einsum("ij,jk,ik->i", steps, vague, steps) / 2
        chance = np.exp(weight - weight.max())
        likely: Numbers = found[random.choice(count, count, p=chance / chance.sum())]
        return likely


def fit_buying(history: History) -> Fit:
    """Return the fit of BG/NBD; its parameters are `buying(fit.at)`.

    Raises:
        NoFitError: No maximum was found.
    """
    rows, counts = np.unique(np.column_stack(history[:3]), axis=0, return_counts=True)
    repeats, recency, age = (np.ascontiguousarray(column) for column in rows.T)
    usual = max(float(np.mean(history.age)), 1e-3)

    def likelihood(at: Numbers) -> tuple[float, Numbers]:
        value, slope = _buying_likelihood(at, repeats, recency, age)
        return float(counts @ value), slope @ counts

    starts = ((0.25, usual / 8, 0.8, 2.4), (1.0, usual, 1.0, 1.0), (2.0, usual, 0.1, 3.0))
    return _maximum(likelihood, starts, int(counts.sum()))


def fit_spending(history: History) -> Fit:
    """Return the fit of gamma-gamma to customers with a basket; see `spending(fit.at)`.

    Raises:
        NoFitError: No maximum was found.
    """
    kept = history.of(history.baskets > 0)
    unit = float(np.median(kept.spent / kept.baskets))
    rows, counts = np.unique(
        np.column_stack((kept.baskets, kept.spent)), axis=0, return_counts=True
    )
    baskets, spent = np.ascontiguousarray(rows[:, 0]), rows[:, 1]

    def likelihood(at: Numbers) -> tuple[float, Numbers]:
        value, slope = _spending_likelihood(at, baskets, spent)
        return float(counts @ value), slope @ counts

    starts = ((6.0, 2.7, 2.5 * unit), (1.0, 1.0, unit), (50.0, 5.0, unit / 10))
    return _maximum(likelihood, starts, int(counts.sum()))


def buying(at: Numbers) -> Buying:
    """Return the parameters of BG/NBD from their logarithms."""
    return Buying(*(float(value) for value in np.exp(at)))


def spending(at: Numbers) -> Spending:
    """Return the parameters of gamma-gamma from the logarithms of p, q - 1 and v."""
    p, above_one, v = (float(value) for value in np.exp(at))
    return Spending(p, 1 + above_one, v)


def alive(model: Buying, history: History) -> Numbers:
    """Return the chance that each customer is still one (Fader, Hardie 2008, note 021)."""
    r, alpha, a, b = model
    repeats, recency, age = history[:3]
    fall = (r + repeats) * np.log((alpha + age) / (alpha + recency))
    odds = np.exp(np.minimum(fall, 700.0)) * a / (b + np.maximum(repeats, 1) - 1)
    chance: Numbers = 1 / (1 + np.where(repeats > 0, odds, 0.0))
    return chance


def expected_purchases(model: Buying, history: History, weeks: Numbers | float) -> Numbers:
    """Return how many purchases to expect of each customer in the weeks to come.

    Equation 10 of the paper, before its integral is solved: who is still here has a rate from
    Gamma(r + x, alpha + T) and a chance p of leaving from Beta(a, b + x), and buys
    (1 - exp(-rate p t)) / p times in t weeks.  The rate is integrated out, p over its quantiles:
    right to a millionth, and finite where the series of the solution is not.
    """
    r, alpha, a, b = model
    kinds, kind = np.unique(history.repeats, return_inverse=True)
    leaving = np.maximum(betaincinv(a, b + kinds[:, None], _QUANTILES), 1e-12)[kind]
    ahead = (weeks / (alpha + history.age))[:, None]
    shape = (r + history.repeats)[:, None]
    purchases = -np.expm1(-shape * np.log1p(leaving * ahead)) / leaving
    expected: Numbers = alive(model, history) * (purchases @ _WEIGHTS)
    return expected


def expected_basket(model: Spending, history: History) -> Numbers:
    """Return the mean basket to expect of each customer (note 025, equation 5)."""
    p, q, v = model
    basket: Numbers = p * (v + history.spent) / (p * history.baskets + q - 1)
    return basket


def futures(
    bought: Fit, paid: Fit, history: History, weeks: Numbers, groups: NDArray[np.int64],
    share_paid: float,
) -> Numbers:  # fmt: skip
    """Return what each group of customers may spend, a row for each possible future.

    Each row draws the parameters anew, then every customer's own rate, chance and baskets given
    what is known of them.  Seeded: the same customers have the same futures.

    Args:
        bought: From `fit_buying`.
        paid: From `fit_spending`.
        history: Of the customers.
        weeks: How far to look, for each of them.
        groups: The group of each, counted from 0.
        share_paid: The share of purchases that leave an amount.
    """
    random = np.random.default_rng(SEED)
    pairs = zip(bought.draws(random), paid.draws(random), strict=True)
    count = int(groups.max()) + 1
    return np.array(
        [
            np.bincount(
                groups,
                _one_future(buying(when), spending(much), history, weeks, share_paid, random),
                count,
            )
            for when, much in pairs
        ]
    )


def purchases_together(bought: Fit, history: History, weeks: float) -> Numbers:
    """Return how many purchases all customers may make, a row for each possible future."""
    random = np.random.default_rng(SEED)
    span = np.full(len(history.age), weeks)
    return np.array(
        [[_purchases(buying(when), history, span, random).sum()] for when in bought.draws(random)],
        dtype=np.float64,
    )


def interval(values: Numbers) -> tuple[Numbers, Numbers]:
    """Return the ends between which 95 of 100 rows lie, for each column."""
    low, high = np.quantile(values, (0.025, 0.975), axis=0)
    return low, high


def dependence(history: History) -> float:
    """Return the correlation of how often and how much customers buy, both as logarithms.

    Gamma-gamma takes them to be independent; 0 where all buy alike.
    """
    kept = history.of(history.baskets > 0)
    often, much = np.log(kept.baskets), np.log(kept.spent / kept.baskets)
    if len(often) < 2 or np.ptp(often) < 1e-9 or np.ptp(much) < 1e-9:
        return 0.0
    return float(np.corrcoef(often, much)[0, 1])


def _one_future(
    when: Buying, much: Spending, history: History, weeks: Numbers, share_paid: float,
    random: np.random.Generator,
) -> Numbers:  # fmt: skip
    """Return what each customer spends in one possible future."""
    purchases = _purchases(when, history, weeks, random)
    baskets = random.binomial(purchases, share_paid)
    scale = random.gamma(much.q + much.p * history.baskets, 1 / (much.v + history.spent))
    spent: Numbers = random.gamma(much.p * baskets, 1.0) / np.maximum(scale, 1e-300)
    return spent


def _purchases(
    when: Buying, history: History, weeks: Numbers, random: np.random.Generator
) -> NDArray[np.int64]:
    """Return how often each customer buys: until the time is over, or until they leave."""
    purchases = np.zeros(len(weeks), dtype=np.int64)
    stays = random.random(len(weeks)) < alive(when, history)
    known = history.of(stays)
    rate = random.gamma(when.r + known.repeats, 1 / (when.alpha + known.age))
    chance = random.beta(when.a, when.b + known.repeats)
    before_leaving = random.geometric(np.clip(chance, 1e-9, 1.0))
    in_time = random.poisson(np.minimum(rate * weeks[stays], 1e6))
    purchases[stays] = np.minimum(in_time, before_leaving)
    return purchases


def _buying_likelihood(
    at: Numbers, repeats: Numbers, recency: Numbers, age: Numbers
) -> tuple[Numbers, Numbers]:
    """Return log-likelihoods (equation 6 of the paper) and slopes over the logarithms."""
    r, alpha, a, b = np.exp(at)
    returned = repeats > 0
    total = r + repeats
    common = gammaln(total) - gammaln(r) + r * np.log(alpha)
    common += gammaln(a + b) + gammaln(b + repeats) - gammaln(b) - gammaln(a + b + repeats)
    stays = -total * np.log(alpha + age)
    before = np.where(returned, b + repeats - 1, 1.0)
    leaves = np.where(
        returned, np.log(a) - np.log(before) - total * np.log(alpha + recency), -np.inf
    )
    either = np.logaddexp(stays, leaves)
    left = np.exp(leaves - either)  # the chance of having left
    stayed = 1 - left
    mean_log = stayed * np.log(alpha + age) + left * np.log(alpha + recency)
    mean_inverse = stayed / (alpha + age) + left / (alpha + recency)
    both, whole = digamma(a + b), digamma(a + b + repeats)
    slope = np.stack(
        [
            r * (digamma(total) - digamma(r) + np.log(alpha) - mean_log),
            r - alpha * total * mean_inverse,
            a * (both - whole) + left,
            b * (both - whole + digamma(b + repeats) - digamma(b) - left / before),
        ]
    )
    return common + either, slope


def _spending_likelihood(at: Numbers, baskets: Numbers, spent: Numbers) -> tuple[Numbers, Numbers]:
    """Return log-likelihoods (note 025, equation 1a) and slopes; `at` has log(q - 1)."""
    p, above_one, v = np.exp(at)
    q = 1 + above_one
    shape, whole = p * baskets, np.log(v + spent)
    value = gammaln(shape + q) - gammaln(shape) - gammaln(q) + q * np.log(v)
    value += shape * np.log(spent) - np.log(spent / baskets) - (shape + q) * whole
    slope = np.stack(
        [
            shape * (digamma(shape + q) - digamma(shape) + np.log(spent) - whole),
            above_one * (digamma(shape + q) - digamma(q) + np.log(v) - whole),
            q - v * (shape + q) / (v + spent),
        ]
    )
    return value, slope


def _maximum(likelihood: Likelihood, starts: Sequence[Sequence[float]], customers: int) -> Fit:
    """Return the highest of the maxima that the search finds from several starts."""

    def cost(at: Numbers) -> tuple[float, Numbers]:
        value, slope = likelihood(at)
        return -value / customers, -slope / customers

    first = np.log(starts[0])
    edges = [(middle - FARTHEST, middle + FARTHEST) for middle in first]

    def search(start: Numbers, **options: float) -> Any:
        return minimize(cost, start, jac=True, method="L-BFGS-B", bounds=edges, options=options)

    rough = [search(np.log(start), ftol=1e-7) for start in starts]
    best = search(min(rough, key=lambda one: np.nan_to_num(one.fun, nan=np.inf)).x, **_EXACT)
    inside = np.abs(best.x - first) < FARTHEST
    steepest = np.abs(np.where(inside, best.jac, 0.0)).max()
    if not np.isfinite(best.fun) or not steepest < _STEEPEST:
        raise NoFitError
    curvature = _curvature(likelihood, best.x)
    return Fit(best.x, first, -best.fun * customers, curvature, likelihood)


def _curvature(likelihood: Likelihood, at: Numbers) -> Numbers:
    """Return minus the second derivatives, without the directions in which it falls away."""
    step = 1e-4
    rows = [
        (likelihood(at - step * unit)[1] - likelihood(at + step * unit)[1]) / (2 * step)
        for unit in np.eye(len(at))
    ]
    values, vectors = np.linalg.eigh((np.array(rows) + np.array(rows).T) / 2)
    curvature: Numbers = (vectors * np.maximum(values, 1e-9)) @ vectors.T
    return curvature
