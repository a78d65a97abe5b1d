"""The model of docs/scale.md against what can be worked out by hand, and the page against it."""

import math

import numpy as np
import pytest

from benchmarks.scale import charts, checks, document, kept, latency, shards
from benchmarks.scale.cells import Routing, fitted
from benchmarks.scale.edges import building, following
from benchmarks.scale.inputs import inputs
from benchmarks.scale.plan import SIZES, Power, embedding, money, serving
from benchmarks.scale.prices import EMBEDS, OBJECTS, SEARCHES
from benchmarks.scale.queueing import Group, exponential, pausing, responses
from benchmarks.scale.space import diskann, edges_size, rabitq, resident, through, tiers
from benchmarks.scale.tables import TABLES
from benchmarks.scale.tail import Lognormal, distinct, mean_of_slowest, of_each
from benchmarks.scale.tail import fitted as lognormal
from benchmarks.scale.words import dollars, lasting, plain, size

MILLION, BILLION, MOST = SIZES
MEASURED = inputs()


def test_tables_and_chart_in_the_page_are_those_that_the_command_writes() -> None:
    text = document.DOCUMENT.read_text()
    found = kept.last()
    assert text.count("<!-- table: ") == len(TABLES)
    assert document.filled(text, found) == text
    assert document.CHART.read_text() == charts.drawn(MEASURED, found)


def test_slowest_of_exponential_times_has_the_harmonic_mean() -> None:
    drawn = np.random.default_rng(0).exponential(2.0, (200_000, 8)).max(axis=1)
    assert mean_of_slowest(0.5, 8) == pytest.approx(2 * (761 / 280))
    assert drawn.mean() == pytest.approx(mean_of_slowest(0.5, 8), rel=0.01)


def test_of_a_hundred_machines_63_percent_meet_a_slow_one() -> None:
    # Dean and Barroso's example: 1 in 100 answers is slow.
    slow = 1 - 0.99**100
    assert slow == pytest.approx(0.634, abs=1e-3)
    assert of_each(0.99**100, 100) == pytest.approx(0.99)


def test_lognormal_goes_through_what_it_is_fitted_to() -> None:
    times = lognormal(2.0, 5.0)
    assert times.quantile(0.5) == pytest.approx(2)
    assert times.quantile(0.95) == pytest.approx(5)
    assert times.below(5) == pytest.approx(0.95)
    assert Lognormal(3, 0).below(3) == 1


def test_distinct_machines() -> None:
    assert distinct(1, 10) == pytest.approx(1)
    assert distinct(2, 2) == pytest.approx(1.5)
    assert distinct(1e6, 10) == pytest.approx(10)


@pytest.mark.parametrize("load", [0.3, 0.7])
def test_one_server_waits_as_in_m_m_1(load: float) -> None:
    # The mean time in an M/M/1 queue is 1 / (mu - lambda).
    found = responses(Group(1, 1, load, exponential(1.0)), 60_000)
    assert found.mean() == pytest.approx(1 / (1 - load), rel=0.05)


def test_two_servers_wait_as_in_m_m_2() -> None:
    # Erlang's C for two servers gives 1 / (1 - load^2) for the mean time in the system.
    found = responses(Group(1, 2, 2 * 0.7, exponential(1.0)), 60_000)
    assert found.mean() == pytest.approx(1 / (1 - 0.7**2), rel=0.05)


def test_replicas_share_the_queries() -> None:
    found = responses(Group(4, 1, 4 * 0.5, exponential(1.0)), 40_000)
    assert found.mean() == pytest.approx(2, rel=0.05)


def test_hedging_cuts_pauses_and_not_the_middle() -> None:
    service = pausing(Lognormal(1.0, 0.1), 0.01, 50.0)
    group = Group(2, 16, 2.0, service)
    plain_, hedged = latency.simulated(group, 40_000)
    assert np.quantile(plain_, 0.995) > 50
    assert np.quantile(hedged, 0.995) < 4
    assert np.median(hedged) == pytest.approx(np.median(plain_), rel=0.02)


def test_without_load_hedged_times_are_the_lesser_of_two() -> None:
    # P(T > t) = S(t) S(t - d) for t > d.
    found = responses(Group(2, 1000, 0.01, exponential(1.0)), 50_000, hedge=0.5)
    for time in (1.0, 2.0):
        assert (found > time).mean() == pytest.approx(math.exp(-(2 * time - 0.5)), rel=0.05)


def test_slowest_of_parts_on_too_few_cores_is_their_sum() -> None:
    parts = np.ones(4)
    assert shards.slowest(parts, 4) == 1
    assert shards.slowest(parts, 2) == 2
    assert shards.slowest(parts, 1) == 4
    assert shards.slowest(parts, 0.8) == 4
    assert shards.slowest(parts[:2], 1.25) == 1.75
    assert shards.slowest(np.array([3.0, 1.0, 1.0]), 2) == 3


def test_what_was_simulated_too_seldom_is_not_told() -> None:
    times = np.sort(np.random.default_rng(0).random(1000))
    assert math.isnan(latency.over(times, times, 100).p99)
    assert math.isfinite(latency.over(times, times, 1).p50)


def test_bytes_by_hand() -> None:
    assert rabitq(1280) == 160 + 8 + 8 + 16
    assert edges_size(8) == 20 * 12 + 4
    assert diskann(1280).disk == 4096  # 2,788 bytes a node: one in each sector
    assert diskann(128, 32).disk == 4096 / 10  # 388 bytes: ten
    assert diskann(1280).memory == 320
    assert through((1, 3), (3, 7)).at(10) == 21
    codes, rows, nearest, metadata, again, _ = tiers(MEASURED, 200)
    assert 200 < codes.size < 217.4  # more than a code, less than all at a million
    assert (rows.size, nearest.size, metadata.size) == (2560, 244, 600)
    assert again.size == codes.size + 2560 + 244


def test_inputs_are_those_of_the_results() -> None:
    assert MEASURED.embedding.value == pytest.approx(75.375, abs=0.001)
    assert MEASURED.commit.value == pytest.approx(1e6 / 87.990953)
    assert [point.rows for point in MEASURED.points] == [10_000, 100_000, 1_000_000]
    assert resident(MEASURED.points).at(1e6) == MEASURED.points[-1].resident


def test_embedding_time_and_money_by_hand() -> None:
    took = embedding(BILLION, MEASURED.embedding)
    assert took.hours == pytest.approx(1e9 / 75.375 / 3600, rel=1e-4)
    assert took.dollars == pytest.approx(took.hours * 3.28448 / 64)
    assert took.lasting == pytest.approx(took.hours / 640)
    assert EMBEDS.core_hour == pytest.approx(0.05132)


def test_objects_cost_less_the_more_there_are() -> None:
    assert OBJECTS.month(1e12) == pytest.approx(23)
    assert OBJECTS.month(600e12) == pytest.approx(50e3 * 0.023 + 450e3 * 0.022 + 100e3 * 0.021)
    assert OBJECTS.listing(1e9) == pytest.approx(5)
    assert OBJECTS.writing(1e6) == pytest.approx(5)


def test_every_segment_takes_cores_and_some_of_them_memory() -> None:
    everywhere = serving(BILLION, MEASURED, BILLION.cells)
    routed = serving(BILLION, MEASURED, 31)
    assert BILLION.cells == 1000
    assert everywhere.work == pytest.approx(1000 * MEASURED.search.value)
    assert everywhere.most == "cores"
    # 200 queries of 1.45 s, half of 16 cores, two copies
    assert everywhere.machines == math.ceil(200 * 1.4525 / 0.5 / 16 / 2)
    assert routed.most == "memory"
    assert routed.machines == math.ceil(208.2e9 / (0.75 * 256 * 2**30))
    assert everywhere.load <= 0.5
    assert routed.load <= 0.5


def test_money_adds_up() -> None:
    served = serving(BILLION, MEASURED, 31)
    cost = money(BILLION, MEASURED, served, tiers(MEASURED, 220))
    assert cost.nodes == pytest.approx(served.machines * 2 * SEARCHES.hour * 730)
    assert cost.database == pytest.approx(3 * SEARCHES.month)
    assert cost.month == cost.nodes + cost.database + cost.objects
    assert cost.requests == pytest.approx(1e9 / 1000 * (0.005 + 0.0004))
    assert money(MILLION, MEASURED, served, tiers(MEASURED, 220)).database == 0


def test_the_graph_by_hand() -> None:
    made = building(MOST, MEASURED, 100, 4)
    assert made.edges == 2e12
    assert made.asked == 1e11 * 100 * 2560
    assert made.copied == 1e11 * 4 * 2560
    assert made.forest == 1e11 * 4 * 20
    assert made.listed == 1e11 * 20 * 20
    assert made.near == pytest.approx(made.hours / 25)
    # a million in its one segment is what was measured, on two cores
    assert building(MILLION, MEASURED, 1, 1).hours == pytest.approx(10 * 790.436 * 2 / 3600)
    # ten times the rows and the same share of new ones: a hundred times the products
    ratio = following(BILLION, MEASURED) / following(MILLION, MEASURED)
    assert ratio == pytest.approx(100**2)


def test_visits_follow_the_steepest_step_through_the_last_size() -> None:
    shares = {1: 1.0, 2: 1.0, 4: 1.0, 8: 1.0}
    power = fitted([Routing(16, 4, shares), Routing(64, 8, shares), Routing(256, 8, shares)])
    assert power.exponent == pytest.approx(0.5)
    assert power.of(256) == 8
    assert power.of(1024) == 16
    assert Power(10, 0).of(3) == 3


def test_checks_tell_their_error() -> None:
    assert checks.Check("", 110, 100, "s").error == pytest.approx(10)
    assert len(checks.known(MEASURED)) == 6


def test_words() -> None:
    assert [size(12), size(2.5e12)] == ["12.0 B", "2.50 TB"]
    assert [lasting(0.0145), lasting(100), lasting(86_400)] == ["14 ms", "1.7 min", "24 h"]
    assert [plain(0), plain(1234.5), plain(0.0123), plain(math.nan)] == [
        "0",
        "1,230",
        "0.0123",
        "-",
    ]
    assert dollars(8_123) == "$8,100"


def test_what_is_answered_is_not_asked_again() -> None:
    group = Group(2, 1, 1.2, exponential(1.0))
    seldom = responses(group, 5_000, hedge=1000.0)
    np.testing.assert_array_equal(seldom, responses(group, 5_000))


def test_what_was_answered_elsewhere_is_taken_out_of_the_queue() -> None:
    # Everything asked twice would be more work than the two can do.
    found = responses(Group(2, 1, 1.1, exponential(1.0)), 20_000, hedge=0.0)
    assert found.mean() < 10
