"""What a client gets told of a body that is wrong in many places: all of them, where, what to do, and nothing sent."""

import json
import re
import time
from typing import Any

import msgspec
import numpy as np
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segmentation.errors import InvalidFieldError, RequestError
from segmentation.histories import HistoryQuery
from segmentation.model import SQL
from segmentation.tables import ORDERS
from service.decoding import Bodies, Decoder, Limits, refusal, rules
from service.decoding.bodies import LARGEST, bodies
from service.decoding.decoder import commas_outside_texts
from service.errors import BodyTooLargeError
from tests.depth import examples
from tests.service.test_predict import post
from training.job import Result

Json = dict[str, Any]


def pointers(problem: Json) -> list[str]:
    return [error["pointer"] for error in problem["errors"]]


def test_everything_that_is_wrong_is_told_at_once(client: FlaskClient, features: Json, order: Json) -> None:
    body = {
        "customers": [
            {"features": features},
            {"features": features | {"monetary": -1, "recency_dayz": 1}},
            {"orders": [order, order | {"quantity": "two", "ordered_at": "yesterday"}, {"order_id": ""}]},
            {"customer_id": 2.5, "features": features},
            {"features": features, "orders": [order]},
            {"orders": [order | {"ordered_at": "1950-01-01T00:00:00Z"}]},
            {},
            7,
        ],
        "as_off": "2025-01-01T00:00:00Z",
    }
    status, problem = post(client, body)
    assert (status, problem["code"]) == (422, "invalid-field")
    assert sorted(pointers(problem)) == [
        "/as_off",
        "/customers/1/features/monetary",
        "/customers/1/features/recency_dayz",
        "/customers/2/orders/1/ordered_at",
        "/customers/2/orders/1/quantity",
        "/customers/2/orders/2/order_id",
        "/customers/2/orders/2/ordered_at",
        "/customers/3/customer_id",
        "/customers/4",
        "/customers/5/orders/0/ordered_at",
        "/customers/6",
        "/customers/7",
    ]
    assert problem["detail"].startswith("12 places of the body are wrong")
    assert all(error["detail"] and error["hint"] for error in problem["errors"])


def test_each_unknown_field_gets_its_nearest_match(client: FlaskClient, features: Json, order: Json) -> None:
    row = features | {"recency_dayz": 1, "monetery": 2}
    _, problem = post(client, {"customers": [{"features": row}, {"orders": [order | {"quantty": 1}]}]})
    hints = {error["pointer"]: error["hint"] for error in problem["errors"]}
    assert hints == {
        "/customers/0/features/recency_dayz": "did you mean 'recency_days'?",
        "/customers/0/features/monetery": "did you mean 'monetary'?",
        "/customers/1/orders/0/quantty": "did you mean 'quantity'?",
    }


def test_columns_are_looked_at_value_by_value(client: FlaskClient, features: Json) -> None:
    columns: Json = {name: [value] * 5 for name, value in features.items()}
    columns["monetary"] = [1, -1, 2, "x", None]
    columns["late_share"] = []
    _, problem = post(client, {"columns": columns, "customer_id": [1, True, "a", "", 5]})
    assert sorted(pointers(problem)) == [
        "/columns/late_share", "/columns/monetary/1", "/columns/monetary/3", "/columns/monetary/4",
        "/customer_id/1", "/customer_id/3",
    ]  # fmt: skip


def test_of_more_than_a_hundred_the_first_hundred_are_told(client: FlaskClient, features: Json) -> None:
    exactly = [{"features": features | {"monetary": -1}}] * 100
    _, problem = post(client, {"customers": exactly})
    assert pointers(problem) == [f"/customers/{number}/features/monetary" for number in range(100)]
    assert problem["detail"].startswith("100 places")
    _, problem = post(client, {"customers": exactly * 5})
    assert len(problem["errors"]) == 100
    assert problem["detail"].startswith("more than 100 places")


def test_everybody_without_a_computable_feature_is_told(client: FlaskClient, order: Json) -> None:
    bare = {name: value for name, value in order.items() if name != "unit_price"}
    late = order | {"ordered_at": "2025-12-01T00:00:00Z"}
    customers = [{"orders": [order]}, {"orders": [bare]}, {"orders": [late]}, {"orders": [bare]}]
    status, problem = post(client, {"customers": customers, "as_of": "2025-07-01T00:00:00Z"})
    assert status == 422
    assert sorted(pointers(problem)) == [f"/customers/{number}/orders" for number in (1, 2, 3)]


def test_too_large_is_said_before_what_is_wrong_inside(client: FlaskClient, order: Json) -> None:
    wrong = order | {"quantity": -1}
    for body, pointer in (
        ({"customers": [{}] * 1501}, "/customers"),
        ({"orders": [wrong] * 5001}, "/orders"),
        ({"customers": [{"orders": [wrong] * 4000}, {"orders": [wrong] * 4000}]}, "/customers/1/orders"),
        ({"columns": {"monetary": [-1] * 1501}}, "/columns/monetary"),
        ({"columns": {}, "customer_id": [""] * 1501}, "/customer_id"),
    ):
        status, problem = post(client, body)
        assert (status, problem["code"], pointers(problem)) == (413, "body-too-large", [pointer])


def test_names_and_numbers_at_the_edge_of_json_are_answered(client: FlaskClient, features: Json) -> None:
    number = '{"features": ' + json.dumps(features | {"monetary": -4242}) + "}"
    for text, pointer in (
        (number.replace("-4242", "1e999"), "/features/monetary"),
        (number.replace("-4242", "1" + "0" * 5000), "/features/monetary"),
        (number.replace('"features"', '"a/b~c": 1, "features"').replace("-4242", "1"), "/a~1b~0c"),
        ('{"customer_id": "\\ud83d\\ude00", "features": {}, "\\ud83d\\ude00": 1}', "/\N{GRINNING FACE}"),
    ):
        status, problem = post(client, text.encode())
        assert status == 422
        assert pointer in pointers(problem)
    for text in (
        number.replace("-4242", "NaN"),
        number.replace("-4242", "-Infinity"),
        number.replace("-4242", "012"),
        '{"customer_id": "\\ud800", "features": {}}',
        '{"\\ud800": 1}',
        '\ufeff{"features": {}}',
        '{"features": {"x": ' + "[" * 5_000 + "]" * 5_000 + "}}",
    ):
        assert post(client, text.encode())[0] == 400


def test_of_a_field_given_twice_the_last_counts_but_each_must_be_valid(client: FlaskClient, features: Json) -> None:
    twice = '{"features": ' + json.dumps(features)[:-1] + ', "monetary": %s}}'
    assert post(client, (twice % 17).encode()) == post(client, {"features": features | {"monetary": 17}})
    first_wrong = '{"features": {"monetary": -1, ' + json.dumps(features)[1:] + "}"
    status, problem = post(client, first_wrong.encode())
    assert (status, pointers(problem)) == (422, ["/features/monetary"])


@pytest.fixture(scope="module")
def types(sample_result: Result) -> Bodies:
    return bodies(sample_result.made.card, ORDERS, Limits(20, 30))


def test_megabytes_of_faults_are_refused_without_going_through_all(sample_result: Result) -> None:
    card = sample_result.made.card
    query = HistoryQuery(ORDERS, sample_result.made.files[SQL].decode(), card.feature_names)
    decoder = Decoder(card, query, Limits(50_000, 100_000))
    names = card.feature_names
    heaps: list[bytes] = [
        b'{"customers":[' + b"{}," * 3_000_000 + b"{}]}",
        b'{"customers":[' + b",".join([b'{"orders":[' + b"1," * 90 + b"1]}"] * 40_000) + b"]}",
        b'{"columns":{"monetary":[' + b'"",' * 3_000_000 + b"1]}}",
        b"{" + b",".join(b'"%d":0' % number for number in range(1_000_000)) + b"}",
        b'{"columns":{' + b",".join(b'"%s":["x"%s]' % (n.encode(), b',"x"' * 40_000) for n in names) + b"}}",
        b"[" + b"[]," * 3_000_000 + b"[]]",
    ]
    for heap in heaps:
        used = time.process_time()
        with pytest.raises(RequestError) as refused:
            decoder.decode(heap)
        assert len(refused.value.faults) <= 100
        # Of processor time, ten times what it takes: a quadratic way through would take minutes.
        assert time.process_time() - used < 20


@given(
    st.recursive(
        st.text('a,"\\\\') | st.integers(), lambda parts: st.lists(parts) | st.dictionaries(st.text('",\\\\'), parts)
    )
)
def test_commas_in_texts_are_no_values(document: Any) -> None:
    """What decides, before it is decoded, whether a body holds more values than it may."""
    content = json.dumps(document).encode()
    text = re.compile(rb'"(?:[^"\\]|\\.)*"')
    assert commas_outside_texts(content) == text.sub(b"", content).count(b",")


# Values that are near to right in every place, so that each place is wrong for its own reason.
atoms: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, 1, -1, 2.5, 1e13, 2**70, "", "a", "2025-01-01T00:00:00Z", "2025-13-01T00:00:00Z",
     "1900-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "x" * 600, [], {}]
)  # fmt: skip


def objects(names: list[str], values: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return st.dictionaries(st.sampled_from([*names, "other"]), values, max_size=4)


order_line = objects(list(ORDERS.names), atoms) | st.fixed_dictionaries(
    {"order_id": st.just("1"), "ordered_at": st.sampled_from(["2025-01-01T00:00:00Z", "1900-01-01T00:00:00Z"])}
)
rows = st.lists(order_line | atoms, max_size=3) | atoms


@st.composite
def documents(draw: st.DrawFn, names: tuple[str, ...]) -> Any:
    whole = st.just(dict.fromkeys(names, 1.0)) | st.just(dict.fromkeys(names[1:], 1))
    one = whole | objects(list(names), atoms) | atoms
    customer = st.fixed_dictionaries({}, optional={"customer_id": atoms, "features": one, "orders": rows}) | atoms
    columns = st.builds(lambda size: {name: [1.0] * size for name in names}, st.integers(0, 21)) | objects(
        list(names), st.lists(atoms, max_size=3) | atoms
    )
    return draw(
        st.fixed_dictionaries(
            {},
            optional={
                "customers": st.lists(customer, max_size=3) | st.lists(customer, min_size=21, max_size=22) | atoms,
                "features": one,
                "orders": rows,
                "columns": columns | atoms,
                "customer_id": st.lists(atoms, max_size=3) | atoms,
                "as_of": atoms,
                "other": atoms,
            },
        )
    )


@given(data=st.data())
@settings(
    max_examples=examples(400), deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_what_the_strict_pass_refuses_the_second_finds_wrong(types: Bodies, data: st.DataObject) -> None:
    document = data.draw(documents(types.names))
    content = json.dumps(document).encode()
    quick = refused_by(types, content)
    found = refusal._too_large(document, types) or list(refusal._all(document, types))
    assert (quick is not None) == bool(found)
    if quick is not None:
        assert refusal.refusal(content, quick, types).faults


def refused_by(types: Bodies, content: bytes) -> Exception | None:
    """What the strict decode and the rules say; None where they let the body pass."""
    try:
        body = msgspec.json.decode(content, type=types.body)
    except msgspec.ValidationError as error:
        return error
    wrong = next(rules.faults(body, types), None)
    if wrong is not None:
        return InvalidFieldError(wrong.message, pointer=wrong.pointer)
    customers = [body] if body.customers is msgspec.UNSET else body.customers
    lines = sum(len(customer.orders or ()) for customer in customers)
    return BodyTooLargeError("too many lines", pointer="") if lines > types.limits.orders else None


@pytest.mark.parametrize("end", ["low", "high"])
def test_columns_have_the_ranges_that_one_customer_has(
    client: FlaskClient, sample_result: Result, features: Json, end: str
) -> None:
    for feature in sample_result.made.card.features:
        outermost = getattr(feature, end)
        if outermost is None:
            outermost = -LARGEST if end == "low" else LARGEST
        beyond = float(np.nextafter(outermost, -np.inf if end == "low" else np.inf))
        for value, status in ((outermost, 200), (beyond, 422)):
            columns = {name: [median, value if name == feature.name else median] for name, median in features.items()}
            answered, answer = post(client, {"columns": columns})
            assert answered == status == post(client, {"features": features | {feature.name: value}})[0]
            if status == 422:
                assert [fault["pointer"] for fault in answer["errors"]] == [f"/columns/{feature.name}/1"]
