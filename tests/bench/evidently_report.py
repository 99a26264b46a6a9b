"""Evidently's drift report of one day, in the venv that holds Evidently.

python evidently_report.py TRAINING.parquet DAY.parquet PAGE.html

Prints its seconds, from rows in memory to the page.
"""

import sys
import time

import pandas
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset


def main(training: str, day: str, page: str) -> None:
    reference, current = pandas.read_parquet(training), pandas.read_parquet(day)
    texts = [name for name in reference if reference[name].dtype == object]
    numbers = [name for name in reference if name not in texts]
    definition = DataDefinition(numerical_columns=numbers, categorical_columns=texts)
    start = time.perf_counter()
    of_training = Dataset.from_pandas(reference, data_definition=definition)
    of_day = Dataset.from_pandas(current, data_definition=definition)
    snapshot = Report([DataDriftPreset()]).run(of_day, of_training)
    snapshot.save_html(page)
    print(time.perf_counter() - start)


if __name__ == "__main__":
    main(*sys.argv[1:])
