"""The shop's own table of customers, and its complaints, for the worked example of docs/lists.md: all of it invented.

`python examples/lists/generate_customers.py segments.parquet .` writes customers.csv and complaints.txt into a folder.
Three in four agreed to the newsletter, one in a hundred has no e-mail address, and one in forty complained.
"""

import sys
from pathlib import Path

import duckdb

NAMES = ["Ana", "Bruno", "Carla", "Davi", "Elisa", "Felipe", "Gabriela", "Hugo"]


def main(assignments: Path, folder: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE seen AS SELECT customer_id, md5(customer_id) AS drawn FROM '{assignments}'")
        connection.execute(
            f"""COPY (SELECT customer_id,
            CASE WHEN substr(drawn, 1, 2) >= '03' THEN 'c' || substr(drawn, 8, 12) || '@example.org' END AS mail,
            {NAMES}[CAST('0x' || substr(drawn, 3, 1) AS INTEGER) % {len(NAMES)} + 1] AS given_name,
            CASE WHEN substr(drawn, 4, 1) < 'c' THEN 'yes' ELSE 'no' END AS newsletter
            FROM seen ORDER BY customer_id) TO '{folder / "customers.csv"}' (FORMAT csv, HEADER)"""
        )
        complained = "SELECT customer_id FROM seen WHERE substr(drawn, 5, 2) < '06' ORDER BY customer_id"
        connection.execute(f"COPY ({complained}) TO '{folder / 'complaints.txt'}' (FORMAT csv, HEADER false)")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
