"""A search on a Dask cluster: here two processes, elsewhere as many machines.

    pip install ".[dask]" && python examples/dask_search.py

What is shown: joblib hands the fits to the cluster, workers leave each finished fold in
the journal, and the result is that of a search without a cluster. On several machines
the journal lies in a folder that all of them share.
"""

import os
import tempfile

from dask.distributed import Client, LocalCluster
from joblib import parallel_config
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skhpo import BayesSearchCV, KerasMLP, Real


def main():
    # Each worker has a core, and inherits these.
    os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["TF_NUM_INTEROP_THREADS"] = "1"
    X, y = load_digits(return_X_y=True)
    pipe = make_pipeline(MinMaxScaler(), KerasMLP(64, epochs=5, random_state=0))
    space = {"kerasmlp__learning_rate": Real(1e-4, 1e-1, "log-uniform")}
    with tempfile.TemporaryDirectory() as journal:
        search = BayesSearchCV(
            pipe, space, n_iter=6, n_points=2, cv=3, random_state=0, journal=journal
        )
        with (
            LocalCluster(n_workers=2, threads_per_worker=1) as cluster,
            Client(cluster),
            parallel_config(backend="dask"),
        ):
            search.fit(X, y)
    search.results_summary(3)


if __name__ == "__main__":
    main()
