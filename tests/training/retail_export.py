"""An order export as shops make it, invented: cancelled invoices, missing ids, postage, free gifts, repeated lines."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

HEADER = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country"
LINES = 541_909

MAPPING = """\
table: orders
file:
  encoding: latin-1
  date_format: "%d/%m/%Y %H:%M"
  timezone: Europe/London
columns:
  customer_id: Customer ID
  order_id: Invoice
  ordered_at: InvoiceDate
  product_id: StockCode
  quantity: Quantity
  unit_price: Price
cancelled:
  order_id_prefix: C
not_products: [POST, DOT, M, BANK CHARGES, gift_*]
"""


@dataclass(frozen=True)
class Export:
    """A file, and what is in it: lines by the cleaning rule that must find them, and customers with a line left."""

    path: Path
    lines: int
    expected: dict[str, int]
    customers: int


def write(folder: Path, lines: int = LINES, seed: int = 0) -> Export:
    """Write an export of that many lines."""
    rng = np.random.default_rng(seed)
    share = {
        "missing_customer": 0.249, "cancelled_line": 0.017, "not_a_product": 0.005, "negative_quantity": 0.002,
        "zero_price": 0.004, "exact_duplicate": 0.0097,
    }  # fmt: skip
    expected = {rule: int(part * lines) for rule, part in share.items()}
    # A third of what is cancelled was never bought from here.
    expected["cancelled_original"] = expected["cancelled_line"] * 2 // 3
    plain = _plain(lines - sum(expected.values()) + expected["cancelled_original"], rng)
    parts = [plain, _like(plain, expected["missing_customer"], rng, customer="", code="8")]
    bought = plain.sample(expected["cancelled_original"], random_state=1)
    never = _like(plain, expected["cancelled_line"] - len(bought), rng, code="NEVER")
    cancelled = pd.concat([bought, never])
    parts.append(
        cancelled.assign(
            invoice="C" + cancelled["invoice"],
            quantity=-cancelled["quantity"],
            at=cancelled["at"] + pd.Timedelta(days=3),
        )
    )
    postage = _like(plain, expected["not_a_product"], rng, code="9")
    parts.append(postage.assign(code=rng.choice(["POST", "DOT", "M", "BANK CHARGES", "gift_0001_20"], len(postage))))
    damaged = _like(plain, expected["negative_quantity"], rng, code="7")
    parts.append(damaged.assign(quantity=-damaged["quantity"]))
    parts.append(_like(plain, expected["zero_price"], rng, code="6").assign(price="0.00"))
    parts.append(plain.drop(bought.index).sample(expected["exact_duplicate"], random_state=2))
    table = pd.concat(parts).sample(frac=1, random_state=3)
    left = plain.drop(bought.index)
    path = folder / "orders.csv"
    text = (
        table["invoice"] + "," + table["code"] + "," + table["text"] + "," + table["quantity"].astype(str) + ","
        + table["at"].dt.strftime("%d/%m/%Y %H:%M") + "," + table["price"] + "," + table["customer"] + ",United Kingdom"
    )  # fmt: skip
    path.write_bytes("\r\n".join([HEADER, *text, ""]).encode("latin-1"))
    return Export(path, len(table), expected, left["customer"].nunique())


def _plain(lines: int, rng: np.random.Generator) -> pd.DataFrame:
    invoice = np.sort(rng.integers(0, lines // 20, lines))
    customer = (12346 + rng.integers(0, max(100, lines // 90), lines // 20 + 1)).astype(str)
    minute = np.sort(rng.integers(0, 370 * 1440, lines // 20 + 1))
    text = rng.choice(
        ["WHITE HANGING HEART T-LIGHT HOLDER", '"CAKE CASES, SET OF 60"', "VOUCHER £5", "CAFÉ SIGN"], lines
    )
    return pd.DataFrame(
        {
            "invoice": (536_365 + invoice).astype(str),
            # No product twice on one invoice: the same line twice would be a duplicate that nobody put there.
            "code": np.char.add("2", np.char.zfill(np.arange(lines).astype(str), 6)),
            "text": text,
            "quantity": rng.integers(1, 48, lines),
            "at": pd.Timestamp("2010-12-01 08:00") + pd.to_timedelta(minute[invoice], unit="min"),
            "price": np.char.mod("%.2f", rng.integers(29, 2_000, lines) / 100),
            "customer": np.char.add(customer[invoice], ".0"),
        }
    )


def _like(plain: pd.DataFrame, number: int, rng: np.random.Generator, **changed: str) -> pd.DataFrame:
    """Other lines of the same invoices; their product ids begin with `code`."""
    lines = plain.iloc[rng.integers(0, len(plain), number)].reset_index(drop=True)
    code = changed.pop("code")
    lines = lines.assign(**changed, code=[f"{code}{position:06d}" for position in range(number)])
    return lines.set_index(-1 - lines.index)
