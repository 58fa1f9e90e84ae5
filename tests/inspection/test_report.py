"""The page about a search, as it is written and as a browser shows it."""

import re
import shutil

import numpy as np
import pytest
from made_results import made_results
from scipy.stats import loguniform, randint
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skhpo.inspection import report
from skhpo.model_selection import (
    BayesSearchCV,
    Categorical,
    HyperbandSearchCV,
    Integer,
)

X, Y = load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def hyperband():
    search = HyperbandSearchCV(
        DecisionTreeClassifier(random_state=0),
        {"min_samples_leaf": Integer(1, 50), "criterion": ["gini", "none"]},
        resource="max_depth",
        max_resource=4,
        factor=2,
        cv=2,
        random_state=0,
    )
    with pytest.warns():
        # Where the criterion is none.
        return search.fit(X, Y)


@pytest.fixture(scope="module")
def page(hyperband, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    assert report(hyperband, path) == path
    return path


def section(path, name):
    text = path.read_text("utf-8")
    return re.search(rf'<section id="{name}">(.*?)</section>', text, re.DOTALL)[1]


def facts(path, name):
    pairs = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", section(path, name))
    return dict(pairs)


def test_summary(page, hyperband):
    found = facts(page, "summary")
    assert float(found["best score"].split()[0]) == pytest.approx(
        hyperband.best_score_, abs=1e-4
    )
    assert found["best trial"] == str(hyperband.best_index_)
    scores = hyperband.cv_results_["mean_test_score"]
    n_failed = np.isnan(scores).sum()
    assert n_failed
    assert found["trials"] == f"{len(scores)}, {n_failed} failed"
    assert found["splits"] == "2"
    assert found["estimator"] == "DecisionTreeClassifier"
    assert found["data"] == "150 by 4, 3 classes"
    assert "for the last fit" in found["time"]


def test_best_settings(page, hyperband):
    expected = {name: str(value) for name, value in hyperband.best_params_.items()}
    assert facts(page, "best-settings") == expected


def test_pictures(page):
    content = section(page, "pictures")
    assert content.count("<figure>") == 6
    # Each for a light screen and for a dark one.
    images = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", content)
    assert len(images) == len(set(images)) == 12


def test_space_failures_and_versions(page):
    assert "min_samples_leaf: Integer(" in section(page, "space")
    failures = section(page, "failures")
    assert re.search(r"<summary>trial \d+, split 0[;<]", failures)
    assert "&#x27;criterion&#x27; parameter" in failures
    assert {"Python", "skhpo", "scikit-learn", "numpy"} <= set(facts(page, "versions"))


def test_nothing_comes_from_elsewhere(page):
    text = page.read_text("utf-8")
    found = re.findall(r'(?:src|href|srcset)="([^"]*)"', text)
    assert found
    assert all(link.startswith(("#", "data:image/png")) for link in found)
    assert "url(" not in text
    assert "@import" not in text
    assert "fetch(" not in text


def test_searches_of_scikit_learn(tmp_path):
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    grid = {"standardscaler__with_std": [False], "logisticregression__C": [1.0, -1.0]}
    search = GridSearchCV(
        pipeline, grid, scoring=["accuracy", "neg_log_loss"], refit="accuracy", cv=2
    )
    with pytest.warns():
        search.fit(X, Y)
    path = report(search, tmp_path / "report.html")
    found = facts(path, "summary")
    assert found["estimator"] == "StandardScaler → LogisticRegression"
    assert found["trials"] == "2, 1 failed"
    assert found["data"] == "4 features, 3 classes"
    # Too few for a model.
    assert section(path, "pictures").count("There is none: ") == 3
    assert "error_score=" in section(path, "failures")
    heads = re.findall("<th [^>]*>(.*?)</th>", section(path, "trials"))
    assert heads == [
        "trial",
        "accuracy",
        "± accuracy",
        "neg_log_loss",
        "± neg_log_loss",
        "C",
        "with_std",
        "seconds",
        "state",
    ]
    other = report(search, tmp_path / "other.html", metric="neg_log_loss")
    assert facts(other, "summary")["best score"].startswith("-")


def test_the_best_by_another_metric(tmp_path):
    grid = GridSearchCV(
        LogisticRegression(max_iter=1000),
        {"C": [1e-4, 1.0]},
        scoring={"bad": negative_accuracy, "acc": "accuracy"},
        refit="bad",
        cv=2,
    ).fit(X, Y)
    best = {
        metric: facts(
            report(grid, tmp_path / f"{metric}.html", metric=metric), "summary"
        )
        for metric in ("bad", "acc")
    }
    assert best["bad"]["best trial"] == "0"
    assert best["acc"]["best trial"] == "1"
    assert float(best["acc"]["best score"].split()[0]) > 0.9


def negative_accuracy(estimator, X, y):
    return -estimator.score(X, y)


def space(hp):
    return {"max_depth": hp.Int("depth", 1, 3)}


def test_more_of_a_search_of_ours(tmp_path):
    search = BayesSearchCV(
        DecisionTreeClassifier(),
        space,
        n_iter=3,
        cv=2,
        random_state=0,
        patience=1,
        journal=tmp_path / "journal",
    ).fit(X, Y)
    path = report(search, tmp_path / "report.html")
    found = facts(path, "summary")
    assert found["ended early by"] == "patience"
    assert found["journal"] == str(tmp_path / "journal")
    assert "hp.Int(&quot;depth&quot;, 1, 3)" in section(path, "space")
    assert "No fit failed." in section(path, "failures")


def test_names_and_values_are_no_markup(tmp_path):
    class Odd(Ridge):
        def __init__(self, note="", alpha=1.0):
            super().__init__(alpha=alpha)
            self.note = note

    grid = {"note": ["<script>alert(1)</script>", "</td>", '"&amp;']}
    search = GridSearchCV(Odd(), grid, cv=2).fit(X, Y)
    path = report(search, tmp_path / "report.html")
    text = path.read_text("utf-8")
    assert "alert(1)</script>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "&quot;&amp;amp;" in text


def test_not_fitted(tmp_path):
    path = tmp_path / "report.html"
    with pytest.raises(NotFittedError, match="GridSearchCV instance is not fitted"):
        report(GridSearchCV(Ridge(), {}), path)
    with pytest.raises(TypeError, match=r"must be a fitted search .* got Ridge"):
        report(Ridge().fit(X, Y), path)
    with pytest.raises(TypeError, match="must be a fitted search, got its results"):
        report(made_results(), path)
    with pytest.raises(ValueError, match=r"got 'f1'. There are \['score'\]"):
        report(GridSearchCV(Ridge(), {}, cv=2).fit(X, Y), path, metric="f1")
    assert not path.exists()


def test_best_of_another_metric_than_the_search_went_by(tmp_path):
    grid = {"max_depth": [1, 2, 3]}
    search = GridSearchCV(
        DecisionTreeClassifier(random_state=0),
        grid,
        scoring={"score": "neg_log_loss", "accuracy": "accuracy"},
        refit="accuracy",
    ).fit(*load_iris(return_X_y=True))
    for metric in ("score", "accuracy"):
        page = report(search, tmp_path / "report.html", metric=metric).read_text()
        best = np.argmax(search.cv_results_[f"mean_test_{metric}"])
        assert f"<dt>best trial</dt><dd>{best}</dd>" in page


def test_settings_of_the_best_are_those_it_set(tmp_path):
    search = HalvingGridSearchCV(
        DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2, 3]}, cv=2
    ).fit(*load_iris(return_X_y=True))
    page = report(search, tmp_path / "report.html")
    assert list(facts(page, "best-settings")) == ["max_depth"]


def test_trials_of_a_function_have_what_it_asked_for(tmp_path):
    def space(hp):
        return {"alpha": 10.0 ** hp.Int("power", 0, 3)}

    search = BayesSearchCV(Ridge(), space, n_iter=3, cv=2, random_state=0).fit(X, Y)
    page = report(search, tmp_path / "report.html")
    best = {"alpha": str(search.best_params_["alpha"])}
    assert facts(page, "best-settings") == best
    heads = re.findall(r"<th[^>]*>([^<]+)</th>", section(page, "trials"))
    assert "power" in heads
    assert "alpha" not in heads


def test_failures_of_one_error_are_told_once(tmp_path):
    search = BayesSearchCV(
        Ridge(), {"alpha": Categorical([1.0, -1.0])}, n_iter=2, cv=7, random_state=0
    )
    with pytest.warns():
        search.fit(X, Y)
    failures = section(report(search, tmp_path / "report.html"), "failures")
    assert failures.count("<details>") == 1
    assert "split 4; and 2 more" in failures


def test_no_folder(tmp_path):
    path = tmp_path / "missing" / "report.html"
    with pytest.raises(FileNotFoundError, match=r"in a folder .* Make the folder"):
        report(GridSearchCV(Ridge(), {}, cv=2).fit(X, Y), path)


# In a browser

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Return the page of a search of a thousand trials, and the search."""
    search = RandomizedSearchCV(
        DecisionTreeClassifier(random_state=0),
        {
            "max_depth": randint(1, 9),
            "ccp_alpha": loguniform(1e-4, 1e-1),
            "criterion": ["gini", "entropy"],
        },
        n_iter=1000,
        cv=2,
        random_state=0,
    ).fit(X[::3], Y[::3])
    folder = tmp_path_factory.mktemp("large")
    return report(search, folder / "report.html"), search


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("needs chromium and chromedriver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for option in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
    ):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(executable_path=DRIVER)
    driver = webdriver.Chrome(options=options, service=service)
    yield driver
    driver.quit()


def column(browser, number):
    """Return the texts of the shown cells of a column."""
    return browser.execute_script(
        "return [...document.querySelectorAll('#table tbody tr')]"
        ".filter(row => !row.hidden).map(row => row.cells[arguments[0]].textContent)",
        number,
    )


@pytest.fixture
def shown(browser, large):
    path, search = large
    from selenium.webdriver.support.wait import WebDriverWait

    browser.get(path.as_uri())
    # A browser that has just started may show its own first page for a moment.
    heads = WebDriverWait(browser, 30).until(
        lambda browser: browser.find_elements("css selector", "#table th button")
    )
    return browser, {head.text: head for head in heads}, search.cv_results_


def test_table_sorts(shown):
    browser, heads, results = shown
    scores = results["mean_test_score"]
    heads["score"].click()
    found = [float(text) for text in column(browser, 1)]
    np.testing.assert_allclose(found, np.sort(scores)[::-1], atol=1e-3)
    heads["score"].click()
    found = [float(text) for text in column(browser, 1)]
    np.testing.assert_allclose(found, np.sort(scores), atol=1e-3)
    heads["criterion"].click()
    assert column(browser, 4) == sorted(results["param_criterion"])
    sorts = browser.execute_script(
        "return [...document.querySelectorAll('#table th')].map(h => h.ariaSort)"
    )
    assert sorts == ["none"] * 4 + ["ascending"] + ["none"] * (len(sorts) - 5)


def test_table_filters(shown):
    browser, heads, results = shown
    box = browser.find_element("css selector", ".filter input")
    count = browser.find_element("css selector", ".filter output")
    assert count.text == "1000 of 1000 trials"
    box.send_keys("ENTROPY")
    n_entropy = list(results["param_criterion"]).count("entropy")
    assert count.text == f"{n_entropy} of 1000 trials"
    assert set(column(browser, list(heads).index("criterion"))) == {"entropy"}
    box.send_keys(" gini")
    assert count.text == "0 of 1000 trials"


def test_nothing_is_wrong_in_the_browser(shown):
    browser, _, _ = shown
    assert browser.get_log("browser") == []
    # All pictures were drawn.
    widths = browser.execute_script(
        "return [...document.images].map(image => image.naturalWidth)"
    )
    assert len(widths) == 5
    assert min(widths) > 300
    width = browser.execute_script(
        "return [document.documentElement.scrollWidth, innerWidth]"
    )
    assert width[0] <= width[1]


def test_dark_and_narrow(shown):
    browser, _, _ = shown
    texts = []
    for scheme in ("light", "dark"):
        feature = {"name": "prefers-color-scheme", "value": scheme}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        colors = browser.execute_script(
            "const style = getComputedStyle(document.body);"
            "return [style.backgroundColor, style.color]"
        )
        levels = [np.mean([int(n) for n in re.findall(r"\d+", c)[:3]]) for c in colors]
        assert abs(levels[0] - levels[1]) > 180
        texts.append(
            (
                levels[0] > levels[1],
                browser.execute_script("return document.images[0].currentSrc"),
            )
        )
    assert [is_light for is_light, _ in texts] == [True, False]
    assert texts[0][1] != texts[1][1]
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": False},
    )
    # Nothing came from elsewhere.
    loaded = browser.execute_script(
        "return performance.getEntriesByType('resource').map(entry => entry.name)"
    )
    assert [name for name in loaded if not name.startswith("data:")] == []
    # The table and wide pictures scroll by themselves; the page does not.
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 360
    shares = browser.execute_script(
        "return [...document.images].map(i => i.width / i.getAttribute('width'))"
    )
    assert min(shares) >= 0.69
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
